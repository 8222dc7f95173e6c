//! [`SharedState`]: values that agents share, as callers hold them.

mod bounds;
mod change;
mod entry;
mod error;
mod key;
mod measure;
mod request;
mod rules;
mod standing;
mod watch;

use std::{sync::Arc, time::Duration};

use safeguards_types::{AgentId, Clock, SystemClock};
use serde_json::Value;
use tokio::{task::yield_now, time::timeout};

pub use self::{
    bounds::StateBounds,
    change::{StateChange, StateChangeKind, StateChanges, StateDeed, StatePage, StateRecord},
    entry::{StateEntry, StateReading},
    error::{
        InvalidState, InvalidStateKind, StateError, StateRight, StateRoom, StateStoreError,
        StateStoreErrorKind,
    },
    key::{StateKey, StateScope},
    request::{CheckedWrite, Lifetime, StateQuery, StateTerms, StateWrite},
    rules::{Access, KeyRules},
    standing::KeyStanding,
    watch::StateWatch,
};
pub use safeguards_discovery::Revision;

use crate::{MemoryStateStore, StateStore};

/// Values that agents share: JSON under keys, each with a revision and an owner. Clones are the same state.
///
/// The first who writes an absent key owns it. Unless the owner says otherwise, everyone may read it and the owner alone
/// may write it: see [`KeyRules`].
///
/// ```
/// use std::time::Duration;
/// use safeguards_coord::{SharedState, StateError};
/// use serde_json::{Value, json};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), StateError> {
/// let state = SharedState::in_memory();
/// let found = json!({ "status": "complete", "location": "research_data.json" });
/// state.set("research", "research_data", found).await?;
///
/// let complete = |data: &Value| data["status"] == "complete";
/// let patience = Duration::from_secs(30);
/// let data = state.wait_for("analysis", "research_data", complete, patience).await?;
/// assert_eq!(data["location"], "research_data.json");
///
/// // Read, decide, write: a conflict if somebody wrote in between.
/// let old = state.get("analysis", "progress").await?; // a key that is absent has a revision too
/// state.set_if("analysis", "progress", 2, old.revision).await?;
/// let late = state.set_if("analysis", "progress", 3, old.revision).await.unwrap_err();
/// assert_eq!(late.code(), "state.conflict");
/// # Ok(())
/// # }
/// ```
///
/// # Where an answer is lost
///
/// A change whose answer was lost may have been made. Where it was made on a condition ([`Self::set_if`]) it may be sent
/// again: it is not made twice, and a conflict says that somebody wrote, perhaps oneself; read to know. Without a
/// condition it may overwrite what another wrote in between.
#[derive(Clone, Debug)]
pub struct SharedState {
    store: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
}

impl SharedState {
    /// How often [`Self::compute`] tries.
    pub const COMPUTE_ATTEMPTS: u32 = 256;

    /// The state of this store. The clock says how long to wait until a key's time runs out; it should be the store's.
    pub fn new(store: Arc<dyn StateStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// State in memory, on the machine's clock: forgotten when the program ends.
    pub fn in_memory() -> Self {
        Self::new(Arc::new(MemoryStateStore::new()), Arc::new(SystemClock::new()))
    }

    /// The store.
    pub const fn store(&self) -> &Arc<dyn StateStore> {
        &self.store
    }

    /// What is there, with the revision to write on.
    ///
    /// # Errors
    ///
    /// Where the text is no key, the agent may not read it, or the store fails.
    pub async fn get<K>(
        &self,
        agent: impl Into<AgentId>,
        key: K,
    ) -> Result<StateReading, StateError>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        let (agent, key) = (agent.into(), read_key(key)?);
        self.store.read(&agent, &key).await
    }

    /// Writes a value, whatever is there, and gives the revision of this change.
    ///
    /// # Errors
    ///
    /// Where the text is no key, the value is too large or too deep, the agent may not write, there is no room, or the
    /// store fails.
    pub async fn set<K>(
        &self,
        agent: impl Into<AgentId>,
        key: K,
        value: impl Into<Value>,
    ) -> Result<Revision, StateError>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        let (agent, write) = (agent.into(), StateWrite::new(key, value)?);
        self.store.write(&agent, write).await
    }

    /// Writes a value only if the key has not changed after this revision: that of a reading, or of a write's answer.
    ///
    /// # Errors
    ///
    /// As [`Self::set`]; and where it has changed, or there has been no such revision.
    pub async fn set_if<K>(
        &self,
        agent: impl Into<AgentId>,
        key: K,
        value: impl Into<Value>,
        revision: Revision,
    ) -> Result<Revision, StateError>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        let (agent, write) = (agent.into(), StateWrite::new(key, value)?);
        self.store.write(&agent, write.if_revision(revision)).await
    }

    /// Writes a value with all that can be said of it: a condition, rules, a time to live.
    ///
    /// # Errors
    ///
    /// As [`Self::set_if`]; and where rules or time to live cannot be used or are not the agent's to set.
    pub async fn write(
        &self,
        agent: impl Into<AgentId>,
        write: StateWrite,
    ) -> Result<Revision, StateError> {
        let agent = agent.into();
        self.store.write(&agent, write).await
    }

    /// Reads, lets `value` make the new value of the old one (`None` where the key is absent), and writes it only if nobody
    /// wrote in between; else all of it again. Gives what was written.
    ///
    /// `value` may be called several times, and should do nothing but compute. How long the key stays is not changed.
    ///
    /// ```
    /// # use safeguards_coord::{SharedState, StateError};
    /// # use serde_json::Value;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), StateError> {
    /// # let state = SharedState::in_memory();
    /// let one_more = |old: Option<&Value>| old.and_then(Value::as_u64).unwrap_or(0) + 1;
    /// state.compute("counter", "done", one_more).await?;
    /// let done = state.compute("counter", "done", one_more).await?;
    /// assert_eq!(*done, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Self::set`]; and [`StateError::Contended`] where others wrote it at each of [`Self::COMPUTE_ATTEMPTS`].
    pub async fn compute<K, V>(
        &self,
        agent: impl Into<AgentId>,
        key: K,
        mut value: impl FnMut(Option<&Value>) -> V,
    ) -> Result<Arc<Value>, StateError>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
        V: Into<Value>,
    {
        let (agent, key) = (agent.into(), read_key(key)?);
        for _ in 0..Self::COMPUTE_ATTEMPTS {
            let old = self.store.read(&agent, &key).await?;
            let write = StateWrite::at(key.clone(), value(old.value())).if_revision(old.revision);
            let written = Arc::clone(&write.value);
            match self.store.write(&agent, write).await {
                Ok(_) => return Ok(written),
                // Who wrote in between may be done sooner than we are back.
                Err(StateError::Conflict { .. }) => yield_now().await,
                Err(error) => return Err(error),
            }
        }
        Err(StateError::Contended { key, attempts: Self::COMPUTE_ATTEMPTS })
    }

    /// Deletes a key, with its earlier versions. Only its owner may.
    ///
    /// # Errors
    ///
    /// Where the text is no key, there is no such key, it is not the agent's, or the store fails.
    pub async fn delete<K>(&self, agent: impl Into<AgentId>, key: K) -> Result<Revision, StateError>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        let (agent, key) = (agent.into(), read_key(key)?);
        self.store.delete(&agent, &key, None).await
    }

    /// Deletes a key only if it has not changed after this revision.
    ///
    /// # Errors
    ///
    /// As [`Self::delete`]; and where it has changed, or there has been no such revision.
    pub async fn delete_if<K>(
        &self,
        agent: impl Into<AgentId>,
        key: K,
        revision: Revision,
    ) -> Result<Revision, StateError>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        let (agent, key) = (agent.into(), read_key(key)?);
        self.store.delete(&agent, &key, Some(revision)).await
    }

    /// Sets who may read and write a key. Only its owner may.
    ///
    /// # Errors
    ///
    /// As [`Self::delete`]; and where the rules name too many agents.
    pub async fn set_rules<K>(
        &self,
        agent: impl Into<AgentId>,
        key: K,
        rules: KeyRules,
    ) -> Result<Revision, StateError>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        self.amend(agent, StateTerms::of(key)?.rules(rules)).await
    }

    /// Hands a key over to another agent. Only its owner may, and has no more rights then than the rules give.
    ///
    /// # Errors
    ///
    /// As [`Self::delete`]; and where the new owner's name is none.
    pub async fn hand_over<K>(
        &self,
        agent: impl Into<AgentId>,
        key: K,
        to: impl Into<AgentId>,
    ) -> Result<Revision, StateError>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        self.amend(agent, StateTerms::of(key)?.owner(to)).await
    }

    /// Sets other terms for a key: owner, rules, end. Only its owner may.
    ///
    /// # Errors
    ///
    /// As [`Self::delete_if`]; and where something in the terms cannot be used.
    pub async fn amend(
        &self,
        agent: impl Into<AgentId>,
        terms: StateTerms,
    ) -> Result<Revision, StateError> {
        let agent = agent.into();
        self.store.amend(&agent, terms).await
    }

    /// The keys that the agent may read, with their values, a page at a time.
    ///
    /// # Errors
    ///
    /// Where the limit is out of range, or the store fails.
    pub async fn list(
        &self,
        agent: impl Into<AgentId>,
        query: &StateQuery,
    ) -> Result<StatePage, StateError> {
        let agent = agent.into();
        self.store.list(&agent, query).await
    }

    /// The versions of a key that are kept, the present one first. None of an absent key.
    ///
    /// # Errors
    ///
    /// Where the text is no key, the agent may not read it, or the store fails.
    pub async fn history<K>(
        &self,
        agent: impl Into<AgentId>,
        key: K,
    ) -> Result<Vec<Arc<StateEntry>>, StateError>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        let (agent, key) = (agent.into(), read_key(key)?);
        self.store.history(&agent, &key, usize::MAX).await
    }

    /// Tells each change of these keys after a revision, as far as the agent may see it: that of a page, or the `as_of` of a
    /// reading, or [`Revision::ZERO`] for all that are kept.
    pub fn watch(
        &self,
        agent: impl Into<AgentId>,
        scope: StateScope,
        from: Revision,
    ) -> StateWatch {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        StateWatch::new(store, clock, agent.into(), scope, from)
    }

    /// Waits until a key has a value that is wanted, and gives this value. It looks at what is there first, then at each
    /// change, so that a value that is soon overwritten is not missed. Within a Tokio runtime with a timer.
    ///
    /// # Errors
    ///
    /// [`StateError::TimedOut`] where that has not come within `patience`. Where the text is no key, the agent may not read
    /// it, be it from now on, or the store fails.
    pub async fn wait_for<K>(
        &self,
        agent: impl Into<AgentId>,
        key: K,
        is_wanted: impl Fn(&Value) -> bool,
        patience: Duration,
    ) -> Result<Arc<Value>, StateError>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        let (agent, key) = (agent.into(), read_key(key)?);
        match timeout(patience, self.wait(&agent, &key, is_wanted)).await {
            Ok(waited) => waited,
            Err(_elapsed) => Err(StateError::TimedOut { key, patience }),
        }
    }

    async fn wait(
        &self,
        agent: &AgentId,
        key: &StateKey,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Result<Arc<Value>, StateError> {
        let wanted = |entry: &StateEntry| is_wanted(&entry.value).then(|| Arc::clone(&entry.value));
        loop {
            let reading = self.store.read(agent, key).await?;
            if let Some(value) = reading.entry.as_deref().and_then(wanted) {
                return Ok(value);
            }
            let mut watch = self.watch(agent, key.into(), reading.as_of);
            loop {
                match watch.next().await {
                    Ok(change) => {
                        if let Some(value) = change.kind.entry().and_then(|entry| wanted(entry)) {
                            return Ok(value);
                        }
                        if change.kind == StateChangeKind::Hidden {
                            // Reading says that, and how.
                            break;
                        }
                    }
                    Err(StateError::Lagged { .. }) => break,
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

fn read_key<K>(key: K) -> Result<StateKey, InvalidState>
where
    K: TryInto<StateKey>,
    InvalidState: From<K::Error>,
{
    Ok(key.try_into()?)
}
