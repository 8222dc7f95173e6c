//! Closing accounts: what must have ended before, and what a closed account still takes.

use super::prelude::*;

fn not_empty(account: &str) -> Denial {
    Denial::NotEmpty { account: account.into() }
}

/// `CloseAccount` needs no open children.
pub async fn an_account_with_open_children_cannot_be_closed(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool")]).await;
    desk.denied(close("pool"), not_empty("pool")).await;
    desk.done(close("a")).await;
    desk.done(close("pool")).await;
    for account in ["a", "pool"] {
        assert_eq!(desk.account(account).await.state, AccountState::Closed);
    }
}

/// `CloseAccount` needs no open hold in whose set the account stands.
pub async fn an_account_that_counts_an_open_hold_cannot_be_closed(desk: &Desk) {
    desk.with([open("old"), open("new"), open("a").under("old"), open("tag")]).await;
    let held = desk.done(hold("a", usd!(1), 60).scope("tag")).await;
    desk.done(set_parent("a", "new")).await;
    for account in ["a", "tag", "old"] {
        desk.denied(close(account), not_empty(account)).await;
    }
    desk.done(release(HoldId::placed_by(held))).await;
    for account in ["tag", "old", "a", "new"] {
        desk.done(close(account)).await;
    }
}

/// A hold that is due is ended first, and keeps nobody open.
pub async fn a_due_hold_keeps_no_account_open(desk: &Desk) {
    desk.with([open("a")]).await;
    desk.hold("a", usd!(1), 10).await;
    desk.denied(close("a"), not_empty("a")).await;
    desk.wait(10);
    desk.done(close("a")).await;
}

/// A command that names a closed one (as account, parent, scope, from, to, share, weight) is
/// `closed_account`.
pub async fn a_command_that_names_a_closed_account_is_denied(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(9)))]).await;
    let limited = |name| open(name).under("pool").limit(lifetime(usd!(1)));
    desk.with([limited("a"), limited("x"), open("top")]).await;
    desk.done(close("x")).await;
    let actions: [Action; 23] = [
        open("b").under("x").into(),
        close("x"),
        set_limit("x", lifetime(usd!(1))),
        set_remaining("x", usd!(1)),
        remove_limit("x", Window::Lifetime),
        set_protection("x", []),
        set_parent("x", "top"),
        make_root("x"),
        set_parent("a", "x"),
        set_priority("x", 5),
        suspend("x"),
        resume("x"),
        charge("x", usd!(1)).into(),
        charge("a", usd!(1)).scope("x").into(),
        hold("x", usd!(1), 60).into(),
        hold("a", usd!(1), 60).scope("x").into(),
        transfer("x", "a", usd!(1)),
        transfer("a", "x", usd!(1)),
        allocate("pool", [("a", usd!(1)), ("x", usd!(1))]),
        allocate("x", [("a", usd!(1))]),
        divide("pool", [("x", "1")]).into(),
        divide("x", [("a", "1")]).amount(quantity("1")).into(),
        reclaim("x", usd!(1)),
    ];
    for action in actions {
        desk.denied(action, closed("x")).await;
    }
}

/// Save settle, release, record and refund.
pub async fn what_has_happened_may_be_written_at_a_closed_account(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool"), open("x").under("pool")]).await;
    let paid = desk.done(charge("x", usd!(3))).await;
    let held = desk.hold("x", usd!(1), 60).await;
    desk.done(release(held)).await;
    desk.done(close("x")).await;
    desk.done(Action::Record(charge("a", usd!(1)).scope("x"))).await;
    desk.done(record("x", usd!(1))).await;
    desk.done(settle(held, usd!(1))).await;
    desk.done(refund(paid, usd!(2))).await;
    desk.counts("x", "4 + 0 USD").await;
}

/// A closed child is no open child: its limit is unallocated, and nothing is reclaimed from it.
pub async fn a_closed_child_counts_for_nothing(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(10)))]).await;
    let limited = |name, amount| open(name).under("pool").limit(lifetime(amount));
    desk.with([limited("a", usd!(1)), limited("x", usd!(6)).priority(priority(1))]).await;
    let denial = exceeded("pool", usd!(10)).available(usd!(4)).asked(usd!(5)).never();
    desk.denied(allocate("pool", [("a", usd!(5))]), denial).await;
    desk.done(close("x")).await;
    desk.done(allocate("pool", [("a", usd!(8))])).await;
    let denial = exceeded("pool", usd!(10)).available(usd!(2)).asked(usd!(3)).never();
    desk.denied(reclaim("a", usd!(3)), denial).await;
    desk.done(reclaim("a", usd!(2))).await;
}
