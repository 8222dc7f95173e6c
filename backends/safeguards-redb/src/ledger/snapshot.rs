//! The snapshot in the file: the accounts as they stood now and then, with a hash of its own.

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use safeguards_budget::Outline;
use sha2::{Digest, Sha256};

use super::journal::HASH;
use crate::{
    error::{Doing, Fault},
    rows,
};

/// The latest snapshot at [`OUTLINE`], and its hash at [`OUTLINE_SUM`].
pub(super) const SNAPSHOT: TableDefinition<'_, u64, &[u8]> =
    TableDefinition::new("ledger.snapshot");
const OUTLINE: u64 = 0;
const OUTLINE_SUM: u64 = 1;

/// Writes down the accounts as they stand, in place of how they stood before.
pub(super) fn write(transaction: &WriteTransaction, outline: &Outline) -> Result<(), Fault> {
    const DOING: &str = "write down the accounts";
    let text = serde_json::to_vec(outline).map_err(|error| Fault::corrupt(DOING, error))?;
    let mut table = transaction.open_table(SNAPSHOT).doing(DOING)?;
    table.insert(OUTLINE, text.as_slice()).doing(DOING)?;
    table.insert(OUTLINE_SUM, sum_of(&text).as_slice()).doing(DOING)?;
    Ok(())
}

/// Writes the hash of a snapshot beside it, which format 1 did not have.
pub(crate) fn add_sum(transaction: &WriteTransaction) -> Result<(), Fault> {
    const DOING: &str = "add the hash of the accounts";
    let mut table = transaction.open_table(SNAPSHOT).doing(DOING)?;
    let sum = table.get(OUTLINE).doing(DOING)?.map(|text| sum_of(text.value()));
    if let Some(sum) = sum {
        table.insert(OUTLINE_SUM, sum.as_slice()).doing(DOING)?;
    }
    Ok(())
}

fn sum_of(text: &[u8]) -> [u8; HASH] {
    Sha256::digest(text).into()
}

/// The accounts as they were written down last, if they ever were.
pub(super) fn read(read: &ReadTransaction) -> Result<Option<Outline>, Fault> {
    const DOING: &str = "read the accounts";
    let Some(table) = rows::table(read, SNAPSHOT, DOING)? else {
        return Ok(None);
    };
    let Some(text) = table.get(OUTLINE).doing(DOING)? else {
        return Ok(None);
    };
    let sum = table.get(OUTLINE_SUM).doing(DOING)?;
    if sum.is_none_or(|sum| sum.value() != sum_of(text.value())) {
        return Err(Fault::corrupt(DOING, "the accounts are not as they were written"));
    }
    let outline = serde_json::from_slice(text.value());
    outline.map(Some).map_err(|error| Fault::corrupt(DOING, error))
}
