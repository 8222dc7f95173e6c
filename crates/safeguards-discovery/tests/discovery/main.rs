//! Discovery, tested from outside.
//!
//! - `memory_many`: the registry in memory where there are many of everything.
//! - `memory_restored`: the same made again of what it gave.
//! - `memory_scan`: the same beside a scan of everything, under random commands.
//! - `memory_threads`: the same under eight threads.
//! - `suite`: every case of the conformance suite of a registry.

mod memory_many;
mod memory_restored;
mod memory_scan;
mod memory_threads;
mod suite;
