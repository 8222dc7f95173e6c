//! What a receipt says: what is left, which thresholds were crossed, which limits were passed.

use safeguards_types::{Amount, Amounts, Quantity, Timestamp, Unit};
use smallvec::SmallVec;

use super::{
    Book,
    arena::Ix,
    holds::Kept,
    journal::{Answered, News},
    node::{LimitState, Node},
};
use crate::{Crossing, EntryId, LimitMode, Overrun, Percent, Receipt};

/// What was spent at each limit before a command, in the order in which limits are asked.
pub(super) type SpentBefore = SmallVec<[Quantity; 8]>;

impl Book {
    /// The receipt of an entry.
    pub(super) fn receipt(&self, entry: EntryId, at: Timestamp, answered: &Answered) -> Receipt {
        let Answered { op: _, said: _, available, late, news } = answered;
        let (crossed, overrun, shadow) = match news.as_deref() {
            Some(News { crossed, overrun, shadow }) => {
                (crossed.clone(), overrun.clone(), shadow.clone())
            }
            None => (Vec::new(), Vec::new(), Vec::new()),
        };
        let available = self.amounts(available);
        Receipt { entry, at, available, crossed, overrun, shadow, late: *late }
    }

    pub(super) fn amounts(&self, quantities: &[(Ix<Unit>, Quantity)]) -> Amounts {
        let amount = |(unit, quantity): &(Ix<Unit>, Quantity)| {
            Amount::new(*quantity, self.units.get(*unit).clone())
        };
        quantities.iter().map(amount).collect()
    }

    /// The least that is left over all accounts, for each unit that has a hard limit on the way.
    pub(super) fn available(
        &self,
        set: &[Ix<Node>],
        units: impl Iterator<Item = Ix<Unit>>,
        now: Timestamp,
    ) -> Kept {
        let left = |unit: Ix<Unit>| {
            let limits = set.iter().map(|ix| self.nodes.get(*ix)).flat_map(|node| {
                let hard = node.limits_of(unit).filter(|limit| limit.is_hard());
                hard.map(move |limit| node.counter(limit, now).left_of(limit.amount))
            });
            limits.min().map(|left| (unit, left))
        };
        units.filter_map(left).collect()
    }

    pub(super) fn spent_before(
        &self,
        set: &[Ix<Node>],
        quantities: &[(Ix<Unit>, Quantity)],
        now: Timestamp,
    ) -> SpentBefore {
        let limits = self.limits_asked(set, quantities);
        limits.map(|(ix, limit, _)| self.nodes.get(ix).counter(limit, now).spent).collect()
    }

    /// Thresholds that spending reached or passed since `before`.
    pub(super) fn crossed(
        &self,
        set: &[Ix<Node>],
        quantities: &[(Ix<Unit>, Quantity)],
        before: &SpentBefore,
        now: Timestamp,
    ) -> Vec<Crossing> {
        let mut crossed = Vec::new();
        for ((ix, limit, _), before) in self.limits_asked(set, quantities).zip(before) {
            if !limit.reports() {
                continue;
            }
            let node = self.nodes.get(ix);
            let spent = node.counter(limit, now).spent;
            let reached = |threshold: Quantity| *before < threshold && threshold <= spent;
            let percents = limit.warnings.iter().flatten();
            for percent in percents.filter(|percent| reached(percent.of(limit.amount))) {
                crossed.push(self.crossing(node, limit, spent, Some(*percent)));
            }
            if limit.mode == LimitMode::Soft && reached(limit.amount) {
                crossed.push(self.crossing(node, limit, spent, None));
            }
        }
        crossed
    }

    fn crossing(
        &self,
        node: &Node,
        limit: &LimitState,
        spent: Quantity,
        percent: Option<Percent>,
    ) -> Crossing {
        Crossing {
            account: node.id.clone(),
            unit: self.units.get(limit.unit).clone(),
            window: self.windows.get(limit.window).clone(),
            limit: limit.amount,
            spent,
            percent,
        }
    }

    /// Hard limits at which spending rose since `before` and which are passed now.
    pub(super) fn overrun(
        &self,
        set: &[Ix<Node>],
        quantities: &[(Ix<Unit>, Quantity)],
        before: &SpentBefore,
        now: Timestamp,
    ) -> Vec<Overrun> {
        let passed = self.limits_asked(set, quantities).zip(before).filter_map(
            |((ix, limit, _), before)| {
                let node = self.nodes.get(ix);
                let counter = node.counter(limit, now);
                let over_by = counter.over(limit.amount);
                (limit.is_hard() && *before < counter.spent && !over_by.is_zero()).then(|| {
                    Overrun {
                        account: node.id.clone(),
                        unit: self.units.get(limit.unit).clone(),
                        window: self.windows.get(limit.window).clone(),
                        limit: limit.amount,
                        spent: counter.spent,
                        held: counter.held,
                        over_by,
                    }
                })
            },
        );
        passed.collect()
    }
}

impl News {
    /// What there is to tell, if there is anything.
    pub(super) fn of(
        crossed: Vec<Crossing>,
        overrun: Vec<Overrun>,
        shadow: Vec<crate::ShadowDenial>,
    ) -> Option<Box<Self>> {
        let silent = crossed.is_empty() && overrun.is_empty() && shadow.is_empty();
        (!silent).then(|| Box::new(Self { crossed, overrun, shadow }))
    }
}
