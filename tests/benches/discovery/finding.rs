//! Who can do this: all, and the best ten.

use std::{cell::LazyCell, hint::black_box, rc::Rc, time::Duration};

use safeguards_discovery::{MemoryRegistry, Order, Query};
use safeguards_types::Unit;

use super::{
    bench::{
        Reach::{self, Most, Times},
        Table, timed,
    },
    columns::{Columns, Documents},
    fleet::{self, word_of},
};

/// A hundred thousand, and a million: what everybody with the common pair may take.
const SIZES: [(usize, &str, Reach); 2] =
    [(100_000, "100k", Most(50_000.0)), (1_000_000, "1M", Most(600_000.0))];
/// Five hundred times as fast as a scan of JSON.
const FAR_LESS: Reach = Times(0.002);

/// The rows about finding.
pub(crate) fn rows(table: &mut Table) {
    for (agents, many, reach) in SIZES {
        let registry = Rc::new(LazyCell::new(move || fleet::registry(agents).0));
        let columns = LazyCell::new(|| Columns::open(agents));
        let sets = LazyCell::new(|| columns.sets());
        let (pair, full) = (fleet::pair(), fleet::full());

        let work = format!("common pair, all ids, {many}");
        table.row(&work, "sets by hand", &[reach], || {
            agree(&registry, &pair, &columns.pair(), &sets.pair());
            (ours(&registry, &pair), by_hand(|| sets.pair()))
        });
        table.row(&work, "a typed scan", &[], || {
            (ours(&registry, &pair), by_hand(|| columns.pair()))
        });
        // A million documents take more memory than many a machine has.
        if agents == SIZES[0].0 {
            table.row(&work, "a scan of JSON", &[FAR_LESS], || {
                let documents = Documents::open(agents);
                assert_eq!(documents.pair().len(), columns.pair().len());
                (ours(&registry, &pair), scan(documents))
            });
        }
        let work = format!("common pair, and each name, {many}");
        table.row(&work, "sets by hand, no names", &[], || {
            (names(&registry, &pair), by_hand(|| sets.pair()))
        });

        let work = format!("full query, all ids, {many}");
        table.row(&work, "sets by hand", &[], || {
            agree(&registry, &full, &columns.full(), &sets.full());
            (ours(&registry, &full), by_hand(|| sets.full()))
        });
        table.row(&work, "a typed scan", &[], || {
            (ours(&registry, &full), by_hand(|| columns.full()))
        });
        let work = format!("full query, the best 10, {many}");
        table.row(&work, "a typed scan, and sorted", &[], || {
            let best = first(&registry, &full);
            assert_eq!(best, columns.first().into_iter().map(name_of).collect::<Vec<_>>());
            (page(&registry, &full), by_hand(|| columns.first()))
        });

        let common = format!("common pair, the best 10, {many}");
        for (order, work) in [
            (Order::Best, common.clone()),
            (Order::LeastLoaded, format!("common pair, the 10 least loaded, {many}")),
            (Order::Cheapest(Unit::USD), format!("common pair, the 10 cheapest, {many}")),
        ] {
            let query = pair.clone().order(order);
            table.row(&work, "all ids", &[], || (page(&registry, &query), ours(&registry, &pair)));
        }
        let words = Query::search(format!("{} {}", word_of(17), word_of(1_234)));
        table.row(&format!("two words, the best 10, {many}"), "all ids", &[], || {
            (page(&registry, &words), ours(&registry, &words))
        });
    }
}

/// Before anything is timed: all sides find the same.
fn agree(registry: &MemoryRegistry, query: &Query, scanned: &[u32], met: &[u32]) {
    assert_eq!(scanned, met);
    let mut found = Vec::new();
    registry.sync().for_each(query, |agent| found.push(agent.to_string())).unwrap();
    found.sort_unstable();
    assert_eq!(found, scanned.iter().copied().map(name_of).collect::<Vec<_>>());
}

fn name_of(number: u32) -> String {
    format!("agent-{number:07}")
}

fn first(registry: &MemoryRegistry, query: &Query) -> Vec<String> {
    let found = registry.sync().find(&query.clone().limit(10)).unwrap();
    found.names().map(ToString::to_string).collect()
}

/// How many there are, for which all their numbers are found.
fn ours<'r>(registry: &'r MemoryRegistry, query: &'r Query) -> impl FnMut(usize) -> Duration + 'r {
    move |count| {
        timed(|| {
            for _ in 0..count {
                black_box(registry.sync().count(query).unwrap());
            }
        })
    }
}

/// Everybody, name by name.
fn names<'r>(registry: &'r MemoryRegistry, query: &'r Query) -> impl FnMut(usize) -> Duration + 'r {
    move |count| {
        timed(|| {
            for _ in 0..count {
                registry.sync().for_each(query, |agent| _ = black_box(agent)).unwrap();
            }
        })
    }
}

/// The first page.
fn page<'r>(registry: &'r MemoryRegistry, query: &Query) -> impl FnMut(usize) -> Duration + 'r {
    let query = query.clone().limit(10);
    move |count| {
        timed(|| {
            for _ in 0..count {
                black_box(registry.sync().find(&query).unwrap());
            }
        })
    }
}

fn by_hand<'c>(look: impl Fn() -> Vec<u32> + 'c) -> impl FnMut(usize) -> Duration + 'c {
    move |count| {
        timed(|| {
            for _ in 0..count {
                black_box(look());
            }
        })
    }
}

fn scan(documents: Documents) -> impl FnMut(usize) -> Duration {
    move |count| {
        timed(|| {
            for _ in 0..count {
                black_box(documents.pair());
            }
        })
    }
}
