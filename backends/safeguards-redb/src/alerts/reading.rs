//! What there is of alerts on the disk.

use redb::{ReadTransaction, ReadableTable};
use safeguards_notify::{AlertQuery, AlertRecord, DeadLetters, Unfinished};
use serde::de::DeserializeOwned;

use super::{
    READING,
    tables::{DEAD, DROPPED, ESCALATIONS, HISTORY, Ordered, QUEUED, READ_TO, WAITING},
    writing::Waiting,
};
use crate::{
    error::{Doing, Fault},
    rows,
};

/// As [`unfinished`](safeguards_notify::AlertStore::unfinished).
pub(super) fn unfinished(read: &ReadTransaction) -> Result<Unfinished, Fault> {
    let mut unfinished = Unfinished::default();
    unfinished.waiting = all::<Waiting>(read, &WAITING)?;
    unfinished.queued = all(read, &QUEUED)?;
    if let Some(escalations) = rows::table(read, ESCALATIONS, READING)? {
        for row in escalations.iter().doing(READING)? {
            let (_, text) = row.doing(READING)?;
            unfinished.escalations.push(rows::read(text.value(), READING)?);
        }
    }
    if let Some(journals) = rows::table(read, READ_TO, READING)? {
        for row in journals.iter().doing(READING)? {
            let (journal, entry) = row.doing(READING)?;
            unfinished.read_to.insert(journal.value().to_owned(), entry.value());
        }
    }
    Ok(unfinished)
}

/// As [`history`](safeguards_notify::AlertStore::history). Looks at one record after the other, from the latest on, until
/// there are as many as are asked for.
pub(super) fn history(
    read: &ReadTransaction,
    query: &AlertQuery,
) -> Result<Vec<AlertRecord>, Fault> {
    let Some(records) = rows::table(read, HISTORY.rows, READING)? else {
        return Ok(Vec::new());
    };
    if let Some(id) = query.id {
        let places = read.open_table(HISTORY.places).doing(READING)?;
        let place = places.get(id.to_string().as_str()).doing(READING)?;
        let Some(place) = place else {
            return Ok(Vec::new());
        };
        let row = records.get(place.value()).doing(READING)?;
        let row = row.ok_or_else(|| Fault::corrupt(READING, "a row of a place is missing"))?;
        let record: AlertRecord = rows::read(row.value().1, READING)?;
        return Ok(Some(record).filter(|record| query.matches(record)).into_iter().collect());
    }
    let mut latest = Vec::new();
    for row in records.iter().doing(READING)?.rev() {
        if latest.len() >= query.limit {
            break;
        }
        let (_, row) = row.doing(READING)?;
        let record: AlertRecord = rows::read(row.value().1, READING)?;
        if query.matches(&record) {
            latest.push(record);
        }
    }
    latest.reverse();
    Ok(latest)
}

/// As [`dead_letters`](safeguards_notify::AlertStore::dead_letters).
pub(super) fn dead_letters(read: &ReadTransaction) -> Result<DeadLetters, Fault> {
    let mut dead = DeadLetters::default();
    dead.letters = all(read, &DEAD)?.into();
    if let Some(dropped) = rows::table(read, DROPPED, READING)? {
        dead.dropped = dropped.get(0).doing(READING)?.map_or(0, |count| count.value());
    }
    Ok(dead)
}

/// All values, in order.
fn all<T: DeserializeOwned>(read: &ReadTransaction, tables: &Ordered) -> Result<Vec<T>, Fault> {
    let Some(table) = rows::table(read, tables.rows, READING)? else {
        return Ok(Vec::new());
    };
    let values = table.iter().doing(READING)?.map(|row| {
        let (_, row) = row.doing(READING)?;
        rows::read(row.value().1, READING)
    });
    values.collect()
}
