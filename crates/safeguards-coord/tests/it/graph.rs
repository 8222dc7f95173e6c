//! What a task graph refuses, in words; and graphs that are very deep, very wide, or written by others.

use safeguards_coord::{GraphError, NewTask, OnFailure, TaskGraph, TaskId};

#[track_caller]
fn check<T: std::fmt::Debug>(told: Result<T, GraphError>, code: &str, message: &str) {
    let error = told.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (code, message));
}

fn chain() -> TaskGraph {
    let mut graph = TaskGraph::new();
    graph.add("gather").unwrap();
    graph.add(NewTask::new("clean").after(["gather"])).unwrap();
    graph.add(NewTask::new("weigh").after(["clean"]).needs(["scales"])).unwrap();
    graph
}

#[test]
fn a_refusal_names_what_it_is_about() {
    let mut graph = chain();
    check(graph.add("clean"), "graph.duplicate_task", "there is a task `clean` already");
    check(graph.start("melt"), "graph.unknown_task", "there is no task `melt`");
    check(
        graph.add_dependency("gather", "weigh"),
        "graph.cycle",
        "tasks would wait for each other: gather -> weigh -> clean -> gather (each depends on the next)",
    );
    check(
        graph.add_dependency("gather", "gather"),
        "graph.cycle",
        "tasks would wait for each other: gather -> gather (each depends on the next)",
    );
    check(graph.start("weigh"), "graph.not_ready", "task `weigh` waits for clean; lacks scales");
    check(
        graph.remove("clean"),
        "graph.has_dependants",
        "task `clean` cannot be removed: 1 depend on it, such as `weigh`",
    );
    graph.start("gather").unwrap();
    check(
        graph.add_dependency("gather", "melt"),
        "graph.wrong_state",
        "task `gather` is running; only one that has not begun can be given a dependency",
    );
    graph.complete("gather").unwrap();
    check(
        graph.complete("gather"),
        "graph.wrong_state",
        "task `gather` is succeeded; only one that has not ended can be completed",
    );
    graph.fail("clean").unwrap();
    check(
        graph.retry("weigh"),
        "graph.wrong_state",
        "task `weigh` is skipped; only one that failed or is running can be tried again",
    );
}

#[test]
fn a_name_that_is_none_is_refused_wherever_it_comes_from() {
    let long = "x".repeat(257);
    for (name, shown) in [("", ""), ("  ", "  "), ("a\u{7}b", "a\\u{7}b"), (&long, "xxx")] {
        let mut graph = chain();
        let told = [
            graph.add(name).map(drop),
            graph.add_dependency("weigh", name).map(drop),
            graph.add_resource("weigh", name).map(drop),
            graph.provide(name).map(drop),
        ];
        for told in told {
            let error = told.unwrap_err();
            assert_eq!(error.code(), "graph.invalid_name", "{name:?}");
            let message = error.to_string();
            assert!(message.contains(shown) && message.len() < 200, "{message}");
        }
        // A name that was refused leaves nothing behind: not the task, not what it depends on.
        check(
            graph.add(NewTask::new("report").after(["weigh"]).needs([name])).map(drop),
            "graph.invalid_name",
            &graph.provide(name).unwrap_err().to_string(),
        );
        assert!(graph.task("report").is_none());
        assert_eq!((graph.len(), graph.dependencies()), (3, 2));
        assert!(graph.remove("weigh").is_ok());
    }
}

#[test]
fn a_task_that_would_close_a_cycle_is_not_added() {
    let mut graph = TaskGraph::new();
    graph.add(NewTask::new("clean").after(["gather"])).unwrap();
    check(
        graph.add(NewTask::new("gather").after(["sieve", "clean"])),
        "graph.cycle",
        "tasks would wait for each other: gather -> clean -> gather (each depends on the next)",
    );
    let missing = graph.missing("clean").unwrap().unwrap();
    assert_eq!(missing.to_string(), "waits for gather (never added)");
    assert_eq!((graph.len(), graph.dependencies()), (1, 1));
    graph.add("gather").unwrap();
    graph.complete("gather").unwrap();
    graph.complete("clean").unwrap();
    assert!(graph.is_over());
}

#[test]
fn what_is_missing_is_told_shortly_however_much_it_is() {
    let mut graph = TaskGraph::new().on_failure(OnFailure::Block);
    graph.add("first").unwrap();
    let needs = (0..100_000).map(|task| format!("t{task}"));
    graph.add(NewTask::new("all").after(["first"]).after(needs)).unwrap();
    graph.fail("first").unwrap();
    let missing = graph.missing("all").unwrap().unwrap();
    assert_eq!(
        missing.to_string(),
        "waits for first (failed or skipped), t0 (never added), t1 (never added), t2 (never added), \
         t3 (never added), t4 (never added), t5 (never added), t6 (never added) and 99993 more"
    );
}

/// A chain of so many, tied in the given order.
fn deep(tasks: u32, order: impl Iterator<Item = u32>) -> (TaskGraph, Vec<TaskId>) {
    let mut graph = TaskGraph::new();
    let ids: Vec<_> = (0..tasks).map(|task| graph.add(format!("t{task}")).unwrap()).collect();
    let id = |task: u32| ids[usize::try_from(task).unwrap()];
    for task in order {
        graph.add_dependency(id(task + 1), id(task)).unwrap();
    }
    (graph, ids)
}

#[test]
fn a_chain_of_many_tasks_is_told_from_either_end() {
    const TASKS: u32 = 200_000;
    let orders: [Box<dyn Iterator<Item = u32>>; 2] =
        [Box::new(0..TASKS - 1), Box::new((0..TASKS - 1).rev())];
    for order in orders {
        let (mut graph, ids) = deep(TASKS, order);
        let (first, last) = (ids[0], *ids.last().unwrap());
        let told = graph.add_dependency(first, last);
        check(
            told,
            "graph.cycle",
            "tasks would wait for each other: t0 -> t199999 -> t199998 -> t199997 -> t199996 -> t199995 -> t199994 \
             -> t199993 -> … 199984 more … -> t8 -> t7 -> t6 -> t5 -> t4 -> t3 -> t2 -> t1 -> t0 (each depends on \
             the next)",
        );
        assert_eq!(graph.critical_path().tasks, ids);
        assert_eq!(graph.fail(first).unwrap().len(), ids.len() - 1);
        graph.retry(first).unwrap();
        let mut done = 0;
        while let Some(task) = graph.start_next() {
            graph.complete(task).unwrap();
            done += 1;
        }
        assert_eq!(done, TASKS);
    }
}

#[test]
fn a_graph_that_was_read_is_checked_as_if_it_were_built() {
    let refused = [
        (
            r#"{"tasks": [{"name": "a", "after": ["b"]}, {"name": "b", "after": ["a"]}]}"#,
            "tasks would wait for each other: b -> a -> b (each depends on the next)",
        ),
        (r#"{"tasks": [{"name": "a"}, {"name": "a"}]}"#, "there is a task `a` already"),
        (r#"{"tasks": [{"name": ""}]}"#, "task `` is no name"),
        (
            r#"{"tasks": [{"name": "a", "after": ["b"], "state": "running"}, {"name": "b"}]}"#,
            "task `a` cannot be running: it depends on one that has not succeeded",
        ),
        (
            r#"{"tasks": [{"name": "a", "state": "skipped"}]}"#,
            "task `a` cannot be skipped: nothing that it depends on has failed",
        ),
        (
            r#"{"tasks": [{"name": "a", "after": ["b"]}, {"name": "b", "state": "failed"}]}"#,
            "task `a` cannot be waiting: it depends on one that failed, so that it is skipped",
        ),
        (
            r#"{"tasks": [{"name": "a", "agent": "x", "need": {"capability": "y"}}]}"#,
            "task `a` has both an `agent` and a `need`",
        ),
        (r#"{"tasks": [{"name": "a", "agnt": "x"}]}"#, "unknown field `agnt`"),
        (r#"{"tasks": [], "tasks": []}"#, "duplicate field `tasks`"),
        ("7", "expected a task graph: an object with a list of `tasks`"),
    ];
    for (text, message) in refused {
        let told = serde_json::from_str::<TaskGraph>(text).unwrap_err().to_string();
        assert!(told.contains(message), "{text}: {told}");
    }
    let text = r#"{"tasks":[{"name":"a","need":{"capability":"y","order":"name","limit":null},"state":"succeeded"},
        {"name":"b","after":["a"],"agent":"x","resources":["r"],"priority":8}],"provided":["r"],"on_failure":"block"}"#;
    let graph: TaskGraph = serde_json::from_str(text).unwrap();
    assert_eq!(graph.ready().map(|task| graph.name(task)).collect::<Vec<_>>(), ["b"]);
    let again: TaskGraph = serde_json::from_str(&serde_json::to_string(&graph).unwrap()).unwrap();
    assert_eq!(again.task("a").unwrap().seat(), graph.task("a").unwrap().seat());
    assert_eq!(again.task("b").unwrap().seat(), Some(&"x".into()));
}
