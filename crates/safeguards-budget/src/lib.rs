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

mod account;
mod book;
mod command;
mod ext;
mod ledger;
mod limit;
mod memory;
mod receipt;
mod window;

pub use account::{
    Account, Accounts, Entry, EntryPage, Fact, HoldState, HoldView, LimitUsage, Posting, Settled,
};
pub use book::Book;
pub use command::{Action, Batch, Charge, Command, HoldId, Metadata, OpenAccount, PlaceHold};
pub use ext::{CommandError, Hold, LedgerExt, SettleError};
#[cfg(feature = "mock")]
pub use ledger::MockLedger;
pub use ledger::{Guarantees, Ledger, LedgerError, LedgerErrorKind};
pub use limit::{Limit, Percent, PercentError, ProtectionStep};
pub use memory::{MemoryLedger, SyncLedger};
pub use receipt::{Crossing, Denial, EntryId, Outcome, Overrun, Receipt, Retry, Shortfall};
pub use window::{Seconds, Window, WindowError, Zone};
