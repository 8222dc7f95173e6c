//! How steps and runs end: success, failure, panic, time, cancellation.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use parking_lot::Mutex;
use safeguards_coord::{
    AgentError, Context, Descriptor, FanOut, Pipeline, Reply, RunError, RunOptions, State, Task,
    Team,
};
use safeguards_types::{Clock, usd};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::stage::{Stage, failing, hanging, member, states, worker};

#[tokio::test(start_paused = true)]
async fn a_pipeline_hands_outputs_on_and_tells_what_happens() {
    let stage = Stage::new();
    let second = member("b", |task: Task, cx: Context| async move {
        cx.progress("half way");
        cx.log("reading");
        tokio::time::sleep(Duration::from_secs(3)).await;
        Ok(Reply::new(json!([task.text(), task.input()])).cost(usd!(0.2)).note("all well"))
    });
    let report = stage.run([worker("a", usd!(0.1)), second], &Pipeline::new()).await;

    assert_eq!((report.state, &report.reason), (State::Succeeded, &None));
    assert_eq!(report.output, Some(json!(["work", "a was here"])));
    assert_eq!(report.spent.to_string(), "0.30 USD, 2 requests");
    assert_eq!(states(&report), ["a succeeded", "b succeeded"]);
    assert_eq!(report.steps[1].duration, Duration::from_secs(3));
    assert_eq!(report.steps[1].held.to_string(), "1.00 USD, 1 requests");
    assert_eq!(
        (&*report.steps[1].notes, &*report.steps[1].log),
        (&["all well".to_owned()][..], &["reading".to_owned()][..])
    );
    assert_eq!(
        stage.seen("b"),
        ["step_started", "held", "progressed", "logged", "settled", "step_ended"]
    );
    let events = stage.events.lock();
    assert_eq!(
        (&events[0]["type"], &events[0]["agents"]),
        (&json!("run_started"), &json!(["a", "b"]))
    );
    assert_eq!(events.last().unwrap()["spent"], json!({"USD": "0.3", "requests": "2"}));
    let settled =
        events.iter().find(|event| event["type"] == "settled" && event["step"] == "b").unwrap();
    assert_eq!(
        (
            &settled["run"],
            &settled["attempt"],
            &settled["agent"],
            &settled["at"],
            &settled["receipt"]["available"]
        ),
        (
            &json!(report.run),
            &json!(1),
            &json!("b"),
            &json!("2026-03-02T12:00:03Z"),
            &json!({"USD": "9.7"})
        ),
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_costs_and_stops_the_pipeline() {
    let stage = Stage::new();
    let silent = member("b", |_, _| async { Err(AgentError::new("no idea")) });
    let team = [worker("a", usd!(0.1)), silent, worker("c", usd!(0.1))];
    let report = stage.run(team, &Pipeline::new()).await;

    assert_eq!(states(&report), ["a succeeded", "b failed agent.failed", "c skipped run.skipped"]);
    assert_eq!((report.state, &report.output), (State::Failed, &None));
    let reason = report.reason.unwrap();
    assert_eq!(reason.message, "b, attempt 1: no idea; the estimate of 1.00 USD counts as spent");
    assert!(report.steps[1].is_cost_unknown());
    assert_eq!(report.steps[0].output, Some(json!("a was here")));
    assert_eq!(report.steps[2].reason.as_ref().unwrap().message, "not begun: b failed");
    assert_eq!(report.spent.to_string(), "1.10 USD, 2 requests");

    let report = stage.run([failing("a", usd!(0.0031))], &Pipeline::new()).await;
    let message = "a, attempt 1: source is down; it reports 0.0031 USD, which counts as spent";
    assert_eq!(report.reason.unwrap().message, message);
    assert_eq!(report.spent.to_string(), "0.0031 USD, 1 requests");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_caught_and_named_and_siblings_go_on() {
    let stage = Stage::new();
    let panicking = member("a", |_, cx: Context| async move {
        cx.report_drawn(usd!(0.07));
        panic!("index {} of nothing", 3)
    });
    let report = stage.run([panicking, worker("b", usd!(0.1))], &FanOut::to_everybody()).await;
    assert_eq!(states(&report), ["a failed agent.panicked", "b succeeded"]);
    let message = "a, attempt 1: panicked: index 3 of nothing; the 0.07 USD drawn counts as spent";
    assert_eq!(report.reason.unwrap().message, message);
    assert_eq!(report.output, Some(json!([null, "b was here"])));
}

#[tokio::test(start_paused = true)]
async fn who_hangs_is_dropped_after_deadline_and_grace() {
    let stage = Stage::new();
    let began = stage.clock.now();
    let slow = hanging(Descriptor::new("a").grace(Duration::from_secs(5)))
        .timeout(Duration::from_secs(30));
    let report = stage.run([slow, worker("b", usd!(0.1))], &Pipeline::new()).await;
    assert_eq!(states(&report), ["a timed_out agent.timed_out", "b skipped run.skipped"]);
    assert_eq!(report.state, State::TimedOut);
    let message =
        "a, attempt 1: not done after 30s, its deadline; the estimate of 1.00 USD counts as spent";
    assert_eq!(report.reason.unwrap().message, message);
    assert_eq!(stage.clock.now().since(began), Duration::from_secs(35));
}

#[tokio::test(start_paused = true)]
async fn spans_of_time_are_told_in_whole_milliseconds() {
    let stage = Stage::new();
    let slow = hanging("a").timeout(Duration::from_nanos(999_857_225));
    let report = stage.run([slow], &Pipeline::new()).await;
    let said = report.reason.unwrap().message;
    assert!(said.contains("not done after 1s, its deadline"), "{said}");
    let slow = hanging("a").timeout(Duration::from_nanos(1_499_000_001));
    let report = stage.run([slow], &Pipeline::new()).await;
    let said = report.reason.unwrap().message;
    assert!(said.contains("not done after 1.5s, its deadline"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn who_stops_in_time_may_say_what_it_cost() {
    let stage = Stage::new();
    let polite = member("a", |_, cx: Context| async move {
        cx.cancelled().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(Reply::text("half of it").cost(usd!(0.4)))
    });
    let report = stage.run([polite.timeout(Duration::from_secs(30))], &Pipeline::new()).await;
    assert_eq!(states(&report), ["a timed_out agent.timed_out"]);
    assert_eq!(report.steps[0].output, Some(json!("half of it")));
    assert_eq!(report.steps[0].duration, Duration::from_secs(31));
    assert_eq!(report.spent.to_string(), "0.40 USD, 1 requests");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_blocks_its_thread_is_abandoned() {
    let stage = Stage::new();
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let descriptor = Descriptor::new("a").grace(Duration::from_millis(50));
    let stubborn = member(descriptor, move |_, _| {
        let blocked = Arc::clone(&blocked);
        async move {
            let _ = blocked.lock().recv();
            Ok(Reply::default())
        }
    });
    let report = stage.run([stubborn.timeout(Duration::from_millis(50))], &Pipeline::new()).await;
    assert_eq!(states(&report), ["a abandoned agent.abandoned"]);
    assert!(report.steps[0].is_cost_unknown());
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn cancelling_stops_what_runs_and_begins_nothing_else() {
    let stage = Stage::new();
    let token = CancellationToken::new();
    let options = stage.options().cancellation(token.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(7)).await;
        token.cancel();
    });
    let strategy = FanOut::over((0..4).map(|input| json!(input))).at_once(2);
    let report = stage.run_with([hanging("a"), hanging("b")], &strategy, options).await;
    let expected = ["a-1", "b-2"].map(|step| format!("{step} cancelled agent.cancelled"));
    let not_begun = ["a-3", "b-4"].map(|step| format!("{step} cancelled run.cancelled"));
    assert_eq!(states(&report), [expected, not_begun].concat());
    assert_eq!((report.state, &*report.reason.unwrap().code), (State::Cancelled, "run.cancelled"));
    assert_eq!(report.spent.to_string(), "2.00 USD, 2 requests");
    assert_eq!(report.steps[2].to_string(), "a-3: cancelled (run.cancelled), spent nothing");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_over_at_its_deadline_whatever_is_queued() {
    let stage = Stage::new();
    let slow = member("a", |_, _| async {
        tokio::time::sleep(Duration::from_secs(6)).await;
        Ok(Reply::text("done").cost(usd!(0.1)))
    });
    let strategy = FanOut::over((0..4).map(|input| json!(input))).at_once(1);
    let options = stage.options().within(Duration::from_secs(10));
    let report = stage.run_with([slow], &strategy, options).await;
    let expected =
        ["a-1 succeeded", "a-2 timed_out agent.timed_out", "a-3 timed_out run.deadline_passed"];
    // The first step that is named too late ends the run; what there is by then is kept.
    assert_eq!(states(&report), expected);
    assert_eq!(report.state, State::TimedOut);
    assert_eq!(report.reason.as_ref().unwrap().code, "run.deadline_passed");
    assert_eq!(report.output, Some(json!(["done", null, null, null])));
    // What begins too late asks for no money.
    assert_eq!((report.steps[2].attempts, stage.seen("a-3")), (0, vec!["step_ended".to_owned()]));
    assert!(report.ended_at.since(report.started_at) <= Duration::from_secs(12));

    let team = Team::new("team", "pool", [worker("a", usd!(0.1))]).unwrap();
    let options = RunOptions::new(stage.ledger.operation()).deadline(report.started_at);
    let refused = stage.runner().run(&team, Task::new("work"), &Pipeline::new(), options).await;
    assert!(matches!(refused, Err(RunError::DeadlinePassed { .. })));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_run_stops_and_settles_in_the_background() {
    let stage = Stage::new();
    let (told, mut stopped) = tokio::sync::mpsc::unbounded_channel();
    let polite = member("a", move |_, cx: Context| {
        let told = told.clone();
        async move {
            cx.cancelled().await;
            told.send(()).unwrap();
            Err(AgentError::new("stopped").cost(usd!(0.3)))
        }
    });
    let team = Team::new("team", "pool", [polite]).unwrap();
    let (runner, strategy) = (stage.runner(), Pipeline::new());
    let run = runner.run(&team, Task::new("work"), &strategy, stage.options());
    assert!(tokio::time::timeout(Duration::from_secs(5), run).await.is_err());
    stopped.recv().await.unwrap();
    let settled = async {
        while !stage.seen("a").contains(&"step_ended".to_owned()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), settled).await.unwrap();
    assert_eq!(stage.spent().await.to_string(), "0.30 USD, 1 requests");
    assert!(stage.held().await.is_zero());
}

#[tokio::test(start_paused = true)]
async fn what_is_told_after_the_end_is_dropped() {
    let stage = Stage::new();
    let kept = Arc::new(Mutex::new(None::<Context>));
    let keeping = Arc::clone(&kept);
    let agent = member("a", move |_, cx| {
        *keeping.lock() = Some(cx);
        async { Ok(Reply::text("done").cost(usd!(0.1))) }
    });
    stage.run([agent], &Pipeline::new()).await;
    let before = stage.events.lock().len();
    let cx = kept.lock().take().unwrap();
    cx.progress("still here");
    cx.report_drawn(usd!(5));
    cx.log("hello?");
    assert_eq!(stage.events.lock().len(), before);
}
