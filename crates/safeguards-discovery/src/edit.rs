//! [`Edit`]: what has changed in a registry in memory, for one that keeps it elsewhere as well, and from which it is
//! made again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use safeguards_types::{AgentId, Priority, Timestamp};
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Capability, CapabilityName, Change, LeaseId, Revision, Status};

/// What is otherwise in a registry than when it was asked before: what
/// [`SyncRegistry::unwritten`](crate::SyncRegistry::unwritten) gives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unwritten {
    /// What is otherwise of agents, by their leases. Of an agent that is new all is told.
    pub edits: Vec<Edit>,
    /// What happened, oldest first, as far as it is still kept.
    pub changes: Vec<Change>,
    /// How far the registry has come.
    pub standing: Standing,
    /// [How often](crate::SyncRegistry::steps) something was done that is to be written, up to here.
    pub steps: u64,
}

/// How far a registry has come. A new one stands at the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Standing {
    /// How many changes there were.
    pub revision: Revision,
    /// The latest instant of a change. Time is never before that.
    pub at: Timestamp,
    /// The lease that was given last; none is given twice.
    pub lease: LeaseId,
    /// Changes up to this one are kept no more.
    pub forgotten: Revision,
}

impl Standing {
    /// After `revision` changes, the latest at `at`, those up to `forgotten` kept no more; `lease` was given last.
    pub const fn new(
        revision: Revision,
        at: Timestamp,
        lease: LeaseId,
        forgotten: Revision,
    ) -> Self {
        Self { revision, at, lease, forgotten }
    }
}

/// One thing about one agent that is so from now on. The later takes the place of the earlier of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edit {
    /// The lease of the agent. Who was gone and came back has another, so that nothing of before is left.
    pub lease: LeaseId,
    /// What.
    pub kind: EditKind,
}

impl Edit {
    /// Of the agent under this lease.
    pub const fn new(lease: LeaseId, kind: EditKind) -> Self {
        Self { lease, kind }
    }
}

/// What is so from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditKind {
    /// It is here, and says this of itself.
    Profile(Profile),
    /// Its lease holds until then: what a renewal changes. It must be known of all that are here.
    Lease {
        /// How long each renewal holds; `None`: until it is deleted.
        ttl: Option<Duration>,
        /// When it runs out; `None`: never.
        expires_at: Option<Timestamp>,
    },
    /// It stands so. Of whom this was never said stands as [`Status::new`] says.
    Status(Status),
    /// It can do this, in place of what it could by this name in this version.
    Capability(Arc<Capability>),
    /// It has no capability of this name in this version any more.
    NoCapability {
        /// The name.
        name: CapabilityName,
        /// The version.
        version: Option<Version>,
    },
    /// It is gone, and all that was known of it.
    Gone,
}

/// Who an agent is and what it says of itself: of a record what seldom changes, and whether it ever spoke of its
/// priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Profile {
    /// Who.
    pub agent: AgentId,
    /// When it came.
    pub since: Timestamp,
    /// What it is. Perhaps empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How much its work matters; `None`: it never said, and may still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// What described it elsewhere, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documents: BTreeMap<String, Arc<Value>>,
}

impl Profile {
    /// `agent` came at `since`, and says nothing of itself.
    pub const fn new(agent: AgentId, since: Timestamp) -> Self {
        Self {
            agent,
            since,
            description: String::new(),
            priority: None,
            documents: BTreeMap::new(),
        }
    }
}

/// Why no registry is made of what another one gave: something is missing, or it was not given by one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Something is said of an agent that is not here.
    #[error("lease {lease} has {what}, and there is no agent under it")]
    Unknown {
        /// The lease.
        lease: LeaseId,
        /// What is said.
        what: &'static str,
    },
    /// Two agents have one name.
    #[error("agent `{agent}` is there under lease {lease} and under another one")]
    Twice {
        /// The name.
        agent: AgentId,
        /// The lease of the latter.
        lease: LeaseId,
    },
    /// Of an agent it is not said until when its lease holds.
    #[error("it is not said until when lease {lease} holds")]
    Endless {
        /// The lease.
        lease: LeaseId,
    },
    /// A lease was not yet given.
    #[error("lease {lease} is there, and the last that was given is {last}")]
    NotGiven {
        /// The lease.
        lease: LeaseId,
        /// The last that was given.
        last: LeaseId,
    },
    /// A change is missing, or stands elsewhere.
    #[error(
        "of the changes after {} to {}, {missing} is not in its place",
        standing.forgotten,
        standing.revision
    )]
    Missing {
        /// How far the registry had come.
        standing: Standing,
        /// The change.
        missing: Revision,
    },
    /// There are more agents or capabilities than can be numbered.
    #[error("there is no room for lease {lease}")]
    Full {
        /// The lease for which there is none.
        lease: LeaseId,
    },
}
