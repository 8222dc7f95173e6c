//! [`Graph`]: a task graph, each task as soon as its own dependencies are done.

mod fault;
mod play;

use std::{collections::HashMap, fmt, num::NonZeroUsize, sync::Arc};

use parking_lot::Mutex;
use serde_json::Value;

use self::{fault::GraphFault, play::Play};
use crate::{Move, NewTask, OnFailure, Progress, Strategy, Task, TaskGraph};

/// Says what is to be done besides, now that a task is done.
type Growth = dyn Fn(&str, &Value) -> Vec<NewTask> + Send + Sync;

/// Runs a [`TaskGraph`]: every task as soon as what it depends on itself is done, never in rounds. Among those that
/// are ready the highest priority goes first, at most so many at once.
///
/// Each task is a step of the same name. Who does it, says its seat; a task without one goes to the team's agents
/// in turn. Its text is the run's and its name, such as `research bees: gather`, unless [told otherwise](Self::task).
///
/// # Inputs and output
///
/// A task that depends on nothing gets its own input, or else the run's. One that depends on others gets an object:
/// `input` is that same input, and `after` holds what each that it depends on gave, by name:
///
/// ```json
/// {"input": null, "after": {"gather": "three notes", "measure": 7}}
/// ```
///
/// The team's output is an object as well: what each task gave on which nothing depends, by name, `null` where it
/// did not succeed.
///
/// # When something goes wrong
///
/// What depends on a task that did not succeed is skipped, and what depends on that; all else goes on, and the run
/// ends as the first that did not succeed. With [`stop_on_failure`](Self::stop_on_failure) the first such end stops
/// the run.
///
/// A graph in which a task waits for what never comes (a dependency that was never added, a resource that is not
/// [provided](TaskGraph::provide)), or that names an agent who is not in the team, is refused before anything is
/// spent; a [growing](Self::growing) one when there is nothing else left to do.
///
/// Tasks of the graph that have succeeded already are not done again. Those that failed, or were running, are.
///
/// ```
/// use safeguards_coord::{Graph, NewTask, TaskGraph};
///
/// let mut graph = TaskGraph::new();
/// graph.add(NewTask::new("gather").by("reader"))?;
/// graph.add(NewTask::new("measure").by("scales"))?;
/// graph.add(NewTask::new("report").by("writer").after(["gather", "measure"]))?;
/// let strategy = Graph::new(graph).at_once(4);
/// # let _ = strategy;
/// # Ok::<(), safeguards_coord::GraphError>(())
/// ```
pub struct Graph {
    plan: Plan,
    /// What was seen of the runs that are going on, the one that was asked about last at the end. A shortcut only:
    /// whatever is not here is found again by going through what ended.
    plays: Mutex<Vec<Play>>,
}

/// What there is to do, and how.
#[derive(Clone)]
struct Plan {
    graph: Arc<TaskGraph>,
    tasks: HashMap<String, Task>,
    at_once: NonZeroUsize,
    stops_on_failure: bool,
    growth: Option<Arc<Growth>>,
}

impl Graph {
    /// How many steps run at once unless another number is set.
    pub const AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).unwrap();
    /// How many runs at once are remembered.
    const PLAYS: usize = 16;

    /// Runs this graph, as far as it is not done.
    pub fn new(graph: TaskGraph) -> Self {
        let plan = Plan {
            // In a run nobody tries again what failed.
            graph: Arc::new(graph.on_failure(OnFailure::Skip)),
            tasks: HashMap::new(),
            at_once: Self::AT_ONCE,
            stops_on_failure: false,
            growth: None,
        };
        Self { plan, plays: Mutex::default() }
    }

    /// Runs at most `steps` at once; 0 is read as 1.
    #[must_use]
    pub fn at_once(mut self, steps: usize) -> Self {
        self.plan.at_once = NonZeroUsize::new(steps).unwrap_or(NonZeroUsize::MIN);
        self
    }

    /// Stops at the first task that does not succeed: what is running is cancelled, all else skipped.
    #[must_use]
    pub fn stop_on_failure(mut self) -> Self {
        self.plan.stops_on_failure = true;
        self
    }

    /// Says what the task of this name is: its text, and its input if it has one.
    #[must_use]
    pub fn task(mut self, name: impl Into<String>, task: Task) -> Self {
        self.plan.tasks.insert(name.into(), task);
        self
    }

    /// Lets the graph grow: `growth` is told the name and the output of each task that succeeds, and says what is
    /// to be done besides. It is pure: the same task and output give the same new ones. A task that is there
    /// already, or that closes a cycle, fails the run.
    ///
    /// ```
    /// use safeguards_coord::{Graph, NewTask, TaskGraph};
    ///
    /// let mut graph = TaskGraph::new();
    /// graph.add("list pages")?;
    /// let graph = Graph::new(graph).growing(|task, output| {
    ///     let pages = output.as_array().filter(|_| task == "list pages").into_iter().flatten();
    ///     pages.map(|page| NewTask::new(format!("read {page}")).after(["list pages"])).collect()
    /// });
    /// # let _ = graph;
    /// # Ok::<(), safeguards_coord::GraphError>(())
    /// ```
    #[must_use]
    pub fn growing(
        mut self,
        growth: impl Fn(&str, &Value) -> Vec<NewTask> + Send + Sync + 'static,
    ) -> Self {
        self.plan.growth = Some(Arc::new(growth));
        self
    }

    /// What was seen of this run, up to now.
    fn play(&self, progress: &Progress) -> Result<Play, GraphFault> {
        // Taken out while it is used: if a growth panics half-way, nothing half-done is left.
        let known = {
            let mut plays = self.plays.lock();
            let place = plays.iter().position(|play| play.is_of(progress));
            place.map(|place| plays.remove(place))
        };
        let mut play = match known.filter(|play| play.fits(progress)) {
            Some(play) => play,
            None => Play::begin(&self.plan, progress)?,
        };
        play.see(&self.plan, progress)?;
        Ok(play)
    }

    fn keep(&self, play: Play) {
        let mut plays = self.plays.lock();
        if plays.len() >= Self::PLAYS {
            plays.remove(0);
        }
        plays.push(play);
    }
}

impl Strategy for Graph {
    fn name(&self) -> &'static str {
        "graph"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        match self.play(progress) {
            Ok(mut play) => {
                let moves = play.moves(&self.plan, progress);
                self.keep(play);
                moves
            }
            Err(fault) => {
                let output = (!progress.steps().is_empty()).then(|| self.so_far(progress));
                vec![Move::Fail { reason: fault.into(), output: output.flatten() }]
            }
        }
    }

    fn so_far(&self, progress: &Progress) -> Option<Value> {
        let play = self.play(progress).ok()?;
        let outputs = play.outputs(progress);
        self.keep(play);
        Some(outputs)
    }
}

impl Clone for Graph {
    fn clone(&self) -> Self {
        Self { plan: self.plan.clone(), plays: Mutex::default() }
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { graph, tasks, at_once, stops_on_failure, growth } = &self.plan;
        out.debug_struct("Graph")
            .field("tasks", &graph.len())
            .field("told", &tasks.len())
            .field("at_once", at_once)
            .field("stops_on_failure", stops_on_failure)
            .field("grows", &growth.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
