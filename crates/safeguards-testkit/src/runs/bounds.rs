//! What a store takes and keeps is bounded.

use super::{RunHeads, prelude::*};

/// Of the runs that have ended the latest to end are kept, whenever they began.
pub async fn of_the_ended_the_latest_are_kept(desk: &RunStoreDesk) {
    for (run, seconds) in [("a", 9), ("b", 8), ("c", 7), ("d", 6)] {
        desk.begin(head_at(run, seconds)).await;
    }
    for run in ["c", "a", "d"] {
        desk.append(run, 1, end("succeeded")).await;
    }
    assert_eq!(desk.listed(&RunQuery::all()).await, "a b c d");
    desk.append("b", 1, end("succeeded")).await;
    assert_eq!(desk.listed(&RunQuery::all()).await, "a b d");
    desk.ended(head_at("e", 0)).await;
    assert_eq!(desk.listed(&RunQuery::all()).await, "b d e");
}

/// A name that was forgotten and began anew is as old as its latest end.
pub async fn what_began_anew_is_as_old_as_its_latest_end(desk: &RunStoreDesk) {
    desk.ended(head_at("a", 1)).await;
    desk.forget("a").await;
    desk.ended(head_at("b", 2)).await;
    desk.ended(head_at("c", 3)).await;
    desk.ended(head_at("a", 4)).await;
    desk.ended(head_at("d", 5)).await;
    assert_eq!(desk.listed(&RunQuery::all()).await, "d a c");
}

/// A run that was taken over ends anew, and counts from then.
pub async fn what_was_taken_over_ends_anew(desk: &RunStoreDesk) {
    for (run, seconds) in [("a", 1), ("b", 2), ("c", 3)] {
        desk.ended(head_at(run, seconds)).await;
    }
    desk.take_over("a", 1, 10).await;
    desk.ended(head_at("d", 4)).await;
    assert_eq!(desk.listed(&RunQuery::all()).await, "d c b a");
    desk.append("a", 2, end("succeeded")).await;
    assert_eq!(desk.listed(&RunQuery::all()).await, "d c a");
}

/// A run that has not ended is kept, however many end.
pub async fn what_has_not_ended_is_kept(desk: &RunStoreDesk) {
    desk.begin(head_at("a", -9)).await;
    desk.append("a", 1, intent("s", 1)).await;
    for number in 0..10_i64 {
        desk.ended(head_at(&format!("r-{number}"), number)).await;
    }
    assert_eq!(desk.listed(&RunQuery::all()).await, "r-9 r-8 r-7 a");
    assert_eq!(desk.entries("a").await, [intent("s", 1)]);
}

/// So many runs may go on at once; when one ends there is room for another.
pub async fn so_many_run_at_once(desk: &RunStoreDesk) {
    for run in ["a", "b", "c", "d"] {
        desk.begin(head(run)).await;
    }
    desk.refuses_begin(head("e"), "runs.bound_exceeded").await;
    desk.begin(head("a")).await;
    desk.append("c", 1, end("failed")).await;
    desk.begin(head("e")).await;
    desk.refuses_begin(head("f"), "runs.bound_exceeded").await;
}

/// A run that has ended is taken over where there is room for one that has not.
pub async fn an_ended_run_goes_on_where_there_is_room(desk: &RunStoreDesk) {
    desk.ended(head("a")).await;
    for run in ["b", "c", "d", "e"] {
        desk.begin(head(run)).await;
    }
    desk.refuses_taking_over("a", 1, 10, "runs.bound_exceeded").await;
    assert_eq!(desk.take_over("b", 1, 10).await, 2);
    desk.append("c", 1, end("failed")).await;
    assert_eq!(desk.take_over("a", 1, 10).await, 2);
    assert_eq!(desk.take_over("a", 1, 10).await, 2);
}

/// A run has so many entries.
pub async fn a_run_has_so_many_entries(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    for attempt in 1..=6 {
        desk.append("r", 1, intent("a", attempt)).await;
    }
    desk.refuses("r", 1, intent("a", 7), "runs.bound_exceeded").await;
    desk.refuses("r", 1, outcome("a", 1, 1), "runs.bound_exceeded").await;
    assert_eq!(desk.entries("r").await.len(), 6);
}

/// There is room for an end, however many entries there are: else it would never have one.
pub async fn there_is_room_for_an_end(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    for attempt in 1..=6 {
        desk.append("r", 1, intent("a", attempt)).await;
    }
    desk.append("r", 1, end("failed")).await;
    assert_eq!(desk.view("r").await.entries, 7);
}

/// A run that is full may be taken over, and ended.
pub async fn a_full_run_may_be_taken_over(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    for attempt in 1..=6 {
        desk.append("r", 1, intent("a", attempt)).await;
    }
    desk.take_over("r", 1, 5).await;
    desk.refuses("r", 2, intent("a", 1), "runs.bound_exceeded").await;
    desk.append("r", 2, end("failed")).await;
}

/// A repeat needs no room.
pub async fn a_repeat_needs_no_room(desk: &RunStoreDesk) {
    for run in ["a", "b", "c", "d"] {
        desk.begin(head(run)).await;
    }
    for attempt in 1..=6 {
        desk.append("a", 1, intent("s", attempt)).await;
    }
    desk.begin(head("b")).await;
    desk.append("a", 1, intent("s", 3)).await;
}

/// An entry has so many bytes, and not one more.
pub async fn an_entry_has_so_many_bytes(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    let most = desk.bounds().entry_bytes_max;
    desk.refuses("r", 1, sized("a", most + 1), "runs.bound_exceeded").await;
    desk.append("r", 1, sized("a", most)).await;
    let long = || Value::from("x".repeat(most));
    desk.refuses("r", 1, outcome("b", 1, long()), "runs.bound_exceeded").await;
    let RunEntry::Ended(mut ended) = end("succeeded") else { panic!("an end") };
    ended.output = Some(long());
    desk.refuses("r", 1, RunEntry::Ended(ended), "runs.bound_exceeded").await;
    desk.append("r", 1, end("succeeded")).await;
}

/// A head has so many bytes.
pub async fn a_head_has_so_many_bytes(desk: &RunStoreDesk) {
    let most = desk.bounds().entry_bytes_max;
    let with = |letters| RunHeads::new().task("x".repeat(letters)).head("r");
    let bare = serde_json::to_vec(&with(0)).unwrap().len();
    desk.refuses_begin(with(most - bare + 1), "runs.bound_exceeded").await;
    desk.begin(with(most - bare)).await;
}

/// Names count, and what else is not the task: all that is written down.
pub async fn names_count_too(desk: &RunStoreDesk) {
    let long = "x".repeat(desk.bounds().entry_bytes_max);
    desk.refuses_begin(RunHeads::new().team(&*long).head("r"), "runs.bound_exceeded").await;
    desk.begin(head("r")).await;
    desk.refuses("r", 1, intent(&long, 1), "runs.bound_exceeded").await;
    desk.refuses("r", 1, outcome(&long, 1, 1), "runs.bound_exceeded").await;
    let RunEntry::Outcome(mut said) = outcome("a", 1, 1) else { panic!("an outcome") };
    said.notes = vec![String::new(); 1_000];
    desk.refuses("r", 1, RunEntry::Outcome(said), "runs.bound_exceeded").await;
}
