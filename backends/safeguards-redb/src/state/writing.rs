//! [`Writing`]: what is decided about keys, and written, in one transaction.
//!
//! Values are not read here: nothing that is decided depends on them.

use std::sync::Arc;

use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use safeguards_coord::{
    CheckedWrite, KeyStanding, Revision, StateDeed, StateEntry, StateError, StateKey, StateRecord,
    StateRoom, StateStoreBounds, StateTerms,
};
use safeguards_types::{AgentId, Timestamp};

use super::{
    Answer, WRITING, key_of, missing,
    tables::{
        CHANGES, ENDS, End, Head, PRESENT, Place, RECORDS, Record, STANDING, Standing, StandingRow,
        VERSIONS, places, record_bytes,
    },
};
use crate::{
    error::{Doing, Fault},
    rows,
};

/// How many keys and versions end in one turn at most, or one key with all of its versions: nobody else who writes waits
/// long where many keys end at once.
const ENDED_AT_ONCE: u64 = 512;
/// How many of the oldest changes go at most with another one. Where far fewer are kept than before, they go bit by bit.
const FORGOTTEN_AT_ONCE: usize = 1_024;

/// The tables of shared state, to decide from and to write to.
pub(super) struct Writing<'db> {
    bounds: StateStoreBounds,
    standing: Standing,
    records: Table<'db, u64, Record<'static>>,
    present: Table<'db, &'static str, (u64, u64)>,
    versions: Table<'db, Place<'static>, u64>,
    changes: Table<'db, Place<'static>, ()>,
    ends: Table<'db, End<'static>, ()>,
    standings: Table<'db, u64, StandingRow>,
    changed: Vec<StateKey>,
}

impl<'db> Writing<'db> {
    /// Makes the tables that are not there.
    pub(super) fn open(
        transaction: &'db WriteTransaction,
        bounds: StateStoreBounds,
    ) -> Result<Self, Fault> {
        let standings = transaction.open_table(STANDING).doing(WRITING)?;
        let standing = super::standing(&standings, WRITING)?;
        Ok(Self {
            bounds,
            standing,
            records: transaction.open_table(RECORDS).doing(WRITING)?,
            present: transaction.open_table(PRESENT).doing(WRITING)?,
            versions: transaction.open_table(VERSIONS).doing(WRITING)?,
            changes: transaction.open_table(CHANGES).doing(WRITING)?,
            ends: transaction.open_table(ENDS).doing(WRITING)?,
            standings,
            changed: Vec::new(),
        })
    }

    /// Writes down how all of it stands, and gives the keys that changed.
    pub(super) fn finish(mut self) -> Result<Vec<StateKey>, Fault> {
        if !self.changed.is_empty() {
            self.standings.insert(0, self.standing.row()).doing(WRITING)?;
        }
        Ok(self.changed)
    }

    pub(super) fn now(&self, clock: Timestamp) -> Timestamp {
        self.standing.now(clock)
    }

    /// Ends the keys whose time ran out, and gives whether these were all of them.
    pub(super) fn expire(&mut self, now: Timestamp) -> Result<bool, Fault> {
        let mut left = ENDED_AT_ONCE;
        while let Some((end, key)) = super::first_end(&self.ends, WRITING)?
            && end <= now
        {
            if left == 0 {
                return Ok(false);
            }
            left = left.saturating_sub(self.kept_versions(&key)?.saturating_add(1));
            let record = self.standing_of(&key)?.expire(end);
            self.keep(record.ok_or_else(|| missing("a key that ends", WRITING))?, &[])?;
        }
        Ok(true)
    }

    /// As [`write`](safeguards_coord::StateStore::write) of a value with this text.
    pub(super) fn write(
        &mut self,
        checked: CheckedWrite,
        text: &[u8],
        now: Timestamp,
    ) -> Answer<Revision> {
        let bytes = checked.bytes();
        match self.standing_of(checked.key())?.write(checked, now) {
            Ok(record) => match self.check_room(&record, bytes)? {
                Ok(()) => self.keep(record, text).map(Ok),
                Err(full) => Ok(Err(full)),
            },
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// As [`amend`](safeguards_coord::StateStore::amend) of terms that were checked.
    pub(super) fn amend(
        &mut self,
        agent: &AgentId,
        terms: StateTerms,
        now: Timestamp,
    ) -> Answer<Revision> {
        match self.standing_of(&terms.key)?.amend(agent, terms, now) {
            Ok(record) => {
                // The value is as it was.
                let before = record.before.as_ref().map_or(0, |entry| entry.revision.number());
                let row = self.records.get(before).doing(WRITING)?;
                let text = row.ok_or_else(|| missing("what is there", WRITING))?.value().2.to_vec();
                self.keep(record, &text).map(Ok)
            }
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// As [`delete`](safeguards_coord::StateStore::delete).
    pub(super) fn delete(
        &mut self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
        now: Timestamp,
    ) -> Answer<Revision> {
        match self.standing_of(key)?.delete(agent, key, if_revision, now) {
            Ok(record) => self.keep(record, &[]).map(Ok),
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// How a key stands; what is there is without its value.
    fn standing_of(&self, key: &StateKey) -> Result<KeyStanding, Fault> {
        let latest = Revision::new(self.standing.latest);
        let present = self.present.get(key.as_str()).doing(WRITING)?.map(|row| row.value().0);
        if let Some(revision) = present {
            let row = self.records.get(revision).doing(WRITING)?;
            let row = row.ok_or_else(|| missing("what is there", WRITING))?;
            let head: Head = rows::read(row.value().1, WRITING)?;
            let terms = head.after.ok_or_else(|| missing("what is there", WRITING))?;
            let entry = terms.into_entry(key.clone(), revision);
            return Ok(KeyStanding::present(Arc::new(entry), latest));
        }
        let mut kept = self.changes.range(places(key.as_str())).doing(WRITING)?;
        let changed = match kept.next_back() {
            Some(row) => row.doing(WRITING)?.0.value().1,
            None => self.standing.oldest,
        };
        Ok(KeyStanding::absent(Revision::new(changed), latest))
    }

    fn kept_versions(&self, key: &StateKey) -> Result<u64, Fault> {
        let row = self.present.get(key.as_str()).doing(WRITING)?;
        Ok(row.map_or(0, |row| row.value().1))
    }

    fn versions_max(&self) -> u64 {
        number(self.bounds.versions_kept())
    }

    fn check_room(&self, record: &StateRecord, bytes: usize) -> Answer<()> {
        let full = |room, max| {
            let key = record.key.clone();
            Ok(Err(StateError::Full { key, room, max }))
        };
        let StateStoreBounds { keys_max, bytes_max, .. } = self.bounds;
        if record.before.is_none() && self.present.len().doing(WRITING)? >= number(keys_max) {
            return full(StateRoom::Keys, keys_max);
        }
        let sum = self.standing.bytes.saturating_add(number(bytes));
        if sum > number(bytes_max) {
            // What gives way to this version makes room.
            let leaves = match self.kept_versions(&record.key)? {
                _ if self.versions_max() == 0 => bytes_of(record.before.as_ref()),
                kept if kept >= self.versions_max() => {
                    self.oldest_version(record.key.as_str())?.map_or(0, |(_, bytes)| bytes)
                }
                _ => 0,
            };
            if sum.saturating_sub(leaves) > number(bytes_max) {
                return full(StateRoom::Bytes, bytes_max);
            }
        }
        Ok(Ok(()))
    }

    /// Carries out what was decided; `text` is the value that is there then.
    fn keep(&mut self, record: StateRecord, text: &[u8]) -> Result<Revision, Fault> {
        let (revision, key) = (record.revision.number(), record.key.as_str());
        let head = rows::write(&Head::of(&record), WRITING)?;
        let row: Record<'_> = (key, &head, text);
        self.records.insert(revision, row).doing(WRITING)?;
        self.changes.insert((key, revision), ()).doing(WRITING)?;
        let standing = &mut self.standing;
        standing.latest = revision;
        standing.latest_at = standing.now(record.at);
        standing.changes_bytes = standing.changes_bytes.saturating_add(record_bytes(row));
        self.keep_end(&record)?;
        self.keep_entry(&record)?;
        self.forget()?;
        self.changed.push(record.key);
        Ok(record.revision)
    }

    fn keep_end(&mut self, record: &StateRecord) -> Result<(), Fault> {
        let StateRecord { key, before, after, .. } = record;
        let end = |entry: &Option<Arc<StateEntry>>| entry.as_ref().and_then(|one| one.expires_at);
        let (old, new) = (end(before), end(after));
        if old != new {
            if let Some(old) = old {
                self.ends.remove((old.as_nanos(), key.as_str())).doing(WRITING)?;
            }
            if let Some(new) = new {
                self.ends.insert((new.as_nanos(), key.as_str()), ()).doing(WRITING)?;
            }
        }
        Ok(())
    }

    /// Keeps what is there, and its earlier versions.
    fn keep_entry(&mut self, record: &StateRecord) -> Result<(), Fault> {
        let (revision, key) = (record.revision.number(), record.key.as_str());
        let before = record.before.as_ref().map(|entry| entry.revision.number());
        let mut kept = self.kept_versions(&record.key)?;
        match record.deed {
            StateDeed::Written => {
                let bytes = bytes_of(record.after.as_ref());
                self.standing.bytes = self.standing.bytes.saturating_add(bytes);
                if let Some(before) = before {
                    let bytes = bytes_of(record.before.as_ref());
                    self.versions.insert((key, before), bytes).doing(WRITING)?;
                    kept = kept.saturating_add(1);
                }
                kept = self.drop_versions(key, kept, self.versions_max())?;
                self.present.insert(key, (revision, kept)).doing(WRITING)?;
            }
            StateDeed::Amended => {
                self.present.insert(key, (revision, kept)).doing(WRITING)?;
                self.let_go(before)?;
            }
            StateDeed::Deleted | StateDeed::Expired => {
                self.drop_versions(key, kept, 0)?;
                let bytes = bytes_of(record.before.as_ref());
                self.standing.bytes = self.standing.bytes.saturating_sub(bytes);
                self.present.remove(key).doing(WRITING)?;
                self.let_go(before)?;
            }
            // To pass over it would lose it without a word.
            _ => return Err(Fault::corrupt(WRITING, "a change of a kind that is not known here")),
        }
        Ok(())
    }

    /// The oldest version of a key that is kept, and the bytes of its value.
    fn oldest_version(&self, key: &str) -> Result<Option<(u64, u64)>, Fault> {
        let oldest = self.versions.range(places(key)).doing(WRITING)?.next();
        let oldest = oldest.transpose().doing(WRITING)?;
        Ok(oldest.map(|(place, bytes)| (place.value().1, bytes.value())))
    }

    /// Drops the oldest of so many versions where there are more than `max`, and gives how many there are then.
    fn drop_versions(&mut self, key: &str, mut kept: u64, max: u64) -> Result<u64, Fault> {
        while kept > max {
            let oldest = self.oldest_version(key)?;
            let (revision, bytes) = oldest.ok_or_else(|| missing("an earlier version", WRITING))?;
            self.versions.remove((key, revision)).doing(WRITING)?;
            self.standing.bytes = self.standing.bytes.saturating_sub(bytes);
            self.let_go(Some(revision))?;
            kept = kept.saturating_sub(1);
        }
        Ok(kept)
    }

    /// What made something that is there no more goes, where it is not kept as a change.
    fn let_go(&mut self, revision: Option<u64>) -> Result<(), Fault> {
        if let Some(revision) = revision.filter(|revision| *revision <= self.standing.oldest) {
            self.records.remove(revision).doing(WRITING)?;
        }
        Ok(())
    }

    /// Forgets the oldest changes where there are more than are kept. What made something that is still there stays,
    /// though not as a change.
    fn forget(&mut self) -> Result<(), Fault> {
        let (count_max, bytes_max) =
            (number(self.bounds.changes_kept), number(StateStoreBounds::CHANGES_BYTES));
        for _ in 0..FORGOTTEN_AT_ONCE {
            let kept = self.standing.kept();
            let is_too_much = self.standing.changes_bytes > bytes_max && kept > 1;
            if kept <= count_max && !is_too_much {
                break;
            }
            let oldest = self.standing.oldest.saturating_add(1);
            let (key, bytes) = {
                let row = self.records.get(oldest).doing(WRITING)?;
                let row = row.ok_or_else(|| missing("a change", WRITING))?;
                (key_of(row.value().0, WRITING)?, record_bytes(row.value()))
            };
            let key = key.as_str();
            self.standing.oldest = oldest;
            self.standing.changes_bytes = self.standing.changes_bytes.saturating_sub(bytes);
            self.changes.remove((key, oldest)).doing(WRITING)?;
            let present = self.present.get(key).doing(WRITING)?.map(|row| row.value().0);
            let is_version = self.versions.get((key, oldest)).doing(WRITING)?.is_some();
            if present != Some(oldest) && !is_version {
                self.records.remove(oldest).doing(WRITING)?;
            }
        }
        Ok(())
    }
}

fn bytes_of(entry: Option<&Arc<StateEntry>>) -> u64 {
    entry.map_or(0, |entry| number(entry.bytes))
}

pub(super) fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
