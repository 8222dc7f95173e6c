//! The JSON form of commands, answers, reads and entries: one object a line.
//!
//! - `line`: a [`Line`] that asks something of a book, and the [`Answer`]s.
//! - `command`, `limit`, `texts`: commands, what they are made of, and their amounts.
//! - `receipt`, `denial`, `view`: outcomes and reads.
//! - `entry`: the journal, both ways.
//! - `json`, `keys`, `error`: objects of which every key is known and given once.

#![expect(
    clippy::needless_pass_by_value,
    reason = "every reader takes its value, whether it keeps a part of it or not, so that all can be passed alike"
)]

/// Reads these types by these functions, which take any JSON value without a key given twice.
macro_rules! read_by {
    ($($type:ty => $read:path),+ $(,)?) => {
        $(
            impl<'de> serde::Deserialize<'de> for $type {
                fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    let $crate::wire::json::Strict(value) = serde::Deserialize::deserialize(from)?;
                    $read(value).map_err(serde::de::Error::custom)
                }
            }
        )+
    };
}

mod command;
mod denial;
mod entry;
mod error;
mod json;
mod keys;
mod limit;
mod line;
mod receipt;
mod texts;
mod view;

pub use self::{
    error::LineError,
    line::{Answer, Line, Request},
};
