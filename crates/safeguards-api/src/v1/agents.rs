//! Agents: anything that spends.

use std::sync::Arc;

use safeguards_types::{AccountId, AgentId, Amount, Priority};
use serde::{Deserialize, Serialize};

use crate::{
    ChangeError, CreateError, amount_text,
    core::Core,
    directory::{Change, Role, Terms},
    request::awaited,
};

/// An agent as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Agent {
    /// Its name, which is its account's too.
    pub id: AgentId,
    /// What it could spend in all when it was made.
    #[serde(with = "amount_text")]
    pub initial_budget: Amount,
    /// How much its work matters.
    pub priority: Priority,
    /// The pool that its spending counts at besides; `None` where it stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

/// Makes, finds, changes and deletes agents.
///
/// ```
/// use safeguards_api::Safeguards;
/// use safeguards_types::{Priority, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let agents = Safeguards::in_memory().v1().agents();
/// let agent = agents.create_agent("research_agent", usd!(100), Priority::P7).await?;
/// let agent = agents.update_agent(&agent.id).priority(Priority::P8).await?;
/// assert_eq!(agent.priority, Priority::P8);
///
/// agents.delete_agent(&agent.id).await?;
/// let error = agents.create_agent("research_agent", usd!(100), Priority::P7).await.unwrap_err();
/// assert_eq!(error.code(), "api.name_gone");
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

    /// Makes an agent that may spend `initial_budget` in all. Await the request, perhaps after
    /// [`pool`](CreateAgent::pool).
    ///
    /// Made again on the same terms, as at the next start of a program, it is the same agent with what it has
    /// left; on other terms it is refused. Of an agent that an earlier program made, priority, pool and budget are
    /// compared, the budget as it was made or as it is now; its other limits may have been changed since.
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

    /// Changes an agent. Await the request after saying what: [`priority`](UpdateAgent::priority),
    /// [`pool`](UpdateAgent::pool), or both, which then happen together or not at all.
    ///
    /// What it may spend is changed by [`update_budget`](super::Budgets::update_budget).
    pub fn update_agent(&self, id: impl Into<AgentId>) -> UpdateAgent {
        let account = AccountId::from(&id.into());
        UpdateAgent { core: Arc::clone(&self.core), account, change: Change::default() }
    }

    /// Deletes an agent: its account is closed, nobody finds it any more, and its name is never used again.
    ///
    /// # Errors
    ///
    /// Where no agent of this name was made here, it was deleted before, or the ledger denies it: with
    /// `budget.not_empty` where money is held for it, or accounts stand below its own. Where the registry
    /// failed the account is closed all the same, and the agent can be deleted again.
    pub async fn delete_agent(&self, id: impl Into<AgentId>) -> Result<(), ChangeError> {
        let account = AccountId::from(&id.into());
        self.core.delete(&account, Role::Agent, self.core.operation()).await
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

/// A request to change an agent; sent by `.await`.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct UpdateAgent {
    core: Arc<Core>,
    account: AccountId,
    change: Change,
}

impl UpdateAgent {
    /// How much its work matters from now on.
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.change.priority = Some(priority);
        self
    }

    /// The pool that its spending counts at besides from now on. What it has spent stays counted where it was.
    pub fn pool(mut self, pool: impl Into<AccountId>) -> Self {
        self.change.pool = Some(Some(pool.into()));
        self
    }

    /// Lets it stand alone from now on.
    pub fn no_pool(mut self) -> Self {
        self.change.pool = Some(None);
        self
    }

    async fn send(self) -> Result<Agent, ChangeError> {
        let Self { core, account, change } = self;
        let terms = core.update((&account, Role::Agent), change, core.operation()).await?;
        Ok(terms.into())
    }
}

awaited!(UpdateAgent => Result<Agent, ChangeError>);
