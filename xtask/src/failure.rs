//! [`Failure`]: why a verb did not succeed, and the exit code for it.

use std::{fmt, path::Path, process::ExitCode};

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why a verb did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something in the tree is wrong, or a tool is missing: exit code 1.
    Gate(String),
    /// The same, where everything has been said already, so that a closing line stays the last.
    Told,
    /// The command line asks for something that is not there: exit code 2.
    Usage(String),
}

impl Failure {
    pub(crate) fn gate(message: impl Into<String>) -> Self {
        Self::Gate(message.into())
    }

    /// For a file that can be neither read nor listed.
    pub(crate) fn file(path: &Path, error: impl fmt::Display) -> Self {
        Self::Gate(format!("{}: {error}", path.display()))
    }

    /// `Ok` if there are no complaints, else all of them, one a line.
    pub(crate) fn unless_empty(complaints: &[String]) -> Result<()> {
        if complaints.is_empty() { Ok(()) } else { Err(Self::Gate(complaints.join("\n"))) }
    }

    /// Says on stderr what is left to say, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Told => ExitCode::from(1),
            Self::Gate(message) => {
                eprintln!("{message}");
                ExitCode::from(1)
            }
            Self::Usage(message) => {
                eprintln!("{message}");
                ExitCode::from(2)
            }
        }
    }
}
