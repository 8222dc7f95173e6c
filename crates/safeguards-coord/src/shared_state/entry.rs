//! [`StateEntry`]: a value with all that is known of it; [`StateReading`]: what a read gives.

use std::sync::Arc;

use safeguards_discovery::Revision;
use safeguards_types::{AgentId, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{KeyRules, StateError, StateKey};

/// A value with all that is known of it. It never changes: a write makes another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateEntry {
    /// Its key.
    pub key: StateKey,
    /// The value.
    pub value: Arc<Value>,
    /// How many bytes the value takes as JSON without spaces.
    pub bytes: usize,
    /// The revision of the latest change: a write, or other terms.
    pub revision: Revision,
    /// Whose key it is.
    pub owner: AgentId,
    /// Who wrote the value.
    pub writer: AgentId,
    /// When the value was written.
    pub written_at: Timestamp,
    /// When the key ends; `None`: it stays. At this very instant it has ended.
    pub expires_at: Option<Timestamp>,
    /// Who may read and write it besides the owner.
    pub rules: Arc<KeyRules>,
}

impl StateEntry {
    /// A value of `bytes` that its owner writes, with the usual rules and without end.
    pub fn new(
        key: StateKey,
        (value, bytes): (Arc<Value>, usize),
        revision: Revision,
        owner: AgentId,
        written_at: Timestamp,
    ) -> Self {
        let (writer, rules) = (owner.clone(), Arc::new(KeyRules::new()));
        Self { key, value, bytes, revision, owner, writer, written_at, expires_at: None, rules }
    }

    /// Whether this agent may read it.
    pub fn may_read(&self, agent: &AgentId) -> bool {
        self.rules.readers.includes(agent) || self.may_write(agent)
    }

    /// Whether this agent may write it.
    pub fn may_write(&self, agent: &AgentId) -> bool {
        self.owner == *agent || self.rules.writers.includes(agent)
    }
}

/// What a read gives: the value, if there is one, and the revision to write on.
///
/// An absent key has a revision, too: "only if it is still absent" is written like any other condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StateReading {
    /// The key has not changed after this revision: for a write that must build on what was read. Of a key that is
    /// there the revision of its latest change, else the latest of the store.
    pub revision: Revision,
    /// The latest revision of the store when it was read: to watch from.
    pub as_of: Revision,
    /// What is there.
    pub entry: Option<Arc<StateEntry>>,
}

impl StateReading {
    /// A reading, as a store makes it.
    pub fn new(entry: Option<Arc<StateEntry>>, as_of: Revision) -> Self {
        let revision = entry.as_ref().map_or(as_of, |entry| entry.revision);
        Self { revision, as_of, entry }
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<&Value> {
        self.entry.as_ref().map(|entry| &*entry.value)
    }

    /// Whether there is no value.
    pub const fn is_absent(&self) -> bool {
        self.entry.is_none()
    }

    /// The value as a type of your own; `None` where there is none.
    ///
    /// ```
    /// # use safeguards_coord::{MemoryStateStore, SharedState, StateError};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), StateError> {
    /// # let state = SharedState::in_memory();
    /// state.set("counter", "done", 7).await?;
    /// let done: Option<u32> = state.get("anybody", "done").await?.parse()?;
    /// assert_eq!(done, Some(7));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Where the value is no such thing.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<Option<T>, StateError> {
        let Some(entry) = &self.entry else { return Ok(None) };
        let unfit = |source| StateError::Unfit { key: entry.key.clone(), source };
        T::deserialize(&*entry.value).map(Some).map_err(unfit)
    }
}
