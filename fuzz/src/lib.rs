//! What the fuzz targets share: [`History`] makes commands of bytes, [`Witness`] reads a book along.

mod history;
// The auditor alone: the suites around it in the test kit take minutes to build for a fuzzer.
#[path = "../../crates/safeguards-testkit/src"]
mod kit {
    pub mod audit;
}
mod witness;

pub use history::{Asked, History};
pub use kit::audit;
pub use witness::Witness;
