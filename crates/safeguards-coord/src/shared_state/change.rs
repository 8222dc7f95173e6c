//! [`StateChange`]: what happened to a key, as an agent may see it; [`StateRecord`]: the same as a store keeps it.

use std::sync::Arc;

use safeguards_discovery::Revision;
use safeguards_types::{AgentId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{StateEntry, StateKey};

/// Something that happened to a key, as an agent may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StateChange {
    /// Its number.
    pub revision: Revision,
    /// When; for a key that expired, when it did.
    pub at: Timestamp,
    /// To which key.
    pub key: StateKey,
    /// Who did it; `None` where time did.
    pub by: Option<AgentId>,
    /// What.
    pub kind: StateChangeKind,
}

impl StateChange {
    /// A change as a store tells it.
    pub const fn new(
        (revision, at): (Revision, Timestamp),
        key: StateKey,
        by: Option<AgentId>,
        kind: StateChangeKind,
    ) -> Self {
        Self { revision, at, key, by, kind }
    }
}

/// What happened to a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StateChangeKind {
    /// A value was written.
    Written {
        /// What is there now.
        entry: Arc<StateEntry>,
    },
    /// The owner, the rules or the end are others; the value is as it was. Who may read the key from now on is shown
    /// it here.
    Amended {
        /// What is there now.
        entry: Arc<StateEntry>,
    },
    /// The agent that watches may read the key no more.
    Hidden,
    /// It was deleted.
    Deleted,
    /// Its time ran out.
    Expired,
}

impl StateChangeKind {
    /// What is there now, if anything that the agent may read.
    pub const fn entry(&self) -> Option<&Arc<StateEntry>> {
        match self {
            Self::Written { entry } | Self::Amended { entry } => Some(entry),
            Self::Hidden | Self::Deleted | Self::Expired => None,
        }
    }
}

/// What happened after a revision, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StateChanges {
    /// What happened, as far as the agent may see it.
    pub changes: Vec<StateChange>,
    /// Go on from here: the last change's revision where there may be more, else the latest of the store.
    pub next: Revision,
}

impl StateChanges {
    /// Changes as a store tells them.
    pub const fn new(changes: Vec<StateChange>, next: Revision) -> Self {
        Self { changes, next }
    }
}

/// Keys with their values, in the order of the keys, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StatePage {
    /// What is there, as far as the agent may read it.
    pub entries: Vec<Arc<StateEntry>>,
    /// Where the next page begins; `None`: this is the last.
    pub next: Option<StateKey>,
    /// The latest revision of the store: to watch from.
    pub revision: Revision,
}

impl StatePage {
    /// A page as a store makes it.
    pub const fn new(
        entries: Vec<Arc<StateEntry>>,
        next: Option<StateKey>,
        revision: Revision,
    ) -> Self {
        Self { entries, next, revision }
    }
}

/// What was done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StateDeed {
    /// A value was written.
    Written,
    /// It has other terms.
    Amended,
    /// It was deleted.
    Deleted,
    /// Its time ran out.
    Expired,
}

/// A change as a store keeps it: with what was there before and what is there after, so that it can be told for each
/// agent what it may see of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateRecord {
    /// Its number.
    pub revision: Revision,
    /// When.
    pub at: Timestamp,
    /// To which key.
    pub key: StateKey,
    /// Who did it; `None` where time did.
    pub by: Option<AgentId>,
    /// What was done.
    pub deed: StateDeed,
    /// What was there.
    pub before: Option<Arc<StateEntry>>,
    /// What is there now.
    pub after: Option<Arc<StateEntry>>,
}

impl StateRecord {
    /// A change as it was kept, for stores that keep its parts. Of what was there before, the owner and the rules are
    /// enough: its value is not shown to anybody.
    ///
    /// ```
    /// use safeguards_coord::{Revision, StateDeed, StateKey, StateRecord};
    /// use safeguards_types::Timestamp;
    ///
    /// let (one, at) = (Revision::new(1), Timestamp::UNIX_EPOCH);
    /// let record = StateRecord::new((one, at), StateKey::parse("k")?, None, StateDeed::Expired, None, None);
    /// assert!(record.shown_to(&"a".into()).is_none(), "there was nothing that it could read");
    /// # Ok::<(), safeguards_coord::InvalidState>(())
    /// ```
    pub const fn new(
        (revision, at): (Revision, Timestamp),
        key: StateKey,
        by: Option<AgentId>,
        deed: StateDeed,
        before: Option<Arc<StateEntry>>,
        after: Option<Arc<StateEntry>>,
    ) -> Self {
        Self { revision, at, key, by, deed, before, after }
    }

    /// What this agent may see of it; `None`: nothing. The rules are those of the time: what was open to all when it
    /// happened may be read later, what was not may not.
    pub fn shown_to(&self, agent: &AgentId) -> Option<StateChange> {
        let Self { revision, at, ref key, ref by, deed, ref before, ref after } = *self;
        let readable = |entry: &&Arc<StateEntry>| entry.may_read(agent);
        let kind = match (after.as_ref().filter(readable), deed) {
            (Some(entry), StateDeed::Amended) => {
                StateChangeKind::Amended { entry: Arc::clone(entry) }
            }
            (Some(entry), _) => StateChangeKind::Written { entry: Arc::clone(entry) },
            (None, _) if !before.as_ref().is_some_and(|entry| entry.may_read(agent)) => {
                return None;
            }
            (None, StateDeed::Deleted) => StateChangeKind::Deleted,
            (None, StateDeed::Expired) => StateChangeKind::Expired,
            (None, StateDeed::Written | StateDeed::Amended) => StateChangeKind::Hidden,
        };
        Some(StateChange { revision, at, key: key.clone(), by: by.clone(), kind })
    }
}
