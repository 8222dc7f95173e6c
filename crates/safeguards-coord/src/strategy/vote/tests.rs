//! What a vote promises, step by step.

use super::*;
use crate::{State, strategy::play::Play};

const NOTHING: [&str; 0] = [];

/// The last lines of a vote of five, two at once, that end as said, in this order.
fn after(vote: Vote, ends: &[(&str, Option<&str>)]) -> Vec<String> {
    let mut play = Play::new(vote, &["a", "b", "c", "d", "e"]);
    let mut last = play.ask();
    for (voter, answer) in ends {
        last = match answer {
            Some(answer) => play.ok(voter, *answer),
            None => play.fail(voter),
        };
    }
    last
}

#[test]
fn what_more_than_half_gave_counts_and_the_rest_is_skipped() {
    let ends = [("a", Some("x")), ("b", Some("y")), ("d", Some("x")), ("c", Some("x"))];
    let vote = Vote::new().at_once(2);
    let decided = after(vote, &ends[..3]);
    assert_eq!(decided, [r#"e: e do("it")"#]);
    let vote = Vote::new().at_once(3);
    let early = [("a", Some("x")), ("b", Some("x")), ("c", Some("x"))];
    assert_eq!(after(vote.clone().at_once(1), &early[..2]), [r#"c: c do("it")"#]);
    let skip = |voter| format!("skip {voter}: the vote is decided without it");
    let expected = [skip("d"), skip("e"), r#"succeed "x""#.to_owned()];
    assert_eq!(after(vote.clone().at_once(1), &early), expected);
    assert_eq!(after(vote, &ends), [r#"succeed "x""#]);
}

#[test]
fn who_hears_all_waits_for_everybody() {
    let vote = Vote::new().at_once(5).hear_all();
    let ends = ["a", "b", "c", "d", "e"].map(|voter| (voter, Some("x")));
    assert_eq!(after(vote.clone(), &ends[..4]), NOTHING);
    assert_eq!(after(vote, &ends), [r#"succeed "x""#]);
}

#[test]
fn without_a_majority_the_counts_are_told() {
    let ends =
        [("e", Some("y")), ("a", Some("x")), ("b", Some("y")), ("c", Some("z")), ("d", Some("x"))];
    let shown = r#"[{"answer":"x","voters":["a","d"],"votes":2},{"answer":"y","voters":["b","e"],"votes":2},{"answer":"z","voters":["c"],"votes":1}]"#;
    let counts = r#"no majority: 2 votes for `"x"`, 2 votes for `"y"`, 1 vote for `"z"`"#;
    let absolute = after(Vote::new(), &ends);
    let expected = format!("fail vote.no_majority: {counts}; 3 votes of 5 would be one {shown}");
    assert_eq!(absolute, [expected]);
    let tie = after(Vote::new().plurality(), &ends);
    let expected = format!("fail vote.no_majority: {counts}; nothing has most votes {shown}");
    assert_eq!(tie, [expected]);
}

#[test]
fn that_there_can_be_no_majority_is_noticed_at_once() {
    let ends = [("a", Some("w")), ("b", Some("x")), ("c", Some("y")), ("d", Some("z"))];
    let end = after(Vote::new().at_once(1), &ends);
    assert_eq!(end[0], "skip e: the vote is decided without it");
    assert!(end[1].starts_with("fail vote.no_majority: "), "{end:?}");
    assert_eq!(after(Vote::new().at_once(1), &ends[..3]), [r#"d: d do("it")"#]);
}

#[test]
fn by_plurality_most_votes_count_once_nobody_can_draw_level() {
    let vote = Vote::new().plurality();
    let ends =
        [("a", Some("x")), ("b", Some("y")), ("c", Some("x")), ("d", Some("z")), ("e", None)];
    assert_eq!(after(vote.clone(), &ends[..4]), NOTHING);
    assert_eq!(after(vote.clone(), &ends), [r#"succeed "x""#]);
    let ends = [("a", Some("x")), ("b", Some("x")), ("c", Some("x"))];
    assert_eq!(after(vote.clone(), &ends), [r#"succeed "x""#]);
    assert_eq!(after(vote, &ends[..2]), NOTHING);
}

#[test]
fn who_fails_does_not_vote() {
    // Two of two that voted agree, which is not more than half of five.
    let ends = [("a", Some("x")), ("b", Some("x")), ("c", None), ("d", None), ("e", None)];
    let why = "c failed, d failed, e failed";
    let expected = format!(
        "fail vote.too_few_votes: 2 of 5 voters can vote, and 3 votes are needed: {why} \
         [{{\"answer\":\"x\",\"voters\":[\"a\",\"b\"],\"votes\":2}}]"
    );
    assert_eq!(after(Vote::new(), &ends), [expected]);
    assert_eq!(after(Vote::new().plurality(), &ends), [r#"succeed "x""#]);
    let end = after(Vote::new().plurality().at_least(3), &ends);
    assert!(end[0].starts_with("fail vote.too_few_votes: 2 of 5"), "{end:?}");
    // Too few are left before they have voted.
    let early = after(Vote::new().at_once(5), &[("c", None), ("d", None), ("e", None)]);
    assert!(early[0].starts_with("fail vote.too_few_votes: 2 of 5"), "{early:?}");
}

#[test]
fn where_nobody_voted_the_run_ends_as_the_first_of_them() {
    let mut play = Play::new(Vote::new(), &["a", "b"]);
    play.ask();
    // Of two, both are needed.
    let end = play.end("b", State::Denied, None);
    assert!(end[0].starts_with("fail vote.too_few_votes: 1 of 2"), "{end:?}");
    let mut play = Play::new(Vote::new().plurality(), &["a", "b"]);
    play.ask();
    assert_eq!(play.end("b", State::Denied, None), NOTHING);
    assert_eq!(play.fail("a"), ["stop because of b (nobody voted: b was denied, a failed) []"]);
}

#[test]
fn answers_may_be_alike_by_a_measure_of_yours() {
    let vote = Vote::new().alike(|answer| json!(answer.as_str().map(str::to_lowercase)));
    let ends = [("b", Some("No")), ("c", Some("yes")), ("a", Some("YES")), ("e", Some("Yes"))];
    assert_eq!(after(vote, &ends), [r#"succeed "YES""#]);
}

#[test]
fn one_agent_may_vote_several_times() {
    let mut play = Play::new(Vote::new().times("a", 3), &["a", "b"]);
    let votes = ["a: a do(\"it\")", "a-2: a do(\"it\")", "a-3: a do(\"it\")"];
    assert_eq!(play.ask(), votes);
    play.ok("a-3", 1);
    assert_eq!(play.ok("a-2", 1), ["succeed 1"]);
}

#[test]
fn a_judge_hears_all_answers() {
    let mut play = Play::new(Vote::new().judged_by("j"), &["a", "b", "c", "j"]);
    assert_eq!(play.ask().len(), 3);
    play.ok("c", "z");
    play.fail("b");
    let judge = r#"judge: j do({"answers":[{"agent":"a","output":"x","voter":"a"},{"agent":"c","output":"z","voter":"c"}]})"#;
    assert_eq!(play.ok("a", "x"), [judge]);
    assert_eq!(play.ok("judge", "z it is"), [r#"succeed "z it is""#]);
}

#[test]
fn a_judge_of_too_few_answers_is_skipped() {
    let mut play = Play::new(Vote::new().judged_by("j").at_least(2), &["a", "b", "j"]);
    play.ask();
    let end = play.fail("b");
    assert_eq!(end[0], "skip judge: there are too few votes");
    assert!(end[1].starts_with("fail vote.too_few_votes: 1 of 2"), "{end:?}");
    let mut play = Play::new(Vote::new().judged_by("j"), &["judge", "j"]);
    play.ask();
    assert_eq!(play.ok("judge", 1)[0].split(' ').next(), Some("judge-last:"));
    assert_eq!(
        play.fail("judge-last"),
        [r#"stop because of judge-last [{"answer":1,"voters":["judge"],"votes":1}]"#]
    );
}

#[test]
fn a_vote_of_nobody_is_refused() {
    let nobody: [&str; 0] = [];
    let mut play = Play::new(Vote::new().among(nobody), &["a"]);
    assert_eq!(play.ask(), ["fail vote.no_voters: nobody may vote: there are no voters"]);
}

#[test]
fn more_votes_than_voters_are_refused_before_anybody_votes() {
    #[track_caller]
    fn check(votes: usize, there: &str) {
        let vote = Vote::new().times("a", votes).at_least(9).plurality();
        let fail = format!("fail vote.too_few_votes: 9 votes are needed, and {there} []");
        let last = Play::new(vote, &["a"]).ask().pop();
        assert_eq!(last, Some(fail));
    }
    check(3, "there are 3 voters");
    check(1, "there is 1 voter");
}
