//! Law 7: durable means durable. For ledgers that say so, and whose environment can open them again.

use super::prelude::*;

/// When a durable ledger has answered, the answer survives: accounts, holds and entries are as they were.
pub async fn what_was_answered_is_there_when_it_is_opened_again(desk: &Desk) {
    desk.with([
        open("pool").limit(lifetime(usd!(50))).protect(last("10", 8)),
        open("a").under("pool").limit(every(1_000_000_000, usd!(20)).soft()),
        open("shut"),
    ])
    .await;
    desk.done(charge("a", [usd!(3), tokens!(12)])).await;
    let [held, ended] =
        [desk.hold("a", usd!(4), 3_600).await, desk.hold("a", usd!(1), 3_600).await];
    desk.done(settle(held, usd!(1)).keep_open()).await;
    desk.done(release(ended)).await;
    desk.done(suspend("a")).await;
    desk.done(close("shut")).await;
    let names = ["pool", "a", "shut"].map(AccountId::from);
    let before = (
        desk.ledger().accounts(&names).await.unwrap(),
        desk.ledger().holds(&[held, ended]).await.unwrap(),
        desk.entries().await,
    );
    desk.reopen().await;
    let after = (
        desk.ledger().accounts(&names).await.unwrap(),
        desk.ledger().holds(&[held, ended]).await.unwrap(),
        desk.entries().await,
    );
    assert_eq!(after, before);
}

/// The same operation id gives the first receipt again, after it was opened again as well.
pub async fn a_retry_after_it_was_opened_again_gives_the_first_receipt(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let batch = [desk.command(charge("a", usd!(2))), desk.command(hold("a", usd!(1), 3_600))];
    let first = desk.linked(batch.clone()).await;
    desk.reopen().await;
    assert_eq!(desk.linked(batch.clone()).await, first);
    let other = Command::new(batch[0].op, charge("a", usd!(1)));
    desk.refused(&other, Denial::OperationConflict).await;
    desk.shows("a", "2 + 1 of 5 USD").await;
}

/// Work goes on where it stood: the next entry has the next number, and what is left is what was left.
pub async fn work_goes_on_where_it_stood(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let held = desk.hold("a", usd!(3), 3_600).await;
    desk.reopen().await;
    desk.denied(charge("a", usd!(3)), "limit_exceeded").await;
    let receipt = desk.receipt(settle(held, usd!(2))).await;
    assert_eq!((receipt.entry, receipt.available), (EntryId::new(3), usd!(3).into()));
    desk.reopen().await;
    desk.done(charge("a", usd!(3))).await;
    desk.shows("a", "5 + 0 of 5 USD").await;
}

/// Denials leave nothing behind, and an id that was denied is free after it was opened again.
pub async fn denials_leave_nothing_behind(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(1)))]).await;
    let denied = desk.command(charge("a", usd!(2)));
    desk.refused(&denied, "limit_exceeded").await;
    desk.reopen().await;
    assert_eq!(desk.entries().await.len(), 1);
    desk.sent(&Command::new(denied.op, charge("a", usd!(1)))).await;
}

/// A ledger is durable if its environment says so, and says so itself.
pub async fn it_says_that_it_is_durable(desk: &Desk) {
    let guarantees = desk.ledger().guarantees();
    assert!(guarantees.durable);
    desk.reopen().await;
    assert_eq!(desk.ledger().guarantees(), guarantees);
}
