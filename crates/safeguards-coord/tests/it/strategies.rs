//! Strategies that misbehave, and policies that cut steps short.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use safeguards_coord::{
    AgentError, Context, FanOut, MemoryRunStore, Move, Pipeline, Policy, Progress, Reply, Retry,
    RunEvent, RunOptions, Runner, State, Strategy, Task, Team,
};
use safeguards_types::{Clock, Timestamp, usd};
use serde_json::json;

use crate::stage::{Stage, failing, hanging, member, states, worker};

#[tokio::test(start_paused = true)]
async fn fail_fast_cancels_what_runs_and_skips_the_rest() {
    let stage = Stage::new();
    let strategy =
        FanOut::over((0..4).map(|input| json!(input))).at_once(2).policy(Policy::FailFast);
    let report = stage.run([hanging("a"), failing("b", usd!(0.1))], &strategy).await;
    let expected = [
        "a-1 cancelled agent.cancelled",
        "b-2 failed agent.failed",
        "a-3 skipped run.skipped",
        "b-4 skipped run.skipped",
    ];
    assert_eq!(states(&report), expected);
    let reason = report.reason.unwrap();
    assert_eq!((report.state, &*reason.code), (State::Failed, "agent.failed"));
    let message =
        "a, attempt 1: cancelled by the strategy; the estimate of 1.00 USD counts as spent";
    assert_eq!(report.steps[0].reason.as_ref().unwrap().message, message);
}

#[tokio::test(start_paused = true)]
async fn results_come_in_the_order_of_the_inputs() {
    let stage = Stage::new();
    let backwards = member("a", |task: Task, _| async move {
        let place = task.input().as_u64().unwrap();
        tokio::time::sleep(Duration::from_secs(10 - place)).await;
        Ok(Reply::new(place * 10).cost(usd!(0.01)))
    });
    let strategy = FanOut::over((0..8).map(|input| json!(input))).at_once(8);
    let report = stage.run([backwards], &strategy).await;
    assert_eq!(report.output, Some(json!([0, 10, 20, 30, 40, 50, 60, 70])));
    assert_eq!(report.ended_at.since(report.started_at), Duration::from_secs(10));
}

#[derive(Debug)]
struct Odd(fn(&Progress) -> Vec<Move>);

impl Strategy for Odd {
    fn name(&self) -> &'static str {
        "odd"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        (self.0)(progress)
    }
}

fn start(step: impl Into<String>, agent: &str) -> Move {
    Move::start(step.into(), agent, Task::new("work"))
}

#[tokio::test(start_paused = true)]
async fn a_strategy_that_misbehaves_fails_its_run_and_leaves_nothing_behind() {
    async fn check(code: &str, message: &str, strategy: fn(&Progress) -> Vec<Move>) {
        let stage = Stage::new();
        let options = stage.options().steps_max(20);
        let report =
            stage.run_with([worker("a", usd!(0.01)), hanging("b")], &Odd(strategy), options).await;
        let reason = report.reason.unwrap();
        assert_eq!((report.state, &*reason.code), (State::Failed, code));
        assert!(reason.message.contains(message), "{}", reason.message);
    }
    check("run.strategy_panicked", "strategy odd panicked: oh", |_| panic!("oh")).await;
    check("run.strategy_stalled", "neither starts a step nor finishes", |_| vec![]).await;
    check("run.unknown_agent", "gives step x to nobody", |_| vec![start("x", "nobody")]).await;
    check("run.duplicate_step", "two steps x", |_| vec![start("x", "b"), start("x", "a")]).await;
    check("run.too_many_steps", "more than 20 steps", |progress| {
        let place = progress.steps().len();
        vec![Move::start(format!("s{place}"), "a", Task::new("work").with_input(place))]
    })
    .await;
    check("run.repeated_call", "asks the same of a once more than 10 times", |progress| {
        vec![start(format!("s{}", progress.steps().len()), "a")]
    })
    .await;
    check("run.unknown_step", "because of step x", |_| {
        vec![start("y", "b"), Move::Stop { because_of: "x".into(), why: None, output: None }]
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_strategy_that_goes_on_past_the_deadline_ends_at_its_first_step() {
    let stage = Stage::new();
    let strategy = Odd(|progress| {
        let next = progress.steps().len();
        let moves = [format!("s{next}"), format!("t{next}")].map(|step| start(step, "a"));
        if progress.running() == 0 { moves.into() } else { vec![] }
    });
    let options = stage.options().within(Duration::from_secs(10));
    let report = stage.run_with([hanging("a")], &strategy, options).await;
    let expected = [
        "s0 timed_out agent.timed_out",
        "t0 timed_out agent.timed_out",
        "s2 timed_out run.deadline_passed",
    ];
    assert_eq!(states(&report), expected);
    assert_eq!(
        (report.state, &*report.reason.unwrap().code, report.steps[2].attempts),
        (State::TimedOut, "run.deadline_passed", 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_strategy_may_cancel_one_step_and_go_on() {
    let stage = Stage::new();
    let strategy = Odd(|progress| match progress.steps() {
        [] => vec![start("quick", "a"), start("slow", "b")],
        [_, slow] if slow.state.is_none() => vec![Move::Cancel("slow".into())],
        _ => vec![Move::Succeed { output: json!("enough") }],
    });
    let report = stage.run([worker("a", usd!(0.1)), hanging("b")], &strategy).await;
    assert_eq!(states(&report), ["quick succeeded", "slow cancelled agent.cancelled"]);
    assert_eq!((report.state, report.output), (State::Succeeded, Some(json!("enough"))));
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_harms_nobody_and_is_named() {
    let stage = Stage::new();
    let team = Team::new("team", "pool", [worker("a", usd!(0.1))]).unwrap();
    let options = RunOptions::new(stage.ledger.operation())
        .observer(|event: &RunEvent| assert!(event.attempt.is_none(), "terminal is gone"));
    let report =
        stage.runner().run(&team, Task::new("work"), &Pipeline::new(), options).await.unwrap();
    assert_eq!(report.state, State::Succeeded);
    assert_eq!(report.observer_panicked.as_deref(), Some("terminal is gone"));
}

/// Shows the time a few times, then panics.
#[derive(Debug)]
struct BreakingClock(AtomicUsize);

impl Clock for BreakingClock {
    fn now(&self) -> Timestamp {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) != 4, "the clock fell down");
        Timestamp::parse("2026-03-02T12:00:00Z").unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_under_which_something_breaks_is_reported_too() {
    let stage = Stage::new();
    let team = Team::new("team", "pool", [worker("a", usd!(0.1)), worker("b", usd!(0.1))]).unwrap();
    let clock = BreakingClock(AtomicUsize::new(0));
    let runner = Runner::new(Arc::new(stage.ledger.clone()), Arc::new(clock));
    let options = RunOptions::new(stage.ledger.operation());
    let report = runner.run(&team, Task::new("work"), &Pipeline::new(), options).await.unwrap();
    assert_eq!(states(&report), ["a failed run.attempt_broken", "b skipped run.skipped"]);
    let message = "could not be carried to its end: the clock fell down";
    assert_eq!(report.reason.unwrap().message, message);
}

/// Panics once it is told to.
#[derive(Clone, Debug, Default)]
struct ClockThatFalls(Arc<AtomicBool>);

impl Clock for ClockThatFalls {
    fn now(&self) -> Timestamp {
        assert!(!self.0.swap(false, Ordering::SeqCst), "the clock fell down");
        Timestamp::parse("2026-03-02T12:00:00Z").unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn what_attempts_spent_before_something_broke_is_reported() {
    let stage = Stage::new();
    let clock = ClockThatFalls::default();
    let falls = clock.clone();
    let agent = member("a", move |_, cx: Context| {
        falls.0.store(cx.attempt().number == 2, Ordering::SeqCst);
        async { Err::<Reply, _>(AgentError::new("no").retryable().cost(usd!(0.5))) }
    });
    let team = Team::new("team", "pool", [agent.retry(Retry::times(2))]).unwrap();
    let (clock, store) = (Arc::new(clock), Arc::new(MemoryRunStore::new()));
    let runner = Runner::new(Arc::new(stage.ledger.clone()), clock).store(store);
    let options = RunOptions::new(stage.ledger.operation());
    let report = runner.run(&team, Task::new("work"), &Pipeline::new(), options).await.unwrap();
    assert_eq!(states(&report), ["a failed run.attempt_broken"]);
    assert_eq!((report.steps[0].attempts, &report.spent), (2, &stage.spent().await));
    assert_eq!(report.spent.to_string(), "0.50 USD, 1 requests");
}

#[tokio::test(start_paused = true)]
async fn the_same_operation_gives_the_same_name() {
    let stage = Stage::new();
    let op = stage.ledger.operation();
    let team = Team::new("team", "pool", [worker("a", usd!(0.1))]).unwrap();
    let report = stage
        .runner()
        .run(&team, Task::new("work"), &Pipeline::new(), RunOptions::new(op))
        .await
        .unwrap();
    assert_eq!((report.op, &report.run), (op, &safeguards_coord::RunId::of(op)));
    let options = RunOptions::new(op).id("r-again");
    let report =
        stage.runner().run(&team, Task::new("work"), &Pipeline::new(), options).await.unwrap();
    assert_eq!(report.run.as_str(), "r-again");
}
