//! [`Notes`]: what of a registry somebody who keeps it elsewhere has not been given yet.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    mem,
    sync::Arc,
};

use semver::Version;

use super::{super::slot::Slot, Agent, State};
use crate::{CapabilityName, Edit, EditKind, LeaseId, Profile, Revision, Standing, Unwritten};

/// Which parts of which agents are otherwise than when they were given last; what they say is looked up when they are
/// given next. So what changes often is given once, and what came and went is not given at all.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Where nobody asks, nothing is noted.
    is_on: bool,
    steps: u64,
    /// The changes up to this one were given.
    given: Revision,
    touched: BTreeMap<LeaseId, Touched>,
}

/// What of an agent is to be given.
#[derive(Debug)]
enum Touched {
    /// All.
    New(Slot),
    Parts(Slot, Parts),
    Gone,
}

#[derive(Debug, Default)]
struct Parts {
    profile: bool,
    lease: bool,
    status: bool,
    capabilities: BTreeSet<(CapabilityName, Option<Version>)>,
}

/// A part of an agent that is otherwise than before.
#[derive(Debug)]
pub(super) enum Part<'p> {
    Profile,
    Lease,
    Status,
    Capability(&'p CapabilityName, Option<&'p Version>),
}

impl Notes {
    /// Notes from here on; the changes up to this one are known.
    pub(super) fn begin(&mut self, given: Revision) {
        *self = Self { is_on: true, given, ..Self::default() };
    }

    pub(in crate::memory) const fn steps(&self) -> u64 {
        self.steps
    }

    /// An agent came.
    pub(super) fn came(&mut self, lease: LeaseId, slot: Slot) {
        if self.is_on {
            self.steps = self.steps.saturating_add(1);
            self.touched.insert(lease, Touched::New(slot));
        }
    }

    /// A part of an agent is otherwise.
    pub(super) fn touch(&mut self, lease: LeaseId, slot: Slot, part: &Part<'_>) {
        if !self.is_on {
            return;
        }
        self.steps = self.steps.saturating_add(1);
        let parts = || Touched::Parts(slot, Parts::default());
        match self.touched.entry(lease).or_insert_with(parts) {
            Touched::New(_) | Touched::Gone => {}
            Touched::Parts(_, parts) => match part {
                Part::Profile => parts.profile = true,
                Part::Lease => parts.lease = true,
                Part::Status => parts.status = true,
                Part::Capability(name, version) => {
                    parts.capabilities.insert(((*name).clone(), version.cloned()));
                }
            },
        }
    }

    /// An agent is gone.
    pub(super) fn went(&mut self, lease: LeaseId) {
        if !self.is_on {
            return;
        }
        self.steps = self.steps.saturating_add(1);
        match self.touched.entry(lease) {
            Entry::Occupied(entry) if matches!(entry.get(), Touched::New(_)) => {
                entry.remove();
            }
            Entry::Occupied(mut entry) => {
                entry.insert(Touched::Gone);
            }
            Entry::Vacant(entry) => {
                entry.insert(Touched::Gone);
            }
        }
    }
}

impl State {
    /// How often something was noted.
    pub(in crate::memory) const fn steps(&self) -> u64 {
        self.notes.steps()
    }

    /// What was noted and is not given yet.
    pub(in crate::memory) fn unwritten(&mut self) -> Unwritten {
        let touched = mem::take(&mut self.notes.touched);
        let mut edits = Vec::with_capacity(touched.len());
        for (lease, touched) in touched {
            let mut give = |kind: EditKind| edits.push(Edit::new(lease, kind));
            match touched {
                Touched::Gone => give(EditKind::Gone),
                Touched::New(slot) => self.give_all(slot, give),
                Touched::Parts(slot, parts) => self.give_parts(slot, &parts, give),
            }
        }
        let latest = self.log.latest();
        let given = mem::replace(&mut self.notes.given, latest);
        let standing = Standing::new(
            latest,
            self.log.latest_at(),
            LeaseId::new(self.leases_made),
            self.log.oldest(),
        );
        Unwritten { edits, changes: self.log.later_than(given), standing, steps: self.notes.steps }
    }

    fn give_all(&self, slot: Slot, mut give: impl FnMut(EditKind)) {
        let Some(agent) = self.agents.get(slot) else { return };
        give(EditKind::Profile(agent.profile()));
        give(agent.term());
        if agent.status != crate::Status::new() {
            give(EditKind::Status(agent.status.clone()));
        }
        let capabilities = agent.entries.iter().filter_map(|entry| self.capability(*entry));
        capabilities.for_each(|capability| give(EditKind::Capability(Arc::clone(capability))));
    }

    fn give_parts(&self, slot: Slot, parts: &Parts, mut give: impl FnMut(EditKind)) {
        let Some(agent) = self.agents.get(slot) else { return };
        let Parts { profile, lease, status, capabilities } = parts;
        if *profile {
            give(EditKind::Profile(agent.profile()));
        }
        if *lease {
            give(agent.term());
        }
        if *status {
            give(EditKind::Status(agent.status.clone()));
        }
        for (name, version) in capabilities {
            let known = self.entry_of(agent, name, version.as_ref());
            give(match known.and_then(|entry| self.capability(entry)) {
                Some(capability) => EditKind::Capability(Arc::clone(capability)),
                None => EditKind::NoCapability { name: name.clone(), version: version.clone() },
            });
        }
    }
}

impl Agent {
    fn profile(&self) -> Profile {
        let mut profile = Profile::new(self.id.clone(), self.since);
        profile.description = self.description.to_string();
        profile.priority = self.priority;
        profile.documents.clone_from(&self.documents);
        profile
    }

    fn term(&self) -> EditKind {
        EditKind::Lease { ttl: self.ttl, expires_at: self.expires_at }
    }
}
