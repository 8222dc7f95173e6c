//! Metrics of agents, of pools, and of all that was made here.

use std::sync::Arc;

use safeguards_budget::AccountState;
use safeguards_types::{AccountId, AgentId, Amount, Amounts, Priority};
use serde::{Deserialize, Serialize};

use crate::{
    BudgetError, amount_text,
    core::{Core, Standing, Totals},
    directory::Role,
};

/// How an agent stands: its budget in the ledger, and its tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentMetrics {
    /// The agent.
    pub agent_id: AgentId,
    /// The pool that it is in; left out where it stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<AccountId>,
    /// How much its work matters.
    pub priority: Priority,
    /// Whether it may spend: `open` or `suspended`.
    pub state: AccountState,
    /// What it may still spend of its own budget, in the budget's unit: `"99.58 USD"`. Those above it may have less
    /// left. Left out where its budget was taken away, and only those above it limit it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "amount_text::maybe")]
    pub remaining_budget: Option<Amount>,
    /// What it has ever spent, and whatever stands below it, by unit.
    pub spent: Amounts,
    /// What is set aside for what it does now, by unit.
    pub held: Amounts,
    /// How many of its tasks were paid for in the last [`RECENT`](crate::RECENT): charges, recorded costs, and
    /// attempts of teams. Left out where the ledger does not keep so much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_task_count: Option<u64>,
    /// How many attempts of it are under way. Left out where it is in no team that runs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_task_count: Option<u64>,
}

/// How a pool stands: its budget in the ledger, and the tasks of its agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PoolMetrics {
    /// The pool.
    pub pool_id: AccountId,
    /// How much its work matters.
    pub priority: Priority,
    /// Whether its agents may spend: `open` or `suspended`.
    pub state: AccountState,
    /// What all in it together may still spend, in the budget's unit: `"500.00 USD"`. Left out where its
    /// budget was taken away.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "amount_text::maybe")]
    pub remaining_budget: Option<Amount>,
    /// What was ever spent in it, by unit.
    pub spent: Amounts,
    /// What is set aside in it now, by unit.
    pub held: Amounts,
    /// How many agents stand directly in it.
    pub agent_count: u64,
    /// How many tasks its agents were paid for in the last [`RECENT`](crate::RECENT). Left out where the ledger does
    /// not keep so much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_task_count: Option<u64>,
    /// How many attempts of its agents are under way. Left out where none of them is in a team that runs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_task_count: Option<u64>,
}

/// How all agents and pools that were made here stand together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SystemMetrics {
    /// How many agents there are.
    pub agent_count: u64,
    /// How many pools there are.
    pub pool_count: u64,
    /// What they may still spend of their budgets, by unit: of those that stand in no pool, pools included.
    pub remaining_budget: Amounts,
    /// What they have ever spent, by unit, each cost once. What was spent by those who were deleted since is not in
    /// it.
    pub spent: Amounts,
    /// What is set aside for what they do now, by unit, each hold once.
    pub held: Amounts,
    /// How many tasks they were paid for in the last [`RECENT`](crate::RECENT). Left out where the ledger does not
    /// keep so much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_task_count: Option<u64>,
    /// How many attempts are under way. Left out where no team of theirs runs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_task_count: Option<u64>,
}

/// Reads metrics. What is not known is left out, and not 0.
///
/// ```
/// use safeguards_api::Safeguards;
/// use safeguards_types::{Priority, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let v1 = Safeguards::in_memory().v1();
/// let agent = v1.agents().create_agent("research_agent", usd!(100), Priority::P7).await?;
/// v1.budgets().record_cost(&agent.id, usd!(0.42)).await?;
///
/// let metrics = v1.metrics().get_agent_metrics(&agent.id).await?;
/// assert_eq!(metrics.remaining_budget, Some(usd!(99.58)));
/// assert_eq!(metrics.recent_task_count, Some(1));
/// assert_eq!(metrics.pending_task_count, None, "it is in no team that runs");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Metrics {
    core: Arc<Core>,
}

impl Metrics {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// How an agent stands.
    ///
    /// # Errors
    ///
    /// Where no agent of this name was made here, or the ledger cannot answer.
    pub async fn get_agent_metrics(
        &self,
        agent_id: impl Into<AgentId>,
    ) -> Result<AgentMetrics, BudgetError> {
        let standing =
            self.core.standing_as(Role::Agent, AccountId::from(&agent_id.into())).await?;
        let remaining_budget = standing.remaining();
        let Standing { account, recent_tasks, pending_tasks, terms: _, agents: _ } = standing;
        Ok(AgentMetrics {
            agent_id: AgentId::from(account.id.as_str()),
            pool: account.parent,
            priority: account.priority,
            state: account.state,
            remaining_budget,
            spent: account.spent,
            held: account.held.without_zeros(),
            recent_task_count: recent_tasks,
            pending_task_count: pending_tasks,
        })
    }

    /// How a pool stands.
    ///
    /// # Errors
    ///
    /// Where no pool of this name was made here, or the ledger cannot answer.
    pub async fn get_pool_metrics(
        &self,
        pool_id: impl Into<AccountId>,
    ) -> Result<PoolMetrics, BudgetError> {
        let standing = self.core.standing_as(Role::Pool, pool_id.into()).await?;
        let remaining_budget = standing.remaining();
        let Standing { account, agents, recent_tasks, pending_tasks, terms: _ } = standing;
        Ok(PoolMetrics {
            pool_id: account.id,
            priority: account.priority,
            state: account.state,
            remaining_budget,
            spent: account.spent,
            held: account.held.without_zeros(),
            agent_count: agents,
            recent_task_count: recent_tasks,
            pending_task_count: pending_tasks,
        })
    }

    /// How all that was made here stands.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot answer.
    pub async fn get_system_metrics(&self) -> Result<SystemMetrics, BudgetError> {
        let Totals { agents, pools, remaining, spent, held, recent_tasks, pending_tasks } =
            self.core.totals().await?;
        Ok(SystemMetrics {
            agent_count: agents,
            pool_count: pools,
            remaining_budget: remaining,
            spent,
            held,
            recent_task_count: recent_tasks,
            pending_task_count: pending_tasks,
        })
    }
}
