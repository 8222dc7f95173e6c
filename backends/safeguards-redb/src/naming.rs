//! A new file gets its name once it is whole: until then it is a part that stands beside it, so that nobody ever finds a
//! file under that name that is half written, or empty.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// The name of a file with something behind it.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Removes what an earlier try left behind that was killed. What another one is at has redb's lock, and stays: an error of
/// the kind [`WouldBlock`](io::ErrorKind::WouldBlock).
pub(crate) fn clear(part: &Path) -> io::Result<()> {
    let left = match File::open(part) {
        Ok(left) => left,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    match left.try_lock() {
        Ok(()) => fs::remove_file(part),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Gives a whole file its name, for good, unless somebody has made another of that name meanwhile: an error of the kind
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists). It may keep its old name besides.
pub(crate) fn give_name(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // There are file systems without links.
        Err(_) => fs::rename(part, path)?,
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        Some(_) => File::open(".")?.sync_all(),
        None => Ok(()),
    }
}
