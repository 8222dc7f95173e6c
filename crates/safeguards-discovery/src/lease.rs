//! [`Lease`]: a claim on presence, which must be renewed.

use std::{fmt, time::Duration};

use safeguards_types::{AgentId, Timestamp};
use serde::{Deserialize, Serialize};

/// The name of a lease. An agent that was gone and came back has another.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct LeaseId(u64);

impl LeaseId {
    /// The lease of this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// An agent's claim on being here, and until when it holds. [Renew](crate::Registry::renew) it before it runs
/// out, a third of its length before the end at the latest; else the agent is gone with all its capabilities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lease {
    /// Whose.
    pub agent: AgentId,
    /// Which.
    pub id: LeaseId,
    /// How long each renewal holds; `None`: until the agent is deleted.
    #[serde(default, with = "crate::ttl_text")]
    pub ttl: Option<Duration>,
    /// From this instant on the agent is gone; `None`: there is no such instant.
    pub expires_at: Option<Timestamp>,
}

impl Lease {
    /// A lease as a registry gives it.
    pub const fn new(
        agent: AgentId,
        id: LeaseId,
        ttl: Option<Duration>,
        expires_at: Option<Timestamp>,
    ) -> Self {
        Self { agent, id, ttl, expires_at }
    }

    /// Whether it holds at `now`. At the very instant at which it runs out it does not.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}
