//! [`measure`]: how deep a value is, and how many bytes it takes as JSON, without writing it.

use std::fmt::{self, Write as _};

use serde_json::{Number, Value};

/// How deep a value is, and how many bytes it takes as JSON without spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measured {
    /// It is no deeper than it may be, and takes so many bytes.
    Bytes(usize),
    /// It is deeper than it may be.
    TooDeep,
}

/// Measures a value that may be so deep. Below that nothing is looked at, so that no value exhausts the stack.
pub(super) fn measure(value: &Value, depth_max: usize) -> Measured {
    bytes(value, depth_max).map_or(Measured::TooDeep, Measured::Bytes)
}

fn bytes(value: &Value, depth_left: usize) -> Option<usize> {
    Some(match value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => number_bytes(number),
        Value::String(text) => text_bytes(text),
        Value::Array(list) => {
            let left = depth_left.checked_sub(1)?;
            let mut sum = between(list.len());
            for one in list {
                sum = sum.saturating_add(bytes(one, left)?);
            }
            sum
        }
        Value::Object(fields) => {
            let left = depth_left.checked_sub(1)?;
            let mut sum = between(fields.len());
            for (name, one) in fields {
                let name = text_bytes(name).saturating_add(1);
                sum = sum.saturating_add(name).saturating_add(bytes(one, left)?);
            }
            sum
        }
    })
}

/// Two brackets, and the commas.
const fn between(elements: usize) -> usize {
    elements.saturating_sub(1).saturating_add(2)
}

fn number_bytes(number: &Number) -> usize {
    if let Some(whole) = number.as_u64() {
        return digits(whole);
    }
    if let Some(whole) = number.as_i64() {
        return digits(whole.unsigned_abs()).saturating_add(1);
    }
    let mut counted = Counted(0);
    // Counting does not fail.
    let _ = write!(counted, "{number}");
    counted.0
}

fn digits(whole: u64) -> usize {
    whole.checked_ilog10().map_or(1, |log| usize::try_from(log).unwrap_or(20).saturating_add(1))
}

/// With its quotes, and with what must be escaped as serializers escape it.
fn text_bytes(text: &str) -> usize {
    let extra = |byte: u8| match byte {
        b'"' | b'\\' | 0x08 | 0x09 | 0x0a | 0x0c | 0x0d => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.bytes().fold(text.len().saturating_add(2), |sum, byte| sum.saturating_add(extra(byte)))
}

struct Counted(usize);

impl fmt::Write for Counted {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: &Value) {
        assert_eq!(measure(value, 64), Measured::Bytes(value.to_string().len()), "{value}");
    }

    #[test]
    fn a_value_takes_what_is_written_of_it() {
        let numbers =
            json!([0, 9, 10, 99, 100, u64::MAX, i64::MIN, -1, -10, 0.1, 1e300, -0.0, 1.0]);
        for value in [
            json!(null),
            json!(true),
            json!(false),
            numbers,
            json!([]),
            json!({}),
            json!([[], {}, [1]]),
            json!({"a": 1, "": [], "\"\\\n": "\u{1}\u{8}\u{c}\t\r\u{7f}é𝄞/"}),
        ] {
            check(&value);
        }
    }

    #[test]
    fn a_value_may_be_so_deep() {
        #[track_caller]
        fn check(value: &Value, depth: usize) {
            assert_ne!(measure(value, depth), Measured::TooDeep, "{value}");
            let Some(less) = depth.checked_sub(1) else { return };
            assert_eq!(measure(value, less), Measured::TooDeep, "{value}");
        }
        check(&json!(1), 0);
        check(&json!([]), 1);
        check(&json!({"a": 1}), 1);
        check(&json!([1, {"a": [2]}]), 3);
    }

    proptest! {
        #[test]
        fn any_text_takes_what_is_written_of_it(text in any::<String>(), float in any::<f64>(), whole in any::<i64>()) {
            check(&json!({ text.clone(): text, "f": float, "w": whole }));
        }
    }
}
