//! [`TaskGraph`]: tasks, and what each of them waits for.

mod column;
mod critical;
mod error;
mod form;
mod levels;
mod lists;
mod names;
mod new_task;
mod ranks;
mod ready;
mod resources;
mod running;
mod seats;
mod state;
mod view;

use safeguards_types::Priority;

use self::{
    column::Column,
    levels::{Levels, Neighbors},
    lists::{Lists, Span},
    names::Names,
    ranks::Ranks,
    ready::Ready,
    resources::Resources,
    seats::Seats,
};
pub use self::{
    critical::CriticalPath,
    error::{Cycle, GraphError, Missing},
    new_task::{NewTask, TaskId, TaskRef},
    state::{OnFailure, TaskCounts, TaskState},
    view::TaskView,
};
use crate::Seat;

/// Tasks, what each of them depends on, and how far they are. It never has a cycle: a dependency that would close
/// one is refused, and the cycle is shown.
///
/// A plain value: it does nothing by itself and reads no clock. Whoever runs tasks asks what is
/// [ready](Self::ready), and says what has begun and ended. All may be added while others are running.
///
/// ```
/// use safeguards_coord::{GraphError, TaskGraph};
///
/// let mut graph = TaskGraph::new();
/// graph.add("gather_data")?;
/// graph.add("analyze_data")?;
/// graph.add_dependency("analyze_data", "gather_data")?;
/// graph.add_resource("analyze_data", "data_file")?;
/// graph.assign("analyze_data", "analysis_agent")?;
///
/// let missing = graph.blocked("analyze_data", ["config"])?.unwrap();
/// assert_eq!(missing.to_string(), "waits for gather_data; lacks data_file");
///
/// graph.complete("gather_data")?;
/// assert_eq!(graph.blocked("analyze_data", ["data_file", "config"])?, None);
/// # Ok::<(), GraphError>(())
/// ```
///
/// # Names and numbers
///
/// A task is meant by its name or by its [`TaskId`], which [`add`](Self::add) gives and which is faster. The name
/// of a task that there is not may be depended on: it counts as missing until a task of that name is added.
///
/// # What it costs
///
/// Nothing here looks at the whole graph, unless it says so. Beginning a task costs the same in a graph of any
/// size, ending it costs a little for each task that depends on it. Adding a dependency searches for a cycle only
/// where both its ends are tied in already, and then for no longer, on average over all that are added, than the
/// square root of how many there are.
#[derive(Clone, Debug, Default)]
pub struct TaskGraph {
    names: Names,
    nodes: Column<Node>,
    standing: Column<Standing>,
    /// How much each task waits for: dependencies that have not succeeded, and resources that are not there.
    open: Column<u32>,
    /// What tasks depend on.
    needs: Lists,
    /// What depends on them.
    dependants: Lists,
    levels: Levels,
    ranks: Ranks,
    ready: Ready,
    seats: Seats,
    resources: Resources,
    counts: TaskCounts,
    dependencies: u32,
    on_failure: OnFailure,
}

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    needs: Span,
    dependants: Span,
    seat: u32,
}

/// What is looked at most often, kept apart: that of many tasks is at hand at once.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// `None`: named, and never added.
    state: Option<TaskState>,
    priority: Priority,
}

/// What a search for cycles sees of a graph.
struct Edges<'g> {
    nodes: &'g Column<Node>,
    needs: &'g Lists,
    dependants: &'g Lists,
}

impl Neighbors for Edges<'_> {
    fn needs(&self, task: u32) -> &[u32] {
        self.needs.of(self.nodes.get(task).needs)
    }

    fn dependants(&self, task: u32) -> &[u32] {
        self.dependants.of(self.nodes.get(task).dependants)
    }
}

impl TaskGraph {
    /// How many tasks there may be, removed ones and those that were named only among them.
    pub const TASKS_MAX: u32 = 1 << 26;
    /// How many dependencies there may be.
    pub const DEPENDENCIES_MAX: u32 = 1 << 28;
    /// How many bytes the name of a task or a resource may have.
    pub const NAME_BYTES_MAX: usize = 256;

    /// A graph without tasks. What depends on a task that fails is skipped.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what becomes of those that depend on a task that fails. To be said before one does.
    #[must_use]
    pub fn on_failure(self, on_failure: OnFailure) -> Self {
        Self { on_failure, ..self }
    }

    /// Adds a task: a name, or a [`NewTask`] with all that belongs to it.
    ///
    /// ```
    /// use safeguards_coord::{GraphError, NewTask, TaskGraph};
    /// use safeguards_types::Priority;
    ///
    /// let mut graph = TaskGraph::new();
    /// let gather = graph.add("gather")?;
    /// let weigh = NewTask::new("weigh").after(["gather"]).by("scales").priority(Priority::P8);
    /// let weigh = graph.add(weigh)?;
    /// assert_eq!(graph.ready().collect::<Vec<_>>(), [gather]);
    /// graph.complete(gather)?;
    /// assert_eq!(graph.ready().collect::<Vec<_>>(), [weigh]);
    /// # Ok::<(), GraphError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where there is one of that name, a name is none, the graph is as large as one may be, or tasks that depend
    /// on it already would wait for each other with it.
    pub fn add(&mut self, task: impl Into<NewTask>) -> Result<TaskId, GraphError> {
        let NewTask { name, after, seat, resources, priority } = task.into();
        let task = self.name_task(&name)?;
        if self.standing.get(task).state.is_some() {
            return Err(GraphError::DuplicateTask { task: name });
        }
        self.put(task, priority);
        if let Some(seat) = seat {
            self.seat(task, seat);
        }
        let tied = after.iter().try_for_each(|on| {
            let on = self.name_task(on)?;
            self.tie(task, on).map(drop)
        });
        let tied = tied.and_then(|()| {
            resources.iter().try_for_each(|resource| self.require(task, resource).map(drop))
        });
        if let Err(error) = tied {
            self.take_out(task);
            return Err(error);
        }
        self.skip_if_lost(task);
        Ok(TaskId(task))
    }

    /// Makes `task` depend on `on`, which need not be added yet. `false`, and nothing changed, where it does already.
    ///
    /// If `on` has failed or was skipped, `task` is skipped too, unless [failures block](OnFailure::Block).
    ///
    /// # Errors
    ///
    /// Where this would close a cycle, there is no such task, it has begun or ended, or the name of `on` is none.
    pub fn add_dependency<'a>(
        &mut self,
        task: impl Into<TaskRef<'a>>,
        on: impl Into<TaskRef<'a>>,
    ) -> Result<bool, GraphError> {
        let task = self.find(task.into())?;
        self.check_not_begun(task, "given a dependency")?;
        let on = match on.into() {
            TaskRef::Name(name) => self.name_task(name)?,
            TaskRef::Id(id) => self.find(id.into())?,
        };
        let is_new = self.tie(task, on)?;
        // Not asked of all that it depends on, each time that another comes.
        if self.standing.get(on).state.is_some_and(TaskState::is_failure) {
            self.skip_if_lost(task);
        }
        Ok(is_new)
    }

    /// Makes `task` depend on `on` no longer. `false`, and nothing changed, where it does not.
    ///
    /// # Errors
    ///
    /// Where there is no such task, or it has begun or ended.
    pub fn remove_dependency<'a>(
        &mut self,
        task: impl Into<TaskRef<'a>>,
        on: impl Into<TaskRef<'a>>,
    ) -> Result<bool, GraphError> {
        let task = self.find(task.into())?;
        self.check_not_begun(task, "freed of a dependency")?;
        let on = match on.into() {
            TaskRef::Name(name) => self.names.find(name),
            TaskRef::Id(id) => Some(id.0),
        };
        let was_tied = on.is_some_and(|on| self.untie(task, on));
        self.settle(task);
        Ok(was_tied)
    }

    /// Makes `task` need a resource. `false`, and nothing changed, where it does already.
    ///
    /// # Errors
    ///
    /// Where there is no such task, it has begun or ended, or the name is none.
    pub fn add_resource<'a>(
        &mut self,
        task: impl Into<TaskRef<'a>>,
        resource: impl AsRef<str>,
    ) -> Result<bool, GraphError> {
        let task = self.find(task.into())?;
        self.check_not_begun(task, "given a need")?;
        self.require(task, resource.as_ref())
    }

    /// Says who does a task: an agent, or whoever meets a need.
    ///
    /// # Errors
    ///
    /// Where there is no such task, or it has begun or ended.
    pub fn assign<'a>(
        &mut self,
        task: impl Into<TaskRef<'a>>,
        seat: impl Into<Seat>,
    ) -> Result<(), GraphError> {
        let task = self.find(task.into())?;
        self.check_not_begun(task, "assigned")?;
        self.seat(task, seat.into());
        Ok(())
    }

    /// Sets how much a task matters among those that are ready.
    ///
    /// # Errors
    ///
    /// Where there is no such task, or it has begun or ended.
    pub fn set_priority<'a>(
        &mut self,
        task: impl Into<TaskRef<'a>>,
        priority: Priority,
    ) -> Result<(), GraphError> {
        let task = self.find(task.into())?;
        self.check_not_begun(task, "given a priority")?;
        let (before, rank) = (self.standing.get(task), self.ranks.of(task));
        self.standing.set(task, Standing { priority, ..before });
        if before.state == Some(TaskState::Ready) {
            self.ready.remove(before.priority, rank);
            self.ready.insert(priority, rank);
        }
        Ok(())
    }

    /// Takes out a task on which nothing depends. Its name is kept, so that a graph in which tasks come and go
    /// under ever new names grows.
    ///
    /// # Errors
    ///
    /// Where there is no such task, it is running, or another one depends on it.
    pub fn remove<'a>(&mut self, task: impl Into<TaskRef<'a>>) -> Result<(), GraphError> {
        let task = self.find(task.into())?;
        let node = self.nodes.get(task);
        if self.standing.get(task).state == Some(TaskState::Running) {
            return Err(self.wrong_state(task, "removed", "is not running"));
        }
        if let Some(dependant) = self.dependants.of(node.dependants).first() {
            return Err(GraphError::HasDependants {
                task: self.names.of(task).to_owned(),
                dependant: self.names.of(*dependant).to_owned(),
                count: node.dependants.len(),
            });
        }
        self.take_out(task);
        Ok(())
    }

    /// The number of a name, which is checked and noted if it is new.
    fn name_task(&mut self, name: &str) -> Result<u32, GraphError> {
        if let Some(task) = self.names.find(name) {
            return Ok(task);
        }
        check_name("task", name)?;
        if self.names.len() >= Self::TASKS_MAX {
            return Err(GraphError::TooLarge { what: "tasks", max: Self::TASKS_MAX });
        }
        let added = self.names.add(name);
        added.ok_or(GraphError::TooLarge { what: "bytes of names", max: u32::MAX })
    }

    /// The number of a task that there is.
    fn find(&self, task: TaskRef<'_>) -> Result<u32, GraphError> {
        let found = match task {
            TaskRef::Name(name) => self.names.find(name),
            TaskRef::Id(TaskId(number)) => Some(number),
        };
        let is_there = |task: &u32| self.standing.get(*task).state.is_some();
        found.filter(is_there).ok_or_else(|| GraphError::UnknownTask {
            task: match task {
                TaskRef::Name(name) => shown(name),
                TaskRef::Id(TaskId(number)) => match self.names.of(number) {
                    "" => format!("#{number}"),
                    name => name.to_owned(),
                },
            },
        })
    }

    /// Makes a task of a name.
    fn put(&mut self, task: u32, priority: Priority) {
        self.ranks.give(task);
        self.standing.set(task, Standing { state: Some(TaskState::Waiting), priority });
        self.counts.add(TaskState::Waiting);
        self.settle(task);
    }

    /// Makes a name of a task: all that belongs to it goes, but what depends on it stays.
    fn take_out(&mut self, task: u32) {
        while let Some(on) = self.needs.of(self.nodes.get(task).needs).last().copied() {
            self.untie(task, on);
        }
        self.resources.forget(task);
        self.open.set(task, 0);
        let (node, rank) = (self.nodes.get(task), self.ranks.of(task));
        let Standing { state, priority } = self.standing.get(task);
        if state == Some(TaskState::Ready) {
            self.ready.remove(priority, rank);
        }
        if let Some(state) = state {
            self.counts.take(state);
        }
        self.standing.set(task, Standing::default());
        self.nodes.set(task, Node { dependants: node.dependants, ..Node::default() });
    }

    fn seat(&mut self, task: u32, seat: Seat) {
        let seat = self.seats.number(seat);
        if let Some(node) = self.nodes.at(task) {
            node.seat = seat;
        }
    }

    fn require(&mut self, task: u32, resource: &str) -> Result<bool, GraphError> {
        check_name("resource", resource)?;
        let required = self
            .resources
            .require(task, resource)
            .ok_or(GraphError::TooLarge { what: "resources", max: Resources::MAX })?;
        if required.is_lacking
            && let Some(open) = self.open.at(task)
        {
            *open = open.saturating_add(1);
        }
        self.settle(task);
        Ok(required.is_new)
    }

    fn tie(&mut self, task: u32, on: u32) -> Result<bool, GraphError> {
        if self.is_tied(task, on) {
            return Ok(false);
        }
        if self.dependencies >= Self::DEPENDENCIES_MAX {
            let max = Self::DEPENDENCIES_MAX;
            return Err(GraphError::TooLarge { what: "dependencies", max });
        }
        let edges = Edges { nodes: &self.nodes, needs: &self.needs, dependants: &self.dependants };
        if let Err(cycle) = self.levels.order(&edges, task, on) {
            let name = |at: usize| cycle.get(at).map_or("", |task| self.names.of(*task));
            return Err(GraphError::Cycle(Cycle::new(cycle.len(), name)));
        }
        let too_large = GraphError::TooLarge { what: "dependencies", max: self.dependencies };
        let node = self.nodes.at(task);
        if !node.is_some_and(|node| self.needs.push(&mut node.needs, on)) {
            return Err(too_large);
        }
        let node = self.nodes.at(on);
        if !node.is_some_and(|node| self.dependants.push(&mut node.dependants, task)) {
            if let Some(node) = self.nodes.at(task) {
                self.needs.remove(&mut node.needs, on);
            }
            return Err(too_large);
        }
        self.dependencies = self.dependencies.saturating_add(1);
        let state = self.standing.get(on).state;
        if state != Some(TaskState::Succeeded)
            && let Some(open) = self.open.at(task)
        {
            *open = open.saturating_add(1);
            self.settle(task);
        }
        Ok(true)
    }

    /// Looks through the shorter of the two lists in which the other end would stand.
    fn is_tied(&self, task: u32, on: u32) -> bool {
        let (needs, dependants) = (self.nodes.get(task).needs, self.nodes.get(on).dependants);
        if needs.len() <= dependants.len() {
            self.needs.of(needs).contains(&on)
        } else {
            self.dependants.of(dependants).contains(&task)
        }
    }

    fn untie(&mut self, task: u32, on: u32) -> bool {
        let node = self.nodes.at(task);
        if !node.is_some_and(|node| self.needs.remove(&mut node.needs, on)) {
            return false;
        }
        if let Some(node) = self.nodes.at(on) {
            self.dependants.remove(&mut node.dependants, task);
        }
        self.dependencies = self.dependencies.saturating_sub(1);
        if self.standing.get(on).state != Some(TaskState::Succeeded)
            && let Some(open) = self.open.at(task)
        {
            *open = open.saturating_sub(1);
        }
        true
    }
}

/// The rule that accounts and agents have too.
fn check_name(what: &'static str, name: &str) -> Result<(), GraphError> {
    let is_name = (1..=TaskGraph::NAME_BYTES_MAX).contains(&name.len())
        && !name.chars().any(char::is_control)
        && !name.chars().all(char::is_whitespace);
    if is_name { Ok(()) } else { Err(GraphError::InvalidName { what, name: shown(name) }) }
}

/// A text from elsewhere, for messages: cut, and nothing in it is done to a terminal.
fn shown(text: &str) -> String {
    const CHARS: usize = 60;
    let mut shown: String = text.chars().take(CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(CHARS).is_some() {
        shown.push('…');
    }
    shown
}
