//! [`State`]: who is here, what each can do, until when, and what happened. Time is an argument.

mod changing;
mod finding;
mod leases;
mod log;
mod notes;
mod restoring;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use safeguards_types::{AgentId, Priority, Timestamp};
use serde_json::Value;

pub(super) use self::restoring::Restoring;
use self::{leases::Leases, log::Log, notes::Notes};
use super::{
    index::Index,
    names::Names,
    slot::{EntryNo, Slot, Slots, place},
};
use crate::{
    AgentRecord, Capability, ChangeKind, Health, Lease, LeaseId, Status, search::index::TextIndex,
};

/// All that a registry in memory knows.
#[derive(Debug)]
pub(super) struct State {
    agents_max: usize,
    agents: Slots<Agent>,
    names: Names,
    /// What orders compare, apart from the rest: a search for the first ten of many reads little else.
    ranks: Vec<Rank>,
    /// What agents can do.
    entries: Slots<Arc<Capability>>,
    /// Whose each capability is; beside `entries`, so that a search reads little else.
    owners: Vec<Slot>,
    index: Index,
    /// The words of agents' own names and descriptions.
    words: TextIndex,
    leases: Leases,
    leases_made: u64,
    log: Log,
    notes: Notes,
}

/// An agent that is here.
#[derive(Debug)]
struct Agent {
    id: AgentId,
    description: Box<str>,
    /// None: never said.
    priority: Option<Priority>,
    status: Status,
    lease: LeaseId,
    ttl: Option<Duration>,
    expires_at: Option<Timestamp>,
    since: Timestamp,
    /// By name, those of one name by version.
    entries: Vec<EntryNo>,
    documents: BTreeMap<String, Arc<Value>>,
}

/// What orders compare of an agent.
#[derive(Clone, Copy, Debug, Default)]
struct Rank {
    health: Health,
    priority: Priority,
    is_healthy: bool,
    load: Option<u32>,
}

impl State {
    pub(super) fn new(agents_max: usize, changes_kept: usize) -> Self {
        Self {
            agents_max,
            agents: Slots::default(),
            names: Names::default(),
            ranks: Vec::new(),
            entries: Slots::default(),
            owners: Vec::new(),
            index: Index::default(),
            words: TextIndex::default(),
            leases: Leases::default(),
            leases_made: 0,
            log: Log::new(changes_kept),
            notes: Notes::default(),
        }
    }

    pub(super) const fn log(&self) -> &Log {
        &self.log
    }

    /// Now, which is never before the latest change.
    pub(super) fn now(&self, clock: Timestamp) -> Timestamp {
        clock.max(self.log.latest_at())
    }

    /// Whether a lease may have run out.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.leases.is_due(now)
    }

    /// Ends the leases that ran out, in the order in which they did, equals by name.
    pub(super) fn expire(&mut self, now: Timestamp) {
        if !self.is_due(now) {
            return;
        }
        let Self { leases, agents, .. } = self;
        let mut over = leases.take_due(now, |slot| {
            let agent = agents.get(slot)?;
            Some((agent.lease, agent.expires_at?))
        });
        let name = |slot: Slot| self.agents.get(slot).map(|agent| &agent.id);
        over.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| name(*a).cmp(&name(*b))));
        for (expired_at, slot) in over {
            if let Some(agent) = self.remove(slot) {
                self.log.tell(expired_at, agent.id, ChangeKind::Expired);
            }
        }
    }

    /// When the next lease runs out.
    pub(super) fn next_end(&mut self) -> Option<Timestamp> {
        let Self { leases, agents, .. } = self;
        leases.next_end(|slot| {
            let agent = agents.get(slot)?;
            Some((agent.lease, agent.expires_at?))
        })
    }

    /// All that is known of an agent.
    pub(super) fn record(&self, agent: &AgentId) -> Option<AgentRecord> {
        self.record_at(self.names.find(agent.as_str())?)
    }

    fn record_at(&self, slot: Slot) -> Option<AgentRecord> {
        let agent = self.agents.get(slot)?;
        let mut record = AgentRecord::new(agent.lease(), agent.since);
        record.description = agent.description.to_string();
        record.priority = agent.priority.unwrap_or_default();
        let capability = |entry: &EntryNo| self.capability(*entry).map(Arc::clone);
        record.capabilities = agent.entries.iter().filter_map(capability).collect();
        record.status = agent.status.clone();
        record.documents.clone_from(&agent.documents);
        Some(record)
    }

    fn capability(&self, entry: EntryNo) -> Option<&Arc<Capability>> {
        self.entries.get(entry)
    }

    /// Whose a capability is.
    fn owner(&self, entry: EntryNo) -> Option<Slot> {
        self.owners.get(place(entry)?).copied()
    }

    fn rank(&self, slot: Slot) -> Rank {
        place(slot).and_then(|place| self.ranks.get(place)).copied().unwrap_or_default()
    }
}

impl Agent {
    fn lease(&self) -> Lease {
        Lease::new(self.id.clone(), self.lease, self.ttl, self.expires_at)
    }
}
