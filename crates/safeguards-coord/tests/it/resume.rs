//! Runs that are cut off at every point between intent and outcome, and resumed.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_budget::{
    Accounts, Batch, Entry, EntryId, EntryPage, Guarantees, HoldId, HoldState, HoldView, Ledger,
    LedgerError, LedgerExt, Limit, MemoryLedger, OpenAccount, Outcome,
};
use safeguards_coord::{
    AgentError, Context, Descriptor, FanOut, Member, MemoryRunStore, Pipeline, Reply, Report,
    Retry, RunEntry, RunError, RunHead, RunId, RunOptions, RunQuery, RunStore, RunStoreError,
    RunView, Runner, State, Strategy, Task, Team, agent_fn,
};
use safeguards_types::{AccountId, Amounts, OperationId, OperationIds, SimClock, Timestamp, usd};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// Power that goes off at some point: what is asked then is never answered, be it that it took effect or not.
#[derive(Clone, Debug)]
struct Power {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    points: AtomicUsize,
    off_at: usize,
    /// Whether what is asked at that point still takes effect.
    takes_effect: bool,
    is_off: Notify,
}

impl Power {
    fn until(off_at: usize, takes_effect: bool) -> Self {
        let (points, is_off) = (AtomicUsize::new(0), Notify::new());
        Self { shared: Arc::new(Shared { points, off_at, takes_effect, is_off }) }
    }

    fn on() -> Self {
        Self::until(usize::MAX, false)
    }

    /// Does something that may be cut off.
    async fn point<T>(&self, work: impl Future<Output = T>) -> T {
        let Shared { points, off_at, takes_effect, is_off } = &*self.shared;
        let point = points.fetch_add(1, Ordering::SeqCst);
        if point < *off_at {
            return work.await;
        }
        if point == *off_at {
            if *takes_effect {
                work.await;
            }
            is_off.notify_one();
        }
        pending().await
    }
}

/// A ledger whose machine loses its power.
#[derive(Debug)]
struct CutLedger(MemoryLedger, Power);

#[async_trait]
impl Ledger for CutLedger {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        self.1.point(self.0.submit(batch)).await
    }

    async fn accounts(&self, ids: &[AccountId]) -> Result<Accounts, LedgerError> {
        self.0.accounts(ids).await
    }

    async fn subtree(&self, of: &AccountId) -> Result<Accounts, LedgerError> {
        self.0.subtree(of).await
    }

    async fn holds(&self, ids: &[HoldId]) -> Result<Vec<Option<HoldView>>, LedgerError> {
        self.0.holds(ids).await
    }

    async fn entries(&self, from: EntryId, limit: usize) -> Result<EntryPage, LedgerError> {
        self.0.entries(from, limit).await
    }

    async fn tick(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.0.tick().await
    }

    fn guarantees(&self) -> Guarantees {
        self.0.guarantees()
    }
}

/// A run store whose machine loses its power.
#[derive(Debug)]
struct CutStore(MemoryRunStore, Power);

#[async_trait]
impl RunStore for CutStore {
    async fn begin(&self, head: RunHead) -> Result<(), RunStoreError> {
        self.1.point(self.0.begin(head)).await
    }

    async fn append(&self, run: &RunId, leg: u32, entry: RunEntry) -> Result<(), RunStoreError> {
        self.1.point(self.0.append(run, leg, entry)).await
    }

    async fn take_over(
        &self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Result<u32, RunStoreError> {
        self.1.point(self.0.take_over(run, leg, by, at)).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunView>, RunStoreError> {
        self.0.run(run).await
    }

    async fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError> {
        RunStore::entries(&self.0, run, from, limit).await
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError> {
        RunStore::runs(&self.0, query).await
    }

    async fn forget(&self, run: &RunId) -> Result<bool, RunStoreError> {
        RunStore::forget(&self.0, run).await
    }

    fn is_durable(&self) -> bool {
        true
    }
}

/// What outlives a cut: the ledger, the run store, and how often each agent was really at work.
#[derive(Debug)]
struct World {
    ledger: MemoryLedger,
    store: MemoryRunStore,
    clock: SimClock,
    calls: Arc<Mutex<BTreeMap<String, usize>>>,
}

const RUN: &str = "r-1";

impl World {
    async fn new() -> Self {
        let clock = SimClock::at(Timestamp::parse("2026-03-02T12:00:00Z").unwrap());
        let ledger = MemoryLedger::with_clock(clock.clone());
        let pool = OpenAccount::new("pool").limit(Limit::lifetime(usd!(10)));
        let ids = OperationIds::seeded(1);
        ledger.open_account(pool, ids.mint(clock.now_shown())).await.unwrap();
        for agent in ["a", "b", "c"] {
            let account = OpenAccount::new(agent).under("pool");
            ledger.open_account(account, ids.mint(clock.now_shown())).await.unwrap();
        }
        Self { ledger, store: MemoryRunStore::new(), clock, calls: Arc::default() }
    }

    /// A team of three: `a` draws as it goes, `b` fails once and is tried again, `c` has `a` do something for it.
    fn team(&self, power: &Power, idempotent: bool) -> Team {
        let descriptor = |name: &str| {
            let descriptor = Descriptor::new(name);
            if idempotent { descriptor.idempotent() } else { descriptor }
        };
        let agent = |name: &'static str, cents: u32| {
            let (calls, power) = (Arc::clone(&self.calls), power.clone());
            let agent = agent_fn(descriptor(name), move |task: Task, cx: Context| {
                let (calls, power) = (Arc::clone(&calls), power.clone());
                async move {
                    power.point(async {}).await;
                    let attempt = cx.attempt().clone();
                    *calls.lock().entry(attempt.step.to_string()).or_default() += 1;
                    if name == "a" {
                        // More than is held, so that more is set aside on the way.
                        cx.charge(usd!(0.03)).await?;
                        cx.charge(usd!(0.04)).await?;
                    }
                    if name == "b" && attempt.number == 1 {
                        return Err(AgentError::new("not yet").retryable().cost(usd!(0.01)));
                    }
                    let mut said = json!({ "by": name, "of": task.input() });
                    if name == "c" && task.input() != "small" {
                        let small = Task::new("help").with_input("small");
                        said["helped"] = cx.delegate("a", small).await?.output.unwrap_or_default();
                    }
                    power.point(async {}).await;
                    let reply = Reply::new(said);
                    Ok(if name == "a" { reply } else { reply.cost(cost(cents)) })
                }
            });
            Member::new(agent, usd!(0.05)).retry(Retry::times(1))
        };
        Team::new("team", "pool", [agent("a", 5), agent("b", 2), agent("c", 3)]).unwrap()
    }

    fn runner(&self, power: &Power) -> Runner {
        let ledger = CutLedger(self.ledger.clone(), power.clone());
        let store = CutStore(self.store.clone(), power.clone());
        Runner::new(Arc::new(ledger), Arc::new(self.clock.clone())).store(Arc::new(store))
    }

    fn options(&self) -> RunOptions {
        RunOptions::new(OperationIds::seeded(7).mint(self.clock.now_shown())).id(RUN)
    }

    async fn spent(&self) -> Amounts {
        let account = self.ledger.account(&"pool".into()).await.unwrap().unwrap();
        assert!(account.held.is_zero(), "still held: {}", account.held);
        account.spent
    }
}

trait Shown {
    fn now_shown(&self) -> Timestamp;
}

impl Shown for SimClock {
    fn now_shown(&self) -> Timestamp {
        safeguards_types::Clock::now(self)
    }
}

fn cost(cents: u32) -> Amounts {
    safeguards_types::Amount::parse(&format!("0.{cents:02} USD")).unwrap().into()
}

/// Runs a future on a runtime of its own, which is gone afterwards with all that still runs on it.
pub(crate) fn on_a_machine<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(work)
}

/// Runs it until the power goes off, if it does.
fn run_until_cut(
    world: &World,
    strategy: &dyn Strategy,
    power: &Power,
    idempotent: bool,
) -> Option<Report> {
    on_a_machine(async {
        let (runner, team) = (world.runner(power), world.team(power, idempotent));
        let run = runner.run(&team, Task::new("work").with_input("all"), strategy, world.options());
        tokio::select! {
            biased;
            () = power.shared.is_off.notified() => None,
            report = run => Some(report.unwrap()),
        }
    })
}

fn resume_until_cut(
    world: &World,
    strategy: &dyn Strategy,
    power: &Power,
    idempotent: bool,
) -> Option<Result<Report, RunError>> {
    on_a_machine(async {
        let (runner, team) = (world.runner(power), world.team(power, idempotent));
        let run = RunId::new(RUN);
        tokio::select! {
            biased;
            () = power.shared.is_off.notified() => None,
            report = runner.resume(&team, &run, strategy, world.options()) => Some(report),
        }
    })
}

/// State, output, spending, and state and spending of each step.
type CameTo = (State, Option<Value>, Amounts, BTreeMap<String, (State, Amounts)>);

/// What a run came to, whatever happened on the way.
fn came_to(report: &Report) -> CameTo {
    let step = |step: &safeguards_coord::StepReport| {
        (step.step.to_string(), (step.state, step.spent.clone()))
    };
    let steps = report.steps.iter().map(step).collect();
    (report.state, report.output.clone(), report.spent.clone(), steps)
}

fn strategies() -> [Box<dyn Strategy>; 3] {
    let inputs = ["all", "some", "small", "none", "more"].map(Value::from);
    [
        Box::new(Pipeline::new()),
        Box::new(FanOut::over(inputs).at_once(2)),
        Box::new(FanOut::to_everybody()),
    ]
}

#[test]
fn a_run_that_is_cut_off_anywhere_ends_as_one_that_was_not() {
    for strategy in strategies() {
        let world = on_a_machine(World::new());
        let whole = run_until_cut(&world, &*strategy, &Power::on(), true).unwrap();
        assert_eq!(whole.state, State::Succeeded, "{:?}", whole.reason);
        let total = on_a_machine(world.spent());
        assert_eq!(total, whole.spent);
        let mut cuts = 0;
        for takes_effect in [false, true] {
            for point in 0.. {
                let world = on_a_machine(World::new());
                let power = Power::until(point, takes_effect);
                if run_until_cut(&world, &*strategy, &power, true).is_some() {
                    break;
                }
                cuts += 1;
                let begun = world.store.sync().run(&RunId::new(RUN)).is_some();
                let resumed = if begun {
                    resume_until_cut(&world, &*strategy, &Power::on(), true).unwrap().unwrap()
                } else {
                    run_until_cut(&world, &*strategy, &Power::on(), true).unwrap()
                };
                let at = format!("{} cut at {point}, effect {takes_effect}", strategy.name());
                assert_eq!(came_to(&resumed), came_to(&whole), "{at}");
                assert_eq!(on_a_machine(world.spent()), total, "{at}");
            }
        }
        assert!(cuts > 40, "only {cuts} points");
        println!("{}: {cuts} points at which it was cut off", strategy.name());
    }
}

#[test]
fn a_run_that_is_cut_off_while_it_is_resumed_ends_as_well() {
    let strategy = FanOut::to_everybody();
    let world = on_a_machine(World::new());
    let whole = run_until_cut(&world, &strategy, &Power::on(), true).unwrap();
    for point in (3..).step_by(3) {
        let world = on_a_machine(World::new());
        let power = Power::until(point, true);
        if run_until_cut(&world, &strategy, &power, true).is_some() {
            break;
        }
        for again in 0.. {
            let power = Power::until(again, again % 2 == 0);
            if let Some(report) = resume_until_cut(&world, &strategy, &power, true) {
                assert_eq!(
                    came_to(&report.unwrap()),
                    came_to(&whole),
                    "cut at {point}, then up to {again}"
                );
                break;
            }
        }
        assert_eq!(on_a_machine(world.spent()), whole.spent, "cut at {point}");
    }
}

#[test]
fn an_agent_that_may_not_run_again_does_not() {
    for strategy in strategies() {
        let (mut interrupted, mut cuts) = (0, 0);
        for takes_effect in [false, true] {
            for point in 0.. {
                let world = on_a_machine(World::new());
                let power = Power::until(point, takes_effect);
                if run_until_cut(&world, &*strategy, &power, false).is_some() {
                    break;
                }
                if world.store.sync().run(&RunId::new(RUN)).is_none() {
                    continue;
                }
                cuts += 1;
                let resumed =
                    resume_until_cut(&world, &*strategy, &Power::on(), false).unwrap().unwrap();
                let at = format!("{} cut at {point}, effect {takes_effect}", strategy.name());
                // `b` is tried twice on purpose.
                for (step, calls) in world.calls.lock().iter() {
                    assert!(
                        *calls <= 1 + usize::from(step.starts_with('b')),
                        "{at}: {step} ran {calls} times"
                    );
                }
                assert_eq!(on_a_machine(world.spent()), resumed.spent, "{at}");
                for step in &resumed.steps {
                    assert_eq!(
                        step.reason.is_none(),
                        step.state == State::Succeeded,
                        "{at}: {step}"
                    );
                }
                if resumed.steps.iter().any(|step| step.state == State::Interrupted) {
                    interrupted += 1;
                    assert!(!resumed.state.is_success(), "{at}");
                }
            }
        }
        assert!(interrupted > 5 && interrupted < cuts, "{interrupted} of {cuts}");
    }
}

#[test]
fn a_hold_of_an_attempt_that_was_cut_off_is_the_one_that_is_settled() {
    let world = on_a_machine(World::new());
    // The head, the intent and the hold are there; the agent has begun.
    let power = Power::until(3, false);
    assert!(run_until_cut(&world, &Pipeline::new(), &power, true).is_none());
    let held = on_a_machine(world.ledger.account(&"a".into())).unwrap().unwrap().held;
    assert_eq!(held.to_string(), "0.05 USD, 1 requests");
    let report = resume_until_cut(&world, &Pipeline::new(), &Power::on(), true).unwrap().unwrap();
    assert_eq!(report.steps[0].to_string(), "a: succeeded, spent 0.07 USD, 1 requests");
    let op = world.options();
    let entries = on_a_machine(world.ledger.entries(EntryId::FIRST, 1_000)).unwrap().entries;
    let holds = entries.iter().filter(|entry| entry.name() == "place_hold");
    let first = holds.clone().next().and_then(Entry::op).unwrap();
    let view = on_a_machine(world.ledger.holds(&[HoldId::placed_by(first)])).unwrap();
    assert_eq!(view[0].as_ref().map(|hold| hold.state), Some(HoldState::Settled), "{op:?}");
    assert_eq!(report.leg, 2);
}

#[test]
fn what_did_not_succeed_is_tried_anew_when_an_ended_run_is_resumed() {
    let world = on_a_machine(World::new());
    let flaky = |succeeds: bool, calls: Arc<AtomicUsize>| {
        let agent = agent_fn("b", move |_, _| {
            calls.fetch_add(1, Ordering::SeqCst);
            async move {
                if succeeds {
                    Ok(Reply::new("done").cost(usd!(0.02)))
                } else {
                    Err(AgentError::new("source is down").cost(usd!(0.01)))
                }
            }
        });
        Member::new(agent, usd!(0.05))
    };
    let calls = Arc::new(AtomicUsize::new(0));
    let steady = |calls: &Arc<AtomicUsize>| {
        let calls = Arc::clone(calls);
        let agent = agent_fn("a", move |_, _| {
            calls.fetch_add(1, Ordering::SeqCst);
            async { Ok(Reply::new("read").cost(usd!(0.03))) }
        });
        Member::new(agent, usd!(0.05))
    };
    let (of_a, of_b) = (Arc::clone(&calls), Arc::new(AtomicUsize::new(0)));
    on_a_machine(async {
        let runner = world.runner(&Power::on());
        let team =
            Team::new("team", "pool", [steady(&of_a), flaky(false, Arc::clone(&of_b))]).unwrap();
        let report =
            runner.run(&team, Task::new("work"), &Pipeline::new(), world.options()).await.unwrap();
        assert_eq!(report.state, State::Failed);
        let team =
            Team::new("team", "pool", [steady(&of_a), flaky(true, Arc::clone(&of_b))]).unwrap();
        let run = RunId::new(RUN);
        let report = runner.resume(&team, &run, &Pipeline::new(), world.options()).await.unwrap();
        assert_eq!((report.state, report.output.clone()), (State::Succeeded, Some(json!("done"))));
        assert_eq!((of_a.load(Ordering::SeqCst), of_b.load(Ordering::SeqCst)), (1, 2));
        assert!(report.steps[0].is_reused && !report.steps[1].is_reused);
        assert_eq!(report.steps[1].attempts, 2);
        // What the attempt before cost stands.
        assert_eq!(report.spent.to_string(), "0.06 USD, 3 requests");
        assert_eq!(world.spent().await, report.spent);
        // Once it has succeeded, nothing more is run.
        let again = runner.resume(&team, &run, &Pipeline::new(), world.options()).await.unwrap();
        assert_eq!(came_to(&again), came_to(&report));
        assert_eq!((of_a.load(Ordering::SeqCst), of_b.load(Ordering::SeqCst)), (1, 2));
    });
}

#[test]
fn only_the_same_team_with_the_same_strategy_goes_on() {
    let world = on_a_machine(World::new());
    let power = Power::until(5, true);
    assert!(run_until_cut(&world, &Pipeline::new(), &power, true).is_none());
    on_a_machine(async {
        let on = Power::on();
        let (runner, team, run) = (world.runner(&on), world.team(&on, true), RunId::new(RUN));
        let check =
            async |team: &Team, strategy: &dyn Strategy, run: &RunId, code: &str, told: &str| {
                let error = runner.resume(team, run, strategy, world.options()).await.unwrap_err();
                assert_eq!(error.code(), code, "{error}");
                assert!(error.to_string().contains(told), "{error}");
            };
        let fan_out = FanOut::to_everybody();
        check(
            &team,
            &fan_out,
            &run,
            "run.changed",
            "with the strategy pipeline, and cannot go on with fan_out",
        )
        .await;
        let other = Team::new(
            "other",
            "pool",
            [Member::new(agent_fn("a", |_, _| async { Ok(Reply::default()) }), usd!(1))],
        )
        .unwrap();
        check(&other, &Pipeline::new(), &run, "run.changed", "with the team team").await;
        check(&team, &Pipeline::new(), &"r-2".into(), "runs.unknown_run", "r-2").await;
        let late = world.options().deadline(Timestamp::UNIX_EPOCH);
        let error = runner.resume(&team, &run, &Pipeline::new(), late).await.unwrap_err();
        assert_eq!(error.code(), "run.deadline_passed");
        let without = Runner::new(Arc::new(world.ledger.clone()), Arc::new(world.clock.clone()));
        let error =
            without.resume(&team, &run, &Pipeline::new(), world.options()).await.unwrap_err();
        assert_eq!(error.code(), "run.no_store");
    });
}

#[test]
fn who_runs_a_run_that_was_taken_over_stops() {
    let world = on_a_machine(World::new());
    on_a_machine(async {
        let on = Power::on();
        let runner = world.runner(&on);
        let takes_over = {
            let (store, at) = (world.store.clone(), world.clock.now_shown());
            let other = OperationIds::seeded(8).mint(at);
            agent_fn("a", move |_, _| {
                let store = store.clone();
                async move {
                    store.sync().take_over(&RunId::new(RUN), 1, other, at).unwrap();
                    Ok(Reply::new("read").cost(usd!(0.03)))
                }
            })
        };
        let never = agent_fn("b", |_, _| async { panic!("begun all the same") });
        let team = Team::new(
            "team",
            "pool",
            [Member::new(takes_over, usd!(0.05)), Member::new(never, usd!(0.05))],
        )
        .unwrap();
        let report =
            runner.run(&team, Task::new("work"), &Pipeline::new(), world.options()).await.unwrap();
        let reason = report.reason.clone().unwrap();
        assert_eq!((report.state, &*reason.code), (State::Failed, "run.taken_over"), "{reason}");
        assert_eq!(report.spent.to_string(), "0.03 USD, 1 requests");
        assert_eq!(world.spent().await, report.spent);
    });
}

#[test]
fn a_ledger_that_is_new_is_told_what_was_spent() {
    let world = on_a_machine(World::new());
    // The outcome of the first step is written down, the second one is at work.
    let first = (0..100).find(|point| {
        let world = on_a_machine(World::new());
        let _ = run_until_cut(&world, &Pipeline::new(), &Power::until(*point, true), true);
        let entries = world.store.sync().entries(&RunId::new(RUN), 0, 100).unwrap_or_default();
        matches!(entries.last(), Some(RunEntry::Intent(intent)) if intent.step.as_str() == "b")
    });
    assert!(
        run_until_cut(&world, &Pipeline::new(), &Power::until(first.unwrap(), true), true)
            .is_none()
    );
    let anew = on_a_machine(World::new());
    let anew = World { store: world.store.clone(), ..anew };
    on_a_machine(async {
        let on = Power::on();
        let (runner, run) = (anew.runner(&on), RunId::new(RUN));
        // Nobody knows whether `b` had begun: it says that it may run again.
        let options = || anew.options().ledger_is_new();
        let report =
            runner.resume(&anew.team(&on, true), &run, &Pipeline::new(), options()).await.unwrap();
        assert_eq!(report.state, State::Succeeded);
        assert_eq!(anew.spent().await, report.spent);
    });
    let world = on_a_machine(World::new());
    assert!(
        run_until_cut(&world, &Pipeline::new(), &Power::until(first.unwrap(), true), false)
            .is_none()
    );
    let anew = on_a_machine(World::new());
    let anew = World { store: world.store.clone(), ..anew };
    on_a_machine(async {
        let on = Power::on();
        let (runner, run) = (anew.runner(&on), RunId::new(RUN));
        let options = anew.options().ledger_is_new();
        let report =
            runner.resume(&anew.team(&on, false), &run, &Pipeline::new(), options).await.unwrap();
        assert_eq!(report.steps[1].state, State::Interrupted);
        assert!(report.steps[1].is_cost_unknown(), "{}", report.steps[1]);
        assert_eq!(anew.spent().await, report.spent);
    });
}
