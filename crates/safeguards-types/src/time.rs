//! [`Timestamp`]: one instant.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant: nanoseconds since 1970-01-01T00:00:00Z, up to 2262-04-11T23:47:16.854775807Z.
///
/// Text is RFC 3339 in UTC.
///
/// ```
/// use std::time::Duration;
/// use safeguards_types::Timestamp;
///
/// let noon = Timestamp::parse("2026-03-02T12:00:00Z")?;
/// assert_eq!(noon.saturating_add(Duration::from_millis(1500)).to_string(), "2026-03-02T12:00:01.5Z");
/// # Ok::<(), safeguards_types::TimestampError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text is no [`Timestamp`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// Not RFC 3339 in UTC.
    #[error("`{text}` is no instant such as 2026-03-02T14:12:07Z: RFC 3339, ending in Z or +00:00")]
    Malformed {
        /// What was given.
        text: String,
    },
    /// Before 1970 or after 2262.
    #[error("`{text}` is outside 1970-01-01T00:00:00Z to 2262-04-11T23:47:16.854775807Z")]
    OutOfRange {
        /// What was given.
        text: String,
    },
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);
    /// 2262-04-11T23:47:16.854775807Z, the last instant that can be kept.
    pub const MAX: Self = Self(i64::MAX);

    /// The instant this many nanoseconds after 1970 began; `None` before that.
    pub const fn from_nanos(nanos: i64) -> Option<Self> {
        if nanos < 0 { None } else { Some(Self(nanos)) }
    }

    /// Nanoseconds since 1970 began, never negative.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 in UTC, with up to nine digits of a second.
    ///
    /// # Errors
    ///
    /// Where the text has another form or zone, or lies outside what can be kept.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let malformed = || TimestampError::Malformed { text: text.to_owned() };
        let utc =
            text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).ok_or_else(malformed)?;
        let (date, clock) = utc.split_once('T').ok_or_else(malformed)?;
        let digits_at = |part: &str, form: &[u8]| {
            part.len() == form.len()
                && part.bytes().zip(form).all(|(byte, form)| match form {
                    b'0' => byte.is_ascii_digit(),
                    mark => byte == *mark,
                })
        };
        let (seconds, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let fraction_is_digits =
            (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
        if !digits_at(date, b"0000-00-00")
            || !digits_at(seconds, b"00:00:00")
            || !fraction_is_digits
        {
            return Err(malformed());
        }
        // The form is checked above; which days and hours exist is left to the library.
        let instant: jiff::Timestamp = format!("{utc}Z").parse().map_err(|_| malformed())?;
        i64::try_from(instant.as_nanosecond())
            .ok()
            .and_then(Self::from_nanos)
            .ok_or_else(|| TimestampError::OutOfRange { text: text.to_owned() })
    }

    /// The second that this instant lies in, at its beginning.
    ///
    /// ```
    /// # use safeguards_types::Timestamp;
    /// let late = Timestamp::parse("2026-03-02T12:00:01.999Z")?;
    /// assert_eq!(late.truncated_to_seconds().to_string(), "2026-03-02T12:00:01Z");
    /// # Ok::<(), safeguards_types::TimestampError>(())
    /// ```
    #[must_use]
    pub fn truncated_to_seconds(self) -> Self {
        Self(self.0.saturating_sub(self.0.checked_rem(1_000_000_000).unwrap_or(0)))
    }

    /// The time from `earlier` to this instant; zero where `earlier` is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The instant `span` later; `None` past [`Timestamp::MAX`].
    #[must_use]
    pub fn checked_add(self, span: Duration) -> Option<Self> {
        let nanos = i64::try_from(span.as_nanos()).ok()?;
        self.0.checked_add(nanos).map(Self)
    }

    /// The instant `span` later, or [`Timestamp::MAX`].
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        self.checked_add(span).unwrap_or(Self::MAX)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Timestamp({self})")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&jiff::Timestamp::from(*self), out)
    }
}

impl From<Timestamp> for jiff::Timestamp {
    fn from(timestamp: Timestamp) -> Self {
        // Every count of nanoseconds that fits i64 lies within the years that jiff knows.
        Self::from_nanosecond(i128::from(timestamp.0)).unwrap_or(Self::UNIX_EPOCH)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        Self::parse(text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        match (Timestamp::parse(text), expected) {
            (Ok(timestamp), Ok(printed)) => assert_eq!(timestamp.to_string(), printed),
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{text}: {error}");
            }
            (got, expected) => panic!("{text}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn reads_rfc_3339_in_utc_and_nothing_else() {
        check("1970-01-01T00:00:00Z", Ok("1970-01-01T00:00:00Z"));
        check("2023-11-16T18:17:03.9799600+00:00", Ok("2023-11-16T18:17:03.97996Z"));
        check("2262-04-11T23:47:16.854775807Z", Ok("2262-04-11T23:47:16.854775807Z"));
        check("2262-04-11T23:47:16.854775808Z", Err("outside"));
        check("1969-12-31T23:59:59Z", Err("outside"));
        for text in [
            "2026-03-02T14:12:07",
            "2026-03-02T14:12:07+01:00",
            "2026-03-02 14:12:07Z",
            "2026-03-02T14:12Z",
            "2026-02-30T14:12:07Z",
            "2026-03-02T25:12:07Z",
            "2026-03-02T14:12:07.Z",
            "2026-03-02T14:12:07.0123456789Z",
            "+2026-03-02T14:12:07Z",
            "",
        ] {
            check(text, Err("no instant"));
        }
    }

    proptest! {
        #[test]
        fn text_and_back(nanos in 0..=i64::MAX) {
            let timestamp = Timestamp::from_nanos(nanos).unwrap();
            prop_assert_eq!(Timestamp::parse(&timestamp.to_string()), Ok(timestamp));
        }
    }
}
