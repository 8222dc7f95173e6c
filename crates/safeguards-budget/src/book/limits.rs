//! Commands about one limit: setting, what shall remain, removing.

use safeguards_types::{AccountId, Amount, Quantity, Timestamp, Unit};

use super::{
    Book, Done,
    arena::Ix,
    deed::{Deed, Limits, SetLimit},
    node::{Counter, LimitState, Node},
    sound::{Zero, check_given},
};
use crate::{Command, Denial, Limit, Window};

impl Book {
    pub(super) fn set_limit(
        &mut self,
        command: &Command,
        account: &AccountId,
        limit: &Limit,
        now: Timestamp,
    ) -> Result<Done, Denial> {
        check_given([(&limit.unit, limit.amount)].into_iter(), Zero::Allowed)?;
        let unit = self.unit(&limit.unit)?;
        let ix = self.open(account)?;
        self.check_room(ix, (unit, &limit.window))?;
        self.check_percents(limit)?;
        self.check_metadata(command)?;
        Ok(self.do_set_limits([(ix, limit.clone())], now))
    }

    pub(super) fn set_remaining(
        &mut self,
        command: &Command,
        account: &AccountId,
        (unit_id, window): (&Unit, &Window),
        amount: Quantity,
        now: Timestamp,
    ) -> Result<Done, Denial> {
        check_given([(unit_id, amount)].into_iter(), Zero::Allowed)?;
        let unit = self.unit(unit_id)?;
        let ix = self.open(account)?;
        self.check_room(ix, (unit, window))?;
        self.check_metadata(command)?;
        let node = self.nodes.get(ix);
        let (counter, mut limit) = if let Some(known) = self.limit(node, unit, window) {
            (node.counter(known, now), self.limit_of(known))
        } else {
            let lifetime = *window == Window::Lifetime;
            let counter = if lifetime { node.all(unit) } else { Counter::default() };
            (counter, Limit::new(Amount::new(amount, unit_id.clone()), window.clone()))
        };
        limit.amount = sum([counter.spent, counter.held, amount])
            .ok_or_else(|| overflow(node, unit_id.clone()))?;
        Ok(self.do_set_limits([(ix, limit)], now))
    }

    pub(super) fn remove_limit(
        &mut self,
        command: &Command,
        account: &AccountId,
        (unit_id, window): (&Unit, &Window),
    ) -> Result<Done, Denial> {
        let unit = self.unit(unit_id)?;
        let ix = self.open(account)?;
        self.check_metadata(command)?;
        if self.limit(self.nodes.get(ix), unit, window).is_none() {
            return Err(Denial::NoLimit { account: account.clone(), unit: unit_id.clone() });
        }
        self.post_as_commanded(&command.action);
        Ok(Done::bare(Deed::AsCommanded))
    }

    /// Sets limits, in this order. What is new begins to count in the window of `now`.
    pub(super) fn do_set_limits(
        &mut self,
        limits: impl IntoIterator<Item = (Ix<Node>, Limit)>,
        now: Timestamp,
    ) -> Done {
        Done::bare(self.set_limits_and_take(limits, Vec::new(), now))
    }

    pub(super) fn set_limits_and_take(
        &mut self,
        limits: impl IntoIterator<Item = (Ix<Node>, Limit)>,
        taken: Vec<(Ix<Node>, Quantity)>,
        now: Timestamp,
    ) -> Deed {
        let set = |(node, limit): (Ix<Node>, Limit)| {
            let unit = self.unit(&limit.unit).ok();
            let known = unit.and_then(|unit| self.limit(self.nodes.get(node), unit, &limit.window));
            let opened = if known.is_none() { limit.window.span_from(now) } else { None };
            SetLimit { node, limit, opened }
        };
        let limits = Limits { set: limits.into_iter().map(set).collect(), taken };
        self.post_limits(&limits);
        Deed::Limits(Box::new(limits))
    }

    /// Whether an account has this limit, or room for one more.
    pub(super) fn check_room(
        &self,
        ix: Ix<Node>,
        (unit, window): (Ix<Unit>, &Window),
    ) -> Result<(), Denial> {
        let node = self.nodes.get(ix);
        let is_new = self.limit(node, unit, window).is_none();
        self.check_limit_count(node.limits.len().saturating_add(usize::from(is_new)))
    }

    /// The limit of an account on a unit over a window.
    pub(super) fn limit<'a>(
        &self,
        node: &'a Node,
        unit: Ix<Unit>,
        window: &Window,
    ) -> Option<&'a LimitState> {
        node.limit(unit, self.window(window)?)
    }

    /// A limit as it is told to the outside.
    pub(super) fn limit_of(&self, state: &LimitState) -> Limit {
        let unit = self.units.get(state.unit).clone();
        let window = self.windows.get(state.window).clone();
        let limit = Limit::new(Amount::new(state.amount, unit), window).mode(state.mode);
        let warnings = state.warnings.as_deref().unwrap_or_default();
        warnings.iter().fold(limit, |limit, percent| limit.warn_at(*percent))
    }
}

/// The sum, if a counter can hold it.
pub(super) fn sum(parts: impl IntoIterator<Item = Quantity>) -> Option<Quantity> {
    parts.into_iter().try_fold(Quantity::ZERO, Quantity::checked_add)
}

/// A counter or limit of this account would be more than one can hold.
pub(super) fn overflow(node: &Node, unit: Unit) -> Denial {
    Denial::AmountOverflow { account: Some(node.id.clone()), unit, value: None }
}
