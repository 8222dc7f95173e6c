//! Runs that have ended may be forgotten; others not.

use super::prelude::*;

/// What is forgotten is gone, with all its entries.
pub async fn what_is_forgotten_is_gone(desk: &RunStoreDesk) {
    desk.ended(head("r")).await;
    desk.ended(head("s")).await;
    assert!(desk.forget("r").await);
    assert_eq!(desk.view_of("r").await, None);
    let error: RunStoreError = desk.store().entries(&"r".into(), 0, 10).await.unwrap_err();
    assert_eq!(error.code(), "runs.unknown_run");
    assert_eq!(desk.listed(&RunQuery::all()).await, "s");
    desk.refuses("r", 1, end("succeeded"), "runs.unknown_run").await;
    desk.refuses_taking_over("r", 1, 5, "runs.unknown_run").await;
}

/// Who is not there is not forgotten, and it is no error.
pub async fn nobody_is_not_forgotten(desk: &RunStoreDesk) {
    assert!(!desk.forget("r").await);
    desk.ended(head("r")).await;
    assert!(desk.forget("r").await);
    assert!(!desk.forget("r").await);
}

/// A run that has not ended is not forgotten.
pub async fn what_goes_on_is_not_forgotten(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.append("r", 1, intent("a", 1)).await;
    let error = desk.store().forget(&"r".into()).await.unwrap_err();
    assert_eq!(error.code(), "runs.run_unfinished");
    assert_eq!(desk.entries("r").await, [intent("a", 1)]);
}

/// A run that has ended and was taken over is not forgotten.
pub async fn what_was_taken_over_is_not_forgotten(desk: &RunStoreDesk) {
    desk.ended(head("r")).await;
    desk.take_over("r", 1, 10).await;
    let error = desk.store().forget(&"r".into()).await.unwrap_err();
    assert_eq!(error.code(), "runs.run_unfinished");
    desk.append("r", 2, end("failed")).await;
    assert!(desk.forget("r").await);
}

/// A name that was forgotten may begin anew, otherwise, and has nothing of what was.
pub async fn a_forgotten_name_may_begin_anew(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.append("r", 1, outcome("a", 1, "old")).await;
    desk.take_over("r", 1, 5).await;
    desk.append("r", 2, end("failed")).await;
    assert!(desk.forget("r").await);
    desk.begin(head_at("r", 60)).await;
    let view = desk.view("r").await;
    assert_eq!((view.leg, view.entries, view.end), (1, 0, None));
    desk.append("r", 1, outcome("a", 1, "new")).await;
    assert_eq!(desk.entries("r").await, [outcome("a", 1, "new")]);
    assert_eq!(desk.listed(&RunQuery::all()).await, "r");
}
