//! [`Failure`]: why nothing was read from a durable file, or done to it.

use std::{io, path::PathBuf};

use safeguards_budget::{CommandError, LedgerError};
use safeguards_redb::{DumpError, LoadError, OpenError};

use crate::{denial, exit};

/// Why nothing was read from a durable file, or done to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no such file.
    #[error(
        "{}: there is no such durable file; `safeguards run TEAM TASK --store FILE.redb` makes one, and `--store` names another",
        store.display()
    )]
    NoFile { store: PathBuf },
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It could not be dumped.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// No file was made of a dump.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A command was not carried out.
    #[error("{}{near}", told(error))]
    Command { error: CommandError, near: String },
    /// There is no such account.
    #[error("there is no account {account}{near}")]
    NoAccount { account: String, near: String },
    /// What was given cannot be used.
    #[error("{what} `{given}`: {why}")]
    Wrong { what: &'static str, given: String, why: String },
    /// A file that was named cannot be read or written.
    #[error("{}: cannot be {done}", path.display())]
    File { path: PathBuf, done: &'static str, source: io::Error },
    /// The picture cannot be drawn.
    #[error("the picture cannot be drawn: {0}")]
    Picture(String),
    /// The machine gives no threads.
    #[error("the program cannot run here")]
    Runtime { source: io::Error },
    /// The answer cannot be written where it should go.
    #[error("the answer cannot be written to standard output")]
    Output { source: io::Error },
    /// The answer cannot be written as JSON.
    #[error("the answer cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

fn told(error: &CommandError) -> String {
    error.denial().map_or_else(|| error.to_string(), denial::told)
}

impl Failure {
    /// The answer cannot be written.
    pub(crate) const fn output(source: io::Error) -> Self {
        Self::Output { source }
    }

    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoFile { .. } => "store.no_file",
            Self::Open(error) => error.code(),
            Self::Dump(error) => error.code(),
            Self::Load(error) => error.code(),
            Self::Ledger(error) => error.code(),
            Self::Command { error, .. } => error.code(),
            Self::NoAccount { .. } => "budget.unknown_account",
            Self::Wrong { .. } => "cli.argument",
            Self::File { .. } => "cli.file",
            Self::Picture(_) | Self::Runtime { .. } | Self::Output { .. } => "cli.output",
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
            Self::Command { error, .. } if error.denial().is_some() => exit::DENIED,
            Self::NoFile { .. }
            | Self::Open(OpenError::InUse { .. } | OpenError::Unusable { .. })
            | Self::Dump(DumpError::Store(_))
            | Self::Load(LoadError::Store(_))
            | Self::Ledger(_)
            | Self::Command { .. } => exit::STORE,
            Self::Open(_)
            | Self::Load(_)
            | Self::NoAccount { .. }
            | Self::Wrong { .. }
            | Self::File { .. } => exit::USAGE,
            Self::Dump(_)
            | Self::Picture(_)
            | Self::Runtime { .. }
            | Self::Output { .. }
            | Self::Json(_) => exit::INTERNAL,
        }
    }
}
