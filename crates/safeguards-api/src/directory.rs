//! The directory: what was made here. Agents and pools with their terms, tasks with what they wait for, and teams that
//! are called by name.

use std::{collections::BTreeMap, fmt, sync::Arc};

use parking_lot::Mutex;
use safeguards_budget::{
    Account, AccountState, Command, EntryId, Limit, Metadata, OpenAccount, ProtectionStep, Window,
};
use safeguards_coord::{TaskGraph, Team};
use safeguards_types::{AccountId, Amount, OperationId, Priority};

use crate::terms;

/// The metadata of an account that says what it is for, and with which budget it was made. Whoever opens the ledger later
/// knows it by them.
const ROLE: &str = "safeguards.role";
const BUDGET: &str = "safeguards.budget";

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Agent,
    Pool,
}

impl Role {
    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Pool => "pool",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Agent, Self::Pool].into_iter().find(|role| role.as_str() == word)
    }
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

    /// The terms of an account that is opened so; `None` where it has no budget of its own: a limit over its lifetime.
    pub(crate) fn of(open: &OpenAccount, role: Role) -> Option<Self> {
        let budget = open.limits.iter().position(|limit| limit.window == Window::Lifetime)?;
        let mut limits = open.limits.clone();
        let Limit { amount, unit, .. } = limits.remove(budget);
        Some(Self {
            account: open.account.clone(),
            role,
            budget: Amount::new(amount, unit),
            priority: open.priority,
            pool: open.parent.clone(),
            limits,
            protection: open.protection.clone(),
        })
    }

    /// The terms of an account that was made on some, perhaps by another program; `None` where it is closed, or was opened
    /// for something else.
    pub(crate) fn of_account(account: &Account) -> Option<Self> {
        let word = |key| account.metadata.get(key)?.as_str();
        let (role, budget) = (Role::parse(word(ROLE)?)?, Amount::parse(word(BUDGET)?).ok()?);
        if account.state == AccountState::Closed {
            return None;
        }
        let limits = account.limits.iter().map(|usage| &usage.limit);
        let is_budget =
            |limit: &Limit| limit.window == Window::Lifetime && limit.unit == *budget.unit();
        Some(Self {
            account: account.id.clone(),
            role,
            priority: account.priority,
            pool: account.parent.clone(),
            limits: limits.filter(|limit| !is_budget(limit)).cloned().collect(),
            protection: account.protection.clone(),
            budget,
        })
    }

    /// What is written down with an account that is opened on these terms.
    pub(crate) fn metadata(&self) -> Metadata {
        let role = self.role.as_str().to_owned();
        let both = [(ROLE, role), (BUDGET, self.budget.to_string())];
        both.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
    }

    /// The command that opens its account.
    pub(crate) fn command(&self, op: OperationId) -> Command {
        Command::new(op, self.open()).with_metadata(self.metadata())
    }

    fn open(&self) -> OpenAccount {
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
        write!(out, "{}, {}", self.role.as_str(), terms::of_request(&self.open()))
    }
}

/// What of an agent or pool changes; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) priority: Option<Priority>,
    /// Where it stands from now on; `Some(None)` is on top.
    #[expect(clippy::option_option, reason = "whether it is named, and then whether there is one")]
    pub(crate) pool: Option<Option<AccountId>>,
}

/// On which terms somebody is here, and since which entry of the ledger.
#[derive(Debug)]
struct Known {
    terms: Terms,
    /// Whether an earlier program made it: what it may spend has perhaps been changed since.
    was_there: bool,
    priority_since: Option<EntryId>,
    pool_since: Option<EntryId>,
}

/// What was made here, by name. Its order is that of the names.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    accounts: Mutex<BTreeMap<AccountId, Known>>,
    tasks: Arc<Mutex<TaskGraph>>,
    teams: Mutex<BTreeMap<String, Team>>,
}

impl Directory {
    /// Writes down who was made.
    pub(crate) fn insert(&self, terms: Terms) {
        self.note(terms, false);
    }

    /// Writes down who is in the ledger already.
    pub(crate) fn restore<'a>(&self, accounts: impl IntoIterator<Item = &'a Account>) {
        for terms in accounts.into_iter().filter_map(Terms::of_account) {
            self.note(terms, true);
        }
    }

    fn note(&self, terms: Terms, was_there: bool) {
        let known = Known { terms, was_there, priority_since: None, pool_since: None };
        self.accounts.lock().insert(known.terms.account.clone(), known);
    }

    /// Whether who is known by this name was made by an earlier program.
    pub(crate) fn was_there(&self, account: &AccountId) -> bool {
        self.accounts.lock().get(account).is_some_and(|known| known.was_there)
    }

    /// Writes down what the ledger changed by the entry `at`; a later change that was noted before stands. Gives
    /// the terms from now on; `None` where nobody of this name is here any more.
    pub(crate) fn change(&self, account: &AccountId, change: Change, at: EntryId) -> Option<Terms> {
        let mut entries = self.accounts.lock();
        let Known { terms, priority_since, pool_since, .. } = entries.get_mut(account)?;
        let Change { priority, pool } = change;
        if let Some(priority) = priority.filter(|_| *priority_since <= Some(at)) {
            (terms.priority, *priority_since) = (priority, Some(at));
        }
        if let Some(pool) = pool.filter(|_| *pool_since <= Some(at)) {
            (terms.pool, *pool_since) = (pool, Some(at));
        }
        Some(terms.clone())
    }

    /// Strikes out who is gone.
    pub(crate) fn remove(&self, account: &AccountId) {
        self.accounts.lock().remove(account);
    }

    /// On which terms somebody was made here.
    pub(crate) fn find(&self, account: &AccountId) -> Option<Terms> {
        self.accounts.lock().get(account).map(|known| known.terms.clone())
    }

    /// All of one role, by name.
    pub(crate) fn list(&self, role: Role) -> Vec<Terms> {
        let entries = self.accounts.lock();
        let of_role = entries.values().filter(|known| known.terms.role == role);
        of_role.map(|known| known.terms.clone()).collect()
    }

    /// Tasks, and what each waits for.
    pub(crate) const fn tasks(&self) -> &Arc<Mutex<TaskGraph>> {
        &self.tasks
    }

    /// Lets a team be called by its name, in place of one of the same name.
    pub(crate) fn serve(&self, team: Team) -> Option<Team> {
        self.teams.lock().insert(team.name().to_owned(), team)
    }

    /// Calls a team of this name no more.
    pub(crate) fn dismiss(&self, team: &str) -> Option<Team> {
        self.teams.lock().remove(team)
    }

    /// The team that is called by this name.
    pub(crate) fn team(&self, name: &str) -> Option<Team> {
        self.teams.lock().get(name).cloned()
    }

    /// The names by which teams are called.
    pub(crate) fn teams(&self) -> Vec<String> {
        self.teams.lock().keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::usd;

    use super::*;

    #[test]
    fn of_changes_that_are_noted_in_another_order_the_last_one_stands() {
        let directory = Directory::default();
        let account = AccountId::from("reader");
        directory.insert(Terms::new(account.clone(), Role::Agent, usd!(1), Priority::P5));
        let change = |priority, pool: Option<&str>, at| {
            let pool = pool.map(|pool| Some(AccountId::from(pool)));
            let terms =
                directory.change(&account, Change { priority, pool }, EntryId::new(at)).unwrap();
            (terms.priority.level(), terms.pool.map(|pool| pool.to_string()))
        };
        assert_eq!(change(Some(Priority::P7), None, 4), (7, None));
        assert_eq!(change(Some(Priority::P3), None, 3), (7, None), "noted late");
        // One field says nothing about the other.
        assert_eq!(change(None, Some("team"), 2), (7, Some("team".to_owned())));
        assert_eq!(change(Some(Priority::P2), Some("crew"), 5), (2, Some("crew".to_owned())));
    }
}
