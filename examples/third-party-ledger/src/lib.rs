//! A ledger as somebody outside Safeguards might write it: [`JournaledLedger`] decides with the ready-made
//! [`Book`], and keeps every entry as JSON in a file before it answers.
//!
//! It shows what an author owes to callers, and where each duty is met:
//!
//! | duty | met by |
//! | --- | --- |
//! | decide as all ledgers do | [`Book`] decides; nothing here does |
//! | answer only what will survive | entries are written and synced before the answer is given |
//! | a linked batch as a whole or not at all, also across a crash | its entries are one line of the file |
//! | tell "nothing happened" from "it may have happened" | [`LedgerErrorKind`]; after a failed write nothing is answered any more until the ledger is opened again |
//! | reads show nothing that is not written | reads and writes take turns at one lock |
//! | futures may be dropped anywhere | there is no `.await` between deciding and writing |
//! | say what is promised, and with which bounds | [`Ledger::guarantees`] |
//!
//! That it keeps all of them is tested in ten lines: see `tests/it.rs`. What a real one would add: writing off
//! the async threads, flushing several writers at once, and snapshots, so that the file need not hold all
//! entries from the first.

mod journal;

use std::{
    io,
    path::Path,
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;
use safeguards_budget::{
    Accounts, Batch, Book, Bounds, EntryId, EntryPage, Guarantees, HoldId, HoldView, Ledger,
    LedgerError, LedgerErrorKind, Outcome,
};
use safeguards_types::{AccountId, Clock, Timestamp};

use crate::journal::Journal;

/// A durable ledger for one process: the book in memory, and its entries in a file.
#[derive(Debug)]
pub struct JournaledLedger {
    state: Mutex<State>,
    clock: Box<dyn Clock>,
    bounds: Bounds,
}

#[derive(Debug)]
struct State {
    book: Book,
    journal: Journal,
    /// The first entry that is not in the file yet.
    next: EntryId,
    /// Whether a write failed: the book is then ahead of the file, and neither is to be believed.
    is_broken: bool,
}

impl JournaledLedger {
    /// Opens the ledger whose journal is at `path`, or begins one there.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read or written, or is no journal.
    pub fn open(path: &Path, clock: impl Clock, mut bounds: Bounds) -> io::Result<Self> {
        // So many entries are always kept, so the book has not forgotten any of a batch when they are written.
        bounds.commands_max = bounds.commands_max.min(bounds.operations_kept);
        let mut book = Book::with_bounds(bounds);
        let mut next = EntryId::FIRST;
        let journal = Journal::open(path, |entry| {
            next = entry.id.next();
            book.replay(&entry).map_err(io::Error::other)
        })?;
        let state = Mutex::new(State { book, journal, next, is_broken: false });
        Ok(Self { state, clock: Box::new(clock), bounds })
    }

    /// The state, unless it cannot be believed any more.
    fn state(&self, operation: &'static str) -> Result<MutexGuard<'_, State>, LedgerError> {
        let broken = "an earlier write failed; open the ledger again";
        let refuse = || LedgerError::new(LedgerErrorKind::NotApplied, operation, broken);
        // The lock is poisoned where a thread panicked with it: what it left behind is not believed either.
        let state = self.state.lock().map_err(|_| refuse())?;
        if state.is_broken { Err(refuse()) } else { Ok(state) }
    }
}

impl State {
    /// Writes the entries that are new as one line, which is there as a whole or not at all.
    fn keep_new_entries(&mut self) {
        let page = self.book.entries(self.next, usize::MAX);
        if page.first_kept > self.next {
            // Some were forgotten before they were written: the bounds above are there to prevent it.
            self.is_broken = true;
        } else if !page.entries.is_empty() {
            self.journal.append(&page.entries);
            self.next = page.next;
        }
    }

    /// Makes what was appended safe. What is known after a failure is little.
    fn flush(&mut self, operation: &'static str) -> Result<(), LedgerError> {
        let flushed = self.journal.flush();
        self.is_broken |= flushed.is_err();
        let unknown = |source| LedgerError::new(LedgerErrorKind::OutcomeUnknown, operation, source);
        flushed.map_err(unknown)?;
        if self.is_broken { Err(unknown(io::Error::other("entries were lost"))) } else { Ok(()) }
    }
}

#[async_trait]
impl Ledger for JournaledLedger {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        let now = self.clock.now();
        let mut state = self.state("submit")?;
        let mut outcomes = Vec::with_capacity(batch.commands.len());
        if batch.linked {
            outcomes = state.book.submit(batch, now);
            state.keep_new_entries();
        } else {
            // Commands that stand each for itself are lines of their own, and are flushed together.
            for command in batch.commands {
                outcomes.push(state.book.apply(command, now));
                state.keep_new_entries();
            }
        }
        state.flush("submit")?;
        Ok(outcomes)
    }

    async fn accounts(&self, ids: &[AccountId]) -> Result<Accounts, LedgerError> {
        Ok(self.state("read accounts")?.book.accounts(ids, self.clock.now()))
    }

    async fn subtree(&self, of: &AccountId) -> Result<Accounts, LedgerError> {
        Ok(self.state("read accounts")?.book.subtree(of, self.clock.now()))
    }

    async fn holds(&self, ids: &[HoldId]) -> Result<Vec<Option<HoldView>>, LedgerError> {
        Ok(self.state("read holds")?.book.holds(ids, self.clock.now()))
    }

    async fn entries(&self, from: EntryId, limit: usize) -> Result<EntryPage, LedgerError> {
        Ok(self.state("read entries")?.book.entries(from, limit))
    }

    async fn tick(&self) -> Result<Option<Timestamp>, LedgerError> {
        let mut state = self.state("end due holds")?;
        let next = state.book.tick(self.clock.now());
        state.keep_new_entries();
        state.flush("end due holds")?;
        Ok(next)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees::new(true, false, self.bounds)
    }
}
