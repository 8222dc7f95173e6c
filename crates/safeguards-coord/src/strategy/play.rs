//! [`Play`]: a run without agents, for tests of strategies: moves are noted, and steps end as the test says.

use serde_json::Value;

use crate::{Move, Progress, State, Strategy, Task};

/// A run of which the test says how each step ends.
pub(super) struct Play<S> {
    strategy: S,
    pub(super) progress: Progress,
}

impl<S: Strategy> Play<S> {
    /// The task `do` for these agents.
    pub(super) fn new(strategy: S, agents: &[&str]) -> Self {
        let agents = agents.iter().map(|agent| (*agent).into());
        Self { strategy, progress: Progress::new(Task::new("do").with_input("it"), agents) }
    }

    /// Asks what comes next, and notes it. Each move is a line.
    pub(super) fn ask(&mut self) -> Vec<String> {
        let moves = self.strategy.next(&self.progress);
        moves.into_iter().map(|one| self.note(one)).collect()
    }

    fn note(&mut self, one: Move) -> String {
        let json =
            |output: Option<Value>| output.map_or(String::new(), |output| format!(" {output}"));
        match one {
            Move::Start(step) => {
                let task = format!("{}({})", step.task.text(), step.task.input());
                let over = if step.is_handed_over { ", handed over" } else { "" };
                let line = format!("{}: {} {task}{over}", step.step, step.seat.name());
                let named = match step.seat.agent() {
                    Some(agent) => self.progress.begin(step.step, agent.clone()),
                    None => self.progress.begin_unchosen(step.step),
                };
                assert!(named, "named twice: {line}");
                line
            }
            Move::Skip { step, seat, because } => {
                let line = format!("skip {step}: {because}");
                assert!(self.progress.begin_unchosen(step.clone()), "named twice: {line} {seat:?}");
                self.progress.end(&step, State::Skipped, None);
                line
            }
            Move::Cancel(step) => format!("cancel {step}"),
            Move::Succeed { output } => format!("succeed {output}"),
            Move::Stop { because_of, why, output } => {
                let why = why.map_or(String::new(), |why| format!(" ({why})"));
                format!("stop because of {because_of}{why}{}", json(output))
            }
            Move::Fail { reason, output } => format!("fail {reason}{}", json(output)),
        }
    }

    /// Lets a step end, and asks what comes next.
    pub(super) fn end(&mut self, step: &str, state: State, output: Option<Value>) -> Vec<String> {
        let known = self.progress.step(&step.into()).expect(step);
        assert_eq!(known.state, None, "{step} has ended already");
        self.progress.end(&step.into(), state, output);
        self.ask()
    }

    /// Lets a step succeed, and asks what comes next.
    pub(super) fn ok(&mut self, step: &str, output: impl Into<Value>) -> Vec<String> {
        self.end(step, State::Succeeded, Some(output.into()))
    }

    /// Lets a step fail, and asks what comes next.
    pub(super) fn fail(&mut self, step: &str) -> Vec<String> {
        self.end(step, State::Failed, None)
    }

    /// What there is to show.
    pub(super) fn so_far(&self) -> Option<Value> {
        self.strategy.so_far(&self.progress)
    }
}
