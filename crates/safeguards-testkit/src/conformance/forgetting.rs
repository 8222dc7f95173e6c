//! Law 10: bounded. What is kept, what is forgotten, and how that is said. Cases here use
//! [`Setup::small_bounds`](crate::Setup::small_bounds): four operations kept for a minute, eight at most.

use super::prelude::*;

/// Charges `a` a cent so many times, each of them a second after the one before.
async fn go_on(desk: &Desk, times: usize) {
    for _ in 0..times {
        desk.wait(1);
        desk.done(charge("a", usd!(0.01))).await;
    }
}

/// At least so many operations are kept, however old they are.
pub async fn the_last_operations_are_kept_however_old(desk: &Desk) {
    desk.with([open("a")]).await;
    let mut sent = Vec::new();
    for _ in 0..4 {
        desk.wait(86_400);
        let command = desk.command(charge("a", usd!(1)));
        sent.push((desk.sent(&command).await, command));
    }
    desk.wait(86_400);
    for (first, command) in sent {
        assert_eq!(desk.sent(&command).await, first);
    }
    desk.counts("a", "4 + 0 USD").await;
}

/// Beyond that number, those of the last stretch of time are kept.
pub async fn beyond_that_the_young_are_kept(desk: &Desk) {
    desk.with([open("a")]).await;
    let command = desk.command(charge("a", usd!(1)));
    let first = desk.sent(&command).await;
    go_on(desk, 6).await;
    assert_eq!(desk.sent(&command).await, first);
}

/// An id older than the horizon is refused as `operation_too_old`, never executed again.
pub async fn a_forgotten_operation_is_never_executed_again(desk: &Desk) {
    desk.with([open("a")]).await;
    let command = desk.command(charge("a", usd!(1)));
    desk.sent(&command).await;
    desk.wait(120);
    go_on(desk, 5).await;
    desk.refused(&command, Denial::OperationTooOld { op: command.op }).await;
    desk.counts("a", "1.05 + 0 USD").await;
}

/// Minted at or before the youngest id that was forgotten: one that was never used is too old as well.
pub async fn an_unused_id_from_before_the_horizon_is_too_old(desk: &Desk) {
    desk.with([open("a")]).await;
    desk.wait(10);
    let same_time = desk.command(charge("a", usd!(1)));
    desk.done(charge("a", usd!(1))).await;
    desk.clock().advance(Duration::from_millis(1));
    let younger = desk.command(charge("a", usd!(1)));
    desk.wait(120);
    go_on(desk, 5).await;
    desk.refused(&same_time, Denial::OperationTooOld { op: same_time.op }).await;
    desk.sent(&younger).await;
}

/// The number of entries that are kept is bounded, however young they are.
pub async fn entries_are_bounded_however_young(desk: &Desk) {
    desk.with([open("a")]).await;
    let command = desk.command(charge("a", usd!(1)));
    desk.sent(&command).await;
    go_on(desk, 20).await;
    desk.refused(&command, Denial::OperationTooOld { op: command.op }).await;
    let entries = desk.entries().await;
    assert!((4..=8).contains(&entries.len()), "{} entries are kept", entries.len());
    assert_eq!(entries.last().unwrap().id, EntryId::new(22));
}

/// A page says which entry is the first that is kept: a reader that asks from before it has missed some.
pub async fn a_page_says_what_is_no_longer_kept(desk: &Desk) {
    desk.with([open("a")]).await;
    go_on(desk, 20).await;
    let page = desk.ledger().entries(EntryId::FIRST, 100).await.unwrap();
    assert!(page.first_kept > EntryId::FIRST);
    assert_eq!(page.entries.first().unwrap().id, page.first_kept);
    assert_eq!(page.next, EntryId::new(22));
    let kept = page.entries.len();
    let page = desk.ledger().entries(page.first_kept, 100).await.unwrap();
    assert_eq!(page.entries.len(), kept);
}

/// Asking for an entry that is gone says so: `entry_forgotten`.
pub async fn what_is_forgotten_cannot_be_refunded(desk: &Desk) {
    desk.with([open("a")]).await;
    let paid = desk.done(charge("a", usd!(1))).await;
    desk.wait(120);
    go_on(desk, 5).await;
    desk.denied(refund(paid, usd!(1)), Denial::EntryForgotten { of: paid }).await;
    let young = desk.op();
    desk.denied(refund(young, usd!(1)), Denial::UnknownEntry { of: young }).await;
}

/// An id minted before the horizon whose entry is kept all the same is not forgotten.
pub async fn what_is_kept_is_not_forgotten_however_old_its_id(desk: &Desk) {
    let old = desk.command(register("gpu"));
    desk.wait(1);
    desk.with([open("a")]).await;
    desk.wait(120);
    let first = desk.sent(&old).await;
    go_on(desk, 4).await;
    // What opened the account is forgotten by now, and it was minted later.
    assert_eq!(desk.entries().await[0].id, first.entry);
    assert_eq!(desk.sent(&old).await, first);
    desk.denied(refund(old.op, usd!(1)), Denial::UnknownEntry { of: old.op }).await;
}

/// A hold that ended so long ago that it is forgotten is `hold_forgotten`; use Record.
pub async fn a_hold_that_ended_long_ago_is_forgotten(desk: &Desk) {
    desk.with([open("a")]).await;
    let hold = desk.hold("a", usd!(1), 60).await;
    desk.done(release(hold)).await;
    desk.wait(120);
    go_on(desk, 5).await;
    desk.denied(settle(hold, usd!(1)), Denial::HoldForgotten { hold }).await;
    desk.denied(release(hold), Denial::HoldForgotten { hold }).await;
    desk.denied(extend(hold, 60), Denial::HoldForgotten { hold }).await;
    assert_eq!(desk.ledger().holds(&[hold]).await.unwrap(), [None]);
    let hold = HoldId::placed_by(desk.op());
    desk.denied(release(hold), Denial::UnknownHold { hold }).await;
}

/// An open hold is never forgotten, however long ago it was placed.
pub async fn an_open_hold_is_never_forgotten(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(50)))]).await;
    let held = desk.hold("a", usd!(5), 1_000_000).await;
    desk.wait(120);
    go_on(desk, 30).await;
    desk.shows("a", "0.3 + 5 of 50 USD").await;
    assert!(!desk.receipt(settle(held, usd!(4))).await.late);
    desk.shows("a", "4.3 + 0 of 50 USD").await;
}

/// A hold whose ending was taken back with its linked batch is open, and as little forgotten as any.
pub async fn an_ending_that_was_taken_back_is_not_counted_as_one(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(50)))]).await;
    let held = desk.hold("a", usd!(5), 1_000_000).await;
    let batch = [desk.command(settle(held, usd!(1))), desk.command(charge("b", usd!(1)))];
    desk.link_fails(batch, 1, unknown_account("b")).await;
    desk.wait(120);
    go_on(desk, 30).await;
    assert_eq!(desk.state(held).await, HoldState::Open);
    assert!(!desk.receipt(settle(held, usd!(4))).await.late);
}

/// What is forgotten was counted all the same: counters, limits and names stay.
pub async fn what_is_forgotten_still_counts(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(1)))]).await;
    go_on(desk, 30).await;
    desk.shows("a", "0.3 + 0 of 1 USD").await;
    desk.denied(charge("a", usd!(0.8)), "limit_exceeded").await;
    desk.denied(open("a"), Denial::DuplicateAccount { account: "a".into() }).await;
    assert_eq!(desk.receipt(charge("a", usd!(0.7))).await.entry, EntryId::new(32));
}

/// Closed accounts count: names are never used again, so there are never more than the bound.
pub async fn accounts_are_bounded_and_closed_ones_count(desk: &Desk) {
    desk.with([open("a"), open("b")]).await;
    desk.done(close("b")).await;
    desk.done(open("c")).await;
    desk.denied(open("d"), Denial::TooManyAccounts { max: 3 }).await;
}
