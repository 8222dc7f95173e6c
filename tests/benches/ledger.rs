//! What a charge costs: ours beside the ledger that people write by hand.
//!
//! Theirs is a `Mutex<HashMap<String, Decimal>>` of remaining amounts, three levels done by hand: no journal, no
//! operation ids, no windows, no denials with numbers.
#![expect(clippy::float_arithmetic, reason = "times and ratios are no money")]

mod bench;

use std::{collections::HashMap, sync::Mutex, time::Duration};

use bench::Table;
use rust_decimal::Decimal;
use safeguards_budget::{
    Action, Charge, Command, HoldId, Limit, MemoryLedger, OpenAccount, PlaceHold, Settle,
};
use safeguards_types::{OperationIds, SimClock, Timestamp, usd};

const CHARGES: u32 = 50_000;
const LEVELS: [&str; 3] = ["organization", "pool", "agent"];

fn main() {
    let mut table =
        Table::begin("ledger: one charge over three levels, by name, one lifetime limit at each");
    let hand = Mutex::new(
        LEVELS.map(|level| (level.to_owned(), Decimal::from(1_000_000_000))).into_iter().collect(),
    );
    let ledger = Ledger::open();

    table.row(
        "charge, beside the same by hand",
        CHARGES,
        1.5,
        || ledger.charge(),
        || charge_by_hand(&hand),
    );
    table.row(
        "hold and settle, beside a charge of ours",
        CHARGES,
        2.2,
        || ledger.hold_and_settle(),
        || ledger.charge(),
    );
    table.row(
        "a denial, beside a charge of ours",
        CHARGES,
        1.0,
        || ledger.denied(),
        || ledger.charge(),
    );
    table.end();
}

struct Ledger {
    memory: MemoryLedger,
    clock: SimClock,
    ids: OperationIds,
}

impl Ledger {
    fn open() -> Self {
        let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
        let opened = Self {
            memory: MemoryLedger::with_clock(clock.clone()),
            clock,
            ids: OperationIds::seeded(1),
        };
        let mut above = None;
        for level in LEVELS {
            let open = OpenAccount::new(level).limit(Limit::lifetime(usd!(1_000_000_000)));
            let open = above.map_or_else(|| open.clone(), |above: &str| open.clone().under(above));
            opened.apply(open);
            above = Some(level);
        }
        opened
    }

    fn apply(&self, action: impl Into<Action>) -> HoldId {
        let op = self.ids.mint(self.now());
        self.memory.sync().apply(Command::new(op, action)).unwrap();
        HoldId::placed_by(op)
    }

    fn now(&self) -> Timestamp {
        safeguards_types::Clock::now(&self.clock)
    }

    fn charge(&self) {
        let charge = Charge::new("agent", usd!(0.000001));
        for _ in 0..CHARGES {
            self.apply(charge.clone());
        }
        self.forget();
    }

    fn hold_and_settle(&self) {
        let place = PlaceHold::new("agent", usd!(0.000002), Duration::from_mins(1));
        for _ in 0..CHARGES {
            let hold = self.apply(place.clone());
            self.apply(Settle::new(hold, usd!(0.000001)));
        }
        self.forget();
    }

    fn denied(&self) {
        let charge = Charge::new("agent", usd!(1_000_000_001));
        for _ in 0..CHARGES {
            let op = self.ids.mint(self.now());
            assert!(self.memory.sync().apply(Command::new(op, charge.clone())).is_err());
        }
    }

    /// Lets time pass, so that memory stays at the least number of entries.
    fn forget(&self) {
        self.clock.advance(Duration::from_mins(11));
    }
}

fn charge_by_hand(accounts: &Mutex<HashMap<String, Decimal>>) {
    let amount = Decimal::new(1, 6);
    for _ in 0..CHARGES {
        let mut accounts = accounts.lock().unwrap();
        if LEVELS.iter().all(|level| accounts[*level] >= amount) {
            for level in LEVELS {
                *accounts.get_mut(level).unwrap() -= amount;
            }
        }
    }
}
