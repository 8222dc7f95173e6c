//! An end is the last of its leg.

use super::prelude::*;

/// An end is shown with the run, as it was said.
pub async fn an_end_is_shown(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.append("r", 1, intent("a", 1)).await;
    assert_eq!(desk.view("r").await.end, None);
    desk.append("r", 1, end("timed_out")).await;
    let RunEntry::Ended(said) = end("timed_out") else { panic!("an end") };
    let view = desk.view("r").await;
    assert_eq!((view.end, view.entries, view.leg), (Some(*said), 2, 1));
}

/// A run may end in each state.
pub async fn each_state_may_be_the_end(desk: &RunStoreDesk) {
    let states = [
        "succeeded",
        "failed",
        "denied",
        "timed_out",
        "cancelled",
        "skipped",
        "interrupted",
        "abandoned",
    ];
    for state in states {
        desk.begin(head(state)).await;
        desk.append(state, 1, end(state)).await;
        let shown = desk.view(state).await.state();
        assert_eq!(shown.map(State::as_str), Some(state));
    }
}

/// Nothing is appended after the end.
pub async fn nothing_comes_after_the_end(desk: &RunStoreDesk) {
    desk.ended(head("r")).await;
    for late in [intent("a", 1), outcome("a", 1, 1), outcome("b", 0, 1)] {
        desk.refuses("r", 1, late, "runs.run_ended").await;
    }
}

/// A run may end whose intents have no outcomes.
pub async fn an_end_needs_no_outcome(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.append("r", 1, intent("a", 1)).await;
    desk.append("r", 1, end("failed")).await;
    assert_eq!(desk.entries("r").await, [intent("a", 1), end("failed")]);
}

/// A run ends once in a leg; another end that says otherwise is refused.
pub async fn two_ends_contradict_each_other(desk: &RunStoreDesk) {
    desk.ended(head("r")).await;
    desk.refuses("r", 1, end("failed"), "runs.entry_conflict").await;
    assert_eq!(desk.view("r").await.state(), Some(State::Succeeded));
}
