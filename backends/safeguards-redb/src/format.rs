//! The format of the file: its version, and how an older one is brought up to it.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use redb::{Database, ReadableDatabase, TableDefinition, TableError, WriteTransaction};

use crate::{
    OpenError, alerts,
    error::{Doing, Fault},
    ledger,
};

/// What every file begins with, and so do files of redb that are of other programs.
pub const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

/// The version that this library writes. A change of what stands in a table, or how, is a new one, and a [`Step`].
///
/// - 2 has a hash beside the accounts as they stood, that of the block before the first one that is kept, and how far the
///   ledger was told as alerts.
pub(crate) const FORMAT: u64 = 2;

/// Numbers about the file, by name.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("safeguards");
const FORMAT_KEY: &str = "format";

/// Brings a file from one format to the next, in one transaction.
type Step = fn(&WriteTransaction) -> Result<(), Fault>;

/// The step from format 1 stands first, and so on.
const STEPS: &[Step] = &[with_sums];

/// To format 2.
fn with_sums(transaction: &WriteTransaction) -> Result<(), Fault> {
    ledger::add_sum(transaction)?;
    alerts::begin_at(transaction, ledger::last_entry(transaction)?)
}

/// Refuses what cannot be one of ours, before anything is written beside it. A file that is not there can; one that is
/// empty is what is left of another one, or of a copy: a new file has its name only once there is something in it.
pub(crate) fn look(path: &Path) -> Result<(), OpenError> {
    let not_a_store =
        |why: &str| OpenError::NotAStore { path: path.to_owned(), why: why.to_owned() };
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(not_a_store("it is a folder")),
        Ok(found) if !found.is_file() => return Err(not_a_store("it is no regular file")),
        Ok(found) if found.len() > 0 => {}
        Ok(_) => return Err(not_a_store("it is empty; delete it to begin a new one")),
        Err(_) if fs::symlink_metadata(path).is_ok() => {
            return Err(not_a_store("it is a link to what is not there"));
        }
        // Whatever else is wrong is said where it is opened.
        Err(_) => return Ok(()),
    }
    let mut begin = [0; MAGIC.len()];
    match File::open(path).and_then(|mut file| file.read_exact(&mut begin)) {
        Ok(()) if begin == MAGIC => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Ok(()),
        Ok(()) | Err(_) => Err(not_a_store("it is no redb file")),
    }
}

/// Makes a new file one of ours, or brings one that is ours up to date.
pub(crate) fn prepare(db: &Database, path: &Path, is_file: bool) -> Result<(), OpenError> {
    let unusable = |fault| OpenError::Unusable { path: path.to_owned(), fault };
    match found(db).map_err(unusable)? {
        Found::Nothing => write(db, FORMAT).map_err(unusable),
        Found::Format(FORMAT) => Ok(()),
        Found::Format(found) if found > FORMAT => {
            Err(OpenError::NewerFormat { path: path.to_owned(), found, known: FORMAT })
        }
        Found::Format(found) => {
            migrate(db, is_file.then_some(path), found, STEPS).map_err(unusable)
        }
        Found::Others(table) => Err(OpenError::NotAStore {
            path: path.to_owned(),
            why: format!("it is a redb file of another program, with a table `{table}`"),
        }),
    }
}

enum Found {
    Nothing,
    Format(u64),
    /// Tables of somebody else.
    Others(String),
}

fn found(db: &Database) -> Result<Found, Fault> {
    const DOING: &str = "read its format";
    let read = db.begin_read().doing(DOING)?;
    let table = match read.open_table(META) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => {
            let other = read.list_tables().doing(DOING)?.next();
            return Ok(other.map_or(Found::Nothing, |table| {
                Found::Others(redb::TableHandle::name(&table).to_owned())
            }));
        }
        Err(error) => return Err(error).doing(DOING),
    };
    let format = table.get(FORMAT_KEY).doing(DOING)?;
    format
        .map(|format| Found::Format(format.value()))
        .ok_or_else(|| Fault::corrupt(DOING, "it has none"))
}

pub(crate) fn write(db: &Database, format: u64) -> Result<(), Fault> {
    const DOING: &str = "write its format";
    let transaction = db.begin_write().doing(DOING)?;
    write_in(&transaction, format)?;
    transaction.commit().doing(DOING)
}

fn write_in(transaction: &WriteTransaction, format: u64) -> Result<(), Fault> {
    const DOING: &str = "write its format";
    let mut table = transaction.open_table(META).doing(DOING)?;
    table.insert(FORMAT_KEY, format).doing(DOING)?;
    Ok(())
}

/// Copies the file, then takes each step in a transaction of its own.
fn migrate(db: &Database, path: Option<&Path>, found: u64, steps: &[Step]) -> Result<(), Fault> {
    const DOING: &str = "bring it up to date";
    if let Some(path) = path {
        fs::copy(path, copy_of(path, found)).map_err(redb::Error::Io).doing("copy it")?;
    }
    for (format, step) in (1..).zip(steps).filter(|(format, _)| *format >= found) {
        let transaction = db.begin_write().doing(DOING)?;
        step(&transaction)?;
        write_in(&transaction, format.saturating_add(1))?;
        transaction.commit().doing(DOING)?;
    }
    Ok(())
}

/// Where the copy of a file of an older format is kept.
fn copy_of(path: &Path, format: u64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".format-{format}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTES: TableDefinition<'_, u64, &str> = TableDefinition::new("notes");

    fn note(transaction: &WriteTransaction, step: u64) -> Result<(), Fault> {
        transaction.open_table(NOTES).doing("note")?.insert(step, "was here").doing("note")?;
        Ok(())
    }

    fn notes(db: &Database) -> Vec<u64> {
        let read = db.begin_read().unwrap();
        let table = read.open_table(NOTES).unwrap();
        table.range::<u64>(..).unwrap().map(|note| note.unwrap().0.value()).collect()
    }

    /// An older file is copied, and each step from its format on is taken once.
    #[test]
    fn an_older_file_is_brought_up_to_date_and_a_copy_is_kept() {
        const STEPS: [Step; 3] =
            [|write| note(write, 1), |write| note(write, 2), |write| note(write, 3)];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.redb");
        let db = Database::create(&path).unwrap();
        write(&db, 2).unwrap();
        migrate(&db, Some(&path), 2, &STEPS).unwrap();
        assert_eq!(notes(&db), [2, 3]);
        assert!(matches!(found(&db), Ok(Found::Format(4))));
        drop(db);
        let copy = Database::open(copy_of(&path, 2)).unwrap();
        assert!(matches!(found(&copy), Ok(Found::Format(2))));
        assert!(copy.begin_read().unwrap().open_table(NOTES).is_err());
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_at_its_format() {
        const STEPS: [Step; 2] = [
            |write| note(write, 1),
            |write| {
                note(write, 2)?;
                Err(Fault::corrupt("take a step", "it cannot be"))
            },
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.redb");
        let db = Database::create(&path).unwrap();
        write(&db, 1).unwrap();
        migrate(&db, Some(&path), 1, &STEPS).unwrap_err();
        assert_eq!(notes(&db), [1]);
        assert!(matches!(found(&db), Ok(Found::Format(2))));
    }

    #[test]
    fn there_is_a_step_to_each_format() {
        assert_eq!(u64::try_from(STEPS.len()), Ok(FORMAT - 1));
    }
}
