//! The factory: each part may be swapped, and parts that do not fit together are refused.

use std::{error::Error, sync::Arc, time::Duration};

use safeguards_api::{BuildError, Builder, Safeguards};
use safeguards_budget::{Bounds, Guarantees, MemoryLedger, MockLedger};
use safeguards_coord::{
    Member, MemoryRunStore, MemoryStateStore, MockRunStore, Pipeline, Reply, RunOptions, RunQuery,
    Task, Team, agent_fn,
};
use safeguards_notify::{AlertQuery, ConsoleChannel, MemoryAlertStore, Route, Rules};
use safeguards_types::{Clock, Priority, SimClock, Timestamp, usd};

type Test = Result<(), Box<dyn Error>>;

fn on_monday() -> SimClock {
    SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap())
}

fn ledger(durable: bool) -> MockLedger {
    let mut ledger = MockLedger::new();
    let guarantees = Guarantees::new(durable, false, Bounds::default());
    ledger.expect_guarantees().return_const(guarantees);
    ledger
}

fn runs(durable: bool) -> MockRunStore {
    let mut runs = MockRunStore::new();
    runs.expect_is_durable().return_const(durable);
    runs
}

#[track_caller]
fn check(builder: Builder, expected: Option<&str>) -> String {
    let built = builder.build();
    assert_eq!(built.as_ref().err().map(BuildError::code), expected, "{built:?}");
    built.err().map_or_else(String::new, |error| error.to_string())
}

#[test]
fn a_ledger_and_runs_are_both_durable_or_somebody_says_that_they_are_not() {
    let (runs_lost, ledger_lost) = ("api.runs_not_durable", "api.ledger_not_durable");
    let begin = |durable| Safeguards::builder(ledger(durable));
    check(begin(false), None);
    check(begin(false).run_store(runs(false)), None);
    check(begin(true).run_store(runs(true)), None);
    check(begin(true).run_store(runs(true)).runs_in_memory().ledger_in_memory(), None);

    let message = check(begin(true), Some(runs_lost));
    for part in ["MockLedger", "MemoryRunStore", ".run_store(..)", ".runs_in_memory()"] {
        assert!(message.contains(part), "{message}");
    }
    check(begin(true).run_store(runs(false)), Some(runs_lost));
    check(begin(true).ledger_in_memory(), Some(runs_lost));
    check(begin(true).runs_in_memory(), None);
    check(begin(true).runs_in_memory().run_store(runs(false)), None);

    let message = check(begin(false).run_store(runs(true)), Some(ledger_lost));
    for part in ["MockLedger", "MockRunStore", ".ledger_in_memory()"] {
        assert!(message.contains(part), "{message}");
    }
    check(begin(false).run_store(runs(true)).runs_in_memory(), Some(ledger_lost));
    check(begin(false).run_store(runs(true)).ledger_in_memory(), None);
}

#[test]
fn the_clock_is_the_ledgers_where_that_is_known() {
    let (clock, other) = (on_monday(), on_monday());
    other.advance(Duration::from_secs(61));
    let begin = || Safeguards::builder(MemoryLedger::with_clock(clock.clone()));
    check(begin().clock(clock.clone()), None);
    check(begin().clock(Arc::new(clock.clone())), None);
    let message = check(begin().clock(other.clone()), Some("api.other_clock"));
    for part in ["2026-01-05T09:01:01Z", "2026-01-05T09:00:00Z", "MemoryLedger::with_clock(..)"] {
        assert!(message.contains(part), "{message}");
    }
    // The later one may be the ledger's.
    let ahead = Safeguards::builder(Arc::new(MemoryLedger::with_clock(other.clone())));
    check(ahead.clock(clock.clone()), Some("api.other_clock"));
    // Of any other ledger nobody can tell.
    check(Safeguards::builder(ledger(false)).clock(other), None);

    let sg = begin().build().unwrap();
    assert_eq!(sg.clock().now(), clock.now(), "not given, it is the ledger's");
    assert_eq!(sg.operation().minted_at(), clock.now());
}

#[test]
fn channels_that_do_not_fit_are_refused() {
    let begin =
        || Safeguards::builder(MemoryLedger::new()).channel("ops", ConsoleChannel::stderr());
    check(begin(), None);
    let message =
        check(begin().channel("ops", ConsoleChannel::stderr()), Some("notify.channel_name_taken"));
    assert!(message.contains("`ops`"), "{message}");
    let rules = Rules::default().route(Route::default().to(["chat"]));
    let message = check(begin().rules(rules), Some("notify.rules_channel"));
    assert!(message.contains("chat") && message.contains("ops"), "{message}");
}

#[tokio::test]
async fn stores_are_used_each_for_its_own() -> Test {
    let (runs, state, alerts) =
        (MemoryRunStore::new(), MemoryStateStore::new(), MemoryAlertStore::new());
    let sg = Safeguards::builder(MemoryLedger::new())
        .run_store(runs.clone())
        .state_store(state.clone())
        .alert_store(alerts.clone())
        .build()?;
    sg.v2().agents().create("reader", usd!(1), Priority::P5).await?;
    let reader = agent_fn("reader", |_: Task, _| async { Ok(Reply::text("read").cost(usd!(1))) });
    let team = Team::new("team", "reader", [Member::new(reader, usd!(1))])?;
    let options = RunOptions::new(sg.operation());
    let report = sg.runner().run(&team, Task::new("read"), &Pipeline::new(), options).await?;
    assert!(report.state.is_success(), "{report:?}");
    sg.state().set("reader", "key", 1).await?;

    let kept = runs.sync().runs(&RunQuery::all())?;
    assert_eq!(kept.len(), 1);
    assert_eq!(sg.run_store().runs(&RunQuery::all()).await?, kept);
    assert_eq!(state.sync().read(&"b".into(), &"key".try_into()?)?.value(), Some(&1.into()));
    // 1 of 1 USD was spent: a threshold. Stores of alerts are written to by what runs.
    assert!(sg.start()?.stop().await.is_empty());
    assert_eq!(alerts.sync().history(&AlertQuery::all()).len(), 1);
    Ok(())
}
