//! What a fan-out promises, step by step.

use safeguards_discovery::Order;
use safeguards_types::Unit;
use serde_json::json;

use super::*;
use crate::{State, Task, strategy::play::Play};

fn progress() -> Progress {
    Progress::new(Task::new("read"), ["a".into(), "b".into()])
}

/// Carries out the starts, and gives the names of what was started.
fn start(progress: &mut Progress, moves: Vec<Move>) -> Vec<String> {
    let mut started = Vec::new();
    for step in moves {
        if let Move::Start(step) = step {
            started.push(format!("{} {}", step.step, step.task.input()));
            assert!(progress.begin(step.step, step.seat.agent().cloned().unwrap()));
        }
    }
    started
}

#[test]
fn inputs_go_round_robin_and_so_many_at_once() {
    let fan_out = FanOut::over((1..=5).map(|page| json!(page))).at_once(3);
    let mut progress = progress();
    let moves = fan_out.next(&progress);
    assert_eq!(start(&mut progress, moves), ["a-1 1", "b-2 2", "a-3 3"]);
    assert_eq!(fan_out.next(&progress), []);
    progress.end(&"b-2".into(), State::Succeeded, Some(json!("two")));
    let moves = fan_out.next(&progress);
    assert_eq!(start(&mut progress, moves), ["b-4 4"]);
    progress.end(&"a-1".into(), State::Denied, None);
    let moves = fan_out.next(&progress);
    assert_eq!(start(&mut progress, moves), ["a-5 5"]);
    for step in ["a-3", "b-4", "a-5"] {
        assert_eq!(fan_out.next(&progress), []);
        progress.end(&step.into(), State::Succeeded, Some(json!(step)));
    }
    let output = json!([null, "two", "a-3", "b-4", "a-5"]);
    let stop = Move::Stop { because_of: "a-1".into(), why: None, output: Some(output) };
    assert_eq!(fan_out.next(&progress), [stop]);
}

#[test]
fn to_everybody_each_gets_the_task_once() {
    let fan_out = FanOut::default();
    let mut progress = progress();
    let moves = fan_out.next(&progress);
    assert_eq!(start(&mut progress, moves), ["a null", "b null"]);
    progress.end(&"b".into(), State::Succeeded, Some(json!(2)));
    progress.end(&"a".into(), State::Succeeded, Some(json!(1)));
    assert_eq!(fan_out.next(&progress), [Move::Succeed { output: json!([1, 2]) }]);
}

#[test]
fn no_inputs_are_no_work() {
    #[track_caller]
    fn check(fan_out: FanOut, expected: &str) {
        assert_eq!(Play::new(fan_out, &["a", "b"]).ask(), [expected]);
    }
    let nothing = || FanOut::over([]);
    check(nothing(), "succeed []");
    check(nothing().policy(Policy::FailFast), "succeed []");
    check(nothing().by(Query::new("data.analysis").unwrap()), "succeed []");
    let refused = |policy| {
        format!("fail fan_out.bad_quorum: {policy} of 0 steps cannot be; there is nothing to do")
    };
    for policy in [Policy::Any, Policy::Quorum(1), Policy::AtLeast(1)] {
        check(nothing().policy(policy), &refused(policy));
    }
}

#[test]
fn by_a_need_nobody_is_named() {
    let need = Query::new("data.analysis").unwrap();
    let start = |step: &str, input| {
        let task = Task::new("read").with_input(input);
        Move::Start(Step::new(step, need.clone(), task).given())
    };
    let pages = FanOut::over([json!(1), json!(2), json!(3)]).at_once(2).by(need.clone());
    let mut progress = progress();
    let expected = [start("data.analysis-1", json!(1)), start("data.analysis-2", json!(2))];
    assert_eq!(pages.next(&progress), expected);
    assert!(progress.begin_unchosen("data.analysis-1".into()));
    assert_eq!(progress.steps()[0].agent, None);
    progress.chosen(&"data.analysis-1".into(), "b".into());
    assert_eq!(progress.steps()[0].agent, Some("b".into()));
    let once = FanOut::to_everybody().by(need.clone());
    let only = Step::new("data.analysis", need, Task::new("read")).given();
    assert_eq!(once.next(&self::progress()), [Move::Start(only)]);
}

#[test]
fn fail_fast_skips_what_was_not_begun() {
    let fan_out = FanOut::over((1..=4).map(|page| json!(page))).at_once(2).policy(Policy::FailFast);
    let mut progress = progress();
    let moves = fan_out.next(&progress);
    start(&mut progress, moves);
    progress.end(&"b-2".into(), State::Failed, None);
    let skip = |step: &str, agent: &str| Move::Skip {
        step: step.into(),
        seat: agent.into(),
        because: "b-2 failed".to_owned(),
    };
    let output = Some(json!([null, null, null, null]));
    let stop = Move::Stop { because_of: "b-2".into(), why: None, output };
    assert_eq!(fan_out.next(&progress), [skip("a-3", "a"), skip("b-4", "b"), stop]);
}

const NOTHING: [&str; 0] = [];

fn pages(count: u64) -> FanOut {
    FanOut::over((1..=count).map(|page| json!(page)))
}

#[test]
fn any_ends_at_the_first_success() {
    let mut play = Play::new(pages(4).at_once(2).policy(Policy::Any), &["a", "b"]);
    assert_eq!(play.ask(), ["a-1: a do(1)", "b-2: b do(2)"]);
    assert_eq!(play.fail("a-1"), ["a-3: a do(3)"]);
    let enough = "skip b-4: 1 succeeded, which is enough";
    assert_eq!(play.ok("a-3", "three"), [enough, r#"succeed [null,null,"three",null]"#]);
}

#[test]
fn any_is_in_vain_when_all_fail() {
    let mut play = Play::new(pages(2).policy(Policy::Any), &["a"]);
    play.ask();
    assert_eq!(play.fail("a-2"), NOTHING);
    let stop = play.end("a-1", State::Denied, None);
    assert_eq!(
        stop,
        ["stop because of a-1 (none of 2 steps succeeded: a-2 failed, a-1 was denied) [null,null]"]
    );
}

#[test]
fn a_quorum_ends_when_it_is_reached() {
    let mut play = Play::new(pages(4).at_once(3).policy(Policy::Quorum(2)), &["a"]);
    play.ask();
    assert_eq!(play.ok("a-3", 3), ["a-4: a do(4)"]);
    assert_eq!(play.fail("a-1"), NOTHING);
    assert_eq!(play.ok("a-4", 4), ["succeed [null,null,3,4]"]);
}

#[test]
fn a_quorum_out_of_reach_is_noticed_at_once() {
    let mut play = Play::new(pages(5).at_once(3).policy(Policy::Quorum(4)), &["a"]);
    play.ask();
    assert_eq!(play.fail("a-2"), ["a-4: a do(4)"]);
    let end = play.end("a-1", State::TimedOut, None);
    let skip = "skip a-5: a quorum of 4 is out of reach: a-1 timed out";
    let why = "a quorum of 4 of 5 steps can no longer be reached: a-2 failed, a-1 timed out";
    let stop = format!("stop because of a-1 ({why}) [null,null,null,null,null]");
    assert_eq!(end, [skip, &stop]);
}

#[test]
fn at_least_so_many_hears_everybody() {
    let play = || Play::new(pages(3).policy(Policy::AtLeast(2)), &["a"]);
    let mut enough = play();
    enough.ask();
    assert_eq!(enough.ok("a-1", 1), NOTHING);
    assert_eq!(enough.ok("a-2", 2), NOTHING);
    assert_eq!(enough.fail("a-3"), ["succeed [1,2,null]"]);
    let mut too_few = play();
    too_few.ask();
    assert_eq!(too_few.fail("a-3"), NOTHING);
    assert_eq!(too_few.fail("a-2"), NOTHING);
    let why = "1 of 3 steps succeeded, and at least 2 must: a-3 failed, a-2 failed";
    let stop = format!("stop because of a-2 ({why}) [1,null,null]");
    assert_eq!(too_few.ok("a-1", 1), [stop]);
}

#[test]
fn a_quorum_that_can_never_be_is_refused_before_anything_begins() {
    #[track_caller]
    fn check(policy: Policy, expected: &str) {
        let mut play = Play::new(pages(3).policy(policy), &["a"]);
        assert_eq!(play.ask(), [format!("fail fan_out.bad_quorum: {expected}")]);
    }
    check(Policy::Quorum(0), "a quorum of 0 of 3 steps cannot be; from 1 to 3 can");
    check(Policy::Quorum(4), "a quorum of 4 of 3 steps cannot be; from 1 to 3 can");
    check(Policy::AtLeast(0), "at least 0 of 3 steps cannot be; from 1 to 3 can");
    check(Policy::AtLeast(9), "at least 9 of 3 steps cannot be; from 1 to 3 can");
}

#[test]
fn who_gets_an_input_may_be_chosen_by_load_or_price() {
    #[track_caller]
    fn check(fan_out: &FanOut, order: Option<&Order>, among: Option<&[&str]>, names: [&str; 2]) {
        let progress = Progress::new(Task::new("do"), ["a".into(), "b".into(), "c".into()]);
        let mut names = names.into_iter();
        for one in fan_out.next(&progress) {
            let Move::Start(step) = one else { panic!("{one:?}") };
            let need = step.seat.need();
            assert_eq!(need.map(|need| &need.order), order);
            let ids = among.map(|among| among.iter().map(|agent| (*agent).into()).collect());
            assert_eq!(need.and_then(|need| need.among.clone()), ids);
            assert_eq!(Some(step.step.as_str()), names.next());
        }
        assert_eq!(names.next(), None);
    }
    let cheapest = || Choice::Cheapest(Unit::TOKENS);
    let anybody = ["anybody-1", "anybody-2"];
    check(&pages(2), None, None, ["a-1", "b-2"]);
    check(&pages(2).among(["c", "b"]), None, None, ["c-1", "b-2"]);
    check(&pages(2).choose(Choice::LeastLoaded), Some(&Order::LeastLoaded), None, anybody);
    let tokens = Order::Cheapest(Unit::TOKENS);
    check(&pages(2).choose(cheapest()), Some(&tokens), None, anybody);
    let among = pages(2).choose(cheapest()).among(["c", "b"]);
    check(&among, Some(&tokens), Some(&["c", "b"]), anybody);
    check(&pages(2).choose(cheapest()).choose(Choice::RoundRobin), None, None, ["a-1", "b-2"]);
}

#[test]
fn what_there_is_so_far_is_in_the_order_of_the_inputs() {
    let mut play = Play::new(pages(3).at_once(2), &["a"]);
    play.ask();
    play.ok("a-2", "two");
    assert_eq!(play.so_far(), Some(json!([null, "two", null])));
}
