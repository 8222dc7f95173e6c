//! `SetParent`: an account moves with all that stands below it, and history stays where it was counted.

use super::prelude::*;

fn cycle(account: &str) -> Denial {
    Denial::Cycle { account: account.into() }
}

/// `SetParent` moves no history: old ancestors keep what was counted, new ones begin without; the account's
/// own counters travel along.
pub async fn history_stays_where_it_was_counted(desk: &Desk) {
    desk.with([
        open("old").limit(lifetime(usd!(9))),
        open("new").limit(lifetime(usd!(9))),
        open("a").under("old").limit(lifetime(usd!(9))),
    ])
    .await;
    desk.done(charge("a", usd!(2))).await;
    desk.hold("a", usd!(1), 3_600).await;
    desk.done(set_parent("a", "new")).await;
    assert_eq!(desk.account("a").await.parent, Some("new".into()));
    desk.done(charge("a", usd!(4))).await;
    desk.shows("old", "2 + 1 of 9 USD").await;
    desk.shows("new", "4 + 0 of 9 USD").await;
    desk.shows("a", "6 + 1 of 9 USD").await;
}

/// The limits of the new ancestors hold from then on, for all that stands below what moved.
pub async fn new_ancestors_limit_what_moved_and_what_is_below(desk: &Desk) {
    desk.with([open("tight").limit(lifetime(usd!(1))), open("a"), open("sub").under("a")]).await;
    desk.done(charge("sub", usd!(5))).await;
    desk.done(set_parent("a", "tight")).await;
    let denial = exceeded("tight", usd!(1)).asked(usd!(2)).never();
    desk.denied(charge("sub", usd!(2)), denial).await;
    desk.done(make_root("a")).await;
    assert_eq!(desk.account("a").await.parent, None);
    desk.done(charge("sub", usd!(2))).await;
    desk.counts("tight", "").await;
}

/// Cycles are checked for the whole subtree: nobody stands below itself.
pub async fn nobody_stands_below_itself(desk: &Desk) {
    desk.with([open("a"), open("b").under("a"), open("c").under("b")]).await;
    for below in ["a", "b", "c"] {
        desk.denied(set_parent("a", below), cycle("a")).await;
    }
    desk.done(set_parent("c", "a")).await;
    desk.done(set_parent("b", "c")).await;
    desk.done(charge("b", usd!(1))).await;
    let Fact::Spent(posting) = desk.last_entry().await.fact else { panic!("nothing was spent") };
    assert_eq!(*posting.set, ["b", "c", "a"].map(AccountId::from));
}

/// Moving an account to where it stands is accepted.
pub async fn an_account_may_be_moved_to_where_it_stands(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool")]).await;
    desk.done(set_parent("a", "pool")).await;
    desk.done(make_root("pool")).await;
    desk.done(charge("a", usd!(1))).await;
    desk.counts("pool", "1 + 0 USD").await;
}

/// With `from`, only an account that stands directly below it moves; a command that was carried out is answered again
/// wherever the account stands by then.
pub async fn an_account_is_moved_from_where_it_is_said_to_stand(desk: &Desk) {
    desk.with([open("p"), open("q"), open("a").under("p"), open("sub").under("a")]).await;
    let not_child = |account: &str| Denial::NotChild { account: account.into() };
    desk.denied(leave_parent("a", "q"), not_child("a")).await;
    desk.denied(leave_parent("sub", "p"), not_child("sub")).await;
    desk.denied(leave_parent("p", "q"), not_child("p")).await;
    desk.denied(leave_parent("a", "nobody"), "unknown_account").await;
    assert_eq!(desk.account("a").await.parent, Some("p".into()));

    let left = desk.command(leave_parent("a", "p"));
    let receipt = desk.sent(&left).await;
    assert_eq!(desk.account("a").await.parent, None);
    desk.denied(leave_parent("a", "p"), not_child("a")).await;
    desk.done(set_parent("a", "q")).await;
    assert_eq!(desk.sent(&left).await, receipt, "answered again");
    assert_eq!(desk.account("a").await.parent, Some("q".into()), "and not moved again");
}

/// Siblings, children and subtrees are meant by the tree of now.
pub async fn siblings_and_children_are_meant_by_the_tree_of_now(desk: &Desk) {
    let limited = |name: &str| open(name).limit(lifetime(usd!(5)));
    desk.with([limited("p"), limited("q"), limited("a").under("p"), limited("b").under("q")]).await;
    desk.denied(transfer("a", "b", usd!(1)), "not_siblings").await;
    desk.done(set_parent("b", "p")).await;
    desk.done(transfer("a", "b", usd!(1))).await;
    desk.denied(allocate("q", [("b", usd!(1))]), Denial::NotChild { account: "b".into() }).await;
    desk.done(allocate("p", [("b", usd!(1))])).await;
}
