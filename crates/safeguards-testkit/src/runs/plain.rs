//! [`PlainRunStore`]: answers as every run store must, found in the most naive way.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_coord::{
    RunEnd, RunEntry, RunHead, RunId, RunQuery, RunStore, RunStoreBounds, RunStoreError,
    RunStoreErrorKind, RunView,
};
use safeguards_types::{OperationId, Timestamp};
use serde::Serialize;

use super::RunStoreSetup;

/// A store that keeps runs in a plain list under one lock, and works out what is shown of each from its entries
/// whenever it is asked. It shares no code with the one in memory, so that one is a model for the other.
#[derive(Clone, Debug)]
pub struct PlainRunStore {
    bounds: RunStoreBounds,
    /// In the order in which they ended; those that have not, somewhere among them.
    runs: Arc<Mutex<Vec<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    head: RunHead,
    entries: Vec<RunEntry>,
}

impl Kept {
    /// The entries of the leg that it is in.
    fn leg(&self) -> (u32, &[RunEntry]) {
        let is_taking_over = |entry: &RunEntry| matches!(entry, RunEntry::TakenOver { .. });
        let legs: Vec<&[RunEntry]> = self.entries.split(is_taking_over).collect();
        (u32::try_from(legs.len()).unwrap(), legs[legs.len() - 1])
    }

    fn end(&self) -> Option<RunEnd> {
        match self.entries.last() {
            Some(RunEntry::Ended(end)) => Some((**end).clone()),
            _ => None,
        }
    }

    fn view(&self) -> RunView {
        let entries = u64::try_from(self.entries.len()).unwrap();
        RunView::new(self.head.clone(), self.leg().0, entries, self.end())
    }
}

fn error<T>(kind: RunStoreErrorKind, what: &str) -> Result<T, RunStoreError> {
    Err(RunStoreError::new(kind, what))
}

/// What an entry is about; two of one kind about one thing contradict each other.
fn about(entry: &RunEntry) -> (u8, String, u32) {
    match entry {
        RunEntry::Intent(intent) => (0, intent.step.to_string(), intent.attempt),
        RunEntry::Outcome(outcome) => (1, outcome.step.to_string(), outcome.attempt),
        RunEntry::TakenOver { .. } => (2, String::new(), 0),
        RunEntry::Ended(_) => (3, String::new(), 0),
        other => panic!("the store does not know {other:?} yet"),
    }
}

impl PlainRunStore {
    /// A store without runs, with these bounds.
    pub fn new(setup: RunStoreSetup) -> Self {
        Self { bounds: setup.bounds, runs: Arc::default() }
    }

    fn fits(&self, value: &impl Serialize) -> Result<(), RunStoreError> {
        if serde_json::to_string(value).unwrap().len() > self.bounds.entry_bytes_max {
            return error(RunStoreErrorKind::BoundExceeded, "it has too many bytes");
        }
        Ok(())
    }

    fn is_full(&self, runs: &[Kept]) -> bool {
        runs.iter().filter(|run| run.end().is_none()).count() >= self.bounds.unfinished_max
    }

    /// Does this with a run that is there.
    fn with<T>(
        &self,
        run: &RunId,
        act: impl FnOnce(&mut Vec<Kept>, usize) -> Result<T, RunStoreError>,
    ) -> Result<T, RunStoreError> {
        let mut runs = self.runs.lock();
        match runs.iter().position(|kept| kept.head.run == *run) {
            Some(place) => act(&mut runs, place),
            None => error(RunStoreErrorKind::UnknownRun, "no such run"),
        }
    }
}

#[async_trait]
impl RunStore for PlainRunStore {
    async fn begin(&self, head: RunHead) -> Result<(), RunStoreError> {
        self.fits(&head)?;
        let mut runs = self.runs.lock();
        if let Some(kept) = runs.iter().find(|kept| kept.head.run == head.run) {
            return match kept.leg() {
                _ if kept.head != head => error(RunStoreErrorKind::RunExists, "it began otherwise"),
                (1, _) => Ok(()),
                _ => error(RunStoreErrorKind::TakenOver, "somebody took it over"),
            };
        }
        if self.is_full(&runs) {
            return error(RunStoreErrorKind::BoundExceeded, "too many go on");
        }
        runs.push(Kept { head, entries: Vec::new() });
        Ok(())
    }

    async fn append(&self, run: &RunId, leg: u32, entry: RunEntry) -> Result<(), RunStoreError> {
        if about(&entry).0 == 2 {
            return error(RunStoreErrorKind::EntryConflict, "that is not appended");
        }
        self.fits(&entry)?;
        self.with(run, |runs, place| {
            let kept = &mut runs[place];
            let (now, in_leg) = kept.leg();
            if now != leg {
                return error(RunStoreErrorKind::TakenOver, "it is in another leg");
            }
            if let Some(before) = in_leg.iter().find(|before| about(before) == about(&entry)) {
                let is_same = *before == entry;
                return if is_same {
                    Ok(())
                } else {
                    error(RunStoreErrorKind::EntryConflict, "it says otherwise")
                };
            }
            if kept.end().is_some() {
                return error(RunStoreErrorKind::RunEnded, "it has ended");
            }
            let ends = matches!(entry, RunEntry::Ended(_));
            if !ends && kept.view().entries >= self.bounds.entries_max {
                return error(RunStoreErrorKind::BoundExceeded, "it has too many entries");
            }
            kept.entries.push(entry);
            if ends {
                let last = runs.remove(place);
                runs.push(last);
                let ended = runs.iter().filter(|run| run.end().is_some()).count();
                if ended > self.bounds.ended_kept {
                    let oldest = runs.iter().position(|run| run.end().is_some()).unwrap();
                    runs.remove(oldest);
                }
            }
            Ok(())
        })
    }

    async fn take_over(
        &self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Result<u32, RunStoreError> {
        self.with(run, |runs, place| {
            let next = leg.wrapping_add(1);
            let entry = RunEntry::TakenOver { leg: next, by, at };
            if runs[place].entries.last() == Some(&entry) {
                return Ok(next);
            }
            if runs[place].leg().0 != leg {
                return error(RunStoreErrorKind::TakenOver, "it is in another leg");
            }
            if runs[place].end().is_some() && self.is_full(runs) {
                return error(RunStoreErrorKind::BoundExceeded, "too many go on");
            }
            runs[place].entries.push(entry);
            Ok(next)
        })
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunView>, RunStoreError> {
        Ok(self.runs.lock().iter().find(|kept| kept.head.run == *run).map(Kept::view))
    }

    async fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError> {
        self.with(run, |runs, place| {
            let numbered = (0_u64..).zip(&runs[place].entries);
            let after = numbered.filter(|(number, _)| *number >= from);
            Ok(after.map(|(_, entry)| entry.clone()).take(limit.min(1_000)).collect())
        })
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError> {
        let mut views: Vec<RunView> = self.runs.lock().iter().map(Kept::view).collect();
        views.sort_by(|a, b| {
            let by_time = b.head.started_at.cmp(&a.head.started_at);
            by_time.then_with(|| b.head.run.as_str().cmp(a.head.run.as_str()))
        });
        if let Some(after) = &query.after {
            match views.iter().position(|view| view.head.run == *after) {
                Some(place) => drop(views.drain(..=place)),
                None => return error(RunStoreErrorKind::UnknownRun, "no such run"),
            }
        }
        views.retain(|view| !query.unfinished_only || view.end.is_none());
        views.retain(|view| query.team.as_ref().is_none_or(|team| view.head.team == *team));
        views.truncate(query.limit.min(1_000));
        Ok(views)
    }

    async fn forget(&self, run: &RunId) -> Result<bool, RunStoreError> {
        let mut runs = self.runs.lock();
        let Some(place) = runs.iter().position(|kept| kept.head.run == *run) else {
            return Ok(false);
        };
        if runs[place].end().is_none() {
            return error(RunStoreErrorKind::RunUnfinished, "it has not ended");
        }
        runs.remove(place);
        Ok(true)
    }

    fn is_durable(&self) -> bool {
        false
    }
}
