//! The newest entries, and with them the operation ids that are remembered.

use std::{collections::VecDeque, time::Duration};

use safeguards_types::{OperationId, Timestamp};

use super::{deed::Deed, holds::Kept as KeptAmounts, index::Index};
use crate::{Bounds, Command, Crossing, Denial, EntryId, Overrun, ShadowDenial};

/// How far ahead of the ledger's clock an operation id may have been minted.
const MINTED_AHEAD_MAX: Duration = Duration::from_mins(5);

/// One entry, as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) at: Timestamp,
    pub(super) deed: Deed,
    /// The command and its answer; `None` where time did it.
    pub(super) answered: Option<Answered>,
}

/// A command that was accepted, and what is needed to answer it again.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) op: OperationId,
    pub(super) said: Said,
    pub(super) available: KeptAmounts,
    pub(super) late: bool,
    pub(super) news: Option<Box<News>>,
}

/// How the command of an entry is kept.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// It says nothing that its deed does not say: a charge, record, hold or settlement without scopes,
    /// metadata or anything else besides. Most are, and an entry then takes a third of the room.
    InDeed {
        /// Whether spending was recorded afterwards, and not charged.
        recorded: bool,
    },
    InFull(Box<Command>),
}

/// What few receipts have to tell.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    pub(super) crossed: Vec<Crossing>,
    pub(super) overrun: Vec<Overrun>,
    pub(super) shadow: Vec<ShadowDenial>,
}

/// The newest entries. Each operation id is remembered exactly as long as its entry; entries of what time did
/// are kept along.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    bounds: Bounds,
    kept: VecDeque<Kept>,
    written: u64,
    latest: Timestamp,
    /// The operations that are remembered, by the last bits of the number of their entry.
    operations: Index<u32>,
    /// When the youngest of the forgotten ids was minted.
    horizon: Option<Timestamp>,
    /// The latest instant of any entry that was dropped.
    dropped_to: Timestamp,
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

/// What must be known besides the kept entries to go on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dropped {
    /// How many entries were dropped.
    pub(super) entries: u64,
    /// The latest instant of any of them.
    pub(super) to: Timestamp,
    /// When the youngest of the forgotten ids was minted.
    pub(super) horizon: Option<Timestamp>,
}

impl Journal {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            kept: VecDeque::new(),
            written: 0,
            latest: Timestamp::default(),
            operations: Index::default(),
            horizon: None,
            dropped_to: Timestamp::default(),
        }
    }

    /// A journal whose kept entries are yet to be written again.
    pub(super) fn after(bounds: Bounds, dropped: Dropped) -> Self {
        let Dropped { entries: written, to, horizon } = dropped;
        Self { written, latest: to, dropped_to: to, horizon, ..Self::new(bounds) }
    }

    pub(super) fn dropped(&self) -> Dropped {
        let entries = self.first_kept().number().saturating_sub(1);
        Dropped { entries, to: self.dropped_to, horizon: self.horizon }
    }

    /// The later of `clock` and the latest instant of any entry: time that never goes back.
    pub(super) fn now(&self, clock: Timestamp) -> Timestamp {
        clock.max(self.latest)
    }

    /// The number that the next entry will have.
    pub(super) const fn next_id(&self) -> EntryId {
        EntryId::new(self.written.saturating_add(1))
    }

    /// The newest entry; `None` before the first.
    pub(super) fn revision(&self) -> Option<EntryId> {
        (self.written > 0).then(|| EntryId::new(self.written))
    }

    /// The oldest entry that is kept.
    pub(super) fn first_kept(&self) -> EntryId {
        let kept = u64::try_from(self.kept.len()).unwrap_or(u64::MAX);
        EntryId::new(self.written.saturating_sub(kept).saturating_add(1))
    }

    /// The entries from the one of this number on.
    pub(super) fn since(&self, id: EntryId) -> impl Iterator<Item = (EntryId, &Kept)> {
        let from = id.max(self.first_kept());
        let skip = from.number().saturating_sub(self.first_kept().number());
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let ids = std::iter::successors(Some(from), |id| Some(id.next()));
        ids.zip(self.kept.iter().skip(skip))
    }

    /// The entry of this operation and what was answered, if it is remembered.
    pub(super) fn find(&self, op: OperationId) -> Option<(EntryId, &Kept, &Answered)> {
        let first = self.first_kept().number();
        let is = |slot: &u32| op_at(&self.kept, first, *slot).is_some_and(|known| *known == op);
        let slot = self.operations.get(&op, is)?;
        let offset = offset_of(slot, first);
        let kept = self.kept.get(usize::try_from(offset).ok()?)?;
        let id = EntryId::new(first.saturating_add(u64::from(offset)));
        Some((id, kept, kept.answered.as_ref()?))
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

    pub(super) fn write(&mut self, at: Timestamp, deed: Deed, answered: Option<Answered>) {
        self.latest = self.latest.max(at);
        self.written = self.written.saturating_add(1);
        let op = answered.as_ref().map(|answered| answered.op);
        self.kept.push_back(Kept { at, deed, answered });
        if let Some(op) = op {
            let first = self.first_kept().number();
            let Self { operations, kept, written, .. } = self;
            operations.insert(&op, low_bits(*written), |slot| op_at(kept, first, *slot));
        }
    }

    /// Drops what need not be kept. Decided by entries alone, so that a replay drops the same.
    pub(super) fn forget(&mut self) {
        let Bounds { operations_kept, entries_kept_for, entries_max, .. } = self.bounds;
        while let Some(oldest) = self.kept.front()
            && self.operations.len() > operations_kept
            && (self.kept.len() > entries_max
                || self.written_at(oldest).saturating_add(entries_kept_for) <= self.latest)
        {
            let slot = low_bits(self.first_kept().number());
            self.dropped_to = self.written_at(oldest);
            if let Some(op) = self.kept.pop_front().and_then(op_of) {
                self.operations.remove(&op, |known| *known == slot);
                self.horizon = self.horizon.max(Some(op.minted_at()));
            }
        }
    }

    /// The latest instant of any entry up to the oldest that is kept: an expiry's own may lie before it.
    fn written_at(&self, oldest: &Kept) -> Timestamp {
        self.dropped_to.max(oldest.at)
    }

    pub(super) const fn mark(&self) -> Mark {
        Mark { written: self.written, latest: self.latest }
    }

    /// Takes back every entry since `mark`; nothing was forgotten in between.
    pub(super) fn return_to(&mut self, mark: Mark) {
        while self.written > mark.written {
            let slot = low_bits(self.written);
            if let Some(op) = self.kept.pop_back().and_then(op_of) {
                self.operations.remove(&op, |known| *known == slot);
            }
            self.written = self.written.saturating_sub(1);
        }
        self.latest = mark.latest;
    }
}

/// How far behind the first entry the one with these last bits is: fewer than 2³² are kept.
fn offset_of(slot: u32, first: u64) -> u32 {
    slot.wrapping_sub(low_bits(first))
}

fn op_at(kept: &VecDeque<Kept>, first: u64, slot: u32) -> Option<&OperationId> {
    let kept = kept.get(usize::try_from(offset_of(slot, first)).ok()?)?;
    Some(&kept.answered.as_ref()?.op)
}

fn op_of(kept: Kept) -> Option<OperationId> {
    kept.answered.map(|answered| answered.op)
}

#[expect(clippy::as_conversions, reason = "the last bits are meant")]
const fn low_bits(number: u64) -> u32 {
    (number & 0xffff_ffff) as u32
}
