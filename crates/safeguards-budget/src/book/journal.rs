//! The newest entries, and with them the operation ids that are remembered.

use std::{collections::VecDeque, time::Duration};

use foldhash::HashMap;
use safeguards_types::{OperationId, Timestamp};

use crate::{
    Command, Denial, Entry, EntryId, EntryPage, Fact, Guarantees, Metadata, Outcome, Receipt,
};

/// How many entries are kept however young they are.
const ENTRIES_MAX: usize = 1_048_576;
/// How long entries are kept beyond the least number.
const ENTRIES_KEPT_FOR: Duration = Duration::from_mins(10);
/// How far ahead of the ledger's clock an operation id may have been minted.
const MINTED_AHEAD_MAX: Duration = Duration::from_mins(5);

/// An entry, and what is needed to answer its command again.
#[derive(Clone, Debug)]
struct Kept {
    entry: Entry,
    /// The ledger's now when it was written; an expiry's own instant may lie before it.
    written_at: Timestamp,
    answered: Option<(Command, Receipt)>,
}

/// At least 65,536 operation ids are remembered and, up to 1,048,576 entries, those of the last ten minutes;
/// each exactly as long as its entry. Entries of what time did are kept along.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    kept: VecDeque<Kept>,
    written: u64,
    latest: Timestamp,
    operations: HashMap<OperationId, EntryId>,
    /// When the youngest of the forgotten ids was minted.
    horizon: Option<Timestamp>,
}

/// Where a journal stood, to return to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    written: u64,
    latest: Timestamp,
}

impl Mark {
    /// The number of the first entry after it.
    pub(super) const fn next_id(self) -> EntryId {
        EntryId::new(self.written.saturating_add(1))
    }
}

impl Journal {
    /// The later of `clock` and the latest instant of any entry: time that never goes back.
    pub(super) fn now(&self, clock: Timestamp) -> Timestamp {
        clock.max(self.latest)
    }

    /// The number that the next entry will have.
    pub(super) fn next_id(&self) -> EntryId {
        EntryId::new(self.written.saturating_add(1))
    }

    /// The newest entry; `None` before the first.
    pub(super) fn revision(&self) -> Option<EntryId> {
        (self.written > 0).then(|| EntryId::new(self.written))
    }

    /// The oldest entry that is kept.
    pub(super) fn first_kept(&self) -> EntryId {
        self.kept.front().map_or_else(|| self.next_id(), |kept| kept.entry.id)
    }

    /// What was answered to this operation before; `None` where the command is new.
    pub(super) fn answered(&self, command: &Command) -> Option<Outcome> {
        let entry = *self.operations.get(&command.op)?;
        let (known, receipt) = self.kept(entry)?.answered.as_ref()?;
        Some(if known == command { Ok(receipt.clone()) } else { Err(Denial::OperationConflict) })
    }

    pub(super) fn knows(&self, op: OperationId) -> bool {
        self.operations.contains_key(&op)
    }

    /// Whether an operation of this age might have been carried out and forgotten.
    pub(super) fn may_have_forgotten(&self, op: OperationId) -> bool {
        self.horizon.is_some_and(|horizon| op.minted_at() <= horizon)
    }

    /// Refuses ids that are too old to be told from forgotten ones, or from the future.
    pub(super) fn check_age(&self, op: OperationId, now: Timestamp) -> Result<(), Denial> {
        if self.may_have_forgotten(op) {
            return Err(Denial::OperationTooOld { op });
        }
        if op.minted_at() > now.saturating_add(MINTED_AHEAD_MAX) {
            return Err(Denial::OperationTooNew { op });
        }
        Ok(())
    }

    /// Writes what a command did.
    pub(super) fn write(&mut self, command: &Command, fact: Fact, receipt: Receipt) {
        let (id, at) = (self.next_id(), receipt.at);
        let entry =
            Entry { id, at, op: Some(command.op), fact, metadata: command.metadata.clone() };
        self.operations.insert(command.op, id);
        self.push(Kept { entry, written_at: at, answered: Some((command.clone(), receipt)) });
    }

    /// Writes what time did, at the instant when it did.
    pub(super) fn write_expiry(&mut self, fact: Fact, at: Timestamp, now: Timestamp) {
        let entry = Entry { id: self.next_id(), at, op: None, fact, metadata: Metadata::new() };
        self.push(Kept { entry, written_at: now, answered: None });
    }

    fn push(&mut self, kept: Kept) {
        self.written = self.written.saturating_add(1);
        self.latest = self.latest.max(kept.entry.at);
        self.kept.push_back(kept);
    }

    /// Drops what need not be kept.
    pub(super) fn forget(&mut self, now: Timestamp) {
        while let Some(oldest) = self.kept.front()
            && self.operations.len() > Guarantees::in_memory().entries_kept
            && (self.kept.len() > ENTRIES_MAX
                || oldest.written_at.saturating_add(ENTRIES_KEPT_FOR) <= now)
        {
            if let Some(op) = oldest.entry.op {
                self.operations.remove(&op);
                self.horizon = self.horizon.max(Some(op.minted_at()));
            }
            self.kept.pop_front();
        }
    }

    pub(super) const fn mark(&self) -> Mark {
        Mark { written: self.written, latest: self.latest }
    }

    /// Takes back every entry since `mark`; nothing was forgotten in between.
    pub(super) fn return_to(&mut self, mark: Mark) {
        while self.written > mark.written {
            if let Some(op) = self.kept.pop_back().and_then(|kept| kept.entry.op) {
                self.operations.remove(&op);
            }
            self.written = self.written.saturating_sub(1);
        }
        self.latest = mark.latest;
    }

    pub(super) fn page(&self, from: EntryId, limit: usize) -> EntryPage {
        let from = from.max(self.first_kept());
        let skip = from.number().saturating_sub(self.first_kept().number());
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let entries: Vec<_> =
            self.kept.iter().skip(skip).take(limit).map(|kept| kept.entry.clone()).collect();
        let next = entries.last().map_or(from, |entry| entry.id.next());
        EntryPage::new(entries, next, self.first_kept())
    }

    fn kept(&self, id: EntryId) -> Option<&Kept> {
        let offset = id.number().checked_sub(self.first_kept().number())?;
        self.kept.get(usize::try_from(offset).ok()?)
    }
}
