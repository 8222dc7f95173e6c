//! [`Owner`]: who has a file open. A lock file beside it says so.

use std::{
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    process,
};

use safeguards_types::Timestamp;
use serde::{Deserialize, Serialize};

/// Who has a file open, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Owner {
    /// The number of the process.
    pub pid: u32,
    /// The machine that it runs on.
    pub host: String,
    /// When it opened the file, by the clock that it opened it with.
    pub since: Timestamp,
}

impl Owner {
    /// This process, from `now` on.
    fn this(now: Timestamp) -> Self {
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        Self { pid: process::id(), host, since: now }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, host, since } = self;
        write!(out, "process {pid} on {host} since {since}")
    }
}

/// The right to open a file, for as long as this lives. The operating system takes it back when the process ends,
/// however it ends.
#[derive(Debug)]
pub(crate) struct Claim {
    /// Holds the lock.
    file: File,
}

impl Drop for Claim {
    /// A process that is just being started has this file open too until its program begins, and closing it here would
    /// leave the lock with that one for so long.
    fn drop(&mut self) {
        // It ends with the file at the latest.
        let _: io::Result<()> = self.file.unlock();
    }
}

/// Why there is no [`Claim`].
#[derive(Debug)]
pub(crate) enum NoClaim {
    Taken(Option<Owner>),
    Io(io::Error),
}

impl From<io::Error> for NoClaim {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Claim {
    /// Takes the lock beside this file, and writes down who has it. The lock file is left behind: to delete it would
    /// let two processes lock two files of one name.
    pub(crate) fn take(store: &Path, now: Timestamp) -> Result<Self, NoClaim> {
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(lock_of(store))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NoClaim::Taken(read(&mut file))),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let owner = serde_json::to_vec(&Owner::this(now)).map_err(io::Error::other)?;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&owner)?;
        Ok(Self { file })
    }
}

/// Where the lock of a store is: its name with `.lock` at the end, and its own name where this one is a link to it.
pub(crate) fn lock_of(store: &Path) -> PathBuf {
    let own = fs::canonicalize(store);
    let mut name = own.unwrap_or_else(|_| store.to_owned()).into_os_string();
    name.push(".lock");
    name.into()
}

/// Who has it, as they wrote it; `None` while they are writing.
fn read(file: &mut File) -> Option<Owner> {
    let mut text = String::new();
    file.take(4_096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_given_back_though_a_child_that_is_being_started_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.redb");
        let claim = Claim::take(&path, Timestamp::UNIX_EPOCH).unwrap();
        // What a fork has: the same open file.
        let childs = claim.file.try_clone().unwrap();
        let taken = Claim::take(&path, Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(matches!(taken, NoClaim::Taken(Some(owner)) if owner.pid == process::id()));
        drop(claim);
        Claim::take(&path, Timestamp::UNIX_EPOCH).unwrap();
        drop(childs);
    }
}
