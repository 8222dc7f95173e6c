//! Commands that move lifetime limits between accounts: transfer, allocate, divide, reclaim.

use std::collections::BTreeMap;

use safeguards_types::{AccountId, Amount, Quantity, Timestamp, Unit};

use super::{
    Book, Done,
    arena::Ix,
    limits::{overflow, sum},
    node::{LimitState, Node},
    sound::{Zero, check_given},
};
use crate::{Command, Denial, Divide, Limit, Retry, Shortfall, Window, divide};

impl Book {
    pub(super) fn transfer(
        &mut self,
        command: &Command,
        (from_id, to_id): (&AccountId, &AccountId),
        (unit_id, amount): (&Unit, Quantity),
        now: Timestamp,
    ) -> Result<Done, Denial> {
        check_given([(unit_id, amount)].into_iter(), Zero::Refused)?;
        let unit = self.unit(unit_id)?;
        let (from, to) = (self.known(from_id)?, self.known(to_id)?);
        self.check_open(from)?;
        self.check_open(to)?;
        let parent = self.nodes.get(from).parent;
        if from == to || parent.is_none() || parent != self.nodes.get(to).parent {
            return Err(Denial::NotSiblings { account: from_id.clone(), to: to_id.clone() });
        }
        self.check_metadata(command)?;
        let (source, target) = (self.lifetime_limit(from, unit)?, self.lifetime_limit(to, unit)?);
        let raised = target.amount.checked_add(amount);
        let raised = raised.ok_or_else(|| overflow(self.nodes.get(to), unit_id.clone()))?;
        let used = self.nodes.get(from).all(unit);
        if amount > used.left_of(source.amount) {
            let shortfall = self.shortfall((from, source), (amount, Quantity::ZERO), now);
            return Err(Denial::LimitExceeded(Box::new(shortfall)));
        }
        let lowered = source.amount.saturating_sub(amount);
        let limits =
            [(from, self.with_amount(source, lowered)), (to, self.with_amount(target, raised))];
        Ok(self.do_set_limits(limits, now))
    }

    pub(super) fn allocate(
        &mut self,
        command: &Command,
        parent_id: &AccountId,
        unit_id: &Unit,
        shares: &BTreeMap<AccountId, Quantity>,
        now: Timestamp,
    ) -> Result<Done, Denial> {
        if shares.is_empty() {
            return Err(Denial::InvalidAmount { unit: None, value: None });
        }
        check_given(shares.values().map(|share| (unit_id, *share)), Zero::Allowed)?;
        let unit = self.unit(unit_id)?;
        let (parent, children) = self.children_named(parent_id, shares.keys())?;
        self.check_rooms(&children, unit)?;
        self.check_metadata(command)?;
        let steps = |quantities: &mut dyn Iterator<Item = Quantity>| -> i128 {
            quantities.fold(0, |sum, quantity| sum.saturating_add(quantity.steps()))
        };
        let asked = steps(&mut shares.values().copied());
        let before = steps(&mut children.iter().map(|child| self.allocated(*child, unit)));
        if let Some(limit) = self.hard_lifetime(parent, unit)
            && asked > before
        {
            let free = self.unallocated(parent, limit, &children);
            if asked > free.steps() {
                return Err(self.not_free((parent, limit), Quantity::told(asked), free));
            }
        }
        let share = |(child, share): (&Ix<Node>, &Quantity)| {
            (*child, self.child_limit(*child, unit, *share))
        };
        let limits: Vec<_> = children.iter().zip(shares.values()).map(share).collect();
        Ok(self.do_set_limits(limits, now))
    }

    pub(super) fn divide(
        &mut self,
        command: &Command,
        plan: &Divide,
        now: Timestamp,
    ) -> Result<Done, Denial> {
        let unit_id = &plan.unit;
        if plan.weights.is_empty() {
            return Err(Denial::InvalidAmount { unit: None, value: None });
        }
        if let Some(amount) = plan.amount.filter(|amount| amount.is_zero()) {
            check_given([(unit_id, amount)].into_iter(), Zero::Refused)?;
        }
        let given = plan.weights.values().copied().chain(plan.amount).chain([plan.at_least]);
        check_given(given.map(|amount| (unit_id, amount)), Zero::Allowed)?;
        let unit = self.unit(unit_id)?;
        let (parent, children) = self.children_named(&plan.parent, plan.weights.keys())?;
        self.check_rooms(&children, unit)?;
        self.check_metadata(command)?;
        let used = |child: Ix<Node>| self.nodes.get(child).all(unit);
        let limit = self.hard_lifetime(parent, unit);
        let free = limit.map(|limit| {
            let used = children.iter().map(|child| used(*child).used_steps());
            let used = used.fold(0_i128, i128::saturating_add);
            let unclaimed = self.unclaimed(parent, limit, &children);
            Quantity::told(unclaimed.saturating_sub(used))
        });
        let no_limit = || Denial::NoLimit { account: plan.parent.clone(), unit: unit_id.clone() };
        let amount = plan.amount.or(free).ok_or_else(no_limit)?;
        let weights: Vec<Quantity> = plan.weights.values().copied().collect();
        let shares = divide(amount, &weights, plan.at_least);
        let mut limits = Vec::new();
        for (child, share) in children.iter().zip(shares.iter().flatten()) {
            let counter = used(*child);
            let raised = sum([counter.spent, counter.held, *share])
                .ok_or_else(|| overflow(self.nodes.get(*child), unit_id.clone()))?;
            limits.push((*child, self.child_limit(*child, unit, raised)));
        }
        if let Some((limit, free)) = limit.zip(free)
            && amount > free
        {
            return Err(self.not_free((parent, limit), amount, free));
        }
        if let Err(error) = shares {
            return Err(Denial::InsufficientForMinimums {
                account: plan.parent.clone(),
                unit: unit_id.clone(),
                asked: error.needed(),
                available: amount,
            });
        }
        Ok(self.do_set_limits(limits, now))
    }

    pub(super) fn reclaim(
        &mut self,
        command: &Command,
        account: &AccountId,
        (unit_id, amount): (&Unit, Quantity),
        now: Timestamp,
    ) -> Result<Done, Denial> {
        check_given([(unit_id, amount)].into_iter(), Zero::Refused)?;
        let unit = self.unit(unit_id)?;
        let ix = self.open(account)?;
        self.check_metadata(command)?;
        let own = self.lifetime_limit(ix, unit)?;
        let raised = own.amount.checked_add(amount);
        let raised = raised.ok_or_else(|| overflow(self.nodes.get(ix), unit_id.clone()))?;
        let parent = self.nodes.get(ix).parent;
        let above = parent.and_then(|parent| Some((parent, self.hard_lifetime(parent, unit)?)));
        // All of it, if the parent has no limit; nothing, if there is no parent.
        let unallocated = match (parent, above) {
            (Some(_), None) => amount,
            (_, Some((parent, limit))) => self.unallocated(parent, limit, &[]),
            (None, None) => Quantity::ZERO,
        };
        let mut missing = amount.saturating_sub(unallocated);
        let mut had = unallocated;
        let (mut limits, mut taken) = (Vec::new(), Vec::new());
        for (sibling, limit) in self.lesser_siblings(ix, parent, unit) {
            let left = self.nodes.get(sibling).all(unit).left_of(limit.amount);
            had = Quantity::told(had.steps().saturating_add(left.steps()));
            let part = left.min(missing);
            if !part.is_zero() {
                missing = missing.saturating_sub(part);
                let lowered = limit.amount.saturating_sub(part);
                limits.push((sibling, self.with_amount(limit, lowered)));
                taken.push((sibling, part));
            }
        }
        if !missing.is_zero() {
            return Err(self.not_free(above.unwrap_or((ix, own)), amount, had));
        }
        limits.push((ix, self.with_amount(own, raised)));
        Ok(Done::bare(self.set_limits_and_take(limits, taken, now)))
    }

    /// Open siblings of lower priority that have a lifetime hard limit: the lowest first, then by name.
    fn lesser_siblings(
        &self,
        of: Ix<Node>,
        parent: Option<Ix<Node>>,
        unit: Ix<Unit>,
    ) -> Vec<(Ix<Node>, &LimitState)> {
        let own = self.nodes.get(of).priority;
        let siblings = parent.into_iter().flat_map(|parent| self.open_children(parent));
        let lesser = siblings.filter(|(ix, node)| *ix != of && node.priority < own);
        let mut lesser: Vec<_> = lesser
            .filter_map(|(ix, node)| Some((ix, node, self.hard_lifetime(ix, unit)?)))
            .collect();
        lesser.sort_by_key(|(_, node, _)| (node.priority, &node.id));
        lesser.into_iter().map(|(ix, _, limit)| (ix, limit)).collect()
    }

    /// A parent and children of it, all known, open, and really its children.
    fn children_named<'a>(
        &self,
        parent_id: &AccountId,
        named: impl Iterator<Item = &'a AccountId>,
    ) -> Result<(Ix<Node>, Vec<Ix<Node>>), Denial> {
        let parent = self.known(parent_id)?;
        let children: Vec<_> =
            named.map(|account| self.known(account)).collect::<Result<_, _>>()?;
        self.check_open(parent)?;
        children.iter().try_for_each(|child| self.check_open(*child))?;
        let stranger = children.iter().map(|child| self.nodes.get(*child));
        match stranger.into_iter().find(|node| node.parent != Some(parent)) {
            Some(node) => Err(Denial::NotChild { account: node.id.clone() }),
            None => Ok((parent, children)),
        }
    }

    /// Whether each child has a lifetime limit on a unit, or room for one.
    fn check_rooms(&self, children: &[Ix<Node>], unit: Ix<Unit>) -> Result<(), Denial> {
        children.iter().try_for_each(|child| self.check_room(*child, (unit, &Window::Lifetime)))
    }

    /// The lifetime hard limit of an account on a unit.
    fn hard_lifetime(&self, ix: Ix<Node>, unit: Ix<Unit>) -> Option<&LimitState> {
        self.nodes.get(ix).limits_of(unit).find(|limit| limit.current.is_none() && limit.is_hard())
    }

    fn lifetime_limit(&self, ix: Ix<Node>, unit: Ix<Unit>) -> Result<&LimitState, Denial> {
        self.hard_lifetime(ix, unit).ok_or_else(|| Denial::NoLimit {
            account: self.nodes.get(ix).id.clone(),
            unit: self.units.get(unit).clone(),
        })
    }

    /// The lifetime hard limit of an account: 0 where it has none.
    fn allocated(&self, ix: Ix<Node>, unit: Ix<Unit>) -> Quantity {
        self.hard_lifetime(ix, unit).map_or(Quantity::ZERO, |limit| limit.amount)
    }

    /// What of a parent's limit neither its own use nor another child's limit claims; may be below 0.
    fn unclaimed(&self, parent: Ix<Node>, limit: &LimitState, except: &[Ix<Node>]) -> i128 {
        let unit = limit.unit;
        let others: i128 = if except.is_empty() {
            self.open_children(parent)
                .map(|(child, _)| self.allocated(child, unit).steps())
                .fold(0, i128::saturating_add)
        } else {
            let except: std::collections::HashSet<_, foldhash::fast::RandomState> =
                except.iter().copied().collect();
            self.open_children(parent)
                .filter(|(child, _)| !except.contains(child))
                .map(|(child, _)| self.allocated(child, unit).steps())
                .fold(0, i128::saturating_add)
        };
        let own = self.nodes.get(parent).direct(unit).used_steps();
        limit.amount.steps().saturating_sub(own).saturating_sub(others)
    }

    fn unallocated(&self, parent: Ix<Node>, limit: &LimitState, except: &[Ix<Node>]) -> Quantity {
        Quantity::told(self.unclaimed(parent, limit, except))
    }

    /// The denial of what is asked beyond what is free below an account's limit.
    fn not_free(
        &self,
        (ix, limit): (Ix<Node>, &LimitState),
        asked: Quantity,
        available: Quantity,
    ) -> Denial {
        let counter = self.nodes.get(ix).all(limit.unit);
        Denial::LimitExceeded(Box::new(Shortfall {
            account: self.nodes.get(ix).id.clone(),
            unit: self.units.get(limit.unit).clone(),
            window: self.windows.get(limit.window).clone(),
            limit: limit.amount,
            spent: counter.spent,
            held: counter.held,
            protected: Quantity::ZERO,
            asked,
            available,
            retry: Retry::Never,
        }))
    }

    fn with_amount(&self, limit: &LimitState, amount: Quantity) -> Limit {
        let mut limit = self.limit_of(limit);
        limit.amount = amount;
        limit
    }

    /// A child's lifetime limit, hard from now on; its warnings stay.
    fn child_limit(&self, child: Ix<Node>, unit: Ix<Unit>, amount: Quantity) -> Limit {
        let lifetime = |limit: &&LimitState| limit.current.is_none();
        let known = self.nodes.get(child).limits_of(unit).find(lifetime);
        let fresh = || Limit::lifetime(Amount::new(amount, self.units.get(unit).clone()));
        known.map_or_else(fresh, |known| {
            self.with_amount(known, amount).mode(crate::LimitMode::Hard)
        })
    }
}
