//! Ledger commands without a run: batches, repetitions, failures.

use std::sync::Arc;

use futures_util::future::join_all;
use metrics::set_default_local_recorder;
use metrics_util::debugging::DebuggingRecorder;
use safeguards_api::ObservedLedger;
use safeguards_budget::{Batch, Charge, Command, Ledger, LedgerExt, MemoryLedger, OpenAccount};
use safeguards_testkit::{Fault, FaultyLedger};
use safeguards_types::usd;

use super::{
    office::{check, counts, watch},
    page::{check_counted, check_told},
};

#[tokio::test]
async fn who_repeats_spends_nothing_and_a_failure_is_told() {
    let recorder = DebuggingRecorder::new();
    let _counting = set_default_local_recorder(&recorder);
    let (captured, _guard) = watch();
    let within = MemoryLedger::new();
    within.sync().open_account(OpenAccount::new("a"), within.operation()).unwrap();
    let before = within.operation();
    within.sync().charge(Charge::new("a", usd!(7)), before).unwrap();
    let line = FaultyLedger::new(Arc::new(within.clone()));
    let ledger = ObservedLedger::new(Arc::new(line.clone()));

    // Done before this ledger was observed.
    ledger.charge(Charge::new("a", usd!(7)), before).await.unwrap();
    let (one, other) = (within.operation(), within.operation());
    for _ in 0..2 {
        ledger.charge(Charge::new("a", usd!(0.31)), one).await.unwrap();
    }
    let command = |op| Command::new(op, Charge::new("a", usd!(2)));
    ledger.submit(Batch::linked([command(other), command(within.operation())])).await.unwrap();
    ledger.refund(other, usd!(0.5).into(), within.operation()).await.unwrap();
    line.fail_always(Fault::Before);
    assert!(ledger.charge(Charge::new("a", usd!(1)), within.operation()).await.is_err());

    let counts = counts(&recorder.snapshotter());
    let charges = "safeguards.commands{safeguards.command=charge,safeguards.outcome=";
    check(&counts, &format!("{charges}repeated}}"), "2");
    check(&counts, &format!("{charges}granted}}"), "3");
    check(&counts, &format!("{charges}failed}}"), "1");
    check(&counts, "safeguards.spent{safeguards.unit=USD}", "4.31");
    check(&counts, "safeguards.refunded{safeguards.unit=USD}", "0.5");

    let [batch] = captured.spans("safeguards.batch").try_into().unwrap();
    assert_eq!(batch.fields["safeguards.commands"], "2");
    assert_eq!(batch.fields["safeguards.linked"], "true");
    let commands = captured.spans("safeguards.command");
    let inside = commands.iter().filter(|span| span.parent.is_some());
    assert_eq!(inside.count(), 2);
    assert_eq!(commands[1].fields["safeguards.amounts"], "0.31 USD");
    assert_eq!(commands.last().unwrap().fields["error.type"], "ledger.not_applied");
    check_counted(&counts);
    check_told(&captured.0.lock());
}

#[tokio::test]
async fn what_is_asked_twice_is_spent_once_and_what_was_lost_is_not_lost() {
    let recorder = DebuggingRecorder::new();
    let _counting = set_default_local_recorder(&recorder);
    let within = MemoryLedger::new();
    within.sync().open_account(OpenAccount::new("a"), within.operation()).unwrap();
    let line = FaultyLedger::new(Arc::new(within.clone()));
    let ledger = ObservedLedger::new(Arc::new(line.clone()));
    let charge = |amount| Command::new(within.operation(), Charge::new("a", amount));

    // Twice in one batch, and three times at once.
    let command = charge(usd!(1));
    ledger.submit(Batch::independent([command.clone(), command])).await.unwrap();
    line.plan(|_| Some(Fault::Slow { yields: 3 }));
    let batch = Batch::independent([charge(usd!(10))]);
    let three = join_all((0..3).map(|_| ledger.submit(batch.clone()))).await;
    assert!(three.iter().all(Result::is_ok));
    line.mend();

    // Done, but its answer was lost; others came before it was asked again.
    let lost = Batch::independent([charge(usd!(100))]);
    line.script([Some(Fault::After)]);
    ledger.submit(lost.clone()).await.unwrap_err();
    ledger.submit(Batch::independent([charge(usd!(0.5))])).await.unwrap();
    ledger.submit(lost.clone()).await.unwrap();
    ledger.submit(lost).await.unwrap();

    let counts = counts(&recorder.snapshotter());
    check(&counts, "safeguards.spent{safeguards.unit=USD}", "111.5");
    let charges = "safeguards.commands{safeguards.command=charge,safeguards.outcome=";
    check(&counts, &format!("{charges}granted}}"), "4");
    check(&counts, &format!("{charges}repeated}}"), "4");
}
