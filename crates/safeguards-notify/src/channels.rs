//! The channels that come with the crate, one file for each.

mod console;
mod json_lines;
mod lines;
mod rotation;
#[cfg(feature = "webhook")]
mod slack;
#[cfg(feature = "webhook")]
pub mod webhook;

pub use console::ConsoleChannel;
pub use json_lines::{FileError, JsonLinesBuilder, JsonLinesChannel};
#[cfg(feature = "webhook")]
pub use slack::{SlackBuilder, SlackChannel};
