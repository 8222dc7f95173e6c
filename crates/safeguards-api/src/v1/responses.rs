//! [`Response`]: everything that version 1 answers, as JSON.

use safeguards_coord::{Reason, RunId, State, StepId};
use safeguards_types::{AgentId, Amount, Amounts, Priority};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{
    Agent, AgentMetrics, Configuration, MissingDependencies, Pool, PoolMetrics, SystemMetrics,
};
use crate::{amount_text, tagged::calls};

calls! {
    /// What a call of version 1 is answered: in JSON an object with the call's name at `call`, and the answer beside
    /// it. Later releases may add keys.
    ///
    /// ```
    /// use safeguards_api::v1::Response;
    ///
    /// let json = r#"{"call":"budgets.get","remaining_budget":"99.58 USD"}"#;
    /// let Response::GetBudget(answer) = serde_json::from_str(json)? else { panic!("another answer") };
    /// assert_eq!(answer.remaining_budget, safeguards_types::usd!(99.58));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum Response {
        /// The agent as it was made.
        "agents.create" => CreateAgent(AgentResponse),
        /// The agent, if it is there.
        "agents.get" => GetAgent(FoundAgentResponse),
        /// The agent as it is now.
        "agents.update" => UpdateAgent(AgentResponse),
        /// It is gone.
        "agents.delete" => DeleteAgent(DoneResponse),
        /// All agents.
        "agents.list" => ListAgents(AgentsResponse),
        /// How much its work matters.
        "agents.priority" => GetAgentPriority(PriorityResponse),
        /// What may still be spent.
        "budgets.get" => GetBudget(BudgetResponse),
        /// It is set.
        "budgets.update" => UpdateBudget(DoneResponse),
        /// It is written down.
        "budgets.record" => RecordCost(CostResponse),
        /// The pool as it was made.
        "pools.create" => CreatePool(PoolResponse),
        /// The pool, if it is there.
        "pools.get" => GetPool(FoundPoolResponse),
        /// All pools.
        "pools.list" => ListPools(PoolsResponse),
        /// The agent is in the pool.
        "pools.join" => JoinPool(DoneResponse),
        /// The agent is in no pool.
        "pools.leave" => LeavePool(DoneResponse),
        /// Who is in the pool.
        "pools.agents" => GetPoolAgents(AgentIdsResponse),
        /// How the agent stands.
        "metrics.agent" => GetAgentMetrics(AgentMetrics),
        /// How the pool stands.
        "metrics.pool" => GetPoolMetrics(PoolMetrics),
        /// How all stand together.
        "metrics.system" => GetSystemMetrics(SystemMetrics),
        /// What is in force.
        "configuration.get" => GetConfiguration(Configuration),
        /// The alert is sent.
        "alerts.send" => SendAlert(AlertResponse),
        /// The value is written.
        "state.update" => UpdateState(DoneResponse),
        /// The value, if one is there.
        "state.get" => GetState(StateResponse),
        /// The task waits for it.
        "dependencies.add" => AddDependency(DoneResponse),
        /// Whether the task may begin.
        "dependencies.check" => CheckDependencies(CheckResponse),
        /// What the task waits for.
        "dependencies.missing" => GetMissingDependencies(MissingDependencies),
        /// The task is done.
        "dependencies.complete" => CompleteTask(DoneResponse),
        /// How the run ended.
        "teams.execute" => ExecuteTask(TeamResult),
        /// It can be found.
        "discovery.register" => RegisterCapability(DoneResponse),
        /// Who can do it.
        "discovery.find" => FindAgents(AgentIdsResponse),
    }
}

/// Structs of one answer each.
macro_rules! responses {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($(#[$about:meta])* $field:ident: $kind:ty,)* }
    )+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$about])* pub $field: $kind,)*
        }
    )+};
}

responses! {
    /// An agent.
    AgentResponse {
        /// The agent.
        agent: Agent,
    }

    /// An agent that was looked for.
    FoundAgentResponse {
        /// The agent; `null` where none of this name was made here.
        agent: Option<Agent>,
    }

    /// Agents.
    AgentsResponse {
        /// The agents, by name.
        agents: Vec<Agent>,
    }

    /// Names of agents.
    AgentIdsResponse {
        /// Their names: of members of a pool by name, of those who were looked for the best first.
        agent_ids: Vec<AgentId>,
    }

    /// What was asked for is done.
    DoneResponse {}

    /// How much an agent's work matters.
    PriorityResponse {
        /// 1 to 10, higher matters more.
        priority: Priority,
    }

    /// A budget.
    BudgetResponse {
        /// What may still be spent of it: `"99.58 USD"`.
        #[serde(with = "amount_text")]
        remaining_budget: Amount,
    }

    /// A cost that was written down.
    CostResponse {
        /// What is left of the cost's unit, at the agent or pool or above, wherever the least is: `{"USD":"99.58"}`.
        /// Empty where no limit is on this unit.
        remaining: Amounts,
        /// Whether it went beyond a limit.
        is_overrun: bool,
    }

    /// A pool.
    PoolResponse {
        /// The pool.
        pool: Pool,
    }

    /// A pool that was looked for.
    FoundPoolResponse {
        /// The pool; `null` where none of this name was made here.
        pool: Option<Pool>,
    }

    /// Pools.
    PoolsResponse {
        /// The pools, by name.
        pools: Vec<Pool>,
    }

    /// An alert that was sent.
    AlertResponse {
        /// The alert's name from here on.
        alert_id: String,
        /// Whether a handler dealt with it.
        handled: bool,
    }

    /// A value that agents share.
    StateResponse {
        /// The value; left out where none is there.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        value: Option<Value>,
    }

    /// Whether a task may begin.
    CheckResponse {
        /// Whether nothing is missing.
        can_execute: bool,
    }

    /// How a team's run ended.
    TeamResult {
        /// The run's name.
        run: RunId,
        /// The team.
        team: String,
        /// The strategy.
        strategy: String,
        /// How it ended: `succeeded`, `failed`, `denied`, `timed_out`, `cancelled`, `skipped`, `interrupted` or
        /// `abandoned`.
        state: State,
        /// Why; left out where it succeeded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// What the team has to show; left out where that is nothing.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        output: Option<Value>,
        /// What all its steps spent, by unit.
        spent: Amounts,
        /// Its steps, in the order in which the strategy named them.
        steps: Vec<StepResult>,
    }

    /// How a step of a team's run ended.
    StepResult {
        /// Its name.
        step: StepId,
        /// Who did it; left out where there was nobody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<AgentId>,
        /// How it ended, in the words of the run.
        state: State,
        /// Why; left out where it succeeded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// What the agent gave back; left out where that is nothing.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        output: Option<Value>,
        /// What it spent, by unit.
        spent: Amounts,
        /// Whether nobody knows what it cost, so that its estimate was spent.
        is_cost_unknown: bool,
    }
}

/// A field that was given, be it as `null`.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
