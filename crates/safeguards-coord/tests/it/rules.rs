//! The numbered rules of runs, those that no other file of these tests holds: estimates and holds, draws, retries,
//! blocking agents, guards.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use parking_lot::Mutex;
use safeguards_budget::{
    EntryId, Ledger, LedgerExt, Limit, MemoryLedger, OpenAccount, Percent, ProtectionStep, Window,
};
use safeguards_coord::{
    AgentError, BlockingPool, Context, Descriptor, DrawError, FanOut, Guards, HandOver, Member,
    Pipeline, Reply, Report, Retry, RunOptions, Runner, State, Task, Team, agent_fn, blocking_fn,
};
use safeguards_testkit::Setup;
use safeguards_types::{Amount, Clock, Priority, Timestamp, usd};
use serde_json::{Value, json};

use crate::stage::Stage;

/// A member with an estimate of 0.05 USD.
fn member<F, Fut>(name: &str, run: F) -> Member
where
    F: Fn(Task, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply, AgentError>> + Send + 'static,
{
    Member::new(agent_fn(name, run), usd!(0.05))
}

/// Succeeds, and costs as much as was expected.
fn worker(name: &str, cost: Amount) -> Member {
    let costs = cost.clone();
    let agent = agent_fn(name, move |_, _| {
        let reply = Reply::text("done").cost(costs.clone());
        async { Ok(reply) }
    });
    Member::new(agent, cost)
}

fn reason(report: &Report) -> (State, String, String) {
    let reason = report.reason.clone().unwrap();
    (report.state, reason.code.into_owned(), reason.message)
}

async fn names(stage: &Stage) -> Vec<String> {
    let page = stage.ledger.entries(EntryId::FIRST, 1_000).await.unwrap();
    page.entries.iter().map(|entry| entry.name().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_late_step_of_a_long_run_is_not_too_old_for_the_ledger() {
    let clock = Stage::new().clock;
    let ledger = MemoryLedger::with_bounds(clock.clone(), Setup::small_bounds());
    for name in ["a", "b"] {
        ledger.open_account(OpenAccount::new(name), ledger.operation()).await.unwrap();
    }
    ledger.open_account(OpenAccount::new("pool"), ledger.operation()).await.unwrap();
    // Enough happens meanwhile for the ledger to forget the ids of the beginning.
    let busy = ledger.clone();
    let slow = member("a", move |_, _| {
        let busy = busy.clone();
        async move {
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_mins(1)).await;
                let charge = safeguards_budget::Charge::new("b", usd!(0.01));
                busy.charge(charge, busy.operation()).await.unwrap();
            }
            Ok(Reply::text("slow").cost(usd!(0.01)))
        }
    });
    let team = Team::new("team", "pool", [slow, worker("b", usd!(0.01))]).unwrap();
    let options = RunOptions::new(ledger.operation()).within(Duration::from_hours(2));
    let runner = Runner::new(Arc::new(ledger), Arc::new(clock));
    let report = runner.run(&team, Task::new("work"), &Pipeline::new(), options).await.unwrap();
    assert_eq!(report.state, State::Succeeded, "{:?}", report.reason);
}

#[tokio::test(start_paused = true)]
async fn the_estimate_is_the_callers_else_the_default_else_the_95th_percentile_else_none_begins() {
    let stage = Stage::new();
    let agent = || agent_fn("a", |_, _| async { Ok(Reply::text("").cost(usd!(0.02))) });
    let held = async |runner: &Runner, member: Member| {
        let team = Team::new("team", "pool", [member]).unwrap();
        let report = runner.run(&team, Task::new("work"), &Pipeline::new(), stage.options()).await;
        report.map(|report| report.steps[0].held.to_string())
    };
    let runner = stage.runner();
    let error = held(&runner, Member::of(agent())).await.unwrap_err();
    assert_eq!(error.code(), "run.no_estimate");
    assert!(error.to_string().contains("agent a of team team has no estimate"), "{error}");
    assert!(stage.events.lock().is_empty(), "refused before the run starts");
    let own = Member::new(agent(), usd!(0.07));
    assert_eq!(held(&runner, own).await.unwrap(), "0.07 USD, 1 requests");
    // It has cost something by now.
    assert_eq!(held(&runner, Member::of(agent())).await.unwrap(), "0.02 USD, 1 requests");
    let default = stage.runner().estimate(usd!(0.05));
    assert_eq!(held(&default, Member::of(agent())).await.unwrap(), "0.05 USD, 1 requests");
    let error = held(&stage.runner().estimate(usd!(0)), Member::of(agent())).await.unwrap_err();
    assert_eq!(error.code(), "run.no_estimate", "never zero");
    let free = agent_fn(Descriptor::new("a").free(), |_, _| async { Ok(Reply::text("")) });
    assert_eq!(held(&stage.runner(), Member::of(free)).await.unwrap(), "1 requests");
}

#[tokio::test(start_paused = true)]
async fn a_hold_is_extended_as_long_as_its_attempt_goes_on() {
    let stage = Stage::new();
    let ledger = stage.ledger.clone();
    let slow = member("a", move |_, _| {
        let ledger = ledger.clone();
        async move {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_hours(1)).await;
                ledger.tick().await.unwrap();
                let account = ledger.account(&"a".into()).await.unwrap().unwrap();
                assert!(!account.held.is_zero(), "it ran out");
            }
            Ok(Reply::text("slow").cost(usd!(0.01)))
        }
    });
    let options = stage.options().within(Duration::from_hours(6));
    let report = stage.run_with([slow], &Pipeline::new(), options).await;
    assert_eq!(report.state, State::Succeeded, "{:?}", report.reason);
    let beats = names(&stage).await.iter().filter(|name| *name == "extend_hold").count();
    assert!((8..=10).contains(&beats), "{beats}");
    // A crash sets nothing aside for days: at most an hour, and what the clocks may differ.
    let stage = Stage::new();
    let options = stage.options().within(Duration::from_hours(100));
    stage.run_with([worker("a", usd!(0.01))], &Pipeline::new(), options).await;
    let page = stage.ledger.entries(EntryId::FIRST, 100).await.unwrap();
    let placed = page.entries.iter().find(|entry| entry.name() == "place_hold").unwrap();
    let told = format!("{:?}", placed.cause.as_ref().unwrap().command.action);
    assert!(told.contains("ttl: 3600s"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn priority_and_protection_are_the_agents() {
    let stage = Stage::with_limit(usd!(1));
    let half = ProtectionStep::new(Percent::parse("50").unwrap(), Priority::P8);
    stage.ledger.set_protection("pool".into(), vec![half], stage.ledger.operation()).await.unwrap();
    stage.ledger.set_priority("b".into(), Priority::P9, stage.ledger.operation()).await.unwrap();
    let report = stage
        .run(
            [worker("a", usd!(0.4)), worker("b", usd!(0.2)), worker("c", usd!(0.3))],
            &FanOut::to_everybody().at_once(1),
        )
        .await;
    let states: Vec<State> = report.steps.iter().map(|step| step.state).collect();
    // The first fits below the protected half, the second may use it, the third may not.
    assert_eq!(states, [State::Succeeded, State::Succeeded, State::Denied]);
    assert_eq!(&*report.steps[2].reason.as_ref().unwrap().code, "budget.protected");
}

#[tokio::test(start_paused = true)]
async fn charges_draw_on_the_hold_and_more_is_set_aside_before_it_is_spent() {
    let stage = Stage::with_limit(usd!(0.10));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (told, ledger) = (Arc::clone(&seen), stage.ledger.clone());
    let drawing = member("a", move |_, cx: Context| {
        let (told, ledger) = (Arc::clone(&told), ledger.clone());
        async move {
            let tell = async |charged: Result<(), DrawError>| {
                let held = ledger.account(&"pool".into()).await.unwrap().unwrap().held;
                let charged = charged.map_or_else(|error| error.code(), |()| "ok");
                let left = cx.remaining().get(usd!(1).unit());
                told.lock().push(format!("{charged}, held {held}, left {left}"));
            };
            tell(cx.charge(usd!(0.03)).await).await;
            tell(cx.charge(usd!(0.04)).await).await;
            tell(cx.charge(usd!(0.04)).await).await;
            tell(cx.charge(usd!(0.03)).await).await;
            Ok(Reply::text("drew"))
        }
    });
    // Held are 0.05 USD.
    let report = stage.run([drawing], &Pipeline::new()).await;
    assert_eq!(
        *seen.lock(),
        [
            "ok, held 0.05 USD, 1 requests, left 0.02",
            "ok, held 0.07 USD, 1 requests, left 0",
            "budget.limit_exceeded, held 0.07 USD, 1 requests, left 0",
            "ok, held 0.10 USD, 1 requests, left 0",
        ]
    );
    assert_eq!(report.steps[0].to_string(), "a: succeeded, spent 0.10 USD, 1 requests");
    // Who stops for it is denied, with the numbers; what it drew counts.
    let stage = Stage::with_limit(usd!(0.10));
    let stops = member("a", |_, cx: Context| async move {
        cx.charge(usd!(0.06)).await?;
        cx.charge(usd!(0.06)).await?;
        Ok(Reply::text("never"))
    });
    let report = stage.run([stops], &Pipeline::new()).await;
    let denied = "a: denied (budget.limit_exceeded), spent 0.06 USD, 1 requests";
    assert_eq!(report.steps[0].to_string(), denied);
    let denial = report.steps[0].denial.as_ref().and_then(|denial| denial.shortfall()).unwrap();
    assert_eq!(denial.account.as_str(), "pool");
}

#[tokio::test(start_paused = true)]
async fn what_is_left_behind_charges_nothing_any_more() {
    let stage = Stage::new();
    let kept = Arc::new(Mutex::new(None));
    let keeps = Arc::clone(&kept);
    let agent = member("a", move |_, cx: Context| {
        *keeps.lock() = Some(cx);
        async { Ok(Reply::text("").cost(usd!(0.01))) }
    });
    let report = stage.run([agent], &Pipeline::new()).await;
    assert_eq!(report.spent.to_string(), "0.01 USD, 1 requests");
    let cx = kept.lock().take().unwrap();
    assert!(matches!(cx.charge(usd!(0.01)).await, Err(DrawError::Ended)));
    let delegated = cx.delegate("a", Task::new("more")).await;
    assert_eq!(delegated.unwrap_err().code(), "run.attempt_ended");
}

/// An agent `a` that fails so often, each time at a cost of 0.01 USD, and then succeeds.
fn fails(times: usize, error: fn() -> AgentError) -> (Member, Arc<Mutex<Vec<Timestamp>>>, Stage) {
    let stage = Stage::new();
    let begun = Arc::new(Mutex::new(Vec::new()));
    let (calls, clock) = (Arc::clone(&begun), stage.clock.clone());
    let agent = member("a", move |_, _| {
        let call = {
            let mut calls = calls.lock();
            calls.push(clock.now());
            calls.len()
        };
        async move {
            if call > times {
                return Ok(Reply::text("done").cost(usd!(0.02)));
            }
            Err(error().cost(usd!(0.01)))
        }
    });
    (agent, begun, stage)
}

#[tokio::test(start_paused = true)]
async fn only_errors_declared_retryable_are_tried_again_each_with_its_own_hold() {
    let (agent, begun, stage) = fails(2, || AgentError::new("source is down").retryable());
    let report = stage.run([agent.retry(Retry::times(3))], &Pipeline::new()).await;
    assert_eq!(report.steps[0].to_string(), "a: succeeded, spent 0.04 USD, 3 requests");
    assert_eq!(report.steps[0].attempts, 3);
    assert_eq!(report.steps[0].notes.len(), 2, "{:?}", report.steps[0].notes);
    let holds = names(&stage).await.iter().filter(|name| *name == "place_hold").count();
    assert_eq!((holds, begun.lock().len()), (3, 3));
    let retrying = stage.events.lock().iter().filter(|event| event["type"] == "retrying").count();
    assert_eq!(retrying, 2);
    // Between the attempts there is a pause, which doubles.
    let pauses: Vec<Duration> = begun.lock().windows(2).map(|two| two[1].since(two[0])).collect();
    assert!(
        pauses[0] >= Retry::PAUSE / 2 && pauses[0] <= Retry::PAUSE + Duration::from_millis(1),
        "{pauses:?}"
    );
    assert!(
        pauses[1] >= Retry::PAUSE && pauses[1] <= Retry::PAUSE * 2 + Duration::from_millis(1),
        "{pauses:?}"
    );

    let (agent, begun, stage) = fails(2, || AgentError::new("no such page"));
    let report = stage.run([agent.retry(Retry::times(3))], &Pipeline::new()).await;
    assert_eq!((report.state, begun.lock().len()), (State::Failed, 1));
    let (agent, begun, stage) = fails(2, || panic!("oh"));
    let report = stage.run([agent.retry(Retry::times(3))], &Pipeline::new()).await;
    assert_eq!((report.state, begun.lock().len()), (State::Failed, 1));
    let (agent, begun, stage) = fails(2, || AgentError::new("source is down").retryable());
    let report = stage.run([agent.retry(Retry::times(1))], &Pipeline::new()).await;
    assert_eq!((report.state, begun.lock().len()), (State::Failed, 2));
    assert_eq!(report.spent.to_string(), "0.02 USD, 2 requests");
    let (agent, begun, stage) = fails(2, || AgentError::new("source is down").retryable());
    let report = stage.run([agent], &Pipeline::new()).await;
    assert_eq!((report.state, begun.lock().len()), (State::Failed, 1), "never by itself");
}

#[tokio::test(start_paused = true)]
async fn no_attempt_begins_after_the_deadline_or_beyond_the_runs_own_budget() {
    let down = || AgentError::new("source is down").retryable();
    let (agent, begun, stage) = fails(100, down);
    let options = stage.options().within(Duration::from_secs(10));
    let forever = Retry::times(1_000).pause(Duration::from_secs(2));
    let report = stage.run_with([agent.retry(forever)], &Pipeline::new(), options).await;
    assert_eq!(report.state, State::Failed);
    assert!(report.ended_at.since(report.started_at) < Duration::from_secs(10));
    assert!((3..=5).contains(&begun.lock().len()));
    assert!(report.steps[0].notes.iter().any(|note| note.contains("no time for another attempt")));

    let (agent, begun, stage) = fails(100, down);
    let options = stage.options().budget(usd!(0.07));
    let report =
        stage.run_with([agent.retry(Retry::times(1_000))], &Pipeline::new(), options).await;
    // 0.05 USD are held for each: after three attempts only 0.04 are left.
    assert_eq!(begun.lock().len(), 3);
    let (ended, code, message) = reason(&report);
    assert_eq!((ended, &*code), (State::Denied, "run.budget_exceeded"));
    assert!(
        message.contains(
            "the run may spend 0.07 USD in all; 0.04 USD of that are left, asked 0.05 USD"
        ),
        "{message}"
    );
    assert_eq!(report.spent.to_string(), "0.03 USD, 3 requests");
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_not_tried_again_before_its_time() {
    let stage = Stage::new();
    let per_hour = Limit::new(usd!(0.06), Window::every_seconds(3_600).unwrap());
    stage.ledger.set_limit("a".into(), per_hour, stage.ledger.operation()).await.unwrap();
    let begun = Arc::new(Mutex::new(Vec::new()));
    let (calls, clock) = (Arc::clone(&begun), stage.clock.clone());
    let agent = || {
        let (calls, clock) = (Arc::clone(&calls), clock.clone());
        member("a", move |_, _| {
            calls.lock().push(clock.now());
            async { Ok(Reply::text("").cost(usd!(0.05))) }
        })
    };
    let twice = FanOut::over([json!(1), json!(2)]).at_once(1);
    let options = stage.options().within(Duration::from_hours(3));
    let report = stage.run_with([agent().retry(Retry::times(1))], &twice, options).await;
    assert_eq!(report.state, State::Succeeded, "{:?}", report.reason);
    let begun = begun.lock().clone();
    let apart = begun[1].since(begun[0]);
    assert!(apart > Duration::from_mins(1), "{apart:?}");
    let denied: Vec<Value> =
        stage.events.lock().iter().filter(|event| event["type"] == "denied").cloned().collect();
    assert_eq!(denied.len(), 1);
    assert_eq!(
        begun[1].to_string(),
        denied[0]["denial"]["retry_at"].as_str().unwrap().replace(".000000000", "")
    );
    // Without time for it, the denial stands.
    let stage = Stage::new();
    let per_hour = Limit::new(usd!(0.06), Window::every_seconds(3_600).unwrap());
    stage.ledger.set_limit("a".into(), per_hour, stage.ledger.operation()).await.unwrap();
    let options = stage.options().within(Duration::from_mins(1));
    let report =
        stage.run_with([worker("a", usd!(0.05)).retry(Retry::times(9))], &twice, options).await;
    assert_eq!(report.steps[1].state, State::Denied);
    assert_eq!(report.steps[1].attempts, 1);
}

#[tokio::test]
async fn blocking_agents_run_on_so_many_threads_and_what_is_abandoned_keeps_its_place() {
    let stage = Stage::new();
    let pool = BlockingPool::new(1);
    let (release, waits) = mpsc::channel::<()>();
    let waits = Mutex::new(waits);
    let stuck =
        blocking_fn(Descriptor::new("a").grace(Duration::from_millis(20)), &pool, move |_, _| {
            // Heeds nothing.
            waits.lock().recv().ok();
            Ok(Reply::text("at last").cost(usd!(0.03)))
        });
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let quick =
        blocking_fn(Descriptor::new("b").grace(Duration::from_millis(20)), &pool, move |_, _| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Reply::text("quick").cost(usd!(0.01)))
        });
    let members = || {
        [
            Member::new(Arc::clone(&stuck), usd!(0.05)).timeout(Duration::from_millis(50)),
            Member::new(Arc::clone(&quick), usd!(0.05)).timeout(Duration::from_millis(200)),
        ]
    };
    let runner = stage.runner();
    let team = Team::new("team", "pool", members()).unwrap();
    let report = runner
        .run(&team, Task::new("work"), &FanOut::to_everybody(), stage.options())
        .await
        .unwrap();
    assert_eq!(report.steps[0].state, State::Abandoned);
    assert!(report.steps[0].is_cost_unknown());
    // No thread was free for the other one, which therefore costs nothing.
    assert_eq!((report.steps[1].state, begun.load(Ordering::SeqCst)), (State::TimedOut, 0));
    assert!(report.steps[1].spent.is_zero(), "{}", report.steps[1]);
    assert_eq!((runner.abandoned(), pool.busy()), (1, 1));
    let spent =
        async || stage.ledger.account(&"a".into()).await.unwrap().unwrap().spent.to_string();
    assert_eq!(spent().await, "0.05 USD, 1 requests");
    // It ends after all, and says what it cost: what was settled is put right.
    release.send(()).unwrap();
    while runner.abandoned() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((spent().await.as_str(), pool.busy()), ("0.03 USD, 1 requests", 0));
    let report = runner
        .run(
            &team,
            Task::new("again"),
            &Pipeline::new(),
            stage.options().within(Duration::from_millis(300)),
        )
        .await
        .unwrap();
    assert_eq!(report.steps[0].state, State::Abandoned);
    release.send(()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn delegating_is_a_step_of_its_own_one_level_deeper() {
    let stage = Stage::new();
    let boss = member("a", |_, cx: Context| async move {
        let read = cx.delegate("b", Task::new("read").with_input(1)).await?;
        let more = cx.delegate("b", Task::new("read").with_input(2)).await?;
        Ok(Reply::new(json!([read.output, more.output])).cost(usd!(0.01)))
    });
    let reader = member("b", |task: Task, cx: Context| async move {
        assert!(cx.deadline() <= Stage::new().clock.now().saturating_add(Duration::from_hours(1)));
        Ok(Reply::new(task.input().clone()).cost(usd!(0.02)))
    });
    let report = stage.run([boss, reader], &Pipeline::through(["a"])).await;
    assert_eq!(report.output, Some(json!([1, 2])));
    let steps: Vec<String> = report.steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        steps,
        [
            "a: succeeded, spent 0.01 USD, 1 requests",
            "a/b-1: succeeded, spent 0.02 USD, 1 requests",
            "a/b-2: succeeded, spent 0.02 USD, 1 requests",
        ]
    );
    assert_eq!(report.steps[1].delegated_by, Some("a".into()));

    let asks = |to: &'static str| {
        member("a", move |_, cx: Context| async move {
            let refused = cx.delegate(to, Task::new("read")).await.unwrap_err();
            Ok(Reply::new(format!("{}: {refused}", refused.code())).cost(usd!(0.01)))
        })
    };
    let stage = Stage::new();
    let report = stage.run([asks("nobody")], &Pipeline::new()).await;
    assert_eq!(
        report.output,
        Some(json!("run.unknown_agent: step a delegates to nobody, who is not in the team"))
    );
    // Who delegates and does not succeed for it fails with the cause.
    let stage = Stage::new();
    let hands_on = member("a", |_, cx: Context| async move {
        cx.delegate("b", Task::new("read")).await?;
        Ok(Reply::text("never"))
    });
    let fails =
        member("b", |_, _| async { Err(AgentError::new("source is down").cost(usd!(0.01))) });
    let report = stage.run([hands_on, fails], &Pipeline::through(["a"])).await;
    let (ended, _, message) = reason(&report);
    assert_eq!(ended, State::Failed);
    assert!(
        message.contains(
            "a, attempt 1: what it delegated did not succeed: agent.failed: b, attempt 1: source is down"
        ),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_passed_up_names_its_way_and_how_it_began_once() {
    #[track_caller]
    fn check(report: &Report, way: &str, cause: &str) {
        let (ended, code, message) = reason(report);
        assert_eq!((ended, &*code), (State::Failed, "agent.failed"));
        let began = format!("a, attempt 1: what it delegated did not succeed ({way}): {cause}");
        assert!(message.starts_with(&began), "{message}");
        assert_eq!(message.matches("counts as spent").count(), 1, "{message}");
        assert!(message.len() < 600, "{message}");
    }
    let circle = |name: &'static str, to: &'static str| {
        member(name, move |task: Task, cx: Context| async move {
            let depth = task.input().as_u64().unwrap_or(0) + 1;
            cx.delegate(to, Task::new("do it").with_input(depth)).await?;
            Ok(Reply::text("never"))
        })
    };
    for (depth, way) in
        [(3, "b -> a -> b"), (20, "b -> a -> b -> a -> … 12 more … -> b -> a -> b -> a")]
    {
        let (stage, mut guards) = (Stage::new(), Guards::default());
        guards.depth_max = depth;
        let options = stage.options().guards(guards).within(Duration::from_hours(1));
        let team = [circle("a", "b"), circle("b", "a")];
        let report = stage.run_with(team, &Pipeline::through(["a"]), options).await;
        check(&report, way, "run.too_deep: step a/b-1/a-1");
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_delegated_ends_with_it() {
    let stage = Stage::new();
    let leaves = member("a", |_, cx: Context| async move {
        let _ =
            tokio::time::timeout(Duration::from_secs(1), cx.delegate("b", Task::new("wait"))).await;
        // This one is still on its way when the agent is done.
        let other = cx.clone();
        tokio::spawn(async move { other.delegate("b", Task::new("wait more")).await.is_ok() });
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(Reply::text("left").cost(usd!(0.01)))
    });
    let report = stage.run([leaves, crate::stage::hanging("b")], &Pipeline::through(["a"])).await;
    assert_eq!(report.state, State::Succeeded);
    let states: Vec<State> = report.steps.iter().map(|step| step.state).collect();
    assert_eq!(states, [State::Succeeded, State::Cancelled, State::Cancelled]);
    assert!(
        report.steps[1]
            .reason
            .as_ref()
            .unwrap()
            .message
            .contains("cancelled by a, which delegated it")
    );
}

#[tokio::test(start_paused = true)]
async fn guards_bound_depth_repeats_and_hand_overs_each_with_a_reason() {
    // `a` delegates to `b`, `b` to `a`, and so on: a circle.
    let circle = |name: &'static str, to: &'static str| {
        member(name, move |task: Task, cx: Context| async move {
            let depth = task.input().as_u64().unwrap_or(0) + 1;
            match cx.delegate(to, Task::new("do it").with_input(depth)).await {
                Ok(report) => Ok(Reply::new(report.output.unwrap()).cost(usd!(0.001))),
                Err(error) if error.report().is_none() => {
                    Ok(Reply::new(json!({ "depth": depth, "why": error.code() })).cost(usd!(0.001)))
                }
                Err(error) => Err(error.into()),
            }
        })
    };
    let stage = Stage::new();
    let mut guards = Guards::default();
    guards.depth_max = 5;
    let options = stage.options().guards(guards);
    let report = stage
        .run_with([circle("a", "b"), circle("b", "a")], &Pipeline::through(["a"]), options)
        .await;
    assert_eq!(report.output, Some(json!({ "depth": 6, "why": "run.too_deep" })));
    assert_eq!(report.steps.len(), 6);

    // The same asked of the same, again and again.
    let stage = Stage::new();
    guards.repeats_max = 3;
    let again = member("a", |_, _| async {
        Ok(Reply::new(json!({ "next_speaker": "a", "input": "page 1" })).cost(usd!(0.001)))
    });
    let options = stage.options().guards(guards);
    let report = stage.run_with([again], &HandOver::new(), options).await;
    let (ended, code, message) = reason(&report);
    assert_eq!((ended, &*code), (State::Failed, "run.repeated_call"), "{message}");
    assert!(message.contains("asks the same of a once more than 3 times"), "{message}");
    // What whoever asked for the run repeats is meant.
    let same = FanOut::over((0..5).map(|_| json!("page 1"))).at_once(1);
    let options = stage.options().guards(guards);
    let report = stage.run_with([worker("a", usd!(0.01))], &same, options).await;
    assert_eq!(report.state, State::Succeeded, "{:?}", report.reason);
    let insists = member("a", |_, cx: Context| async move {
        let mut refused = None;
        for _ in 0..5 {
            refused = cx.delegate("b", Task::new("read")).await.err().or(refused);
        }
        Ok(Reply::new(refused.unwrap().code()).cost(usd!(0.01)))
    });
    let stage = Stage::new();
    let report = stage
        .run_with(
            [insists, worker("b", usd!(0.01))],
            &Pipeline::through(["a"]),
            stage.options().guards(guards),
        )
        .await;
    assert_eq!((report.output, report.steps.len()), (Some(json!("run.repeated_call")), 4));

    // Ping-pong: each names the other.
    let stage = Stage::new();
    let hands = |name: &'static str, to: &'static str| {
        member(name, move |task: Task, _| async move {
            let round = task.input()["round"].as_u64().unwrap_or(0) + 1;
            Ok(Reply::new(json!({ "next_speaker": to, "input": { "round": round } }))
                .cost(usd!(0.001)))
        })
    };
    guards.hand_overs_max = 7;
    let report = stage
        .run_with(
            [hands("a", "b"), hands("b", "a")],
            &HandOver::new(),
            stage.options().guards(guards),
        )
        .await;
    let (ended, code, message) = reason(&report);
    assert_eq!((ended, &*code), (State::Failed, "run.too_many_hand_overs"), "{message}");
    assert_eq!(report.steps.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn an_output_beyond_its_cap_is_a_failure_that_names_it() {
    let stage = Stage::new();
    let says = |bytes: usize| {
        member(
            "a",
            move |_, _| async move { Ok(Reply::text("x".repeat(bytes - 2)).cost(usd!(0.01))) },
        )
    };
    let report = stage
        .run_with([says(5_000)], &Pipeline::new(), stage.options().output_bytes_max(5_000))
        .await;
    assert_eq!(report.state, State::Succeeded);
    let report = stage
        .run_with([says(5_001)], &Pipeline::new(), stage.options().output_bytes_max(5_000))
        .await;
    let (ended, code, message) = reason(&report);
    assert_eq!((ended, &*code), (State::Failed, "agent.output_too_large"));
    assert!(message.contains("more than 5000 bytes"), "{message}");
    assert!(report.steps[0].output.is_none());
    assert_eq!(report.spent.to_string(), "0.01 USD, 1 requests");
    let report = stage.run([says((1 << 20) + 1)], &Pipeline::new()).await;
    assert_eq!(reason(&report).1, "agent.output_too_large");
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_suspended_half_way_ends_the_run_with_that_reason() {
    let stage = Stage::new();
    let ledger = stage.ledger.clone();
    let suspends = member("a", move |_, _| {
        let ledger = ledger.clone();
        async move {
            ledger
                .suspend("pool".into(), Some("it loops".to_owned()), ledger.operation())
                .await
                .unwrap();
            Ok(Reply::text("read").cost(usd!(0.02)))
        }
    });
    let report = stage
        .run([suspends, worker("b", usd!(0.01)), worker("c", usd!(0.01))], &Pipeline::new())
        .await;
    let (ended, code, message) = reason(&report);
    assert_eq!((ended, &*code), (State::Denied, "budget.suspended"));
    assert_eq!(message, "b: account `pool` is suspended");
    let states: Vec<State> = report.steps.iter().map(|step| step.state).collect();
    assert_eq!(states, [State::Succeeded, State::Denied, State::Skipped]);
    // What had begun is settled all the same.
    assert_eq!(report.spent.to_string(), "0.02 USD, 1 requests");
}

#[tokio::test(start_paused = true)]
async fn cancelling_ten_thousand_live_steps_leaves_nothing_running() {
    const STEPS: usize = 10_000;
    let stage = Stage::with_limit(usd!(1_000));
    let running = Arc::new(AtomicUsize::new(0));
    let live = Arc::clone(&running);
    let agent = member("a", move |_, cx: Context| {
        let live = Arc::clone(&live);
        async move {
            live.fetch_add(1, Ordering::SeqCst);
            cx.cancelled().await;
            live.fetch_sub(1, Ordering::SeqCst);
            Err(AgentError::new("stopped").cost(usd!(0.01)))
        }
    });
    let options = stage.options();
    let token = tokio_util::sync::CancellationToken::new();
    let options = options.cancellation(token.clone());
    let watch = Arc::clone(&running);
    tokio::spawn(async move {
        while watch.load(Ordering::SeqCst) < STEPS {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        token.cancel();
    });
    let inputs = FanOut::over((0..STEPS).map(|input| json!(input))).at_once(STEPS);
    let runner = stage.runner();
    let team = Team::new("team", "pool", [agent]).unwrap();
    let report = runner.run(&team, Task::new("wait"), &inputs, options).await.unwrap();
    assert_eq!(reason(&report).1, "run.cancelled");
    assert_eq!(report.steps.iter().filter(|step| step.state == State::Cancelled).count(), STEPS);
    assert_eq!(running.load(Ordering::SeqCst), 0);
    assert_eq!(runner.loads().of(&"a".into()), None);
    assert_eq!(runner.abandoned(), 0);
    let pool = stage.ledger.account(&"pool".into()).await.unwrap().unwrap();
    assert!(pool.held.is_zero(), "{}", pool.held);
    assert_eq!(pool.spent, report.spent);
    assert_eq!(report.spent.get(usd!(1).unit()), Amount::parse("100 USD").unwrap().quantity());
}
