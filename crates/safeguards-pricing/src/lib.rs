//! Model prices for Safeguards: from token [`Usage`] to exact cost.
//!
//! A [`PriceTable`] knows what models cost. One of well-known models is built in; a user's own goes over
//! it. A model that no table knows is an error, never free.
//!
//! ```
//! use safeguards_pricing::{PriceTable, Usage};
//! use safeguards_types::usd;
//!
//! let own = PriceTable::parse(
//!     "prices.toml",
//!     r#"
//!     [model."small-8b"]
//!     input = "0.15 USD per 1M tokens"
//!     output = "0.60 USD per 1M tokens"
//!     "#,
//! )?;
//! let prices = own.over(PriceTable::builtin());
//!
//! let usage = Usage::new(9_800, 2_610);
//! assert_eq!(prices.price("small-8b", &usage)?.cost, usd!(0.003036));
//! assert_eq!(prices.price("openai/gpt-4o", &usage)?.cost, usd!(0.0506));
//! assert!(prices.price("small-9b", &usage).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Rate`] is what tokens of one kind cost, [`Price`] the rates of one model.
//! - A price is exact or refused: a rate that needs more than 12 decimal places per token is not rounded.
//! - Nothing here opens files: [`PriceTable::parse`] takes the text, and the name to put into messages.

mod file;
mod model;
mod price;
mod rate;
mod table;
mod usage;

pub use file::PriceFileError;
pub use model::{ModelName, ModelNameError};
pub use price::{MixedUnits, Note, Price, Priced};
pub use rate::{Rate, RateError};
pub use table::{PriceError, PriceTable};
pub use usage::{Usage, UsageError};

// The crates that signatures here name, so that who uses this one needs no other.
pub use safeguards_types as types;

// What the page shows is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
