//! [`Log`]: what happened, as far back as it is kept.

use std::collections::VecDeque;

use safeguards_types::{AgentId, Timestamp};
use serde_json::Value;

use crate::{Block, Bounds, Change, ChangeKind, Changes, ChangesError, Revision};

/// Changes that take more than about this are not kept longer: one agent could else fill the memory with what it says.
const BYTES_MAX: usize = 64 << 20;

/// What happened, as far back as it is kept.
#[derive(Debug)]
pub(in crate::memory) struct Log {
    kept_max: usize,
    changes: VecDeque<Change>,
    /// About how many bytes what is kept takes.
    bytes: usize,
    latest: Revision,
    latest_at: Timestamp,
}

impl Log {
    pub(super) const fn new(kept_max: usize) -> Self {
        Self {
            kept_max,
            changes: VecDeque::new(),
            bytes: 0,
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

    /// One that keeps changes after this one.
    pub(super) fn after_forgotten(kept_max: usize, forgotten: Revision) -> Self {
        Self { latest: forgotten, ..Self::new(kept_max) }
    }

    /// It is at least as late as this.
    pub(super) fn is_as_late_as(&mut self, at: Timestamp) {
        self.latest_at = self.latest_at.max(at);
    }

    /// Changes up to this one are kept no more.
    pub(super) fn oldest(&self) -> Revision {
        let kept = u64::try_from(self.changes.len()).unwrap_or(u64::MAX);
        Revision::new(self.latest.number().saturating_sub(kept))
    }

    /// All changes after this one that are kept.
    pub(super) fn later_than(&self, after: Revision) -> Vec<Change> {
        let skip = after.number().saturating_sub(self.oldest().number());
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(self.changes.len());
        self.changes.range(skip..).cloned().collect()
    }

    pub(super) fn tell(&mut self, at: Timestamp, agent: AgentId, kind: ChangeKind) {
        self.keep_next(Change::new(self.latest.next(), at, agent, kind));
    }

    /// Keeps the change that comes next.
    pub(super) fn keep_next(&mut self, change: Change) {
        self.latest = change.revision;
        self.is_as_late_as(change.at);
        if self.kept_max == 0 {
            return;
        }
        self.bytes = self.bytes.saturating_add(weight(&change.kind));
        self.changes.push_back(change);
        // The latest is kept whatever it takes.
        while self.changes.len() > self.kept_max
            || (self.bytes > BYTES_MAX && self.changes.len() > 1)
        {
            let Some(oldest) = self.changes.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(weight(&oldest.kind));
        }
    }

    pub(in crate::memory) fn after(
        &self,
        after: Revision,
        limit: usize,
    ) -> Result<Changes, ChangesError> {
        self.is_past(after)?;
        let oldest = self.oldest();
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

/// About how many bytes a change takes besides its place: the texts in it.
fn weight(kind: &ChangeKind) -> usize {
    match kind {
        ChangeKind::Arrived { .. }
        | ChangeKind::Described
        | ChangeKind::Deleted
        | ChangeKind::Expired => 0,
        ChangeKind::Withdrawn { name, .. } => name.as_str().len(),
        ChangeKind::StatusChanged { status } => {
            let block = |block: &Block| match block {
                Block::Suspended { reason } => reason.len(),
                Block::BreakerOpen { .. } => 0,
                Block::Exhausted { units } => texts(units.iter()),
            };
            let blocks = status.blocks.iter().map(|one| block(one).saturating_add(ENTRY_BYTES));
            let units = status.available.iter().map(|_| ENTRY_BYTES);
            blocks.chain(units).fold(0, usize::saturating_add)
        }
        ChangeKind::Advertised { capability } => {
            let own = [capability.name.as_str().len(), capability.description.len()];
            let metadata = capability.metadata.iter().map(|(key, value)| {
                key.len().saturating_add(value_weight(value)).saturating_add(ENTRY_BYTES)
            });
            let all = own.into_iter().chain([texts(capability.tags.iter())]).chain(metadata);
            all.fold(0, usize::saturating_add)
        }
    }
}

/// What an element of a list or an object takes besides its texts.
const ENTRY_BYTES: usize = 32;

fn texts<'t>(texts: impl Iterator<Item = &'t String>) -> usize {
    texts.fold(0, |sum, text| sum.saturating_add(text.len()).saturating_add(ENTRY_BYTES))
}

/// Values are as deep as metadata may be, no deeper.
fn value_weight(value: &Value) -> usize {
    let each = |sum: usize, weight: usize| sum.saturating_add(weight).saturating_add(ENTRY_BYTES);
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(value_weight).fold(0, each),
        Value::Object(fields) => {
            let field =
                |(key, value): (&String, &Value)| key.len().saturating_add(value_weight(value));
            fields.iter().map(field).fold(0, each)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;

    #[test]
    fn what_is_kept_is_bounded_in_bytes_too() {
        let mut log = Log::new(1_000_000);
        let status = Status::new().block(Block::Suspended { reason: "x".repeat(1 << 20) });
        for _ in 0..200 {
            let kind = ChangeKind::StatusChanged { status: status.clone() };
            log.tell(Timestamp::UNIX_EPOCH, "a".into(), kind);
        }
        assert_eq!(log.changes.len(), 63);
        let error = log.after(Revision::new(100), 10).unwrap_err();
        assert!(
            matches!(error, ChangesError::Forgotten { oldest, .. } if oldest == Revision::new(137))
        );
        for _ in 0..1_000 {
            log.tell(Timestamp::UNIX_EPOCH, "a".into(), ChangeKind::Expired);
        }
        assert_eq!(log.after(Revision::new(200), 2_000).unwrap().changes.len(), 1_000);
    }
}
