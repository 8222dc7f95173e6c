//! What was asked before is answered as before: its first answer may have been lost.

use super::prelude::*;

/// The very same beginning again changes nothing.
pub async fn a_beginning_may_be_repeated(desk: &RunStoreDesk) {
    for _ in 0..3 {
        desk.begin(head("r")).await;
    }
    assert_eq!(desk.view("r").await.entries, 0);
    assert_eq!(desk.listed(&RunQuery::all()).await, "r");
}

/// A beginning may be repeated after something was appended, be it the end.
pub async fn a_beginning_may_be_repeated_late(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.append("r", 1, intent("a", 1)).await;
    desk.begin(head("r")).await;
    desk.append("r", 1, end("succeeded")).await;
    desk.begin(head("r")).await;
    assert_eq!(desk.view("r").await.state(), Some(State::Succeeded));
    assert_eq!(desk.entries("r").await.len(), 2);
}

/// A run that was taken over is not begun again: somebody else is on it.
pub async fn what_was_taken_over_is_not_begun_again(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.take_over("r", 1, 5).await;
    desk.refuses_begin(head("r"), "runs.taken_over").await;
    desk.refuses_begin(head_at("r", 1), "runs.run_exists").await;
}

/// The very same append again changes nothing.
pub async fn an_append_may_be_repeated(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    for entry in [intent("a", 1), outcome("a", 1, json!({ "x": [1.5, null] }))] {
        for _ in 0..3 {
            desk.append("r", 1, entry.clone()).await;
        }
    }
    assert_eq!(desk.entries("r").await.len(), 2);
}

/// An append may be repeated after others, and after the end.
pub async fn an_append_may_be_repeated_late(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    let said = [intent("a", 1), intent("b", 1), outcome("b", 1, 2), end("failed")];
    for entry in said.clone() {
        desk.append("r", 1, entry).await;
    }
    for entry in said.clone().into_iter().rev() {
        desk.append("r", 1, entry).await;
    }
    assert_eq!(desk.entries("r").await, said);
}

/// Another entry for the same that says otherwise is refused, before the end and after it.
pub async fn what_says_otherwise_is_refused(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.append("r", 1, outcome("a", 1, 1)).await;
    for other in [json!(2), json!(1.0), json!("1"), json!(null)] {
        desk.refuses("r", 1, outcome("a", 1, other), "runs.entry_conflict").await;
    }
    let RunEntry::Intent(mut other) = intent("b", 1) else { panic!("an intent") };
    desk.append("r", 1, intent("b", 1)).await;
    other.at = other.at.saturating_add(std::time::Duration::from_nanos(1));
    desk.refuses("r", 1, RunEntry::Intent(other.clone()), "runs.entry_conflict").await;
    desk.append("r", 1, end("failed")).await;
    desk.refuses("r", 1, RunEntry::Intent(other), "runs.entry_conflict").await;
}

/// What was appended in an earlier leg is not even repeated there.
pub async fn an_earlier_leg_repeats_nothing(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.append("r", 1, intent("a", 1)).await;
    desk.append("r", 1, end("failed")).await;
    desk.take_over("r", 1, 10).await;
    desk.refuses("r", 1, intent("a", 1), "runs.taken_over").await;
    desk.refuses("r", 1, end("failed"), "runs.taken_over").await;
}

/// The very same taking over again changes nothing and gives the same leg.
pub async fn a_taking_over_may_be_repeated(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    for _ in 0..3 {
        assert_eq!(desk.take_over("r", 1, 5).await, 2);
    }
    assert_eq!(desk.view("r").await.entries, 1);
    desk.refuses_taking_over("r", 1, 6, "runs.taken_over").await;
    let another = desk.store().take_over(&"r".into(), 1, taker(6), instant(5)).await;
    assert_eq!(another.unwrap_err().code(), "runs.taken_over", "at the same instant");
    assert_eq!(desk.take_over("r", 2, 5).await, 3);
}

/// Once something was appended in its leg, a taking over is not repeated: whoever does it knew the answer.
pub async fn a_taking_over_is_repeated_until_somebody_writes(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.take_over("r", 1, 5).await;
    desk.append("r", 2, intent("a", 1)).await;
    desk.refuses_taking_over("r", 1, 5, "runs.taken_over").await;
}

/// The very same end again changes nothing.
pub async fn an_end_may_be_repeated(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    for _ in 0..3 {
        desk.append("r", 1, end("succeeded")).await;
    }
    assert_eq!(desk.entries("r").await, [end("succeeded")]);
}
