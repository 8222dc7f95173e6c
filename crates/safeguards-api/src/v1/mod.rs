//! Version 1: the guide's surface under Rust names.
//!
//! | the guide | here |
//! | --- | --- |
//! | `agent_api.create_agent(name, initial_budget, priority)` | [`Agents::create_agent`] |
//! | `budget_api.get_budget(agent_id)` | [`Budgets::get_budget`] |
//! | `budget_api.update_budget(agent_id, amount)` | [`Budgets::update_budget`] |
//! | `budget_api.create_budget_pool(name, initial_budget, priority)` | [`Budgets::create_budget_pool`] |
//! | `discovery_service.register_capability(agent_id, capability, metadata)` | [`Discovery::register_capability`] |
//! | `discovery_service.find_agents_by_capability(capability, required_metadata)` | [`Discovery::find_agents_by_capability`] |
//! | `state_manager.update_state(owner_id, key, value)`, `state_manager.get_state(reader_id, key)` | [`State::update_state`], [`State::get_state`] |
//! | `notification_manager.send_alert(agent_id, severity, message, metadata)` | [`Alerts::send_alert`] |
//! | `notification_manager.add_handler(handler)`, and its removal | [`Alerts::add_handler`], [`Alerts::remove_handler`] |
//!
//! The guide spends by *get, subtract, update*. Between get and update anybody else's update is lost: two
//! agents that do it at once may spend what only one of them had. [`v2`](crate::v2) has no such gap.
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
mod discovery;
mod metrics;
mod state;
mod text;

use std::sync::Arc;

pub use self::{
    agents::{Agent, Agents, CreateAgent, UpdateAgent},
    alerts::Alerts,
    budgets::{Budgets, Pool},
    discovery::Discovery,
    metrics::{AgentMetrics, Metrics, PoolMetrics, SystemMetrics},
    state::State,
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
}
