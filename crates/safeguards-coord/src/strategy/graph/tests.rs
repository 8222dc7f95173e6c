//! What a graph starts, step by step, and with ends of all kinds.

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::json;

use super::*;
use crate::{State, Step, Strategy as _};

fn task(name: &str, after: &[&str]) -> NewTask {
    NewTask::new(name).after(after.iter().copied())
}

fn graph(tasks: impl IntoIterator<Item = NewTask>) -> TaskGraph {
    let mut graph = TaskGraph::new();
    for task in tasks {
        graph.add(task).unwrap();
    }
    graph
}

fn progress() -> Progress {
    Progress::new(Task::new("bees").with_input(7), ["a".into(), "b".into()])
}

/// Carries out what a strategy wants, and tells it in short.
fn carry_out(progress: &mut Progress, moves: Vec<Move>) -> Vec<String> {
    let told = |one: Move| match one {
        Move::Start(Step { step, seat, task, .. }) => {
            let told = format!("{step} by {}: {}", seat.name(), task.input());
            assert!(progress.begin(step, seat.agent().cloned().unwrap()));
            told
        }
        Move::Skip { step, seat, because } => {
            assert!(progress.begin(step.clone(), seat.agent().cloned().unwrap()));
            progress.end(&step, State::Skipped, None);
            format!("skip {step}: {because}")
        }
        Move::Succeed { output } => format!("succeed {output}"),
        Move::Stop { because_of, output, .. } => {
            format!("stop for {because_of} {}", output.unwrap())
        }
        Move::Fail { reason, output } => format!("fail {reason} {output:?}"),
        Move::Cancel(step) => format!("cancel {step}"),
    };
    moves.into_iter().map(told).collect()
}

/// One step after the other ends, and each time the strategy is asked.
#[track_caller]
fn check(strategy: &Graph, ends: &[(&str, State, Value, &[&str])], begin: &[&str]) {
    let mut progress = progress();
    let moves = strategy.next(&progress);
    assert_eq!(carry_out(&mut progress, moves), begin);
    for (step, state, output, expected) in ends {
        progress.end(&(*step).into(), *state, Some(output.clone()));
        let moves = strategy.next(&progress);
        // Pure: asked again, and by who saw nothing of it, it says the same.
        assert_eq!(strategy.next(&progress), moves, "asked again after {step}");
        assert_eq!(strategy.clone().next(&progress), moves, "another after {step}");
        assert_eq!(carry_out(&mut progress, moves), *expected, "after {step}");
    }
}

use State::{Failed, Succeeded};

#[test]
fn each_begins_as_soon_as_its_own_dependencies_are_done() {
    let tasks = [
        task("slow", &[]),
        task("fast", &[]).by("b"),
        task("faster", &["fast"]),
        task("both", &["slow", "faster"]),
    ];
    check(
        &Graph::new(graph(tasks)),
        &[
            ("fast", Succeeded, json!(1), &[r#"faster by a: {"after":{"fast":1},"input":7}"#]),
            ("faster", Succeeded, json!(2), &[]),
            (
                "slow",
                Succeeded,
                json!(3),
                &[r#"both by b: {"after":{"faster":2,"slow":3},"input":7}"#],
            ),
            ("both", Succeeded, json!("done"), &[r#"succeed {"both":"done"}"#]),
        ],
        &["slow by a: 7", "fast by b: 7"],
    );
}

#[test]
fn priorities_decide_among_the_ready_and_so_many_run_at_once() {
    let tasks = [
        task("low", &[]),
        task("high", &[]).priority(safeguards_types::Priority::P9),
        task("own", &[]),
    ];
    let own = Task::new("mine").with_input("in");
    check(
        &Graph::new(graph(tasks)).at_once(1).task("own", own),
        &[
            ("high", Succeeded, json!(1), &["low by a: 7"]),
            ("low", Succeeded, json!(2), &[r#"own by a: "in""#]),
            ("own", Succeeded, json!(3), &[r#"succeed {"high":1,"low":2,"own":3}"#]),
        ],
        &["high by b: 7"],
    );
}

fn fork() -> TaskGraph {
    graph([
        task("bad", &[]),
        task("good", &[]),
        task("after bad", &["bad"]),
        task("last", &["after bad", "good"]),
    ])
}

#[test]
fn what_depends_on_a_failure_is_skipped_and_all_else_goes_on() {
    check(
        &Graph::new(fork()),
        &[
            (
                "bad",
                State::Denied,
                json!(null),
                &["skip after bad: bad was denied", "skip last: bad was denied"],
            ),
            ("good", Succeeded, json!(1), &[r#"stop for bad {"last":null}"#]),
        ],
        &["bad by a: 7", "good by b: 7"],
    );
}

#[test]
fn it_may_stop_at_the_first_failure() {
    let mut graph = fork();
    graph.add(task("free", &["good"])).unwrap();
    check(
        &Graph::new(graph).stop_on_failure(),
        &[(
            "bad",
            Failed,
            json!(null),
            &[
                "skip after bad: bad failed",
                "skip last: bad failed",
                "skip free: bad failed",
                r#"stop for bad {"free":null,"last":null}"#,
            ],
        )],
        &["bad by a: 7", "good by b: 7"],
    );
}

#[test]
fn what_can_never_be_done_is_refused_before_anything_is_spent() {
    let mut lacking = graph([task("weigh", &[]).needs(["scales"]), task("tell", &["weigh"])]);
    let refused = [
        (TaskGraph::new(), "graph.empty: the graph has no tasks"),
        (
            lacking.clone(),
            "graph.never_ready: task `weigh` can never begin: it lacks `scales`, which nobody provides",
        ),
        (
            graph([task("weigh", &["gather"]), task("sort", &["gather"])]),
            "graph.never_ready: task `weigh` can never begin: it depends on `gather`, which was never added \
             (1 more likewise)",
        ),
        (
            // One of each kind is named; `gather` has yet to begin, and is nobody's trouble.
            graph([
                task("gather", &[]),
                task("weigh", &["gather"]).needs(["gpu"]),
                task("scan", &["gather"]).needs(["disk", "gpu"]),
                task("sum", &["gather", "nope"]),
            ]),
            "graph.never_ready: task `sum` can never begin: it depends on `nope`, which was never added; task `weigh` \
             can never begin: it lacks `gpu`, which nobody provides (1 more likewise)",
        ),
        (
            graph([task("weigh", &[]).by("c")]),
            "graph.unknown_agent: task `weigh` is for c, who is not in the team",
        ),
    ];
    for (graph, reason) in refused {
        check(&Graph::new(graph), &[], &[&format!("fail {reason} None")]);
    }
    lacking.provide("scales").unwrap();
    check(&Graph::new(lacking), &[], &["weigh by a: 7"]);
}

#[test]
fn a_graph_may_grow_by_what_its_tasks_give() {
    let start = graph([task("list", &[]), task("report", &["read 2"])]);
    let growing = Graph::new(start).growing(|name, output| {
        let pages = output.as_array().filter(|_| name == "list").into_iter().flatten();
        pages.map(|page| NewTask::new(format!("read {page}")).after(["list"])).collect()
    });
    check(
        &growing,
        &[
            (
                "list",
                Succeeded,
                json!([1, 2]),
                &[
                    r#"read 1 by b: {"after":{"list":[1,2]},"input":7}"#,
                    r#"read 2 by a: {"after":{"list":[1,2]},"input":7}"#,
                ],
            ),
            (
                "read 2",
                Succeeded,
                json!("two"),
                &[r#"report by b: {"after":{"read 2":"two"},"input":7}"#],
            ),
            ("read 1", Succeeded, json!("one"), &[]),
            ("report", Succeeded, json!("all"), &[r#"succeed {"read 1":"one","report":"all"}"#]),
        ],
        &["list by a: 7"],
    );
    // What it waits for did not come; and what comes twice.
    let never = "fail graph.never_ready: task `report` can never begin: it depends on `read 2`, which was never added \
                 Some(Object {\"list\": Array [], \"report\": Null})";
    let twice = "fail graph.duplicate_task: the graph cannot grow by what `list` gave: there is a task `read 2` already \
                 None";
    check(&growing, &[("list", Succeeded, json!([]), &[never])], &["list by a: 7"]);
    check(&growing, &[("list", Succeeded, json!([2, 2]), &[twice])], &["list by a: 7"]);
}

#[test]
fn what_is_done_already_is_not_done_again() {
    let mut graph = fork();
    graph.complete("good").unwrap();
    graph.fail("bad").unwrap();
    check(
        &Graph::new(graph),
        &[
            ("bad", Succeeded, json!(1), &[r#"after bad by a: {"after":{"bad":1},"input":7}"#]),
            (
                "after bad",
                Succeeded,
                json!(2),
                &[r#"last by b: {"after":{"after bad":2,"good":null},"input":7}"#],
            ),
            ("last", Succeeded, json!(3), &[r#"succeed {"last":3}"#]),
        ],
        &["bad by a: 7"],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Two runs of one strategy, told of in turn: in each every task ends once, none begins before its
    /// dependencies have succeeded, never too many run, and nothing that could run waits.
    #[test]
    fn any_graph_runs_to_its_end_and_never_in_rounds(
        tasks in vec((vec(any::<Index>(), 0..3), 1_i64..4), 1..24),
        ends in vec((any::<Index>(), 0_u8..8), 24),
        at_once in 1_usize..5,
        stops in any::<bool>(),
    ) {
        let mut graph = TaskGraph::new();
        for (at, (after, priority)) in tasks.iter().enumerate() {
            let after = after.iter().filter(|_| at > 0).map(|on| format!("t{}", on.index(at)));
            let priority = (*priority).try_into().unwrap();
            graph.add(NewTask::new(format!("t{at}")).after(after).priority(priority)).unwrap();
        }
        let mut strategy = Graph::new(graph.clone()).at_once(at_once);
        if stops {
            strategy = strategy.stop_on_failure();
        }
        let needs = |name: &str| -> Vec<String> {
            graph.task(name).unwrap().dependencies().map(str::to_owned).collect()
        };
        let mut runs = [(progress(), false), (progress(), false)];
        for round in 0..=tasks.len() {
            for (run, (progress, over)) in runs.iter_mut().enumerate() {
                if *over { continue }
                if round > 0 {
                    let running: Vec<_> = progress.steps().iter().filter(|step| step.state.is_none()).collect();
                    let (end, luck) = ends[(round + run) % ends.len()];
                    let step = running[end.index(running.len())].step.clone();
                    let state = if luck == 0 { Failed } else { Succeeded };
                    progress.end(&step, state, Some(json!(step.as_str())));
                }
                let moves = strategy.next(progress);
                prop_assert_eq!(&strategy.clone().next(progress), &moves);
                for one in moves {
                    match one {
                        Move::Start(step) => {
                            for need in needs(step.step.as_str()) {
                                let need = progress.step(&need.as_str().into());
                                prop_assert!(need.is_some_and(crate::StepProgress::has_succeeded));
                            }
                            prop_assert!(progress.begin(step.step, step.seat.agent().cloned().unwrap()));
                        }
                        Move::Skip { step, .. } => {
                            prop_assert!(progress.begin_unchosen(step.clone()));
                            progress.end(&step, State::Skipped, None);
                        }
                        Move::Cancel(step) => panic!("cancels {step}"),
                        Move::Succeed { .. } | Move::Stop { .. } | Move::Fail { .. } => *over = true,
                    }
                }
                prop_assert!(progress.running() <= at_once);
                prop_assert_eq!(*over, progress.running() == 0 || (stops && progress.succeeded() < progress.ended(0).count()));
                if !*over && progress.running() < at_once {
                    // There is room, so nothing is ready.
                    for task in graph.tasks().filter(|task| progress.step(&task.name().into()).is_none()) {
                        let is_done = |need: &str| progress.step(&need.into()).is_some_and(crate::StepProgress::has_succeeded);
                        prop_assert!(!task.dependencies().all(is_done), "{} waits", task.name());
                    }
                }
                if *over {
                    prop_assert_eq!(progress.steps().len(), tasks.len());
                }
            }
        }
        prop_assert!(runs.iter().all(|(_, over)| *over));
    }
}
