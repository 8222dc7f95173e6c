//! Where the loop guards end a recorded session, beside what its own orchestrator thought.
//!
//! What a guard counts is counted twice: by the runner, and by a plain count here. The two agree on every session and
//! every bound; the tables are made of the plain count.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use safeguards_coord::{Guards, RunOptions, State};
use safeguards_types::{Amounts, Quantity, requests};

use crate::{
    page::{Table, distance, median, sides},
    recorded::{ORCHESTRATOR, Session, sessions},
    script::Script,
    stage::Stage,
};

/// Something that was done, and how often the same was done, this time included.
#[derive(Clone, Copy, Debug)]
struct Count {
    /// Which call it is, or which one it begins with.
    call: usize,
    times: u32,
}

/// What counts as the same.
type Key = fn(&Session) -> Vec<Count>;

/// Counts what is the same as before.
fn count<K: Ord>(keys: impl IntoIterator<Item = (usize, K)>) -> Vec<Count> {
    let mut seen = BTreeMap::<K, u32>::new();
    let mut one = |(call, key)| {
        let times = seen.entry(key).or_default();
        *times += 1;
        Count { call, times: *times }
    };
    keys.into_iter().map(&mut one).collect()
}

/// The same prompt to the same agent. A prompt that was not recorded is like no other.
fn prompts(session: &Session) -> Vec<Count> {
    count(session.calls.iter().enumerate().map(|(number, call)| {
        let unknown = if call.input.is_none() { Some(number) } else { None };
        (number, (&call.agent, &call.input, unknown))
    }))
}

/// The same handed over to the same agent: what the speaker before had said.
fn handed_over(session: &Session) -> Vec<Count> {
    let script = Script::as_handed_over(session);
    let given = script.turns.iter().map(|turn| turn.output.to_string());
    let given = [script.input.to_string()].into_iter().chain(given);
    let turn = |(turn, given): (&crate::script::Turn, String)| {
        (turn.begins_with, (turn.agent.clone(), given))
    };
    count(script.turns.iter().zip(given).map(turn))
}

/// The same answer of the same agent.
fn outputs(session: &Session) -> Vec<Count> {
    let calls = session.calls.iter().enumerate();
    count(calls.map(|(number, call)| (number, (&call.agent, &call.output))))
}

/// The same answer of the same agent, as its answer before.
fn outputs_in_a_row(session: &Session) -> Vec<Count> {
    let mut last = BTreeMap::<&str, (&str, u32)>::new();
    let calls = session.calls.iter().enumerate().map(|(number, call)| {
        let (before, times) = last.entry(&call.agent).or_insert((&call.output, 0));
        if *before != call.output {
            (*before, *times) = (&call.output, 0);
        }
        *times += 1;
        Count { call: number, times: *times }
    });
    calls.collect()
}

/// The first that is done more than `max` times: its place among what is counted, and its call.
fn ended(counts: &[Count], max: u32) -> Option<(usize, usize)> {
    let place = counts.iter().position(|count| count.times > max)?;
    Some((place, counts[place].call))
}

fn guards(change: impl FnOnce(&mut Guards)) -> impl FnOnce(RunOptions) -> RunOptions {
    let mut guards = Guards::default();
    change(&mut guards);
    move |options| options.guards(guards)
}

fn one_request(_agent: &str) -> Amounts {
    requests!(1).into()
}

/// Plays a script, and checks that it ends before this turn for this reason, or else by itself.
async fn check(
    script: &Arc<Script>,
    change: impl FnOnce(&mut Guards),
    (expected, code): (Option<usize>, &str),
) {
    let stage = Stage::new();
    let report = stage.play(script, one_request, guards(change)).await;
    let told = format!("{}: {:?}", script.name, report.reason);
    assert!(report.steps.iter().all(|step| step.state == State::Succeeded), "{told}");
    let Some(turn) = expected else {
        assert_eq!(
            (report.state, report.steps.len()),
            (State::Succeeded, script.turns.len()),
            "{told}"
        );
        return;
    };
    assert_eq!((report.state, report.steps.len()), (State::Failed, turn), "{told}");
    let reason = report.reason.as_ref().unwrap();
    assert_eq!(reason.code, code, "{told}");
    if code != "run.too_many_steps" {
        let refused = format!("step {}-{} ", script.turns[turn].agent, turn + 1);
        assert!(reason.message.starts_with(&refused), "{told}");
    }
}

#[tokio::test(start_paused = true)]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
async fn the_runner_ends_a_session_where_a_plain_count_says_so() {
    let mut runs = 0;
    for session in sessions() {
        let forms = [
            (Script::as_prompted(&session), prompts(&session), 3),
            (Script::as_handed_over(&session), handed_over(&session), 1),
        ];
        for (script, counts, every) in forms {
            let script = Arc::new(script.for_nothing());
            for max in (1..=10).step_by(every) {
                let expected = ended(&counts, max).map(|(turn, _)| turn);
                let change = |guards: &mut Guards| guards.repeats_max = max;
                check(&script, change, (expected, "run.repeated_call")).await;
                runs += 1;
            }
        }
    }
    println!("{runs} runs, each ended where a plain count says");
    assert_eq!(runs, 15 * (4 + 10));
}

/// The orchestrator writes down what it thinks whenever it names a speaker: these are rounds.
#[derive(Debug, Default)]
struct Rounds {
    rightly: usize,
    wrongly: usize,
    missed: usize,
    /// Of the rounds without progress, as it thought, those that the guard calls a loop.
    stalled: usize,
}

impl Rounds {
    /// A round is called a loop by a guard if something in it was done more than `max` times, be it that the
    /// session would not have come so far.
    fn count(&mut self, session: &Session, counts: &[Count], max: u32) {
        let loud: BTreeSet<usize> =
            counts.iter().filter(|count| count.times > max).map(|count| count.call).collect();
        let mut begins = 0;
        for (number, call) in session.calls.iter().enumerate() {
            let Some(verdict) = &call.verdict else {
                continue;
            };
            let is_loud = loud.range(begins..=number).next().is_some();
            self.stalled += usize::from(is_loud && !verdict.is_progress_made);
            match (is_loud, verdict.is_in_loop) {
                (true, true) => self.rightly += 1,
                (true, false) => self.wrongly += 1,
                (false, true) => self.missed += 1,
                (false, false) => {}
            }
            begins = number + 1;
        }
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn verdicts_beside_those_of_the_orchestrator() {
    let sessions = sessions();
    let keys: [(&str, Key); 4] = [
        ("prompt", prompts),
        ("handed over", handed_over),
        ("output", outputs),
        ("output in a row", outputs_in_a_row),
    ];
    for (name, key) in keys {
        let mut table = Table::new(&[
            "more than",
            "ended, of 7 with a loop",
            "of 8 without",
            "of 3 answered",
            "before",
            "at",
            "after",
            "median calls",
            "rounds rightly",
            "wrongly",
            "missed",
            "of 43 without progress",
        ]);
        for max in 1..=10 {
            let (mut with, mut without, mut answered) = (0, 0, 0);
            let (mut distances, mut rounds) = (Vec::new(), Rounds::default());
            for session in &sessions {
                let counts = key(session);
                rounds.count(session, &counts, max);
                let Some((_, call)) = ended(&counts, max) else {
                    continue;
                };
                answered += usize::from(session.is_satisfied());
                match session.first_loop() {
                    Some(thought) => {
                        with += 1;
                        distances.push(distance(thought, call));
                    }
                    None => without += 1,
                }
            }
            assert_eq!(rounds.rightly + rounds.missed, 13);
            let [before, at, after] = sides(&distances);
            let Rounds { rightly, wrongly, missed, stalled } = rounds;
            let [with, without, answered] =
                [with, without, answered].map(|count: usize| count.to_string());
            let rounds = [rightly, wrongly, missed, stalled].map(|count| count.to_string());
            let middle = median(&distances);
            let max = max.to_string();
            let ends = [max, with, without, answered, before, at, after, middle];
            table.row(ends.into_iter().chain(rounds));
        }
        table.stands_on_the_page(name);
    }
}

/// What the page tells of the sessions beside its tables.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn the_sessions_are_those_of_the_page() {
    let sessions = sessions();
    let calls = || sessions.iter().flat_map(|session| &session.calls);
    let verdicts = || calls().filter_map(|call| call.verdict.as_ref());
    assert_eq!(verdicts().count(), 267);
    assert_eq!(verdicts().filter(|verdict| verdict.is_in_loop).count(), 13);
    assert_eq!(verdicts().filter(|verdict| !verdict.is_progress_made).count(), 43);
    assert_eq!(calls().filter(|call| call.input_tokens.is_none()).count(), 38);
    assert_eq!(sessions.iter().filter(|session| session.first_loop().is_some()).count(), 7);
    assert_eq!(sessions.iter().filter(|session| session.is_satisfied()).count(), 3);
    let is_both = |session: &&Session| session.is_satisfied() && session.first_loop().is_some();
    assert_eq!(sessions.iter().filter(is_both).count(), 0);
    let turns = sessions.iter().map(|session| Script::as_handed_over(session).turns.len());
    assert_eq!(turns.max(), Some(43));
}

/// How often prompts and outputs were there before, for the same agent in the same session.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn how_often_the_same_comes_again() {
    let sessions = sessions();
    let mut table = Table::new(&[
        "agent",
        "calls",
        "prompts recorded",
        "of these seen before",
        "outputs seen before",
    ]);
    for agent in [ORCHESTRATOR, "Coder", "WebSurfer"] {
        let (mut calls, mut recorded, mut prompted, mut said) = (0, 0, 0, 0);
        for session in &sessions {
            let of_agent = |count: &&Count| session.calls[count.call].agent == agent;
            let again = |counts: &[Count]| {
                counts.iter().filter(of_agent).filter(|count| count.times > 1).count()
            };
            let own = session.calls.iter().filter(|call| call.agent == agent);
            calls += own.clone().count();
            recorded += own.filter(|call| call.input.is_some()).count();
            prompted += again(&prompts(session));
            said += again(&outputs(session));
        }
        let counts = [calls, recorded, prompted, said].map(|count| count.to_string());
        table.row([agent.to_owned()].into_iter().chain(counts));
    }
    table.stands_on_the_page("the same again");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn session_by_session() {
    let mut table = Table::new(&[
        "session",
        "calls",
        "answered",
        "it thought of a loop at",
        "prompt, 10",
        "handed over, 10",
        "output in a row, 3",
        "longest row",
    ]);
    for session in sessions() {
        let call = |counts: &[Count], max| {
            ended(counts, max).map_or_else(String::new, |(_, call)| call.to_string())
        };
        let thought = session.calls.iter().enumerate().filter(|(_, call)| call.is_in_loop());
        let thought: Vec<String> = thought.map(|(number, _)| number.to_string()).collect();
        let rows = outputs_in_a_row(&session);
        let longest = rows.iter().rev().max_by_key(|count| count.times).unwrap();
        let longest = match longest.times {
            1 => String::new(),
            times => format!("{} {times}", session.calls[longest.call].agent),
        };
        table.row([
            session.name.clone(),
            session.calls.len().to_string(),
            if session.is_satisfied() { "yes" } else { "" }.to_owned(),
            thought.join(", "),
            call(&prompts(&session), 10),
            call(&handed_over(&session), 10),
            call(&rows, 3),
            longest,
        ]);
    }
    table.stands_on_the_page("session by session");
}

#[tokio::test(start_paused = true)]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
async fn bounds_on_hand_overs_and_steps_see_length_alone() {
    let sessions = sessions();
    let mut table = Table::new(&[
        "`hand_overs_max`",
        "ended, of 7 with a loop",
        "of 8 without",
        "of 3 answered",
        "before",
        "at",
        "after",
    ]);
    for max in [10, 20, 30, 40, 100] {
        let (mut with, mut without, mut answered) = (0, 0, 0);
        let mut distances = Vec::new();
        for session in &sessions {
            let script = Arc::new(Script::as_handed_over(session).for_nothing());
            // The first turn is not handed over.
            let turn = usize::try_from(max).unwrap() + 1;
            let refused = script.turns.get(turn);
            let expected = refused.map(|_| turn);
            let change = |guards: &mut Guards| {
                (guards.hand_overs_max, guards.repeats_max) = (max, u32::MAX);
            };
            check(&script, change, (expected, "run.too_many_hand_overs")).await;
            if max == 20 {
                let change = |guards: &mut Guards| {
                    (guards.steps_max, guards.repeats_max) = (turn, u32::MAX);
                };
                check(&script, change, (expected, "run.too_many_steps")).await;
            }
            let Some(refused) = refused else {
                continue;
            };
            answered += usize::from(session.is_satisfied());
            match session.first_loop() {
                Some(thought) => {
                    with += 1;
                    distances.push(distance(thought, refused.begins_with));
                }
                None => without += 1,
            }
        }
        let counts = [usize::try_from(max).unwrap(), with, without, answered];
        table.row(counts.map(|count| count.to_string()).into_iter().chain(sides(&distances)));
    }
    table.stands_on_the_page("hand-overs");
}

/// What the calls after the end cost. Where outputs are compared, the call that ends the session is paid.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn what_an_earlier_end_saves() {
    let sessions = sessions();
    let whole = |session: &Session| dollars(session, 0);
    let sum =
        |of: &mut dyn Iterator<Item = i128>| Quantity::from_steps(of.sum()).unwrap().to_string();
    let all = sum(&mut sessions.iter().map(whole));
    assert_eq!(all, "3.82512");
    let mut table = Table::new(&["what ends a session", "sessions", "USD not spent, of 3.82512"]);
    let rules: [(&str, Key, u32, usize); 8] = [
        ("the same prompt, 10", prompts, 10, 0),
        ("the same handed over, 10 (default)", handed_over, 10, 0),
        ("the same handed over, 5", handed_over, 5, 0),
        ("the same handed over, 3", handed_over, 3, 0),
        ("the same output, 3", outputs, 3, 1),
        ("the same output in a row, 5", outputs_in_a_row, 5, 1),
        ("the same output in a row, 3", outputs_in_a_row, 3, 1),
        ("the same output in a row, 2", outputs_in_a_row, 2, 1),
    ];
    for (name, key, max, paid) in rules {
        let end = |session: &Session| {
            let (_, call) = ended(&key(session), max)?;
            Some(dollars(session, call + paid))
        };
        let saved: Vec<i128> = sessions.iter().filter_map(end).collect();
        let spared = sum(&mut saved.iter().copied());
        table.row([name.to_owned(), saved.len().to_string(), spared]);
    }
    table.stands_on_the_page("saved");
}

/// What a session's calls from this one on cost, in 10⁻¹² USD.
fn dollars(session: &Session, from: usize) -> i128 {
    let script = Script::as_prompted(session);
    script.turns[from..].iter().map(|turn| turn.usd().steps()).sum()
}

/// Who is told all that was said before is never asked the same twice: there the guard on calls sees nothing.
#[tokio::test(start_paused = true)]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
async fn with_a_transcript_no_two_calls_are_the_same() {
    let mut table = Table::new(&["transcript", "sessions ended, of 15"]);
    for turns in [0, 1, 2, 1_000] {
        let mut ended = 0;
        for session in sessions() {
            let script = Script::as_handed_over(&session).for_nothing();
            let script = Arc::new(Script { transcript: turns, ..script });
            let change = guards(|guards| guards.repeats_max = 1);
            let report = Stage::new().play(&script, one_request, change).await;
            if report.state != State::Succeeded {
                assert_eq!(report.reason.as_ref().unwrap().code, "run.repeated_call");
                ended += 1;
            }
        }
        let turns = match turns {
            0 => "none".to_owned(),
            1_000 => "all turns".to_owned(),
            turns => format!("the last {turns}"),
        };
        table.row([turns, ended.to_string()]);
    }
    table.stands_on_the_page("transcripts");
}
