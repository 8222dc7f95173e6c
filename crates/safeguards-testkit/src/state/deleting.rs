//! What is deleted is gone, with all that was before.

use super::prelude::*;

/// A deleted key is absent, and its deletion a change.
pub async fn a_deleted_key_is_absent(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    assert_eq!(desk.delete("a", "k").await, Revision::new(2));
    desk.shows("a", "k", "-").await;
    desk.lists("a", "", "").await;
    assert_eq!(desk.read("a", "k").await.revision, Revision::new(2));
}

/// A deletion may have a condition.
pub async fn a_deletion_may_have_a_condition(desk: &StateDesk) {
    let old = desk.set("a", "k", 1).await;
    let present = desk.set("a", "k", 2).await;
    let error = desk.refuses_deletion("a", "k", Some(old), "state.conflict").await;
    assert!(matches!(error, StateError::Conflict { present: told, .. } if told == present));
    desk.store().delete(&"a".into(), &key("k"), Some(present)).await.unwrap();
    desk.shows("a", "k", "-").await;
}

/// What is not there cannot be deleted, with a condition or without.
pub async fn what_is_absent_is_named(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    let gone = desk.delete("a", "k").await;
    for condition in [None, Some(gone), Some(Revision::ZERO)] {
        let error = desk.refuses_deletion("a", "k", condition, "state.absent").await;
        assert!(matches!(error, StateError::Absent { key } if key.as_str() == "k"));
    }
}

/// Who writes a deleted key begins anew, as its owner.
pub async fn who_writes_next_begins_anew(desk: &StateDesk) {
    let said = write("k", 1).rules(KeyRules::private()).ttl(Duration::from_mins(1));
    desk.write("a", said).await;
    desk.delete("a", "k").await;
    desk.set("b", "k", 2).await;
    let entry = desk.entry("c", "k").await;
    assert_eq!((entry.owner.as_str(), &*entry.rules), ("b", &KeyRules::new()));
    assert_eq!(entry.expires_at, None);
    desk.refuses("a", write("k", 3), "state.not_writable").await;
}

/// Earlier versions go with the key.
pub async fn earlier_versions_go_too(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    desk.set("a", "k", 2).await;
    desk.delete("a", "k").await;
    assert_eq!(desk.versions("a", "k").await, "");
    desk.set("b", "k", 3).await;
    assert_eq!(desk.versions("b", "k").await, "3");
}
