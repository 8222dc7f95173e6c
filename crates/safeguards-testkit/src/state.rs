//! The conformance suite of a store of shared state: one case for each rule of
//! [`StateStore`](safeguards_coord::StateStore).
//!
//! A case is a function that takes a [`StateDesk`] and panics where the store does not keep the rule that its first line
//! quotes. [`state_store_conformance!`](crate::state_store_conformance) makes a test of each. After each case all changes
//! are read, and must tell what is there.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a case is an assertion: it panics where the store does not keep the rule"
)]

mod desk;
mod env;
mod faulty;
mod plain;
mod sequences;

pub mod bad_input;
pub mod changes;
pub mod concurrency;
pub mod deleting;
pub mod durability;
pub mod history;
pub mod lifetimes;
pub mod listing;
pub mod reading;
pub mod rights;
pub mod room;
#[doc(hidden)]
pub mod suite;
pub mod writing;

pub use desk::StateDesk;
pub use env::{StateEnv, StateSetup};
pub use faulty::{FaultyStateStore, StateCall, StateFault};
pub use plain::PlainStateStore;
pub use sequences::{StateAct, StateSequence, StateTally, StateTurn, state_sequences};

/// What every case is written with.
mod prelude {
    pub(super) use std::time::Duration;

    pub(super) use safeguards_coord::{
        KeyRules, Revision, StateBounds, StateChangeKind, StateError, StateQuery, StateRight,
        StateRoom, StateScope,
    };
    pub(super) use serde_json::{Value, json};

    pub(super) use super::desk::{StateDesk, key, line, names, numbers, soon, terms, write};
}
