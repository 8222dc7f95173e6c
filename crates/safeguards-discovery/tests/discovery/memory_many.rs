//! The registry in memory where there are many: of versions, of values, of agents of one rank, of agents that come
//! and go.

use std::time::Duration;

use safeguards_discovery::{
    Capability, ChangesError, MemoryRegistry, Order, Query, Registration, Revision, Status, Test,
};
use safeguards_types::{AgentId, SimClock, Timestamp};
use serde_json::json;

/// More versions, and more values of one path, than are looked through for a range.
const MANY: u32 = 5_000;

fn at_rest() -> (MemoryRegistry, SimClock) {
    let clock = SimClock::at(Timestamp::UNIX_EPOCH);
    (MemoryRegistry::builder().clock(clock.clone()).build(), clock)
}

fn name(number: u32) -> String {
    format!("agent-{number:05}")
}

#[track_caller]
fn check(registry: &MemoryRegistry, query: &Query, expected: impl IntoIterator<Item = u32>) {
    let query = query.clone().order(Order::Name).limit(10_000);
    let found = registry.sync().find(&query).unwrap();
    let expected: Vec<String> = expected.into_iter().map(name).collect();
    let names: Vec<String> = found.names().map(ToString::to_string).collect();
    assert_eq!(names, expected, "{query:?}");
    assert_eq!(registry.sync().count(&query).unwrap(), u64::try_from(expected.len()).unwrap());
}

#[test]
fn ranges_hold_where_there_are_many_versions_and_values() {
    let (registry, _) = at_rest();
    for number in 0..MANY {
        let one = Capability::new("build").unwrap().version(format!("1.{number}.0")).unwrap();
        let one = one.with("size", number).with("name", name(number));
        registry.sync().register(Registration::lasting(name(number)).capability(one)).unwrap();
    }
    let all = || Query::new("build").unwrap();
    check(&registry, &all().version(">=1.4990").unwrap(), 4_990..MANY);
    check(&registry, &all().version("~1.17").unwrap(), [17]);
    check(&registry, &all().version("^2").unwrap(), []);
    check(&registry, &all().when("size", Test::at_least(4_995)).unwrap(), 4_995..MANY);
    check(&registry, &all().when("size", Test::equals(17.0)).unwrap(), [17]);
    check(&registry, &all().when("size", Test::not(Test::at_least(3))).unwrap(), 0..3);
    check(&registry, &all().when("name", Test::at_most(name(2))).unwrap(), 0..=2);
    let both = all().version("<1.20").unwrap().when("size", Test::at_least(18)).unwrap();
    check(&registry, &both, [18, 19]);
    // The same once they are few.
    for number in 20..MANY {
        registry.sync().delete(&AgentId::from(name(number))).unwrap();
    }
    check(&registry, &both, [18, 19]);
    check(&registry, &all().when("size", Test::not(Test::at_least(3))).unwrap(), 0..3);
}

#[test]
fn equals_stand_by_name_in_whatever_order_they_came() {
    let (registry, _) = at_rest();
    // 7,919 and 5,003 have no factor in common, so each number comes once.
    for step in 0..5_003_u32 {
        let number = step * 7_919 % 5_003;
        registry.sync().register(Registration::lasting(name(number))).unwrap();
    }
    check(&registry, &Query::all(), 0..5_003);
    let mut page = Query::all().limit(97);
    let mut seen = Vec::new();
    loop {
        let found = registry.sync().find(&page).unwrap();
        seen.extend(found.names().map(ToString::to_string));
        let Some(next) = found.next else { break };
        page = page.after(next);
    }
    assert_eq!(seen, (0..5_003).map(name).collect::<Vec<_>>());
}

#[test]
fn numbers_that_are_given_again_bring_nothing_of_those_before() {
    let (registry, clock) = at_rest();
    for round in 0..50_u32 {
        for number in 0..20 {
            let one = Capability::new(format!("kind.of{}", round % 7).as_str()).unwrap();
            let one = one
                .with("round", round)
                .tag(format!("tag-{round}"))
                .describe(format!("word{round}"));
            let said =
                Registration::new(name(number), Duration::from_secs(1 + u64::from(number % 2)));
            let said = said
                .capability(one)
                .status(Status::new().load(round))
                .describe(format!("note{round}"));
            registry.sync().register(said).unwrap();
        }
        let now = || Query::all().when("round", Test::equals(round)).unwrap();
        check(&registry, &now(), 0..20);
        check(&registry, &Query::new("kind").unwrap(), 0..20);
        check(&registry, &Query::all().tag(format!("tag-{round}")), 0..20);
        check(&registry, &Query::all().text(format!("word{round}")), 0..20);
        check(&registry, &Query::all().text(format!("note{round}")), 0..20);
        if let Some(before) = round.checked_sub(1) {
            check(&registry, &Query::all().when("round", Test::equals(before)).unwrap(), []);
            check(&registry, &Query::all().tag(format!("tag-{before}")), []);
            check(&registry, &Query::all().text(format!("word{before} note{before}")), []);
        }
        // Half of them run out, unseen; the others are deleted.
        clock.advance(Duration::from_secs(1));
        check(&registry, &now(), (0..20).filter(|number| number % 2 == 1));
        for number in (0..20).filter(|number| number % 2 == 1) {
            registry.sync().delete(&AgentId::from(name(number))).unwrap();
        }
        check(&registry, &Query::all(), []);
    }
}

#[test]
fn many_renewals_leave_as_much_to_watch_as_before() {
    let (registry, clock) = at_rest();
    let second = Duration::from_secs(1);
    let come = |number| Registration::new(name(number), 10 * second);
    let leases: Vec<_> =
        (0..10).map(|number| registry.sync().register(come(number)).unwrap()).collect();
    for _ in 0..10_000 {
        clock.advance(second);
        for lease in &leases {
            registry.sync().renew(lease, None).unwrap();
        }
    }
    let end = registry.sync().sweep().unwrap();
    assert_eq!(end, Timestamp::UNIX_EPOCH.saturating_add(10_010 * second));
    check(&registry, &Query::all(), 0..10);
    clock.advance(10 * second);
    check(&registry, &Query::all(), []);
    assert_eq!(registry.sync().sweep(), None);
}

#[test]
fn the_log_keeps_the_latest() {
    #[track_caller]
    fn check(kept: usize, after: u64, expected: Result<u64, u64>) {
        let registry = MemoryRegistry::builder().changes_kept(kept).build();
        for number in 0..10 {
            let said = Registration::lasting(name(number)).document("card", json!(number));
            registry.sync().register(said).unwrap();
        }
        let found = registry.sync().changes(Revision::new(after), 100);
        let found = found.map(|found| u64::try_from(found.changes.len()).unwrap());
        let found = found.map_err(|error| {
            let ChangesError::Forgotten { oldest, .. } = error else { panic!("{error}") };
            oldest.number()
        });
        assert_eq!(found, expected, "{kept} kept, after {after}");
    }
    // Who comes with a document is told of by two changes.
    check(8, 20, Ok(0));
    check(8, 12, Ok(8));
    check(8, 11, Err(12));
    check(8, 0, Err(12));
    check(20, 0, Ok(20));
    check(0, 20, Ok(0));
    check(0, 19, Err(20));
}
