//! Law 9: time is the ledger's clock, and now never goes back.

use super::prelude::*;

/// Now is the later of the clock and the latest instant of any entry: a clock that steps back is not
/// followed.
pub async fn now_never_goes_back(desk: &Desk) {
    desk.set_clock("2026-01-05T10:00:00Z");
    let first = desk.receipt(open("a")).await;
    desk.set_clock("2026-01-05T09:00:00Z");
    let second = desk.receipt(charge("a", usd!(1))).await;
    assert_eq!([first.at, second.at], [at("2026-01-05T10:00:00Z"); 2]);
    assert_eq!(desk.last_entry().await.at, at("2026-01-05T10:00:00Z"));
    desk.set_clock("2026-01-05T10:00:01Z");
    assert_eq!(desk.receipt(charge("a", usd!(1))).await.at, at("2026-01-05T10:00:01Z"));
}

/// A clock that steps back re-opens no window.
pub async fn a_clock_that_steps_back_reopens_no_window(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(5)))]).await;
    desk.done(charge("a", usd!(5))).await;
    desk.wait(60);
    desk.done(charge("a", usd!(1))).await;
    desk.set_clock("2026-01-05T09:00:30Z");
    desk.shows("a", "1 + 0 of 5 USD per 60s").await;
    desk.done(charge("a", usd!(4))).await;
    desk.shows("a", "5 + 0 of 5 USD per 60s").await;
}

/// A clock that steps back revives no hold that an entry has ended, and leaves due what was.
pub async fn a_clock_that_steps_back_revives_no_hold(desk: &Desk) {
    desk.with([open("a"), open("b")]).await;
    let [swept, due] = [desk.hold("a", usd!(1), 10).await, desk.hold("b", usd!(1), 10).await];
    desk.wait(20);
    desk.done(charge("a", usd!(1))).await;
    desk.set_clock("2026-01-05T09:00:00Z");
    assert_eq!(desk.state(swept).await, HoldState::Expired);
    // Now is 09:00:20 still, by the latest entry.
    assert_eq!(desk.state(due).await, HoldState::Expired);
    assert!(desk.receipt(settle(due, usd!(1))).await.late);
}

/// Reads, denials and repeated receipts do not move now.
pub async fn what_writes_no_entry_does_not_move_now(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let known = desk.command(charge("a", usd!(1)));
    desk.sent(&known).await;
    desk.set_clock("2026-01-05T12:00:00Z");
    desk.account("a").await;
    assert_eq!(desk.tick().await, None);
    desk.sent(&known).await;
    desk.denied(charge("a", usd!(9)), "limit_exceeded").await;
    desk.set_clock("2026-01-05T09:00:01Z");
    assert_eq!(desk.receipt(charge("a", usd!(1))).await.at, at("2026-01-05T09:00:01Z"));
}

/// An entry of an expiry is stamped with the instant at which the hold ran out, and moves now no further.
pub async fn an_expiry_moves_now_to_its_own_instant(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.hold("a", usd!(1), 10).await;
    desk.set_clock("2026-01-05T12:00:00Z");
    desk.denied(charge("a", usd!(9)), "limit_exceeded").await;
    assert_eq!(desk.last_entry().await.at, at("2026-01-05T09:00:10Z"));
    desk.set_clock("2026-01-05T09:00:05Z");
    assert_eq!(desk.receipt(charge("a", usd!(1))).await.at, at("2026-01-05T09:00:10Z"));
}

/// A linked batch that failed wrote nothing, so it does not move now either.
pub async fn a_batch_that_failed_does_not_move_now(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.set_clock("2026-01-05T12:00:00Z");
    let batch = [desk.command(charge("a", usd!(1))), desk.command(charge("b", usd!(1)))];
    desk.link_fails(batch, 1, unknown_account("b")).await;
    desk.set_clock("2026-01-05T09:00:01Z");
    assert_eq!(desk.receipt(charge("a", usd!(1))).await.at, at("2026-01-05T09:00:01Z"));
}

/// All commands of a batch are decided at one instant.
pub async fn a_batch_is_decided_at_one_instant(desk: &Desk) {
    let batch = [desk.command(open("a")), desk.command(charge("a", usd!(1)))];
    let outcomes = desk.linked(batch).await;
    let instants = outcomes.iter().map(|outcome| outcome.as_ref().unwrap().at);
    assert_eq!(instants.collect::<Vec<_>>(), [desk.now(); 2]);
}
