//! Agents, teams and strategies that always end, under a budget.
//!
//! A [`Team`] of agents gets a [`Task`]; a [`Strategy`] cuts it into steps; the [`Runner`] holds the estimate
//! of each step, runs its agent under a deadline, settles what it really cost, and reports. Every step ends in
//! exactly one [`State`], with a reason and with what it spent.
//!
//! ```
//! use std::sync::Arc;
//! use safeguards_budget::{Limit, MemoryLedger, OpenAccount};
//! use safeguards_coord::{Member, Pipeline, Reply, RunOptions, Runner, Task, Team, agent_fn};
//! use safeguards_types::{SystemClock, usd};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!
//! let ledger = MemoryLedger::new();
//! let accounts = ledger.sync();
//! accounts.open_account(OpenAccount::new("pool").limit(Limit::lifetime(usd!(1))), ledger.operation())?;
//! accounts.open_account(OpenAccount::new("reader").under("pool"), ledger.operation())?;
//! accounts.open_account(OpenAccount::new("writer").under("pool"), ledger.operation())?;
//!
//! let reader = agent_fn("reader", |task: Task, _cx| async move {
//!     Ok(Reply::text(format!("read about {}", task.text())).cost(usd!(0.30)))
//! });
//! let writer = agent_fn("writer", |_task, _cx| async { Ok(Reply::text("never written")) });
//! let members = [Member::new(reader, usd!(0.40)), Member::new(writer, usd!(0.80))];
//! let team = Team::new("research", "pool", members)?;
//!
//! let runner = Runner::new(Arc::new(ledger.clone()), Arc::new(SystemClock::new()));
//! let options = RunOptions::new(ledger.operation());
//! let report = runner.run(&team, Task::new("bees"), &Pipeline::new(), options).await?;
//!
//! // The writer asks for 0.80 USD, and 0.70 are left: it never starts.
//! assert_eq!(report.steps[0].to_string(), "reader: succeeded, spent 0.30 USD, 1 requests");
//! assert_eq!(report.steps[1].to_string(), "writer: denied (budget.limit_exceeded), spent nothing");
//! # Ok(())
//! # }
//! ```
//!
//! - [`Agent`] is the seam for who does the work: [`agent_fn`] makes one of a closure, [`ProgramAgent`] of any
//!   program.
//! - [`Strategy`] is the seam for what comes next: [`Pipeline`], [`FanOut`], or your own pure function.
//! - A step may ask for a capability instead of naming an agent: a [`Selector`] chooses who of the team does it.
//! - [`RunEvent`]s tell an [`Observer`] what happens while it happens.
//!
//! - [`SharedState`] is what agents know together; where it is kept is the seam [`StateStore`].
//! - [`RunStore`] is the seam for where runs are written down; [`Runner::resume`] goes on with one.
//! - [`TaskGraph`] knows what waits for what; it is here without the feature `teams` too.
//!
//! # What a run costs
//!
//! What an agent says that it cost, or what it had drawn if that is more; if it says nothing, what it had
//! drawn; if that is nothing too, the estimate, marked [`CostBasis::Estimate`]. Failing, timing out and being
//! cancelled change nothing about that. Only an attempt that never began is free.

mod graph;
mod seat;

#[cfg(feature = "teams")]
mod agent;
#[cfg(feature = "teams")]
mod agent_team;
#[cfg(feature = "teams")]
mod bill;
#[cfg(feature = "teams")]
mod blocking;
#[cfg(feature = "teams")]
mod context;
#[cfg(feature = "teams")]
mod error;
#[cfg(feature = "teams")]
mod event;
#[cfg(feature = "teams")]
mod id;
#[cfg(feature = "teams")]
mod memory_state;
#[cfg(feature = "teams")]
mod panics;
#[cfg(all(feature = "teams", unix))]
mod program;
#[cfg(feature = "teams")]
mod report;
#[cfg(feature = "teams")]
mod retry;
#[cfg(feature = "teams")]
mod run_store;
#[cfg(feature = "teams")]
mod runner;
#[cfg(feature = "teams")]
mod selector;
#[cfg(feature = "teams")]
mod shared_state;
#[cfg(feature = "teams")]
mod size;
#[cfg(feature = "teams")]
mod state;
#[cfg(feature = "teams")]
mod state_store;
#[cfg(feature = "teams")]
mod strategy;
#[cfg(feature = "teams")]
mod task;
#[cfg(feature = "teams")]
mod team;
#[cfg(feature = "teams")]
pub mod telemetry;

#[cfg(feature = "mock")]
pub use self::{
    agent::MockAgent, run_store::MockRunStore, selector::MockSelector, state_store::MockStateStore,
};
pub use graph::{
    CriticalPath, Cycle, GraphError, Missing, NewTask, OnFailure, TaskCounts, TaskGraph, TaskId,
    TaskRef, TaskState, TaskView,
};
#[cfg(all(feature = "teams", unix))]
pub use program::{EnvPolicy, ProgramAgent};
pub use seat::Seat;
#[cfg(feature = "teams")]
pub use {
    agent::{Agent, Descriptor, agent_fn},
    agent_team::AgentTeam,
    bill::{CostBasis, CostMismatch},
    blocking::{BlockingPool, blocking_fn},
    context::{Context, DelegateError, DrawError, MessageError, NotGiven},
    error::{AgentError, AgentErrorKind, RunError, RunFault, TeamError},
    event::{AttemptId, Observer, RunEvent, RunFact},
    id::{RunId, StepId},
    memory_state::{MemoryStateStore, MemoryStateStoreBuilder, SyncStateStore},
    report::{Report, StepReport},
    retry::Retry,
    run_store::{
        EntryKey, Intent, MemoryRunStore, Outcome, RunEnd, RunEntry, RunHead, RunQuery, RunStore,
        RunStoreBounds, RunStoreError, RunStoreErrorKind, RunView, SyncRunStore,
    },
    runner::{Guards, RunOptions, Runner},
    selector::{Candidate, Loads, Selection, Selector, TeamSelector, Unfit},
    shared_state::{
        Access, CheckedWrite, InvalidState, InvalidStateKind, KeyRules, KeyStanding, Lifetime,
        Revision, SharedState, StateBounds, StateChange, StateChangeKind, StateChanges, StateDeed,
        StateEntry, StateError, StateKey, StatePage, StateQuery, StateReading, StateRecord,
        StateRight, StateRoom, StateScope, StateStoreError, StateStoreErrorKind, StateTerms,
        StateWatch, StateWrite,
    },
    state::{Reason, State},
    state_store::{StateSeat, StateStore, StateStoreBounds, StateWaiters},
    strategy::{
        Choice, FanOut, Graph, HandOver, MapReduce, Move, Next, Part, Pipeline, Policy, Progress,
        Step, StepProgress, Strategy, StrategyFault, Subtask, Supervise, UnknownStrategy, Vote,
        strategy_named,
    },
    task::{Cost, Reply, Task},
    team::{Member, Team},
};

// The crates that signatures here name, so that who uses this one needs no other.
#[cfg(feature = "teams")]
pub use safeguards_budget as budget;
pub use safeguards_discovery as discovery;
#[cfg(feature = "teams")]
pub use safeguards_notify as notify;
#[cfg(feature = "teams")]
pub use safeguards_pricing as pricing;
pub use safeguards_types as types;

// Only where it is read: a build of the library needs no file beside its own.
#[cfg(all(doc, feature = "teams"))]
#[doc = include_str!("../docs/runs.md")]
pub mod concepts {}

// What the page shows is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
