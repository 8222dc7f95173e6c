//! What stands in which table, under which key.

use std::sync::Arc;

use redb::TableDefinition;
use safeguards_coord::{KeyRules, Revision, StateDeed, StateEntry, StateKey, StateRecord};
use safeguards_types::{AgentId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Changes, by their revisions: the key, a [`Head`] as JSON, and as JSON the value that was there after it, or nothing.
/// Those that are kept, and besides those that made what is there or an earlier version of it, however old they are.
pub(super) const RECORDS: TableDefinition<'_, u64, Record<'static>> =
    TableDefinition::new("state.records");

/// The keys that are there: the revision of the latest change, and how many earlier versions are kept.
pub(super) const PRESENT: TableDefinition<'_, &str, (u64, u64)> =
    TableDefinition::new("state.present");

/// The earlier versions of keys that are there, by key and revision: how many bytes the value takes.
pub(super) const VERSIONS: TableDefinition<'_, Place<'static>, u64> =
    TableDefinition::new("state.versions");

/// Which changes of which key are kept, by key and revision: so others' changes cost nothing.
pub(super) const CHANGES: TableDefinition<'_, Place<'static>, ()> =
    TableDefinition::new("state.changes");

/// When keys end, those of one instant by key.
pub(super) const ENDS: TableDefinition<'_, End<'static>, ()> = TableDefinition::new("state.ends");

/// At 0 how all of it stands. See [`Standing`].
pub(super) const STANDING: TableDefinition<'_, u64, StandingRow> =
    TableDefinition::new("state.standing");

pub(super) type Record<'a> = (&'a str, &'a [u8], &'a [u8]);
pub(super) type Place<'a> = (&'a str, u64);
pub(super) type End<'a> = (i64, &'a str);
pub(super) type StandingRow = (u64, i64, u64, u64, u64);

/// How all of it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// The latest revision.
    pub(super) latest: u64,
    /// When that was: time does not go back behind it.
    pub(super) latest_at: Timestamp,
    /// The oldest revision after which all changes are kept.
    pub(super) oldest: u64,
    /// How many bytes values take, with their kept versions.
    pub(super) bytes: u64,
    /// How many bytes the kept changes take.
    pub(super) changes_bytes: u64,
}

impl Standing {
    pub(super) const fn row(self) -> StandingRow {
        let Self { latest, latest_at, oldest, bytes, changes_bytes } = self;
        (latest, latest_at.as_nanos(), oldest, bytes, changes_bytes)
    }

    pub(super) fn of_row(
        (latest, latest_at, oldest, bytes, changes_bytes): StandingRow,
    ) -> Option<Self> {
        let latest_at = Timestamp::from_nanos(latest_at)?;
        Some(Self { latest, latest_at, oldest, bytes, changes_bytes })
    }

    /// The time, which never goes back.
    pub(super) fn now(&self, clock: Timestamp) -> Timestamp {
        clock.max(self.latest_at)
    }

    /// How many changes are kept.
    pub(super) const fn kept(&self) -> u64 {
        self.latest.saturating_sub(self.oldest)
    }
}

/// The places of one key.
pub(super) const fn places(key: &str) -> std::ops::RangeInclusive<Place<'_>> {
    (key, 0)..=(key, u64::MAX)
}

/// How many bytes a change takes.
pub(super) fn record_bytes((key, head, value): Record<'_>) -> u64 {
    let bytes = key.len().saturating_add(head.len()).saturating_add(value.len());
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// A change without its key and its values.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) at: Timestamp,
    pub(super) by: Option<AgentId>,
    pub(super) deed: StateDeed,
    pub(super) before: Option<Rights>,
    pub(super) after: Option<Terms>,
}

/// Who may read what was there before: that is all that is asked of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rights {
    owner: AgentId,
    rules: Arc<KeyRules>,
}

/// What is there after a change, without its key, its revision and its value.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Terms {
    bytes: usize,
    owner: AgentId,
    writer: AgentId,
    written_at: Timestamp,
    expires_at: Option<Timestamp>,
    rules: Arc<KeyRules>,
}

impl Head {
    pub(super) fn of(record: &StateRecord) -> Self {
        let before = record
            .before
            .as_ref()
            .map(|entry| Rights { owner: entry.owner.clone(), rules: Arc::clone(&entry.rules) });
        let after = record.after.as_ref().map(|entry| Terms {
            bytes: entry.bytes,
            owner: entry.owner.clone(),
            writer: entry.writer.clone(),
            written_at: entry.written_at,
            expires_at: entry.expires_at,
            rules: Arc::clone(&entry.rules),
        });
        let (at, by, deed) = (record.at, record.by.clone(), record.deed);
        Self { at, by, deed, before, after }
    }
}

impl Rights {
    /// What was there, without its value and whatever else nobody asks for.
    pub(super) fn into_entry(self, key: StateKey, at: Timestamp) -> StateEntry {
        let Self { owner, rules } = self;
        let nothing = (Arc::new(Value::Null), 0);
        let mut entry = StateEntry::new(key, nothing, Revision::ZERO, owner, at);
        entry.rules = rules;
        entry
    }
}

impl Terms {
    /// What is there, with `null` as its value.
    pub(super) fn into_entry(self, key: StateKey, revision: u64) -> StateEntry {
        let Self { bytes, owner, writer, written_at, expires_at, rules } = self;
        let (value, revision) = ((Arc::new(Value::Null), bytes), Revision::new(revision));
        let mut entry = StateEntry::new(key, value, revision, owner, written_at);
        (entry.writer, entry.expires_at, entry.rules) = (writer, expires_at, rules);
        entry
    }
}
