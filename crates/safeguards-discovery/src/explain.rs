//! [`Explanation`]: why an agent is, or is not, among those that a query finds.

use safeguards_types::{AgentId, Timestamp};
use semver::{Version, VersionReq};
use serde::Serialize;
use serde_json::Value;

use crate::{CapabilityName, Condition, Status};

/// Why an agent is, or is not, among those that a query finds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// Who.
    pub agent: AgentId,
    /// What keeps it from being found; none: it is found.
    pub mismatches: Vec<Mismatch>,
}

/// Something that keeps an agent from being found. Of its capabilities the one is told of that comes nearest.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mismatch {
    /// No agent of this name is here: it never came, it was deleted, or its lease ran out.
    NotHere,
    /// Its lease ran out.
    LeaseExpired {
        /// When.
        expired_at: Timestamp,
    },
    /// The query is confined to others.
    NotAmong,
    /// It may not be given work.
    NotHealthy {
        /// How it stands.
        status: Status,
    },
    /// It has no capability of this name, nor one below it.
    NoSuchCapability {
        /// What was asked for.
        asked: CapabilityName,
        /// What it has, the most alike first; at most ten.
        has: Vec<CapabilityName>,
    },
    /// The capability's version lies outside the range.
    Version {
        /// Which capability.
        capability: CapabilityName,
        /// What was asked for.
        asked: VersionReq,
        /// What it has.
        has: Option<Version>,
    },
    /// A condition does not hold of the capability's metadata.
    Condition {
        /// Which capability.
        capability: CapabilityName,
        /// What was asked for.
        asked: Condition,
        /// What stands there.
        has: Option<Value>,
    },
    /// The capability has not this tag.
    Tag {
        /// Which capability.
        capability: CapabilityName,
        /// What was asked for.
        asked: String,
    },
    /// None of the words was found.
    Text {
        /// What was searched for.
        asked: String,
    },
}

impl Explanation {
    /// Nobody of this name is here.
    pub fn not_here(agent: AgentId) -> Self {
        Self { agent, mismatches: vec![Mismatch::NotHere] }
    }

    /// Whether the agent is found.
    pub fn is_found(&self) -> bool {
        self.mismatches.is_empty()
    }
}
