//! [`Request`]: everything that can be asked of version 1, as JSON.

use std::collections::BTreeMap;

use safeguards_types::{AccountId, AgentId, Amount, Priority, Severity};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Error;
use crate::{amount_text, refused::Fault, tagged::calls};

calls! {
    /// A call of version 1: in JSON an object with the call's name at `call`, and its fields beside it.
    ///
    /// Amounts are text with their unit, `"100 USD"`; a priority is a whole number, 1 to 10, higher matters more. A
    /// key that the call does not know is refused.
    ///
    /// ```
    /// use safeguards_api::v1::{CreateAgentRequest, Request};
    /// use safeguards_types::{Priority, usd};
    ///
    /// let json = r#"{"call":"agents.create","name":"research_agent","initial_budget":"100 USD","priority":7}"#;
    /// let asked = CreateAgentRequest::new("research_agent", usd!(100), Priority::P7);
    /// assert_eq!(Request::from_json(json)?, Request::from(asked));
    ///
    /// let error = Request::from_json(r#"{"call":"agents.create","name":"x","initial_budget":"100"}"#).unwrap_err();
    /// assert_eq!(error.code, "api.bad_request");
    /// assert!(error.message.starts_with("agents.create: `initial_budget`: `100` is no amount"));
    /// # Ok::<(), safeguards_api::v1::Error>(())
    /// ```
    pub enum Request {
        /// [`Agents::create_agent`](super::Agents::create_agent).
        "agents.create" => CreateAgent(CreateAgentRequest),
        /// [`Agents::get_agent`](super::Agents::get_agent).
        "agents.get" => GetAgent(GetAgentRequest),
        /// [`Agents::update_agent`](super::Agents::update_agent).
        "agents.update" => UpdateAgent(UpdateAgentRequest),
        /// [`Agents::delete_agent`](super::Agents::delete_agent).
        "agents.delete" => DeleteAgent(DeleteAgentRequest),
        /// [`Agents::list_agents`](super::Agents::list_agents).
        "agents.list" => ListAgents(ListAgentsRequest),
        /// [`Budgets::get_agent_priority`](super::Budgets::get_agent_priority).
        "agents.priority" => GetAgentPriority(GetAgentPriorityRequest),
        /// [`Budgets::get_budget`](super::Budgets::get_budget).
        "budgets.get" => GetBudget(GetBudgetRequest),
        /// [`Budgets::update_budget`](super::Budgets::update_budget).
        "budgets.update" => UpdateBudget(UpdateBudgetRequest),
        /// [`Budgets::record_cost`](super::Budgets::record_cost).
        "budgets.record" => RecordCost(RecordCostRequest),
        /// [`Budgets::create_budget_pool`](super::Budgets::create_budget_pool).
        "pools.create" => CreatePool(CreatePoolRequest),
        /// [`Budgets::get_budget_pool`](super::Budgets::get_budget_pool).
        "pools.get" => GetPool(GetPoolRequest),
        /// [`Budgets::list_budget_pools`](super::Budgets::list_budget_pools).
        "pools.list" => ListPools(ListPoolsRequest),
        /// [`Budgets::join_budget_pool`](super::Budgets::join_budget_pool).
        "pools.join" => JoinPool(JoinPoolRequest),
        /// [`Budgets::leave_budget_pool`](super::Budgets::leave_budget_pool).
        "pools.leave" => LeavePool(LeavePoolRequest),
        /// [`Budgets::get_pool_agents`](super::Budgets::get_pool_agents).
        "pools.agents" => GetPoolAgents(GetPoolAgentsRequest),
        /// [`Metrics::get_agent_metrics`](super::Metrics::get_agent_metrics).
        "metrics.agent" => GetAgentMetrics(GetAgentMetricsRequest),
        /// [`Metrics::get_pool_metrics`](super::Metrics::get_pool_metrics).
        "metrics.pool" => GetPoolMetrics(GetPoolMetricsRequest),
        /// [`Metrics::get_system_metrics`](super::Metrics::get_system_metrics).
        "metrics.system" => GetSystemMetrics(GetSystemMetricsRequest),
        /// [`Api::configuration`](super::Api::configuration).
        "configuration.get" => GetConfiguration(GetConfigurationRequest),
        /// [`Alerts::send_alert`](super::Alerts::send_alert).
        "alerts.send" => SendAlert(SendAlertRequest),
        /// [`State::update_state`](super::State::update_state).
        "state.update" => UpdateState(UpdateStateRequest),
        /// [`State::get_state`](super::State::get_state).
        "state.get" => GetState(GetStateRequest),
        /// [`Dependencies::add_dependency`](super::Dependencies::add_dependency).
        "dependencies.add" => AddDependency(AddDependencyRequest),
        /// [`Dependencies::check_dependencies`](super::Dependencies::check_dependencies).
        "dependencies.check" => CheckDependencies(CheckDependenciesRequest),
        /// [`Dependencies::get_missing_dependencies`](super::Dependencies::get_missing_dependencies).
        "dependencies.missing" => GetMissingDependencies(GetMissingDependenciesRequest),
        /// [`Dependencies::complete_task`](super::Dependencies::complete_task).
        "dependencies.complete" => CompleteTask(CompleteTaskRequest),
        /// [`Teams::execute_task`](super::Teams::execute_task).
        "teams.execute" => ExecuteTask(ExecuteTaskRequest),
        /// [`Discovery::register_capability`](super::Discovery::register_capability).
        "discovery.register" => RegisterCapability(RegisterCapabilityRequest),
        /// [`Discovery::find_agents_by_capability`](super::Discovery::find_agents_by_capability).
        "discovery.find" => FindAgents(FindAgentsRequest),
    }
}

impl Request {
    /// Reads one object of JSON.
    ///
    /// # Errors
    ///
    /// Where it is no JSON, there is no such call, or a field is missing, not known, given twice, or wrong: the message
    /// names it and says what is allowed.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| Fault::BadRequest(error).into())
    }
}

/// Structs of one call each: what must be given are the arguments of `new`, the rest is `None` or empty until set.
macro_rules! requests {
    ($(
        $(#[$doc:meta])*
        $name:ident as $variant:ident {
            $($(#[$about:meta])* $field:ident: $kind:ty,)*
            $(; $($(#[$more_about:meta])* $more:ident: $more_kind:ty,)+)?
        }
    )+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$about])* pub $field: $kind,)*
            $($($(#[$more_about])* pub $more: $more_kind,)+)?
        }

        impl $name {
            /// With all that must be said.
            #[allow(clippy::new_without_default, reason = "only some have nothing that must be said")]
            pub fn new($($field: impl Into<$kind>),*) -> Self {
                Self { $($field: $field.into(),)* $($($more: Default::default(),)+)? }
            }
        }

        impl From<$name> for Request {
            fn from(request: $name) -> Self {
                Self::$variant(request)
            }
        }
    )+};
}

requests! {
    /// Makes an agent.
    CreateAgentRequest as CreateAgent {
        /// Its name, which no other agent or pool ever had on other terms: 1 to 256 bytes without control characters.
        name: AgentId,
        /// What it may spend in all: `"100 USD"`.
        #[serde(with = "amount_text")]
        initial_budget: Amount,
        /// How much its work matters, 1 to 10, higher matters more.
        priority: Priority,
        ;
        /// The pool that its spending counts at besides. Left out, it stands alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<AccountId>,
    }

    /// Asks for an agent.
    GetAgentRequest as GetAgent {
        /// Its name.
        id: AgentId,
    }

    /// Changes an agent: all that is named here, together or not at all.
    UpdateAgentRequest as UpdateAgent {
        /// Its name.
        id: AgentId,
        ;
        /// How much its work matters from now on, 1 to 10. Left out, it stays.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        priority: Option<Priority>,
        /// The pool that it is in from now on; `null`: none. Left out, it stays where it is.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        pool: Option<Option<AccountId>>,
    }

    /// Deletes an agent for good.
    DeleteAgentRequest as DeleteAgent {
        /// Its name.
        id: AgentId,
    }

    /// Asks for all agents.
    ListAgentsRequest as ListAgents {}

    /// Asks how much an agent's work matters.
    GetAgentPriorityRequest as GetAgentPriority {
        /// Its name.
        id: AgentId,
    }

    /// Asks what an agent or pool may still spend.
    GetBudgetRequest as GetBudget {
        /// The name of the agent or pool.
        account: AccountId,
    }

    /// Sets what an agent or pool may still spend, whatever it was.
    UpdateBudgetRequest as UpdateBudget {
        /// The name of the agent or pool.
        account: AccountId,
        /// What it may still spend from now on, in the unit of its budget: `"99.58 USD"`.
        #[serde(with = "amount_text")]
        amount: Amount,
    }

    /// Writes down what was spent already.
    RecordCostRequest as RecordCost {
        /// The name of the agent or pool that spent it.
        account: AccountId,
        /// What was spent, more than 0: `"0.42 USD"`.
        #[serde(with = "amount_text")]
        cost: Amount,
    }

    /// Makes a pool.
    CreatePoolRequest as CreatePool {
        /// Its name, which no other pool or agent ever had on other terms: 1 to 256 bytes without control characters.
        name: AccountId,
        /// What all in it together may spend: `"500 USD"`.
        #[serde(with = "amount_text")]
        initial_budget: Amount,
        /// How much its work matters, 1 to 10, higher matters more.
        priority: Priority,
    }

    /// Asks for a pool.
    GetPoolRequest as GetPool {
        /// Its name.
        id: AccountId,
    }

    /// Asks for all pools.
    ListPoolsRequest as ListPools {}

    /// Puts an agent into a pool.
    JoinPoolRequest as JoinPool {
        /// The agent.
        agent_id: AgentId,
        /// The pool.
        pool_id: AccountId,
    }

    /// Takes an agent out of a pool.
    LeavePoolRequest as LeavePool {
        /// The agent.
        agent_id: AgentId,
        /// The pool that it is in.
        pool_id: AccountId,
    }

    /// Asks who is in a pool.
    GetPoolAgentsRequest as GetPoolAgents {
        /// The pool.
        pool_id: AccountId,
    }

    /// Asks how an agent stands.
    GetAgentMetricsRequest as GetAgentMetrics {
        /// The agent.
        agent_id: AgentId,
    }

    /// Asks how a pool stands.
    GetPoolMetricsRequest as GetPoolMetrics {
        /// The pool.
        pool_id: AccountId,
    }

    /// Asks how all stand together.
    GetSystemMetricsRequest as GetSystemMetrics {}

    /// Asks what is in force.
    GetConfigurationRequest as GetConfiguration {}

    /// Sends an alert of an agent.
    SendAlertRequest as SendAlert {
        /// Whom it is about.
        agent_id: AgentId,
        /// How much it matters: `informational`, `low`, `medium`, `high` or `critical`.
        severity: Severity,
        /// What happened, for people.
        message: String,
        ;
        /// What programs want to know of it. Left out, nothing.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        metadata: BTreeMap<String, Value>,
    }

    /// Writes a value that agents share.
    UpdateStateRequest as UpdateState {
        /// Who writes; the first who writes a key owns it.
        owner_id: AgentId,
        /// Where.
        key: String,
        /// What: any JSON.
        value: Value,
    }

    /// Reads a value that agents share.
    GetStateRequest as GetState {
        /// Who reads.
        reader_id: AgentId,
        /// Where.
        key: String,
    }

    /// Says what a task waits for.
    AddDependencyRequest as AddDependency {
        /// The task that waits.
        task_id: String,
        /// The task that it waits for, which need not be known yet.
        depends_on: String,
        ;
        /// Who does the task. Left out, that stays as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent_id: Option<AgentId>,
        /// What it needs besides. Left out, nothing more.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        required_resources: Vec<String>,
    }

    /// Asks whether a task may begin.
    CheckDependenciesRequest as CheckDependencies {
        /// The task.
        task_id: String,
        ;
        /// What is there. Left out, nothing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        available_resources: Vec<String>,
    }

    /// Asks what a task waits for.
    GetMissingDependenciesRequest as GetMissingDependencies {
        /// The task.
        task_id: String,
    }

    /// Says that a task is done.
    CompleteTaskRequest as CompleteTask {
        /// The task.
        task_id: String,
    }

    /// Lets a team that the program serves do a task.
    ExecuteTaskRequest as ExecuteTask {
        /// The name of the team.
        team: String,
        /// The task, in words.
        task: String,
        /// The name of the strategy: `pipeline`, `fan_out`, `map_reduce`, `supervisor`, `vote` or `hand_over`.
        coordination_strategy: String,
        ;
        /// What the task is given besides its words: any JSON. Left out, nothing.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        input: Value,
    }

    /// Says what an agent can do.
    RegisterCapabilityRequest as RegisterCapability {
        /// The agent.
        agent_id: AgentId,
        /// What it can do: `data_analysis`.
        capability: String,
        ;
        /// What there is to know of it: an object. Left out, nothing.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        metadata: Value,
    }

    /// Asks who can do something.
    FindAgentsRequest as FindAgents {
        /// What is to be done: `data_analysis`.
        capability: String,
        ;
        /// What must be known of it: an object, of whose entries all values must be contained. Left out, nothing.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        required_metadata: Value,
    }
}

/// A field that was given, be it as `null`.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
