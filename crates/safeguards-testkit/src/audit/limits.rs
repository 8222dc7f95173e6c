//! What sets limits, and the sums that must come out of it.

use safeguards_budget::{
    AccountState, Action, Divide, Entry, Limit, LimitMode, LimitSet, LimitsSet, Window,
};
use safeguards_types::{AccountId, Amount, Quantity, Timestamp, Unit};

use super::{
    Auditor, Rule,
    state::{Cap, Node, Number, Span, Used},
};

/// Limits as they must be after a command.
type Limits = Vec<(AccountId, Limit)>;

impl Auditor {
    /// Takes the limits that an entry tells, and compares them with what its command says.
    pub(super) fn set_limits(&mut self, entry: &Entry, action: &Action, set: &LimitsSet) {
        for LimitSet { account, .. } in &set.limits {
            let chain = self.state.charge_set(account, &[]);
            self.check_swept(entry.at, &chain);
        }
        let expected = match action {
            Action::OpenAccount(open) => {
                self.open(open);
                open.limits.iter().map(|limit| (open.account.clone(), limit.clone())).collect()
            }
            Action::SetLimit { account, limit } => vec![(account.clone(), limit.clone())],
            Action::SetRemaining { account, unit, window, amount } => {
                vec![self.remaining(entry.at, account, (unit, window), *amount)]
            }
            Action::Transfer { from, to, unit, amount } => {
                self.transferred(from, to, unit, *amount)
            }
            Action::Allocate { parent, unit, shares } => {
                let shares: Vec<_> =
                    shares.iter().map(|(child, share)| (child, share.steps())).collect();
                self.check_allocation(parent, unit, &shares);
                shares.iter().map(|(child, share)| self.limited(child, unit, *share)).collect()
            }
            Action::Divide(divide) => self.divided(divide, set),
            Action::Reclaim { account, unit, amount } => {
                self.reclaimed(account, unit, amount.steps(), set)
            }
            other => {
                let name = other.name();
                self.found.add(Rule::Fact, format_args!("`{name}` sets no limits"));
                return;
            }
        };
        let mut missing = expected;
        for LimitSet { account, limit, opened, .. } in &set.limits {
            match missing.iter().position(|(id, expected)| id == account && expected == limit) {
                Some(at) => drop(missing.swap_remove(at)),
                None => self.found.add(
                    Rule::Limits,
                    format_args!("{account} has got {limit}, the command says otherwise"),
                ),
            }
            self.put_limit(entry, account, limit, *opened);
        }
        for (account, limit) in missing {
            self.found.add(Rule::Limits, format_args!("{account} should have got {limit}"));
        }
    }

    /// Gives an account a limit, or changes the one that it has; counters stay.
    pub(super) fn put_limit(
        &mut self,
        entry: &Entry,
        account: &AccountId,
        limit: &Limit,
        opened: Option<(Timestamp, Timestamp)>,
    ) {
        let Some(node) = self.state.nodes.get_mut(account) else {
            self.found.add(Rule::Fact, format_args!("there is no account `{account}`"));
            return;
        };
        let known = node
            .caps
            .iter_mut()
            .find(|cap| cap.limit.unit == limit.unit && cap.limit.window == limit.window);
        if let Some(cap) = known {
            cap.limit = limit.clone();
            self.found.unless(
                opened.is_none(),
                Rule::Windows,
                format_args!("{account} had {limit} before, and its window goes on"),
            );
            return;
        }
        let span =
            opened.map(|(started_at, ends_at)| Span { started_at, ends_at, used: Used::default() });
        let fits = match &span {
            None => limit.window == Window::Lifetime,
            Some(span) => {
                limit.window != Window::Lifetime
                    && span.started_at <= entry.at
                    && !span.is_over(entry.at)
            }
        };
        node.caps.push(Cap { serial: node.caps_made, limit: limit.clone(), span });
        node.caps_made = node.caps_made.saturating_add(1);
        self.found.unless(
            fits,
            Rule::Windows,
            format_args!("{account} has {limit} from {} on, counting in {opened:?}", entry.at),
        );
    }

    /// A lifetime hard limit of an account, with what else it says left as it is.
    fn limited(&self, account: &AccountId, unit: &Unit, steps: i128) -> (AccountId, Limit) {
        let amount = Quantity::told(steps);
        let known = self.state.nodes.get(account).and_then(|node| node.lifetime_cap(unit));
        let limit = match known {
            None => Limit::lifetime(Amount::new(amount, unit.clone())),
            Some(cap) => {
                let mut limit = cap.limit.clone();
                limit.amount = amount;
                limit.mode(LimitMode::Hard)
            }
        };
        (account.clone(), limit)
    }

    /// What is spent and held, and `amount` more.
    fn remaining(
        &self,
        at: Timestamp,
        account: &AccountId,
        (unit, window): (&Unit, &Window),
        amount: Quantity,
    ) -> (AccountId, Limit) {
        let node = self.state.nodes.get(account);
        let known = node.and_then(|node| Some((node, node.cap(unit, window)?)));
        let limit = if let Some((node, cap)) = known {
            let mut limit = cap.limit.clone();
            limit.amount = Quantity::told(node.used(cap, at).sum().saturating_add(amount.steps()));
            limit
        } else {
            // A lifetime counts also before it has a limit; a window begins with its limit.
            let lifetime = node.filter(|_| *window == Window::Lifetime);
            let counters = lifetime.map(|node| node.counters(unit)).unwrap_or_default();
            let used = counters.spent.saturating_add(counters.held);
            let amount = Quantity::told(used.saturating_add(amount.steps()));
            Limit::new(Amount::new(amount, unit.clone()), window.clone())
        };
        (account.clone(), limit)
    }

    /// A transfer changes no sum, and takes at most what the source itself has left.
    fn transferred(
        &mut self,
        from: &AccountId,
        to: &AccountId,
        unit: &Unit,
        amount: Quantity,
    ) -> Limits {
        let moved = amount.steps();
        let [source, target] = [from, to].map(|id| self.state.nodes.get(id));
        let [above, beside] =
            [source, target].map(|node| node.and_then(|node| node.parent.as_ref()));
        self.found.unless(
            from != to && above.is_some() && above == beside,
            Rule::Limits,
            format_args!("{from} and {to} are no siblings: below {above:?} and {beside:?}"),
        );
        let left = source.and_then(|node| node.left(unit));
        self.found.unless(
            left.is_some_and(|left| moved <= left),
            Rule::Limits,
            format_args!("{from} gave {amount} {unit} of {}", Number(left.unwrap_or(0))),
        );
        let [before, other] =
            [source, target].map(|node| node.and_then(|node| node.lifetime_hard(unit)));
        self.found.unless(
            before.is_some() && other.is_some(),
            Rule::Limits,
            format_args!("{from} or {to} has no lifetime hard limit on {unit}"),
        );
        vec![
            self.limited(from, unit, before.unwrap_or(0).saturating_sub(moved)),
            self.limited(to, unit, other.unwrap_or(0).saturating_add(moved)),
        ]
    }

    /// What the lifetime hard limit of a parent leaves for children other than those named. Below 0 where
    /// there is less than nothing; `None` where there is no such limit.
    fn unallocated(&self, parent: &AccountId, unit: &Unit, named: &[&AccountId]) -> Option<i128> {
        let node = self.state.nodes.get(parent)?;
        let limit = node.lifetime_hard(unit)?;
        let counters = node.counters(unit);
        let direct = counters.spent_directly.saturating_add(counters.held_directly);
        let others = self
            .state
            .children(parent)
            .filter(|(id, child)| child.state != AccountState::Closed && !named.contains(id));
        let given = others.filter_map(|(_, child)| child.lifetime_hard(unit));
        Some(given.fold(limit.saturating_sub(direct), i128::saturating_sub))
    }

    fn check_children(&mut self, parent: &AccountId, children: &[&AccountId]) {
        for child in children {
            let node = self.state.nodes.get(*child);
            self.found.unless(
                node.is_some_and(|node| node.parent.as_ref() == Some(parent)),
                Rule::Limits,
                format_args!("{child} is no child of {parent}"),
            );
        }
    }

    /// Allocation never raises what children have together above what is unallocated.
    fn check_allocation(&mut self, parent: &AccountId, unit: &Unit, shares: &[(&AccountId, i128)]) {
        let named: Vec<_> = shares.iter().map(|(child, _)| *child).collect();
        self.check_children(parent, &named);
        let nodes = named.iter().filter_map(|child| self.state.nodes.get(*child));
        let before = sum(nodes.filter_map(|node| node.lifetime_hard(unit)));
        let after = sum(shares.iter().map(|(_, share)| *share));
        let free = self.unallocated(parent, unit, &named).map(|free| free.max(0));
        self.found.unless(
            after <= before || free.is_none_or(|free| after <= free),
            Rule::Limits,
            format_args!(
                "{parent} allocates {} {unit}, up from {}, and has {} unallocated",
                Number(after),
                Number(before),
                Number(free.unwrap_or(0)),
            ),
        );
    }

    /// Shares add up exactly to what is divided, none is below the minimum, and no more is given than is free.
    fn divided(&mut self, divide: &Divide, set: &LimitsSet) -> Limits {
        let Divide { parent, unit, weights, amount, at_least, .. } = divide;
        let named: Vec<_> = weights.keys().collect();
        self.check_children(parent, &named);
        let used = |child: &AccountId| {
            let counters = self.state.nodes.get(child).map(|node| node.counters(unit));
            counters.map_or(0, |counters| counters.spent.saturating_add(counters.held))
        };
        let in_use = sum(named.iter().map(|child| used(child)));
        let free = self.unallocated(parent, unit, &named);
        let free = free.map(|free| free.saturating_sub(in_use).max(0));
        let told = set.limits.iter().map(|told| (&told.account, told.limit.amount.steps()));
        let shares: Vec<_> =
            told.map(|(child, limit)| (child, limit.saturating_sub(used(child)))).collect();

        let given = sum(shares.iter().map(|(_, share)| *share));
        let asked = amount.map(Quantity::steps).or(free);
        self.found.unless(
            asked == Some(given) && free.is_none_or(|free| given <= free),
            Rule::Limits,
            format_args!(
                "{parent} divides {} {unit} into {}; {} is free",
                Number(asked.unwrap_or(0)),
                Number(given),
                Number(free.unwrap_or(0)),
            ),
        );
        for (child, share) in &shares {
            self.found.unless(
                *share >= at_least.steps(),
                Rule::Limits,
                format_args!("{child} gets {} {unit}, below {at_least}", Number(*share)),
            );
        }
        let limit = |child| {
            let found = shares.iter().find(|(told, _)| *told == child);
            found.map_or(0, |(_, share)| share.saturating_add(used(child)))
        };
        named.into_iter().map(|child| self.limited(child, unit, limit(child))).collect()
    }

    /// Takes first what the parent has unallocated, then of siblings of lower priority, lowest first, then by
    /// id, what each has left.
    fn reclaimed(
        &mut self,
        account: &AccountId,
        unit: &Unit,
        amount: i128,
        set: &LimitsSet,
    ) -> Limits {
        let node = self.state.nodes.get(account);
        let parent = node.and_then(|node| node.parent.as_ref());
        let before = node.and_then(|node| node.lifetime_hard(unit));
        let (Some(node), Some(parent), Some(before)) = (node, parent, before) else {
            self.found.add(
                Rule::Limits,
                format_args!("{account} has no parent, or no lifetime hard limit on {unit}"),
            );
            return Vec::new();
        };
        let unallocated = self.unallocated(parent, unit, &[]);
        let from_parent = unallocated.map_or(amount, |free| free.max(0).min(amount));
        let mut rest = amount.saturating_sub(from_parent);

        let open = |sibling: &Node| sibling.state != AccountState::Closed;
        let siblings = self.state.children(parent).filter(|(_, sibling)| open(sibling));
        let mut lower: Vec<_> =
            siblings.filter(|(_, sibling)| sibling.priority < node.priority).collect();
        lower.sort_by_key(|(id, sibling)| (sibling.priority, *id));
        let mut taken = Vec::new();
        for (id, sibling) in lower {
            let part = sibling.left(unit).unwrap_or(0).min(rest);
            if part > 0 {
                rest = rest.saturating_sub(part);
                taken.push((id.clone(), Quantity::told(part)));
            }
        }
        self.found.unless(
            rest == 0 && taken == set.taken,
            Rule::Limits,
            format_args!(
                "{account} gets {} {unit}, {} of it unallocated: taken {:?}, there was {taken:?}",
                Number(amount),
                Number(from_parent),
                set.taken,
            ),
        );
        let lowered = taken.iter().map(|(id, part)| {
            let before = self.state.nodes.get(id).and_then(|node| node.lifetime_hard(unit));
            self.limited(id, unit, before.unwrap_or(0).saturating_sub(part.steps()))
        });
        let raised = self.limited(account, unit, before.saturating_add(amount));
        lowered.chain([raised]).collect()
    }
}

fn sum(steps: impl Iterator<Item = i128>) -> i128 {
    steps.fold(0, i128::saturating_add)
}
