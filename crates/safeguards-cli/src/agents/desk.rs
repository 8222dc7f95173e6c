//! [`Desk`]: a registry in memory, asked by a program that does one thing after the other.

use std::sync::Arc;

use safeguards_discovery::{
    AgentRecord, Bounds, Conflict, Found, InvalidField, MemoryRegistry, Order, Query,
    RegisterError, Registration, Status,
};
use safeguards_types::{AgentId, Priority, SimClock, Timestamp};
use serde_json::Value;

/// A registry in memory in which no time passes: leases are as long as they were, and none runs out while a
/// question is answered.
#[derive(Debug)]
pub(super) struct Desk {
    registry: MemoryRegistry,
    pub(super) now: Timestamp,
}

/// What became of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Taken {
    /// Nobody of this name was here.
    Added,
    /// There is more to say of the agent than before.
    Extended,
    /// The agent is another than before.
    Replaced,
    /// All of this was known.
    Unchanged,
}

impl Desk {
    /// Nobody is here yet.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { registry: MemoryRegistry::builder().clock(SimClock::at(now)).build(), now }
    }

    /// Takes a registration, as the registry does.
    pub(super) fn register(&self, registration: Registration) -> Result<Taken, RegisterError> {
        let (agent, replaces) = (registration.agent.clone(), registration.replaces);
        let before = self.agent(&agent);
        self.registry.sync().register(registration)?;
        let said = |record: &Option<AgentRecord>| record.as_ref().map(to_registration);
        Ok(match before {
            None => Taken::Added,
            Some(_) if said(&before) == said(&self.agent(&agent)) => Taken::Unchanged,
            Some(_) if replaces => Taken::Replaced,
            Some(_) => Taken::Extended,
        })
    }

    /// All that is known of an agent.
    pub(super) fn agent(&self, agent: &AgentId) -> Option<AgentRecord> {
        self.registry.sync().agent(agent)
    }

    /// Who can do what is asked for.
    pub(super) fn find(&self, query: &Query) -> Result<Found, InvalidField> {
        self.registry.sync().find(query)
    }

    /// Everybody, by name.
    pub(super) fn everybody(&self) -> Result<Found, InvalidField> {
        self.find_all(Query::all().order(Order::Name))
    }

    /// All that a query finds, page by page.
    fn find_all(&self, query: Query) -> Result<Found, InvalidField> {
        let mut query = query.limit(Bounds::PAGE);
        let mut all = self.find(&query)?;
        while let Some(cursor) = all.next.take() {
            query.after = Some(cursor);
            let page = self.find(&query)?;
            all.agents.extend(page.agents);
            all.next = page.next;
        }
        Ok(all)
    }

    /// Removes an agent; whether it was here.
    pub(super) fn remove(&self, agent: &AgentId) -> bool {
        self.registry.sync().delete(agent).is_ok()
    }

    /// What every agent would say of itself to another registry, by name.
    pub(super) fn registrations(&self) -> Result<Vec<Registration>, InvalidField> {
        let everybody = self.everybody()?;
        let records = everybody.names().filter_map(|agent| self.agent(agent));
        Ok(records.map(|record| to_registration(&record)).collect())
    }
}

/// What an agent would say of itself to come to another registry as it is here.
pub(super) fn to_registration(record: &AgentRecord) -> Registration {
    let mut said = Registration::lasting(&record.agent);
    said.ttl = record.lease.ttl;
    said.capabilities = record.capabilities.iter().map(|one| one.as_ref().clone()).collect();
    said.description = (!record.description.is_empty()).then(|| record.description.clone());
    said.priority = (record.priority != Priority::default()).then_some(record.priority);
    said.status = (record.status != Status::new()).then(|| record.status.clone());
    let document = |(kind, document): (&String, &Arc<Value>)| (kind.clone(), (**document).clone());
    said.documents = record.documents.iter().map(document).collect();
    said
}

/// What is said of an agent that came with other content: the registry knows of no option of ours.
pub(super) fn conflict(conflict: &Conflict) -> String {
    let Conflict { agent, what, registered, given, .. } = conflict;
    format!(
        "agent `{agent}` is there already, with another {what}: `{registered}`, now `{given}`; `--replace` lets \
         what is read take the place of what is there"
    )
}
