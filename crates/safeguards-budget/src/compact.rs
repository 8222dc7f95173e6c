//! Entries in a compact binary form, for stores: a block of entries takes a third of the room of their
//! JSON, and is read ten times as fast.
//!
//! A block is a [`postcard`](https://postcard.jamesmunns.com/wire-format) of its tables and lines. What entries name
//! again and again (accounts, units, windows, sets) stands once, in a table of its block; a line names its place there.
//! What spends, holds, settles and frees has a line of its own kind; every other entry, and one that has something rare to
//! tell, is a line with its JSON.
//!
//! **The form is frozen.** Kinds of lines may be added at the end, and nothing else may change: a store
//! that was written years ago must be read.
//!
//! - `form`: what is written, in the order in which it is.
//! - `write`, `read`: entries to that form, and back.

mod form;
mod read;
mod write;

pub use self::{read::read_entries, write::write_entries};

/// Why bytes are no block of entries.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompactError {
    /// They are cut off, or something else.
    #[error("these bytes are no block of entries: {why}")]
    Malformed {
        /// What is wrong.
        why: String,
    },
    /// An entry cannot be what it says.
    #[error("entry {entry} of the block cannot be read: {why}")]
    Entry {
        /// Its number.
        entry: u64,
        /// What is wrong.
        why: String,
    },
    /// An entry cannot be written.
    #[error("an entry cannot be written: {why}")]
    Unwritten {
        /// What is wrong.
        why: String,
    },
}

impl CompactError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "budget.malformed_block",
            Self::Entry { .. } => "budget.malformed_entry",
            Self::Unwritten { .. } => "budget.unwritten_entry",
        }
    }
}
