//! Which entry an operation has, for operations that the book no longer remembers.
//!
//! An index of single rows would cost more than the entries themselves. So operations are written now and then, many
//! at once, sorted, as one value: a *run*. Ids begin with the instant at which they were minted, so most runs are
//! passed over by their first and last id alone.

use redb::{ReadTransaction, ReadableTable, Table, TableDefinition, TableError, WriteTransaction};
use safeguards_budget::{Entry, EntryId};
use safeguards_types::{OperationId, Timestamp};

use crate::error::{Doing, Fault};

/// Sorted operations with the numbers of their entries, by the number of the last entry of the run.
pub(super) const RUNS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ledger.operations");

/// The first and the last operation of each run, by the same number.
pub(super) const SPANS: TableDefinition<'_, u64, (&[u8; ID], &[u8; ID])> =
    TableDefinition::new("ledger.operation_spans");

/// At 0 when the youngest operation was minted of those that are known no more, in nanoseconds of Unix time.
pub(super) const HORIZON: TableDefinition<'_, u64, i64> = TableDefinition::new("ledger.horizon");

const ID: usize = 16;
/// An operation, and the number of its entry with the highest byte first.
const ROW: usize = 24;

const READING: &str = "look up an operation";
const WRITING: &str = "write operations";

/// Operations that stand in no run yet, in the order of their entries.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    rows: Vec<[u8; ROW]>,
}

impl Gathered {
    /// Takes the operations of these entries along.
    pub(super) fn take(&mut self, entries: &[Entry]) {
        let rows = entries.iter().filter_map(|entry| Some(row(entry.op()?, entry.id)));
        self.rows.extend(rows);
    }
}

fn row(op: OperationId, entry: EntryId) -> [u8; ROW] {
    let mut row = [0; ROW];
    let (id, number) = row.split_at_mut(ID);
    id.copy_from_slice(op.as_bytes());
    number.copy_from_slice(&entry.number().to_be_bytes());
    row
}

/// Writes a run. One that is small is joined with the one before it, up to `rows_max`.
pub(super) fn write(
    transaction: &WriteTransaction,
    gathered: Gathered,
    rows_max: u64,
) -> Result<(), Fault> {
    let mut rows = gathered.rows;
    let Some(last) = rows.last().and_then(number_of) else {
        return Ok(());
    };
    let mut runs = transaction.open_table(RUNS).doing(WRITING)?;
    let mut spans = transaction.open_table(SPANS).doing(WRITING)?;
    let before =
        runs.last().doing(WRITING)?.map(|(last, run)| (last.value(), run.value().to_vec()));
    if let Some((before, run)) = before {
        let (old, _) = run.as_chunks::<ROW>();
        let count = u64::try_from(old.len().saturating_add(rows.len())).unwrap_or(u64::MAX);
        if count <= rows_max {
            rows.extend_from_slice(old);
            remove(&mut runs, &mut spans, before)?;
        }
    }
    rows.sort_unstable();
    let (Some(first_id), Some(last_id)) =
        (rows.first().and_then(id_of), rows.last().and_then(id_of))
    else {
        return Ok(());
    };
    spans.insert(last, (first_id, last_id)).doing(WRITING)?;
    runs.insert(last, rows.as_flattened()).doing(WRITING)?;
    Ok(())
}

fn id_of(row: &[u8; ROW]) -> Option<&[u8; ID]> {
    row.first_chunk()
}

fn number_of(row: &[u8; ROW]) -> Option<u64> {
    row.last_chunk().copied().map(u64::from_be_bytes)
}

type Spans<'db> = Table<'db, u64, (&'static [u8; ID], &'static [u8; ID])>;

fn remove(
    runs: &mut Table<'_, u64, &'static [u8]>,
    spans: &mut Spans<'_>,
    last: u64,
) -> Result<(), Fault> {
    runs.remove(last).doing(WRITING)?;
    spans.remove(last).doing(WRITING)?;
    Ok(())
}

/// The number of the entry that this operation has, if one of the runs holds it.
pub(super) fn find(read: &ReadTransaction, op: OperationId) -> Result<Option<EntryId>, Fault> {
    let spans = match read.open_table(SPANS) {
        Ok(spans) => spans,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error).doing(READING),
    };
    let runs = read.open_table(RUNS).doing(READING)?;
    let id = op.as_bytes();
    for span in spans.iter().doing(READING)?.rev() {
        let (last, span) = span.doing(READING)?;
        let (first_id, last_id) = span.value();
        if !(first_id..=last_id).contains(&id) {
            continue;
        }
        let run = runs.get(last.value()).doing(READING)?;
        let run = run.ok_or_else(|| Fault::corrupt(READING, "a run of operations is missing"))?;
        let (rows, rest) = run.value().as_chunks::<ROW>();
        if !rest.is_empty() {
            return Err(Fault::corrupt(READING, "a run of operations is cut off"));
        }
        let found = rows.binary_search_by_key(&Some(id), id_of).ok();
        if let Some(number) = found.and_then(|at| number_of(rows.get(at)?)) {
            return Ok(Some(EntryId::new(number)));
        }
    }
    Ok(None)
}

/// The last entry whose operation stands in a run; 0 where there is none.
pub(super) fn written_to(read: &ReadTransaction) -> Result<u64, Fault> {
    match read.open_table(SPANS) {
        Ok(spans) => Ok(spans.last().doing(READING)?.map_or(0, |(last, _)| last.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error).doing(READING),
    }
}

/// When the youngest operation was minted of those that are known no more; `None` where all are known.
pub(super) fn horizon(read: &ReadTransaction) -> Result<Option<Timestamp>, Fault> {
    match read.open_table(HORIZON) {
        Ok(table) => {
            let nanos = table.get(0).doing(READING)?.map(|nanos| nanos.value());
            Ok(nanos.and_then(Timestamp::from_nanos))
        }
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error).doing(READING),
    }
}

/// Drops the runs whose entries all stand before this one, and notes when the youngest was minted of the operations
/// whose entries went.
pub(super) fn drop_before(
    transaction: &WriteTransaction,
    first_kept: EntryId,
    minted: Option<Timestamp>,
) -> Result<(), Fault> {
    let Some(minted) = minted else {
        return Ok(());
    };
    let mut table = transaction.open_table(HORIZON).doing(WRITING)?;
    let before = table.get(0).doing(WRITING)?.map(|nanos| nanos.value());
    table.insert(0, minted.as_nanos().max(before.unwrap_or(i64::MIN))).doing(WRITING)?;
    let mut runs = transaction.open_table(RUNS).doing(WRITING)?;
    let mut spans = transaction.open_table(SPANS).doing(WRITING)?;
    let gone: Result<Vec<u64>, _> = spans
        .range(..first_kept.number())
        .doing(WRITING)?
        .map(|span| span.map(|(last, _)| last.value()))
        .collect();
    for last in gone.doing(WRITING)? {
        remove(&mut runs, &mut spans, last)?;
    }
    Ok(())
}
