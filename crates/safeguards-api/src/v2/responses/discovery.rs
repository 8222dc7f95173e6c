//! Who is here, and who can do what.

use std::{collections::BTreeMap, sync::Arc};

use safeguards_discovery::{
    self as discovery, Capability, Cursor, Health, Lease, Revision, Status,
};
use safeguards_types::{AgentId, Priority, Timestamp};
use serde_json::Value;

use super::responses;

responses! {
    /// A claim on being here.
    LeaseResponse {
        /// The lease, to be given back when it is renewed.
        lease: Lease,
    }

    /// A page of who can do what was asked for, in the order asked for.
    FoundResponse {
        /// Who.
        agents: Vec<Match>,
        /// How many there are on all pages together.
        total: u64,
        /// What to ask for as `after` to read on; `null`: this is the last page.
        next: Option<Cursor>,
        /// What the registry had changed by then.
        revision: Revision,
    }

    /// Somebody who can do what was asked for.
    Match {
        /// Who.
        agent: AgentId,
        /// What it is. Perhaps empty.
        description: String,
        /// How much its work matters.
        priority: Priority,
        /// Which of its capabilities are meant; all, where the query is for none in particular.
        capabilities: Vec<Capability>,
        /// How well it is.
        health: Health,
        /// How it stands.
        status: Status,
        /// When its lease runs out, unless it is renewed; `null`: never.
        expires_at: Option<Timestamp>,
        /// How well its words fit those that were searched for, in thousandths. Left out where none were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relevance: Option<u64>,
    }

    /// All that is known of an agent, if it is here.
    RecordResponse {
        /// The agent; `null` where it is not here.
        agent: Option<AgentRecord>,
    }

    /// All that is known of an agent.
    AgentRecord {
        /// Who.
        agent: AgentId,
        /// What it is. Perhaps empty.
        description: String,
        /// How much its work matters.
        priority: Priority,
        /// What it can do.
        capabilities: Vec<Capability>,
        /// How it stands.
        status: Status,
        /// Its claim on being here.
        lease: Lease,
        /// When it came.
        since: Timestamp,
        /// What described it elsewhere, by kind.
        documents: BTreeMap<String, Value>,
    }
}

impl From<discovery::Found> for FoundResponse {
    fn from(found: discovery::Found) -> Self {
        let discovery::Found { agents, total, next, revision, .. } = found;
        Self { agents: agents.into_iter().map(Match::from).collect(), total, next, revision }
    }
}

impl From<discovery::Match> for Match {
    fn from(found: discovery::Match) -> Self {
        Self {
            agent: found.agent,
            description: found.description,
            priority: found.priority,
            capabilities: own(found.capabilities),
            health: found.health,
            status: found.status,
            expires_at: found.expires_at,
            relevance: found.relevance,
        }
    }
}

impl From<discovery::AgentRecord> for AgentRecord {
    fn from(record: discovery::AgentRecord) -> Self {
        let documents = record.documents.into_iter();
        Self {
            agent: record.agent,
            description: record.description,
            priority: record.priority,
            capabilities: own(record.capabilities),
            status: record.status,
            lease: record.lease,
            since: record.since,
            documents: documents.map(|(kind, text)| (kind, Arc::unwrap_or_clone(text))).collect(),
        }
    }
}

fn own(capabilities: Vec<Arc<Capability>>) -> Vec<Capability> {
    capabilities.into_iter().map(Arc::unwrap_or_clone).collect()
}
