//! [`TaskView`]: what a [`TaskGraph`] says of a task, and of all of them.

use std::collections::HashSet;

use safeguards_types::Priority;

use super::{
    GraphError, Missing, Node, Standing, TaskCounts, TaskGraph, TaskId, TaskRef, TaskState,
};
use crate::Seat;

/// A task as it stands in its graph.
#[derive(Clone, Copy, Debug)]
pub struct TaskView<'g> {
    graph: &'g TaskGraph,
    task: u32,
}

impl<'g> TaskView<'g> {
    /// Its number.
    pub const fn id(self) -> TaskId {
        TaskId(self.task)
    }

    /// Its name.
    pub fn name(self) -> &'g str {
        self.graph.names.of(self.task)
    }

    /// How far it is.
    pub fn state(self) -> TaskState {
        self.standing().state.unwrap_or(TaskState::Waiting)
    }

    /// How much it matters among those that are ready.
    pub fn priority(self) -> Priority {
        self.standing().priority
    }

    /// Who does it, if that was said.
    pub fn seat(self) -> Option<&'g Seat> {
        self.graph.seats.of(self.node().seat)
    }

    /// The names of what it depends on, in the order in which that was said. Some may never have been added.
    pub fn dependencies(self) -> impl ExactSizeIterator<Item = &'g str> {
        let needs = self.graph.needs.of(self.node().needs).iter();
        needs.map(|need| self.graph.names.of(*need))
    }

    /// The tasks that depend on it, in the order in which that was said.
    pub fn dependants(self) -> impl ExactSizeIterator<Item = Self> {
        let dependants = self.graph.dependants.of(self.node().dependants).iter();
        dependants.map(move |task| Self { task: *task, ..self })
    }

    /// What it needs besides, and whether that was [provided](TaskGraph::provide).
    pub fn resources(self) -> impl ExactSizeIterator<Item = (&'g str, bool)> {
        self.graph.resources.of(self.task)
    }

    fn standing(self) -> Standing {
        self.graph.standing.get(self.task)
    }

    fn node(self) -> Node {
        self.graph.nodes.get(self.task)
    }
}

impl TaskGraph {
    /// How many tasks there are.
    pub const fn len(&self) -> u32 {
        self.counts.total()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many dependencies there are.
    pub const fn dependencies(&self) -> u32 {
        self.dependencies
    }

    /// How many tasks are in each state.
    pub const fn counts(&self) -> TaskCounts {
        self.counts
    }

    /// Whether all tasks have ended.
    pub const fn is_over(&self) -> bool {
        self.counts.ended() == self.counts.total()
    }

    /// The task of this name or number; `None` where there is none.
    pub fn task<'a>(&self, task: impl Into<TaskRef<'a>>) -> Option<TaskView<'_>> {
        let task = self.find(task.into()).ok()?;
        Some(TaskView { graph: self, task })
    }

    /// The name of a task; empty where the number is of another graph.
    pub fn name(&self, task: TaskId) -> &str {
        self.names.of(task.0)
    }

    /// All tasks, in the order in which they were added.
    pub fn tasks(&self) -> impl Iterator<Item = TaskView<'_>> {
        (0..self.ranks.given()).filter_map(|rank| {
            let task = self.ranks.task(rank);
            let is_there = self.standing.get(task).state.is_some() && self.ranks.of(task) == rank;
            is_there.then_some(TaskView { graph: self, task })
        })
    }

    /// What was [provided](Self::provide), sorted by name.
    pub fn provided(&self) -> impl Iterator<Item = &str> {
        self.resources.there()
    }

    /// What a task waits for, where `available` is there besides what was [provided](Self::provide); `None` where
    /// nothing is missing.
    ///
    /// ```
    /// use safeguards_coord::{GraphError, NewTask, TaskGraph};
    ///
    /// let mut graph = TaskGraph::new();
    /// graph.add(NewTask::new("weigh").after(["gather"]).needs(["scales"]))?;
    /// let missing = graph.blocked("weigh", ["scales"])?.unwrap();
    /// assert_eq!((missing.tasks, missing.unknown), (vec!["gather".to_owned()], vec!["gather".to_owned()]));
    /// assert!(missing.resources.is_empty());
    /// # Ok::<(), GraphError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where there is no such task.
    pub fn blocked<'a, R: AsRef<str>>(
        &self,
        task: impl Into<TaskRef<'a>>,
        available: impl IntoIterator<Item = R>,
    ) -> Result<Option<Missing>, GraphError> {
        Ok(self.missing_of(self.find(task.into())?, available))
    }

    /// What a task waits for, where only what was [provided](Self::provide) is there; `None` where nothing is
    /// missing.
    ///
    /// # Errors
    ///
    /// Where there is no such task.
    pub fn missing<'a>(&self, task: impl Into<TaskRef<'a>>) -> Result<Option<Missing>, GraphError> {
        self.blocked(task, None::<&str>)
    }

    /// The tasks that wait for what no other task will bring: a dependency that was never added, or that failed
    /// where [failures block](crate::OnFailure::Block), or a resource that is not there. What waits behind them is
    /// not told. Looks at all tasks.
    pub fn stalled(&self) -> impl Iterator<Item = TaskView<'_>> {
        self.tasks().filter(|view| {
            let is_lost =
                |need: &u32| self.standing.get(*need).state.is_none_or(TaskState::is_failure);
            view.state() == TaskState::Waiting
                && (view.resources().any(|(_, is_there)| !is_there)
                    || self.needs.of(view.node().needs).iter().any(is_lost))
        })
    }

    pub(super) fn missing_of<R: AsRef<str>>(
        &self,
        task: u32,
        available: impl IntoIterator<Item = R>,
    ) -> Option<Missing> {
        let mut missing = Missing::default();
        for need in self.needs.of(self.nodes.get(task).needs) {
            let state = self.standing.get(*need).state;
            if state == Some(TaskState::Succeeded) {
                continue;
            }
            let name = self.names.of(*need).to_owned();
            match state {
                None => missing.unknown.push(name.clone()),
                Some(state) if state.is_failure() => missing.failed.push(name.clone()),
                Some(_) => {}
            }
            missing.tasks.push(name);
        }
        let lacking = self.resources.of(task).filter(|(_, is_there)| !is_there);
        missing.resources = lacking.map(|(resource, _)| resource.to_owned()).collect();
        if !missing.resources.is_empty() {
            let available: Vec<R> = available.into_iter().collect();
            let available: HashSet<&str> = available.iter().map(AsRef::as_ref).collect();
            missing.resources.retain(|resource| !available.contains(resource.as_str()));
        }
        (!missing.is_empty()).then_some(missing)
    }
}
