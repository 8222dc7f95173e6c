//! [`Log`]: what happened, as far back as it is kept.

use std::collections::VecDeque;

use safeguards_types::{AgentId, Timestamp};

use crate::{Bounds, Change, ChangeKind, Changes, ChangesError, Revision};

/// What happened, as far back as it is kept.
#[derive(Debug)]
pub(in crate::memory) struct Log {
    kept_max: usize,
    changes: VecDeque<Change>,
    latest: Revision,
    latest_at: Timestamp,
}

impl Log {
    pub(super) const fn new(kept_max: usize) -> Self {
        Self {
            kept_max,
            changes: VecDeque::new(),
            latest: Revision::ZERO,
            latest_at: Timestamp::UNIX_EPOCH,
        }
    }

    pub(in crate::memory) const fn latest(&self) -> Revision {
        self.latest
    }

    pub(super) const fn latest_at(&self) -> Timestamp {
        self.latest_at
    }

    pub(super) fn tell(&mut self, at: Timestamp, agent: AgentId, kind: ChangeKind) {
        self.latest = Revision::new(self.latest.number().saturating_add(1));
        self.latest_at = self.latest_at.max(at);
        if self.kept_max == 0 {
            return;
        }
        if self.changes.len() >= self.kept_max {
            self.changes.pop_front();
        }
        self.changes.push_back(Change::new(self.latest, at, agent, kind));
    }

    pub(in crate::memory) fn after(
        &self,
        after: Revision,
        limit: usize,
    ) -> Result<Changes, ChangesError> {
        self.is_past(after)?;
        let kept = u64::try_from(self.changes.len()).unwrap_or(u64::MAX);
        let oldest = Revision::new(self.latest.number().saturating_sub(kept));
        let Some(skip) = after.number().checked_sub(oldest.number()) else {
            return Err(ChangesError::Forgotten { after, oldest });
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(self.changes.len());
        let later = self.changes.range(skip..).take(limit.min(Bounds::CHANGES));
        let changes: Vec<Change> = later.cloned().collect();
        let next = changes.last().map_or(after, |change| change.revision);
        Ok(Changes::new(changes, next))
    }

    /// Whether something happened after this revision.
    pub(in crate::memory) fn is_past(&self, after: Revision) -> Result<bool, ChangesError> {
        let latest = self.latest;
        if after > latest {
            return Err(ChangesError::Ahead { after, latest });
        }
        Ok(latest > after)
    }
}
