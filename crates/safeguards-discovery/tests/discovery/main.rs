//! Discovery, tested from outside.
//!
//! - `suite`: every case of the conformance suite of a registry.

mod suite;
