//! [`Supervise`]: cut a task up, give the parts to others, put together what they gave.

mod plan;
mod subtask;

use std::{borrow::Cow, fmt, num::NonZeroUsize, sync::Arc};

use safeguards_types::AgentId;
use serde_json::{Value, json};

use self::plan::{Origin, Plan};
pub use self::subtask::{Part, Subtask};
use super::{
    batch::{AT_ONCE, Batch, Phase, at_once, because},
    choice::confined,
    closure::Closure,
    fault::{StrategyFault, listed},
};
use crate::{Choice, Move, Policy, Progress, Seat, State, Step, StepProgress, Strategy, Task};

/// Who or what does a part of the supervisor's own work.
enum Work<F: ?Sized> {
    /// A function: it costs nothing and is no step.
    Closure(Closure<F>),
    /// An agent, in a step of its own.
    Seat(Seat),
    /// The team's first agent, in a step of its own.
    First,
}

impl<F: ?Sized> Clone for Work<F> {
    fn clone(&self) -> Self {
        match self {
            Self::Closure(closure) => Self::Closure(closure.clone()),
            Self::Seat(seat) => Self::Seat(seat.clone()),
            Self::First => Self::First,
        }
    }
}

impl<F: ?Sized> fmt::Debug for Work<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closure(closure) => closure.fmt(out),
            Self::Seat(seat) => seat.fmt(out),
            Self::First => out.write_str("first"),
        }
    }
}

impl<F: ?Sized> Work<F> {
    const fn is_step(&self) -> bool {
        !matches!(self, Self::Closure(_))
    }

    /// Who does it, if it is an agent.
    fn seat(&self, progress: &Progress) -> Option<Seat> {
        match self {
            Self::Closure(_) => None,
            Self::Seat(seat) => Some(seat.clone()),
            Self::First => progress.agents().first().map(Seat::from),
        }
    }
}

type Decompose = dyn Fn(&Task) -> Vec<Subtask> + Send + Sync;
type Assign = dyn Fn(&Subtask, usize, &[AgentId]) -> Seat + Send + Sync;
type Combine = dyn Fn(&[Part]) -> Value + Send + Sync;

/// Cuts a task up, gives the parts to others, and puts together what they gave.
///
/// ```text
///                        ┌─> reader-1 ─┐
///   task ──> decompose ──┼─> writer-2 ─┼──> combine ──> output
///                        ├─> reader-3 ─┤
///                        └─> writer-4 ─┘
/// ```
///
/// Each of the three is replaceable. *Decompose* and *combine* are functions, or agents in steps of their own, so
/// that what the supervisor costs is seen and paid like everything else. *Assign* gives the parts out round robin
/// unless [a choice](Self::choose) or [a function](Self::assign) says otherwise, or a subtask names an agent or a
/// capability itself.
///
/// What it promises:
///
/// - Every subtask becomes a step. Where there are more than there are agents, they wait for their turn; none is
///   dropped. Never more than [`at_once`](Self::at_once) run at the same time.
/// - Subtasks are done by the [workers](Self::workers): the team but for the supervisor, unless others are named. Where
///   there are none, the run fails as `supervisor.no_workers` before anything begins.
/// - What is no list of subtasks fails the run, and so does an empty list, and one of more than
///   [`subtasks_max`](Self::subtasks_max): `supervisor.no_list`, `.bad_subtask`, `.no_subtasks`,
///   `.too_many_subtasks`. A subtask for somebody who is no worker does too: `supervisor.unknown_worker`.
/// - Whether all parts must succeed is said by the [`policy`](Self::policy): by default all must, and with
///   [`Policy::AtLeast`] it combines what there is. In vain, combining is skipped, and what there is kept.
/// - Parts are combined in the order of the subtasks, each with how it ended.
///
/// An agent that decomposes gets the task with the input
/// `{"role": "decompose", "input": …, "workers": [names]}`, and gives a list (or an object with a list `subtasks`) of
/// texts or objects: `{"task": "read", "input": …, "agent": "reader"}`, or with a `capability` instead of the agent,
/// or with neither. One that combines gets `{"role": "combine", "input": …, "results": [{"step", "task", "agent",
/// "state", "output"}, …]}`.
///
/// The steps are `decompose`, the subtasks named after who does them and their number, `reader-3`, and `combine`.
///
/// ```
/// use safeguards_coord::{Part, Progress, Strategy, Subtask, Supervise, Task};
///
/// let supervise = Supervise::new(
///     |task: &Task| (1..=5).map(|n| Subtask::new(format!("{}, part {n}", task.text()))).collect(),
///     |parts: &[Part]| Part::joined(parts, "\n"),
/// );
/// // Five parts for two: they take turns.
/// let progress = Progress::new(Task::new("research"), ["ann".into(), "bob".into()]);
/// let moves = supervise.at_once(2).next(&progress);
/// assert_eq!(moves.len(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Supervise {
    decompose: Work<Decompose>,
    assign: Option<Closure<Assign>>,
    choice: Option<Seat>,
    combine: Work<Combine>,
    workers: Option<Arc<[AgentId]>>,
    policy: Policy,
    at_once: NonZeroUsize,
    subtasks_max: usize,
    plan: Plan,
}

impl Supervise {
    /// How many subtasks there may be unless another number is set.
    pub const SUBTASKS_MAX: usize = 1_000;

    /// Functions decompose and combine; everybody works. They are pure, as the strategy is.
    pub fn new(
        decompose: impl Fn(&Task) -> Vec<Subtask> + Send + Sync + 'static,
        combine: impl Fn(&[Part]) -> Value + Send + Sync + 'static,
    ) -> Self {
        Self::by_first().decompose(decompose).combine(combine)
    }

    /// This agent decomposes and combines.
    pub fn by(supervisor: impl Into<Seat>) -> Self {
        let supervisor = supervisor.into();
        Self::by_first().decompose_by(supervisor.clone()).combine_by(supervisor)
    }

    /// The team's first agent decomposes and combines.
    pub fn by_first() -> Self {
        Self {
            decompose: Work::First,
            assign: None,
            choice: None,
            combine: Work::First,
            workers: None,
            policy: Policy::All,
            at_once: AT_ONCE,
            subtasks_max: Self::SUBTASKS_MAX,
            plan: Plan::default(),
        }
    }

    /// Lets a function decompose. It is pure, as the strategy is.
    #[must_use]
    pub fn decompose(
        self,
        decompose: impl Fn(&Task) -> Vec<Subtask> + Send + Sync + 'static,
    ) -> Self {
        // What was planned by another function does not hold.
        let plan = Plan::default();
        Self { decompose: Work::Closure(Closure(Arc::new(decompose))), plan, ..self }
    }

    /// Lets an agent decompose.
    #[must_use]
    pub fn decompose_by(self, agent: impl Into<Seat>) -> Self {
        Self { decompose: Work::Seat(agent.into()), plan: Plan::default(), ..self }
    }

    /// Lets a function combine. It is pure, as the strategy is.
    #[must_use]
    pub fn combine(self, combine: impl Fn(&[Part]) -> Value + Send + Sync + 'static) -> Self {
        Self { combine: Work::Closure(Closure(Arc::new(combine))), ..self }
    }

    /// Lets an agent combine.
    #[must_use]
    pub fn combine_by(self, agent: impl Into<Seat>) -> Self {
        Self { combine: Work::Seat(agent.into()), ..self }
    }

    /// Only these do subtasks.
    #[must_use]
    pub fn workers<A: Into<AgentId>>(self, workers: impl IntoIterator<Item = A>) -> Self {
        let workers = workers.into_iter().map(Into::into).collect();
        Self { workers: Some(workers), ..self }
    }

    /// Lets a function say who does a subtask, which has this place among all, from 0; these are the workers. It is
    /// pure, as the strategy is, and asked about every subtask, also about one that names somebody.
    ///
    /// ```
    /// use safeguards_coord::{Seat, Subtask, Supervise};
    ///
    /// let sorted = Supervise::by("lead").assign(|subtask: &Subtask, place, workers| {
    ///     if subtask.text.starts_with("write") { "writer".into() } else { Seat::from(&workers[place % workers.len()]) }
    /// });
    /// # let _ = sorted;
    /// ```
    #[must_use]
    pub fn assign(
        self,
        assign: impl Fn(&Subtask, usize, &[AgentId]) -> Seat + Send + Sync + 'static,
    ) -> Self {
        Self { assign: Some(Closure(Arc::new(assign))), ..self }
    }

    /// Sets who does the subtasks that name nobody.
    #[must_use]
    pub fn choose(self, choice: Choice) -> Self {
        Self { choice: choice.seat(), ..self }
    }

    /// Sets what the end of one subtask means for the others.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Runs at most `steps` at once; 0 is read as 1.
    #[must_use]
    pub fn at_once(self, steps: usize) -> Self {
        Self { at_once: at_once(steps), ..self }
    }

    /// Allows so many subtasks.
    #[must_use]
    pub fn subtasks_max(self, subtasks: usize) -> Self {
        Self { subtasks_max: subtasks, ..self }
    }

    /// Who does subtasks, if anybody.
    fn staff<'a>(&'a self, progress: &'a Progress) -> Cow<'a, [AgentId]> {
        if let Some(workers) = &self.workers {
            return Cow::Borrowed(workers);
        }
        let own = [self.decompose.seat(progress), self.combine.seat(progress)];
        let is_own = |agent: &AgentId| own.iter().flatten().any(|seat| seat.agent() == Some(agent));
        if progress.agents().iter().any(is_own) {
            return progress.agents().iter().filter(|agent| !is_own(agent)).cloned().collect();
        }
        Cow::Borrowed(progress.agents())
    }

    /// What is wrong before anything begins.
    fn check_staff(&self, progress: &Progress, staff: &[AgentId]) -> Result<(), StrategyFault> {
        let team = progress.agents();
        if staff.is_empty() {
            let why = match &self.workers {
                Some(_) => "no workers are named".to_owned(),
                None => format!("in the team are {}, who supervise", listed(team)),
            };
            return Err(StrategyFault::NoWorkers { why });
        }
        match staff.iter().find(|worker| !team.contains(worker)) {
            None => Ok(()),
            Some(agent) => {
                Err(StrategyFault::WorkerNotInTeam { agent: agent.clone(), team: listed(team) })
            }
        }
    }

    /// What is wrong before any subtask begins.
    fn check_plan(&self, subtasks: &[Subtask], staff: &[AgentId]) -> Result<(), StrategyFault> {
        let (count, max) = (subtasks.len(), self.subtasks_max);
        if count == 0 {
            return Err(StrategyFault::NoSubtasks);
        }
        if count > max {
            return Err(StrategyFault::TooManySubtasks { count, max });
        }
        for (number, subtask) in (1..).zip(subtasks) {
            let agent = subtask.seat.as_ref().and_then(Seat::agent);
            if let Some(agent) = agent.filter(|agent| !staff.contains(agent)) {
                let (agent, workers) = (agent.clone(), listed(staff));
                return Err(StrategyFault::UnknownWorker { number, agent, workers });
            }
        }
        Ok(())
    }

    /// The subtasks.
    fn subtasks(&self, progress: &Progress) -> Result<Arc<[Subtask]>, StrategyFault> {
        if let Work::Closure(decompose) = &self.decompose {
            let origin = Origin::Task(progress.task().clone());
            return self.plan.of(origin, || Ok(decompose(progress.task())));
        }
        let step = progress.steps().first();
        let output = step.and_then(|step| step.output.clone()).unwrap_or_default();
        let origin = Origin::Output(output.clone());
        self.plan.of(origin, || Subtask::read_all(&DECOMPOSE.into(), &output))
    }

    /// The step that decomposes, if an agent does.
    fn decomposing(&self, progress: &Progress, staff: &[AgentId]) -> Option<Step> {
        let input = json!({
            "role": DECOMPOSE,
            "input": progress.task().input(),
            "workers": staff.iter().map(AgentId::as_str).collect::<Vec<_>>(),
        });
        let task = progress.task().clone().with_input(input);
        Some(Step::new(DECOMPOSE, self.decompose.seat(progress)?, task))
    }

    /// The step that combines, if an agent does.
    fn combining(&self, progress: &Progress, parts: &[Part]) -> Option<Step> {
        let input = json!({
            "role": COMBINE,
            "input": progress.task().input(),
            "results": parts.iter().map(Part::shown).collect::<Vec<_>>(),
        });
        let task = progress.task().clone().with_input(input);
        Some(Step::new(COMBINE, self.combine.seat(progress)?, task))
    }

    /// Who does a subtask.
    fn seat(&self, subtask: &Subtask, place: usize, staff: &[AgentId]) -> Option<Seat> {
        if let Some(assign) = &self.assign {
            return Some(confined(&assign(subtask, place, staff), staff));
        }
        if let Some(seat) = subtask.seat.as_ref().or(self.choice.as_ref()) {
            return Some(confined(seat, staff));
        }
        Some(staff.get(place.checked_rem(staff.len())?)?.into())
    }

    /// What comes once the task is cut up.
    fn go_on(
        &self,
        progress: &Progress,
        staff: &[AgentId],
        from: usize,
    ) -> Result<Vec<Move>, StrategyFault> {
        let subtasks = self.subtasks(progress)?;
        if progress.steps().len() == from {
            self.check_plan(&subtasks, staff)?;
        }
        let batch = Batch { progress, from, len: subtasks.len(), at_once: self.at_once };
        if let Some(combine) = progress.steps().get(from.saturating_add(subtasks.len())) {
            return Ok(combine.end_or_wait(Some(batch.outputs())));
        }
        let make = |place: usize| {
            let subtask = subtasks.get(place)?;
            let seat = self.seat(subtask, place, staff)?;
            let name = format!("{}-{}", seat.name(), place.saturating_add(1));
            Some(Step::new(name, seat, subtask.to_task(progress.task())))
        };
        Ok(match batch.advance(self.policy, make) {
            Phase::Refused(fault) => return Err(fault),
            Phase::Going(moves) => moves,
            // What is cancelled still runs: how it ends is a part of what is combined.
            Phase::Enough(moves) if progress.running() > 0 => moves,
            Phase::Enough(mut moves) => {
                let parts = parts(batch, &subtasks);
                moves.push(match &self.combine {
                    Work::Closure(combine) => Move::Succeed { output: combine(&parts) },
                    Work::Seat(_) | Work::First => match self.combining(progress, &parts) {
                        Some(step) => Move::Start(step),
                        None => return Ok(moves),
                    },
                });
                moves
            }
            Phase::InVain { mut moves, because_of, why } => {
                let because = because(progress, &because_of);
                moves.extend(self.combining(progress, &[]).map(|step| step.skip(because)));
                moves.push(Move::Stop { because_of, why, output: Some(batch.outputs()) });
                moves
            }
        })
    }
}

/// The step, and the role, of who cuts the task up.
const DECOMPOSE: &str = "decompose";
/// The step, and the role, of who puts the parts together.
const COMBINE: &str = "combine";

/// What became of the subtasks that are named.
fn parts(batch: Batch<'_>, subtasks: &[Subtask]) -> Vec<Part> {
    let part = |(step, subtask): (&StepProgress, &Subtask)| Part {
        step: step.step.clone(),
        text: subtask.text.clone(),
        agent: step.agent.clone(),
        state: step.state.unwrap_or(State::Skipped),
        output: step.output.clone(),
    };
    batch.steps().iter().zip(subtasks).map(part).collect()
}

impl Default for Supervise {
    fn default() -> Self {
        Self::by_first()
    }
}

impl Strategy for Supervise {
    fn name(&self) -> &'static str {
        "supervisor"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        let staff = self.staff(progress);
        if progress.steps().is_empty()
            && let Err(fault) = self.check_staff(progress, &staff)
        {
            return vec![fault.fail(None)];
        }
        let from = usize::from(self.decompose.is_step());
        match progress.steps().first() {
            None if from == 1 => {
                let step = self.decomposing(progress, &staff);
                return step.map(Move::Start).into_iter().collect();
            }
            Some(step) if from == 1 && !step.has_succeeded() => return step.end_or_wait(None),
            _ => {}
        }
        self.go_on(progress, &staff, from).unwrap_or_else(|fault| vec![fault.fail(None)])
    }

    /// What each subtask gave, in their order: `null` for what did not succeed.
    fn so_far(&self, progress: &Progress) -> Option<Value> {
        let from = usize::from(self.decompose.is_step());
        if progress.steps().len() <= from {
            return None;
        }
        let len = self.subtasks(progress).ok()?.len();
        Some(Batch { progress, from, len, at_once: self.at_once }.outputs())
    }
}

#[cfg(test)]
mod tests;
