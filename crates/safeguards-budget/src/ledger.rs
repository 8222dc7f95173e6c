//! The seam: where accounts live.

use std::{error, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use safeguards_types::{AccountId, Timestamp};

use crate::{Accounts, Batch, EntryId, EntryPage, HoldId, HoldView, Outcome};

/// Where accounts live, and who decides what may be spent.
///
/// Everything is a command; [`LedgerExt`](crate::LedgerExt) has a verb for each.
///
/// # Contract
///
/// - Outcomes come back in the order of the commands, one for each. Later commands see the effects of
///   earlier ones.
/// - A linked batch takes effect as a whole or not at all, also across a crash.
/// - An operation id seen before, with the same command, gives its first receipt again and changes nothing.
/// - A charge or hold is granted only where it fits every account of its set, for every unit and every hard
///   limit, whatever runs at the same time.
/// - What the accounts and holds of one read show, they showed together.
/// - Entries come in the order in which they took effect, numbered from 1 without gaps.
/// - Time is the ledger's own and never goes back: now is the later of its clock and its latest entry.
/// - Any of these futures may be dropped at any point: the commands then took effect as a whole or not at
///   all, and the same batch may be sent again.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Ledger: fmt::Debug + Send + Sync + 'static {
    /// Carries out commands; the only method that writes.
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError>;

    /// Reads accounts, all at one revision.
    async fn accounts(&self, ids: &[AccountId]) -> Result<Accounts, LedgerError>;

    /// Reads an account and everything below it, all at one revision: parents before children, the children
    /// of one parent by name. No accounts where there is none of this name.
    async fn subtree(&self, of: &AccountId) -> Result<Accounts, LedgerError>;

    /// Reads holds: one for each id, in that order; `None` where there is, or is known, no such hold.
    async fn holds(&self, ids: &[HoldId]) -> Result<Vec<Option<HoldView>>, LedgerError>;

    /// Reads at most `limit` entries in commit order, beginning with `from`.
    async fn entries(&self, from: EntryId, limit: usize) -> Result<EntryPage, LedgerError>;

    /// Ends the holds that are due by the ledger's own clock. Gives the instant when the next one is.
    async fn tick(&self) -> Result<Option<Timestamp>, LedgerError>;

    /// What this ledger promises, and its bounds.
    fn guarantees(&self) -> Guarantees;
}

#[async_trait]
impl<L: Ledger + ?Sized> Ledger for Arc<L> {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        (**self).submit(batch).await
    }

    async fn accounts(&self, ids: &[AccountId]) -> Result<Accounts, LedgerError> {
        (**self).accounts(ids).await
    }

    async fn subtree(&self, of: &AccountId) -> Result<Accounts, LedgerError> {
        (**self).subtree(of).await
    }

    async fn holds(&self, ids: &[HoldId]) -> Result<Vec<Option<HoldView>>, LedgerError> {
        (**self).holds(ids).await
    }

    async fn entries(&self, from: EntryId, limit: usize) -> Result<EntryPage, LedgerError> {
        (**self).entries(from, limit).await
    }

    async fn tick(&self) -> Result<Option<Timestamp>, LedgerError> {
        (**self).tick().await
    }

    fn guarantees(&self) -> Guarantees {
        (**self).guarantees()
    }
}

/// What a ledger promises, and its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Guarantees {
    /// Whether an answer survives the end of the process.
    pub durable: bool,
    /// Whether other processes see the same accounts.
    pub shared: bool,
    /// How much it takes and keeps.
    pub bounds: Bounds,
}

impl Guarantees {
    /// Promises nothing beyond the contract.
    pub const fn in_memory(bounds: Bounds) -> Self {
        Self { durable: false, shared: false, bounds }
    }

    /// Promises that answers survive the end of the process, or that other processes see the same accounts,
    /// or both.
    pub const fn new(durable: bool, shared: bool, bounds: Bounds) -> Self {
        Self { durable, shared, bounds }
    }
}

/// How much a ledger takes and keeps. What is beyond a bound is refused, and the denial names the bound.
///
/// ```
/// use safeguards_budget::{Bounds, MemoryLedger};
/// use safeguards_types::SystemClock;
///
/// let mut bounds = Bounds::default();
/// bounds.accounts_max = 1_000;
/// let ledger = MemoryLedger::with_bounds(SystemClock::new(), bounds);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounds {
    /// How many commands a linked batch may have; 10,000 unless set.
    pub commands_max: usize,
    /// How deep the tree may be; a root has depth 1; 64 unless set.
    pub depth_max: usize,
    /// How many accounts may be opened, closed ones counted; 1,000,000 unless set.
    pub accounts_max: usize,
    /// How many scopes a charge may name; 64 unless set.
    pub scopes_max: usize,
    /// How many limits an account may have; 64 unless set.
    pub limits_max: usize,
    /// How many steps of protection an account may have; 16 unless set.
    pub steps_max: usize,
    /// At how many percentages a limit may warn; 16 unless set.
    pub percents_max: usize,
    /// How many bytes of metadata, as compact JSON, a command may carry; 65,536 unless set.
    pub metadata_bytes_max: usize,
    /// How many bytes the reason of a suspension may have; 1,024 unless set.
    pub reason_bytes_max: usize,
    /// How many operation ids, with their entries, are kept at the least; 65,536 unless set.
    pub operations_kept: usize,
    /// Beyond the least number, ids and entries are kept for so long; 10 minutes unless set.
    pub kept_for: Duration,
    /// How many operation ids are kept at the most, however young they are; 1,048,576 unless set. Entries of
    /// holds that ran out come on top: one at most for each hold that was placed.
    pub operations_max: usize,
}

impl Bounds {
    /// Those of the ledger's specification.
    pub const DEFAULT: Self = Self {
        commands_max: 10_000,
        depth_max: 64,
        accounts_max: 1_000_000,
        scopes_max: 64,
        limits_max: 64,
        steps_max: 16,
        percents_max: 16,
        metadata_bytes_max: 65_536,
        reason_bytes_max: 1_024,
        operations_kept: 65_536,
        kept_for: Duration::from_mins(10),
        operations_max: 1_048_576,
    };
}

impl Default for Bounds {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What is known of the commands after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LedgerErrorKind {
    /// Nothing happened: try again.
    NotApplied,
    /// It may have happened: try again with the same operation ids, which is safe.
    OutcomeUnknown,
}

/// The ledger could not answer. A refusal is no failure: that is a [`Denial`](crate::Denial).
#[derive(Debug)]
pub struct LedgerError {
    kind: LedgerErrorKind,
    operation: &'static str,
    source: Box<dyn error::Error + Send + Sync>,
}

impl LedgerError {
    /// Says that `operation` failed because of `source`.
    pub fn new(
        kind: LedgerErrorKind,
        operation: &'static str,
        source: impl Into<Box<dyn error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, operation, source: source.into() }
    }

    /// What is known of the commands.
    pub const fn kind(&self) -> LedgerErrorKind {
        self.kind
    }

    /// What was being done.
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether sending the same commands again, under the same operation ids, is safe: always.
    pub const fn is_retryable(&self) -> bool {
        match self.kind {
            LedgerErrorKind::NotApplied | LedgerErrorKind::OutcomeUnknown => true,
        }
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self.kind {
            LedgerErrorKind::NotApplied => "ledger.not_applied",
            LedgerErrorKind::OutcomeUnknown => "ledger.outcome_unknown",
        }
    }
}

impl fmt::Display for LedgerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = match self.kind {
            LedgerErrorKind::NotApplied => "nothing happened",
            LedgerErrorKind::OutcomeUnknown => "it may have happened",
        };
        write!(out, "the ledger failed to {}; {known}", self.operation)
    }
}

impl error::Error for LedgerError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}
