//! [`Reading`]: what there is of shared state on the disk.

use std::{ops::Bound, sync::Arc};

use redb::{AccessGuard, ReadOnlyTable, ReadTransaction};
use safeguards_coord::{
    KeyStanding, Revision, StateBounds, StateChange, StateChanges, StateEntry, StateError,
    StateKey, StatePage, StateQuery, StateReading, StateRecord, StateScope,
};
use safeguards_types::{AgentId, Timestamp};

use super::{
    Answer, READING, key_of, missing,
    tables::{CHANGES, ENDS, Head, PRESENT, RECORDS, Record, STANDING, Standing, VERSIONS, places},
};
use crate::{
    error::{Doing, Fault},
    rows,
};

/// What there is at one instant.
pub(super) struct Reading<'r> {
    read: &'r ReadTransaction,
    records: ReadOnlyTable<u64, Record<'static>>,
    standing: Standing,
}

/// What a change left there.
struct Found {
    /// Without its value.
    entry: StateEntry,
    row: AccessGuard<'static, Record<'static>>,
}

impl Found {
    fn with_value(mut self) -> Result<Arc<StateEntry>, Fault> {
        self.entry.value = Arc::new(rows::read(self.row.value().2, READING)?);
        Ok(Arc::new(self.entry))
    }
}

impl<'r> Reading<'r> {
    pub(super) fn open(read: &'r ReadTransaction) -> Result<Self, Fault> {
        let standing = super::standing(&read.open_table(STANDING).doing(READING)?, READING)?;
        let records = read.open_table(RECORDS).doing(READING)?;
        Ok(Self { read, records, standing })
    }

    /// When the next key ends.
    pub(super) fn next_end(&self) -> Result<Option<Timestamp>, Fault> {
        let ends = self.read.open_table(ENDS).doing(READING)?;
        Ok(super::first_end(&ends, READING)?.map(|(end, _)| end))
    }

    /// Whether a key is there whose time ran out.
    pub(super) fn is_due(&self, clock: Timestamp) -> Result<bool, Fault> {
        let now = self.standing.now(clock);
        Ok(self.next_end()?.is_some_and(|end| end <= now))
    }

    const fn latest(&self) -> Revision {
        Revision::new(self.standing.latest)
    }

    /// As [`read`](safeguards_coord::StateStore::read).
    pub(super) fn read(&self, agent: &AgentId, key: &StateKey) -> Answer<StateReading> {
        let standing = match self.find(key)? {
            None => KeyStanding::absent(Revision::new(self.standing.oldest), self.latest()),
            Some(found) if found.entry.may_read(agent) => {
                KeyStanding::present(found.with_value()?, self.latest())
            }
            Some(found) => KeyStanding::present(Arc::new(found.entry), self.latest()),
        };
        Ok(standing.read(agent))
    }

    /// What is there of a key.
    fn find(&self, key: &StateKey) -> Result<Option<Found>, Fault> {
        let present = self.read.open_table(PRESENT).doing(READING)?;
        let revision = present.get(key.as_str()).doing(READING)?.map(|row| row.value().0);
        revision.map(|revision| self.found(key.clone(), revision)).transpose()
    }

    /// What a change left there.
    fn found(&self, key: StateKey, revision: u64) -> Result<Found, Fault> {
        let row = self.records.get(revision).doing(READING)?;
        let row = row.ok_or_else(|| missing("what is there", READING))?;
        let head: Head = rows::read(row.value().1, READING)?;
        let terms = head.after.ok_or_else(|| missing("what is there", READING))?;
        Ok(Found { entry: terms.into_entry(key, revision), row })
    }

    /// As [`list`](safeguards_coord::StateStore::list) of so many keys.
    pub(super) fn list(
        &self,
        agent: &AgentId,
        query: &StateQuery,
        limit: usize,
    ) -> Result<StatePage, Fault> {
        let prefix = query.prefix.as_str();
        let begin = match &query.after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.as_str()),
            Some(_) | None => Bound::Included(prefix),
        };
        let present = self.read.open_table(PRESENT).doing(READING)?;
        let mut page: Vec<Arc<StateEntry>> = Vec::new();
        let mut next = None;
        for row in present.range::<&str>((begin, Bound::Unbounded)).doing(READING)? {
            let (key, row) = row.doing(READING)?;
            if !key.value().starts_with(prefix) {
                break;
            }
            let found = self.found(key_of(key.value(), READING)?, row.value().0)?;
            if !found.entry.may_read(agent) {
                continue;
            }
            if page.len() >= limit {
                next = page.last().map(|last| last.key.clone());
                break;
            }
            page.push(found.with_value()?);
        }
        Ok(StatePage::new(page, next, self.latest()))
    }

    /// As [`history`](safeguards_coord::StateStore::history).
    pub(super) fn history(
        &self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Answer<Vec<Arc<StateEntry>>> {
        let present = match self.read(agent, key)? {
            Ok(reading) => reading.entry,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut versions: Vec<_> = present.into_iter().take(limit).collect();
        let earlier = self.read.open_table(VERSIONS).doing(READING)?;
        for row in earlier.range(places(key.as_str())).doing(READING)?.rev() {
            if versions.len() >= limit {
                break;
            }
            let (place, _) = row.doing(READING)?;
            let found = self.found(key.clone(), place.value().1)?;
            if found.entry.may_read(agent) {
                versions.push(found.with_value()?);
            }
        }
        Ok(Ok(versions))
    }

    /// As [`changes`](safeguards_coord::StateStore::changes).
    pub(super) fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Answer<StateChanges> {
        let oldest = Revision::new(self.standing.oldest);
        if let Err(ahead) = self.check_reached(after) {
            return Ok(Err(ahead));
        }
        if after < oldest {
            return Ok(Err(StateError::Lagged { after, oldest }));
        }
        let limit = limit.min(StateBounds::CHANGES);
        if limit == 0 {
            return Ok(Ok(StateChanges::new(Vec::new(), after)));
        }
        let mut changes = Vec::new();
        self.each_after(scope, after, |revision, row| {
            changes.extend(shown(agent, revision, row)?);
            Ok(changes.len() < limit)
        })?;
        let next = match changes.last() {
            Some(last) if changes.len() == limit => last.revision,
            Some(_) | None => self.latest(),
        };
        Ok(Ok(StateChanges::new(changes, next)))
    }

    /// Whether one of these keys changed after a revision, or cannot be known not to have.
    pub(super) fn is_past(&self, scope: &StateScope, after: Revision) -> Answer<bool> {
        if let Err(ahead) = self.check_reached(after) {
            return Ok(Err(ahead));
        }
        let mut is_past = after.number() < self.standing.oldest;
        if !is_past {
            self.each_after(scope, after, |_, _| {
                is_past = true;
                Ok(false)
            })?;
        }
        Ok(Ok(is_past))
    }

    fn check_reached(&self, revision: Revision) -> Result<(), StateError> {
        let latest = self.latest();
        if revision > latest { Err(StateError::Ahead { revision, latest }) } else { Ok(()) }
    }

    /// Shows the changes of these keys after a revision from which on all are kept, the oldest first, until `see` gives
    /// that it has seen enough.
    fn each_after(
        &self,
        scope: &StateScope,
        after: Revision,
        mut see: impl FnMut(u64, Record<'_>) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let from = after.number().saturating_add(1);
        if let StateScope::Key(key) = scope {
            let key = key.as_str();
            let of_key = self.read.open_table(CHANGES).doing(READING)?;
            for place in of_key.range((key, from)..=(key, u64::MAX)).doing(READING)? {
                let revision = place.doing(READING)?.0.value().1;
                let row = self.records.get(revision).doing(READING)?;
                if !see(revision, row.ok_or_else(|| missing("a change", READING))?.value())? {
                    break;
                }
            }
            return Ok(());
        }
        for row in self.records.range(from..).doing(READING)? {
            let (revision, row) = row.doing(READING)?;
            if is_meant(scope, row.value().0)? && !see(revision.value(), row.value())? {
                break;
            }
        }
        Ok(())
    }
}

fn is_meant(scope: &StateScope, key: &str) -> Result<bool, Fault> {
    Ok(match scope {
        StateScope::Key(one) => one.as_str() == key,
        StateScope::Prefix(prefix) => key.starts_with(&**prefix),
        other => other.contains(&key_of(key, READING)?),
    })
}

/// What an agent may see of a change. What it may not see is not read.
fn shown(
    agent: &AgentId,
    revision: u64,
    (key, head, value): Record<'_>,
) -> Result<Option<StateChange>, Fault> {
    let Head { at, by, deed, before, after } = rows::read(head, READING)?;
    let key = key_of(key, READING)?;
    let before = before.map(|rights| Arc::new(rights.into_entry(key.clone(), at)));
    let mut after = after.map(|terms| terms.into_entry(key.clone(), revision));
    if let Some(entry) = after.as_mut().filter(|entry| entry.may_read(agent)) {
        entry.value = Arc::new(rows::read(value, READING)?);
    }
    let number = (Revision::new(revision), at);
    let record = StateRecord::new(number, key, by, deed, before, after.map(Arc::new));
    Ok(record.shown_to(agent))
}
