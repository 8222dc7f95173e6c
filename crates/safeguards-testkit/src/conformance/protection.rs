//! Priority and scarcity: the last part of a limit is kept for spenders that matter more.

use super::prelude::*;

/// For a spender of priority p the protected part is the largest step whose priority is above p.
pub async fn the_largest_step_above_the_spender_is_kept(desk: &Desk) {
    let pool = open("pool").limit(lifetime(usd!(100)));
    desk.with([pool.protect(last("10", 8)).protect(last("25", 5))]).await;
    for (name, level) in [("low", 4), ("middle", 5), ("upper", 7), ("high", 8)] {
        desk.done(open(name).under("pool").priority(priority(level))).await;
    }
    let kept =
        |part: Amount, asked| exceeded("pool", usd!(100)).protected(part).asked(asked).never();
    desk.denied(charge("low", usd!(75.1)), kept(usd!(25), usd!(75.1))).await;
    desk.denied(charge("middle", usd!(90.1)), kept(usd!(10), usd!(90.1))).await;
    desk.denied(charge("upper", usd!(90.1)), kept(usd!(10), usd!(90.1))).await;
    desk.done(charge("low", usd!(75))).await;
    desk.done(charge("middle", usd!(15))).await;
    desk.denied(
        charge("upper", usd!(1)),
        exceeded("pool", usd!(100)).protected(usd!(10)).spent(usd!(90)).asked(usd!(1)).never(),
    )
    .await;
    desk.done(charge("high", usd!(10))).await;
}

/// A larger step for a lower priority and a larger one for a higher: the largest counts, not the first.
pub async fn the_largest_counts_whatever_the_order(desk: &Desk) {
    let pool = open("pool").limit(lifetime(usd!(100)));
    desk.with([pool.protect(last("10", 6)).protect(last("40", 9)).protect(last("20", 7))]).await;
    desk.done(open("a").under("pool")).await;
    let denial = exceeded("pool", usd!(100)).protected(usd!(40)).asked(usd!(61)).never();
    desk.denied(charge("a", usd!(61)), denial).await;
    desk.done(charge("a", usd!(60))).await;
}

/// Of the limit's amount, rounded up to 10⁻¹².
pub async fn the_protected_part_is_rounded_up(desk: &Desk) {
    let pool = open("pool").limit(lifetime(usd!(0.000000000010))).protect(last("15", 8));
    desk.with([pool, open("a").under("pool")]).await;
    let denial = exceeded("pool", usd!(0.00000000001)).protected(usd!(0.000000000002));
    let asked = usd!(0.000000000009);
    desk.denied(charge("a", asked.clone()), denial.asked(asked).never()).await;
    desk.done(charge("a", usd!(0.000000000008))).await;
}

/// At each hard limit of the account that carries the steps, and at no other account.
pub async fn each_limit_of_the_account_is_protected_and_no_other(desk: &Desk) {
    let window = seconds(1_000_000_000);
    let pool = open("pool").limit(lifetime(tokens!(10))).limit(over(usd!(10), window.clone()));
    desk.with([
        open("org").limit(lifetime(usd!(9))),
        pool.under("org").protect(last("50", 9)),
        open("a").under("pool").limit(lifetime(usd!(8))),
    ])
    .await;
    let denial = exceeded("pool", usd!(10)).over(window).protected(usd!(5)).asked(usd!(6)).never();
    desk.denied(charge("a", usd!(6)), denial).await;
    let denial = exceeded("pool", tokens!(10)).protected(tokens!(5)).asked(tokens!(6)).never();
    desk.denied(charge("a", tokens!(6)), denial).await;
    desk.done(charge("a", usd!(5))).await;
    // The organisation has no steps: what it has left is for everybody.
    desk.done(charge("org", usd!(4))).await;
}

/// It is the spender's priority that counts, at every account of the set, its scopes as well.
pub async fn the_spenders_priority_counts_at_every_account(desk: &Desk) {
    let tag = open("tag").limit(lifetime(usd!(10))).protect(last("50", 8)).priority(priority(10));
    desk.with([tag, open("a"), open("high").priority(priority(8))]).await;
    let denial = exceeded("tag", usd!(10)).protected(usd!(5)).asked(usd!(6)).never();
    desk.denied(charge("a", usd!(6)).scope("tag"), denial.clone()).await;
    desk.denied(hold("a", usd!(6), 60).scope("tag"), denial).await;
    desk.done(charge("high", usd!(6)).scope("tag")).await;
}

/// An account's own steps hold for itself as the spender, too.
pub async fn an_account_is_held_to_its_own_steps(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(10))).protect(last("30", 6))]).await;
    let denial = exceeded("a", usd!(10)).protected(usd!(3)).asked(usd!(8)).never();
    desk.denied(charge("a", usd!(8)), denial).await;
    desk.done(set_priority("a", 6)).await;
    desk.done(charge("a", usd!(8))).await;
}

/// Above the limit: `limit_exceeded`; else above limit − protected: `protected`.
pub async fn above_the_limit_itself_it_is_limit_exceeded(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(10))).protect(last("30", 6))]).await;
    desk.done(charge("a", usd!(6))).await;
    let numbers = || exceeded("a", usd!(10)).spent(usd!(6));
    desk.denied(charge("a", usd!(2)), numbers().protected(usd!(3)).asked(usd!(2)).never()).await;
    let over = numbers().beside_protected(usd!(3)).asked(usd!(5)).never();
    desk.denied(charge("a", usd!(5)), over).await;
}

/// Soft and shadow limits are not protected: they never deny.
pub async fn soft_and_shadow_limits_are_not_protected(desk: &Desk) {
    let a =
        open("a").limit(lifetime(usd!(10)).soft()).limit(every(1_000_000_000, usd!(10)).shadow());
    desk.with([a.protect(last("100", 10))]).await;
    let receipt = desk.receipt(charge("a", usd!(10))).await;
    assert_eq!(shadow(&receipt), [""; 0]);
}

/// The steps are set in place of those there were; none protects nothing.
pub async fn steps_are_replaced_as_a_whole(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(10))).protect(last("50", 8))]).await;
    desk.done(set_protection("a", [last("20", 7), last("10", 9)])).await;
    assert_eq!(desk.account("a").await.protection, [last("20", 7), last("10", 9)]);
    desk.denied(charge("a", usd!(9)), "protected").await;
    desk.done(charge("a", usd!(8))).await;
    desk.done(set_protection("a", [])).await;
    desk.done(charge("a", usd!(2))).await;
}

/// "The last 0 %" protects nothing, "the last 100 %" all.
pub async fn nothing_and_all_may_be_protected(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(10))).protect(last("0", 10))]).await;
    desk.done(charge("a", usd!(9))).await;
    desk.done(set_protection("a", [last("100", 10)])).await;
    let denial = exceeded("a", usd!(10)).protected(usd!(10)).spent(usd!(9)).asked(usd!(1)).never();
    desk.denied(charge("a", usd!(1)), denial).await;
}
