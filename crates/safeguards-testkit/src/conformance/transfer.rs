//! Transfer: lifetime limit from an account to its sibling.

use super::prelude::*;

/// A pool with two children of 5 dollars each.
async fn siblings(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(10)))]).await;
    desk.with(["a", "b"].map(|name| open(name).under("pool").limit(lifetime(usd!(5))))).await;
}

fn not_siblings(account: &str, to: &str) -> Denial {
    Denial::NotSiblings { account: account.into(), to: to.into() }
}

/// Moves lifetime limit between two siblings; the sum does not change.
pub async fn limit_moves_and_the_sum_stays(desk: &Desk) {
    siblings(desk).await;
    desk.done(transfer("a", "b", usd!(2))).await;
    desk.shows("a", "0 + 0 of 3 USD").await;
    desk.shows("b", "0 + 0 of 7 USD").await;
    desk.denied(charge("a", usd!(4)), exceeded("a", usd!(3)).asked(usd!(4)).never()).await;
    desk.done(charge("b", usd!(7))).await;
}

/// At most what the source itself has left, else `limit_exceeded` there, with `retry_at` as for a charge.
pub async fn only_what_is_left_can_be_given(desk: &Desk) {
    siblings(desk).await;
    desk.done(charge("a", usd!(1))).await;
    let held = desk.hold("a", usd!(2), 60).await;
    let numbers = || exceeded("a", usd!(5)).spent(usd!(1)).held(usd!(2));
    let expires_at = desk.view(held).await.expires_at;
    desk.denied(transfer("a", "b", usd!(3)), numbers().asked(usd!(3)).until(expires_at)).await;
    desk.denied(transfer("a", "b", usd!(4.5)), numbers().asked(usd!(4.5)).never()).await;
    desk.denied(transfer("a", "b", usd!(6)), numbers().asked(usd!(6)).never()).await;
    desk.done(transfer("a", "b", usd!(2))).await;
    desk.shows("a", "1 + 2 of 3 USD").await;
}

/// Protection does not apply: neither that of the source, nor that of those above.
pub async fn protection_does_not_hold_a_transfer_back(desk: &Desk) {
    siblings(desk).await;
    desk.done(set_protection("a", [last("100", 10)])).await;
    desk.done(set_protection("pool", [last("100", 10)])).await;
    desk.done(transfer("a", "b", usd!(5))).await;
    let numbers = exceeded("b", usd!(10)).asked(usd!(11)).never();
    desk.denied(transfer("b", "a", usd!(11)), numbers).await;
}

/// Only the source itself is asked: what those above have left does not matter.
pub async fn those_above_are_not_asked(desk: &Desk) {
    siblings(desk).await;
    desk.done(record("pool", usd!(50))).await;
    desk.done(transfer("a", "b", usd!(5))).await;
}

/// Not the same parent: `not_siblings`; roots have none, and an account is not its own sibling.
pub async fn only_siblings_can_be_given_to(desk: &Desk) {
    siblings(desk).await;
    let five = lifetime(usd!(5));
    desk.with([
        open("sub").under("a").limit(five.clone()),
        open("x").limit(five.clone()),
        open("y").limit(five),
    ])
    .await;
    for (from, to) in [("a", "sub"), ("a", "pool"), ("a", "x"), ("x", "y"), ("a", "a"), ("x", "x")]
    {
        desk.denied(transfer(from, to, usd!(1)), not_siblings(from, to)).await;
    }
}

/// Both must have a lifetime hard limit of the unit: `no_limit`.
pub async fn both_need_a_lifetime_hard_limit(desk: &Desk) {
    siblings(desk).await;
    desk.with([
        open("none").under("pool"),
        open("soft").under("pool").limit(lifetime(usd!(5)).soft()),
        open("shadow").under("pool").limit(lifetime(usd!(5)).shadow()),
        open("window").under("pool").limit(every(1_000_000_000, usd!(5))),
        open("tokens").under("pool").limit(lifetime(tokens!(5))),
    ])
    .await;
    for other in ["none", "soft", "shadow", "window", "tokens"] {
        desk.denied(transfer("a", other, usd!(1)), no_limit(other)).await;
        desk.denied(transfer(other, "a", usd!(1)), no_limit(other)).await;
    }
}
