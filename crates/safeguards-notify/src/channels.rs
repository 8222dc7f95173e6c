//! The channels that come with the crate, one file for each.

mod console;
#[cfg(feature = "email")]
mod email;
mod json_lines;
mod lines;
mod rotation;
#[cfg(feature = "webhook")]
mod slack;
#[cfg(feature = "webhook")]
pub mod webhook;

pub use console::ConsoleChannel;
#[cfg(feature = "email")]
pub use email::{EmailBuilder, EmailChannel, EmailError};
pub use json_lines::{FileError, JsonLinesBuilder, JsonLinesChannel};
#[cfg(feature = "webhook")]
pub use slack::{SlackBuilder, SlackChannel};
