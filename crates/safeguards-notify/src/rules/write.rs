//! How spans of time are written in rules: `1h 30m`.

use std::{fmt::Write as _, time::Duration};

use serde::Serializer;

/// A span as [`duration_text`](safeguards_types::duration_text) reads it; `0s` for none.
pub(super) fn text(span: Duration) -> String {
    let seconds = span.as_secs();
    let nanos = u64::from(span.subsec_nanos());
    let parts = [
        (seconds / 3_600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (nanos / 1_000_000, "ms"),
        (nanos / 1_000 % 1_000, "us"),
        (nanos % 1_000, "ns"),
    ];
    let mut text = String::new();
    for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
        let space = if text.is_empty() { "" } else { " " };
        // A `String` takes whatever is written.
        let _ = write!(text, "{space}{number}{unit}");
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

pub(super) fn span<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*span))
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
pub(super) fn optional_span<S: Serializer>(
    optional: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match optional {
        Some(of_time) => span(of_time, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use safeguards_types::duration_text;

    use super::*;

    #[test]
    fn the_largest_unit_comes_first() {
        assert_eq!(text(Duration::ZERO), "0s");
        assert_eq!(text(Duration::from_mins(90)), "1h 30m");
        assert_eq!(text(Duration::from_millis(1_500)), "1s 500ms");
        assert_eq!(text(Duration::from_nanos(1_001)), "1us 1ns");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(nanos in 1_u64..) {
            let span = Duration::from_nanos(nanos);
            prop_assert_eq!(duration_text::parse(&text(span)), Ok(span));
        }
    }
}
