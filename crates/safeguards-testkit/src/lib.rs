//! What every Safeguards ledger, channel and store of alerts must pass, and what tests of code above them stand
//! on.
//!
//! # For authors of ledgers
//!
//! One line runs the conformance suite: more than three hundred cases, a test each, named after the rule that
//! it is about. The rules and their cases are listed in `docs/reference/laws.md`.
//!
//! ```
//! use std::sync::Arc;
//!
//! use safeguards_budget::MemoryLedger; // your ledger
//! use safeguards_testkit::{Setup, TestEnv, ledger_conformance};
//!
//! async fn make(setup: Setup) -> TestEnv {
//!     let ledger = MemoryLedger::with_bounds(setup.clock.clone(), setup.bounds);
//!     TestEnv::new(Arc::new(ledger), setup.clock)
//! }
//!
//! ledger_conformance!(make);
//! # fn main() {}
//! ```
//!
//! What a ledger cannot do it says there, and the cases that need it are then *ignored* by name, never passed in
//! silence: see [`ledger_conformance!`]. After each case an [auditor](audit) reads the entries that it left behind.
//! A whole ledger written outside, with all that its author owes, stands in `examples/third-party-ledger`.
//!
//! # For authors of event buses
//!
//! [`event_bus_conformance!`] runs the suite of an [`EventBus`](safeguards_notify::EventBus) in the same manner; see
//! [`bus`].
//!
//! # For authors of run stores
//!
//! [`run_store_conformance!`] does so of a [`RunStore`](safeguards_coord::RunStore); see [`runs`].
//!
//! # For tests of teams
//!
//! A [`ScriptedAgent`] succeeds, fails, hangs, panics, draws and delegates as it is told, remembers what it was asked and
//! knows what it cost. A [`Simulation`] runs a team on paused time, the same way every time for one seed.
//!
//! # For authors of stores of shared state
//!
//! [`state_store_conformance!`] makes a test of each line of the contract of
//! [`StateStore`](safeguards_coord::StateStore); see [`state`].
//!
//! # For tests of code above a ledger
//!
//! [`FaultyLedger`] stands around any ledger and fails as it is told, before or after a submission was carried out.
//!
//! # For authors of channels and of stores of alerts
//!
//! [`channel_conformance!`] makes a test of each line of the contract of
//! [`Channel`](safeguards_notify::Channel), and [`alert_store_conformance!`] of
//! [`AlertStore`](safeguards_notify::AlertStore).
//!
//! # For tests of code above alerts
//!
//! [`RecordingChannel`] keeps what it is given, [`FaultyChannel`] and [`FaultyAlertStore`] fail as they are told,
//! and a [`PausedClock`] lets hours of grouping and escalation pass in a blink.
//!
//! # For the ledger itself
//!
//! [`Model`] answers as every ledger must, found in the most naive way; [`sequences`] are random commands to ask
//! both.

pub mod agents;
pub mod alerts;
pub mod audit;
pub mod bus;
pub mod conformance;
mod env;
mod faulty;
mod model;
mod paused;
pub mod registry;
pub mod runs;
pub mod sequences;
mod simulation;
pub mod state;

pub use agents::{Call, CallEnd, Script, ScriptedAgent};
pub use alerts::{
    Attempt, ChannelEnv, ChannelFault, FaultyAlertStore, FaultyChannel, RecordingChannel, Repeats,
    StoreDesk, StoreEnv, StoreFault, StoreSetup,
};
pub use env::{Setup, TestEnv};
pub use faulty::{Fault, FaultyLedger};
pub use model::Model;
pub use paused::PausedClock;
pub use simulation::{Scheduler, Simulated, Simulation};

// The crates that signatures here name, so that who uses this one needs no other.
pub use safeguards_budget as budget;
pub use safeguards_coord as coord;
pub use safeguards_discovery as discovery;
pub use safeguards_notify as notify;
pub use safeguards_types as types;

// What the page shows is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
