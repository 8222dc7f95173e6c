//! What the ledger keeps in memory for each account, open hold, entry and remembered operation id: the bytes
//! that it asked the allocator for and has not given back. Each row is described in
//! `docs/reference/benches.md`.
//!
//! It is a program of its own because counting would slow down what the other measures.
#![expect(clippy::float_arithmetic, reason = "bytes per thing are no money")]

mod bench;

use std::{alloc::System, time::Duration};

use bench::{Reach::Most, Table};
use cap::Cap;
use safeguards_budget::{
    Action, Bounds, Charge, Command, HoldId, Limit, MemoryLedger, OpenAccount, PlaceHold,
};
use safeguards_types::{AccountId, Clock, OperationId, OperationIds, SimClock, Timestamp, usd};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// How many of each there are. Tables and lists have room to spare that depends on it.
const MANY: usize = 1_000_000;
/// What an `Arc<str>` takes beside its text: two counts.
const ARC_COUNTS: usize = 16;

fn main() {
    let mut table = Table::begin("ledger-memory", "bytes in use, of a million each");
    table.bytes("account with one limit, without its name", &[Most(200.0)], account);
    table.bytes("open hold, three levels, without its entry", &[Most(150.0)], open_hold);
    table.bytes("entry of a charge, three levels, with its id", &[], entry);
    table.bytes("remembered id, without its entry", &[Most(40.0)], remembered_id);
    table.end();
}

/// A ledger in which a charge has three levels.
struct Ours {
    ledger: MemoryLedger,
    clock: SimClock,
    ids: OperationIds,
}

impl Ours {
    /// A ledger that keeps so many entries.
    fn open(kept: usize) -> Self {
        let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
        let mut bounds = Bounds::default();
        bounds.operations_kept = kept;
        bounds.operations_max = kept;
        bounds.accounts_max = 2 * MANY;
        let ledger = MemoryLedger::with_bounds(clock.clone(), bounds);
        let ours = Self { ledger, clock, ids: OperationIds::seeded(1) };
        ours.apply(OpenAccount::new("organization"));
        ours.apply(OpenAccount::new("pool").under("organization"));
        ours.apply(OpenAccount::new("agent").under("pool"));
        ours
    }

    fn apply(&self, action: impl Into<Action>) -> OperationId {
        self.clock.advance(Duration::from_millis(1));
        let op = self.ids.mint(self.clock.now());
        self.ledger.sync().apply(Command::new(op, action)).unwrap();
        op
    }

    fn place_hold(&self, ttl: Duration) -> HoldId {
        HoldId::placed_by(self.apply(PlaceHold::new("agent", usd!(0.01), ttl)))
    }
}

/// How many bytes more are in use for each of many after `work`; what it gives is dropped only then.
fn bytes_each<T>(work: impl FnOnce() -> T) -> f64 {
    let before = ALLOCATOR.allocated();
    let made = work();
    let after = ALLOCATOR.allocated();
    drop(made);
    per(after - before)
}

fn per(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap()) / f64::from(u32::try_from(MANY).unwrap())
}

/// Each has spent once, so that it has what it counts with.
fn account() -> f64 {
    let ours = Ours::open(1);
    let mut names = 0;
    bytes_each(|| {
        for number in 0..MANY {
            let name = AccountId::from(format!("agent-{number}"));
            names += ARC_COUNTS + name.as_str().len().next_multiple_of(align_of::<usize>());
            let limit = Limit::lifetime(usd!(1));
            ours.apply(OpenAccount::new(name.clone()).under("pool").limit(limit));
            ours.apply(Charge::new(name, usd!(0.01)));
        }
    }) - per(names)
}

fn open_hold() -> f64 {
    let ours = Ours::open(1);
    bytes_each(|| {
        for _ in 0..MANY {
            ours.place_hold(Duration::from_secs(1_000_000_000));
        }
    })
}

fn entry() -> f64 {
    let ours = Ours::open(MANY);
    bytes_each(|| {
        for _ in 0..MANY {
            ours.apply(Charge::new("agent", usd!(0.01)));
        }
    })
}

/// Holds that somebody released, each by a command with an id, beside as many that ended by themselves. What
/// their entries differ in is the command, which the entry of a release keeps in full.
fn remembered_id() -> f64 {
    let released = bytes_each(|| {
        let ours = Ours::open(4 * MANY);
        let holds: Vec<_> =
            (0..MANY).map(|_| ours.place_hold(Duration::from_secs(1_000_000_000))).collect();
        for hold in holds {
            ours.apply(Action::Release { hold });
        }
        ours
    });
    let expired = bytes_each(|| {
        let ours = Ours::open(4 * MANY);
        for _ in 0..MANY {
            ours.place_hold(Duration::from_secs(1_000_000));
        }
        ours.clock.advance(Duration::from_secs(2_000_000));
        ours.ledger.sync().tick();
        ours
    });
    released - expired - per(size_of::<Command>() * MANY)
}
