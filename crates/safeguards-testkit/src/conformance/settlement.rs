//! What a settlement counts, in which windows, and what it leaves held.

use super::prelude::*;

/// What an entry says of a settlement: its held part and its excess.
async fn parts(desk: &Desk) -> (Amounts, Amounts) {
    let Fact::Settled(settled) = desk.last_entry().await.fact else {
        panic!("nothing was settled")
    };
    (settled.held_part, settled.excess)
}

/// A settlement up to what is left of the hold is the held part; what is beyond is excess.
pub async fn held_part_and_excess_are_told_apart(desk: &Desk) {
    desk.with([open("a")]).await;
    let held = desk.hold("a", usd!(2), 60).await;
    desk.done(settle(held, usd!(5))).await;
    assert_eq!(parts(desk).await, (usd!(2).into(), usd!(3).into()));
    desk.counts("a", "5 + 0 USD").await;
}

/// A unit that was not held is excess.
pub async fn a_unit_that_was_not_held_is_excess(desk: &Desk) {
    desk.with([open("a").limit(lifetime(tokens!(10)))]).await;
    let held = desk.hold("a", usd!(2), 60).await;
    let receipt = desk.receipt(settle(held, [usd!(1), tokens!(3)])).await;
    assert_eq!(receipt.available, tokens!(7).into());
    assert_eq!(parts(desk).await, (usd!(1).into(), tokens!(3).into()));
    desk.counts("a", "1 + 0 USD, 3 + 0 tokens").await;
}

/// `{}` settles with nothing spent, and so does 0.
pub async fn a_hold_may_be_settled_with_nothing(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    for nothing in [Amounts::none(), usd!(0).into()] {
        let held = desk.hold("a", usd!(2), 60).await;
        let receipt = desk.receipt(settle(held, nothing)).await;
        assert_eq!(receipt.available, usd!(5).into());
        assert_eq!(desk.state(held).await, HoldState::Settled);
    }
    desk.shows("a", "0 + 0 of 5 USD").await;
}

/// `keep_open` leaves the rest held: a hold is drawn step by step.
pub async fn a_hold_that_is_kept_open_is_drawn_step_by_step(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(10)))]).await;
    let held = desk.hold("a", usd!(5), 60).await;
    desk.done(settle(held, usd!(1)).keep_open()).await;
    assert_eq!(desk.view(held).await.left, usd!(4).into());
    desk.shows("a", "1 + 4 of 10 USD").await;
    desk.done(settle(held, usd!(6)).keep_open()).await;
    assert_eq!(parts(desk).await, (usd!(4).into(), usd!(2).into()));
    desk.shows("a", "7 + 0 of 10 USD").await;
    desk.done(settle(held, usd!(1))).await;
    assert_eq!(desk.state(held).await, HoldState::Settled);
    desk.shows("a", "8 + 0 of 10 USD").await;
}

/// If nothing is left it still stays open until settled, released or expired.
pub async fn a_hold_of_which_nothing_is_left_stays_open(desk: &Desk) {
    desk.with([open("a")]).await;
    let held = desk.hold("a", usd!(5), 60).await;
    desk.done(settle(held, usd!(5)).keep_open()).await;
    let view = desk.view(held).await;
    assert_eq!((view.state, view.left), (HoldState::Open, usd!(0).into()));
    desk.denied(close("a"), Denial::NotEmpty { account: "a".into() }).await;
    desk.done(extend(held, 120)).await;
    desk.done(release(held)).await;
    assert_eq!(desk.state(held).await, HoldState::Released);
    desk.counts("a", "5 + 0 USD").await;
}

/// A hold that is drawn and then released gives back the rest alone.
pub async fn a_release_after_a_draw_gives_back_the_rest(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let held = desk.hold("a", usd!(5), 60).await;
    desk.done(settle(held, usd!(2)).keep_open()).await;
    desk.done(release(held)).await;
    let Fact::Freed { posting, .. } = desk.last_entry().await.fact else { panic!("not freed") };
    assert_eq!(posting.amounts, usd!(3).into());
    desk.shows("a", "2 + 0 of 5 USD").await;
}

/// Late: accepted once, whatever `keep_open` says, and the hold is `settled` then. All of it is excess.
pub async fn a_late_settlement_ends_the_hold_whatever_keep_open_says(desk: &Desk) {
    desk.with([open("a")]).await;
    let held = desk.hold("a", usd!(5), 60).await;
    desk.done(release(held)).await;
    let receipt = desk.receipt(settle(held, usd!(2)).keep_open()).await;
    assert!(receipt.late);
    assert_eq!(parts(desk).await, (Amounts::none(), usd!(2).into()));
    assert_eq!(desk.state(held).await, HoldState::Settled);
    desk.denied(settle(held, usd!(2)).keep_open(), Denial::HoldEnded { hold: held }).await;
}

/// A settlement up to what is left of the hold is counted in the windows of the placement.
pub async fn the_held_part_belongs_to_the_window_of_the_placement(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(10)))]).await;
    let held = desk.hold("a", usd!(5), 3_600).await;
    desk.wait(60);
    desk.done(settle(held, usd!(4))).await;
    desk.shows("a", "0 + 0 of 10 USD per 60s").await;
    desk.counts("a", "4 + 0 USD").await;
}

/// What is beyond is counted in the windows of now.
pub async fn the_excess_belongs_to_the_window_of_now(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(10)))]).await;
    let held = desk.hold("a", usd!(5), 3_600).await;
    desk.wait(60);
    desk.done(settle(held, usd!(7))).await;
    desk.shows("a", "2 + 0 of 10 USD per 60s").await;
    desk.counts("a", "7 + 0 USD").await;
}

/// All of a late one is counted in the windows of now.
pub async fn what_is_late_belongs_to_the_window_of_now(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(10)))]).await;
    let held = desk.hold("a", usd!(5), 30).await;
    desk.wait(60);
    desk.done(settle(held, usd!(4))).await;
    desk.shows("a", "4 + 0 of 10 USD per 60s").await;
}

/// The held part is counted at the limits that existed at the placement; the excess at those of now.
pub async fn the_held_part_counts_at_no_window_that_was_made_since(desk: &Desk) {
    desk.with([open("a")]).await;
    let held = desk.hold("a", usd!(5), 60).await;
    desk.done(set_limit("a", every(1_000_000_000, usd!(10)))).await;
    desk.shows("a", "0 + 0 of 10 USD per 1000000000s").await;
    desk.done(settle(held, usd!(7))).await;
    desk.shows("a", "2 + 0 of 10 USD per 1000000000s").await;
}

/// A windowed limit that was removed and set anew is another one: what was held at the first is not there.
pub async fn a_window_that_was_set_anew_holds_nothing(desk: &Desk) {
    let limit = every(1_000_000_000, usd!(10));
    desk.with([open("a").limit(limit.clone())]).await;
    let held = desk.hold("a", usd!(5), 60).await;
    desk.shows("a", "0 + 5 of 10 USD per 1000000000s").await;
    desk.done(remove_limit("a", seconds(1_000_000_000))).await;
    desk.done(set_limit("a", limit)).await;
    desk.shows("a", "0 + 0 of 10 USD per 1000000000s").await;
    desk.done(settle(held, usd!(6))).await;
    desk.shows("a", "1 + 0 of 10 USD per 1000000000s").await;
}

/// Held counts at a windowed limit only while the window is the one that the hold was placed in.
pub async fn a_hold_does_not_count_in_the_next_window(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(10))).limit(lifetime(usd!(10)))]).await;
    let held = desk.hold("a", usd!(8), 3_600).await;
    desk.shows("a", "0 + 8 of 10 USD per 60s, 0 + 8 of 10 USD").await;
    desk.wait(60);
    desk.shows("a", "0 + 0 of 10 USD per 60s, 0 + 8 of 10 USD").await;
    desk.done(release(held)).await;
    desk.shows("a", "0 + 0 of 10 USD per 60s, 0 + 0 of 10 USD").await;
}

/// Held counts at lifetime limits while the hold is open, also at one that was set afterwards.
pub async fn a_lifetime_limit_set_afterwards_counts_what_is_held(desk: &Desk) {
    desk.with([open("a")]).await;
    let held = desk.hold("a", usd!(4), 60).await;
    desk.done(set_limit("a", lifetime(usd!(5)))).await;
    desk.shows("a", "0 + 4 of 5 USD").await;
    let expires_at = desk.view(held).await.expires_at;
    let denial = exceeded("a", usd!(5)).held(usd!(4)).asked(usd!(2)).until(expires_at);
    desk.denied(charge("a", usd!(2)), denial).await;
}

/// What was really held in an earlier window frees that window alone: an overrun is looked for where `spent`
/// rose.
pub async fn an_overrun_is_said_of_the_window_that_counts_it(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(5)))]).await;
    let held = desk.hold("a", usd!(5), 3_600).await;
    desk.wait(60);
    desk.done(charge("a", usd!(5))).await;
    // The held part belongs to the window before, so nothing rises in this one.
    let receipt = desk.receipt(settle(held, usd!(5)).keep_open()).await;
    assert_eq!(overrun(&receipt), [""; 0]);
    let receipt = desk.receipt(settle(held, usd!(1))).await;
    assert_eq!(overrun(&receipt), ["a: 6 + 0 of 5 USD per 60s, 1 over"]);
}
