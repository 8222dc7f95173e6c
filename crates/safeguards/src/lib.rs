//! Budgets, coordination and alerts for fleets of AI agents: what does not fit a budget is not granted.
//!
//! ```
//! use safeguards::prelude::*;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), safeguards::Error> {
//!     let v2 = Safeguards::in_memory().v2();
//!     let (pools, agents, budget, alerts) = (v2.pools(), v2.agents(), v2.budget(), v2.alerts());
//!     alerts.on("budget.**", |alert: &Alert| eprintln!("{alert}"))?;
//!
//!     let pool = pools.create("research", usd!(5.00), P5).await?;
//!     let reader = agents.create("reader", usd!(4.00), P7).pool(&pool).await?;
//!     let writer = agents.create("writer", usd!(4.00), P3).pool(&pool).await?;
//!     let job = v2.operation(); // names this piece of work; kept with it, retries are safe
//!
//!     // A charge: recorded at the agent and at its pool, or at neither.
//!     let receipt = budget.charge(&reader, usd!(3.90), job.step("read")).await?;
//!     assert_eq!(receipt.available, usd!(0.10).into());
//!
//!     // A denial: the writer has 4.00 of its own, but the pool has only 1.10.
//!     match budget.charge(&writer, usd!(2.00), job.step("draft")).await {
//!         Ok(receipt) => println!("{} left", receipt.available),
//!         Err(CommandError::Denied(denial)) => eprintln!("{denial}"),
//!         Err(error) => return Err(error.into()),
//!     }
//!
//!     // A hold: set aside before the call, settled with what the call really cost.
//!     let hold = budget.hold(&writer, usd!(1.00), job.step("short")).await?;
//!     let (text, cost) = call_model("three sentences, please").await;
//!     budget.settle(hold, cost).await?;
//!     println!("{text}");
//!     Ok(())
//! }
//!
//! /// Stands for a model: what it says, and what that costs.
//! async fn call_model(_prompt: &str) -> (&'static str, Amount) {
//!     ("One. Two. Three.", usd!(0.03))
//! }
//! ```
//!
//! It needs two lines in `Cargo.toml`, and prints what follows:
//!
//! ```toml
//! safeguards = { path = "safeguards/crates/safeguards" } # there is no release yet: where you cloned it
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! ```text
//! medium  budget.threshold: reader has spent 97.5 % of 4.00 USD (3.90 USD; lifetime)
//! high  budget.denied: writer was denied: research has 1.10 USD left of 5.00 USD (lifetime; 3.9 spent, 0 held), asked 2.00 USD; waiting does not help
//! research has 1.10 USD left of 5.00 USD (lifetime; 3.9 spent, 0 held), asked 2.00 USD; waiting does not help
//! One. Two. Three.
//! ```
//!
//! # A team in Rust
//!
//! Closures are agents, and so is any program. A step holds its estimate, runs under a deadline, and settles what
//! it really cost; a step that is denied never starts.
//!
//! ```
//! use safeguards::prelude::*;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), safeguards::Error> {
//!     let sg = Safeguards::in_memory();
//!     let pool = sg.v2().pools().create("research", usd!(1.00), P5).await?;
//!     for name in ["reader", "writer"] {
//!         sg.v2().agents().create(name, usd!(0.60), P5).pool(&pool).await?;
//!     }
//!     let reader = agent_fn("reader", |task: Task, _cx| async move {
//!         Ok(Reply::text(format!("notes on {}", task.text())).cost(usd!(0.42)))
//!     });
//!     let writer = agent_fn("writer", |task: Task, _cx| async move {
//!         Ok(Reply::text(format!("a page from {}", task.input())).cost(usd!(0.08)))
//!     });
//!     let members = [Member::new(reader, usd!(0.50)), Member::new(writer, usd!(0.50))];
//!     let team = Team::new("research", "research", members)?;
//!
//!     let options = RunOptions::new(sg.operation());
//!     let report = sg.runner().run(&team, Task::new("bees"), &Pipeline::new(), options).await?;
//!     assert!(report.state.is_success());
//!     println!("{:?} for {}", report.output, report.spent);
//!     Ok(())
//! }
//! ```
//!
//! # What is promised
//!
//! - **No overshoot.** However many agents spend at once, no charge and no hold is granted that does not fit
//!   every limit on its way up. What was really spent is written down all the same, and told as an overrun.
//! - **No hang, no swallowed error.** Each step of a team ends by its deadline, in exactly one state, with a
//!   reason and with what it cost.
//! - **No silent loss.** An alert that could not be delivered is a dead letter with its reason.
//! - **Nothing is rounded.** Amounts are exact to 10⁻¹², and are text wherever they leave the program.
//!
//! In memory, what was spent is forgotten when the program ends; in a durable file it is not, however the program ends.
//! With the feature `redb` that is another first line, `Safeguards::open("fleet.redb")?` in place of
//! `Safeguards::in_memory()`: see the guide to durability.
//!
//! # I want to
//!
//! | | |
//! | --- | --- |
//! | limit what agents spend | [`Safeguards`], [`v2`] |
//! | do it as the guide does | [`v1`] |
//! | run a team of programs under a budget | [`TeamSpec`], `TeamSpec::bind` |
//! | write agents, teams and strategies in Rust | [`agent_fn`](coord::agent_fn), [`Safeguards::runner`], [`coord`] |
//! | be told when a limit is near | [`Alerts::on`](notify::Alerts::on) |
//! | bring alerts to a chat, a mailbox, a webhook | [`Builder::channel`], [`Rules`](notify::Rules) |
//! | know who can do something, and give work to whoever is best | [`v2::Discovery`], [`FanOut::by`](coord::FanOut::by) |
//! | let agents share what they know, wait for it and watch it | [`v2::Api::state`], [`SharedState`](coord::SharedState) |
//! | know what a model call costs | [`PriceTable`](pricing::PriceTable) |
//! | keep accounts, runs, state and alerts in one file that outlives the program | `Safeguards::open`, [`durable`] (feature `redb`) |
//! | keep accounts somewhere else | [`Ledger`](budget::Ledger), [`Safeguards::builder`] |
//!
//! # Which crate to take
//!
//! Each part stands alone; this crate only joins them and adds nothing of its own but [`Error`] and the
//! [`prelude`].
//!
//! | crate | here | what it knows |
//! | --- | --- | --- |
//! | `safeguards-types` | [`types`] | ids, exact amounts, time, priority, severity |
//! | `safeguards-budget` | [`budget`] | the ledger: accounts, limits, charges, holds |
//! | `safeguards-notify` | [`notify`] | alerts, handlers, channels |
//! | `safeguards-cards` | `cards` (feature `cards`) | agent cards and servers, in and out |
//! | `safeguards-discovery` | [`discovery`] | who is here, and who can do this |
//! | `safeguards-pricing` | [`pricing`] | what models cost |
//! | `safeguards-coord` | [`coord`] | agents, teams, strategies |
//! | `safeguards-redb` | `durable` (feature `redb`) | one durable file for all of it |
//! | `safeguards-api` | [`api`] | versioned APIs over all of them, and the team file |
//!
//! # Errors
//!
//! What is refused comes back in `Err`, as a denial with its numbers: who ignores it stops instead of spending.
//! What goes wrong when things run has a stable `code()`; [`Error`] takes it all, so `?` is enough.
//!
//! # Versions
//!
//! [`v1`] is the guide's surface, [`v2`] what one should use; [`latest`] is the newest of them and moves.
//! Libraries name the one that they mean. Before version 1.0 of this crate both may still change.

mod error;
// Only where it is read: a build of the library needs no file beside its own. The pages show what features add.
#[cfg(all(
    doc,
    feature = "cards",
    feature = "email",
    feature = "mock",
    feature = "redb",
    feature = "webhook"
))]
pub mod manual;
#[cfg(feature = "redb")]
mod open;
pub mod prelude;

pub use safeguards_api as api;
#[cfg(feature = "mock")]
pub use safeguards_api::sample;
#[doc(inline)]
pub use safeguards_api::{
    ApiVersion, BuildError, Builder, Safeguards, TeamFileError, TeamSpec, blocking, latest, v1, v2,
};
pub use safeguards_budget as budget;
#[cfg(feature = "cards")]
pub use safeguards_cards as cards;
pub use safeguards_coord as coord;
pub use safeguards_discovery as discovery;
pub use safeguards_notify as notify;
pub use safeguards_pricing as pricing;
#[cfg(feature = "redb")]
pub use safeguards_redb as durable;
pub use safeguards_types as types;

pub use error::Error;
#[cfg(feature = "redb")]
pub use open::Open;

// What the page shows is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
