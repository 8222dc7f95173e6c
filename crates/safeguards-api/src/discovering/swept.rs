//! [`SweptRegistry`]: a registry whose leases are ended when they run out, so that watchers are told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use safeguards_discovery::{
    AgentRecord, CapabilityName, Changes, ChangesError, FindError, Found, Lease, Query,
    RegisterError, Registration, Registry, RegistryError, RenewError, Revision, Status, Version,
    WithdrawError,
};
use safeguards_types::{AgentId, Clock, Timestamp};
use tokio::{sync::Notify, time::timeout};

/// How long one sleeps at most: other processes register too, and a machine's clock may be set.
const SLEEP_MAX: Duration = Duration::from_mins(1);
/// How long one sleeps at least: the registry's clock may be behind ours.
const SLEEP_MIN: Duration = Duration::from_millis(100);
/// How long one waits for a registry that did not answer.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);

/// The same registry, which notes when the next lease runs out.
#[derive(Debug)]
pub(crate) struct SweptRegistry {
    inner: Arc<dyn Registry>,
    /// When the next lease runs out, as far as is known here.
    due: AtomicI64,
    sooner: Notify,
}

impl SweptRegistry {
    pub(crate) fn new(inner: Arc<dyn Registry>) -> Self {
        Self { inner, due: AtomicI64::new(i64::MAX), sooner: Notify::new() }
    }

    /// Wakes who sleeps longer than this lease lasts.
    fn note(&self, lease: Lease) -> Lease {
        if let Some(at) = lease.expires_at.map(Timestamp::as_nanos)
            && self.due.fetch_min(at, Ordering::SeqCst) > at
        {
            self.sooner.notify_one();
        }
        lease
    }
}

/// Ends leases whenever one is due, and never ends.
pub(crate) async fn sweep_when_due(registry: Arc<SweptRegistry>, clock: Arc<dyn Clock>) {
    loop {
        // From here on a lease that is made wakes us, whenever it is due.
        registry.due.store(i64::MAX, Ordering::SeqCst);
        let pause = match registry.inner.sweep().await {
            Ok(next) => {
                if let Some(next) = next {
                    registry.due.fetch_min(next.as_nanos(), Ordering::SeqCst);
                }
                let pause = next.map_or(SLEEP_MAX, |next| next.since(clock.now()));
                pause.clamp(SLEEP_MIN, SLEEP_MAX)
            }
            Err(_) => FAILURE_PAUSE,
        };
        // Woken or not, it looks again.
        let _ = timeout(pause, registry.sooner.notified()).await;
    }
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
