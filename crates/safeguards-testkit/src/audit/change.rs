//! What changes counters: spending, setting aside, settling, giving back, refunding.

use std::sync::Arc;

use safeguards_budget::{Entry, HoldId, HoldState, Part, Posting, Refunded, Settle, Settled};
use safeguards_types::{AccountId, Amount, Amounts, OperationId, Quantity, Timestamp, Unit};

use super::{
    Auditor, Rule, Told, same_amounts,
    state::{CapAt, Counters, HoldRecord, Number, Spending, Used},
    windows::Change,
};

impl Auditor {
    /// Counts what was spent at once, with leave or without.
    pub(super) fn spend(&mut self, entry: &Entry, op: OperationId, posting: &Posting) -> Told {
        let Posting { spender, set, amounts, windows, .. } = posting;
        let changes = self.changes_now(set, amounts, Part::Whole, spent);
        let listed = self.listed(entry, windows, &[], |_, unit| steps(amounts, unit));
        let counted = self.change_windows(entry, listed, &changes);
        self.count(set, amounts, |steps| Counters { spent: steps, ..Counters::default() });
        self.count_directly(spender, amounts, |steps| Counters {
            spent_directly: steps,
            ..Counters::default()
        });
        let spending = Spending {
            op,
            spender: spender.clone(),
            set: Arc::clone(set),
            excess: amounts.clone(),
            held_part: Amounts::none(),
            counted,
        };
        self.state.spendings.insert(entry.id, spending);
        Told { raised: self.raised(set, amounts, &changes), ..Told::of(set, units([amounts])) }
    }

    /// Sets aside.
    pub(super) fn place(
        &mut self,
        entry: &Entry,
        hold: HoldId,
        posting: &Posting,
        expires_at: Timestamp,
    ) -> Told {
        let Posting { spender, set, amounts, windows, .. } = posting;
        let changes = self.changes_now(set, amounts, Part::Whole, held);
        let listed = self.listed(entry, windows, &[], |_, unit| steps(amounts, unit));
        let counted = self.change_windows(entry, listed, &changes);
        self.count(set, amounts, |steps| Counters { held: steps, ..Counters::default() });
        self.count_directly(spender, amounts, |steps| Counters {
            held_directly: steps,
            ..Counters::default()
        });
        for id in set.iter() {
            if let Some(node) = self.state.nodes.get_mut(id) {
                node.open_holds = node.open_holds.saturating_add(1);
            }
        }
        let record = HoldRecord {
            spender: spender.clone(),
            set: Arc::clone(set),
            left: amounts.clone(),
            expires_at,
            state: HoldState::Open,
            counted,
        };
        self.state.holds.insert(hold, record);
        self.state.due.insert((expires_at, hold));
        Told::of(set, units([amounts]))
    }

    /// Gives a hold more time: never less than it has.
    pub(super) fn extend(
        &mut self,
        entry: &Entry,
        hold: HoldId,
        asked: Timestamp,
        told: Timestamp,
    ) -> Told {
        self.check_open(entry, hold);
        let Some(record) = self.state.holds.get_mut(&hold) else { return Told::default() };
        let due = record.expires_at.max(asked);
        self.found.unless(
            told == due,
            Rule::Holds,
            format_args!("hold {hold} expires at {told}, and {due} was asked for"),
        );
        self.state.due.remove(&(record.expires_at, hold));
        self.state.due.insert((told, hold));
        record.expires_at = told;
        let told = Told::of(&record.set, units([&record.left]));
        self.check_not_stopped(&told.set);
        self.check_swept(entry.at, &told.set);
        told
    }

    /// Gives a whole hold back: by choice, or because its time ran out.
    pub(super) fn free(&mut self, entry: &Entry, hold: HoldId, posting: &Posting) -> Told {
        let Some(record) = self.state.holds.get(&hold) else {
            self.found.add(Rule::Fact, format_args!("there is no hold {hold}"));
            return Told::default();
        };
        let (spender, set) = (record.spender.clone(), Arc::clone(&record.set));
        let (left, counted) = (record.left.clone(), record.counted.clone());
        let was = record.state;
        self.found.unless(
            was == HoldState::Open,
            Rule::Holds,
            format_args!("hold {hold} ended twice; it was {} before", was.name()),
        );
        self.found.unless(
            posting.spender == spender && posting.set == set,
            Rule::Set,
            format_args!("hold {hold} was placed by {spender} at {set:?}"),
        );
        self.found.unless(
            same_amounts(&posting.amounts, &left),
            Rule::Holds,
            format_args!("hold {hold} had `{left}` left, given back `{}`", posting.amounts),
        );
        let changes = self.changes_then(&counted, |unit, _| {
            let left = steps(&left, unit);
            (held(left.saturating_neg()), left)
        });
        let listed =
            self.listed(entry, &posting.windows, &counted, |_, unit| steps(&posting.amounts, unit));
        self.change_windows(entry, listed, &changes);
        self.unhold(&spender, &set, &left);
        let ended = if entry.cause.is_some() { HoldState::Released } else { HoldState::Expired };
        self.end_hold(hold, ended);
        if entry.cause.is_some() {
            self.check_swept(entry.at, &set);
        }
        Told::of(&set, units([&left]))
    }

    /// Records what was spent under a hold.
    pub(super) fn settle(
        &mut self,
        entry: &Entry,
        op: OperationId,
        asked: &Settle,
        told: &Settled,
    ) -> Told {
        self.check_same_hold(asked.hold, told.hold);
        let hold = asked.hold;
        let Some(record) = self.state.holds.get(&hold) else {
            self.found.add(Rule::Fact, format_args!("there is no hold {hold}"));
            return Told::default();
        };
        let (holder, held_set) = (record.spender.clone(), Arc::clone(&record.set));
        let (left, placed) = (record.left.clone(), record.counted.clone());
        let was = record.state;
        let late = matches!(was, HoldState::Expired | HoldState::Released);
        self.found.unless(
            was != HoldState::Settled,
            Rule::Holds,
            format_args!("hold {hold} was settled twice"),
        );
        self.found.unless(
            told.late == late && told.keep_open == (asked.keep_open && !late),
            Rule::Holds,
            format_args!(
                "hold {hold} was {}: late {}, keep_open {}",
                was.name(),
                told.late,
                told.keep_open,
            ),
        );
        if !late {
            self.check_open(entry, hold);
        }

        let Posting { spender, set, amounts, windows, .. } = &told.posting;
        let front = self.in_front(asked.attribute_to.as_ref(), &holder, &held_set);
        let expected_set: Vec<_> = front.iter().chain(held_set.iter()).cloned().collect();
        self.found.unless(
            **set == *expected_set && told.in_front == front.len(),
            Rule::Set,
            format_args!("{} in front of {set:?}, the tree says {expected_set:?}", told.in_front),
        );
        let expected_spender = asked.attribute_to.as_ref().unwrap_or(&holder);
        self.found.unless(
            spender == expected_spender && same_amounts(amounts, &asked.amounts),
            Rule::Fact,
            format_args!(
                "{spender} and `{amounts}`, asked {expected_spender} and `{}`",
                asked.amounts
            ),
        );
        self.check_swept(entry.at, set);

        let (held_part, excess, freed) = split(amounts, &left, late, told.keep_open);
        let agree = same_amounts(&told.held_part, &held_part)
            && same_amounts(&told.excess, &excess)
            && (told.keep_open || same_amounts(&told.freed, &freed));
        self.found.unless(
            agree,
            Rule::Holds,
            format_args!(
                "of `{amounts}` under a hold with `{left}` left: `{}` held, `{}` excess, `{}` freed",
                told.held_part, told.excess, told.freed,
            ),
        );

        // In front all of it counts in the windows of now; behind only what had not been set aside.
        let mut changes = self.changes_now(&front, amounts, Part::Whole, spent);
        changes.extend(self.changes_now(&held_set, &excess, Part::Excess, spent));
        changes.extend(self.changes_then(&placed, |unit, _| {
            let (part, freed) = (steps(&held_part, unit), steps(&freed, unit));
            (Used { spent: part, held: part.saturating_add(freed).saturating_neg() }, part)
        }));
        let listed = self.listed(entry, windows, &placed, |part, unit| match part {
            Part::Held => steps(&held_part, unit),
            Part::Excess => steps(&excess, unit),
            Part::Whole => steps(amounts, unit),
            _ => 0,
        });
        let counted = self.change_windows(entry, listed, &changes);
        self.count(set, amounts, |steps| Counters { spent: steps, ..Counters::default() });
        self.count_directly(spender, amounts, |steps| Counters {
            spent_directly: steps,
            ..Counters::default()
        });
        let mut gone = held_part.clone();
        gone.add_all(&freed);
        self.unhold(&holder, &held_set, &gone);
        if told.keep_open {
            if let Some(record) = self.state.holds.get_mut(&hold) {
                record.left = less(&left, &held_part);
            }
        } else {
            self.end_hold(hold, HoldState::Settled);
        }
        let raised = self.raised(set, amounts, &changes);
        let spending = Spending {
            op,
            spender: spender.clone(),
            set: Arc::clone(set),
            excess,
            held_part,
            counted,
        };
        self.state.spendings.insert(entry.id, spending);
        Told { raised, late, ..Told::of(set, units([&left, amounts])) }
    }

    /// Takes spending back: the excess first.
    pub(super) fn refund(
        &mut self,
        entry: &Entry,
        of: OperationId,
        asked: &Amounts,
        told: &Refunded,
    ) -> Told {
        let Some(spending) = self.state.spendings.get_mut(&told.of) else {
            self.found.add(Rule::Fact, format_args!("entry {} spent nothing", told.of));
            return Told::default();
        };
        let Posting { spender, set, amounts, windows, .. } = &told.posting;
        self.found.unless(
            spending.op == of && same_amounts(amounts, asked),
            Rule::Fact,
            format_args!("`{amounts}` of {}, asked `{asked}` of {of}", spending.op),
        );
        self.found.unless(
            *spender == spending.spender && *set == spending.set,
            Rule::Set,
            format_args!("{} spent it at {:?}", spending.spender, spending.set),
        );
        let (mut excess, mut held_part) = (Amounts::none(), Amounts::none());
        for amount in amounts {
            let (unit, asked) = (amount.unit(), amount.quantity());
            let of_excess = asked.min(spending.excess.get(unit));
            let of_held = asked.saturating_sub(of_excess);
            self.found.unless(
                of_held <= spending.held_part.get(unit),
                Rule::Refunds,
                format_args!(
                    "{amount} back of {} {unit} and {} {unit} that had been held",
                    spending.excess.get(unit),
                    spending.held_part.get(unit),
                ),
            );
            excess.set(Amount::new(of_excess, unit.clone()));
            held_part.set(Amount::new(of_held, unit.clone()));
        }
        self.found.unless(
            same_amounts(&told.excess, &excess) && same_amounts(&told.held_part, &held_part),
            Rule::Refunds,
            format_args!("`{}` of the excess, `{}` of what was held", told.excess, told.held_part),
        );
        spending.excess = less(&spending.excess, &excess);
        spending.held_part = less(&spending.held_part, &held_part);
        let (counted, set) = (spending.counted.clone(), Arc::clone(&spending.set));

        let of_part = |part: Part, unit: &Unit| match part {
            Part::Held => steps(&held_part, unit),
            Part::Excess => steps(&excess, unit),
            Part::Whole => steps(amounts, unit),
            _ => 0,
        };
        let changes = self.changes_then(&counted, |unit, part| {
            let back = of_part(part, unit);
            (spent(back.saturating_neg()), back)
        });
        let listed = self.listed(entry, windows, &counted, of_part);
        self.change_windows(entry, listed, &changes);
        let back = |steps: i128| steps.saturating_neg();
        self.count(&set, amounts, |steps| Counters { spent: back(steps), ..Counters::default() });
        self.count_directly(spender, amounts, |steps| Counters {
            spent_directly: back(steps),
            ..Counters::default()
        });
        self.check_swept(entry.at, &set);
        Told::of(&set, units([amounts]))
    }

    /// A hold that is asked for something must not have ended, nor be due.
    pub(super) fn check_open(&mut self, entry: &Entry, hold: HoldId) {
        let Some(record) = self.state.holds.get(&hold) else { return };
        self.found.unless(
            record.state == HoldState::Open && entry.at < record.expires_at,
            Rule::Holds,
            format_args!("hold {hold} is {} until {}", record.state.name(), record.expires_at),
        );
    }

    /// The accounts that a settlement counts at besides the frozen set.
    fn in_front(
        &mut self,
        attributed: Option<&AccountId>,
        holder: &AccountId,
        held_set: &[AccountId],
    ) -> Vec<AccountId> {
        let Some(spender) = attributed else { return Vec::new() };
        let below = self.state.chain(spender).any(|id| id == holder);
        self.found.unless(
            below,
            Rule::Set,
            format_args!("{spender} is neither {holder} nor below it"),
        );
        let outside = self.state.chain(spender).take_while(|id| !held_set.contains(id));
        outside.cloned().collect()
    }

    /// Changes the lifetime counters of every account of a set.
    fn count(&mut self, set: &[AccountId], amounts: &Amounts, change: impl Fn(i128) -> Counters) {
        for account in set {
            self.count_directly(account, amounts, &change);
        }
    }

    /// Changes the lifetime counters of one account.
    fn count_directly(
        &mut self,
        account: &AccountId,
        amounts: &Amounts,
        change: impl Fn(i128) -> Counters,
    ) {
        let Some(node) = self.state.nodes.get_mut(account) else {
            self.found.add(Rule::Fact, format_args!("there is no account `{account}`"));
            return;
        };
        for amount in amounts.iter().filter(|amount| !amount.quantity().is_zero()) {
            let unit = amount.unit();
            let Counters { spent, held, spent_directly, held_directly } =
                change(amount.quantity().steps());
            let counters = node.counters.entry(unit.clone()).or_default();
            counters.spent = counters.spent.saturating_add(spent);
            counters.held = counters.held.saturating_add(held);
            counters.spent_directly = counters.spent_directly.saturating_add(spent_directly);
            counters.held_directly = counters.held_directly.saturating_add(held_directly);
            let least = counters
                .spent
                .min(counters.held)
                .min(counters.spent_directly)
                .min(counters.held_directly);
            self.found.unless(
                least >= 0,
                Rule::Fact,
                format_args!("{account}: a counter of {unit} fell to {}", Number(least)),
            );
        }
    }

    /// Takes what is no longer held away.
    fn unhold(&mut self, holder: &AccountId, set: &[AccountId], amounts: &Amounts) {
        let less = |steps: i128| steps.saturating_neg();
        self.count(set, amounts, |steps| Counters { held: less(steps), ..Counters::default() });
        self.count_directly(holder, amounts, |steps| Counters {
            held_directly: less(steps),
            ..Counters::default()
        });
    }

    fn end_hold(&mut self, hold: HoldId, state: HoldState) {
        let Some(record) = self.state.holds.get_mut(&hold) else { return };
        let was_open = record.state == HoldState::Open;
        record.state = state;
        record.left = less(&record.left, &record.left);
        self.state.due.remove(&(record.expires_at, hold));
        let set = Arc::clone(&record.set);
        for id in set.iter().filter(|_| was_open) {
            if let Some(node) = self.state.nodes.get_mut(id) {
                node.open_holds = node.open_holds.saturating_sub(1);
            }
        }
    }

    /// The hard limits at which these amounts raised what is spent: in the lifetime always, in a window only
    /// if it is the current one.
    fn raised(&self, set: &[AccountId], amounts: &Amounts, changes: &[Change]) -> Vec<CapAt> {
        let mut raised = Vec::new();
        for account in set {
            let Some(node) = self.state.nodes.get(account) else { continue };
            for cap in node.caps.iter().filter(|cap| cap.limit.is_hard()) {
                let at = CapAt { account: account.clone(), serial: cap.serial };
                let is_raised = match cap.span {
                    None => steps(amounts, &cap.limit.unit) > 0,
                    Some(span) => changes.iter().any(|change| {
                        let window = change.window;
                        change.cap == at
                            && change.used.spent > 0
                            && window.is_none_or(|(from, to)| span.is(from, to))
                    }),
                };
                if is_raised {
                    raised.push(at);
                }
            }
        }
        raised
    }
}

fn spent(steps: i128) -> Used {
    Used { spent: steps, held: 0 }
}

fn held(steps: i128) -> Used {
    Used { spent: 0, held: steps }
}

fn steps(amounts: &Amounts, unit: &Unit) -> i128 {
    amounts.get(unit).steps()
}

/// Every unit that is named, each once.
fn units<const N: usize>(lists: [&Amounts; N]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for amount in lists.into_iter().flatten() {
        if !units.contains(amount.unit()) {
            units.push(amount.unit().clone());
        }
    }
    units
}

/// What is left of each unit after `taken`; the units stay named.
fn less(amounts: &Amounts, taken: &Amounts) -> Amounts {
    let mut rest = amounts.clone();
    for amount in amounts {
        let left = amount.quantity().saturating_sub(taken.get(amount.unit()));
        rest.set(Amount::new(left, amount.unit().clone()));
    }
    rest
}

/// Of what was spent under a hold: what had been set aside, what had not, and what is given back.
fn split(
    amounts: &Amounts,
    left: &Amounts,
    late: bool,
    keep_open: bool,
) -> (Amounts, Amounts, Amounts) {
    if late {
        return (Amounts::none(), amounts.clone(), Amounts::none());
    }
    let mut held_part = Amounts::none();
    for amount in amounts {
        let part: Quantity = amount.quantity().min(left.get(amount.unit()));
        held_part.set(Amount::new(part, amount.unit().clone()));
    }
    let excess = less(amounts, &held_part);
    let freed = if keep_open { Amounts::none() } else { less(left, &held_part) };
    (held_part, excess, freed)
}
