//! [`LineError`]: why a text is no line of a ledger.

use std::fmt;

use serde_json::Value;

/// How much of a wrong value is shown.
const SHOWN_MAX: usize = 80;

/// Why a text is no [`Line`](crate::Line): it names the key, what was given there, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineError {
    /// It is no JSON, or an object in it has a key twice.
    Json {
        /// What is wrong with it.
        what: String,
        /// Where, counted from 1.
        column: usize,
    },
    /// A key that must be there is not.
    Missing {
        /// Where, such as `linked[1].account`.
        key: String,
        /// The keys beside it that were not read yet: one of them may be misspelled.
        given: String,
    },
    /// A key that nothing knows.
    Unknown {
        /// Where, such as `linked[1].acount`.
        key: String,
        /// The keys that there are.
        known: String,
    },
    /// A value that its key does not take.
    Value {
        /// Where, such as `limits[0].window.every_s`; empty for the whole line.
        key: String,
        /// What was given, as JSON.
        given: String,
        /// What is allowed.
        allowed: String,
    },
}

impl LineError {
    pub(super) fn of_json(error: &serde_json::Error) -> Self {
        // The place is told apart, since the line's number in its file is not known here.
        let place = format!(" at line {} column {}", error.line(), error.column());
        let what = error.to_string();
        Self::Json {
            what: what.strip_suffix(&place).unwrap_or(&what).to_owned(),
            column: error.column(),
        }
    }

    /// Says that a value is none of those allowed. Where it stands is added by [`LineError::inside`].
    pub(super) fn wrong(given: &Value, allowed: impl fmt::Display) -> Self {
        Self::Value {
            key: String::new(),
            given: shortened(&given.to_string()),
            allowed: allowed.to_string(),
        }
    }

    pub(super) fn unknown(key: &str, known: &[&str]) -> Self {
        Self::Unknown { key: shortened(key), known: known.join(", ") }
    }

    /// The same mistake, seen from the object or list around it.
    pub(super) fn inside(mut self, outer: &str) -> Self {
        match &mut self {
            Self::Json { .. } => {}
            Self::Missing { key, .. } | Self::Unknown { key, .. } | Self::Value { key, .. } => {
                let dot = if key.is_empty() || key.starts_with('[') { "" } else { "." };
                *key = format!("{outer}{dot}{key}");
            }
        }
        self
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { what, column } => write!(out, "broken JSON: {what}, column {column}"),
            Self::Missing { key, given } if given.is_empty() => write!(out, "`{key}` is missing"),
            Self::Missing { key, given } => {
                write!(out, "`{key}` is missing; given besides: {given}")
            }
            Self::Unknown { key, known } => {
                write!(out, "there is no key `{key}` here; allowed are {known}")
            }
            Self::Value { key, given, allowed } if key.is_empty() => {
                write!(out, "the line is {given}; allowed is {allowed}")
            }
            Self::Value { key, given, allowed } => {
                write!(out, "`{key}` is {given}; allowed is {allowed}")
            }
        }
    }
}

impl std::error::Error for LineError {}

pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
