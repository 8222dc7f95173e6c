//! `price = { input = "0.15 USD per 1M tokens", … }`: what an agent's model costs.

use safeguards_pricing::{Price, Rate};

use super::{mistake::MistakeKind, reader::Text, section::Section};

const WHAT: &str = "write a price, such as \"0.15 USD per 1M tokens\"";

/// Reads the `price` of an agent; `None` where it has none.
pub(super) fn read(agent: &mut Section<'_>) -> Option<Price> {
    let owner = format!("the price of {}", agent.owner());
    let mut section = agent.table("price", &owner)?;
    let rates =
        ["input", "output", "cached_input", "cache_write"].map(|key| rate(&mut section, key));
    let price = combine(&section, rates);
    section.finish(&[]);
    price
}

fn rate<'a>(section: &mut Section<'a>, key: &'static str) -> Option<(Text<'a>, Rate)> {
    let text = section.text(key, WHAT)?;
    match Rate::parse(text.get_ref()) {
        Ok(rate) => section.reader.is_known_unit(&text, rate.unit()).then_some((text, rate)),
        Err(error) => {
            let message = format!("{key}: {error}");
            section.reader.mistake(MistakeKind::Amount, &text.span(), message);
            None
        }
    }
}

fn combine(
    section: &Section<'_>,
    [input, output, cached_input, cache_write]: [Option<(Text<'_>, Rate)>; 4],
) -> Option<Price> {
    for key in ["input", "output"] {
        if section.lacks(key) {
            let message = format!("{} needs `{key}`; {WHAT}", section.owner());
            section.reader.mistake(MistakeKind::Missing, &section.span(), message);
        }
    }
    let mut price = Price::new(input?.1, output?.1);
    if let Some((_, rate)) = cached_input {
        price = price.and_then(|price| price.with_cached_input(rate));
    }
    if let Some((_, rate)) = cache_write {
        price = price.and_then(|price| price.with_cache_write(rate));
    }
    price
        .map_err(|error| {
            let message = format!("{}: {error}", section.owner());
            section.reader.mistake(MistakeKind::Unit, &section.span(), message);
        })
        .ok()
}
