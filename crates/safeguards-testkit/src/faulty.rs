//! [`FaultyLedger`]: a ledger around a ledger that fails when it is told to.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_budget::{
    Accounts, Batch, EntryId, EntryPage, Guarantees, HoldId, HoldView, Ledger, LedgerError,
    LedgerErrorKind, Outcome,
};
use safeguards_types::{AccountId, Timestamp};

/// What goes wrong with one submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It never arrives: nothing happened, and the ledger says so.
    Before,
    /// It is carried out and its answer is lost: nobody knows whether it happened.
    After,
    /// It is carried out and answered with no outcome at all, which breaks the contract.
    Silent,
    /// It is carried out and answered, but others go first so many times: before it arrives, and again
    /// before its answer does. Its future may be dropped at each of these points.
    Slow {
        /// How many times.
        yields: u32,
    },
}

/// A ledger around a ledger whose submissions fail as told: by a script, by a plan, or by chance from a seed.
/// What is not told to fail works. Clones share everything, so a test keeps one and hands one away.
///
/// Reads never fail, and all else is the inner ledger's.
///
/// ```
/// use std::sync::Arc;
/// use safeguards_budget::{LedgerExt, MemoryLedger, OpenAccount};
/// use safeguards_testkit::{Fault, FaultyLedger};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let memory = MemoryLedger::new();
/// let ledger = FaultyLedger::new(Arc::new(memory.clone()));
/// let op = memory.operation();
/// ledger.script([Some(Fault::After)]);
/// let error = ledger.open_account(OpenAccount::new("a"), op).await.unwrap_err();
/// assert_eq!(error.code(), "ledger.outcome_unknown");
/// // The same operation id again: answered, and not done twice.
/// ledger.open_account(OpenAccount::new("a"), op).await?;
/// assert_eq!(ledger.submits(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FaultyLedger {
    inner: Arc<dyn Ledger>,
    shared: Arc<Shared>,
}

struct Shared {
    /// What goes wrong with the next submissions, before the plan is asked.
    script: Mutex<VecDeque<Option<Fault>>>,
    plan: Mutex<Plan>,
    submits: AtomicUsize,
    reads: AtomicUsize,
}

type Plan = Box<dyn FnMut(&Batch) -> Option<Fault> + Send>;

impl FaultyLedger {
    /// Nothing fails until it is told to.
    pub fn new(inner: Arc<dyn Ledger>) -> Self {
        let shared = Shared {
            script: Mutex::default(),
            plan: Mutex::new(Box::new(|_| None)),
            submits: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
        };
        Self { inner, shared: Arc::new(shared) }
    }

    /// What goes wrong with the next submissions, one after the other; `None` is nothing. They come after
    /// what was scripted before, and ahead of the plan.
    pub fn script(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.shared.script.lock().extend(faults);
    }

    /// From now on `plan` says before each submission what goes wrong with it.
    pub fn plan(&self, plan: impl FnMut(&Batch) -> Option<Fault> + Send + 'static) {
        *self.shared.plan.lock() = Box::new(plan);
    }

    /// From now on about one submission in `one_in` fails, by chance, the same ones for the same seed: half of
    /// them before they are carried out, half after. None does where `one_in` is 0.
    pub fn seeded(&self, seed: u64, one_in: u32) {
        let mut random = fastrand::Rng::with_seed(seed);
        self.plan(move |_| {
            let fails = one_in > 0 && random.u32(0..one_in) == 0;
            fails.then(|| if random.bool() { Fault::Before } else { Fault::After })
        });
    }

    /// From now on this goes wrong with every submission.
    pub fn fail_always(&self, fault: Fault) {
        self.plan(move |_| Some(fault));
    }

    /// From now on nothing fails any more.
    pub fn mend(&self) {
        self.shared.script.lock().clear();
        self.plan(|_| None);
    }

    /// How many submissions there were, those that failed included.
    pub fn submits(&self) -> usize {
        self.shared.submits.load(Ordering::SeqCst)
    }

    /// How many reads and ticks there were.
    pub fn reads(&self) -> usize {
        self.shared.reads.load(Ordering::SeqCst)
    }

    fn count_read(&self) {
        self.shared.reads.fetch_add(1, Ordering::SeqCst);
    }

    fn next_fault(&self, batch: &Batch) -> Option<Fault> {
        self.shared.submits.fetch_add(1, Ordering::SeqCst);
        let scripted = self.shared.script.lock().pop_front();
        scripted.unwrap_or_else(|| (self.shared.plan.lock())(batch))
    }
}

impl fmt::Debug for FaultyLedger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FaultyLedger")
            .field("inner", &self.inner)
            .field("submits", &self.submits())
            .finish_non_exhaustive()
    }
}

fn failed(kind: LedgerErrorKind) -> LedgerError {
    LedgerError::new(kind, "submit", "the line is down")
}

async fn give_way(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl Ledger for FaultyLedger {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        match self.next_fault(&batch) {
            None => self.inner.submit(batch).await,
            Some(Fault::Before) => Err(failed(LedgerErrorKind::NotApplied)),
            Some(Fault::After) => {
                self.inner.submit(batch).await?;
                Err(failed(LedgerErrorKind::OutcomeUnknown))
            }
            Some(Fault::Silent) => self.inner.submit(batch).await.map(|_| Vec::new()),
            Some(Fault::Slow { yields }) => {
                give_way(yields).await;
                let outcomes = self.inner.submit(batch).await;
                give_way(yields).await;
                outcomes
            }
        }
    }

    async fn accounts(&self, ids: &[AccountId]) -> Result<Accounts, LedgerError> {
        self.count_read();
        self.inner.accounts(ids).await
    }

    async fn subtree(&self, of: &AccountId) -> Result<Accounts, LedgerError> {
        self.count_read();
        self.inner.subtree(of).await
    }

    async fn holds(&self, ids: &[HoldId]) -> Result<Vec<Option<HoldView>>, LedgerError> {
        self.count_read();
        self.inner.holds(ids).await
    }

    async fn entries(&self, from: EntryId, limit: usize) -> Result<EntryPage, LedgerError> {
        self.count_read();
        self.inner.entries(from, limit).await
    }

    async fn tick(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.count_read();
        self.inner.tick().await
    }

    fn guarantees(&self) -> Guarantees {
        self.inner.guarantees()
    }
}
