//! [`GraphError`]: what a task graph refuses, and why. [`Cycle`] and [`Missing`] are parts of such answers.

use std::fmt;

use super::TaskState;

/// A task graph refused something; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// A name is empty, too long, or has letters that no name has.
    #[error(
        "{what} `{name}` is no name: 1 to {} bytes, not only spaces, without control characters",
        super::TaskGraph::NAME_BYTES_MAX
    )]
    InvalidName {
        /// What it was to name: `task` or `resource`.
        what: &'static str,
        /// The name, perhaps cut.
        name: String,
    },
    /// There is no such task. It may have been named as a dependency.
    #[error("there is no task `{task}`")]
    UnknownTask {
        /// Its name.
        task: String,
    },
    /// There is a task of this name already.
    #[error("there is a task `{task}` already")]
    DuplicateTask {
        /// Its name.
        task: String,
    },
    /// Tasks would wait for each other for ever.
    #[error("tasks would wait for each other: {0}")]
    Cycle(Cycle),
    /// The task cannot begin, or cannot be done already: something is missing.
    #[error("task `{task}` {missing}")]
    NotReady {
        /// Its name.
        task: String,
        /// What is missing.
        missing: Box<Missing>,
    },
    /// The task is in a state in which this cannot be done to it.
    #[error("task `{task}` is {state}; only one that {allowed} can be {wanted}")]
    WrongState {
        /// Its name.
        task: String,
        /// Its state.
        state: TaskState,
        /// What was to be done to it, such as `started`.
        wanted: &'static str,
        /// To which tasks that can be done, such as `has not begun`.
        allowed: &'static str,
    },
    /// The task cannot be taken out: others depend on it.
    #[error("task `{task}` cannot be removed: {count} depend on it, such as `{dependant}`")]
    HasDependants {
        /// Its name.
        task: String,
        /// One that depends on it.
        dependant: String,
        /// How many do.
        count: u32,
    },
    /// The graph is as large as one may be.
    #[error("a graph has at most {max} {what}")]
    TooLarge {
        /// What there is too much of: `tasks`, `dependencies`, `resources` or `bytes of names`.
        what: &'static str,
        /// How much there may be.
        max: u32,
    },
    /// A graph that was read says of a task what cannot be.
    #[error("task `{task}` cannot be {state}: {because}")]
    Inconsistent {
        /// Its name.
        task: String,
        /// The state that it is said to be in.
        state: TaskState,
        /// Why it cannot be.
        because: &'static str,
    },
}

impl GraphError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidName { .. } => "graph.invalid_name",
            Self::UnknownTask { .. } => "graph.unknown_task",
            Self::DuplicateTask { .. } => "graph.duplicate_task",
            Self::Cycle(_) => "graph.cycle",
            Self::NotReady { .. } => "graph.not_ready",
            Self::WrongState { .. } => "graph.wrong_state",
            Self::HasDependants { .. } => "graph.has_dependants",
            Self::TooLarge { .. } => "graph.too_large",
            Self::Inconsistent { .. } => "graph.inconsistent",
        }
    }
}

/// Tasks each of which depends on the next, and the last on the first.
///
/// ```
/// use safeguards_coord::{GraphError, TaskGraph};
///
/// let mut graph = TaskGraph::new();
/// for task in ["gather", "clean", "weigh"] {
///     graph.add(task)?;
/// }
/// graph.add_dependency("clean", "gather")?;
/// graph.add_dependency("weigh", "clean")?;
/// let Err(GraphError::Cycle(cycle)) = graph.add_dependency("gather", "weigh") else { panic!() };
/// assert_eq!(cycle.to_string(), "gather -> weigh -> clean -> gather (each depends on the next)");
/// assert_eq!(cycle.len(), 3);
/// # Ok::<(), GraphError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    first: Vec<String>,
    last: Vec<String>,
    len: usize,
}

impl Cycle {
    /// How many tasks are named: of a longer cycle the first half of so many and the last.
    pub const NAMED_MAX: usize = 16;

    /// Tasks by name, in order.
    pub(super) fn new<'n>(len: usize, name: impl Fn(usize) -> &'n str) -> Self {
        let half = Self::NAMED_MAX / 2;
        let names = |from, to| (from..to).map(|at| name(at).to_owned()).collect();
        if len <= Self::NAMED_MAX {
            return Self { first: names(0, len), last: Vec::new(), len };
        }
        Self { first: names(0, half), last: names(len.saturating_sub(half), len), len }
    }

    /// How many tasks it has.
    #[expect(clippy::len_without_is_empty, reason = "a cycle is never empty")]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Its tasks, each of which depends on the next: all, or of more than [`Self::NAMED_MAX`] the first and the
    /// last.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        self.first.iter().chain(&self.last).map(String::as_str)
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, len } = self;
        for task in first {
            write!(out, "{task} -> ")?;
        }
        let named = first.len().saturating_add(last.len());
        if named < *len {
            write!(out, "… {} more … -> ", len.saturating_sub(named))?;
        }
        for task in last {
            write!(out, "{task} -> ")?;
        }
        let back_at = first.first().map_or("", String::as_str);
        write!(out, "{back_at} (each depends on the next)")
    }
}

/// What a task waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// What it depends on and has not succeeded, in the order in which that was said.
    pub tasks: Vec<String>,
    /// Those of `tasks` that failed or were skipped: they come only if they are tried again.
    pub failed: Vec<String>,
    /// Those of `tasks` that were named and never added.
    pub unknown: Vec<String>,
    /// Resources that are not there.
    pub resources: Vec<String>,
}

impl Missing {
    /// How many names of each kind are told to people.
    const TOLD_MAX: usize = 8;

    pub(super) const fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.resources.is_empty()
    }
}

impl fmt::Display for Missing {
    /// As the end of a sentence about the task: `waits for clean (never added); lacks notes`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tasks, failed, unknown, resources } = self;
        if !tasks.is_empty() {
            out.write_str("waits for ")?;
            tell(out, tasks, |task| {
                if unknown.contains(task) {
                    " (never added)"
                } else if failed.contains(task) {
                    " (failed or skipped)"
                } else {
                    ""
                }
            })?;
        }
        if !resources.is_empty() {
            out.write_str(if tasks.is_empty() { "lacks " } else { "; lacks " })?;
            tell(out, resources, |_| "")?;
        }
        Ok(())
    }
}

fn tell(
    out: &mut fmt::Formatter<'_>,
    names: &[String],
    note: impl Fn(&String) -> &'static str,
) -> fmt::Result {
    for (place, name) in names.iter().take(Missing::TOLD_MAX).enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        write!(out, "{comma}{name}{}", note(name))?;
    }
    match names.len().saturating_sub(Missing::TOLD_MAX) {
        0 => Ok(()),
        more => write!(out, " and {more} more"),
    }
}
