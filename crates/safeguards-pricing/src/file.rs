//! Price files: the TOML form that users write, and the JSON form of exported price lists.

use std::{collections::BTreeMap, fmt};

use safeguards_types::{Quantity, Unit};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, SeqAccess, Visitor},
};

use crate::{ModelName, Price, Rate};

/// What is wrong with a price file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {problem}")]
pub struct PriceFileError {
    file: String,
    line: usize,
    column: usize,
    problem: String,
}

impl PriceFileError {
    /// A stable name for programs: `pricing.bad_file`.
    pub const fn code(&self) -> &'static str {
        "pricing.bad_file"
    }

    /// The file, by the name it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The column of that line, from 1, in characters.
    pub const fn column(&self) -> usize {
        self.column
    }

    /// What is wrong there.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

/// Reads the models of a price file. No TOML file begins with a brace, and every JSON one does.
pub(crate) fn read(file: &str, text: &str) -> Result<BTreeMap<ModelName, Price>, PriceFileError> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        read_json(text).map_err(|error| json_error(file, &error))
    } else {
        read_toml(text).map_err(|error| toml_error(file, text, &error))
    }
}

/// `[model."provider/name"]` with the rates of a [`Price`].
fn read_toml(text: &str) -> Result<BTreeMap<ModelName, Price>, toml::de::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        model: BTreeMap<ModelName, Price>,
    }

    toml::from_str(text).map(|File { model }| model)
}

/// What is wrong, and how a model is written, where the file is built otherwise.
fn with_form(problem: &str) -> String {
    let built_otherwise =
        ["unknown field `model", "missing field `model", "invalid type: sequence, expected a map"];
    if !built_otherwise.iter().any(|start| problem.starts_with(start)) {
        return problem.to_owned();
    }
    format!(
        "{problem}; a model is written as [model.\"provider/name\"] with `input` and `output`, each such as \
         \"0.15 USD per 1M tokens\""
    )
}

fn toml_error(file: &str, text: &str, error: &toml::de::Error) -> PriceFileError {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or(text);
    let start_of_line = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
    let in_line = before.get(start_of_line..).unwrap_or_default();
    PriceFileError {
        file: file.to_owned(),
        line: before.matches('\n').count().saturating_add(1),
        column: in_line.chars().count().saturating_add(1),
        problem: with_form(error.message()),
    }
}

/// The form that price lists are exported in: `models[]`, prices as decimal strings per token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonFile {
    #[serde(default, rename = "schema")]
    _schema: Option<Schema>,
    currency: Unit,
    #[serde(default, rename = "unit")]
    _unit: Option<PerToken>,
    #[serde(default, rename = "sources")]
    _sources: IgnoredAny,
    models: JsonModels,
}

/// The schema this program knows; another might mean something else by the same keys.
#[derive(Deserialize)]
enum Schema {
    #[serde(rename = "safeguards-data/model_prices/1")]
    V1,
}

/// What prices are for; another count of tokens would make every price wrong.
#[derive(Deserialize)]
enum PerToken {
    #[serde(rename = "per token, decimal string")]
    DecimalString,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonModel {
    #[serde(default)]
    provider: Option<String>,
    model: String,
    input_cost_per_token: Quantity,
    output_cost_per_token: Quantity,
    #[serde(default)]
    cached_input_cost_per_token: Option<Quantity>,
    #[serde(default)]
    cache_write_cost_per_token: Option<Quantity>,
    #[serde(default)]
    source_has_tiered_or_off_peak_price: bool,
    #[serde(default, rename = "source_key")]
    _source_key: IgnoredAny,
    #[serde(default, rename = "second_source")]
    _second_source: IgnoredAny,
    #[serde(default, rename = "max_input_tokens")]
    _max_input_tokens: IgnoredAny,
    #[serde(default, rename = "max_output_tokens")]
    _max_output_tokens: IgnoredAny,
    #[serde(default, rename = "deprecation_date")]
    _deprecation_date: IgnoredAny,
}

/// The models by name. Read one by one, so that a mistake is reported at its line.
struct JsonModels(BTreeMap<ModelName, JsonModel>);

impl<'de> Deserialize<'de> for JsonModels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EachOnce;

        impl<'de> Visitor<'de> for EachOnce {
            type Value = JsonModels;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list of models")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<JsonModels, A::Error> {
                let mut models = BTreeMap::new();
                while let Some(model) = list.next_element::<JsonModel>()? {
                    let name = model.name().map_err(de::Error::custom)?;
                    if models.contains_key(&name) {
                        return Err(de::Error::custom(format_args!(
                            "model `{name}` is listed twice; each model has one price"
                        )));
                    }
                    models.insert(name, model);
                }
                Ok(JsonModels(models))
            }
        }

        deserializer.deserialize_seq(EachOnce)
    }
}

impl JsonModel {
    fn name(&self) -> Result<ModelName, crate::ModelNameError> {
        match &self.provider {
            Some(provider) => ModelName::parse(&format!("{provider}/{}", self.model)),
            None => ModelName::parse(&self.model),
        }
    }

    fn price(&self, currency: &Unit) -> Result<Price, crate::MixedUnits> {
        let rate = |per_token: Quantity| Rate::of(per_token, currency.clone());
        let mut price =
            Price::new(rate(self.input_cost_per_token), rate(self.output_cost_per_token))?;
        if let Some(per_token) = self.cached_input_cost_per_token {
            price = price.with_cached_input(rate(per_token))?;
        }
        if let Some(per_token) = self.cache_write_cost_per_token {
            price = price.with_cache_write(rate(per_token))?;
        }
        Ok(price.tiered(self.source_has_tiered_or_off_peak_price))
    }
}

fn read_json(text: &str) -> Result<BTreeMap<ModelName, Price>, serde_json::Error> {
    let JsonFile { currency, models, .. } = serde_json::from_str(text)?;
    models
        .0
        .into_iter()
        .map(|(name, model)| {
            let price = model.price(&currency).map_err(de::Error::custom)?;
            Ok((name, price))
        })
        .collect()
}

fn json_error(file: &str, error: &serde_json::Error) -> PriceFileError {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let place = format!(" at line {line} column {column}");
    PriceFileError {
        file: file.to_owned(),
        line,
        column,
        problem: message.strip_suffix(&place).unwrap_or(&message).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODELS: &str = r#"{"currency": "USD", "models": ["#;
    const SMALL: &str =
        r#"{"model": "small", "input_cost_per_token": "0.1", "output_cost_per_token": "0.2"}"#;

    /// Reads `text`, and compares the models as TOML without quotes, or the error.
    #[track_caller]
    fn check(text: &str, expected: Result<&[(&str, &str)], &str>) {
        match (read("p.toml", text), expected) {
            (Ok(models), Ok(expected)) => {
                let got: Vec<(String, String)> = models
                    .iter()
                    .map(|(name, price)| {
                        let rates = [
                            Some(price.input()),
                            Some(price.output()),
                            price.cached_input(),
                            price.cache_write(),
                        ];
                        let rates: Vec<String> = rates
                            .into_iter()
                            .flatten()
                            .map(|rate| rate.per_token().to_string())
                            .collect();
                        (name.to_string(), rates.join(", "))
                    })
                    .collect();
                let got: Vec<(&str, &str)> =
                    got.iter().map(|(name, rates)| (name.as_str(), rates.as_str())).collect();
                assert_eq!(got, expected, "{text}");
            }
            (Err(error), Err(whole)) => assert_eq!(error.to_string(), whole, "{text}"),
            (got, expected) => panic!("{text}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn reads_toml() {
        check(
            "\u{feff}# mine\r\n[model.small-8b]\r\ninput = '1 USD per 1M tokens'\r\noutput = '2 USD per token'\r\n",
            Ok(&[("small-8b", "0.000001 USD, 2.00 USD")]),
        );
        check(
            "[model]\n'a/b' = { input = '1 x per token', output = '2 x per token', cache_write = '3 x per token' }",
            Ok(&[("a/b", "1 x, 2 x, 3 x")]),
        );
    }

    #[test]
    fn mistakes_in_toml_name_their_line_and_what_is_allowed() {
        let head = "[model.small]\ninput = '1 USD per token'\n";
        check(
            &format!("{head}output = 0.6"),
            Err("p.toml:3:10: invalid type: floating point `0.6`, \
                 expected a price such as \"0.15 USD per 1M tokens\""),
        );
        check(
            &format!("{head}output = '0.6 USD'"),
            Err("p.toml:3:10: `0.6 USD` is no price; write an amount per tokens, such as \
                 \"0.15 USD per 1M tokens\", \"0.15 USD per 1_000 tokens\" or \
                 \"0.00000015 USD per token\""),
        );
        check(
            &format!("{head}output = '-1 USD per token'"),
            Err("p.toml:3:10: `-1` is negative; quantities are 0 or more"),
        );
        check(
            &format!("{head}output = '0.0000001 USD per 1M tokens'"),
            Err("p.toml:3:10: `0.0000001 USD per 1M tokens` needs more than 12 decimal places \
                 for one token; nothing is rounded in silence"),
        );
        check(
            &format!("{head}outptu = '1 USD per token'"),
            Err("p.toml:3:1: unknown field `outptu`, expected one of `input`, `output`, \
                 `cached_input`, `cache_write`, `tiered`"),
        );
        check(head, Err("p.toml:1:1: missing field `output`"));
        check(
            &format!("\n{head}output = '1 EUR per token'"),
            Err("p.toml:2:1: the rates of one model have one unit: input is in USD, output in EUR"),
        );
        check(
            &format!("{head}output = '1 USD per token'\n{head}"),
            Err("p.toml:4:8: duplicate key"),
        );
    }

    #[test]
    fn a_bad_name_is_refused_at_its_line() {
        let error = read(
            "p.toml",
            "[model]\n'/x' = { input = '1 USD per token', output = '1 USD per token' }",
        )
        .unwrap_err();
        assert_eq!((error.line(), error.column()), (2, 1));
        assert!(error.problem().starts_with("`/x` is no model name"), "{error}");
    }

    #[test]
    fn reads_json() {
        check(&format!("\n{MODELS}{SMALL}]}}"), Ok(&[("small", "0.10 USD, 0.20 USD")]));
        check(
            r#"{"schema": "safeguards-data/model_prices/1", "currency": "EUR",
                "unit": "per token, decimal string", "sources": [{"name": "x"}], "models": [
                {"provider": "a", "model": "b", "source_key": "c", "input_cost_per_token": "1",
                 "output_cost_per_token": "2", "cached_input_cost_per_token": null,
                 "cache_write_cost_per_token": "3", "max_input_tokens": 5, "second_source": null}]}"#,
            Ok(&[("a/b", "1 EUR, 2 EUR, 3 EUR")]),
        );
    }

    #[test]
    fn a_file_that_is_built_otherwise_is_told_the_form() {
        for text in
            ["[models.small]", "[[model]]\nname = 'small'", "[[models]]\nname = 'small'", ""]
        {
            let error = read("p.toml", text).unwrap_err().to_string();
            assert!(error.contains("[model.\"provider/name\"]"), "{text}: {error}");
        }
    }

    #[test]
    fn mistakes_in_json_name_their_line_and_what_is_allowed() {
        check(
            &format!("{MODELS}\n{{\"model\": \"small\",\n\"input_cost_per_token\": 2.5e-6}}]}}"),
            Err(
                "p.toml:3:30: invalid type: floating point `2.5e-6`, expected a decimal string such as \"0.42\"",
            ),
        );
        check(
            &format!(
                "{MODELS}\n{{\"model\": \"small\",\n\"input_cost_per_token\": \"2.5e-6\"}}]}}"
            ),
            Err("p.toml:3:32: `2.5e-6` is not a decimal number such as 12 or 0.0305: digits, \
                 and at most one point"),
        );
        check(
            &format!("{MODELS}\n{SMALL},\n{SMALL}]}}"),
            Err("p.toml:3:82: model `small` is listed twice; each model has one price"),
        );
        check(
            r#"{"currency": "USD", "unit": "per 1M tokens", "models": []}"#,
            Err(
                "p.toml:1:43: unknown variant `per 1M tokens`, expected `per token, decimal string`",
            ),
        );
        check(r#"{"models": []}"#, Err("p.toml:1:14: missing field `currency`"));
        check(
            "{\"gpt-4o\": {}}",
            Err("p.toml:1:9: unknown field `gpt-4o`, expected one of `schema`, `currency`, \
                 `unit`, `sources`, `models`"),
        );
    }
}
