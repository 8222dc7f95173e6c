//! [`StateStore`]: where shared state lives, the seam; [`StateStoreBounds`] and [`StateWaiters`] for those who make one.

mod bounds;
mod waiters;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use safeguards_discovery::Revision;
use safeguards_types::{AgentId, Timestamp};

pub use self::{
    bounds::StateStoreBounds,
    waiters::{StateSeat, StateWaiters},
};
use crate::{
    StateChanges, StateEntry, StateError, StateKey, StatePage, StateQuery, StateReading,
    StateScope, StateTerms, StateWrite,
};

/// Where the values live that agents share. Callers hold a [`SharedState`](crate::SharedState) over it.
///
/// # Contract
///
/// - Time is the store's own and never goes back: now is the later of its clock and its latest change.
/// - A key whose time ran out is there no more, also before its end was swept up; at the very instant at which it runs
///   out it has run out.
/// - Each operation takes effect as a whole or not at all, and what it did is seen by whatever begins after its answer.
/// - Every change has the next revision, without gaps over all keys, from 1, in the order in which they took effect. Keys
///   that ran out before an operation are changes before its own: by their ends, those of one instant by key.
/// - What is refused changes nothing. What cannot be used is said first, then a revision that has not been, then what the
///   key's owner and rules do not allow or that it is absent, then that it has changed, then that there is no room.
/// - A key is changed on a condition only if it has not changed after the revision that was given. Of an absent key whose
///   latest change is no longer known this holds only since the oldest revision after which all changes are kept: never
///   is a change overlooked.
/// - With a key all its earlier versions go. Who writes it next begins anew, as its owner.
/// - Nobody sees what the rules of the time keep from it: not in a reading, a page, an earlier version or a change. A
///   reading of a key that is there and may not be read is refused; lists and changes leave it out, name and all.
/// - Changes are kept as long as the store says; one that is kept no more is said to be, never left out.
/// - Any of these futures may be dropped at any point: the operation then took effect as a whole or not at all.
///
/// [`KeyStanding`](crate::KeyStanding) decides all of this but for what a store keeps; [`StateBounds`](crate::StateBounds)
/// are the same for all, [`StateStoreBounds`] are each store's own.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait StateStore: fmt::Debug + Send + Sync + 'static {
    /// What is there.
    async fn read(&self, agent: &AgentId, key: &StateKey) -> Result<StateReading, StateError>;

    /// Writes a value, and answers with the revision of this change. The first writer of an absent key becomes its owner.
    async fn write(&self, agent: &AgentId, write: StateWrite) -> Result<Revision, StateError>;

    /// Sets another owner, other rules or another end for a key, the value being as it was.
    async fn amend(&self, agent: &AgentId, terms: StateTerms) -> Result<Revision, StateError>;

    /// Deletes a key, only if it has not changed after a revision where one is given.
    async fn delete(
        &self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<Revision, StateError>;

    /// The keys that the agent may read, in the order of their bytes, a page at a time.
    async fn list(&self, agent: &AgentId, query: &StateQuery) -> Result<StatePage, StateError>;

    /// The latest versions of a key, the present one first: at most `limit`, and those that are kept and that the agent
    /// could read when they were overwritten. None of an absent key.
    async fn history(
        &self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Result<Vec<Arc<StateEntry>>, StateError>;

    /// At most `limit` changes after a revision, oldest first, as far as the agent may see them. A limit above
    /// [`StateBounds::CHANGES`](crate::StateBounds::CHANGES) is taken for that.
    async fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError>;

    /// Waits until one of these keys changes after this revision. It answers at once where one has, or where the store
    /// cannot tell; now and then it may answer for nothing. Keys whose time runs out are told when they are swept up.
    async fn changed(&self, scope: &StateScope, after: Revision) -> Result<(), StateError>;

    /// Ends the keys whose time ran out, and gives the instant when the next one does.
    async fn sweep(&self) -> Result<Option<Timestamp>, StateError>;
}

#[async_trait]
impl<S: StateStore + ?Sized> StateStore for Arc<S> {
    async fn read(&self, agent: &AgentId, key: &StateKey) -> Result<StateReading, StateError> {
        (**self).read(agent, key).await
    }

    async fn write(&self, agent: &AgentId, write: StateWrite) -> Result<Revision, StateError> {
        (**self).write(agent, write).await
    }

    async fn amend(&self, agent: &AgentId, terms: StateTerms) -> Result<Revision, StateError> {
        (**self).amend(agent, terms).await
    }

    async fn delete(
        &self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<Revision, StateError> {
        (**self).delete(agent, key, if_revision).await
    }

    async fn list(&self, agent: &AgentId, query: &StateQuery) -> Result<StatePage, StateError> {
        (**self).list(agent, query).await
    }

    async fn history(
        &self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Result<Vec<Arc<StateEntry>>, StateError> {
        (**self).history(agent, key, limit).await
    }

    async fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        (**self).changes(agent, scope, after, limit).await
    }

    async fn changed(&self, scope: &StateScope, after: Revision) -> Result<(), StateError> {
        (**self).changed(scope, after).await
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, StateError> {
        (**self).sweep().await
    }
}
