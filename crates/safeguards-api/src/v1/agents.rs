//! Agents: anything that spends.

use std::sync::Arc;

use safeguards_types::{AccountId, AgentId, Amount, Priority};

use crate::{
    CreateError,
    core::Core,
    directory::{Role, Terms},
    request::awaited,
};

/// An agent as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agent {
    /// Its name, which is its account's too.
    pub id: AgentId,
    /// What it could spend in all when it was made.
    pub initial_budget: Amount,
    /// How much its work matters.
    pub priority: Priority,
    /// The pool that its spending counts at besides; `None` where it stands alone.
    pub pool: Option<AccountId>,
}

impl From<Terms> for Agent {
    fn from(terms: Terms) -> Self {
        Self {
            id: AgentId::from(terms.account.as_str()),
            initial_budget: terms.budget,
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

    /// Makes an agent that may spend `initial_budget` in all. Await the request, perhaps after
    /// [`pool`](CreateAgent::pool).
    ///
    /// Made again on the same terms, as at the next start of a program, it is the same agent with what it has
    /// left; on other terms it is refused. Of an agent that a durable ledger knows from before only priority
    /// and pool are compared: its budget may have been updated since.
    pub fn create_agent(
        &self,
        name: impl Into<AgentId>,
        initial_budget: Amount,
        priority: Priority,
    ) -> CreateAgent {
        let account = AccountId::from(&name.into());
        CreateAgent {
            core: Arc::clone(&self.core),
            terms: Terms::new(account, Role::Agent, initial_budget, priority),
        }
    }

    /// The agent of this name; `None` where none was made here.
    pub fn get_agent(&self, id: &AgentId) -> Option<Agent> {
        let terms = self.core.directory.find(&AccountId::from(id))?;
        (terms.role == Role::Agent).then(|| terms.into())
    }

    /// All agents that were made here, by name.
    pub fn list_agents(&self) -> Vec<Agent> {
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

    async fn send(self) -> Result<Agent, CreateError> {
        self.core.create(self.terms.clone()).await?;
        Ok(self.terms.into())
    }
}

awaited!(CreateAgent => Result<Agent, CreateError>);
