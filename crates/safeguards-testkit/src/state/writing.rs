//! A write takes effect as a whole, and on a condition only where the key has not changed.

use super::prelude::*;

/// Each write has the next revision, over all keys, from 1.
pub async fn each_write_has_the_next_revision(desk: &StateDesk) {
    for number in 1..=5 {
        let name = if number == 3 { "l" } else { "k" };
        assert_eq!(desk.set("a", name, 0).await, Revision::new(number));
    }
    assert_eq!(desk.revision().await, Revision::new(5));
}

/// A write replaces the value as a whole.
pub async fn a_write_replaces_the_whole_value(desk: &StateDesk) {
    desk.set("a", "k", json!({ "a": 1, "b": 2 })).await;
    desk.set("a", "k", json!({ "b": 3 })).await;
    desk.shows("a", "k", r#"{"b":3}"#).await;
}

/// The same value again is a change all the same.
pub async fn the_same_again_is_a_change(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    assert_eq!(desk.set("a", "k", 1).await, Revision::new(2));
    assert_eq!(desk.read("a", "k").await.revision, Revision::new(2));
}

/// On the revision that was read, a write is made.
pub async fn a_write_on_what_was_read_is_made(desk: &StateDesk) {
    let old = desk.read("a", "k").await;
    let first = desk.write("a", write("k", 1).if_revision(old.revision)).await;
    let old = desk.read("a", "k").await;
    assert_eq!(old.revision, first);
    desk.write("a", write("k", 2).if_revision(old.revision)).await;
    desk.shows("a", "k", "2").await;
}

/// Where the key has changed since, a write on the old revision is refused, and told the present one.
pub async fn a_write_on_an_old_revision_conflicts(desk: &StateDesk) {
    let old = desk.set("a", "k", 1).await;
    let present = desk.set("a", "k", 2).await;
    let late = write("k", 3).if_revision(old);
    let error = desk.refuses("a", late.clone(), "state.conflict").await;
    let StateError::Conflict { key, expected, present: told } = &error else { panic!("{error:?}") };
    assert_eq!((key.as_str(), *expected, *told), ("k", old, present));
    assert!(!error.is_retryable());
    desk.write("a", late.if_revision(*told)).await;
}

/// Where nothing was, one write on absence is made, and the next one not.
pub async fn a_write_on_absence_is_made_once(desk: &StateDesk) {
    let absent = desk.read("a", "k").await.revision;
    desk.write("a", write("k", 1).if_revision(absent)).await;
    desk.refuses("a", write("k", 2).if_revision(absent), "state.conflict").await;
    desk.shows("a", "k", "1").await;
}

/// Who saw that nothing was there is not deceived where something came and went since.
pub async fn what_came_and_went_is_a_change(desk: &StateDesk) {
    let absent = desk.read("a", "k").await.revision;
    desk.set("b", "k", 1).await;
    let gone = desk.delete("b", "k").await;
    let error = desk.refuses("a", write("k", 2).if_revision(absent), "state.conflict").await;
    assert!(matches!(error, StateError::Conflict { present, .. } if present == gone), "{error:?}");
    desk.write("a", write("k", 2).if_revision(gone)).await;
}

/// Who read a value is not deceived where the key went and came again with the same.
pub async fn what_went_and_came_again_is_a_change(desk: &StateDesk) {
    let first = desk.set("a", "k", 1).await;
    desk.delete("a", "k").await;
    desk.set("a", "k", 1).await;
    desk.refuses("a", write("k", 2).if_revision(first), "state.conflict").await;
}

/// Changes of other keys do not matter.
pub async fn changes_of_other_keys_do_not_matter(desk: &StateDesk) {
    let old = desk.set("a", "k", 1).await;
    let absent = desk.read("a", "l").await.revision;
    for _ in 0..10 {
        desk.set("b", "other", 0).await;
    }
    desk.write("a", write("k", 2).if_revision(old)).await;
    desk.write("a", write("l", 2).if_revision(absent)).await;
}

/// Any revision after which the key has not changed is good.
pub async fn a_later_revision_is_good_too(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    desk.set("a", "other", 1).await;
    let reading = desk.read("a", "k").await;
    desk.set("a", "other", 2).await;
    let made = desk.write("a", write("k", 2).if_revision(reading.as_of)).await;
    desk.refuses("a", write("k", 3).if_revision(reading.as_of), "state.conflict").await;
    desk.write("a", write("k", 3).if_revision(made)).await;
}

/// A revision that has not been yet is another store's.
pub async fn a_revision_to_come_is_refused(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    let ahead = Revision::new(2);
    let errors = [
        desk.refuses("a", write("k", 2).if_revision(ahead), "state.ahead").await,
        desk.refuses("a", write("absent", 2).if_revision(ahead), "state.ahead").await,
        desk.refuses("b", write("k", 2).if_revision(ahead), "state.ahead").await,
        desk.refuses_terms("a", terms("k").if_revision(ahead), "state.ahead").await,
        desk.refuses_deletion("a", "absent", Some(ahead), "state.ahead").await,
    ];
    for error in errors {
        let StateError::Ahead { revision, latest } = error else { panic!("{error:?}") };
        assert_eq!((revision, latest), (ahead, Revision::new(1)));
    }
}

/// A write on a condition whose answer was lost may be sent again: it is not made twice.
pub async fn a_write_on_a_condition_is_made_once(desk: &StateDesk) {
    let old = desk.set("a", "k", 1).await;
    let again = write("k", 2).if_revision(old);
    desk.write("a", again.clone()).await;
    desk.refuses("a", again, "state.conflict").await;
    assert_eq!(desk.versions("a", "k").await, "2 1");
}

/// Where the latest change of an absent key is forgotten, a condition from before is a conflict: it cannot be told.
pub async fn a_forgotten_absence_is_a_conflict(desk: &StateDesk) {
    let kept = u64::try_from(desk.setup().changes_kept).unwrap();
    let absent = desk.read("a", "k").await.revision;
    for _ in 0..kept {
        desk.set("b", "other", 1).await;
    }
    desk.write("a", write("k", 1).if_revision(absent)).await;
    desk.delete("a", "k").await;
    let absent = desk.read("a", "k").await.revision;
    for _ in 0..=kept {
        desk.set("b", "other", 1).await;
    }
    let error = desk.refuses("a", write("k", 1).if_revision(absent), "state.conflict").await;
    let StateError::Conflict { present, .. } = error else { panic!("{error:?}") };
    assert_eq!(present, desk.revision().await);
    desk.write("a", write("k", 1).if_revision(present)).await;
}
