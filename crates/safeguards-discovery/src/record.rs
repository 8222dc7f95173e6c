//! [`AgentRecord`]: all that a registry knows of an agent.

use std::{collections::BTreeMap, sync::Arc};

use safeguards_types::{AgentId, Priority, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::{Capability, Lease, Status};

/// All that a registry knows of an agent that is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AgentRecord {
    /// Who.
    pub agent: AgentId,
    /// What it is. Perhaps empty.
    pub description: String,
    /// How much its work matters.
    pub priority: Priority,
    /// What it can do: by name, those of one name by version, none first.
    pub capabilities: Vec<Arc<Capability>>,
    /// How it stands.
    pub status: Status,
    /// Its claim on being here.
    pub lease: Lease,
    /// When it came. Who was gone came when it came back.
    pub since: Timestamp,
    /// What described it elsewhere, by kind.
    pub documents: BTreeMap<String, Arc<Value>>,
}

impl AgentRecord {
    /// A record as a registry gives it.
    pub fn new(lease: Lease, since: Timestamp) -> Self {
        Self {
            agent: lease.agent.clone(),
            description: String::new(),
            priority: Priority::default(),
            capabilities: Vec::new(),
            status: Status::new(),
            lease,
            since,
            documents: BTreeMap::new(),
        }
    }
}
