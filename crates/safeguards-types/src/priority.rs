//! [`Priority`]: 1 to 10, higher matters more.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How much an agent's work matters: 1 to 10, higher matters more.
///
/// ```
/// use safeguards_types::Priority;
///
/// assert!(Priority::try_from(11).is_err());
/// assert_eq!(Priority::default(), Priority::P5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "u8")]
pub struct Priority(u8);

/// A number that is no [`Priority`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("priority {given} is outside 1 to 10 (10 matters most)")]
pub struct PriorityError {
    given: String,
}

impl Priority {
    /// The lowest.
    pub const P1: Self = Self(1);
    /// Priority 2.
    pub const P2: Self = Self(2);
    /// Priority 3.
    pub const P3: Self = Self(3);
    /// Priority 4.
    pub const P4: Self = Self(4);
    /// The middle, and the default.
    pub const P5: Self = Self(5);
    /// Priority 6.
    pub const P6: Self = Self(6);
    /// Priority 7.
    pub const P7: Self = Self(7);
    /// Priority 8.
    pub const P8: Self = Self(8);
    /// Priority 9.
    pub const P9: Self = Self(9);
    /// The highest.
    pub const P10: Self = Self(10);

    /// The number, 1 to 10.
    pub const fn level(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::P5
    }
}

impl TryFrom<i64> for Priority {
    type Error = PriorityError;

    fn try_from(level: i64) -> Result<Self, PriorityError> {
        u8::try_from(level)
            .ok()
            .filter(|level| (1..=10).contains(level))
            .map(Self)
            .ok_or_else(|| PriorityError { given: level.to_string() })
    }
}

impl FromStr for Priority {
    type Err = PriorityError;

    fn from_str(text: &str) -> Result<Self, PriorityError> {
        text.parse::<i64>()
            .map_err(|_| PriorityError { given: text.to_owned() })
            .and_then(Self::try_from)
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_to_ten() {
        for level in 1..=10 {
            assert_eq!(Priority::try_from(i64::from(level)).map(Priority::level), Ok(level));
        }
        for level in [-1_i64, 0, 11, 256, i64::MAX] {
            let error = Priority::try_from(level).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("priority {level} is outside 1 to 10 (10 matters most)")
            );
        }
        assert!(serde_json::from_str::<Priority>("0").is_err());
        assert!("high".parse::<Priority>().is_err());
    }
}
