//! What it costs to tell somebody, beside what people use instead. Each row is described in
//! `docs/reference/benches.md`.
#![expect(clippy::float_arithmetic, reason = "times and ratios are no money")]

#[path = "../bench/mod.rs"]
mod bench;

mod events;

use bench::Table;

fn main() {
    let mut table = Table::begin("notify", "one event in memory, median of alternating rounds");
    events::rows(&mut table);
    table.end();
}
