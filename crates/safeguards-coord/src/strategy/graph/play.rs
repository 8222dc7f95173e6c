//! [`Play`]: a graph in one run, as far as its end has been seen.

use safeguards_types::AgentId;
use serde_json::{Map, Value, json};

use super::{GraphFault, Plan};
use crate::{
    Move, Progress, Seat, State, Step, StepId, StepProgress, Task, TaskGraph, TaskId, TaskState,
    TaskView,
};

/// The graph of one run, and how much of the run's progress it has seen.
#[derive(Debug)]
pub(super) struct Play {
    identity: u64,
    graph: TaskGraph,
    /// How many ends it has seen.
    ended: usize,
    /// How many steps it has seen begin.
    begun: usize,
    /// How many steps there are once all moves are carried out that were given.
    expected: usize,
    /// Those skipped that were not told yet, and because of whom.
    skipped: Vec<(TaskId, String)>,
}

impl Play {
    /// The graph as it is before the run, if it can be run at all.
    pub(super) fn begin(plan: &Plan, progress: &Progress) -> Result<Self, GraphFault> {
        let mut graph = TaskGraph::clone(&plan.graph);
        if graph.is_empty() {
            return Err(GraphFault::Empty);
        }
        let again =
            |task: &TaskView<'_>| matches!(task.state(), TaskState::Failed | TaskState::Running);
        for task in graph.tasks().filter(again).map(TaskView::id).collect::<Vec<_>>() {
            // It is in one of these states, or was skipped by now for one that comes later.
            let _ = graph.retry(task);
        }
        if plan.growth.is_none() {
            check_can_end(&graph)?;
        }
        check_agents(&graph, progress.agents())?;
        let identity = progress.identity();
        Ok(Self { identity, graph, ended: 0, begun: 0, expected: 0, skipped: Vec::new() })
    }

    pub(super) fn is_of(&self, progress: &Progress) -> bool {
        self.identity == progress.identity()
    }

    /// Whether all that was given was carried out, so that it is known how the graph stands.
    pub(super) fn fits(&self, progress: &Progress) -> bool {
        self.expected == progress.steps().len()
    }

    /// Takes in what ended and began since it last looked.
    pub(super) fn see(&mut self, plan: &Plan, progress: &Progress) -> Result<(), GraphFault> {
        for step in progress.ended(self.ended) {
            self.ended = self.ended.saturating_add(1);
            self.end(plan, step)?;
        }
        let steps = progress.steps();
        for step in steps.get(self.begun..).unwrap_or_default() {
            // Those that this very play began are running already.
            if step.state.is_none() {
                let _ = self.graph.start(step.step.as_str());
            }
        }
        self.begun = steps.len();
        self.expected = steps.len();
        // What was told of before has a step.
        self.skipped
            .retain(|(task, _)| progress.step(&StepId::from(self.graph.name(*task))).is_none());
        Ok(())
    }

    fn end(&mut self, plan: &Plan, step: &StepProgress) -> Result<(), GraphFault> {
        let name = step.step.as_str();
        match step.state {
            // We said so ourselves.
            None | Some(State::Skipped) => Ok(()),
            Some(State::Succeeded) => {
                // Only what was ready has begun, so that it can have ended.
                let _ = self.graph.complete(name);
                self.grow(plan, step)
            }
            Some(state) => {
                let because = format!("{name} {}", state.as_verb());
                let skipped = self.graph.fail(name).unwrap_or_default();
                self.skipped.extend(skipped.into_iter().map(|task| (task, because.clone())));
                Ok(())
            }
        }
    }

    fn grow(&mut self, plan: &Plan, step: &StepProgress) -> Result<(), GraphFault> {
        let Some(growth) = &plan.growth else { return Ok(()) };
        let output = step.output.as_ref().unwrap_or(&Value::Null);
        for task in growth(step.step.as_str(), output) {
            let added = self
                .graph
                .add(task)
                .map_err(|error| GraphFault::Growth { after: step.step.to_string(), error })?;
            // It may depend on one that failed before there was any talk of it.
            let lost = self.graph.task(added).filter(|task| task.state() == TaskState::Skipped);
            if lost.is_some() {
                self.skipped.push((added, "what it depends on did not succeed".to_owned()));
            }
        }
        Ok(())
    }

    /// What comes next. Nothing is left to be told after that until something ends.
    pub(super) fn moves(&mut self, plan: &Plan, progress: &Progress) -> Vec<Move> {
        let mut moves = Vec::new();
        for (task, because) in std::mem::take(&mut self.skipped) {
            moves.extend(self.skip(task, because, progress));
        }
        let has_failed = self.graph.counts().failed > 0;
        if has_failed && plan.stops_on_failure {
            moves.extend(self.skip_rest(progress));
            moves.push(self.finish(progress));
        } else {
            let room = plan.at_once.get().saturating_sub(progress.running());
            for _ in 0..room {
                let Some(task) = self.graph.start_next() else { break };
                moves.extend(self.start(plan, task, progress));
            }
            if self.graph.counts().running == 0 {
                moves.push(self.finish(progress));
            }
        }
        let steps = moves.iter().filter(|step| matches!(step, Move::Start(_) | Move::Skip { .. }));
        self.expected = progress.steps().len().saturating_add(steps.count());
        moves
    }

    fn start(&self, plan: &Plan, task: TaskId, progress: &Progress) -> Option<Move> {
        let view = self.graph.task(task)?;
        let own = plan.tasks.get(view.name());
        let text = match (own, progress.task().text()) {
            (Some(own), _) => own.text().to_owned(),
            (None, "") => view.name().to_owned(),
            (None, text) => format!("{text}: {}", view.name()),
        };
        let input = own.map_or(&Value::Null, Task::input);
        let input = if input.is_null() { progress.task().input() } else { input };
        let input = if view.dependencies().len() == 0 {
            input.clone()
        } else {
            let given = |name: &str| (name.to_owned(), output_of(name, progress));
            let after: Map<_, _> = view.dependencies().map(given).collect();
            json!({"input": input, "after": after})
        };
        let task = Task::new(text).with_input(input);
        Some(Move::Start(Step::new(view.name(), seat_of(view, progress)?, task)))
    }

    fn skip(&self, task: TaskId, because: String, progress: &Progress) -> Option<Move> {
        let view = self.graph.task(task)?;
        let seat = seat_of(view, progress)?;
        Some(Move::Skip { step: view.name().into(), seat, because })
    }

    /// Skips what has not begun, for the run stops.
    fn skip_rest(&self, progress: &Progress) -> Vec<Move> {
        let failed = progress.ended(0).find(|step| step.has_not_succeeded());
        let because = failed.map_or_else(String::new, |step| {
            format!("{} {}", step.step, step.state.map_or("", State::as_verb))
        });
        let rest = self.graph.tasks().filter(|task| task.state().is_to_come());
        rest.filter_map(|task| self.skip(task.id(), because.clone(), progress)).collect()
    }

    /// The end of the run: nothing is running, and nothing can begin.
    fn finish(&self, progress: &Progress) -> Move {
        let output = self.outputs(progress);
        // In the order of their ends, since it may be that the others were skipped for its sake.
        if let Some(step) = progress.ended(0).find(|step| step.has_not_succeeded()) {
            return Move::Stop { because_of: step.step.clone(), why: None, output: Some(output) };
        }
        match check_can_end(&self.graph) {
            Ok(()) => Move::Succeed { output },
            Err(fault) => Move::Fail { reason: fault.into(), output: Some(output) },
        }
    }

    /// What those gave on which nothing depends.
    pub(super) fn outputs(&self, progress: &Progress) -> Value {
        let leaves = self.graph.tasks().filter(|task| task.dependants().len() == 0);
        let given = |task: TaskView<'_>| (task.name().to_owned(), output_of(task.name(), progress));
        Value::Object(leaves.map(given).collect())
    }
}

/// What a task gave; `null` where it did not succeed in this run.
fn output_of(task: &str, progress: &Progress) -> Value {
    let step = progress.step(&task.into()).filter(|step| step.has_succeeded());
    step.and_then(|step| step.output.clone()).unwrap_or_default()
}

/// Who does a task: whoever it is for, else the agents in turn.
fn seat_of(task: TaskView<'_>, progress: &Progress) -> Option<Seat> {
    if let Some(seat) = task.seat() {
        return Some(seat.clone());
    }
    let agents = progress.agents();
    let place = usize::try_from(task.id().0).ok()?.checked_rem(agents.len())?;
    agents.get(place).map(Seat::from)
}

/// Whether nothing waits for what never comes.
fn check_can_end(graph: &TaskGraph) -> Result<(), GraphFault> {
    let missing = |task: TaskView<'_>| graph.missing(task.id()).ok().flatten().unwrap_or_default();
    let stalled: Vec<_> = graph.stalled().map(|task| (task.name(), missing(task))).collect();
    if stalled.is_empty() { Ok(()) } else { Err(GraphFault::never_ready(&stalled)) }
}

/// Whether everybody is in the team who is named.
fn check_agents(graph: &TaskGraph, agents: &[AgentId]) -> Result<(), GraphFault> {
    let agents: std::collections::HashSet<&AgentId> = agents.iter().collect();
    let is_to_come = |task: &TaskView<'_>| task.state() != TaskState::Succeeded;
    for task in graph.tasks().filter(is_to_come) {
        if let Some(agent) = task.seat().and_then(Seat::agent)
            && !agents.contains(agent)
        {
            let (task, agent) = (task.name().to_owned(), agent.clone());
            return Err(GraphFault::UnknownAgent { task, agent });
        }
    }
    Ok(())
}
