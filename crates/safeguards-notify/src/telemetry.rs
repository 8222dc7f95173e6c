//! What alerts and events tell to `tracing` and to `metrics`: the names, which are stable, and [`describe_metrics`].
//!
//! No field holds an alert's text, its metadata or what a channel said: these may hold what nobody should read in a
//! log.

mod telling;

use metrics::{Unit, describe_counter};

pub(crate) use self::telling::{
    GivenUp, count_alert, count_attempt, count_lost_events, delivery_span, given_up, record_attempt,
};

/// The target of all spans and events of alerts, for filters.
pub const TARGET: &str = "safeguards::alerts";

/// The spans.
pub mod span {
    /// One attempt to bring a notification to its channel.
    pub const DELIVERY: &str = "safeguards.delivery";
}

/// The events.
pub mod event {
    /// A notification was given up on.
    pub const DEAD_LETTER: &str = "safeguards.dead_letter";
}

/// The fields of spans and events, and the labels of metrics.
pub mod field {
    /// `ERROR` where a delivery failed.
    pub const OTEL_STATUS: &str = "otel.status_code";
    /// The code of why it failed, or was given up on.
    pub const ERROR: &str = "error.type";
    /// The channel.
    pub const CHANNEL: &str = "safeguards.channel";
    /// The id of the delivery, the same at each attempt.
    pub const DELIVERY_ID: &str = "safeguards.delivery.id";
    /// The number of the attempt, from 1.
    pub const ATTEMPT: &str = "safeguards.attempt";
    /// How many alerts the notification stands for.
    pub const ALERTS: &str = "safeguards.alerts";
    /// The gravest of its alerts; of the metric the alert's.
    pub const SEVERITY: &str = "safeguards.severity";
    /// `delivered` or `failed`.
    pub const OUTCOME: &str = "safeguards.outcome";
}

/// The metrics.
pub mod metric {
    /// Alerts sent to the hub.
    pub const ALERTS: &str = "safeguards.alerts";
    /// Attempts to deliver.
    pub const DELIVERIES: &str = "safeguards.deliveries";
    /// Notifications given up on.
    pub const DEAD_LETTERS: &str = "safeguards.dead_letters";
    /// Events that subscribers missed.
    pub const EVENTS_LOST: &str = "safeguards.events.lost";
}

/// Each span and its fields.
pub const SPANS: &[(&str, &[&str])] = &[(
    span::DELIVERY,
    &[
        field::OTEL_STATUS,
        field::CHANNEL,
        field::DELIVERY_ID,
        field::ATTEMPT,
        field::ALERTS,
        field::SEVERITY,
        field::OUTCOME,
        field::ERROR,
    ],
)];

/// Each event and its fields.
pub const EVENTS: &[(&str, &[&str])] =
    &[(event::DEAD_LETTER, &[field::CHANNEL, field::DELIVERY_ID, field::ERROR])];

/// Tells the recorder what the metrics of this crate mean, and in which units they are. To be called once, after a
/// recorder is installed.
pub fn describe_metrics() {
    describe_counter!(metric::ALERTS, Unit::Count, "Alerts sent to the hub, by severity");
    describe_counter!(
        metric::DELIVERIES,
        Unit::Count,
        "Attempts to deliver a notification, by channel and outcome"
    );
    describe_counter!(
        metric::DEAD_LETTERS,
        Unit::Count,
        "Notifications that were given up on, by channel and code"
    );
    describe_counter!(
        metric::EVENTS_LOST,
        Unit::Count,
        "Events that a subscriber missed since its queue was full"
    );
}
