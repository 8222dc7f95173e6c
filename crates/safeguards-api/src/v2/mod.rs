//! Version 2: verbs that decide and record in one step, so that nobody writes *get, then set*.
//!
//! ```
//! use safeguards_api::Safeguards;
//! use safeguards_types::{Priority, usd};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let v2 = Safeguards::in_memory().v2();
//! let (pools, agents, budget) = (v2.pools(), v2.agents(), v2.budget());
//! let pool = pools.create("research", usd!(5.00), Priority::P5).await?;
//! let reader = agents.create("reader", usd!(4.00), Priority::P7).pool(&pool).await?;
//!
//! let job = v2.operation(); // names this piece of work; kept with it, retries are safe
//! let receipt = budget.charge(&reader, usd!(3.90), job.step("read")).await?;
//! assert_eq!(receipt.available, usd!(0.10).into());
//! let denied = budget.charge(&reader, usd!(2.00), job.step("more")).await;
//! assert_eq!(denied.unwrap_err().code(), "budget.limit_exceeded");
//! # Ok(())
//! # }
//! ```

mod agents;
mod approvals;
mod budget;
mod discovery;
mod dispatch;
mod error;
mod forms;
mod metrics;
mod page;
mod pending;
mod pools;
pub mod requests;
pub mod responses;
mod role;
mod teams;

use std::sync::Arc;

use safeguards_coord::SharedState;
use safeguards_notify::EventBus;
use safeguards_types::OperationId;

pub use self::{
    agents::{Agent, Agents},
    approvals::Approvals,
    budget::{AccountPage, Budget, DEFAULT_HOLD_TTL, WithHold, WithHoldError},
    discovery::Discovery,
    error::Error,
    metrics::{AgentMetrics, AgentWorkload, Metrics, PoolMetrics, SystemMetrics, WorkloadError},
    pending::Pending,
    pools::{Pool, Pools},
    requests::Request,
    responses::Response,
    role::Role,
    teams::{Runs, Teams},
};
use crate::core::Core;

/// Version 2 of the API. Handles are cheap to clone and may move into spawned tasks.
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

    /// Pools.
    pub fn pools(&self) -> Pools {
        Pools::new(Arc::clone(&self.core))
    }

    /// Charges, holds, limits, and what goes from one to another.
    pub fn budget(&self) -> Budget {
        Budget::new(Arc::clone(&self.core))
    }

    /// Leave for transfers and raises: asked for by one, given by another.
    pub fn approvals(&self) -> Approvals {
        Approvals::new(Arc::clone(&self.core))
    }

    /// Numbers of agents, of pools and of all, and how busy agents are.
    pub fn metrics(&self) -> Metrics {
        Metrics::new(Arc::clone(&self.core))
    }

    /// Teams: agents that do tasks together, paid from one pool.
    pub fn teams(&self) -> Teams {
        Teams::new(Arc::clone(&self.core))
    }

    /// What was written down of the runs of teams.
    pub fn runs(&self) -> Runs {
        Runs::new(Arc::clone(&self.core))
    }

    /// Discovery: who is here, and who can do this.
    pub fn discovery(&self) -> Discovery {
        Discovery::new(Arc::clone(&self.core))
    }

    /// What agents share: values with revisions, owners and rules, that can be waited for and watched.
    ///
    /// ```
    /// use safeguards_api::Safeguards;
    /// use safeguards_types::{Priority, usd};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let v2 = Safeguards::in_memory().v2();
    /// let research = v2.agents().create("research", usd!(1), Priority::P5).await?;
    /// let state = v2.state();
    /// let old = state.get(&research, "progress").await?;
    /// state.set_if(&research, "progress", 2, old.revision).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn state(&self) -> SharedState {
        self.core.state.clone()
    }

    /// Alerts: handlers, sending, the history, silences, acknowledging and resolving, dead letters.
    pub fn alerts(&self) -> safeguards_notify::Alerts {
        self.core.alerts.clone()
    }

    /// Events from agent to agent: publish, subscribe, send, ask.
    ///
    /// ```
    /// use safeguards_api::Safeguards;
    /// use safeguards_notify::{EventBusExt, topic};
    /// use safeguards_types::{Priority, usd};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let v2 = Safeguards::in_memory().v2();
    /// let (agents, events) = (v2.agents(), v2.events());
    /// let research = agents.create("research", usd!(1), Priority::P5).await?;
    /// let analysis = agents.create("analysis", usd!(1), Priority::P5).await?;
    ///
    /// let mut inbox = events.inbox(&analysis).await?;
    /// events.send(&research, &analysis, topic!("data.new"), "research_data.json").await?;
    /// while let Some(event) = inbox.next().await? {
    ///     println!("{event}: {}", event.body());
    ///     # break;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn events(&self) -> Arc<dyn EventBus> {
        Arc::clone(&self.core.events)
    }

    /// Mints the caller's name for a piece of work; `step` derives those of its parts.
    pub fn operation(&self) -> OperationId {
        self.core.operation()
    }
}
