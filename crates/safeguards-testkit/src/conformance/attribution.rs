//! `attribute_to`: a settlement whose spender stands below the hold's account.

use super::prelude::*;

async fn set_of_last(desk: &Desk) -> Vec<AccountId> {
    let Fact::Settled(settled) = desk.last_entry().await.fact else {
        panic!("nothing was settled")
    };
    settled.posting.set.to_vec()
}

fn not_descendant(account: &str) -> Denial {
    Denial::NotDescendant { account: account.into() }
}

/// The settlement's spender is that account; the accounts from it upward, up to the first that is in the
/// frozen set, are added in front of the set.
pub async fn the_accounts_between_are_added_in_front(desk: &Desk) {
    desk.with([
        open("pool").limit(lifetime(usd!(10))),
        open("a").under("pool"),
        open("mid").under("a"),
        open("sub").under("mid"),
    ])
    .await;
    let held = desk.hold("a", usd!(4), 60).await;
    desk.done(settle(held, usd!(3)).attribute_to("sub")).await;
    assert_eq!(set_of_last(desk).await, ["sub", "mid", "a", "pool"].map(AccountId::from));
    let sub = desk.account("sub").await;
    assert_eq!(sub.spent_directly, usd!(3).into());
    assert!(desk.account("a").await.spent_directly.is_zero());
    for account in ["sub", "mid"] {
        desk.counts(account, "3 + 0 USD").await;
    }
    desk.shows("pool", "3 + 0 of 10 USD").await;
}

/// A hold that is kept open may be drawn by several below it.
pub async fn several_below_may_draw_one_hold(desk: &Desk) {
    desk.with([open("a"), open("b").under("a"), open("c").under("a")]).await;
    let held = desk.hold("a", usd!(4), 60).await;
    desk.done(settle(held, usd!(1)).keep_open().attribute_to("b")).await;
    desk.done(settle(held, usd!(2)).keep_open().attribute_to("c")).await;
    desk.done(settle(held, usd!(0.5)).attribute_to("a")).await;
    desk.counts("b", "1 + 0 USD").await;
    desk.counts("c", "2 + 0 USD").await;
    desk.counts("a", "3.5 + 0 USD").await;
    assert_eq!(desk.account("a").await.spent_directly, usd!(0.5).into());
}

/// Neither the hold's account nor a descendant of it: `not_descendant`.
pub async fn somebody_beside_or_above_is_no_descendant(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool"), open("b").under("pool"), open("tag")]).await;
    let held = desk.done(hold("a", usd!(4), 60).scope("tag")).await;
    let held = HoldId::placed_by(held);
    for other in ["b", "pool", "tag"] {
        desk.denied(settle(held, usd!(1)).attribute_to(other), not_descendant(other)).await;
    }
    desk.denied(settle(held, usd!(1)).attribute_to("nobody"), unknown_account("nobody")).await;
    assert_eq!(desk.state(held).await, HoldState::Open);
}

/// Descendant is meant by the tree of now.
pub async fn descendant_is_meant_by_the_tree_of_now(desk: &Desk) {
    desk.with([open("pool"), open("a"), open("left").under("a"), open("came").under("pool")]).await;
    let held = desk.hold("a", usd!(4), 60).await;
    desk.done(set_parent("left", "pool")).await;
    desk.done(set_parent("came", "a")).await;
    desk.denied(settle(held, usd!(1)).attribute_to("left"), not_descendant("left")).await;
    desk.done(settle(held, usd!(1)).attribute_to("came")).await;
    assert_eq!(set_of_last(desk).await, ["came", "a"].map(AccountId::from));
    desk.counts("pool", "").await;
}

/// The accounts in front are those of now, the frozen set that of the placement.
pub async fn in_front_comes_the_tree_of_now_and_then_the_frozen_set(desk: &Desk) {
    desk.with([open("old"), open("new"), open("a").under("old"), open("sub").under("a")]).await;
    let held = desk.hold("a", usd!(4), 60).await;
    desk.done(set_parent("a", "new")).await;
    desk.done(settle(held, usd!(1)).attribute_to("sub")).await;
    assert_eq!(set_of_last(desk).await, ["sub", "a", "old"].map(AccountId::from));
    desk.counts("new", "").await;
}

/// The accounts in front are counted in the windows of now, the held part too.
pub async fn in_front_all_counts_in_the_windows_of_now(desk: &Desk) {
    let limit = || every(60, usd!(10));
    desk.with([open("a").limit(limit()), open("sub").under("a").limit(limit())]).await;
    let held = desk.hold("a", usd!(3), 3_600).await;
    desk.wait(60);
    desk.done(settle(held, usd!(5)).attribute_to("sub")).await;
    desk.shows("sub", "5 + 0 of 10 USD per 60s").await;
    desk.shows("a", "2 + 0 of 10 USD per 60s").await;
}

/// A settlement may be attributed to an account that is suspended or closed, and go over its limit.
pub async fn neither_state_nor_limit_of_it_hold_a_settlement_back(desk: &Desk) {
    desk.with([open("a"), open("b").under("a").limit(lifetime(usd!(1))), open("c").under("a")])
        .await;
    let held = desk.hold("a", usd!(4), 60).await;
    desk.done(suspend("b")).await;
    desk.done(close("c")).await;
    let receipt = desk.receipt(settle(held, usd!(2)).keep_open().attribute_to("b")).await;
    assert_eq!(overrun(&receipt), ["b: 2 + 0 of 1 USD, 1 over"]);
    desk.done(settle(held, usd!(1)).attribute_to("c")).await;
    desk.counts("c", "1 + 0 USD").await;
}

/// A late settlement may be attributed as well.
pub async fn a_late_settlement_may_be_attributed(desk: &Desk) {
    desk.with([open("a"), open("sub").under("a")]).await;
    let held = desk.hold("a", usd!(4), 60).await;
    desk.done(release(held)).await;
    let receipt = desk.receipt(settle(held, usd!(2)).attribute_to("sub")).await;
    assert!(receipt.late);
    desk.counts("sub", "2 + 0 USD").await;
    desk.counts("a", "2 + 0 USD").await;
}

/// A refund of what was attributed lowers the accounts in front, too.
pub async fn a_refund_reaches_the_accounts_in_front(desk: &Desk) {
    desk.with([open("a"), open("sub").under("a")]).await;
    let held = desk.hold("a", usd!(4), 60).await;
    let settled = desk.done(settle(held, usd!(3)).attribute_to("sub")).await;
    desk.done(refund(settled, usd!(2))).await;
    let sub = desk.account("sub").await;
    assert_eq!((sub.spent, sub.spent_directly), (usd!(1).into(), usd!(1).into()));
    desk.counts("a", "1 + 0 USD").await;
}
