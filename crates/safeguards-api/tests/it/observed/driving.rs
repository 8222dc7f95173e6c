//! The background driver where a part of it cannot do its work.

use std::time::Duration;

use metrics::set_default_local_recorder;
use metrics_util::debugging::DebuggingRecorder;
use safeguards_api::Safeguards;
use safeguards_budget::{
    Accounts, Guarantees, Ledger as _, LedgerError, LedgerErrorKind, MemoryLedger, MockLedger,
};
use safeguards_testkit::PausedClock;

use super::{
    office::{check, counts, watch},
    page::{check_counted, check_told},
};

#[tokio::test(start_paused = true)]
async fn a_driver_that_fails_says_so_and_goes_on() {
    let recorder = DebuggingRecorder::new();
    let _counting = set_default_local_recorder(&recorder);
    let (captured, _guard) = watch();
    let memory = MemoryLedger::new();
    let mut ledger = MockLedger::new();
    let guarantees: Guarantees = memory.guarantees();
    let none: Accounts = memory.accounts(&[]).await.unwrap();
    ledger.expect_guarantees().return_const(guarantees);
    ledger.expect_accounts().returning(move |_| Ok(none.clone()));
    ledger.expect_tick().returning(|| {
        Err(LedgerError::new(LedgerErrorKind::NotApplied, "tick", "the line is cut"))
    });
    let sg = Safeguards::builder(ledger).clock(PausedClock::new()).build().unwrap();

    let running = sg.start().unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(running.stop().await.is_empty());
    let events = captured.events("safeguards.driver_failed");
    assert_eq!(events.len(), 3, "at once, and after each pause of five seconds");
    assert_eq!(events[0].fields["safeguards.driver.part"], "ledger");
    assert_eq!(events[0].fields["error.type"], "ledger.not_applied");
    assert_eq!(events[0].fields["message"], "safeguards.driver_failed");
    let counts = counts(&recorder.snapshotter());
    let failures =
        "safeguards.driver.failures{safeguards.driver.part=ledger,error.type=ledger.not_applied}";
    check(&counts, failures, "3");
    check_counted(&counts);
    check_told(&captured.0.lock());
}
