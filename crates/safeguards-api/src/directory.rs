//! The directory: which agents and pools were made here, and on which terms.

use std::{collections::BTreeMap, fmt};

use parking_lot::Mutex;
use safeguards_budget::{Limit, OpenAccount, ProtectionStep};
use safeguards_types::{AccountId, Amount, Priority};

use crate::terms;

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Agent,
    Pool,
}

/// The terms on which an agent or pool is made. Made again on the same terms, it is the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) account: AccountId,
    pub(crate) role: Role,
    pub(crate) budget: Amount,
    pub(crate) priority: Priority,
    pub(crate) pool: Option<AccountId>,
    /// Limits besides the budget.
    pub(crate) limits: Vec<Limit>,
    pub(crate) protection: Vec<ProtectionStep>,
}

impl Terms {
    pub(crate) fn new(account: AccountId, role: Role, budget: Amount, priority: Priority) -> Self {
        Self {
            account,
            role,
            budget,
            priority,
            pool: None,
            limits: Vec::new(),
            protection: Vec::new(),
        }
    }

    /// The command that opens its account.
    pub(crate) fn open(&self) -> OpenAccount {
        let budget =
            Limit::lifetime(self.budget.clone()).warn_at(safeguards_budget::Percent::EIGHTY);
        let mut open = OpenAccount::new(&self.account).priority(self.priority).limit(budget);
        open.parent.clone_from(&self.pool);
        open.limits.extend(self.limits.iter().cloned());
        open.protection.clone_from(&self.protection);
        open
    }
}

impl fmt::Display for Terms {
    /// What tells one set of terms from another: `agent, priority 7, in pool research, 100.00 USD`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Agent => "agent",
            Role::Pool => "pool",
        };
        write!(out, "{role}, {}", terms::of_request(&self.open()))
    }
}

/// Agents and pools by name. Its order is that of the names.
#[derive(Debug, Default)]
pub(crate) struct Directory(Mutex<BTreeMap<AccountId, Terms>>);

impl Directory {
    /// Writes down who was made.
    pub(crate) fn insert(&self, terms: Terms) {
        self.0.lock().insert(terms.account.clone(), terms);
    }

    /// On which terms somebody was made here.
    pub(crate) fn find(&self, account: &AccountId) -> Option<Terms> {
        self.0.lock().get(account).cloned()
    }

    /// All of one role, by name.
    pub(crate) fn list(&self, role: Role) -> Vec<Terms> {
        let entries = self.0.lock();
        let of_role = entries.values().filter(|terms| terms.role == role);
        of_role.cloned().collect()
    }
}
