//! A span of time written as text: `90s`, `10m`, `1h 30m`, `1500ms`.

use std::time::Duration;

use jiff::SignedDuration;

/// A text that is no span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no span of time; write a number above 0 and a unit, such as 1500ms, 90s, 10m or 2h"
)]
pub struct DurationTextError {
    text: String,
}

/// Reads a span of time: numbers with units from `ns` to `h`, added up. More than 0.
///
/// ```
/// use std::time::Duration;
/// use safeguards_types::duration_text;
///
/// assert_eq!(duration_text::parse("1h 30m")?, Duration::from_secs(5_400));
/// assert!(duration_text::parse("90").is_err()); // ninety what?
/// # Ok::<(), duration_text::DurationTextError>(())
/// ```
///
/// # Errors
///
/// Where the text is no such span.
pub fn parse(text: &str) -> Result<Duration, DurationTextError> {
    text.trim()
        .parse::<SignedDuration>()
        .ok()
        .and_then(|span| Duration::try_from(span).ok())
        .filter(|span| !span.is_zero())
        .ok_or_else(|| DurationTextError { text: text.to_owned() })
}

/// Writes a span of time as [`parse`] reads it: in the largest of `s`, `ms`, `us` and `ns` that leaves no rest.
///
/// ```
/// use std::time::Duration;
/// use safeguards_types::duration_text;
///
/// assert_eq!(duration_text::write(Duration::from_secs(90)), "90s");
/// assert_eq!(duration_text::write(Duration::from_micros(1_500_000)), "1500ms");
/// ```
pub fn write(span: Duration) -> String {
    let nanos = span.as_nanos();
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    let whole = units.into_iter().find_map(|(size, unit)| {
        let is_whole = nanos.checked_rem(size) == Some(0);
        is_whole.then(|| Some((nanos.checked_div(size)?, unit))).flatten()
    });
    let (count, unit) = whole.unwrap_or((nanos, "ns"));
    format!("{count}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, millis: Option<u64>) {
        assert_eq!(parse(text).ok(), millis.map(Duration::from_millis), "{text}");
    }

    #[test]
    fn a_span_has_a_unit_and_is_more_than_nothing() {
        check("90s", Some(90_000));
        check(" 10m ", Some(600_000));
        check("2h", Some(7_200_000));
        check("1500ms", Some(1_500));
        for text in ["", "90", "0s", "-5s", "1 month", "ten minutes", "s"] {
            check(text, None);
        }
    }
}
