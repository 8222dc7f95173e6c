//! What is to be true of alerts in the file: [`check`].

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};
use serde_json::value::RawValue;

use super::{
    READING,
    tables::{DEAD, ESCALATIONS, HISTORY, Ordered, QUEUED, WAITING},
};
use crate::{
    check::{Checked, Flaws},
    error::{Doing, Fault},
    rows,
};

pub(crate) fn check(
    read: &ReadTransaction,
    checked: &mut Checked,
    flaws: &mut Flaws,
) -> Result<(), Fault> {
    let kinds = [
        ("alert", HISTORY),
        ("waiting alert", WAITING),
        ("notification", QUEUED),
        ("dead letter", DEAD),
    ];
    for (what, table) in kinds {
        check_ordered(read, what, &table, checked, flaws)?;
    }
    if let Some(escalations) = rows::table(read, ESCALATIONS, READING)? {
        for row in escalations.iter().doing(READING)? {
            let (name, text) = row.doing(READING)?;
            check_text("escalation", name.value(), text.value(), flaws);
        }
    }
    Ok(())
}

/// Each row has its place under its name, and no place is of nobody.
fn check_ordered(
    read: &ReadTransaction,
    what: &str,
    table: &Ordered,
    checked: &mut Checked,
    flaws: &mut Flaws,
) -> Result<(), Fault> {
    let Some(found) = rows::table(read, table.rows, READING)? else {
        return Ok(());
    };
    let places = read.open_table(table.places).doing(READING)?;
    for row in found.iter().doing(READING)? {
        let (place, value) = row.doing(READING)?;
        let (name, text) = value.value();
        checked.alerts = checked.alerts.saturating_add(1);
        let there = places.get(name).doing(READING)?.map(|place| place.value());
        flaws.expect(there == Some(place.value()), || {
            format!("{what} {name} is not found by its name")
        });
        check_text(what, name, text, flaws);
    }
    let (rows, places) = (found.len().doing(READING)?, places.len().doing(READING)?);
    flaws.expect(rows == places, || format!("{what}: {rows} rows are there, and {places} names"));
    Ok(())
}

fn check_text(what: &str, name: &str, text: &[u8], flaws: &mut Flaws) {
    let read: Result<&RawValue, _> = serde_json::from_slice(text);
    flaws.expect(read.is_ok(), || format!("{what} {name} cannot be read"));
}
