//! How two JSON numbers stand to each other, exactly: as fractions of any size.

use std::cmp::Ordering;

use num_bigint::BigInt;
use serde_json::Number;

/// Of any two numbers, whole or not.
pub(super) fn compared(one: &Number, other: &Number) -> Ordering {
    let (one, other) = (Fraction::of(one), Fraction::of(other));
    // Both over the same power of two.
    let least = one.exponent.min(other.exponent);
    one.over(least).cmp(&other.over(least))
}

/// A whole number times a power of two: what a floating-point number is.
struct Fraction {
    whole: BigInt,
    exponent: i32,
}

impl Fraction {
    fn of(number: &Number) -> Self {
        if let Some(whole) = number.as_i128() {
            return Self { whole: whole.into(), exponent: 0 };
        }
        // Its bits: a sign, eleven bits of exponent, 52 of the mantissa.
        let bits = number.as_f64().unwrap_or_default().to_bits();
        let mantissa = bits & 0x000f_ffff_ffff_ffff;
        let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or_default();
        let (mantissa, exponent) = match exponent {
            0 => (mantissa, 1),
            exponent => (mantissa | 0x0010_0000_0000_0000, exponent),
        };
        let whole = BigInt::from(mantissa);
        let is_negative = bits >> 63 == 1;
        let whole = if is_negative { BigInt::ZERO.checked_sub(&whole) } else { Some(whole) };
        Self { whole: whole.unwrap_or_default(), exponent: exponent.saturating_sub(1_075) }
    }

    /// How many of this power of two, which is no greater than its own.
    fn over(&self, exponent: i32) -> BigInt {
        let steps = u32::try_from(self.exponent.saturating_sub(exponent)).unwrap_or_default();
        let power = BigInt::from(2_u8).pow(steps);
        self.whole.checked_mul(&power).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn numbers_are_compared_by_what_they_are_worth() {
        #[track_caller]
        fn check(one: &Value, other: &Value, expected: Ordering) {
            let number = |value: &Value| value.as_number().cloned().unwrap();
            assert_eq!(compared(&number(one), &number(other)), expected, "{one} and {other}");
            let turned = compared(&number(other), &number(one));
            assert_eq!(turned, expected.reverse(), "{other} and {one}");
        }
        check(&json!(1), &json!(1.0), Ordering::Equal);
        check(&json!(0), &json!(-0.0), Ordering::Equal);
        check(&json!(0.5), &json!(1), Ordering::Less);
        check(&json!(-0.5), &json!(-1), Ordering::Greater);
        check(&json!(u64::MAX), &json!(u64::MAX - 1), Ordering::Greater);
        check(
            &json!(9_007_199_254_740_993_u64),
            &json!(9_007_199_254_740_992.0),
            Ordering::Greater,
        );
        check(&json!(1e300), &json!(u64::MAX), Ordering::Greater);
        check(&json!(5e-324), &json!(0), Ordering::Greater);
    }
}
