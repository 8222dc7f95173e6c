//! [`Amount`]: a quantity with its unit, and [`Amounts`]: several of different units.

use std::{fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
};
use smallvec::SmallVec;

use crate::{Quantity, QuantityError, Unit};

/// An exact quantity of one unit.
///
/// ```
/// use safeguards_types::{Amount, tokens, usd};
///
/// assert_eq!(usd!(2).to_string(), "2.00 USD");
/// assert_eq!(tokens!(1_240).to_string(), "1240 tokens");
/// assert_eq!(Amount::parse("0.42 USD")?, usd!(0.42));
/// assert!(Amount::parse("0.42").is_err()); // an amount has a unit
/// # Ok::<(), safeguards_types::AmountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    quantity: Quantity,
    unit: Unit,
}

/// Why a text is no [`Amount`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmountError {
    /// Not of the form `NUMBER UNIT`.
    #[error(
        "`{text}` is no amount; write a number and a unit, such as \"0.20 USD\" or \"500 tokens\""
    )]
    Malformed {
        /// What was given.
        text: String,
    },
    /// The number is none that can be kept.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
}

impl Amount {
    /// This quantity of this unit.
    pub const fn new(quantity: Quantity, unit: Unit) -> Self {
        Self { quantity, unit }
    }

    /// Reads `NUMBER UNIT`, such as `0.42 USD`. Single `_` between whole digits are allowed: `8_000 tokens`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the text: no unit, more than 12 decimal places, negative, too large.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let malformed = || AmountError::Malformed { text: text.to_owned() };
        let (number, unit) = text.trim().split_once(char::is_whitespace).ok_or_else(malformed)?;
        let unit = unit.trim();
        if unit.is_empty() || unit.contains(char::is_whitespace) {
            return Err(malformed());
        }
        // A `_` stands between two digits of the whole part, or the number is left for `parse` to refuse.
        let (whole, _) = number.split_once('.').unwrap_or((number, ""));
        let grouped = whole.split('_').all(|group| !group.is_empty());
        let number = if grouped {
            number.replacen('_', "", whole.matches('_').count())
        } else {
            number.to_owned()
        };
        Ok(Self { quantity: number.parse()?, unit: Unit::new(unit) })
    }

    /// How much.
    pub const fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// The sum; `None` where the units differ, or above [`Quantity::MAX`].
    ///
    /// ```
    /// # use safeguards_types::{tokens, usd};
    /// assert_eq!(usd!(0.42).checked_add(&usd!(0.08)), Some(usd!(0.5)));
    /// assert_eq!(usd!(0.42).checked_add(&tokens!(1)), None);
    /// ```
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        self.combine(other, Quantity::checked_add)
    }

    /// The difference; `None` where the units differ, or `other` is larger.
    #[must_use]
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        self.combine(other, Quantity::checked_sub)
    }

    fn combine(
        &self,
        other: &Self,
        with: fn(Quantity, Quantity) -> Option<Quantity>,
    ) -> Option<Self> {
        let quantity = with(self.quantity, other.quantity)?;
        (self.unit == other.unit).then(|| Self { quantity, unit: self.unit.clone() })
    }

    /// How much, and of what.
    pub fn into_parts(self) -> (Quantity, Unit) {
        (self.quantity, self.unit)
    }

    /// Of what.
    pub const fn unit(&self) -> &Unit {
        &self.unit
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        Self::parse(text)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.quantity.write(out, self.unit.places())?;
        write!(out, " {}", self.unit)
    }
}

/// An amount of dollars, its digits read at compile time: `usd!(0.42)`.
///
/// ```compile_fail
/// let _ = safeguards_types::usd!(1e3); // no exponents: the digits are the amount
/// ```
#[macro_export]
macro_rules! usd {
    ($digits:literal) => {
        $crate::amount_literal!($digits, $crate::Unit::USD)
    };
}

/// An amount of tokens, its digits read at compile time: `tokens!(1_240)`.
#[macro_export]
macro_rules! tokens {
    ($digits:literal) => {
        $crate::amount_literal!($digits, $crate::Unit::TOKENS)
    };
}

/// An amount of requests, its digits read at compile time: `requests!(60)`.
#[macro_export]
macro_rules! requests {
    ($digits:literal) => {
        $crate::amount_literal!($digits, $crate::Unit::REQUESTS)
    };
}

/// The one place where a literal becomes an amount; the named `const` makes `cargo check` refuse bad ones.
#[doc(hidden)]
#[macro_export]
macro_rules! amount_literal {
    ($digits:literal, $unit:expr) => {{
        const QUANTITY: $crate::Quantity = $crate::Quantity::literal(stringify!($digits));
        $crate::Amount::new(QUANTITY, $unit)
    }};
}

/// Amounts of different units, each unit at most once, in the order of the units' names.
///
/// JSON is an object of decimal strings: `{"USD":"0.42","tokens":"1240"}`.
///
/// ```
/// use safeguards_types::{Amounts, Unit, tokens, usd};
///
/// let cost = Amounts::from([tokens!(1_240), usd!(0.31)]);
/// assert_eq!(cost.to_string(), "0.31 USD, 1240 tokens");
/// assert_eq!(cost.get(&Unit::USD), usd!(0.31).quantity());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Amounts(SmallVec<[Amount; 1]>);

impl Amounts {
    /// No amount of anything.
    pub fn none() -> Self {
        Self::default()
    }

    /// How much of `unit`: zero where it is not named.
    pub fn get(&self, unit: &Unit) -> Quantity {
        self.0.iter().find(|amount| amount.unit == *unit).map_or(Quantity::ZERO, Amount::quantity)
    }

    /// Whether `unit` is named, be it with zero.
    pub fn names(&self, unit: &Unit) -> bool {
        self.0.iter().any(|amount| amount.unit == *unit)
    }

    /// Sets what there is of the amount's unit, in place of what was.
    pub fn set(&mut self, amount: Amount) {
        match self.0.binary_search_by(|known| known.unit.cmp(&amount.unit)) {
            Ok(at) => {
                if let Some(slot) = self.0.get_mut(at) {
                    *slot = amount;
                }
            }
            Err(at) => self.0.insert(at, amount),
        }
    }

    /// Adds an amount to what there is of its unit.
    ///
    /// A sum above [`Quantity::MAX`] stays at that bound, which every ledger refuses as an amount.
    pub fn add(&mut self, amount: &Amount) {
        let sum = self.get(amount.unit()).saturating_add(amount.quantity());
        self.set(Amount::new(sum, amount.unit().clone()));
    }

    /// Adds all amounts of `other`.
    pub fn add_all(&mut self, other: &Self) {
        for amount in other {
            self.add(amount);
        }
    }

    /// Each amount, in the order of the units' names.
    pub fn iter(&self) -> std::slice::Iter<'_, Amount> {
        self.0.iter()
    }

    /// How many units are named.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no unit is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same without the units of which there is nothing.
    ///
    /// ```
    /// # use safeguards_types::{Amounts, tokens, usd};
    /// assert_eq!(Amounts::from([usd!(1), tokens!(0)]).without_zeros(), usd!(1).into());
    /// ```
    #[must_use]
    pub fn without_zeros(&self) -> Self {
        self.iter().filter(|amount| !amount.quantity().is_zero()).cloned().collect()
    }

    /// Whether there is nothing of any unit.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|amount| amount.quantity.is_zero())
    }
}

impl From<Amount> for Amounts {
    fn from(amount: Amount) -> Self {
        let mut amounts = SmallVec::new();
        amounts.push(amount);
        Self(amounts)
    }
}

impl<const N: usize> From<[Amount; N]> for Amounts {
    /// Amounts of the same unit add up.
    fn from(amounts: [Amount; N]) -> Self {
        amounts.into_iter().collect()
    }
}

/// Room for this many units is made at once; a longer claim is not believed before the amounts come.
const UNITS_EXPECTED_MAX: usize = 8;

impl FromIterator<Amount> for Amounts {
    /// Amounts of the same unit add up.
    fn from_iter<I: IntoIterator<Item = Amount>>(amounts: I) -> Self {
        let amounts = amounts.into_iter();
        let at_most = amounts.size_hint().1.unwrap_or(0).min(UNITS_EXPECTED_MAX);
        let mut sum = Self(SmallVec::with_capacity(at_most));
        for amount in amounts {
            // Most come in order; one comparison is then all it takes.
            match sum.0.last() {
                Some(last) if last.unit >= amount.unit => sum.add(&amount),
                Some(_) | None => sum.0.push(amount),
            }
        }
        sum
    }
}

impl<'a> IntoIterator for &'a Amounts {
    type Item = &'a Amount;
    type IntoIter = std::slice::Iter<'a, Amount>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Amounts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut amounts = self.iter();
        match amounts.next() {
            None => out.write_str("nothing"),
            Some(first) => {
                write!(out, "{first}")?;
                amounts.try_for_each(|amount| write!(out, ", {amount}"))
            }
        }
    }
}

impl Serialize for Amounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|amount| (&amount.unit, amount.quantity)))
    }
}

impl<'de> Deserialize<'de> for Amounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByUnit;

        impl<'de> Visitor<'de> for ByUnit {
            type Value = Amounts;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object of decimal strings by unit, such as {\"USD\":\"0.42\"}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Amounts, A::Error> {
                let mut amounts = Amounts::none();
                while let Some((unit, quantity)) = map.next_entry::<Unit, Quantity>()? {
                    if amounts.names(&unit) {
                        return Err(de::Error::custom(format_args!(
                            "unit `{unit}` is named twice"
                        )));
                    }
                    amounts.set(Amount::new(quantity, unit));
                }
                Ok(amounts)
            }
        }

        deserializer.deserialize_map(ByUnit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        match (Amount::parse(text), expected) {
            (Ok(amount), Ok(printed)) => assert_eq!(amount.to_string(), printed),
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{text}: {error}");
            }
            (got, expected) => panic!("{text}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn an_amount_is_a_number_and_a_unit() {
        check("0.2 USD", Ok("0.20 USD"));
        check("  0.184  USD ", Ok("0.184 USD"));
        check("8_000 tokens", Ok("8000 tokens"));
        check("3 GPU-hours", Ok("3 GPU-hours"));
        check("0.2", Err("a number and a unit"));
        check("0.2 US dollars", Err("a number and a unit"));
        check("-0.2 USD", Err("negative"));
        check("0.0000000000001 USD", Err("12 decimal places"));
        for text in ["_1 USD", "1__0 USD", "1_ USD", "0.1_0 USD", "1_.5 USD"] {
            check(text, Err("not a decimal"));
        }
    }

    #[test]
    fn amounts_keep_their_units_apart_and_in_order() {
        let amounts = Amounts::from([crate::usd!(1), crate::requests!(2), crate::usd!(0.5)]);
        assert_eq!(amounts.to_string(), "1.50 USD, 2 requests");
        let json = serde_json::to_string(&amounts).unwrap();
        assert_eq!(json, r#"{"USD":"1.5","requests":"2"}"#);
        assert_eq!(serde_json::from_str::<Amounts>(&json).unwrap(), amounts);
    }

    #[test]
    fn amounts_in_json_are_strings_and_units_are_named_once() {
        for json in [r#"{"USD":1}"#, r#"{"USD":"1","USD":"2"}"#, r#"["1"]"#, r#"{"USD":"-1"}"#] {
            assert!(serde_json::from_str::<Amounts>(json).is_err(), "{json}");
        }
    }
}
