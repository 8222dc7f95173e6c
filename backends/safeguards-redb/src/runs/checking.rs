//! What is to be true of runs in the file: [`check`].

use std::collections::{BTreeMap, BTreeSet};

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};
use safeguards_coord::{RunEntry, RunHead};

use super::{
    READING,
    tables::{ENDED, ENTRIES, FORGOTTEN, HEADS, KEYS, LISTED, List, NAMES, STANDINGS, Standing},
};
use crate::{
    check::{Checked, Flaws},
    error::{Doing, Fault},
    rows,
};

type Standings = ReadOnlyTable<u64, (u32, u64, Option<u64>)>;

pub(crate) fn check(
    read: &ReadTransaction,
    checked: &mut Checked,
    flaws: &mut Flaws,
) -> Result<(), Fault> {
    let Some(names) = rows::table(read, NAMES, READING)? else {
        return Ok(());
    };
    let heads = read.open_table(HEADS).doing(READING)?;
    let standings: Standings = read.open_table(STANDINGS).doing(READING)?;
    let listed = read.open_table(LISTED).doing(READING)?;
    let ended = read.open_table(ENDED).doing(READING)?;
    let mut lengths = BTreeMap::new();
    let (mut places, mut ends) = (0_u64, 0_u64);
    for row in names.iter().doing(READING)? {
        let (name, number) = row.doing(READING)?;
        let (name, number) = (name.value(), number.value());
        checked.runs = checked.runs.saturating_add(1);
        let head = heads.get(number).doing(READING)?;
        let head: Option<RunHead> = head.and_then(|head| rows::read(head.value(), READING).ok());
        let standing = standings.get(number).doing(READING)?;
        let standing = standing.map(|row| Standing::of_row(row.value()));
        let (Some(head), Some(standing)) =
            (head.filter(|head| head.run.as_str() == name), standing)
        else {
            flaws.add(|| format!("run {name}: how it began, or how it stands, is missing"));
            continue;
        };
        lengths.insert(number, standing.entries);
        let lists = List::LASTING.into_iter();
        let lists =
            lists.chain(List::UNTIL_ITS_END.into_iter().filter(|_| standing.ended_as.is_none()));
        for list in lists {
            places = places.saturating_add(1);
            let there = listed.get(list.row(&head)).doing(READING)?.map(|run| run.value());
            flaws.expect(there == Some(number), || format!("run {name} is missing in a list"));
        }
        if let Some(place) = standing.ended_as {
            ends = ends.saturating_add(1);
            let there = ended.get(place).doing(READING)?.map(|run| run.value());
            flaws.expect(there == Some(number), || {
                format!("run {name} is missing among those that have ended")
            });
        }
    }
    let counts = [
        ("how runs began", heads.len().doing(READING)?, checked.runs),
        ("how runs stand", standings.len().doing(READING)?, checked.runs),
        ("lists of runs", listed.len().doing(READING)?, places),
        ("ended runs", ended.len().doing(READING)?, ends),
    ];
    for (what, found, expected) in counts {
        flaws.expect(found == expected, || {
            format!("{what}: {found} rows are there, and {expected} belong to runs")
        });
    }
    check_entries(read, lengths, checked, flaws)
}

/// Each run has as many entries as it should, and each key names one of them.
fn check_entries(
    read: &ReadTransaction,
    lengths: BTreeMap<u64, u64>,
    checked: &mut Checked,
    flaws: &mut Flaws,
) -> Result<(), Fault> {
    let going: BTreeSet<u64> = match rows::table(read, FORGOTTEN, READING)? {
        Some(table) => {
            let rows = table.iter().doing(READING)?;
            rows.map(|row| Ok(row.doing(READING)?.0.value())).collect::<Result<_, Fault>>()?
        }
        None => BTreeSet::new(),
    };
    let mut found: BTreeMap<u64, u64> = BTreeMap::new();
    let entries = read.open_table(ENTRIES).doing(READING)?;
    for row in entries.iter().doing(READING)? {
        let (place, text) = row.doing(READING)?;
        let (run, number) = place.value();
        if going.contains(&run) {
            continue;
        }
        checked.run_entries = checked.run_entries.saturating_add(1);
        let expected = found.entry(run).or_default();
        let is_next = *expected == number;
        *expected = number.saturating_add(1);
        let entry: Result<RunEntry, Fault> = rows::read(text.value(), READING);
        flaws.expect(is_next && entry.is_ok(), || {
            format!("entry {number} of run {run} is not the next one, or cannot be read")
        });
    }
    found.retain(|_, count| *count > 0);
    let expected: BTreeMap<u64, u64> =
        lengths.into_iter().filter(|(_, count)| *count > 0).collect();
    flaws.expect(found == expected, || {
        let differ = expected.iter().find(|(run, count)| found.get(run) != Some(count));
        let run = differ.map(|(run, _)| *run).or_else(|| found.keys().next_back().copied());
        format!("run {}: it has another number of entries than it should", run.unwrap_or(0))
    });
    let keys = read.open_table(KEYS).doing(READING)?;
    for row in keys.iter().doing(READING)? {
        let (place, number) = row.doing(READING)?;
        let (run, ..) = place.value();
        let number = number.value();
        let is_there = going.contains(&run) || found.get(&run).is_some_and(|count| number < *count);
        flaws
            .expect(is_there, || format!("a key of run {run} names entry {number}, which is none"));
    }
    Ok(())
}
