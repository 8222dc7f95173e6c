//! Dead letters: what could not be delivered, and why.

use super::prelude::*;

/// What could be delivered, or was never an event, is no dead letter.
pub async fn what_nobody_asked_for_is_no_dead_letter(desk: &BusDesk) {
    desk.publish("a").await;
    assert!(desk.bus().dead_letters().await.unwrap().is_empty());
}

/// A dead letter has the event as it was to be published, the reason and the time.
pub async fn a_dead_letter_says_what_why_and_when(desk: &BusDesk) {
    desk.clock().advance(Duration::from_secs(3));
    let note = NewEvent::new(topic("a.b"), json!([1])).from("reader").to("writer");
    desk.bus().publish(note.clone()).await.unwrap_err();
    let dead = desk.bus().dead_letters().await.unwrap();
    assert_eq!((dead.letters.len(), dead.dropped), (1, 0));
    let letter = &dead.letters[0];
    assert_eq!(letter.event, note);
    assert_eq!(letter.reason.to_string(), "agent `writer` has no inbox that takes it");
    assert_eq!(letter.at.to_string(), "2026-01-05T09:00:03Z");
}

/// So many are kept, the latest; those dropped are counted.
pub async fn dead_letters_are_bounded_and_counted(desk: &BusDesk) {
    for agent in ["a", "b", "c", "d", "e", "f"] {
        desk.bus().publish(event(agent).to(agent)).await.unwrap_err();
    }
    let dead = desk.bus().dead_letters().await.unwrap();
    let topics: Vec<_> = dead.letters.iter().map(|letter| letter.event.topic().as_str()).collect();
    assert_eq!((topics, dead.dropped), (vec!["c", "d", "e", "f"], 2));
}
