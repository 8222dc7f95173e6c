//! [`Journal`]: entries as lines of a file. A line holds the entries that belong together, as a JSON array.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::Path,
};

use safeguards_budget::Entry;

/// Entries as lines of a file.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// What was appended and not flushed yet.
    pending: Vec<u8>,
    /// Why the pending lines are not all there, if they are not.
    failed: Option<io::Error>,
}

impl Journal {
    /// Opens the file and hands each entry to `follow`. What follows the last whole line was being written when
    /// the process ended; nobody was told of it, and it is cut off.
    pub(crate) fn open(
        path: &Path,
        mut follow: impl FnMut(Entry) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut reader = BufReader::new(&file);
        let (mut line, mut whole) = (Vec::new(), 0_u64);
        while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            for entry in serde_json::from_slice::<Vec<Entry>>(&line)? {
                follow(entry)?;
            }
            whole = whole.saturating_add(u64::try_from(line.len()).map_err(io::Error::other)?);
            line.clear();
        }
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        Ok(Self { file, pending: Vec::new(), failed: None })
    }

    /// Adds a line, which [`Journal::flush`] makes safe.
    pub(crate) fn append(&mut self, entries: &[Entry]) {
        match serde_json::to_writer(&mut self.pending, entries) {
            Ok(()) => self.pending.push(b'\n'),
            Err(error) => self.failed = Some(error.into()),
        }
    }

    /// Writes what was appended, and waits until it is on the disk.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if !self.pending.is_empty() {
            self.file.write_all(&self.pending)?;
            self.file.sync_data()?;
            self.pending.clear();
        }
        Ok(())
    }
}
