//! What every strategy keeps to, whatever becomes of its steps: driven by hand, with ends of all kinds.

use std::{collections::BTreeSet, fmt, sync::Arc};

use proptest::{collection::vec, option, prelude::*, sample::Index, strategy::Strategy as Given};
use safeguards_coord::{
    Choice, FanOut, HandOver, MapReduce, Move, Next, Part, Pipeline, Policy, Progress, State,
    StepProgress, Strategy, Subtask, Supervise, Task, Vote,
};
use safeguards_types::Unit;
use serde_json::{Value, json};

/// The team.
const TEAM: [&str; 4] = ["a", "b", "c", "d"];
/// A run that names more steps than this does not end.
const STEPS_MAX: usize = 60;

/// A strategy, and how many steps it may run at once.
#[derive(Clone)]
struct Subject {
    strategy: Arc<dyn Strategy>,
    at_once: usize,
}

impl fmt::Debug for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}, {} at once", self.strategy, self.at_once)
    }
}

fn subject(strategy: impl Strategy, at_once: usize) -> Subject {
    Subject { strategy: Arc::new(strategy), at_once }
}

fn policies() -> impl Given<Value = Policy> {
    prop_oneof![
        Just(Policy::All),
        Just(Policy::FailFast),
        Just(Policy::Any),
        (0..8_usize).prop_map(Policy::Quorum),
        (0..8_usize).prop_map(Policy::AtLeast),
    ]
}

fn fan_outs() -> impl Given<Value = (FanOut, usize, usize)> {
    let choices = prop_oneof![
        Just(Choice::RoundRobin),
        Just(Choice::LeastLoaded),
        Just(Choice::Cheapest(Unit::USD))
    ];
    let inputs = option::of(0..8_u64);
    (inputs, 1..5_usize, policies(), choices).prop_map(|(inputs, at_once, policy, choice)| {
        let of = |number| json!({ "input": number });
        let (fan_out, count) = match inputs {
            Some(inputs) => (FanOut::over((0..inputs).map(of)), usize::try_from(inputs).unwrap()),
            None if choice == Choice::RoundRobin => (FanOut::to_everybody(), TEAM.len()),
            None => (FanOut::to_everybody(), 1),
        };
        let fan_out = fan_out.choose(choice);
        (fan_out.at_once(at_once).policy(policy), at_once, count)
    })
}

fn supervised() -> impl Given<Value = Subject> {
    let cut = |parts: usize| {
        move |task: &Task| {
            (0..parts).map(|part| Subtask::new(format!("{} {part}", task.text()))).collect()
        }
    };
    let functions = move |(parts, at_once, policy)| {
        let strategy = Supervise::new(cut(parts), |parts| Part::joined(parts, "\n"));
        subject(strategy.at_once(at_once).policy(policy), at_once)
    };
    let agent = |(at_once, policy, workers): (usize, Policy, bool)| {
        let strategy = Supervise::by("b").at_once(at_once).policy(policy);
        subject(if workers { strategy.workers(["a", "b"]) } else { strategy }, at_once)
    };
    prop_oneof![
        (0..8_usize, 1..5_usize, policies()).prop_map(functions),
        (1..5_usize, policies(), any::<bool>()).prop_map(agent),
    ]
}

fn votes() -> impl Given<Value = Subject> {
    (0..3_u8, 1..5_usize, 0..4_usize, any::<bool>(), option::of(0..6_usize)).prop_map(
        |(count, at_once, at_least, hears_all, times)| {
            let vote = Vote::new().at_once(at_once).at_least(at_least);
            let vote = match count {
                0 => vote,
                1 => vote.plurality(),
                _ => vote.judged_by("d"),
            };
            let vote = if hears_all { vote.hear_all() } else { vote };
            let vote = vote.alike(|answer| json!(answer.to_string().len() % 3));
            subject(
                times.map_or_else(|| vote.clone(), |times| vote.clone().times("a", times)),
                at_once,
            )
        },
    )
}

/// Any strategy of ours.
fn subjects() -> impl Given<Value = Subject> {
    let talk = |moderated: bool| {
        let talk = HandOver::new().transcript(3);
        subject(if moderated { talk.moderated_by("c") } else { talk }, 1)
    };
    prop_oneof![
        Just(subject(Pipeline::new(), 1)),
        vec(0..TEAM.len(), 1..9).prop_map(|seats| {
            subject(Pipeline::through(seats.into_iter().map(|seat| TEAM[seat])), 1)
        }),
        fan_outs().prop_map(|(fan_out, at_once, _)| subject(fan_out, at_once)),
        (fan_outs(), 0..TEAM.len()).prop_map(|((map, at_once, _), reducer)| {
            subject(MapReduce::new(map, TEAM[reducer]), at_once)
        }),
        supervised(),
        votes(),
        any::<bool>().prop_map(talk),
        Just(subject(HandOver::new().reading(|_| Next::speaker("b")), 1)),
    ]
}

/// How a step ends, and which of those that are running it is.
#[derive(Clone, Copy, Debug)]
struct End {
    which: Index,
    state: State,
    output: usize,
}

impl End {
    /// What agents say: some of it means something to some strategy.
    fn output(self) -> Value {
        match self.output {
            0 => json!("yes"),
            1 => json!("no"),
            2 => json!(null),
            3 => json!({ "next_speaker": "d" }),
            4 => json!({ "next_speaker": "zed" }),
            5 => json!({ "next_speaker": ["a"] }),
            6 => json!(["one", { "task": "two", "agent": "a" }, { "task": "three", "input": 3 }]),
            _ => json!({ "subtasks": ["x", { "task": "y", "capability": "data.analysis" }] }),
        }
    }
}

fn ends() -> impl Given<Value = Vec<End>> {
    let state = |state: u8| match state {
        0 => State::Failed,
        1 => State::Denied,
        2 => State::TimedOut,
        3 => State::Abandoned,
        _ => State::Succeeded,
    };
    let end = (any::<Index>(), 0..10_u8, 0..8_usize);
    let end =
        end.prop_map(move |(which, number, output)| End { which, state: state(number), output });
    vec(end, STEPS_MAX)
}

/// What was done to bring a run to its end.
#[derive(Debug, Default)]
struct Trace {
    moves: Vec<Vec<Move>>,
    /// What ended, in that order.
    ends: Vec<(String, State, Value)>,
    progress: Option<Progress>,
    last: Option<Move>,
}

/// Begins at the beginning, and checks each move as a runner would.
fn drive(subject: &Subject, ends: &[End]) -> Result<Trace, TestCaseError> {
    let agents = TEAM.map(Into::into);
    let mut progress = Progress::new(Task::new("work").with_input(json!([1, 2])), agents.clone());
    let (mut trace, mut running) = (Trace::default(), Vec::<String>::new());
    let mut names = BTreeSet::new();
    let mut ends = ends.iter();
    loop {
        let moves = subject.strategy.next(&progress);
        prop_assert_eq!(&moves, &subject.strategy.next(&progress), "asked twice, it says the same");
        let _ = subject.strategy.so_far(&progress);
        trace.moves.push(moves.clone());
        for (place, one) in moves.iter().enumerate() {
            match one {
                Move::Start(step) => {
                    prop_assert!(names.insert(step.step.to_string()), "{} named twice", step.step);
                    if let Some(agent) = step.seat.agent() {
                        prop_assert!(agents.contains(agent), "{agent} is not in the team");
                        progress.begin(step.step.clone(), agent.clone());
                    } else {
                        progress.begin_unchosen(step.step.clone());
                        progress.chosen(&step.step, "a".into());
                    }
                    running.push(step.step.to_string());
                }
                Move::Skip { step, because, .. } => {
                    prop_assert!(names.insert(step.to_string()), "{step} named twice");
                    prop_assert!(!because.is_empty(), "{step} is skipped for no reason");
                    progress.begin_unchosen(step.clone());
                    progress.end(step, State::Skipped, None);
                }
                Move::Cancel(step) => {
                    prop_assert!(running.contains(&step.to_string()), "{step} is not running");
                }
                Move::Succeed { .. } | Move::Stop { .. } | Move::Fail { .. } => {
                    prop_assert_eq!(place + 1, moves.len(), "moves after the end");
                    if let Move::Stop { because_of, .. } = one {
                        let step = progress.step(because_of);
                        let is_so = step.is_some_and(StepProgress::has_not_succeeded);
                        prop_assert!(is_so, "it ends because of {because_of}, which did not fail");
                    }
                    trace.last = Some(one.clone());
                    trace.progress = Some(progress);
                    return Ok(trace);
                }
                other => prop_assert!(false, "{other:?}"),
            }
            prop_assert!(running.len() <= subject.at_once, "{running:?} run at once");
        }
        prop_assert!(!running.is_empty(), "stalled after {:?}", trace.ends);
        // Who hands over for ever is ended by the runner.
        let Some(end) = ends.next() else {
            trace.progress = Some(progress);
            return Ok(trace);
        };
        let step = running.remove(end.which.index(running.len()));
        progress.end(&step.as_str().into(), end.state, Some(end.output()));
        trace.ends.push((step, end.state, end.output()));
    }
}

proptest! {
    #[test]
    fn every_strategy_ends_with_legal_moves_and_never_runs_more_than_at_once(
        subject in subjects(),
        ends in ends(),
    ) {
        let trace = drive(&subject, &ends)?;
        if subject.strategy.name() != "hand_over" {
            prop_assert!(trace.last.is_some(), "it has not ended after {STEPS_MAX} steps");
        }
    }

    #[test]
    fn fed_the_same_ends_it_makes_the_same_moves(subject in subjects(), ends in ends()) {
        let first = drive(&subject, &ends)?;
        // From what was written down, as a run is resumed: another progress, ends by name.
        let mut progress = Progress::new(Task::new("work").with_input(json!([1, 2])), TEAM.map(Into::into));
        let mut written = first.ends.iter();
        for expected in &first.moves {
            let moves = subject.strategy.next(&progress);
            prop_assert_eq!(&moves, expected);
            for one in moves {
                match one {
                    Move::Start(step) => {
                        progress.begin_unchosen(step.step.clone());
                        progress.chosen(&step.step, step.seat.agent().cloned().unwrap_or_else(|| "a".into()));
                    }
                    Move::Skip { step, .. } => {
                        progress.begin_unchosen(step.clone());
                        progress.end(&step, State::Skipped, None);
                    }
                    Move::Cancel(_) | Move::Succeed { .. } | Move::Stop { .. } | Move::Fail { .. } => {}
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            if let Some((step, state, output)) = written.next() {
                progress.end(&step.as_str().into(), *state, Some(output.clone()));
            }
        }
        prop_assert_eq!(subject.strategy.so_far(&progress), subject.strategy.so_far(&first.progress.unwrap()));
    }

    #[test]
    fn results_of_a_fan_out_stand_in_the_order_of_its_inputs(
        (fan_out, at_once, inputs) in fan_outs(),
        ends in ends(),
    ) {
        let trace = drive(&subject(fan_out, at_once), &ends)?;
        let progress = trace.progress.unwrap();
        let output = match trace.last {
            Some(Move::Succeed { output }) => output,
            Some(Move::Stop { output, .. }) => output.unwrap(),
            last => {
                let refused = last.is_some_and(|last| matches!(last, Move::Fail { .. }));
                prop_assert!(refused && progress.steps().is_empty());
                return Ok(());
            }
        };
        let expected: Vec<Value> = progress.steps().iter().map(|step| {
            if step.state == Some(State::Succeeded) { step.output.clone().unwrap() } else { Value::Null }
        }).collect();
        prop_assert_eq!(&output, &Value::from(expected));
        // All inputs are named, each once, and in order.
        prop_assert_eq!(progress.steps().len(), inputs);
        if progress.steps().iter().any(|step| step.step.as_str().contains('-')) {
            for (number, step) in (1_usize..).zip(progress.steps()) {
                let ends = format!("-{number}");
                prop_assert!(step.step.as_str().ends_with(&ends), "{} at place {number}", step.step);
            }
        }
    }

    #[test]
    fn policies_are_what_their_table_says(
        policy in policies(),
        count in 1..8_usize,
        at_once in 1..5_usize,
        ends in ends(),
    ) {
        let fan_out = FanOut::over((0..count).map(|input| json!(input))).at_once(at_once);
        let trace = drive(&subject(fan_out.policy(policy), at_once), &ends)?;
        let good = trace.ends.iter().filter(|(_, state, _)| state.is_success()).count();
        let bad = trace.ends.len() - good;
        let succeeded = matches!(trace.last, Some(Move::Succeed { .. }));
        let all_ended = trace.ends.len() == count;
        // A model that counts: what must hold of the ends when, and only when, the run ended.
        let (needed, is_early) = match policy {
            Policy::All => (count, false),
            Policy::FailFast => (count, bad == 1),
            Policy::Any => (1, good == 1 || bad == count),
            Policy::Quorum(needed) => (needed, good == needed || count - bad < needed),
            Policy::AtLeast(needed) => (needed, false),
            other => unreachable!("{other:?}"),
        };
        if needed == 0 || needed > count {
            let is_refused = matches!(trace.last, Some(Move::Fail { .. }));
            prop_assert!(trace.ends.is_empty() && is_refused);
        } else {
            prop_assert!(all_ended || is_early, "{policy}: ended after {:?}", trace.ends);
            prop_assert_eq!(succeeded, good >= needed, "{}", policy);
        }
    }

    #[test]
    fn a_vote_elects_what_the_counts_say(
        answers in vec(option::weighted(0.8, 0..3_u8), 1..8),
        order in any::<Index>(),
        at_once in 1..8_usize,
        plurality in any::<bool>(),
    ) {
        let voters = answers.len();
        let vote = Vote::new().times("a", voters).at_once(at_once).hear_all();
        let vote = if plurality { vote.plurality() } else { vote };
        // Ends of all voters in some order; each answers by its own place.
        let mut progress = Progress::new(Task::new("work"), TEAM.map(Into::into));
        let (mut running, mut moves) = (Vec::new(), vote.next(&progress));
        let end = loop {
            let mut end = None;
            for one in moves {
                if let Move::Start(step) = one { progress.begin(step.step.clone(), "a".into()); running.push(step.step); } else { end = Some(one); }
            }
            if let Some(end) = end {
                break end;
            }
            let step = running.remove(order.index(running.len()));
            let place = progress.steps().iter().position(|known| known.step == step).unwrap();
            match answers[place] {
                Some(answer) => progress.end(&step, State::Succeeded, Some(json!(answer))),
                None => progress.end(&step, State::Failed, None),
            }
            moves = vote.next(&progress);
        };
        let count = |answer: u8| answers.iter().filter(|given| **given == Some(answer)).count();
        let counts = [0, 1, 2].map(count);
        let most = counts.into_iter().max().unwrap();
        let is_elected = |answer: &u8| {
            let votes = count(*answer);
            if plurality {
                votes > 0 && votes == most && counts.iter().filter(|other| **other == most).count() == 1
            } else {
                votes * 2 > voters
            }
        };
        match ([0, 1, 2].into_iter().find(is_elected), end) {
            (Some(answer), Move::Succeed { output }) => prop_assert_eq!(output, json!(answer)),
            (None, Move::Fail { reason, .. }) => {
                let votes: usize = counts.iter().sum();
                let needed = if plurality { 1 } else { voters / 2 + 1 };
                let code = if votes < needed { "vote.too_few_votes" } else { "vote.no_majority" };
                prop_assert_eq!(&*reason.code, code);
            }
            (None, Move::Stop { .. }) => prop_assert_eq!(counts, [0, 0, 0]),
            (elected, end) => prop_assert!(false, "{elected:?} {end:?}"),
        }
    }
}
