//! Delegating to another agent of the team, one level deeper: [`Context::delegate`].

use std::error;

use safeguards_types::{AgentId, Timestamp};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::Context;
use crate::{AgentError, RunFault, Seat, Step, StepId, StepReport, Task};

/// What an agent wants another one to do.
#[derive(Debug)]
pub(crate) struct Delegation {
    pub(crate) by: StepId,
    /// How deep it is: 1 where a step of the strategy delegates.
    pub(crate) depth: u32,
    pub(crate) step: Step,
    /// The deadline of who delegates.
    pub(crate) deadline: Timestamp,
    pub(crate) cancellation: CancellationToken,
    pub(crate) answer: oneshot::Sender<Delegated>,
    /// What its spans stand below.
    pub(crate) span: Span,
}

/// What became of a delegation: a step that ended, or none that began.
pub(crate) type Delegated = Result<Box<StepReport>, RunFault>;

/// Why a delegation did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DelegateError {
    /// It was not begun: nobody of this name is in the team, or a guard said no.
    #[error(transparent)]
    Refused(RunFault),
    /// The step ended, and not well.
    #[error("{}", not_well(.0))]
    Ended(Box<StepReport>),
    /// The attempt that delegates has ended, or its run.
    #[error("the attempt that delegates has ended")]
    Over,
}

fn not_well(report: &StepReport) -> String {
    match &report.reason {
        Some(reason) => reason.message.clone(),
        None => format!("{} {}", report.step, report.state.as_verb()),
    }
}

impl DelegateError {
    /// The stable code; of a step that ended, that of its reason.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(fault) => fault.code(),
            Self::Ended(report) => report.reason.as_ref().map_or("agent.failed", |why| &why.code),
            Self::Over => "run.attempt_ended",
        }
    }

    /// How the step ended, where it began.
    pub fn report(&self) -> Option<&StepReport> {
        match self {
            Self::Ended(report) => Some(report),
            Self::Refused(_) | Self::Over => None,
        }
    }
}

/// Why a step did not succeed that was passed up to it: it delegated, and so did others below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PassedUp {
    /// Who was delegated to, down to whoever it began with.
    way: Vec<AgentId>,
    /// How it began, with its code.
    cause: String,
}

impl PassedUp {
    /// What `error` passes up, if it was caused by a delegation.
    pub(crate) fn by(error: &(dyn error::Error + 'static)) -> Option<Box<Self>> {
        let mut causes = std::iter::successors(Some(error), |error| error.source());
        let passed = causes.find_map(|cause| cause.downcast_ref::<DelegateError>())?;
        let report = passed.report();
        let below = report.and_then(|report| report.passed_up.as_deref());
        let agent = report.and_then(|report| report.agent.clone());
        let way = agent.into_iter().chain(below.into_iter().flat_map(|below| below.way.clone()));
        let cause = match below {
            Some(below) => below.cause.clone(),
            None => format!("{}: {passed}", passed.code()),
        };
        Some(Box::new(Self { way: way.collect(), cause }))
    }

    /// `error` for people who see no more of it than this: the way and how it began, once, however deep it was.
    pub(crate) fn told(&self, error: &(dyn error::Error + 'static)) -> String {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let own = causes.take_while(|cause| !cause.is::<DelegateError>());
        let own: Vec<String> = own.map(ToString::to_string).collect();
        let way = match self.way.as_slice() {
            [] | [_] => String::new(),
            way => format!(" ({})", shortened(way)),
        };
        format!("{}{way}: {}", own.join(": "), self.cause)
    }
}

/// How many of a way are told at its beginning, and at its end.
const WAY_ENDS: usize = 4;

/// A way for a message: `b -> a -> b`.
fn shortened(way: &[AgentId]) -> String {
    let names = |way: &[AgentId]| way.iter().map(AgentId::as_str).collect::<Vec<_>>().join(" -> ");
    let more = way.len().saturating_sub(WAY_ENDS.saturating_mul(2));
    match (way.first_chunk::<WAY_ENDS>(), way.last_chunk::<WAY_ENDS>()) {
        (Some(first), Some(last)) if more > 0 => {
            format!("{} -> … {more} more … -> {}", names(first), names(last))
        }
        _ => names(way),
    }
}

impl From<DelegateError> for AgentError {
    /// An agent that fails because who it delegated to did. What it cost itself is not known.
    fn from(error: DelegateError) -> Self {
        Self::new("what it delegated did not succeed").caused_by(error)
    }
}

impl Context {
    /// Lets another agent of the team do `task`, or whoever of it can, one level deeper: a step of its own, with a
    /// hold, a deadline and costs of its own. It has no more time than this attempt, and ends with it.
    ///
    /// The step is called after this one and who does it, such as `research/reader-1`, always the same where the
    /// agent delegates in the same order; a run that is resumed knows it by that name.
    ///
    /// Dropping the future cancels the step.
    ///
    /// # Errors
    ///
    /// Where it is refused, or does not succeed.
    ///
    /// ```
    /// use safeguards_coord::{Context, Reply, Task, agent_fn};
    /// use safeguards_types::usd;
    ///
    /// let editor = agent_fn("editor", |task: Task, cx: Context| async move {
    ///     let notes = cx.delegate("reader", Task::new("read").with_input(task.input().clone())).await?;
    ///     Ok(Reply::new(notes.output.unwrap_or_default()).cost(usd!(0.02)))
    /// });
    /// # let _ = editor;
    /// ```
    pub async fn delegate(
        &self,
        to: impl Into<Seat> + Send,
        task: Task,
    ) -> Result<StepReport, DelegateError> {
        let (seat, shared) = (to.into(), &self.shared);
        if shared.told.lock().is_none() {
            return Err(DelegateError::Over);
        }
        let (answer, answered) = oneshot::channel();
        let cancellation = shared.cancellation.child_token();
        let delegation = Delegation {
            by: shared.attempt.step.clone(),
            depth: shared.delegations.1.saturating_add(1),
            step: Step::new(self.delegated_step(&seat), seat, task),
            deadline: shared.deadline,
            cancellation: cancellation.clone(),
            answer,
            span: Span::current(),
        };
        let _cancels = cancellation.drop_guard();
        shared.delegations.0.send(delegation).map_err(|_| DelegateError::Over)?;
        match answered.await {
            Ok(Ok(report)) if report.state.is_success() => Ok(*report),
            Ok(Ok(report)) => Err(DelegateError::Ended(report)),
            Ok(Err(fault)) => Err(DelegateError::Refused(fault)),
            Err(_) => Err(DelegateError::Over),
        }
    }

    /// What the next step is called that is delegated to this seat.
    fn delegated_step(&self, seat: &Seat) -> StepId {
        let mut delegated = self.shared.delegated.lock();
        let times = delegated.entry(seat.name().to_owned()).or_default();
        *times = times.saturating_add(1);
        let attempt = &self.shared.attempt;
        // Another attempt delegates anew, and is not given what came of an earlier one.
        let again = if attempt.number > 1 { format!("#{}", attempt.number) } else { String::new() };
        format!("{}{again}/{}-{times}", attempt.step, seat.name()).into()
    }
}
