//! Text search: [`Words`] of texts, [`Bm25`] that tells how well they fit, and an index of many texts.
//!
//! A registry keeps two sets of documents: agents, by their names and descriptions, and capabilities, by their
//! names, descriptions and tags. An agent fits as well as its own document and the best of its meant
//! capabilities together.

pub(crate) mod index;
#[cfg(all(test, shared_data))]
mod measured;
mod rank;
mod stem;
mod words;

pub use rank::{Bm25, WordWeight};
pub use words::Words;
