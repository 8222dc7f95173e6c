//! [`Entry`]: one line of the journal, and what it says was decided.

use std::sync::Arc;

use safeguards_types::{AccountId, Amounts, OperationId, Quantity, Timestamp, Unit};

use crate::{Command, EntryId, HoldId, Limit, Metadata, Receipt, Window};

/// One immutable line of the journal: a command and what was decided about it, or what time did.
///
/// The entries from the first on, or from a snapshot on, rebuild the book: replay reads [`Entry::fact`] and
/// never decides again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its number.
    pub id: EntryId,
    /// When it happened, by the ledger's clock: of an expiry the instant at which the hold ran out.
    pub at: Timestamp,
    /// The command, and what was answered to it; `None` where time did it.
    pub cause: Option<Cause>,
    /// What was decided.
    pub fact: Fact,
}

/// A command that was accepted, and its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cause {
    /// The command.
    pub command: Command,
    /// What was answered, and is answered again to a retry.
    pub receipt: Receipt,
}

impl Entry {
    /// The operation that caused it; `None` where time did.
    pub fn op(&self) -> Option<OperationId> {
        self.cause.as_ref().map(|cause| cause.command.op)
    }

    /// What the command carried for audit and reports.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.cause.as_ref().map(|cause| &cause.command.metadata)
    }

    /// The stable name of what happened: the command's, or `expire`.
    pub fn name(&self) -> &'static str {
        self.cause.as_ref().map_or("expire", |cause| cause.command.action.name())
    }
}

/// What was decided: everything that changes a counter or a limit, with nothing left to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// What the command says, and nothing else.
    AsCommanded,
    /// Limits are as told from now on.
    LimitsSet(LimitsSet),
    /// Amounts were spent, with leave (charge) or without (record).
    Spent(Posting),
    /// Amounts were set aside.
    Held {
        /// How much, at which accounts.
        posting: Posting,
        /// When it ends if nobody ends it.
        expires_at: Timestamp,
    },
    /// A hold has more time.
    Extended {
        /// Which hold.
        hold: HoldId,
        /// When it ends now if nobody ends it.
        expires_at: Timestamp,
    },
    /// Amounts were spent under a hold.
    Settled(Box<Settled>),
    /// A hold ended with nothing spent: it was released, or its time ran out.
    Freed {
        /// Which hold.
        hold: HoldId,
        /// What was given back, at which accounts.
        posting: Posting,
    },
    /// A part of what an entry spent came back.
    Refunded(Box<Refunded>),
}

/// Limits as an entry left them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitsSet {
    /// Whose, and which: in the order in which they were set.
    pub limits: Vec<LimitSet>,
    /// From whose limits a reclaim took how much, after what the parent had unallocated.
    pub taken: Vec<(AccountId, Quantity)>,
}

/// One limit as an entry left it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitSet {
    /// Whose limit.
    pub account: AccountId,
    /// The limit as it is now.
    pub limit: Limit,
    /// The window that it began to count in, if it is new and has one.
    pub opened: Option<(Timestamp, Timestamp)>,
}

/// Amounts counted at a frozen set of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Posting {
    /// Who spends or holds.
    pub spender: AccountId,
    /// Every account at which it counts: the spender and those above it, then the scopes likewise. A settlement
    /// that is attributed to a scope of its hold has the hold's set, with the spender somewhere in it.
    pub set: Arc<[AccountId]>,
    /// How much.
    pub amounts: Amounts,
    /// The windows in which it counts, besides the lifetime of every account of the set.
    pub windows: Vec<CountedWindow>,
}

/// A window of a limit in which an amount counts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CountedWindow {
    /// Whose limit.
    pub account: AccountId,
    /// Of which unit.
    pub unit: Unit,
    /// Over which window.
    pub window: Window,
    /// Which limit of the account: tells it from one of the same unit and window that stood there before and
    /// was removed. Limits of an account are numbered from 0 in the order in which they were made.
    pub serial: u32,
    /// Since when it counts.
    pub started_at: Timestamp,
    /// When it begins again.
    pub ends_at: Timestamp,
    /// Which part of the amount counts in it.
    pub part: Part,
}

/// Which part of a settlement counts in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// All of it: so it is for everything but settlements.
    Whole,
    /// What had been set aside.
    Held,
    /// What had not been set aside.
    Excess,
}

/// How a hold was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settled {
    /// Which hold.
    pub hold: HoldId,
    /// How much was spent, at which accounts, in which windows.
    pub posting: Posting,
    /// The accounts at the head of the set at which the hold did not count: from the one that it was
    /// attributed to upward.
    pub in_front: usize,
    /// The part of it that had been set aside.
    pub held_part: Amounts,
    /// The part of it that had not.
    pub excess: Amounts,
    /// What was set aside and not spent: given back, unless the hold was kept open.
    pub freed: Amounts,
    /// Whether the hold goes on with what is left.
    pub keep_open: bool,
    /// Whether the hold had ended before.
    pub late: bool,
}

/// What of an earlier entry was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refunded {
    /// The entry that spent it.
    pub of: EntryId,
    /// How much came back, at which accounts, out of which windows.
    pub posting: Posting,
    /// The part that had been excess of a settlement, or was spent at once.
    pub excess: Amounts,
    /// The part that had been set aside before it was settled.
    pub held_part: Amounts,
}

impl Fact {
    /// What was spent, and by whom; `None` for a fact that spends nothing.
    pub fn spending(&self) -> Option<&Posting> {
        match self {
            Self::Spent(posting) => Some(posting),
            Self::Settled(settled) => Some(&settled.posting),
            Self::AsCommanded
            | Self::LimitsSet(_)
            | Self::Held { .. }
            | Self::Extended { .. }
            | Self::Freed { .. }
            | Self::Refunded(_) => None,
        }
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
