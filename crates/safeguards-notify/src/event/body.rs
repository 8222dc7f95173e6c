//! How large a body is, and how large it may be.

use std::fmt::{self, Write as _};

use serde_json::{Number, Value};

/// How many bytes of JSON a body may have.
pub(super) const BODY_BYTES_MAX: usize = 256 * 1024;
/// How many lists and objects may stand one inside the other.
pub(super) const BODY_DEPTH_MAX: usize = 64;

/// What is wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyFault {
    TooLarge,
    TooDeep,
}

/// The bytes of a body as JSON without spaces.
///
/// Counted, not written: nothing is allocated, and a body that nests too deep is refused before anything that
/// goes down with it, such as a serializer, overflows its stack.
pub(super) fn measure(body: &Value) -> Result<usize, BodyFault> {
    let mut bytes = Bytes(0);
    bytes.add_value(body, BODY_DEPTH_MAX)?;
    Ok(bytes.0)
}

struct Bytes(usize);

impl Bytes {
    fn add(&mut self, bytes: usize) -> Result<(), BodyFault> {
        self.0 = self.0.saturating_add(bytes);
        if self.0 > BODY_BYTES_MAX { Err(BodyFault::TooLarge) } else { Ok(()) }
    }

    fn add_value(&mut self, value: &Value, depth_left: usize) -> Result<(), BodyFault> {
        match value {
            Value::Null | Value::Bool(true) => self.add(4),
            Value::Bool(false) => self.add(5),
            Value::Number(number) => self.add_number(number),
            Value::String(text) => self.add_text(text),
            Value::Array(values) => {
                let below = depth_left.checked_sub(1).ok_or(BodyFault::TooDeep)?;
                // Two brackets, and a comma between two values.
                self.add(values.len().max(1).saturating_add(1))?;
                values.iter().try_for_each(|value| self.add_value(value, below))
            }
            Value::Object(fields) => {
                let below = depth_left.checked_sub(1).ok_or(BodyFault::TooDeep)?;
                // The same, and a colon in each field.
                self.add(fields.len().max(1).saturating_add(1).saturating_add(fields.len()))?;
                fields.iter().try_for_each(|(key, value)| {
                    self.add_text(key)?;
                    self.add_value(value, below)
                })
            }
        }
    }

    fn add_number(&mut self, number: &Number) -> Result<(), BodyFault> {
        if let Some(number) = number.as_u64() {
            return self.add(
                number.checked_ilog10().map_or(1, |tens| {
                    usize::try_from(tens).unwrap_or(usize::MAX).saturating_add(1)
                }),
            );
        }
        let mut text = Length(0);
        // Counting never fails.
        let _ = write!(text, "{number}");
        self.add(text.0)
    }

    fn add_text(&mut self, text: &str) -> Result<(), BodyFault> {
        self.add(text.len().saturating_add(2))?;
        let escapes = text.bytes().map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
            0..=0x1f => 5,
            _ => 0_usize,
        });
        self.add(escapes.fold(0, usize::saturating_add))
    }
}

/// Counts what is written to it.
struct Length(usize);

impl fmt::Write for Length {
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
    fn check(body: &Value, expected: Result<usize, BodyFault>) {
        assert_eq!(measure(body), expected, "{:.80}", body.to_string());
    }

    fn nested(depth: usize) -> Value {
        (0..depth).fold(Value::Null, |inner, level| {
            if level % 2 == 0 { json!([inner]) } else { json!({ "a": inner }) }
        })
    }

    #[test]
    fn bodies_are_as_large_as_their_json() {
        check(&Value::Null, Ok(4));
        check(&json!([]), Ok(2));
        check(&json!({}), Ok(2));
        check(&json!({"a": [1, -20, 0.5], "b\n": false}), Ok(29));
        check(&json!("x".repeat(BODY_BYTES_MAX - 2)), Ok(BODY_BYTES_MAX));
        check(&json!("x".repeat(BODY_BYTES_MAX - 1)), Err(BodyFault::TooLarge));
        check(&json!("\n".repeat(BODY_BYTES_MAX / 2)), Err(BodyFault::TooLarge));
    }

    #[test]
    fn bodies_nest_so_deep_and_no_deeper() {
        assert!(measure(&nested(BODY_DEPTH_MAX)).is_ok());
        assert_eq!(measure(&nested(BODY_DEPTH_MAX + 1)), Err(BodyFault::TooDeep));
        assert_eq!(measure(&nested(1_000)), Err(BodyFault::TooDeep));
    }

    fn bodies() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn counts_what_a_serializer_writes(body in bodies()) {
            prop_assert_eq!(measure(&body), Ok(serde_json::to_string(&body).unwrap().len()));
        }
    }
}
