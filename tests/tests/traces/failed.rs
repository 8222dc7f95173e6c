//! Where guards and budgets end runs that failed, beside the step that people blame.

use std::{collections::BTreeMap, sync::Arc};

use safeguards_coord::{Guards, RunOptions, State};
use safeguards_types::{Amount, Amounts, Quantity, Unit, requests};

use crate::{
    page::{Table, distance, median, sides},
    recorded::{FailedRun, Message, failed_runs},
    script::Script,
    stage::Stage,
};

const SOURCES: [&str; 2] = ["Algorithm-Generated", "Hand-Crafted"];

/// The step that is not begun since this was said to this agent more than `max` times.
fn repeated_call(run: &FailedRun, max: u32) -> Option<usize> {
    let mut calls = BTreeMap::<_, u32>::new();
    run.messages.iter().enumerate().position(|(number, message)| {
        let before = number.checked_sub(1).map(|before| run.messages[before].text.as_str());
        let times = calls.entry((message.agent.as_str(), before)).or_default();
        *times += 1;
        *times > max
    })
}

/// The same, where messages of a few tokens do not count: they are much the same whatever they are about.
fn repeated_call_on_more(run: &FailedRun, max: u32) -> Option<usize> {
    let messages = run.messages.iter().map(|message| Message {
        agent: message.agent.clone(),
        tokens: message.tokens,
        text: message.text.clone(),
    });
    let mut messages: Vec<Message> = messages.collect();
    for (number, message) in messages.iter_mut().enumerate() {
        if message.tokens <= 5 {
            message.text = number.to_string();
        }
    }
    let (name, source) = (run.name.clone(), run.source.clone());
    repeated_call(&FailedRun { name, source, mistake: run.mistake, messages }, max)
}

/// The step that an agent says the same in once more than `max` times.
fn repeated_output(run: &FailedRun, max: u32) -> Option<usize> {
    let mut said = BTreeMap::<_, u32>::new();
    run.messages.iter().position(|message| {
        let times = said.entry((message.agent.as_str(), message.text.as_str())).or_default();
        *times += 1;
        *times > max
    })
}

/// The step that an agent says the same in more than `max` times in a row.
fn repeated_in_a_row(run: &FailedRun, max: u32) -> Option<usize> {
    let mut last = BTreeMap::<&str, (&str, u32)>::new();
    run.messages.iter().position(|message| {
        let (before, times) = last.entry(&message.agent).or_insert((&message.text, 0));
        if *before != message.text {
            (*before, *times) = (&message.text, 0);
        }
        *times += 1;
        *times > max
    })
}

/// The step that is handed over to after `max` hand-overs.
fn too_many_hand_overs(run: &FailedRun, max: usize) -> Option<usize> {
    (run.messages.len() > max + 1).then_some(max + 1)
}

/// The step whose tokens would make more than `max` of the run's.
fn too_many_tokens(run: &FailedRun, max: u64) -> Option<usize> {
    let mut spent = 0;
    run.messages.iter().position(|message| {
        spent += message.tokens;
        spent > max
    })
}

/// What `percent` of the other runs of its source do with: the smallest number that is not below that many.
fn percentile_of_others(run: &FailedRun, runs: &[FailedRun], percent: usize) -> u64 {
    let others = runs.iter().filter(|other| other.source == run.source && other.name != run.name);
    let mut tokens: Vec<u64> = others.map(FailedRun::tokens).collect();
    tokens.sort_unstable();
    tokens[(percent * tokens.len()).div_ceil(100) - 1]
}

/// The step that a run is ended at, if it is: nothing of it is paid for.
type End<'runs> = dyn Fn(&FailedRun) -> Option<usize> + 'runs;

/// The earlier of two ends.
fn earlier(one: Option<usize>, other: Option<usize>) -> Option<usize> {
    one.into_iter().chain(other).min()
}

fn by_default(run: &FailedRun) -> Option<usize> {
    let Guards { repeats_max, hand_overs_max, .. } = Guards::default();
    let hand_overs = too_many_hand_overs(run, usize::try_from(hand_overs_max).unwrap());
    earlier(repeated_call(run, repeats_max), hand_overs)
}

/// A row per source: how many were ended, where, and what was not spent for it.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn guards_and_budgets_beside_the_blamed_step() {
    let runs = failed_runs();
    let mut table = Table::new(&[
        "what ends a run",
        "source",
        "ended",
        "before",
        "at",
        "after",
        "median steps",
        "tokens not spent",
    ]);
    let percentile = |percent| {
        let runs = &runs;
        move |run: &FailedRun| too_many_tokens(run, percentile_of_others(run, runs, percent))
    };
    let p95 = percentile(95);
    let kinds: Vec<(&str, Box<End<'_>>)> = vec![
        ("the same call, 10 (default)", Box::new(|run| repeated_call(run, 10))),
        ("hand-overs, 100 (default)", Box::new(|run| too_many_hand_overs(run, 100))),
        ("both defaults", Box::new(by_default)),
        ("tokens, 95th percentile", Box::new(p95)),
        ("both defaults, and these tokens", Box::new(|run| earlier(by_default(run), p95(run)))),
        ("tokens, 90th percentile", Box::new(percentile(90))),
        ("tokens, 75th percentile", Box::new(percentile(75))),
        ("tokens, 50th percentile", Box::new(percentile(50))),
        ("the same call, 5", Box::new(|run| repeated_call(run, 5))),
        ("the same call, 3", Box::new(|run| repeated_call(run, 3))),
        ("the same call, 3, on more than 5 tokens", Box::new(|run| repeated_call_on_more(run, 3))),
        ("the same output, 3", Box::new(|run| repeated_output(run, 3))),
        ("the same output in a row, 3", Box::new(|run| repeated_in_a_row(run, 3))),
        ("the same output in a row, 2", Box::new(|run| repeated_in_a_row(run, 2))),
    ];
    for (name, end) in &kinds {
        for source in SOURCES {
            let of_source: Vec<&FailedRun> =
                runs.iter().filter(|run| run.source == source).collect();
            let (mut distances, mut saved) = (Vec::new(), 0);
            for run in &of_source {
                if let Some(step) = end(run) {
                    distances.push(distance(run.mistake, step));
                    let rest = &run.messages[step..];
                    saved += rest.iter().map(|message| message.tokens).sum::<u64>();
                }
            }
            let whole: u64 = of_source.iter().map(|run| run.tokens()).sum();
            let ended = format!("{} of {}", distances.len(), of_source.len());
            let row = [(*name).to_owned(), source.to_owned(), ended];
            let rest = [median(&distances), format!("{} %", saved * 100 / whole)];
            table.row(row.into_iter().chain(sides(&distances)).chain(rest));
        }
    }
    table.stands_on_the_page("failed runs");
}

/// What comes again and again in the runs made by hand are two short phrases.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn what_comes_again_are_two_short_phrases() {
    let mut often = BTreeMap::<String, usize>::new();
    for run in failed_runs().iter().filter(|run| run.source == "Hand-Crafted") {
        let mut said = BTreeMap::<_, usize>::new();
        for message in &run.messages {
            *said.entry((&message.agent, &message.text, message.tokens)).or_default() += 1;
        }
        for ((agent, text, tokens), times) in said.into_iter().filter(|(_, times)| *times > 3) {
            assert_eq!((agent.as_str(), tokens), ("Orchestrator (thought)", 5), "{}", run.name);
            *often.entry(text.clone()).or_default() += times;
        }
    }
    println!("{often:?}");
    assert_eq!(often.into_values().collect::<Vec<_>>(), [339, 11]);
}

/// The same runs through the runner: it ends each where a plain count says, with the default guards and with a
/// budget besides.
#[tokio::test(start_paused = true)]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
async fn the_runner_ends_failed_runs_where_plain_counts_say_so() {
    let runs = failed_runs();
    let (mut by_guards, mut by_budget, mut to_the_end) = (0, 0, 0);
    for run in &runs {
        let script = Arc::new(Script::as_said(run));
        let estimate = |_: &str| -> Amounts { requests!(1).into() };
        let max = percentile_of_others(run, &runs, 95);
        let budget = Amount::new(Quantity::from_units(max).unwrap(), Unit::TOKENS);
        let budgeted = |options: RunOptions| options.budget(budget);
        let stage = Stage::new();
        let report = stage.play(&script, estimate, budgeted).await;
        let told = format!("{}: {} {:?}", run.name, report.state, report.reason);

        let (guarded, budgeted) = (by_default(run), too_many_tokens(run, max));
        let end = earlier(guarded, budgeted);
        let done = &run.messages[..end.unwrap_or(run.messages.len())];
        let spent = done.iter().map(|message| message.tokens).sum();
        let pool = stage.account("pool").await;
        assert_eq!(pool.spent.get(&Unit::TOKENS), Quantity::from_units(spent).unwrap(), "{told}");
        assert!(pool.held.is_zero(), "{told}: {}", pool.held);
        let code = report.reason.as_ref().map(|reason| &*reason.code);
        if end.is_none() {
            assert_eq!(
                (report.state, report.steps.len()),
                (State::Succeeded, done.len()),
                "{told}"
            );
            to_the_end += 1;
        } else if end == guarded {
            // A step that is refused is none.
            assert_eq!((report.state, report.steps.len()), (State::Failed, done.len()), "{told}");
            let codes = [Some("run.repeated_call"), Some("run.too_many_hand_overs")];
            assert!(codes.contains(&code), "{told}");
            by_guards += 1;
        } else {
            let steps = done.len() + 1;
            assert_eq!((report.state, report.steps.len()), (State::Failed, steps), "{told}");
            let reason = report.reason.as_ref().unwrap();
            assert!(reason.message.contains("the run may spend"), "{told}");
            by_budget += 1;
        }
    }
    println!("{by_guards} ended by guards, {by_budget} by budgets, {to_the_end} by themselves");
    assert_eq!(by_guards + by_budget + to_the_end, 122);
}
