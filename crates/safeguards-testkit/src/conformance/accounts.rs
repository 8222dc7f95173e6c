//! Accounts: opened once, read as they are, set to a priority.

use super::prelude::*;

/// An account opens with a parent, a priority, limits, steps and metadata, and reads so.
pub async fn an_account_reads_as_it_was_opened(desk: &Desk) {
    let mut metadata = safeguards_budget::Metadata::new();
    metadata.insert("team".into(), "research".into());
    let limit = lifetime(usd!(5)).warn_at(percent("80"));
    let a =
        open("a").under("pool").priority(priority(7)).limit(limit.clone()).protect(last("10", 8));
    desk.with([open("pool")]).await;
    desk.sent(&desk.command(a).with_metadata(metadata.clone())).await;
    let account = desk.account("a").await;
    assert_eq!((account.id, account.parent), ("a".into(), Some("pool".into())));
    assert_eq!((account.state, account.priority), (AccountState::Open, priority(7)));
    assert_eq!((account.protection, account.metadata), (vec![last("10", 8)], metadata));
    let [usage] = account.limits.as_slice() else { panic!("{:?}", account.limits) };
    assert_eq!((&usage.limit, usage.available), (&limit, quantity("5")));
    assert_eq!((usage.spent, usage.held, usage.over_by), Default::default());
}

/// A root account has no parent and the middle priority.
pub async fn an_account_is_a_root_of_priority_5_unless_said(desk: &Desk) {
    desk.with([open("a")]).await;
    let account = desk.account("a").await;
    assert_eq!((account.parent, account.priority), (None, priority(5)));
}

/// Names of accounts are never used again.
pub async fn a_name_is_used_once(desk: &Desk) {
    desk.with([open("a"), open("b")]).await;
    let duplicate = || Denial::DuplicateAccount { account: "a".into() };
    desk.denied(open("a"), duplicate()).await;
    desk.denied(open("a").under("b"), duplicate()).await;
    desk.done(close("a")).await;
    desk.denied(open("a"), duplicate()).await;
    desk.done(open("A")).await;
}

/// A command that names an account that there is not is `unknown_account`, wherever it names it.
pub async fn an_unknown_account_is_named(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(9)))]).await;
    desk.with([open("a").under("pool").limit(lifetime(usd!(1)))]).await;
    let actions: [Action; 20] = [
        open("b").under("x").into(),
        close("x"),
        set_limit("x", lifetime(usd!(1))),
        set_remaining("x", usd!(1)),
        remove_limit("x", Window::Lifetime),
        set_protection("x", []),
        set_parent("x", "pool"),
        set_parent("a", "x"),
        set_priority("x", 5),
        suspend("x"),
        resume("x"),
        charge("x", usd!(1)).into(),
        charge("a", usd!(1)).scope("x").into(),
        record("x", usd!(1)),
        hold("x", usd!(1), 60).into(),
        transfer("x", "a", usd!(1)),
        transfer("a", "x", usd!(1)),
        allocate("pool", [("a", usd!(1)), ("x", usd!(1))]),
        divide("x", [("a", "1")]).into(),
        reclaim("x", usd!(1)),
    ];
    for action in actions {
        desk.denied(action, unknown_account("x")).await;
    }
}

/// Of an account that there is not, nothing is read; many are read in the order in which they are asked for.
pub async fn accounts_are_read_in_the_order_asked(desk: &Desk) {
    desk.with([open("a"), open("b")]).await;
    let ids = ["b", "x", "a", "b"].map(AccountId::from);
    let read = desk.ledger().accounts(&ids).await.unwrap();
    let names = read.accounts.iter().map(|account| account.as_ref().map(|one| one.id.as_str()));
    assert_eq!(names.collect::<Vec<_>>(), [Some("b"), None, Some("a"), Some("b")]);
    assert!(desk.ledger().accounts(&[]).await.unwrap().accounts.is_empty());
}

/// An account and everything below it: parents before children, the children of one parent by name.
pub async fn a_subtree_is_read_parents_first_and_children_by_name(desk: &Desk) {
    desk.with([
        open("org"),
        open("pool").under("org"),
        open("z").under("pool"),
        open("b").under("org"),
        open("a").under("pool"),
        open("m").under("a"),
        open("beside"),
    ])
    .await;
    let names = async |of: &str| {
        let read = desk.ledger().subtree(&of.into()).await.unwrap();
        assert_eq!(read.revision, Some(EntryId::new(7)));
        let names = read.accounts.into_iter().map(|account| account.unwrap().id.to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("z").await, ["z"]);
    assert_eq!(names("nobody").await, [""; 0]);
    let all = names("org").await;
    let place = |name: &str| all.iter().position(|one| one == name);
    assert_eq!(all.len(), 6);
    for (before, after) in
        [("org", "b"), ("org", "pool"), ("b", "pool"), ("pool", "a"), ("a", "z"), ("a", "m")]
    {
        assert!(place(before) < place(after), "{before} stands before {after}: {all:?}");
    }
}

/// A subtree shows its accounts as they are read one by one.
pub async fn a_subtree_shows_the_same_accounts(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(9))), open("a").under("pool")]).await;
    desk.done(charge("a", usd!(2))).await;
    let read = desk.ledger().subtree(&"pool".into()).await.unwrap();
    let one_by_one = desk.ledger().accounts(&["pool".into(), "a".into()]).await.unwrap();
    assert_eq!(read, one_by_one);
}

/// A priority may be set anew.
pub async fn a_priority_may_be_set_anew(desk: &Desk) {
    desk.with([open("a").priority(priority(2))]).await;
    desk.done(set_priority("a", 9)).await;
    assert_eq!(desk.account("a").await.priority, priority(9));
}

/// Lifetime: each unit of which more than 0 was ever counted or held there, also where it is back at 0.
pub async fn an_account_names_each_unit_that_was_ever_counted(desk: &Desk) {
    desk.with([open("a").limit(lifetime(tokens!(5)))]).await;
    desk.counts("a", "").await;
    desk.denied(charge("a", [tokens!(6), requests!(1)]), "limit_exceeded").await;
    let held = desk.hold("a", usd!(1), 60).await;
    desk.done(release(held)).await;
    desk.counts("a", "0 + 0 USD").await;
    let paid = desk.done(charge("a", tokens!(3))).await;
    desk.done(refund(paid, tokens!(3))).await;
    desk.counts("a", "0 + 0 USD, 0 + 0 tokens").await;
}
