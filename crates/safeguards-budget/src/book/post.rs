//! What an accepted command changes, and the receipt for it.

use std::sync::Arc;

use safeguards_types::{AccountId, Amounts, Quantity, Timestamp, Unit};
use smallvec::SmallVec;

use super::{
    Book, Quantities,
    account::{AccountState, Counter},
    arena::Ix,
    check::{Asks, Zero, check_amount, check_metadata, check_name, check_ttl},
    holds::HeldHold,
};
use crate::{
    Charge, Command, Denial, EntryId, Fact, HoldId, HoldState, Limit, OpenAccount, Outcome,
    PlaceHold, Posting, Receipt, Settled, Window,
};

/// How a settlement divides: what had been set aside, what had not, and what returns.
struct Settlement {
    spent: Quantities,
    held_part: Quantities,
    excess: Quantities,
    freed: Quantities,
}

impl Book {
    pub(super) fn register_unit(
        &mut self,
        command: &Command,
        unit: &Unit,
        now: Timestamp,
    ) -> Outcome {
        check_name(unit.as_str())?;
        check_metadata(command)?;
        self.know_unit(unit);
        let fact = Fact::UnitRegistered { unit: unit.clone() };
        Ok(self.accept(command, fact, self.bare_receipt(now)))
    }

    pub(super) fn open_account(
        &mut self,
        command: &Command,
        open: &OpenAccount,
        now: Timestamp,
    ) -> Outcome {
        let parent = self.check_open(open)?;
        check_metadata(command)?;
        let OpenAccount { account: id, parent: _, priority, limits, protection } = open;
        let mut account = AccountState::new(id.clone(), parent, *priority, protection.clone());
        for limit in limits {
            account.set_limit(self.unit(&limit.unit)?, limit.clone(), now);
        }
        let too_many = || Denial::TooManyAccounts { max: self.bounds.accounts_max };
        let (above, above_ids) = parent.map_or_else(
            || (Arc::from([]), Arc::from([])),
            |parent| {
                (
                    Arc::clone(&self.accounts.get(parent).path),
                    Arc::clone(&self.accounts.get(parent).path_ids),
                )
            },
        );
        let ix = self.accounts.push(account).ok_or_else(too_many)?;
        let account = self.accounts.get_mut(ix);
        account.path = [ix].into_iter().chain(above.iter().copied()).collect();
        account.path_ids = [id.clone()].into_iter().chain(above_ids.iter().cloned()).collect();
        self.account_names.insert(id.clone(), ix);
        Ok(self.accept(command, Fact::AccountOpened(open.clone()), self.bare_receipt(now)))
    }

    pub(super) fn set_limit(
        &mut self,
        command: &Command,
        account: &AccountId,
        limit: &Limit,
        now: Timestamp,
    ) -> Outcome {
        let unit = self.check_limit(limit)?;
        let ix = self.account(account)?;
        self.check_room_for_limit(ix, limit)?;
        check_metadata(command)?;
        self.account_mut(ix).set_limit(unit, limit.clone(), now);
        let fact = Fact::LimitSet { account: account.clone(), limit: limit.clone() };
        Ok(self.accept(command, fact, self.bare_receipt(now)))
    }

    pub(super) fn set_remaining(
        &mut self,
        command: &Command,
        account: &AccountId,
        (unit, window): (&Unit, &Window),
        amount: Quantity,
        now: Timestamp,
    ) -> Outcome {
        check_amount(amount, unit)?;
        let unit_ix = self.unit(unit)?;
        let ix = self.account(account)?;
        let state = self.accounts.get(ix);
        let (counter, warn_at) = match state.limit(unit, window) {
            Some(limit) => (state.counter(limit, now), limit.limit.warn_at.clone()),
            None if *window == Window::Lifetime => (state.total(unit_ix), Vec::new()),
            None => (Counter::default(), Vec::new()),
        };
        let mut limit = Limit { unit: unit.clone(), window: window.clone(), amount, warn_at };
        self.check_room_for_limit(ix, &limit)?;
        check_metadata(command)?;
        let used = counter.spent.checked_add(counter.held);
        limit.amount = used.and_then(|used| used.checked_add(amount)).ok_or_else(|| {
            Denial::AmountOverflow { account: Some(account.clone()), unit: unit.clone() }
        })?;
        self.account_mut(ix).set_limit(unit_ix, limit.clone(), now);
        let fact = Fact::LimitSet { account: account.clone(), limit };
        Ok(self.accept(command, fact, self.bare_receipt(now)))
    }

    pub(super) fn charge(&mut self, command: &Command, charge: &Charge, now: Timestamp) -> Outcome {
        let quantities = self.quantities(&charge.amounts, Zero::Refused)?;
        let set = self.charge_set(charge)?;
        check_metadata(command)?;
        self.check_counters(&set.accounts, &quantities, Asks::ToSpend, now)?;
        self.check_fit(&set.accounts, &quantities, now)?;
        let before = self.spent_before(&set.accounts, &quantities, now);
        self.spend(&set.accounts, &quantities, now);
        let posting = set.posting(charge.amounts.clone());
        let receipt = Receipt {
            crossed: self.crossed(&set.accounts, &quantities, &before, now),
            available: self.available(&set.accounts, &quantities, now),
            ..self.bare_receipt(now)
        };
        Ok(self.accept(command, Fact::Charged(posting), receipt))
    }

    pub(super) fn record(&mut self, command: &Command, spent: &Charge, now: Timestamp) -> Outcome {
        let quantities = self.quantities(&spent.amounts, Zero::Refused)?;
        let set = self.charge_set(spent)?;
        check_metadata(command)?;
        self.check_counters(&set.accounts, &quantities, Asks::ToSpend, now)?;
        let before = self.spent_before(&set.accounts, &quantities, now);
        self.spend(&set.accounts, &quantities, now);
        let posting = set.posting(spent.amounts.clone());
        let receipt = Receipt {
            crossed: self.crossed(&set.accounts, &quantities, &before, now),
            overrun: self.overrun(&set.accounts, &quantities, &before, now),
            available: self.available(&set.accounts, &quantities, now),
            ..self.bare_receipt(now)
        };
        Ok(self.accept(command, Fact::Recorded(posting), receipt))
    }

    pub(super) fn place_hold(
        &mut self,
        command: &Command,
        place: &PlaceHold,
        now: Timestamp,
    ) -> Outcome {
        let quantities = self.quantities(&place.charge.amounts, Zero::Refused)?;
        let set = self.charge_set(&place.charge)?;
        let expires_at = check_ttl(place.ttl, now)?;
        check_metadata(command)?;
        self.check_counters(&set.accounts, &quantities, Asks::ToHold, now)?;
        self.check_fit(&set.accounts, &quantities, now)?;
        let mut windows = SmallVec::new();
        for ix in set.accounts.iter() {
            for (unit, quantity) in &quantities {
                self.account_mut(*ix)
                    .hold(*unit, *quantity, now, |window| windows.push((*ix, window)));
            }
        }
        self.put_hold(HeldHold {
            id: HoldId::placed_by(command.op),
            entry: self.journal.next_id(),
            set: set.clone(),
            left: quantities.clone(),
            windows,
            expires_at,
            state: HoldState::Open,
            ended_by: None,
        });
        let posting = set.posting(place.charge.amounts.clone());
        let available = self.available(&set.accounts, &quantities, now);
        let receipt = Receipt { available, ..self.bare_receipt(now) };
        Ok(self.accept(command, Fact::HoldPlaced { posting, expires_at }, receipt))
    }

    pub(super) fn settle(
        &mut self,
        command: &Command,
        id: HoldId,
        spent: &Amounts,
        now: Timestamp,
    ) -> Outcome {
        let quantities = self.quantities(spent, Zero::Allowed)?;
        let hold = self.known_hold(id)?.clone();
        if hold.state == HoldState::Settled {
            return Err(Denial::HoldEnded { hold: id });
        }
        check_metadata(command)?;
        let accounts = &hold.set.accounts;
        self.check_counters(accounts, &quantities, Asks::ToSpend, now)?;
        let late = hold.state != HoldState::Open;
        let parts = Settlement::of(&hold, quantities);
        // A unit that was held and not spent has its available told all the same.
        let touched = self.by_unit_name(hold.left.iter().map(|(unit, _)| *unit), &parts.spent);
        let before = self.spent_before(accounts, &touched, now);
        if !late {
            self.end_hold(&hold, &parts.held_part);
        }
        self.spend(accounts, &parts.excess, now);
        let entry = self.journal.next_id();
        let receipt = Receipt {
            available: self.available(accounts, &touched, now),
            crossed: self.crossed(accounts, &touched, &before, now),
            overrun: self.overrun(accounts, &touched, &before, now),
            late,
            ..self.bare_receipt(now)
        };
        let settled = Settled {
            hold: id,
            posting: hold.set.posting(spent.clone()),
            held_part: self.amounts(&parts.held_part),
            excess: self.amounts(&parts.excess),
            freed: self.amounts(&parts.freed),
            late,
        };
        self.put_hold(ended(hold, HoldState::Settled, entry));
        Ok(self.accept(command, Fact::HoldSettled(Box::new(settled)), receipt))
    }

    pub(super) fn release(&mut self, command: &Command, id: HoldId, now: Timestamp) -> Outcome {
        let hold = self.known_hold(id)?.clone();
        if hold.state != HoldState::Open {
            return Err(Denial::HoldEnded { hold: id });
        }
        check_metadata(command)?;
        let posting = self.free(&hold, HoldState::Released);
        let available = self.available(&hold.set.accounts, &hold.left, now);
        let receipt = Receipt { available, ..self.bare_receipt(now) };
        Ok(self.accept(command, Fact::HoldReleased { hold: id, posting }, receipt))
    }

    /// Ends a hold that is due, as of the instant when it was.
    pub(super) fn expire(&mut self, id: HoldId, now: Timestamp) {
        if let Some(hold) = self.holds.get(id).cloned() {
            let posting = self.free(&hold, HoldState::Expired);
            self.journal.write_expiry(
                Fact::HoldExpired { hold: id, posting },
                hold.expires_at,
                now,
            );
        }
    }

    /// Gives back all that a hold sets aside, by the entry that is written next.
    fn free(&mut self, hold: &HeldHold, state: HoldState) -> Posting {
        self.end_hold(hold, &[]);
        let posting = hold.set.posting(self.amounts(&hold.left));
        self.put_hold(ended(hold.clone(), state, self.journal.next_id()));
        posting
    }

    /// Ends what is held, and counts the part that was spent in the windows of its placement.
    fn end_hold(&mut self, hold: &HeldHold, held_part: &[(Ix<Unit>, Quantity)]) {
        for ix in hold.set.accounts.iter() {
            for (unit, left) in &hold.left {
                self.account_mut(*ix).end_hold(
                    *unit,
                    *left,
                    quantity_of(held_part, *unit),
                    hold.windows_of(*ix),
                );
            }
        }
    }

    fn spend(
        &mut self,
        accounts: &[Ix<AccountState>],
        quantities: &[(Ix<Unit>, Quantity)],
        now: Timestamp,
    ) {
        for ix in accounts {
            for (unit, quantity) in quantities.iter().filter(|(_, quantity)| !quantity.is_zero()) {
                self.account_mut(*ix).spend(*unit, *quantity, now);
            }
        }
    }

    /// The spent quantities, and zero for each other unit, in the order of the units' text.
    fn by_unit_name(
        &self,
        units: impl Iterator<Item = Ix<Unit>>,
        spent: &Quantities,
    ) -> Quantities {
        let mut all = spent.clone();
        all.extend(
            units
                .filter(|unit| !spent.iter().any(|(known, _)| known == unit))
                .map(|unit| (unit, Quantity::ZERO)),
        );
        all.sort_by_key(|(unit, _)| self.units.get(*unit));
        all
    }
}

impl Settlement {
    fn of(hold: &HeldHold, spent: Quantities) -> Self {
        // Once it has ended, a hold has nothing left: all of a late settlement is excess.
        let part_of = |part: &dyn Fn(Quantity, Quantity) -> Quantity| -> Quantities {
            let parts =
                spent.iter().map(|(unit, spent)| (*unit, part(*spent, hold.left_of(*unit))));
            parts.filter(|(_, part)| !part.is_zero()).collect()
        };
        let returned = |(unit, left): &(Ix<Unit>, Quantity)| {
            let freed = left.saturating_sub(quantity_of(&spent, *unit));
            (!freed.is_zero()).then_some((*unit, freed))
        };
        Self {
            held_part: part_of(&Quantity::min),
            excess: part_of(&Quantity::saturating_sub),
            freed: hold.left.iter().filter_map(returned).collect(),
            spent,
        }
    }
}

fn quantity_of(quantities: &[(Ix<Unit>, Quantity)], unit: Ix<Unit>) -> Quantity {
    quantities
        .iter()
        .find(|(known, _)| *known == unit)
        .map_or(Quantity::ZERO, |(_, quantity)| *quantity)
}

/// The hold, with nothing set aside any more.
fn ended(mut hold: HeldHold, state: HoldState, entry: EntryId) -> HeldHold {
    for (_, left) in &mut hold.left {
        *left = Quantity::ZERO;
    }
    hold.windows.clear();
    HeldHold { state, ended_by: Some(entry), ..hold }
}
