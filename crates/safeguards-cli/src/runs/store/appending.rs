//! [`Appending`]: a file of lines that is read once, and then only gets longer.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use safeguards_coord::{RunStoreError, RunStoreErrorKind, SyncRunStore};

use super::{
    line::{FIRST, replay},
    unavailable,
};
use crate::files::sync_folder;

/// A file of runs, open and locked.
#[derive(Debug)]
pub(super) struct Appending {
    path: PathBuf,
    file: File,
    /// How many bytes of the file are lines that last.
    lasting: u64,
    /// Lines that are not written yet.
    unwritten: Vec<u8>,
}

impl Appending {
    /// Opens a file, makes it where it is not there, and does again in memory what it says.
    pub(super) fn open(path: &Path, runs: &SyncRunStore) -> Result<Self, RunStoreError> {
        let cannot = |what: &'static str| move |error| unavailable(path, what, error);
        let is_new = !is_there(path)?;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(cannot("cannot be opened"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!(
                    "{}: the store of runs is in use by another process; one at a time writes to it",
                    path.display()
                );
                return Err(RunStoreError::new(RunStoreErrorKind::Unavailable, message));
            }
            Err(TryLockError::Error(error)) => return Err(cannot("cannot be locked")(error)),
        }
        let lasting = replay_all(path, &file, runs)?;
        let mut opened = Self { path: path.to_owned(), file, lasting, unwritten: Vec::new() };
        if lasting == 0 {
            opened.add(FIRST.as_bytes());
        }
        // What was cut off by a crash is cut away; nobody was told that it is there.
        opened.file.set_len(lasting).map_err(cannot("cannot be written"))?;
        opened.flush().map_err(cannot("cannot be written"))?;
        if is_new {
            sync_folder(path).map_err(cannot("cannot be written"))?;
        }
        Ok(opened)
    }

    /// Its name in messages.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Takes another file for this one.
    #[cfg(test)]
    pub(super) fn swap(&mut self, file: File) -> File {
        std::mem::replace(&mut self.file, file)
    }

    /// Adds a line, to be written with the next flush.
    pub(super) fn add(&mut self, line: &[u8]) {
        self.unwritten.extend_from_slice(line);
    }

    /// Writes all lines that were added, and makes them last. Where that fails they are kept for the next time.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let written = self
            .file
            .seek(SeekFrom::Start(self.lasting))
            .and_then(|_| self.file.write_all(&self.unwritten))
            .and_then(|()| self.file.sync_data());
        if written.is_err() {
            // Half a line would stand before the lines of the next time; there it is overwritten at the latest.
            let _ = self.file.set_len(self.lasting);
            return written;
        }
        let count = u64::try_from(self.unwritten.len()).unwrap_or(u64::MAX);
        self.lasting = self.lasting.saturating_add(count);
        self.unwritten.clear();
        Ok(())
    }
}

/// Does again in memory what a file says that another process may be writing to.
pub(super) fn read(path: &Path, runs: &SyncRunStore) -> Result<(), RunStoreError> {
    let cannot = |error| unavailable(path, "cannot be read", error);
    is_there(path)?;
    let file = File::open(path).map_err(cannot)?;
    replay_all(path, &file, runs).map(drop)
}

/// Whether there is such a file; an error where something else is there.
fn is_there(path: &Path) -> Result<bool, RunStoreError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(true),
        Ok(found) => {
            let what = if found.is_dir() { "a folder" } else { "no regular file" };
            let message = format!("{}: this is {what}, and no store of runs", path.display());
            Err(RunStoreError::new(RunStoreErrorKind::Corrupt, message))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unavailable(path, "cannot be read", error)),
    }
}

/// It is something else.
fn no_store(path: &Path) -> RunStoreError {
    let message = format!(
        "{}: this is no store of runs; its first line would be {}",
        path.display(),
        FIRST.trim_end()
    );
    RunStoreError::new(RunStoreErrorKind::Corrupt, message)
}

/// Does again in memory what whole lines say; gives how many bytes they have.
fn replay_all(path: &Path, file: &File, runs: &SyncRunStore) -> Result<u64, RunStoreError> {
    let (mut lines, mut line) = (BufReader::new(file), Vec::new());
    let (mut number, mut lasting) = (0_u64, 0_u64);
    loop {
        line.clear();
        let count = if number == 0 {
            // Whatever it is, it need not be read to its end to see that.
            let max = u64::try_from(FIRST.len()).unwrap_or(u64::MAX);
            io::Read::take(&mut lines, max).read_until(b'\n', &mut line)
        } else {
            lines.read_until(b'\n', &mut line)
        };
        let count = count.map_err(|error| unavailable(path, "cannot be read", error))?;
        number = number.saturating_add(1);
        if number == 1 && !FIRST.as_bytes().starts_with(&line) && !is_first(&line) {
            return Err(no_store(path));
        }
        let Some(text) = line.strip_suffix(b"\n") else {
            // The end; or a line that is cut off.
            return Ok(lasting);
        };
        replay(text, runs).map_err(|what| {
            let message = format!("{}:{number}: the store of runs: {what}", path.display());
            RunStoreError::new(RunStoreErrorKind::Corrupt, message)
        })?;
        lasting = lasting.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

/// Whether this begins as the first line does, be it of another form.
fn is_first(line: &[u8]) -> bool {
    line.ends_with(b"\n") && line.starts_with(b"{\"runs\":{\"form\":")
}
