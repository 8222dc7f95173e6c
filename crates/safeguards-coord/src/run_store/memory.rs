//! [`MemoryRunStore`]: runs in memory, gone when the process ends.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::Arc,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_types::{OperationId, Timestamp};

use super::{
    EntryKey, RunEntry, RunHead, RunQuery, RunStore, RunStoreBounds, RunStoreError, RunView,
};
use crate::RunId;

/// Runs in memory. Cheap to clone; clones are the same store.
///
/// Of runs that have ended the latest are kept, as many as its [`RunStoreBounds`] say.
///
/// ```
/// use safeguards_coord::{MemoryRunStore, RunQuery};
///
/// let runs = MemoryRunStore::new();
/// assert!(runs.sync().runs(&RunQuery::all())?.is_empty());
/// # Ok::<(), safeguards_coord::RunStoreError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryRunStore {
    runs: SyncRunStore,
}

impl MemoryRunStore {
    /// A store without runs, with the default bounds.
    pub fn new() -> Self {
        Self::with_bounds(RunStoreBounds::default())
    }

    /// A store without runs.
    pub fn with_bounds(bounds: RunStoreBounds) -> Self {
        let shared = Shared { bounds, state: Mutex::default() };
        Self { runs: SyncRunStore { shared: Arc::new(shared) } }
    }

    /// The same store, for callers without a runtime.
    pub const fn sync(&self) -> &SyncRunStore {
        &self.runs
    }
}

impl Default for MemoryRunStore {
    fn default() -> Self {
        Self::new()
    }
}

/// A [`MemoryRunStore`] for callers without a runtime: what [`RunStore`] does, at once.
#[derive(Clone, Debug)]
pub struct SyncRunStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bounds: RunStoreBounds,
    state: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    by_name: HashMap<RunId, Run>,
    /// By when they began; for listing.
    begun: BTreeSet<(Timestamp, RunId)>,
    /// Those that have ended, in the order of their ends.
    ended: BTreeMap<u64, RunId>,
    /// How many ends there were, those of runs that went on or were forgotten since among them.
    ends: u64,
}

#[derive(Debug)]
struct Run {
    view: RunView,
    entries: Vec<RunEntry>,
    /// Where it stands among those that have ended.
    ended_as: Option<u64>,
    /// Where each entry stands, by what there is one of in a leg; for look-up only.
    places: HashMap<(u32, EntryKey), usize>,
}

impl SyncRunStore {
    /// As [`RunStore::begin`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn begin(&self, head: RunHead) -> Result<(), RunStoreError> {
        let Shared { bounds, state } = &*self.shared;
        bounds.check_head(&head)?;
        let mut runs = state.lock();
        if let Some(run) = runs.by_name.get(&head.run) {
            return match run.view.leg {
                _ if run.view.head != head => Err(RunStoreError::exists(&head.run)),
                1 => Ok(()),
                now => Err(RunStoreError::taken_over(&head.run, 1, now)),
            };
        }
        runs.check_room(bounds.unfinished_max)?;
        runs.begun.insert((head.started_at, head.run.clone()));
        let name = head.run.clone();
        let view = RunView::new(head, 1, 0, None);
        runs.by_name.insert(name, Run::new(view));
        Ok(())
    }

    /// As [`RunStore::append`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn append(&self, run: &RunId, leg: u32, entry: RunEntry) -> Result<(), RunStoreError> {
        let Shared { bounds, state } = &*self.shared;
        if let RunEntry::TakenOver { .. } = entry {
            return Err(RunStoreError::not_appended(run));
        }
        bounds.check_entry(&entry)?;
        let mut runs = state.lock();
        let found = runs.by_name.get_mut(run).ok_or_else(|| RunStoreError::unknown(run))?;
        if found.view.leg != leg {
            return Err(RunStoreError::taken_over(run, leg, found.view.leg));
        }
        let key = (leg, entry.key());
        if let Some(place) = found.places.get(&key) {
            let is_same = found.entries.get(*place) == Some(&entry);
            return if is_same { Ok(()) } else { Err(RunStoreError::conflict(run, &key.1)) };
        }
        if found.view.end.is_some() {
            return Err(RunStoreError::ended(run));
        }
        let end = match &entry {
            RunEntry::Ended(end) => Some((**end).clone()),
            RunEntry::Intent(_) | RunEntry::Outcome(_) | RunEntry::TakenOver { .. } => None,
        };
        // There is room for its end always, or it would never have one.
        if end.is_none() && found.view.entries >= bounds.entries_max {
            let asked = found.view.entries.saturating_add(1);
            let what = format!("entries of run {run}");
            return Err(RunStoreError::bound(what, asked, bounds.entries_max));
        }
        found.push(key, entry);
        if end.is_some() {
            found.view.end = end;
            runs.note_end(run, bounds.ended_kept);
        }
        Ok(())
    }

    /// As [`RunStore::take_over`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn take_over(
        &self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Result<u32, RunStoreError> {
        let Shared { bounds, state } = &*self.shared;
        let mut runs = state.lock();
        let room = runs.check_room(bounds.unfinished_max);
        let found = runs.by_name.get_mut(run).ok_or_else(|| RunStoreError::unknown(run))?;
        let next = leg.saturating_add(1);
        let entry = RunEntry::TakenOver { leg: next, by, at };
        if found.view.leg == next && found.entries.last() == Some(&entry) {
            return Ok(next);
        }
        if found.view.leg != leg {
            return Err(RunStoreError::taken_over(run, leg, found.view.leg));
        }
        if found.view.end.is_some() {
            room?;
        }
        found.view.leg = next;
        found.view.end = None;
        let ended_as = found.ended_as.take();
        found.push((next, entry.key()), entry);
        if let Some(ended_as) = ended_as {
            runs.ended.remove(&ended_as);
        }
        Ok(next)
    }

    /// As [`RunStore::run`].
    pub fn run(&self, run: &RunId) -> Option<RunView> {
        self.shared.state.lock().by_name.get(run).map(|run| run.view.clone())
    }

    /// As [`RunStore::entries`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError> {
        let runs = self.shared.state.lock();
        let found = runs.by_name.get(run).ok_or_else(|| RunStoreError::unknown(run))?;
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let limit = limit.min(RunStoreBounds::PAGE);
        Ok(found.entries.iter().skip(from).take(limit).cloned().collect())
    }

    /// As [`RunStore::runs`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn runs(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError> {
        let runs = self.shared.state.lock();
        let until = match &query.after {
            None => Bound::Unbounded,
            Some(after) => {
                let last = runs.by_name.get(after).ok_or_else(|| RunStoreError::unknown(after))?;
                Bound::Excluded((last.view.head.started_at, after.clone()))
            }
        };
        let before = runs.begun.range((Bound::Unbounded, until)).rev();
        let views = before.filter_map(|(_, run)| runs.by_name.get(run)).map(|run| &run.view);
        let limit = query.limit.min(RunStoreBounds::PAGE);
        Ok(views.filter(|run| query.takes(run)).take(limit).cloned().collect())
    }

    /// As [`RunStore::forget`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn forget(&self, run: &RunId) -> Result<bool, RunStoreError> {
        let mut runs = self.shared.state.lock();
        match runs.by_name.get(run) {
            None => Ok(false),
            Some(found) if found.view.end.is_none() => Err(RunStoreError::unfinished(run)),
            Some(_) => {
                runs.remove(run);
                Ok(true)
            }
        }
    }
}

impl Run {
    fn new(view: RunView) -> Self {
        Self { view, entries: Vec::new(), ended_as: None, places: HashMap::new() }
    }

    fn push(&mut self, key: (u32, EntryKey), entry: RunEntry) {
        self.places.insert(key, self.entries.len());
        self.entries.push(entry);
        self.view.entries = self.view.entries.saturating_add(1);
    }
}

impl Runs {
    /// Whether there is room for another run that has not ended.
    fn check_room(&self, max: usize) -> Result<(), RunStoreError> {
        let asked = self.by_name.len().saturating_sub(self.ended.len()).saturating_add(1);
        if asked > max {
            return Err(RunStoreError::bound("unfinished runs", asked, max));
        }
        Ok(())
    }

    /// Notes that a run ended, and forgets the oldest that have where there are more than are kept.
    fn note_end(&mut self, run: &RunId, kept: usize) {
        let number = self.ends;
        self.ends = number.saturating_add(1);
        if let Some(found) = self.by_name.get_mut(run) {
            found.ended_as = Some(number);
            self.ended.insert(number, run.clone());
        }
        while self.ended.len() > kept
            && let Some((_, oldest)) = self.ended.pop_first()
        {
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, run: &RunId) {
        if let Some(Run { view, ended_as, .. }) = self.by_name.remove(run) {
            self.begun.remove(&(view.head.started_at, view.head.run));
            if let Some(ended_as) = ended_as {
                self.ended.remove(&ended_as);
            }
        }
    }
}

#[async_trait]
impl RunStore for MemoryRunStore {
    async fn begin(&self, head: RunHead) -> Result<(), RunStoreError> {
        self.runs.begin(head)
    }

    async fn append(&self, run: &RunId, leg: u32, entry: RunEntry) -> Result<(), RunStoreError> {
        self.runs.append(run, leg, entry)
    }

    async fn take_over(
        &self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Result<u32, RunStoreError> {
        self.runs.take_over(run, leg, by, at)
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunView>, RunStoreError> {
        Ok(self.runs.run(run))
    }

    async fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError> {
        self.runs.entries(run, from, limit)
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError> {
        self.runs.runs(query)
    }

    async fn forget(&self, run: &RunId) -> Result<bool, RunStoreError> {
        self.runs.forget(run)
    }

    fn is_durable(&self) -> bool {
        false
    }
}
