//! How runs and steps end: [`State`], with a [`Reason`].

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// How a run, a step or an attempt ended: each in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// It did what it was asked.
    Succeeded,
    /// It went wrong.
    Failed,
    /// It never started: a budget said no, or nobody could be chosen for it.
    Denied,
    /// It was not done by its deadline.
    TimedOut,
    /// It was told to stop.
    Cancelled,
    /// It was not begun, because of how another step ended.
    Skipped,
    /// It was cut off by a crash, and must not be run again by itself.
    Interrupted,
    /// It was told to stop, did not, and may still be running.
    Abandoned,
}

impl State {
    /// The name as it stands in JSON, such as `timed_out`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Denied => "denied",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
            Self::Abandoned => "abandoned",
        }
    }

    /// As the end of a sentence about it: `was denied`.
    pub const fn as_verb(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Denied => "was denied",
            Self::TimedOut => "timed out",
            Self::Cancelled => "was cancelled",
            Self::Skipped => "was skipped",
            Self::Interrupted => "was interrupted",
            Self::Abandoned => "was abandoned",
        }
    }

    /// Whether it did what it was asked.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Succeeded)
    }
}

impl fmt::Display for State {
    /// For people: `timed out`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(if *self == Self::TimedOut { "timed out" } else { self.as_str() })
    }
}

/// Why something ended as it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reason {
    /// The stable code, such as `agent.no_result` or `budget.limit_exceeded`.
    pub code: Cow<'static, str>,
    /// The same for people: lower case, no final period.
    pub message: String,
}

impl Reason {
    /// A reason.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.message)
    }
}
