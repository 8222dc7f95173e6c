//! [`GraphFault`]: why a graph cannot be run, or not to its end.

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
    /// What it waits for never comes.
    #[error("task `{task}` can never begin: it {missing}{}", and_more(*.others))]
    NeverReady {
        /// The task.
        task: String,
        /// What it waits for.
        missing: Box<Missing>,
        /// How many others are in the same case.
        others: usize,
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

fn and_more(others: usize) -> String {
    if others == 0 { String::new() } else { format!("; {others} more likewise") }
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
