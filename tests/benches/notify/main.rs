//! What alerts cost on their way. Each row is described in `docs/reference/benches.md`.
#![expect(clippy::float_arithmetic, reason = "times and ratios are no money")]

#[path = "../bench/mod.rs"]
mod bench;

mod routing;

use bench::Table;

fn main() {
    let mut table = Table::begin("notify", "one alert in memory, median of alternating rounds");
    routing::rows(&mut table);
    table.end();
}
