//! What arrives has the names of `docs/reference/telemetry.md`.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value::Value},
    metrics::v1::{Metric, NumberDataPoint, metric::Data, number_data_point::Value::AsInt},
    trace::v1::{Span, status::StatusCode},
};
use safeguards::{
    api,
    coord::{self, telemetry::field},
    notify,
};

use crate::collector::Received;

/// What Prometheus would read.
pub(crate) fn at_prometheus(text: &str) {
    for line in [
        "# HELP safeguards_runs Runs that ended, by state",
        "# TYPE safeguards_spent summary",
        "safeguards_runs{safeguards_state=\"succeeded\"} 1",
        "safeguards_runs{safeguards_state=\"denied\"} 1",
        "safeguards_denials{safeguards_denial_code=\"budget.limit_exceeded\"} 1",
        "safeguards_spent_count{safeguards_unit=\"USD\"} 2",
        "safeguards_deliveries{safeguards_channel=\"ops\",safeguards_outcome=\"delivered\"} 1",
        "safeguards_attempts_active 0",
    ] {
        assert!(text.lines().any(|known| known == line), "no line {line}");
    }
}

/// What a collector keeps.
pub(crate) fn at_collector(received: &Received) {
    let Received { spans, metrics } = received;
    runs_hold_attempts_and_these_whatever_is_told_in_them(spans);
    names_are_those_of_the_reference(spans);

    let runs = points(metrics, coord::telemetry::metric::RUNS);
    let ended = |state: &str| (field::STATE.to_owned(), state.to_owned());
    assert_eq!(runs, BTreeMap::from([(ended("denied"), 1), (ended("succeeded"), 1)]));
    let denials = points(metrics, api::telemetry::metric::DENIALS);
    assert_eq!(denials.into_values().collect::<Vec<_>>(), [1]);
    for name in [coord::telemetry::metric::DURATION, api::telemetry::metric::SPENT] {
        assert!(metrics.iter().any(|metric| metric.name == name), "no metric {name}");
    }
}

fn runs_hold_attempts_and_these_whatever_is_told_in_them(spans: &[Span]) {
    let named = |name: &str| -> &Span {
        spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name}"))
    };
    let [run, attempt, own] =
        ["invoke_workflow research", "invoke_agent reader", "look_up"].map(named);
    assert!(run.parent_span_id.is_empty(), "a run stands alone where nobody else tells");
    assert_eq!(attempt.parent_span_id, run.span_id);
    assert_eq!(own.parent_span_id, attempt.span_id);
    assert!(spans.iter().any(|span| {
        span.name == api::telemetry::span::COMMAND && span.parent_span_id == attempt.span_id
    }));
    assert_eq!(attribute(attempt, field::MODEL).as_deref(), Some("gpt-4o"));
    assert_eq!(attribute(attempt, field::INPUT_TOKENS).as_deref(), Some("12000"));
    assert_eq!(
        attribute(run, field::SPENT).as_deref(),
        Some("0.114 USD, 2 requests, 12400 tokens")
    );
    let events: Vec<&str> = run.events.iter().map(|event| event.name.as_str()).collect();
    assert!(events.contains(&coord::telemetry::event::RUN_ENDED), "{events:?}");

    let denied = named("invoke_workflow wishes");
    let status = denied.status.as_ref().map(|status| status.code);
    assert_eq!(status, Some(StatusCode::Error.into()));
    let why = attribute(denied, field::ERROR);
    assert_eq!(why.as_deref(), Some("budget.limit_exceeded"));
    named(notify::telemetry::span::DELIVERY);
}

/// Every span of ours has the attributes of its line in the reference, and no others.
fn names_are_those_of_the_reference(spans: &[Span]) {
    let known = [coord::telemetry::SPANS, api::telemetry::SPANS, notify::telemetry::SPANS].concat();
    for span in spans.iter().filter(|span| span.name != "look_up") {
        let name = match span.name.split_once(' ') {
            Some(("invoke_workflow", _)) => coord::telemetry::span::RUN,
            Some(("invoke_agent", _)) => coord::telemetry::span::ATTEMPT,
            _ => &span.name,
        };
        let (_, fields) = known.iter().find(|(known, _)| *known == name).expect(name);
        for KeyValue { key, .. } in &span.attributes {
            assert!(fields.contains(&key.as_str()), "{key} of {name} is not in the reference");
        }
    }
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    span.attributes.iter().find(|attribute| attribute.key == name).map(text)
}

fn text(attribute: &KeyValue) -> String {
    match &attribute.value {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text.clone(),
        Some(AnyValue { value: Some(Value::IntValue(number)) }) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// The sums of a counter, by its label and that label's value.
fn points(metrics: &[Metric], name: &str) -> BTreeMap<(String, String), i64> {
    let metric = metrics.iter().find(|metric| metric.name == name).expect(name);
    let Some(Data::Sum(sum)) = &metric.data else {
        panic!("{name} is no counter");
    };
    let point = |point: &NumberDataPoint| {
        let Some(AsInt(count)) = point.value else {
            panic!("{name} counts no whole things");
        };
        let label = &point.attributes[0];
        ((label.key.clone(), text(label)), count)
    };
    sum.data_points.iter().map(point).collect()
}
