//! Anyone may read and only the owner may write, unless the key's rules say otherwise.

use super::prelude::*;

/// The first writer of an absent key becomes its owner; everyone reads, the owner alone writes.
pub async fn the_first_writer_is_the_owner(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    desk.shows("b", "k", "1").await;
    let error = desk.refuses("b", write("k", 2), "state.not_writable").await;
    let StateError::NotAllowed { agent, key, right, owner } = error else { panic!("{error:?}") };
    assert_eq!((agent.as_str(), key.as_str(), right), ("b", "k", StateRight::Write));
    assert_eq!(owner, Some("a".into()), "who may read is told whose it is");
    desk.set("a", "k", 2).await;
}

/// Rules name who may write besides the owner, and nobody else may.
pub async fn rules_name_the_writers(desk: &StateDesk) {
    desk.write("a", write("k", 1).rules(KeyRules::new().writers(["b"]))).await;
    desk.set("b", "k", 2).await;
    desk.refuses("c", write("k", 3), "state.not_writable").await;
    desk.set("a", "k", 4).await;
}

/// A public key is everyone's to write, and still its owner's.
pub async fn a_public_key_is_everyones_to_write(desk: &StateDesk) {
    desk.write("a", write("k", 1).rules(KeyRules::public())).await;
    for agent in ["b", "c", "nobody", "a"] {
        desk.set(agent, "k", agent).await;
    }
    desk.refuses_deletion("b", "k", None, "state.not_owner").await;
    assert_eq!(desk.entry("b", "k").await.owner.as_str(), "a");
}

/// A private key is refused without its value, and without saying whose it is.
pub async fn a_private_key_is_refused(desk: &StateDesk) {
    desk.write("owner", write("k", "secret").rules(KeyRules::private().readers(["b"]))).await;
    desk.shows("b", "k", r#""secret""#).await;
    desk.shows("owner", "k", r#""secret""#).await;
    let errors = [
        desk.refuses_reading("c", "k").await,
        desk.refuses("c", write("k", 1), "state.not_writable").await,
        desk.refuses_terms("c", terms("k").owner("c"), "state.not_owner").await,
        desk.refuses_deletion("c", "k", None, "state.not_owner").await,
        desk.store().history(&"c".into(), &key("k"), 9).await.unwrap_err(),
    ];
    for error in errors {
        let told = format!("{error} {error:?}");
        assert!(!told.contains("secret") && !told.contains("owner\""), "{told}");
        assert!(matches!(error, StateError::NotAllowed { owner: None, .. }), "{error:?}");
    }
    let error = desk.refuses("b", write("k", 1), "state.not_writable").await;
    assert!(matches!(error, StateError::NotAllowed { owner: Some(_), .. }), "b may read it");
}

/// Who may write may read.
pub async fn who_may_write_may_read(desk: &StateDesk) {
    desk.write("a", write("k", 1).rules(KeyRules::private().writers(["b"]))).await;
    desk.shows("b", "k", "1").await;
    desk.lists("b", "", "k").await;
    desk.refuses_reading("c", "k").await;
}

/// Who may only write cannot make the key its own: rules, owner, end and deletion are the owner's.
pub async fn a_writer_does_not_own(desk: &StateDesk) {
    desk.write("a", write("k", 1).rules(KeyRules::public())).await;
    let minute = Duration::from_mins(1);
    desk.refuses("b", write("k", 2).rules(KeyRules::public()), "state.not_owner").await;
    desk.refuses("b", write("k", 2).ttl(minute), "state.not_owner").await;
    desk.refuses("b", write("k", 2).lasting(), "state.not_owner").await;
    for said in [
        terms("k").owner("b"),
        terms("k").rules(KeyRules::private()),
        terms("k").ttl(minute),
        terms("k").lasting(),
        terms("k"),
    ] {
        let error = desk.refuses_terms("b", said, "state.not_owner").await;
        let StateError::NotAllowed { right, owner, .. } = error else { panic!("{error:?}") };
        assert_eq!((right, owner), (StateRight::Own, Some("a".into())));
    }
    desk.refuses_deletion("b", "k", None, "state.not_owner").await;
}

/// Rules come with the first write, so that nobody sees what is private before they do.
pub async fn rules_come_with_the_first_write(desk: &StateDesk) {
    desk.write("a", write("k", 1).rules(KeyRules::private())).await;
    assert_eq!(desk.told("b", "", 0).await, Vec::<String>::new());
    desk.refuses_reading("b", "k").await;
}

/// A write without rules leaves them as they are; one with rules replaces them.
pub async fn rules_stay_until_others_are_set(desk: &StateDesk) {
    desk.write("a", write("k", 1).rules(KeyRules::private())).await;
    desk.set("a", "k", 2).await;
    desk.refuses_reading("b", "k").await;
    desk.write("a", write("k", 3).rules(KeyRules::new())).await;
    desk.shows("b", "k", "3").await;
    desk.amend("a", terms("k").rules(KeyRules::private())).await;
    desk.refuses_reading("b", "k").await;
}

/// A key that is handed over is the other's, and who had it has no more rights than the rules give.
pub async fn a_key_is_handed_over(desk: &StateDesk) {
    desk.write("a", write("k", 1).rules(KeyRules::private())).await;
    assert_eq!(desk.amend("a", terms("k").owner("b")).await, Revision::new(2));
    desk.refuses_reading("a", "k").await;
    let entry = desk.entry("b", "k").await;
    assert_eq!((entry.owner.as_str(), entry.writer.as_str()), ("b", "a"));
    assert_eq!(*entry.rules, KeyRules::private());
    desk.set("b", "k", 2).await;
    desk.amend("b", terms("k").owner("a").rules(KeyRules::new())).await;
    desk.set("a", "k", 3).await;
    desk.refuses("b", write("k", 4), "state.not_writable").await;
}

/// Other terms leave the value as it is, with who wrote it and when.
pub async fn terms_leave_the_value(desk: &StateDesk) {
    desk.set("a", "k", json!([1])).await;
    let before = desk.entry("a", "k").await;
    desk.wait(5);
    desk.amend("a", terms("k").owner("b").rules(KeyRules::public())).await;
    let after = desk.entry("a", "k").await;
    assert_eq!((&after.value, &after.writer), (&before.value, &before.writer));
    assert_eq!((after.written_at, after.bytes), (before.written_at, before.bytes));
    assert_eq!(after.revision, Revision::new(2));
}

/// Other terms may have a condition, and are themselves a change.
pub async fn terms_may_have_a_condition(desk: &StateDesk) {
    let old = desk.set("a", "k", 1).await;
    let said = terms("k").rules(KeyRules::public()).if_revision(old);
    desk.amend("a", said.clone()).await;
    desk.refuses_terms("a", said, "state.conflict").await;
    desk.refuses("a", write("k", 2).if_revision(old), "state.conflict").await;
}

/// An absent key has no terms.
pub async fn an_absent_key_has_no_terms(desk: &StateDesk) {
    desk.refuses_terms("a", terms("k").owner("b"), "state.absent").await;
    desk.set("a", "k", 1).await;
    desk.delete("a", "k").await;
    desk.refuses_terms("a", terms("k").owner("b"), "state.absent").await;
}

/// What the agent may not do is said before that the key has changed.
pub async fn a_right_is_looked_at_before_a_revision(desk: &StateDesk) {
    let old = desk.set("a", "k", 1).await;
    desk.set("a", "k", 2).await;
    desk.refuses("b", write("k", 3).if_revision(old), "state.not_writable").await;
    desk.refuses_deletion("b", "k", Some(old), "state.not_owner").await;
    desk.refuses_terms("b", terms("k").if_revision(old), "state.not_owner").await;
}
