//! Promises of runs that no other file of these tests holds: the order of what is written down, what becomes known
//! late, what cancelling reaches, who pays for workers, what agents share.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use parking_lot::Mutex;
use safeguards_budget::{EntryId, Ledger, LedgerExt, OpenAccount};
use safeguards_coord::{
    BlockingPool, Context, Descriptor, FanOut, Member, MemoryRunStore, Move, Pipeline, Progress,
    Reply, RunEntry, RunStore, SharedState, State, Step, Strategy, Supervise, Task, Team,
    blocking_fn,
};
use safeguards_notify::MemoryEventBus;
use safeguards_testkit::runs::{FaultyRunStore, RunStoreCall, RunStoreFault};
use safeguards_types::{AgentId, usd};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::stage::{Stage, hanging, member, worker};

/// What is written down of a run, each entry by its name.
async fn written(store: &dyn RunStore, run: &safeguards_coord::RunId) -> Vec<String> {
    let entries = store.entries(run, 0, 1_000).await.unwrap();
    entries.iter().map(|entry| entry.key().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_intent_then_hold_then_agent_then_settlement_then_outcome() {
    let stage = Stage::new();
    let store = MemoryRunStore::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (saw, runs, ledger) = (Arc::clone(&seen), store.clone(), stage.ledger.clone());
    let looks = member("a", move |_, cx: Context| {
        let (saw, runs, ledger) = (Arc::clone(&saw), runs.clone(), ledger.clone());
        async move {
            let held = ledger.account(&"a".into()).await.unwrap().unwrap().held;
            *saw.lock() = written(&runs, cx.run()).await;
            saw.lock().push(format!("held {held}"));
            Ok(Reply::text("looked").cost(usd!(0.01)))
        }
    });
    let team = Team::new("team", "pool", [looks]).unwrap();
    let runner = stage.runner().store(Arc::new(store.clone()));
    let report =
        runner.run(&team, Task::new("look"), &Pipeline::new(), stage.options()).await.unwrap();
    assert_eq!(*seen.lock(), ["the intent of step a, attempt 1", "held 1.00 USD, 1 requests"]);
    let all = ["the intent of step a, attempt 1", "the outcome of step a, attempt 1", "the end"];
    assert_eq!(written(&store, &report.run).await, all);
    // The hold's operation has the time of the intent.
    let entries = store.entries(&report.run, 0, 1).await.unwrap();
    let [RunEntry::Intent(intent)] = entries.as_slice() else { panic!("{entries:?}") };
    let page = stage.ledger.entries(EntryId::FIRST, 100).await.unwrap();
    let placed = page.entries.iter().find(|entry| entry.name() == "place_hold").unwrap();
    let minted = placed.cause.as_ref().unwrap().command.op.minted_at();
    assert_eq!(minted.as_nanos() / 1_000_000, intent.at.as_nanos() / 1_000_000);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_down_is_not_begun_and_nothing_is_held_for_it() {
    let stage = Stage::new();
    let store = FaultyRunStore::new(MemoryRunStore::new());
    store.plan(|call| (call == RunStoreCall::Intent).then_some(RunStoreFault::Before));
    let runner = stage.runner().store(Arc::new(store));
    let team = Team::new("team", "pool", [worker("a", usd!(0.1))]).unwrap();
    let report =
        runner.run(&team, Task::new("work"), &Pipeline::new(), stage.options()).await.unwrap();
    let reason = report.reason.unwrap();
    assert_eq!((report.state, &*reason.code), (State::Failed, "run.not_recorded"));
    assert!(
        reason.message.contains("the intent of step a, attempt 1 could not be written down"),
        "{}",
        reason.message
    );
    assert!(report.spent.is_zero());
    let page = stage.ledger.entries(EntryId::FIRST, 100).await.unwrap();
    assert!(page.entries.iter().all(|entry| entry.name() != "place_hold"));
}

#[tokio::test]
async fn what_becomes_known_late_and_is_more_is_recorded() {
    let stage = Stage::new();
    let (release, waits) = mpsc::channel::<()>();
    let waits = Mutex::new(waits);
    let pool = BlockingPool::new(1);
    let descriptor = Descriptor::new("a").grace(Duration::from_millis(20));
    let stuck = blocking_fn(descriptor, &pool, move |_, _| {
        waits.lock().recv().ok();
        Ok(Reply::text("at last").cost(usd!(1.5)))
    });
    let member = Member::new(stuck, usd!(1)).timeout(Duration::from_millis(50));
    let team = Team::new("team", "pool", [member]).unwrap();
    let runner = stage.runner();
    let report =
        runner.run(&team, Task::new("work"), &Pipeline::new(), stage.options()).await.unwrap();
    assert_eq!((report.state, runner.abandoned()), (State::Abandoned, 1));
    // Nothing is left open, whatever it still does.
    assert!(stage.held().await.is_zero());
    assert_eq!(stage.spent().await.to_string(), "1.00 USD, 1 requests");
    release.send(()).unwrap();
    while runner.abandoned() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.spent().await.to_string(), "1.50 USD, 1 requests");
    let page = stage.ledger.entries(EntryId::FIRST, 100).await.unwrap();
    assert_eq!(page.entries.last().unwrap().name(), "record");
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_run_reaches_what_was_delegated_by_whom_it_was_delegated_to() {
    let stage = Stage::new();
    let hands_on = |name: &'static str, to: &'static str| {
        member(name, move |_, cx: Context| async move {
            cx.delegate(to, Task::new("go on")).await?;
            Ok(Reply::text("never"))
        })
    };
    let token = CancellationToken::new();
    let options = stage.options().cancellation(token.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        token.cancel();
    });
    let members = [hands_on("a", "b"), hands_on("b", "c"), hanging("c")];
    let report = stage.run_with(members, &Pipeline::through(["a"]), options).await;
    assert_eq!(report.state, State::Cancelled);
    let steps: Vec<(&str, State)> =
        report.steps.iter().map(|step| (step.step.as_str(), step.state)).collect();
    let cancelled = ["a", "a/b-1", "a/b-1/c-1"].map(|step| (step, State::Cancelled));
    assert_eq!(steps, cancelled);
    assert_eq!(report.steps[2].delegated_by, Some("a/b-1".into()));
    // All are told at once: none waits for the grace of the one above.
    assert!(
        report.ended_at.since(report.started_at) < Duration::from_secs(3) + Descriptor::GRACE * 2
    );
}

#[tokio::test(start_paused = true)]
async fn workers_may_pay_from_below_their_supervisor() {
    let stage = Stage::new();
    for worker in ["ann", "bob"] {
        let account = OpenAccount::new(format!("a/{worker}")).under("a");
        stage.ledger.open_account(account, stage.ledger.operation()).await.unwrap();
    }
    let lead = member("a", |task: Task, _| async move {
        let is_plan = task.input()["role"] == "decompose";
        let output = if is_plan { json!(["read", "write", "check"]) } else { json!("done") };
        Ok(Reply::new(output).cost(usd!(0.01)))
    });
    let below = |name: &str| worker(name, usd!(0.1)).account(format!("a/{name}"));
    let report = stage.run([lead, below("ann"), below("bob")], &Supervise::by_first()).await;
    assert_eq!(report.state, State::Succeeded, "{:?}", report.reason);
    let spent = async |account: &str| {
        stage.ledger.account(&account.into()).await.unwrap().unwrap().spent.to_string()
    };
    assert_eq!(spent("a/ann").await, "0.20 USD, 2 requests");
    assert_eq!(spent("a/bob").await, "0.10 USD, 1 requests");
    // Its own two steps, and all below it.
    assert_eq!(spent("a").await, "0.32 USD, 5 requests");
}

#[tokio::test(start_paused = true)]
async fn agents_share_what_their_runner_was_given_and_nothing_else() {
    let codes = || {
        member("a", |_, cx: Context| async move {
            let state = cx.state().err().map(|error| error.code());
            let events = cx.events().err().map(|error| error.code());
            let sent = cx.send("b", "data.found", 1).await.err().map(|error| error.code());
            Ok(Reply::new(json!([state, events, sent])).cost(usd!(0.01)))
        })
    };
    let stage = Stage::new();
    let report = stage.run([codes()], &Pipeline::new()).await;
    assert_eq!(report.output, Some(json!(["run.not_given", "run.not_given", "run.not_given"])));

    // One writes as itself and is heard, also by who runs beside it.
    let stage = Stage::new();
    let listens = member("b", |_, cx: Context| async move {
        let mut inbox = cx.inbox().await?;
        let message = inbox.next().await.unwrap().unwrap();
        let notes = cx.state()?.get(cx.agent(), "notes").await?;
        let from = message.from().map(ToString::to_string);
        Ok(Reply::new(json!([from, notes.value()])).cost(usd!(0.01)))
    });
    let tells = member("a", |_, cx: Context| async move {
        cx.state()?.set(cx.agent(), "notes", 7).await?;
        while cx.send("b", "data.found", 1).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Reply::text("told").cost(usd!(0.01)))
    });
    let bus = MemoryEventBus::builder().clock(stage.clock.clone()).build();
    let runner = stage.runner().state(SharedState::in_memory()).events(Arc::new(bus));
    let team = Team::new("team", "pool", [tells, listens]).unwrap();
    let report = runner
        .run(&team, Task::new("talk"), &FanOut::to_everybody(), stage.options())
        .await
        .unwrap();
    assert_eq!(report.output, Some(json!(["told", ["a", 7]])));
}

/// Skips its one step, and ends because of it.
#[derive(Debug)]
struct SkipsAndStops;

impl Strategy for SkipsAndStops {
    fn name(&self) -> &'static str {
        "skips_and_stops"
    }

    fn next(&self, _: &Progress) -> Vec<Move> {
        let step = Step::new("s", AgentId::from("a"), Task::new("work"));
        let stop = Move::Stop { because_of: step.step.clone(), why: None, output: None };
        vec![step.skip("nobody wants it"), stop]
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_because_of_a_step_has_its_reason() {
    let report = Stage::new().run([worker("a", usd!(0.1))], &SkipsAndStops).await;
    assert_eq!(report.state, State::Skipped);
    assert_eq!(report.reason, report.steps[0].reason);
    assert!(report.reason.unwrap().message.contains("nobody wants it"));
}

#[tokio::test(start_paused = true)]
async fn who_is_delegated_to_has_no_more_time_than_who_delegates() {
    let deadline = member("b", |_, cx: Context| async move {
        Ok(Reply::new(json!(cx.deadline())).cost(usd!(0.01)))
    });
    let delegates = member("a", |_, cx: Context| async move {
        let given = cx.delegate("b", Task::new("help")).await?.output.unwrap_or_default();
        assert_eq!(given, json!(cx.deadline()));
        Ok(Reply::new(given).cost(usd!(0.01)))
    });
    let stage = Stage::new();
    let members = [delegates.timeout(Duration::from_secs(7)), deadline];
    let report = stage.run(members, &Pipeline::through(["a"])).await;
    let in_seven = report.started_at.saturating_add(Duration::from_secs(7));
    assert_eq!(report.output, Some(json!(in_seven)));
}
