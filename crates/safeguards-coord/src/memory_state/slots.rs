//! [`Slots`]: the keys with their values, when they end, and what happened.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    ops::Bound,
    sync::Arc,
};

use foldhash::fast::RandomState;
use safeguards_types::{AgentId, Timestamp};

use super::log::Log;
use crate::{
    CheckedWrite, KeyStanding, Revision, StateChanges, StateDeed, StateEntry, StateError, StateKey,
    StatePage, StateQuery, StateRecord, StateRoom, StateScope, StateStoreBounds,
};

/// The keys with their values, when they end, and what happened.
#[derive(Debug)]
pub(super) struct Slots {
    bounds: StateStoreBounds,
    /// Keys that are there, and absent ones whose end is still in the log.
    by_key: HashMap<StateKey, Slot, RandomState>,
    /// The keys that are there.
    names: BTreeSet<StateKey>,
    /// When keys end.
    ends: BTreeSet<(Timestamp, StateKey)>,
    log: Log,
    /// How many bytes values take, with their kept versions.
    bytes: usize,
}

#[derive(Debug)]
struct Slot {
    entry: Option<Arc<StateEntry>>,
    /// The latest change.
    changed: Revision,
    /// Earlier versions, the oldest first.
    history: VecDeque<Arc<StateEntry>>,
}

impl Slots {
    pub(super) fn new(bounds: StateStoreBounds) -> Self {
        Self {
            bounds,
            by_key: HashMap::default(),
            names: BTreeSet::new(),
            ends: BTreeSet::new(),
            log: Log::new(bounds.changes_kept),
            bytes: 0,
        }
    }

    /// The time, which never goes back.
    pub(super) fn now(&self, clock: Timestamp) -> Timestamp {
        clock.max(self.log.latest_at())
    }

    pub(super) const fn latest(&self) -> Revision {
        self.log.latest()
    }

    pub(super) fn has_ends(&self) -> bool {
        !self.ends.is_empty()
    }

    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.ends.first().map(|(end, _)| *end)
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.next_end().is_some_and(|end| end <= now)
    }

    /// Ends the keys whose time ran out.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while self.is_due(now)
            && let Some((end, key)) = self.ends.pop_first()
        {
            if let Some(record) = self.standing(&key).expire(end) {
                self.keep(record);
            }
        }
    }

    /// How a key stands.
    pub(super) fn standing(&self, key: &StateKey) -> KeyStanding {
        let latest = self.latest();
        match self.by_key.get(key) {
            Some(Slot { entry: Some(entry), .. }) => {
                KeyStanding::present(Arc::clone(entry), latest)
            }
            Some(Slot { entry: None, changed, .. }) => KeyStanding::absent(*changed, latest),
            None => KeyStanding::absent(self.log.oldest(), latest),
        }
    }

    pub(super) fn write(
        &mut self,
        checked: CheckedWrite,
        now: Timestamp,
    ) -> Result<Revision, StateError> {
        let bytes = checked.bytes();
        let record = self.standing(checked.key()).write(checked, now)?;
        self.check_room(&record, bytes)?;
        Ok(self.keep(record))
    }

    fn check_room(&self, record: &StateRecord, bytes: usize) -> Result<(), StateError> {
        let full = |room, max| Err(StateError::Full { key: record.key.clone(), room, max });
        let StateStoreBounds { keys_max, bytes_max, .. } = self.bounds;
        let history = self.bounds.versions_kept();
        if record.before.is_none() && self.names.len() >= keys_max {
            return full(StateRoom::Keys, keys_max);
        }
        let mut sum = self.bytes.saturating_add(bytes);
        if sum > bytes_max {
            // What gives way to this version makes room.
            if let Some(slot) = self.by_key.get(&record.key) {
                let leaves = match slot.history.front() {
                    _ if history == 0 => slot.entry.as_ref(),
                    oldest if slot.history.len() >= history => oldest,
                    _ => None,
                };
                sum = sum.saturating_sub(self::bytes(leaves));
            }
            if sum > bytes_max {
                return full(StateRoom::Bytes, bytes_max);
            }
        }
        Ok(())
    }

    /// Carries out what was decided.
    pub(super) fn keep(&mut self, record: StateRecord) -> Revision {
        let revision = record.revision;
        self.keep_names_and_ends(&record);
        let previous = self.keep_entry(&record);
        let by_key = &mut self.by_key;
        self.log.tell(record, previous, |forgotten| {
            // An absent key is forgotten with its end, unless it came and went again since.
            if forgotten.after.is_none()
                && let Some(slot) = by_key.get(&forgotten.key)
                && slot.entry.is_none()
                && slot.changed == forgotten.revision
            {
                by_key.remove(&forgotten.key);
            }
        });
        revision
    }

    fn keep_names_and_ends(&mut self, record: &StateRecord) {
        let StateRecord { key, before, after, .. } = record;
        let end = |entry: &Option<Arc<StateEntry>>| entry.as_ref().and_then(|one| one.expires_at);
        let (old_end, new_end) = (end(before), end(after));
        if old_end != new_end {
            if let Some(end) = old_end {
                self.ends.remove(&(end, key.clone()));
            }
            if let Some(end) = new_end {
                self.ends.insert((end, key.clone()));
            }
        }
        match (before, after) {
            (None, Some(_)) => {
                self.names.insert(key.clone());
            }
            (Some(_), None) => {
                self.names.remove(key);
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    /// Gives the latest change of this key before.
    fn keep_entry(&mut self, record: &StateRecord) -> Revision {
        let StateRecord { revision, ref key, deed, ref after, .. } = *record;
        if deed == StateDeed::Written {
            self.bytes = self.bytes.saturating_add(bytes(after.as_ref()));
        }
        let Some(slot) = self.by_key.get_mut(key) else {
            let slot = Slot { entry: after.clone(), changed: revision, history: VecDeque::new() };
            self.by_key.insert(key.clone(), slot);
            return Revision::ZERO;
        };
        let previous = std::mem::replace(&mut slot.changed, revision);
        let gone = std::mem::replace(&mut slot.entry, after.clone());
        let mut dropped = 0_usize;
        match deed {
            StateDeed::Written => {
                slot.history.extend(gone);
                while slot.history.len() > self.bounds.versions_kept() {
                    dropped = dropped.saturating_add(bytes(slot.history.pop_front().as_ref()));
                }
            }
            StateDeed::Amended => {}
            StateDeed::Deleted | StateDeed::Expired => {
                let history = std::mem::take(&mut slot.history);
                let all = history.iter().chain(&gone).map(|entry| entry.bytes);
                dropped = all.fold(0, usize::saturating_add);
            }
        }
        self.bytes = self.bytes.saturating_sub(dropped);
        previous
    }

    pub(super) fn list(&self, agent: &AgentId, query: &StateQuery, limit: usize) -> StatePage {
        let prefix = query.prefix.as_str();
        let begin = match &query.after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.as_str()),
            Some(_) | None => Bound::Included(prefix),
        };
        let names = self.names.range::<str, _>((begin, Bound::Unbounded));
        let names = names.take_while(|key| key.as_str().starts_with(prefix));
        let entries = names.filter_map(|key| self.by_key.get(key)?.entry.as_ref());
        let mut readable = entries.filter(|entry| entry.may_read(agent));
        let page: Vec<_> = readable.by_ref().take(limit).cloned().collect();
        let has_more = readable.next().is_some();
        let next = page.last().filter(|_| has_more).map(|entry| entry.key.clone());
        StatePage::new(page, next, self.latest())
    }

    pub(super) fn history(
        &self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Result<Vec<Arc<StateEntry>>, StateError> {
        let present = self.standing(key).read(agent)?;
        let earlier = self.by_key.get(key).into_iter().flat_map(|slot| slot.history.iter().rev());
        let earlier = earlier.filter(|entry| entry.may_read(agent)).cloned();
        Ok(present.entry.into_iter().chain(earlier).take(limit).collect())
    }

    pub(super) fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        self.log.of_scope(agent, scope, |key| self.last_of(key), after, limit)
    }

    /// The latest change of a key, as far as it is known.
    fn last_of(&self, key: &StateKey) -> Revision {
        self.by_key.get(key).map_or(Revision::ZERO, |slot| slot.changed)
    }

    /// The keys that changed after a revision.
    pub(super) fn changed_after(&self, after: Revision) -> impl Iterator<Item = &StateKey> {
        self.log.keys_after(after)
    }

    /// Whether one of these keys changed after a revision, or cannot be known not to have.
    pub(super) fn is_past(&self, scope: &StateScope, after: Revision) -> Result<bool, StateError> {
        self.log.check_reached(after)?;
        Ok(match scope {
            StateScope::Key(key) => after < self.log.oldest() || self.last_of(key) > after,
            StateScope::Prefix(prefix) => self.log.is_past(prefix, after),
        })
    }
}

fn bytes(entry: Option<&Arc<StateEntry>>) -> usize {
    entry.map_or(0, |entry| entry.bytes)
}
