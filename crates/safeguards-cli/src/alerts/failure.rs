//! [`Failure`]: why rules for alerts are not to be used.

use std::{io, path::PathBuf};

use safeguards_notify::{AlertError, RulesError};

use crate::{exit, rules_file};

/// Why rules are not to be used, or could not be checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// The rules are wrong.
    #[error("{}: {error}", path.display())]
    Rules { path: PathBuf, error: RulesError },
    /// The text of `--alert` is no alert.
    #[error(
        "`--alert` is no alert: {0}; one is {{\"severity\":\"high\",\"topic\":\"budget.denied\",\"message\":\"…\"}}"
    )]
    NoAlert(String),
    /// What was asked is wrong, and the result says so.
    #[error(transparent)]
    Told(Box<Self>),
    /// The alert of `--alert` is one that would be cut.
    #[error("`--alert` is too large")]
    TooLarge(#[from] AlertError),
    /// The result cannot be written where it should go.
    #[error("the result cannot be written to standard output")]
    Output { source: io::Error },
    /// The result cannot be written as JSON.
    #[error("the result cannot be written as JSON")]
    Json(serde_json::Error),
}

impl Failure {
    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "config.unreadable",
            Self::Rules { error, .. } => error.code(),
            Self::NoAlert(_) | Self::TooLarge(_) => "alerts.usage",
            Self::Told(failure) => failure.code(),
            Self::Output { .. } => "cli.output",
            Self::Json(_) => "cli.json",
        }
    }

    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Unreadable { .. } | Self::Rules { .. } | Self::NoAlert(_) | Self::TooLarge(_) => {
                exit::USAGE
            }
            Self::Told(failure) => failure.exit_code(),
            Self::Output { .. } | Self::Json(_) => exit::INTERNAL,
        }
    }

    /// Every mistake with its code, where there may be several.
    pub(crate) fn mistakes(&self) -> Option<Vec<(&'static str, String)>> {
        match self {
            Self::Rules { path, error } => Some(rules_file::mistakes(path, error)),
            Self::Told(_) => Some(Vec::new()),
            Self::Unreadable { .. }
            | Self::NoAlert(_)
            | Self::TooLarge(_)
            | Self::Output { .. }
            | Self::Json(_) => None,
        }
    }
}
