//! [`FanOut`]: many inputs, or one task for everybody, side by side.

use std::num::NonZeroUsize;

use safeguards_discovery::Query;
use serde_json::Value;

use crate::{Move, Progress, Seat, Step, StepId, Strategy};

/// What the end of one step means for the others of a fan-out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Every step runs to its end, whatever becomes of the others. The run succeeds if all do.
    #[default]
    All,
    /// The first step that does not succeed cancels what is running and skips the rest.
    FailFast,
}

/// Inputs side by side: given out round robin over the team, in order, at most so many at once. Without
/// inputs every agent gets the task itself, once.
///
/// [By a need](Self::by), each input is given to whoever of the team is best at that moment; without inputs the
/// task itself, once.
///
/// The team's output is a list in the order of the inputs, with `null` for what did not succeed. Steps are
/// named after their agent and the number of their input, from 1: `reader-3`; without inputs after their
/// agent alone. By a need, they are named after the capability that is needed: `data.analysis-3`.
///
/// ```
/// use safeguards_coord::{FanOut, Policy};
/// use serde_json::json;
///
/// let pages = FanOut::over([json!("page 1"), json!("page 2")]).at_once(4).policy(Policy::FailFast);
/// # let _ = pages;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FanOut {
    inputs: Vec<Value>,
    at_once: NonZeroUsize,
    policy: Policy,
    by: Option<Seat>,
}

impl FanOut {
    /// How many steps run at once unless another number is set.
    pub const AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).unwrap();

    /// The task itself, for every agent of the team.
    pub const fn to_everybody() -> Self {
        Self { inputs: Vec::new(), at_once: Self::AT_ONCE, policy: Policy::All, by: None }
    }

    /// The task with each of these inputs. None at all is the same as [`FanOut::to_everybody`].
    pub fn over(inputs: impl IntoIterator<Item = Value>) -> Self {
        Self { inputs: inputs.into_iter().collect(), ..Self::to_everybody() }
    }

    /// Runs at most `steps` at once; 0 is read as 1.
    #[must_use]
    pub fn at_once(self, steps: usize) -> Self {
        Self { at_once: NonZeroUsize::new(steps).unwrap_or(NonZeroUsize::MIN), ..self }
    }

    /// Sets what the end of one step means for the others.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Gives each input to whoever of the team is best at this need when its step begins. The runner needs a
    /// [`Selector`](crate::Selector).
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
        Self { by: Some(need.into()), ..self }
    }

    fn len(&self, progress: &Progress) -> usize {
        match (self.inputs.len(), &self.by) {
            (0, None) => progress.agents().len(),
            (0, Some(_)) => 1,
            (inputs, _) => inputs,
        }
    }

    /// The step at `place`, from 0: its name and who does it.
    fn seat(&self, progress: &Progress, place: usize) -> Option<(StepId, Seat)> {
        if let Some(seat) = &self.by {
            let (name, number) = (seat.name(), place.saturating_add(1));
            let step = if self.inputs.is_empty() {
                name.into()
            } else {
                format!("{name}-{number}").into()
            };
            return Some((step, seat.clone()));
        }
        let agents = progress.agents();
        let agent = agents.get(place.checked_rem(agents.len())?)?.clone();
        if self.inputs.is_empty() {
            return Some((agent.as_str().into(), agent.into()));
        }
        Some((format!("{agent}-{}", place.saturating_add(1)).into(), agent.into()))
    }

    fn start(&self, progress: &Progress, place: usize) -> Option<Move> {
        let (step, seat) = self.seat(progress, place)?;
        let task = progress.task().clone();
        let task = match self.inputs.get(place) {
            Some(input) => task.with_input(input.clone()),
            None => task,
        };
        Some(Move::Start(Step::new(step, seat, task)))
    }

    fn skip(&self, progress: &Progress, place: usize, because: &str) -> Option<Move> {
        let (step, seat) = self.seat(progress, place)?;
        Some(Move::Skip { step, seat, because: because.to_owned() })
    }

    /// The outputs in the order of the inputs.
    fn outputs(&self, progress: &Progress) -> Value {
        let output = |place: usize| {
            let step = progress.steps().get(place).filter(|step| step.has_succeeded());
            step.and_then(|step| step.output.clone())
        };
        let outputs = (0..self.len(progress)).map(|place| output(place).unwrap_or_default());
        Value::Array(outputs.collect())
    }

    fn finish(&self, progress: &Progress) -> Move {
        let output = self.outputs(progress);
        match progress.first_unsuccessful() {
            None => Move::Succeed { output },
            Some(step) => Move::Stop { because_of: step.step.clone(), output: Some(output) },
        }
    }
}

impl Strategy for FanOut {
    fn name(&self) -> &'static str {
        "fan_out"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        let (named, all) = (progress.steps().len(), self.len(progress));
        if self.policy == Policy::FailFast
            && let Some(failed) = progress.first_unsuccessful()
        {
            let because =
                format!("{} {}", failed.step, failed.state.map_or("", |state| state.as_verb()));
            let skip = |place| self.skip(progress, place, &because);
            return (named..all).filter_map(skip).chain([self.finish(progress)]).collect();
        }
        if named == all && progress.running() == 0 {
            return vec![self.finish(progress)];
        }
        let room = self.at_once.get().saturating_sub(progress.running());
        let until = named.saturating_add(room).min(all);
        (named..until).filter_map(|place| self.start(progress, place)).collect()
    }

    fn so_far(&self, progress: &Progress) -> Option<Value> {
        Some(self.outputs(progress))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{State, Task};

    fn progress() -> Progress {
        Progress::new(Task::new("read"), ["a".into(), "b".into()])
    }

    /// Carries out the starts, and gives the names of what was started.
    fn start(progress: &mut Progress, moves: Vec<Move>) -> Vec<String> {
        let mut started = Vec::new();
        for step in moves {
            if let Move::Start(step) = step {
                started.push(format!("{} {}", step.step, step.task.input()));
                assert!(progress.begin(step.step, step.seat.agent().cloned().unwrap()));
            }
        }
        started
    }

    #[test]
    fn inputs_go_round_robin_and_so_many_at_once() {
        let fan_out = FanOut::over((1..=5).map(|page| json!(page))).at_once(3);
        let mut progress = progress();
        let moves = fan_out.next(&progress);
        assert_eq!(start(&mut progress, moves), ["a-1 1", "b-2 2", "a-3 3"]);
        assert_eq!(fan_out.next(&progress), []);
        progress.end(&"b-2".into(), State::Succeeded, Some(json!("two")));
        let moves = fan_out.next(&progress);
        assert_eq!(start(&mut progress, moves), ["b-4 4"]);
        progress.end(&"a-1".into(), State::Denied, None);
        let moves = fan_out.next(&progress);
        assert_eq!(start(&mut progress, moves), ["a-5 5"]);
        for step in ["a-3", "b-4", "a-5"] {
            assert_eq!(fan_out.next(&progress), []);
            progress.end(&step.into(), State::Succeeded, Some(json!(step)));
        }
        let output = json!([null, "two", "a-3", "b-4", "a-5"]);
        let stop = Move::Stop { because_of: "a-1".into(), output: Some(output) };
        assert_eq!(fan_out.next(&progress), [stop]);
    }

    #[test]
    fn without_inputs_everybody_gets_the_task_once() {
        let fan_out = FanOut::over([]);
        let mut progress = progress();
        let moves = fan_out.next(&progress);
        assert_eq!(start(&mut progress, moves), ["a null", "b null"]);
        progress.end(&"b".into(), State::Succeeded, Some(json!(2)));
        progress.end(&"a".into(), State::Succeeded, Some(json!(1)));
        assert_eq!(fan_out.next(&progress), [Move::Succeed { output: json!([1, 2]) }]);
    }

    #[test]
    fn by_a_need_nobody_is_named() {
        let need = Query::new("data.analysis").unwrap();
        let start = |step: &str, input| {
            Move::start_by(step, need.clone(), Task::new("read").with_input(input))
        };
        let pages = FanOut::over([json!(1), json!(2), json!(3)]).at_once(2).by(need.clone());
        let mut progress = progress();
        let expected = [start("data.analysis-1", json!(1)), start("data.analysis-2", json!(2))];
        assert_eq!(pages.next(&progress), expected);
        assert!(progress.begin_unchosen("data.analysis-1".into()));
        assert_eq!(progress.steps()[0].agent, None);
        progress.chosen(&"data.analysis-1".into(), "b".into());
        assert_eq!(progress.steps()[0].agent, Some("b".into()));
        let once = FanOut::to_everybody().by(need.clone());
        let only = Move::start_by("data.analysis", need, Task::new("read"));
        assert_eq!(once.next(&self::progress()), [only]);
    }

    #[test]
    fn fail_fast_skips_what_was_not_begun() {
        let fan_out =
            FanOut::over((1..=4).map(|page| json!(page))).at_once(2).policy(Policy::FailFast);
        let mut progress = progress();
        let moves = fan_out.next(&progress);
        start(&mut progress, moves);
        progress.end(&"b-2".into(), State::Failed, None);
        let skip = |step: &str, agent: &str| Move::Skip {
            step: step.into(),
            seat: agent.into(),
            because: "b-2 failed".to_owned(),
        };
        let output = Some(json!([null, null, null, null]));
        let stop = Move::Stop { because_of: "b-2".into(), output };
        assert_eq!(fan_out.next(&progress), [skip("a-3", "a"), skip("b-4", "b"), stop]);
    }
}
