//! What reads of a ledger give: accounts, holds and entries as they are at one revision.

use std::sync::Arc;

use safeguards_types::{AccountId, Amounts, OperationId, Priority, Quantity, Timestamp, Unit};

use crate::{EntryId, HoldId, Limit, Metadata, OpenAccount, ProtectionStep};

/// An account as it stood at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// Its name.
    pub id: AccountId,
    /// Whom it stands below.
    pub parent: Option<AccountId>,
    /// How much its work matters.
    pub priority: Priority,
    /// Its limits with their counters, by unit, then the shortest window.
    pub limits: Vec<LimitUsage>,
    /// Which last parts of its limits are kept for whom.
    pub protection: Vec<ProtectionStep>,
    /// What was spent here ever, by its own charges and those from below.
    pub spent: Amounts,
    /// What is held here now.
    pub held: Amounts,
}

impl Account {
    /// The limit of one unit over one window.
    pub fn limit(&self, unit: &Unit, window: &crate::Window) -> Option<&LimitUsage> {
        self.limits.iter().find(|usage| usage.limit.is_same(unit, window))
    }

    /// What the account itself may still spend of a unit: the least over its own hard limits.
    ///
    /// `None` where none of them is on this unit. Accounts above may have less left.
    pub fn available(&self, unit: &Unit) -> Option<Quantity> {
        let of_unit = self.limits.iter().filter(|usage| usage.limit.unit == *unit);
        of_unit.map(|usage| usage.available).min()
    }
}

/// A limit with its counters in the current window.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitUsage {
    /// The limit.
    pub limit: Limit,
    /// What was spent in this window.
    pub spent: Quantity,
    /// What is held in this window.
    pub held: Quantity,
    /// What is left: limit − spent − held, never below 0.
    pub available: Quantity,
    /// By how much spent and held are above the limit.
    pub over_by: Quantity,
    /// Since when it has been counting; `None` for a lifetime.
    pub window_started_at: Option<Timestamp>,
    /// When it begins again; `None` for a lifetime.
    pub window_ends_at: Option<Timestamp>,
}

/// Accounts as they stood together at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accounts {
    /// The last entry that they include; `None` before the first.
    pub revision: Option<EntryId>,
    /// One for each id asked for, in that order; `None` where there is no such account.
    pub accounts: Vec<Option<Account>>,
}

impl Accounts {
    /// These accounts as of the entry `revision`.
    pub const fn new(revision: Option<EntryId>, accounts: Vec<Option<Account>>) -> Self {
        Self { revision, accounts }
    }
}

/// How a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldState {
    /// It sets its amounts aside.
    Open,
    /// What was really spent is written down.
    Settled,
    /// It was given back unspent, by choice.
    Released,
    /// It was given back because its time ran out.
    Expired,
}

/// A hold as it stood when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HoldView {
    /// Its name.
    pub id: HoldId,
    /// Who holds.
    pub account: AccountId,
    /// How it stands.
    pub state: HoldState,
    /// What is still set aside; zeros once it has ended.
    pub left: Amounts,
    /// When it ends if nobody ends it.
    pub expires_at: Timestamp,
    /// Every account at which it counts, the spender first.
    pub set: Arc<[AccountId]>,
}

/// One immutable line of the journal: a fact, not a command. Replay never decides again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its number.
    pub id: EntryId,
    /// When it happened, by the ledger's clock.
    pub at: Timestamp,
    /// The operation that caused it; `None` where time did.
    pub op: Option<OperationId>,
    /// What happened.
    pub fact: Fact,
    /// What the command carried for audit and reports.
    pub metadata: Metadata,
}

/// What an entry says happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// A unit is known.
    UnitRegistered {
        /// The unit.
        unit: Unit,
    },
    /// An account is open.
    AccountOpened(OpenAccount),
    /// A limit is in force.
    LimitSet {
        /// Whose limit.
        account: AccountId,
        /// The limit as it is now.
        limit: Limit,
    },
    /// Money was spent with leave.
    Charged(Posting),
    /// Money was spent without leave, and written down afterwards.
    Recorded(Posting),
    /// Money was set aside.
    HoldPlaced {
        /// How much, at which accounts.
        posting: Posting,
        /// When it ends if nobody ends it.
        expires_at: Timestamp,
    },
    /// A hold ended with spending.
    HoldSettled(Box<Settled>),
    /// A hold ended with nothing spent, by choice.
    HoldReleased {
        /// Which hold.
        hold: HoldId,
        /// What was given back, at which accounts.
        posting: Posting,
    },
    /// A hold ended with nothing spent, because its time ran out.
    HoldExpired {
        /// Which hold.
        hold: HoldId,
        /// What was given back, at which accounts.
        posting: Posting,
    },
}

impl Fact {
    /// What was spent, and by whom; `None` for a fact that spends nothing.
    pub fn spending(&self) -> Option<&Posting> {
        match self {
            Self::Charged(posting) | Self::Recorded(posting) => Some(posting),
            Self::HoldSettled(settled) => Some(&settled.posting),
            Self::UnitRegistered { .. }
            | Self::AccountOpened(_)
            | Self::LimitSet { .. }
            | Self::HoldPlaced { .. }
            | Self::HoldReleased { .. }
            | Self::HoldExpired { .. } => None,
        }
    }
}

/// How a hold was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settled {
    /// Which hold.
    pub hold: HoldId,
    /// How much was spent, at which accounts.
    pub posting: Posting,
    /// The part of it that had been set aside.
    pub held_part: Amounts,
    /// The part of it that had not.
    pub excess: Amounts,
    /// What was set aside and not spent: given back.
    pub freed: Amounts,
    /// Whether the hold had ended before.
    pub late: bool,
}

/// Amounts counted at a frozen set of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Posting {
    /// Who spends or holds.
    pub spender: AccountId,
    /// Every account at which it counts, the spender first; settled when the command was accepted.
    pub set: Arc<[AccountId]>,
    /// How much.
    pub amounts: Amounts,
}

impl Posting {
    /// `amounts` by the first of `set`, counted at all of it.
    pub(crate) fn new(spender: AccountId, set: Arc<[AccountId]>, amounts: Amounts) -> Self {
        Self { spender, set, amounts }
    }
}

/// Entries in commit order, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryPage {
    /// The entries, from the one asked for.
    pub entries: Vec<Entry>,
    /// Where to read on: pass it as the next `from`.
    pub next: EntryId,
    /// The first entry that is still kept. A reader that asks from before it has missed some.
    pub first_kept: EntryId,
}

impl EntryPage {
    /// A page of entries.
    pub const fn new(entries: Vec<Entry>, next: EntryId, first_kept: EntryId) -> Self {
        Self { entries, next, first_kept }
    }
}
