//! The charge set: whom a charge counts at, and in which order.

use super::prelude::*;

/// The charge set: spender, its ancestors upward; then each scope as named with its ancestors; repeats
/// dropped.
pub async fn spender_upward_then_scopes_as_named_each_once(desk: &Desk) {
    desk.with([
        open("org"),
        open("pool").under("org"),
        open("a").under("pool"),
        open("users"),
        open("ada").under("users"),
        open("tag").under("org"),
    ])
    .await;
    let charge = charge("a", usd!(1)).scope("tag").scope("ada").scope("users").scope("tag");
    desk.done(charge).await;
    let Fact::Spent(posting) = desk.last_entry().await.fact else { panic!("nothing was spent") };
    assert_eq!(posting.spender, "a".into());
    assert_eq!(*posting.set, ["a", "pool", "org", "tag", "ada", "users"].map(AccountId::from));
}

/// "Each once": an account that is reached by two ways counts once.
pub async fn an_account_counts_once_however_often_it_is_reached(desk: &Desk) {
    desk.with([
        open("pool").limit(lifetime(usd!(5))),
        open("a").under("pool"),
        open("b").under("pool"),
    ])
    .await;
    desk.done(charge("a", usd!(2)).scope("b").scope("pool").scope("a")).await;
    desk.shows("pool", "2 + 0 of 5 USD").await;
    desk.counts("a", "2 + 0 USD").await;
    desk.counts("b", "2 + 0 USD").await;
}

/// Resolved when the command is accepted and frozen: a hold, its settlement and its refund use that set,
/// whatever moved since.
pub async fn the_set_is_frozen_into_the_hold(desk: &Desk) {
    desk.with([open("old"), open("new"), open("a").under("old")]).await;
    let held = desk.hold("a", usd!(2), 60).await;
    desk.done(set_parent("a", "new")).await;
    assert_eq!(*desk.view(held).await.set, ["a", "old"].map(AccountId::from));
    let settled = desk.done(settle(held, usd!(3))).await;
    desk.counts("old", "3 + 0 USD").await;
    desk.counts("new", "").await;
    desk.done(refund(settled, usd!(1))).await;
    desk.counts("old", "2 + 0 USD").await;
    desk.counts("new", "").await;
}

/// Direct spending and holding of an account is what was made with it as the spender.
pub async fn direct_is_what_the_spender_itself_made(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool"), open("tag")]).await;
    desk.done(charge("pool", usd!(1))).await;
    desk.done(charge("a", usd!(2)).scope("tag")).await;
    desk.hold("pool", usd!(4), 60).await;
    desk.hold("a", usd!(8), 60).await;
    let pool = desk.account("pool").await;
    assert_eq!(
        (pool.spent.to_string(), pool.held.to_string()),
        ("3.00 USD".into(), "12.00 USD".into())
    );
    assert_eq!(pool.spent_directly.get(&Unit::USD), quantity("1"));
    assert_eq!(pool.held_directly.get(&Unit::USD), quantity("4"));
    let tag = desk.account("tag").await;
    assert!(tag.spent_directly.is_zero() && tag.held_directly.is_zero());
}

/// All or nothing: a charge that does not fit at one account, or in one unit, is recorded nowhere.
pub async fn what_does_not_fit_somewhere_is_recorded_nowhere(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(tokens!(5))), open("a").under("pool"), open("tag")])
        .await;
    let denial = exceeded("pool", tokens!(5)).asked(tokens!(6)).never();
    desk.denied(charge("a", [usd!(1), tokens!(6)]).scope("tag"), denial.clone()).await;
    desk.denied(hold("a", [usd!(1), tokens!(6)], 60).scope("tag"), denial).await;
    for account in ["a", "pool", "tag"] {
        desk.counts(account, "").await;
    }
    assert_eq!(desk.entries().await.len(), 3);
}
