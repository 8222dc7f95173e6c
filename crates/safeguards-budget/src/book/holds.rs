//! The holds of a book, and which of them are due.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use foldhash::HashMap;
use safeguards_types::{Quantity, Timestamp, Unit};
use slab::Slab;
use smallvec::SmallVec;

use super::{
    arena::Ix,
    index::Index,
    node::{ChargeSet, Node},
};
use crate::{EntryId, HoldId, HoldState, Part, Window, window::Span};

/// Amounts by the book's own names for units, in the order of the units' text, as they are kept.
pub(super) type Kept = SmallVec<[(Ix<Unit>, Quantity); 1]>;

/// A window of a limit in which an amount counts, besides the lifetime of every account of its set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) node: Ix<Node>,
    pub(super) unit: Ix<Unit>,
    pub(super) window: Ix<Window>,
    /// Which limit of the account.
    pub(super) serial: u32,
    /// Which of its windows: each has an end of its own.
    pub(super) span: Span,
    /// Which part of a settlement.
    pub(super) part: Part,
}

/// The windows in which an amount counts; most amounts count in none.
pub(super) type Windows = Option<Arc<[Counted]>>;

/// The windows of a list, as they are kept.
pub(super) fn frozen(counted: Vec<Counted>) -> Windows {
    (!counted.is_empty()).then(|| counted.into())
}

#[derive(Clone, Debug)]
pub(super) struct HeldHold {
    pub(super) id: HoldId,
    /// The entry that placed it.
    pub(super) entry: EntryId,
    /// Every account at which it counts, the spender first.
    pub(super) set: ChargeSet,
    /// What is still set aside; zeros once it has ended.
    pub(super) left: Kept,
    pub(super) windows: Windows,
    pub(super) expires_at: Timestamp,
    pub(super) state: HoldState,
    /// The entry that ended it, the latest of them where a settlement came late.
    pub(super) ended_by: Option<EntryId>,
}

impl HeldHold {
    pub(super) fn left_of(&self, unit: Ix<Unit>) -> Quantity {
        quantity_of(&self.left, unit)
    }

    pub(super) fn counts_at(&self, node: Ix<Node>) -> bool {
        self.set.contains(&node)
    }

    pub(super) fn windows(&self) -> &[Counted] {
        self.windows.as_deref().unwrap_or_default()
    }

    fn key(&self, slot: usize) -> Key {
        (self.expires_at, self.entry, slot)
    }
}

pub(super) fn quantity_of(quantities: &[(Ix<Unit>, Quantity)], unit: Ix<Unit>) -> Quantity {
    quantities
        .iter()
        .find(|(known, _)| *known == unit)
        .map_or(Quantity::ZERO, |(_, quantity)| *quantity)
}

/// A hold, and where it stands in the list of each account of its set, if it is open.
#[derive(Clone, Debug)]
struct Slot {
    hold: HeldHold,
    places: SmallVec<[usize; 4]>,
}

/// One in so many open holds, and less, are sorted anew where their order is asked for.
const FEW: usize = 8;

/// When a hold ends, how old it is, and where it is kept: the order in which holds end.
type Key = (Timestamp, EntryId, usize);

/// Every hold that is open, and those that ended while their ending is remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds {
    slots: Slab<Slot>,
    by_id: Index<usize>,
    open: BTreeSet<Key>,
    /// The open holds that end at `overdue_to` or before, by each account at which they count: so that a
    /// command finds those it meets without asking all that are due somewhere else.
    overdue: HashMap<Ix<Node>, BTreeSet<Key>>,
    overdue_to: Timestamp,
    /// The open holds by each account at which they count, in no order. Each hold knows its places in these
    /// lists, so that it is taken out without a search.
    at: HashMap<Ix<Node>, Vec<usize>>,
    /// The ended ones, by the entry that ended them.
    ended: VecDeque<(EntryId, HoldId)>,
}

impl Holds {
    fn slot(&self, id: HoldId) -> Option<usize> {
        let is = |slot: &usize| self.hold(*slot).is_some_and(|hold| hold.id == id);
        self.by_id.get(&id, is)
    }

    fn hold(&self, slot: usize) -> Option<&HeldHold> {
        self.slots.get(slot).map(|slot| &slot.hold)
    }

    pub(super) fn get(&self, id: HoldId) -> Option<&HeldHold> {
        self.hold(self.slot(id)?)
    }

    /// Every hold that is known, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &HeldHold> {
        self.slots.iter().map(|(_, slot)| &slot.hold)
    }

    /// Puts a hold in place of what was known under its name.
    pub(super) fn put(&mut self, hold: HeldHold) {
        if let Some(entry) = hold.ended_by {
            self.ended.push_back((entry, hold.id));
        }
        self.take(hold.id);
        self.keep(hold);
    }

    fn keep(&mut self, hold: HeldHold) {
        let (id, is_open, expires_at) = (hold.id, hold.ended_by.is_none(), hold.expires_at);
        let slot = self.slots.insert(Slot { hold, places: SmallVec::new() });
        let Self { slots, by_id, at, .. } = self;
        by_id.insert(&id, slot, |slot| slots.get(*slot).map(|slot| &slot.hold.id));
        if !is_open {
            return;
        }
        let Some(Slot { hold, places }) = self.slots.get_mut(slot) else { return };
        for node in hold.set.iter() {
            let list = at.entry(*node).or_default();
            places.push(list.len());
            list.push(slot);
        }
        let key = hold.key(slot);
        self.open.insert(key);
        if expires_at <= self.overdue_to {
            self.note_overdue(key);
        }
    }

    fn take(&mut self, id: HoldId) {
        let Some(slot) = self.slot(id) else {
            return;
        };
        self.by_id.remove(&id, |known| *known == slot);
        let Some(Slot { hold, places }) = self.slots.try_remove(slot) else { return };
        let key = hold.key(slot);
        if !self.open.remove(&key) {
            return;
        }
        for (node, place) in hold.set.iter().zip(places) {
            self.take_from(*node, place);
            if hold.expires_at <= self.overdue_to
                && let Some(due) = self.overdue.get_mut(node)
            {
                due.remove(&key);
                if due.is_empty() {
                    self.overdue.remove(node);
                }
            }
        }
    }

    /// Takes what stands at a place out of an account's list; the last of the list takes that place.
    fn take_from(&mut self, node: Ix<Node>, place: usize) {
        let Some(list) = self.at.get_mut(&node) else { return };
        if place < list.len() {
            list.swap_remove(place);
        }
        let moved = list.get(place).copied();
        if list.is_empty() {
            self.at.remove(&node);
        }
        if let Some(Slot { hold, places }) = moved.and_then(|moved| self.slots.get_mut(moved)) {
            let position = hold.set.iter().position(|known| *known == node);
            if let Some(known) = position.and_then(|position| places.get_mut(position)) {
                *known = place;
            }
        }
    }

    /// Takes back what happened to a hold, back to how it stood `before`.
    pub(super) fn restore(&mut self, id: HoldId, before: Option<HeldHold>) {
        self.take(id);
        if let Some(hold) = before {
            self.keep(hold);
        }
    }

    /// Takes back endings from the entry `from` on.
    pub(super) fn restore_ended(&mut self, from: EntryId) {
        while self.ended.back().is_some_and(|(entry, _)| *entry >= from) {
            self.ended.pop_back();
        }
    }

    /// Forgets holds whose ending was recorded before `first_kept`.
    pub(super) fn forget_before(&mut self, first_kept: EntryId) {
        while let Some((entry, id)) = self.ended.front().copied() {
            if entry >= first_kept {
                break;
            }
            self.ended.pop_front();
            // A settlement that came late ended it once more; the later entry counts.
            if self.get(id).is_some_and(|hold| hold.ended_by == Some(entry)) {
                self.take(id);
            }
        }
    }

    fn note_overdue(&mut self, key: Key) {
        let Some(set) = self.hold(key.2).map(|hold| Arc::clone(&hold.set)) else {
            return;
        };
        for node in set.iter() {
            self.overdue.entry(*node).or_default().insert(key);
        }
    }

    /// The open holds that are due at `now` and count at any of these accounts, in the order in which they end.
    pub(super) fn due_at(&mut self, nodes: &[Ix<Node>], now: Timestamp) -> Vec<HoldId> {
        if now > self.overdue_to {
            let first = (self.overdue_to, EntryId::new(u64::MAX), usize::MAX);
            let last = (now, EntryId::new(u64::MAX), usize::MAX);
            let fresh: Vec<Key> = self.open.range(first..=last).copied().collect();
            self.overdue_to = now;
            for key in fresh {
                self.note_overdue(key);
            }
        }
        let met: BTreeSet<Key> = nodes
            .iter()
            .filter_map(|node| self.overdue.get(node))
            .flat_map(|due| due.iter().take_while(|(ends, ..)| *ends <= now))
            .copied()
            .collect();
        met.into_iter().filter_map(|(_, _, slot)| Some(self.hold(slot)?.id)).collect()
    }

    /// The open holds that are due at `now`, in the order in which they end.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = &HeldHold> {
        self.by_expiry().take_while(move |hold| hold.expires_at <= now)
    }

    /// The open holds, in the order in which they end.
    pub(super) fn by_expiry(&self) -> impl Iterator<Item = &HeldHold> {
        self.open.iter().filter_map(|(_, _, slot)| self.hold(*slot))
    }

    /// The open holds that count at an account, in the order in which they end, up to those that end at `last`.
    ///
    /// It costs as many steps as there are such holds, or a few times as many as are taken: whichever is less,
    /// and never as many as there are elsewhere.
    pub(super) fn by_expiry_at(
        &self,
        node: Ix<Node>,
        last: Timestamp,
    ) -> impl Iterator<Item = &HeldHold> {
        let here = self.at.get(&node).map_or(&[][..], Vec::as_slice);
        let is_few = here.len().saturating_mul(FEW) < self.open.len();
        let mut few: Vec<_> = if is_few {
            here.iter().filter_map(|slot| self.hold(*slot)).collect()
        } else {
            Vec::new()
        };
        few.sort_by_key(|hold| (hold.expires_at, hold.entry));
        let all = (!is_few).then(|| self.by_expiry().filter(move |hold| hold.counts_at(node)));
        let all = all.into_iter().flatten();
        few.into_iter().chain(all).take_while(move |hold| hold.expires_at <= last)
    }

    /// When the next one ends.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.open.first().map(|(ends, ..)| *ends)
    }
}
