//! [`FanOut`]: many inputs, or one task for everybody, side by side.

use std::{borrow::Cow, num::NonZeroUsize, sync::Arc};

use safeguards_discovery::Query;
use safeguards_types::AgentId;
use serde_json::Value;

use super::{
    batch::{AT_ONCE, Batch, Phase, at_once},
    choice::confined,
};
use crate::{Choice, Move, Policy, Progress, Seat, Step, StepId, Strategy};

/// Inputs side by side, each a step of its own.
///
/// ```text
///             ┌─> reader-1 ─┐
///   inputs ───┼─> writer-2 ─┼──> [output 1, output 2, output 3]
///             └─> reader-3 ─┘
/// ```
///
/// Inputs are given out [round robin](Choice::RoundRobin) over the team unless [`choose`](Self::choose) says
/// otherwise. [To everybody](Self::to_everybody) every agent gets the task itself, once; where somebody is chosen for
/// it, one agent.
///
/// What it promises:
///
/// - Every input is a step, and every step ends in a state of its own.
/// - Never more than [`at_once`](Self::at_once) steps run at the same time.
/// - The team's output is a list in the order of the inputs, with `null` for what did not succeed; also where the
///   run as a whole did not.
/// - When the run succeeds, and whether it ends early, is said by its [`Policy`]. A run in vain ends in the state
///   of the step that made it so.
/// - Where that is not that step's fault alone, the reason says so: that a quorum is out of reach, and who failed.
/// - A quorum that can never be is refused before anything begins (`fan_out.bad_quorum`).
/// - An empty list of inputs is no work: the run succeeds at once with an empty list, and costs nothing; where the
///   policy wants some to succeed, it is refused as above.
///
/// Steps are named after their agent and the number of their input, from 1: `reader-3`; to everybody after
/// their agent alone. Where somebody is chosen, they are named after the capability that is needed,
/// `data.analysis-3`, or `anybody-3`.
///
/// ```
/// use safeguards_coord::{FanOut, Policy, Progress, State, Strategy, Task};
/// use serde_json::json;
///
/// // Two of three sources are enough.
/// let ask = FanOut::over([json!("north"), json!("south"), json!("west")]).policy(Policy::Quorum(2));
///
/// let mut progress = Progress::new(Task::new("ask"), ["reader".into()]);
/// assert_eq!(ask.next(&progress).len(), 3);
/// for step in ["reader-1", "reader-2", "reader-3"] {
///     progress.begin(step.into(), "reader".into());
/// }
/// progress.end(&"reader-3".into(), State::Succeeded, Some(json!("rain")));
/// progress.end(&"reader-1".into(), State::Succeeded, Some(json!("sun")));
/// let enough = ask.next(&progress);
/// assert_eq!(ask.so_far(&progress), Some(json!(["sun", null, "rain"])));
/// # assert_eq!(enough.last(), Some(&safeguards_coord::Move::Succeed { output: json!(["sun", null, "rain"]) }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FanOut {
    /// None: the task itself.
    inputs: Option<Arc<[Value]>>,
    at_once: NonZeroUsize,
    policy: Policy,
    by: Option<Seat>,
    among: Option<Arc<[AgentId]>>,
}

impl FanOut {
    /// How many steps run at once unless another number is set.
    pub const AT_ONCE: NonZeroUsize = AT_ONCE;

    /// The task itself, for every agent of the team.
    pub fn to_everybody() -> Self {
        Self { inputs: None, at_once: AT_ONCE, policy: Policy::All, by: None, among: None }
    }

    /// The task with each of these inputs. An empty list is no work.
    pub fn over(inputs: impl IntoIterator<Item = Value>) -> Self {
        Self { inputs: Some(inputs.into_iter().collect()), ..Self::to_everybody() }
    }

    /// Runs at most `steps` at once; 0 is read as 1.
    #[must_use]
    pub fn at_once(self, steps: usize) -> Self {
        Self { at_once: at_once(steps), ..self }
    }

    /// Sets what the end of one step means for the others.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Sets who gets which input.
    ///
    /// ```
    /// use safeguards_coord::{Choice, FanOut};
    /// use safeguards_types::Unit;
    /// use serde_json::json;
    ///
    /// let pages = || FanOut::over([json!("page 1"), json!("page 2")]);
    /// let quick = pages().choose(Choice::LeastLoaded);
    /// let frugal = pages().choose(Choice::Cheapest(Unit::USD));
    /// assert_ne!(quick, frugal);
    /// ```
    #[must_use]
    pub fn choose(self, choice: Choice) -> Self {
        Self { by: choice.seat(), ..self }
    }

    /// Gives each input to whoever of the team is best at this need when its step begins: the same as
    /// [`choose`](Self::choose) with [`Choice::By`]. The runner needs a [`Selector`](crate::Selector).
    ///
    /// ```
    /// use safeguards_coord::FanOut;
    /// use safeguards_discovery::{Order, Query};
    /// use serde_json::json;
    ///
    /// let need = Query::new("data.analysis")?.version(">=1")?.order(Order::LeastLoaded);
    /// let pages = FanOut::over([json!("page 1"), json!("page 2")]).by(need);
    /// # let _ = pages;
    /// # Ok::<(), safeguards_discovery::InvalidField>(())
    /// ```
    #[must_use]
    pub fn by(self, need: Query) -> Self {
        self.choose(Choice::By(need))
    }

    /// Only these agents take part, instead of the whole team. An agent that is not in the team fails the run.
    #[must_use]
    pub fn among<A: Into<AgentId>>(self, agents: impl IntoIterator<Item = A>) -> Self {
        Self { among: Some(agents.into_iter().map(Into::into).collect()), ..self }
    }

    /// What this is within a run; `agents` take part where it does not say itself who does.
    pub(super) fn within<'a>(
        &'a self,
        progress: &'a Progress,
        agents: Cow<'a, [AgentId]>,
    ) -> Within<'a> {
        let confine = matches!(agents, Cow::Owned(_)) || self.among.is_some();
        let agents = self.among.as_deref().map_or(agents, Cow::Borrowed);
        let by = self
            .by
            .as_ref()
            .map(|seat| if confine { confined(seat, &agents) } else { seat.clone() });
        Within { fan_out: self, progress, agents, by }
    }
}

impl Default for FanOut {
    fn default() -> Self {
        Self::to_everybody()
    }
}

/// A fan-out within a run.
pub(super) struct Within<'a> {
    fan_out: &'a FanOut,
    progress: &'a Progress,
    agents: Cow<'a, [AgentId]>,
    by: Option<Seat>,
}

impl Within<'_> {
    /// How many steps there are.
    pub(super) fn len(&self) -> usize {
        match (&self.fan_out.inputs, &self.by) {
            (Some(inputs), _) => inputs.len(),
            (None, None) => self.agents.len(),
            (None, Some(_)) => 1,
        }
    }

    /// Whether a step may bear this name, which has no number at its end.
    pub(super) fn may_name(&self, name: &str) -> bool {
        match &self.by {
            Some(seat) => seat.name() == name,
            None => self.agents.iter().any(|agent| agent.as_str() == name),
        }
    }

    pub(super) fn batch(&self) -> Batch<'_> {
        let at_once = self.fan_out.at_once;
        Batch { progress: self.progress, from: 0, len: self.len(), at_once }
    }

    pub(super) fn advance(&self) -> Phase {
        self.batch().advance(self.fan_out.policy, |place| self.step(place))
    }

    /// The step at `place`, from 0.
    fn step(&self, place: usize) -> Option<Step> {
        let input = self.fan_out.inputs.as_ref().and_then(|inputs| inputs.get(place));
        let seat = match &self.by {
            Some(seat) => seat.clone(),
            None => self.agents.get(place.checked_rem(self.agents.len())?)?.into(),
        };
        let task = self.progress.task().clone();
        let (name, task): (StepId, _) = match input {
            Some(input) => {
                let number = place.saturating_add(1);
                (format!("{}-{number}", seat.name()).into(), task.with_input(input.clone()))
            }
            None => (seat.name().into(), task),
        };
        Some(Step::new(name, seat, task).given())
    }
}

impl Strategy for FanOut {
    fn name(&self) -> &'static str {
        "fan_out"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        let within = self.within(progress, Cow::Borrowed(progress.agents()));
        let (mut moves, end) = match within.advance() {
            Phase::Refused(fault) => return vec![fault.fail(None)],
            Phase::Going(moves) => return moves,
            Phase::Enough(moves) => (moves, Move::Succeed { output: within.batch().outputs() }),
            Phase::InVain { moves, because_of, why } => {
                let output = Some(within.batch().outputs());
                (moves, Move::Stop { because_of, why, output })
            }
        };
        // What is running is cancelled with the run.
        moves.retain(|one| !matches!(one, Move::Cancel(_)));
        moves.push(end);
        moves
    }

    fn so_far(&self, progress: &Progress) -> Option<Value> {
        Some(self.within(progress, Cow::Borrowed(progress.agents())).batch().outputs())
    }
}

#[cfg(test)]
mod tests;
