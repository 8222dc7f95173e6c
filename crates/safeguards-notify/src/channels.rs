//! The channels that come with the crate, one file for each.

mod console;
mod json_lines;
mod lines;
mod rotation;

pub use console::ConsoleChannel;
pub use json_lines::{FileError, JsonLinesBuilder, JsonLinesChannel};
