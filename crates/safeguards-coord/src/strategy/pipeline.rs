//! [`Pipeline`]: one agent after the other, each working on what the one before gave.

use crate::{Move, Progress, State, Strategy};

/// The output of one agent is the input of the next; the task's text stays. The first gets the task's own
/// input. Stops at the first step that does not succeed; the rest is skipped. The last output is the team's.
///
/// Steps bear their agents' names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pipeline;

impl Pipeline {
    /// A pipeline through the team, in its order.
    pub const fn new() -> Self {
        Self
    }
}

impl Strategy for Pipeline {
    fn name(&self) -> &'static str {
        "pipeline"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        let waiting = progress.agents().get(progress.steps().len()..).unwrap_or_default();
        match (progress.steps().last(), waiting) {
            (Some(running), _) if running.state.is_none() => Vec::new(),
            (Some(last), rest) if last.has_not_succeeded() => {
                let state = last.state.unwrap_or(State::Failed);
                let because = format!("{} {}", last.step, state.as_verb());
                let skip = |agent: &safeguards_types::AgentId| Move::Skip {
                    step: agent.as_str().into(),
                    agent: agent.clone(),
                    because: because.clone(),
                };
                rest.iter().map(skip).chain([last.finish()]).collect()
            }
            (Some(last), []) => vec![last.finish()],
            (Some(last), [agent, ..]) => {
                let input = last.output.clone().unwrap_or_default();
                let task = progress.task().clone().with_input(input);
                vec![Move::start(agent.as_str(), agent, task)]
            }
            (None, [agent, ..]) => {
                vec![Move::start(agent.as_str(), agent, progress.task().clone())]
            }
            (None, []) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
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
        let mut progress = progress();
        assert_eq!(Pipeline.next(&progress), [start("a", json!("text"))]);
        for (agent, next) in [("a", "b"), ("b", "c")] {
            assert!(progress.begin(agent.into(), agent.into()));
            assert_eq!(Pipeline.next(&progress), []);
            progress.end(&agent.into(), State::Succeeded, Some(json!({ "by": agent })));
            assert_eq!(Pipeline.next(&progress), [start(next, json!({ "by": agent }))]);
        }
        progress.begin("c".into(), "c".into());
        progress.end(&"c".into(), State::Succeeded, Some(json!(3)));
        assert_eq!(Pipeline.next(&progress), [Move::Succeed { output: json!(3) }]);
    }

    #[test]
    fn the_first_that_does_not_succeed_stops_it() {
        let mut progress = progress();
        progress.begin("a".into(), "a".into());
        progress.end(&"a".into(), State::Denied, None);
        let skip = |agent: &str| Move::Skip {
            step: agent.into(),
            agent: agent.into(),
            because: "a was denied".to_owned(),
        };
        let stop = Move::Stop { because_of: "a".into(), output: None };
        assert_eq!(Pipeline.next(&progress), [skip("b"), skip("c"), stop]);
    }
}
