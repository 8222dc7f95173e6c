//! [`Failure`]: why there is no report of a run.

use std::{io, path::PathBuf};

use safeguards_api::{AlertsError, BindError, BuildError, ConfigError, Mistake, TeamFileError};
use safeguards_budget::LedgerError;
use safeguards_coord::{RunError, RunId, RunStoreError, RunStoreErrorKind};
use safeguards_notify::{AlertStoreError, StartError};
use safeguards_redb::OpenError;

use super::record::DEFAULT_STORE;
use crate::{exit, refusal::Placed, text::counted};

/// Why a run could not begin, or its report not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file that the arguments name cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// The team file is not there, and what stands in its place is a task.
    #[error(
        "{} cannot be read; with `--resume` the team file stands alone, `safeguards run TEAM --resume {run}`: the task is in the store",
        team.display()
    )]
    NoTeamFile { team: PathBuf, run: String, source: io::Error },
    /// A run that goes on was given a task, or inputs.
    #[error(
        "run {run} goes on with the task and the inputs that it was begun with, which are in the store; leave {given} out, or begin a new run without `--resume`"
    )]
    HasTask { run: String, given: &'static str },
    /// The team file is wrong.
    #[error(transparent)]
    Team(#[from] TeamFileError),
    /// There is no such team in the file.
    #[error(transparent)]
    NoSuchTeam(#[from] ConfigError),
    /// `--each` needs a fan-out.
    #[error("--each gives inputs to a fan-out; {} has another strategy: write `strategy = \"fan_out\"` or \"map_reduce\"", team.display())]
    EachWithoutFanOut { team: PathBuf },
    /// `--each` names a file without a line.
    #[error("{} has no inputs; write one a line", path.display())]
    NoInputs { path: PathBuf },
    /// `--each` names a file with too many lines.
    #[error("{} has {given} inputs; {max} are allowed", path.display())]
    TooManyInputs { path: PathBuf, given: usize, max: usize },
    /// Alerts cannot go where the team file wants them.
    #[error(transparent)]
    AlertTargets(#[from] AlertsError),
    /// The alerts' channels do not fit together.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Alerts cannot be delivered.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The alerts could not be read for the report.
    #[error(transparent)]
    Alerts(#[from] AlertStoreError),
    /// The team's accounts could not be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The durable file has accounts of this team on other terms.
    #[error(
        "an account stands on other terms in {} than {} asks for: {ways}",
        store.display(), team.display()
    )]
    OtherTerms { team: PathBuf, store: PathBuf, ways: String, source: Box<BindError> },
    /// The run could not begin.
    #[error(transparent)]
    Run(#[from] RunError),
    /// There is no time left.
    #[error("run {run} cannot go on; `--within 10m` gives it more time")]
    Over { run: RunId, source: RunError },
    /// The store of runs cannot be used.
    #[error(transparent)]
    Store(#[from] RunStoreError),
    /// The durable file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no such run in the store.
    #[error("there is no run {run} in {}{}", store.display(), those_that_may_go_on(open))]
    UnknownRun { run: RunId, store: PathBuf, open: Vec<String> },
    /// There is no such store.
    #[error("{}: there is no such store of runs; `--store` names another", store.display())]
    NoFile { store: PathBuf },
    /// Nothing says where a run is written down.
    #[error(
        "nothing says where run {run} is written down, and there is no {DEFAULT_STORE} here; give `--store FILE`, or write `store = \"FILE\"` into {}",
        team.display()
    )]
    NoStore { run: RunId, team: PathBuf },
    /// The store does not know the team file.
    #[error(
        "a run goes on with its team, and the store does not know that file; name it: `safeguards run TEAM --resume {run}`"
    )]
    NoTeam { run: String },
    /// The ledger could not be read for the report.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The machine gives no threads or no signals.
    #[error("the program cannot run here")]
    Runtime { source: io::Error },
    /// The report cannot be written where it should go.
    #[error("the report cannot be written to standard output")]
    Output { source: io::Error },
    /// A second signal ended it at once.
    #[error(
        "told to stop twice: what ran was killed, nothing more was settled, and there is no report"
    )]
    Killed,
    /// A signal came while the report was being printed.
    #[error("told to stop before the report was read")]
    Unread,
    /// The report cannot be written as JSON.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Which runs may go on, for somebody who named none of them.
fn those_that_may_go_on(runs: &[String]) -> String {
    const LISTED_MAX: usize = 5;
    if runs.is_empty() {
        return "; no run there may go on (`safeguards runs list`)".to_owned();
    }
    let listed = runs.iter().take(LISTED_MAX).cloned().collect::<Vec<_>>().join(", ");
    let count = u64::try_from(runs.len()).unwrap_or(u64::MAX);
    let more = if runs.len() > LISTED_MAX { ", …" } else { "" };
    format!("; {} there may go on: {listed}{more}", counted(count, "run"))
}

impl Failure {
    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } | Self::NoTeamFile { .. } => "config.unreadable",
            Self::HasTask { .. } => "run.has_task",
            Self::Team(error) => error.code(),
            Self::NoSuchTeam(error) => error.code(),
            Self::EachWithoutFanOut { .. } | Self::NoInputs { .. } | Self::TooManyInputs { .. } => {
                "config.inputs"
            }
            Self::AlertTargets(error) => error.code(),
            Self::Build(error) => error.code(),
            Self::Start(error) => error.code(),
            Self::Bind(error) => error.code(),
            Self::OtherTerms { source, .. } => source.code(),
            Self::Run(error) => error.code(),
            Self::Over { source, .. } => source.code(),
            Self::Store(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::UnknownRun { .. } => RunStoreErrorKind::UnknownRun.code(),
            Self::NoFile { .. } => RunStoreErrorKind::Unavailable.code(),
            Self::NoStore { .. } => "run.no_store",
            Self::NoTeam { .. } => "run.no_team",
            Self::Ledger(error) => error.code(),
            Self::Alerts(error) => error.code(),
            Self::Runtime { .. } => "cli.runtime",
            Self::Output { .. } => "cli.output",
            Self::Killed | Self::Unread => "cli.killed",
            Self::Json(_) => "cli.json",
        }
    }

    /// What the program exits with.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Run(RunError::DeadlinePassed { .. }) | Self::Over { .. } => exit::TIMED_OUT,
            Self::Run(RunError::Store(error)) | Self::Store(error) if error.is_retryable() => {
                exit::STORE
            }
            Self::NoFile { .. }
            | Self::Ledger(_)
            | Self::Bind(BindError::Ledger(_))
            | Self::Alerts(_)
            | Self::Open(OpenError::InUse { .. } | OpenError::Unusable { .. }) => exit::STORE,
            Self::Unreadable { .. }
            | Self::NoTeamFile { .. }
            | Self::HasTask { .. }
            | Self::Team(_)
            | Self::NoSuchTeam(_)
            | Self::EachWithoutFanOut { .. }
            | Self::NoInputs { .. }
            | Self::TooManyInputs { .. }
            | Self::AlertTargets(_)
            | Self::Build(_)
            | Self::Bind(_)
            | Self::OtherTerms { .. }
            | Self::Store(_)
            | Self::Open(_)
            | Self::UnknownRun { .. }
            | Self::NoStore { .. }
            | Self::NoTeam { .. }
            | Self::Run(_) => exit::USAGE,
            Self::Killed | Self::Unread => exit::INTERRUPTED,
            Self::Start(_) | Self::Runtime { .. } | Self::Output { .. } | Self::Json(_) => {
                exit::INTERNAL
            }
        }
    }

    /// Whether it is an answer to who asks; else standard output takes none, or is read no more.
    pub(crate) const fn is_a_refusal(&self) -> bool {
        !matches!(self, Self::Killed | Self::Unread | Self::Output { .. } | Self::Json(_))
    }

    /// Every mistake with its place, where there may be several.
    pub(crate) fn placed(&self) -> Vec<Placed> {
        let (Self::Team(error) | Self::AlertTargets(AlertsError::Team(error))) = self else {
            let placed =
                |(code, message)| Placed { code, message, file: None, line: None, column: None };
            return self.mistakes().into_iter().map(placed).collect();
        };
        let placed = |mistake: &Mistake| Placed {
            code: mistake.code(),
            message: mistake.message.clone(),
            file: Some(mistake.file.clone()),
            line: Some(mistake.line),
            column: Some(mistake.column),
        };
        error.mistakes().map(placed).collect()
    }

    /// Every mistake with its code, where there may be several.
    pub(crate) fn mistakes(&self) -> Vec<(&'static str, String)> {
        if let Self::Team(error) = self {
            error.mistakes().map(|mistake| (mistake.code(), mistake.to_string())).collect()
        } else if let Self::AlertTargets(
            error @ (AlertsError::Team(_) | AlertsError::Rules { .. }),
        ) = self
        {
            // The other errors have a cause, which is told in one line.
            error.mistakes()
        } else {
            vec![]
        }
    }
}
