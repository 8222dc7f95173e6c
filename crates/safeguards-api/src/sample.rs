//! What tests of programs above a [`Safeguards`](crate::Safeguards) begin with: a mock of the ledger, and answers to
//! give. Mocks of the other seams stand in their crates: `MockChannel`, `MockRunStore` and their like.
//!
//! ```
//! use safeguards_api::{Safeguards, sample, v2};
//! use safeguards_types::usd;
//!
//! /// The program that is tested.
//! async fn answer(v2: &v2::Api) -> &'static str {
//!     match v2.budget().charge("reader", usd!(1), v2.operation()).await {
//!         Ok(_) => "asked the model",
//!         Err(_) => "from the cache",
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), safeguards_api::BuildError> {
//! // Answers from the cache when denied.
//! let mut ledger = sample::mock_ledger();
//! ledger.expect_submit().returning(sample::deny_all);
//! let sg = Safeguards::builder(ledger).build()?;
//! assert_eq!(answer(&sg.v2()).await, "from the cache");
//! # Ok(())
//! # }
//! ```

pub use safeguards_budget::sample::{deny_all, mock_ledger};
