//! Words that every Safeguards crate shares: ids, exact amounts, time, priority and severity.
//!
//! Nothing here does I/O, waits, or reads a clock on its own; [`SystemClock`] is the one value that asks
//! the operating system, and only when it is passed in.
//!
//! ```
//! use safeguards_types::{Amount, Priority, usd};
//!
//! // A literal is read at compile time: `usd!(1e3)` does not compile.
//! let cost = usd!(0.42);
//! assert_eq!(cost, Amount::parse("0.42 USD")?);
//! assert!(Priority::P7 > Priority::P3);
//! # Ok::<(), safeguards_types::AmountError>(())
//! ```

mod amount;
mod clock;
pub mod duration_text;
mod id;
mod operation;
mod priority;
mod quantity;
mod severity;
mod time;
mod unit;

pub use amount::{Amount, AmountError, Amounts};
pub use clock::{Clock, SimClock, SystemClock};
pub use id::{AccountId, AgentId};
pub use operation::{OperationId, OperationIdError, OperationIds};
pub use priority::{Priority, PriorityError};
pub use quantity::{Quantity, QuantityError};
pub use severity::{Severity, SeverityError};
pub use time::{Timestamp, TimestampError};
pub use unit::Unit;

// What the page shows is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
