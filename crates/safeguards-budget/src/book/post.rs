//! What an accepted command changes: the same for one that was just decided as for an entry that is replayed.

use std::sync::Arc;

use safeguards_types::{Quantity, Unit};

use super::{
    Book,
    arena::Ix,
    deed::{Freed, Limits, Refund, Settlement},
    holds::{Counted, HeldHold, Kept, quantity_of},
    node::{Counter, Node},
};
use crate::{Action, HoldId, HoldState, Metadata, OpenAccount, Part};

impl Book {
    /// Opens an account, as yet without limits; `None` where four billion are there.
    pub(super) fn post_opened(
        &mut self,
        open: &OpenAccount,
        parent: Option<Ix<Node>>,
        metadata: &Metadata,
    ) -> Option<Ix<Node>> {
        let mut node = Node::new(open.account.clone(), None, open.priority);
        if !open.protection.is_empty() {
            node.rare_mut().protection.clone_from(&open.protection);
        }
        if !metadata.is_empty() {
            node.rare_mut().metadata.clone_from(metadata);
        }
        let ix = self.nodes.push(node)?;
        let Self { names, nodes, .. } = self;
        names.insert(open.account.as_str(), ix, |ix| Some(nodes.get(*ix).id.as_str()));
        if let Some(parent) = parent {
            self.link(ix, parent);
        }
        self.set_paths(ix);
        Some(ix)
    }

    /// Does what a command says, where nothing was left to decide.
    pub(super) fn post_as_commanded(&mut self, action: &Action) {
        match action {
            Action::RegisterUnit { unit } => self.know_unit(unit),
            Action::CloseAccount { account } => {
                if let Some(ix) = self.find(account) {
                    let node = self.node_mut(ix);
                    node.closed = true;
                    if let Some(parent) = node.parent {
                        let above = self.node_mut(parent);
                        above.open_children = above.open_children.saturating_sub(1);
                    }
                }
            }
            Action::RemoveLimit { account, unit, window } => {
                let (unit, window) = (self.unit(unit).ok(), self.window(window));
                if let Some(((ix, unit), window)) = self.find(account).zip(unit).zip(window) {
                    self.node_mut(ix).remove_limit(unit, window);
                }
            }
            Action::SetProtection { account, steps } => {
                if let Some(ix) = self.find(account) {
                    self.node_mut(ix).rare_mut().protection.clone_from(steps);
                }
            }
            Action::SetParent { account, parent, .. } => {
                if let Some(ix) = self.find(account) {
                    self.unlink(ix);
                    if let Some(parent) = parent.as_ref().and_then(|parent| self.find(parent)) {
                        self.link(ix, parent);
                    }
                    self.set_paths(ix);
                }
            }
            Action::SetPriority { account, priority } => {
                if let Some(ix) = self.find(account) {
                    self.node_mut(ix).priority = *priority;
                }
            }
            Action::Suspend { account, .. } | Action::Resume { account, .. } => {
                if let Some(ix) = self.find(account) {
                    self.node_mut(ix).suspended = matches!(action, Action::Suspend { .. });
                }
            }
            Action::OpenAccount(_)
            | Action::SetLimit { .. }
            | Action::SetRemaining { .. }
            | Action::Charge(_)
            | Action::PlaceHold(_)
            | Action::ExtendHold { .. }
            | Action::Settle(_)
            | Action::Release { .. }
            | Action::Record(_)
            | Action::Refund { .. }
            | Action::Transfer { .. }
            | Action::Allocate { .. }
            | Action::Divide(_)
            | Action::Reclaim { .. } => {}
        }
    }

    pub(super) fn post_limits(&mut self, limits: &Limits) {
        for set in &limits.set {
            let unit = self.unit(&set.limit.unit).ok();
            if let Some(known) = unit.zip(self.know_window(&set.limit.window)) {
                self.node_mut(set.node);
                let Self { nodes, units, windows, .. } = self;
                nodes.get_mut(set.node).set_limit(known, &set.limit, set.opened, (units, windows));
            }
        }
    }

    pub(super) fn post_spent(
        &mut self,
        set: &[Ix<Node>],
        quantities: &[(Ix<Unit>, Quantity)],
        windows: &[Counted],
    ) {
        self.count(set, set.first().copied(), quantities, |counter, amount| {
            counter.spent = counter.spent.saturating_add(amount);
        });
        for counted in windows {
            let amount = quantity_of(quantities, counted.unit);
            self.node_mut(counted.node).count_in(counted, |counter| {
                counter.spent = counter.spent.saturating_add(amount);
            });
        }
    }

    /// Counts amounts in the lifetime of every account of a set, at the spender as its own.
    fn count(
        &mut self,
        set: &[Ix<Node>],
        spender: Option<Ix<Node>>,
        quantities: &[(Ix<Unit>, Quantity)],
        count: impl Fn(&mut Counter, Quantity),
    ) {
        for ix in set {
            let direct = Some(*ix) == spender;
            let node = self.node_mut(*ix);
            for (unit, amount) in quantities.iter().filter(|(_, amount)| !amount.is_zero()) {
                node.count(*unit, direct, |counter| count(counter, *amount));
            }
        }
    }

    pub(super) fn post_held(&mut self, hold: HeldHold) {
        let set = Arc::clone(&hold.set);
        self.count(&set, set.first().copied(), &hold.left, |counter, amount| {
            counter.held = counter.held.saturating_add(amount);
        });
        for counted in hold.windows() {
            let amount = hold.left_of(counted.unit);
            self.node_mut(counted.node).count_in(counted, |counter| {
                counter.held = counter.held.saturating_add(amount);
            });
        }
        for ix in set.iter() {
            let node = self.node_mut(*ix);
            node.open_holds = node.open_holds.saturating_add(1);
        }
        self.put_hold(hold);
    }

    pub(super) fn post_extended(&mut self, id: HoldId, expires_at: safeguards_types::Timestamp) {
        if let Some(hold) = self.holds.get(id).cloned() {
            self.put_hold(HeldHold { expires_at, ..hold });
        }
    }

    /// Counts a settlement, by the entry that is written next.
    pub(super) fn post_settled(&mut self, settled: &Settlement) {
        let Some(hold) = self.holds.get(settled.hold).cloned() else {
            return;
        };
        let hold = if settled.keep_open {
            self.give_back(hold, &settled.held_part)
        } else {
            self.end(hold, HoldState::Settled)
        };
        self.put_hold(hold);
        self.count(&settled.set, Some(settled.spender), &settled.spent, |counter, amount| {
            counter.spent = counter.spent.saturating_add(amount);
        });
        for counted in settled.windows.iter().flat_map(|all| all.iter()) {
            let amount = settled.part(counted);
            self.node_mut(counted.node).count_in(counted, |counter| {
                counter.spent = counter.spent.saturating_add(amount);
            });
        }
    }

    /// Gives back all that a hold sets aside, by the entry that is written next.
    pub(super) fn post_freed(&mut self, freed: &Freed, state: HoldState) {
        if let Some(hold) = self.holds.get(freed.hold).cloned() {
            let hold = self.end(hold, state);
            self.put_hold(hold);
        }
    }

    /// The hold with nothing set aside any more, ended by the entry that is written next.
    fn end(&mut self, hold: HeldHold, state: HoldState) -> HeldHold {
        let was_open = hold.state == HoldState::Open;
        let left = hold.left.clone();
        let hold = self.give_back(hold, &left);
        if was_open {
            for ix in hold.set.iter() {
                let node = self.node_mut(*ix);
                node.open_holds = node.open_holds.saturating_sub(1);
            }
        }
        let ended_by = Some(self.journal.next_id());
        HeldHold { windows: None, state, ended_by, ..hold }
    }

    /// The hold with so much less set aside.
    fn give_back(&mut self, mut hold: HeldHold, amounts: &Kept) -> HeldHold {
        self.count(&hold.set, hold.set.first().copied(), amounts, |counter, amount| {
            counter.held = counter.held.saturating_sub(amount);
        });
        for counted in hold.windows() {
            let amount = quantity_of(amounts, counted.unit);
            self.node_mut(counted.node).count_in(counted, |counter| {
                counter.held = counter.held.saturating_sub(amount);
            });
        }
        for (unit, left) in &mut hold.left {
            *left = left.saturating_sub(quantity_of(amounts, *unit));
        }
        hold
    }

    pub(super) fn post_refunded(&mut self, refund: &Refund) {
        self.count(&refund.set, Some(refund.spender), &refund.amounts, |counter, amount| {
            counter.spent = counter.spent.saturating_sub(amount);
        });
        for counted in refund.windows.iter().flat_map(|all| all.iter()) {
            let part = match counted.part {
                Part::Whole => &refund.amounts,
                Part::Held => &refund.held_part,
                Part::Excess => &refund.excess,
            };
            let amount = quantity_of(part, counted.unit);
            self.node_mut(counted.node).count_in(counted, |counter| {
                counter.spent = counter.spent.saturating_sub(amount);
            });
        }
        let refunds = self.refunds_mut(refund.of);
        add_all(&mut refunds.excess, &refund.excess);
        add_all(&mut refunds.held_part, &refund.held_part);
    }
}

fn add_all(sum: &mut Kept, more: &Kept) {
    for (unit, amount) in more.iter().filter(|(_, amount)| !amount.is_zero()) {
        match sum.iter_mut().find(|(known, _)| known == unit) {
            Some((_, known)) => *known = known.saturating_add(*amount),
            None => sum.push((*unit, *amount)),
        }
    }
}
