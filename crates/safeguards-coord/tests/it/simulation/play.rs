//! Plays a scene, and holds what came of it against the rules.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fastrand::Rng;
use safeguards_budget::LedgerExt;
use safeguards_coord::{Report, RunOptions, Runner, Task, Team};
use safeguards_testkit::{
    Call, CallEnd, Fault, FaultyLedger, Simulated,
    audit::audit_ledger,
    runs::{FaultyRunStore, RunStoreFault},
};
use safeguards_types::Amounts;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    check::check_run,
    model::owed,
    scene::{Cast, Chooser, DEFAULT, Faults, RunPlan, Scene, cents},
};

/// What guards of delegation say.
const GUARDS: [(&str, &str); 2] = [
    ("run.too_deep", "`depth_max` allows more"),
    ("run.repeated_call", "`repeats_max` allows more"),
];

/// What was met, by kind.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) counts: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: Self) {
        for (what, times) in other.counts {
            *self.counts.entry(what).or_default() += times;
        }
    }

    pub(super) fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }
}

/// Plays a scene, and gives what was met.
pub(super) async fn play(sim: &Simulated, scene: &Scene) -> Tally {
    for account in &scene.accounts {
        sim.open(account.clone()).await;
    }
    let team = Team::new("team", "pool", scene.members()).unwrap();
    let runner = runner(sim, scene.faults);
    let mut tally = Tally::default();
    let options: Vec<RunOptions> = scene.runs.iter().map(|_| sim.options()).collect();
    let runs = scene
        .runs
        .iter()
        .zip(options)
        .map(|(plan, options)| carry_out(sim, (&runner, &team), plan, options));
    for (plan, report) in scene.runs.iter().zip(Box::pin(join_all(runs)).await) {
        let Some(report) = report else {
            tally.count("run dropped");
            continue;
        };
        check_run(sim, scene, plan, &report).await;
        count(&report, plan, &mut tally);
    }
    quiet(sim, &runner).await;
    check_money(sim, scene).await;
    for cast in &scene.cast {
        let id = &safeguards_coord::Agent::descriptor(&cast.agent).id;
        assert_eq!(runner.loads().of(id), None, "nobody has anything to do any more");
        for call in cast.agent.calls() {
            tally.count(format!("call {:?}", call.end));
        }
    }
    tally
}

/// Both at once, or one.
async fn join_all<T>(runs: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut runs: Vec<_> = runs.collect();
    match (runs.pop(), runs.pop()) {
        (Some(second), Some(first)) => {
            let (first, second) = tokio::join!(first, second);
            vec![first, second]
        }
        (Some(only), None) => vec![only.await],
        _ => Vec::new(),
    }
}

fn runner(sim: &Simulated, faults: Faults) -> Runner {
    let ledger = FaultyLedger::new(Arc::new(sim.ledger().clone()));
    let mut dice = Rng::with_seed(sim.seed() ^ 1);
    let mut left = faults.of_ledger;
    ledger.plan(move |_| {
        let fails = left > 0 && dice.u8(0..5) == 0;
        left -= usize::from(fails);
        fails.then(|| if dice.bool() { Fault::Before } else { Fault::After })
    });
    let store = FaultyRunStore::new(sim.run_store().clone());
    let mut dice = Rng::with_seed(sim.seed() ^ 2);
    let (mut left, mut calls) = (faults.of_store, 0);
    store.plan(move |_| {
        calls += 1;
        if faults.store_ends.is_some_and(|end| calls > end) {
            return Some(RunStoreFault::Before);
        }
        let fails = left > 0 && dice.u8(0..5) == 0;
        left -= usize::from(fails);
        fails.then(|| if dice.bool() { RunStoreFault::Before } else { RunStoreFault::After })
    });
    Runner::new(sim.scheduler().ledger(Arc::new(ledger)), Arc::new(sim.clock().clone()))
        .store(sim.scheduler().run_store(Arc::new(store)))
        .selector(Arc::new(Chooser::new(Rng::with_seed(sim.seed() ^ 3))))
        .estimate(cents(DEFAULT))
}

/// Carries one run out; none where its future was dropped, or it did not begin since the store was away.
async fn carry_out(
    sim: &Simulated,
    (runner, team): (&Runner, &Team),
    plan: &RunPlan,
    options: RunOptions,
) -> Option<Report> {
    sim.pause().await;
    let token = CancellationToken::new();
    let mut options = options.within(plan.within).guards(plan.guards).cancellation(token.clone());
    if let Some(budget) = &plan.budget {
        options = options.budget(budget.clone());
    }
    if let Some(bytes) = plan.output_bytes_max {
        options = options.output_bytes_max(bytes);
    }
    let canceller = plan.cancel_after.map(|after| {
        tokio::spawn(async move {
            sleep(after).await;
            token.cancel();
        })
    });
    let run = runner.run(team, Task::new("work"), &*plan.strategy, options);
    let report = match plan.drop_after {
        Some(after) => timeout(after, run).await.ok(),
        None => Some(run.await),
    };
    if let Some(canceller) = canceller {
        canceller.abort();
        let _ = canceller.await;
    }
    match report? {
        Ok(report) => Some(report),
        Err(error) => {
            assert_eq!(error.code(), "runs.unavailable", "{error}");
            None
        }
    }
}

/// Waits until nothing runs but who was abandoned for good.
async fn quiet(sim: &Simulated, runner: &Runner) {
    for _ in 0..1_000 {
        // The task of who was abandoned, and who waits for it.
        if sim.alive() == 2 * runner.abandoned() {
            sleep(Duration::from_mins(10)).await;
            if sim.alive() == 2 * runner.abandoned() {
                return;
            }
        }
        sleep(Duration::from_secs(1)).await;
    }
    panic!("{} tasks are running, and {} abandoned", sim.alive(), runner.abandoned());
}

/// What the ledger shows is what the agents cost, by the rules; no hold is left open; and its entries keep the laws.
async fn check_money(sim: &Simulated, scene: &Scene) {
    let ledger = sim.ledger();
    let mut owed_by = BTreeMap::<&str, Amounts>::new();
    for cast in &scene.cast {
        let mut sum = Amounts::none();
        for call in cast.agent.calls() {
            sum.add_all(&owed(&call, call.said.as_ref(), cast.is_free));
        }
        let Cast { account, scope, .. } = cast;
        for counted in [Some(account), scope.as_ref()].into_iter().flatten() {
            owed_by.entry(counted).or_default().add_all(&sum);
        }
        if account != "pool" {
            owed_by.entry("pool").or_default().add_all(&sum);
        }
    }
    for account in &scene.accounts {
        let read = ledger.account(&account.account).await.unwrap().unwrap();
        assert!(read.held.is_zero(), "{} holds {}", account.account, read.held);
        if account.account.as_str() == "mid" {
            continue;
        }
        let expected = owed_by.get(account.account.as_str()).cloned().unwrap_or_default();
        let (spent, expected) = (sorted(&read.spent), sorted(&expected));
        let calls = scene.cast.iter().flat_map(|cast| cast.agent.calls());
        let calls: Vec<String> = calls.map(|call| brief(&call)).collect();
        assert_eq!(spent, expected, "spent at {}: {calls:#?}", account.account);
    }
    let found = audit_ledger(ledger).await.unwrap();
    assert!(found.is_empty(), "{found:#?}");
}

/// Amounts in one order.
pub(super) fn sorted(amounts: &Amounts) -> Vec<String> {
    let mut texts: Vec<String> = amounts.without_zeros().iter().map(ToString::to_string).collect();
    texts.sort();
    texts
}

fn count(report: &Report, plan: &RunPlan, tally: &mut Tally) {
    tally.count(format!("run {}", report.state.as_str()));
    tally.count(format!("strategy {}", plan.strategy.name()));
    if let Some(reason) = &report.reason {
        tally.count(format!("run reason {}", reason.code));
    }
    for step in &report.steps {
        tally.count(format!("step {}", step.state.as_str()));
        if let Some(reason) = &step.reason {
            tally.count(format!("step reason {}", reason.code));
        }
        // What an agent was refused is among the causes of its failure.
        let why = step.reason.as_ref().map_or("", |reason| &reason.message);
        for (guard, words) in GUARDS {
            if why.contains(words) {
                tally.count(format!("guard {guard}"));
            }
        }
        if step.delegated_by.is_some() {
            tally.count("step delegated");
        }
        if step.attempts > 1 {
            tally.count("step attempted again");
        }
    }
}

/// The calls of a step.
pub(super) fn calls_of<'a>(
    scene: &'a Scene,
    report: &Report,
    step: &safeguards_coord::StepId,
) -> Vec<(&'a Cast, Call)> {
    let of_cast = |cast: &'a Cast| {
        let calls = cast.agent.calls().into_iter();
        let calls = calls.filter(|call| call.run == report.run && call.attempt.step == *step);
        calls.map(move |call| (cast, call)).collect::<Vec<_>>()
    };
    scene.cast.iter().flat_map(of_cast).collect()
}

/// A call in one line.
pub(super) fn brief(call: &Call) -> String {
    let said =
        call.said.as_ref().map_or_else(|| "nothing said".to_owned(), |said| format!("said {said}"));
    let Call { run, attempt, held, drawn, end, .. } = call;
    let (step, number) = (&attempt.step, attempt.number);
    format!("{run} {step} #{number}: {end:?}, held {held}, drawn {drawn}, {said}")
}

/// Whether a call came to its end.
pub(super) fn has_ended(call: &Call) -> bool {
    call.end != CallEnd::Running
}
