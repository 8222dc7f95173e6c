//! Why a replay fails: the arguments, the trace, the prices, the output, or the program itself.

use std::{fmt, io, path::PathBuf};

use safeguards_budget::Denial;
use safeguards_notify::{BuildError, RulesError, StartError};
use safeguards_pricing::{PriceError, PriceFileError};
use safeguards_types::Timestamp;

use super::{audit::Disagreement, columns::ColumnError, prices::Unpriced, time::TimeError};
use crate::{durable, exit, rules_file};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// Arguments that contradict each other, or the trace.
    #[error("{0}")]
    Usage(String),
    /// The trace cannot be used.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The price file cannot be opened.
    #[error("{file}: the price file cannot be read")]
    PriceFileUnread { file: String, source: io::Error },
    /// The price file has a mistake.
    #[error(transparent)]
    PriceFile(#[from] PriceFileError),
    /// The model given has no one price.
    #[error(transparent)]
    Price(#[from] Unpriced),
    /// The rules for alerts cannot be opened.
    #[error("{file}: the rules for alerts cannot be read")]
    AlertRulesUnread { file: String, source: io::Error },
    /// The rules for alerts have mistakes.
    #[error("{}: {error}", path.display())]
    AlertRules { path: PathBuf, error: RulesError },
    /// A channel that the rules name cannot be.
    #[error(transparent)]
    AlertChannels(#[from] BuildError),
    /// The hub of the replay is not ours alone.
    #[error("the alerts of the replay cannot be told; this is a mistake in the program")]
    AlertHub(#[from] StartError),
    /// The plot cannot be written.
    #[error("{file}: cannot be written")]
    Plot { file: String, source: io::Error },
    /// The report cannot be written where it should go.
    #[error("the report cannot be written to standard output")]
    Output { source: io::Error },
    /// The report cannot be written as JSON.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// What was reported is not what the ledger's journal says.
    #[error(
        "the report contradicts the ledger's journal, so it is not shown; this is a mistake in the program"
    )]
    Disagreement(#[from] Box<Disagreement>),
    /// The durable file cannot be made or written.
    #[error(transparent)]
    Store(#[from] durable::Failure),
    /// The durable file and the ledger in memory gave two receipts.
    #[error(
        "the durable file answered otherwise than the ledger in memory; this is a mistake in the program"
    )]
    Copy,
    /// The ledger said no to something that no limit forbids.
    #[error("the ledger refused what a replay may do; this is a mistake in the program")]
    Refused(#[source] Box<Denial>),
}

impl ReplayError {
    /// The ledger refused what it should not.
    pub(crate) fn refused(denial: Denial) -> Self {
        Self::Refused(Box::new(denial))
    }

    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Usage(_) => "replay.usage",
            Self::Trace(_) => "replay.trace",
            Self::PriceFileUnread { .. } => "replay.price_file",
            Self::AlertRulesUnread { .. } => "config.unreadable",
            Self::AlertRules { error, .. } => error.code(),
            Self::AlertChannels(error) => error.code(),
            Self::PriceFile(error) => error.code(),
            Self::Price(error) => error.code(),
            Self::Plot { .. } => "replay.output",
            Self::Output { .. } => "cli.output",
            Self::Json(_) => "cli.json",
            Self::Store(error) => error.code(),
            Self::AlertHub(_) | Self::Disagreement(_) | Self::Copy | Self::Refused(_) => {
                "replay.internal"
            }
        }
    }

    /// What the process ends with.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::Trace(_)
            | Self::PriceFileUnread { .. }
            | Self::PriceFile(_)
            | Self::Price(_)
            | Self::AlertRulesUnread { .. }
            | Self::AlertRules { .. }
            | Self::AlertChannels(_)
            | Self::Plot { .. } => exit::USAGE,
            Self::Store(error) => error.exit_code(),
            Self::Output { .. }
            | Self::Json(_)
            | Self::Copy
            | Self::AlertHub(_)
            | Self::Disagreement(_)
            | Self::Refused(_) => exit::INTERNAL,
        }
    }
}

impl ReplayError {
    /// Every mistake with its code, where there may be several.
    pub(crate) fn mistakes(&self) -> Vec<(&'static str, String)> {
        let Self::AlertRules { path, error } = self else {
            return Vec::new();
        };
        rules_file::mistakes(path, error)
    }
}

/// What is wrong with a trace, and where.
#[derive(Debug)]
pub(crate) struct TraceError {
    file: String,
    line: Option<u64>,
    fault: Fault,
}

impl TraceError {
    /// Says that the whole file is at fault.
    pub(crate) fn of_file(file: &str, fault: impl Into<Fault>) -> Self {
        Self { file: file.to_owned(), line: None, fault: fault.into() }
    }

    /// Says that one line is at fault, counted from 1.
    pub(crate) fn at_line(file: &str, line: u64, fault: impl Into<Fault>) -> Self {
        Self { file: file.to_owned(), line: Some(line), fault: fault.into() }
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}: {}", self.file, self.fault),
            None => write!(out, "{}: {}", self.file, self.fault),
        }
    }
}

impl std::error::Error for TraceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.fault.source()
    }
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("cannot be read")]
    Unread(#[from] io::Error),
    #[error(
        "is empty; a trace is CSV with a header, or one JSON object per line, either of them gzipped or not"
    )]
    Empty,
    #[error("has a header and no rows; nothing can be replayed")]
    NoRows,
    #[error(transparent)]
    Columns(#[from] ColumnError),
    #[error("the row has {fields} fields, and the header {columns}")]
    Fields { fields: usize, columns: usize },
    #[error(
        "no JSON object ({what}, column {column}); each line is one, such as {{\"ts\":0,\"input_tokens\":5}}"
    )]
    Json { what: String, column: usize },
    #[error("the line is longer than {max} bytes")]
    LineTooLong { max: u64 },
    #[error("the row is longer than {max} bytes; look for a quote (\") that nothing closes")]
    RowTooLong { max: u64 },
    #[error("the row is not in UTF-8")]
    Encoding,
    #[error("the row has no `{column}`")]
    Missing { column: String },
    #[error("`{column}` is `{text}`; allowed is a whole number of tokens from 0 to {max}")]
    Tokens { column: String, text: String, max: u64 },
    #[error("`{column}`: {error}")]
    Time { column: String, error: TimeError },
    #[error(
        "`{column}` is no name for an account: {given}; allowed are 1 to {max} bytes without control characters"
    )]
    Name { column: String, given: String, max: usize },
    #[error(transparent)]
    Price(#[from] Unpriced),
    #[error(transparent)]
    Cost(#[from] PriceError),
    #[error(
        "model `{model}` is paid in {unit}, those before it in {currency}; a replay has one currency"
    )]
    Currencies { model: String, unit: String, currency: String },
    #[error("the sum up to here is above {max}, the largest amount kept")]
    Sum { max: String },
    #[error(
        "the row is too close to {last}, the last instant that is kept: what is held for a row is held for {ttl} s"
    )]
    EndOfTime { last: Timestamp, ttl: u64 },
    #[error(
        "there are more than {max} different values of `{column}`, the most accounts a ledger keeps; choose another `--by`"
    )]
    Accounts { column: String, max: usize },
    #[error(
        "the row is more than {max} windows of {every} s away from the first; choose a longer `--every`"
    )]
    Windows { every: u64, max: u64 },
}

impl Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(self)
    }
}
