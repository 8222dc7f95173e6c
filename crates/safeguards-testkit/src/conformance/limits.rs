//! Limits: set, changed, removed; what a change keeps.

use super::prelude::*;

/// Two limits are the same if account, unit and window are the same; setting one again changes it.
pub async fn setting_a_limit_again_changes_it(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.done(set_limit("a", lifetime(usd!(7)))).await;
    desk.shows("a", "0 + 0 of 7 USD").await;
    desk.done(set_limit("a", every(60, usd!(1)))).await;
    desk.done(set_limit("a", every(61, usd!(2)))).await;
    desk.done(set_limit("a", lifetime(tokens!(8)))).await;
    let all = "0 + 0 of 1 USD per 60s, 0 + 0 of 2 USD per 61s, 0 + 0 of 7 USD, 0 + 0 of 8 tokens";
    desk.shows("a", all).await;
}

/// Zone names are compared as text: two names of one zone are two windows.
pub async fn zones_are_told_apart_by_their_names(desk: &Desk) {
    let in_zone = |zone| over(usd!(5), day(zone));
    desk.with([open("a").limit(in_zone("UTC"))]).await;
    desk.done(set_limit("a", in_zone("Etc/UTC"))).await;
    desk.shows("a", "0 + 0 of 5 USD per day in Etc/UTC, 0 + 0 of 5 USD per day in UTC").await;
}

/// An account lists its limits by unit, then the shortest window: every, day, week, month, lifetime.
pub async fn limits_are_listed_by_unit_and_the_shortest_window(desk: &Desk) {
    let a = open("a")
        .limit(lifetime(tokens!(1)))
        .limit(lifetime(usd!(1)))
        .limit(over(usd!(1), month("UTC")))
        .limit(every(2_592_000, usd!(1)))
        .limit(over(usd!(1), week("UTC")))
        .limit(over(usd!(1), day("UTC")))
        .limit(every(86_400, usd!(1)))
        .limit(every(86_401, usd!(1)));
    desk.with([a]).await;
    let limits = desk.account("a").await.limits;
    let listed = limits.iter().map(|usage| format!("{} {}", usage.limit.unit, usage.limit.window));
    let expected = [
        "USD per 86400s",
        "USD per day in UTC",
        "USD per 86401s",
        "USD per week in UTC",
        "USD per 2592000s",
        "USD per month in UTC",
        "USD lifetime",
        "tokens lifetime",
    ];
    assert_eq!(listed.collect::<Vec<_>>(), expected);
}

/// `SetLimit` below what is spent and held succeeds; holds stay valid.
pub async fn a_limit_may_be_set_below_what_is_used(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.done(charge("a", usd!(2))).await;
    let held = desk.hold("a", usd!(3), 60).await;
    desk.done(set_limit("a", lifetime(usd!(1)))).await;
    let usage = desk.account("a").await.limits.remove(0);
    assert_eq!((usage.available, usage.over_by), (quantity("0"), quantity("4")));
    desk.done(extend(held, 3_600)).await;
    desk.done(settle(held, usd!(3))).await;
    desk.shows("a", "5 + 0 of 1 USD").await;
}

/// Changing a limit's amount or mode keeps its counters.
pub async fn a_change_of_amount_or_mode_keeps_the_counters(desk: &Desk) {
    let limit = every(1_000_000_000, usd!(5));
    desk.with([open("a").limit(limit.clone())]).await;
    desk.done(charge("a", usd!(2))).await;
    desk.hold("a", usd!(1), 60).await;
    desk.done(set_limit("a", limit.clone().soft())).await;
    desk.done(charge("a", usd!(4))).await;
    desk.done(set_limit("a", limit.shadow())).await;
    desk.done(set_limit("a", every(1_000_000_000, usd!(7)))).await;
    desk.shows("a", "6 + 1 of 7 USD per 1000000000s").await;
}

/// A new lifetime limit counts the lifetime so far, also where one was removed before.
pub async fn a_new_lifetime_limit_counts_the_lifetime_so_far(desk: &Desk) {
    desk.with([open("a")]).await;
    desk.done(charge("a", usd!(2))).await;
    desk.hold("a", usd!(1), 60).await;
    desk.done(set_limit("a", lifetime(usd!(5)))).await;
    desk.shows("a", "2 + 1 of 5 USD").await;
    desk.done(remove_limit("a", Window::Lifetime)).await;
    desk.done(charge("a", usd!(9))).await;
    desk.done(set_limit("a", lifetime(usd!(5)))).await;
    desk.shows("a", "11 + 1 of 5 USD").await;
}

/// A new windowed limit starts at 0, also where one was removed before.
pub async fn a_new_windowed_limit_starts_at_nothing(desk: &Desk) {
    desk.with([open("a")]).await;
    desk.done(charge("a", usd!(2))).await;
    let limit = every(1_000_000_000, usd!(5));
    desk.done(set_limit("a", limit.clone())).await;
    desk.shows("a", "0 + 0 of 5 USD per 1000000000s").await;
    desk.done(charge("a", usd!(3))).await;
    desk.done(remove_limit("a", seconds(1_000_000_000))).await;
    desk.done(set_limit("a", limit)).await;
    desk.shows("a", "0 + 0 of 5 USD per 1000000000s").await;
}

/// `remove_limit` takes the limit away; of none it is `no_limit`.
pub async fn a_limit_that_is_removed_denies_no_more(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.denied(remove_limit("a", seconds(60)), no_limit("a")).await;
    desk.done(remove_limit("a", Window::Lifetime)).await;
    desk.denied(remove_limit("a", Window::Lifetime), no_limit("a")).await;
    let receipt = desk.receipt(charge("a", usd!(100))).await;
    assert_eq!(receipt.available, Amounts::none());
    desk.shows("a", "").await;
}

/// `SetRemaining` sets limit := spent + held + amount in one step.
pub async fn what_remains_is_set_in_one_step(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.done(charge("a", usd!(2))).await;
    desk.hold("a", usd!(1), 60).await;
    desk.done(set_remaining("a", usd!(10))).await;
    desk.shows("a", "2 + 1 of 13 USD").await;
    desk.done(set_remaining("a", usd!(0))).await;
    desk.shows("a", "2 + 1 of 3 USD").await;
    desk.denied(charge("a", usd!(0.1)), "limit_exceeded").await;
}

/// `SetRemaining` on a limit that does not exist makes a hard one: a new window counts from nothing.
pub async fn what_remains_makes_a_hard_limit_if_there_is_none(desk: &Desk) {
    desk.with([open("a")]).await;
    desk.done(charge("a", usd!(2))).await;
    desk.done(set_remaining("a", usd!(1))).await;
    desk.done(set_remaining_over("a", seconds(1_000_000_000), usd!(1))).await;
    desk.shows("a", "0 + 0 of 1 USD per 1000000000s, 2 + 0 of 3 USD").await;
    assert!(desk.account("a").await.limits.iter().all(|usage| usage.limit.is_hard()));
}

/// `SetRemaining` keeps the mode and the warnings of a limit that there is.
pub async fn what_remains_keeps_mode_and_warnings(desk: &Desk) {
    let soft = lifetime(usd!(5)).soft().warn_at(percent("80"));
    desk.with([open("a").limit(soft)]).await;
    desk.done(charge("a", usd!(7))).await;
    desk.done(set_remaining("a", usd!(1))).await;
    let limit = desk.account("a").await.limits.remove(0).limit;
    assert_eq!(limit, lifetime(usd!(8)).soft().warn_at(percent("80")));
}

/// `set_limit` replaces `warn_at`; transfer, allocate, divide and reclaim keep it.
pub async fn only_a_limit_that_is_set_gets_other_warnings(desk: &Desk) {
    let warned = || lifetime(usd!(5)).warn_at(percent("80"));
    desk.with([
        open("pool").limit(lifetime(usd!(100))),
        open("a").under("pool").limit(warned()),
        open("b").under("pool").limit(warned()),
    ])
    .await;
    desk.done(transfer("a", "b", usd!(1))).await;
    desk.done(allocate("pool", [("a", usd!(6)), ("b", usd!(6))])).await;
    desk.done(divide("pool", [("a", "1"), ("b", "1")]).amount(quantity("14"))).await;
    desk.done(reclaim("a", usd!(1))).await;
    let warnings = async |account: &str| {
        desk.account(account).await.limits.remove(0).limit.warnings().to_vec()
    };
    assert_eq!([warnings("a").await, warnings("b").await], [[percent("80")]; 2].map(Vec::from));
    desk.done(set_limit("a", lifetime(usd!(5)).warn_at(percent("50")))).await;
    assert_eq!(warnings("a").await, [percent("50")]);
    desk.done(set_limit("a", lifetime(usd!(5)))).await;
    assert_eq!(warnings("a").await, []);
}

/// A shadow limit keeps its warnings and reports nothing.
pub async fn a_shadow_limit_keeps_its_warnings(desk: &Desk) {
    let shadow = lifetime(usd!(5)).shadow().warn_at(percent("50"));
    desk.with([open("a").limit(shadow.clone())]).await;
    let receipt = desk.receipt(charge("a", usd!(4))).await;
    assert_eq!(crossed(&receipt), [""; 0]);
    assert_eq!(desk.account("a").await.limits.remove(0).limit, shadow);
}
