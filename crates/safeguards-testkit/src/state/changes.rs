//! What happened is told from any revision on, in order, as far as the agent may see it; who waits is woken.

use super::prelude::*;

const NONE: [&str; 0] = [];

/// Everything that happens to a key is a change of its kind.
pub async fn each_kind_of_change_is_told(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    desk.write("a", write("k", 2).ttl(Duration::from_mins(1))).await;
    desk.amend("a", terms("k").owner("b")).await;
    desk.set("a", "l", 1).await;
    desk.delete("a", "l").await;
    desk.wait(60);
    let expected = [
        "written k 1 by a",
        "written k 2 by a",
        "amended k 2 by a",
        "written l 1 by a",
        "deleted l by a",
        "expired k",
    ];
    assert_eq!(desk.told("c", "", 0).await, expected);
}

/// A change says when it was, and carries what is read from then on.
pub async fn a_change_carries_what_is_there(desk: &StateDesk) {
    desk.set("a", "k", json!({ "n": 1 })).await;
    let first = desk.entry("b", "k").await;
    desk.wait(5);
    desk.amend("a", terms("k").rules(KeyRules::public())).await;
    let changes = desk.changes("b", &StateScope::all(), 0).await;
    assert_eq!(changes[0].kind, StateChangeKind::Written { entry: first });
    let entry = desk.entry("b", "k").await;
    assert_eq!(changes[1].kind, StateChangeKind::Amended { entry });
    assert_eq!(changes[1].at.since(changes[0].at), Duration::from_secs(5));
}

/// A scope is one key, or all that begin alike.
pub async fn a_scope_is_a_key_or_a_prefix(desk: &StateDesk) {
    for name in ["a/1", "a/2", "a", "b", "a/1", "a/12"] {
        desk.set("a", name, 0).await;
    }
    let of = async |scope: StateScope| numbers(&desk.changes("b", &scope, 0).await);
    assert_eq!(of(StateScope::key("a/1").unwrap()).await, [1, 5]);
    assert_eq!(of(StateScope::prefix("a/1")).await, [1, 5, 6]);
    assert_eq!(of(StateScope::prefix("a/")).await, [1, 2, 5, 6]);
    assert_eq!(of(StateScope::all()).await, [1, 2, 3, 4, 5, 6]);
    assert!(of(StateScope::key("c").unwrap()).await.is_empty());
    assert!(of(StateScope::prefix("c")).await.is_empty());
}

/// The changes of a key go on over its ends.
pub async fn a_key_is_followed_over_its_ends(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    desk.set("a", "other", 1).await;
    desk.delete("a", "k").await;
    desk.write("b", write("k", 2).ttl(Duration::from_secs(1))).await;
    desk.wait(1);
    desk.set("a", "k", 3).await;
    let changes = desk.changes("c", &StateScope::key("k").unwrap(), 0).await;
    assert_eq!(numbers(&changes), [1, 3, 4, 5, 6]);
}

/// From any revision on, and by any number at a time, the same changes are read.
pub async fn changes_are_read_from_anywhere(desk: &StateDesk) {
    for number in 0..30 {
        desk.set("a", ["j/1", "j/2", "x"][number % 3], number).await;
    }
    for scope in [StateScope::all(), StateScope::prefix("j/"), StateScope::key("j/2").unwrap()] {
        let all = desk.changes("b", &scope, 0).await;
        for after in 0..=30 {
            let later: Vec<_> =
                all.iter().filter(|one| one.revision.number() > after).cloned().collect();
            assert_eq!(desk.changes("b", &scope, after).await, later, "{scope:?} after {after}");
        }
        for limit in [1, 3, 9, 10, 11, 20, 30, 31] {
            let (mut read, mut after) = (Vec::new(), Revision::ZERO);
            while after < Revision::new(30) {
                let store = desk.store();
                let page = store.changes(&"b".into(), &scope, after, limit).await.unwrap();
                if page.changes.len() < limit {
                    assert_eq!(page.next, Revision::new(30), "all was looked through");
                } else {
                    assert_eq!(page.next, page.changes.last().unwrap().revision);
                }
                after = page.next;
                read.extend(page.changes);
            }
            assert_eq!(read, all, "{scope:?} by {limit}");
        }
        let none = desk.store().changes(&"b".into(), &scope, Revision::new(4), 0).await.unwrap();
        assert_eq!((none.changes.len(), none.next), (0, Revision::new(4)));
    }
}

/// What an agent may not read it is not told of, name and all; it gets on all the same.
pub async fn what_may_not_be_read_is_not_told(desk: &StateDesk) {
    desk.write("a", write("k", 1).rules(KeyRules::private().readers(["b"]))).await;
    desk.set("a", "k", 2).await;
    desk.delete("a", "k").await;
    assert_eq!(desk.told("b", "", 0).await.len(), 3);
    assert_eq!(desk.told("c", "", 0).await, NONE);
    let store = desk.store();
    for scope in [StateScope::all(), StateScope::key("k").unwrap()] {
        let page = store.changes(&"c".into(), &scope, Revision::ZERO, 1).await.unwrap();
        assert_eq!((page.changes.len(), page.next), (0, Revision::new(3)));
    }
}

/// Who may read a key no more is told so, and nothing of it any more.
pub async fn who_loses_the_right_is_told(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    desk.amend("a", terms("k").rules(KeyRules::private())).await;
    desk.set("a", "k", 2).await;
    assert_eq!(desk.told("b", "", 0).await, ["written k 1 by a", "hidden k by a"]);
    desk.write("a", write("k", 3).rules(KeyRules::new())).await;
    desk.write("a", write("k", 4).rules(KeyRules::private())).await;
    desk.delete("a", "k").await;
    assert_eq!(desk.told("b", "", 3).await, ["written k 3 by a", "hidden k by a"]);
}

/// Who may read a key from now on is shown it.
pub async fn who_gains_the_right_is_shown_the_key(desk: &StateDesk) {
    desk.write("a", write("k", 1).rules(KeyRules::private())).await;
    desk.amend("a", terms("k").rules(KeyRules::private().readers(["b"]))).await;
    desk.amend("a", terms("k").owner("c")).await;
    assert_eq!(desk.told("b", "", 0).await, ["amended k 1 by a"; 2]);
    assert_eq!(desk.told("c", "", 0).await, ["amended k 1 by a"]);
    let expected = ["written k 1 by a", "amended k 1 by a", "hidden k by a"];
    assert_eq!(desk.told("a", "", 0).await, expected);
}

/// What was private when it happened stays so, and what was open then may be read later.
pub async fn the_rules_of_the_time_count(desk: &StateDesk) {
    desk.write("a", write("k", "secret").rules(KeyRules::private())).await;
    desk.set("a", "k", "secret too").await;
    desk.write("a", write("k", "open").rules(KeyRules::new())).await;
    desk.amend("a", terms("k").rules(KeyRules::private())).await;
    let told = desk.told("b", "", 0).await;
    assert_eq!(told, [r#"written k "open" by a"#, "hidden k by a"]);
}

/// A limit above the bound is taken for that.
pub async fn changes_of_one_answer_are_bounded(desk: &StateDesk) {
    for _ in 0..=StateBounds::CHANGES {
        desk.set("a", "k", 0).await;
    }
    let bound = u64::try_from(StateBounds::CHANGES).unwrap();
    for scope in [StateScope::all(), StateScope::key("k").unwrap()] {
        let store = desk.store();
        let page = store.changes(&"b".into(), &scope, Revision::ZERO, usize::MAX).await.unwrap();
        assert_eq!((page.changes.len(), page.next.number()), (StateBounds::CHANGES, bound));
        assert_eq!(page.changes[0].revision, Revision::new(1), "the oldest come first");
    }
}

/// Changes that are kept no more are said to be, with the oldest revision that can be gone on from.
pub async fn forgotten_changes_are_said_to_be(desk: &StateDesk) {
    let kept = u64::try_from(desk.setup().changes_kept).unwrap();
    for _ in 0..kept + 3 {
        desk.set("a", "k", 0).await;
    }
    let store = desk.store();
    for scope in [StateScope::all(), StateScope::key("k").unwrap(), StateScope::key("l").unwrap()] {
        for forgotten in 0..3 {
            let after = Revision::new(forgotten);
            let error = store.changes(&"b".into(), &scope, after, 1).await.unwrap_err();
            let StateError::Lagged { after: told, oldest } = &error else { panic!("{error:?}") };
            assert_eq!((*told, *oldest, error.code()), (after, Revision::new(3), "state.lagged"));
        }
    }
    let changes = desk.changes("b", &StateScope::all(), 3).await;
    assert_eq!(numbers(&changes), (4..=kept + 3).collect::<Vec<_>>());
    assert_eq!(numbers(&desk.changes("b", &StateScope::key("k").unwrap(), 3).await).len(), 8);
}

/// Who waits from a forgotten revision is answered at once.
pub async fn who_waits_from_what_is_forgotten_is_answered(desk: &StateDesk) {
    for _ in 0..20 {
        desk.set("a", "k", 0).await;
    }
    for scope in [StateScope::all(), StateScope::key("l").unwrap()] {
        let waited = soon(desk.store().changed(&scope, Revision::ZERO)).await;
        assert!(matches!(waited, Ok(()) | Err(StateError::Lagged { .. })), "{waited:?}");
    }
}

/// A revision that has not been yet is another store's.
pub async fn a_revision_to_come_is_refused(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    let (store, scope, ahead) = (desk.store(), StateScope::all(), Revision::new(2));
    let errors = [
        store.changes(&"a".into(), &scope, ahead, 1).await.unwrap_err(),
        soon(store.changed(&scope, ahead)).await.unwrap_err(),
    ];
    for error in errors {
        let StateError::Ahead { revision, latest } = &error else { panic!("{error:?}") };
        assert_eq!((*revision, *latest), (ahead, Revision::new(1)));
        assert_eq!(error.code(), "state.ahead");
    }
}

/// Where something happened since, nobody waits.
pub async fn who_is_behind_does_not_wait(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    desk.set("a", "other", 1).await;
    for scope in [StateScope::all(), StateScope::prefix("k"), StateScope::key("k").unwrap()] {
        soon(desk.store().changed(&scope, Revision::ZERO)).await.unwrap();
    }
}

/// Each kind of change wakes who waits for the key, for a prefix of it, or for all.
pub async fn each_change_wakes_who_waits(desk: &StateDesk) {
    for scope in [StateScope::all(), StateScope::prefix("k/"), StateScope::key("k/1").unwrap()] {
        for act in 0..4 {
            let (store, after) = (desk.store(), desk.revision().await);
            let waited = scope.clone();
            let waiting = tokio::spawn(async move { store.changed(&waited, after).await });
            tokio::task::yield_now().await;
            match act {
                0 => drop(desk.write("a", write("k/1", 1).ttl(Duration::from_secs(9))).await),
                1 => drop(desk.amend("a", terms("k/1").lasting()).await),
                2 => drop(desk.delete("a", "k/1").await),
                _ => {
                    desk.write("a", write("k/1", 1).ttl(Duration::from_secs(9))).await;
                    desk.wait(9);
                    desk.store().sweep().await.unwrap();
                }
            }
            soon(waiting).await.unwrap().unwrap();
        }
    }
}

/// Who waits no more harms nobody.
pub async fn who_waits_no_more_harms_nobody(desk: &StateDesk) {
    let after = desk.revision().await;
    let scope = StateScope::key("k").unwrap();
    for _ in 0..20 {
        let (store, scope) = (desk.store(), scope.clone());
        let waiting = tokio::spawn(async move { store.changed(&scope, after).await });
        tokio::task::yield_now().await;
        waiting.abort();
    }
    let store = desk.store();
    let waiting = tokio::spawn(async move { store.changed(&scope, after).await });
    tokio::task::yield_now().await;
    desk.set("a", "k", 1).await;
    soon(waiting).await.unwrap().unwrap();
}
