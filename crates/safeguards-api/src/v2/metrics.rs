//! Numbers of agents, of pools, and of all that was made here.

use std::sync::Arc;

use safeguards_budget::{AccountState, Weight, Workload};
use safeguards_types::{AccountId, AgentId, Amount, Amounts, Priority};
use serde::{Deserialize, Serialize};

use crate::{
    BudgetError, RECENT, amount_text,
    core::{Core, Standing, Totals},
    directory::Role,
};

/// How an agent stands: its budget in the ledger, and its tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentMetrics {
    /// The agent.
    pub agent: AgentId,
    /// The pool that it is in; left out where it stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<AccountId>,
    /// How much its work matters.
    pub priority: Priority,
    /// Whether it may spend: `open` or `suspended`.
    pub state: AccountState,
    /// What it may still spend of its own budget: `"99.58 USD"`. Those above it may have less left. Left
    /// out where its budget was taken away, and only those above it limit it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "amount_text::maybe")]
    pub remaining: Option<Amount>,
    /// What it has ever spent, and whatever stands below it, by unit.
    pub spent: Amounts,
    /// What is set aside for what it does now, by unit.
    pub held: Amounts,
    /// How many of its tasks were paid for in the last [`RECENT`]: charges, records, and attempts of teams. Left out
    /// where the ledger does not keep so much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_tasks: Option<u64>,
    /// How many attempts of it are under way. Left out where it is in no team that runs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_tasks: Option<u64>,
}

/// How a pool stands: its budget in the ledger, and the tasks of its agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PoolMetrics {
    /// The pool.
    pub pool: AccountId,
    /// The pool that it stands below; left out for a root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<AccountId>,
    /// How much its work matters.
    pub priority: Priority,
    /// Whether its agents may spend: `open` or `suspended`.
    pub state: AccountState,
    /// What all in it together may still spend: `"500.00 USD"`. Left out where its budget was taken away.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "amount_text::maybe")]
    pub remaining: Option<Amount>,
    /// What was ever spent in it, by unit.
    pub spent: Amounts,
    /// What is set aside in it now, by unit.
    pub held: Amounts,
    /// How many agents stand directly in it.
    pub agents: u64,
    /// How many tasks its agents were paid for in the last [`RECENT`]. Left out where the ledger does not keep so much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_tasks: Option<u64>,
    /// How many attempts of its agents are under way. Left out where none of them is in a team that runs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_tasks: Option<u64>,
}

/// How all agents and pools that were made here stand together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SystemMetrics {
    /// How many agents there are.
    pub agents: u64,
    /// How many pools there are.
    pub pools: u64,
    /// What may still be spent, by unit: of those that stand in no pool, pools included.
    pub remaining: Amounts,
    /// What they have ever spent, by unit, each cost once. What was spent by those who were deleted since is not in it.
    pub spent: Amounts,
    /// What is set aside for what they do now, by unit, each hold once.
    pub held: Amounts,
    /// How many tasks were paid for in the last [`RECENT`]. Left out where the ledger does not keep so much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_tasks: Option<u64>,
    /// How many attempts are under way. Left out where no team runs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_tasks: Option<u64>,
}

/// How busy an agent of a pool is. Its weight, for sharing a budget out, is three for each recent task and seven for
/// each that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentWorkload {
    /// The agent.
    pub agent: AgentId,
    /// How many of its tasks were paid for in the last [`RECENT`].
    pub recent_tasks: u64,
    /// How many attempts of it are under way in teams that run here.
    pub pending_tasks: u64,
}

impl From<AgentWorkload> for (AccountId, Weight) {
    fn from(AgentWorkload { agent, recent_tasks, pending_tasks }: AgentWorkload) -> Self {
        (AccountId::from(&agent), Workload { recent_tasks, pending_tasks }.into())
    }
}

/// Why it is not told how busy agents are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkloadError {
    /// There is no such pool, or the ledger cannot answer.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// The ledger does not keep so many entries. Who shares a budget out by guesses does harm.
    #[error(
        "how many tasks were paid for in the last {} minutes is not known: the ledger keeps too few entries, or has too many",
        RECENT.as_secs() / 60
    )]
    NotKnown,
}

impl WorkloadError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Budget(error) => error.code(),
            Self::NotKnown => "api.workload_not_known",
        }
    }
}

/// Reads metrics. What is not known is left out, and not 0.
///
/// ```
/// use safeguards_api::Safeguards;
/// use safeguards_budget::Allocation;
/// use safeguards_types::{Priority, Unit, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let v2 = Safeguards::in_memory().v2();
/// let (budget, metrics, job) = (v2.budget(), v2.metrics(), v2.operation());
/// let high = v2.pools().create("high_priority_tasks", usd!(500), Priority::P8).await?;
/// let research = v2.agents().create("research", usd!(100), Priority::P7).pool(&high).await?;
/// v2.agents().create("analysis", usd!(80), Priority::P5).pool(&high).await?;
/// budget.charge(&research, usd!(0.42), job.step("search")).await?;
/// assert_eq!(metrics.agent(&research).await?.remaining, Some(usd!(99.58)));
/// assert_eq!(metrics.agent(&research).await?.pending_tasks, None, "it is in no team that runs");
///
/// // More goes where more is to do, and nobody gets less than 10 dollars.
/// let load = metrics.workloads(&high).await?;
/// let weights = load.into_iter().map(<(_, _)>::from);
/// let plan = Allocation::of_available(Unit::USD, weights).at_least(usd!(10));
/// let shares = budget.allocate(&high, plan, job.step("09:15")).await?;
/// assert_eq!(shares.to_string(), "analysis 10.00 USD, research 489.58 USD");
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
    pub async fn agent(&self, agent: impl Into<AgentId>) -> Result<AgentMetrics, BudgetError> {
        let standing = self.core.standing_as(Role::Agent, AccountId::from(&agent.into())).await?;
        let remaining = standing.remaining();
        let Standing { account, recent_tasks, pending_tasks, terms: _, agents: _ } = standing;
        Ok(AgentMetrics {
            agent: AgentId::from(account.id.as_str()),
            pool: account.parent,
            priority: account.priority,
            state: account.state,
            remaining,
            spent: account.spent,
            held: account.held.without_zeros(),
            recent_tasks,
            pending_tasks,
        })
    }

    /// How a pool stands.
    ///
    /// # Errors
    ///
    /// Where no pool of this name was made here, or the ledger cannot answer.
    pub async fn pool(&self, pool: impl Into<AccountId>) -> Result<PoolMetrics, BudgetError> {
        let standing = self.core.standing_as(Role::Pool, pool.into()).await?;
        let remaining = standing.remaining();
        let Standing { account, agents, recent_tasks, pending_tasks, terms: _ } = standing;
        Ok(PoolMetrics {
            pool: account.id,
            parent: account.parent,
            priority: account.priority,
            state: account.state,
            remaining,
            spent: account.spent,
            held: account.held.without_zeros(),
            agents,
            recent_tasks,
            pending_tasks,
        })
    }

    /// How all that was made here stands.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot answer.
    pub async fn system(&self) -> Result<SystemMetrics, BudgetError> {
        let Totals { agents, pools, remaining, spent, held, recent_tasks, pending_tasks } =
            self.core.totals().await?;
        Ok(SystemMetrics { agents, pools, remaining, spent, held, recent_tasks, pending_tasks })
    }

    /// How busy the agents of a pool are, by name: what to share its budget out by. Of an agent that is in no team
    /// here nothing is under way.
    ///
    /// # Errors
    ///
    /// Where no pool of this name was made here, how many tasks were paid for lately is not known, or the ledger
    /// cannot answer.
    pub async fn workloads(
        &self,
        pool: impl Into<AccountId>,
    ) -> Result<Vec<AgentWorkload>, WorkloadError> {
        let standings = self.core.standings_inside(&pool.into()).await?;
        let workload = |standing: Standing| {
            Some(AgentWorkload {
                agent: AgentId::from(standing.account.id.as_str()),
                recent_tasks: standing.recent_tasks?,
                pending_tasks: standing.pending_tasks.unwrap_or(0),
            })
        };
        let known: Option<Vec<_>> = standings.into_iter().map(workload).collect();
        known.ok_or(WorkloadError::NotKnown)
    }
}
