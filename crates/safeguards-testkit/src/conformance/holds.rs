//! Law 6: a hold ends once, and frees itself when its time runs out.

use super::prelude::*;

fn ended(hold: HoldId) -> Denial {
    Denial::HoldEnded { hold }
}

/// A hold sets aside: it counts at every account of its set, and `left` says how much.
pub async fn a_hold_sets_aside_at_its_whole_set(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(5))), open("a").under("pool"), open("tag")]).await;
    let placed = desk.done(hold("a", [usd!(2), tokens!(7)], 60).scope("tag")).await;
    let view = desk.view(HoldId::placed_by(placed)).await;
    assert_eq!((view.account, view.state), ("a".into(), HoldState::Open));
    assert_eq!(view.left, [usd!(2), tokens!(7)].into());
    assert_eq!(*view.set, ["a", "pool", "tag"].map(AccountId::from));
    desk.shows("pool", "0 + 2 of 5 USD").await;
    desk.counts("tag", "0 + 2 USD, 0 + 7 tokens").await;
}

/// Settle ends a hold by recording what was really spent; what is over returns.
pub async fn what_is_over_returns_when_a_hold_is_settled(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let held = desk.hold("a", usd!(4), 60).await;
    let receipt = desk.receipt(settle(held, usd!(1))).await;
    assert_eq!((receipt.available, receipt.late), (usd!(4).into(), false));
    let view = desk.view(held).await;
    assert_eq!((view.state, view.left), (HoldState::Settled, usd!(0).into()));
    desk.shows("a", "1 + 0 of 5 USD").await;
}

/// Release ends a hold with nothing spent.
pub async fn a_release_gives_all_back(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let held = desk.hold("a", usd!(4), 60).await;
    let receipt = desk.receipt(release(held)).await;
    assert_eq!(receipt.available, usd!(5).into());
    let view = desk.view(held).await;
    assert_eq!((view.state, view.left), (HoldState::Released, usd!(0).into()));
    desk.shows("a", "0 + 0 of 5 USD").await;
}

/// Settling a hold twice is `hold_ended`, and so is releasing or extending one that was settled.
pub async fn a_settled_hold_cannot_be_ended_again(desk: &Desk) {
    desk.with([open("a")]).await;
    let held = desk.hold("a", usd!(4), 60).await;
    desk.done(settle(held, usd!(1))).await;
    desk.denied(settle(held, usd!(1)), ended(held)).await;
    desk.denied(settle(held, usd!(1)).keep_open(), ended(held)).await;
    desk.denied(release(held), ended(held)).await;
    desk.denied(extend(held, 60), ended(held)).await;
    desk.counts("a", "1 + 0 USD").await;
}

/// A released hold cannot be released or extended again. Settling it is recorded in full, once, and marked
/// late; the hold is settled then.
pub async fn a_released_hold_can_be_settled_late_and_once(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let held = desk.hold("a", usd!(4), 60).await;
    desk.done(release(held)).await;
    desk.denied(release(held), ended(held)).await;
    desk.denied(extend(held, 60), ended(held)).await;
    let receipt = desk.receipt(settle(held, usd!(3))).await;
    assert!(receipt.late);
    assert_eq!(desk.state(held).await, HoldState::Settled);
    desk.denied(settle(held, usd!(3)), ended(held)).await;
    desk.shows("a", "3 + 0 of 5 USD").await;
}

/// A hold that no operation placed is `unknown_hold`; an operation that placed none is none.
pub async fn a_hold_that_was_never_placed_is_unknown(desk: &Desk) {
    desk.with([open("a")]).await;
    let charged = desk.done(charge("a", usd!(1))).await;
    for op in [desk.op(), charged] {
        let hold = HoldId::placed_by(op);
        desk.denied(settle(hold, usd!(1)), Denial::UnknownHold { hold }).await;
        desk.denied(release(hold), Denial::UnknownHold { hold }).await;
        desk.denied(extend(hold, 60), Denial::UnknownHold { hold }).await;
        assert_eq!(desk.ledger().holds(&[hold]).await.unwrap(), [None]);
    }
}

/// From `now ≥ expires_at` a hold is expired: not an instant before.
pub async fn a_hold_expires_at_its_instant_and_not_before(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let held = desk.hold("a", usd!(5), 10).await;
    desk.clock().advance(Duration::from_nanos(9_999_999_999));
    assert_eq!(desk.state(held).await, HoldState::Open);
    let expires_at = at("2026-01-05T09:00:10Z");
    let denial = exceeded("a", usd!(5)).held(usd!(5)).asked(usd!(1)).until(expires_at);
    desk.denied(charge("a", usd!(1)), denial).await;
    desk.clock().advance(Duration::from_nanos(1));
    assert_eq!(desk.state(held).await, HoldState::Expired);
    desk.done(charge("a", usd!(5))).await;
}

/// A hold whose owner died frees itself: swept or not it is expired, and what reads show of it is free.
pub async fn a_due_hold_reads_as_expired_before_anybody_swept_it(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let held = desk.hold("a", usd!(5), 10).await;
    desk.wait(3_600);
    let view = desk.view(held).await;
    assert_eq!((view.state, view.left), (HoldState::Expired, usd!(0).into()));
    assert_eq!(view.expires_at, at("2026-01-05T09:00:10Z"));
    desk.shows("a", "0 + 0 of 5 USD").await;
    desk.counts("a", "0 + 0 USD").await;
    assert_eq!(desk.names_from(EntryId::new(2)).await, ["place_hold"], "reading writes nothing");
}

/// Settling a hold that expired is recorded in full, once, and marked late.
pub async fn an_expired_hold_can_be_settled_late_and_once(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let held = desk.hold("a", usd!(4), 10).await;
    desk.wait(10);
    let receipt = desk.receipt(settle(held, usd!(3))).await;
    assert!(receipt.late);
    assert_eq!((receipt.entry, desk.state(held).await), (EntryId::new(4), HoldState::Settled));
    desk.denied(settle(held, usd!(3)), ended(held)).await;
    desk.shows("a", "3 + 0 of 5 USD").await;
}

/// An expired hold cannot be released or extended: `hold_ended`.
pub async fn an_expired_hold_cannot_be_released_or_extended(desk: &Desk) {
    desk.with([open("a")]).await;
    let held = desk.hold("a", usd!(4), 10).await;
    desk.wait(10);
    desk.denied(extend(held, 60), ended(held)).await;
    desk.denied(release(held), ended(held)).await;
}

/// A late settlement can leave an account over its limit: somebody else used the room.
pub async fn a_late_settlement_may_leave_an_account_over_its_limit(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let held = desk.hold("a", usd!(4), 10).await;
    desk.wait(10);
    desk.done(charge("a", usd!(5))).await;
    let receipt = desk.receipt(settle(held, usd!(4))).await;
    assert!(receipt.late);
    assert_eq!(overrun(&receipt), ["a: 9 + 0 of 5 USD, 4 over"]);
    let denial = exceeded("a", usd!(5)).spent(usd!(9)).asked(usd!(1)).never();
    desk.denied(charge("a", usd!(1)), denial).await;
}

/// Extend sets `expires_at` to now + ttl if that is later, else leaves it.
pub async fn an_extension_never_shortens(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let held = desk.hold("a", usd!(2), 100).await;
    desk.wait(40);
    let receipt = desk.receipt(extend(held, 50)).await;
    assert_eq!(receipt.available, usd!(3).into());
    assert_eq!(desk.view(held).await.expires_at, at("2026-01-05T09:01:40Z"));
    desk.done(extend(held, 61)).await;
    assert_eq!(desk.view(held).await.expires_at, at("2026-01-05T09:01:41Z"));
    desk.wait(60);
    assert_eq!(desk.state(held).await, HoldState::Open);
    desk.wait(1);
    assert_eq!(desk.state(held).await, HoldState::Expired);
}

/// `tick` ends due holds by the ledger's own clock, and gives the next deadline.
pub async fn a_tick_ends_what_is_due_and_tells_the_next_deadline(desk: &Desk) {
    desk.with([open("a"), open("b")]).await;
    assert_eq!(desk.tick().await, None);
    let soon = desk.hold("a", usd!(1), 10).await;
    let later = desk.hold("b", usd!(1), 30).await;
    assert_eq!(desk.tick().await, Some(at("2026-01-05T09:00:10Z")));
    desk.wait(20);
    assert_eq!(desk.tick().await, Some(at("2026-01-05T09:00:30Z")));
    let entry = desk.last_entry().await;
    assert_eq!((entry.name(), entry.at), ("expire", at("2026-01-05T09:00:10Z")));
    desk.done(release(later)).await;
    assert_eq!(desk.tick().await, None);
    assert_eq!(desk.state(soon).await, HoldState::Expired);
}
