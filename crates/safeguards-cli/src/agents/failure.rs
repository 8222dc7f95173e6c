//! [`Failure`]: why an answer about agents is none.

use std::io;

use safeguards_discovery::InvalidField;

use super::mistake::Mistake;
use crate::exit;

/// Why there is no answer, or not the whole of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Arguments that do not fit together.
    #[error("{0}")]
    Usage(String),
    /// The catalog cannot be opened.
    #[error("{file}: the catalog cannot be read")]
    Unreadable { file: String, source: io::Error },
    /// The catalog is not there.
    #[error(
        "{file}: there is no such catalog; `safeguards agents import` makes one, `--catalog` names another, and \
         `--from` reads cards without any"
    )]
    NoCatalog { file: String },
    /// A line of the catalog is none: all that are wrong.
    #[error("{file}: the catalog has mistakes")]
    Catalog { file: String, mistakes: Vec<Mistake> },
    /// Some of what was read cannot be used; the rest was, and the answer told.
    #[error("some of what was read cannot be used")]
    Read { mistakes: Vec<Mistake> },
    /// The answer has told all mistakes.
    #[error("what cannot be used was told")]
    Told,
    /// A file cannot be written.
    #[error("{file}: cannot be written")]
    Unwritable { file: String, source: io::Error },
    /// Nobody of this name is here.
    #[error("no agent `{agent}` is here{}", did_you_mean(near))]
    UnknownAgent { agent: String, near: Vec<String> },
    /// An agent has nothing of the form that is asked for.
    #[error("agent `{agent}`: {what}")]
    Unexportable { agent: String, what: String },
    /// The question cannot be asked.
    #[error(transparent)]
    Query(#[from] InvalidField),
    /// The answer cannot be written where it should go.
    #[error("the answer cannot be written to standard output")]
    Output { source: io::Error },
    /// The answer cannot be written as JSON.
    #[error("the answer cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Which were perhaps meant.
fn did_you_mean(near: &[String]) -> String {
    let named: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    if named.is_empty() {
        return String::new();
    }
    format!("; did you mean {}?", named.join(" or "))
}

impl Failure {
    /// The answer, or a file of it, cannot be written.
    pub(super) const fn output(source: io::Error) -> Self {
        Self::Output { source }
    }

    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Usage(_) => "agents.usage",
            Self::Unreadable { .. } | Self::NoCatalog { .. } => "agents.unreadable",
            Self::Catalog { .. } => "agents.bad_line",
            Self::Read { .. } | Self::Told => "agents.mistakes",
            Self::Unwritable { .. } => "agents.unwritable",
            Self::UnknownAgent { .. } => "agents.unknown_agent",
            Self::Unexportable { .. } => "agents.unexportable",
            Self::Query(error) => error.code(),
            Self::Output { .. } => "cli.output",
            Self::Json(_) => "cli.json",
        }
    }

    /// What the process ends with.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownAgent { .. } => exit::NOT_FOUND,
            Self::Usage(_)
            | Self::Unreadable { .. }
            | Self::NoCatalog { .. }
            | Self::Catalog { .. }
            | Self::Read { .. }
            | Self::Told
            | Self::Unwritable { .. }
            | Self::Unexportable { .. }
            | Self::Query(_) => exit::USAGE,
            Self::Output { .. } | Self::Json(_) => exit::INTERNAL,
        }
    }

    /// Every mistake with its code, where there may be several.
    pub(crate) fn mistakes(&self) -> Option<Vec<(&str, String)>> {
        match self {
            Self::Catalog { mistakes, .. } | Self::Read { mistakes } => {
                Some(mistakes.iter().map(|mistake| (mistake.code, mistake.to_string())).collect())
            }
            Self::Told => Some(Vec::new()),
            Self::Usage(_)
            | Self::Unreadable { .. }
            | Self::NoCatalog { .. }
            | Self::Unwritable { .. }
            | Self::UnknownAgent { .. }
            | Self::Unexportable { .. }
            | Self::Query(_)
            | Self::Output { .. }
            | Self::Json(_) => None,
        }
    }
}
