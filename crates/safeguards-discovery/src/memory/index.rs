//! [`Index`]: which capabilities have a name, a version, a tag, a value in their metadata: sets of their numbers.

mod metadata;

use std::{borrow::Cow, collections::BTreeMap};

use foldhash::HashMap;
use roaring::RoaringBitmap;
use semver::Version;

use self::metadata::MetadataIndex;
use super::slot::EntryNo;
use crate::{Capability, CapabilityName, Query, Words, search::index::TextIndex};

/// More versions than this are not looked through for a range: each candidate is looked at instead.
const VERSIONS_MAX: usize = 4_096;

/// Sets of capabilities' numbers, by all that can be asked of a capability.
#[derive(Debug, Default)]
pub(super) struct Index {
    all: RoaringBitmap,
    /// Those of agents that may be given work.
    healthy: RoaringBitmap,
    /// By name, also by each name above it.
    names: HashMap<Box<str>, RoaringBitmap>,
    versions: BTreeMap<Version, RoaringBitmap>,
    tags: HashMap<Box<str>, RoaringBitmap>,
    metadata: MetadataIndex,
    words: TextIndex,
}

/// Capabilities that may be meant by a query.
#[derive(Debug)]
pub(super) struct Candidates<'i> {
    pub(super) entries: Cow<'i, RoaringBitmap>,
    /// Those among them that must be looked at, since the index does not know all of them.
    pub(super) unsure: RoaringBitmap,
}

impl Index {
    pub(super) fn insert(&mut self, entry: EntryNo, capability: &Capability, is_healthy: bool) {
        self.all.insert(entry);
        self.set_healthy(entry, is_healthy);
        for name in capability.name.and_above() {
            add(&mut self.names, name, entry);
        }
        if let Some(version) = &capability.version {
            self.versions.entry(version.clone()).or_default().insert(entry);
        }
        for tag in &capability.tags {
            add(&mut self.tags, tag, entry);
        }
        self.metadata.insert(entry, &capability.metadata);
        self.words.insert(entry, &Words::of_capability(capability));
    }

    pub(super) fn remove(&mut self, entry: EntryNo, capability: &Capability) {
        self.all.remove(entry);
        self.healthy.remove(entry);
        for name in capability.name.and_above() {
            take(&mut self.names, name, entry);
        }
        if let Some(version) = &capability.version
            && let Some(set) = self.versions.get_mut(version)
        {
            set.remove(entry);
            if set.is_empty() {
                self.versions.remove(version);
            }
        }
        for tag in &capability.tags {
            take(&mut self.tags, tag, entry);
        }
        self.metadata.remove(entry, &capability.metadata);
        self.words.remove(entry);
    }

    pub(super) fn set_healthy(&mut self, entry: EntryNo, is_healthy: bool) {
        if is_healthy {
            self.healthy.insert(entry);
        } else {
            self.healthy.remove(entry);
        }
    }

    /// The words of all capabilities.
    pub(super) const fn words(&self) -> &TextIndex {
        &self.words
    }

    /// The capabilities of which what the query says of one may hold. Words are not looked at.
    pub(super) fn candidates(&self, query: &Query) -> Candidates<'_> {
        let mut sets: Vec<Cow<'_, RoaringBitmap>> = Vec::new();
        let mut unsure = RoaringBitmap::new();
        if query.healthy_only {
            sets.push(Cow::Borrowed(&self.healthy));
        }
        if let Some(name) = &query.capability {
            sets.push(self.named(name));
        }
        sets.extend(query.tags.iter().map(|tag| found(self.tags.get(tag.as_str()))));
        for condition in &query.conditions {
            let held = self.metadata.held(condition, &self.all);
            unsure |= held.unsure;
            sets.push(held.entries);
        }
        // The smallest first: what is left is never more.
        sets.sort_by_key(|set| set.len());
        let mut sets = sets.into_iter();
        let first = sets.next().unwrap_or(Cow::Borrowed(&self.all));
        let entries = sets.fold(first, |left, set| Cow::Owned(&*left & &*set));
        // Last, since versions are many: of each, only what is left.
        let entries = match &query.version {
            None => entries,
            Some(range) if self.versions.len() <= VERSIONS_MAX => {
                let within = self.versions.iter().filter(|(version, _)| range.matches(version));
                Cow::Owned(within.fold(RoaringBitmap::new(), |mut union, (_, set)| {
                    union |= &*entries & set;
                    union
                }))
            }
            Some(_) => {
                unsure |= &*entries;
                entries
            }
        };
        Candidates { entries, unsure }
    }

    fn named(&self, name: &CapabilityName) -> Cow<'_, RoaringBitmap> {
        found(self.names.get(name.as_str()))
    }
}

fn found(set: Option<&RoaringBitmap>) -> Cow<'_, RoaringBitmap> {
    set.map_or_else(|| Cow::Owned(RoaringBitmap::new()), Cow::Borrowed)
}

fn union(sets: &[&RoaringBitmap]) -> RoaringBitmap {
    sets.iter().fold(RoaringBitmap::new(), |mut union, set| {
        union |= *set;
        union
    })
}

fn add(sets: &mut HashMap<Box<str>, RoaringBitmap>, key: &str, entry: EntryNo) {
    if let Some(set) = sets.get_mut(key) {
        set.insert(entry);
    } else {
        sets.insert(key.into(), [entry].into_iter().collect());
    }
}

/// Takes an entry out of the set under a key. A set in which nothing is left is forgotten.
fn take(sets: &mut HashMap<Box<str>, RoaringBitmap>, key: &str, entry: EntryNo) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(entry);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}
