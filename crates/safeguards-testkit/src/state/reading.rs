//! A reading gives a copy of what is there, with the revision to write on.

use super::prelude::*;

/// An absent key has a revision too: the latest.
pub async fn an_absent_key_has_a_revision(desk: &StateDesk) {
    let reading = desk.read("a", "k").await;
    assert!(reading.is_absent() && reading.value().is_none());
    assert_eq!((reading.revision, reading.as_of), (Revision::ZERO, Revision::ZERO));
    desk.set("a", "other", 1).await;
    let reading = desk.read("a", "k").await;
    assert_eq!((reading.revision, reading.as_of), (Revision::new(1), Revision::new(1)));
}

/// What was written is read, with all that is known of it.
pub async fn what_was_written_is_read(desk: &StateDesk) {
    desk.set("a", "other", 1).await;
    desk.wait(5);
    let (value, rules) = (json!({ "n": [1, null] }), KeyRules::new().writers(["b"]));
    let said = write("k", value.clone()).rules(rules.clone()).ttl(Duration::from_mins(1));
    assert_eq!(desk.write("a", said).await, Revision::new(2));
    let entry = desk.entry("c", "k").await;
    assert_eq!((entry.key.as_str(), &*entry.value, &*entry.rules), ("k", &value, &rules));
    assert_eq!(entry.bytes, value.to_string().len());
    assert_eq!((entry.owner.as_str(), entry.writer.as_str()), ("a", "a"));
    assert_eq!((entry.revision, entry.written_at), (Revision::new(2), desk.now()));
    assert_eq!(entry.expires_at, Some(desk.after(60)));

    desk.wait(5);
    desk.set("b", "k", 2).await;
    let entry = desk.entry("c", "k").await;
    assert_eq!((entry.owner.as_str(), entry.writer.as_str()), ("a", "b"));
    assert_eq!((entry.revision, entry.written_at), (Revision::new(3), desk.now()));
    assert_eq!(entry.bytes, 1);
}

/// What is not said is as usual: everyone reads, the owner writes, and the key stays.
pub async fn what_is_not_said_is_as_usual(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    let entry = desk.entry("a", "k").await;
    assert_eq!((&*entry.rules, entry.expires_at), (&KeyRules::new(), None));
}

/// Any JSON is read as it was written, to the last digit.
pub async fn any_json_is_kept(desk: &StateDesk) {
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-0.0),
        json!(1.0),
        json!(0.1),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("\u{0}\"\\\n é 𝄞"),
        json!([]),
        json!({}),
        json!([[], {}, [null, { "": { "a b": [1] } }]]),
    ];
    for value in values {
        desk.set("a", "k", value.clone()).await;
        let entry = desk.entry("b", "k").await;
        assert_eq!((&*entry.value, entry.bytes), (&value, value.to_string().len()));
        assert_eq!(entry.value.to_string(), value.to_string());
    }
}

/// What was read stays as it was, whatever is written later.
pub async fn a_reading_is_a_copy(desk: &StateDesk) {
    desk.set("a", "k", json!([1])).await;
    let reading = desk.read("b", "k").await;
    desk.set("a", "k", json!([1, 2])).await;
    assert_eq!(reading.value(), Some(&json!([1])));
    desk.delete("a", "k").await;
    assert_eq!(reading.value(), Some(&json!([1])));
}

/// Keys are told apart letter by letter.
pub async fn keys_do_not_mix(desk: &StateDesk) {
    let long = "x".repeat(StateBounds::KEY_BYTES);
    let keys = ["k", "K", "k/", "k/1", " k", "k ", "é", "e\u{301}", "%6b", "'", &long];
    for (number, name) in keys.into_iter().enumerate() {
        desk.set("a", name, number).await;
    }
    for (number, name) in keys.into_iter().enumerate() {
        desk.shows("b", name, &number.to_string()).await;
    }
    desk.shows("b", "k/2", "-").await;
}

/// A reading of what is there tells the revision of its latest change, and how far the store is.
pub async fn a_reading_tells_both_revisions(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    desk.set("a", "l", 1).await;
    let reading = desk.read("b", "k").await;
    assert_eq!((reading.revision, reading.as_of), (Revision::new(1), Revision::new(2)));
    desk.amend("a", terms("k").rules(KeyRules::public())).await;
    let reading = desk.read("b", "k").await;
    assert_eq!((reading.revision, reading.as_of), (Revision::new(3), Revision::new(3)));
}
