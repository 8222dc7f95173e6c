//! [`Quantity`]: a bare exact number. What it counts is said by [`Amount`](crate::Amount).

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How many steps one whole unit has, as a power of ten.
const SCALE: u32 = 12;
const STEPS_PER_UNIT: i128 = 1_000_000_000_000;

/// An exact, unsigned number with twelve decimal places.
///
/// Inside, an integer of 10⁻¹² steps: sums are exact, and nothing is ever rounded in silence. Text and
/// JSON carry decimal strings of the form `[0-9]+(\.[0-9]{1,12})?`; what has more digits, or is larger
/// than [`Quantity::MAX`], is refused. [`Display`](fmt::Display) prints no trailing zeros.
///
/// ```
/// use safeguards_types::Quantity;
///
/// let price: Quantity = "0.000000150000".parse()?;
/// assert_eq!(price.to_string(), "0.00000015");
/// assert!("0.0000000000001".parse::<Quantity>().is_err()); // thirteen digits
/// # Ok::<(), safeguards_types::QuantityError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i128);

/// Why a text or number is no [`Quantity`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// The text is not digits with at most one point among them.
    #[error("`{text}` is not a decimal number such as 12 or 0.0305: digits, and at most one point")]
    Malformed {
        /// What was given.
        text: String,
    },
    /// More decimal places than are kept.
    #[error("`{text}` has more than 12 decimal places; nothing is rounded in silence")]
    TooPrecise {
        /// What was given.
        text: String,
    },
    /// Below zero.
    #[error("`{text}` is negative; quantities are 0 or more")]
    Negative {
        /// What was given.
        text: String,
    },
    /// Larger than [`Quantity::MAX`].
    #[error("`{text}` is more than 10000000000000000, the largest quantity kept")]
    TooLarge {
        /// What was given.
        text: String,
    },
}

/// What is wrong with a text, without the text: what a `const fn` can say.
#[derive(Clone, Copy)]
enum Fault {
    Malformed,
    TooPrecise,
    Negative,
    TooLarge,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The smallest step, 10⁻¹².
    pub const STEP: Self = Self(1);
    /// One whole unit.
    pub const ONE: Self = Self(STEPS_PER_UNIT);
    /// The largest amount in one command of a ledger: 10¹⁵ units.
    pub const AMOUNT_MAX: Self = Self(1_000_000_000_000_000 * STEPS_PER_UNIT);
    /// The largest quantity: 10¹⁶ units, the bound of a counter.
    pub const MAX: Self = Self(10_000_000_000_000_000 * STEPS_PER_UNIT);

    /// Makes a quantity of a number of 10⁻¹² steps; `None` below 0 or above [`Quantity::MAX`].
    pub const fn from_steps(steps: i128) -> Option<Self> {
        if steps < 0 || steps > Self::MAX.0 {
            return None;
        }
        Some(Self(steps))
    }

    /// Makes a quantity of whole units; `None` above [`Quantity::MAX`].
    ///
    /// ```
    /// # use safeguards_types::Quantity;
    /// assert_eq!(Quantity::from_units(3).map(|three| three.to_string()), Some("3".to_owned()));
    /// ```
    pub const fn from_units(units: u64) -> Option<Self> {
        #[expect(
            clippy::as_conversions,
            reason = "u64 to i128 is lossless, and `From` is not const"
        )]
        match (units as i128).checked_mul(STEPS_PER_UNIT) {
            Some(steps) => Self::from_steps(steps),
            None => None,
        }
    }

    /// A sum that is only told, and may be larger than [`Quantity::MAX`]: what many shares ask for together,
    /// or by how much a limit is passed. Nothing below 0.
    ///
    /// ```
    /// # use safeguards_types::Quantity;
    /// let twice = Quantity::told(Quantity::MAX.steps() * 2);
    /// assert_eq!(twice.to_string(), "20000000000000000");
    /// ```
    pub const fn told(steps: i128) -> Self {
        if steps < 0 { Self::ZERO } else { Self(steps) }
    }

    /// The number of 10⁻¹² steps.
    pub const fn steps(self) -> i128 {
        self.0
    }

    /// Whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum; `None` above [`Quantity::MAX`].
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(steps) => Self::from_steps(steps),
            None => None,
        }
    }

    /// The difference; `None` where `other` is larger.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(steps) => Self::from_steps(steps),
            None => None,
        }
    }

    /// The difference, or zero where `other` is larger.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        match self.checked_sub(other) {
            Some(rest) => rest,
            None => Self::ZERO,
        }
    }

    /// The sum, or [`Quantity::MAX`] where it would be larger.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        match self.checked_add(other) {
            Some(sum) => sum,
            None => Self::MAX,
        }
    }

    /// This many times `count`; `None` above [`Quantity::MAX`].
    ///
    /// ```
    /// # use safeguards_types::Quantity;
    /// let per_token: Quantity = "0.0000025".parse()?;
    /// assert_eq!(per_token.checked_mul(4808), Some("0.01202".parse()?));
    /// # Ok::<(), safeguards_types::QuantityError>(())
    /// ```
    #[must_use]
    pub const fn checked_mul(self, count: u64) -> Option<Self> {
        #[expect(
            clippy::as_conversions,
            reason = "u64 to i128 is lossless, and `From` is not const"
        )]
        match self.0.checked_mul(count as i128) {
            Some(steps) => Self::from_steps(steps),
            None => None,
        }
    }

    /// The same number as a decimal. Exact: [`Quantity::MAX`] has 29 digits and fits.
    pub fn to_decimal(self) -> Decimal {
        Decimal::from_i128_with_scale(self.0, SCALE).normalize()
    }

    /// Reads digits at compile time, `_` between them allowed: what the amount macros are made of.
    const fn from_literal(text: &str) -> Result<Self, Fault> {
        Self::read(text.as_bytes(), true)
    }

    const fn read(mut rest: &[u8], underscores: bool) -> Result<Self, Fault> {
        if let [b'-', ..] = rest {
            return Err(Fault::Negative);
        }
        let mut steps: i128 = 0;
        let mut whole_digits: u32 = 0;
        let mut places: u32 = 0;
        let mut after_point = false;
        let mut too_large = false;
        while let [byte, tail @ ..] = rest {
            rest = tail;
            let digit = match *byte {
                b'_' if underscores && whole_digits > 0 => continue,
                b'.' if !after_point && whole_digits > 0 => {
                    after_point = true;
                    continue;
                }
                b'0' => 0,
                b'1' => 1,
                b'2' => 2,
                b'3' => 3,
                b'4' => 4,
                b'5' => 5,
                b'6' => 6,
                b'7' => 7,
                b'8' => 8,
                b'9' => 9,
                _ => return Err(Fault::Malformed),
            };
            if after_point {
                places = places.saturating_add(1);
            } else {
                whole_digits = whole_digits.saturating_add(1);
            }
            // Out of range is said only of a text that is a number at all, so reading goes on.
            if places <= SCALE && !too_large {
                steps = steps.saturating_mul(10).saturating_add(digit);
                too_large = steps > Self::MAX.0;
            }
        }
        if whole_digits == 0 || (after_point && places == 0) {
            return Err(Fault::Malformed);
        }
        if places > SCALE {
            return Err(Fault::TooPrecise);
        }
        let mut missing = SCALE.saturating_sub(places);
        while missing > 0 && !too_large {
            steps = steps.saturating_mul(10);
            missing = missing.saturating_sub(1);
        }
        match Self::from_steps(steps) {
            Some(quantity) if !too_large => Ok(quantity),
            _ => Err(Fault::TooLarge),
        }
    }

    /// Reads the digits of a macro's literal. Called while compiling, so a bad literal stops the build.
    #[doc(hidden)]
    #[expect(
        clippy::panic,
        reason = "evaluated by the compiler, for a literal in the user's source"
    )]
    pub const fn literal(text: &str) -> Self {
        match Self::from_literal(text) {
            Ok(quantity) => quantity,
            Err(Fault::Malformed) => {
                panic!("an amount is written in plain digits, such as 12 or 0.42")
            }
            Err(Fault::TooPrecise) => panic!("an amount has at most 12 decimal places"),
            Err(Fault::Negative) => panic!("an amount is never negative"),
            Err(Fault::TooLarge) => panic!("an amount is at most 10000000000000000"),
        }
    }

    /// Writes the number with at least `places` digits after the point.
    pub(crate) fn write(self, out: &mut fmt::Formatter<'_>, places: usize) -> fmt::Result {
        let whole = self.0.checked_div(STEPS_PER_UNIT).unwrap_or(0);
        let steps = self.0.checked_rem(STEPS_PER_UNIT).unwrap_or(0);
        let digits = format!("{steps:012}");
        let significant = digits.trim_end_matches('0').len().max(places);
        match digits.get(..significant).unwrap_or(&digits) {
            "" => write!(out, "{whole}"),
            fraction => write!(out, "{whole}.{fraction}"),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(out, 0)
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Quantity({self})")
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        Self::read(text.as_bytes(), false).map_err(|fault| QuantityError::of(fault, text))
    }
}

impl QuantityError {
    fn of(fault: Fault, text: &str) -> Self {
        let text = text.to_owned();
        match fault {
            Fault::Malformed => Self::Malformed { text },
            Fault::TooPrecise => Self::TooPrecise { text },
            Fault::Negative => Self::Negative { text },
            Fault::TooLarge => Self::TooLarge { text },
        }
    }
}

impl TryFrom<Decimal> for Quantity {
    type Error = QuantityError;

    fn try_from(decimal: Decimal) -> Result<Self, QuantityError> {
        decimal.normalize().to_string().parse()
    }
}

impl From<Quantity> for Decimal {
    fn from(quantity: Quantity) -> Self {
        quantity.to_decimal()
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DecimalString;

        impl de::Visitor<'_> for DecimalString {
            type Value = Quantity;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a decimal string such as \"0.42\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(DecimalString)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, printed: Result<&str, &str>) {
        match (text.parse::<Quantity>(), printed) {
            (Ok(quantity), Ok(expected)) => assert_eq!(quantity.to_string(), expected, "{text}"),
            (Err(error), Err(part)) => {
                let message = error.to_string();
                assert!(message.contains(part), "{text}: {message}");
            }
            (got, expected) => panic!("{text}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn reads_plain_decimals_and_nothing_else() {
        check("0", Ok("0"));
        check("007.50", Ok("7.5"));
        check("0.000000000001", Ok("0.000000000001"));
        check("10000000000000000", Ok("10000000000000000"));
        check("10000000000000000.000000000001", Err("largest"));
        check("99999999999999999999999999999999999999999999", Err("largest"));
        check("0.0000000000010", Err("12 decimal places"));
        check("-1", Err("negative"));
        for text in ["", ".", "1.", ".5", "1e3", "+1", " 1", "1 ", "1_000", "1.2.3", "NaN", "١"] {
            check(text, Err("not a decimal"));
        }
    }

    #[test]
    fn decimals_and_quantities_agree() {
        let most: Decimal = Quantity::MAX.into();
        assert_eq!(most.to_string(), "10000000000000000");
        assert_eq!(Quantity::try_from(Decimal::new(1500, 3)), Ok("1.5".parse().unwrap()));
        assert!(Quantity::try_from(Decimal::new(-1, 0)).is_err());
        assert!(Quantity::try_from(Decimal::new(1, 13)).is_err());
    }

    proptest! {
        #[test]
        fn text_and_back(steps in 0..=Quantity::MAX.steps()) {
            let quantity = Quantity::from_steps(steps).unwrap();
            prop_assert_eq!(quantity.to_string().parse(), Ok(quantity));
            prop_assert_eq!(Quantity::try_from(quantity.to_decimal()), Ok(quantity));
            let json = serde_json::to_string(&quantity).unwrap();
            prop_assert_eq!(serde_json::from_str::<Quantity>(&json).unwrap(), quantity);
        }

        #[test]
        fn add_then_subtract(a in 0..10_i128.pow(27), b in 0..10_i128.pow(27)) {
            let (a, b) = (Quantity::from_steps(a).unwrap(), Quantity::from_steps(b).unwrap());
            let sum = a.checked_add(b).unwrap();
            prop_assert_eq!(sum.checked_sub(b), Some(a));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            if let Ok(quantity) = text.parse::<Quantity>() {
                prop_assert!(quantity <= Quantity::MAX);
            }
        }
    }
}
