//! Law 3: what was really spent is written down, whatever limits and states say.

use super::prelude::*;

/// Settle writes down what was really spent, even beyond hold and limit. The excess is marked as overrun.
pub async fn a_settlement_beyond_hold_and_limit_is_recorded(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let held = desk.hold("a", usd!(4), 60).await;
    let receipt = desk.receipt(settle(held, usd!(7))).await;
    assert_eq!(overrun(&receipt), ["a: 7 + 0 of 5 USD, 2 over"]);
    assert!(!receipt.late);
    desk.shows("a", "7 + 0 of 5 USD").await;
}

/// Record posts spending that has already happened; it is marked as overrun where it does not fit.
pub async fn a_record_beyond_the_limit_is_recorded(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let receipt = desk.receipt(record("a", usd!(5))).await;
    assert_eq!(overrun(&receipt), [""; 0]);
    let receipt = desk.receipt(record("a", usd!(1))).await;
    assert_eq!(overrun(&receipt), ["a: 6 + 0 of 5 USD, 1 over"]);
    assert_eq!(receipt.available, usd!(0).into());
    desk.counts("a", "6 + 0 USD").await;
}

/// Record is never denied for limits, suspension or closure.
pub async fn a_record_is_never_denied_for_limits_suspension_or_closure(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(0))), open("a").under("pool"), open("tag")]).await;
    desk.done(suspend("pool")).await;
    desk.done(close("a")).await;
    desk.done(close("tag")).await;
    desk.done(Action::Record(charge("a", usd!(3)).scope("tag"))).await;
    desk.counts("a", "3 + 0 USD").await;
    desk.counts("tag", "3 + 0 USD").await;
    desk.shows("pool", "3 + 0 of 0 USD").await;
}

/// Protection is for new spending: settling and recording are exempt.
pub async fn protection_does_not_hold_a_settlement_or_record_back(desk: &Desk) {
    let pool = open("pool").limit(lifetime(usd!(10))).protect(last("50", 8));
    desk.with([pool, open("a").under("pool")]).await;
    let held = desk.hold("a", usd!(5), 60).await;
    let receipt = desk.receipt(settle(held, usd!(6))).await;
    assert_eq!(overrun(&receipt), [""; 0]);
    let receipt = desk.receipt(record("a", usd!(4))).await;
    assert_eq!(overrun(&receipt), [""; 0]);
    desk.shows("pool", "10 + 0 of 10 USD").await;
}

/// Overrun: hard limits where this settle or record raised `spent` and spent + held is above the limit
/// afterwards.
pub async fn an_overrun_counts_what_is_held_besides(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.hold("a", usd!(4), 60).await;
    let receipt = desk.receipt(record("a", usd!(2))).await;
    assert_eq!(overrun(&receipt), ["a: 2 + 4 of 5 USD, 1 over"]);
}

/// A settlement within its hold is an overrun where the limit was lowered in between: it raised `spent`.
pub async fn a_settlement_under_a_lowered_limit_is_an_overrun(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let (first, second) = (desk.hold("a", usd!(3), 60).await, desk.hold("a", usd!(2), 60).await);
    desk.done(set_limit("a", lifetime(usd!(1)))).await;
    let receipt = desk.receipt(settle(first, usd!(1))).await;
    assert_eq!(overrun(&receipt), ["a: 1 + 2 of 1 USD, 2 over"]);
    // Nothing was spent: nothing was raised.
    let receipt = desk.receipt(settle(second, Amounts::none())).await;
    assert_eq!(overrun(&receipt), [""; 0]);
}

/// Soft and shadow limits are thresholds: what passes them is no overrun.
pub async fn what_passes_soft_and_shadow_limits_is_no_overrun(desk: &Desk) {
    let a = open("a").limit(lifetime(usd!(1)).soft());
    desk.with([a.limit(every(1_000_000_000, usd!(1)).shadow())]).await;
    let receipt = desk.receipt(record("a", usd!(3))).await;
    assert_eq!(overrun(&receipt), [""; 0]);
}

/// Settle, release, record and refund work on suspended accounts.
pub async fn what_was_begun_ends_on_a_suspended_account(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool")]).await;
    let [first, second] = [desk.hold("a", usd!(1), 60).await, desk.hold("a", usd!(1), 60).await];
    desk.done(suspend("a")).await;
    desk.done(suspend("pool")).await;
    let settled = desk.done(settle(first, usd!(1))).await;
    desk.done(release(second)).await;
    desk.done(refund(settled, usd!(0.5))).await;
    desk.done(record("a", usd!(2))).await;
    desk.counts("pool", "2.5 + 0 USD").await;
}

/// Settle, record and refund work on closed accounts.
pub async fn what_was_begun_ends_on_a_closed_account(desk: &Desk) {
    desk.with([open("a")]).await;
    let held = desk.hold("a", usd!(1), 60).await;
    desk.done(release(held)).await;
    let paid = desk.done(charge("a", usd!(5))).await;
    desk.done(close("a")).await;
    let receipt = desk.receipt(settle(held, usd!(1))).await;
    assert!(receipt.late);
    desk.done(refund(paid, usd!(2))).await;
    desk.done(record("a", usd!(4))).await;
    desk.counts("a", "8 + 0 USD").await;
}
