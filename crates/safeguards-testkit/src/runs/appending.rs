//! What happened is appended, and stays as it was said.

use super::{prelude::*, sample_entries};

/// Entries keep the order in which they were appended.
pub async fn entries_keep_their_order(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    let said: Vec<RunEntry> = (0..40_u32)
        .map(|number| {
            let step = format!("s-{}", 39 - number);
            if number % 3 == 0 { outcome(&step, number, number) } else { intent(&step, number) }
        })
        .collect();
    for (number, entry) in said.iter().enumerate() {
        desk.append("r", 1, entry.clone()).await;
        assert_eq!(usize::try_from(desk.view("r").await.entries), Ok(number + 1));
    }
    assert_eq!(desk.entries("r").await, said);
}

/// Entries are kept to the letter, with all that is said in them.
pub async fn entries_are_kept_to_the_letter(desk: &RunStoreDesk) {
    for (number, (entry, text)) in sample_entries().into_iter().enumerate() {
        if let RunEntry::TakenOver { .. } = entry {
            continue;
        }
        let run = format!("r-{number}");
        desk.begin(head(&run)).await;
        desk.append(&run, 1, entry.clone()).await;
        let read = desk.entries(&run).await;
        assert_eq!(serde_json::to_string(&read[0]).unwrap(), text);
        assert_eq!(read, [entry]);
    }
}

/// Each attempt of a step has an intent and an outcome of its own.
pub async fn each_attempt_has_its_own(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    let said = [
        intent("s", 1),
        outcome("s", 1, "one"),
        intent("s", 2),
        intent("s/2", 1),
        outcome("s", 2, "two"),
        outcome("t", 0, "none"),
    ];
    for entry in said.clone() {
        desk.append("r", 1, entry).await;
    }
    assert_eq!(desk.entries("r").await, said);
}

/// A step that was not begun has an outcome and no intent.
pub async fn an_outcome_may_come_without_an_intent(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    desk.append("r", 1, outcome("s", 0, "skipped")).await;
    assert_eq!(desk.entries("r").await, [outcome("s", 0, "skipped")]);
}

/// What is appended to one run is not seen in another.
pub async fn runs_do_not_mix(desk: &RunStoreDesk) {
    for run in ["r", "r-1", "s"] {
        desk.begin(head(run)).await;
    }
    desk.append("r", 1, intent("a", 1)).await;
    desk.append("s", 1, intent("a", 1)).await;
    desk.append("s", 1, end("failed")).await;
    assert_eq!(desk.entries("r").await, [intent("a", 1)]);
    assert!(desk.entries("r-1").await.is_empty());
    assert_eq!(desk.entries("s").await, [intent("a", 1), end("failed")]);
    assert_eq!((desk.view("r").await.end, desk.view("r-1").await.end), (None, None));
}

/// Nothing is appended to a run that is not there.
pub async fn nothing_is_appended_to_nobody(desk: &RunStoreDesk) {
    desk.refuses("r", 1, intent("a", 1), "runs.unknown_run").await;
    assert_eq!(desk.view_of("r").await, None);
}

/// A taking over is written down by taking over, and by nothing else.
pub async fn a_taking_over_is_not_appended(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    let taken_over = |leg| RunEntry::TakenOver { leg, by: taker(5), at: instant(5) };
    for leg in [1, 2, 7] {
        desk.refuses("r", 1, taken_over(leg), "runs.entry_conflict").await;
    }
    desk.take_over("r", 1, 5).await;
    for leg in [2, 3] {
        desk.refuses("r", 2, taken_over(leg), "runs.entry_conflict").await;
    }
}
