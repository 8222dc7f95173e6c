//! [`RedbOptions::load`]: a file made of a dump.

use std::{
    fs,
    io::{self, BufRead},
    path::{Path, PathBuf},
};

use redb::{Database, Key, TableDefinition, WriteTransaction};
use safeguards_budget::Entry;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{
    Checked, OpenError, RedbOptions,
    cells::{Cell, Tables},
    dump::{Line, Row, each_table},
    error::{Doing, Fault},
    format::{self, FORMAT},
    ledger::Appending,
    naming,
    store::not_opened,
};

/// How many rows go into one transaction.
const AT_ONCE: u64 = 10_000;

const LOADING: &str = "load a dump";

const NO_DUMP: &str = "a dump begins with a line such as {\"store\":{\"format\":2}}";

/// Why no file was made of a dump. What was begun is gone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is a file already: nothing is overwritten.
    #[error("{} is there already; choose another name, or move it away", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The dump is of another format.
    #[error("the dump is of format {found}, and this version loads formats up to {known}")]
    Format {
        /// The dump's.
        found: u64,
        /// What is known here.
        known: u64,
    },
    /// A line is none of a dump.
    #[error("line {line} of the dump: {what}")]
    Line {
        /// Which line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// The last line, which counts the rows, is missing: the dump was cut off.
    #[error(
        "the dump was cut off after line {lines}: its last line, which counts the rows, is missing"
    )]
    CutOff {
        /// How many lines there are.
        lines: u64,
    },
    /// The rows do not fit together.
    #[error("the dump does not hold a whole store: {}", flaws.join("; "))]
    Unsound {
        /// What is wrong.
        flaws: Vec<String>,
    },
    /// What gives the lines failed, or the file's folder.
    #[error("the dump could not be loaded")]
    Io(#[from] io::Error),
    /// The new file could not be written.
    #[error(transparent)]
    Store(#[from] Fault),
    /// The new file could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl LoadError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "store.exists",
            Self::Format { .. } => "store.dump_format",
            Self::Line { .. } => "store.dump_line",
            Self::CutOff { .. } => "store.dump_cut_off",
            Self::Unsound { .. } => "store.dump_unsound",
            Self::Io(_) => "store.dump_not_read",
            Self::Store(fault) => fault.code(),
            Self::Open(error) => error.code(),
        }
    }
}

impl RedbOptions {
    /// Makes a file of what [`RedbStore::dump`](crate::RedbStore::dump) wrote, and gives how many rows it has. It is
    /// checked as [`check`](Self::check) does before it gets its name; until then it is called as that with `.loading`
    /// behind.
    ///
    /// # Errors
    ///
    /// Where there is a file of this name, a line is wrong or missing, or the file cannot be written.
    pub fn load(self, dump: impl BufRead, path: impl AsRef<Path>) -> Result<u64, LoadError> {
        let path = path.as_ref();
        if path.try_exists()? {
            return Err(LoadError::Exists { path: path.to_owned() });
        }
        let part = naming::beside(path, ".loading");
        naming::clear(&part).map_err(|error| {
            if error.kind() == io::ErrorKind::WouldBlock {
                LoadError::Open(OpenError::InUse { path: part.clone(), owner: None })
            } else {
                error.into()
            }
        })?;
        let loaded = self.load_part(dump, &part).and_then(|rows| {
            naming::give_name(&part, path).map_err(|error| {
                if error.kind() == io::ErrorKind::AlreadyExists {
                    LoadError::Exists { path: path.to_owned() }
                } else {
                    error.into()
                }
            })?;
            Ok(rows)
        });
        // Of what was begun and did not become a file nothing stays, nor the lock of a file that has another name now.
        for left in [part.clone(), crate::owner::lock_of(&part)] {
            match fs::remove_file(&left) {
                Err(error) if error.kind() != io::ErrorKind::NotFound && loaded.is_ok() => {
                    return Err(error.into());
                }
                Ok(()) | Err(_) => {}
            }
        }
        loaded
    }

    fn load_part(self, dump: impl BufRead, part: &Path) -> Result<u64, LoadError> {
        let mut db = Database::builder();
        db.set_cache_size(self.cache_bytes);
        let db = db.create(part).map_err(|error| not_opened(part, error))?;
        let (rows, format) = load_into(&db, dump)?;
        format::write(&db, format)?;
        format::prepare(&db, part, false)?;
        drop(db);
        let Checked { flaws, .. } = self.check(part)?;
        if flaws.is_empty() { Ok(rows) } else { Err(LoadError::Unsound { flaws }) }
    }
}

/// Loads the rows; gives how many there are, and the format that they are of.
fn load_into(db: &Database, dump: impl BufRead) -> Result<(u64, u64), LoadError> {
    let mut lines = (1..).zip(dump.lines()).peekable();
    let mut appending = Appending::default();
    let mut transaction = begin(db)?;
    let mut begun = None;
    let (mut last, mut rows) = (0, 0_u64);
    while let Some((number, line)) = lines.next() {
        let line = line?;
        let wrong = |what: String| LoadError::Line { line: number, what };
        let line: Line<'_> = match serde_json::from_str(&line) {
            Ok(line) => line,
            // Cut off in the middle of a line.
            Err(error) if error.is_eof() && begun.is_some() && lines.peek().is_none() => break,
            Err(_) if begun.is_none() => return Err(wrong(NO_DUMP.to_owned())),
            Err(error) => return Err(wrong(error.to_string())),
        };
        match line {
            Line::Store { format: format @ 1..=FORMAT } if begun.is_none() => begun = Some(format),
            Line::Store { format } if begun.is_none() => {
                return Err(LoadError::Format { found: format, known: FORMAT });
            }
            Line::Row(row) if begun.is_some() => {
                insert(&transaction, &mut appending, &row).map_err(|error| match error {
                    NotInserted::Wrong(what) => wrong(what),
                    NotInserted::Fault(fault) => fault.into(),
                })?;
                rows = rows.saturating_add(1);
                if rows.is_multiple_of(AT_ONCE) {
                    transaction.commit().doing(LOADING)?;
                    transaction = begin(db)?;
                }
            }
            Line::End { rows: told }
                if told == rows
                    && let Some(format) = begun =>
            {
                if let Some((number, _)) = lines.next() {
                    let what = "nothing may stand behind the line that counts the rows".to_owned();
                    return Err(LoadError::Line { line: number, what });
                }
                // Those of which the dump has no row: whoever reads some tables of a part reads all of them.
                each_table(&mut Make(&transaction))?;
                transaction.commit().doing(LOADING)?;
                return Ok((rows, format));
            }
            Line::End { rows: told } if begun.is_some() => {
                return Err(wrong(format!("the dump had {told} rows, and {rows} are there")));
            }
            Line::Store { .. } => return Err(wrong("a dump begins once".to_owned())),
            Line::Row(_) | Line::End { .. } => {
                return Err(wrong(NO_DUMP.to_owned()));
            }
        }
        last = number;
    }
    Err(LoadError::CutOff { lines: last })
}

fn begin(db: &Database) -> Result<WriteTransaction, Fault> {
    db.begin_write().doing(LOADING)
}

enum NotInserted {
    Wrong(String),
    Fault(Fault),
}

impl From<Fault> for NotInserted {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Makes the tables that are not there.
struct Make<'t>(&'t WriteTransaction);

impl Tables for Make<'_> {
    type Error = Fault;

    fn table<K: Key + Cell, V: Cell>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), Fault> {
        self.0.open_table(table).doing(LOADING).map(drop)
    }
}

/// A row on its way into its table, if there is one of its name.
struct Insert<'r> {
    transaction: &'r WriteTransaction,
    row: &'r Row<'r>,
    is_in: bool,
}

fn insert(
    transaction: &WriteTransaction,
    appending: &mut Appending,
    row: &Row<'_>,
) -> Result<(), NotInserted> {
    if row.table == "ledger.blocks" {
        let entries: Vec<Entry> = read("value", row.value)?;
        let first: u64 = read("key", row.key)?;
        return appending
            .append(transaction, first, &entries)?
            .map_err(|what| NotInserted::Wrong(what.to_owned()));
    }
    let mut insert = Insert { transaction, row, is_in: false };
    each_table(&mut insert)?;
    if insert.is_in {
        Ok(())
    } else {
        Err(NotInserted::Wrong(format!("there is no table `{}`", row.table)))
    }
}

fn read<T: DeserializeOwned>(what: &str, text: &RawValue) -> Result<T, NotInserted> {
    serde_json::from_str(text.get())
        .map_err(|error| NotInserted::Wrong(format!("the {what} is wrong: {error}")))
}

impl Tables for Insert<'_> {
    type Error = NotInserted;

    fn table<K: Key + Cell, V: Cell>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), NotInserted> {
        if redb::TableHandle::name(&table) != self.row.table {
            return Ok(());
        }
        self.is_in = true;
        let key: K::Owned = read("key", self.row.key)?;
        let value: V::Owned = read("value", self.row.value)?;
        let mut table = self.transaction.open_table(table).doing(LOADING)?;
        let before = table.insert(K::lend(&key), V::lend(&value)).doing(LOADING)?;
        match before {
            None => Ok(()),
            Some(_) => Err(NotInserted::Wrong("this key stands there twice".to_owned())),
        }
    }
}
