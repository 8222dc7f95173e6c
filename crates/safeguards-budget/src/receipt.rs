//! What a ledger answers: a [`Receipt`] for what was done, a [`Denial`] for what was not.

use std::{fmt, time::Duration};

use safeguards_types::{AccountId, Amount, Amounts, OperationId, Quantity, Timestamp, Unit};
use serde::{Deserialize, Serialize};

use crate::{HoldId, Percent, Window};

/// The answer to one command. A refusal is data, and travels in `Err`: who ignores it must stop, not spend.
pub type Outcome = Result<Receipt, Denial>;

/// The number of an entry in the journal, from 1 and without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(u64);

impl EntryId {
    /// The number of the first entry.
    pub const FIRST: Self = Self(1);

    /// The entry of this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The entry after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

/// The answer to a command that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The entry that records it.
    pub entry: EntryId,
    /// When it was decided, by the ledger's clock.
    pub at: Timestamp,
    /// What may still be charged, for each unit of the command: the least over every account that it counts
    /// at. A unit without a hard limit on the way is left out; what is protected is not subtracted.
    pub available: Amounts,
    /// Thresholds that spending reached or passed through this command.
    pub crossed: Vec<Crossing>,
    /// Limits that spending is above because of this command: what was spent is written down all the same.
    pub overrun: Vec<Overrun>,
    /// Limits on trial that would have denied this charge or hold.
    pub shadow: Vec<ShadowDenial>,
    /// Whether a settlement came after its hold had ended.
    pub late: bool,
}

/// What a limit on trial ([`LimitMode::Shadow`](crate::LimitMode::Shadow)) would have denied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShadowDenial {
    /// Whose limit.
    pub account: AccountId,
    /// Which one.
    pub unit: Unit,
    /// Which one.
    pub window: Window,
    /// The limit's amount.
    pub limit: Quantity,
    /// What was spent before the command.
    pub spent: Quantity,
    /// What was held before the command.
    pub held: Quantity,
    /// What the command asked for.
    pub asked: Quantity,
    /// What was left.
    pub available: Quantity,
}

/// A threshold that spending reached or passed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Crossing {
    /// Whose limit.
    pub account: AccountId,
    /// Which one.
    pub unit: Unit,
    /// Which one.
    pub window: Window,
    /// The limit's amount.
    pub limit: Quantity,
    /// What is spent now.
    pub spent: Quantity,
    /// Which share of the limit was reached; `None` for a soft limit itself.
    pub percent: Option<Percent>,
}

impl Crossing {
    /// Which share of the limit was reached: all of it, of a soft limit itself.
    pub fn share(&self) -> Percent {
        self.percent.unwrap_or(Percent::HUNDRED)
    }

    /// How much of the limit is spent, in tenths of a percent, rounded down.
    fn permille(&self) -> i128 {
        self.spent.steps().saturating_mul(1000).checked_div(self.limit.steps()).unwrap_or(0)
    }
}

impl fmt::Display for Crossing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, unit, window, limit, spent, percent: _ } = self;
        let [limit, spent] = [limit, spent].map(|quantity| Amount::new(*quantity, unit.clone()));
        let (whole, tenths) = (self.permille().div_euclid(10), self.permille().rem_euclid(10));
        write!(out, "{account} has spent {whole}.{tenths} % of {limit} ({spent}; {window})")
    }
}

/// A limit that recorded spending is above.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overrun {
    /// Whose limit.
    pub account: AccountId,
    /// Which one.
    pub unit: Unit,
    /// Which one.
    pub window: Window,
    /// The limit's amount.
    pub limit: Quantity,
    /// What is spent now.
    pub spent: Quantity,
    /// What is held now.
    pub held: Quantity,
    /// By how much both together are above the limit.
    pub over_by: Quantity,
}

impl fmt::Display for Overrun {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, unit, window, limit, spent, held, over_by } = self;
        let [limit, over_by] =
            [limit, over_by].map(|quantity| Amount::new(*quantity, unit.clone()));
        write!(out, "{account} is {over_by} over {limit} ({window}; {spent} spent, {held} held)")
    }
}

/// Whether waiting helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// From this instant on the command would fit, if nothing else were spent until then.
    At(Timestamp),
    /// No amount of waiting helps: the limit would have to be raised, or less be asked for.
    Never,
}

impl fmt::Display for Retry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // To the second, rounded up: earlier would be too early.
            Self::At(at) => {
                let second =
                    at.saturating_add(Duration::from_nanos(999_999_999)).truncated_to_seconds();
                write!(out, "try again from {second} on")
            }
            Self::Never => out.write_str("waiting does not help"),
        }
    }
}

/// The numbers of a limit that said no, as of before the command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shortfall {
    /// Whose limit.
    pub account: AccountId,
    /// Which one.
    pub unit: Unit,
    /// Which one.
    pub window: Window,
    /// The limit's amount.
    pub limit: Quantity,
    /// What was spent in the current window.
    pub spent: Quantity,
    /// What was held in the current window.
    pub held: Quantity,
    /// What is kept for spenders of a higher priority.
    pub protected: Quantity,
    /// What the command asked for.
    pub asked: Quantity,
    /// What was left: limit − spent − held, never below 0. What is protected is not subtracted.
    pub available: Quantity,
    /// Whether waiting helps, over all limits that said no.
    pub retry: Retry,
}

impl fmt::Display for Shortfall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, unit, window, limit, spent, held, protected, asked, available, retry } =
            self;
        let used = spent.steps().saturating_add(held.steps());
        let left = Quantity::told(limit.steps().saturating_sub(used));
        // Who shares a limit out asks for what no child has, which is another number than what is left.
        let what = if *available == left { "left" } else { "to share out" };
        let [limit, asked, available] =
            [limit, asked, available].map(|quantity| Amount::new(*quantity, unit.clone()));
        write!(
            out,
            "{account} has {available} {what} of {limit} ({window}; {spent} spent, {held} held"
        )?;
        if !protected.is_zero() {
            write!(out, ", {protected} kept for higher priorities")?;
        }
        write!(out, "), asked {asked}; {retry}")
    }
}

/// The ledger said no, with numbers. Nothing was changed.
///
/// The order of the cases is their precedence: of several reasons the first is given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denial {
    /// The operation id was used before, for another command.
    #[error("this operation id was used before, for another command")]
    OperationConflict,
    /// The operation id was minted before ids that the ledger no longer remembers.
    #[error(
        "operation {op} was minted too long ago to tell whether it was carried out; mint a new id"
    )]
    OperationTooOld {
        /// The id.
        op: OperationId,
    },
    /// The operation id was minted more than five minutes ahead of the ledger's clock.
    #[error("operation {op} was minted more than 300 s ahead of the ledger's clock")]
    OperationTooNew {
        /// The id.
        op: OperationId,
    },
    /// An amount of 0, or none at all, where more than 0 is needed; or a text that is no amount.
    #[error("{}", invalid_amount(unit.as_ref(), value.as_deref()))]
    InvalidAmount {
        /// Of which unit; none where no amount was given.
        unit: Option<Unit>,
        /// What was given; none where nothing was.
        value: Option<String>,
    },
    /// An amount, counter or limit beyond what is kept: 10¹⁵ units in a command, 10¹⁶ in a counter.
    #[error("{}", amount_overflow(unit, account.as_ref(), value.as_deref()))]
    AmountOverflow {
        /// Whose counter or limit; none where the amount given is itself too large.
        account: Option<AccountId>,
        /// Of which unit.
        unit: Unit,
        /// What was given, where that is itself too large.
        value: Option<String>,
    },
    /// A unit that was never registered: a typo must not mean "unlimited".
    #[error("there is no unit `{unit}`; register it first")]
    UnknownUnit {
        /// The unit.
        unit: Unit,
    },
    /// The name is, or was, another account's.
    #[error("there is, or was, an account `{account}`; names are never used again")]
    DuplicateAccount {
        /// The account.
        account: AccountId,
    },
    /// No account of this name.
    #[error("there is no account `{account}`")]
    UnknownAccount {
        /// The account.
        account: AccountId,
    },
    /// The account is closed.
    #[error("account `{account}` is closed")]
    ClosedAccount {
        /// The account.
        account: AccountId,
    },
    /// No hold was placed by this operation.
    #[error("there is no hold {hold}")]
    UnknownHold {
        /// The hold.
        hold: HoldId,
    },
    /// The hold ended so long ago that nothing is known of it any more.
    #[error("hold {hold} ended too long ago to be known; record what was spent instead")]
    HoldForgotten {
        /// The hold.
        hold: HoldId,
    },
    /// The hold has ended before: a hold ends once.
    #[error("hold {hold} has ended before")]
    HoldEnded {
        /// The hold.
        hold: HoldId,
    },
    /// No charge, record or settlement of this operation.
    #[error("operation {of} is no charge, record or settlement that can be refunded")]
    UnknownEntry {
        /// The operation.
        of: OperationId,
    },
    /// The entry is so old that it is not kept any more.
    #[error("the entry of operation {of} is not kept any more; it can no longer be refunded")]
    EntryForgotten {
        /// The operation.
        of: OperationId,
    },
    /// More than is left of what was spent.
    #[error(
        "operation {of} has {} left to refund, asked {}",
        Amount::new(*available, unit.clone()), Amount::new(*asked, unit.clone())
    )]
    RefundExceedsCharge {
        /// The operation that spent it.
        of: OperationId,
        /// Of which unit.
        unit: Unit,
        /// What was asked for.
        asked: Quantity,
        /// What was spent and not refunded yet.
        available: Quantity,
    },
    /// The account is neither the hold's nor below it.
    #[error("account `{account}` is neither the hold's account nor below it")]
    NotDescendant {
        /// The account.
        account: AccountId,
    },
    /// The account stands elsewhere.
    #[error(
        "account `{account}` does not stand directly below the account that was named as its parent"
    )]
    NotChild {
        /// The account.
        account: AccountId,
    },
    /// The accounts have no parent in common.
    #[error("accounts `{account}` and `{to}` are not two children of one parent")]
    NotSiblings {
        /// The one that gives.
        account: AccountId,
        /// The one that gets.
        to: AccountId,
    },
    /// The account would stand below itself.
    #[error("account `{account}` would stand below itself")]
    Cycle {
        /// The account.
        account: AccountId,
    },
    /// The tree would be too deep.
    #[error("account `{account}` would stand deeper than {max} levels")]
    DepthExceeded {
        /// The account.
        account: AccountId,
        /// How deep the tree may be.
        max: usize,
    },
    /// There are as many accounts as the ledger keeps.
    #[error("there are {max} accounts, the most that this ledger keeps")]
    TooManyAccounts {
        /// How many may be.
        max: usize,
    },
    /// Something is longer or more than the ledger takes.
    #[error("{bound}: {given} given, {allowed} allowed")]
    BoundExceeded {
        /// What is bounded: `name`, `scopes`, `limits`, `steps`, `percents`, `ttl`,
        /// `metadata`, `reason`, `commands`, `instant`.
        bound: &'static str,
        /// What was given.
        given: String,
        /// What is allowed.
        allowed: String,
    },
    /// The account has open children, or open holds count at it.
    #[error("account `{account}` cannot be closed: it has open children, or counts an open hold")]
    NotEmpty {
        /// The account.
        account: AccountId,
    },
    /// There is no such limit.
    #[error("account `{account}` has no such limit on {unit}")]
    NoLimit {
        /// The account.
        account: AccountId,
        /// Of which unit.
        unit: Unit,
    },
    /// New spending is stopped at this account.
    #[error("account `{account}` is suspended")]
    Suspended {
        /// The account: the spender, a scope, or one above them.
        account: AccountId,
    },
    /// A limit has not enough left.
    #[error("{0}")]
    LimitExceeded(Box<Shortfall>),
    /// What is left of a limit is kept for spenders of a higher priority.
    #[error("{0}")]
    Protected(Box<Shortfall>),
    /// There is less than what each is to have at the least.
    #[error(
        "the minimums together need {}, {} to divide at {account}",
        Amount::new(*asked, unit.clone()), Amount::new(*available, unit.clone())
    )]
    InsufficientForMinimums {
        /// Whose children.
        account: AccountId,
        /// Of which unit.
        unit: Unit,
        /// What all minimums need together.
        asked: Quantity,
        /// What was to be divided.
        available: Quantity,
    },
    /// Another command of the linked batch was denied, so none took effect.
    #[error("command {index} of the linked batch was denied, so none took effect")]
    LinkedFailed {
        /// Which one, from 0.
        index: usize,
    },
}

fn invalid_amount(unit: Option<&Unit>, value: Option<&str>) -> String {
    match (unit, value) {
        (Some(unit), Some(value)) if value.parse::<Quantity>().is_ok() => {
            format!("an amount of 0 {unit} is none; more than 0 is needed")
        }
        (Some(unit), Some(value)) => {
            format!(
                "`{value}` is no amount of {unit}; write digits such as 12 or 0.0305, at most 12 of them after the point"
            )
        }
        (_, _) => "nothing was given; at least one amount, share or weight is needed".to_owned(),
    }
}

fn amount_overflow(unit: &Unit, account: Option<&AccountId>, value: Option<&str>) -> String {
    match (account, value) {
        (Some(account), _) => {
            format!("a counter or limit of {account} would pass 10000000000000000 {unit}")
        }
        (None, Some(value)) => {
            format!("{value} {unit} is more than 1000000000000000 in one amount")
        }
        (None, None) => format!("more than 1000000000000000 {unit} in one amount"),
    }
}

impl Denial {
    /// The stable code, such as `budget.limit_exceeded`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OperationConflict => "budget.operation_conflict",
            Self::OperationTooOld { .. } => "budget.operation_too_old",
            Self::OperationTooNew { .. } => "budget.operation_too_new",
            Self::InvalidAmount { .. } => "budget.invalid_amount",
            Self::AmountOverflow { .. } => "budget.amount_overflow",
            Self::UnknownUnit { .. } => "budget.unknown_unit",
            Self::DuplicateAccount { .. } => "budget.duplicate_account",
            Self::UnknownAccount { .. } => "budget.unknown_account",
            Self::ClosedAccount { .. } => "budget.closed_account",
            Self::UnknownHold { .. } => "budget.unknown_hold",
            Self::HoldForgotten { .. } => "budget.hold_forgotten",
            Self::HoldEnded { .. } => "budget.hold_ended",
            Self::UnknownEntry { .. } => "budget.unknown_entry",
            Self::EntryForgotten { .. } => "budget.entry_forgotten",
            Self::RefundExceedsCharge { .. } => "budget.refund_exceeds_charge",
            Self::NotDescendant { .. } => "budget.not_descendant",
            Self::NotChild { .. } => "budget.not_child",
            Self::NotSiblings { .. } => "budget.not_siblings",
            Self::Cycle { .. } => "budget.cycle",
            Self::DepthExceeded { .. } => "budget.depth_exceeded",
            Self::TooManyAccounts { .. } => "budget.too_many_accounts",
            Self::BoundExceeded { .. } => "budget.bound_exceeded",
            Self::NotEmpty { .. } => "budget.not_empty",
            Self::NoLimit { .. } => "budget.no_limit",
            Self::Suspended { .. } => "budget.suspended",
            Self::LimitExceeded(_) => "budget.limit_exceeded",
            Self::Protected(_) => "budget.protected",
            Self::InsufficientForMinimums { .. } => "budget.insufficient_for_minimums",
            Self::LinkedFailed { .. } => "budget.linked_failed",
        }
    }

    /// The numbers, where a limit said no.
    pub const fn shortfall(&self) -> Option<&Shortfall> {
        if let Self::LimitExceeded(shortfall) | Self::Protected(shortfall) = self {
            Some(shortfall)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_to_wait_is_in_whole_seconds_and_never_too_early() {
        #[track_caller]
        fn check(at: &str, printed: &str) {
            let retry = Retry::At(Timestamp::parse(at).unwrap());
            assert_eq!(retry.to_string(), format!("try again from {printed} on"));
        }
        check("2026-01-05T09:00:00Z", "2026-01-05T09:00:00Z");
        check("2026-01-05T09:00:00.000000001Z", "2026-01-05T09:00:01Z");
        check("2026-01-05T09:00:59.999999999Z", "2026-01-05T09:01:00Z");
        assert_eq!(Retry::Never.to_string(), "waiting does not help");
    }
}
