//! What a ledger that fails does, and that a retry under the same operation id makes it good.

use std::{sync::Arc, time::Duration};

use safeguards_budget::{
    Action, Batch, Charge, Command, Entry, EntryId, HoldId, Ledger, LedgerErrorKind, LedgerExt,
    Limit, MemoryLedger, OpenAccount, PlaceHold, Settle,
};
use safeguards_testkit::{Fault, FaultyLedger};
use safeguards_types::{OperationIds, SimClock, Timestamp, usd};

fn clock() -> SimClock {
    SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap())
}

fn faulty() -> FaultyLedger {
    FaultyLedger::new(Arc::new(MemoryLedger::with_clock(clock())))
}

/// A small piece of work, the same each time: batches alone and linked, one of them denied.
fn work() -> Vec<Batch> {
    let (ids, now) = (OperationIds::seeded(7), Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
    let command = |action: Action| Command::new(ids.mint(now), action);
    let place = command(PlaceHold::new("a", usd!(3), Duration::from_mins(1)).scope("pool").into());
    let held = HoldId::placed_by(place.op);
    let spent = command(Charge::new("a", usd!(2)).into());
    let refund = Action::Refund { of: spent.op, amounts: usd!(1).into() };
    vec![
        Batch::linked([
            command(OpenAccount::new("pool").limit(Limit::lifetime(usd!(10))).into()),
            command(OpenAccount::new("a").under("pool").into()),
        ]),
        Batch::independent([spent, command(Charge::new("a", usd!(20)).into())]),
        place.into(),
        command(Settle::new(held, usd!(1)).keep_open().into()).into(),
        Batch::linked([command(Settle::new(held, usd!(4)).into()), command(refund)]),
        Batch::linked([
            command(Charge::new("a", usd!(1)).into()),
            command(Charge::new("a", usd!(9)).into()),
        ]),
        command(Action::Record(Charge::new("a", usd!(7)))).into(),
    ]
}

/// Sends a batch until it is answered.
async fn insist(ledger: &FaultyLedger, batch: Batch) {
    for _ in 0..100 {
        if ledger.submit(batch.clone()).await.is_ok() {
            return;
        }
    }
    panic!("never answered: {batch:?}");
}

async fn entries(ledger: &FaultyLedger) -> Vec<Entry> {
    ledger.entries(EntryId::FIRST, 1_000).await.unwrap().entries
}

async fn without_faults() -> Vec<Entry> {
    let ledger = faulty();
    for batch in work() {
        insist(&ledger, batch).await;
    }
    assert_eq!(ledger.submits(), work().len());
    entries(&ledger).await
}

#[tokio::test]
async fn whichever_submission_fails_a_retry_makes_it_good() {
    let expected = without_faults().await;
    assert_eq!(expected.len(), 8);
    for at in 0..work().len() {
        for fault in [Fault::Before, Fault::After] {
            let ledger = faulty();
            ledger.script((0..at).map(|_| None).chain([Some(fault)]));
            for batch in work() {
                insist(&ledger, batch).await;
            }
            assert_eq!(ledger.submits(), work().len() + 1);
            assert_eq!(entries(&ledger).await, expected, "{fault:?} at submission {at}");
        }
    }
}

#[tokio::test]
async fn failures_by_chance_are_the_same_for_the_same_seed() {
    let expected = without_faults().await;
    for seed in 0..50 {
        let mut submits = Vec::new();
        for _ in 0..2 {
            let ledger = faulty();
            ledger.seeded(seed, 2);
            for batch in work() {
                insist(&ledger, batch).await;
            }
            assert_eq!(entries(&ledger).await, expected, "seed {seed}");
            submits.push(ledger.submits());
        }
        assert_eq!(submits[0], submits[1], "seed {seed}");
    }
    let ledger = faulty();
    ledger.seeded(1, 0);
    assert!(ledger.submit(Batch::default()).await.is_ok());
}

#[tokio::test]
async fn a_failure_says_what_is_known() {
    let ledger = faulty();
    let op = OperationIds::seeded(1).mint(Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
    let open = || Batch::from(Command::new(op, OpenAccount::new("a")));
    ledger.script([Some(Fault::Before), Some(Fault::After), Some(Fault::Silent)]);
    let error = ledger.submit(open()).await.unwrap_err();
    assert_eq!(error.kind(), LedgerErrorKind::NotApplied);
    assert_eq!(ledger.account(&"a".into()).await.unwrap(), None);
    let error = ledger.submit(open()).await.unwrap_err();
    assert_eq!(error.kind(), LedgerErrorKind::OutcomeUnknown);
    assert!(ledger.account(&"a".into()).await.unwrap().is_some());
    assert_eq!(ledger.submit(open()).await.unwrap(), []);
    assert!(ledger.submit(open()).await.unwrap()[0].is_ok());
    assert_eq!((ledger.submits(), ledger.reads()), (4, 2));
}

#[tokio::test]
async fn a_script_comes_before_the_plan_and_mending_ends_both() {
    let ledger = faulty();
    let handed_out = ledger.clone();
    ledger.fail_always(Fault::Before);
    ledger.script([None]);
    assert!(handed_out.submit(Batch::default()).await.is_ok());
    assert!(handed_out.submit(Batch::default()).await.is_err());
    ledger.script([Some(Fault::After)]);
    ledger.mend();
    assert!(handed_out.submit(Batch::default()).await.is_ok());
    ledger.plan(|batch| batch.linked.then_some(Fault::Before));
    assert!(handed_out.submit(Batch::default()).await.is_ok());
    assert!(handed_out.submit(Batch::linked(Vec::new())).await.is_err());
    assert_eq!(ledger.submits(), 5);
}
