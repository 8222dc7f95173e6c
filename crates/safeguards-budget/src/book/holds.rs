//! The holds of a book, and which of them are due.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use foldhash::HashMap;
use safeguards_types::{Amount, Amounts, Quantity, Timestamp, Unit};
use smallvec::SmallVec;

use super::{
    ChargeSet, Quantities,
    account::AccountState,
    arena::{Arena, Ix},
};
use crate::{EntryId, HoldId, HoldState, HoldView};

/// A window in which a hold counts, besides the lifetime of every account of its set.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeldWindow {
    pub(super) unit: Ix<Unit>,
    /// Which limit of the account.
    pub(super) serial: u32,
    /// Which of its windows: each has an end of its own.
    pub(super) ends_at: Timestamp,
}

#[derive(Clone, Debug)]
pub(super) struct HeldHold {
    pub(super) id: HoldId,
    /// The entry that placed it.
    pub(super) entry: EntryId,
    pub(super) set: ChargeSet,
    /// What is still set aside; zeros once it has ended.
    pub(super) left: Quantities,
    pub(super) windows: SmallVec<[(Ix<AccountState>, HeldWindow); 2]>,
    pub(super) expires_at: Timestamp,
    pub(super) state: HoldState,
    /// The entry that ended it, the latest of them where a settlement came late.
    pub(super) ended_by: Option<EntryId>,
}

impl HeldHold {
    pub(super) fn left_of(&self, unit: Ix<Unit>) -> Quantity {
        self.left.iter().find(|(known, _)| *known == unit).map_or(Quantity::ZERO, |(_, left)| *left)
    }

    pub(super) fn counts_at(&self, account: Ix<AccountState>) -> bool {
        self.set.accounts.contains(&account)
    }

    /// The windows of one account in which it counts.
    pub(super) fn windows_of(&self, account: Ix<AccountState>) -> impl Iterator<Item = HeldWindow> {
        self.windows.iter().filter(move |(at, _)| *at == account).map(|(_, window)| *window)
    }

    pub(super) fn amounts_left(&self, units: &Arena<Unit>) -> Amounts {
        self.left.iter().map(|(unit, left)| Amount::new(*left, units.get(*unit).clone())).collect()
    }

    pub(super) fn view(&self, units: &Arena<Unit>, now: Timestamp) -> HoldView {
        let due = self.state == HoldState::Open && self.expires_at <= now;
        let nothing = |amounts: Amounts| {
            amounts
                .iter()
                .map(|amount| Amount::new(Quantity::ZERO, amount.unit().clone()))
                .collect()
        };
        let left = self.amounts_left(units);
        HoldView {
            id: self.id,
            account: self.set.spender.clone(),
            state: if due { HoldState::Expired } else { self.state },
            left: if due { nothing(left) } else { left },
            expires_at: self.expires_at,
            set: Arc::clone(&self.set.ids),
        }
    }
}

/// Every hold that is open, and those that ended while their ending is remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds {
    by_id: HashMap<HoldId, HeldHold>,
    /// The open ones, by when they end and then by age.
    open: BTreeSet<(Timestamp, EntryId, HoldId)>,
    /// The ended ones, by the entry that ended them.
    ended: VecDeque<(EntryId, HoldId)>,
}

impl Holds {
    pub(super) fn get(&self, id: HoldId) -> Option<&HeldHold> {
        self.by_id.get(&id)
    }

    /// Puts a hold in place of what was known under its name.
    pub(super) fn put(&mut self, hold: HeldHold) {
        let key = (hold.expires_at, hold.entry, hold.id);
        match hold.ended_by {
            None => {
                self.open.insert(key);
            }
            Some(entry) => {
                self.open.remove(&key);
                self.ended.push_back((entry, hold.id));
            }
        }
        self.by_id.insert(hold.id, hold);
    }

    /// Takes back what happened to a hold, back to how it stood `before`.
    pub(super) fn restore(&mut self, id: HoldId, before: Option<HeldHold>) {
        if let Some(hold) = self.by_id.remove(&id) {
            self.open.remove(&(hold.expires_at, hold.entry, id));
        }
        if let Some(hold) = before {
            if hold.ended_by.is_none() {
                self.open.insert((hold.expires_at, hold.entry, id));
            }
            self.by_id.insert(id, hold);
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
            if self.by_id.get(&id).is_some_and(|hold| hold.ended_by == Some(entry)) {
                self.by_id.remove(&id);
            }
        }
    }

    /// The open holds that are due at `now`, in the order in which they end.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = &HeldHold> {
        self.open
            .iter()
            .take_while(move |(ends, _, _)| *ends <= now)
            .filter_map(|(_, _, id)| self.by_id.get(id))
    }

    /// The open holds, in the order in which they end.
    pub(super) fn by_expiry(&self) -> impl Iterator<Item = &HeldHold> {
        self.open.iter().filter_map(|(_, _, id)| self.by_id.get(id))
    }

    /// When the next one ends.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.open.first().map(|(ends, _, _)| *ends)
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::OperationIds;

    use super::*;

    #[test]
    fn endings_that_were_taken_back_leave_no_trace() {
        let ids = OperationIds::seeded(1);
        let hold = |state, ended_by| HeldHold {
            id: HoldId::placed_by(ids.mint(Timestamp::UNIX_EPOCH)),
            entry: EntryId::FIRST,
            set: ChargeSet { spender: "a".into(), accounts: Arc::from([]), ids: Arc::from([]) },
            left: SmallVec::new(),
            windows: SmallVec::new(),
            expires_at: Timestamp::MAX,
            state,
            ended_by,
        };
        let mut holds = Holds::default();
        holds.put(hold(HoldState::Settled, Some(EntryId::new(4))));
        for entry in [5, 6] {
            holds.put(hold(HoldState::Settled, Some(EntryId::new(entry))));
        }
        holds.restore_ended(EntryId::new(5));
        let left: Vec<_> = holds.ended.iter().map(|(entry, _)| entry.number()).collect();
        assert_eq!(left, [4]);
    }
}
