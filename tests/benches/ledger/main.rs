//! What a command of the ledger costs, beside the least that any ledger must do and beside what people use
//! instead. Each row is described in `docs/reference/benches.md`.
#![expect(clippy::float_arithmetic, reason = "times and ratios are no money")]

#[path = "../bench/mod.rs"]
mod bench;

mod floor;
mod ours;
mod peers;
mod tree;

use std::cell::LazyCell;

use bench::{
    Reach::{More, Most, Times},
    Table,
};
use floor::Floor;
use ours::{KEPT, Ours, Shape};
use peers::{Governor, Hand};
use tree::Tree;

/// Ratios nearer to 1 cannot be told from 1 on a machine that others use as well.
const NO_GROWTH: f64 = 1.5;
/// Where a thousand times as much no longer lies in the caches.
const CACHE_MISSES: f64 = 3.0;
/// What a row without a target is to reach.
const NOTHING: &[bench::Reach] = &[];

const MANY: Tree = Tree { levels: 3, accounts: 100_000 };

fn main() {
    let mut table = Table::begin("ledger", "one command in memory, median of alternating rounds");
    by_handle(&mut table);
    by_name(&mut table);
    wider(&mut table);
    other_commands(&mut table);
    accounts_grow(&mut table);
    entries_grow(&mut table);
    holds_grow(&mut table);
    table.end();
}

/// Beside the floor.
fn by_handle(table: &mut Table) {
    for levels in [1, 3, 5] {
        let tree = Tree { levels, ..Tree::ONE };
        let reach = if levels == 3 { &[Times(4.0), Most(150.0)][..] } else { NOTHING };
        let ours = LazyCell::new(|| Ours::open(Shape { tree, ..Shape::ONE }));
        let floor = LazyCell::new(|| Floor::open(tree, KEPT));
        let work = format!("charge by handle, {levels} {}", plural(levels, "level"));
        table.row(&work, "floor", reach, || (ours.charges(1), floor.charges(1)));
        if levels == 3 {
            table.row(&work, "subtraction alone", NOTHING, || {
                (ours.charges(1), floor.subtractions())
            });
        }
    }
    let ours = LazyCell::new(|| Ours::open(Shape::ONE));
    let floor = LazyCell::new(|| Floor::open(Tree::ONE, KEPT));
    table.row("charge by handle, 2 threads", "floor, 2 threads", NOTHING, || {
        (ours.charges(2), floor.charges(2))
    });
    // Four fifths of the throughput are five fourths of the time.
    table.row("charge by handle, 2 threads beside 1", "ours, 1 thread", &[Times(1.25)], || {
        (ours.charges(2), ours.charges(1))
    });
    let ours = LazyCell::new(|| Ours::open(Shape { tree: MANY, ..Shape::ONE }));
    let floor = LazyCell::new(|| Floor::open(MANY, KEPT));
    table.row("charge by handle, 100,000 accounts", "floor", NOTHING, || {
        (ours.charges(1), floor.charges(1))
    });
    let work = "charge by handle, 100,000 accounts, 2 threads";
    table.row(work, "floor, 2 threads", NOTHING, || (ours.charges(2), floor.charges(2)));
}

/// Beside what people use instead.
fn by_name(table: &mut Table) {
    for (tree, accounts) in [(Tree::ONE, ""), (MANY, ", 100,000 accounts")] {
        let ours = LazyCell::new(|| Ours::open(Shape { tree, ..Shape::ONE }));
        let governor = LazyCell::new(|| Governor::open(tree));
        let hand = LazyCell::new(|| Hand::open(tree, KEPT));
        for threads in [1, 2] {
            let work = match threads {
                1 => format!("charge by name{accounts}"),
                _ => format!("charge by name{accounts}, {threads} threads"),
            };
            let alone = threads == 1;
            let reach = if alone { &[Times(4.0)][..] } else { NOTHING };
            table.row(&work, "governor, keyed", reach, || {
                (ours.charges_by_name(threads), governor.checks(threads))
            });
            let reach = [Times(if alone { 1.5 } else { 1.0 })];
            table.row(&work, "by hand", &reach, || {
                (ours.charges_by_name(threads), hand.charges(threads))
            });
            table.row(&work, "by hand, with ids", &[Times(1.0)], || {
                (ours.charges_by_name(threads), hand.charges_once(threads))
            });
        }
    }
}

/// More units, more windows.
fn wider(table: &mut Table) {
    let plain = LazyCell::new(|| Ours::open(Shape::ONE));
    for (units, most) in [(2, 1.6), (3, 2.2)] {
        let ours = LazyCell::new(|| Ours::open(Shape { units, ..Shape::ONE }));
        let work = format!("charge of {units} units");
        table.row(&work, "ours, 1 unit", &[Times(most)], || (ours.charges(1), plain.charges(1)));
    }
    for (windows, most) in [(1, 1.1), (3, 1.3)] {
        let ours = LazyCell::new(|| Ours::open(Shape { windows, ..Shape::ONE }));
        let work = format!("charge through {windows} {}", plural(windows, "window"));
        table.row(&work, "ours, no window", &[Times(most)], || (ours.charges(1), plain.charges(1)));
    }
    let ours = LazyCell::new(|| Ours::open(Shape { units: 3, windows: 3, ..Shape::ONE }));
    table.row("charge of 3 units through 3 windows", "ours, 1 unit, no window", NOTHING, || {
        (ours.charges(1), plain.charges(1))
    });
}

fn other_commands(table: &mut Table) {
    let ours = LazyCell::new(|| Ours::open(Shape::ONE));
    table.row("hold and settle", "ours, a charge", &[Times(2.2)], || {
        (ours.holds(), ours.charges(1))
    });
    table.row("denial", "ours, a charge", &[Times(1.0)], || (ours.denials(), ours.charges(1)));
    table.row("charge in a linked batch of 64", "ours, one by one", NOTHING, || {
        (ours.batches(64, true), ours.charges(1))
    });
    table.row("charge in an independent batch of 64", "ours, one by one", NOTHING, || {
        (ours.batches(64, false), ours.charges(1))
    });
    table.row("submit of a charge to an Arc<dyn Ledger>", "ours, sync", &[More(60.0)], || {
        (ours.submits(), ours.charges(1))
    });
    let work = "submit of a charge, observed and told to nobody";
    table.row(work, "ours, not observed", NOTHING, || (ours.observed_submits(), ours.submits()));
    table.row("charge at an Arc<dyn Ledger>", "ours, sync", &[More(60.0)], || {
        (ours.verbs(), ours.charges(1))
    });
}

/// Charges of accounts drawn at random, so that each misses the caches that it can miss.
fn accounts_grow(table: &mut Table) {
    let open = |accounts| {
        let tree = Tree { levels: 3, accounts };
        LazyCell::new(move || Ours::open(Shape { tree, ..Shape::ONE }))
    };
    let few = open(1_000);
    for accounts in [10_000, 100_000, 1_000_000] {
        let many = open(accounts);
        let work = format!("charge by handle, {} accounts", grouped(accounts));
        let beside = "ours, 1,000 accounts";
        table.row(&format!("{work}, growth"), beside, &[Times(CACHE_MISSES)], || {
            (many.charges(1), few.charges(1))
        });
    }
}

fn entries_grow(table: &mut Table) {
    let open = |kept| LazyCell::new(move || Ours::open(Shape { kept, ..Shape::ONE }));
    let few = open(1_000);
    for kept in [10_000, 100_000, 1_000_000] {
        let many = open(kept);
        let floor = LazyCell::new(|| Floor::open(Tree::ONE, kept));
        let work = format!("charge, {} entries kept", grouped(kept));
        table.row(
            &format!("{work}, growth"),
            "ours, 1,000 entries",
            &[Times(CACHE_MISSES)],
            || (many.charges(1), few.charges(1)),
        );
        table.row(&work, "floor, as many entries", NOTHING, || (many.charges(1), floor.charges(1)));
    }
}

fn holds_grow(table: &mut Table) {
    let tree = Tree { levels: 3, accounts: 1_000 };
    let open = |holds| LazyCell::new(move || Ours::open(Shape { tree, holds, ..Shape::ONE }));
    let few = open(1_000);
    for holds in [10_000, 100_000, 1_000_000] {
        let many = open(holds);
        let beside = "ours, 1,000 holds";
        let work = |what: &str| format!("{what}, {} open holds, growth", grouped(holds));
        table.row(&work("charge"), beside, &[Times(NO_GROWTH)], || {
            (many.charges(1), few.charges(1))
        });
        table.row(&work("hold and settle"), beside, &[Times(NO_GROWTH)], || {
            (many.holds(), few.holds())
        });
        table.row(&work("denial"), beside, &[Times(NO_GROWTH)], || (many.denials(), few.denials()));
        table.row(&work("denial until a hold ends"), beside, &[Times(NO_GROWTH)], || {
            (many.denials_behind_a_hold(), few.denials_behind_a_hold())
        });
    }
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// The number with its thousands set apart.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let thousands: Vec<_> =
        digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    thousands.join(",")
}
