//! [`GraphFault`]: why a graph cannot be run, or not to its end.

use std::fmt;

use safeguards_types::AgentId;

use crate::{GraphError, Missing, Reason};

/// The run of a graph ends, because of the graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum GraphFault {
    /// There is nothing to do.
    #[error("the graph has no tasks")]
    Empty,
    /// Nobody is there who could do it.
    #[error("task `{task}` is for {agent}, who is not in the team")]
    UnknownAgent {
        /// The task.
        task: String,
        /// Who should do it.
        agent: AgentId,
    },
    /// What tasks wait for never comes: one of each kind is named.
    #[error("{}", never_ready([unknown.as_deref(), lacking.as_deref(), lost.as_deref()]))]
    NeverReady {
        /// One that depends on what was never added.
        unknown: Option<Box<Stalled>>,
        /// One that lacks a resource.
        lacking: Option<Box<Stalled>>,
        /// One that depends on what failed.
        lost: Option<Box<Stalled>>,
    },
    /// A task that was to be added when another had ended was refused.
    #[error("the graph cannot grow by what `{after}` gave: {error}")]
    Growth {
        /// Which had ended.
        after: String,
        /// Why not.
        error: GraphError,
    },
}

/// A task that can never begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stalled {
    task: String,
    /// Why not.
    because: String,
    /// How many others cannot for a reason of that kind.
    others: usize,
}

impl Stalled {
    /// The first task, what it says of itself, and how many there are besides.
    fn first(
        tasks: &[(&str, &Missing)],
        because: impl Fn(&Missing) -> String,
    ) -> Option<Box<Self>> {
        let ((task, missing), others) = tasks.split_first()?;
        let others = others.len();
        Some(Box::new(Self { task: (*task).to_owned(), because: because(missing), others }))
    }
}

impl fmt::Display for Stalled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { task, because, others } = self;
        write!(out, "task `{task}` can never begin: it {because}")?;
        match others {
            0 => Ok(()),
            more => write!(out, " ({more} more likewise)"),
        }
    }
}

fn never_ready(kinds: [Option<&Stalled>; 3]) -> String {
    let kinds: Vec<String> = kinds.into_iter().flatten().map(Stalled::to_string).collect();
    kinds.join("; ")
}

impl GraphFault {
    /// Of these tasks, which wait for what never comes, one of each kind.
    pub(super) fn never_ready(stalled: &[(&str, Missing)]) -> Self {
        let of = |kind: fn(&Missing) -> &[String]| -> Vec<(&str, &Missing)> {
            let is_of = |(_, missing): &&(&str, Missing)| !kind(missing).is_empty();
            stalled.iter().filter(is_of).map(|(task, missing)| (*task, missing)).collect()
        };
        let first = |names: &[String]| names.first().cloned().unwrap_or_default();
        Self::NeverReady {
            unknown: Stalled::first(&of(|missing| &missing.unknown), |missing| {
                format!("depends on `{}`, which was never added", first(&missing.unknown))
            }),
            lacking: Stalled::first(&of(|missing| &missing.resources), |missing| {
                format!("lacks `{}`, which nobody provides", first(&missing.resources))
            }),
            lost: Stalled::first(&of(|missing| &missing.failed), |missing| {
                format!("depends on `{}`, which did not succeed", first(&missing.failed))
            }),
        }
    }
}

impl GraphFault {
    /// The stable code.
    const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "graph.empty",
            Self::UnknownAgent { .. } => "graph.unknown_agent",
            Self::NeverReady { .. } => "graph.never_ready",
            Self::Growth { error, .. } => error.code(),
        }
    }
}

impl From<GraphFault> for Reason {
    fn from(fault: GraphFault) -> Self {
        Self::new(fault.code(), fault.to_string())
    }
}
