//! Each strategy with agents, money and time: what it promises, as the report shows it.

use std::{sync::Arc, time::Duration};

use safeguards_coord::{
    AgentError, Choice, FanOut, HandOver, MapReduce, Member, Part, Policy, Reply, RunOptions,
    State, Subtask, Supervise, Task, Team, TeamSelector, Vote, agent_fn, strategy_named,
};
use safeguards_types::{Unit, usd};
use serde_json::{Value, json};

use crate::stage::{Stage, failing, hanging, member, states, worker};

/// Says this, and that it cost 0.10 USD.
fn says(name: &str, output: impl Into<Value>) -> Member {
    let output = output.into();
    member(name, move |_, _| {
        let reply = Reply::new(output.clone()).cost(usd!(0.1));
        async { Ok(reply) }
    })
}

/// Gives back its task's text and input.
fn echo(name: &str) -> Member {
    member(name, |task: Task, _| async move {
        Ok(Reply::new(json!([task.text(), task.input()])).cost(usd!(0.1)))
    })
}

#[tokio::test(start_paused = true)]
async fn any_and_quorum_cancel_what_runs_and_skip_the_rest() {
    async fn check(policy: Policy, expected: [&str; 4], output: Value) {
        let stage = Stage::new();
        let strategy = FanOut::over((0..4).map(|input| json!(input))).at_once(3).policy(policy);
        let team = [hanging("a"), worker("b", usd!(0.1)), failing("c", usd!(0.1))];
        let report = stage.run(team, &strategy).await;
        assert_eq!(states(&report), expected);
        assert_eq!((report.state, report.output), (State::Succeeded, Some(output)));
    }
    let any = [
        "a-1 cancelled agent.cancelled",
        "b-2 succeeded",
        "c-3 cancelled agent.cancelled",
        "a-4 skipped run.skipped",
    ];
    check(Policy::Any, any, json!([null, "b was here", null, null])).await;
    check(Policy::Quorum(1), any, json!([null, "b was here", null, null])).await;
}

#[tokio::test(start_paused = true)]
async fn a_quorum_out_of_reach_ends_the_run_without_waiting() {
    let stage = Stage::new();
    let strategy = FanOut::to_everybody().policy(Policy::Quorum(3));
    let team = [hanging("a"), worker("b", usd!(0.1)), failing("c", usd!(0.1))];
    let report = stage.run(team, &strategy).await;
    let expected = ["a cancelled agent.cancelled", "b succeeded", "c failed agent.failed"];
    assert_eq!(states(&report), expected);
    assert_eq!(report.output, Some(json!([null, "b was here", null])));
    let reason = report.reason.unwrap();
    assert_eq!((report.state, &*reason.code), (State::Failed, "agent.failed"));
    let why = "a quorum of 3 of 3 steps can no longer be reached: c failed; c, attempt 1: ";
    assert!(reason.message.starts_with(why), "{}", reason.message);
    assert!(report.ended_at.since(report.started_at) < Duration::from_secs(5));
}

/// Fails after so many seconds.
fn failing_after(name: &'static str, seconds: u64) -> Member {
    member(name, move |_, _| async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Err::<Reply, _>(AgentError::new(format!("{name} is down")).cost(usd!(0.1)))
    })
}

#[tokio::test(start_paused = true)]
async fn who_made_a_run_vain_is_named_and_nobody_who_was_cancelled_for_it() {
    async fn check(policy: Policy, expected: &str) {
        let stage = Stage::new();
        let team = [hanging("a"), failing_after("b", 3), failing_after("c", 2)];
        let report = stage.run(team, &FanOut::to_everybody().policy(policy)).await;
        let reason = report.reason.unwrap();
        assert_eq!((report.state, &*reason.code), (State::Failed, "agent.failed"), "{reason}");
        assert_eq!(reason.message, expected);
        assert_eq!(report.steps[0].state, State::Cancelled);
    }
    let paid = "it reports 0.10 USD, which counts as spent";
    let quorum = "a quorum of 2 of 3 steps can no longer be reached: c failed, b failed";
    check(Policy::Quorum(2), &format!("{quorum}; b, attempt 1: b is down; {paid}")).await;
    check(Policy::FailFast, &format!("c, attempt 1: c is down; {paid}")).await;
}

#[tokio::test(start_paused = true)]
async fn over_nothing_nothing_is_done_and_nothing_paid() {
    let stage = Stage::new();
    let report = stage.run([worker("a", usd!(0.1))], &FanOut::over([])).await;
    assert_eq!((report.state, report.output), (State::Succeeded, Some(json!([]))));
    assert_eq!((report.steps.len(), report.spent.is_zero()), (0, true));
}

#[tokio::test(start_paused = true)]
async fn a_quorum_of_nothing_costs_nothing() {
    let stage = Stage::new();
    let strategy = FanOut::to_everybody().policy(Policy::Quorum(0));
    let report = stage.run([worker("a", usd!(0.1))], &strategy).await;
    assert_eq!((report.steps.len(), report.spent.is_zero()), (0, true));
    assert_eq!(
        (report.state, &*report.reason.unwrap().code),
        (State::Failed, "fan_out.bad_quorum")
    );
}

#[tokio::test(start_paused = true)]
async fn loads_decide_without_a_registry() {
    let stage = Stage::new();
    // `a` is at its first input until all others are done.
    let slow = member("a", |_, _| async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        Ok(Reply::text("a").cost(usd!(0.1)))
    });
    let quick = member("b", |_, _| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(Reply::text("b").cost(usd!(0.1)))
    });
    let pages = FanOut::over((0..6).map(|input| json!(input)));
    let runner = stage.runner().selector(Arc::new(TeamSelector::new()));
    let team = Team::new("team", "pool", [slow, quick]).unwrap();
    let options = RunOptions::new(stage.ledger.operation());
    let strategy = pages.at_once(2).choose(Choice::LeastLoaded);
    let report = runner.run(&team, Task::new("work"), &strategy, options).await.unwrap();
    assert_eq!(report.output, Some(json!(["a", "b", "b", "b", "b", "b"])));
    assert_eq!(report.steps[0].step.as_str(), "anybody-1");
    let strategy = FanOut::to_everybody().choose(Choice::Cheapest(Unit::USD));
    let options = RunOptions::new(stage.ledger.operation());
    let report = runner.run(&team, Task::new("work"), &strategy, options).await.unwrap();
    assert_eq!(report.state, State::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn one_agent_reduces_what_the_others_gave() {
    let stage = Stage::new();
    let map = FanOut::over((0..3).map(|input| json!(input))).policy(Policy::AtLeast(2));
    let twice = member("a", |task: Task, _| async move {
        match task.input().as_u64().unwrap() {
            1 => Err(AgentError::new("not this one").cost(usd!(0.1))),
            number => Ok(Reply::new(number * 2).cost(usd!(0.1))),
        }
    });
    let report = stage.run([twice, echo("b")], &MapReduce::new(map, "b")).await;
    let expected =
        ["a-1 succeeded", "a-2 failed agent.failed", "a-3 succeeded", "reduce succeeded"];
    assert_eq!(states(&report), expected);
    assert_eq!(report.output, Some(json!(["work", [0, 4]])));
    assert_eq!(report.spent.to_string(), "0.40 USD, 4 requests");
}

#[tokio::test(start_paused = true)]
async fn subtasks_queue_and_none_is_dropped() {
    let stage = Stage::new();
    let strategy = Supervise::new(
        |task: &Task| (1..=7).map(|n| Subtask::new(format!("{} {n}", task.text()))).collect(),
        |parts: &[Part]| Value::from(parts.len()),
    );
    let report = stage.run([echo("a"), echo("b")], &strategy.at_once(2)).await;
    let done: Vec<_> =
        report.steps.iter().map(|step| step.output.clone().unwrap()[0].clone()).collect();
    let expected: Vec<_> = (1..=7).map(|n| json!(format!("work {n}"))).collect();
    assert_eq!((done, report.output), (expected, Some(json!(7))));
}

#[tokio::test(start_paused = true)]
async fn what_a_supervisor_costs_is_a_step_of_its_own() {
    let stage = Stage::new();
    let lead = member("a", |task: Task, _| async move {
        let output = match task.input()["role"].as_str() {
            Some("decompose") => json!(["read", { "task": "write", "agent": "c" }]),
            Some("combine") => json!(task.input()["results"].as_array().unwrap().len()),
            other => panic!("{other:?}"),
        };
        Ok(Reply::new(output).cost(usd!(0.25)))
    });
    let report = stage.run([lead, echo("b"), echo("c")], &Supervise::by("a")).await;
    let spent: Vec<String> = report.steps.iter().map(ToString::to_string).collect();
    let expected = [
        "decompose: succeeded, spent 0.25 USD, 1 requests",
        "b-1: succeeded, spent 0.10 USD, 1 requests",
        "c-2: succeeded, spent 0.10 USD, 1 requests",
        "combine: succeeded, spent 0.25 USD, 1 requests",
    ];
    assert_eq!((spent, report.output), (expected.map(str::to_owned).into(), Some(json!(2))));
}

#[tokio::test(start_paused = true)]
async fn nobody_to_do_subtasks_is_refused_before_the_supervisor_is_paid() {
    let stage = Stage::new();
    let report = stage.run([worker("a", usd!(0.1))], &Supervise::by_first()).await;
    assert!(report.steps.is_empty() && report.spent.is_zero());
    assert_eq!(&*report.reason.unwrap().code, "supervisor.no_workers");
}

#[tokio::test(start_paused = true)]
async fn a_majority_need_not_wait_for_who_hangs() {
    let stage = Stage::new();
    let team = [says("a", "spam"), hanging("b"), says("c", "spam")];
    let report = stage.run(team, &Vote::new()).await;
    assert_eq!(states(&report), ["a succeeded", "b cancelled agent.cancelled", "c succeeded"]);
    assert_eq!((report.state, report.output), (State::Succeeded, Some(json!("spam"))));
}

#[tokio::test(start_paused = true)]
async fn no_majority_is_told_with_the_counts() {
    let stage = Stage::new();
    let team = [says("a", "yes"), says("b", "no"), failing("c", usd!(0.1))];
    let report = stage.run(team, &Vote::new().hear_all()).await;
    let reason = report.reason.unwrap();
    assert_eq!((report.state, &*reason.code), (State::Failed, "vote.no_majority"));
    let message =
        r#"no majority: 1 vote for `"yes"`, 1 vote for `"no"`; 2 votes of 3 would be one"#;
    assert_eq!(reason.message, message);
    assert_eq!(report.output.unwrap()[0], json!({ "answer": "yes", "votes": 1, "voters": ["a"] }));
}

#[tokio::test(start_paused = true)]
async fn agents_hand_over_by_name() {
    let stage = Stage::new();
    let planner = says("a", json!({ "next_speaker": "b", "instruction": "code it", "input": 7 }));
    let report = stage.run([planner, echo("b")], &HandOver::new()).await;
    assert_eq!(states(&report), ["a-1 succeeded", "b-2 succeeded"]);
    assert_eq!(report.output, Some(json!(["code it", 7])));
    let lost = says("a", json!({ "next_speaker": "zed" }));
    let report = stage.run([lost, echo("b")], &HandOver::new()).await;
    let reason = report.reason.unwrap();
    assert_eq!(&*reason.code, "hand_over.unknown_speaker");
    assert!(reason.message.contains("zed, who is not in the team; in it are a, b"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_strategy_is_found_by_its_name() {
    let stage = Stage::new();
    for (name, steps) in
        [("pipeline", 2), ("fan_out", 2), ("map_reduce", 2), ("vote", 2), ("hand_over", 1)]
    {
        let strategy = strategy_named(name).unwrap();
        let report = stage.run([says("a", 1), says("b", 1)], &strategy).await;
        assert_eq!((report.state, report.steps.len()), (State::Succeeded, steps), "{name}");
        assert_eq!(report.strategy, name);
    }
    let lead = Member::new(
        agent_fn("a", |_, _| async { Ok(Reply::new(json!(["x", "y"])).cost(usd!(0.1))) }),
        usd!(1),
    );
    let supervisor = strategy_named("supervisor").unwrap();
    let report = stage.run([lead, says("b", 1)], &supervisor).await;
    assert_eq!((report.state, report.steps.len()), (State::Succeeded, 4));
}
