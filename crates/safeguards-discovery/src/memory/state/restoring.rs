//! How a registry is made again of what was [given](super::notes).

use std::{sync::Arc, time::Duration};

use foldhash::{HashMap, HashSet};
use safeguards_types::Timestamp;

use super::{super::slot::Slot, Agent, Log, State};
use crate::{
    Capability, Change, Edit, EditKind, LeaseId, Profile, RestoreError, Standing, Status, Words,
};

/// A registry that is being made again.
#[derive(Debug)]
pub(in crate::memory) struct Restoring {
    state: State,
    standing: Standing,
    slots: HashMap<LeaseId, Slot>,
    /// Those of which it was not said yet until when they hold.
    endless: HashSet<LeaseId>,
}

impl Restoring {
    pub(in crate::memory) fn new(
        agents_max: usize,
        changes_kept: usize,
        standing: Standing,
    ) -> Self {
        let mut state = State::new(agents_max, changes_kept);
        state.log = Log::after_forgotten(changes_kept, standing.forgotten);
        state.leases_made = standing.lease.number();
        Self { state, standing, slots: HashMap::default(), endless: HashSet::default() }
    }

    pub(in crate::memory) fn edit(&mut self, edit: Edit) -> Result<(), RestoreError> {
        let Edit { lease, kind } = edit;
        match kind {
            EditKind::Profile(profile) => match self.slots.get(&lease) {
                None => self.come(lease, profile),
                Some(slot) => self.describe(lease, *slot, profile),
            },
            EditKind::Lease { ttl, expires_at } => self.lease(lease, ttl, expires_at),
            EditKind::Status(status) => self.status(lease, status),
            EditKind::Capability(capability) => self.capability(lease, &capability),
            EditKind::NoCapability { name, version } => {
                let slot = self.slot(lease, "no capability of a name")?;
                let agent = self.state.agents.get(slot);
                let entry =
                    agent.and_then(|agent| self.state.entry_of(agent, &name, version.as_ref()));
                if let Some(entry) = entry {
                    self.state.take_entry(slot, entry);
                }
                Ok(())
            }
            EditKind::Gone => {
                let slot = self.slot(lease, "an end")?;
                self.slots.remove(&lease);
                self.endless.remove(&lease);
                self.state.remove(slot);
                Ok(())
            }
        }
    }

    pub(in crate::memory) fn change(&mut self, change: Change) -> Result<(), RestoreError> {
        let missing = self.state.log.latest().next();
        if change.revision != missing || missing > self.standing.revision {
            return Err(RestoreError::Missing { standing: self.standing, missing });
        }
        self.state.log.keep_next(change);
        Ok(())
    }

    /// All was given. What happens from here on is noted.
    pub(in crate::memory) fn end(self) -> Result<State, RestoreError> {
        let Self { mut state, standing, slots: _, endless } = self;
        if let Some(lease) = endless.into_iter().min() {
            return Err(RestoreError::Endless { lease });
        }
        let latest = state.log.latest();
        if latest != standing.revision {
            return Err(RestoreError::Missing { standing, missing: latest.next() });
        }
        state.log.is_as_late_as(standing.at);
        state.notes.begin(latest);
        Ok(state)
    }

    fn slot(&self, lease: LeaseId, what: &'static str) -> Result<Slot, RestoreError> {
        self.slots.get(&lease).copied().ok_or(RestoreError::Unknown { lease, what })
    }

    fn come(&mut self, lease: LeaseId, profile: Profile) -> Result<(), RestoreError> {
        let Self { state, standing, slots, endless } = self;
        if lease > standing.lease {
            return Err(RestoreError::NotGiven { lease, last: standing.lease });
        }
        let Profile { agent: id, since, description, priority, documents } = profile;
        if state.names.find(id.as_str()).is_some() {
            return Err(RestoreError::Twice { agent: id, lease });
        }
        let words = Words::of_agent(id.as_str(), &description);
        let agent = Agent {
            id: id.clone(),
            description: description.into(),
            priority,
            status: Status::new(),
            lease,
            ttl: None,
            expires_at: None,
            since,
            entries: Vec::new(),
            documents,
        };
        let slot = state.agents.insert(agent).ok_or(RestoreError::Full { lease })?;
        state.words.insert(slot, &words);
        state.names.insert(id, slot);
        state.rank_again(slot);
        slots.insert(lease, slot);
        endless.insert(lease);
        Ok(())
    }

    fn describe(
        &mut self,
        lease: LeaseId,
        slot: Slot,
        profile: Profile,
    ) -> Result<(), RestoreError> {
        let Self { state, .. } = self;
        let unknown = || RestoreError::Unknown { lease, what: "a profile" };
        let agent = state.agents.get_mut(slot).ok_or_else(unknown)?;
        let Profile { agent: id, since, description, priority, documents } = profile;
        if agent.id != id {
            return Err(RestoreError::Twice { agent: id, lease });
        }
        state.words.insert(slot, &Words::of_agent(id.as_str(), &description));
        agent.description = description.into();
        (agent.since, agent.priority, agent.documents) = (since, priority, documents);
        state.rank_again(slot);
        Ok(())
    }

    fn lease(
        &mut self,
        lease: LeaseId,
        ttl: Option<Duration>,
        expires_at: Option<Timestamp>,
    ) -> Result<(), RestoreError> {
        let what = "an end";
        let slot = self.slot(lease, what)?;
        let agent = self.state.agents.get_mut(slot);
        let agent = agent.ok_or(RestoreError::Unknown { lease, what })?;
        (agent.ttl, agent.expires_at) = (ttl, expires_at);
        if let Some(expires_at) = expires_at {
            self.state.leases.watch(expires_at, slot, lease);
            self.state.tidy_leases();
        }
        self.endless.remove(&lease);
        Ok(())
    }

    fn status(&mut self, lease: LeaseId, status: Status) -> Result<(), RestoreError> {
        let what = "a status";
        let slot = self.slot(lease, what)?;
        let agent = self.state.agents.get_mut(slot);
        agent.ok_or(RestoreError::Unknown { lease, what })?.status = status;
        self.state.rank_again(slot);
        Ok(())
    }

    fn capability(
        &mut self,
        lease: LeaseId,
        capability: &Arc<Capability>,
    ) -> Result<(), RestoreError> {
        let what = "a capability";
        let slot = self.slot(lease, what)?;
        let agent = self.state.agents.get(slot);
        let agent = agent.ok_or(RestoreError::Unknown { lease, what })?;
        let before = self.state.entry_of(agent, &capability.name, capability.version.as_ref());
        if let Some(before) = before {
            self.state.take_entry(slot, before);
        }
        self.state.add_entry(slot, capability).ok_or(RestoreError::Full { lease })
    }
}
