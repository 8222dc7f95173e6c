//! The conformance suite of an event bus: one case for each rule of [`EventBus`](safeguards_notify::EventBus).
//!
//! A case is a function that takes a [`BusDesk`] and panics where the bus does not keep the rule that its first line
//! quotes. [`event_bus_conformance!`](crate::event_bus_conformance) makes a test of each.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a case is an assertion: it panics where the bus does not keep the rule"
)]

mod desk;
mod env;
mod plain;

pub mod asking;
pub mod dead_letters;
pub mod filters;
pub mod hops;
pub mod messages;
pub mod publishing;
pub mod queues;
pub mod replay;
#[doc(hidden)]
pub mod suite;
pub mod waiting;

pub use desk::BusDesk;
pub use env::{BusEnv, BusSetup};
pub use plain::PlainEventBus;

/// What every case is written with.
mod prelude {
    pub(super) use std::time::Duration;

    pub(super) use safeguards_notify::{
        AskError, Cursor, EventBus, EventBusExt, NewEvent, PublishError, Subscribe, SubscribeError,
        Subscription, WhenFull,
    };
    pub(super) use serde_json::json;

    pub(super) use super::desk::{BusDesk, event, pass, saw, topic};
}
