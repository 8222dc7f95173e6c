//! [`SweptStateStore`]: shared state whose keys end when their time runs out, so that whoever waits is told.

use std::sync::Arc;

use async_trait::async_trait;
use safeguards_coord::{
    Lifetime, Revision, StateChanges, StateEntry, StateError, StateKey, StatePage, StateQuery,
    StateReading, StateScope, StateStore, StateTerms, StateWrite,
};
use safeguards_types::{AgentId, Clock, Timestamp};

use crate::due::Due;

/// The same store, which notes when the next key's time runs out.
#[derive(Debug)]
pub(crate) struct SweptStateStore {
    inner: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    due: Due,
}

impl SweptStateStore {
    pub(crate) fn new(inner: Arc<dyn StateStore>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock, due: Due::default() }
    }

    /// Wakes who sleeps longer than a key lives that was written now. Its end is the store's to reckon: this is near
    /// enough to look, and the look tells the very instant.
    fn note(&self, lifetime: Lifetime) {
        if let Lifetime::For(ttl) = lifetime {
            self.due.note(self.clock.now().saturating_add(ttl));
        }
    }
}

/// Ends keys whenever the time of one runs out, and never ends.
pub(crate) async fn sweep_state_when_due(store: Arc<SweptStateStore>) {
    let sweep = || async { store.inner.sweep().await.map_err(|error| error.code()) };
    store.due.look("state", &*store.clock, sweep).await;
}

#[async_trait]
impl StateStore for SweptStateStore {
    async fn read(&self, agent: &AgentId, key: &StateKey) -> Result<StateReading, StateError> {
        self.inner.read(agent, key).await
    }

    async fn write(&self, agent: &AgentId, write: StateWrite) -> Result<Revision, StateError> {
        let lifetime = write.lifetime;
        let revision = self.inner.write(agent, write).await?;
        self.note(lifetime);
        Ok(revision)
    }

    async fn amend(&self, agent: &AgentId, terms: StateTerms) -> Result<Revision, StateError> {
        let lifetime = terms.lifetime;
        let revision = self.inner.amend(agent, terms).await?;
        self.note(lifetime);
        Ok(revision)
    }

    async fn delete(
        &self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<Revision, StateError> {
        self.inner.delete(agent, key, if_revision).await
    }

    async fn list(&self, agent: &AgentId, query: &StateQuery) -> Result<StatePage, StateError> {
        self.inner.list(agent, query).await
    }

    async fn history(
        &self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Result<Vec<Arc<StateEntry>>, StateError> {
        self.inner.history(agent, key, limit).await
    }

    async fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        self.inner.changes(agent, scope, after, limit).await
    }

    async fn changed(&self, scope: &StateScope, after: Revision) -> Result<(), StateError> {
        self.inner.changed(scope, after).await
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, StateError> {
        self.inner.sweep().await
    }
}
