//! [`FaultyStateStore`]: a store around another that fails when it is told to.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use safeguards_coord::{
    Revision, StateChanges, StateEntry, StateError, StateKey, StatePage, StateQuery, StateReading,
    StateScope, StateStore, StateStoreError, StateTerms, StateWrite,
};
use safeguards_types::{AgentId, Timestamp};

use crate::alerts::script::Script;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateFault {
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
pub enum StateCall {
    /// [`StateStore::read`].
    Read,
    /// [`StateStore::write`].
    Write,
    /// [`StateStore::amend`].
    Amend,
    /// [`StateStore::delete`].
    Delete,
    /// [`StateStore::list`].
    List,
    /// [`StateStore::history`].
    History,
    /// [`StateStore::changes`].
    Changes,
    /// [`StateStore::changed`].
    Changed,
    /// [`StateStore::sweep`].
    Sweep,
}

/// A store around another whose calls fail as told: by a script, else by a plan. What is not told to fail works.
/// Clones share everything, so a test keeps one and hands one away.
///
/// ```
/// use safeguards_coord::{StateStore, StateWrite};
/// use safeguards_testkit::state::{FaultyStateStore, PlainStateStore, StateFault, StateSetup};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = FaultyStateStore::new(PlainStateStore::new(StateSetup::large()));
/// let (a, write) = ("a".into(), StateWrite::new("k", 1)?.if_revision(Default::default()));
/// store.script([Some(StateFault::After)]);
/// assert_eq!(store.write(&a, write.clone()).await.unwrap_err().code(), "state.unavailable");
/// // It was made all the same; who tries again on the same revision does not make it twice.
/// assert_eq!(store.write(&a, write).await.unwrap_err().code(), "state.conflict");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FaultyStateStore {
    inner: Arc<dyn StateStore>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    script: Script<StateCall, StateFault>,
    calls: AtomicUsize,
}

impl FaultyStateStore {
    /// Nothing fails until it is told to.
    pub fn new(inner: impl StateStore) -> Self {
        Self { inner: Arc::new(inner), shared: Arc::default() }
    }

    /// What goes wrong with the next calls, one after the other; `None` is nothing. They come after what was scripted
    /// before, and ahead of the plan.
    pub fn script(&self, faults: impl IntoIterator<Item = Option<StateFault>>) {
        self.shared.script.extend(faults);
    }

    /// From now on `plan` says before each call what goes wrong with it.
    pub fn plan(&self, mut plan: impl FnMut(StateCall) -> Option<StateFault> + Send + 'static) {
        self.shared.script.plan(move |call| plan(*call));
    }

    /// From now on this goes wrong with every call.
    pub fn fail_always(&self, fault: StateFault) {
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

    async fn call<T>(
        &self,
        call: StateCall,
        act: impl Future<Output = Result<T, StateError>>,
    ) -> Result<T, StateError> {
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        match self.shared.script.take(&call) {
            None => act.await,
            Some(StateFault::Before) => {
                Err(StateStoreError::unavailable("the store is away").into())
            }
            Some(StateFault::After) => {
                act.await?;
                Err(StateStoreError::unavailable("the answer was lost").into())
            }
            Some(StateFault::Corrupt) => {
                Err(StateStoreError::corrupt("the checksum is another").into())
            }
            Some(StateFault::Hang) => pending().await,
        }
    }
}

#[async_trait]
impl StateStore for FaultyStateStore {
    async fn read(&self, agent: &AgentId, key: &StateKey) -> Result<StateReading, StateError> {
        self.call(StateCall::Read, self.inner.read(agent, key)).await
    }

    async fn write(&self, agent: &AgentId, write: StateWrite) -> Result<Revision, StateError> {
        self.call(StateCall::Write, self.inner.write(agent, write)).await
    }

    async fn amend(&self, agent: &AgentId, terms: StateTerms) -> Result<Revision, StateError> {
        self.call(StateCall::Amend, self.inner.amend(agent, terms)).await
    }

    async fn delete(
        &self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<Revision, StateError> {
        self.call(StateCall::Delete, self.inner.delete(agent, key, if_revision)).await
    }

    async fn list(&self, agent: &AgentId, query: &StateQuery) -> Result<StatePage, StateError> {
        self.call(StateCall::List, self.inner.list(agent, query)).await
    }

    async fn history(
        &self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Result<Vec<Arc<StateEntry>>, StateError> {
        self.call(StateCall::History, self.inner.history(agent, key, limit)).await
    }

    async fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        self.call(StateCall::Changes, self.inner.changes(agent, scope, after, limit)).await
    }

    async fn changed(&self, scope: &StateScope, after: Revision) -> Result<(), StateError> {
        self.call(StateCall::Changed, self.inner.changed(scope, after)).await
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, StateError> {
        self.call(StateCall::Sweep, self.inner.sweep()).await
    }
}
