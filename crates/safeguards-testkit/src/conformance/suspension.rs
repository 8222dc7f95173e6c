//! Suspending and resuming.

use super::prelude::*;

/// Suspended denies charge, hold and extend; the denial names the account.
pub async fn nothing_new_begins_at_a_suspended_account(desk: &Desk) {
    desk.with([open("a")]).await;
    let held = desk.hold("a", usd!(1), 60).await;
    desk.done(suspend("a")).await;
    assert_eq!(desk.account("a").await.state, AccountState::Suspended);
    desk.denied(charge("a", usd!(1)), suspended("a")).await;
    desk.denied(hold("a", usd!(1), 60), suspended("a")).await;
    desk.denied(extend(held, 120), suspended("a")).await;
    desk.done(resume("a")).await;
    assert_eq!(desk.account("a").await.state, AccountState::Open);
    desk.done(charge("a", usd!(1))).await;
    desk.done(extend(held, 120)).await;
}

/// For any account of the set: those above, the scopes, and those above the scopes; the first is named.
pub async fn any_account_of_the_set_suspends(desk: &Desk) {
    desk.with([
        open("org"),
        open("pool").under("org"),
        open("a").under("pool"),
        open("users"),
        open("ada").under("users"),
    ])
    .await;
    let spend = || charge("a", usd!(1)).scope("ada");
    for account in ["users", "ada", "org", "pool", "a"] {
        desk.done(suspend(account)).await;
        // Each stands before those that were suspended so far.
        desk.denied(spend(), suspended(account)).await;
    }
    for (resumed, next) in [("a", "pool"), ("pool", "org"), ("org", "ada"), ("ada", "users")] {
        desk.done(resume(resumed)).await;
        desk.denied(spend(), suspended(next)).await;
    }
    desk.done(resume("users")).await;
    desk.done(spend()).await;
}

/// `Resume` clears its own flag only: those above stay.
pub async fn a_resumption_clears_its_own_flag_only(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool")]).await;
    desk.done(suspend("pool")).await;
    assert_eq!(desk.account("a").await.state, AccountState::Open);
    desk.done(suspend("a")).await;
    desk.done(resume("pool")).await;
    desk.denied(charge("a", usd!(1)), suspended("a")).await;
    desk.done(charge("pool", usd!(1))).await;
}

/// An extension asks the hold's frozen set.
pub async fn an_extension_asks_the_frozen_set(desk: &Desk) {
    desk.with([open("old"), open("new"), open("a").under("old")]).await;
    let held = desk.hold("a", usd!(1), 60).await;
    desk.done(set_parent("a", "new")).await;
    desk.done(suspend("new")).await;
    desk.done(extend(held, 120)).await;
    desk.done(suspend("old")).await;
    desk.denied(extend(held, 180), suspended("old")).await;
}

/// Only new spending stops: all that changes no spending works at a suspended account.
pub async fn all_else_works_at_a_suspended_account(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(20)))]).await;
    desk.with(["a", "b"].map(|name| open(name).under("pool").limit(lifetime(usd!(5))))).await;
    for account in ["pool", "a", "b"] {
        desk.done(suspend(account)).await;
    }
    let actions: [Action; 12] = [
        open("c").under("a").into(),
        close("c"),
        set_limit("a", lifetime(usd!(6))),
        set_remaining("a", usd!(7)),
        set_protection("a", [last("1", 9)]),
        set_priority("a", 8),
        transfer("a", "b", usd!(1)),
        allocate("pool", [("a", usd!(3))]),
        divide("pool", [("b", "1")]).amount(quantity("2")).into(),
        reclaim("a", usd!(1)),
        suspend("a"),
        set_parent("b", "a"),
    ];
    for action in actions {
        desk.done(action).await;
    }
}
