//! What the model says and shows, and what the book says and shows in the same words.

use safeguards_budget::{
    Account, Denial, HoldId, HoldState, HoldView, Limit, OpenAccount, Outcome,
};
use safeguards_types::{AccountId, Amount, Amounts, Quantity, Timestamp, Unit};

use super::{
    Model, Said,
    count::{span, steps},
};

impl Model {
    /// An account as a read shows it.
    pub(crate) fn shown(&self, id: &AccountId, clock: Timestamp) -> Option<String> {
        let (now, open) = (self.now(clock), self.account(id)?);
        let mut limits = Vec::new();
        for known in self.limits.iter().filter(|known| known.account == *id) {
            let Limit { unit, window, amount, warn_at, .. } = &known.limit;
            let (spent, held) = (self.spent(known, now), self.held(known, now));
            let over = spent + held - amount.steps();
            let numbers = [spent, held, (-over).max(0), over.max(0)].map(steps);
            let span = span(window, now).map(|(start, end)| (start.max(known.made_at), end));
            limits.push(format!("{unit} {window} {amount} {warn_at:?} {numbers:?} {span:?}"));
        }
        let totals = |of: &dyn Fn(&Unit) -> i128| -> Amounts {
            let amounts = self.units.iter().map(|unit| Amount::new(steps(of(unit)), unit.clone()));
            let mut counted = Amounts::none();
            amounts.filter(|amount| !amount.quantity().is_zero()).for_each(|a| counted.set(a));
            counted
        };
        let spent = totals(&|unit| self.total_spent(id, unit));
        let held = totals(&|unit| self.total_held(id, unit, now));
        let OpenAccount { parent, priority, .. } = open;
        Some(format!("{id} {parent:?} {priority} {limits:?} {spent} {held}"))
    }

    /// A hold as a read shows it.
    pub(crate) fn shown_hold(&self, id: HoldId, clock: Timestamp) -> Option<String> {
        let (now, hold) = (self.now(clock), self.hold(id)?);
        let due = hold.state == HoldState::Open && hold.expires_at <= now;
        let state = if due { HoldState::Expired } else { hold.state };
        let mut left = hold.amounts.clone();
        if state != HoldState::Open {
            hold.amounts
                .iter()
                .for_each(|held| left.set(Amount::new(Quantity::ZERO, held.unit().clone())));
        }
        Some(format!("{id} {state:?} {left} {} {:?}", hold.expires_at, hold.set))
    }
}

/// A read of the book in the words of the model.
pub(crate) fn shown(account: &Account) -> String {
    let Account { id, parent, priority, spent, held, .. } = account;
    let limits: Vec<_> = account
        .limits
        .iter()
        .map(|usage| {
            let Limit { unit, window, amount, warn_at, .. } = &usage.limit;
            let numbers = [usage.spent, usage.held, usage.available, usage.over_by];
            let span = usage.window_started_at.zip(usage.window_ends_at);
            format!("{unit} {window} {amount} {warn_at:?} {numbers:?} {span:?}")
        })
        .collect();
    format!("{id} {parent:?} {priority} {limits:?} {spent} {held}")
}

pub(crate) fn shown_hold(hold: &HoldView) -> String {
    let HoldView { id, state, left, expires_at, set, .. } = hold;
    format!("{id} {state:?} {left} {expires_at} {set:?}")
}

/// An outcome of the book in the words of the model.
pub(crate) fn said(outcome: &Outcome) -> Said {
    let receipt = outcome.as_ref().map_err(no)?;
    let crossed: Vec<_> = receipt
        .crossed
        .iter()
        .map(|at| {
            let (account, unit, window, limit) = (&at.account, &at.unit, &at.window, at.limit);
            format!("{account} {unit} {window} {limit} {}% {}", at.percent, at.spent)
        })
        .collect();
    let overrun: Vec<_> = receipt
        .overrun
        .iter()
        .map(|at| {
            let (account, unit, window, limit) = (&at.account, &at.unit, &at.window, at.limit);
            let numbers = [at.spent, at.held, at.over_by];
            format!("{account} {unit} {window} {limit} {numbers:?}")
        })
        .collect();
    let (entry, now, available) = (receipt.entry, receipt.at, &receipt.available);
    Ok(format!("{entry} {now} {available} {crossed:?} {overrun:?} {}", receipt.late))
}

pub(super) fn no(denial: &Denial) -> String {
    let code = denial.code();
    denial.shortfall().map_or_else(
        || format!("{code} {denial}"),
        |short| {
            let numbers = [short.limit, short.spent, short.held, short.protected];
            let numbers = [numbers.as_slice(), &[short.asked, short.available]].concat();
            let (account, unit, window) = (&short.account, &short.unit, &short.window);
            format!("{code} {account} {unit} {window} {numbers:?} {:?}", short.retry)
        },
    )
}
