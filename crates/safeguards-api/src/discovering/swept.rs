//! [`SweptRegistry`]: a registry whose leases are ended when they run out, so that watchers are told.

use std::sync::Arc;

use async_trait::async_trait;
use safeguards_discovery::{
    AgentRecord, CapabilityName, Changes, ChangesError, FindError, Found, Lease, Query,
    RegisterError, Registration, Registry, RegistryError, RenewError, Revision, Status, Version,
    WithdrawError,
};
use safeguards_types::{AgentId, Clock, Timestamp};

use crate::due::Due;

/// The same registry, which notes when the next lease runs out.
#[derive(Debug)]
pub(crate) struct SweptRegistry {
    inner: Arc<dyn Registry>,
    /// When the next lease runs out, as far as is known here.
    due: Due,
}

impl SweptRegistry {
    pub(crate) fn new(inner: Arc<dyn Registry>) -> Self {
        Self { inner, due: Due::default() }
    }

    /// Wakes who sleeps longer than this lease lasts.
    fn note(&self, lease: Lease) -> Lease {
        if let Some(at) = lease.expires_at {
            self.due.note(at);
        }
        lease
    }
}

/// Ends leases whenever one is due, and never ends.
pub(crate) async fn sweep_when_due(registry: Arc<SweptRegistry>, clock: Arc<dyn Clock>) {
    let sweep = || async { registry.inner.sweep().await.map_err(|error| error.code()) };
    registry.due.look("registry", &*clock, sweep).await;
}

#[async_trait]
impl Registry for SweptRegistry {
    async fn register(&self, registration: Registration) -> Result<Lease, RegisterError> {
        Ok(self.note(self.inner.register(registration).await?))
    }

    async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError> {
        Ok(self.note(self.inner.renew(lease, status).await?))
    }

    async fn withdraw(
        &self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError> {
        self.inner.withdraw(agent, capability, version).await
    }

    async fn delete(&self, agent: &AgentId) -> Result<(), WithdrawError> {
        self.inner.delete(agent).await
    }

    async fn find(&self, query: &Query) -> Result<Found, FindError> {
        self.inner.find(query).await
    }

    async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError> {
        self.inner.agent(agent).await
    }

    async fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError> {
        self.inner.changes(after, limit).await
    }

    async fn changed(&self, after: Revision) -> Result<(), ChangesError> {
        self.inner.changed(after).await
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError> {
        self.inner.sweep().await
    }
}
