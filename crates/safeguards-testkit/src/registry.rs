//! The conformance suite of a registry: one case for each rule of [`Registry`](safeguards_discovery::Registry).
//!
//! A case is a function that takes a [`RegistryDesk`] and panics where the registry does not keep the rule that its
//! first line quotes. [`registry_conformance!`](crate::registry_conformance) makes a test of each. After each case all
//! changes are read, and must tell who is there and what each can do.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a case is an assertion: it panics where the registry does not keep the rule"
)]

mod desk;
mod env;
mod faulty;
mod plain;
mod sequences;

pub mod bad_input;
pub mod changes;
pub mod concurrency;
pub mod conditions;
pub mod durability;
pub mod leases;
pub mod leaving;
pub mod names;
pub mod order;
pub mod pages;
pub mod registering;
#[doc(hidden)]
pub mod suite;
pub mod words;

pub use desk::RegistryDesk;
pub use env::{RegistryEnv, RegistrySetup};
pub use faulty::{FaultyRegistry, RegistryCall, RegistryFault};
pub use plain::PlainRegistry;
pub use sequences::{
    RegistryAct, RegistrySequence, RegistryTally, RegistryTurn, registry_sequences,
};

/// What every case is written with.
mod prelude {
    pub(super) use std::time::Duration;

    pub(super) use safeguards_discovery::{
        Block, Bounds, Capability, ChangeKind, ChangesError, Condition, Cursor, Found, Health,
        Lease, MetadataPath, Order, Query, RegisterError, Registration, Registry, RegistryExt,
        Revision, Status, Test, WithdrawError,
    };
    pub(super) use safeguards_types::{
        AgentId, Amount, Amounts, Priority, Quantity, Unit, tokens, usd,
    };
    pub(super) use serde_json::{Value, json};

    pub(super) use super::desk::{
        RegistryDesk, able, agent, cap, line, mirror, name, names, pass, soon, version,
    };
}
