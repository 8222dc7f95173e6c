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
    /// The operations of these entries, by the last bits of the number of their entry.
    operations: Index<u32>,
    forgotten: Forgotten,
    /// How many entries were forgotten when it was last told.
    told: u64,
    /// Entries from this one on stand, forgotten or not, since they are yet to be written elsewhere.
    unwritten: Option<EntryId>,
}

/// How far a journal has forgotten. The entries themselves may stand a while longer, until nobody can take the
/// forgetting back.
#[derive(Clone, Copy, Debug, Default)]
struct Forgotten {
    /// How many entries are forgotten.
    entries: u64,
    /// How many operations of the others are remembered.
    remembered: usize,
    /// The latest instant of any forgotten entry.
    to: Timestamp,
    /// When the youngest of the forgotten ids was minted.
    horizon: Option<Timestamp>,
}

/// Where a journal stood, to return to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    written: u64,
    latest: Timestamp,
    forgotten: Forgotten,
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
            forgotten: Forgotten::default(),
            told: 0,
            unwritten: None,
        }
    }

    /// A journal whose kept entries are yet to be written again.
    pub(super) fn after(bounds: Bounds, dropped: Dropped) -> Self {
        let Dropped { entries, to, horizon } = dropped;
        let forgotten = Forgotten { entries, remembered: 0, to, horizon };
        Self { written: entries, latest: to, forgotten, told: entries, ..Self::new(bounds) }
    }

    pub(super) fn dropped(&self) -> Dropped {
        let Forgotten { entries, remembered: _, to, horizon } = self.forgotten;
        Dropped { entries, to, horizon }
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

    /// The oldest entry that is kept, for who asks.
    pub(super) const fn first_kept(&self) -> EntryId {
        EntryId::new(self.forgotten.entries.saturating_add(1))
    }

    /// The number of the oldest entry that still stands.
    fn first_standing(&self) -> u64 {
        let standing = u64::try_from(self.kept.len()).unwrap_or(u64::MAX);
        self.written.saturating_sub(standing).saturating_add(1)
    }

    /// The entries from the one of this number on.
    pub(super) fn since(&self, id: EntryId) -> impl Iterator<Item = (EntryId, &Kept)> {
        self.standing(id.max(self.first_kept()))
    }

    /// The entries that are yet to be written elsewhere.
    pub(super) fn unwritten(&self) -> impl Iterator<Item = (EntryId, &Kept)> {
        self.standing(self.unwritten.unwrap_or_else(|| self.next_id()))
    }

    /// Lets the entries from this one on stand, forgotten or not.
    pub(super) fn set_unwritten(&mut self, from: EntryId) {
        self.unwritten = Some(from);
    }

    /// The entries that stand, from the one of this number on, which does.
    fn standing(&self, from: EntryId) -> impl Iterator<Item = (EntryId, &Kept)> {
        let skip = from.number().saturating_sub(self.first_standing());
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let ids = std::iter::successors(Some(from), |id| Some(id.next()));
        ids.zip(self.kept.iter().skip(skip))
    }

    /// The entry of this operation and what was answered, if it is remembered.
    pub(super) fn find(&self, op: OperationId) -> Option<(EntryId, &Kept, &Answered)> {
        let first = self.first_standing();
        let is = |slot: &u32| op_at(&self.kept, first, *slot).is_some_and(|known| *known == op);
        let slot = self.operations.get(&op, is)?;
        let offset = offset_of(slot, first);
        let kept = self.kept.get(usize::try_from(offset).ok()?)?;
        let id = EntryId::new(first.saturating_add(u64::from(offset)));
        let known = kept.answered.as_ref().filter(|_| id >= self.first_kept());
        known.map(|answered| (id, kept, answered))
    }

    /// Whether an operation that is not remembered might have been carried out and forgotten.
    pub(super) fn may_have_forgotten(&self, op: OperationId) -> bool {
        self.forgotten.horizon.is_some_and(|horizon| op.minted_at() <= horizon)
    }

    /// Whether this operation may have been carried out, and nothing is known of it any more.
    pub(super) fn has_forgotten(&self, op: OperationId) -> bool {
        self.may_have_forgotten(op) && self.find(op).is_none()
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

    /// Writes an entry, and forgets what need not be known any longer. That is decided by entries alone, so
    /// that a replay forgets the same at the same entry.
    pub(super) fn write(&mut self, at: Timestamp, deed: Deed, answered: Option<Answered>) {
        self.latest = self.latest.max(at);
        self.written = self.written.saturating_add(1);
        let op = answered.as_ref().map(|answered| answered.op);
        self.kept.push_back(Kept { at, deed, answered });
        if let Some(op) = op {
            let first = self.first_standing();
            let Self { operations, kept, written, forgotten, .. } = self;
            operations.insert(&op, low_bits(*written), |slot| op_at(kept, first, *slot));
            forgotten.remembered = forgotten.remembered.saturating_add(1);
        }
        self.forget();
    }

    fn forget(&mut self) {
        let Bounds { operations_kept, operations_max, kept_for, .. } = self.bounds;
        let standing =
            self.forgotten.entries.saturating_sub(self.first_standing().saturating_sub(1));
        let standing = usize::try_from(standing).unwrap_or(usize::MAX);
        let Self { kept, forgotten, latest, .. } = self;
        for oldest in kept.iter().skip(standing) {
            let written_at = forgotten.to.max(oldest.at);
            let too_many = forgotten.remembered > operations_max;
            if forgotten.remembered <= operations_kept
                || (!too_many && latest.since(written_at) < kept_for)
            {
                break;
            }
            forgotten.entries = forgotten.entries.saturating_add(1);
            forgotten.to = written_at;
            if let Some(answered) = &oldest.answered {
                forgotten.remembered = forgotten.remembered.saturating_sub(1);
                forgotten.horizon = forgotten.horizon.max(Some(answered.op.minted_at()));
            }
        }
    }

    /// Drops the entries that are forgotten, but for those that are yet to be written elsewhere. Tells whether more
    /// are forgotten than when it last told.
    pub(super) fn drop_forgotten(&mut self) -> bool {
        let any = self.forgotten.entries > self.told;
        self.told = self.forgotten.entries;
        let unwritten = self.unwritten.map_or(u64::MAX, EntryId::number);
        while self.first_standing() <= self.forgotten.entries && self.first_standing() < unwritten {
            let slot = low_bits(self.first_standing());
            if let Some(op) = self.kept.pop_front().and_then(op_of) {
                self.operations.remove(&op, |known| *known == slot);
            }
        }
        any
    }

    pub(super) const fn mark(&self) -> Mark {
        Mark { written: self.written, latest: self.latest, forgotten: self.forgotten }
    }

    /// Takes back every entry since `mark`, and the forgetting; nothing was dropped in between.
    pub(super) fn return_to(&mut self, mark: Mark) {
        while self.written > mark.written {
            let slot = low_bits(self.written);
            if let Some(op) = self.kept.pop_back().and_then(op_of) {
                self.operations.remove(&op, |known| *known == slot);
            }
            self.written = self.written.saturating_sub(1);
        }
        self.latest = mark.latest;
        self.forgotten = mark.forgotten;
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
