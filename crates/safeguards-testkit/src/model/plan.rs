//! Plans: limits moved between siblings, shared out among children, or taken back from them.

use std::slice::from_ref;

use serde_json::json;

use super::{
    Model,
    ask::Ask,
    check::{Amounts, Checked, Given, denial, deny, no_room, some},
    number,
    state::Limit,
};

impl Model {
    pub(super) fn transfer(&mut self, ask: &Ask, now: i64) -> Checked {
        let (from, to, unit) = (ask.text("from"), ask.text("to"), ask.text("unit"));
        let amounts = self.amounts(vec![Given::positive((unit.clone(), ask.text("amount")))])?;
        self.open_accounts(&[from.clone(), to.clone()])?;
        let parent_of =
            |id: &str| self.state.account(id).and_then(|account| account.parent.clone());
        let are_siblings =
            from != to && parent_of(&from).is_some() && parent_of(&from) == parent_of(&to);
        deny(!are_siblings, "not_siblings", json!({"account": from, "to": to}))?;
        self.metadata(ask)?;
        let [source, target] = [self.hard(&from, &unit)?, self.hard(&to, &unit)?];
        self.no_overflow(from_ref(&to), &amounts, |_, _, _| target.amount)?;
        let amount = sum(&amounts);
        let (spent, held) = self.state.counted(&source, now);
        if spent + held + amount > source.amount {
            no_room(&[self.block(source.clone(), amount, 0, now)])?;
        }
        self.put(Limit { amount: source.amount - amount, ..source });
        self.put(Limit { amount: target.amount + amount, ..target });
        Ok(self.done(ask, now))
    }

    pub(super) fn allocate(&mut self, ask: &Ask, now: i64) -> Checked {
        let (parent, unit, shares) = (ask.text("parent"), ask.text("unit"), ask.pairs("shares"));
        some(&shares)?;
        let given = shares.iter().map(|(_, share)| Given::any((unit.clone(), share.clone())));
        let amounts = self.amounts(given.collect())?;
        let children: Vec<_> = shares.into_iter().map(|(child, _)| child).collect();
        self.are_children(&parent, &children)?;
        self.room_for_limit(&children, &unit, &json!("lifetime"))?;
        self.metadata(ask)?;
        let had = children.iter().filter_map(|child| self.state.lifetime_hard(child, &unit));
        let (asked, had) = (sum(&amounts), had.map(|limit| limit.amount).sum::<i128>());
        let unallocated = self.unallocated(&parent, &unit, &children, now);
        if let Some(free) = unallocated.filter(|free| asked > *free && asked > had) {
            return Err(self.no_plan(&parent, &unit, asked, free, now));
        }

        let entry = self.write(Some(ask), now);
        for (child, (_, share)) in children.iter().zip(&amounts) {
            self.put_lifetime(child, &unit, *share, now);
        }
        Ok(self.answer(entry, &json!({})))
    }

    pub(super) fn divide(&mut self, ask: &Ask, now: i64) -> Checked {
        let (parent, unit, weights) = (ask.text("parent"), ask.text("unit"), ask.pairs("weights"));
        some(&weights)?;
        let amount = ask.maybe("amount").map(|amount| Given::positive((unit.clone(), amount)));
        let at_least = Given::any((unit.clone(), ask.text("at_least")));
        let given = weights.iter().map(|(_, weight)| Given::any((unit.clone(), weight.clone())));
        let has_amount = amount.is_some();
        let amounts = self.amounts(given.chain(amount).chain([at_least]).collect())?;
        let amounts: Vec<_> = amounts.into_iter().map(|(_, amount)| amount).collect();
        let (cut_by, others) = amounts.split_at(weights.len());
        let (amount, at_least) =
            if has_amount { (Some(others[0]), others[1]) } else { (None, others[0]) };
        let children: Vec<_> = weights.iter().map(|(child, _)| child.clone()).collect();
        self.are_children(&parent, &children)?;
        self.room_for_limit(&children, &unit, &json!("lifetime"))?;
        self.metadata(ask)?;
        let used =
            |child: &String| self.state.spent(child, &unit) + self.state.held(child, &unit, now);
        let used: Vec<_> = children.iter().map(used).collect();
        let free = self.unallocated_exact(&parent, &unit, &children, now);
        let free = free.map(|unallocated| (unallocated - used.iter().sum::<i128>()).max(0));
        let no_limit = || denial("no_limit", json!({"account": parent, "unit": unit}));
        let amount = amount.or(free).ok_or_else(no_limit)?;
        let minimums = children.iter().map(|_| at_least).sum::<i128>();
        let shares =
            if minimums > amount { Vec::new() } else { number::cut(amount, cut_by, at_least) };
        for ((child, used), share) in children.iter().zip(&used).zip(&shares) {
            self.no_overflow(from_ref(child), &vec![(unit.clone(), *share)], |_, _, _| *used)?;
        }
        if let Some(free) = free.filter(|free| amount > *free) {
            return Err(self.no_plan(&parent, &unit, amount, free, now));
        }
        let [asked, available] = [minimums, amount].map(number::said);
        let fault =
            json!({"account": parent, "unit": unit, "asked": asked, "available": available});
        deny(minimums > amount, "insufficient_for_minimums", fault)?;

        let entry = self.write(Some(ask), now);
        for ((child, used), share) in children.iter().zip(used).zip(shares) {
            self.put_lifetime(child, &unit, used + share, now);
        }
        Ok(self.answer(entry, &json!({})))
    }

    pub(super) fn reclaim(&mut self, ask: &Ask, now: i64) -> Checked {
        let (id, unit) = (ask.text("account"), ask.text("unit"));
        let amounts = self.amounts(vec![Given::positive((unit.clone(), ask.text("amount")))])?;
        self.open_accounts(from_ref(&id))?;
        self.metadata(ask)?;
        let limit = self.hard(&id, &unit)?;
        self.no_overflow(from_ref(&id), &amounts, |_, _, _| limit.amount)?;
        let asked = sum(&amounts);
        let account = self.state.account(&id);
        let (parent, priority) = account.map_or((None, 0), |a| (a.parent.clone(), a.priority));
        let mut missing = asked;
        let mut taken = Vec::new();
        if let Some(parent) = &parent {
            let unallocated = self.unallocated(parent, &unit, &[], now);
            missing -= unallocated.unwrap_or(asked).min(missing);
            let mut siblings = self.state.open_children(parent);
            siblings.retain(|sibling| sibling.priority < priority);
            // By name they are already: sorting keeps the order of equals.
            siblings.sort_by_key(|sibling| sibling.priority);
            for limit in
                siblings.iter().filter_map(|sibling| self.state.lifetime_hard(&sibling.id, &unit))
            {
                let part = self.state.left(limit, now).min(missing);
                missing -= part;
                taken.push((limit.clone(), part));
            }
        }
        if missing > 0 {
            let at = parent.unwrap_or(id);
            return Err(self.no_plan(&at, &unit, asked, asked - missing, now));
        }
        for (sibling, part) in taken {
            self.put(Limit { amount: sibling.amount - part, ..sibling });
        }
        self.put(Limit { amount: limit.amount + asked, ..limit });
        Ok(self.done(ask, now))
    }

    /// What a parent has neither used itself nor given to other open children than these; `None` where it
    /// has no lifetime limit that denies.
    fn unallocated(&self, parent: &str, unit: &str, but: &[String], now: i64) -> Option<i128> {
        self.unallocated_exact(parent, unit, but, now).map(|unallocated| unallocated.max(0))
    }

    /// The same, below 0 where more was given than there is.
    fn unallocated_exact(
        &self,
        parent: &str,
        unit: &str,
        but: &[String],
        now: i64,
    ) -> Option<i128> {
        let limit = self.state.lifetime_hard(parent, unit)?.amount;
        let mut children = self.state.open_children(parent);
        children.retain(|child| !but.contains(&child.id));
        let given = children.iter().filter_map(|child| self.state.lifetime_hard(&child.id, unit));
        Some(
            limit
                - self.state.direct(parent, unit, now)
                - given.map(|limit| limit.amount).sum::<i128>(),
        )
    }

    /// That parent and children are there and open, and belong to each other.
    fn are_children(&self, parent: &str, children: &[String]) -> Checked<()> {
        self.open_accounts(&[&[parent.to_owned()], children].concat())?;
        for child in children {
            let is_child = self
                .state
                .account(child)
                .is_some_and(|child| child.parent.as_deref() == Some(parent));
            deny(!is_child, "not_child", json!({"account": child}))?;
        }
        Ok(())
    }

    fn hard(&self, account: &str, unit: &str) -> Checked<Limit> {
        let limit = self.state.lifetime_hard(account, unit).cloned();
        limit.ok_or_else(|| denial("no_limit", json!({"account": account, "unit": unit})))
    }

    fn put_lifetime(&mut self, account: &str, unit: &str, amount: i128, now: i64) {
        let limit = self.limit_or_new(account, unit, &json!("lifetime"), now);
        self.put(Limit { amount, mode: "hard".to_owned(), ..limit });
    }
}

fn sum(amounts: &Amounts) -> i128 {
    amounts.iter().map(|(_, amount)| amount).sum()
}
