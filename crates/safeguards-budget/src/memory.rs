//! [`MemoryLedger`]: the book behind one lock.

use std::sync::Arc;

use async_trait::async_trait;
use safeguards_types::{AccountId, Clock, OperationId, OperationIds, SystemClock, Timestamp};

use crate::{
    AccountHandle, Accounts, Batch, Book, Bounds, Charge, Command, EntryId, EntryPage, Guarantees,
    HoldId, HoldView, Ledger, LedgerError, OpenAccount, Outcome, Snapshot, sync::Mutex,
};

/// A ledger in memory: forgotten when the program ends. Clones share the same accounts.
///
/// Through [`Ledger`] it is asked like every other; [`MemoryLedger::sync`] asks it without a future.
#[derive(Clone, Debug)]
pub struct MemoryLedger {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    guarantees: Guarantees,
    book: Mutex<Book>,
    clock: Arc<dyn Clock>,
    ids: OperationIds,
}

impl MemoryLedger {
    /// An empty ledger on the machine's clock.
    pub fn new() -> Self {
        Self::with_clock(SystemClock::new())
    }

    /// An empty ledger on this clock.
    pub fn with_clock(clock: impl Clock) -> Self {
        Self::with_bounds(clock, Bounds::default())
    }

    /// An empty ledger on this clock that takes and keeps so much.
    pub fn with_bounds(clock: impl Clock, bounds: Bounds) -> Self {
        Self::with_book(Book::with_bounds(bounds), clock)
    }

    /// A ledger that goes on with a book: one that was restored from a snapshot, say.
    pub fn with_book(book: Book, clock: impl Clock) -> Self {
        let shared = Shared {
            guarantees: Guarantees::in_memory(book.bounds()),
            book: Mutex::new(book),
            clock: Arc::new(clock),
            ids: OperationIds::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Mints the caller's name for a piece of work, by this ledger's clock.
    pub fn operation(&self) -> OperationId {
        self.shared.ids.mint(self.shared.clock.now())
    }

    /// The clock that it reads.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// The same ledger for callers without a runtime.
    pub fn sync(&self) -> SyncLedger<'_> {
        SyncLedger { shared: &self.shared }
    }
}

impl Default for MemoryLedger {
    fn default() -> Self {
        Self::new()
    }
}

/// A [`MemoryLedger`] asked without a future: the fast path.
#[derive(Clone, Copy, Debug)]
pub struct SyncLedger<'ledger> {
    shared: &'ledger Shared,
}

impl SyncLedger<'_> {
    /// Carries out commands: one outcome for each, in their order.
    pub fn submit(&self, batch: Batch) -> Vec<Outcome> {
        let now = self.shared.clock.now();
        self.shared.book.lock().submit(batch, now)
    }

    /// Carries out one command.
    ///
    /// # Errors
    ///
    /// Where the ledger denies it. So it is for every verb here.
    pub fn apply(&self, command: Command) -> Outcome {
        let now = self.shared.clock.now();
        self.shared.book.lock().apply(command, now)
    }

    /// Opens an account.
    ///
    /// # Errors
    ///
    /// Where the ledger denies it.
    pub fn open_account(&self, open: OpenAccount, op: OperationId) -> Outcome {
        self.apply(Command::new(op, open))
    }

    /// Spends at once, if it fits.
    ///
    /// # Errors
    ///
    /// Where the ledger denies it.
    pub fn charge(&self, charge: Charge, op: OperationId) -> Outcome {
        self.apply(Command::new(op, charge))
    }

    /// Reads accounts, all at one revision.
    pub fn accounts(&self, ids: &[AccountId]) -> Accounts {
        let now = self.shared.clock.now();
        self.shared.book.lock().accounts(ids, now)
    }

    /// Reads an account and everything below it, all at one revision.
    pub fn subtree(&self, of: &AccountId) -> Accounts {
        let now = self.shared.clock.now();
        self.shared.book.lock().subtree(of, now)
    }

    /// Reads all accounts, those that are closed too as long as they are remembered, all at one revision: parents before
    /// children, those of one parent by name.
    pub fn all_accounts(&self) -> Accounts {
        let now = self.shared.clock.now();
        self.shared.book.lock().all_accounts(now)
    }

    /// Looks an account up, to be found at once from then on.
    pub fn handle(&self, id: &AccountId) -> Option<AccountHandle> {
        self.shared.book.lock().handle(id)
    }

    /// All that the ledger knows, at one revision.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.book.lock().snapshot()
    }

    /// Reads holds.
    pub fn holds(&self, ids: &[HoldId]) -> Vec<Option<HoldView>> {
        let now = self.shared.clock.now();
        self.shared.book.lock().holds(ids, now)
    }

    /// Reads at most `limit` entries in commit order, beginning with `from`.
    pub fn entries(&self, from: EntryId, limit: usize) -> EntryPage {
        self.shared.book.lock().entries(from, limit)
    }

    /// Ends the holds that are due. Gives the instant when the next one is.
    pub fn tick(&self) -> Option<Timestamp> {
        let now = self.shared.clock.now();
        self.shared.book.lock().tick(now)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        Ok(self.sync().submit(batch))
    }

    async fn accounts(&self, ids: &[AccountId]) -> Result<Accounts, LedgerError> {
        Ok(self.sync().accounts(ids))
    }

    async fn subtree(&self, of: &AccountId) -> Result<Accounts, LedgerError> {
        Ok(self.sync().subtree(of))
    }

    async fn holds(&self, ids: &[HoldId]) -> Result<Vec<Option<HoldView>>, LedgerError> {
        Ok(self.sync().holds(ids))
    }

    async fn entries(&self, from: EntryId, limit: usize) -> Result<EntryPage, LedgerError> {
        Ok(self.sync().entries(from, limit))
    }

    async fn tick(&self) -> Result<Option<Timestamp>, LedgerError> {
        Ok(self.sync().tick())
    }

    fn guarantees(&self) -> Guarantees {
        self.shared.guarantees
    }
}
