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
//! # What a run costs
//!
//! What an agent says that it cost, or what it had drawn if that is more; if it says nothing, what it had
//! drawn; if that is nothing too, the estimate, marked [`CostBasis::Estimate`]. Failing, timing out and being
//! cancelled change nothing about that. Only an attempt that never began is free.

mod agent;
mod bill;
mod context;
mod error;
mod event;
mod id;
mod panics;
#[cfg(unix)]
mod program;
mod report;
mod run_store;
mod runner;
mod selector;
mod state;
mod strategy;
mod task;
mod team;

pub use agent::{Agent, Descriptor, agent_fn};
pub use bill::{CostBasis, CostMismatch};
pub use context::Context;
pub use error::{AgentError, AgentErrorKind, RunError, RunFault, TeamError};
pub use event::{AttemptId, Observer, RunEvent, RunFact};
pub use id::{RunId, StepId};
#[cfg(unix)]
pub use program::{EnvPolicy, ProgramAgent};
pub use report::{Report, StepReport};
pub use run_store::{
    EntryKey, Intent, MemoryRunStore, Outcome, RunEnd, RunEntry, RunHead, RunQuery, RunStore,
    RunStoreBounds, RunStoreError, RunStoreErrorKind, RunView, SyncRunStore,
};
pub use runner::{RunOptions, Runner};
pub use selector::{Candidate, Loads, Selection, Selector, TeamSelector, Unfit};
pub use state::{Reason, State};
pub use strategy::{
    Choice, FanOut, HandOver, MapReduce, Move, Next, Part, Pipeline, Policy, Progress, Seat, Step,
    StepProgress, Strategy, StrategyFault, Subtask, Supervise, UnknownStrategy, Vote,
    strategy_named,
};
pub use task::{Cost, Reply, Task};
pub use team::{Member, Team};
