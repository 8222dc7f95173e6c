//! [`Severity`]: how much an alert matters.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How much an alert matters, from the least to the most.
///
/// Text is read without regard to case, so the guide's spellings (`INFORMATIONAL`) are understood.
///
/// ```
/// use safeguards_types::Severity;
///
/// assert_eq!("INFORMATIONAL".parse(), Ok(Severity::Informational));
/// assert!(Severity::Critical > Severity::Medium);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Informational,
    /// Look at it some day.
    Low,
    /// Look at it today.
    Medium,
    /// Look at it now.
    High,
    /// Something is being lost.
    Critical,
}

/// A text that is no [`Severity`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no severity; there are informational, low, medium, high and critical")]
pub struct SeverityError {
    text: String,
}

impl Severity {
    /// All severities, least first.
    pub const ALL: [Self; 5] =
        [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl FromStr for Severity {
    type Err = SeverityError;

    fn from_str(text: &str) -> Result<Self, SeverityError> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| SeverityError { text: text.to_owned() })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}
