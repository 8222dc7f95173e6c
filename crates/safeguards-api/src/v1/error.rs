//! [`Error`]: why a call of version 1 was not carried out, as JSON.

use std::error;

use safeguards_budget::Denial;
use safeguards_coord::{GraphError, RunError, StateError, TeamError};
use safeguards_discovery::{FindError, RegisterError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{BudgetError, ChangeError, CreateError};

/// Why a call was not carried out. In JSON `{"code": …, "message": …}`, and `"denial"` with all its numbers where a
/// budget said no.
///
/// The verbs of Rust have errors of their own, with the same codes; each becomes one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Error {
    /// The stable code, such as `api.unknown` or `budget.limit_exceeded`; all are on the page of
    /// [errors](https://docs.rs/safeguards).
    pub code: String,
    /// What is wrong, for people: lower case, no final period.
    pub message: String,
    /// What the ledger refused with, as in a ledger line: its code, and what is at fault. Left out where it was not
    /// the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denial: Option<Value>,
}

/// What a call is refused for before any part is asked.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    BadRequest,
    UnknownTeam,
}

impl Refusal {
    /// The stable code.
    const fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "api.bad_request",
            Self::UnknownTeam => "api.unknown_team",
        }
    }
}

impl Error {
    fn new(code: &str, error: &dyn error::Error, denial: Option<&Denial>) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        let message = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
        let denial = denial.and_then(|denial| serde_json::to_value(denial).ok());
        Self { code: code.to_owned(), message, denial }
    }

    pub(super) fn bad_request(error: &serde_json::Error) -> Self {
        Self::new(Refusal::BadRequest.code(), error, None)
    }

    pub(super) fn unknown_team(name: &str, known: &[String]) -> Self {
        let known = if known.is_empty() {
            "none is served".to_owned()
        } else {
            format!("there are {}", known.join(", "))
        };
        let message = format!("no team is named `{name}`; {known}");
        Self { code: Refusal::UnknownTeam.code().to_owned(), message, denial: None }
    }
}

macro_rules! from_errors {
    ($($error:ty: $denial:expr,)+) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                let denial: fn(&$error) -> Option<&Denial> = $denial;
                Self::new(error.code(), &error, denial(&error))
            }
        }
    )+};
}

from_errors! {
    CreateError: CreateError::denial,
    BudgetError: BudgetError::denial,
    ChangeError: ChangeError::denial,
    StateError: |_| None,
    GraphError: |_| None,
    TeamError: |_| None,
    RunError: |_| None,
    RegisterError: |_| None,
    FindError: |_| None,
}
