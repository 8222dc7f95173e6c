//! [`Failure`]: why not every line was answered.

use std::io;

use safeguards_budget::LineError;

use crate::exit;

/// Why the work ended before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The input cannot be opened, or not be read to its end.
    #[error("{file}: cannot be read")]
    Unreadable { file: String, source: io::Error },
    /// A line is no command.
    #[error("{file}:{line}: {fault}")]
    Line { file: String, line: u64, fault: Fault },
    /// The answers cannot be written where they should go.
    #[error("the answers cannot be written to standard output")]
    Output { source: io::Error },
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("the line is not in UTF-8")]
    Encoding,
    #[error("the line is longer than {max} bytes")]
    TooLong { max: u64 },
}

impl Failure {
    pub(super) const fn output(source: io::Error) -> Self {
        Self::Output { source }
    }

    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "ledger.unreadable",
            Self::Line { .. } => "ledger.bad_line",
            Self::Output { .. } => "cli.output",
        }
    }

    /// What the process ends with.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Unreadable { .. } | Self::Line { .. } => exit::USAGE,
            Self::Output { .. } => exit::INTERNAL,
        }
    }
}
