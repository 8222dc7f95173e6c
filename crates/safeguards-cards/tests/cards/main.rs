//! Cards, tested from outside.
//!
//! - `made_up`: what cards may look like, and what is refused.
//! - `real`: every card, server and sub-agent of the shared data.

mod made_up;
#[cfg(shared_data)]
mod real;
