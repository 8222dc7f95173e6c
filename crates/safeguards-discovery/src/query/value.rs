//! Comparing JSON values: what is the same, and what is more.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Whether two values are the same: numbers by what they are worth, the rest by what they hold.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => Figure::of(one) == Figure::of(other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, one)| other.get(key).is_some_and(|other| is_same(one, other)))
        }
        (one, other) => one == other,
    }
}

/// How two numbers, or two texts, stand to each other; `None` for anything else.
pub(crate) fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => Some(Figure::of(one).cmp(&Figure::of(other))),
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// Whether a value compares with any other.
pub(crate) const fn is_comparable(value: &Value) -> bool {
    matches!(value, Value::Number(_) | Value::String(_))
}

/// What a number is worth, exactly: numbers of the same worth are the same figure, however they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Figure {
    /// The whole number that is next below; the least or greatest where it lies beyond these.
    floor: i128,
    /// Where it is not whole, or lies beyond: all of it, so that greater ones have greater bits.
    all: Option<u64>,
}

/// The digits of a floating-point number's mantissa.
const MANTISSA_BITS: u32 = 52;

impl Figure {
    pub(crate) fn of(number: &Number) -> Self {
        match number.as_i128() {
            Some(floor) => Self { floor, all: None },
            None => Self::of_float(number.as_f64().unwrap_or_default()),
        }
    }

    fn of_float(float: f64) -> Self {
        let bits = float.to_bits();
        let is_negative = float.is_sign_negative();
        let digits = (1_u64 << MANTISSA_BITS) | (bits & ((1 << MANTISSA_BITS) - 1));
        let exponent = i32::try_from((bits >> MANTISSA_BITS) & 0x7ff).unwrap_or(0);
        // The number is `digits` times two to the power of this; those that are not normal are tiny.
        let power = exponent.saturating_sub(1_075);
        let (whole, is_whole) = match (exponent, u32::try_from(power)) {
            (0, _) => (0, float.abs().to_bits() == 0),
            (_, Ok(power)) if power < 127 - MANTISSA_BITS => (i128::from(digits) << power, true),
            (_, Ok(_)) => (i128::MAX, false),
            (_, Err(_)) => {
                let below = power.unsigned_abs();
                let whole = digits.checked_shr(below).unwrap_or(0);
                (i128::from(whole), whole.checked_shl(below) == Some(digits))
            }
        };
        let floor = match (is_negative, is_whole) {
            (false, _) => whole,
            (true, true) => whole.saturating_neg(),
            (true, false) if whole == i128::MAX => i128::MIN,
            (true, false) => whole.saturating_neg().saturating_sub(1),
        };
        let ordered = if is_negative { !bits } else { bits | (1 << 63) };
        Self { floor, all: (!is_whole).then_some(ordered) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_compared_by_what_they_are_worth() {
        #[track_caller]
        fn check(one: &Value, other: &Value, expected: Ordering) {
            assert_eq!(compare(one, other), Some(expected), "{one} and {other}");
            assert_eq!(compare(other, one), Some(expected.reverse()), "{other} and {one}");
            assert_eq!(is_same(one, other), expected.is_eq(), "{one} and {other}");
        }
        check(&json!(1), &json!(1.0), Ordering::Equal);
        check(&json!(0), &json!(-0.0), Ordering::Equal);
        check(&json!(0.0), &json!(-0.0), Ordering::Equal);
        check(&json!(0.5), &json!(1), Ordering::Less);
        check(&json!(0.5), &json!(0), Ordering::Greater);
        check(&json!(-0.5), &json!(-1), Ordering::Greater);
        check(&json!(-0.5), &json!(0), Ordering::Less);
        check(&json!(-1.5), &json!(-1.25), Ordering::Less);
        check(&json!(1.5), &json!(1.25), Ordering::Greater);
        check(&json!(5e-324), &json!(0), Ordering::Greater);
        check(&json!(-5e-324), &json!(0), Ordering::Less);
        check(&json!(u64::MAX), &json!(18_446_744_073_709_551_616.0), Ordering::Less);
        check(
            &json!(9_007_199_254_740_993_u64),
            &json!(9_007_199_254_740_992.0),
            Ordering::Greater,
        );
        check(&json!(i64::MIN), &json!(-9_223_372_036_854_775_808.0), Ordering::Equal);
        check(&json!(1e300), &json!(u64::MAX), Ordering::Greater);
        check(&json!(-1e300), &json!(i64::MIN), Ordering::Less);
        check(&json!(1e300), &json!(1.1e300), Ordering::Less);
        check(&json!(-1e300), &json!(-1.1e300), Ordering::Greater);
        check(&json!(1.7e38), &json!(1.8e38), Ordering::Less);
        check(&json!(-1.7e38), &json!(-1.8e38), Ordering::Greater);
    }
}
