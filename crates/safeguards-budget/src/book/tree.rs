//! How accounts stand to each other, and how units, windows and accounts are found by name.

use std::sync::Arc;

use foldhash::HashSet;
use safeguards_types::{AccountId, Unit};

use super::{
    Book,
    arena::Ix,
    node::{ChargeSet, Node},
};
use crate::{Charge, Denial, Window};

/// Dollars, tokens, requests.
const UNITS_COMMON: usize = 3;

impl Book {
    pub(super) fn find(&self, account: &AccountId) -> Option<Ix<Node>> {
        self.names.get(account.as_str(), |ix| self.nodes.get(*ix).id == *account)
    }

    pub(super) fn known(&self, account: &AccountId) -> Result<Ix<Node>, Denial> {
        let unknown = || Denial::UnknownAccount { account: account.clone() };
        self.find(account).ok_or_else(unknown)
    }

    pub(super) fn check_open(&self, ix: Ix<Node>) -> Result<(), Denial> {
        let node = self.nodes.get(ix);
        if node.closed {
            return Err(Denial::ClosedAccount { account: node.id.clone() });
        }
        Ok(())
    }

    /// The account of this name, if it is known and not closed.
    pub(super) fn open(&self, account: &AccountId) -> Result<Ix<Node>, Denial> {
        let ix = self.known(account)?;
        self.check_open(ix)?;
        Ok(ix)
    }

    pub(super) fn unit(&self, unit: &Unit) -> Result<Ix<Unit>, Denial> {
        // The few that are known from the start are found faster by asking each.
        let mut common = self.units.iter().take(UNITS_COMMON);
        let common = common.find(|(_, known)| *known == unit).map(|(ix, _)| ix);
        let named = || self.unit_names.get(unit, |ix| self.units.get(*ix) == unit);
        common.or_else(named).ok_or_else(|| Denial::UnknownUnit { unit: unit.clone() })
    }

    pub(super) fn know_unit(&mut self, unit: &Unit) {
        if self.unit(unit).is_err()
            && let Some(ix) = self.units.push(unit.clone())
        {
            let Self { unit_names, units, .. } = self;
            unit_names.insert(unit, ix, |ix| Some(units.get(*ix)));
        }
    }

    pub(super) fn window(&self, window: &Window) -> Option<Ix<Window>> {
        self.window_names.get(window, |ix| self.windows.get(*ix) == window)
    }

    /// The book's own name for a window; `None` only where four billion are known.
    pub(super) fn know_window(&mut self, window: &Window) -> Option<Ix<Window>> {
        if let Some(known) = self.window(window) {
            return Some(known);
        }
        let ix = self.windows.push(window.clone())?;
        let Self { window_names, windows, .. } = self;
        window_names.insert(window, ix, |ix| Some(windows.get(*ix)));
        Some(ix)
    }

    pub(super) fn parent_id(&self, node: &Node) -> Option<AccountId> {
        node.parent.map(|parent| self.nodes.get(parent).id.clone())
    }

    /// Resolves the charge set: the spender and everything above it, then each scope likewise, each once.
    pub(super) fn charge_set(&self, spender: Ix<Node>, scopes: &[Ix<Node>]) -> ChargeSet {
        let path = &self.nodes.get(spender).path;
        // A scope is most often above the spender already: its team's pool.
        if scopes.iter().all(|scope| path.contains(scope)) {
            return Arc::clone(path);
        }
        let mut seen: HashSet<_> = path.iter().copied().collect();
        let added = scopes.iter().flat_map(|scope| self.nodes.get(*scope).path.iter().copied());
        let added = added.filter(|ix| seen.insert(*ix)).collect::<Vec<_>>();
        path.iter().copied().chain(added).collect()
    }

    /// The spender and the scopes of a charge: all of them known, and open where it `must_be_open`.
    pub(super) fn charged(&self, charge: &Charge, must_be_open: bool) -> Result<ChargeSet, Denial> {
        let spender = self.spender(charge)?;
        if charge.scopes.is_empty() {
            if must_be_open {
                self.check_open(spender)?;
            }
            return Ok(Arc::clone(&self.nodes.get(spender).path));
        }
        let known = |scope: &AccountId| self.known(scope);
        let scopes: Vec<_> = charge.scopes.iter().map(known).collect::<Result<_, _>>()?;
        if must_be_open {
            self.check_open(spender)?;
            scopes.iter().try_for_each(|scope| self.check_open(*scope))?;
        }
        self.check_scopes(scopes.len())?;
        Ok(self.charge_set(spender, &scopes))
    }

    /// Who spends: found at once where a handle told the number, and by name otherwise.
    fn spender(&self, charge: &Charge) -> Result<Ix<Node>, Denial> {
        let told = charge.hint.number.and_then(|number| self.nodes.named(number));
        match told {
            Some((ix, node)) if node.id == charge.account => Ok(ix),
            Some(_) | None => self.known(&charge.account),
        }
    }

    pub(super) fn children(&self, of: Ix<Node>) -> impl Iterator<Item = (Ix<Node>, &Node)> {
        let named = |ix| (ix, self.nodes.get(ix));
        let first = self.nodes.get(of).first_child.map(named);
        std::iter::successors(first, move |(_, node)| node.next.map(named))
    }

    pub(super) fn open_children(&self, of: Ix<Node>) -> impl Iterator<Item = (Ix<Node>, &Node)> {
        self.children(of).filter(|(_, node)| !node.closed)
    }

    /// How many levels an account and everything below it take.
    pub(super) fn height(&self, of: Ix<Node>) -> usize {
        let depth = |ix: Ix<Node>| self.nodes.get(ix).path.len();
        let deepest = self.below(of).into_iter().map(depth).max().unwrap_or(0);
        deepest.saturating_add(1).saturating_sub(depth(of))
    }

    /// An account and everything below it, parents before children.
    pub(super) fn below(&self, of: Ix<Node>) -> Vec<Ix<Node>> {
        let (mut found, mut todo) = (Vec::new(), vec![of]);
        while let Some(ix) = todo.pop() {
            found.push(ix);
            todo.extend(self.children(ix).map(|(child, _)| child));
        }
        found
    }

    /// Puts an account below another, as its first child.
    pub(super) fn link(&mut self, child: Ix<Node>, parent: Ix<Node>) {
        let is_open = u32::from(!self.nodes.get(child).closed);
        let above = self.node_mut(parent);
        let next = above.first_child.replace(child);
        above.open_children = above.open_children.saturating_add(is_open);
        if let Some(next) = next {
            self.node_mut(next).previous = Some(child);
        }
        let node = self.node_mut(child);
        (node.parent, node.previous, node.next) = (Some(parent), None, next);
    }

    /// Takes an account away from its parent.
    pub(super) fn unlink(&mut self, child: Ix<Node>) {
        let node = self.node_mut(child);
        let is_open = u32::from(!node.closed);
        let (parent, previous, next) = (node.parent.take(), node.previous.take(), node.next.take());
        if let Some(parent) = parent {
            let above = self.node_mut(parent);
            above.open_children = above.open_children.saturating_sub(is_open);
            if previous.is_none() {
                above.first_child = next;
            }
        }
        if let Some(previous) = previous {
            self.node_mut(previous).next = next;
        }
        if let Some(next) = next {
            self.node_mut(next).previous = previous;
        }
    }

    /// Tells an account and everything below it what is above them now.
    pub(super) fn set_paths(&mut self, of: Ix<Node>) {
        for ix in self.below(of) {
            let above = self.nodes.get(ix).parent.map(|parent| &self.nodes.get(parent).path);
            let above = above.map_or(&[][..], |path| &**path);
            let path = [ix].into_iter().chain(above.iter().copied()).collect();
            self.node_mut(ix).path = path;
        }
    }
}
