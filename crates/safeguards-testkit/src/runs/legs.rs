//! Who takes a run over begins its next leg, and nobody else writes there.

use super::prelude::*;

/// A taking over begins the next leg, and stands among the entries with its instant.
pub async fn a_taking_over_begins_the_next_leg(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.append("r", 1, intent("a", 1)).await;
    assert_eq!(desk.take_over("r", 1, 5).await, 2);
    let view = desk.view("r").await;
    assert_eq!((view.leg, view.entries, view.end), (2, 2, None));
    let taken_over = RunEntry::TakenOver { leg: 2, by: taker(5), at: instant(5) };
    assert_eq!(desk.entries("r").await, [intent("a", 1), taken_over]);
}

/// Who wrote in an earlier leg can append nothing any more.
pub async fn who_wrote_before_writes_no_more(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.append("r", 1, intent("a", 1)).await;
    desk.take_over("r", 1, 5).await;
    for late in [outcome("a", 1, 1), intent("b", 1), end("succeeded")] {
        desk.refuses("r", 1, late, "runs.taken_over").await;
    }
    desk.append("r", 2, intent("b", 1)).await;
}

/// Nobody appends in a leg that has not begun, nor in none.
pub async fn nobody_writes_ahead(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    for leg in [0, 2, u32::MAX] {
        desk.refuses("r", leg, intent("a", 1), "runs.taken_over").await;
    }
}

/// A run is taken over only from the leg that it is in.
pub async fn a_run_is_taken_over_from_its_leg_alone(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    for leg in [0, 2, u32::MAX] {
        desk.refuses_taking_over("r", leg, 5, "runs.taken_over").await;
    }
    desk.take_over("r", 1, 5).await;
    for (leg, seconds) in [(1, 6), (3, 6), (0, 5)] {
        desk.refuses_taking_over("r", leg, seconds, "runs.taken_over").await;
    }
}

/// In each leg there is one entry of each key: what was said before may be said otherwise.
pub async fn each_leg_has_its_own_entries(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.append("r", 1, intent("a", 1)).await;
    desk.append("r", 1, outcome("a", 1, "first")).await;
    desk.take_over("r", 1, 5).await;
    desk.append("r", 2, intent("a", 1)).await;
    desk.append("r", 2, outcome("a", 1, "second")).await;
    let read = desk.entries("r").await;
    assert_eq!(read.len(), 5);
    assert_eq!(read[3..], [intent("a", 1), outcome("a", 1, "second")]);
}

/// A run that has ended has not any more where it is taken over, and ends anew.
pub async fn an_ended_run_goes_on(desk: &RunStoreDesk) {
    desk.ended(head("r")).await;
    desk.take_over("r", 1, 10).await;
    let view = desk.view("r").await;
    assert_eq!((view.leg, view.end), (2, None));
    assert_eq!(desk.listed(&RunQuery::all().unfinished()).await, "r");
    desk.append("r", 2, intent("a", 1)).await;
    desk.append("r", 2, end("failed")).await;
    assert_eq!(desk.view("r").await.state(), Some(State::Failed));
    assert_eq!(desk.listed(&RunQuery::all().unfinished()).await, "");
}

/// There is no last leg.
pub async fn legs_go_on_and_on(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    for leg in 1..50 {
        assert_eq!(desk.take_over("r", leg, i64::from(leg)).await, leg + 1);
    }
    assert_eq!(desk.view("r").await.leg, 50);
    desk.append("r", 50, intent("a", 1)).await;
}

/// A run that is not there is not taken over.
pub async fn nobody_takes_over_nobody(desk: &RunStoreDesk) {
    desk.refuses_taking_over("r", 1, 5, "runs.unknown_run").await;
}
