//! [`Change`]: what happened in a registry, in order; [`Revision`]: how far that is.

use std::{fmt, sync::Arc};

use safeguards_types::{AgentId, Timestamp};
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{Capability, CapabilityName, LeaseId, Status};

/// How many changes there were. Each change has the next, without gaps; 0 is before the first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(u64);

impl Revision {
    /// Before the first change.
    pub const ZERO: Self = Self(0);

    /// After this many changes.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// How many changes there were.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// After one more.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// Something that happened to one agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// Its number.
    pub revision: Revision,
    /// When; for a lease that ran out, when it did.
    pub at: Timestamp,
    /// To whom.
    pub agent: AgentId,
    /// What.
    pub kind: ChangeKind,
}

impl Change {
    /// A change as a registry tells it.
    pub const fn new(revision: Revision, at: Timestamp, agent: AgentId, kind: ChangeKind) -> Self {
        Self { revision, at, agent, kind }
    }
}

/// What happened to an agent. A renewal that says nothing new is no change.
///
/// Of one registration it is told first that the agent came, then what is withdrawn, then what is advertised (each in
/// the order of an agent's record), then that it is described, then how it stands. Who comes begins as one who says
/// nothing of itself: what is otherwise from the start is a change, too. So who reads all changes knows who is here,
/// what each can do and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeKind {
    /// It came, under this lease; what it can do follows.
    Arrived {
        /// Its lease.
        lease: LeaseId,
    },
    /// It can do something more.
    Advertised {
        /// What.
        capability: Arc<Capability>,
    },
    /// It can do something no more: it was withdrawn, or another registration took its place. What is there again
    /// with other content is withdrawn and advertised.
    Withdrawn {
        /// What.
        name: CapabilityName,
        /// In which version.
        version: Option<Version>,
    },
    /// Its description, its priority or a document is another.
    Described,
    /// It stands otherwise than before.
    StatusChanged {
        /// How.
        status: Status,
    },
    /// It was deleted, with all that it could do.
    Deleted,
    /// Its lease ran out, and all that it could do is gone.
    Expired,
}

/// What happened after a revision, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Changes {
    /// What happened.
    pub changes: Vec<Change>,
    /// Go on from here.
    pub next: Revision,
}

impl Changes {
    /// Changes as a registry tells them.
    pub const fn new(changes: Vec<Change>, next: Revision) -> Self {
        Self { changes, next }
    }
}
