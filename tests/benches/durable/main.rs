//! What a charge costs that is on the disk when it is answered, beside an append and a flush by hand, and beside what
//! people write by hand into SQLite, PostgreSQL and Redis. Each row is described in `docs/reference/benches.md`.
#![expect(clippy::float_arithmetic, reason = "times and ratios are no money")]

#[path = "../bench/mod.rs"]
mod bench;

mod floor;
mod ours;
mod postgres;
mod redis;
mod server;
mod sqlite;

use std::time::Duration;

use bench::{
    Reach::{self, Most, Times},
    Table,
};
use floor::{Appended, Rows, followed};
use ours::{Ours, Snapshots};
use postgres::Postgres;
use redis::Redis;
use sqlite::Sqlite;

/// What a row without a target is to reach.
const NOTHING: &[Reach] = &[];

fn main() {
    let mut table =
        Table::begin("durable", "charges three levels deep, each on the disk when it is answered");
    beside_the_floor(&mut table);
    beside_databases(&mut table);
    waits(&mut table);
    table.bytes("of the file for a charge, 64 writers", NOTHING, || {
        let ours = Ours::open();
        let before = ours.size();
        ours.charge(64, 64_000);
        f64::from(u32::try_from(ours.size() - before).unwrap()) / 64_000.0
    });
    openings(&mut table);
    table.end();
}

fn work_of(writers: u32) -> String {
    format!("charge, {writers} waiting writer{}", if writers == 1 { "" } else { "s" })
}

fn beside_the_floor(table: &mut Table) {
    for (writers, each, reach) in [
        (1_u32, 400_u32, &[Times(1.67)][..]),
        (8, 1_600, NOTHING),
        (64, 12_800, &[Most(16_667.0)]),
        (1_024, 102_400, &[Times(4.0)]),
    ] {
        table.long(&work_of(writers), "append and flush", each, reach, || {
            let (ours, theirs) = (Ours::open(), Appended::open());
            (move || ours.charge(writers, each).0, move || theirs.append(writers, each))
        });
    }
    table.long(&work_of(1), "a row of redb", 400, NOTHING, || {
        let (ours, theirs) = (Ours::open(), Rows::open());
        (move || ours.charge(1, 400).0, move || theirs.write(400))
    });
}

fn beside_databases(table: &mut Table) {
    let sizes = [(1_u32, 400_u32), (8, 1_600), (64, 6_400), (1_024, 10_240)];
    for (writers, each) in sizes {
        for (beside, at_once) in [("SQLite, each alone", 1), ("SQLite, all at once", writers)] {
            if writers > 1 || beside == "SQLite, each alone" {
                let start = || Ok(Sqlite::open());
                beside_one(table, beside, (writers, each), NOTHING, start, move |sqlite| {
                    sqlite.charge(at_once, each)
                });
            }
        }
    }
    for (writers, each) in sizes {
        let reach: &[_] = match writers {
            1 => &[Times(0.83)],
            64 => &[Times(0.033)],
            _ => NOTHING,
        };
        let start = || Postgres::start(writers);
        beside_one(table, "PostgreSQL, by hand", (writers, each), reach, start, move |postgres| {
            postgres.charge(each)
        });
    }
    for (writers, each) in sizes {
        let reach: &[_] = if writers == 64 { &[Times(0.83)] } else { NOTHING };
        beside_one(table, "Redis, by script", (writers, each), reach, Redis::start, move |redis| {
            redis.charge(writers, each)
        });
    }
}

/// A row beside something that has to be started, which is not there on every machine.
fn beside_one<T>(
    table: &mut Table,
    beside: &str,
    (writers, each): (u32, u32),
    reach: &[Reach],
    start: impl FnOnce() -> Result<T, String>,
    mut charge: impl FnMut(&mut T) -> Duration,
) {
    let work = work_of(writers);
    if !table.wants_beside(&work, beside) {
        return;
    }
    match start() {
        Ok(mut theirs) => table.long(&work, beside, each, reach, || {
            let ours = Ours::open();
            (move || ours.charge(writers, each).0, move || charge(&mut theirs))
        }),
        Err(why) => table.not_measured(&work, beside, &why),
    }
}

fn waits(table: &mut Table) {
    for writers in [1_u32, 8, 64, 1_024] {
        for percent in [50_usize, 99] {
            let reach: &[_] = if (writers, percent) == (64, 99) { &[Most(10e6)] } else { NOTHING };
            table.time(&format!("wait of {percent} % of {writers} writers"), reach, || {
                Ours::open().waits(writers, percent)
            });
        }
    }
}

fn openings(table: &mut Table) {
    let million = 1_000_000;
    table.long(
        "open, each of 1,000,000 entries since the snapshot",
        "followed in a book",
        million,
        &[Most(2_000.0)],
        || {
            let ours = Ours::killed(million, Snapshots::Never);
            (move || ours.open_copy().0, move || followed(million))
        },
    );
    for (work, count) in
        [("open, 1,000,000 entries", million), ("open, 10,000,000 entries", 10 * million)]
    {
        table.time(work, NOTHING, || {
            Ours::killed(count, Snapshots::Default).open_copy().0.as_secs_f64() * 1e9
        });
    }
}
