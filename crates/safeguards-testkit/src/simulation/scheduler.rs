//! [`Scheduler`]: lets others go first, or waits, as a seed says; and what stands around agents, ledgers and run stores.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_budget::{
    Accounts, Batch, EntryId, EntryPage, Guarantees, HoldId, HoldView, Ledger, LedgerError, Outcome,
};
use safeguards_coord::{
    Agent, AgentError, Context, Descriptor, Reply, RunEntry, RunHead, RunId, RunQuery, RunStore,
    RunStoreError, RunView, Task,
};
use safeguards_types::{AccountId, OperationId, Timestamp};
use tokio::{task::yield_now, time::sleep};

/// Lets others go first, or waits, as a seed says. Clones draw from the same seed, one after the other.
#[derive(Clone)]
pub struct Scheduler {
    shared: Arc<Shared>,
}

struct Shared {
    chance: Mutex<fastrand::Rng>,
    waits_max: Duration,
}

/// What comes before, or after, a call.
enum Turn {
    Now,
    Yield(u32),
    Wait(Duration),
}

impl Scheduler {
    /// One that draws from this seed, and waits so long at most.
    pub fn seeded(seed: u64, waits_max: Duration) -> Self {
        let chance = Mutex::new(fastrand::Rng::with_seed(seed));
        Self { shared: Arc::new(Shared { chance, waits_max }) }
    }

    /// Lets others go first so often, or waits so long, as it happens.
    pub async fn pause(&self) {
        let turn = {
            let Shared { chance, waits_max } = &*self.shared;
            let mut chance = chance.lock();
            match chance.u8(0..8) {
                0..3 => Turn::Now,
                3..6 => Turn::Yield(chance.u32(1..4)),
                _ => {
                    let most = u64::try_from(waits_max.as_millis()).unwrap_or(u64::MAX);
                    Turn::Wait(Duration::from_millis(chance.u64(0..=most)))
                }
            }
        };
        match turn {
            Turn::Now => {}
            Turn::Yield(times) => {
                for _ in 0..times {
                    yield_now().await;
                }
            }
            Turn::Wait(span) => sleep(span).await,
        }
    }

    /// The same agent, which begins and answers a seeded while later. What is cut off in that while has told nothing.
    pub fn agent(&self, agent: Arc<dyn Agent>) -> Arc<dyn Agent> {
        Arc::new(Seeded { scheduler: self.clone(), inner: agent })
    }

    /// The same ledger; each submission arrives, and is answered, a seeded while later.
    pub fn ledger(&self, ledger: Arc<dyn Ledger>) -> Arc<dyn Ledger> {
        Arc::new(Seeded { scheduler: self.clone(), inner: ledger })
    }

    /// The same store; each call arrives, and is answered, a seeded while later.
    pub fn run_store(&self, runs: Arc<dyn RunStore>) -> Arc<dyn RunStore> {
        Arc::new(Seeded { scheduler: self.clone(), inner: runs })
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Scheduler").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Seeded<T: ?Sized> {
    scheduler: Scheduler,
    inner: Arc<T>,
}

impl<T: ?Sized> Seeded<T> {
    async fn around<R>(&self, call: impl Future<Output = R>) -> R {
        self.scheduler.pause().await;
        let answer = call.await;
        self.scheduler.pause().await;
        answer
    }
}

#[async_trait]
impl Agent for Seeded<dyn Agent> {
    fn descriptor(&self) -> &Descriptor {
        self.inner.descriptor()
    }

    async fn run(&self, task: Task, cx: Context) -> Result<Reply, AgentError> {
        self.around(self.inner.run(task, cx)).await
    }
}

#[async_trait]
impl RunStore for Seeded<dyn RunStore> {
    async fn begin(&self, head: RunHead) -> Result<(), RunStoreError> {
        self.around(self.inner.begin(head)).await
    }

    async fn append(&self, run: &RunId, leg: u32, entry: RunEntry) -> Result<(), RunStoreError> {
        self.around(self.inner.append(run, leg, entry)).await
    }

    async fn take_over(
        &self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Result<u32, RunStoreError> {
        self.around(self.inner.take_over(run, leg, by, at)).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunView>, RunStoreError> {
        self.around(self.inner.run(run)).await
    }

    async fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError> {
        self.around(self.inner.entries(run, from, limit)).await
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError> {
        self.around(self.inner.runs(query)).await
    }

    async fn forget(&self, run: &RunId) -> Result<bool, RunStoreError> {
        self.around(self.inner.forget(run)).await
    }

    fn is_durable(&self) -> bool {
        self.inner.is_durable()
    }
}

#[async_trait]
impl Ledger for Seeded<dyn Ledger> {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        self.around(self.inner.submit(batch)).await
    }

    async fn accounts(&self, ids: &[AccountId]) -> Result<Accounts, LedgerError> {
        self.around(self.inner.accounts(ids)).await
    }

    async fn subtree(&self, of: &AccountId) -> Result<Accounts, LedgerError> {
        self.around(self.inner.subtree(of)).await
    }

    async fn holds(&self, ids: &[HoldId]) -> Result<Vec<Option<HoldView>>, LedgerError> {
        self.around(self.inner.holds(ids)).await
    }

    async fn entries(&self, from: EntryId, limit: usize) -> Result<EntryPage, LedgerError> {
        self.around(self.inner.entries(from, limit)).await
    }

    async fn tick(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.around(self.inner.tick()).await
    }

    fn guarantees(&self) -> Guarantees {
        self.inner.guarantees()
    }
}
