//! [`Pipeline`]: one step after the other, each working on what the one before gave.

use crate::{Move, Progress, Seat, State, Step, Strategy};

/// The output of one agent is the input of the next; the task's text stays. The first gets the task's own
/// input. Stops at the first step that does not succeed; the rest is skipped. The last output is the team's.
///
/// Steps bear their agents' names; one that is given to whoever can do it, that of the capability. Where a name
/// was there before, the place in the pipeline follows, from 1: `data.analysis-3`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pipeline {
    /// Who does what, in this order; none: the team in its own.
    seats: Vec<Seat>,
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
    pub fn through(seats: impl IntoIterator<Item = Seat>) -> Self {
        Self { seats: seats.into_iter().collect() }
    }

    /// The step at `place`, from 0: its name and who does it.
    fn seat(&self, progress: &Progress, place: usize) -> Option<(String, Seat)> {
        if self.seats.is_empty() {
            let agent = progress.agents().get(place)?;
            return Some((agent.to_string(), agent.into()));
        }
        let seat = self.seats.get(place)?;
        let is_taken = self.seats.iter().take(place).any(|before| before.name() == seat.name());
        let mut name = seat.name().to_owned();
        if is_taken {
            name = format!("{name}-{}", place.saturating_add(1));
        }
        Some((name, seat.clone()))
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
                let state = last.state.unwrap_or(State::Failed);
                let because = format!("{} {}", last.step, state.as_verb());
                let skip = |(step, seat): (String, Seat)| Move::Skip {
                    step: step.into(),
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
}

#[cfg(test)]
mod tests {
    use safeguards_discovery::Query;
    use serde_json::json;

    use super::*;
    use crate::Task;

    fn progress() -> Progress {
        let task = Task::new("count").with_input(json!("text"));
        Progress::new(task, ["a".into(), "b".into(), "c".into()])
    }

    fn start(agent: &str, input: serde_json::Value) -> Move {
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
        let stop = Move::Stop { because_of: "a".into(), output: None };
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
}
