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
            (Err(what), _) => Self::Unclear(what),
            (Ok(None | Some("" | "done")), _) => Self::done(),
            (Ok(Some(_)), Err(what)) => Self::Unclear(what),
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
