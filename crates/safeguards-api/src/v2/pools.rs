//! Pools: budgets that agents share.

use std::sync::Arc;

use safeguards_budget::{Limit, Percent, ProtectionStep};
use safeguards_types::{AccountId, Amount, OperationId, Priority};
use serde::{Deserialize, Serialize};

use super::{Agent, Pending, requests};
use crate::{
    BudgetError, ChangeError, CreateError,
    core::Core,
    directory::{Change, Role, Terms},
    request::awaited,
};

/// A pool as it was made. It stands wherever an account goes: `agents.create(…).pool(&pool)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pool {
    /// Its name.
    pub id: AccountId,
    /// How much its work matters.
    pub priority: Priority,
    /// The pool that it stands below; `None` for a root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<AccountId>,
}

impl From<&Pool> for AccountId {
    fn from(pool: &Pool) -> Self {
        pool.id.clone()
    }
}

impl From<Terms> for Pool {
    fn from(terms: Terms) -> Self {
        Self { id: terms.account, priority: terms.priority, parent: terms.pool }
    }
}

/// Makes, finds, changes and deletes pools.
#[derive(Clone, Debug)]
pub struct Pools {
    core: Arc<Core>,
}

impl Pools {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    fn ask<R>(&self, request: R) -> Pending<R> {
        Pending::new(Arc::clone(&self.core), request)
    }

    /// Makes a pool whose agents together may spend `budget` in all. Await the request, perhaps after its
    /// options. Made again on the same terms, it is the same pool.
    pub fn create(
        &self,
        name: impl Into<AccountId>,
        budget: Amount,
        priority: Priority,
    ) -> Pending<requests::CreatePool> {
        self.ask(requests::CreatePool::new(name, budget, priority))
    }

    /// The pool of this name; `None` where none was made here.
    pub fn find(&self, id: &AccountId) -> Option<Pool> {
        let terms = self.core.directory.find(id)?;
        (terms.role == Role::Pool).then(|| terms.into())
    }

    /// All pools that were made here, by name.
    pub fn list(&self) -> Vec<Pool> {
        let pools = self.core.directory.list(Role::Pool);
        pools.into_iter().map(Pool::from).collect()
    }

    /// The agents that were made here and stand directly in a pool now, by name.
    ///
    /// # Errors
    ///
    /// Where no pool of this name was made here, or the ledger cannot answer.
    pub async fn members(&self, pool: impl Into<AccountId>) -> Result<Vec<Agent>, BudgetError> {
        let pool = pool.into();
        let members = self.core.members(&pool).await?;
        Ok(members.into_iter().map(Agent::from).collect())
    }

    /// Changes all that the options of the request name, together or not at all.
    pub fn update(
        &self,
        pool: impl Into<AccountId>,
        op: OperationId,
    ) -> Pending<requests::UpdatePool> {
        self.ask(requests::UpdatePool::new(pool, op))
    }

    /// Closes a pool for good. Its name is never used again. A pool with somebody in it, or of which money is held, is
    /// refused.
    pub fn delete(
        &self,
        pool: impl Into<AccountId>,
        op: OperationId,
    ) -> Pending<requests::DeletePool> {
        self.ask(requests::DeletePool::new(pool, op))
    }
}

impl Pending<requests::CreatePool> {
    /// Puts the pool below another one.
    pub fn under(mut self, parent: impl Into<AccountId>) -> Self {
        self.request.under = Some(parent.into());
        self
    }

    /// Adds a limit besides the budget: on another unit, or over a window.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.request.limits.push(limit);
        self
    }

    /// Keeps the `last` part of each of its limits for agents of priority `from` and above.
    pub fn protect(mut self, last: Percent, from: Priority) -> Self {
        self.request.protection.push(ProtectionStep::new(last, from));
        self
    }

    async fn send(self) -> Result<Pool, CreateError> {
        let requests::CreatePool { name, budget, priority, under, limits, protection } =
            self.request;
        let mut terms = Terms::new(name, Role::Pool, budget, priority);
        (terms.pool, terms.limits, terms.protection) = (under, limits, protection);
        self.core.create(terms.clone()).await?;
        Ok(terms.into())
    }
}

awaited!(Pending<requests::CreatePool> => Result<Pool, CreateError>);

impl Pending<requests::UpdatePool> {
    /// Says how much its work matters from now on.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.request.priority = Some(priority);
        self
    }

    /// Puts it, and all that is in it, below this pool.
    pub fn under(mut self, parent: impl Into<AccountId>) -> Self {
        self.request.under = Some(Some(parent.into()));
        self
    }

    /// Makes it a root.
    pub fn alone(mut self) -> Self {
        self.request.under = Some(None);
        self
    }

    async fn send(self) -> Result<Pool, ChangeError> {
        let requests::UpdatePool { pool, op, priority, under } = self.request;
        let change = Change { priority, pool: under };
        Ok(self.core.update((&pool, Role::Pool), change, op).await?.into())
    }
}

awaited!(Pending<requests::UpdatePool> => Result<Pool, ChangeError>);

impl Pending<requests::DeletePool> {
    async fn send(self) -> Result<(), ChangeError> {
        let requests::DeletePool { pool, op } = self.request;
        self.core.delete(&pool, Role::Pool, op).await
    }
}

awaited!(Pending<requests::DeletePool> => Result<(), ChangeError>);
