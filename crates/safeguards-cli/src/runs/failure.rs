//! [`Failure`]: why there is no answer about runs.

use std::{io, path::PathBuf};

use safeguards_coord::{RunId, RunStoreError, RunStoreErrorKind};
use safeguards_redb::OpenError;

use crate::{durable, exit};

/// Why there is no answer about runs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no such file.
    #[error(
        "{}: there is no such store of runs; `safeguards run TEAM TASK --store FILE` makes one, and `--store` names another",
        store.display()
    )]
    NoFile { store: PathBuf },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] RunStoreError),
    /// The durable file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The program cannot run here.
    #[error(transparent)]
    Runtime(#[from] Box<durable::Failure>),
    /// There is no such run in the store.
    #[error("there is no run {run} in {}; `safeguards runs list --store {}` has those that there are", store.display(), store.display())]
    UnknownRun { run: RunId, store: PathBuf },
    /// The answer cannot be written where it should go.
    #[error("the answer cannot be written to standard output")]
    Output { source: io::Error },
    /// The answer cannot be written as JSON.
    #[error("the answer cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// The answer cannot be written.
    pub(super) const fn output(source: io::Error) -> Self {
        Self::Output { source }
    }

    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoFile { .. } => RunStoreErrorKind::Unavailable.code(),
            Self::Store(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::Runtime(error) => error.code(),
            Self::UnknownRun { .. } => RunStoreErrorKind::UnknownRun.code(),
            Self::Output { .. } => "cli.output",
            Self::Json(_) => "cli.json",
        }
    }

    /// Whether it is an answer to who asks; else standard output takes none.
    pub(crate) const fn is_a_refusal(&self) -> bool {
        !matches!(self, Self::Output { .. } | Self::Json(_))
    }

    /// What the process ends with.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::NoFile { .. }
            | Self::Open(OpenError::InUse { .. } | OpenError::Unusable { .. }) => exit::STORE,
            Self::Runtime(error) => error.exit_code(),
            Self::Store(error) if error.is_retryable() => exit::STORE,
            Self::UnknownRun { .. } | Self::Store(_) | Self::Open(_) => exit::USAGE,
            Self::Output { .. } | Self::Json(_) => exit::INTERNAL,
        }
    }
}
