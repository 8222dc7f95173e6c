//! The example of `safeguards-pricing`'s README, which needs that crate alone.

use safeguards_pricing::{PriceTable, Usage, types::usd};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let own = PriceTable::parse(
        "prices.toml",
        r#"
        [model."small-8b"]
        input = "0.15 USD per 1M tokens"
        output = "0.60 USD per 1M tokens"
        "#,
    )?;
    let prices = own.over(PriceTable::builtin()); // well-known models, and one's own over them

    let usage = Usage::new(9_800, 2_610); // tokens in, tokens out
    let priced = prices.price("small-8b", &usage)?;
    assert_eq!(priced.cost, usd!(0.003036));
    println!("{}", priced.cost);

    // A model that no table knows is an error, never free.
    assert!(prices.price("small-9b", &usage).is_err());
    Ok(())
}
