//! What an opened durable file has in memory: the bytes that were asked of the allocator and not given back. Each row is
//! described in `docs/reference/benches.md`.
//!
//! It is a program of its own because counting would slow down what the other measures.
#![expect(clippy::float_arithmetic, reason = "bytes per thing are no money")]

mod bench;
#[path = "durable/ours.rs"]
mod ours;

use std::alloc::System;

use bench::Table;
use cap::Cap;
use ours::{Ours, Snapshots};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

fn main() {
    let mut table = Table::begin("durable-memory", "bytes in use once a file is opened");
    for (many, count) in [("1,000,000", 1_000_000), ("10,000,000", 10_000_000)] {
        table.bytes(&format!("opened, for each of {many} entries"), &[], || {
            in_use(&Ours::killed(count, Snapshots::Default)) / f64::from(count)
        });
    }
    table.end();
}

/// What is in use by an opened copy, its cache of the file's pages included.
fn in_use(ours: &Ours) -> f64 {
    let before = ALLOCATOR.allocated();
    let (_, store) = ours.open_copy();
    let after = ALLOCATOR.allocated();
    drop(store);
    f64::from(u32::try_from(after - before).unwrap())
}
