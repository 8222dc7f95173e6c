//! Pools: budgets that agents share.

use std::sync::Arc;

use safeguards_budget::{Limit, Percent, ProtectionStep};
use safeguards_types::{AccountId, Amount, Priority};

use crate::{
    CreateError,
    core::Core,
    directory::{Role, Terms},
    request::awaited,
};

/// A pool as it was made. It stands wherever an account goes: `agents.create(…).pool(&pool)`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pool {
    /// Its name.
    pub id: AccountId,
    /// How much its work matters.
    pub priority: Priority,
    /// The pool that it stands below; `None` for a root.
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

/// Makes and finds pools.
#[derive(Clone, Debug)]
pub struct Pools {
    core: Arc<Core>,
}

impl Pools {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Makes a pool whose agents together may spend `budget` in all. Await the request, perhaps after its
    /// options. Made again on the same terms, it is the same pool.
    pub fn create(
        &self,
        name: impl Into<AccountId>,
        budget: Amount,
        priority: Priority,
    ) -> CreatePool {
        CreatePool {
            core: Arc::clone(&self.core),
            terms: Terms::new(name.into(), Role::Pool, budget, priority),
        }
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
}

/// A request to make a pool; sent by `.await`.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct CreatePool {
    core: Arc<Core>,
    terms: Terms,
}

impl CreatePool {
    /// Puts the pool below another one.
    pub fn under(mut self, parent: impl Into<AccountId>) -> Self {
        self.terms.pool = Some(parent.into());
        self
    }

    /// Adds a limit besides the budget: on another unit, or over a window.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.terms.limits.push(limit);
        self
    }

    /// Keeps the `last` part of each of its limits for agents of priority `from` and above.
    pub fn protect(mut self, last: Percent, from: Priority) -> Self {
        self.terms.protection.push(ProtectionStep::new(last, from));
        self
    }

    async fn send(self) -> Result<Pool, CreateError> {
        self.core.create(self.terms.clone()).await?;
        Ok(self.terms.into())
    }
}

awaited!(CreatePool => Result<Pool, CreateError>);
