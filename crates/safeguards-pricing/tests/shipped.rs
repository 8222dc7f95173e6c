//! The built-in table against the data it was made from, and costs against an independent sum.

use std::{collections::BTreeSet, path::Path};

use proptest::prelude::*;
use rust_decimal::Decimal;
use safeguards_pricing::{ModelName, Note, Price, PriceTable, Rate, Usage};
use safeguards_types::Amount;
use serde_json::Value;

fn model_prices() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/model_prices.json");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A figure of the data: its decimal, or nothing where the source gives none.
fn figure(model: &Value, key: &str) -> Option<Decimal> {
    let figure = &model[key];
    let text = figure.as_str();
    assert!(text.is_some() || figure.is_null(), "{key}: {figure}");
    text.map(|text| text.parse().unwrap())
}

/// What a rate says of one token, in USD.
fn dollars(rate: &Rate) -> Decimal {
    assert_eq!(rate.unit().as_str(), "USD");
    rate.per_token().quantity().to_decimal()
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn the_built_in_table_has_every_figure_of_its_source() {
    let file: Value = serde_json::from_str(&model_prices()).unwrap();
    let listed = file["models"].as_array().unwrap();
    let table = PriceTable::builtin();
    let mut names = BTreeSet::new();
    for model in listed {
        let name =
            format!("{}/{}", model["provider"].as_str().unwrap(), model["model"].as_str().unwrap());
        let (known, price) = table.find(&name).unwrap();
        assert_eq!(known.to_string(), name);
        let rates = [
            ("input_cost_per_token", Some(price.input())),
            ("output_cost_per_token", Some(price.output())),
            ("cached_input_cost_per_token", price.cached_input()),
            ("cache_write_cost_per_token", price.cache_write()),
        ];
        for (key, rate) in rates {
            assert_eq!(rate.as_ref().map(dollars), figure(model, key), "{name} {key}");
        }
        let tiered = model["source_has_tiered_or_off_peak_price"].as_bool();
        assert_eq!(Some(price.is_tiered()), tiered, "{name}");
        let notes = price.notes(&Usage::new(1, 1));
        assert_eq!(Some(notes.contains(&Note::SourceHasTieredOrOffPeakPrice)), tiered, "{name}");
        names.insert(name);
    }
    assert_eq!(names.len(), 139);
    assert_eq!(table.models().len(), 139);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn the_source_is_readable_as_a_price_file() {
    let read = PriceTable::parse("model_prices.json", &model_prices()).unwrap();
    assert_eq!(read.models(), PriceTable::builtin().models());
}

#[test]
fn the_built_in_table_is_there_and_dated() {
    assert!(PriceTable::builtin().models().len() > 100);
    let text = include_str!("../data/prices.toml");
    let first = text.lines().next().unwrap();
    assert!(first.contains(PriceTable::BUILTIN_TAKEN_ON), "{first}");
}

/// The sums of the Azure traces, whose cost at gpt-4o prices is known to the last digit.
#[test]
fn known_totals_at_gpt_4o_prices() {
    for (input, output, dollars) in
        [(18_059_974, 245_896, "47.608895 USD"), (22_361_870, 4_088_665, "96.791325 USD")]
    {
        let priced = PriceTable::builtin().price("gpt-4o", &Usage::new(input, output));
        assert_eq!(priced.unwrap().cost.to_string(), dollars);
    }
}

#[test]
fn a_name_of_two_providers_asks_which() {
    let error = PriceTable::builtin().price("claude-3-5-sonnet", &Usage::new(1, 1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "model `claude-3-5-sonnet` is listed more than once; say which: \
         `anthropic/claude-3-5-sonnet`, `google/claude-3-5-sonnet`"
    );
}

fn rate() -> impl Strategy<Value = Decimal> {
    // Up to 1000 USD per million tokens, in its smallest steps.
    (0..=1_000_000_000_i64).prop_map(|steps| Decimal::new(steps, 6))
}

fn usage() -> impl Strategy<Value = Usage> {
    let tokens = || 0..=1_000_000_000_u64;
    (tokens(), tokens(), tokens(), tokens()).prop_map(|(plain, cached, written, output)| {
        Usage::new(plain + cached + written, output).cached(cached).cache_write(written)
    })
}

proptest! {
    #[test]
    fn a_cost_is_the_exact_sum(
        input in rate(),
        output in rate(),
        cached in proptest::option::of(rate()),
        written in proptest::option::of(rate()),
        usage in usage(),
    ) {
        let rate = |decimal: Decimal| Rate::parse(&format!("{decimal} USD per 1M tokens")).unwrap();
        let mut price = Price::new(rate(input), rate(output)).unwrap();
        if let Some(cached) = cached {
            price = price.with_cached_input(rate(cached)).unwrap();
        }
        if let Some(written) = written {
            price = price.with_cache_write(rate(written)).unwrap();
        }
        let table = PriceTable::empty().with(ModelName::parse("m").unwrap(), price);

        let plain = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens;
        let millionths = Decimal::from(plain) * input
            + Decimal::from(usage.cached_input_tokens) * cached.unwrap_or(input)
            + Decimal::from(usage.cache_write_tokens) * written.unwrap_or(input)
            + Decimal::from(usage.output_tokens) * output;
        let expected = millionths * Decimal::new(1, 6);

        let priced = table.price("m", &usage).unwrap();
        prop_assert_eq!(priced.cost.quantity().to_decimal(), expected);
        prop_assert_eq!(
            priced.notes.contains(&Note::CachedInputAtInputPrice),
            cached.is_none() && usage.cached_input_tokens > 0
        );
        prop_assert_eq!(
            priced.notes.contains(&Note::CacheWriteAtInputPrice),
            written.is_none() && usage.cache_write_tokens > 0
        );
        prop_assert_eq!(Amount::parse(&priced.cost.to_string()), Ok(priced.cost));
    }

    #[test]
    fn any_price_file_is_read_or_refused(text in "\\PC{0,60}", lines in "(\\[model[.a]*\\]|\\{|\\}|input|=|\"|1 USD per token|\n){0,20}") {
        let _ = PriceTable::parse("p", &text);
        let _ = PriceTable::parse("p", &lines);
    }
}
