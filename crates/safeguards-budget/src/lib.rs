//! The Safeguards ledger: budgets that cannot be overspent.
//!
//! Accounts form a tree (organization, pool, agent, sub-agent), each with limits per unit and per window. A
//! charge must fit every account from the spender up to the root, and every scope that it names besides; it
//! is recorded at all of them or at none.
//!
//! ```
//! use safeguards_budget::{Charge, Denial, Limit, MemoryLedger, OpenAccount};
//! use safeguards_types::usd;
//!
//! let ledger = MemoryLedger::new();
//! let sync = ledger.sync(); // no future, no runtime
//! sync.open_account(OpenAccount::new("pool").limit(Limit::lifetime(usd!(1))), ledger.operation())?;
//! sync.open_account(OpenAccount::new("reader").under("pool"), ledger.operation())?;
//!
//! let receipt = sync.charge(Charge::new("reader", usd!(0.42)), ledger.operation())?;
//! assert_eq!(receipt.available, usd!(0.58).into());
//!
//! let denial = sync.charge(Charge::new("reader", usd!(0.60)), ledger.operation()).unwrap_err();
//! assert_eq!(denial.code(), "budget.limit_exceeded");
//! assert_eq!(
//!     denial.to_string(),
//!     "pool has 0.58 USD left of 1.00 USD (lifetime; 0.42 spent, 0 held), asked 0.60 USD; waiting does not help"
//! );
//! # Ok::<(), Denial>(())
//! ```
//!
//! - [`Book`] decides: pure, synchronous, it takes `now` and touches nothing else.
//! - [`Ledger`] is the seam: one method that writes, a few that read. [`LedgerExt`] has a verb per command.
//! - [`MemoryLedger`] is the book behind one lock.
//! - [`Allocation`], [`Approval`] and [`BurnRate`] stand above the ledger: plans that become commands, leave for
//!   commands, and what its entries say of time.
//! - [`Line`] is what is asked and [`Answer`] what is answered, each as one JSON object.
//!
//! What the words mean, and a day of a team with all its numbers, is in [`concepts`].

mod account;
mod allocation;
mod approval;
mod book;
mod burn;
mod command;
pub mod compact;
mod division;
mod entry;
mod ext;
mod ledger;
mod limit;
mod memory;
mod receipt;
#[cfg(feature = "mock")]
pub mod sample;
mod sync;
mod window;
mod wire;

pub use account::{Account, AccountState, Accounts, HoldState, HoldView, LimitUsage};
pub use allocation::{Allocation, AllocationError, Shares, Weight, Workload};
pub use approval::{Approval, ApprovalError, ApprovalState, Change};
pub use book::{Book, Outline, Recalled, ReplayError, Snapshot, SnapshotError};
pub use burn::{BurnRate, BurnRateError};
pub use command::{
    AccountHandle, Action, Batch, Charge, Command, Divide, HoldId, Metadata, OpenAccount,
    PlaceHold, Settle,
};
pub use division::{MinimumsError, divide};
pub use entry::{
    Cause, CountedWindow, Entry, EntryPage, Fact, LimitSet, LimitsSet, Part, Posting, Refunded,
    Settled,
};
pub use ext::{CommandError, Hold, LedgerExt, SettleError};
#[cfg(feature = "mock")]
pub use ledger::MockLedger;
pub use ledger::{Bounds, Guarantees, Ledger, LedgerError, LedgerErrorKind};
pub use limit::{Limit, LimitMode, Percent, PercentError, ProtectionStep};
pub use memory::{MemoryLedger, SyncLedger};
pub use receipt::{
    Crossing, Denial, EntryId, Outcome, Overrun, Receipt, Retry, ShadowDenial, Shortfall,
};
pub use window::{Seconds, Window, WindowError, Zone};
pub use wire::{Answer, Line, LineError, Request};

// The crates that signatures here name, so that who uses this one needs no other.
pub use safeguards_types as types;

// Only where it is read: a build of the library needs no file beside its own.
#[cfg(doc)]
#[doc = include_str!("../docs/ledger.md")]
pub mod concepts {}

// What the page shows is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
