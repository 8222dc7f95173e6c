//! Reads: accounts, holds and entries as they stand at one revision. They change nothing: what is due is shown
//! as ended, and a window that is over as begun again.

use std::sync::Arc;

use safeguards_types::{AccountId, Amount, Amounts, Quantity, Timestamp, Unit};

use super::{
    Book,
    arena::Ix,
    holds::HeldHold,
    node::{Counter, LimitState, Node},
};
use crate::{
    Account, AccountHandle, Accounts, Entry, EntryId, EntryPage, HoldId, HoldState, HoldView,
    LimitUsage, command::Hint,
};

impl Book {
    /// Reads accounts as they stand at this instant, all at one revision.
    pub fn accounts(&self, ids: &[AccountId], clock: Timestamp) -> Accounts {
        let now = self.journal.now(clock);
        let read = |id: &AccountId| Some(self.view(self.find(id)?, now));
        Accounts::new(self.journal.revision(), ids.iter().map(read).collect())
    }

    /// Reads an account and everything below it, all at one revision: parents before children, the children of
    /// one parent by name. No accounts where there is none of this name.
    pub fn subtree(&self, of: &AccountId, clock: Timestamp) -> Accounts {
        let now = self.journal.now(clock);
        let found = self.views_from(Vec::from_iter(self.find(of)), now);
        Accounts::new(self.journal.revision(), found)
    }

    /// What is below these, the last one first.
    fn views_from(&self, mut todo: Vec<Ix<Node>>, now: Timestamp) -> Vec<Option<Account>> {
        let mut found = Vec::new();
        while let Some(ix) = todo.pop() {
            found.push(Some(self.view(ix, now)));
            let mut children: Vec<_> = self.children(ix).collect();
            children.sort_by(|(_, a), (_, b)| b.id.cmp(&a.id));
            todo.extend(children.into_iter().map(|(child, _)| child));
        }
        found
    }

    /// Reads all accounts, those that are closed too as long as they are remembered, all at one revision: parents before
    /// children, those of one parent by name.
    pub fn all_accounts(&self, clock: Timestamp) -> Accounts {
        let now = self.journal.now(clock);
        let mut todo: Vec<_> =
            self.nodes.iter().filter(|(_, node)| node.parent.is_none()).collect();
        todo.sort_by(|(_, a), (_, b)| b.id.cmp(&a.id));
        let roots = todo.into_iter().map(|(ix, _)| ix).collect();
        Accounts::new(self.journal.revision(), self.views_from(roots, now))
    }

    /// Looks an account up, to be found at once from then on.
    pub fn handle(&self, id: &AccountId) -> Option<AccountHandle> {
        let ix = self.find(id)?;
        let hint = Hint { number: Some(ix.number()) };
        Some(AccountHandle { id: self.nodes.get(ix).id.clone(), hint })
    }

    fn view(&self, ix: Ix<Node>, now: Timestamp) -> Account {
        let node = self.nodes.get(ix);
        let totals = |amount: &dyn Fn(Ix<Unit>) -> Quantity| -> Amounts {
            let amount = |unit| Amount::new(amount(unit), self.units.get(unit).clone());
            node.totals.iter().map(|totals| amount(totals.unit)).collect()
        };
        let without = |held: Quantity, due: Quantity| held.saturating_sub(due);
        Account {
            id: node.id.clone(),
            parent: self.parent_id(node),
            state: node.state(),
            priority: node.priority,
            limits: node.limits.iter().map(|limit| self.usage((ix, node), limit, now)).collect(),
            protection: node.protection().to_vec(),
            spent: totals(&|unit| node.all(unit).spent),
            held: totals(&|unit| without(node.all(unit).held, self.due(ix, unit, now, |_| true))),
            spent_directly: totals(&|unit| node.direct(unit).spent),
            held_directly: totals(&|unit| {
                let own = |hold: &HeldHold| hold.set.first() == Some(&ix);
                without(node.direct(unit).held, self.due(ix, unit, now, own))
            }),
            metadata: node.rare.as_ref().map(|rare| rare.metadata.clone()).unwrap_or_default(),
        }
    }

    fn usage(
        &self,
        (ix, node): (Ix<Node>, &Node),
        limit: &LimitState,
        now: Timestamp,
    ) -> LimitUsage {
        let Counter { spent, held } = node.counter(limit, now);
        let due = self.due(ix, limit.unit, now, |hold| match &limit.current {
            None => true,
            Some(current) => hold.windows().iter().any(|counted| {
                counted.node == ix
                    && counted.serial == limit.serial
                    && counted.span.ends_at == current.span.ends_at
            }),
        });
        let counter = Counter { spent, held: held.saturating_sub(due) };
        // A window that nobody has spent in since it ended shows the one that runs now.
        let span = limit.current.as_deref().and_then(|current| {
            if current.span.is_over(now) {
                self.windows.get(limit.window).span_at(now)
            } else {
                Some(current.span)
            }
        });
        LimitUsage {
            limit: self.limit_of(limit),
            spent: counter.spent,
            held: counter.held,
            available: counter.left_of(limit.amount),
            over_by: counter.over(limit.amount),
            window_started_at: span.map(|span| span.started_at),
            window_ends_at: span.map(|span| span.ends_at),
        }
    }

    /// How much of what is held of a unit at an account has run out unnoticed, by the holds that count.
    fn due(
        &self,
        ix: Ix<Node>,
        unit: Ix<Unit>,
        now: Timestamp,
        counts: impl Fn(&HeldHold) -> bool,
    ) -> Quantity {
        if self.holds.next_expiry().is_none_or(|next| next > now) {
            return Quantity::ZERO;
        }
        let due = self.holds.by_expiry_at(ix, now).filter(|hold| counts(hold));
        due.map(|hold| hold.left_of(unit)).fold(Quantity::ZERO, Quantity::saturating_add)
    }

    /// Reads holds: one for each id, in that order.
    pub fn holds(&self, ids: &[HoldId], clock: Timestamp) -> Vec<Option<HoldView>> {
        let now = self.journal.now(clock);
        ids.iter().map(|id| Some(self.hold_view(self.holds.get(*id)?, now))).collect()
    }

    fn hold_view(&self, hold: &HeldHold, now: Timestamp) -> HoldView {
        let due = hold.state == HoldState::Open && hold.expires_at <= now;
        let left = |(unit, left): &(Ix<Unit>, Quantity)| {
            let left = if due { Quantity::ZERO } else { *left };
            Amount::new(left, self.units.get(*unit).clone())
        };
        let set = self.ids_of(&hold.set);
        HoldView {
            id: hold.id,
            account: set.first().cloned().unwrap_or_else(|| AccountId::new("")),
            state: if due { HoldState::Expired } else { hold.state },
            left: hold.left.iter().map(left).collect(),
            expires_at: hold.expires_at,
            set,
        }
    }

    pub(super) fn ids_of(&self, set: &[Ix<Node>]) -> Arc<[AccountId]> {
        set.iter().map(|ix| self.nodes.get(*ix).id.clone()).collect()
    }

    /// Reads at most `limit` entries in commit order, beginning with `from` or the first that is kept.
    pub fn entries(&self, from: EntryId, limit: usize) -> EntryPage {
        let first_kept = self.journal.first_kept();
        let from = from.max(first_kept);
        let since = self.journal.since(from).take(limit);
        let entries: Vec<_> = since.map(|(id, kept)| self.entry(id, kept)).collect();
        let next = entries.last().map_or(from, |entry| entry.id.next());
        EntryPage::new(entries, next, first_kept)
    }

    /// The newest entry; `None` before the first.
    pub fn revision(&self) -> Option<EntryId> {
        self.journal.revision()
    }

    /// The oldest entry that is kept, with all after it.
    pub fn first_kept(&self) -> EntryId {
        self.journal.first_kept()
    }

    /// Lets the entries from this one on stand, also where they are forgotten, until a later one is named: they are
    /// yet to be written down elsewhere.
    pub fn set_unwritten_from(&mut self, entry: EntryId) {
        self.journal.set_unwritten(entry);
    }

    /// The entries that are [yet to be written down](Self::set_unwritten_from), in commit order.
    pub fn unwritten(&self) -> Vec<Entry> {
        self.journal.unwritten().map(|(id, kept)| self.entry(id, kept)).collect()
    }
}
