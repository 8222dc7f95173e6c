//! How values stand in tables: as JSON, and what a table that was never written to holds.

use redb::{Key, ReadOnlyTable, ReadTransaction, TableDefinition, TableError, Value};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Doing, Fault};

/// The text of a value.
pub(crate) fn write(value: &impl Serialize, doing: &'static str) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(value).map_err(|error| Fault::corrupt(doing, error))
}

/// The value of a text.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8], doing: &'static str) -> Result<T, Fault> {
    serde_json::from_slice(text).map_err(|error| Fault::corrupt(doing, error))
}

/// A table to read in; `None` where nothing was ever written there.
pub(crate) fn table<K: Key + 'static, V: Value + 'static>(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, K, V>,
    doing: &'static str,
) -> Result<Option<ReadOnlyTable<K, V>>, Fault> {
    match transaction.open_table(table) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error).doing(doing),
    }
}
