//! What is to be true of shared state in the file: [`check`].

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};
use safeguards_coord::StateEntry;
use serde_json::value::RawValue;

use super::{
    READING, key_of,
    tables::{
        CHANGES, ENDS, Head, PRESENT, RECORDS, Record, STANDING, VERSIONS, places, record_bytes,
    },
    writing::number,
};
use crate::{
    check::{Checked, Flaws},
    error::{Doing, Fault},
    rows,
};

type Records = ReadOnlyTable<u64, Record<'static>>;

pub(crate) fn check(
    read: &ReadTransaction,
    checked: &mut Checked,
    flaws: &mut Flaws,
) -> Result<(), Fault> {
    let Some(standings) = rows::table(read, STANDING, READING)? else {
        return Ok(());
    };
    let standing = super::standing(&standings, READING)?;
    let records = read.open_table(RECORDS).doing(READING)?;
    let values = check_present(read, &records, checked, flaws)?;
    flaws.expect(values.bytes == standing.bytes, || {
        format!("values of keys take {} bytes, and {} are counted", values.bytes, standing.bytes)
    });
    let changes = check_records(read, &records, standing.oldest, checked, flaws)?;
    let kept = standing.kept();
    flaws.expect(changes.count == kept && changes.bytes == standing.changes_bytes, || {
        format!(
            "{} changes of keys of {} bytes are there, and {kept} of {} are counted",
            changes.count, changes.bytes, standing.changes_bytes
        )
    });
    let last = records.last().doing(READING)?.map_or(0, |(revision, _)| revision.value());
    flaws.expect(last <= standing.latest, || {
        format!("change {last} of keys is there, and the latest is {}", standing.latest)
    });
    let named = read.open_table(CHANGES).doing(READING)?.len().doing(READING)?;
    flaws.expect(named == kept, || {
        format!("changes of keys: {named} rows are there, and {kept} are kept")
    });
    Ok(())
}

/// How many there are, and how many bytes they take.
#[derive(Debug, Default)]
struct Sum {
    count: u64,
    bytes: u64,
}

impl Sum {
    fn add(&mut self, bytes: u64) {
        self.count = self.count.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// Each key that is there has a value and the versions that are counted, and ends when it should. Gives what all values
/// take, with those of earlier versions.
fn check_present(
    read: &ReadTransaction,
    records: &Records,
    checked: &mut Checked,
    flaws: &mut Flaws,
) -> Result<Sum, Fault> {
    let present = read.open_table(PRESENT).doing(READING)?;
    let versions = read.open_table(VERSIONS).doing(READING)?;
    let ends = read.open_table(ENDS).doing(READING)?;
    let mut values = Sum::default();
    let (mut earlier, mut ending) = (0_u64, 0_u64);
    for row in present.iter().doing(READING)? {
        let (key, row) = row.doing(READING)?;
        let (key, (revision, kept)) = (key.value(), row.value());
        checked.keys = checked.keys.saturating_add(1);
        let Some(entry) = left_there(records, key, revision)? else {
            flaws.add(|| format!("key {key}: change {revision}, which wrote it, is missing"));
            continue;
        };
        values.add(number(entry.bytes));
        if let Some(end) = entry.expires_at {
            ending = ending.saturating_add(1);
            let is_there = ends.get((end.as_nanos(), key)).doing(READING)?.is_some();
            flaws.expect(is_there, || format!("key {key}: its end is not listed"));
        }
        let mut found = 0_u64;
        for version in versions.range(places(key)).doing(READING)? {
            let (place, bytes) = version.doing(READING)?;
            let (revision, bytes) = (place.value().1, bytes.value());
            found = found.saturating_add(1);
            values.add(bytes);
            let entry = left_there(records, key, revision)?;
            flaws.expect(entry.is_some_and(|entry| number(entry.bytes) == bytes), || {
                format!("key {key}: version {revision} is missing, or of another size")
            });
        }
        earlier = earlier.saturating_add(found);
        flaws.expect(found == kept, || {
            format!("key {key}: {found} earlier versions are there, and {kept} are counted")
        });
    }
    let counts = [
        ("earlier versions", versions.len().doing(READING)?, earlier),
        ("ends of keys", ends.len().doing(READING)?, ending),
    ];
    for (what, found, expected) in counts {
        flaws.expect(found == expected, || {
            format!("{what}: {found} rows are there, and {expected} belong to keys")
        });
    }
    Ok(values)
}

/// What a change left there under a key, without its value; `None` where no such change is there, or it left nothing.
fn left_there(records: &Records, key: &str, revision: u64) -> Result<Option<StateEntry>, Fault> {
    let Some(row) = records.get(revision).doing(READING)? else {
        return Ok(None);
    };
    let (name, head, _) = row.value();
    let head: Option<Head> = rows::read(head, READING).ok();
    let terms = head.and_then(|head| head.after).filter(|_| name == key);
    terms.map(|terms| Ok(terms.into_entry(key_of(key, READING)?, revision))).transpose()
}

/// Each change can be read, and is kept for a reason: as a change, or for what it left there. Gives those that are kept
/// as changes.
fn check_records(
    read: &ReadTransaction,
    records: &Records,
    oldest: u64,
    checked: &mut Checked,
    flaws: &mut Flaws,
) -> Result<Sum, Fault> {
    let present = read.open_table(PRESENT).doing(READING)?;
    let versions = read.open_table(VERSIONS).doing(READING)?;
    let changes = read.open_table(CHANGES).doing(READING)?;
    let mut kept = Sum::default();
    for row in records.iter().doing(READING)? {
        let (revision, row) = row.doing(READING)?;
        let (revision, record) = (revision.value(), row.value());
        let (key, head, value) = record;
        checked.key_changes = checked.key_changes.saturating_add(1);
        let head: Result<Head, Fault> = rows::read(head, READING);
        let left = head.as_ref().is_ok_and(|head| head.after.is_some());
        let is_text = if left {
            serde_json::from_slice::<&RawValue>(value).is_ok()
        } else {
            value.is_empty()
        };
        flaws.expect(head.is_ok() && is_text && key_of(key, READING).is_ok(), || {
            format!("change {revision} of key {key} cannot be read")
        });
        if revision > oldest {
            kept.add(record_bytes(record));
            let is_named = changes.get((key, revision)).doing(READING)?.is_some();
            flaws.expect(is_named, || format!("change {revision} of key {key} is not listed"));
            continue;
        }
        let is_there =
            present.get(key).doing(READING)?.is_some_and(|row| row.value().0 == revision)
                || versions.get((key, revision)).doing(READING)?.is_some();
        flaws.expect(is_there, || {
            format!("change {revision} of key {key} is kept, and left nothing that is there")
        });
    }
    Ok(kept)
}
