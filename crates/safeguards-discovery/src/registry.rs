//! [`Registry`]: where agents register and are found, the seam; [`RegistryExt`]: its verbs for callers.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use safeguards_types::{AgentId, Timestamp};
use semver::Version;

use crate::{
    AgentRecord, Capability, CapabilityName, Changes, ChangesError, FindError, Found, Lease, Query,
    RegisterError, Registration, RegistryError, RenewError, Revision, Status, WithdrawError,
};

/// Where agents say what they can do, and are found by it.
///
/// # Contract
///
/// - Time is the registry's own and never goes back: now is the later of its clock and its latest change.
/// - An agent whose lease has run out is never shown, also before its end was swept up, and what it could do is
///   gone with it. At the very instant at which a lease runs out it has run out.
/// - Each operation takes effect as a whole or not at all, and what it did is seen by whatever begins after its
///   answer.
/// - What a query finds is what is there at one revision: the answer says which.
/// - What is found stands in the order asked for, equals by the agents' names, letter by letter; the pages of an
///   answer have each agent once where nothing changes in between. All registries find the same; only how well
///   words fit may be reckoned otherwise.
/// - Every change has the next revision, without gaps, in the order in which they took effect; leases that ran
///   out before an operation are changes before those of the operation. Changes are kept as long as the registry
///   says; one that is kept no more is said to be, never left out.
/// - Renewing changes nothing but the lease's end, unless the status is another.
/// - Any of these futures may be dropped at any point: the operation then took effect as a whole or not at all.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Registry: fmt::Debug + Send + Sync + 'static {
    /// Lets an agent come, say more, or say the same again; its lease is renewed. What is invalid is said before what
    /// contradicts, or that there is no room.
    async fn register(&self, registration: Registration) -> Result<Lease, RegisterError>;

    /// Renews a lease for as long again as the agent's latest registration said; with a status, this is how the agent
    /// stands from now on. Agent and id tell which lease is meant; what else it says is not looked at.
    async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError>;

    /// Takes back a capability of this very name in one version or, without one, in all. The agent stays.
    async fn withdraw(
        &self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError>;

    /// Removes an agent with all that it can do; its lease ends.
    async fn delete(&self, agent: &AgentId) -> Result<(), WithdrawError>;

    /// Who can do what is asked for.
    async fn find(&self, query: &Query) -> Result<Found, FindError>;

    /// All that is known of an agent; `None` where none of this name is here.
    async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError>;

    /// At most `limit` changes after a revision, oldest first; none where nothing happened since. A limit above
    /// [`Bounds::CHANGES`](crate::Bounds::CHANGES) is taken for that.
    async fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError>;

    /// Waits until something happens after this revision. It answers at once where something has, or where the
    /// registry cannot tell. Leases that run out are told when they are swept up.
    async fn changed(&self, after: Revision) -> Result<(), ChangesError>;

    /// Ends the leases that ran out, and gives the instant when the next one does.
    async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError>;
}

/// What callers write.
#[async_trait]
pub trait RegistryExt: Registry {
    /// Says that an agent can do this, for as long as it renews the lease.
    ///
    /// # Errors
    ///
    /// As [`Registry::register`].
    async fn advertise(
        &self,
        agent: &AgentId,
        capability: Capability,
        ttl: Duration,
    ) -> Result<Lease, RegisterError> {
        self.register(Registration::new(agent, ttl).capability(capability)).await
    }
}

impl<R: Registry + ?Sized> RegistryExt for R {}

#[async_trait]
impl<R: Registry + ?Sized> Registry for Arc<R> {
    async fn register(&self, registration: Registration) -> Result<Lease, RegisterError> {
        (**self).register(registration).await
    }

    async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError> {
        (**self).renew(lease, status).await
    }

    async fn withdraw(
        &self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError> {
        (**self).withdraw(agent, capability, version).await
    }

    async fn delete(&self, agent: &AgentId) -> Result<(), WithdrawError> {
        (**self).delete(agent).await
    }

    async fn find(&self, query: &Query) -> Result<Found, FindError> {
        (**self).find(query).await
    }

    async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError> {
        (**self).agent(agent).await
    }

    async fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError> {
        (**self).changes(after, limit).await
    }

    async fn changed(&self, after: Revision) -> Result<(), ChangesError> {
        (**self).changed(after).await
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError> {
        (**self).sweep().await
    }
}
