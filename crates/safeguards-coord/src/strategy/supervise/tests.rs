//! What a supervisor promises, step by step.

use safeguards_discovery::Order;

use super::*;
use crate::strategy::play::Play;

const NOTHING: [&str; 0] = [];

/// Five subtasks, `1` to `5`, whose outputs are joined.
fn five() -> Supervise {
    Supervise::new(
        |_| (1..=5).map(|n| Subtask::new(n.to_string())).collect(),
        |parts| Part::joined(parts, "+"),
    )
}

#[test]
fn more_subtasks_than_workers_take_turns_and_none_is_dropped() {
    let mut play = Play::new(five().at_once(2), &["a", "b"]);
    assert_eq!(play.ask(), [r#"a-1: a 1("it")"#, r#"b-2: b 2("it")"#]);
    assert_eq!(play.ok("b-2", "two"), [r#"a-3: a 3("it")"#]);
    assert_eq!(play.ok("a-1", "one"), [r#"b-4: b 4("it")"#]);
    assert_eq!(play.ok("b-4", "four"), [r#"a-5: a 5("it")"#]);
    assert_eq!(play.ok("a-5", "five"), NOTHING);
    assert_eq!(play.so_far(), Some(json!(["one", "two", null, "four", "five"])));
    assert_eq!(play.ok("a-3", json!({ "n": 3 })), [r#"succeed "one+two+{\"n\":3}+four+five""#]);
}

#[test]
fn an_agent_that_supervises_does_so_in_steps_of_its_own() {
    let mut play = Play::new(Supervise::by("lead"), &["a", "lead", "b"]);
    let decompose = r#"decompose: lead do({"input":"it","role":"decompose","workers":["a","b"]})"#;
    assert_eq!(play.ask(), [decompose]);
    assert_eq!(play.so_far(), None);
    let subtasks = json!(["x", { "task": "y", "input": 7 }, { "task": "z", "agent": "a" }]);
    let begun = [r#"a-1: a x("it")"#, "b-2: b y(7)", r#"a-3: a z("it")"#];
    assert_eq!(play.ok("decompose", subtasks), begun);
    play.ok("a-3", "Z");
    play.ok("a-1", "X");
    let combine = r#"combine: lead do({"input":"it","results":[{"agent":"a","output":"X","state":"succeeded","step":"a-1","task":"x"},{"agent":"b","output":"Y","state":"succeeded","step":"b-2","task":"y"},{"agent":"a","output":"Z","state":"succeeded","step":"a-3","task":"z"}],"role":"combine"})"#;
    assert_eq!(play.ok("b-2", "Y"), [combine]);
    assert_eq!(play.ok("combine", "XYZ"), [r#"succeed "XYZ""#]);
}

#[test]
fn the_first_of_the_team_supervises_unless_said_otherwise() {
    let mut play = Play::new(Supervise::by_first(), &["a", "b"]);
    assert!(play.ask()[0].starts_with("decompose: a "));
    assert_eq!(play.ok("decompose", json!(["x", "y"]))[1], r#"b-2: b y("it")"#);
}

#[test]
fn decomposing_and_combining_are_replaced_one_by_one() {
    let halves = |task: &Task| vec![Subtask::new(task.text()), Subtask::new("rest")];
    let mut play = Play::new(five().decompose(halves).combine_by("z"), &["a", "z"]);
    assert_eq!(play.ask(), [r#"a-1: a do("it")"#, r#"a-2: a rest("it")"#]);
    play.ok("a-1", 1);
    assert!(play.ok("a-2", 2)[0].starts_with("combine: z "));
    let mut play = Play::new(five().decompose_by("z"), &["a", "z"]);
    assert!(play.ask()[0].starts_with("decompose: z "));
    play.ok("decompose", json!(["x"]));
    assert_eq!(play.ok("a-1", "X"), [r#"succeed "X""#]);
}

#[test]
fn nobody_to_do_subtasks_is_refused_before_anything_begins() {
    #[track_caller]
    fn check(strategy: Supervise, agents: &[&str], expected: &str) {
        assert_eq!(Play::new(strategy, agents).ask(), [format!("fail supervisor.{expected}")]);
    }
    let nobody: [&str; 0] = [];
    check(
        Supervise::by("a"),
        &["a"],
        "no_workers: there is nobody to do subtasks: in the team are a, who supervise",
    );
    check(
        five().workers(nobody),
        &["a"],
        "no_workers: there is nobody to do subtasks: no workers are named",
    );
    check(
        Supervise::by("a").workers(["b", "zed"]),
        &["a", "b"],
        "unknown_worker: worker zed is not in the team; in it are a, b",
    );
}

#[test]
fn who_supervises_may_be_named_as_a_worker() {
    let mut play = Play::new(Supervise::by("a").workers(["a"]), &["a", "b"]);
    play.ask();
    assert_eq!(play.ok("decompose", json!(["x"])), [r#"a-1: a x("it")"#]);
}

#[test]
fn what_is_no_list_of_subtasks_fails_the_run() {
    #[track_caller]
    fn check(output: Value, code: &str, message: &str) {
        let mut play = Play::new(Supervise::by("lead").subtasks_max(2), &["lead", "a"]);
        play.ask();
        let end = play.ok("decompose", output);
        let [end] = end.as_slice() else { panic!("{end:?}") };
        let expected = format!("fail supervisor.{code}: ");
        assert!(end.starts_with(&expected) && end.contains(message), "{end}");
    }
    check(json!("x, y"), "no_list", "step decompose gave \"x, y\" instead of subtasks");
    check(json!(null), "no_list", "gave null");
    check(json!([]), "no_subtasks", "cut into no subtasks");
    check(json!(["x", "y", "z"]), "too_many_subtasks", "cut into 3 subtasks; at most 2");
    check(json!(["x", 7]), "bad_subtask", "subtask 2 is none: 7");
    let zed = json!(["x", { "task": "y", "agent": "zed" }]);
    check(zed, "unknown_worker", "subtask 2 is for zed, who is none of a");
    let lead = json!([{ "task": "y", "agent": "lead" }]);
    check(lead, "unknown_worker", "subtask 1 is for lead, who is none of a");
}

#[test]
fn a_subtask_may_ask_for_a_capability_of_the_workers() {
    let strategy = Supervise::by("lead").choose(Choice::LeastLoaded);
    let progress = {
        let mut play = Play::new(strategy.clone(), &["lead", "a", "b"]);
        play.ask();
        play.progress.end(
            &"decompose".into(),
            State::Succeeded,
            Some(json!([{ "task": "x", "capability": "data.analysis" }, "y"])),
        );
        play.progress
    };
    let moves = strategy.next(&progress);
    let needs: Vec<_> = moves
        .iter()
        .map(|one| {
            let Move::Start(step) = one else { panic!("{one:?}") };
            (step.step.as_str(), step.seat.need().unwrap())
        })
        .collect();
    assert_eq!((needs[0].0, needs[1].0), ("data.analysis-1", "anybody-2"));
    assert_eq!(needs[1].1.order, Order::LeastLoaded);
    for (_, need) in needs {
        assert_eq!(need.among, Some(vec!["a".into(), "b".into()]));
    }
}

#[test]
fn a_function_may_assign() {
    let reversed = five().assign(|subtask, place, workers| {
        assert_eq!(subtask.text, (place + 1).to_string());
        Seat::from(&workers[1 - place % 2])
    });
    let mut play = Play::new(reversed.at_once(3), &["a", "b"]);
    let begun = [r#"b-1: b 1("it")"#, r#"a-2: a 2("it")"#, r#"b-3: b 3("it")"#];
    assert_eq!(play.ask(), begun);
}

#[test]
fn in_vain_combining_is_skipped_and_what_there_is_kept() {
    let mut play = Play::new(Supervise::by("z").policy(Policy::FailFast).at_once(2), &["a", "z"]);
    play.ask();
    play.ok("decompose", json!(["x", "y", "z"]));
    assert_eq!(play.ok("a-2", "Y"), [r#"a-3: a z("it")"#]);
    let end = play.end("a-1", State::Denied, None);
    let stop = r#"stop because of a-1 [null,"Y",null]"#;
    assert_eq!(end, ["skip combine: a-1 was denied", stop]);
}

#[test]
fn what_succeeded_may_be_enough() {
    let counted = five().policy(Policy::AtLeast(1)).combine(|parts| {
        let states: Vec<_> = parts.iter().map(|part| part.state.as_str()).collect();
        json!([states, parts.iter().filter_map(Part::success).count()])
    });
    let mut play = Play::new(counted, &["a"]);
    play.ask();
    for step in ["a-1", "a-3", "a-4", "a-5"] {
        play.fail(step);
    }
    let end = play.ok("a-2", 2);
    assert_eq!(end, [r#"succeed [["failed","succeeded","failed","failed","failed"],1]"#]);
}

#[test]
fn a_supervisor_that_fails_ends_the_run() {
    let mut play = Play::new(Supervise::by("z"), &["a", "z"]);
    play.ask();
    assert_eq!(play.end("decompose", State::Denied, None), ["stop because of decompose"]);
    let mut play = Play::new(Supervise::by("z"), &["a", "z"]);
    play.ask();
    play.ok("decompose", json!(["x"]));
    play.ok("a-1", "X");
    assert_eq!(play.fail("combine"), [r#"stop because of combine ["X"]"#]);
}

#[test]
fn a_plan_is_made_once_and_anew_for_another_task() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let strategy = five().decompose(move |task| {
        count.fetch_add(1, Ordering::SeqCst);
        vec![Subtask::new(task.text()), Subtask::new("rest")]
    });
    let shared = Arc::new(strategy);
    let mut play = Play::new(Arc::clone(&shared), &["a"]);
    play.ask();
    play.ok("a-1", 1);
    play.ok("a-2", 2);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let other = Progress::new(Task::new("other"), ["a".into()]);
    let Move::Start(step) = &shared.next(&other)[0] else { panic!("it starts") };
    assert_eq!(step.task.text(), "other");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}
