//! What it costs to be registered and to be found, beside floors and what people do instead. Each row is described
//! in `docs/reference/benches.md`.
#![expect(clippy::float_arithmetic, reason = "times and ratios are no money")]

#[path = "../bench/mod.rs"]
mod bench;

mod changing;
mod columns;
mod finding;
mod fleet;
mod watching;

use bench::Table;

fn main() {
    let mut table =
        Table::begin("discovery", "five capabilities an agent, median of alternating rounds");
    finding::rows(&mut table);
    changing::rows(&mut table);
    watching::rows(&mut table);
    table.end();
}
