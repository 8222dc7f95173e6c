//! What most programs need: `use safeguards::prelude::*`.
//!
//! It is a list of names, never a glob of a whole crate: what budgets, alerts and teams take in most programs.

pub use safeguards_api::{Safeguards, TeamSpec};
pub use safeguards_budget::{CommandError, Denial, Hold, LedgerExt, Limit, Receipt, Window};
pub use safeguards_coord::{
    Agent, AgentError, AgentTeam, Context, FanOut, Graph, HandOver, MapReduce, Member, NewTask,
    Pipeline, Reply, Report, Retry, RunOptions, Runner, State, Supervise, Task, TaskGraph, Team,
    Vote, agent_fn,
};
pub use safeguards_discovery::{Capability, Order, Query};
pub use safeguards_notify::{Alert, Alerts, EventBus, EventBusExt};
pub use safeguards_types::{Amount, Amounts, Priority, Severity, requests, tokens, usd};

/// The lowest priority.
pub const P1: Priority = Priority::P1;
/// Priority 2.
pub const P2: Priority = Priority::P2;
/// Priority 3.
pub const P3: Priority = Priority::P3;
/// Priority 4.
pub const P4: Priority = Priority::P4;
/// The middle priority, and the default.
pub const P5: Priority = Priority::P5;
/// Priority 6.
pub const P6: Priority = Priority::P6;
/// Priority 7.
pub const P7: Priority = Priority::P7;
/// Priority 8.
pub const P8: Priority = Priority::P8;
/// Priority 9.
pub const P9: Priority = Priority::P9;
/// The highest priority.
pub const P10: Priority = Priority::P10;
