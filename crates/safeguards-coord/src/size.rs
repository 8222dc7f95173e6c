//! How large a value is as JSON, without writing it.

use std::io;

use serde::Serialize;
use serde_json::Value;

/// How many letters are few.
pub(crate) const SMALL: usize = 1_024;

/// Whether a value takes more than `max` bytes as compact JSON.
pub(crate) fn is_larger(value: &impl Serialize, max: usize) -> bool {
    serde_json::to_writer(&mut Counted { left: max }, value).is_err()
}

/// Whether it is plain that neither is large: most are.
pub(crate) fn is_small(text: &str, value: &Value) -> bool {
    let is_short = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.len() < SMALL,
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
    };
    is_short && text.len() < SMALL
}

/// Takes so many bytes, and keeps none.
struct Counted {
    left: usize,
}

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len());
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_are_counted_as_they_would_be_written() {
        #[track_caller]
        fn check(value: &Value) {
            let bytes = serde_json::to_string(value).unwrap().len();
            assert!(!is_larger(value, bytes));
            assert!(is_larger(value, bytes - 1));
        }
        check(&json!(null));
        check(&json!("a \"quoted\" word\u{1}"));
        check(&json!({ "list": [1, 2.5, true, { "deep": [] }] }));
    }
}
