//! [`Diary`]: somebody's own store of shared state. It keeps what happened, and looks there for all else.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_coord::{
    KeyStanding, Revision, StateBounds, StateChanges, StateDeed, StateEntry, StateError, StateKey,
    StatePage, StateQuery, StateReading, StateRecord, StateRoom, StateScope, StateStore,
    StateTerms, StateWrite,
};
use safeguards_testkit::state::StateSetup;
use safeguards_types::{AgentId, Clock as _, Timestamp};
use tokio::sync::Notify;

/// All that happened, in one list, and the versions of each key that is there. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct Diary {
    setup: StateSetup,
    pages: Arc<Mutex<Pages>>,
    changed: Arc<Notify>,
    calls: Arc<AtomicUsize>,
}

#[derive(Clone, Debug, Default)]
struct Pages {
    /// Change n stands at n - 1.
    records: Vec<StateRecord>,
    /// The versions of what is there, the present one last.
    here: BTreeMap<StateKey, Vec<Arc<StateEntry>>>,
}

impl Diary {
    pub(super) fn new(setup: StateSetup) -> Self {
        Self { setup, pages: Arc::default(), changed: Arc::default(), calls: Arc::default() }
    }

    /// How often it was asked something.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Does this now, after what ran out until then was ended.
    fn open<T>(&self, act: impl FnOnce(&mut Pages, Timestamp) -> T) -> T {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mut pages = self.pages.lock();
        let before = pages.latest();
        let now =
            pages.records.iter().map(|record| record.at).fold(self.setup.clock.now(), Ord::max);
        while let Some((end, key)) = pages.next_end().filter(|(end, _)| *end <= now) {
            if let Some(record) = pages.standing(&key, self.setup.changes_kept).expire(end) {
                pages.note(record, self.setup.history_kept);
            }
        }
        let answer = act(&mut pages, now);
        if pages.latest() != before {
            self.changed.notify_waiters();
        }
        answer
    }

    /// Writes down what was decided, if there is room.
    fn note(&self, pages: &mut Pages, record: &StateRecord) -> Result<Revision, StateError> {
        let full = |room, max| StateError::Full { key: record.key.clone(), room, max };
        if record.before.is_none() && pages.here.len() >= self.setup.keys_max {
            return Err(full(StateRoom::Keys, self.setup.keys_max));
        }
        let mut next = pages.clone();
        next.note(record.clone(), self.setup.history_kept);
        let bytes: usize = next.here.values().flatten().map(|entry| entry.bytes).sum();
        if record.deed == StateDeed::Written && bytes > self.setup.bytes_max {
            return Err(full(StateRoom::Bytes, self.setup.bytes_max));
        }
        *pages = next;
        Ok(record.revision)
    }

    fn standing(&self, pages: &Pages, key: &StateKey) -> KeyStanding {
        pages.standing(key, self.setup.changes_kept)
    }
}

impl Pages {
    fn latest(&self) -> Revision {
        Revision::new(self.records.len() as u64)
    }

    /// All changes after this are kept.
    fn oldest(&self, changes_kept: usize) -> Revision {
        Revision::new(self.records.len().saturating_sub(changes_kept) as u64)
    }

    fn next_end(&self) -> Option<(Timestamp, StateKey)> {
        let present = self.here.values().filter_map(|versions| versions.last());
        present.filter_map(|entry| Some((entry.expires_at?, entry.key.clone()))).min()
    }

    fn standing(&self, key: &StateKey, changes_kept: usize) -> KeyStanding {
        if let Some(entry) = self.here.get(key).and_then(|versions| versions.last()) {
            return KeyStanding::present(Arc::clone(entry), self.latest());
        }
        let last = self.records.iter().rev().find(|record| record.key == *key);
        let changed = last.map_or(Revision::ZERO, |record| record.revision);
        KeyStanding::absent(changed.max(self.oldest(changes_kept)), self.latest())
    }

    fn note(&mut self, record: StateRecord, history_kept: usize) {
        match &record.after {
            None => {
                self.here.remove(&record.key);
            }
            Some(after) => {
                let versions = self.here.entry(record.key.clone()).or_default();
                if record.deed == StateDeed::Amended {
                    versions.pop();
                }
                versions.push(Arc::clone(after));
                let gone = versions.len().saturating_sub(history_kept + 1);
                versions.drain(..gone);
            }
        }
        self.records.push(record);
    }

    fn reached(&self, revision: Revision) -> Result<(), StateError> {
        let latest = self.latest();
        if revision > latest { Err(StateError::Ahead { revision, latest }) } else { Ok(()) }
    }

    fn after(&self, revision: Revision) -> &[StateRecord] {
        let from = usize::try_from(revision.number()).unwrap();
        &self.records[from..]
    }
}

#[async_trait]
impl StateStore for Diary {
    async fn read(&self, agent: &AgentId, key: &StateKey) -> Result<StateReading, StateError> {
        self.open(|pages, _| self.standing(pages, key).read(agent))
    }

    async fn write(&self, agent: &AgentId, write: StateWrite) -> Result<Revision, StateError> {
        let checked = write.checked(agent)?;
        self.open(|pages, now| {
            let record = self.standing(pages, checked.key()).write(checked, now)?;
            self.note(pages, &record)
        })
    }

    async fn amend(&self, agent: &AgentId, terms: StateTerms) -> Result<Revision, StateError> {
        terms.check()?;
        self.open(|pages, now| {
            let record = self.standing(pages, &terms.key).amend(agent, terms.clone(), now)?;
            self.note(pages, &record)
        })
    }

    async fn delete(
        &self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<Revision, StateError> {
        self.open(|pages, now| {
            let record = self.standing(pages, key).delete(agent, key, if_revision, now)?;
            self.note(pages, &record)
        })
    }

    async fn list(&self, agent: &AgentId, query: &StateQuery) -> Result<StatePage, StateError> {
        let limit = query.checked_limit()?;
        self.open(|pages, _| {
            let present = pages.here.values().filter_map(|versions| versions.last());
            let mut entries: Vec<Arc<StateEntry>> = present
                .filter(|entry| entry.key.as_str().starts_with(&query.prefix))
                .filter(|entry| query.after.as_ref().is_none_or(|after| entry.key > *after))
                .filter(|entry| entry.may_read(agent))
                .cloned()
                .collect();
            let has_more = entries.len() > limit;
            entries.truncate(limit);
            let next = entries.last().filter(|_| has_more).map(|entry| entry.key.clone());
            Ok(StatePage::new(entries, next, pages.latest()))
        })
    }

    async fn history(
        &self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Result<Vec<Arc<StateEntry>>, StateError> {
        self.open(|pages, _| {
            self.standing(pages, key).read(agent)?;
            let versions = pages.here.get(key).into_iter().flatten().rev();
            Ok(versions.filter(|entry| entry.may_read(agent)).take(limit).cloned().collect())
        })
    }

    async fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        self.open(|pages, _| {
            pages.reached(after)?;
            let oldest = pages.oldest(self.setup.changes_kept);
            if after < oldest {
                return Err(StateError::Lagged { after, oldest });
            }
            let (mut changes, mut next) = (Vec::new(), after);
            for record in pages.after(after) {
                if changes.len() >= limit.min(StateBounds::CHANGES) {
                    break;
                }
                next = record.revision;
                changes.extend(record.shown_to(agent).filter(|_| scope.contains(&record.key)));
            }
            Ok(StateChanges::new(changes, next))
        })
    }

    async fn changed(&self, scope: &StateScope, after: Revision) -> Result<(), StateError> {
        loop {
            let changed = self.changed.notified();
            let is_past = self.open(|pages, _| {
                pages.reached(after)?;
                let is_forgotten = after < pages.oldest(self.setup.changes_kept);
                let mut later = pages.after(after).iter();
                Ok::<_, StateError>(is_forgotten || later.any(|one| scope.contains(&one.key)))
            })?;
            if is_past {
                return Ok(());
            }
            changed.await;
        }
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, StateError> {
        Ok(self.open(|pages, _| pages.next_end().map(|(end, _)| end)))
    }
}

mod suite {
    use super::*;
    use safeguards_testkit::{state::StateEnv, state_store_conformance};

    async fn make(setup: StateSetup) -> StateEnv {
        StateEnv::new(Arc::new(Diary::new(setup)))
    }

    state_store_conformance!(make);
}
