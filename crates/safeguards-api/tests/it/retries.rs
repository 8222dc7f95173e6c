//! Holds that are ended again because nobody knows whether the first try reached the ledger.

use std::{sync::Arc, time::Duration};

use safeguards_api::{Safeguards, v2};
use safeguards_budget::{
    EntryId, Hold, Ledger, LedgerExt, MemoryLedger, OpenAccount, Receipt, SettleError,
};
use safeguards_testkit::{Fault, FaultyLedger};
use safeguards_types::{Clock, SimClock, Timestamp, usd};

/// An account without limits, and a line to its ledger that can be cut.
struct Desk {
    clock: SimClock,
    ledger: MemoryLedger,
    line: FaultyLedger,
    budget: v2::Budget,
}

impl Desk {
    fn new() -> Self {
        let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
        let ledger = MemoryLedger::with_clock(clock.clone());
        ledger.sync().open_account(OpenAccount::new("a"), ledger.operation()).unwrap();
        let line = FaultyLedger::new(Arc::new(ledger.clone()));
        let safeguards = Safeguards::builder(line.clone()).clock(clock.clone()).build().unwrap();
        Self { clock, ledger, line, budget: safeguards.v2().budget() }
    }

    async fn hold(&self) -> Hold {
        self.budget.hold("a", usd!(1), self.ledger.operation()).await.unwrap()
    }

    /// Ends a hold on a line that is down, and gives it back a minute later, when the line is up again.
    async fn lose(&self, ended: impl Future<Output = Result<Receipt, SettleError>>) -> Hold {
        self.line.fail_always(Fault::After);
        let error = ended.await.unwrap_err();
        assert_eq!(error.error().code(), "ledger.outcome_unknown");
        self.line.mend();
        self.clock.advance(Duration::from_mins(1));
        error.into_hold()
    }

    /// The latest entry.
    async fn latest(&self) -> EntryId {
        let page = self.ledger.entries(EntryId::FIRST, 100).await.unwrap();
        page.entries.last().unwrap().id
    }

    async fn spent(&self) -> String {
        self.ledger.account(&"a".into()).await.unwrap().unwrap().spent.to_string()
    }
}

#[tokio::test]
async fn ended_again_the_same_way_a_hold_gives_its_first_receipt() {
    let desk = Desk::new();
    let hold = desk.hold().await;
    let hold = desk.lose(desk.budget.settle(hold, usd!(0.30))).await;
    let settled = desk.latest().await;
    let hold = desk.lose(desk.budget.settle(hold, usd!(0.30))).await;
    let receipt = desk.budget.settle(hold, usd!(0.30)).await.unwrap();
    assert_eq!((receipt.entry, desk.latest().await), (settled, settled));
    assert_eq!(desk.spent().await, "0.30 USD");

    let hold = desk.hold().await;
    let hold = desk.lose(desk.budget.release(hold)).await;
    let released = desk.latest().await;
    let receipt = desk.budget.release(hold).await.unwrap();
    assert_eq!((receipt.entry, desk.latest().await), (released, released));
    assert_eq!(desk.spent().await, "0.30 USD");
}

#[tokio::test]
async fn the_end_of_an_old_hold_is_no_old_operation() {
    let desk = Desk::new();
    let hold = desk.hold().await;
    desk.clock.advance(Duration::from_hours(1));
    let first_try = desk.clock.now();
    let hold = desk.lose(desk.budget.settle(hold, usd!(0.30))).await;
    desk.budget.settle(hold, usd!(0.30)).await.unwrap();
    let page = desk.ledger.entries(desk.latest().await, 1).await.unwrap();
    assert_eq!(page.entries[0].op().unwrap().minted_at(), first_try);
}

#[tokio::test]
async fn ended_again_another_way_a_hold_says_so_and_can_still_be_asked_the_first_way() {
    let desk = Desk::new();
    let hold = desk.hold().await;
    let hold = desk.lose(desk.budget.settle(hold, usd!(0.30))).await;
    let error = desk.budget.settle(hold, usd!(0.40)).await.unwrap_err();
    assert_eq!(error.error().code(), "budget.operation_conflict");
    let error = desk.budget.release(error.into_hold()).await.unwrap_err();
    assert_eq!(error.error().code(), "budget.hold_ended");
    desk.budget.settle(error.into_hold(), usd!(0.30)).await.unwrap();
    assert_eq!(desk.spent().await, "0.30 USD");
}
