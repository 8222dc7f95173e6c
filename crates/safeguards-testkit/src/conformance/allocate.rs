//! Allocate: the limits of several children in one step, never more than the parent has unallocated.

use super::prelude::*;

fn not_child(account: &str) -> Denial {
    Denial::NotChild { account: account.into() }
}

/// Sets the lifetime hard limit of each named child, as given.
pub async fn each_named_child_gets_its_share(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(10)))]).await;
    desk.with(["a", "b", "c"].map(|name| open(name).under("pool"))).await;
    desk.done(allocate("pool", [("a", usd!(3)), ("b", usd!(7))])).await;
    desk.shows("a", "0 + 0 of 3 USD").await;
    desk.shows("b", "0 + 0 of 7 USD").await;
    desk.shows("c", "").await;
    desk.done(allocate("pool", [("a", usd!(0)), ("c", usd!(1))])).await;
    desk.shows("a", "0 + 0 of 0 USD").await;
    desk.shows("c", "0 + 0 of 1 USD").await;
}

/// One of another mode becomes hard; what else it has stays: its counters and other limits.
pub async fn a_limit_of_another_mode_becomes_hard(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(10)))]).await;
    let a = open("a")
        .under("pool")
        .limit(lifetime(usd!(50)).soft())
        .limit(every(1_000_000_000, usd!(2)));
    desk.with([a, open("b").under("pool").limit(lifetime(usd!(50)).shadow())]).await;
    desk.done(charge("a", usd!(1))).await;
    desk.done(allocate("pool", [("a", usd!(3)), ("b", usd!(4))])).await;
    desk.shows("a", "1 + 0 of 2 USD per 1000000000s, 1 + 0 of 3 USD").await;
    for account in ["a", "b"] {
        assert!(desk.account(account).await.limits.iter().all(|usage| usage.limit.is_hard()));
    }
}

/// Not a child: `not_child`.
pub async fn only_children_get_a_share(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool"), open("sub").under("a"), open("z")]).await;
    for other in ["sub", "z", "pool"] {
        desk.denied(allocate("pool", [("a", usd!(1)), (other, usd!(1))]), not_child(other)).await;
    }
    desk.shows("a", "").await;
}

/// Refused with `limit_exceeded` at the parent if the sum is more than what is unallocated: limit − the
/// parent's own direct spent and held − the sum of the limits of its other open children.
pub async fn no_more_is_allocated_than_is_unallocated(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(20)))]).await;
    desk.with(["a", "b"].map(|name| open(name).under("pool").limit(lifetime(usd!(1))))).await;
    desk.done(open("c").under("pool").limit(lifetime(usd!(4)))).await;
    desk.done(charge("pool", usd!(2))).await;
    desk.hold("pool", usd!(3), 3_600).await;
    // What a child has spent is its own matter: its limit counts.
    desk.done(charge("c", usd!(1))).await;
    let numbers = exceeded("pool", usd!(20)).spent(usd!(3)).held(usd!(3)).available(usd!(11));
    let shares = [("a", usd!(5)), ("b", usd!(6.5))];
    desk.denied(allocate("pool", shares), numbers.asked(usd!(11.5)).never()).await;
    desk.done(allocate("pool", [("a", usd!(5)), ("b", usd!(6))])).await;
    desk.shows("c", "1 + 0 of 4 USD").await;
}

/// Unless it does not raise the sum of the lifetime hard limits that these children had.
pub async fn what_raises_nothing_is_allocated_all_the_same(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(10)))]).await;
    desk.with(["a", "b", "c"].map(|name| open(name).under("pool").limit(lifetime(usd!(8))))).await;
    desk.done(allocate("pool", [("a", usd!(9)), ("b", usd!(7))])).await;
    desk.done(allocate("pool", [("a", usd!(7.5))])).await;
    let numbers = exceeded("pool", usd!(10)).available(usd!(0)).asked(usd!(7.6));
    desk.denied(allocate("pool", [("a", usd!(7.6))]), numbers.never()).await;
}

/// None, soft, shadow count as 0 of what these children had.
pub async fn limits_that_do_not_deny_count_for_nothing(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(10)))]).await;
    desk.with([
        open("a").under("pool").limit(lifetime(usd!(50)).soft()),
        open("b").under("pool").limit(lifetime(usd!(50)).shadow()),
        open("c").under("pool").limit(every(1_000_000_000, usd!(50))),
    ])
    .await;
    let numbers = exceeded("pool", usd!(10)).asked(usd!(10.5));
    desk.denied(allocate("pool", [("a", usd!(10.5))]), numbers.never()).await;
    desk.done(allocate("pool", [("a", usd!(10))])).await;
}

/// A parent without a lifetime hard limit may allocate anything.
pub async fn a_parent_without_a_limit_may_allocate_anything(desk: &Desk) {
    let pool = open("pool").limit(lifetime(usd!(1)).soft()).limit(every(1_000_000_000, usd!(1)));
    desk.with([pool, open("a").under("pool")]).await;
    desk.done(allocate("pool", [("a", usd!(1_000_000))])).await;
    desk.shows("a", "0 + 0 of 1000000 USD").await;
}

/// The limit and the numbers of a denial are those of the parent's lifetime hard limit, protected is 0.
pub async fn a_share_below_what_is_used_is_granted(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(10))), open("a").under("pool")]).await;
    desk.done(charge("a", usd!(6))).await;
    desk.done(allocate("pool", [("a", usd!(2))])).await;
    desk.shows("a", "6 + 0 of 2 USD").await;
}
