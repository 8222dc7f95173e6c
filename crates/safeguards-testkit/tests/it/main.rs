//! The test kit, tested: the suite against the ledger in memory, and what stands beside the suite.
//!
//! - `memory`: every case, against [`MemoryLedger`](safeguards_budget::MemoryLedger).
//! - `event_bus`: every case of an event bus, against two that share no code, and behind one that is slow.
//! - `slow`: every case, against one whose futures wait and can be dropped on the way.
//! - `faulty`: what a ledger that fails does, and that a retry under the same id makes it good.
//! - `listed`: every case stands in the list of the suite.
//! - `fixtures`: the model alone, against scripts with the answers that are agreed on.
//! - `sequences`: random sequences meet every denial.
//! - `registries`: every case of a registry, against the naive one, and what a faulty one does.
//! - `run_stores`: every case of a run store, against the naive one, and what a faulty one does.
//! - `state_stores`: every case of a store of shared state, against the naive one, and what a faulty one does.
//! - `alert_channels`: every case for channels, against those of the crate and the one that records.
//! - `alert_stores`: every case for stores of alerts, against the one in memory and one that replays a file.
//! - `replayed`: that store, written without a look at the one in memory.
//! - `alert_faults`: what faulty channels and stores do, and that each case stands in its list.

mod alert_channels;
mod alert_faults;
mod alert_stores;
mod event_bus;
mod faulty;
#[cfg(shared_data)]
mod fixtures;
mod listed;
mod memory;
mod registries;
mod replayed;
mod run_stores;
mod sequences;
mod slow;
mod state_stores;
