//! The ledger of a store: the book in memory, and its journal in the file.
//!
//! A batch is decided in memory and answered once its entries are on the disk. Reads wait likewise where they show
//! what is not there yet.
//!
//! - `journal`: entries in the file, a block for each flush.
//! - `snapshot`: the accounts as they stood now and then.
//! - `checking`: what is to be true of both.
//! - `operations`: which entry an operation has that the book no longer remembers.

mod checking;
mod journal;
mod operations;
mod snapshot;

use std::{
    mem,
    sync::{Arc, mpsc},
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use redb::{Database, ReadTransaction, WriteTransaction};
use safeguards_budget::{
    Accounts, Batch, Book, Bounds, Entry, EntryId, EntryPage, Guarantees, HoldId, HoldView, Ledger,
    LedgerError, LedgerErrorKind, Outcome, Outline, Recalled,
};
use safeguards_types::{AccountId, OperationId, Timestamp};

pub(crate) use self::{
    checking::check,
    journal::{Appending, last_entry},
    snapshot::add_sum,
};
use self::{journal::Chain, operations::Gathered};
use crate::{
    RedbStore,
    cells::Tables,
    error::{Fault, NotWritten},
    store::Inner,
    writer::{Pen, Told, Turn, Waiters},
};

/// All tables of the ledger but that of its blocks.
pub(crate) fn each_table<T: Tables>(all: &mut T) -> Result<(), T::Error> {
    all.table(snapshot::SNAPSHOT)?;
    all.table(operations::RUNS)?;
    all.table(operations::SPANS)?;
    all.table(operations::HORIZON)
}

/// Gives each block in turn: the number of its first entry, and its entries.
pub(crate) fn each_block<E: From<Fault>>(
    read: &ReadTransaction,
    mut take: impl FnMut(u64, Vec<Entry>) -> Result<(), E>,
) -> Result<(), E> {
    let mut failed = None;
    journal::each_block(read, 0, |block| {
        failed = take(block.first, block.entries).err();
        Ok(failed.is_none())
    })?;
    failed.map_or(Ok(()), Err)
}

/// How long entries of the ledger stay in the file, and with them the operations that they were caused by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepEntries {
    /// For good.
    Always,
    /// For at least so long, and as long as the book has them in memory.
    For(Duration),
    /// As long as the book has them in memory, by its [bounds](safeguards_budget::Bounds).
    AsRemembered,
}

/// The book of a store, and what of it is not on the disk yet.
#[derive(Debug)]
pub(crate) struct Ledgering {
    shared: Arc<Shared>,
    bounds: Bounds,
    pen: Pen,
}

#[derive(Debug)]
struct Shared {
    tail: Mutex<Tail>,
    snapshot_every: u64,
    keep: KeepEntries,
}

#[derive(Debug)]
struct Tail {
    book: Book,
    /// The last entry that is on the disk; 0 where none is.
    flushed: u64,
    /// Who waits until all that the book holds now is on the disk.
    waiting: Waiters,
    /// The entry that the latest snapshot follows; 0 where there is none.
    snapshot_at: u64,
    /// What only the thread that writes looks at; it is not there while it does.
    written: Option<Written>,
}

/// When the accounts are written down besides the entries.
#[derive(Clone, Copy, Debug)]
enum WriteDown {
    /// After so many entries.
    WhenDue,
    /// Where there is an entry since.
    WhereNew,
    /// In any case, and what is old now is dropped.
    Always { now: Timestamp },
}

/// What is to be written in one turn.
struct New {
    entries: Vec<Entry>,
    waiting: Waiters,
    outline: Option<Outline>,
    written: Option<Written>,
}

/// Where the file stands.
#[derive(Debug)]
struct Written {
    chain: Chain,
    /// The operations since the latest snapshot.
    gathered: Gathered,
}

impl Ledgering {
    pub(crate) fn open(
        db: &Database,
        pen: Pen,
        bounds: Bounds,
        snapshot_every: u64,
        keep: KeepEntries,
    ) -> Result<Self, Fault> {
        let journal::Opened { mut book, chain, snapshot_at, gathered } = journal::open(db, bounds)?;
        let flushed = book.revision().map_or(0, EntryId::number);
        book.set_unwritten_from(EntryId::new(flushed.saturating_add(1)));
        let written = Some(Written { chain, gathered });
        let tail = Tail { book, flushed, waiting: Waiters::default(), snapshot_at, written };
        let shared = Shared { tail: Mutex::new(tail), snapshot_every: snapshot_every.max(1), keep };
        Ok(Self { shared: Arc::new(shared), bounds, pen })
    }

    /// Does something with the book, and answers once all that it may have seen is on the disk.
    async fn with<T>(&self, ask: impl FnOnce(&mut Book) -> T) -> Result<T, NotWritten> {
        if let Some(fault) = self.pen.poison() {
            return Err(NotWritten::NotBegun(fault.clone()));
        }
        let (value, place) = {
            let mut tail = self.shared.tail.lock();
            let value = ask(&mut tail.book);
            if tail.book.revision().map_or(0, EntryId::number) <= tail.flushed {
                return Ok(value);
            }
            (value, tail.waiting.join())
        };
        if place.is_first {
            let errand = Errand { shared: Arc::clone(&self.shared), has_begun: false };
            self.pen.push(Box::new(move |turn| errand.run(turn)))?;
        }
        place.told(&self.pen).await.map(|()| value)
    }

    /// Lets the accounts be written down as they stand, so that the next opening is quick.
    pub(crate) fn write_down(&self) {
        let shared = Arc::clone(&self.shared);
        // Where nothing is written any more, it is opened from its entries.
        let _: Result<u64, NotWritten> =
            self.pen.push(Box::new(move |turn| shared.write(turn, WriteDown::WhereNew)));
    }

    /// Drops what need not be kept at this instant, and waits until that is on the disk.
    pub(crate) fn drop_old(&self, now: Timestamp) -> Result<(), Fault> {
        let shared = Arc::clone(&self.shared);
        let (tell, told) = mpsc::channel();
        let pushed = self.pen.push(Box::new(move |turn| {
            let (done, others) = shared.write(turn, WriteDown::Always { now });
            let told = move |end: Result<(), Fault>| {
                // Whoever asked waits for it.
                let _: Result<(), _> = tell.send(end.clone());
                others(end)
            };
            (done, Box::new(told))
        }));
        pushed.map_err(|error| error.fault().clone())?;
        told.recv().unwrap_or_else(|_| Err(self.pen.unknown().fault().clone()))
    }

    /// Carries out a batch, looking up in the file what the book has forgotten.
    async fn submit(&self, inner: &Inner, mut batch: Batch) -> Result<Vec<Outcome>, NotWritten> {
        // Room is waited for before anything is decided: memory does not grow where the disk is slow.
        let _room = self.pen.room(batch.commands.len()).await?;
        let mut recalled = Recalled::nothing();
        let mut as_of = None;
        loop {
            let Shared { keep, .. } = &*self.shared;
            let answer = self.with(|book| {
                // What was carried out since it was looked up is still remembered, or nothing is known.
                if as_of.is_some_and(|as_of| book.first_kept() > as_of) {
                    (recalled, as_of) = (Recalled::nothing(), None);
                }
                let mut forgotten = match keep {
                    KeepEntries::AsRemembered => Vec::new(),
                    KeepEntries::Always | KeepEntries::For(_) => book.forgotten_of(&batch),
                };
                forgotten.retain(|op| !recalled.tells_of(*op));
                if !forgotten.is_empty() {
                    return Err((batch, recalled, forgotten, next_of(book)));
                }
                Ok(book.submit_recalling(batch, inner.clock.now(), recalled))
            });
            match answer.await? {
                Ok(outcomes) => return Ok(outcomes),
                Err((again, known, forgotten, next)) => {
                    (batch, recalled) = (again, recall(inner, known, forgotten)?);
                    as_of = as_of.or(Some(next));
                }
            }
        }
    }
}

/// A deed that takes what is new. Where it is dropped instead, nobody waits in vain.
struct Errand {
    shared: Arc<Shared>,
    has_begun: bool,
}

impl Errand {
    fn run(mut self, turn: &mut Turn<'_>) -> (Result<(), Fault>, Told) {
        self.has_begun = true;
        self.shared.write(turn, WriteDown::WhenDue)
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        if !self.has_begun {
            let waiting = self.shared.tail.lock().waiting.take();
            drop(waiting);
        }
    }
}

/// The entry that comes next.
fn next_of(book: &Book) -> EntryId {
    book.revision().map_or(EntryId::FIRST, EntryId::next)
}

/// Looks operations up in the file.
fn recall(
    inner: &Inner,
    known: Recalled,
    operations: Vec<OperationId>,
) -> Result<Recalled, NotWritten> {
    let look_up = |read: &ReadTransaction| {
        let horizon = operations::horizon(read)?;
        operations.into_iter().try_fold(known, |known, op| {
            Ok(match journal::entry_of(read, op)? {
                Some(entry) => known.carried_out(op, entry),
                None if horizon.is_some_and(|horizon| op.minted_at() <= horizon) => {
                    known.is_lost(op)
                }
                None => known.is_new(op),
            })
        })
    };
    inner.read(look_up).map_err(NotWritten::NotBegun)
}

impl Shared {
    /// Writes what is new, and the accounts as they stand where it is time, or asked for.
    fn write(self: &Arc<Self>, turn: &mut Turn<'_>, when: WriteDown) -> (Result<(), Fault>, Told) {
        let mut new = self.take_new(when);
        let last = new.entries.last().map(|entry| entry.id.number());
        let done = self.write_new(turn, when, &mut new);
        let New { waiting, written, .. } = new;
        let shared = Arc::clone(self);
        let told = move |end: Result<(), Fault>| {
            let mut tail = shared.tail.lock();
            tail.written = written;
            if let (Ok(()), Some(last)) = (&end, last) {
                tail.flushed = last;
            }
            drop(tail);
            waiting.tell(&end)
        };
        (done, Box::new(told))
    }

    /// Takes what is to be written.
    fn take_new(&self, when: WriteDown) -> New {
        let mut tail = self.tail.lock();
        let entries = tail.book.unwritten();
        let next = next_of(&tail.book);
        tail.book.set_unwritten_from(next);
        let last = next.number().saturating_sub(1);
        let since = last.saturating_sub(tail.snapshot_at);
        let is_time = match when {
            WriteDown::WhenDue => since >= self.snapshot_every,
            WriteDown::WhereNew => since > 0,
            WriteDown::Always { .. } => true,
        };
        let outline = is_time.then(|| tail.book.outline());
        if is_time {
            tail.snapshot_at = last;
        }
        New { entries, waiting: tail.waiting.take(), outline, written: tail.written.take() }
    }

    fn write_new(&self, turn: &mut Turn<'_>, when: WriteDown, new: &mut New) -> Result<(), Fault> {
        let New { entries, outline, written, .. } = new;
        let Some(Written { chain, gathered }) = written else {
            return Err(Fault::closed("write entries"));
        };
        if !entries.is_empty() {
            *chain = journal::append(turn.transaction()?, entries, chain)?;
            gathered.take(entries);
        }
        if let Some(outline) = outline {
            let transaction = turn.transaction()?;
            snapshot::write(transaction, outline)?;
            operations::write(transaction, mem::take(gathered), self.snapshot_every)?;
            let latest = match when {
                WriteDown::Always { now } => Some(now),
                WriteDown::WhenDue | WriteDown::WhereNew => entries.last().map(|entry| entry.at),
            };
            self.drop_old(transaction, outline.first_kept(), latest)?;
        }
        Ok(())
    }

    /// Drops what need not be kept.
    fn drop_old(
        &self,
        transaction: &WriteTransaction,
        first_kept: EntryId,
        latest: Option<Timestamp>,
    ) -> Result<(), Fault> {
        let is_old = |at: Timestamp| match self.keep {
            KeepEntries::Always => false,
            KeepEntries::AsRemembered => true,
            KeepEntries::For(span) => latest.is_some_and(|latest| latest.since(at) > span),
        };
        let (first_kept, horizon) = journal::drop_old(transaction, first_kept, is_old)?;
        operations::drop_before(transaction, first_kept, horizon)
    }
}

impl RedbStore {
    /// Reads all accounts, those that are closed too as long as they are remembered, all at one revision: parents before
    /// children, those of one parent by name.
    ///
    /// # Errors
    ///
    /// Where an earlier write failed: nothing is read until the file is opened again.
    pub async fn all_accounts(&self) -> Result<Accounts, LedgerError> {
        let now = self.inner.clock.now();
        let read = self.inner.ledger.with(|book| book.all_accounts(now)).await;
        read.map_err(|error| error.ledger("read accounts"))
    }
}

#[async_trait]
impl Ledger for RedbStore {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        let outcomes = self.inner.ledger.submit(&self.inner, batch).await;
        outcomes.map_err(|error| error.ledger("carry out commands"))
    }

    async fn accounts(&self, ids: &[AccountId]) -> Result<Accounts, LedgerError> {
        let now = self.inner.clock.now();
        let read = self.inner.ledger.with(|book| book.accounts(ids, now)).await;
        read.map_err(|error| error.ledger("read accounts"))
    }

    async fn subtree(&self, of: &AccountId) -> Result<Accounts, LedgerError> {
        let now = self.inner.clock.now();
        let read = self.inner.ledger.with(|book| book.subtree(of, now)).await;
        read.map_err(|error| error.ledger("read accounts"))
    }

    async fn holds(&self, ids: &[HoldId]) -> Result<Vec<Option<HoldView>>, LedgerError> {
        let now = self.inner.clock.now();
        let read = self.inner.ledger.with(|book| book.holds(ids, now)).await;
        read.map_err(|error| error.ledger("read holds"))
    }

    async fn entries(&self, from: EntryId, limit: usize) -> Result<EntryPage, LedgerError> {
        const DOING: &str = "read entries";
        let ledger = &self.inner.ledger;
        let page = ledger.with(|book| book.entries(from, limit)).await;
        let page = page.map_err(|error| error.ledger(DOING))?;
        // The file has all that the book has, and what it had before.
        if page.first_kept <= EntryId::FIRST || ledger.shared.keep == KeepEntries::AsRemembered {
            return Ok(page);
        }
        let failed = |fault| LedgerError::new(LedgerErrorKind::NotApplied, DOING, fault);
        let look = |read: &ReadTransaction| {
            if from < page.first_kept {
                return journal::entries(read, from, limit);
            }
            let first_kept = journal::first_kept(read)?;
            Ok(EntryPage::new(page.entries, page.next, first_kept))
        };
        self.inner.read(look).map_err(failed)
    }

    async fn tick(&self) -> Result<Option<Timestamp>, LedgerError> {
        let now = self.inner.clock.now();
        let ticked = self.inner.ledger.with(|book| book.tick(now)).await;
        ticked.map_err(|error| error.ledger("end what is due"))
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees::new(true, false, self.inner.ledger.bounds)
    }
}
