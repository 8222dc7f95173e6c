//! Commands about holds: placing, extending, settling, releasing; and what time does to them.

use std::{sync::Arc, time::Duration};

use foldhash::HashMap;
use safeguards_types::{AccountId, Quantity, Timestamp, Unit};

use super::{
    Book, Done, Quantities,
    arena::Ix,
    deed::{Deed, Freed, Settlement},
    fit::Asks,
    holds::{Counted, HeldHold, Kept, frozen, quantity_of},
    journal::News,
    limits::overflow,
    node::Node,
    sound::{Zero, check_ttl},
};
use crate::{Action, Command, Denial, HoldId, HoldState, Part, PlaceHold, Settle};

impl Book {
    pub(super) fn place_hold(
        &mut self,
        command: &Command,
        place: &PlaceHold,
        now: Timestamp,
    ) -> Result<Done, Denial> {
        let quantities = self.quantities(&place.charge.amounts, Zero::Refused)?;
        let set = self.charged(&place.charge, true)?;
        let expires_at = check_ttl(place.ttl, now)?;
        self.check_metadata(command)?;
        let fit = self.check_fit(&set, &quantities, Asks::ToHold, now)?;
        let shadow = if fit.shadowed { self.shadow(&set, &quantities, now) } else { Vec::new() };
        let windows = if fit.windowed {
            frozen(self.windows_at(&set, &quantities, Part::Whole, now))
        } else {
            None
        };
        let amounts = Kept::from_slice(&quantities);
        self.post_held(HeldHold {
            id: HoldId::placed_by(command.op),
            entry: self.journal.next_id(),
            set: Arc::clone(&set),
            left: amounts.clone(),
            windows: windows.clone(),
            expires_at,
            state: HoldState::Open,
            ended_by: None,
        });
        Ok(Done {
            available: fit.available(&quantities),
            late: false,
            news: News::of(Vec::new(), Vec::new(), shadow),
            deed: Deed::Held { set, amounts, windows, expires_at },
        })
    }

    pub(super) fn extend_hold(
        &mut self,
        command: &Command,
        id: HoldId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Done, Denial> {
        let hold = self.open_hold(id)?;
        let expires_at = check_ttl(ttl, now)?.max(hold.expires_at);
        self.check_metadata(command)?;
        self.check_suspension(&hold.set)?;
        let (set, left) = (Arc::clone(&hold.set), hold.left.clone());
        self.post_extended(id, expires_at);
        let available = self.available(&set, left.iter().map(|(unit, _)| *unit), now);
        let deed = Deed::Extended { hold: id, expires_at };
        Ok(Done { available, ..Done::bare(deed) })
    }

    pub(super) fn release(
        &mut self,
        command: &Command,
        id: HoldId,
        now: Timestamp,
    ) -> Result<Done, Denial> {
        let freed = Freed::of(self.open_hold(id)?);
        self.check_metadata(command)?;
        self.post_freed(&freed, HoldState::Released);
        let units = freed.amounts.iter().map(|(unit, _)| *unit);
        let available = self.available(&freed.set, units, now);
        Ok(Done { available, ..Done::bare(Deed::Freed(Box::new(freed))) })
    }

    pub(super) fn settle(
        &mut self,
        command: &Command,
        settle: &Settle,
        now: Timestamp,
    ) -> Result<Done, Denial> {
        let quantities = self.quantities(&settle.amounts, Zero::Allowed)?;
        let spender =
            settle.attribute_to.as_ref().map(|account| self.known(account)).transpose()?;
        let hold = self.known_hold(settle.hold)?;
        if hold.state == HoldState::Settled {
            return Err(Denial::HoldEnded { hold: settle.hold });
        }
        let (spender, front) = self.spender_and_front(hold, spender)?;
        self.check_metadata(command)?;
        let settlement = self.settlement((hold, settle), (spender, front), &quantities, now);
        self.check_settled_counters(&settlement, now)?;
        // A unit that was held and not spent has its available told all the same.
        let touched = self.by_unit_name(hold.left.iter().map(|(unit, _)| *unit), &quantities);
        let set = Arc::clone(&settlement.set);
        let before = self.spent_before(&set, &touched, now);
        self.post_settled(&settlement);
        let crossed = self.crossed(&set, &touched, &before, now);
        let overrun = self.overrun(&set, &touched, &before, now);
        Ok(Done {
            available: self.available(&set, touched.iter().map(|(unit, _)| *unit), now),
            late: settlement.late,
            news: News::of(crossed, overrun, Vec::new()),
            deed: Deed::Settled(Box::new(settlement)),
        })
    }

    /// Who spends what is settled, and the accounts from there upward, up to the first at which the hold counts.
    fn spender_and_front(
        &self,
        hold: &HeldHold,
        attributed: Option<Ix<Node>>,
    ) -> Result<(Ix<Node>, Vec<Ix<Node>>), Denial> {
        let unknown = || Denial::UnknownHold { hold: hold.id };
        let holder = *hold.set.first().ok_or_else(unknown)?;
        let Some(spender) = attributed else {
            return Ok((holder, Vec::new()));
        };
        let node = self.nodes.get(spender);
        if !node.path.contains(&holder) {
            return Err(Denial::NotDescendant { account: node.id.clone() });
        }
        let front = node.path.iter().copied().take_while(|ix| !hold.counts_at(*ix));
        Ok((spender, front.collect()))
    }

    /// How a settlement divides: what had been set aside, what had not, what returns, and in which windows.
    fn settlement(
        &self,
        (hold, settle): (&HeldHold, &Settle),
        (spender, front): (Ix<Node>, Vec<Ix<Node>>),
        spent: &Quantities,
        now: Timestamp,
    ) -> Settlement {
        // Once it has ended, a hold has nothing left: all of a late settlement is excess.
        let late = hold.state != HoldState::Open;
        let part_of = |part: &dyn Fn(Quantity, Quantity) -> Quantity| -> Kept {
            let parts =
                spent.iter().map(|(unit, spent)| (*unit, part(*spent, hold.left_of(*unit))));
            parts.filter(|(_, part)| !part.is_zero()).collect()
        };
        let held_part = part_of(&Quantity::min);
        let excess = part_of(&Quantity::saturating_sub);
        let returned = |(unit, left): &(Ix<Unit>, Quantity)| {
            let freed = left.saturating_sub(quantity_of(&held_part, *unit));
            (!freed.is_zero()).then_some((*unit, freed))
        };
        let keep_open = settle.keep_open && !late;
        let freed =
            if keep_open { Kept::new() } else { hold.left.iter().filter_map(returned).collect() };
        let placed = hold.windows().iter().filter(|counted| {
            !quantity_of(&held_part, counted.unit).is_zero()
                && self.nodes.get(counted.node).runs(counted, now)
        });
        let mut windows = self.windows_at(&front, spent, Part::Whole, now);
        windows.extend(placed.map(|counted| Counted { part: Part::Held, ..*counted }));
        windows.extend(self.windows_at(&hold.set, &excess, Part::Excess, now));
        let in_front = front.len();
        let set = if front.is_empty() {
            Arc::clone(&hold.set)
        } else {
            front.into_iter().chain(hold.set.iter().copied()).collect()
        };
        Settlement {
            hold: hold.id,
            spender,
            set,
            in_front,
            windows: frozen(windows),
            spent: Kept::from_slice(spent),
            held_part,
            excess,
            freed,
            keep_open,
            late,
        }
    }

    /// Whether every counter can take a settlement: in each window only the parts that count there.
    fn check_settled_counters(&self, settled: &Settlement, now: Timestamp) -> Result<(), Denial> {
        let mut parts: HashMap<(Ix<Node>, u32), Quantity> = HashMap::default();
        for counted in settled.windows.iter().flat_map(|all| all.iter()) {
            let sum = parts.entry((counted.node, counted.serial)).or_default();
            *sum = sum.saturating_add(settled.part(counted));
        }
        for ix in settled.set.iter() {
            let node = self.nodes.get(*ix);
            for (unit, spent) in &settled.spent {
                let overflows =
                    |counter: Quantity, part: Quantity| counter.checked_add(part).is_none();
                let mut over = overflows(node.all(*unit).spent, *spent);
                for limit in node.limits_of(*unit).filter(|limit| limit.current.is_some()) {
                    let part = parts.get(&(*ix, limit.serial)).copied().unwrap_or_default();
                    over |= overflows(node.counter(limit, now).spent, part);
                }
                if over {
                    return Err(overflow(node, self.units.get(*unit).clone()));
                }
            }
        }
        Ok(())
    }

    /// A hold that may still be settled (`late` or in time) or, if it is open, released.
    fn known_hold(&self, id: HoldId) -> Result<&HeldHold, Denial> {
        // One whose ending is forgotten is forgotten with it, also while it still stands.
        let remembered = |entry| entry >= self.journal.first_kept();
        match self.holds.get(id).filter(|hold| hold.ended_by.is_none_or(remembered)) {
            Some(hold) => Ok(hold),
            None if self.journal.has_forgotten(id.op()) => Err(Denial::HoldForgotten { hold: id }),
            None => Err(Denial::UnknownHold { hold: id }),
        }
    }

    fn open_hold(&self, id: HoldId) -> Result<&HeldHold, Denial> {
        let hold = self.known_hold(id)?;
        if hold.state == HoldState::Open { Ok(hold) } else { Err(Denial::HoldEnded { hold: id }) }
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

    /// Ends the holds that are due. Gives the instant when the next one is.
    pub fn tick(&mut self, clock: Timestamp) -> Option<Timestamp> {
        let now = self.journal.now(clock);
        let due: Vec<_> = self.holds.due(now).map(|hold| hold.id).collect();
        if !due.is_empty() {
            for id in due {
                self.expire(id);
            }
            self.drop_forgotten();
        }
        self.holds.next_expiry()
    }

    /// Ends a hold that is due, as of the instant when it was.
    fn expire(&mut self, id: HoldId) {
        if let Some(hold) = self.holds.get(id) {
            let (freed, at) = (Freed::of(hold), hold.expires_at);
            self.post_freed(&freed, HoldState::Expired);
            self.journal.write(at, Deed::Freed(Box::new(freed)), None);
        }
    }

    /// Ends the due holds that count at any account that the command counts at or names.
    pub(super) fn sweep(&mut self, action: &Action, now: Timestamp) {
        if self.holds.next_expiry().is_none_or(|next| next > now) {
            return;
        }
        let met = self.met_by(action);
        for id in self.holds.due_at(&met, now) {
            self.expire(id);
        }
    }

    /// The accounts that a command names, with everything above them; what does not exist is passed over.
    fn met_by(&self, action: &Action) -> Vec<Ix<Node>> {
        let hold_set =
            |hold: &HoldId| self.holds.get(*hold).map_or_else(Vec::new, |hold| hold.set.to_vec());
        match action {
            Action::RegisterUnit { .. } => Vec::new(),
            Action::OpenAccount(open) => {
                self.paths([&open.account].into_iter().chain(&open.parent))
            }
            Action::SetParent { account, parent, from } => {
                self.paths([account].into_iter().chain(parent).chain(from))
            }
            Action::CloseAccount { account }
            | Action::SetLimit { account, .. }
            | Action::SetRemaining { account, .. }
            | Action::RemoveLimit { account, .. }
            | Action::SetProtection { account, .. }
            | Action::SetPriority { account, .. }
            | Action::Suspend { account, .. }
            | Action::Resume { account, .. } => self.paths([account].into_iter()),
            Action::Charge(charge)
            | Action::Record(charge)
            | Action::PlaceHold(PlaceHold { charge, .. }) => {
                self.paths([&charge.account].into_iter().chain(&charge.scopes))
            }
            Action::ExtendHold { hold, .. } | Action::Release { hold } => hold_set(hold),
            Action::Settle(settle) => {
                let mut met = hold_set(&settle.hold);
                met.extend(self.paths(settle.attribute_to.iter()));
                met
            }
            Action::Refund { of, .. } => {
                self.spending(*of).map_or_else(Vec::new, |spending| spending.set.to_vec())
            }
            Action::Transfer { from, to, .. } => self.paths([from, to].into_iter()),
            Action::Allocate { parent, shares, .. } => self.family(parent, shares.keys()),
            Action::Divide(divide) => self.family(&divide.parent, divide.weights.keys()),
            Action::Reclaim { account, .. } => {
                let mut met = self.paths([account].into_iter());
                let parent = self.find(account).and_then(|ix| self.nodes.get(ix).parent);
                met.extend(
                    parent.iter().flat_map(|parent| self.children(*parent)).map(|(ix, _)| ix),
                );
                met
            }
        }
    }

    fn paths<'a>(&self, accounts: impl Iterator<Item = &'a AccountId>) -> Vec<Ix<Node>> {
        let found = accounts.filter_map(|account| self.find(account));
        found.flat_map(|ix| self.nodes.get(ix).path.iter().copied()).collect()
    }

    /// A parent, everything above it, its children, and the accounts that are named besides.
    fn family<'a>(
        &self,
        parent: &'a AccountId,
        named: impl Iterator<Item = &'a AccountId>,
    ) -> Vec<Ix<Node>> {
        let mut met = self.paths([parent].into_iter().chain(named));
        let parent = self.find(parent);
        met.extend(parent.iter().flat_map(|parent| self.children(*parent)).map(|(ix, _)| ix));
        met
    }
}

impl Freed {
    /// All that a hold has left.
    fn of(hold: &HeldHold) -> Self {
        Self { hold: hold.id, set: Arc::clone(&hold.set), amounts: hold.left.clone() }
    }
}

impl Settlement {
    /// How much counts in a window.
    pub(super) fn part(&self, counted: &Counted) -> Quantity {
        let quantities = match counted.part {
            Part::Whole => &self.spent,
            Part::Held => &self.held_part,
            Part::Excess => &self.excess,
        };
        quantity_of(quantities, counted.unit)
    }
}
