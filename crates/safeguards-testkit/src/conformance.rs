//! The conformance suite: one case for each law and rule of a ledger.
//!
//! A case is a function that takes a [`Desk`] and panics where the ledger does not keep the rule that the
//! case's first line quotes. [`ledger_conformance!`](crate::ledger_conformance) makes a test of each.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a case is an assertion: it panics where the ledger does not keep the rule"
)]

mod asks;
mod desk;
mod expect;

pub mod accounts;
pub mod allocate;
pub mod amounts;
pub mod attribution;
pub mod bounds;
pub mod charge_set;
pub mod closing;
pub mod conservation;
pub mod divide;
pub mod durability;
pub mod entries;
pub mod explained;
pub mod forgetting;
pub mod grants;
pub mod holds;
pub mod limits;
pub mod linked;
pub mod moving;
pub mod once;
pub mod precedence;
pub mod protection;
pub mod receipts;
pub mod reclaim;
pub mod refunds;
pub mod seam;
pub mod settlement;
#[doc(hidden)]
pub mod suite;
pub mod suspension;
pub mod sweeping;
pub mod time;
pub mod transfer;
pub mod truth;
pub mod units;
pub mod windows;

pub use desk::Desk;
pub use expect::{Expected, Numbers};

/// What every case is written with.
mod prelude {
    pub(super) use std::time::Duration;

    pub(super) use safeguards_budget::{
        AccountState, Action, Batch, Command, Denial, Entry, EntryId, Fact, HoldId, HoldState,
        LedgerExt, LimitMode, Part, Window,
    };
    pub(super) use safeguards_types::{
        AccountId, Amount, Amounts, OperationId, Quantity, Timestamp, Unit, requests, tokens, usd,
    };

    pub(super) use super::{asks::*, desk::Desk, expect::*};
}
