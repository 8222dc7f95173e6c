//! [`Copy`]: the ledger of a replay in a durable file, beside the one in memory that decides.

use std::{
    fmt,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use safeguards_budget::{Command, CommandError, LedgerExt, Metadata, Outcome, Receipt};
use safeguards_redb::{LoadError, RedbOptions, RedbStore};
use safeguards_types::SimClock;
use tokio::runtime::Runtime;

use super::error::ReplayError;
use crate::{
    durable::{Failure, runtime},
    runs::exists,
};

/// How many commands wait for their flush at most: they are written together.
const WAITING_MAX: usize = 4_096;

/// A file in which the same happens as in memory, in the same order at the same instants.
pub(crate) struct Copy {
    store: RedbStore,
    runtime: Runtime,
    waiting: Vec<Waiting>,
}

/// A command on its way to the disk, and what was answered to it in memory.
struct Waiting {
    answer: Pin<Box<dyn Future<Output = Result<Receipt, CommandError>>>>,
    expected: Outcome,
}

impl Copy {
    /// A new file by the clock of the replay. One that is there is another ledger, at another time.
    pub(crate) fn open(path: &Path, clock: SimClock) -> Result<Self, ReplayError> {
        if exists(path) {
            return Err(Failure::from(LoadError::Exists { path: path.to_owned() }).into());
        }
        let mut options = RedbOptions::default();
        options.clock = Arc::new(clock);
        let store = options.open(path).map_err(Failure::from)?;
        Ok(Self { store, runtime: runtime()?, waiting: Vec::new() })
    }

    /// Does the same, and says which model it was for. It is decided at once, and on the disk by the end.
    pub(crate) fn apply(
        &mut self,
        command: Command,
        model: Option<&str>,
        expected: Outcome,
    ) -> Result<(), ReplayError> {
        let model = model.map(|model| ("model".to_owned(), model.into()));
        let command = command.with_metadata(model.into_iter().collect::<Metadata>());
        let store = self.store.clone();
        let mut answer = Box::pin(async move { store.apply(command).await });
        // What is asked first is decided first, at this instant of the trace.
        let mut context = Context::from_waker(Waker::noop());
        match answer.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return agree(answer, expected),
            Poll::Pending => self.waiting.push(Waiting { answer, expected }),
        }
        if self.waiting.len() >= WAITING_MAX { self.flush() } else { Ok(()) }
    }

    /// Waits until all of it is on the disk.
    pub(crate) fn flush(&mut self) -> Result<(), ReplayError> {
        for Waiting { answer, expected } in self.waiting.drain(..) {
            agree(self.runtime.block_on(answer), expected)?;
        }
        Ok(())
    }
}

/// Both decide alike, or the program is wrong.
fn agree(answer: Result<Receipt, CommandError>, expected: Outcome) -> Result<(), ReplayError> {
    match (answer, expected) {
        (Ok(receipt), Ok(expected)) if receipt == expected => Ok(()),
        (Err(CommandError::Denied(denial)), Err(expected)) if denial == expected => Ok(()),
        (Err(CommandError::Ledger(error)), _) => Err(Failure::from(error).into()),
        (Err(CommandError::Denied(denial)), _) | (Ok(_), Err(denial)) => {
            Err(ReplayError::refused(denial))
        }
        (Ok(_) | Err(_), _) => Err(ReplayError::Copy),
    }
}

impl fmt::Debug for Copy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.waiting.len();
        out.debug_struct("Copy")
            .field("store", &self.store)
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}
