//! What reads of a ledger give: accounts and holds as they are at one revision.

use std::sync::Arc;

use safeguards_types::{AccountId, Amounts, Priority, Quantity, Timestamp, Unit};
use serde::{Deserialize, Serialize};

use crate::{EntryId, HoldId, Limit, Metadata, ProtectionStep, Window};

/// An account as it stood at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// Its name.
    pub id: AccountId,
    /// Whom it stands below.
    pub parent: Option<AccountId>,
    /// Whether it may spend.
    pub state: AccountState,
    /// How much its work matters.
    pub priority: Priority,
    /// Its limits with their counters, by unit, then the shortest window.
    pub limits: Vec<LimitUsage>,
    /// Which last parts of its limits are kept for whom.
    pub protection: Vec<ProtectionStep>,
    /// What was spent here ever, by its own charges and those from below: each unit of which more than 0 was
    /// ever counted or held here, also where it is back at 0.
    pub spent: Amounts,
    /// What is held here now, of the same units.
    pub held: Amounts,
    /// The part of `spent` that was made with this account as the spender.
    pub spent_directly: Amounts,
    /// The part of `held` that was made with this account as the spender.
    pub held_directly: Amounts,
    /// What its opening carried.
    pub metadata: Metadata,
}

/// Whether an account may spend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AccountState {
    /// It may.
    #[default]
    Open,
    /// New spending is stopped here and below; what was begun may end.
    Suspended,
    /// It is closed for good; what was begun may end.
    Closed,
}

impl AccountState {
    /// The name, as in JSON: `open`, `suspended`, `closed`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }
}

impl Account {
    /// The limit of one unit over one window.
    pub fn limit(&self, unit: &Unit, window: &Window) -> Option<&LimitUsage> {
        self.limits.iter().find(|usage| usage.limit.is_same(unit, window))
    }

    /// What the account itself may still spend of a unit: the least over its own hard limits.
    ///
    /// `None` where none of them is on this unit. Accounts above may have less left.
    pub fn available(&self, unit: &Unit) -> Option<Quantity> {
        let of_unit =
            self.limits.iter().filter(|usage| usage.limit.unit == *unit && usage.limit.is_hard());
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HoldState {
    /// It sets its amounts aside.
    #[default]
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

impl HoldState {
    /// The name, as in JSON: `open`, `settled`, `released`, `expired`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}
