//! Whether amounts fit, at every account of a charge set; and if not, why, and whether waiting helps.

use safeguards_types::{Priority, Quantity, Timestamp, Unit};
use smallvec::SmallVec;

use super::{
    Book,
    arena::Ix,
    holds::Kept,
    limits::overflow,
    node::{Counter, LimitState, Node},
};
use crate::{Denial, LimitMode, Retry, ShadowDenial, Shortfall};

/// What asks for room: it is spent or set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    ToSpend,
    ToHold,
}

/// More than can be left of any limit.
const UNLIMITED: i128 = i128::MAX;

/// What was found while looking whether amounts fit.
#[derive(Debug, Default)]
pub(super) struct Fit {
    /// What is left after the command, by unit of the command; the most there is where no hard limit is on
    /// the way.
    left: SmallVec<[i128; 3]>,
    /// Whether any of the limits has a window.
    pub(super) windowed: bool,
    /// Whether any of the limits may tell of a crossing.
    pub(super) reports: bool,
    /// Whether a limit on trial would have denied.
    pub(super) shadowed: bool,
}

impl Fit {
    pub(super) fn available(&self, quantities: &[(Ix<Unit>, Quantity)]) -> Kept {
        let mut available = Kept::new();
        for ((unit, _), left) in quantities.iter().zip(&self.left) {
            if *left != UNLIMITED {
                available.push((*unit, Quantity::told(*left)));
            }
        }
        available
    }
}

impl Asks {
    fn counted(self, counter: Counter) -> Quantity {
        match self {
            Self::ToSpend => counter.spent,
            Self::ToHold => counter.held,
        }
    }
}

impl Book {
    /// Whether the amounts fit every limit of every account: the one rule that nothing is granted against.
    pub(super) fn check_fit(
        &self,
        set: &[Ix<Node>],
        quantities: &[(Ix<Unit>, Quantity)],
        asks: Asks,
        now: Timestamp,
    ) -> Result<Fit, Denial> {
        let spender = self.priority_of(set);
        let left = SmallVec::from_elem(UNLIMITED, quantities.len());
        let mut fit = Fit { left, ..Fit::default() };
        let least = fit.left.as_mut_slice();
        let mut refused = false;
        for ix in set {
            let node = self.nodes.get(*ix);
            refused |= node.suspended;
            for ((unit, asked), least) in quantities.iter().zip(least.iter_mut()) {
                let all = node.all(*unit);
                refused |= asks.counted(all).checked_add(*asked).is_none();
                for limit in node.limits_of(*unit) {
                    let counter = limit.counter(all, now);
                    let left = limit
                        .amount
                        .steps()
                        .saturating_sub(counter.used_steps())
                        .saturating_sub(asked.steps());
                    fit.reports |= limit.reports();
                    if limit.current.is_some() {
                        fit.windowed = true;
                        refused |= asks.counted(counter).checked_add(*asked).is_none();
                    }
                    match limit.mode {
                        LimitMode::Hard => {
                            refused |= left < node.protected(limit.amount, spender).steps();
                            *least = left.min(*least);
                        }
                        LimitMode::Shadow => fit.shadowed |= left < 0,
                        LimitMode::Soft => {}
                    }
                }
            }
        }
        if refused {
            self.check_suspension(set)?;
            self.check_counters(set, quantities, asks, now)?;
            self.check_limits(set, quantities, now)?;
        }
        Ok(fit)
    }

    fn priority_of(&self, set: &[Ix<Node>]) -> Priority {
        set.first().map_or_else(Priority::default, |spender| self.nodes.get(*spender).priority)
    }

    pub(super) fn check_suspension(&self, set: &[Ix<Node>]) -> Result<(), Denial> {
        match set.iter().map(|ix| self.nodes.get(*ix)).find(|node| node.suspended) {
            Some(node) => Err(Denial::Suspended { account: node.id.clone() }),
            None => Ok(()),
        }
    }

    /// Whether every counter can take the amounts: 10¹⁶ at most.
    pub(super) fn check_counters(
        &self,
        set: &[Ix<Node>],
        quantities: &[(Ix<Unit>, Quantity)],
        asks: Asks,
        now: Timestamp,
    ) -> Result<(), Denial> {
        for node in set.iter().map(|ix| self.nodes.get(*ix)) {
            for (unit, quantity) in quantities {
                let all = node.all(*unit);
                let windows = node.limits_of(*unit).map(|limit| limit.counter(all, now));
                let overflows = |counter| asks.counted(counter).checked_add(*quantity).is_none();
                if [all].into_iter().chain(windows).any(overflows) {
                    return Err(overflow(node, self.units.get(*unit).clone()));
                }
            }
        }
        Ok(())
    }

    fn check_limits(
        &self,
        set: &[Ix<Node>],
        quantities: &[(Ix<Unit>, Quantity)],
        now: Timestamp,
    ) -> Result<(), Denial> {
        let spender = self.priority_of(set);
        let shortfalls: Vec<_> = self
            .limits_asked(set, quantities)
            .filter(|(_, limit, _)| limit.is_hard())
            .filter_map(|(ix, limit, asked)| {
                let node = self.nodes.get(ix);
                let protected = node.protected(limit.amount, spender);
                let needed = node.counter(limit, now).used_steps().saturating_add(asked.steps());
                let room = limit.amount.saturating_sub(protected);
                (needed > room.steps())
                    .then(|| self.shortfall((ix, limit), (asked, protected), now))
            })
            .collect();
        let Some(retry) = shortfalls.iter().map(|shortfall| shortfall.retry).reduce(later) else {
            return Ok(());
        };
        // What is over a limit is said before what is merely kept for others.
        let exceeds = |shortfall: &&Shortfall| shortfall.asked > shortfall.available;
        let over = shortfalls.iter().find(exceeds).cloned();
        let first = over.clone().or_else(|| shortfalls.first().cloned());
        match first.map(|shortfall| Box::new(Shortfall { retry, ..shortfall })) {
            Some(shortfall) if over.is_some() => Err(Denial::LimitExceeded(shortfall)),
            Some(shortfall) => Err(Denial::Protected(shortfall)),
            None => Ok(()),
        }
    }

    /// Every limit that the amounts count at: by account, then unit, then the shortest window.
    pub(super) fn limits_asked<'a>(
        &'a self,
        set: &'a [Ix<Node>],
        quantities: &'a [(Ix<Unit>, Quantity)],
    ) -> impl Iterator<Item = (Ix<Node>, &'a LimitState, Quantity)> {
        set.iter().flat_map(move |ix| {
            quantities.iter().flat_map(move |(unit, quantity)| {
                self.nodes.get(*ix).limits_of(*unit).map(move |limit| (*ix, limit, *quantity))
            })
        })
    }

    /// What stands at a hard limit that has no room for what is asked.
    pub(super) fn shortfall(
        &self,
        (ix, limit): (Ix<Node>, &LimitState),
        (asked, protected): (Quantity, Quantity),
        now: Timestamp,
    ) -> Shortfall {
        let node = self.nodes.get(ix);
        let counter = node.counter(limit, now);
        let room = limit.amount.saturating_sub(protected);
        let window = self.windows.get(limit.window);
        let retry = if asked > room {
            Retry::Never
        } else {
            match &limit.current {
                Some(current) if !current.span.is_over(now) => Retry::At(current.span.ends_at),
                Some(_) => window.span_at(now).map_or(Retry::Never, |span| Retry::At(span.ends_at)),
                None => self.when_holds_free(ix, limit.unit, counter, (asked, room)),
            }
        };
        Shortfall {
            account: node.id.clone(),
            unit: self.units.get(limit.unit).clone(),
            window: window.clone(),
            limit: limit.amount,
            spent: counter.spent,
            held: counter.held,
            protected,
            asked,
            available: counter.left_of(limit.amount),
            retry,
        }
    }

    /// The first expiry of a hold here after which the amount would fit a lifetime limit.
    fn when_holds_free(
        &self,
        ix: Ix<Node>,
        unit: Ix<Unit>,
        counter: Counter,
        (asked, room): (Quantity, Quantity),
    ) -> Retry {
        let mut needed = counter.used_steps().saturating_add(asked.steps());
        if needed.saturating_sub(counter.held.steps()) > room.steps() {
            return Retry::Never; // Not even if all of them ended.
        }
        for hold in self.holds.by_expiry_at(ix, Timestamp::MAX) {
            needed = needed.saturating_sub(hold.left_of(unit).steps());
            if needed <= room.steps() {
                return Retry::At(hold.expires_at);
            }
        }
        Retry::Never
    }

    /// The limits on trial that would have denied.
    pub(super) fn shadow(
        &self,
        set: &[Ix<Node>],
        quantities: &[(Ix<Unit>, Quantity)],
        now: Timestamp,
    ) -> Vec<ShadowDenial> {
        self.limits_asked(set, quantities)
            .filter(|(_, limit, _)| limit.mode == LimitMode::Shadow)
            .filter_map(|(ix, limit, asked)| {
                let counter = self.nodes.get(ix).counter(limit, now);
                let needed = counter.used_steps().saturating_add(asked.steps());
                (needed > limit.amount.steps()).then(|| ShadowDenial {
                    account: self.nodes.get(ix).id.clone(),
                    unit: self.units.get(limit.unit).clone(),
                    window: self.windows.get(limit.window).clone(),
                    limit: limit.amount,
                    spent: counter.spent,
                    held: counter.held,
                    asked,
                    available: counter.left_of(limit.amount),
                })
            })
            .collect()
    }
}

/// Of two answers to "when?", the one that holds for both.
fn later(a: Retry, b: Retry) -> Retry {
    match (a, b) {
        (Retry::At(a), Retry::At(b)) => Retry::At(a.max(b)),
        (Retry::Never, _) | (_, Retry::Never) => Retry::Never,
    }
}
