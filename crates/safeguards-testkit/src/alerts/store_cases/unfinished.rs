//! What is unfinished is kept until a change ends it.

use super::prelude::*;

/// A new store holds nothing.
pub async fn a_new_store_is_empty(desk: &StoreDesk) {
    let (unfinished, history, dead) = desk.all().await;
    assert!(unfinished.is_empty() && history.is_empty() && dead.is_empty());
}

/// An alert that was sent waits for its channels.
pub async fn an_alert_waits_for_its_channels(desk: &StoreDesk) {
    desk.commit(&[accepted(1, &["ops", "mail"])]).await;
    assert_eq!(desk.waiting().await, ["alert 1: ops mail"]);
}

/// An alert without channels waits for nothing, and stands in the history.
pub async fn what_goes_nowhere_waits_for_nothing(desk: &StoreDesk) {
    desk.commit(&[accepted(1, &[])]).await;
    assert!(desk.unfinished().await.is_empty());
    assert_eq!(desk.record(1).await, AlertRecord::new(alert(1), []));
}

/// Alerts wait in the order in which they were sent, in one commit or in several.
pub async fn alerts_wait_in_the_order_in_which_they_were_sent(desk: &StoreDesk) {
    desk.commit(&[accepted(3, &["ops"]), accepted(1, &["ops"])]).await;
    desk.commit(&[accepted(2, &["mail"])]).await;
    desk.commit(&[accepted(4, &["ops"]), queued("ops", &[1])]).await;
    assert_eq!(desk.waiting().await, ["alert 3: ops", "alert 2: mail", "alert 4: ops"]);
}

/// A notification is to be delivered: its alerts wait for its channel no longer, and for others still.
pub async fn a_notification_takes_its_alerts_over_for_its_channel_alone(desk: &StoreDesk) {
    desk.commit(&[accepted(1, &["ops", "mail"]), accepted(2, &["ops"]), accepted(3, &["ops"])])
        .await;
    desk.commit(&[queued("ops", &[1, 2])]).await;
    assert_eq!(desk.waiting().await, ["alert 1: mail", "alert 3: ops"]);
    assert_eq!(desk.unfinished().await.queued, [notification("ops", &[1, 2])]);
    desk.commit(&[queued("mail", &[1])]).await;
    assert_eq!(desk.waiting().await, ["alert 3: ops"]);
}

/// Notifications wait in the order in which they were made.
pub async fn notifications_wait_in_the_order_in_which_they_were_made(desk: &StoreDesk) {
    desk.commit(&[queued("ops", &[2]), queued("mail", &[2])]).await;
    desk.commit(&[queued("ops", &[1])]).await;
    desk.commit(&[queued("ops", &[3]), delivered("mail", 2)]).await;
    assert_eq!(desk.queued().await, ["ops: alert 2", "ops: alert 1", "ops: alert 3"]);
}

/// What arrived waits no longer, and leaves other channels and notifications alone.
pub async fn what_arrived_waits_no_longer(desk: &StoreDesk) {
    desk.commit(&[accepted(1, &["ops", "mail"]), queued("ops", &[1]), queued("mail", &[1])]).await;
    desk.commit(&[delivered("ops", 1)]).await;
    assert_eq!(desk.queued().await, ["mail: alert 1"]);
    desk.commit(&[delivered("ops", 7)]).await; // of which nobody knows
    desk.commit(&[delivered("mail", 1)]).await;
    assert!(desk.unfinished().await.is_empty());
    assert!(desk.dead_letters().await.is_empty());
    assert_eq!(desk.record(1).await.to.len(), 2, "the history says where it went");
}

/// What was given up on is a dead letter, and waits no longer.
pub async fn what_was_given_up_on_waits_no_longer(desk: &StoreDesk) {
    desk.commit(&[accepted(1, &["ops", "mail"]), queued("ops", &[1])]).await;
    desk.commit(&[given_up("ops", &[1])]).await;
    assert_eq!(desk.queued().await, Vec::<String>::new());
    assert_eq!(desk.waiting().await, ["alert 1: mail"]);
    assert_eq!(desk.dead().await, ["ops: alert 1"]);
}

/// A dead letter may be one that was never queued: its alerts wait for its channel no longer.
pub async fn what_was_never_queued_can_be_given_up_on(desk: &StoreDesk) {
    desk.commit(&[accepted(1, &["ops", "mail"]), accepted(2, &["ops"])]).await;
    desk.commit(&[given_up("ops", &[1, 2])]).await;
    assert_eq!(desk.waiting().await, ["alert 1: mail"]);
    assert_eq!(desk.dead().await, ["ops: alert 1"]);
}

/// An alert that was muted meanwhile waits for those channels no longer.
pub async fn what_was_muted_meanwhile_waits_no_longer(desk: &StoreDesk) {
    desk.commit(&[accepted(1, &["ops", "mail"]), accepted(2, &["ops"])]).await;
    desk.commit(&[muted(1, &["ops"], silenced()), muted(2, &["ops"], silenced())]).await;
    assert_eq!(desk.waiting().await, ["alert 1: mail"]);
    assert_eq!(desk.record(2).await.muted, Some(silenced()));
}

/// An escalation is open, in this state; it takes the place of the one of this name.
pub async fn an_escalation_takes_the_place_of_the_one_of_its_name(desk: &StoreDesk) {
    desk.commit(&[escalating(&[1], 0), escalating(&[2], 0)]).await;
    desk.commit(&[escalating(&[1, 3], 1)]).await;
    let mut expected = vec![escalation(&[1, 3], 1), escalation(&[2], 0)];
    expected.sort_by_key(|escalation| escalation.id);
    assert_eq!(desk.unfinished().await.escalations, expected);
}

/// An escalation that is over is gone; others stay.
pub async fn an_escalation_ends(desk: &StoreDesk) {
    desk.commit(&[escalating(&[1], 0), escalating(&[2], 0)]).await;
    desk.commit(&[escalation_ended(1), escalation_ended(7)]).await;
    assert_eq!(desk.unfinished().await.escalations, [escalation(&[2], 0)]);
}

/// What is unfinished is given back as it was given in, every word of it.
pub async fn what_is_unfinished_is_given_back_to_the_letter(desk: &StoreDesk) {
    let hostile = alert(1).keyed("k\n\u{0}'\"").with("a.b", vec![1, 2]).with("ü\u{2028}", "\u{1b}");
    let record = AlertRecord::new(hostile.clone(), ["o'p\"s".into()]);
    let grouped = Notification::new(DeliveryId::of(id(2), "mail"), "mail", hostile.clone())
        .with_alert(alert(2))
        .with_more(u64::MAX)
        .with_repeats(3)
        .in_group("metadata.a", "")
        .escalated(2)
        .made_at(second(5));
    desk.commit(&[AlertChange::Accepted(record.clone()), queued("ops", &[3])]).await;
    desk.commit(&[AlertChange::Queued(grouped.clone().into()), escalating(&[4, 5], 1)]).await;
    let unfinished = desk.unfinished().await;
    assert_eq!(unfinished.waiting, [(record.alert, record.to)]);
    assert_eq!(unfinished.queued, [notification("ops", &[3]), grouped.into()]);
    assert_eq!(unfinished.escalations, [escalation(&[4, 5], 1)]);
}

/// What is unfinished is kept whatever its age and number, also where the history forgot its alerts.
pub async fn what_is_unfinished_is_kept_beyond_the_history(desk: &StoreDesk) {
    desk.commit(&[accepted(1, &["ops", "mail"]), queued("mail", &[1]), escalating(&[1], 0)]).await;
    for number in 2..=20 {
        desk.commit(&[accepted(number, &["ops"])]).await;
    }
    assert_eq!(desk.waiting().await.len(), 20);
    assert_eq!(desk.waiting().await[0], "alert 1: ops");
    assert_eq!(desk.queued().await, ["mail: alert 1"]);
    assert_eq!(desk.unfinished().await.escalations, [escalation(&[1], 0)]);
    desk.commit(&[queued("ops", &[1, 2]), delivered("ops", 1), escalation_ended(1)]).await;
    assert_eq!(desk.waiting().await.len(), 18);
    assert_eq!(desk.queued().await, ["mail: alert 1"]);
}
