//! [`Log`]: what happened, as far back as it is kept.

use std::collections::VecDeque;

use safeguards_types::{AgentId, Timestamp};

use crate::{
    Revision, StateBounds, StateChange, StateChanges, StateError, StateKey, StateRecord,
    StateScope, StateStoreBounds,
};

/// About what a change takes besides its value and its key.
const RECORD_BYTES: usize = 256;

/// What happened, as far back as it is kept.
#[derive(Debug)]
pub(super) struct Log {
    kept_max: usize,
    kept: VecDeque<Kept>,
    bytes: usize,
    latest: Revision,
    latest_at: Timestamp,
}

#[derive(Debug)]
struct Kept {
    record: StateRecord,
    /// The change of the same key before this; 0 if there was none, or it was not known any more.
    previous: Revision,
}

impl Kept {
    fn bytes(&self) -> usize {
        let value = self.record.after.as_ref().map_or(0, |entry| entry.bytes);
        let key = self.record.key.as_str().len();
        RECORD_BYTES.saturating_add(key).saturating_add(value)
    }
}

impl Log {
    pub(super) const fn new(kept_max: usize) -> Self {
        Self {
            kept_max,
            kept: VecDeque::new(),
            bytes: 0,
            latest: Revision::ZERO,
            latest_at: Timestamp::UNIX_EPOCH,
        }
    }

    pub(super) const fn latest(&self) -> Revision {
        self.latest
    }

    pub(super) const fn latest_at(&self) -> Timestamp {
        self.latest_at
    }

    /// The oldest revision after which all changes are kept.
    pub(super) fn oldest(&self) -> Revision {
        let kept = u64::try_from(self.kept.len()).unwrap_or(u64::MAX);
        Revision::new(self.latest.number().saturating_sub(kept))
    }

    /// Keeps a change; `forget` is shown those that are kept no more.
    pub(super) fn tell(
        &mut self,
        record: StateRecord,
        previous: Revision,
        mut forget: impl FnMut(&StateRecord),
    ) {
        self.latest = record.revision;
        self.latest_at = self.latest_at.max(record.at);
        let kept = Kept { record, previous };
        self.bytes = self.bytes.saturating_add(kept.bytes());
        self.kept.push_back(kept);
        let bytes_max = StateStoreBounds::CHANGES_BYTES;
        while self.kept.len() > self.kept_max || (self.bytes > bytes_max && self.kept.len() > 1) {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
            forget(&oldest.record);
        }
    }

    /// The keys of the changes after a revision; of those that are kept.
    pub(super) fn keys_after(&self, after: Revision) -> impl Iterator<Item = &StateKey> {
        self.kept.range(self.place_after(after)..).map(|kept| &kept.record.key)
    }

    /// Where the first change after a revision stands.
    fn place_after(&self, after: Revision) -> usize {
        let skip = after.number().saturating_sub(self.oldest().number());
        usize::try_from(skip).unwrap_or(usize::MAX).min(self.kept.len())
    }

    fn at(&self, revision: Revision) -> Option<&Kept> {
        let skip = revision.number().checked_sub(self.oldest().number())?.checked_sub(1)?;
        self.kept.get(usize::try_from(skip).ok()?)
    }

    /// That there was such a revision, and all changes after it are kept.
    pub(super) fn check(&self, after: Revision) -> Result<(), StateError> {
        self.check_reached(after)?;
        let oldest = self.oldest();
        if after < oldest { Err(StateError::Lagged { after, oldest }) } else { Ok(()) }
    }

    /// That there was such a revision.
    pub(super) const fn check_reached(&self, revision: Revision) -> Result<(), StateError> {
        let latest = self.latest;
        if revision.number() > latest.number() {
            return Err(StateError::Ahead { revision, latest });
        }
        Ok(())
    }

    /// Whether any key of this prefix changed after a revision, or cannot be known not to have.
    pub(super) fn is_past(&self, prefix: &str, after: Revision) -> bool {
        after < self.oldest() || self.keys_after(after).any(|key| key.as_str().starts_with(prefix))
    }

    /// What an agent may see of the changes of keys with this prefix.
    pub(super) fn of_prefix(
        &self,
        agent: &AgentId,
        prefix: &str,
        after: Revision,
        limit: usize,
    ) -> StateChanges {
        let later = self.kept.range(self.place_after(after)..).map(|kept| &kept.record);
        let meant = later.filter(|record| record.key.as_str().starts_with(prefix));
        self.answer(meant, agent, after, limit)
    }

    /// What an agent may see of the changes of one key, whose latest change is this.
    pub(super) fn of_key(
        &self,
        agent: &AgentId,
        last: Revision,
        after: Revision,
        limit: usize,
    ) -> StateChanges {
        // From change to change backwards, so that others' changes cost nothing.
        let mut records = Vec::new();
        let mut at = last;
        while at > after
            && let Some(kept) = self.at(at)
        {
            records.push(&kept.record);
            at = kept.previous;
        }
        self.answer(records.into_iter().rev(), agent, after, limit)
    }

    fn answer<'l>(
        &self,
        records: impl Iterator<Item = &'l StateRecord>,
        agent: &AgentId,
        after: Revision,
        limit: usize,
    ) -> StateChanges {
        let limit = limit.min(StateBounds::CHANGES);
        if limit == 0 {
            return StateChanges::new(Vec::new(), after);
        }
        let shown = records.filter_map(|record| record.shown_to(agent));
        let changes: Vec<StateChange> = shown.take(limit).collect();
        let next = match changes.last() {
            Some(last) if changes.len() == limit => last.revision,
            Some(_) | None => self.latest,
        };
        StateChanges::new(changes, next)
    }

    /// What an agent may see of the changes that are meant.
    pub(super) fn of_scope(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        last: impl FnOnce(&StateKey) -> Revision,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        self.check(after)?;
        Ok(match scope {
            StateScope::Key(key) => self.of_key(agent, last(key), after, limit),
            StateScope::Prefix(prefix) => self.of_prefix(agent, prefix, after, limit),
        })
    }
}
