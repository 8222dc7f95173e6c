//! What changes a registry: everything is checked before anything is changed.

use std::{collections::BTreeMap, sync::Arc};

use safeguards_types::{AgentId, Priority, Timestamp};
use semver::Version;
use serde_json::Value;

use super::{
    super::slot::{EntryNo, Slot, place},
    Agent, Rank, State,
    notes::Part,
};
use crate::{
    Bounds, Capability, CapabilityName, ChangeKind, Conflict, InvalidField, InvalidKind, Lease,
    LeaseId, RegisterError, Registration, RenewError, Status, WithdrawError, Words,
    check::{check_count, check_json},
};

impl State {
    pub(in crate::memory) fn register(
        &mut self,
        said: Registration,
        now: Timestamp,
    ) -> Result<Lease, RegisterError> {
        said.check()?;
        let expires_at = end(&said, now)?;
        match self.names.find(said.agent.as_str()) {
            None => self.arrive(said, now, expires_at),
            Some(slot) => self.say_more(slot, said, now, expires_at),
        }
    }

    fn arrive(
        &mut self,
        said: Registration,
        now: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Result<Lease, RegisterError> {
        let full = |agent: &AgentId, max| RegisterError::Full { agent: agent.clone(), max };
        if self.names.len() >= self.agents_max {
            return Err(full(&said.agent, self.agents_max));
        }
        let Registration {
            agent: id,
            ttl,
            capabilities,
            description,
            priority,
            status,
            documents,
            ..
        } = said;
        let lease = LeaseId::new(self.leases_made.saturating_add(1));
        let agent = Agent {
            id: id.clone(),
            description: description.unwrap_or_default().into(),
            priority,
            status: status.unwrap_or_default(),
            lease,
            ttl,
            expires_at,
            since: now,
            entries: Vec::new(),
            documents: documents.into_iter().map(|(kind, value)| (kind, Arc::new(value))).collect(),
        };
        let given = agent.lease();
        let is_described = !agent.description.is_empty()
            || agent.priority.is_some_and(|priority| priority != Priority::default())
            || !agent.documents.is_empty();
        let status = (agent.status != Status::new()).then(|| agent.status.clone());
        let words = Words::of_agent(id.as_str(), &agent.description);
        let Some(slot) = self.agents.insert(agent) else {
            return Err(full(&id, self.agents_max));
        };
        self.leases_made = lease.number();
        self.notes.came(lease, slot);
        self.words.insert(slot, &words);
        self.names.insert(id.clone(), slot);
        self.rank_again(slot);
        if let Some(expires_at) = expires_at {
            self.leases.watch(expires_at, slot, lease);
        }
        self.log.tell(now, id.clone(), ChangeKind::Arrived { lease });
        for capability in sorted(capabilities) {
            self.log.tell(
                now,
                id.clone(),
                ChangeKind::Advertised { capability: Arc::clone(&capability) },
            );
            self.add_entry(slot, &capability);
        }
        if is_described {
            self.log.tell(now, id.clone(), ChangeKind::Described);
        }
        if let Some(status) = status {
            self.log.tell(now, id, ChangeKind::StatusChanged { status });
        }
        Ok(given)
    }

    /// An agent that is here says more, the same again, or all anew.
    fn say_more(
        &mut self,
        slot: Slot,
        said: Registration,
        now: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Result<Lease, RegisterError> {
        let gone = || RegisterError::from(unknown(&said.agent));
        if !said.replaces
            && let Some(conflict) = self.conflict(slot, &said)
        {
            return Err(conflict.into());
        }
        let agent = self.agents.get(slot).ok_or_else(gone)?;
        let Registration {
            agent: id,
            ttl,
            capabilities,
            description,
            priority,
            status,
            documents,
            replaces,
        } = said;
        let mut new_documents = if replaces { BTreeMap::new() } else { agent.documents.clone() };
        new_documents.extend(documents.into_iter().map(|(kind, value)| (kind, Arc::new(value))));
        let listed: BTreeMap<&str, &Value> =
            new_documents.iter().map(|(kind, value)| (kind.as_str(), &**value)).collect();
        check_json(InvalidKind::Document, "documents", &listed, Bounds::DOCUMENTS_BYTES)?;
        let capabilities = sorted(capabilities);
        let known = |entry: &EntryNo| self.capability(*entry);
        let is_there =
            |one: &Capability| agent.entries.iter().filter_map(known).any(|known| **known == *one);
        let added: Vec<Arc<Capability>> =
            capabilities.iter().filter(|one| !is_there(one)).cloned().collect();
        let stays = |entry: &EntryNo| {
            !replaces || known(entry).is_some_and(|known| capabilities.contains(known))
        };
        let withdrawn: Vec<EntryNo> =
            agent.entries.iter().filter(|entry| !stays(entry)).copied().collect();
        let count = agent.entries.len().saturating_sub(withdrawn.len()).saturating_add(added.len());
        let kind = InvalidKind::Capabilities;
        check_count(kind, "capabilities", count, Bounds::CAPABILITIES, "capabilities")?;

        // Nothing is refused from here on.
        for entry in withdrawn {
            self.remove_entry(slot, entry, now);
        }
        for capability in added {
            let kind = ChangeKind::Advertised { capability: Arc::clone(&capability) };
            self.log.tell(now, id.clone(), kind);
            self.add_entry(slot, &capability);
        }
        let Some(agent) = self.agents.get_mut(slot) else {
            return Err(unknown(&id).into());
        };
        let first = |replaces: bool| replaces.then(String::new);
        let description = description.or_else(|| first(replaces));
        let priority = if replaces { priority } else { priority.or(agent.priority) };
        let status = status.or_else(|| replaces.then(Status::new));
        let mut is_described = priority.unwrap_or_default() != agent.priority.unwrap_or_default()
            || new_documents != agent.documents;
        // Whether it ever spoke of its priority is kept, though nobody is told.
        let is_otherwise = is_described || priority != agent.priority;
        agent.priority = priority;
        agent.documents = new_documents;
        if let Some(description) = description
            && *description != *agent.description
        {
            is_described = true;
            agent.description = description.into();
            self.words.insert(slot, &Words::of_agent(id.as_str(), &agent.description));
        }
        let is_renewed = (agent.ttl, agent.expires_at) != (ttl, expires_at);
        agent.ttl = ttl;
        agent.expires_at = expires_at;
        let given = agent.lease();
        if is_otherwise || is_described {
            self.notes.touch(given.id, slot, &Part::Profile);
        }
        if is_renewed {
            self.notes.touch(given.id, slot, &Part::Lease);
        }
        if let Some(expires_at) = given.expires_at {
            // Perhaps it had none, or a later one.
            self.leases.watch(expires_at, slot, given.id);
            self.tidy_leases();
        }
        if is_described {
            self.log.tell(now, id, ChangeKind::Described);
        }
        self.rank_again(slot);
        self.set_status(slot, status, now);
        Ok(given)
    }

    pub(in crate::memory) fn renew(
        &mut self,
        lease: &Lease,
        status: Option<Status>,
        now: Timestamp,
    ) -> Result<Lease, RenewError> {
        if let Some(status) = &status {
            status.check()?;
        }
        let gone = || RenewError::Gone { agent: lease.agent.clone(), lease: lease.id };
        let slot = self.names.find(lease.agent.as_str()).ok_or_else(gone)?;
        let agent = self.agents.get_mut(slot).filter(|agent| agent.lease == lease.id);
        let agent = agent.ok_or_else(gone)?;
        let expires_at = agent.ttl.map(|ttl| now.saturating_add(ttl));
        if std::mem::replace(&mut agent.expires_at, expires_at) != expires_at {
            self.notes.touch(agent.lease, slot, &Part::Lease);
        }
        let renewed = agent.lease();
        self.set_status(slot, status, now);
        Ok(renewed)
    }

    pub(in crate::memory) fn withdraw(
        &mut self,
        agent: &AgentId,
        name: &CapabilityName,
        version: Option<Version>,
        now: Timestamp,
    ) -> Result<(), WithdrawError> {
        let unknown = || WithdrawError::UnknownAgent { agent: agent.clone() };
        let slot = self.names.find(agent.as_str()).ok_or_else(unknown)?;
        let entries = &self.agents.get(slot).ok_or_else(unknown)?.entries;
        let is_meant = |entry: &&EntryNo| {
            self.capability(**entry).is_some_and(|known| {
                known.name == *name && (version.is_none() || known.version == version)
            })
        };
        let meant: Vec<EntryNo> = entries.iter().filter(is_meant).copied().collect();
        if meant.is_empty() {
            let (agent, capability) = (agent.clone(), name.clone());
            return Err(WithdrawError::UnknownCapability { agent, capability, version });
        }
        for entry in meant {
            self.remove_entry(slot, entry, now);
        }
        Ok(())
    }

    pub(in crate::memory) fn delete(
        &mut self,
        agent: &AgentId,
        now: Timestamp,
    ) -> Result<(), WithdrawError> {
        let slot = self.names.find(agent.as_str());
        let Some(agent) = slot.and_then(|slot| self.remove(slot)) else {
            return Err(WithdrawError::UnknownAgent { agent: agent.clone() });
        };
        self.log.tell(now, agent.id, ChangeKind::Deleted);
        Ok(())
    }

    /// Removes an agent with all that it can do.
    pub(super) fn remove(&mut self, slot: Slot) -> Option<Agent> {
        let agent = self.agents.remove(slot)?;
        for entry in &agent.entries {
            if let Some(capability) = self.entries.remove(*entry) {
                self.index.remove(*entry, &capability);
            }
        }
        self.names.remove(&agent.id);
        self.notes.went(agent.lease);
        self.words.remove(slot);
        self.tidy_leases();
        Some(agent)
    }

    pub(super) fn tidy_leases(&mut self) {
        let Self { leases, agents, names, .. } = self;
        leases.tidy(names.len(), |slot| {
            let agent = agents.get(slot)?;
            Some((agent.lease, agent.expires_at?))
        });
    }

    /// Gives an agent a capability that it has not; `None` where there is no number for it.
    pub(super) fn add_entry(&mut self, slot: Slot, capability: &Arc<Capability>) -> Option<()> {
        let is_healthy = self.rank(slot).is_healthy;
        let number = self.entries.insert(Arc::clone(capability))?;
        let at = place(number)?;
        if self.owners.len() <= at {
            self.owners.resize(at.saturating_add(1), slot);
        }
        *self.owners.get_mut(at)? = slot;
        self.index.insert(number, capability, is_healthy);
        let Self { agents, entries, notes, .. } = self;
        let agent = agents.get_mut(slot)?;
        let Capability { name, version, .. } = &**capability;
        notes.touch(agent.lease, slot, &Part::Capability(name, version.as_ref()));
        let stands = agent.entries.partition_point(|other| {
            entries.get(*other).is_some_and(|other| (&other.name, &other.version) < (name, version))
        });
        agent.entries.insert(stands, number);
        Some(())
    }

    fn remove_entry(&mut self, slot: Slot, entry: EntryNo, now: Timestamp) {
        let Some(capability) = self.take_entry(slot, entry) else { return };
        let Some(agent) = self.agents.get(slot) else { return };
        let (name, version) = (capability.name.clone(), capability.version.clone());
        self.log.tell(now, agent.id.clone(), ChangeKind::Withdrawn { name, version });
    }

    /// Takes a capability from an agent.
    pub(super) fn take_entry(&mut self, slot: Slot, entry: EntryNo) -> Option<Arc<Capability>> {
        let capability = self.entries.remove(entry)?;
        self.index.remove(entry, &capability);
        let agent = self.agents.get_mut(slot)?;
        agent.entries.retain(|other| *other != entry);
        let part = Part::Capability(&capability.name, capability.version.as_ref());
        self.notes.touch(agent.lease, slot, &part);
        Some(capability)
    }

    /// An agent's capability of this name in this very version.
    pub(super) fn entry_of(
        &self,
        agent: &Agent,
        name: &CapabilityName,
        version: Option<&Version>,
    ) -> Option<EntryNo> {
        let key = |entry: &EntryNo| {
            self.capability(*entry).map(|known| (&known.name, known.version.as_ref()))
        };
        let at = agent.entries.binary_search_by_key(&Some((name, version)), key).ok()?;
        agent.entries.get(at).copied()
    }

    /// Notes how an agent stands, where that is another than before.
    fn set_status(&mut self, slot: Slot, status: Option<Status>, now: Timestamp) {
        let Some(agent) = self.agents.get_mut(slot) else { return };
        let Some(status) = status.filter(|status| *status != agent.status) else { return };
        agent.status = status.clone();
        let id = agent.id.clone();
        self.notes.touch(agent.lease, slot, &Part::Status);
        self.rank_again(slot);
        self.log.tell(now, id, ChangeKind::StatusChanged { status });
    }

    /// Notes what orders compare.
    pub(super) fn rank_again(&mut self, slot: Slot) {
        let (Some(at), Some(agent)) = (place(slot), self.agents.get(slot)) else { return };
        let is_healthy = agent.status.is_healthy();
        let rank = Rank {
            health: agent.status.health,
            priority: agent.priority.unwrap_or_default(),
            is_healthy,
            load: agent.status.load,
        };
        if self.ranks.len() <= at {
            self.ranks.resize(at.saturating_add(1), Rank::default());
        }
        let Some(place) = self.ranks.get_mut(at) else { return };
        let before = std::mem::replace(place, rank);
        if before.is_healthy != is_healthy {
            for entry in &agent.entries {
                self.index.set_healthy(*entry, is_healthy);
            }
        }
    }

    /// What an agent said otherwise before.
    fn conflict(&self, slot: Slot, said: &Registration) -> Option<Conflict> {
        let agent = self.agents.get(slot)?;
        let conflict = |what: String, registered: String, given: String| {
            Some(Conflict::new(agent.id.clone(), what, registered, given))
        };
        for given in &said.capabilities {
            let mut known = agent.entries.iter().filter_map(|entry| self.capability(*entry));
            let known = known.find(|one| one.name == given.name && one.version == given.version);
            if let Some((field, known, new)) = known.and_then(|known| difference(known, given)) {
                return conflict(format!("{field} of {given}"), known, new);
            }
        }
        if let Some(given) = &said.description
            && !agent.description.is_empty()
            && **given != *agent.description
        {
            return conflict(
                "description".to_owned(),
                agent.description.to_string(),
                given.clone(),
            );
        }
        if let (Some(given), Some(known)) = (said.priority, agent.priority)
            && given != known
        {
            return conflict("priority".to_owned(), known.to_string(), given.to_string());
        }
        for (kind, given) in &said.documents {
            if let Some(known) = agent.documents.get(kind)
                && **known != *given
            {
                return conflict(format!("document {kind}"), known.to_string(), given.to_string());
            }
        }
        None
    }
}

/// When a registration's lease runs out.
fn end(said: &Registration, now: Timestamp) -> Result<Option<Timestamp>, InvalidField> {
    let Some(ttl) = said.ttl else { return Ok(None) };
    let end = now.checked_add(ttl).ok_or_else(|| {
        let allowed = format!("a lease ends by {}", Timestamp::MAX);
        InvalidField::new(InvalidKind::Ttl, "ttl", format!("{ttl:?}"), allowed)
    })?;
    Ok(Some(end))
}

/// Each once, by name, those of one name by version.
fn sorted(capabilities: Vec<Capability>) -> Vec<Arc<Capability>> {
    let mut sorted: Vec<Arc<Capability>> = capabilities.into_iter().map(Arc::new).collect();
    sorted.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    // Those of one name and version were found to say the same.
    sorted.dedup();
    sorted
}

/// What two capabilities of one name and version say otherwise: the field, and both.
fn difference(known: &Capability, given: &Capability) -> Option<(&'static str, String, String)> {
    let Capability { name: _, version: _, description, tags, metadata, cost } = known;
    if *description != given.description {
        return Some(("description", description.clone(), given.description.clone()));
    }
    if *tags != given.tags {
        return Some(("tags", tags.join(", "), given.tags.join(", ")));
    }
    if *metadata != given.metadata {
        let text = |metadata: &crate::Metadata| Value::Object(metadata.clone()).to_string();
        return Some(("metadata", text(metadata), text(&given.metadata)));
    }
    (*cost != given.cost).then(|| ("cost", cost.to_string(), given.cost.to_string()))
}

/// The index of names and the agents disagree, which cannot be.
fn unknown(agent: &AgentId) -> InvalidField {
    InvalidField::new(
        InvalidKind::AgentName,
        "agent",
        agent,
        "a name that is known to this registry",
    )
}
