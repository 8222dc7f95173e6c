//! Spans of time in a report: in seconds for people, in milliseconds for programs.

use std::time::Duration;

use serde::Serializer;

/// Such as `1.2 s` or `34 ms`.
pub(crate) fn seconds(span: Duration) -> String {
    if span < Duration::from_secs(1) {
        return format!("{} ms", span.as_millis());
    }
    format!("{}.{} s", span.as_secs(), span.subsec_millis() / 100)
}

/// Writes a span as a whole number.
pub(crate) fn milliseconds<S: Serializer>(
    span: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_spans_are_milliseconds() {
        for (millis, expected) in
            [(0, "0 ms"), (999, "999 ms"), (1_000, "1.0 s"), (61_290, "61.2 s")]
        {
            assert_eq!(seconds(Duration::from_millis(millis)), expected);
        }
    }
}
