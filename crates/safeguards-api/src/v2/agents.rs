//! Agents: anything that spends.

use std::sync::Arc;

use safeguards_budget::Limit;
use safeguards_types::{AccountId, AgentId, Amount, OperationId, Priority};
use serde::{Deserialize, Serialize};

use super::{Pending, requests};
use crate::{
    ChangeError, CreateError,
    core::Core,
    directory::{Change, Role, Terms},
    request::awaited,
};

/// An agent as it was made. It stands wherever an account goes: `budget.charge(&agent, …)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Agent {
    /// Its name, which is its account's too.
    pub id: AgentId,
    /// How much its work matters.
    pub priority: Priority,
    /// The pool that its spending counts at besides; `None` where it stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<AccountId>,
}

impl From<&Agent> for AccountId {
    fn from(agent: &Agent) -> Self {
        Self::from(&agent.id)
    }
}

impl From<&Agent> for AgentId {
    fn from(agent: &Agent) -> Self {
        agent.id.clone()
    }
}

impl From<Terms> for Agent {
    fn from(terms: Terms) -> Self {
        Self {
            id: AgentId::from(terms.account.as_str()),
            priority: terms.priority,
            pool: terms.pool,
        }
    }
}

/// Makes, finds, changes and deletes agents.
///
/// ```
/// use safeguards_api::Safeguards;
/// use safeguards_types::{Priority, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let v2 = Safeguards::in_memory().v2();
/// let (agents, job) = (v2.agents(), v2.operation());
/// let night = v2.pools().create("nightly", usd!(50), Priority::P5).await?;
/// let reader = agents.create("reader", usd!(4), Priority::P7).await?;
///
/// let reader = agents.update(&reader, job.step("move")).priority(Priority::P8).pool(&night).await?;
/// assert_eq!(reader.pool, Some(night.id));
/// agents.delete(&reader, job.step("gone")).await?;
/// assert_eq!(agents.create("reader", usd!(4), Priority::P7).await.unwrap_err().code(), "api.name_gone");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Agents {
    core: Arc<Core>,
}

impl Agents {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    fn ask<R>(&self, request: R) -> Pending<R> {
        Pending::new(Arc::clone(&self.core), request)
    }

    /// Makes an agent that may spend `budget` in all. Await the request, perhaps after its options.
    ///
    /// Made again on the same terms, as at the next start of a program, it is the same agent with what it has
    /// left; on other terms it is refused. Of an agent that an earlier program made, priority, pool and budget are
    /// compared, the budget as it was made or as it is now; its other limits may have been changed since.
    pub fn create(
        &self,
        name: impl Into<AgentId>,
        budget: Amount,
        priority: Priority,
    ) -> Pending<requests::CreateAgent> {
        self.ask(requests::CreateAgent::new(name, budget, priority))
    }

    /// The agent of this name; `None` where none was made here.
    pub fn find(&self, id: &AgentId) -> Option<Agent> {
        let terms = self.core.directory.find(&AccountId::from(id))?;
        (terms.role == Role::Agent).then(|| terms.into())
    }

    /// All agents that were made here, by name.
    pub fn list(&self) -> Vec<Agent> {
        let agents = self.core.directory.list(Role::Agent);
        agents.into_iter().map(Agent::from).collect()
    }

    /// Changes all that the options of the request name, together or not at all. What was spent stays counted where it
    /// was.
    pub fn update(
        &self,
        agent: impl Into<AgentId>,
        op: OperationId,
    ) -> Pending<requests::UpdateAgent> {
        self.ask(requests::UpdateAgent::new(agent, op))
    }

    /// Closes an agent's account for good and ends its leases. Its name is never used again. An agent of which money
    /// is held, or below which others stand, is refused.
    pub fn delete(
        &self,
        agent: impl Into<AgentId>,
        op: OperationId,
    ) -> Pending<requests::DeleteAgent> {
        self.ask(requests::DeleteAgent::new(agent, op))
    }
}

impl Pending<requests::CreateAgent> {
    /// Puts the agent into a pool: what it spends must fit there, too.
    pub fn pool(mut self, pool: impl Into<AccountId>) -> Self {
        self.request.pool = Some(pool.into());
        self
    }

    /// Adds a limit besides the budget: on another unit, or over a window.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.request.limits.push(limit);
        self
    }

    async fn send(self) -> Result<Agent, CreateError> {
        let requests::CreateAgent { name, budget, priority, pool, limits } = self.request;
        let mut terms = Terms::new(AccountId::from(&name), Role::Agent, budget, priority);
        (terms.pool, terms.limits) = (pool, limits);
        self.core.create(terms.clone()).await?;
        Ok(terms.into())
    }
}

awaited!(Pending<requests::CreateAgent> => Result<Agent, CreateError>);

impl Pending<requests::UpdateAgent> {
    /// Says how much its work matters from now on.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.request.priority = Some(priority);
        self
    }

    /// Puts it into this pool, out of the one that it is in.
    pub fn pool(mut self, pool: impl Into<AccountId>) -> Self {
        self.request.pool = Some(Some(pool.into()));
        self
    }

    /// Takes it out of the pool that it is in.
    pub fn alone(mut self) -> Self {
        self.request.pool = Some(None);
        self
    }

    async fn send(self) -> Result<Agent, ChangeError> {
        let requests::UpdateAgent { agent, op, priority, pool } = self.request;
        let change = Change { priority, pool };
        Ok(self.core.update((&AccountId::from(&agent), Role::Agent), change, op).await?.into())
    }
}

awaited!(Pending<requests::UpdateAgent> => Result<Agent, ChangeError>);

impl Pending<requests::DeleteAgent> {
    async fn send(self) -> Result<(), ChangeError> {
        let requests::DeleteAgent { agent, op } = self.request;
        self.core.delete(&AccountId::from(&agent), Role::Agent, op).await
    }
}

awaited!(Pending<requests::DeleteAgent> => Result<(), ChangeError>);
