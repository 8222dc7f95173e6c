//! `[[alert]]`: which alerts go where.

use std::path::PathBuf;

use safeguards_notify::{AlertsBuilder, ConsoleChannel, FileError, JsonLinesChannel, TopicFilter};
use safeguards_types::Severity;

use super::{TeamSpec, mistake::MistakeKind, reader::Value, section::Section};
use crate::FilteredChannel;

/// Where alerts of some topics go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlertSpec {
    /// Which topics.
    pub on: TopicFilter,
    /// The least severity.
    pub at_least: Severity,
    /// Where they go.
    pub to: AlertTarget,
}

/// Where an alert goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlertTarget {
    /// A line on standard error.
    Console,
    /// A line of JSON at the end of a file, relative to the team file's folder.
    File(PathBuf),
}

/// Targets of the design that this version cannot reach.
const PLANNED_TARGETS: [&str; 3] = ["webhook", "email", "slack"];

/// Reads each `[[alert]]`.
pub(super) fn read(file: &mut Section<'_>) -> Vec<AlertSpec> {
    let sections = file.tables("alert", "an alert");
    sections.into_iter().filter_map(read_one).collect()
}

fn read_one(mut section: Section<'_>) -> Option<AlertSpec> {
    let on = read_filter(&mut section);
    let at_least = read_severity(&mut section);
    let value = section.value("to");
    let to = value.and_then(|value| read_target(&mut section, value));
    if section.lacks("to") {
        let message = "an alert needs `to`: \"console\" or { file = \"alerts.jsonl\" }";
        section.reader.mistake(MistakeKind::Missing, &section.span(), message);
    }
    section.finish(&[]);
    Some(AlertSpec { on, at_least, to: to? })
}

fn read_filter(section: &mut Section<'_>) -> TopicFilter {
    let Some(text) = section.text("on", "write a topic, such as \"budget.**\"") else {
        return TopicFilter::all();
    };
    TopicFilter::parse(text.get_ref()).unwrap_or_else(|error| {
        let message = format!("on: {error}");
        section.reader.mistake(MistakeKind::Value, &text.span(), message);
        TopicFilter::all()
    })
}

fn read_severity(section: &mut Section<'_>) -> Severity {
    let what = "write informational, low, medium, high or critical";
    let Some(text) = section.text("at_least", what) else {
        return Severity::Informational;
    };
    text.get_ref().parse().unwrap_or_else(|error| {
        let message = format!("at_least: {error}");
        section.reader.mistake(MistakeKind::Value, &text.span(), message);
        Severity::Informational
    })
}

fn read_target<'a>(section: &mut Section<'a>, value: Value<'a>) -> Option<AlertTarget> {
    let what = "write \"console\" or { file = \"alerts.jsonl\" }";
    if value.get_ref().as_table().is_some() {
        let mut target = section.table("to", "the target of an alert")?;
        let file = target.text("file", what);
        let reader = target.reader;
        // A target that is planned is noted below, by its name.
        if target.lacks("file") && PLANNED_TARGETS.iter().all(|planned| target.lacks(planned)) {
            let message = format!("an alert goes nowhere; {what}");
            target.reader.mistake(MistakeKind::Missing, &target.span(), message);
        }
        target.finish(&PLANNED_TARGETS);
        let file = file.filter(|file| reader.is_path("file", file))?;
        return Some(AlertTarget::File(PathBuf::from(file.get_ref())));
    }
    let is_console = value.get_ref().as_str() == Some("console");
    if !is_console {
        section.expected("to", value, what);
    }
    is_console.then_some(AlertTarget::Console)
}

/// Adds the channels that a team file asks for, named by their number in it; those of a second file by the
/// file's number too. Its path would be a name too long.
pub(crate) fn connect(
    spec: &TeamSpec,
    file_number: usize,
    mut hub: AlertsBuilder,
    console: impl Fn() -> ConsoleChannel,
) -> Result<AlertsBuilder, FileError> {
    for (index, alert) in spec.alerts.iter().enumerate() {
        let mut name = format!("[[alert]] {}", index.saturating_add(1));
        if file_number > 1 {
            name = format!("{name} of team file {file_number}");
        }
        let (on, at_least) = (alert.on.clone(), alert.at_least);
        hub = match &alert.to {
            AlertTarget::Console => {
                hub.channel(name, FilteredChannel::new(console(), on, at_least))
            }
            AlertTarget::File(path) => {
                let file = JsonLinesChannel::open(spec.folder().join(path))?;
                hub.channel(name, FilteredChannel::new(file, on, at_least))
            }
        };
    }
    Ok(hub)
}
