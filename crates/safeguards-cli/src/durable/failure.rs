//! [`Failure`]: why nothing was read from a durable file, or done to it.

use std::{
    io,
    path::{Path, PathBuf},
};

use safeguards_budget::{CommandError, Denial, LedgerError};
use safeguards_redb::{DumpError, LoadError, OpenError};

use safeguards_types::OperationId;

use crate::{denial, exit};

/// Why nothing was read from a durable file, or done to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no such file.
    #[error(
        "{}: there is no such durable file; `safeguards run TEAM TASK --store FILE.redb` makes one",
        store.display()
    )]
    NoFile { store: PathBuf },
    /// It is a store of runs that keeps nothing else.
    #[error(
        "{} is no durable file: it has lines of JSON, such as those of a store of runs, which keeps no accounts and which `safeguards runs list --store {}` reads, or of a dump, which `safeguards store load` reads",
        store.display(), store.display()
    )]
    Lines { store: PathBuf },
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A dump of it would be none of a whole file.
    #[error(
        "{}: it is damaged, and was not dumped: {}; go on with a copy or a dump from before, or dump with `--unchecked` what can be read",
        file.display(), flaws.join("; ")
    )]
    Damaged { file: PathBuf, flaws: Vec<String> },
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
    #[error("{}{hint}", denial::told(denial))]
    Denied { denial: Box<Denial>, hint: String },
    /// Nobody has said that a command was carried out.
    #[error(
        "it is not confirmed that {did}: `safeguards budget show` shows whether it was done, and sent again with `--op {op}` it is done once"
    )]
    Unconfirmed { did: String, op: OperationId, source: Box<CommandError> },
    /// There is no such account.
    #[error("there is no account `{account}`{near}")]
    NoAccount { account: String, near: String },
    /// What was given cannot be used.
    #[error("{what} `{given}`: {why}")]
    Wrong { what: &'static str, given: String, why: String },
    /// A file that was named cannot be read or written.
    #[error("{}: cannot be {done}", path.display())]
    File { path: PathBuf, done: &'static str, source: io::Error },
    /// Nothing is overwritten.
    #[error("{} is there already; choose another name, or move it away", path.display())]
    Exists { path: PathBuf },
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

impl Failure {
    /// A new file cannot be written.
    pub(crate) fn not_made(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::AlreadyExists {
            Self::Exists { path }
        } else {
            Self::File { path, done: "written", source }
        }
    }

    /// The answer cannot be written.
    pub(crate) const fn output(source: io::Error) -> Self {
        Self::Output { source }
    }

    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoFile { .. } => "store.no_file",
            Self::Open(error) => error.code(),
            Self::Damaged { .. } => "store.corrupt",
            Self::Dump(error) => error.code(),
            Self::Load(error) => error.code(),
            Self::Ledger(error) => error.code(),
            Self::Denied { denial, .. } => denial.code(),
            Self::Unconfirmed { source, .. } => source.code(),
            Self::Lines { .. } => "store.not_a_store",
            Self::NoAccount { .. } => "budget.unknown_account",
            Self::Wrong { .. } => "cli.argument",
            Self::File { .. } | Self::Exists { .. } => "cli.file",
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
            Self::Denied { .. } => exit::DENIED,
            Self::Damaged { .. } => exit::FAILED,
            Self::NoFile { .. }
            | Self::Open(OpenError::InUse { .. } | OpenError::Unusable { .. })
            | Self::Dump(DumpError::Store(_))
            | Self::Load(
                LoadError::Store(_)
                | LoadError::Open(OpenError::InUse { .. } | OpenError::Unusable { .. }),
            )
            | Self::Ledger(_)
            | Self::Unconfirmed { .. } => exit::STORE,
            Self::Open(_)
            | Self::Load(_)
            | Self::NoAccount { .. }
            | Self::Wrong { .. }
            | Self::Lines { .. }
            | Self::Exists { .. }
            | Self::File { .. } => exit::USAGE,
            Self::Dump(_)
            | Self::Picture(_)
            | Self::Runtime { .. }
            | Self::Output { .. }
            | Self::Json(_) => exit::INTERNAL,
        }
    }
}
