//! Burn rates: which entries count, and how the ones of a stretch of time are found.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use safeguards_budget::{
    Action, Bounds, BurnRate, BurnRateError, Charge, Command, Entry, EntryId, HoldId, MemoryLedger,
    OpenAccount, PlaceHold, Settle,
};
use safeguards_types::{AccountId, Amount, Clock, SimClock, Timestamp, Unit, tokens, usd};

use crate::desk::{MORNING, at};

const SECOND: Duration = Duration::from_secs(1);

/// A ledger with a tree of three and an account that stands alone, and its clock.
struct Stage {
    ledger: MemoryLedger,
    clock: SimClock,
}

impl Stage {
    fn new(bounds: Bounds) -> Self {
        let clock = SimClock::at(at(MORNING));
        let ledger = MemoryLedger::with_bounds(clock.clone(), bounds);
        let stage = Self { ledger, clock };
        let parents =
            [("org", None), ("agent", Some("org")), ("sub", Some("agent")), ("alone", None)];
        for (account, parent) in parents {
            let mut open = OpenAccount::new(account);
            open.parent = parent.map(AccountId::from);
            stage.apply(open);
        }
        stage
    }

    #[track_caller]
    fn apply(&self, action: impl Into<Action>) -> HoldId {
        let op = self.ledger.operation();
        self.ledger.sync().apply(Command::new(op, action)).unwrap();
        HoldId::placed_by(op)
    }

    fn charge(&self, account: &str, amount: Amount) -> HoldId {
        self.apply(Charge::new(account, amount))
    }

    fn hold(&self, account: &str, amount: Amount, ttl: u64) -> HoldId {
        self.apply(PlaceHold::new(account, amount, Duration::from_secs(ttl)))
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(SECOND * u32::try_from(seconds).unwrap());
    }

    fn entries(&self) -> Vec<Entry> {
        self.ledger.sync().entries(EntryId::FIRST, usize::MAX).entries
    }

    async fn read(&self, account: &str, seconds: u32) -> Result<BurnRate, BurnRateError> {
        let (account, now) = (account.into(), self.clock.now());
        BurnRate::read(&self.ledger, &account, &Unit::USD, SECOND * seconds, now).await
    }

    /// What the account spent in the last seconds, read from the ledger.
    #[track_caller]
    fn check(&self, account: &str, seconds: u32, dollars: &str) {
        let rate = block_on(self.read(account, seconds)).unwrap();
        assert_eq!(rate.amount().to_string(), dollars, "{account} in {seconds} s");
        assert_eq!(rate.over(), SECOND * seconds);
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn what_was_spent_counts_at_every_account_of_its_set() {
    let stage = Stage::new(Bounds::default());
    stage.charge("sub", usd!(1));
    stage.apply(Charge::new("agent", [usd!(2), tokens!(50)]));
    stage.apply(Action::Record(Charge::new("org", usd!(4))));
    let hold = stage.hold("agent", usd!(100), 60);
    stage.check("org", 10, "7");
    stage.check("agent", 10, "3");
    stage.check("sub", 10, "1");

    // A settlement counts in full, beyond what was held too, and at who it is attributed to.
    stage.apply(Settle::new(hold, usd!(108)).attribute_to("sub"));
    stage.check("org", 10, "115");
    stage.check("sub", 10, "109");
}

#[test]
fn both_ends_of_the_time_count() {
    let stage = Stage::new(Bounds::default());
    stage.charge("agent", usd!(1));
    stage.wait(10);
    stage.charge("agent", usd!(2));
    stage.wait(10);
    stage.charge("agent", usd!(4));
    stage.check("agent", 9, "4");
    stage.check("agent", 10, "6");
    stage.check("agent", 20, "7");
    // Longer than there has been time at all.
    stage.check("agent", u32::MAX, "7");
    stage.wait(1);
    stage.check("agent", 20, "6");
    stage.wait(100);
    stage.check("agent", 20, "0");
}

#[test]
fn refunds_count_when_they_are_made_and_never_below_nothing() {
    let stage = Stage::new(Bounds::default());
    let spent = stage.charge("agent", usd!(5)).op();
    stage.wait(10);
    stage.charge("agent", usd!(2));
    stage.apply(Action::Refund { of: spent, amounts: usd!(1.5).into() });
    stage.check("agent", 5, "0.5");
    stage.check("agent", 20, "5.5");
    stage.apply(Action::Refund { of: spent, amounts: usd!(3).into() });
    stage.check("agent", 5, "0");
    stage.check("org", 20, "2.5");
}

#[test]
fn expiries_that_lie_back_do_not_hide_what_came_before_them() {
    let stage = Stage::new(Bounds::default());
    for _ in 0..100 {
        stage.hold("agent", usd!(1), 1);
    }
    stage.wait(50);
    stage.charge("alone", usd!(1));
    stage.wait(50);
    // Only now are one hundred expiries written, stamped with 99 s ago: they do not concern `alone`.
    stage.charge("agent", usd!(2));
    stage.check("alone", 99, "1");
    stage.check("alone", 50, "1");
    stage.check("alone", 49, "0");
    stage.check("agent", 49, "2");
}

#[test]
fn what_cannot_be_told_is_refused_with_a_reason() {
    #[track_caller]
    fn check(told: Result<BurnRate, BurnRateError>, message: &str) {
        assert_eq!(told.unwrap_err().to_string(), message);
    }
    let stage = Stage::new(Bounds::default());
    check(block_on(stage.read("agent", 0)), "a burn rate is told over more than no time");
    check(block_on(stage.read("agnet", 1)), "there is no account `agnet`");

    let now = at(MORNING);
    assert_eq!(BurnRate::of(&stage.entries(), &"org".into(), &Unit::USD, now, now), None);
    let later = now.saturating_add(SECOND);
    assert_eq!(BurnRate::of(&stage.entries(), &"org".into(), &Unit::USD, later, now), None);
}

#[test]
fn entries_that_are_kept_no_more_are_missed_aloud() {
    let mut bounds = Bounds::default();
    (bounds.operations_kept, bounds.kept_for, bounds.operations_max) = (4, SECOND, 8);
    let stage = Stage::new(bounds);
    for _ in 0..10 {
        stage.wait(10);
        stage.charge("agent", usd!(1));
    }
    let first = &stage.entries()[0];
    let since_first = u32::try_from(stage.clock.now().since(first.at).as_secs()).unwrap();
    stage.check("agent", since_first - 1, &(since_first / 10).to_string());

    let error = block_on(stage.read("agent", since_first)).unwrap_err();
    let BurnRateError::EntriesForgotten { since, kept_since } = error else { panic!("{error}") };
    assert_eq!((since, kept_since), (first.at, Some(first.at)));
    assert!(matches!(
        block_on(stage.read("agent", u32::MAX)),
        Err(BurnRateError::EntriesForgotten { since: Timestamp::UNIX_EPOCH, .. })
    ));
}

/// What may happen: waiting, spending, or a hold that will expire.
#[derive(Clone, Debug)]
enum Event {
    Wait(u64),
    Charge(&'static str),
    Hold(&'static str, u64),
}

fn event() -> impl Strategy<Value = Event> {
    let account = || prop::sample::select(vec!["org", "agent", "sub", "alone"]);
    prop_oneof![
        2 => (0..6_u64).prop_map(Event::Wait),
        3 => account().prop_map(Event::Charge),
        3 => (account(), 1..20_u64).prop_map(|(account, ttl)| Event::Hold(account, ttl)),
    ]
}

proptest! {
    #[test]
    fn reading_finds_what_a_look_at_all_entries_finds(
        events in vec(event(), 0..60), account in prop::sample::select(vec!["org", "agent", "alone"]),
        seconds in 1..80_u32,
    ) {
        let stage = Stage::new(Bounds::default());
        for event in events {
            match event {
                Event::Wait(seconds) => stage.wait(seconds),
                Event::Charge(account) => drop(stage.charge(account, usd!(1))),
                Event::Hold(account, ttl) => drop(stage.hold(account, usd!(1), ttl)),
            }
        }
        let now = stage.clock.now();
        let since = Timestamp::from_nanos(now.as_nanos() - i64::from(seconds) * 1_000_000_000).unwrap();
        let all = BurnRate::of(&stage.entries(), &account.into(), &Unit::USD, since, now);
        prop_assert_eq!(block_on(stage.read(account, seconds)).ok(), all);
    }
}
