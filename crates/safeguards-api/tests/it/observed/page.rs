//! `docs/reference/telemetry.md` names what the code names: no more, no less, and with its meaning.

use std::collections::BTreeSet;

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};
use parking_lot::Mutex;
use safeguards_api::telemetry;

use super::capture::{Everything, Known};

const PAGE: &str = include_str!("../../../../../docs/reference/telemetry.md");

/// What stands below a heading, up to the next.
fn below(heading: &str) -> impl Iterator<Item = &'static str> {
    let after = PAGE.split_once(&format!("\n{heading}\n"));
    let (_, after) = after.unwrap_or_else(|| panic!("the page has no heading {heading}"));
    after.lines().take_while(|line| !line.starts_with('#'))
}

/// The cells of each row of the table below a heading.
fn rows_below(heading: &str) -> Vec<Vec<String>> {
    let cells = below(heading).filter(|line| line.starts_with("| `")).map(|line| {
        let cells = line.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    });
    cells.collect()
}

fn spans_and_events() -> Vec<(&'static str, &'static [&'static str])> {
    use safeguards_coord::telemetry as runs;
    use safeguards_notify::telemetry as alerts;
    let all = [
        runs::SPANS,
        runs::EVENTS,
        telemetry::SPANS,
        telemetry::EVENTS,
        alerts::SPANS,
        alerts::EVENTS,
    ];
    all.concat()
}

/// What was told is as the page has it: its fields, its level and its target.
pub(super) fn check_told(all: &Everything) {
    let spans = all.spans.iter().map(|span| span.known);
    let told = spans.chain(all.events.iter().map(|event| event.known));
    for known in told.filter(|known| known.name().starts_with("safeguards.")) {
        check_known(known);
    }
    for event in all.events.iter().filter(|event| event.known.name().starts_with("safeguards.")) {
        // Exporters call an event by its message where it has one, and what prints events shows nothing else.
        assert!(event.known.has_message(), "{} has no message", event.known.name());
        assert_eq!(event.fields.get("message").map(String::as_str), Some(event.known.name()));
    }
}

fn check_known(known: Known) {
    let heading = format!("### `{}`", known.name());
    let fields: Vec<String> = rows_below(&heading).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(known.fields(), fields, "{heading}");
    let (level, target) = (known.0.level().as_str().to_lowercase(), known.0.target());
    let place = format!("Level {level}, target `{target}`.");
    assert!(below(&heading).any(|line| line.ends_with(&place)), "{heading}: {place}");
}

/// What was counted has the labels that the page has.
pub(super) fn check_counted(counts: &[(String, f64)]) {
    let rows = rows_below("## Metrics");
    for (key, _) in counts {
        let (name, labels) = key.strip_suffix('}').and_then(|key| key.split_once('{')).unwrap();
        let labels = labels.split(',').filter_map(|label| label.split_once('='));
        let labels: Vec<String> = labels.map(|(label, _)| format!("`{label}`")).collect();
        let row = rows.iter().find(|row| row[0] == name).expect(key);
        let promised = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
        // The outer marks of a cell are taken off where it is read.
        assert_eq!(row[3], promised.trim_matches('`'), "{key}");
    }
}

#[test]
fn the_page_has_every_span_and_event_with_its_fields() {
    let all = spans_and_events();
    for (name, fields) in &all {
        let rows = rows_below(&format!("### `{name}`"));
        let named: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(named, *fields, "{name}");
        assert!(rows.iter().all(|row| row.len() == 3 && !row[2].is_empty()), "{name}");
    }
    let headings = PAGE.lines().filter_map(|line| line.strip_prefix("### `"));
    let headings: BTreeSet<&str> = headings.filter_map(|line| line.strip_suffix('`')).collect();
    let names: BTreeSet<&str> = all.iter().map(|(name, _)| *name).collect();
    assert_eq!(headings, names);
}

/// Keeps what it is told of metrics.
#[derive(Default)]
struct Described(Mutex<BTreeSet<[String; 4]>>);

impl Described {
    fn note(&self, kind: &str, name: &KeyName, unit: Option<Unit>, meaning: &SharedString) {
        let unit = unit.map_or("the amount's", |unit| unit.as_str());
        let row = [name.as_str(), kind, unit, meaning].map(str::to_owned);
        self.0.lock().insert(row);
    }
}

impl Recorder for Described {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, meaning: SharedString) {
        self.note("counter", &name, unit, &meaning);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, meaning: SharedString) {
        self.note("gauge", &name, unit, &meaning);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, meaning: SharedString) {
        self.note("histogram", &name, unit, &meaning);
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn the_page_has_every_metric_as_it_is_described() {
    let described = Described::default();
    with_local_recorder(&described, telemetry::describe_metrics);
    let rows = rows_below("## Metrics");
    let rows: BTreeSet<[String; 4]> = rows
        .into_iter()
        .map(|row| {
            let [name, kind, unit, _labels, meaning] = <[String; 5]>::try_from(row).unwrap();
            [name, kind, unit, meaning]
        })
        .collect();
    assert_eq!(rows, described.0.into_inner());
}
