//! Reclaim: in an emergency, what the parent has unallocated and siblings of lower priority have left.

use super::prelude::*;

/// A pool of 20 dollars, an important child, two of lower priority, and one that is no less important.
async fn emergency(desk: &Desk) {
    let child = |name: &str, level, limit| {
        open(name).under("pool").priority(priority(level)).limit(lifetime(limit))
    };
    desk.with([
        open("pool").limit(lifetime(usd!(20))),
        child("vital", 9, usd!(4)),
        child("low", 2, usd!(3)),
        child("less", 4, usd!(5)),
        child("equal", 9, usd!(6)),
    ])
    .await;
}

/// What the last reclaim took from whom.
async fn taken(desk: &Desk) -> String {
    let Fact::LimitsSet(set) = desk.last_entry().await.fact else { panic!("no limits were set") };
    let taken = set.taken.iter().map(|(account, amount)| format!("{account} {amount}"));
    taken.collect::<Vec<_>>().join(", ")
}

/// First what the parent has unallocated. It adds, it never replaces.
pub async fn first_what_the_parent_has_unallocated(desk: &Desk) {
    emergency(desk).await;
    desk.done(charge("vital", usd!(1))).await;
    desk.done(reclaim("vital", usd!(2))).await;
    desk.shows("vital", "1 + 0 of 6 USD").await;
    for (account, untouched) in [("low", "0 + 0 of 3 USD"), ("less", "0 + 0 of 5 USD")] {
        desk.shows(account, untouched).await;
    }
    assert_eq!(taken(desk).await, "");
}

/// Then from open siblings of lower priority, lowest first, what each has left of its own limit; their limits
/// sink.
pub async fn then_from_siblings_of_lower_priority_lowest_first(desk: &Desk) {
    emergency(desk).await;
    desk.done(charge("low", usd!(1))).await;
    desk.hold("less", usd!(1), 60).await;
    // 2 are unallocated, `low` has 2 left and `less` 4.
    desk.done(reclaim("vital", usd!(5))).await;
    assert_eq!(taken(desk).await, "low 2, less 1");
    desk.shows("vital", "0 + 0 of 9 USD").await;
    desk.shows("low", "1 + 0 of 1 USD").await;
    desk.shows("less", "0 + 1 of 4 USD").await;
    desk.shows("equal", "0 + 0 of 6 USD").await;
}

/// Never what is held or spent. Not enough: `limit_exceeded` at the parent, available: all that could be had,
/// never; nothing changes.
pub async fn never_what_is_held_or_spent(desk: &Desk) {
    emergency(desk).await;
    desk.done(charge("low", usd!(1))).await;
    desk.hold("less", usd!(1), 60).await;
    let numbers = exceeded("pool", usd!(20)).spent(usd!(1)).held(usd!(1)).available(usd!(8));
    desk.denied(reclaim("vital", usd!(8.5)), numbers.asked(usd!(8.5)).never()).await;
    desk.shows("low", "1 + 0 of 3 USD").await;
    desk.done(reclaim("vital", usd!(8))).await;
    desk.shows("less", "0 + 1 of 1 USD").await;
}

/// Of equal priority by id.
pub async fn of_equal_priority_by_id(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(6)))]).await;
    desk.with(["c", "a", "b"].map(|name| open(name).under("pool").limit(lifetime(usd!(2))))).await;
    desk.done(set_priority("c", 8)).await;
    desk.done(reclaim("c", usd!(3))).await;
    assert_eq!(taken(desk).await, "a 2, b 1");
}

/// A sibling that is over its limit, or whose limit does not deny, or is of another unit, has nothing left.
pub async fn siblings_without_anything_left_give_nothing(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(5)))]).await;
    let low = |name: &str| open(name).under("pool").priority(priority(1));
    desk.with([
        open("vital").under("pool").limit(lifetime(usd!(2))),
        low("over").limit(lifetime(usd!(1))),
        low("soft").limit(lifetime(usd!(1)).soft()),
        low("none"),
        low("window").limit(every(1_000_000_000, usd!(1))),
    ])
    .await;
    desk.done(record("over", usd!(3))).await;
    // 5 − 2 − 1 = 2 are unallocated.
    let numbers = exceeded("pool", usd!(5)).spent(usd!(3)).available(usd!(2)).asked(usd!(2.5));
    desk.denied(reclaim("vital", usd!(2.5)), numbers.never()).await;
    desk.done(reclaim("vital", usd!(2))).await;
}

/// What the parent itself has spent and holds is not unallocated; nobody is excluded from its children.
pub async fn unallocated_is_what_no_child_and_not_the_parent_uses(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(20)))]).await;
    desk.with(["a", "b"].map(|name| open(name).under("pool").limit(lifetime(usd!(5))))).await;
    desk.done(charge("pool", usd!(3))).await;
    desk.hold("pool", usd!(4), 60).await;
    let numbers = exceeded("pool", usd!(20)).spent(usd!(3)).held(usd!(4)).available(usd!(3));
    desk.denied(reclaim("a", usd!(3.5)), numbers.asked(usd!(3.5)).never()).await;
    desk.done(reclaim("a", usd!(3))).await;
    desk.shows("a", "0 + 0 of 8 USD").await;
}

/// All of it if the parent has no such limit.
pub async fn a_parent_without_a_limit_gives_all(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool").limit(lifetime(usd!(5)))]).await;
    desk.done(reclaim("a", usd!(1_000))).await;
    desk.shows("a", "0 + 0 of 1005 USD").await;
}

/// The account must have a lifetime hard limit: `no_limit`.
pub async fn the_account_needs_a_lifetime_hard_limit(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(20))), open("a").under("pool")]).await;
    desk.denied(reclaim("a", usd!(1)), no_limit("a")).await;
    desk.done(set_limit("a", lifetime(usd!(5)).soft())).await;
    desk.denied(reclaim("a", usd!(1)), no_limit("a")).await;
}

/// A root has nobody to take from: `limit_exceeded` at the account itself.
pub async fn a_root_has_nobody_to_take_from(desk: &Desk) {
    desk.with([
        open("a").limit(lifetime(usd!(5))),
        open("b").limit(lifetime(usd!(5))).priority(priority(1)),
    ])
    .await;
    desk.done(charge("a", usd!(2))).await;
    let numbers = exceeded("a", usd!(5)).spent(usd!(2)).available(usd!(0)).asked(usd!(1));
    desk.denied(reclaim("a", usd!(1)), numbers.never()).await;
}
