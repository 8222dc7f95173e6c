//! What is told of commands whose callers stopped waiting, whose answers were lost, came late, or came twice.

use std::{pin::pin, sync::Arc};

use futures_util::future::{join, join_all};
use safeguards_api::AlertingLedger;
use safeguards_budget::{
    Action, Batch, Charge, Command, Ledger, LedgerExt, Limit, MemoryLedger, OpenAccount, Percent,
};
use safeguards_notify::{AlertQuery, Alerts};
use safeguards_testkit::{Fault, FaultyLedger};
use safeguards_types::usd;

/// A ledger that tells, over a line that can be slow and can be cut.
struct Desk {
    memory: MemoryLedger,
    line: FaultyLedger,
    alerts: Alerts,
    ledger: AlertingLedger,
}

impl Desk {
    /// With `reader`, who is warned at 80 % of 10 USD, and `busy`, whom nothing limits.
    fn new() -> Self {
        let memory = MemoryLedger::new();
        let limit = Limit::lifetime(usd!(10)).warn_at(Percent::EIGHTY);
        for open in [OpenAccount::new("reader").limit(limit), OpenAccount::new("busy")] {
            memory.sync().open_account(open, memory.operation()).unwrap();
        }
        let line = FaultyLedger::new(Arc::new(memory.clone()));
        let alerts = Alerts::new();
        let ledger = AlertingLedger::new(Arc::new(line.clone()), alerts.clone());
        Self { memory, line, alerts, ledger }
    }

    fn suspend(&self) -> Batch {
        let suspend = Action::Suspend { account: "reader".into(), reason: None };
        Batch::independent([Command::new(self.memory.operation(), suspend)])
    }

    fn near_the_limit(&self) -> Batch {
        let charge = Charge::new("reader", usd!(8.50));
        Batch::independent([Command::new(self.memory.operation(), charge)])
    }

    async fn topics(&self) -> Vec<String> {
        let records = self.alerts.history(&AlertQuery::all()).await.unwrap();
        records.iter().map(|record| record.alert.topic().to_string()).collect()
    }

    async fn others_charge(&self, times: usize) {
        for _ in 0..times {
            let charge = Charge::new("busy", usd!(0.01));
            self.ledger.charge(charge, self.memory.operation()).await.unwrap();
        }
    }

    /// Sends a batch and stops waiting for it when it was done and not answered yet.
    async fn give_up(&self, batch: Batch) {
        self.line.script([Some(Fault::Slow { yields: 3 })]);
        let done_from = self.memory.sync().accounts(&[]).revision;
        let mut submit = pin!(self.ledger.submit(batch));
        while self.memory.sync().accounts(&[]).revision == done_from {
            assert!(futures_util::poll!(submit.as_mut()).is_pending(), "answered too soon");
        }
        assert!(futures_util::poll!(submit.as_mut()).is_pending(), "answered too soon");
    }
}

#[tokio::test]
async fn who_stops_waiting_keeps_nobody_from_being_told() {
    let desk = Desk::new();
    desk.give_up(desk.suspend()).await;
    assert!(desk.topics().await.is_empty());
    desk.others_charge(1).await;
    assert_eq!(desk.topics().await, ["budget.suspended"], "told by the next answer");
    desk.ledger.tick().await.unwrap();
    assert_eq!(desk.topics().await.len(), 1, "and not again");

    let desk = Desk::new();
    desk.give_up(desk.near_the_limit()).await;
    desk.ledger.tick().await.unwrap();
    assert_eq!(desk.topics().await, ["budget.threshold"], "told by a tick");
}

#[tokio::test]
async fn what_a_cut_line_lost_is_told_once_also_when_it_is_sent_again() {
    let desk = Desk::new();
    let suspend = desk.suspend();
    desk.line.script([Some(Fault::After)]);
    desk.ledger.submit(suspend.clone()).await.unwrap_err();
    desk.others_charge(1).await;
    desk.ledger.submit(suspend).await.unwrap();
    desk.ledger.tick().await.unwrap();
    assert_eq!(desk.topics().await, ["budget.suspended"]);

    // Sent again before anybody has looked at the entries.
    let desk = Desk::new();
    let suspend = desk.suspend();
    desk.line.script([Some(Fault::After)]);
    desk.ledger.submit(suspend.clone()).await.unwrap_err();
    desk.ledger.submit(suspend).await.unwrap();
    desk.others_charge(1).await;
    desk.ledger.tick().await.unwrap();
    assert_eq!(desk.topics().await, ["budget.suspended"]);
}

#[tokio::test]
async fn what_never_arrived_is_never_told() {
    let desk = Desk::new();
    desk.line.script([Some(Fault::Before)]);
    desk.ledger.submit(desk.suspend()).await.unwrap_err();
    desk.others_charge(3).await;
    desk.ledger.tick().await.unwrap();
    assert!(desk.topics().await.is_empty());
}

#[tokio::test]
async fn an_answer_that_thousands_overtook_is_told() {
    let desk = Desk::new();
    desk.line.script([Some(Fault::Slow { yields: 1_000_000 })]);
    let (slow, many) = (desk.ledger.submit(desk.suspend()), async {
        tokio::task::yield_now().await;
        // Each of these has news of its own: `busy` is over its limit.
        let limit = Limit::lifetime(usd!(0.01));
        let busy = || "busy".into();
        desk.ledger.set_limit(busy(), limit, desk.memory.operation()).await.unwrap();
        for _ in 0..10_000 {
            let record = Charge::new("busy", usd!(0.01));
            desk.ledger.record(record, desk.memory.operation()).await.unwrap();
        }
        desk.line.mend();
    });
    let (answer, ()) = join(slow, many).await;
    answer.unwrap();
    let topics = desk.topics().await;
    let suspended = AlertQuery::all().limit(usize::MAX);
    let all = desk.alerts.history(&suspended).await.unwrap();
    let suspended = all.iter().filter(|record| record.alert.topic().as_str() == "budget.suspended");
    assert_eq!(suspended.count(), 1, "{topics:?}");
}

#[tokio::test]
async fn the_same_command_at_once_is_told_once() {
    let desk = Desk::new();
    desk.line.plan(|_| Some(Fault::Slow { yields: 5 }));
    let suspend = desk.suspend();
    let again = join_all((0..8).map(|_| desk.ledger.submit(suspend.clone()))).await;
    assert!(again.iter().all(Result::is_ok));
    desk.ledger.tick().await.unwrap();
    assert_eq!(desk.topics().await, ["budget.suspended"]);
}
