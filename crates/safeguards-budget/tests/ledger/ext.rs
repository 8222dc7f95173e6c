//! The seam as callers hold it: an `Arc<dyn Ledger>`, one verb per command, and a ledger that fails.

use std::{error::Error, sync::Arc, time::Duration};

use safeguards_budget::{
    Action, Bounds, Charge, EntryId, Guarantees, HoldId, HoldState, Ledger, LedgerExt, Limit,
    MemoryLedger, OpenAccount, PlaceHold, Window,
};
use safeguards_testkit::{Fault, FaultyLedger};
use safeguards_types::{Clock, SimClock, Unit, tokens, usd};

use crate::desk::{MORNING, at};

/// A ledger in memory, and one around it that fails when it is told to.
fn failing() -> (MemoryLedger, FaultyLedger) {
    let memory = MemoryLedger::with_clock(SimClock::at(at(MORNING)));
    (memory.clone(), FaultyLedger::new(Arc::new(memory)))
}

#[tokio::test]
async fn every_verb_works_through_the_erased_ledger() {
    let clock = SimClock::at(at(MORNING));
    let memory = MemoryLedger::with_clock(clock.clone());
    let ledger: Arc<dyn Ledger> = Arc::new(memory.clone());
    let op = || memory.operation();
    ledger.register_unit("gpu".into(), op()).await.unwrap();
    ledger.open_account(OpenAccount::new("a"), op()).await.unwrap();
    ledger.set_limit("a".into(), Limit::lifetime(usd!(10)), op()).await.unwrap();
    let lifetime = (Unit::USD, Window::Lifetime);
    ledger.set_remaining("a".into(), lifetime, usd!(5).quantity(), op()).await.unwrap();
    assert_eq!(
        ledger.charge(Charge::new("a", usd!(1)), op()).await.unwrap().entry,
        EntryId::new(5)
    );
    ledger.record(Charge::new("a", usd!(1)), op()).await.unwrap();

    let place = PlaceHold::new("a", usd!(2), Duration::from_secs(10));
    let placed_by = op();
    let hold = ledger.place_hold(place.clone(), placed_by).await.unwrap();
    assert_eq!(hold.id(), HoldId::placed_by(placed_by));
    assert_eq!(hold.receipt().available, usd!(1).into());
    ledger.settle(hold, usd!(0.5).into(), op()).await.unwrap();
    let hold = ledger.place_hold(place.clone(), op()).await.unwrap();
    ledger.release(hold, op()).await.unwrap();

    let hold = ledger.place_hold(place, op()).await.unwrap();
    assert_eq!(
        ledger.tick().await.unwrap(),
        Some(clock.now().saturating_add(Duration::from_secs(10)))
    );
    clock.advance(Duration::from_secs(10));
    let states: Vec<_> = ledger.holds(&[hold.id(), HoldId::placed_by(op())]).await.unwrap();
    assert_eq!(states[0].as_ref().unwrap().state, HoldState::Expired);
    assert_eq!(states[1], None);
    assert_eq!(ledger.tick().await.unwrap(), None);
    assert!(ledger.settle(hold, usd!(0.5).into(), op()).await.unwrap().late);

    let account = ledger.account(&"a".into()).await.unwrap().unwrap();
    assert_eq!(account.available(&Unit::USD), Some(usd!(2).quantity()));
    assert_eq!(account.available(&Unit::TOKENS), None);
    assert_eq!(account.limit(&Unit::USD, &Window::Lifetime).unwrap().spent, usd!(3).quantity());
    assert_eq!(ledger.account(&"b".into()).await.unwrap(), None);
    let page = ledger.entries(EntryId::FIRST, 100).await.unwrap();
    assert_eq!(page.entries.len(), 13);
    assert_eq!(memory.sync().entries(EntryId::FIRST, 100), page);
    assert_eq!(ledger.guarantees(), Guarantees::in_memory(Bounds::default()));
}

#[tokio::test]
async fn a_denial_is_an_error_that_carries_its_numbers() {
    let (memory, ledger) = failing();
    let open = OpenAccount::new("a").limit(Limit::lifetime(usd!(1)));
    ledger.open_account(open, memory.operation()).await.unwrap();
    let denied = ledger.charge(Charge::new("a", usd!(2)), memory.operation()).await;
    let error = denied.unwrap_err();
    assert_eq!(error.code(), "budget.limit_exceeded");
    let short = error.denial().unwrap().shortfall().unwrap();
    assert_eq!(short.available, usd!(1).quantity());
    assert!(error.to_string().starts_with("denied: a has 1.00 USD left of 1.00 USD"), "{error}");
    assert!(error.source().is_none(), "what is said is not said again by the source");
}

#[tokio::test]
async fn a_failure_is_no_denial_and_says_what_is_known() {
    let (memory, ledger) = failing();
    let op = memory.operation();
    ledger.script([Some(Fault::Before)]);
    let error = ledger.open_account(OpenAccount::new("a"), op).await.unwrap_err();
    assert_eq!((error.code(), error.denial()), ("ledger.not_applied", None));
    assert_eq!(error.to_string(), "the ledger failed to submit; nothing happened");
    assert_eq!(error.source().unwrap().to_string(), "the line is down");
    assert_eq!(ledger.account(&"a".into()).await.unwrap(), None);

    ledger.script([Some(Fault::After)]);
    let error = ledger.open_account(OpenAccount::new("a"), op).await.unwrap_err();
    assert_eq!(error.code(), "ledger.outcome_unknown");
    assert_eq!(error.to_string(), "the ledger failed to submit; it may have happened");
    // Sent again under the same id, it is answered and not done twice.
    let receipt = ledger.open_account(OpenAccount::new("a"), op).await.unwrap();
    assert_eq!(receipt.entry, EntryId::FIRST);

    ledger.script([Some(Fault::Silent)]);
    let charge = Charge::new("a", usd!(1));
    let error = ledger.charge(charge, memory.operation()).await.unwrap_err();
    assert_eq!(error.code(), "ledger.outcome_unknown");
}

#[tokio::test]
async fn a_hold_that_could_not_be_ended_comes_back() {
    let (memory, ledger) = failing();
    let op = || memory.operation();
    ledger.open_account(OpenAccount::new("a"), op()).await.unwrap();
    let place = PlaceHold::new("a", usd!(1), Duration::from_mins(1));
    let hold = ledger.place_hold(place.clone(), op()).await.unwrap();
    let (id, settled_by) = (hold.id(), op());

    ledger.script([Some(Fault::After)]);
    let failed = ledger.settle(hold, usd!(1).into(), settled_by).await.unwrap_err();
    assert_eq!(failed.error().code(), "ledger.outcome_unknown");
    assert_eq!(failed.to_string(), format!("hold {id} could not be ended"));
    let source = failed.source().unwrap().to_string();
    assert_eq!(source, "the ledger failed to submit; it may have happened");
    let hold = failed.into_hold();
    assert_eq!(hold.id(), id);
    // The same operation id: answered, not paid twice.
    ledger.settle(hold, usd!(1).into(), settled_by).await.unwrap();
    assert_eq!(ledger.account(&"a".into()).await.unwrap().unwrap().spent, usd!(1).into());

    let hold = ledger.place_hold(place, op()).await.unwrap();
    ledger.script([Some(Fault::Before)]);
    let hold = ledger.release(hold, op()).await.unwrap_err().into_hold();
    let nonsense = safeguards_types::Amount::new(usd!(1).quantity(), "gpu".into());
    let failed = ledger.settle(hold, nonsense.into(), op()).await.unwrap_err();
    assert_eq!(failed.error().denial().unwrap().code(), "budget.unknown_unit");
    ledger.release(failed.into_hold(), op()).await.unwrap();
}

#[tokio::test]
async fn a_refused_hold_is_no_hold() {
    let (memory, ledger) = failing();
    let op = || memory.operation();
    let open = OpenAccount::new("a").limit(Limit::lifetime(tokens!(1)));
    ledger.open_account(open, op()).await.unwrap();
    let place = PlaceHold::new("a", tokens!(2), Duration::from_mins(1));
    let denied = ledger.place_hold(place, op()).await.unwrap_err();
    assert_eq!(denied.code(), "budget.limit_exceeded");
    let release = Action::Release { hold: HoldId::placed_by(op()) };
    let command = safeguards_budget::Command::new(op(), release);
    assert_eq!(ledger.apply(command).await.unwrap_err().code(), "budget.unknown_hold");
}
