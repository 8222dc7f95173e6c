//! [`Strategy`]: which step of a run comes next. Pure: progress in, moves out.

mod batch;
mod by_name;
mod choice;
mod closure;
mod fan_out;
mod fault;
mod graph;
mod hand_over;
mod map_reduce;
mod names;
mod pipeline;
#[cfg(test)]
mod play;
mod policy;
mod supervise;
mod vote;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use safeguards_discovery::Query;
use safeguards_types::AgentId;
use serde_json::Value;

pub use by_name::{UnknownStrategy, strategy_named};
pub use choice::Choice;
pub use fan_out::FanOut;
pub use fault::StrategyFault;
pub use graph::Graph;
pub use hand_over::{HandOver, Next};
pub use map_reduce::MapReduce;
pub use pipeline::Pipeline;
pub use policy::Policy;
pub use supervise::{Part, Subtask, Supervise};
pub use vote::Vote;

use crate::{Reason, Seat, State, StepId, Task};

/// Cuts a task into steps and says which comes next.
///
/// # Contract
///
/// - Pure: the same progress gives the same moves. It waits for nothing and reads no clock.
/// - It is asked at the start and after each step's end. Where nothing is running it starts a step or
///   finishes; else the run fails as stalled.
/// - The first step that it starts after the run's deadline ends the run.
/// - It finishes once, with [`Move::Succeed`], [`Move::Stop`] or [`Move::Fail`]. What is running then is
///   cancelled; moves after that are dropped.
/// - What ended is fed to it in the same order when a run is resumed, so that it makes the same moves again.
/// - Names of steps differ within a run.
///
/// ```
/// use safeguards_coord::{Move, Pipeline, Progress, Strategy, Task};
///
/// // A user's own strategy: the team's first agent alone does the task.
/// #[derive(Debug)]
/// struct Alone;
///
/// impl Strategy for Alone {
///     fn name(&self) -> &str {
///         "alone"
///     }
///
///     fn next(&self, progress: &Progress) -> Vec<Move> {
///         match (progress.steps().first(), progress.agents().first()) {
///             (None, Some(agent)) => vec![Move::start("only", agent, progress.task().clone())],
///             (Some(step), _) => vec![step.finish()],
///             (None, None) => vec![],
///         }
///     }
/// }
///
/// let progress = Progress::new(Task::new("count"), ["counter".into()]);
/// assert_eq!(Alone.next(&progress).len(), 1);
/// ```
pub trait Strategy: fmt::Debug + Send + Sync + 'static {
    /// Its name, for people.
    fn name(&self) -> &str;

    /// What comes next.
    fn next(&self, progress: &Progress) -> Vec<Move>;

    /// What there is to show of a run whose time was over before the strategy finished.
    fn so_far(&self, _progress: &Progress) -> Option<Value> {
        None
    }
}

/// So that a strategy whose name was read, or that several runs share, is handed around.
impl<S: Strategy + ?Sized> Strategy for Arc<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        (**self).next(progress)
    }

    fn so_far(&self, progress: &Progress) -> Option<Value> {
        (**self).so_far(progress)
    }
}

/// What a strategy wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Move {
    /// Begin a step.
    Start(Step),
    /// Write down that a step will not be begun.
    Skip {
        /// Its name.
        step: StepId,
        /// Who would have done it.
        seat: Seat,
        /// Why not.
        because: String,
    },
    /// Cancel a step that is running; one that is not, is left as it is.
    Cancel(StepId),
    /// The run has succeeded.
    Succeed {
        /// What the team has to show.
        output: Value,
    },
    /// The run ends without success: in the state of the step that it ends because of, and for its reason.
    Stop {
        /// Which step.
        because_of: StepId,
        /// Why its end is the run's, where its own reason does not tell, such as that a quorum is out of reach. The
        /// run's reason begins with it.
        why: Option<String>,
        /// What there is to show all the same.
        output: Option<Value>,
    },
    /// The run fails for a reason of the strategy's own, such as no majority: the code is the strategy's.
    Fail {
        /// Why.
        reason: Reason,
        /// What there is to show all the same.
        output: Option<Value>,
    },
}

impl Move {
    /// Begin the step `step`: let `agent` do `task`.
    pub fn start(step: impl Into<StepId>, agent: impl Into<AgentId>, task: Task) -> Self {
        Self::Start(Step::new(step, agent.into(), task))
    }

    /// Begin the step `step`: let whoever of the team is best at `need` do `task`. A runner with a
    /// [`Selector`](crate::Selector) chooses.
    pub fn start_by(step: impl Into<StepId>, need: Query, task: Task) -> Self {
        Self::Start(Step::new(step, need, task))
    }
}

/// A step to be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// Its name.
    pub step: StepId,
    /// Who does it.
    pub seat: Seat,
    /// What is to be done.
    pub task: Task,
    /// Whether an agent handed over to whoever does it: the run counts these, and has enough of them at some
    /// point.
    pub is_handed_over: bool,
    /// Whether whoever asked for the run named it, so that it cannot come of a loop: that it repeats another call
    /// is not counted.
    pub is_given: bool,
}

impl Step {
    /// The step `step`: whoever sits in `seat` is to do `task`.
    pub fn new(step: impl Into<StepId>, seat: impl Into<Seat>, task: Task) -> Self {
        Self { step: step.into(), seat: seat.into(), task, is_handed_over: false, is_given: false }
    }

    /// Writes down that it will not be begun, because of this.
    pub fn skip(self, because: impl Into<String>) -> Move {
        Move::Skip { step: self.step, seat: self.seat, because: because.into() }
    }

    /// The same, named by whoever asked for the run, such as one of many inputs.
    #[must_use]
    pub fn given(self) -> Self {
        Self { is_given: true, ..self }
    }

    /// The same, begun because an agent handed over.
    #[must_use]
    pub fn handed_over(self) -> Self {
        Self { is_handed_over: true, ..self }
    }
}

/// How far a run is: what a [`Strategy`] decides by.
#[derive(Clone, Debug)]
pub struct Progress {
    task: Task,
    agents: Vec<AgentId>,
    steps: Vec<StepProgress>,
    /// Where each step stands in `steps`; for look-up only.
    places: HashMap<StepId, usize>,
    /// Places in `steps`, in the order in which they ended.
    ended: Vec<usize>,
    unsuccessful: usize,
    identity: Identity,
}

/// Tells one run's progress from another's, so that a strategy may remember what it saw of it: a copy, which may go
/// on otherwise, is another one.
#[derive(Debug)]
pub(crate) struct Identity(u64);

impl Identity {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self::new()
    }
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepProgress {
    /// Its name.
    pub step: StepId,
    /// Who does it; none where nobody is chosen, or not yet as far as is known here.
    pub agent: Option<AgentId>,
    /// How it ended; none while it is running.
    pub state: Option<State>,
    /// What its agent gave back.
    pub output: Option<Value>,
}

impl StepProgress {
    /// Whether it ended well.
    pub fn has_succeeded(&self) -> bool {
        self.state.is_some_and(State::is_success)
    }

    /// Whether it ended, and not well.
    pub fn has_not_succeeded(&self) -> bool {
        self.state.is_some_and(|state| !state.is_success())
    }

    /// The end of a run whose result is this step's.
    pub fn finish(&self) -> Move {
        if self.has_succeeded() {
            Move::Succeed { output: self.output.clone().unwrap_or_default() }
        } else {
            Move::Stop { because_of: self.step.clone(), why: None, output: None }
        }
    }
}

impl Progress {
    /// A run at its beginning: `task` for a team of `agents`.
    pub fn new(task: Task, agents: impl IntoIterator<Item = AgentId>) -> Self {
        Self {
            task,
            agents: agents.into_iter().collect(),
            steps: Vec::new(),
            places: HashMap::new(),
            ended: Vec::new(),
            unsuccessful: 0,
            identity: Identity::new(),
        }
    }

    /// A number that no other progress has.
    pub(crate) const fn identity(&self) -> u64 {
        self.identity.0
    }

    /// The run's task.
    pub const fn task(&self) -> &Task {
        &self.task
    }

    /// The team's agents, in order.
    pub fn agents(&self) -> &[AgentId] {
        &self.agents
    }

    /// The steps named so far, in that order.
    pub fn steps(&self) -> &[StepProgress] {
        &self.steps
    }

    /// The step of this name.
    pub fn step(&self, step: &StepId) -> Option<&StepProgress> {
        self.places.get(step).and_then(|place| self.steps.get(*place))
    }

    /// How many steps are running.
    pub const fn running(&self) -> usize {
        self.steps.len().saturating_sub(self.ended.len())
    }

    /// How many steps succeeded.
    pub const fn succeeded(&self) -> usize {
        self.ended.len().saturating_sub(self.unsuccessful)
    }

    /// The steps that ended, in the order of their ends, skipped ones among them. It only grows at its end: who
    /// has seen `from` of them needs to look at the rest alone.
    ///
    /// ```
    /// use safeguards_coord::{Progress, State, Task};
    ///
    /// let mut progress = Progress::new(Task::new("count"), ["a".into(), "b".into()]);
    /// for agent in ["a", "b"] {
    ///     progress.begin(agent.into(), agent.into());
    /// }
    /// progress.end(&"b".into(), State::Succeeded, None);
    /// progress.end(&"a".into(), State::Failed, None);
    /// let ended: Vec<&str> = progress.ended(0).map(|step| step.step.as_str()).collect();
    /// assert_eq!(ended, ["b", "a"]);
    /// assert_eq!(progress.ended(1).count(), 1);
    /// ```
    pub fn ended(&self, from: usize) -> impl Iterator<Item = &StepProgress> {
        self.ended.iter().skip(from).filter_map(|place| self.steps.get(*place))
    }

    /// The first step, in the order in which they were named, that ended and not well.
    pub fn first_unsuccessful(&self) -> Option<&StepProgress> {
        // Most runs have none, and are asked after every step.
        if self.unsuccessful == 0 {
            return None;
        }
        self.steps.iter().find(|step| step.has_not_succeeded())
    }

    /// Notes that a step began, which `agent` does. `false`, and nothing noted, where there is one of that name.
    pub fn begin(&mut self, step: StepId, agent: AgentId) -> bool {
        self.begin_with(step, Some(agent))
    }

    /// Notes that a step began, for which somebody is chosen. `false`, and nothing noted, where there is one of
    /// that name.
    pub fn begin_unchosen(&mut self, step: StepId) -> bool {
        self.begin_with(step, None)
    }

    /// Notes who was chosen for a step.
    pub fn chosen(&mut self, step: &StepId, agent: AgentId) {
        let place = self.places.get(step).and_then(|place| self.steps.get_mut(*place));
        if let Some(step) = place {
            step.agent = Some(agent);
        }
    }

    fn begin_with(&mut self, step: StepId, agent: Option<AgentId>) -> bool {
        if self.places.contains_key(&step) {
            return false;
        }
        self.places.insert(step.clone(), self.steps.len());
        self.steps.push(StepProgress { step, agent, state: None, output: None });
        true
    }

    /// Notes that a step which is running ended; nothing is noted of any other.
    pub fn end(&mut self, step: &StepId, state: State, output: Option<Value>) {
        let Some(place) = self.places.get(step).copied() else {
            return;
        };
        if let Some(ended) = self.steps.get_mut(place).filter(|step| step.state.is_none()) {
            (ended.state, ended.output) = (Some(state), output);
            self.ended.push(place);
            self.unsuccessful = self.unsuccessful.saturating_add(usize::from(!state.is_success()));
        }
    }
}
