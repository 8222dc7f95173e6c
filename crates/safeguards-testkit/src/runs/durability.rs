//! What a durable store has answered is there when it is opened again.

use super::{prelude::*, sample_entries};

/// Runs and entries are there again, to the letter.
pub async fn all_is_there_again(desk: &RunStoreDesk) {
    desk.begin(head_at("r", 1)).await;
    let mut said = Vec::new();
    for (number, (entry, _)) in (0_u32..).zip(sample_entries()) {
        if let RunEntry::Outcome(mut outcome) = entry {
            outcome.attempt = number;
            said.push(RunEntry::Outcome(outcome));
        }
    }
    for entry in said.clone() {
        desk.append("r", 1, entry).await;
    }
    desk.ended(head_at("s", 2)).await;
    let before = desk.all().await;
    desk.reopen().await;
    assert_eq!(desk.all().await, before);
    assert_eq!(desk.entries("r").await, said);
    assert_eq!(desk.listed(&RunQuery::all()).await, "s r");
    assert_eq!(desk.listed(&RunQuery::all().unfinished()).await, "r");
}

/// Legs go on from where they were.
pub async fn legs_go_on(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.take_over("r", 1, 5).await;
    desk.reopen().await;
    desk.refuses("r", 1, intent("a", 1), "runs.taken_over").await;
    desk.append("r", 2, intent("a", 1)).await;
    desk.reopen().await;
    assert_eq!(desk.take_over("r", 2, 6).await, 3);
}

/// What was answered before it was closed may be repeated, and contradicted no more than then.
pub async fn repeats_are_known(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.append("r", 1, outcome("a", 1, json!({ "x": [1, null] }))).await;
    desk.reopen().await;
    desk.begin(head("r")).await;
    desk.append("r", 1, outcome("a", 1, json!({ "x": [1, null] }))).await;
    desk.refuses("r", 1, outcome("a", 1, 2), "runs.entry_conflict").await;
    desk.append("r", 1, end("succeeded")).await;
    desk.reopen().await;
    desk.append("r", 1, end("succeeded")).await;
    desk.refuses("r", 1, intent("b", 1), "runs.run_ended").await;
    assert_eq!(desk.entries("r").await.len(), 2);
}

/// What was forgotten stays gone.
pub async fn what_was_forgotten_stays_gone(desk: &RunStoreDesk) {
    desk.ended(head("r")).await;
    desk.ended(head("s")).await;
    desk.forget("r").await;
    desk.reopen().await;
    assert_eq!(desk.view_of("r").await, None);
    desk.begin(head_at("r", 60)).await;
    assert!(desk.entries("r").await.is_empty());
}

/// It says that it lasts.
pub async fn it_says_that_it_lasts(desk: &RunStoreDesk) {
    assert!(desk.store().is_durable());
    desk.reopen().await;
    assert!(desk.store().is_durable());
}
