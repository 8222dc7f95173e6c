//! Refunds: what was spent comes back, a part or all, and never more.

use super::prelude::*;

fn unknown_entry(of: OperationId) -> Denial {
    Denial::UnknownEntry { of }
}

fn exceeds(of: OperationId, asked: &str, available: &str) -> Denial {
    let (asked, available) = (quantity(asked), quantity(available));
    Denial::RefundExceedsCharge { of, unit: Unit::USD, asked, available }
}

/// A new entry that takes back part or all of an earlier charge.
pub async fn a_refund_takes_back_a_part_or_all(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(5))), open("a").under("pool"), open("tag")]).await;
    let paid = desk.done(charge("a", [usd!(4), tokens!(9)]).scope("tag")).await;
    let receipt = desk.receipt(refund(paid, usd!(1))).await;
    assert_eq!(receipt.available, usd!(2).into());
    desk.counts("tag", "3 + 0 USD, 9 + 0 tokens").await;
    desk.done(refund(paid, [usd!(3), tokens!(9)])).await;
    desk.counts("tag", "0 + 0 USD, 0 + 0 tokens").await;
    let a = desk.account("a").await;
    assert!(a.spent.is_zero() && a.spent_directly.is_zero());
    desk.shows("pool", "0 + 0 of 5 USD").await;
    desk.done(charge("a", usd!(5))).await;
}

/// Charges, records and settlements can be refunded.
pub async fn all_that_spends_can_be_refunded(desk: &Desk) {
    desk.with([open("a")]).await;
    let charged = desk.done(charge("a", usd!(1))).await;
    let recorded = desk.done(record("a", usd!(1))).await;
    let held = desk.hold("a", usd!(1), 60).await;
    let settled = desk.done(settle(held, usd!(1))).await;
    for paid in [charged, recorded, settled] {
        desk.done(refund(paid, usd!(0.75))).await;
    }
    desk.counts("a", "0.75 + 0 USD").await;
}

/// More than is left of what was spent is `refund_exceeds_charge`, with what is left.
pub async fn more_than_is_left_cannot_be_refunded(desk: &Desk) {
    desk.with([open("a")]).await;
    let paid = desk.done(charge("a", usd!(3))).await;
    desk.denied(refund(paid, usd!(3.000000000001)), exceeds(paid, "3.000000000001", "3")).await;
    desk.done(refund(paid, usd!(2))).await;
    desk.denied(refund(paid, usd!(1.5)), exceeds(paid, "1.5", "1")).await;
    desk.done(refund(paid, usd!(1))).await;
    desk.denied(refund(paid, usd!(0.5)), exceeds(paid, "0.5", "0")).await;
}

/// A unit that was not spent has nothing to refund.
pub async fn a_unit_that_was_not_spent_cannot_be_refunded(desk: &Desk) {
    desk.with([open("a")]).await;
    let paid = desk.done(charge("a", usd!(3))).await;
    let (asked, available) = (quantity("1"), Quantity::ZERO);
    let denial = Denial::RefundExceedsCharge { of: paid, unit: Unit::TOKENS, asked, available };
    desk.denied(refund(paid, [usd!(1), tokens!(1)]), denial).await;
    desk.counts("a", "3 + 0 USD").await;
}

/// Of an id that is no accepted charge, record or settle: `unknown_entry`.
pub async fn only_what_spent_can_be_refunded(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(10)))]).await;
    let never = desk.op();
    let held = desk.done(hold("a", usd!(1), 60)).await;
    let registered = desk.done(register("gpu")).await;
    let paid = desk.done(charge("a", usd!(1))).await;
    let refunded = desk.done(refund(paid, usd!(0.5))).await;
    let denied = desk.command(charge("a", usd!(100)));
    desk.refused(&denied, "limit_exceeded").await;
    for of in [never, held, registered, refunded, denied.op] {
        desk.denied(refund(of, usd!(0.1)), unknown_entry(of)).await;
    }
}

/// Of a settle of 0: `refund_exceeds_charge`.
pub async fn a_settlement_of_nothing_has_nothing_to_refund(desk: &Desk) {
    desk.with([open("a")]).await;
    for nothing in [Amounts::none(), usd!(0).into()] {
        let held = desk.hold("a", usd!(1), 60).await;
        let settled = desk.done(settle(held, nothing)).await;
        desk.denied(refund(settled, usd!(1)), exceeds(settled, "1", "0")).await;
    }
}

/// A refund lowers lifetime spending always, and a window's only while that window is current.
pub async fn a_refund_lowers_only_the_window_that_is_current(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(10))).limit(lifetime(usd!(10)))]).await;
    let paid = desk.done(charge("a", usd!(4))).await;
    desk.done(refund(paid, usd!(1))).await;
    desk.shows("a", "3 + 0 of 10 USD per 60s, 3 + 0 of 10 USD").await;
    desk.wait(60);
    desk.done(charge("a", usd!(2))).await;
    desk.done(refund(paid, usd!(1))).await;
    desk.shows("a", "2 + 0 of 10 USD per 60s, 4 + 0 of 10 USD").await;
    let Fact::Refunded(refunded) = desk.last_entry().await.fact else { panic!("no refund") };
    assert!(refunded.posting.windows.is_empty(), "{:?}", refunded.posting.windows);
}

/// A refund takes from the excess first, and lowers each window by the part that was counted in it.
pub async fn a_refund_takes_from_the_excess_first(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(10)))]).await;
    let held = desk.hold("a", usd!(2), 3_600).await;
    desk.wait(60);
    let settled = desk.done(settle(held, usd!(5))).await;
    desk.shows("a", "3 + 0 of 10 USD per 60s").await;
    desk.done(refund(settled, usd!(1))).await;
    desk.shows("a", "2 + 0 of 10 USD per 60s").await;
    desk.done(refund(settled, usd!(3))).await;
    desk.shows("a", "0 + 0 of 10 USD per 60s").await;
    let Fact::Refunded(refunded) = desk.last_entry().await.fact else { panic!("no refund") };
    assert_eq!((refunded.excess, refunded.held_part), (usd!(2).into(), usd!(1).into()));
    desk.done(refund(settled, usd!(1))).await;
    desk.counts("a", "0 + 0 USD").await;
}

/// A refund of the held part lowers the window of the placement, while that is current.
pub async fn a_refund_of_the_held_part_lowers_its_window(desk: &Desk) {
    desk.with([open("a").limit(every(1_000_000_000, usd!(10)))]).await;
    let held = desk.hold("a", usd!(2), 3_600).await;
    let settled = desk.done(settle(held, usd!(2))).await;
    desk.shows("a", "2 + 0 of 10 USD per 1000000000s").await;
    desk.done(refund(settled, usd!(2))).await;
    desk.shows("a", "0 + 0 of 10 USD per 1000000000s").await;
}

/// A limit that was made after the spending never counted it, so a refund does not lower it.
pub async fn a_refund_lowers_no_window_that_did_not_count_the_spending(desk: &Desk) {
    desk.with([open("a")]).await;
    let paid = desk.done(charge("a", usd!(4))).await;
    desk.done(set_limit("a", every(1_000_000_000, usd!(10)))).await;
    desk.done(charge("a", usd!(3))).await;
    desk.done(refund(paid, usd!(4))).await;
    desk.shows("a", "3 + 0 of 10 USD per 1000000000s").await;
}

/// Settle, release and refund use the frozen set, whatever moved since.
pub async fn a_refund_goes_where_the_charge_was_counted(desk: &Desk) {
    desk.with([open("old"), open("new"), open("a").under("old")]).await;
    let paid = desk.done(charge("a", usd!(4))).await;
    desk.done(set_parent("a", "new")).await;
    desk.done(refund(paid, usd!(1))).await;
    desk.counts("old", "3 + 0 USD").await;
    desk.counts("new", "").await;
    desk.counts("a", "3 + 0 USD").await;
}
