//! A run is begun once, under its name.

use super::{RunHeads, prelude::*};

/// What is begun is there, with its head, and has no entries.
pub async fn what_is_begun_is_there(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    let view = desk.view("r").await;
    assert_eq!((view.head, view.entries, view.end), (head("r"), 0, None));
    assert!(desk.entries("r").await.is_empty());
}

/// A run begins in leg 1.
pub async fn a_run_begins_in_its_first_leg(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    assert_eq!(desk.view("r").await.leg, 1);
    desk.append("r", 1, intent("a", 1)).await;
}

/// A run that nobody began is not there.
pub async fn who_never_began_is_not_there(desk: &RunStoreDesk) {
    assert_eq!(desk.view_of("r").await, None);
    assert_eq!(desk.listed(&RunQuery::all()).await, "");
    desk.begin(head("r")).await;
    assert_eq!(desk.view_of("R").await, None);
}

/// There is one run of a name; another that began otherwise is refused, be it that the first has ended.
pub async fn a_name_is_taken_once(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    for other in [
        head_at("r", 1),
        RunHeads::new().team("other").head("r"),
        RunHeads::new().task("other").head("r"),
    ] {
        desk.refuses_begin(other.clone(), "runs.run_exists").await;
    }
    desk.append("r", 1, end("succeeded")).await;
    desk.refuses_begin(head_at("r", 1), "runs.run_exists").await;
}

/// Names are told apart letter by letter.
pub async fn names_are_told_apart(desk: &RunStoreDesk) {
    let names = ["r", "R", "r ", "r/1", "r%2F1", "é", "e\u{301}", "", "日本", "r\u{0}"];
    for name in names {
        desk.begin(head(name)).await;
    }
    for name in names {
        assert_eq!(desk.view(name).await.head.run.as_str(), name);
        desk.append(name, 1, intent(name, 1)).await;
        assert_eq!(desk.entries(name).await, [intent(name, 1)]);
    }
}

/// Heads are kept to the letter: texts, inputs, instants to the nanosecond.
pub async fn heads_are_kept_to_the_letter(desk: &RunStoreDesk) {
    let mut said = RunHeads::new().team("tëam \"quoted\"\n").task("two\nlines").head("r");
    let input = json!({ "z": 1, "a": [null, 1.5, "é", { "deep": [] }], "": "\u{0}" });
    said.task = said.task.with_input(input);
    said.started_at = said.started_at.saturating_add(std::time::Duration::from_nanos(1));
    said.agents = vec!["b".into(), "a".into()];
    desk.begin(said.clone()).await;
    assert_eq!(desk.view("r").await.head, said);
}
