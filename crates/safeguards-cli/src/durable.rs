//! Durable files on the command line: how they are told from other files and opened, and why that fails.

mod failure;

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use clap::Args as Arguments;
use safeguards_redb::{MAGIC, RedbOptions, RedbStore};
use tokio::runtime::{Builder, Runtime};

pub(crate) use self::failure::Failure;
use crate::runs::exists;

/// What the name of a new durable file ends with.
const EXTENSION: &str = "redb";

/// The durable file of a verb.
#[derive(Debug, Arguments)]
pub(crate) struct Durable {
    /// The durable file: the `--store FILE.redb` of `safeguards run`, or the file of a program's `Safeguards::open`
    #[arg(long, value_name = "FILE", default_value = "fleet.redb")]
    store: PathBuf,
}

impl Durable {
    /// Opens it; none is made.
    pub(crate) fn open(&self) -> Result<RedbStore, Failure> {
        open_existing(&self.store)
    }
}

/// Opens a file that is there.
pub(crate) fn open_existing(path: &Path) -> Result<RedbStore, Failure> {
    check_there(path)?;
    Ok(RedbOptions::default().open(path)?)
}

/// Looking never makes a file, and a store of runs in lines is told for what it is.
pub(crate) fn check_there(path: &Path) -> Result<(), Failure> {
    if !exists(path) {
        return Err(Failure::NoFile { store: path.to_owned() });
    }
    match begin_of(path) {
        Some(begin) if begin.starts_with(b"{") => Err(Failure::Lines { store: path.to_owned() }),
        Some(_) | None => Ok(()),
    }
}

/// Whether this is a durable file by what it holds, or is to be one by its name. Of what is neither that nor lines of JSON
/// its name says what it was taken for.
pub(crate) fn is_durable(path: &Path) -> bool {
    let begin = begin_of(path).unwrap_or_default();
    let is_named_so = path.extension().is_some_and(|extension| extension == EXTENSION);
    begin == MAGIC || (is_named_so && !begin.starts_with(b"{"))
}

/// The first bytes of a file, as many as tell a durable one, if it can be read.
fn begin_of(path: &Path) -> Option<Vec<u8>> {
    // To open a pipe is to wait for somebody who writes.
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut begin = Vec::new();
    let max = u64::try_from(MAGIC.len()).unwrap_or(u64::MAX);
    File::open(path).ok()?.take(max).read_to_end(&mut begin).ok()?;
    Some(begin)
}

/// What waits for the file.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|source| Failure::Runtime { source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_durable_file_is_told_by_what_it_holds_and_else_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        drop(RedbStore::open(at("fleet")).unwrap());
        fs::write(at("lines.redb"), "{\"begun\":{}} and more\n").unwrap();
        fs::write(at("empty.jsonl"), "").unwrap();
        fs::write(at("other.redb"), "SQLite format 3").unwrap();
        for (name, expected) in [
            ("fleet", true),
            ("lines.redb", false),
            ("empty.jsonl", false),
            ("other.redb", true),
            ("none.redb", true),
            ("none.jsonl", false),
            ("none", false),
        ] {
            assert_eq!(is_durable(&at(name)), expected, "{name}");
        }
    }
}
