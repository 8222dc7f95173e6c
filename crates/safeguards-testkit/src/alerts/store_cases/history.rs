//! The history: the latest alerts, and what became of them.

use safeguards_notify::TopicFilter;

use super::prelude::*;

fn all() -> AlertQuery {
    AlertQuery::all()
}

/// The latest alerts that a query means come oldest first.
pub async fn the_latest_alerts_come_oldest_first(desk: &StoreDesk) {
    desk.commit(&[accepted(2, &["ops"]), accepted(1, &[])]).await;
    desk.commit(&[accepted(3, &["ops"])]).await;
    // In the order in which they were accepted, whatever their times and ids.
    assert_eq!(desk.messages(&all()).await, ["alert 2", "alert 1", "alert 3"]);
}

/// A limit leaves the latest, oldest first; those that are not meant do not count.
pub async fn a_limit_leaves_the_latest(desk: &StoreDesk) {
    for number in 1..=6 {
        desk.commit(&[accepted(number, &[])]).await;
    }
    desk.commit(&[resolved(6, 7, "ada")]).await;
    assert_eq!(desk.messages(&all().limit(2)).await, ["alert 5", "alert 6"]);
    assert_eq!(desk.messages(&all().limit(2).unresolved()).await, ["alert 4", "alert 5"]);
    assert_eq!(desk.messages(&all().limit(0)).await, Vec::<String>::new());
    assert_eq!(desk.messages(&all().limit(usize::MAX)).await.len(), 6);
}

async fn four(desk: &StoreDesk) {
    let record = |alert| AlertChange::Accepted(AlertRecord::new(alert, []));
    desk.commit(&[
        record(alert_of(1, Severity::Low, "team.note", "reader").keyed("disk")),
        record(alert_of(2, Severity::Medium, "budget.denied", "writer").with("unit", "USD")),
        record(alert_of(3, Severity::High, "budget.threshold", "reader").keyed("disk")),
        record(alert_of(4, Severity::Critical, "budget.denied.all", "reader")),
    ])
    .await;
    desk.commit(&[acknowledged(2, 8, "ada"), resolved(3, 9, "ada")]).await;
}

/// Each condition of a query holds: what is sent at `since` is meant, what is sent at `until` is not.
pub async fn each_condition_of_a_query_holds(desk: &StoreDesk) {
    four(desk).await;
    let rows = [
        (all(), "1 2 3 4"),
        (all().matching(AlertMatch::all().at_least(Severity::High)), "3 4"),
        (all().matching(AlertMatch::all().at_most(Severity::Medium)), "1 2"),
        (all().matching(AlertMatch::all().agent("writer")), "2"),
        (all().matching(AlertMatch::all().metadata("unit", "USD")), "2"),
        (
            all().matching(
                AlertMatch::all().topic(TopicFilter::parse("budget.*").expect("a filter")),
            ),
            "2 3",
        ),
        (all().id(id(3)), "3"),
        (all().id(id(9)), ""),
        (all().key("disk"), "1 3"),
        (all().key("dis"), ""),
        (all().since(second(3)), "3 4"),
        (all().until(second(3)), "1 2"),
        (all().unacknowledged(), "1 3 4"),
        (all().unresolved(), "1 2 4"),
    ];
    for (query, expected) in rows {
        let messages = desk.messages(&query).await;
        let numbers: Vec<&str> =
            messages.iter().filter_map(|text| text.strip_prefix("alert ")).collect();
        assert_eq!(numbers.join(" "), expected, "{query:?}");
    }
}

/// All conditions of a query hold together.
pub async fn conditions_hold_together(desk: &StoreDesk) {
    four(desk).await;
    let reader = AlertMatch::all().agent("reader");
    let query = all().matching(reader).unresolved().since(second(2)).until(second(5));
    assert_eq!(desk.messages(&query).await, ["alert 4"]);
    assert_eq!(desk.messages(&query.clone().id(id(1))).await, Vec::<String>::new());
    assert_eq!(desk.messages(&query.id(id(4))).await, ["alert 4"]);
    assert_eq!(desk.messages(&all().id(id(3)).unresolved()).await, Vec::<String>::new());
    assert_eq!(desk.messages(&all().key("disk").unresolved()).await, ["alert 1"]);
}

/// A record says why no channel gets the alert in full; what mutes it later says so there too.
pub async fn a_record_says_who_muted_it(desk: &StoreDesk) {
    let reasons = [
        silenced(),
        Muted::Inhibited { by: id(9) },
        Muted::Repeated { of: id(9) },
        Muted::Counted,
        Muted::NoChannel,
    ];
    for (number, by) in (1..).zip(&reasons) {
        let record = AlertRecord::new(alert(number), []).muted(by.clone());
        desk.commit(&[AlertChange::Accepted(record)]).await;
    }
    desk.commit(&[accepted(8, &["ops"]), muted(8, &["ops"], Muted::Inhibited { by: id(9) })]).await;
    for (number, by) in (1..).zip(reasons) {
        assert_eq!(desk.record(number).await.muted, Some(by));
    }
    assert_eq!(desk.record(8).await.muted, Some(Muted::Inhibited { by: id(9) }));
}

/// Who has seen to an alert and who said that it is over is kept, each apart.
pub async fn marks_are_kept(desk: &StoreDesk) {
    desk.commit(&[accepted(1, &["ops"]), accepted(2, &[])]).await;
    desk.commit(&[acknowledged(1, 3, "ada"), resolved(2, 4, "b'o\"b\n")]).await;
    let (one, two) = (desk.record(1).await, desk.record(2).await);
    assert_eq!((one.acknowledged, one.resolved), (Some(mark(3, "ada")), None));
    assert_eq!((two.acknowledged, two.resolved), (None, Some(mark(4, "b'o\"b\n"))));
    assert_eq!(desk.waiting().await, ["alert 1: ops"], "it still waits");
}

/// A mark on an alert that the history does not have is passed over.
pub async fn marks_on_unknown_alerts_are_passed_over(desk: &StoreDesk) {
    desk.commit(&[
        acknowledged(1, 2, "ada"),
        resolved(1, 2, "ada"),
        muted(1, &["ops"], silenced()),
        accepted(2, &[]),
    ])
    .await;
    assert_eq!(desk.history(&all()).await, [AlertRecord::new(alert(2), [])]);
}

/// A record is given back as it was given in, every word of it.
pub async fn a_record_is_given_back_to_the_letter(desk: &StoreDesk) {
    let hostile = alert(1)
        .keyed("k\n\u{0}'\"; --")
        .with("tree", serde_json::json!({ "ü": [null, true, -1, "\u{2028}", {}] }))
        .with("", "");
    let mut record = AlertRecord::new(hostile, ["ops".into(), "o'p\"s".into()]);
    record = record.muted(Muted::Silenced { comment: "100 %\r\n".to_owned() });
    desk.commit(&[AlertChange::Accepted(record.clone())]).await;
    assert_eq!(desk.history(&all()).await, [record]);
}

/// The history may be bounded: the oldest are dropped. (This store keeps three.)
pub async fn the_oldest_are_dropped(desk: &StoreDesk) {
    for number in 1..=5 {
        desk.commit(&[accepted(number, &[])]).await;
        let from = number.saturating_sub(2).max(1);
        let expected: Vec<String> = (from..=number).map(|kept| format!("alert {kept}")).collect();
        assert_eq!(desk.messages(&all()).await, expected);
    }
    desk.commit(&[accepted(6, &[]), accepted(7, &[]), accepted(8, &[]), accepted(9, &[])]).await;
    assert_eq!(desk.messages(&all()).await, ["alert 7", "alert 8", "alert 9"]);
}

/// What was dropped is not found by its id, and marks on it are passed over. (This store keeps three.)
pub async fn what_was_dropped_is_not_found_by_its_id(desk: &StoreDesk) {
    for number in 1..=5 {
        desk.commit(&[accepted(number, &[])]).await;
    }
    desk.commit(&[acknowledged(2, 9, "ada"), acknowledged(4, 9, "ada")]).await;
    assert_eq!(desk.history(&all().id(id(2))).await, []);
    assert_eq!(desk.record(4).await.acknowledged, Some(mark(9, "ada")));
    assert_eq!(desk.record(3).await.acknowledged, None);
    assert_eq!(desk.record(5).await.acknowledged, None);
}
