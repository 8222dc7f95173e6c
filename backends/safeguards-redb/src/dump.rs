//! [`RedbStore::dump`]: all that a file holds as JSON lines. [`load`](crate::RedbOptions::load) makes a file of them.
//!
//! The first line names the format, the last one counts the rows, so that a dump that was cut off is none. Between them
//! stands a line for each row: of the ledger a line for each block of entries, of all else one for each key.

use std::io::{self, Write};

use redb::{Key, ReadTransaction, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    RedbStore, alerts,
    cells::{Cell, Tables},
    error::{Doing, Fault},
    format::FORMAT,
    ledger, registry, rows, runs, state,
};

/// A line of a dump.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Line<'a> {
    Store {
        format: u64,
    },
    #[serde(borrow)]
    Row(Row<'a>),
    End {
        rows: u64,
    },
}

/// A row of a table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row<'a> {
    pub(crate) table: String,
    #[serde(borrow)]
    pub(crate) key: &'a RawValue,
    #[serde(borrow)]
    pub(crate) value: &'a RawValue,
}

/// Why a file was not dumped as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The file could not be read.
    #[error(transparent)]
    Store(#[from] Fault),
    /// What takes the lines failed.
    #[error("the dump could not be written")]
    Write(#[from] io::Error),
}

impl DumpError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(fault) => fault.code(),
            Self::Write(_) => "store.dump_not_written",
        }
    }
}

impl RedbStore {
    /// Writes all that is on the disk now as JSON lines, and gives how many rows there are. It is one moment, whatever is
    /// written meanwhile, and nobody waits for it.
    ///
    /// ```
    /// use safeguards_redb::{RedbOptions, RedbStore, budget::{LedgerExt, OpenAccount}};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let folder = tempfile::tempdir()?;
    /// let store = RedbStore::open(folder.path().join("fleet.redb"))?;
    /// store.open_account(OpenAccount::new("reader"), store.operation()).await?;
    /// let mut lines = Vec::new();
    /// let rows = store.dump(&mut lines)?;
    ///
    /// let copy = folder.path().join("copy.redb");
    /// assert_eq!(RedbOptions::default().load(lines.as_slice(), &copy)?, rows);
    /// assert!(RedbStore::open(copy)?.account(&"reader".into()).await?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, or `out` fails.
    pub fn dump(&self, out: impl Write) -> Result<u64, DumpError> {
        self.inner.read(|read| dump_all(read, out))
    }
}

fn dump_all(read: &ReadTransaction, out: impl Write) -> Result<u64, DumpError> {
    let mut dump = Dump { read, out, rows: 0 };
    dump.line(&Line::Store { format: FORMAT })?;
    ledger::each_block(read, |first, entries| dump.row("ledger.blocks", &first, &entries))?;
    each_table(&mut dump)?;
    let rows = dump.rows;
    dump.line(&Line::End { rows })?;
    dump.out.flush()?;
    Ok(rows)
}

/// All tables but that of the journal's blocks, and that of the format.
pub(crate) fn each_table<T: Tables>(tables: &mut T) -> Result<(), T::Error> {
    ledger::each_table(tables)?;
    registry::each_table(tables)?;
    state::each_table(tables)?;
    runs::each_table(tables)?;
    alerts::each_table(tables)
}

struct Dump<'r, W> {
    read: &'r ReadTransaction,
    out: W,
    rows: u64,
}

impl<W: Write> Dump<'_, W> {
    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }

    fn row(
        &mut self,
        table: &str,
        key: &impl Serialize,
        value: &impl Serialize,
    ) -> Result<(), DumpError> {
        let raw = |value: Result<Box<RawValue>, serde_json::Error>| {
            value.map_err(|error| Fault::corrupt(DUMPING, error))
        };
        let key = raw(serde_json::value::to_raw_value(key))?;
        let value = raw(serde_json::value::to_raw_value(value))?;
        self.line(&Line::Row(Row { table: table.to_owned(), key: &key, value: &value }))?;
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }
}

const DUMPING: &str = "dump it";

impl<W: Write> Tables for Dump<'_, W> {
    type Error = DumpError;

    fn table<K: Key + Cell, V: Cell>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), DumpError> {
        let Some(found) = rows::table(self.read, table, DUMPING)? else {
            return Ok(());
        };
        for row in found.iter().doing(DUMPING)? {
            let (key, value) = row.doing(DUMPING)?;
            let name = redb::TableHandle::name(&table);
            self.row(name, &K::own(key.value()), &V::own(value.value()))?;
        }
        Ok(())
    }
}
