//! [`delivery_span`], [`given_up`] and counters: deliveries as spans, events and metrics.

use std::sync::Arc;

use metrics::counter;
use safeguards_types::Severity;
use tracing::{Level, Span, event as told, field::Empty, span as opened};

use super::{TARGET, event, field, metric, span};
use crate::{AlertChange, Delivery, DeliveryId, lane::Failure};

pub(crate) fn count_alert(severity: Severity) {
    counter!(metric::ALERTS, field::SEVERITY => severity.as_str()).increment(1);
}

/// Counts events that a subscriber will not see.
pub(crate) fn count_lost_events(events: usize) {
    if events == 0 {
        return;
    }
    counter!(metric::EVENTS_LOST).increment(u64::try_from(events).unwrap_or(u64::MAX));
}

pub(crate) fn delivery_span(delivery: &Delivery) -> Span {
    let notification = delivery.notification();
    opened!(
        target: TARGET, Level::INFO, span::DELIVERY,
        { field::OTEL_STATUS } = Empty,
        { field::CHANNEL } = &**notification.channel(),
        { field::DELIVERY_ID } = %delivery.id(),
        { field::ATTEMPT } = delivery.attempt(),
        { field::ALERTS } = notification.count(),
        { field::SEVERITY } = notification.severity().as_str(),
        { field::OUTCOME } = Empty,
        { field::ERROR } = Empty,
    )
}

/// Notes in its span how an attempt ended.
pub(crate) fn record_attempt(span: &Span, result: &Result<(), Failure>) {
    span.record(field::OUTCOME, outcome(result));
    if let Err(failure) = result {
        span.record(field::OTEL_STATUS, "ERROR");
        span.record(field::ERROR, failure.code());
    }
}

pub(crate) fn count_attempt(channel: &Arc<str>, result: &Result<(), Failure>) {
    let outcome = outcome(result);
    counter!(metric::DELIVERIES, field::CHANNEL => Arc::clone(channel), field::OUTCOME => outcome)
        .increment(1);
}

const fn outcome(result: &Result<(), Failure>) -> &'static str {
    if result.is_ok() { "delivered" } else { "failed" }
}

/// What is told of a dead letter, once nobody holds a lock.
#[derive(Debug)]
pub(crate) struct GivenUp {
    channel: Arc<str>,
    id: DeliveryId,
    code: &'static str,
}

/// The dead letters among changes; most have none.
pub(crate) fn given_up(changes: &[AlertChange]) -> Vec<GivenUp> {
    let letters = changes.iter().filter_map(|change| match change {
        AlertChange::GivenUp(letter) => Some(GivenUp {
            channel: Arc::clone(letter.notification.channel()),
            id: letter.id(),
            code: letter.reason.code(),
        }),
        // Deliveries are told where they are attempted.
        AlertChange::Delivered { .. } | _ => None,
    });
    letters.collect()
}

impl GivenUp {
    pub(crate) fn tell(self) {
        let Self { channel, id, code } = self;
        told!(
            name: event::DEAD_LETTER, target: TARGET, Level::WARN,
            { field::CHANNEL } = &*channel, { field::DELIVERY_ID } = %id, { field::ERROR } = code,
            "{}", event::DEAD_LETTER
        );
        counter!(metric::DEAD_LETTERS, field::CHANNEL => channel, field::ERROR => code)
            .increment(1);
    }
}
