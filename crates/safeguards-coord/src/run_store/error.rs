//! [`RunStoreError`]: why a run store did not do what it was asked.

use std::{error, fmt};

use super::EntryKey;
use crate::RunId;

/// What went wrong in a run store, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunStoreErrorKind {
    /// There is a run of this name already, and it began otherwise.
    RunExists,
    /// There is no run of this name.
    UnknownRun,
    /// Another runner has taken the run over.
    TakenOver,
    /// There is an entry for the same attempt in this leg already, and it says otherwise; or it is a taking over,
    /// which is not appended.
    EntryConflict,
    /// The run has ended, so nothing is appended to it.
    RunEnded,
    /// The run has not ended, so it is not forgotten.
    RunUnfinished,
    /// It is more than the store takes.
    BoundExceeded,
    /// It cannot be reached or written for now.
    Unavailable,
    /// What it holds cannot be read.
    Corrupt,
}

impl RunStoreErrorKind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RunExists => "runs.run_exists",
            Self::UnknownRun => "runs.unknown_run",
            Self::TakenOver => "runs.taken_over",
            Self::EntryConflict => "runs.entry_conflict",
            Self::RunEnded => "runs.run_ended",
            Self::RunUnfinished => "runs.run_unfinished",
            Self::BoundExceeded => "runs.bound_exceeded",
            Self::Unavailable => "runs.unavailable",
            Self::Corrupt => "runs.corrupt",
        }
    }
}

/// A run store did not do what it was asked. What was to be written may have been where it is
/// [`Unavailable`](RunStoreErrorKind::Unavailable), and is not in all other cases.
#[derive(Debug)]
pub struct RunStoreError {
    kind: RunStoreErrorKind,
    message: String,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

impl RunStoreError {
    /// An error of this kind. The message names what and why, lower case, no final period.
    pub fn new(kind: RunStoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Says what caused it.
    #[must_use]
    pub fn caused_by(self, source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// There is no run of this name.
    pub fn unknown(run: &RunId) -> Self {
        Self::new(RunStoreErrorKind::UnknownRun, format!("there is no run {run}"))
    }

    /// There is a run of this name already, and it began otherwise.
    pub fn exists(run: &RunId) -> Self {
        let message = format!(
            "there is a run {run} already, which began otherwise: it is gone on with by resuming it; another one has \
             another name or operation"
        );
        Self::new(RunStoreErrorKind::RunExists, message)
    }

    /// Another runner has taken the run over.
    pub fn taken_over(run: &RunId, leg: u32, now: u32) -> Self {
        let message = format!("run {run} is in leg {now}, and no longer in leg {leg}");
        Self::new(RunStoreErrorKind::TakenOver, message)
    }

    /// There is an entry for the same in this leg already, and it says otherwise.
    pub fn conflict(run: &RunId, key: &EntryKey) -> Self {
        let message = format!("run {run} has {key} already, and it says otherwise");
        Self::new(RunStoreErrorKind::EntryConflict, message)
    }

    /// A taking over is no entry to be appended.
    pub fn not_appended(run: &RunId) -> Self {
        let message = format!("a taking over of run {run} is not appended; `take_over` writes it");
        Self::new(RunStoreErrorKind::EntryConflict, message)
    }

    /// The run has ended.
    pub fn ended(run: &RunId) -> Self {
        let message = format!("run {run} has ended; nothing is appended to it");
        Self::new(RunStoreErrorKind::RunEnded, message)
    }

    /// The run has not ended.
    pub fn unfinished(run: &RunId) -> Self {
        let message = format!("run {run} has not ended; only ended runs are forgotten");
        Self::new(RunStoreErrorKind::RunUnfinished, message)
    }

    /// It is more than the store takes.
    pub fn bound(
        what: impl fmt::Display,
        asked: impl fmt::Display,
        max: impl fmt::Display,
    ) -> Self {
        let message = format!("{what}: {asked}; at most {max} are taken");
        Self::new(RunStoreErrorKind::BoundExceeded, message)
    }

    /// What kind of thing went wrong.
    pub const fn kind(&self) -> RunStoreErrorKind {
        self.kind
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Whether asking again may help.
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, RunStoreErrorKind::Unavailable)
    }
}

impl fmt::Display for RunStoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl error::Error for RunStoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        let source: &(dyn error::Error + 'static) = self.source.as_deref()?;
        Some(source)
    }
}
