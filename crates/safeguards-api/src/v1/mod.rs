//! Version 1: the guide's surface under Rust names.
//!
//! | the guide | here |
//! | --- | --- |
//! | `agent_api.create_agent(name, initial_budget, priority)` | [`Agents::create_agent`]; besides [`get_agent`](Agents::get_agent), [`update_agent`](Agents::update_agent), [`delete_agent`](Agents::delete_agent), [`list_agents`](Agents::list_agents) |
//! | `budget_api.get_budget(agent_id)` | [`Budgets::get_budget`] |
//! | `budget_api.update_budget(agent_id, amount)` | [`Budgets::update_budget`] |
//! | `budget_api.create_budget_pool(name, initial_budget, priority)` | [`Budgets::create_budget_pool`] |
//! | `budget_coordinator.get_agent_priority(agent_id)` | [`Budgets::get_agent_priority`] |
//! | `budget_coordinator.get_pool_agents(pool_id)` | [`Budgets::get_pool_agents`]; besides [`join_budget_pool`](Budgets::join_budget_pool), [`leave_budget_pool`](Budgets::leave_budget_pool) |
//! | `metrics_api.get_agent_metrics(agent_id)`, `metrics_api.get_pool_metrics(pool_id)` | [`Metrics::get_agent_metrics`], [`Metrics::get_pool_metrics`], [`Metrics::get_system_metrics`] |
//! | `dependency_manager.add_dependency(…)`, `check_dependencies(…)`, `get_missing_dependencies(task_id)` | [`Dependencies::add_dependency`], [`check_dependencies`](Dependencies::check_dependencies), [`get_missing_dependencies`](Dependencies::get_missing_dependencies) |
//! | `AgentTeam(name, agents, budget_pool_id)`, `team.execute_task(task, coordination_strategy)` | [`Teams::agent_team`], [`AgentTeam::execute_task`] |
//! | `discovery_service.register_capability(agent_id, capability, metadata)` | [`Discovery::register_capability`] |
//! | `discovery_service.find_agents_by_capability(capability, required_metadata)` | [`Discovery::find_agents_by_capability`] |
//! | `state_manager.update_state(owner_id, key, value)`, `state_manager.get_state(reader_id, key)` | [`State::update_state`], [`State::get_state`] |
//! | `notification_manager.send_alert(agent_id, severity, message, metadata)` | [`Alerts::send_alert`] |
//! | `notification_manager.add_handler(handler)`, and its removal | [`Alerts::add_handler`], [`Alerts::remove_handler`] |
//!
//! Everything that can be written down can be asked for as JSON, too: [`Request`], [`Response`] and [`Error`], by
//! [`Api::call`].
//!
//! # Where it races
//!
//! Each verb is one step, but the guide does several one after the other:
//!
//! - It spends by *get, subtract, update*. Between get and update anybody else's update is lost: two agents that do it
//!   at once may spend what only one of them had. [`record_cost`](Budgets::record_cost) loses nothing, but comes when
//!   the money is gone; `charge` and `hold` of [`v2`](crate::v2) ask first.
//! - It shares a budget out by one *update* after the other: meanwhile agents spend from old shares and new ones, and
//!   together perhaps more than there is. `allocate` of [`v2`](crate::v2) sets all shares in one step.
//! - It balances by metrics that were read before: what is spent in between is given out again.
//! - It reads shared state once, and misses what comes a moment later. The state of [`v2`](crate::v2::Api::state) can
//!   be waited for.
//!
//! ```
//! use safeguards_api::Safeguards;
//! use safeguards_types::{Priority, usd};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sg = Safeguards::in_memory();
//! let (agents, budgets) = (sg.v1().agents(), sg.v1().budgets());
//!
//! let pool = budgets.create_budget_pool("high_priority_tasks", usd!(500), Priority::P8).await?;
//! let agent = agents.create_agent("research_agent", usd!(100), Priority::P7).pool(&pool.id).await?;
//!
//! // The guide's way to spend 0.42 USD; it races.
//! let budget = budgets.get_budget(&agent.id).await?;
//! let left = budget.checked_sub(&usd!(0.42)).ok_or("not enough")?;
//! budgets.update_budget(&agent.id, left).await?;
//! assert_eq!(budgets.get_budget(&agent.id).await?, usd!(99.58));
//! # Ok(())
//! # }
//! ```

mod agents;
mod alerts;
mod budgets;
mod call;
mod configuration;
mod dependencies;
mod discovery;
mod error;
mod metrics;
mod requests;
mod responses;
mod state;
mod teams;

use std::sync::Arc;

pub use self::{
    agents::{Agent, Agents, CreateAgent, UpdateAgent},
    alerts::Alerts,
    budgets::{Budgets, Pool},
    configuration::{Configuration, LedgerConfiguration},
    dependencies::{Dependencies, MissingDependencies},
    discovery::Discovery,
    error::Error,
    metrics::{AgentMetrics, Metrics, PoolMetrics, SystemMetrics},
    requests::*,
    responses::*,
    state::State,
    teams::{AgentTeam, Teams},
};
use crate::core::Core;

/// Version 1 of the API. Handles are cheap to clone and may move into spawned tasks.
#[derive(Clone, Debug)]
pub struct Api {
    core: Arc<Core>,
}

impl Api {
    pub(crate) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Agents.
    pub fn agents(&self) -> Agents {
        Agents::new(Arc::clone(&self.core))
    }

    /// Alerts and those who react to them.
    pub fn alerts(&self) -> Alerts {
        Alerts::new(Arc::clone(&self.core))
    }

    /// Budgets and pools.
    pub fn budgets(&self) -> Budgets {
        Budgets::new(Arc::clone(&self.core))
    }

    /// What is in force.
    pub fn configuration(&self) -> Configuration {
        Configuration::of(&*self.core.ledger, &self.core.rule_warnings)
    }

    /// What tasks wait for: one and the same, however often it is asked for.
    pub fn dependencies(&self) -> Dependencies {
        Dependencies::of(Arc::clone(self.core.directory.tasks()))
    }

    /// What agents can do.
    pub fn discovery(&self) -> Discovery {
        Discovery::new(Arc::clone(&self.core))
    }

    /// How agents, pools and all of them stand.
    pub fn metrics(&self) -> Metrics {
        Metrics::new(Arc::clone(&self.core))
    }

    /// What agents share.
    pub fn state(&self) -> State {
        State::new(self.core.state.clone())
    }

    /// Agents that do tasks together.
    pub fn teams(&self) -> Teams {
        Teams::new(Arc::clone(&self.core))
    }
}
