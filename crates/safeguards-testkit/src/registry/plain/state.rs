//! [`State`]: who is here, and all that ever happened.

use std::sync::Arc;

use safeguards_discovery::{
    AgentRecord, Bounds, Capability, CapabilityName, Change, ChangeKind, Changes, ChangesError,
    Conflict, Cursor, Found, InvalidField, Lease, LeaseId, Match, Query, RegisterError,
    Registration, RenewError, Revision, Status, Version, WithdrawError,
};
use safeguards_types::{AgentId, Clock, Priority, Timestamp};

use super::{super::RegistrySetup, bounds, matching};

#[derive(Debug)]
pub(super) struct State {
    setup: RegistrySetup,
    agents: Vec<Known>,
    /// Everything that ever happened: change n stands at n - 1.
    log: Vec<Change>,
    leases_made: u64,
}

/// An agent that is here.
#[derive(Clone, Debug)]
struct Known {
    record: AgentRecord,
    /// Whether it said its priority; else that is the usual one, and may be said later.
    has_priority: bool,
}

impl State {
    pub(super) const fn new(setup: RegistrySetup) -> Self {
        Self { setup, agents: Vec::new(), log: Vec::new(), leases_made: 0 }
    }

    pub(super) fn latest(&self) -> Revision {
        Revision::new(u64::try_from(self.log.len()).unwrap_or(u64::MAX))
    }

    /// Ends what ran out, in the order in which it did, and tells what time it is.
    pub(super) fn expire(&mut self) -> Timestamp {
        let clock = self.setup.clock.now();
        let now = self.log.last().map_or(clock, |change| clock.max(change.at));
        let end = |known: &Known| known.record.lease.expires_at.unwrap_or(Timestamp::MAX);
        let is_over = |known: &Known| known.record.lease.expires_at.is_some_and(|end| end <= now);
        let mut over: Vec<_> = self.agents.iter().filter(|known| is_over(known)).cloned().collect();
        over.sort_by_key(|known| (end(known), known.record.agent.clone()));
        self.agents.retain(|known| !is_over(known));
        for known in over {
            self.tell(&known.record.agent, end(&known), ChangeKind::Expired);
        }
        now
    }

    fn tell(&mut self, agent: &AgentId, at: Timestamp, kind: ChangeKind) {
        let revision = Revision::new(self.latest().number().saturating_add(1));
        self.log.push(Change::new(revision, at, agent.clone(), kind));
    }

    fn place(&self, agent: &AgentId) -> Option<usize> {
        self.agents.iter().position(|known| known.record.agent == *agent)
    }

    pub(super) fn register(
        &mut self,
        registration: &Registration,
        now: Timestamp,
    ) -> Result<Lease, RegisterError> {
        bounds::registration(registration)?;
        let agent = &registration.agent;
        let place = self.place(agent);
        let (mut known, mut kinds) = match place.and_then(|place| self.agents.get(place)) {
            Some(known) => (known.clone(), Vec::new()),
            None if self.agents.len() >= self.setup.agents_max => {
                let (agent, max) = (agent.clone(), self.setup.agents_max);
                return Err(RegisterError::Full { agent, max });
            }
            None => {
                let id = LeaseId::new(self.leases_made.saturating_add(1));
                let lease = Lease::new(agent.clone(), id, None, None);
                let record = AgentRecord::new(lease, now);
                (Known { record, has_priority: false }, vec![ChangeKind::Arrived { lease: id }])
            }
        };
        if !registration.replaces
            && let Some(conflict) = conflict(&known, registration)
        {
            return Err(RegisterError::Conflict(Box::new(conflict)));
        }
        kinds.extend(known.hear(registration, now)?);
        let lease = known.record.lease.clone();
        if let Some(slot) = place.and_then(|place| self.agents.get_mut(place)) {
            *slot = known;
        } else {
            self.leases_made = self.leases_made.saturating_add(1);
            self.agents.push(known);
        }
        for kind in kinds {
            self.tell(agent, now, kind);
        }
        Ok(lease)
    }

    pub(super) fn renew(
        &mut self,
        lease: &Lease,
        status: Option<Status>,
        now: Timestamp,
    ) -> Result<Lease, RenewError> {
        if let Some(status) = &status {
            bounds::status(status)?;
        }
        let is_meant = |known: &&mut Known| {
            known.record.agent == lease.agent && known.record.lease.id == lease.id
        };
        let Some(known) = self.agents.iter_mut().find(is_meant) else {
            return Err(RenewError::Gone { agent: lease.agent.clone(), lease: lease.id });
        };
        let record = &mut known.record;
        record.lease.expires_at = record.lease.ttl.map(|ttl| now.saturating_add(ttl));
        let renewed = record.lease.clone();
        if let Some(status) = status
            && status != record.status
        {
            record.status = status.clone();
            self.tell(&lease.agent, now, ChangeKind::StatusChanged { status });
        }
        Ok(renewed)
    }

    pub(super) fn withdraw(
        &mut self,
        agent: &AgentId,
        name: &CapabilityName,
        version: Option<Version>,
        now: Timestamp,
    ) -> Result<(), WithdrawError> {
        let Some(known) = self.agents.iter_mut().find(|known| known.record.agent == *agent) else {
            return Err(WithdrawError::UnknownAgent { agent: agent.clone() });
        };
        let is_meant = |capability: &Arc<Capability>| {
            capability.name == *name && (version.is_none() || capability.version == version)
        };
        let (gone, stays): (Vec<_>, Vec<_>) =
            known.record.capabilities.drain(..).partition(is_meant);
        known.record.capabilities = stays;
        if gone.is_empty() {
            let (agent, capability) = (agent.clone(), name.clone());
            return Err(WithdrawError::UnknownCapability { agent, capability, version });
        }
        for capability in gone {
            self.tell(agent, now, withdrawn(&capability));
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, agent: &AgentId, now: Timestamp) -> Result<(), WithdrawError> {
        let Some(place) = self.place(agent) else {
            return Err(WithdrawError::UnknownAgent { agent: agent.clone() });
        };
        self.agents.remove(place);
        self.tell(agent, now, ChangeKind::Deleted);
        Ok(())
    }

    pub(super) fn agent(&self, agent: &AgentId) -> Option<AgentRecord> {
        let known = self.agents.iter().find(|known| known.record.agent == *agent);
        known.map(|known| known.record.clone())
    }

    pub(super) fn find(&self, query: &Query) -> Result<Found, InvalidField> {
        bounds::query(query)?;
        let matched =
            self.agents.iter().filter_map(|known| matching::matched(query, &known.record));
        let mut all: Vec<(i128, Match)> =
            matched.map(|found| (matching::place(&query.order, &found), found)).collect();
        all.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| a.agent.cmp(&b.agent)));
        let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
        if let Some(cursor) = &query.after {
            let (key, agent) = cursor.place();
            all.retain(|(place, found)| (*place, &found.agent) > (key, agent));
        }
        let limit = query.limit.unwrap_or(Query::LIMIT);
        let has_more = all.len() > limit;
        all.truncate(limit);
        let last = all.last().filter(|_| has_more);
        let next =
            last.map(|(place, found)| Cursor::new(query.order.name(), *place, found.agent.clone()));
        let page = all.into_iter().map(|(_, found)| found).collect();
        Ok(Found::new(page, total, next, self.latest()))
    }

    pub(super) fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError> {
        let latest = self.latest();
        let kept = u64::try_from(self.setup.changes_kept).unwrap_or(u64::MAX);
        let oldest = Revision::new(latest.number().saturating_sub(kept));
        if after > latest {
            return Err(ChangesError::Ahead { after, latest });
        }
        if after < oldest {
            return Err(ChangesError::Forgotten { after, oldest });
        }
        let later = self.log.iter().filter(|change| change.revision > after);
        let changes: Vec<_> = later.take(limit.min(Bounds::CHANGES)).cloned().collect();
        let next = changes.last().map_or(after, |change| change.revision);
        Ok(Changes::new(changes, next))
    }

    pub(super) fn is_past(&self, after: Revision) -> Result<bool, ChangesError> {
        let latest = self.latest();
        if after > latest { Err(ChangesError::Ahead { after, latest }) } else { Ok(latest > after) }
    }

    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.agents.iter().filter_map(|known| known.record.lease.expires_at).min()
    }
}

impl Known {
    /// Takes in what the agent says, which contradicts nothing, and tells what is new.
    fn hear(
        &mut self,
        said: &Registration,
        now: Timestamp,
    ) -> Result<Vec<ChangeKind>, InvalidField> {
        let before = self.clone();
        let record = &mut self.record;
        if said.replaces {
            record.capabilities.clear();
            record.documents.clear();
            record.description = String::new();
            record.priority = Priority::default();
            record.status = Status::new();
            self.has_priority = false;
        }
        for capability in &said.capabilities {
            if !record.capabilities.iter().any(|known| **known == *capability) {
                record.capabilities.push(Arc::new(capability.clone()));
            }
        }
        record.capabilities.sort_by_key(|one| (one.name.clone(), one.version.clone()));
        for (kind, document) in &said.documents {
            record.documents.insert(kind.clone(), Arc::new(document.clone()));
        }
        bounds::capabilities(record.capabilities.len())?;
        bounds::documents(record.documents.iter().map(|(kind, document)| (kind, &**document)))?;
        if let Some(description) = &said.description {
            record.description.clone_from(description);
        }
        if let Some(priority) = said.priority {
            record.priority = priority;
            self.has_priority = true;
        }
        if let Some(status) = &said.status {
            record.status = status.clone();
        }
        record.lease.ttl = said.ttl;
        record.lease.expires_at = said.ttl.map(|ttl| now.saturating_add(ttl));
        Ok(differences(&before.record, record))
    }
}

/// What happened between two states of an agent, in the order in which it is told.
fn differences(before: &AgentRecord, after: &AgentRecord) -> Vec<ChangeKind> {
    let mut kinds = Vec::new();
    for capability in &before.capabilities {
        if !after.capabilities.contains(capability) {
            kinds.push(withdrawn(capability));
        }
    }
    for capability in &after.capabilities {
        if !before.capabilities.contains(capability) {
            kinds.push(ChangeKind::Advertised { capability: Arc::clone(capability) });
        }
    }
    let is_described = before.description != after.description
        || before.priority != after.priority
        || before.documents != after.documents;
    if is_described {
        kinds.push(ChangeKind::Described);
    }
    if before.status != after.status {
        kinds.push(ChangeKind::StatusChanged { status: after.status.clone() });
    }
    kinds
}

fn withdrawn(capability: &Capability) -> ChangeKind {
    ChangeKind::Withdrawn { name: capability.name.clone(), version: capability.version.clone() }
}

/// What the agent said otherwise before.
fn conflict(known: &Known, said: &Registration) -> Option<Conflict> {
    let record = &known.record;
    let conflict = |what: String, registered: String, given: String| {
        Some(Conflict::new(record.agent.clone(), what, registered, given))
    };
    for given in &said.capabilities {
        let same = |one: &&Arc<Capability>| one.name == given.name && one.version == given.version;
        let Some(registered) = record.capabilities.iter().find(same) else { continue };
        let json = |value: &Capability| {
            serde_json::to_value(value).unwrap_or_default().as_object().cloned().unwrap_or_default()
        };
        let (registered, json) = (json(registered), json(given));
        for field in ["description", "tags", "metadata", "cost"] {
            if registered.get(field) != json.get(field) {
                let text = |field: Option<&serde_json::Value>| {
                    field.map(ToString::to_string).unwrap_or_default()
                };
                let (registered, given_text) = (text(registered.get(field)), text(json.get(field)));
                return conflict(format!("{field} of {given}"), registered, given_text);
            }
        }
    }
    if let Some(given) = &said.description
        && !record.description.is_empty()
        && *given != record.description
    {
        return conflict("description".to_owned(), record.description.clone(), given.clone());
    }
    if let Some(given) = said.priority
        && known.has_priority
        && given != record.priority
    {
        let (registered, given) = (record.priority.to_string(), given.to_string());
        return conflict("priority".to_owned(), registered, given);
    }
    for (kind, given) in &said.documents {
        if let Some(registered) = record.documents.get(kind)
            && **registered != *given
        {
            let (registered, given) = (registered.to_string(), given.to_string());
            return conflict(format!("document {kind}"), registered, given);
        }
    }
    None
}
