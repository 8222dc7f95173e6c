//! [`Rate`]: what one token of a kind costs, and the text that says it.

use std::{fmt, str::FromStr};

use safeguards_types::{Amount, AmountError, Quantity, Unit};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

/// The count of tokens that people state rates for.
const MILLION: u64 = 1_000_000;

/// What one token of a kind costs, exactly.
///
/// ```
/// use safeguards_pricing::Rate;
/// use safeguards_types::usd;
///
/// let rate = Rate::parse("0.15 USD per 1M tokens")?;
/// assert_eq!(rate.per_token(), usd!(0.00000015));
/// assert_eq!(rate, Rate::parse("0.00000015 USD per token")?);
/// assert_eq!(rate.to_string(), "0.15 USD per 1M tokens");
/// # Ok::<(), safeguards_pricing::RateError>(())
/// ```
///
/// In JSON and TOML it is that text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    per_token: Quantity,
    unit: Unit,
}

/// Why a text is no [`Rate`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RateError {
    /// Not of the form `AMOUNT per COUNT tokens`.
    #[error(
        "`{text}` is no price; write an amount per tokens, such as \"0.15 USD per 1M tokens\", \
         \"0.15 USD per 1_000 tokens\" or \"0.00000015 USD per token\""
    )]
    Malformed {
        /// What was given.
        text: String,
    },
    /// The amount is none that can be kept.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// One token's share of the amount cannot be kept.
    #[error(
        "`{text}` needs more than 12 decimal places for one token; nothing is rounded in silence"
    )]
    TooPrecise {
        /// What was given.
        text: String,
    },
}

impl Rate {
    /// This much for each token.
    pub fn new(per_token: &Amount) -> Self {
        Self { per_token: per_token.quantity(), unit: per_token.unit().clone() }
    }

    /// Reads `AMOUNT per token`, or `AMOUNT per COUNT tokens` with a count such as `1M`, `1K` or `1_000`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the text: another form, no amount, or a share of one token that needs more
    /// than 12 decimal places.
    pub fn parse(text: &str) -> Result<Self, RateError> {
        let malformed = || RateError::Malformed { text: text.to_owned() };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (number, unit, count) = match *words.as_slice() {
            [number, unit, "per", "token"] => (number, unit, 1),
            [number, unit, "per", count, "token" | "tokens"] => {
                (number, unit, read_count(count).ok_or_else(malformed)?)
            }
            _ => return Err(malformed()),
        };
        let amount = Amount::parse(&format!("{number} {unit}"))?;
        Ok(Self {
            per_token: share(amount.quantity(), count)
                .ok_or_else(|| RateError::TooPrecise { text: text.to_owned() })?,
            unit: amount.unit().clone(),
        })
    }

    /// What one token costs.
    pub fn per_token(&self) -> Amount {
        Amount::new(self.per_token, self.unit.clone())
    }

    /// What it is paid in.
    pub const fn unit(&self) -> &Unit {
        &self.unit
    }

    pub(crate) const fn of(per_token: Quantity, unit: Unit) -> Self {
        Self { per_token, unit }
    }

    pub(crate) const fn quantity(&self) -> Quantity {
        self.per_token
    }
}

/// Reads a count of tokens, 1 or more: digits with `_` between them, then perhaps `K` or `M`.
fn read_count(text: &str) -> Option<u64> {
    let (digits, times) = match text.strip_suffix('M') {
        Some(digits) => (digits, MILLION),
        None => match text.strip_suffix(['K', 'k']) {
            Some(digits) => (digits, 1_000),
            None => (text, 1),
        },
    };
    let is_grouped = digits
        .split('_')
        .all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_grouped {
        return None;
    }
    let count: u64 = digits.replace('_', "").parse().ok()?;
    count.checked_mul(times).filter(|count| *count > 0)
}

/// One `count`-th of a quantity; `None` where that needs more places than are kept.
fn share(whole: Quantity, count: u64) -> Option<Quantity> {
    let (steps, count) = (whole.steps(), i128::from(count));
    if steps.checked_rem(count)? != 0 {
        return None;
    }
    Quantity::from_steps(steps.checked_div(count)?)
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        Self::parse(text)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.per_token.checked_mul(MILLION) {
            Some(quantity) => {
                write!(out, "{} per 1M tokens", Amount::new(quantity, self.unit.clone()))
            }
            None => write!(out, "{} per token", self.per_token()),
        }
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Rate;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a price such as \"0.15 USD per 1M tokens\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
                Rate::parse(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, per_token: Result<&str, &str>) {
        match (Rate::parse(text), per_token) {
            (Ok(rate), Ok(expected)) => {
                assert_eq!(rate.per_token(), Amount::parse(expected).unwrap(), "{text}");
            }
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{text}: {error}");
            }
            (got, expected) => panic!("{text}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_rate_is_an_amount_per_tokens() {
        check("0.15 USD per 1M tokens", Ok("0.00000015 USD"));
        check("  0.15  USD per 1_000_000 tokens ", Ok("0.00000015 USD"));
        check("0.15 USD per 1K tokens", Ok("0.00015 USD"));
        check("0.15 USD per 1000 tokens", Ok("0.00015 USD"));
        check("1 GPU-hours per 3M tokens", Err("12 decimal places"));
        check("3 GPU-hours per 3M tokens", Ok("0.000001 GPU-hours"));
        check("0.00000015 USD per token", Ok("0.00000015 USD"));
        check("2 requests per 1 token", Ok("2 requests"));
        check("0 USD per 1M tokens", Ok("0 USD"));
    }

    #[test]
    fn another_text_is_refused_with_the_form_that_is_allowed() {
        for text in [
            "",
            "0.15",
            "0.15 USD",
            "0.15 USD per",
            "0.15 per 1M tokens",
            "0.15 USD per tokens",
            "0.15 USD / 1M tokens",
            "0.15 USD per 0 tokens",
            "0.15 USD per 0M tokens",
            "0.15 USD per 1 M tokens",
            "0.15 USD per 1m tokens",
            "0.15 USD per M tokens",
            "0.15 USD per -1 tokens",
            "0.15 USD per +1 tokens",
            "0.15 USD per 1__000 tokens",
            "0.15 USD per 1_ tokens",
            "0.15 USD per 99999999999999M tokens",
            "0.15 USD per 1M requests",
        ] {
            check(text, Err("such as \"0.15 USD per 1M tokens\""));
        }
        check("-0.15 USD per 1M tokens", Err("negative"));
        check("1e-7 USD per token", Err("not a decimal"));
    }

    #[test]
    fn a_rate_that_would_have_to_be_rounded_is_refused() {
        check("0.000001 USD per 1M tokens", Ok("0.000000000001 USD"));
        check("0.0000001 USD per 1M tokens", Err("12 decimal places"));
        check("0.0000000000001 USD per token", Err("12 decimal places"));
        check("1 USD per 3 tokens", Err("nothing is rounded"));
    }

    #[test]
    fn a_bare_number_in_json_is_no_rate() {
        let error = serde_json::from_str::<Rate>("0.15").unwrap_err();
        assert!(
            error.to_string().contains("expected a price such as \"0.15 USD per 1M tokens\""),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn text_and_back(steps in 0..=Quantity::MAX.steps()) {
            let rate = Rate::of(Quantity::from_steps(steps).unwrap(), Unit::USD);
            prop_assert_eq!(Rate::parse(&rate.to_string()), Ok(rate.clone()));
            let json = serde_json::to_string(&rate).unwrap();
            prop_assert_eq!(serde_json::from_str::<Rate>(&json).unwrap(), rate);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.]{1,5} [A-Z]{0,3} ?per [0-9_]{0,9}[KM]? ?tokens?") {
            let _ = Rate::parse(&text);
        }
    }
}
