//! Discovery: who is here, and who can do this.

use std::{sync::Arc, time::Duration};

use safeguards_discovery::{
    AgentRecord, Capability, CapabilityName, Explanation, FindError, Found, Lease, Query,
    RegisterError, Registration, RegistryError, RenewError, Revision, Status, Version,
    WithdrawError,
};
use safeguards_types::AgentId;

use crate::{core::Core, discovering::Watch};

/// Lets agents say what they can do, and finds them by it, and by how they stand: by their accounts, by what they
/// have to do in teams that run, and by what further [sources](crate::Builder::status_source) know.
///
/// ```
/// use std::time::Duration;
/// use safeguards_api::Safeguards;
/// use safeguards_discovery::{Capability, Query};
/// use safeguards_types::{Priority, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let v2 = Safeguards::in_memory().v2();
/// let (agents, discovery) = (v2.agents(), v2.discovery());
/// let analysis = agents.create("analysis", usd!(1), Priority::P5).await?;
///
/// let skill = Capability::new("data_analysis")?.with("algorithms", ["regression", "classification"]);
/// let lease = discovery.advertise(&analysis, skill, Duration::from_secs(60)).await?;
///
/// let query = Query::new("data_analysis")?.with("algorithms", ["regression"]);
/// if let Some(found) = discovery.find(query).await?.first() {
///     println!("using {} ({})", found.agent, found.health);
/// #   assert_eq!(found.agent.as_str(), "analysis");
/// }
/// let lease = discovery.renew(&lease, None).await?; // before it runs out, or the agent is gone
/// # let _ = lease;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Discovery {
    core: Arc<Core>,
}

impl Discovery {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Says that an agent can do this, for as long as its lease is renewed: at least once in each `ttl`. Of an
    /// agent that was made here its priority is said too.
    ///
    /// # Errors
    ///
    /// Where something in it cannot be used, it says otherwise what was said before, there is no room, or the
    /// registry fails.
    pub async fn advertise(
        &self,
        agent: impl Into<AgentId> + Send,
        capability: Capability,
        ttl: Duration,
    ) -> Result<Lease, RegisterError> {
        let registration = Registration::new(agent, ttl).capability(capability);
        self.core.advertise(registration).await
    }

    /// Lets an agent come, say more, or say the same again, as the registration says and no more.
    ///
    /// # Errors
    ///
    /// As [`Self::advertise`].
    pub async fn register(&self, registration: Registration) -> Result<Lease, RegisterError> {
        self.core.register(registration).await
    }

    /// Renews a lease; with a status, this is how the agent stands by its own word from now on.
    ///
    /// # Errors
    ///
    /// Where the agent is gone, the status cannot be used, or the registry fails.
    pub async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError> {
        self.core.registry().renew(lease, status).await
    }

    /// Takes back a capability in one version or, without one, in all. The agent stays.
    ///
    /// # Errors
    ///
    /// Where the agent is not here or has no such capability, or the registry fails.
    pub async fn withdraw(
        &self,
        agent: impl Into<AgentId> + Send,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError> {
        self.core.registry().withdraw(&agent.into(), capability, version).await
    }

    /// Removes an agent with all that it can do. Its account stays.
    ///
    /// # Errors
    ///
    /// Where the agent is not here, or the registry fails.
    pub async fn delete(&self, agent: impl Into<AgentId> + Send) -> Result<(), WithdrawError> {
        self.core.registry().delete(&agent.into()).await
    }

    /// Who can do what is asked for, in the order asked for.
    ///
    /// # Errors
    ///
    /// Where the query cannot be used, or the registry or a source of statuses fails, the ledger among them.
    pub async fn find(&self, query: Query) -> Result<Found, FindError> {
        self.core.finder.find(&query).await
    }

    /// Why an agent is, or is not, among those that a query finds.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn explain(
        &self,
        query: &Query,
        agent: impl Into<AgentId> + Send,
    ) -> Result<Explanation, FindError> {
        self.core.finder.explain(query, &agent.into()).await
    }

    /// All that is known of an agent; `None` where it is not here.
    ///
    /// # Errors
    ///
    /// Where the registry or a source of statuses fails.
    pub async fn agent(
        &self,
        agent: impl Into<AgentId> + Send,
    ) -> Result<Option<AgentRecord>, RegistryError> {
        self.core.finder.agent(&agent.into()).await
    }

    /// Tells each change after a revision: that of an answer, or [`Revision::ZERO`] for all that are kept.
    pub fn watch(&self, from: Revision) -> Watch {
        Watch::new(Arc::clone(self.core.registry()), from)
    }
}
