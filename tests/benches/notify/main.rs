//! What it costs to tell somebody, beside what people use instead. Each row is described in
//! `docs/reference/benches.md`.
#![expect(clippy::float_arithmetic, reason = "times and ratios are no money")]

#[path = "../bench/mod.rs"]
mod bench;

mod events;
mod routing;

use bench::Table;

fn main() {
    let mut table =
        Table::begin("notify", "one event or alert in memory, median of alternating rounds");
    events::rows(&mut table);
    routing::rows(&mut table);
    table.end();
}
