//! What holds of every run that ended: by its deadline, in one state with a reason, told and written down as reported.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use safeguards_coord::{Agent, Outcome, Report, RunEntry, RunStore, State, StepId, StepReport};
use safeguards_testkit::{CallEnd, Simulated};
use safeguards_types::Amounts;
use serde_json::{Value, json};

use super::{
    model::owed,
    play::{brief, calls_of, has_ended, sorted},
    scene::{RunPlan, Scene},
};

/// How long ledger, store and selector take at most, all in all, when a run is over.
const BELOW: Duration = Duration::from_secs(3);
/// How long an agent may take to be gone that was stopped by force.
const FORCE: Duration = Duration::from_millis(200);

pub(super) async fn check_run(sim: &Simulated, scene: &Scene, plan: &RunPlan, report: &Report) {
    let told = format!("{report:#?}");
    check_end(scene, plan, report);
    let mut spent = Amounts::none();
    let mut names = BTreeSet::new();
    for step in &report.steps {
        assert!(names.insert(&step.step), "{} is there once: {told}", step.step);
        check_step(scene, report, step);
        spent.add_all(&step.spent);
    }
    assert_eq!(sorted(&report.spent), sorted(&spent), "{told}");
    for cast in &scene.cast {
        for call in cast.agent.calls() {
            let is_known = call.run != report.run || names.contains(&call.attempt.step);
            assert!(is_known, "{} is not in the report: {told}", call.attempt.step);
            let is_over = call.run != report.run
                || has_ended(&call)
                || report
                    .steps
                    .iter()
                    .any(|step| step.step == call.attempt.step && step.state == State::Abandoned);
            assert!(is_over, "{} is running: {told}", call.attempt.step);
        }
    }
    check_events(sim, report);
    if scene.faults.store_ends.is_none() {
        check_entries(sim, report).await;
    }
}

fn check_end(scene: &Scene, plan: &RunPlan, report: &Report) {
    assert_eq!(report.reason.is_none(), report.state.is_success(), "{report:#?}");
    let grace = scene.cast.iter().map(|cast| cast.agent.descriptor().grace).max();
    let deadline = report.started_at.saturating_add(plan.within);
    let latest = deadline.saturating_add(grace.unwrap_or_default() + FORCE + BELOW);
    let late = report.ended_at.since(deadline);
    assert!(report.ended_at <= latest, "it ended {late:?} after its deadline: {report:#?}");
}

/// A step is in one state with a reason, and its spend is what its calls cost, by the rules.
fn check_step(scene: &Scene, report: &Report, step: &StepReport) {
    assert_eq!(step.reason.is_none(), step.state.is_success(), "{step:?}");
    let calls = calls_of(scene, report, &step.step);
    let mut expected = Amounts::none();
    for (number, (cast, call)) in calls.iter().enumerate() {
        let is_last = number + 1 == calls.len();
        // Who was let go may say what it cost later; the report does not know that.
        let was_heard = step.state != State::Abandoned || !is_last;
        let said = call.said.as_ref().filter(|_| was_heard);
        expected.add_all(&owed(call, said, cast.is_free));
        assert!(is_last || call.end == CallEnd::Failed, "attempted again: {step:?}");
    }
    let told: Vec<String> = calls.iter().map(|(_, call)| brief(call)).collect();
    assert_eq!(sorted(&step.spent), sorted(&expected), "{step:?}: {told:#?}");
    let retries = calls.first().map_or(0, |(cast, _)| cast.retries);
    assert!(calls.len() <= usize::try_from(retries + 1).unwrap(), "{step:?}: {told:#?}");
    let last = calls.last().map(|(_, call)| call);
    match step.state {
        State::Succeeded => {
            let last = last.expect("who succeeded was asked");
            assert_eq!(last.end, CallEnd::Replied, "{step:?}");
        }
        State::Skipped => assert!(last.is_none(), "{step:?}"),
        State::Interrupted => panic!("nothing was cut off: {step:?}"),
        State::Failed
        | State::Denied
        | State::TimedOut
        | State::Cancelled
        | State::Abandoned
        | _ => {}
    }
}

/// What was told of a run while it went on is what is reported.
fn check_events(sim: &Simulated, report: &Report) {
    let trace = sim.trace();
    let events = trace.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let events: Vec<Value> = events.filter(|event| event["run"] == report.run.as_str()).collect();
    let kind = |event: &Value| event["type"].as_str().unwrap().to_owned();
    assert_eq!(kind(&events[0]), "run_started");
    let end = events.last().unwrap();
    assert_eq!(kind(end), "run_ended");
    let is_edge = |event: &&Value| ["run_started", "run_ended"].contains(&&*kind(event));
    assert_eq!(events.iter().filter(is_edge).count(), 2);
    let reason = |reason: &Option<safeguards_coord::Reason>| match reason {
        Some(reason) => json!(reason),
        None => Value::Null,
    };
    let is_as_reported = |event: &Value, state: State, why, spent: &Amounts| {
        assert_eq!(event["state"], state.as_str(), "{event}");
        assert_eq!(event.get("reason").cloned().unwrap_or_default(), reason(why), "{event}");
        assert_eq!(event["spent"], json!(spent), "{event}");
    };
    is_as_reported(end, report.state, &report.reason, &report.spent);
    let mut by_step = BTreeMap::<String, Vec<&Value>>::new();
    for event in events.iter().filter(|event| event.get("step").is_some()) {
        by_step.entry(event["step"].as_str().unwrap().to_owned()).or_default().push(event);
    }
    assert_eq!(by_step.len(), report.steps.len(), "each step is told of");
    for step in &report.steps {
        let told = &by_step[step.step.as_str()];
        let ends = told.iter().filter(|event| kind(event) == "step_ended").count();
        assert_eq!((ends, &*kind(told[told.len() - 1])), (1, "step_ended"), "{told:#?}");
        is_as_reported(told[told.len() - 1], step.state, &step.reason, &step.spent);
        let mut settled = Amounts::none();
        for event in told.iter().filter(|event| kind(event) == "settled") {
            settled.add_all(&serde_json::from_value(event["amounts"].clone()).unwrap());
        }
        assert_eq!(sorted(&settled), sorted(&step.spent), "{told:#?}");
    }
}

/// What was written down of a run is what is reported.
async fn check_entries(sim: &Simulated, report: &Report) {
    let runs = sim.run_store();
    let view = runs.run(&report.run).await.unwrap().unwrap();
    let end = view.end.unwrap();
    assert_eq!((end.state, &end.reason), (report.state, &report.reason));
    assert_eq!((&end.output, &end.spent), (&report.output, &report.spent));
    let mut begun = BTreeSet::new();
    let mut outcomes = BTreeMap::<StepId, Vec<Outcome>>::new();
    let mut orders = Vec::new();
    for entry in runs.entries(&report.run, 0, 1_000).await.unwrap() {
        match entry {
            RunEntry::Intent(intent) => {
                assert!(begun.insert((intent.step.clone(), intent.attempt)), "{intent:?}");
                assert!(!outcomes.get(&intent.step).is_some_and(|outcomes| {
                    outcomes.iter().any(|outcome| outcome.attempt >= intent.attempt)
                }));
            }
            RunEntry::Outcome(outcome) => {
                orders.extend(outcome.order);
                outcomes.entry(outcome.step.clone()).or_default().push(*outcome);
            }
            RunEntry::Ended(_) => {}
            RunEntry::TakenOver { .. } | _ => panic!("nobody took it over"),
        }
    }
    let steps = u64::try_from(report.steps.len()).unwrap();
    // Several may be written down at once.
    orders.sort_unstable();
    assert!(orders.into_iter().eq(0..steps), "ends are numbered as they came");
    assert_eq!(outcomes.len(), report.steps.len());
    for step in &report.steps {
        let outcomes = &outcomes[&step.step];
        let last = outcomes.last().unwrap();
        assert_eq!((last.state, &last.reason), (step.state, &step.reason), "{step:?}");
        assert_eq!((&last.output, &last.agent), (&step.output, &step.agent), "{step:?}");
        let is_last = |outcome: &Outcome| outcome.attempt == last.attempt;
        for outcome in outcomes {
            assert_eq!(outcome.order.is_some(), is_last(outcome), "{outcomes:#?}");
            assert_eq!(outcome.reason.is_none(), outcome.state.is_success(), "{outcome:#?}");
        }
        let mut spent = Amounts::none();
        for outcome in outcomes {
            spent.add_all(&outcome.spent);
        }
        assert_eq!(sorted(&spent), sorted(&step.spent), "{outcomes:#?}");
        // What was to be done was written down before it was done, and what came of it after.
        for (of, attempt) in begun.iter().filter(|(of, _)| *of == step.step) {
            assert!(outcomes.iter().any(|outcome| outcome.attempt == *attempt), "{of} {attempt}");
        }
    }
}

/// What was asked of agents was written down before.
pub(super) async fn check_intents(sim: &Simulated, scene: &Scene) {
    for cast in &scene.cast {
        for call in cast.agent.calls() {
            let entries = sim.run_store().entries(&call.run, 0, 1_000).await.unwrap();
            let is_there = entries.iter().any(|entry| match entry {
                RunEntry::Intent(intent) => {
                    (&intent.step, intent.attempt) == (&call.attempt.step, call.attempt.number)
                        && intent.task == call.task
                }
                RunEntry::Outcome(_) | RunEntry::TakenOver { .. } | RunEntry::Ended(_) | _ => false,
            });
            assert!(is_there, "nobody wrote down {call:#?}");
        }
    }
}
