//! [`PriceTable`]: what models cost, looked up by name.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, LazyLock},
};

use safeguards_types::Unit;

use crate::{ModelName, Price, PriceFileError, Priced, Usage, UsageError, file, model::split};

/// What models cost.
///
/// A model is asked for as `provider/model`, or by its bare name where that means one model only. A name
/// that a table lists without a provider stands for itself, and goes before the same name of a provider.
///
/// ```
/// use safeguards_pricing::{PriceError, PriceTable, Usage};
/// use safeguards_types::usd;
///
/// let prices = PriceTable::builtin();
/// let priced = prices.price("gpt-4o", &Usage::new(4_808, 10))?;
/// assert_eq!(priced.cost, usd!(0.01212));
/// assert_eq!(priced.model.to_string(), "openai/gpt-4o");
///
/// let error = prices.price("gpt-40", &Usage::new(4_808, 10)).unwrap_err();
/// assert_eq!(error.code(), "pricing.unknown_model");
/// # Ok::<(), PriceError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceTable {
    /// By model alone; of one model those without a provider first, then in the order of the providers.
    models: BTreeMap<Arc<str>, Vec<(ModelName, Price)>>,
}

/// Why there is no cost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PriceError {
    /// No table lists the model. It is not free: nothing is known of it.
    #[error("no price for model `{model}`{}; a price file can add one", suggestion(near))]
    UnknownModel {
        /// The model asked for.
        model: String,
        /// Names that are spelled much like it, the nearest first.
        near: Vec<ModelName>,
    },
    /// Several providers have a model of this name.
    #[error("model `{model}` is listed more than once; say which: {}", listed(choices))]
    Ambiguous {
        /// The model asked for.
        model: String,
        /// What it may mean, in the order of the providers.
        choices: Vec<ModelName>,
    },
    /// The parts of the usage do not fit its whole.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The cost is above what can be kept.
    #[error(
        "{} input and {} output tokens cost more than {} {unit}, the largest amount kept",
        usage.input_tokens, usage.output_tokens, safeguards_types::Quantity::MAX
    )]
    TooLarge {
        /// The tokens.
        usage: Usage,
        /// What they are paid in.
        unit: Unit,
    },
}

fn listed(names: &[ModelName]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn suggestion(near: &[ModelName]) -> String {
    if near.is_empty() {
        return String::new();
    }
    format!("; spelled much like it: {}", listed(near))
}

impl PriceError {
    /// A stable name for programs, such as `pricing.unknown_model`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownModel { .. } => "pricing.unknown_model",
            Self::Ambiguous { .. } => "pricing.ambiguous_model",
            Self::Usage(_) => "pricing.usage_invalid",
            Self::TooLarge { .. } => "pricing.cost_too_large",
        }
    }
}

impl PriceTable {
    /// The day on which the built-in prices were taken from their sources. Prices change; a table of your
    /// own goes over them.
    pub const BUILTIN_TAKEN_ON: &str = "2026-11-22";

    /// A table that knows no model.
    pub const fn empty() -> Self {
        Self { models: BTreeMap::new() }
    }

    /// The table that comes with this crate: well-known chat models at their flat rates, in USD.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<PriceTable> = LazyLock::new(|| {
            let read = PriceTable::parse("prices.toml", include_str!("../data/prices.toml"));
            debug_assert!(read.is_ok(), "the built-in prices: {read:?}");
            // Tests hold every figure of it; a table that could not be read would know no model at all.
            read.unwrap_or_default()
        });
        &BUILTIN
    }

    /// Reads a price file; `file` is its name in messages.
    ///
    /// The form to write is TOML, a [`Price`] for each model:
    ///
    /// ```
    /// # use safeguards_pricing::PriceTable;
    /// let text = r#"
    /// [model."acme/large"]
    /// input = "3.00 USD per 1M tokens"
    /// output = "15.00 USD per 1M tokens"
    /// cached_input = "0.30 USD per 1M tokens"
    ///
    /// [model."small-8b"] # no provider in particular
    /// input = "0.00000015 USD per token"
    /// output = "0.0000006 USD per token"
    /// "#;
    /// assert_eq!(PriceTable::parse("prices.toml", text)?.models().len(), 2);
    /// # Ok::<(), safeguards_pricing::PriceFileError>(())
    /// ```
    ///
    /// JSON lists with `models[]` and `input_cost_per_token` (a decimal string) are read as well.
    ///
    /// # Errors
    ///
    /// The first mistake in the file, with its line and what is allowed there.
    pub fn parse(file: &str, text: &str) -> Result<Self, PriceFileError> {
        Ok(file::read(file, text)?.into_iter().collect())
    }

    /// Adds a model, in place of what the table had under that name.
    #[must_use]
    pub fn with(mut self, model: ModelName, price: Price) -> Self {
        self.insert(model, price);
        self
    }

    /// This table, and `base` for the models that this one does not list.
    ///
    /// Names are compared whole: `openai/gpt-4o` replaces the price of `base`; a bare `gpt-4o` is a model of
    /// its own, which is found by its bare name first.
    #[must_use]
    pub fn over(self, base: &Self) -> Self {
        let mut both = base.clone();
        for (model, price) in self.models.into_values().flatten() {
            both.insert(model, price);
        }
        both
    }

    /// Each model with its price, in the order of providers, then models.
    pub fn models(&self) -> Vec<(&ModelName, &Price)> {
        let mut models: Vec<_> =
            self.models.values().flatten().map(|(model, price)| (model, price)).collect();
        models.sort_by_key(|(model, _)| *model);
        models
    }

    /// The one model that a name means, and its price.
    ///
    /// # Errors
    ///
    /// [`PriceError::UnknownModel`], or [`PriceError::Ambiguous`] where the name means several.
    pub fn find(&self, model: &str) -> Result<(&ModelName, &Price), PriceError> {
        if let (Some(provider), name) = split(model)
            && let Some((known, price)) =
                self.named(name).iter().find(|(known, _)| known.provider() == Some(provider))
        {
            return Ok((known, price));
        }
        // Not a provider's: a bare name, which may have a slash of its own.
        match self.named(model) {
            [] => Err(PriceError::UnknownModel { model: model.to_owned(), near: self.near(model) }),
            [(known, price)] => Ok((known, price)),
            [(known, price), ..] if known.provider().is_none() => Ok((known, price)),
            several => Err(PriceError::Ambiguous {
                model: model.to_owned(),
                choices: several.iter().map(|(known, _)| known.clone()).collect(),
            }),
        }
    }

    /// What a usage of a model costs, exactly.
    ///
    /// # Errors
    ///
    /// As [`PriceTable::find`] and [`Price::cost`]. There is no cost of a model that is not listed.
    pub fn price(&self, model: &str, usage: &Usage) -> Result<Priced, PriceError> {
        let (model, price) = self.find(model)?;
        Ok(Priced { cost: price.cost(usage)?, model: model.clone(), notes: price.notes(usage) })
    }

    fn named(&self, model: &str) -> &[(ModelName, Price)] {
        self.models.get(model).map_or(&[], Vec::as_slice)
    }

    fn insert(&mut self, model: ModelName, price: Price) {
        match self.models.entry(model.shared_model()) {
            Entry::Vacant(slot) => {
                slot.insert(vec![(model, price)]);
            }
            Entry::Occupied(mut slot) => {
                let same = slot.get_mut();
                match same.binary_search_by(|(known, _)| known.cmp(&model)) {
                    Ok(at) => {
                        if let Some(known) = same.get_mut(at) {
                            *known = (model, price);
                        }
                    }
                    Err(at) => same.insert(at, (model, price)),
                }
            }
        }
    }

    /// Up to three names that are spelled much like `asked`, the nearest first.
    fn near(&self, asked: &str) -> Vec<ModelName> {
        const LONGEST: usize = 100; // comparing takes the product of both lengths
        if asked.len() > LONGEST {
            return Vec::new();
        }
        let asked = asked.to_lowercase();
        let (_, bare) = split(&asked);
        let tolerated = bare.chars().count().div_ceil(4);
        let mut near: Vec<(usize, &ModelName)> = self
            .models()
            .into_iter()
            .filter_map(|(known, _)| {
                let name = known.model().to_lowercase();
                let distance = strsim::osa_distance(bare, &name);
                // Providers report dated names: `gpt-4o-2024-08-06` begins like `gpt-4o`.
                let is_longer_form = bare
                    .strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.starts_with(['-', '@', ':']));
                (distance <= tolerated || is_longer_form).then_some((distance, known))
            })
            .collect();
        near.sort();
        near.into_iter().take(3).map(|(_, known)| known.clone()).collect()
    }
}

impl FromIterator<(ModelName, Price)> for PriceTable {
    /// Of two prices for one model the later one stays.
    fn from_iter<I: IntoIterator<Item = (ModelName, Price)>>(models: I) -> Self {
        models.into_iter().fold(Self::empty(), |table, (model, price)| table.with(model, price))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One million input tokens: a model at `2 USD per 1M tokens` costs `2.00 USD`.
    const USAGE: Usage = Usage::new(1_000_000, 0);

    /// A table of models, each with the dollars that a million of its input tokens cost.
    fn table(models: &[(&str, u32)]) -> PriceTable {
        let model = |(name, dollars): &(&str, u32)| {
            let rate: crate::Rate = format!("{dollars} USD per 1M tokens").parse().unwrap();
            let price = Price::new(rate.clone(), rate).unwrap();
            (ModelName::parse(name).unwrap(), price)
        };
        models.iter().map(model).collect()
    }

    #[track_caller]
    fn check(table: &PriceTable, asked: &str, expected: Result<(&str, &str), &str>) {
        match (table.price(asked, &USAGE), expected) {
            (Ok(priced), Ok(expected)) => {
                let (model, cost) = (priced.model.to_string(), priced.cost.to_string());
                assert_eq!((model.as_str(), cost.as_str()), expected, "{asked}");
            }
            (Err(error), Err(whole)) => assert_eq!(error.to_string(), whole, "{asked}"),
            (got, expected) => panic!("{asked}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_model_is_found_by_its_whole_name_or_a_bare_one_that_means_one() {
        let table = table(&[("a/x", 1), ("b/x", 2), ("b/y", 3), ("z", 4), ("r/a/m", 5)]);
        check(&table, "a/x", Ok(("a/x", "1.00 USD")));
        check(&table, "b/x", Ok(("b/x", "2.00 USD")));
        check(&table, "y", Ok(("b/y", "3.00 USD")));
        check(&table, "z", Ok(("z", "4.00 USD")));
        check(&table, "r/a/m", Ok(("r/a/m", "5.00 USD")));
        check(&table, "a/m", Ok(("r/a/m", "5.00 USD")));
        check(&table, "x", Err("model `x` is listed more than once; say which: `a/x`, `b/x`"));
    }

    #[test]
    fn an_unknown_model_is_never_free() {
        let table = table(&[("a/large-2", 1), ("a/large-20", 2), ("z", 4)]);
        check(
            &table,
            "large-3",
            Err("no price for model `large-3`; spelled much like it: `a/large-2`, `a/large-20`; \
                 a price file can add one"),
        );
        check(
            &table,
            "b/Large-2",
            Err(
                "no price for model `b/Large-2`; spelled much like it: `a/large-2`, `a/large-20`; \
                 a price file can add one",
            ),
        );
        check(
            &table,
            "large-2-2026-03-01",
            Err("no price for model `large-2-2026-03-01`; spelled much like it: `a/large-2`; \
                 a price file can add one"),
        );
        let unlike = "no price for model `unlike`; a price file can add one";
        check(&table, "unlike", Err(unlike));
        check(&PriceTable::empty(), "unlike", Err(unlike));
        for odd in ["", "/", "a/", "/large-2", "a/z"] {
            assert!(table.price(odd, &USAGE).is_err(), "{odd}");
        }
        assert!(table.price(&"large-2".repeat(10_000), &USAGE).is_err());
    }

    #[test]
    fn a_table_goes_over_another() {
        let base = table(&[("a/x", 1), ("a/y", 2), ("b/z", 3)]);
        let both = table(&[("a/x", 10), ("y", 20), ("c/z", 30)]).over(&base);
        check(&both, "x", Ok(("a/x", "10.00 USD")));
        check(&both, "y", Ok(("y", "20.00 USD")));
        check(&both, "a/y", Ok(("a/y", "2.00 USD")));
        check(&both, "z", Err("model `z` is listed more than once; say which: `b/z`, `c/z`"));
        let names: Vec<String> =
            both.models().into_iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(names, ["y", "a/x", "a/y", "b/z", "c/z"]);
    }

    #[test]
    fn the_notes_say_how_the_cost_came_about() {
        let usage = Usage::new(1_000, 0).cached(500).cache_write(100);
        let priced = PriceTable::builtin().price("gpt-4o", &usage).unwrap();
        assert_eq!(priced.notes, [crate::Note::CacheWriteAtInputPrice]);
        // 400 plain and 100 written at 2.50 a million, 500 cached at 1.25.
        assert_eq!(priced.cost.to_string(), "0.001875 USD");
    }

    #[test]
    fn the_refusals_have_codes() {
        let table = table(&[("a/x", 1), ("b/x", 2)]);
        let code = |model, usage| table.price(model, &usage).unwrap_err().code();
        assert_eq!(code("w", USAGE), "pricing.unknown_model");
        assert_eq!(code("x", USAGE), "pricing.ambiguous_model");
        assert_eq!(code("a/x", USAGE.cached(1_000_001)), "pricing.usage_invalid");
    }
}
