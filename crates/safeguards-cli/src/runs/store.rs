//! [`FileRunStore`]: runs in a file that one process writes, a line of JSON for each thing that is written down.

mod appending;
mod line;

use std::{
    fmt, io,
    iter::once,
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, JoinHandle},
};

use safeguards_coord::{
    MemoryRunStore, RunEntry, RunHead, RunId, RunQuery, RunStore, RunStoreBounds, RunStoreError,
    RunStoreErrorKind, RunView, SyncRunStore,
};
use safeguards_types::{OperationId, Timestamp};
use tokio::sync::oneshot;

use self::{appending::Appending, line::Written};

/// Runs in a file of JSON lines. All of it is kept in memory too.
///
/// A thread does one thing after the other: first in memory, which says whether it may be; then in the file. What
/// waits meanwhile is written, and made to last, together. Answers come after that, those to questions too: nobody is
/// told what may be lost.
///
/// What a failed write was about is tried again with the next one. What was asked may be asked again then: a line that
/// stands there twice says the same as one.
pub(crate) struct FileRunStore {
    /// None only while it is dropped.
    requests: Option<Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

/// Does something in memory; gives who waits for that to be written.
type Request = Box<dyn FnOnce(&SyncRunStore, &mut Appending) -> Waiting + Send>;
/// Answers, once it was written or was not.
type Waiting = Box<dyn FnOnce(Option<&io::Error>) + Send>;

impl FileRunStore {
    /// The runs of this file, which is made where it is not there. It is this process's until it is dropped.
    ///
    /// A last line that was cut off is cut away: nobody was told that it is there.
    pub(crate) fn open(path: &Path) -> Result<Self, RunStoreError> {
        Self::open_with(path, bounds())
    }

    fn open_with(path: &Path, bounds: RunStoreBounds) -> Result<Self, RunStoreError> {
        let runs = MemoryRunStore::with_bounds(bounds);
        let file = Appending::open(path, runs.sync())?;
        let (requests, asked) = channel();
        let writer = thread::Builder::new().name("runs".to_owned());
        let writer = writer.spawn(move || serve(runs.sync(), file, &asked));
        let writer = writer.map_err(|error| unavailable(path, "cannot be written", error))?;
        Ok(Self { requests: Some(requests), writer: Some(writer) })
    }

    /// The runs of a file as they stand, for somebody who only looks: another process may be at it.
    pub(crate) fn read(path: &Path) -> Result<MemoryRunStore, RunStoreError> {
        let runs = MemoryRunStore::with_bounds(bounds());
        appending::read(path, runs.sync())?;
        Ok(runs)
    }

    /// Lets the thread do something, and waits until it is written.
    async fn ask<T: Send + 'static>(
        &self,
        act: impl FnOnce(&SyncRunStore, &mut Appending) -> Result<T, RunStoreError> + Send + 'static,
    ) -> Result<T, RunStoreError> {
        let (tell, told) = oneshot::channel();
        let request: Request = Box::new(move |runs, file| {
            let (done, name) = (act(runs, file), file.name());
            Box::new(move |error| {
                let answer = match error {
                    Some(error) if done.is_ok() => Err(unwritten(&name, error)),
                    _ => done,
                };
                // Perhaps nobody waits any more.
                let _ = tell.send(answer);
            })
        });
        let sent = self.requests.as_ref().map(|requests| requests.send(request));
        let gone =
            || RunStoreError::new(RunStoreErrorKind::Unavailable, "the store's thread is gone");
        if !matches!(sent, Some(Ok(()))) {
            return Err(gone());
        }
        told.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// Inputs of a fan-out stand in the task of a run, so that a head may be longer than elsewhere.
fn bounds() -> RunStoreBounds {
    let mut bounds = RunStoreBounds::default();
    bounds.entry_bytes_max = 512 << 20;
    bounds
}

/// Does what is asked, as long as somebody may ask.
fn serve(runs: &SyncRunStore, mut file: Appending, requests: &Receiver<Request>) {
    while let Ok(first) = requests.recv() {
        let asked = once(first).chain(requests.try_iter());
        let waiting: Vec<Waiting> = asked.map(|request| request(runs, &mut file)).collect();
        let written = file.flush();
        for answer in waiting {
            answer(written.as_ref().err());
        }
    }
}

/// The file cannot be reached for now.
fn unavailable(path: &Path, what: &str, error: io::Error) -> RunStoreError {
    let message = format!("{}: the store of runs {what}", path.display());
    RunStoreError::new(RunStoreErrorKind::Unavailable, message).caused_by(error)
}

fn unwritten(name: &str, error: &io::Error) -> RunStoreError {
    let message = format!("{name}: the store of runs cannot be written: {error}");
    RunStoreError::new(RunStoreErrorKind::Unavailable, message)
}

impl Drop for FileRunStore {
    /// Waits for what is being written: who opens the file next finds it free.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(writer) = self.writer.take() {
            // A thread that panicked has nothing more to write.
            let _ = writer.join();
        }
    }
}

impl fmt::Debug for FileRunStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FileRunStore").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl RunStore for FileRunStore {
    async fn begin(&self, head: RunHead) -> Result<(), RunStoreError> {
        let line = Written::Begun(&head).text()?;
        self.ask(move |runs, file| {
            runs.begin(head)?;
            file.add(&line);
            Ok(())
        })
        .await
    }

    async fn append(&self, run: &RunId, leg: u32, entry: RunEntry) -> Result<(), RunStoreError> {
        let line = Written::Entry { run, leg, entry: &entry }.text()?;
        let run = run.clone();
        self.ask(move |runs, file| {
            runs.append(&run, leg, entry)?;
            file.add(&line);
            Ok(())
        })
        .await
    }

    async fn take_over(
        &self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Result<u32, RunStoreError> {
        let next = leg.saturating_add(1);
        let entry = RunEntry::TakenOver { leg: next, by, at };
        let line = Written::Entry { run, leg: next, entry: &entry }.text()?;
        let run = run.clone();
        self.ask(move |runs, file| {
            let next = runs.take_over(&run, leg, by, at)?;
            file.add(&line);
            Ok(next)
        })
        .await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunView>, RunStoreError> {
        let run = run.clone();
        self.ask(move |runs, _| Ok(runs.run(&run))).await
    }

    async fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError> {
        let run = run.clone();
        self.ask(move |runs, _| runs.entries(&run, from, limit)).await
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError> {
        let query = query.clone();
        self.ask(move |runs, _| runs.runs(&query)).await
    }

    async fn forget(&self, run: &RunId) -> Result<bool, RunStoreError> {
        let (line, run) = (Written::Forgotten(run).text()?, run.clone());
        self.ask(move |runs, file| {
            let was_there = runs.forget(&run)?;
            if was_there {
                file.add(&line);
            }
            Ok(was_there)
        })
        .await
    }

    fn is_durable(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
