//! Compiles what the README shows; journeys and benchmarks are in `tests/` and `benches/` beside this folder.

/// The README, whose programs run as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
