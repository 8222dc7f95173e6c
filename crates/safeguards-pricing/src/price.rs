//! [`Price`]: the rates of one model, and what a usage costs at them.

use std::fmt;

use safeguards_types::{Amount, Quantity, Unit};
use serde::{Deserialize, Serialize};

use crate::{ModelName, PriceError, Rate, Usage};

/// The rates of one model, all in one unit.
///
/// ```
/// use safeguards_pricing::{Price, Rate, Usage};
/// use safeguards_types::usd;
///
/// let price = Price::new(
///     Rate::parse("2.50 USD per 1M tokens")?,
///     Rate::parse("10.00 USD per 1M tokens")?,
/// )?;
/// assert_eq!(price.cost(&Usage::new(4_808, 10))?, usd!(0.01212));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// In TOML and JSON a table of rates, of which `input` and `output` are required:
///
/// ```toml
/// input = "3.00 USD per 1M tokens"
/// output = "15.00 USD per 1M tokens"
/// cached_input = "0.30 USD per 1M tokens"
/// cache_write = "3.75 USD per 1M tokens"
/// tiered = true # the provider also has a long-context or off-peak rate, left out here
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Rates", into = "Rates")]
pub struct Price {
    unit: Unit,
    input: Quantity,
    output: Quantity,
    cached_input: Option<Quantity>,
    cache_write: Option<Quantity>,
    tiered: bool,
}

/// Two rates of one model are in different units, so that no cost could be summed up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rates of one model have one unit: input is in {input}, {rate} in {given}")]
#[non_exhaustive]
pub struct MixedUnits {
    /// The unit of the input rate.
    pub input: Unit,
    /// The other rate.
    pub rate: &'static str,
    /// Its unit.
    pub given: Unit,
}

/// What a reader of a cost should know about how it came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Note {
    /// Tokens read from a cache were charged like other input: the model has no price of its own for them.
    CachedInputAtInputPrice,
    /// Tokens written to a cache were charged like other input: the model has no price of its own for them.
    CacheWriteAtInputPrice,
    /// The provider also has a long-context or off-peak rate that the table leaves out: the real cost of
    /// some calls is higher or lower.
    SourceHasTieredOrOffPeakPrice,
    /// The table says that the input, or the output, costs nothing.
    ListedAtZero,
}

/// What a usage costs, and how that was worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Priced {
    /// The exact cost.
    pub cost: Amount,
    /// The model whose price was taken.
    pub model: ModelName,
    /// What to know about it; mostly empty.
    pub notes: Vec<Note>,
}

/// The written form of a price.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "Price")]
struct Rates {
    input: Rate,
    output: Rate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cached_input: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_write: Option<Rate>,
    #[serde(default, skip_serializing_if = "is_false")]
    tiered: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Price {
    /// A price for input and output.
    ///
    /// # Errors
    ///
    /// The two rates are in different units.
    pub fn new(input: Rate, output: Rate) -> Result<Self, MixedUnits> {
        Self::try_from(Rates {
            input,
            output,
            cached_input: None,
            cache_write: None,
            tiered: false,
        })
    }

    /// Adds a price for input that is read from the provider's cache.
    ///
    /// # Errors
    ///
    /// The rate is in another unit than the others.
    pub fn with_cached_input(self, rate: Rate) -> Result<Self, MixedUnits> {
        Self::try_from(Rates { cached_input: Some(rate), ..self.into() })
    }

    /// Adds a price for input that is written to the provider's cache.
    ///
    /// # Errors
    ///
    /// The rate is in another unit than the others.
    pub fn with_cache_write(self, rate: Rate) -> Result<Self, MixedUnits> {
        Self::try_from(Rates { cache_write: Some(rate), ..self.into() })
    }

    /// Says whether the provider also has a long-context or off-peak rate, which this price leaves out.
    #[must_use]
    pub const fn tiered(mut self, tiered: bool) -> Self {
        self.tiered = tiered;
        self
    }

    /// What it is paid in.
    pub const fn unit(&self) -> &Unit {
        &self.unit
    }

    /// The rate of input tokens.
    pub fn input(&self) -> Rate {
        self.rate(self.input)
    }

    /// The rate of output tokens.
    pub fn output(&self) -> Rate {
        self.rate(self.output)
    }

    /// The rate of input tokens read from a cache, where the model has one of its own.
    pub fn cached_input(&self) -> Option<Rate> {
        self.cached_input.map(|quantity| self.rate(quantity))
    }

    /// The rate of input tokens written to a cache, where the model has one of its own.
    pub fn cache_write(&self) -> Option<Rate> {
        self.cache_write.map(|quantity| self.rate(quantity))
    }

    /// Whether the provider also has a long-context or off-peak rate, which this price leaves out.
    pub const fn is_tiered(&self) -> bool {
        self.tiered
    }

    fn rate(&self, per_token: Quantity) -> Rate {
        Rate::of(per_token, self.unit.clone())
    }

    /// What a usage costs, exactly. Cached tokens without a rate of their own are charged as input.
    ///
    /// # Errors
    ///
    /// [`PriceError::Usage`] where the parts of the input are larger than the input;
    /// [`PriceError::TooLarge`] where the cost is above [`Quantity::MAX`].
    pub fn cost(&self, usage: &Usage) -> Result<Amount, PriceError> {
        let cached = self.cached_input.unwrap_or(self.input);
        let written = self.cache_write.unwrap_or(self.input);
        let sum = [
            (usage.plain_input_tokens()?, self.input),
            (usage.cached_input_tokens, cached),
            (usage.cache_write_tokens, written),
            (usage.output_tokens, self.output),
        ]
        .into_iter()
        .try_fold(Quantity::ZERO, |sum, (tokens, per_token)| {
            sum.checked_add(per_token.checked_mul(tokens)?)
        });
        match sum {
            Some(quantity) => Ok(Amount::new(quantity, self.unit.clone())),
            None => Err(PriceError::TooLarge { usage: *usage, unit: self.unit.clone() }),
        }
    }

    /// What to know about the cost of a usage at this price.
    pub fn notes(&self, usage: &Usage) -> Vec<Note> {
        let is_free = (usage.input_tokens > 0 && self.input.is_zero())
            || (usage.output_tokens > 0 && self.output.is_zero());
        [
            (
                usage.cached_input_tokens > 0 && self.cached_input.is_none(),
                Note::CachedInputAtInputPrice,
            ),
            (
                usage.cache_write_tokens > 0 && self.cache_write.is_none(),
                Note::CacheWriteAtInputPrice,
            ),
            (self.tiered, Note::SourceHasTieredOrOffPeakPrice),
            (is_free, Note::ListedAtZero),
        ]
        .into_iter()
        .filter_map(|(applies, note)| applies.then_some(note))
        .collect()
    }
}

impl TryFrom<Rates> for Price {
    type Error = MixedUnits;

    fn try_from(rates: Rates) -> Result<Self, MixedUnits> {
        let Rates { input, output, cached_input, cache_write, tiered } = rates;
        let others = [
            ("output", Some(&output)),
            ("cached_input", cached_input.as_ref()),
            ("cache_write", cache_write.as_ref()),
        ];
        for (rate, other) in others {
            if let Some(other) = other.filter(|other| other.unit() != input.unit()) {
                return Err(MixedUnits {
                    input: input.unit().clone(),
                    rate,
                    given: other.unit().clone(),
                });
            }
        }
        Ok(Self {
            unit: input.unit().clone(),
            input: input.quantity(),
            output: output.quantity(),
            cached_input: cached_input.as_ref().map(Rate::quantity),
            cache_write: cache_write.as_ref().map(Rate::quantity),
            tiered,
        })
    }
}

impl From<Price> for Rates {
    fn from(price: Price) -> Self {
        Self {
            input: price.input(),
            output: price.output(),
            cached_input: price.cached_input(),
            cache_write: price.cache_write(),
            tiered: price.tiered,
        }
    }
}

impl Note {
    /// A stable name, for programs: `cached_input_at_input_price`. JSON has the same.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CachedInputAtInputPrice => "cached_input_at_input_price",
            Self::CacheWriteAtInputPrice => "cache_write_at_input_price",
            Self::SourceHasTieredOrOffPeakPrice => "source_has_tiered_or_off_peak_price",
            Self::ListedAtZero => "listed_at_zero",
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::CachedInputAtInputPrice => {
                "no price for cached input is known: it was charged as input"
            }
            Self::CacheWriteAtInputPrice => {
                "no price for cache writes is known: they were charged as input"
            }
            Self::SourceHasTieredOrOffPeakPrice => {
                "the provider also has a long-context or off-peak price, which is not in the table"
            }
            Self::ListedAtZero => "the table lists input or output of this model at a price of 0",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: &str = r#"
        input = "3 USD per 1M tokens"
        output = "15 USD per 1M tokens"
    "#;
    const CACHE: &str = r#"
        cached_input = "0.3 USD per 1M tokens"
        cache_write = "3.75 USD per 1M tokens"
    "#;

    fn price(toml: &str) -> Price {
        toml::from_str(toml).unwrap()
    }

    #[track_caller]
    fn check(price: &Price, usage: Usage, cost: &str, notes: &[Note]) {
        assert_eq!(price.cost(&usage).unwrap().to_string(), cost);
        assert_eq!(price.notes(&usage), notes);
    }

    #[test]
    fn each_kind_of_token_has_its_rate() {
        let price = price(&format!("{PRICE}{CACHE}"));
        check(&price, Usage::default(), "0.00 USD", &[]);
        check(&price, Usage::new(1, 0), "0.000003 USD", &[]);
        check(&price, Usage::new(0, 1), "0.000015 USD", &[]);
        check(&price, Usage::new(1, 0).cached(1), "0.0000003 USD", &[]);
        check(&price, Usage::new(1, 0).cache_write(1), "0.00000375 USD", &[]);
        let mixed = Usage::new(1_000, 100).cached(600).cache_write(300);
        check(&price, mixed, "0.003105 USD", &[]);
    }

    #[test]
    fn cache_tokens_without_a_rate_are_charged_as_input_and_noted() {
        let price = price(PRICE);
        let notes = [Note::CachedInputAtInputPrice, Note::CacheWriteAtInputPrice];
        check(&price, Usage::new(10, 0), "0.00003 USD", &[]);
        check(&price, Usage::new(10, 0).cached(4), "0.00003 USD", &notes[..1]);
        let written = Usage::new(10, 0).cache_write(4);
        check(&price, written, "0.00003 USD", &notes[1..]);
        check(&price, written.cached(6), "0.00003 USD", &notes);
    }

    #[test]
    fn what_a_price_leaves_out_is_noted() {
        let tiered = [Note::SourceHasTieredOrOffPeakPrice];
        let usage = Usage::new(10, 0);
        check(&price(PRICE).tiered(true), usage, "0.00003 USD", &tiered);
        let nothing = Rate::parse("0 USD per token").unwrap();
        let free_input = Price::new(nothing, price(PRICE).output()).unwrap();
        check(&free_input, usage, "0.00 USD", &[Note::ListedAtZero]);
        check(&free_input, Usage::new(0, 10), "0.00015 USD", &[]);
    }

    #[test]
    fn a_cost_that_cannot_be_kept_is_refused() {
        let dear = Rate::parse("1 USD per token").unwrap();
        let price = Price::new(dear.clone(), dear).unwrap();
        let most = Usage::new(10_000_000_000_000_000, 0);
        assert_eq!(price.cost(&most).unwrap().to_string(), "10000000000000000.00 USD");
        for usage in [Usage::new(10_000_000_000_000_000, 1), Usage::new(u64::MAX, u64::MAX)] {
            let error = price.cost(&usage).unwrap_err();
            assert_eq!(error.code(), "pricing.cost_too_large");
        }
    }

    #[test]
    fn impossible_usage_is_refused() {
        let error = price(PRICE).cost(&Usage::new(1, 0).cached(2)).unwrap_err();
        assert_eq!(error.code(), "pricing.usage_invalid");
    }

    #[test]
    fn the_rates_of_a_model_share_a_unit() {
        let euros = Rate::parse("1 EUR per 1M tokens").unwrap();
        assert_eq!(
            price(PRICE).with_cache_write(euros).unwrap_err().to_string(),
            "the rates of one model have one unit: input is in USD, cache_write in EUR"
        );
    }

    #[test]
    fn a_price_is_written_as_it_is_read() {
        for toml in [PRICE.to_owned(), format!("{PRICE}{CACHE}tiered = true")] {
            let read = price(&toml);
            assert_eq!(price(&toml::to_string(&read).unwrap()), read);
        }
        let error = toml::from_str::<Price>("inputs = 1").unwrap_err();
        assert!(
            error.message().contains("unknown field `inputs`, expected one of `input`, `output`"),
            "{error}"
        );
    }

    #[test]
    fn the_code_of_a_note_is_its_json() {
        for note in [
            Note::CachedInputAtInputPrice,
            Note::CacheWriteAtInputPrice,
            Note::SourceHasTieredOrOffPeakPrice,
            Note::ListedAtZero,
        ] {
            let json = serde_json::to_string(&note).unwrap();
            assert_eq!(json, format!("\"{}\"", note.as_str()));
        }
    }
}
