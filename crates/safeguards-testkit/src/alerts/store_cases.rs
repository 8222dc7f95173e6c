//! The cases of [`alert_store_conformance!`](crate::alert_store_conformance): a function each, which panics
//! where the store does not keep the line of the contract that the case's first line quotes.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a case is an assertion: it panics where the store does not keep the rule"
)]

pub mod dead_letters;
pub mod durability;
pub mod history;
pub mod once;
pub mod unfinished;

/// What every case is written with.
mod prelude {
    use std::sync::Arc;
    use std::time::Duration;

    use safeguards_notify::Topic;
    pub(super) use safeguards_notify::{
        Alert, AlertChange, AlertId, AlertMatch, AlertQuery, AlertRecord, DeadLetter, DeadReason,
        DeliveryId, Mark, Muted, Notification, OpenEscalation,
    };
    use safeguards_types::OperationIds;
    pub(super) use safeguards_types::{Severity, Timestamp};
    use serde_json::json;

    pub(super) use super::super::StoreDesk;

    /// So many seconds after a Monday morning.
    pub(super) fn second(number: u32) -> Timestamp {
        let morning = Timestamp::from_nanos(1_767_603_600_000_000_000).unwrap_or_default();
        morning.saturating_add(Duration::from_secs(number.into()))
    }

    /// The id of the alert of this number: greater numbers have smaller ids in every other case, so that an
    /// order by ids is none by time.
    pub(super) fn id(number: u32) -> AlertId {
        OperationIds::seeded(number.into()).mint(second(number ^ 1)).into()
    }

    /// The alert of this number, as a hub hands it out, sent that many seconds after the beginning.
    pub(super) fn alert(number: u32) -> Alert {
        alert_of(number, Severity::High, "team.note", "reader")
    }

    pub(super) fn alert_of(number: u32, severity: Severity, topic: &str, agent: &str) -> Alert {
        let topic: Topic = topic.parse().expect("a topic");
        let alert = json!({
            "id": id(number),
            "at": second(number),
            "severity": severity,
            "topic": topic,
            "agent": agent,
            "message": format!("alert {number}"),
        });
        serde_json::from_value(alert).expect("an alert as it is written")
    }

    fn named(channels: &[&str]) -> Vec<Arc<str>> {
        channels.iter().map(|channel| Arc::from(*channel)).collect()
    }

    pub(super) fn accepted(number: u32, channels: &[&str]) -> AlertChange {
        AlertChange::Accepted(AlertRecord::new(alert(number), named(channels)))
    }

    pub(super) fn muted(number: u32, channels: &[&str], by: Muted) -> AlertChange {
        AlertChange::Muted { alert: id(number), channels: named(channels), by }
    }

    pub(super) fn silenced() -> Muted {
        Muted::Silenced { comment: "maintenance".to_owned() }
    }

    /// The notification of these alerts for this channel, named by the first.
    pub(super) fn notification(channel: &str, numbers: &[u32]) -> Arc<Notification> {
        let (first, others) = numbers.split_first().expect("a notification has an alert");
        let made = Notification::new(DeliveryId::of(id(*first), channel), channel, alert(*first));
        Arc::new(others.iter().fold(made, |made, number| made.with_alert(alert(*number))))
    }

    pub(super) fn queued(channel: &str, numbers: &[u32]) -> AlertChange {
        AlertChange::Queued(notification(channel, numbers))
    }

    pub(super) fn delivered(channel: &str, first: u32) -> AlertChange {
        AlertChange::Delivered { id: DeliveryId::of(id(first), channel) }
    }

    pub(super) fn refused() -> DeadReason {
        DeadReason::Refused { error: "no such mailbox".to_owned() }
    }

    pub(super) fn letter(channel: &str, numbers: &[u32], reason: DeadReason) -> DeadLetter {
        let at = second(*numbers.last().expect("a notification has an alert"));
        DeadLetter::new(notification(channel, numbers), reason, at)
    }

    pub(super) fn given_up(channel: &str, numbers: &[u32]) -> AlertChange {
        AlertChange::GivenUp(letter(channel, numbers, refused()))
    }

    pub(super) fn withdrawn(channel: &str, first: u32) -> AlertChange {
        AlertChange::Withdrawn { id: DeliveryId::of(id(first), channel) }
    }

    pub(super) fn mark(at: u32, by: &str) -> Mark {
        Mark::new(second(at), by)
    }

    pub(super) fn acknowledged(number: u32, at: u32, by: &str) -> AlertChange {
        AlertChange::Acknowledged { alert: id(number), mark: mark(at, by) }
    }

    pub(super) fn resolved(number: u32, at: u32, by: &str) -> AlertChange {
        AlertChange::Resolved { alert: id(number), mark: mark(at, by) }
    }

    /// An escalation of these alerts, named by the first, of which this many steps were taken.
    pub(super) fn escalation(numbers: &[u32], taken: usize) -> OpenEscalation {
        let alerts: Vec<Alert> = numbers.iter().map(|number| alert(*number)).collect();
        let escalation = json!({
            "id": DeliveryId::of(id(numbers[0]), "escalation"),
            "group": [["agent", "reader"]],
            "since": second(numbers[0]),
            "steps": [{ "after": "15m", "to": ["mail"] }, { "after": "1h", "to": ["pager"] }],
            "taken": taken,
            "alerts": alerts,
            "more": 7,
        });
        serde_json::from_value(escalation).expect("an escalation as it is written")
    }

    pub(super) fn escalating(numbers: &[u32], taken: usize) -> AlertChange {
        AlertChange::Escalating(escalation(numbers, taken))
    }

    pub(super) fn escalation_ended(first: u32) -> AlertChange {
        AlertChange::EscalationEnded { id: DeliveryId::of(id(first), "escalation") }
    }

    pub(super) fn read_to(entry: u64) -> AlertChange {
        AlertChange::ReadTo { journal: "ledger".to_owned(), entry }
    }

    /// Everything: a little life of a hub. Each slice of it is what one decision makes.
    pub(super) fn life() -> Vec<Vec<AlertChange>> {
        vec![
            vec![accepted(1, &["ops", "mail"]), queued("ops", &[1]), queued("mail", &[1])],
            vec![escalating(&[1], 0)],
            vec![delivered("ops", 1)],
            vec![accepted(2, &["ops", "mail"]), read_to(7)],
            vec![accepted(3, &["ops"]), accepted(4, &[])],
            vec![given_up("mail", &[1])],
            vec![muted(2, &["mail"], silenced()), queued("ops", &[2, 3])],
            vec![escalating(&[1, 2, 3], 1), queued("pager", &[1, 2])],
            vec![acknowledged(1, 9, "ada"), escalation_ended(1)],
            vec![accepted(5, &["ops", "mail"])],
            vec![withdrawn("mail", 1), queued("mail", &[1])],
            vec![given_up("ops", &[2, 3]), resolved(2, 10, "ada"), resolved(3, 10, "ada")],
            vec![escalating(&[5], 0), accepted(6, &["mail"]), read_to(8)],
            vec![delivered("mail", 1), delivered("pager", 1)],
        ]
    }

    impl StoreDesk {
        /// What waits, as `number: channels`.
        pub(super) async fn waiting(&self) -> Vec<String> {
            let waiting = self.unfinished().await.waiting;
            let texts = waiting
                .iter()
                .map(|(alert, channels)| format!("{}: {}", alert.message(), channels.join(" ")));
            texts.collect()
        }

        /// What is queued, as `channel: first message`.
        pub(super) async fn queued(&self) -> Vec<String> {
            let queued = self.unfinished().await.queued;
            let texts = queued
                .iter()
                .map(|queued| format!("{}: {}", queued.channel(), queued.first().message()));
            texts.collect()
        }

        /// The messages of what `query` means.
        pub(super) async fn messages(&self, query: &AlertQuery) -> Vec<String> {
            let history = self.history(query).await;
            history.iter().map(|record| record.alert.message().to_owned()).collect()
        }

        /// The record of an alert that there must be.
        pub(super) async fn record(&self, number: u32) -> AlertRecord {
            let mut found = self.history(&AlertQuery::all().id(id(number))).await;
            assert_eq!(found.len(), 1, "alert {number} is there, once");
            found.remove(0)
        }

        /// The dead letters, as `channel: first message`.
        pub(super) async fn dead(&self) -> Vec<String> {
            let letters = self.dead_letters().await.letters;
            let texts = letters.iter().map(|letter| {
                let notification = &letter.notification;
                format!("{}: {}", notification.channel(), notification.first().message())
            });
            texts.collect()
        }
    }
}
