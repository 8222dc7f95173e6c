//! [`Pipeline`]: one step after the other, each working on what the one before gave.

use serde_json::Value;

use super::{batch::ended_so, names::names_of};
use crate::{Move, Progress, Seat, Step, StepId, Strategy};

/// One step after the other, each working on what the one before gave.
///
/// ```text
///   input ──> reader ──> analyst ──> writer ──> output
/// ```
///
/// What it promises:
///
/// - The output of one is the input of the next; the task's text stays. The first gets the task's own input, the
///   last output is the team's.
/// - It stops at the first step that does not succeed, in that step's state. The rest is skipped.
/// - What the steps before gave is kept in the report; the last of it is [what there is to show](Strategy::so_far).
/// - Never more than one step runs.
///
/// Steps bear their agents' names; one that is given to whoever can do it, that of the capability. Where a name
/// was there before, the place in the pipeline follows, from 1: `data.analysis-3`.
///
/// ```
/// use safeguards_coord::{Move, Pipeline, Progress, State, Strategy, Task};
/// use serde_json::json;
///
/// let pipeline = Pipeline::new();
/// let mut progress = Progress::new(Task::new("digest"), ["reader".into(), "writer".into()]);
/// progress.begin("reader".into(), "reader".into());
/// progress.end(&"reader".into(), State::Succeeded, Some(json!("notes")));
/// let write = Task::new("digest").with_input("notes");
/// assert_eq!(pipeline.next(&progress), [Move::start("writer", "writer", write)]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pipeline {
    /// Who does what, in this order, and what the step is called; none: the team in its own.
    seats: Vec<(StepId, Seat)>,
}

impl Pipeline {
    /// A pipeline through the team, in its order.
    pub const fn new() -> Self {
        Self { seats: Vec::new() }
    }

    /// A pipeline through these seats, in this order; through none it is the same as [`Pipeline::new`].
    ///
    /// ```
    /// use safeguards_coord::{Pipeline, Seat};
    /// use safeguards_discovery::{Order, Query};
    ///
    /// let analysis = Query::new("data.analysis")?.order(Order::LeastLoaded);
    /// let report = Pipeline::through([Seat::from("reader"), analysis.into(), "writer".into()]);
    /// # let _ = report;
    /// # Ok::<(), safeguards_discovery::InvalidField>(())
    /// ```
    pub fn through<S: Into<Seat>>(seats: impl IntoIterator<Item = S>) -> Self {
        let seats: Vec<Seat> = seats.into_iter().map(Into::into).collect();
        Self { seats: names_of(&seats).into_iter().zip(seats).collect() }
    }

    /// The step at `place`, from 0: its name and who does it.
    fn seat(&self, progress: &Progress, place: usize) -> Option<(StepId, Seat)> {
        if !self.seats.is_empty() {
            return self.seats.get(place).cloned();
        }
        let agent = progress.agents().get(place)?;
        Some((agent.as_str().into(), agent.into()))
    }
}

impl Strategy for Pipeline {
    fn name(&self) -> &'static str {
        "pipeline"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        let named = progress.steps().len();
        match (progress.steps().last(), self.seat(progress, named)) {
            (Some(running), _) if running.state.is_none() => Vec::new(),
            (Some(last), _) if last.has_not_succeeded() => {
                let because = ended_so(last);
                let skip = |(step, seat): (StepId, Seat)| Move::Skip {
                    step,
                    seat,
                    because: because.clone(),
                };
                let rest = (named..).map_while(|place| self.seat(progress, place));
                rest.map(skip).chain([last.finish()]).collect()
            }
            (Some(last), None) => vec![last.finish()],
            (Some(last), Some((step, seat))) => {
                let input = last.output.clone().unwrap_or_default();
                let task = progress.task().clone().with_input(input);
                vec![Move::Start(Step::new(step, seat, task))]
            }
            (None, Some((step, seat))) => {
                let task = progress.task().clone();
                vec![Move::Start(Step::new(step, seat, task))]
            }
            (None, None) => Vec::new(),
        }
    }

    fn so_far(&self, progress: &Progress) -> Option<Value> {
        let last = progress.steps().iter().rfind(|step| step.has_succeeded())?;
        last.output.clone()
    }
}

#[cfg(test)]
mod tests {
    use safeguards_discovery::Query;
    use serde_json::json;

    use super::*;
    use crate::{State, Task, strategy::play::Play};

    fn progress() -> Progress {
        let task = Task::new("count").with_input(json!("text"));
        Progress::new(task, ["a".into(), "b".into(), "c".into()])
    }

    fn start(agent: &str, input: Value) -> Move {
        Move::start(agent, agent, Task::new("count").with_input(input))
    }

    #[test]
    fn the_output_of_one_is_the_input_of_the_next() {
        let (pipeline, mut progress) = (Pipeline::new(), progress());
        assert_eq!(pipeline.next(&progress), [start("a", json!("text"))]);
        for (agent, next) in [("a", "b"), ("b", "c")] {
            assert!(progress.begin(agent.into(), agent.into()));
            assert_eq!(pipeline.next(&progress), []);
            progress.end(&agent.into(), State::Succeeded, Some(json!({ "by": agent })));
            assert_eq!(pipeline.next(&progress), [start(next, json!({ "by": agent }))]);
        }
        progress.begin("c".into(), "c".into());
        progress.end(&"c".into(), State::Succeeded, Some(json!(3)));
        assert_eq!(pipeline.next(&progress), [Move::Succeed { output: json!(3) }]);
    }

    #[test]
    fn the_first_that_does_not_succeed_stops_it() {
        let mut progress = progress();
        progress.begin("a".into(), "a".into());
        progress.end(&"a".into(), State::Denied, None);
        let skip = |agent: &str| Move::Skip {
            step: agent.into(),
            seat: agent.into(),
            because: "a was denied".to_owned(),
        };
        let stop = Move::Stop { because_of: "a".into(), why: None, output: None };
        assert_eq!(Pipeline::new().next(&progress), [skip("b"), skip("c"), stop]);
    }

    #[test]
    fn a_stage_may_be_given_to_whoever_can_do_it() {
        let need = || Query::new("data.analysis").unwrap();
        let pipeline = Pipeline::through([need().into(), Seat::from("b"), need().into()]);
        let (mut progress, count) = (progress(), Task::new("count"));
        let first = Move::start_by("data.analysis", need(), count.clone().with_input("text"));
        assert_eq!(pipeline.next(&progress), [first]);
        progress.begin_unchosen("data.analysis".into());
        progress.end(&"data.analysis".into(), State::Succeeded, Some(json!(1)));
        assert_eq!(pipeline.next(&progress), [start("b", json!(1))]);
        progress.begin("b".into(), "b".into());
        progress.end(&"b".into(), State::Succeeded, Some(json!(2)));
        let last = Move::start_by("data.analysis-3", need(), count.with_input(2));
        assert_eq!(pipeline.next(&progress), [last]);
    }

    #[test]
    fn what_there_is_so_far_is_what_was_given_last() {
        let mut play = Play::new(Pipeline::through(["a", "b", "a"]), &["a", "b"]);
        assert_eq!(play.so_far(), None);
        assert_eq!(play.ask(), [r#"a: a do("it")"#]);
        assert_eq!(play.ok("a", 1), ["b: b do(1)"]);
        assert_eq!(play.ok("b", 2), ["a-3: a do(2)"]);
        assert_eq!(play.so_far(), Some(json!(2)));
        assert_eq!(play.fail("a-3"), ["stop because of a-3"]);
        assert_eq!(play.so_far(), Some(json!(2)));
    }
}
