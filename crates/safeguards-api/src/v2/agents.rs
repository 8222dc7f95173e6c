//! Agents: anything that spends.

use std::sync::Arc;

use safeguards_budget::Limit;
use safeguards_types::{AccountId, AgentId, Amount, Priority};

use crate::{
    CreateError,
    core::Core,
    directory::{Role, Terms},
    request::awaited,
};

/// An agent as it was made. It stands wherever an account goes: `budget.charge(&agent, …)`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agent {
    /// Its name, which is its account's too.
    pub id: AgentId,
    /// How much its work matters.
    pub priority: Priority,
    /// The pool that its spending counts at besides; `None` where it stands alone.
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

/// Makes and finds agents.
#[derive(Clone, Debug)]
pub struct Agents {
    core: Arc<Core>,
}

impl Agents {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Makes an agent that may spend `budget` in all. Await the request, perhaps after its options.
    ///
    /// Made again on the same terms, as at the next start of a program, it is the same agent with what it has
    /// left; on other terms it is refused. Of an agent that a durable ledger knows from before only priority
    /// and pool are compared: its limits may have been changed since.
    pub fn create(
        &self,
        name: impl Into<AgentId>,
        budget: Amount,
        priority: Priority,
    ) -> CreateAgent {
        let account = AccountId::from(&name.into());
        CreateAgent {
            core: Arc::clone(&self.core),
            terms: Terms::new(account, Role::Agent, budget, priority),
        }
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
}

/// A request to make an agent; sent by `.await`.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct CreateAgent {
    core: Arc<Core>,
    terms: Terms,
}

impl CreateAgent {
    /// Puts the agent into a pool: what it spends must fit there, too.
    pub fn pool(mut self, pool: impl Into<AccountId>) -> Self {
        self.terms.pool = Some(pool.into());
        self
    }

    /// Adds a limit besides the budget: on another unit, or over a window.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.terms.limits.push(limit);
        self
    }

    async fn send(self) -> Result<Agent, CreateError> {
        self.core.create(self.terms.clone()).await?;
        Ok(self.terms.into())
    }
}

awaited!(CreateAgent => Result<Agent, CreateError>);
