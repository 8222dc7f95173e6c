//! [`FaultyRegistry`]: a registry around another that fails when it is told to.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use safeguards_discovery::{
    AgentRecord, CapabilityName, Changes, ChangesError, FindError, Found, Lease, Query,
    RegisterError, Registration, Registry, RegistryError, RenewError, Revision, Status, Version,
    WithdrawError,
};
use safeguards_types::{AgentId, Timestamp};

use crate::alerts::script::Script;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryFault {
    /// It never arrives.
    Before,
    /// It is carried out, and its answer is lost.
    After,
    /// What is stored cannot be read.
    Corrupt,
    /// It never arrives, and there is no answer either.
    Hang,
}

/// Which verb is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegistryCall {
    /// [`Registry::register`].
    Register,
    /// [`Registry::renew`].
    Renew,
    /// [`Registry::withdraw`].
    Withdraw,
    /// [`Registry::delete`].
    Delete,
    /// [`Registry::find`].
    Find,
    /// [`Registry::agent`].
    Agent,
    /// [`Registry::changes`].
    Changes,
    /// [`Registry::changed`].
    Changed,
    /// [`Registry::sweep`].
    Sweep,
}

/// A registry around another whose calls fail as told: by a script, else by a plan. What is not told to fail works.
/// Clones share everything, so a test keeps one and hands one away.
///
/// ```
/// use safeguards_discovery::{Query, Registration, Registry};
/// use safeguards_testkit::registry::{FaultyRegistry, PlainRegistry, RegistryFault, RegistrySetup};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = FaultyRegistry::new(PlainRegistry::new(RegistrySetup::large()));
/// registry.script([Some(RegistryFault::After)]);
/// let said = Registration::lasting("reader");
/// assert_eq!(registry.register(said.clone()).await.unwrap_err().code(), "discovery.unavailable");
/// // It was made all the same; who tries again learns the lease.
/// registry.register(said).await?;
/// assert_eq!(registry.find(&Query::all()).await?.total, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FaultyRegistry {
    inner: Arc<dyn Registry>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    script: Script<RegistryCall, RegistryFault>,
    calls: AtomicUsize,
}

impl FaultyRegistry {
    /// Nothing fails until it is told to.
    pub fn new(inner: impl Registry) -> Self {
        Self { inner: Arc::new(inner), shared: Arc::default() }
    }

    /// What goes wrong with the next calls, one after the other; `None` is nothing. They come after what was scripted
    /// before, and ahead of the plan.
    pub fn script(&self, faults: impl IntoIterator<Item = Option<RegistryFault>>) {
        self.shared.script.extend(faults);
    }

    /// From now on `plan` says before each call what goes wrong with it.
    pub fn plan(
        &self,
        mut plan: impl FnMut(RegistryCall) -> Option<RegistryFault> + Send + 'static,
    ) {
        self.shared.script.plan(move |call| plan(*call));
    }

    /// From now on this goes wrong with every call.
    pub fn fail_always(&self, fault: RegistryFault) {
        self.plan(move |_| Some(fault));
    }

    /// From now on nothing fails any more.
    pub fn mend(&self) {
        self.shared.script.mend();
    }

    /// How many calls were begun, those that failed included.
    pub fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::SeqCst)
    }

    async fn call<T, E>(
        &self,
        call: RegistryCall,
        act: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E>
    where
        E: From<RegistryError>,
    {
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        match self.shared.script.take(&call) {
            None => act.await,
            Some(RegistryFault::Before) => {
                Err(RegistryError::unavailable("the registry is away").into())
            }
            Some(RegistryFault::After) => {
                act.await?;
                Err(RegistryError::unavailable("the answer was lost").into())
            }
            Some(RegistryFault::Corrupt) => {
                Err(RegistryError::corrupt("the checksum is another").into())
            }
            Some(RegistryFault::Hang) => pending().await,
        }
    }
}

#[async_trait]
impl Registry for FaultyRegistry {
    async fn register(&self, registration: Registration) -> Result<Lease, RegisterError> {
        self.call(RegistryCall::Register, self.inner.register(registration)).await
    }

    async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError> {
        self.call(RegistryCall::Renew, self.inner.renew(lease, status)).await
    }

    async fn withdraw(
        &self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError> {
        let act = self.inner.withdraw(agent, capability, version);
        self.call(RegistryCall::Withdraw, act).await
    }

    async fn delete(&self, agent: &AgentId) -> Result<(), WithdrawError> {
        self.call(RegistryCall::Delete, self.inner.delete(agent)).await
    }

    async fn find(&self, query: &Query) -> Result<Found, FindError> {
        self.call(RegistryCall::Find, self.inner.find(query)).await
    }

    async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError> {
        self.call(RegistryCall::Agent, self.inner.agent(agent)).await
    }

    async fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError> {
        self.call(RegistryCall::Changes, self.inner.changes(after, limit)).await
    }

    async fn changed(&self, after: Revision) -> Result<(), ChangesError> {
        self.call(RegistryCall::Changed, self.inner.changed(after)).await
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError> {
        self.call(RegistryCall::Sweep, self.inner.sweep()).await
    }
}
