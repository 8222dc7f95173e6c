//! What the tests stand on: a ledger with a pool, one that fails, a clock that follows tokio's, an auditor.

use std::{future::Future, sync::Arc, time::Duration};

use parking_lot::Mutex;
use safeguards_budget::{Ledger, LedgerExt, Limit, MemoryLedger, OpenAccount};
use safeguards_coord::{
    Agent, AgentError, Context, Descriptor, Member, Reply, Report, RunEvent, RunOptions, Runner,
    Strategy, Task, Team, agent_fn,
};
use safeguards_testkit::FaultyLedger;
use safeguards_types::{Amount, Amounts, Clock, Timestamp, usd};
use serde_json::Value;
use tokio::time::Instant;

/// Follows tokio's time, so that pausing tokio pauses it too.
#[derive(Clone, Debug)]
pub(crate) struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let start = Timestamp::parse("2026-03-02T12:00:00Z").unwrap();
        start.saturating_add(self.0.elapsed())
    }
}

/// Accounts `a`, `b` and `c` below `pool`, and who runs teams on them.
pub(crate) struct Stage {
    pub(crate) ledger: MemoryLedger,
    pub(crate) clock: TokioClock,
    pub(crate) events: Arc<Mutex<Vec<Value>>>,
}

impl Stage {
    /// A pool that may spend `limit` in all.
    pub(crate) fn with_limit(limit: Amount) -> Self {
        let clock = TokioClock(Instant::now());
        let ledger = MemoryLedger::with_clock(clock.clone());
        let pool = OpenAccount::new("pool").limit(Limit::lifetime(limit));
        ledger.sync().open_account(pool, ledger.operation()).unwrap();
        for agent in ["a", "b", "c"] {
            let account = OpenAccount::new(agent).under("pool");
            ledger.sync().open_account(account, ledger.operation()).unwrap();
        }
        Self { ledger, clock, events: Arc::default() }
    }

    /// A pool that may spend 10 USD.
    pub(crate) fn new() -> Self {
        Self::with_limit(usd!(10))
    }

    pub(crate) fn options(&self) -> RunOptions {
        let events = Arc::clone(&self.events);
        RunOptions::new(self.ledger.operation()).observer(move |event: &RunEvent| {
            events.lock().push(serde_json::to_value(event).unwrap());
        })
    }

    pub(crate) fn runner(&self) -> Runner {
        Runner::new(Arc::new(self.ledger.clone()), Arc::new(self.clock.clone()))
    }

    pub(crate) async fn run(
        &self,
        members: impl IntoIterator<Item = Member>,
        strategy: &dyn Strategy,
    ) -> Report {
        self.run_with(members, strategy, self.options()).await
    }

    /// Runs a team, and audits: nothing is held any more, and the pool spent what the report says.
    pub(crate) async fn run_with(
        &self,
        members: impl IntoIterator<Item = Member>,
        strategy: &dyn Strategy,
        options: RunOptions,
    ) -> Report {
        let team = Team::new("team", "pool", members).unwrap();
        let before = self.spent().await;
        let runner = self.runner();
        // On the heap: a test that runs several has them all in its own future else.
        let run = Box::pin(runner.run(&team, Task::new("work"), strategy, options));
        let report = run.await.unwrap();
        assert!(self.held().await.is_zero(), "held after the run: {}", self.held().await);
        let mut expected = before;
        expected.add_all(&report.spent);
        assert_eq!(self.spent().await, expected, "{report:?}");
        let run = report.run.as_str();
        let of_run = |event: &&Value| event["run"] == run && event["type"] == "step_ended";
        let ended = self.events.lock().iter().filter(of_run).count();
        assert_eq!(ended, report.steps.len(), "each step ends once");
        report
    }

    /// The ledger, and around it one that fails when it is told to.
    pub(crate) fn faulty(&self) -> FaultyLedger {
        FaultyLedger::new(Arc::new(self.ledger.clone()))
    }

    pub(crate) async fn spent(&self) -> Amounts {
        self.ledger.account(&"pool".into()).await.unwrap().unwrap().spent.without_zeros()
    }

    pub(crate) async fn held(&self) -> Amounts {
        // Holds that are due end by this, so what is seen here was left open.
        self.ledger.tick().await.unwrap();
        self.ledger.account(&"pool".into()).await.unwrap().unwrap().held.without_zeros()
    }

    /// The types of what the observer saw about one step.
    pub(crate) fn seen(&self, step: &str) -> Vec<String> {
        let events = self.events.lock();
        let of_step = events.iter().filter(|event| event["step"] == step);
        of_step.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

/// A member with an estimate of 1 USD.
pub(crate) fn member<F, Fut>(name: impl Into<Descriptor>, run: F) -> Member
where
    F: Fn(Task, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply, AgentError>> + Send + 'static,
{
    Member::new(agent_fn(name, run), usd!(1))
}

/// Succeeds, and says that it cost so much.
pub(crate) fn worker(name: &str, cost: Amount) -> Member {
    let output = format!("{name} was here");
    member(name, move |_, _| {
        let reply = Reply::text(output.clone()).cost(cost.clone());
        async { Ok(reply) }
    })
}

/// Fails after one second, and says that it cost so much.
pub(crate) fn failing(name: &str, cost: Amount) -> Member {
    member(name, move |_, _| {
        let error = AgentError::new("source is down").cost(cost.clone());
        async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Err(error)
        }
    })
}

/// Never ends by itself.
pub(crate) fn hanging(name: impl Into<Descriptor>) -> Member {
    member(name, |_, _| std::future::pending())
}

pub(crate) fn member_of(agent: impl Agent) -> Member {
    Member::new(Arc::new(agent), usd!(1))
}

/// Each step as `name state (code)`.
pub(crate) fn states(report: &Report) -> Vec<String> {
    let state = |step: &safeguards_coord::StepReport| match &step.reason {
        Some(reason) => format!("{} {} {}", step.step, step.state.as_str(), reason.code),
        None => format!("{} {}", step.step, step.state.as_str()),
    };
    report.steps.iter().map(state).collect()
}
