//! What goes wrong: [`AgentError`] inside an agent, [`TeamError`] and [`RunError`] before a run,
//! [`RunFault`] within one.

use std::error;

use safeguards_budget::Denial;
use safeguards_types::{AgentId, Amount, Quantity, Timestamp};

use crate::{Cost, RunId, RunStoreError, StepId, UnknownStrategy};

/// What kind of thing went wrong with an agent. Each has a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AgentErrorKind {
    /// The agent says that it failed.
    Failed,
    /// There is no such program. Nothing was started, so nothing is spent.
    NotFound,
    /// It could not be started. Nothing was started, so nothing is spent.
    NotStarted,
    /// It ended without a result.
    NoResult,
    /// Its result is none that is allowed.
    BadResult,
    /// It ended with an exit code that is not 0.
    Exit,
    /// It was ended by a signal that was not ours.
    Signal,
    /// It wrote more than it may.
    OutputTooLarge,
    /// It panicked.
    Panicked,
    /// It was not done by its deadline.
    TimedOut,
    /// It was told to stop.
    Cancelled,
    /// It was told to stop, did not, and may still be running.
    Abandoned,
}

impl AgentErrorKind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Failed => "agent.failed",
            Self::NotFound => "agent.not_found",
            Self::NotStarted => "agent.not_started",
            Self::NoResult => "agent.no_result",
            Self::BadResult => "agent.bad_result",
            Self::Exit => "agent.exit",
            Self::Signal => "agent.signal",
            Self::OutputTooLarge => "agent.output_too_large",
            Self::Panicked => "agent.panicked",
            Self::TimedOut => "agent.timed_out",
            Self::Cancelled => "agent.cancelled",
            Self::Abandoned => "agent.abandoned",
        }
    }

    /// Whether the agent never began, so that nothing can have been spent.
    pub const fn never_began(self) -> bool {
        matches!(self, Self::NotFound | Self::NotStarted)
    }
}

/// An agent did not do its task. Failure costs too: it carries what was spent.
///
/// ```
/// use safeguards_coord::AgentError;
/// use safeguards_types::usd;
///
/// let error = AgentError::new("source is down").retryable().cost(usd!(0.0031));
/// assert_eq!(error.code(), "agent.failed");
/// assert!(error.is_retryable());
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct AgentError {
    kind: AgentErrorKind,
    message: String,
    retryable: bool,
    /// Boxed: an error is handed on often, and its cost read once.
    cost: Box<Cost>,
    /// The denial that it stopped for.
    denial: Option<Box<Denial>>,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

impl AgentError {
    /// The agent failed; what it cost is unknown. The message is lower case without a final period.
    pub fn new(message: impl Into<String>) -> Self {
        Self::of(AgentErrorKind::Failed, message)
    }

    /// The agent failed in this way; what it cost is unknown.
    pub fn of(kind: AgentErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retryable: false,
            cost: Box::default(),
            denial: None,
            source: None,
        }
    }

    /// Declares that another attempt may help.
    #[must_use]
    pub fn retryable(self) -> Self {
        Self { retryable: true, ..self }
    }

    /// Says what was spent all the same.
    #[must_use]
    pub fn cost(self, cost: impl Into<Cost>) -> Self {
        Self { cost: Box::new(cost.into()), ..self }
    }

    /// Says that it stops because a budget said no: the step is denied, and has not failed.
    #[must_use]
    pub fn denied(self, denial: Denial) -> Self {
        Self { denial: Some(Box::new(denial)), ..self }
    }

    /// The denial that it stops for.
    pub fn denial(&self) -> Option<&Denial> {
        self.denial.as_deref()
    }

    /// Says what caused it.
    #[must_use]
    pub fn caused_by(self, source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// What kind of thing went wrong.
    pub const fn kind(&self) -> AgentErrorKind {
        self.kind
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Whether another attempt may help.
    pub const fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// What the attempt says that it cost.
    pub const fn spent(&self) -> &Cost {
        &self.cost
    }
}

/// Why there is no such team.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TeamError {
    /// Nobody is in it.
    #[error("team {team} has no agents; it needs at least one")]
    Empty {
        /// The team.
        team: String,
    },
    /// Two agents have one name.
    #[error("team {team} has two agents named {agent}; names differ within a team")]
    DuplicateAgent {
        /// The team.
        team: String,
        /// The name.
        agent: AgentId,
    },
    /// Nothing would be held before its runs.
    #[error(
        "agent {agent} of team {team} has no estimate above 0; say what one run may cost, or declare it free"
    )]
    NoEstimate {
        /// The team.
        team: String,
        /// The agent.
        agent: AgentId,
    },
}

impl TeamError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "team.empty",
            Self::DuplicateAgent { .. } => "team.duplicate_agent",
            Self::NoEstimate { .. } => "team.no_estimate",
        }
    }
}

/// Why a run did not begin, or go on. All that happens later is in its report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Nobody says what a run of an agent may cost: neither its estimate, nor a default, nor what it cost lately.
    #[error(
        "agent {agent} of team {team} has no estimate: say what one run may cost, set a default, or declare it free"
    )]
    NoEstimate {
        /// The team.
        team: String,
        /// The agent.
        agent: AgentId,
    },
    /// The runner writes nothing down, so there is nothing to go on with, or to list.
    #[error("the runner has no run store; `Runner::store` gives it one")]
    NoStore,
    /// There is no strategy of this name.
    #[error(transparent)]
    UnknownStrategy(#[from] UnknownStrategy),
    /// The run was begun otherwise than it would be resumed.
    #[error("run {run} was begun with {what} {was}, and cannot go on with {now}")]
    Changed {
        /// The run.
        run: RunId,
        /// What is another.
        what: &'static str,
        /// What it was.
        was: String,
        /// What it is now.
        now: String,
    },
    /// The run could not be written down, or read.
    #[error(transparent)]
    Store(#[from] RunStoreError),
    /// It would have had to be done already.
    #[error("the deadline {deadline} has passed: it is {now}")]
    DeadlinePassed {
        /// The deadline.
        deadline: Timestamp,
        /// Now.
        now: Timestamp,
    },
}

impl RunError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DeadlinePassed { .. } => "run.deadline_passed",
            Self::NoEstimate { .. } => "run.no_estimate",
            Self::NoStore => "run.no_store",
            Self::Changed { .. } => "run.changed",
            Self::UnknownStrategy(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

/// What went wrong with a run or a step outside its agent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunFault {
    /// The run's time was over before the step began.
    #[error("the run's deadline {deadline} passed before it began")]
    DeadlineBeforeStart {
        /// The run's deadline.
        deadline: Timestamp,
    },
    /// The run was cancelled before the step began.
    #[error("cancelled before it began")]
    CancelledBeforeStart,
    /// The run was cancelled.
    #[error("the run was cancelled")]
    Cancelled,
    /// The step was not begun, because of another.
    #[error("not begun: {because}")]
    Skipped {
        /// Why.
        because: String,
    },
    /// The attempt could not be carried to its end: a ledger or a clock panicked. What it cost may not be
    /// written down.
    #[error("could not be carried to its end: {message}")]
    AttemptBroken {
        /// What was said.
        message: String,
    },
    /// The strategy panicked.
    #[error("strategy {strategy} panicked: {message}")]
    StrategyPanicked {
        /// The strategy.
        strategy: String,
        /// What it said.
        message: String,
    },
    /// The strategy starts nothing, waits for nothing and does not finish.
    #[error("strategy {strategy} neither starts a step nor finishes, and nothing is running")]
    StrategyStalled {
        /// The strategy.
        strategy: String,
    },
    /// The strategy names an agent that is not in the team.
    #[error("strategy {strategy} gives step {step} to {agent}, who is not in the team")]
    UnknownAgent {
        /// The strategy.
        strategy: String,
        /// The step.
        step: StepId,
        /// The name.
        agent: AgentId,
    },
    /// The strategy asks for a capability, and the runner has no selector.
    #[error(
        "strategy {strategy} gives step {step} to whoever can do {need}, and nobody chooses; give the runner a selector"
    )]
    NoSelector {
        /// The strategy.
        strategy: String,
        /// The step.
        step: StepId,
        /// What is needed.
        need: String,
    },
    /// Nobody in the team can do what is needed now.
    #[error("nobody in the team can do {need} now: {why}")]
    NobodyCapable {
        /// What is needed.
        need: String,
        /// Why not, of each of the team or of some.
        why: String,
    },
    /// The selector failed, so nobody was chosen.
    #[error("nobody was chosen to do {need}, because the selector failed: {message}")]
    SelectorFailed {
        /// What is needed.
        need: String,
        /// What it said.
        message: String,
    },
    /// The selector panicked, so nobody was chosen.
    #[error("nobody was chosen to do {need}, because the selector panicked: {message}")]
    SelectorPanicked {
        /// What is needed.
        need: String,
        /// What it said.
        message: String,
    },
    /// The strategy names two steps alike.
    #[error("strategy {strategy} names two steps {step}; names differ within a run")]
    DuplicateStep {
        /// The strategy.
        strategy: String,
        /// The name.
        step: StepId,
    },
    /// The strategy stops because of a step that has not ended.
    #[error("strategy {strategy} stops because of step {step}, which has not ended")]
    UnknownStep {
        /// The strategy.
        strategy: String,
        /// The name.
        step: StepId,
    },
    /// The same was asked of the same too often.
    #[error(
        "step {step} asks the same of {who} once more than {max} times; the guard `repeats_max` allows more"
    )]
    RepeatedCall {
        /// The step that was not begun.
        step: StepId,
        /// Of whom.
        who: String,
        /// How often it may.
        max: u32,
    },
    /// Agents handed over too often.
    #[error(
        "step {step} would be handed over to after {max} hand-overs; the guard `hand_overs_max` allows more"
    )]
    TooManyHandOvers {
        /// The step that was not begun.
        step: StepId,
        /// How often they may.
        max: u32,
    },
    /// Agents delegated too deep.
    #[error(
        "step {step} would be delegated deeper than {max} levels; the guard `depth_max` allows more"
    )]
    TooDeep {
        /// The step that was not begun.
        step: StepId,
        /// How deep they may.
        max: u32,
    },
    /// An agent delegates to somebody who is not in the team.
    #[error("step {by} delegates to {agent}, who is not in the team")]
    UnknownDelegate {
        /// Who delegates.
        by: StepId,
        /// The name.
        agent: AgentId,
    },
    /// An agent delegates to whoever has a capability, and the runner has no selector.
    #[error(
        "step {by} delegates to whoever can do {need}, and nobody chooses; give the runner a selector"
    )]
    NoSelectorToDelegate {
        /// Who delegates.
        by: StepId,
        /// What is needed.
        need: String,
    },
    /// The run may not spend so much.
    #[error(
        "the run may spend {max} in all; {} of that are left, asked {}",
        Amount::new(*left, max.unit().clone()), Amount::new(*asked, max.unit().clone())
    )]
    BudgetExceeded {
        /// What was asked for, of the unit of `max`.
        asked: Quantity,
        /// What is left, of that unit.
        left: Quantity,
        /// What it may spend.
        max: Amount,
    },
    /// What happens could not be written down, so that nothing more is begun.
    #[error("{what} could not be written down: {message}")]
    NotRecorded {
        /// What.
        what: String,
        /// What the store said.
        message: String,
    },
    /// Another runner has taken the run over, so that this one ends it for itself.
    #[error("another runner goes on with run {run}: {message}")]
    TakenOver {
        /// The run.
        run: RunId,
        /// What the store said.
        message: String,
    },
    /// An attempt was cut off, and must not be run again by itself.
    #[error("it was cut off, and does not say that it may be run again")]
    Interrupted,
    /// An attempt was cut off, and its time is over, or nobody wants it any more.
    #[error("it was cut off, and is not run again")]
    InterruptedLate,
    /// Nobody can tell how far an attempt came that was cut off.
    #[error("nobody can tell how far attempt {attempt} came, which was cut off: {message}")]
    Unreadable {
        /// Its number.
        attempt: u32,
        /// What the ledger said.
        message: String,
    },
    /// There would be more steps than the run may have.
    #[error("the run would have more than {max} steps; `steps_max` allows more")]
    TooManySteps {
        /// How many it may have.
        max: usize,
    },
}

impl RunFault {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DeadlineBeforeStart { .. } => "run.deadline_passed",
            Self::CancelledBeforeStart | Self::Cancelled => "run.cancelled",
            Self::Skipped { .. } => "run.skipped",
            Self::AttemptBroken { .. } => "run.attempt_broken",
            Self::StrategyPanicked { .. } => "run.strategy_panicked",
            Self::StrategyStalled { .. } => "run.strategy_stalled",
            Self::UnknownAgent { .. } | Self::UnknownDelegate { .. } => "run.unknown_agent",
            Self::NoSelector { .. } | Self::NoSelectorToDelegate { .. } => "run.no_selector",
            Self::NobodyCapable { .. } => "run.nobody_capable",
            Self::SelectorFailed { .. } => "run.selector_failed",
            Self::SelectorPanicked { .. } => "run.selector_panicked",
            Self::DuplicateStep { .. } => "run.duplicate_step",
            Self::UnknownStep { .. } => "run.unknown_step",
            Self::TooManySteps { .. } => "run.too_many_steps",
            Self::RepeatedCall { .. } => "run.repeated_call",
            Self::TooManyHandOvers { .. } => "run.too_many_hand_overs",
            Self::TooDeep { .. } => "run.too_deep",
            Self::BudgetExceeded { .. } => "run.budget_exceeded",
            Self::NotRecorded { .. } => "run.not_recorded",
            Self::TakenOver { .. } => "run.taken_over",
            Self::Interrupted | Self::InterruptedLate | Self::Unreadable { .. } => {
                "run.interrupted"
            }
        }
    }
}

/// An error with all that caused it, for people who see no more of it than this.
pub(crate) fn with_causes(error: &dyn error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl From<&RunFault> for crate::Reason {
    fn from(fault: &RunFault) -> Self {
        Self::new(fault.code(), fault.to_string())
    }
}
