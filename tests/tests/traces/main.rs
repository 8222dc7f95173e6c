//! Sessions that real agents had, replayed as teams: what budgets, holds and guards make of them.
//!
//! - `recorded`: the recordings, read.
//! - `script`: what a recorded session is as turns of a hand-over team.
//! - `stage`: the team, who answers from the recording, and who runs it.
//! - `money`: what a session costs, and where a tight pool ends it.
//! - `loops`: where the guards end it, beside what its own orchestrator thought.
//! - `failed`: where guards and budgets end runs that failed, beside the step that people blame.
//! - `page`: `docs/reference/loops.md` says what is found here.
//!
//! They need `../shared/data`, and are named as not run where it is missing.

mod failed;
mod loops;
mod money;
mod page;
mod recorded;
mod script;
mod stage;
