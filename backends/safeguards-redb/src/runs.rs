//! The runs of a store. All of them are in tables: memory does not grow with their number.
//!
//! A run has a number of its own besides its name, under which its rows stand; one that begins anew has another.
//! Whatever changes a run is decided by the thread that writes, in the transaction that it is written in.
//!
//! - `tables`: what stands in which table, under which key.
//! - `writing`: what is decided, and written.
//! - `forgetting`: how a run goes, bit by bit where it is long.
//! - `reading`: what is on the disk.
//! - `checking`: what is to be true of it.

mod checking;
mod forgetting;
mod reading;
mod tables;
mod writing;

use async_trait::async_trait;
use redb::WriteTransaction;
use safeguards_coord::{
    RunEntry, RunHead, RunId, RunQuery, RunStore, RunStoreBounds, RunStoreError, RunStoreErrorKind,
    RunView,
};
use safeguards_types::{OperationId, Timestamp};

pub(crate) use self::checking::check;
use self::writing::{Appended, Writing};
use crate::{
    RedbStore,
    cells::Tables,
    error::{Fault, FaultKind, NotWritten},
    rows,
};

const READING: &str = "read runs";
const WRITING: &str = "write runs";

/// All tables of runs.
pub(crate) fn each_table<T: Tables>(all: &mut T) -> Result<(), T::Error> {
    all.table(tables::NAMES)?;
    all.table(tables::HEADS)?;
    all.table(tables::STANDINGS)?;
    all.table(tables::ENTRIES)?;
    all.table(tables::KEYS)?;
    all.table(tables::LISTED)?;
    all.table(tables::ENDED)?;
    all.table(tables::FORGOTTEN)
}

/// A refusal has written nothing.
type Answer<T> = Result<Result<T, RunStoreError>, Fault>;

impl RedbStore {
    /// Changes runs, and answers once that is on the disk.
    async fn write_runs<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Writing<'_>) -> Answer<T> + Send + 'static,
    ) -> Result<T, RunStoreError> {
        let bounds = self.inner.runs;
        let answer = self.inner.pen.write(move |turn| {
            let transaction: &WriteTransaction = turn.transaction()?;
            change(&mut Writing::open(transaction, bounds)?)
        });
        answer.await.map_err(not_written)?
    }
}

#[async_trait]
impl RunStore for RedbStore {
    async fn begin(&self, head: RunHead) -> Result<(), RunStoreError> {
        self.inner.runs.check_head(&head)?;
        let text = rows::write(&head, WRITING).map_err(not_read)?;
        self.write_runs(move |runs| runs.begin(&head, &text)).await
    }

    async fn append(&self, run: &RunId, leg: u32, entry: RunEntry) -> Result<(), RunStoreError> {
        if let RunEntry::TakenOver { .. } = entry {
            return Err(RunStoreError::not_appended(run));
        }
        self.inner.runs.check_entry(&entry)?;
        let text = rows::write(&entry, WRITING).map_err(not_read)?;
        let (run, key) = (run.clone(), entry.key());
        let appended = Appended { leg, key, entry, text };
        self.write_runs(move |runs| runs.append(&run, &appended)).await
    }

    async fn take_over(
        &self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Result<u32, RunStoreError> {
        let run = run.clone();
        self.write_runs(move |runs| runs.take_over(&run, leg, by, at)).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunView>, RunStoreError> {
        self.inner.read(|read| reading::run(read, run)).map_err(not_read)
    }

    async fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError> {
        let limit = limit.min(RunStoreBounds::PAGE);
        let entries = self.inner.read(|read| reading::entries(read, run, from, limit));
        let entries = entries.map_err(not_read)?;
        entries.ok_or_else(|| RunStoreError::unknown(run))
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError> {
        self.inner.read(|read| reading::runs(read, query)).map_err(not_read)?
    }

    async fn forget(&self, run: &RunId) -> Result<bool, RunStoreError> {
        let run = run.clone();
        self.write_runs(move |runs| runs.forget(&run)).await
    }

    fn is_durable(&self) -> bool {
        true
    }
}

/// Nothing of it was written.
fn not_read(fault: Fault) -> RunStoreError {
    let (kind, message) = match fault.kind() {
        FaultKind::Corrupt => (RunStoreErrorKind::Corrupt, "the file of runs cannot be read"),
        FaultKind::Io | FaultKind::Full | FaultKind::Closed => {
            (RunStoreErrorKind::Unavailable, "the file of runs is not available")
        }
    };
    RunStoreError::new(kind, message).caused_by(fault)
}

fn not_written(error: NotWritten) -> RunStoreError {
    match error {
        NotWritten::NotBegun(fault) => not_read(fault),
        // Whatever is wrong with the file: it may be there.
        NotWritten::Unknown(fault) => {
            let message = "whether it was written to the file of runs is not known";
            RunStoreError::new(RunStoreErrorKind::Unavailable, message).caused_by(fault)
        }
    }
}
