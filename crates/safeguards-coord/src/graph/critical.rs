//! [`CriticalPath`]: the chain of tasks that takes longest.

use super::{
    TaskGraph, TaskId,
    column::{Column, place},
};

/// Tasks each of which depends on the one before, with the largest sum of weights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CriticalPath {
    /// The tasks, in the order in which they can be done.
    pub tasks: Vec<TaskId>,
    /// The sum of their weights.
    pub weight: u64,
}

impl TaskGraph {
    /// The longest chain of tasks by their number, whatever their states. Looks at the whole graph.
    ///
    /// ```
    /// use safeguards_coord::{GraphError, NewTask, TaskGraph};
    ///
    /// let mut graph = TaskGraph::new();
    /// let gather = graph.add("gather")?;
    /// let weigh = graph.add(NewTask::new("weigh").after(["gather"]))?;
    /// let report = graph.add(NewTask::new("report").after(["gather", "weigh"]))?;
    /// assert_eq!(graph.critical_path().tasks, [gather, weigh, report]);
    ///
    /// // The same with weights: how many minutes each takes.
    /// let minutes = graph.critical_path_by(|task| if task == weigh { 0 } else { 20 });
    /// assert_eq!(minutes.weight, 40);
    /// # Ok::<(), GraphError>(())
    /// ```
    pub fn critical_path(&self) -> CriticalPath {
        self.critical_path_by(|_| 1)
    }

    /// The chain of tasks with the largest sum of weights: what they take, say, or what is left of it. A task that
    /// weighs nothing does not lengthen a chain. A sum beyond `u64::MAX` counts as that.
    pub fn critical_path_by(&self, mut weight: impl FnMut(TaskId) -> u64) -> CriticalPath {
        // What each still waits for, and the heaviest chain that ends before it.
        let mut open = Column::<u32>::default();
        let mut chains = Column::<Chain>::default();
        let mut order = Vec::with_capacity(place(self.len()));
        for view in self.tasks() {
            let task = view.id().0;
            let is_there = |need: &&u32| self.standing.get(**need).state.is_some();
            let needs = self.needs.of(self.nodes.get(task).needs).iter().filter(is_there).count();
            open.set(task, super::column::number(needs));
            if needs == 0 {
                order.push(task);
            }
        }
        let (mut at, mut heaviest) = (0_usize, None::<(u64, u32)>);
        while let Some(task) = order.get(at).copied() {
            let before = chains.get(task);
            let sum = before.weight.saturating_add(weight(TaskId(task)));
            chains.set(task, Chain { weight: sum, ..before });
            if heaviest.is_none_or(|(most, _)| sum > most) {
                heaviest = Some((sum, task));
            }
            for dependant in self.dependants.of(self.nodes.get(task).dependants) {
                let Some(chain) = chains.at(*dependant) else { continue };
                if sum > chain.weight || !chain.has_before {
                    *chain = Chain { weight: sum, before: task, has_before: true };
                }
                let Some(left) = open.at(*dependant) else { continue };
                *left = left.saturating_sub(1);
                if *left == 0 {
                    order.push(*dependant);
                }
            }
            at = at.saturating_add(1);
        }
        let Some((weight, last)) = heaviest else {
            return CriticalPath::default();
        };
        let mut tasks = vec![TaskId(last)];
        let mut chain = chains.get(last);
        while chain.has_before {
            tasks.push(TaskId(chain.before));
            chain = chains.get(chain.before);
        }
        tasks.reverse();
        CriticalPath { tasks, weight }
    }
}

/// The heaviest chain up to a task, and the task before it.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    weight: u64,
    before: u32,
    has_before: bool,
}
