//! [`Simulated`]: what a simulated test works with.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use safeguards_budget::{LedgerExt, MemoryLedger, OpenAccount};
use safeguards_coord::{Agent, Member, MemoryRunStore, RunEvent, RunOptions, Runner};
use safeguards_types::{Amounts, Clock, OperationId, OperationIds, Timestamp};
use tokio::runtime::Handle;

use super::Scheduler;
use crate::PausedClock;

/// What a simulated test works with: a clock, operations and a scheduler of one seed, a ledger and a run store on them.
#[derive(Debug)]
pub struct Simulated {
    seed: u64,
    clock: PausedClock,
    operations: OperationIds,
    scheduler: Scheduler,
    ledger: MemoryLedger,
    runs: MemoryRunStore,
    trace: Arc<Mutex<String>>,
}

impl Simulated {
    pub(super) fn new(seed: u64, waits_max: Duration) -> Self {
        let clock = PausedClock::new();
        Self {
            seed,
            operations: OperationIds::seeded(seed),
            scheduler: Scheduler::seeded(seed, waits_max),
            ledger: MemoryLedger::with_clock(clock.clone()),
            runs: MemoryRunStore::new(),
            trace: Arc::default(),
            clock,
        }
    }

    /// The seed.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The clock that everything reads: the runtime's paused time.
    pub const fn clock(&self) -> &PausedClock {
        &self.clock
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The next operation of the seed.
    pub fn operation(&self) -> OperationId {
        self.operations.mint(self.now())
    }

    /// What lets others go first: for what a test puts around its own parts.
    pub const fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// The ledger, as it is: it answers a test at once.
    pub const fn ledger(&self) -> &MemoryLedger {
        &self.ledger
    }

    /// The run store, as it is: it answers a test at once.
    pub const fn run_store(&self) -> &MemoryRunStore {
        &self.runs
    }

    /// A runner on ledger and run store, both behind the scheduler.
    pub fn runner(&self) -> Runner {
        let ledger = self.scheduler.ledger(Arc::new(self.ledger.clone()));
        let runs = self.scheduler.run_store(Arc::new(self.runs.clone()));
        Runner::new(ledger, Arc::new(self.clock.clone())).store(runs)
    }

    /// Opens an account.
    ///
    /// # Panics
    ///
    /// Where the ledger refuses.
    pub async fn open(&self, account: OpenAccount) {
        let opened = self.ledger.open_account(account, self.operation()).await;
        #[expect(clippy::expect_used, reason = "a test without its accounts has failed")]
        opened.expect("the account can be opened");
    }

    /// An agent behind the scheduler, as a member of a team.
    pub fn member(&self, agent: impl Agent, estimate: impl Into<Amounts>) -> Member {
        Member::new(self.agent(agent), estimate)
    }

    /// An agent behind the scheduler: it begins and answers a seeded while later.
    pub fn agent(&self, agent: impl Agent) -> Arc<dyn Agent> {
        self.scheduler.agent(Arc::new(agent))
    }

    /// Options of a run whose operation is the next of the seed, and whose events go into the trace.
    pub fn options(&self) -> RunOptions {
        let trace = Arc::clone(&self.trace);
        RunOptions::new(self.operation()).observer(move |event: &RunEvent| {
            let line = serde_json::to_string(event).unwrap_or_else(|error| error.to_string());
            let mut trace = trace.lock();
            trace.push_str(&line);
            trace.push('\n');
        })
    }

    /// What happened in all runs with [these options](Self::options), one event a line, as JSON.
    pub fn trace(&self) -> String {
        self.trace.lock().clone()
    }

    /// Lets others go first, or waits, as the seed says.
    pub async fn pause(&self) {
        self.scheduler.pause().await;
    }

    /// How many tasks are alive on the runtime, the test itself not counted.
    pub fn alive(&self) -> usize {
        let _ = self;
        Handle::current().metrics().num_alive_tasks()
    }
}
