//! [`Found`]: a page of who can do what was asked for.

use std::sync::Arc;

use safeguards_types::{AgentId, Priority, Timestamp};
use serde::Serialize;

use crate::{AgentRecord, Capability, Cursor, Health, Revision, Status};

/// Somebody who can do what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Match {
    /// Who.
    pub agent: AgentId,
    /// What it is. Perhaps empty.
    pub description: String,
    /// How much its work matters.
    pub priority: Priority,
    /// Which of its capabilities are meant: by name, those of one name by version. All, where the query is for
    /// none in particular.
    pub capabilities: Vec<Arc<Capability>>,
    /// How well it is.
    pub health: Health,
    /// How it stands.
    pub status: Status,
    /// When its lease runs out, unless it is renewed.
    pub expires_at: Option<Timestamp>,
    /// How well its words fit those that were searched for, in thousandths; the larger the better. Comparable
    /// within one answer only. `None` where no words were searched for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relevance: Option<u64>,
}

impl Match {
    /// An agent as a registry finds it, and which of its capabilities are meant. No words were searched for.
    pub fn new(record: &AgentRecord, capabilities: Vec<Arc<Capability>>) -> Self {
        Self {
            agent: record.agent.clone(),
            description: record.description.clone(),
            priority: record.priority,
            capabilities,
            health: record.status.health,
            status: record.status.clone(),
            expires_at: record.lease.expires_at,
            relevance: None,
        }
    }
}

/// A page of who can do what was asked for, in the order that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Found {
    /// Who.
    pub agents: Vec<Match>,
    /// How many there are on all pages together.
    pub total: u64,
    /// Where the next page begins; `None`: this is the last.
    pub next: Option<Cursor>,
    /// When this was so. Watch [from here](crate::Registry::changes) to see what becomes of it.
    pub revision: Revision,
}

impl Found {
    /// A page as a registry gives it.
    pub const fn new(
        agents: Vec<Match>,
        total: u64,
        next: Option<Cursor>,
        revision: Revision,
    ) -> Self {
        Self { agents, total, next, revision }
    }

    /// The first of this page.
    pub fn first(&self) -> Option<&Match> {
        self.agents.first()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &AgentId> {
        self.agents.iter().map(|found| &found.agent)
    }
}
