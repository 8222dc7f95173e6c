//! What goes wrong: [`AgentError`] inside an agent, [`TeamError`] and [`RunError`] before a run,
//! [`RunFault`] within one.

use std::error;

use safeguards_types::{AgentId, Timestamp};

use crate::{Cost, StepId};

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
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

impl AgentError {
    /// The agent failed; what it cost is unknown. The message is lower case without a final period.
    pub fn new(message: impl Into<String>) -> Self {
        Self::of(AgentErrorKind::Failed, message)
    }

    /// The agent failed in this way; what it cost is unknown.
    pub fn of(kind: AgentErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retryable: false, cost: Box::default(), source: None }
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

/// Why a run did not begin. All that happens later is in its report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
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
            Self::UnknownAgent { .. } => "run.unknown_agent",
            Self::NoSelector { .. } => "run.no_selector",
            Self::NobodyCapable { .. } => "run.nobody_capable",
            Self::SelectorFailed { .. } => "run.selector_failed",
            Self::SelectorPanicked { .. } => "run.selector_panicked",
            Self::DuplicateStep { .. } => "run.duplicate_step",
            Self::UnknownStep { .. } => "run.unknown_step",
            Self::TooManySteps { .. } => "run.too_many_steps",
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
