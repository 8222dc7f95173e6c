//! [`Refused`]: what is told of a call that was not carried out, whichever version was asked.

use std::error;

use safeguards_budget::Denial;
use serde_json::Value;

/// Code, message with its causes, and what the ledger refused with. Each version has an error of its own, made of these.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) denial: Option<Value>,
}

impl Refused {
    pub(crate) fn of(code: &str, error: &dyn error::Error, denial: Option<&Denial>) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        let message = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
        let denial = denial.and_then(|denial| serde_json::to_value(denial).ok());
        Self { code: code.to_owned(), message, denial }
    }
}

/// What is wrong with a call itself, and not with what it asks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    BadRequest(serde_json::Error),
    #[error("no team is named `{team}`; {}", served(known))]
    UnknownTeam { team: String, known: Vec<String> },
    #[error("it is done, but the answer cannot be written: {0}")]
    NotWritten(String),
}

fn served(known: &[String]) -> String {
    if known.is_empty() {
        "none is served".to_owned()
    } else {
        format!("there are {}", known.join(", "))
    }
}

impl Fault {
    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "api.bad_request",
            Self::UnknownTeam { .. } => "api.unknown_team",
            Self::NotWritten(_) => "api.not_written",
        }
    }
}

/// Lets a version's error be made of each of these, by its code and what it says of a denial.
macro_rules! refused_by {
    ($($error:ty: $denial:expr,)+) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                let denial: fn(&$error) -> Option<&safeguards_budget::Denial> = $denial;
                $crate::refused::Refused::of(error.code(), &error, denial(&error)).into()
            }
        }
    )+};
}

pub(crate) use refused_by;
