//! [`Disk`]: a disk in memory that loses what was not flushed, tears what was being written, fails, and runs full.

use std::{
    fmt, io,
    sync::{Arc, Mutex},
};

use redb::StorageBackend;

/// A disk. Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Default)]
struct State {
    /// What is read back.
    seen: Vec<u8>,
    /// What a loss of power leaves for sure.
    flushed: Vec<u8>,
    /// What was written since, in its order.
    since: Vec<Write>,
    flushes: u64,
    fails_at: Option<u64>,
    size_max: Option<u64>,
    is_read_only: bool,
}

#[derive(Clone)]
enum Write {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

impl Disk {
    /// How often it was flushed.
    pub(crate) fn flushes(&self) -> u64 {
        self.state.lock().unwrap().flushes
    }

    /// Lets the flush of this number fail, and all that come after it.
    pub(crate) fn fail_at(&self, flush: u64) {
        self.state.lock().unwrap().fails_at = Some(flush);
    }

    /// Lets it be full at so many bytes.
    pub(crate) fn full_at(&self, bytes: u64) {
        self.state.lock().unwrap().size_max = Some(bytes);
    }

    /// Lets nothing be written any more, as a disk does that its system no longer trusts.
    pub(crate) fn make_read_only(&self) {
        self.state.lock().unwrap().is_read_only = true;
    }

    pub(crate) fn len(&self) -> u64 {
        self.state.lock().unwrap().seen.len() as u64
    }

    /// The disk as a loss of power leaves it: what was flushed, and of what was written since the writes that `keeps`
    /// says, the last of them torn in its middle.
    pub(crate) fn after_power_loss(&self, keeps: impl Fn(usize) -> bool) -> Self {
        let State { flushed, since, .. } = self.state.lock().unwrap().clone();
        let mut left = flushed;
        let kept: Vec<_> = since
            .into_iter()
            .enumerate()
            .filter(|(at, _)| keeps(*at))
            .map(|(_, write)| write)
            .collect();
        let count = kept.len();
        for (at, write) in kept.into_iter().enumerate() {
            match write {
                Write::Length(length) => left.resize(length, 0),
                Write::Bytes(start, bytes) => {
                    let whole = if at + 1 == count { bytes.len() / 2 } else { bytes.len() };
                    let end = (start + whole).min(left.len());
                    let room = end.saturating_sub(start);
                    left[start.min(end)..end].copy_from_slice(&bytes[..room]);
                }
            }
        }
        let state = State { seen: left.clone(), flushed: left, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Disk")
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(Self::len(self))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let state = self.state.lock().unwrap();
        let bytes = state.seen.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        if state.is_read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        if state.size_max.is_some_and(|max| len > max) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let len = usize::try_from(len).unwrap();
        state.seen.resize(len, 0);
        state.since.push(Write::Length(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.flushes += 1;
        if state.fails_at.is_some_and(|at| state.flushes >= at) {
            return Err(io::Error::other("the disk is broken"));
        }
        let State { seen, flushed, .. } = &mut *state;
        flushed.clone_from(seen);
        state.since.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let mut state = self.state.lock().unwrap();
        if state.is_read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        state.seen[start..start + data.len()].copy_from_slice(data);
        state.since.push(Write::Bytes(start, data.to_vec()));
        Ok(())
    }
}
