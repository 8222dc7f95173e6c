//! The conformance suite of a run store: one case for each rule of [`RunStore`](safeguards_coord::RunStore).
//!
//! A case is a function that takes a [`RunStoreDesk`] and panics where the store does not keep the rule that its first
//! line quotes. [`run_store_conformance!`](crate::run_store_conformance) makes a test of each. After each case all runs
//! are read, and what is shown of each must be what its entries say.

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
mod words;

pub mod appending;
pub mod beginning;
pub mod bounds;
pub mod concurrency;
pub mod durability;
pub mod ending;
pub mod forgetting;
pub mod legs;
pub mod listing;
pub mod pages;
pub mod repeats;
#[doc(hidden)]
pub mod suite;

pub use desk::RunStoreDesk;
pub use env::{RunStoreEnv, RunStoreSetup};
pub use faulty::{FaultyRunStore, RunStoreCall, RunStoreFault};
pub use plain::PlainRunStore;
pub use sequences::{RunStoreAct, RunStoreSequence, RunStoreTally, run_store_sequences};
pub use words::{RunHeads, sample_entries};

/// What every case is written with.
mod prelude {
    pub(super) use safeguards_coord::{
        RunEntry, RunQuery, RunStore, RunStoreBounds, RunStoreError, State,
    };
    pub(super) use serde_json::{Value, json};

    pub(super) use super::{
        desk::{RunStoreDesk, at_once, pass},
        words::{end, head, head_at, instant, intent, outcome, sized, taker},
    };
}
