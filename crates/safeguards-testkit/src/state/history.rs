//! The latest versions of a key can be read, as many as the store keeps.

use super::prelude::*;

/// Versions are told the present one first.
pub async fn versions_are_told_newest_first(desk: &StateDesk) {
    assert_eq!(desk.versions("a", "k").await, "");
    for number in 1..=4 {
        desk.set("a", "k", number).await;
        desk.set("a", "l", 0).await;
    }
    assert_eq!(desk.versions("b", "k").await, "4 3 2 1");
}

/// A version is the entry as it was read before it was overwritten.
pub async fn a_version_is_what_was_read(desk: &StateDesk) {
    desk.write("a", write("k", 1).ttl(Duration::from_mins(1))).await;
    desk.amend("a", terms("k").rules(KeyRules::public())).await;
    let first = desk.entry("b", "k").await;
    desk.wait(5);
    desk.set("b", "k", 2).await;
    let versions = desk.store().history(&"c".into(), &key("k"), 9).await.unwrap();
    assert_eq!(versions, [desk.entry("c", "k").await, first]);
}

/// So many are told as are asked for.
pub async fn so_many_versions_are_told(desk: &StateDesk) {
    for number in 1..=4 {
        desk.set("a", "k", number).await;
    }
    for limit in 0..6 {
        let versions = desk.store().history(&"a".into(), &key("k"), limit).await.unwrap();
        assert_eq!(versions.len(), limit.min(4));
        assert!(versions.first().is_none_or(|first| *first.value == json!(4)));
    }
}

/// So many earlier versions are kept as the store says, the latest.
pub async fn so_many_versions_are_kept(desk: &StateDesk) {
    let kept = u64::try_from(desk.setup().history_kept).unwrap();
    for number in 1..=10 {
        desk.set("a", "k", number).await;
    }
    let expected: Vec<_> = (10 - kept..=10).rev().map(|number| number.to_string()).collect();
    assert_eq!(desk.versions("a", "k").await, expected.join(" "));
}

/// Other terms are no version.
pub async fn other_terms_are_no_version(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    desk.amend("a", terms("k").rules(KeyRules::public())).await;
    desk.amend("a", terms("k").owner("b")).await;
    assert_eq!(desk.versions("c", "k").await, "1");
    desk.set("c", "k", 2).await;
    assert_eq!(desk.versions("c", "k").await, "2 1");
}

/// A version from a time when an agent could not read the key is not shown to it later, be it the new owner.
pub async fn a_version_is_as_private_as_it_was(desk: &StateDesk) {
    desk.write("a", write("k", "secret").rules(KeyRules::private())).await;
    desk.set("a", "k", "secret too").await;
    desk.write("a", write("k", 1).rules(KeyRules::new())).await;
    assert_eq!(desk.versions("b", "k").await, "1");
    assert_eq!(desk.versions("a", "k").await, r#"1 "secret too" "secret""#);
    desk.amend("a", terms("k").owner("b")).await;
    desk.set("b", "k", 2).await;
    assert_eq!(desk.versions("b", "k").await, "2 1");
}
