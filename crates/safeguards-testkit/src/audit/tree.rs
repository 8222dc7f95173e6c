//! What changes the tree and its accounts without counting anything.

use safeguards_budget::{AccountState, Action, Entry, OpenAccount};
use safeguards_types::AccountId;

use super::{
    Auditor, Rule,
    state::{Node, State},
};

impl Auditor {
    /// Takes a command whose entry tells nothing beyond it.
    pub(super) fn take_as_commanded(&mut self, entry: &Entry, action: &Action) {
        match action {
            Action::RegisterUnit { unit } => {
                self.state.units.insert(unit.clone());
            }
            Action::OpenAccount(open) => {
                self.open(open);
                for limit in &open.limits {
                    self.put_limit(entry, &open.account, limit, None);
                }
            }
            Action::SetLimit { account, limit } => self.put_limit(entry, account, limit, None),
            Action::CloseAccount { account } => self.close(account),
            Action::RemoveLimit { account, unit, window } => {
                let Some(node) = self.node(account) else { return };
                let before = node.caps.len();
                node.caps.retain(|cap| cap.limit.unit != *unit || cap.limit.window != *window);
                let removed = node.caps.len() < before;
                self.found.unless(
                    removed,
                    Rule::Limits,
                    format_args!("{account} has no limit on {unit} to remove ({window})"),
                );
            }
            Action::SetProtection { account, steps } => {
                if let Some(node) = self.node(account) {
                    node.protection.clone_from(steps);
                }
            }
            Action::SetParent { account, parent, .. } => self.set_parent(account, parent.as_ref()),
            Action::SetPriority { account, priority } => {
                if let Some(node) = self.node(account) {
                    node.priority = *priority;
                }
            }
            Action::Suspend { account, .. } => self.set_state(account, AccountState::Suspended),
            Action::Resume { account, .. } => self.set_state(account, AccountState::Open),
            other => self
                .found
                .add(Rule::Fact, format_args!("`{}` says more than its command", other.name())),
        }
    }

    pub(super) fn open(&mut self, open: &OpenAccount) {
        let OpenAccount { account, parent, priority, protection, .. } = open;
        if self.state.nodes.contains_key(account) {
            self.found.add(Rule::Tree, format_args!("`{account}` was opened twice"));
            return;
        }
        if let Some(parent) = parent {
            self.check_open_parent(parent);
        }
        self.state.opened.push(account.clone());
        let node = Node::new(parent.clone(), *priority, protection.clone());
        self.state.nodes.insert(account.clone(), node);
    }

    fn close(&mut self, account: &AccountId) {
        let State { nodes, .. } = &self.state;
        let is_open = |node: &Node| node.state != AccountState::Closed;
        let child = self.state.children(account).find(|(_, node)| is_open(node));
        let holds = nodes.get(account).map_or(0, |node| node.open_holds);
        self.found.unless(
            child.is_none() && holds == 0,
            Rule::Tree,
            format_args!(
                "{account} was closed with {holds} open holds and the child {:?}",
                child.map(|(id, _)| id),
            ),
        );
        self.set_state(account, AccountState::Closed);
    }

    fn set_parent(&mut self, account: &AccountId, parent: Option<&AccountId>) {
        if let Some(parent) = parent {
            self.check_open_parent(parent);
            let cycle = self.state.chain(parent).any(|id| id == account);
            self.found.unless(
                !cycle,
                Rule::Tree,
                format_args!("{account} stands below itself, under {parent}"),
            );
        }
        if let Some(node) = self.node(account) {
            node.parent = parent.cloned();
        }
    }

    fn check_open_parent(&mut self, parent: &AccountId) {
        let state = self.state.nodes.get(parent).map(|node| node.state);
        self.found.unless(
            state.is_some_and(|state| state != AccountState::Closed),
            Rule::Tree,
            format_args!("the parent {parent} is {}", state.map_or("unknown", AccountState::name)),
        );
    }

    fn set_state(&mut self, account: &AccountId, state: AccountState) {
        let Some(node) = self.node(account) else { return };
        let was = node.state;
        node.state = state;
        self.found.unless(
            was != AccountState::Closed,
            Rule::Tree,
            format_args!("{account} was closed and is {}", state.name()),
        );
    }

    /// The account; that there is none is told.
    fn node(&mut self, account: &AccountId) -> Option<&mut Node> {
        let node = self.state.nodes.get_mut(account);
        if node.is_none() {
            self.found.add(Rule::Fact, format_args!("there is no account `{account}`"));
        }
        node
    }
}
