//! [`HandOver`]: each speaker names the next.

use safeguards_types::AgentId;
use serde_json::{Value, json};

use super::{
    closure::Closure,
    fault::{StrategyFault, listed, told},
};
use crate::{Move, Progress, Step, StepProgress, Strategy, Task};

/// Whom a speaker hands over to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// This agent speaks next.
    Speaker {
        /// Who.
        agent: AgentId,
        /// What it is to do; none: the run's task.
        instruction: Option<String>,
        /// What it is to do that with; none: all that this speaker said.
        input: Option<Value>,
    },
    /// Nobody: the run has succeeded.
    Done {
        /// The team's output; none: all that this speaker said.
        output: Option<Value>,
    },
    /// Whom it means cannot be told, because of this: lower case, no final period.
    Unclear(String),
}

impl Next {
    /// This agent, with all that was said, and the run's task.
    pub fn speaker(agent: impl Into<AgentId>) -> Self {
        Self::Speaker { agent: agent.into(), instruction: None, input: None }
    }

    /// Nobody; what was said last is the team's output.
    pub const fn done() -> Self {
        Self::Done { output: None }
    }

    /// What a speaker's output says in words that models know:
    /// `{"next_speaker": "coder", "instruction": "fix it", "input": …}`.
    ///
    /// Without a `next_speaker`, with `null`, an empty name or `done`, and without an object, nobody speaks next. A
    /// `next_speaker` that is no text, or an `instruction` that is none, is unclear.
    ///
    /// ```
    /// use safeguards_coord::Next;
    /// use serde_json::json;
    ///
    /// assert_eq!(Next::of(&json!({ "next_speaker": "coder" })), Next::speaker("coder"));
    /// assert_eq!(Next::of(&json!({ "next_speaker": "done", "answer": 42 })), Next::done());
    /// assert_eq!(Next::of(&json!("42")), Next::done());
    /// assert!(matches!(Next::of(&json!({ "next_speaker": 7 })), Next::Unclear(_)));
    /// ```
    pub fn of(output: &Value) -> Self {
        let text = |key: &str| match output.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim())),
            Some(other) => Err(format!("`{key}` is {}, not a text", told(&other.to_string()))),
        };
        match (text("next_speaker"), text("instruction")) {
            (Ok(None | Some("" | "done")), _) => Self::done(),
            (Err(what), _) | (_, Err(what)) => Self::Unclear(what),
            (Ok(Some(agent)), Ok(instruction)) => Self::Speaker {
                agent: agent.into(),
                instruction: instruction.map(str::to_owned),
                input: output.get("input").cloned(),
            },
        }
    }
}

type Read = dyn Fn(&StepProgress) -> Next + Send + Sync;

/// Each speaker names the next, until one names nobody.
///
/// ```text
///   planner-1 ──> coder-2 ──> tester-3 ──> coder-4 ──> … ──> done
///
///   moderated:
///   lead-1 ──> coder-2 ──> lead-3 ──> tester-4 ──> lead-5 ──> done
/// ```
///
/// What it promises:
///
/// - One speaks at a time. The first agent of the team begins, or [another](Self::starting_with).
/// - Who is next stands in the output ([`Next::of`]), or where a function of yours [finds it](Self::reading).
/// - The next speaker gets the named instruction and input; without them the run's task, and all that was said
///   before it.
/// - When nobody is named, the run succeeds with what was said last.
/// - A speaker who is not in the team ends the run as `hand_over.unknown_speaker`; an output that cannot be read, as
///   `hand_over.unclear_speaker`.
/// - Every step after the first [is handed over](Step::handed_over): the run counts these, and ends a ping-pong.
/// - A step that does not succeed ends the run in its state.
/// - [Moderated](Self::moderated_by), everybody else hands back to one agent, whoever they name; it alone names
///   speakers, and ends the run.
///
/// Steps are named after their agent and the turn, from 1: `coder-2`.
///
/// ```
/// use safeguards_coord::{HandOver, Move, Progress, State, Strategy, Task};
/// use serde_json::json;
///
/// let talk = HandOver::new();
/// let mut progress = Progress::new(Task::new("fix the bug"), ["planner".into(), "coder".into()]);
/// progress.begin("planner-1".into(), "planner".into());
/// let said = json!({ "next_speaker": "coder", "instruction": "write a test first" });
/// progress.end(&"planner-1".into(), State::Succeeded, Some(said.clone()));
///
/// let Some(Move::Start(step)) = talk.next(&progress).pop() else { panic!("the coder speaks") };
/// assert_eq!((step.step.as_str(), step.task.text()), ("coder-2", "write a test first"));
/// assert_eq!(step.task.input(), &said);
/// ```
#[derive(Clone, Debug, Default)]
pub struct HandOver {
    first: Option<AgentId>,
    moderator: Option<AgentId>,
    read: Option<Closure<Read>>,
    /// How many turns everybody is told of.
    transcript: usize,
}

impl HandOver {
    /// The team's first agent begins.
    pub const fn new() -> Self {
        Self { first: None, moderator: None, read: None, transcript: 0 }
    }

    /// Lets this agent begin.
    #[must_use]
    pub fn starting_with(self, agent: impl Into<AgentId>) -> Self {
        Self { first: Some(agent.into()), ..self }
    }

    /// Lets this agent speak first, and between any two others: it alone says who is next.
    #[must_use]
    pub fn moderated_by(self, agent: impl Into<AgentId>) -> Self {
        let agent = agent.into();
        Self { first: Some(agent.clone()), moderator: Some(agent), ..self }
    }

    /// Lets this function say whom a speaker hands over to. It is asked about the same step more than once, and
    /// always answers the same.
    ///
    /// ```
    /// use safeguards_coord::{HandOver, Next, StepProgress};
    ///
    /// let talk = HandOver::new().reading(|step: &StepProgress| {
    ///     match step.output.as_ref().and_then(|output| output["goto"].as_str()) {
    ///         Some(agent) => Next::speaker(agent),
    ///         None => Next::done(),
    ///     }
    /// });
    /// # let _ = talk;
    /// ```
    #[must_use]
    pub fn reading(self, next: impl Fn(&StepProgress) -> Next + Send + Sync + 'static) -> Self {
        Self { read: Some(Closure(std::sync::Arc::new(next))), ..self }
    }

    /// Tells each speaker what was said in the last `turns`: its input is then
    /// `{"input": …, "transcript": [{"speaker": …, "output": …}, …]}`, the newest last. Unless this is said, nobody
    /// is told more than what the one before said.
    #[must_use]
    pub fn transcript(self, turns: usize) -> Self {
        Self { transcript: turns, ..self }
    }

    /// Whom this step hands over to.
    fn read(&self, step: &StepProgress) -> Next {
        let moderator = self.moderator.as_ref();
        if let Some(moderator) =
            moderator.filter(|moderator| step.agent.as_ref() != Some(moderator))
        {
            return Next::speaker(moderator.clone());
        }
        match &self.read {
            Some(read) => read(step),
            None => step.output.as_ref().map_or(Next::done(), Next::of),
        }
    }

    fn start(&self, progress: &Progress, agent: &AgentId, task: Task) -> Step {
        let turn = progress.steps().len().saturating_add(1);
        let task = match self.transcript {
            0 => task,
            turns => {
                let input = json!({
                    "input": task.input(),
                    "transcript": transcript(progress, turns),
                });
                task.with_input(input)
            }
        };
        Step::new(format!("{agent}-{turn}"), agent, task)
    }
}

/// What was said in the last so many turns.
fn transcript(progress: &Progress, turns: usize) -> Value {
    let steps = progress.steps();
    let last = steps.get(steps.len().saturating_sub(turns)..).unwrap_or_default();
    let line = |step: &StepProgress| {
        let speaker = step.agent.as_ref().map(AgentId::as_str);
        json!({ "speaker": speaker, "output": step.output })
    };
    last.iter().map(line).collect()
}

impl Strategy for HandOver {
    fn name(&self) -> &'static str {
        "hand_over"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        let Some(last) = progress.steps().last() else {
            let first = self.first.as_ref().or_else(|| progress.agents().first());
            let start = |agent| Move::Start(self.start(progress, agent, progress.task().clone()));
            return first.map(start).into_iter().collect();
        };
        if !last.has_succeeded() {
            return last.end_or_wait(self.so_far(progress));
        }
        let fault = match self.read(last) {
            Next::Speaker { agent, instruction, input } if progress.agents().contains(&agent) => {
                let text = instruction.unwrap_or_else(|| progress.task().text().to_owned());
                let input = input.or_else(|| last.output.clone()).unwrap_or_default();
                let task = Task::new(text).with_input(input);
                return vec![Move::Start(self.start(progress, &agent, task).handed_over())];
            }
            Next::Done { output } => {
                let output = output.or_else(|| last.output.clone()).unwrap_or_default();
                return vec![Move::Succeed { output }];
            }
            Next::Speaker { agent, .. } => StrategyFault::UnknownSpeaker {
                step: last.step.clone(),
                speaker: told(agent.as_str()),
                team: listed(progress.agents()),
            },
            Next::Unclear(what) => StrategyFault::UnclearSpeaker { step: last.step.clone(), what },
        };
        vec![fault.fail(self.so_far(progress))]
    }

    /// What was said last.
    fn so_far(&self, progress: &Progress) -> Option<Value> {
        progress.steps().iter().rfind(|step| step.has_succeeded())?.output.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{State, strategy::play::Play};

    fn to(agent: &str) -> Value {
        json!({ "next_speaker": agent })
    }

    #[test]
    fn each_names_the_next_until_one_names_nobody() {
        let mut play = Play::new(HandOver::new(), &["a", "b"]);
        assert_eq!(play.ask(), [r#"a-1: a do("it")"#]);
        let next = [r#"b-2: b do({"next_speaker":"b"}), handed over"#];
        assert_eq!(play.ok("a-1", to("b")), next);
        let said = json!({ "next_speaker": "b", "instruction": "again", "input": 7 });
        assert_eq!(play.ok("b-2", said), ["b-3: b again(7), handed over"]);
        assert_eq!(play.ok("b-3", "that is it"), [r#"succeed "that is it""#]);
    }

    #[test]
    fn whom_an_output_names() {
        #[track_caller]
        fn check(output: &Value, expected: &Next) {
            assert_eq!(Next::of(output), *expected, "{output}");
        }
        let done = Next::done();
        for output in [json!("text"), json!(null), json!({}), json!([1]), json!({ "answer": 1 })] {
            check(&output, &done);
        }
        for nobody in [json!(null), json!(""), json!(" "), json!("done")] {
            check(&json!({ "next_speaker": nobody }), &done);
        }
        check(&to(" b "), &Next::speaker("b"));
        let unclear = |what: &str| Next::Unclear(what.to_owned());
        check(&json!({ "next_speaker": ["b"] }), &unclear("`next_speaker` is [\"b\"], not a text"));
        let instruction = json!({ "next_speaker": "b", "instruction": 7 });
        check(&instruction, &unclear("`instruction` is 7, not a text"));
    }

    #[test]
    fn an_unknown_speaker_ends_the_run_by_name() {
        let mut play = Play::new(HandOver::new(), &["a", "b"]);
        play.ask();
        let fail = "fail hand_over.unknown_speaker: step a-1 hands over to zed, who is not in the team; in it are a, b \
                    {\"next_speaker\":\"zed\"}";
        assert_eq!(play.ok("a-1", to("zed")), [fail]);
    }

    #[test]
    fn an_unclear_speaker_ends_the_run() {
        let mut play = Play::new(HandOver::new().starting_with("b"), &["a", "b"]);
        assert_eq!(play.ask(), [r#"b-1: b do("it")"#]);
        let fail = "fail hand_over.unclear_speaker: step b-1 does not say who speaks next: `next_speaker` is 7, not a \
                    text {\"next_speaker\":7}";
        assert_eq!(play.ok("b-1", json!({ "next_speaker": 7 })), [fail]);
    }

    #[test]
    fn a_step_that_does_not_succeed_ends_the_run() {
        let mut play = Play::new(HandOver::new(), &["a", "b"]);
        play.ask();
        play.ok("a-1", json!({ "next_speaker": "b", "draft": 1 }));
        let stop = r#"stop because of b-2 {"draft":1,"next_speaker":"b"}"#;
        assert_eq!(play.end("b-2", State::Denied, None), [stop]);
    }

    #[test]
    fn moderated_everybody_hands_back_to_one() {
        let mut play = Play::new(HandOver::new().moderated_by("lead"), &["a", "b", "lead"]);
        assert_eq!(play.ask(), [r#"lead-1: lead do("it")"#]);
        let first = [r#"a-2: a do({"next_speaker":"a"}), handed over"#];
        assert_eq!(play.ok("lead-1", to("a")), first);
        // Whomever it names, and be it nobody.
        let back = [r#"lead-3: lead do({"next_speaker":"b"}), handed over"#];
        assert_eq!(play.ok("a-2", to("b")), back);
        let again = [r#"lead-4: lead do({"next_speaker":"lead"}), handed over"#];
        assert_eq!(play.ok("lead-3", to("lead")), again);
        play.ok("lead-4", to("b"));
        assert_eq!(play.ok("b-5", "done"), [r#"lead-6: lead do("done"), handed over"#]);
        assert_eq!(play.ok("lead-6", "all done"), [r#"succeed "all done""#]);
    }

    #[test]
    fn a_function_may_find_the_next() {
        let talk =
            HandOver::new().reading(|step| match step.output.as_ref().and_then(Value::as_str) {
                Some("end") => Next::Done { output: Some(json!("the end")) },
                Some(agent) => Next::speaker(agent),
                None => Next::Unclear("no text".to_owned()),
            });
        let mut play = Play::new(talk, &["a", "b"]);
        play.ask();
        assert_eq!(play.ok("a-1", "b"), [r#"b-2: b do("b"), handed over"#]);
        assert_eq!(play.ok("b-2", "end"), [r#"succeed "the end""#]);
    }

    #[test]
    fn who_wants_to_is_told_what_was_said_before() {
        let mut play = Play::new(HandOver::new().transcript(2), &["a", "b"]);
        assert_eq!(play.ask(), [r#"a-1: a do({"input":"it","transcript":[]})"#]);
        play.ok("a-1", json!({ "next_speaker": "b", "input": 1 }));
        play.ok("b-2", json!({ "next_speaker": "a", "input": 2 }));
        let last = play.ok("a-3", json!({ "next_speaker": "b", "input": 3 }));
        let expected = r#"b-4: b do({"input":3,"transcript":[{"output":{"input":2,"next_speaker":"a"},"speaker":"b"},{"output":{"input":3,"next_speaker":"b"},"speaker":"a"}]}), handed over"#;
        assert_eq!(last, [expected]);
    }
}
