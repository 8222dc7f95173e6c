//! `[[alert]]`, `[[channels]]`: which alerts go where, and how they are told.

mod routes;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use safeguards_notify::{GroupBy, GroupLabel, Rules, TopicFilter};
use safeguards_types::Severity;
use toml::Spanned;

use super::{
    mistake::{MistakeKind, Place},
    reader::Text,
    section::Section,
    targets::{self, AlertTarget},
};

/// Where alerts of some topics go, and how they are told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlertSpec {
    /// What its channel is called, by the rules of [`TeamSpec::rules`](super::TeamSpec::rules) and in reports.
    /// `None` for its number in the file, where no rules speak of it.
    pub name: Option<String>,
    /// Which topics.
    pub on: TopicFilter,
    /// The least severity.
    pub at_least: Severity,
    /// Where they go.
    pub to: AlertTarget,
    /// Which are told together. By default: at the console and in a file each alone, elsewhere those with one
    /// topic, agent and severity.
    pub group_by: Option<GroupBy>,
    /// How long the first alert of a group waits for more.
    pub wait: Option<Duration>,
    /// How long it takes at least until more of a group is told.
    pub interval: Option<Duration>,
    /// For how long an alert that tells the same as one before is counted and not told.
    pub cooldown: Option<Duration>,
    /// Where its target stands in the file.
    pub(super) place: Place,
}

/// Conditions and grouping: with a file of rules they stand there.
const OF_RULES: [&str; 6] = ["on", "at_least", "group_by", "wait", "interval", "cooldown"];
/// No span of rules is longer: 366 days.
const SPAN_MAX: Duration = Duration::from_hours(8_784);

/// Where alerts go, as a whole file says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Alerting {
    /// A file of rules.
    pub(super) rules: Option<PathBuf>,
    /// Rules that stand in the file itself.
    pub(super) own_rules: Option<Rules>,
    pub(super) alerts: Vec<AlertSpec>,
}

/// Reads each `[[channels]]` with `[[routes]]`, or each `[[alert]]`; and `rules`.
pub(super) fn read(file: &mut Section<'_>) -> Alerting {
    let own_rules = routes::read(file);
    // Asked for in any case, so that who mistypes it is told.
    let channels = file.value("channels");
    if channels.is_none() && own_rules.is_none() {
        let (rules, alerts) = read_alerts(file);
        return Alerting { rules, own_rules: None, alerts };
    }
    if let Some(alert) = file.value("alert") {
        let message = "`[[alert]]` says where alerts go, and so do `[[channels]]` and `[[routes]]`; write all of it in one way";
        file.reader.mistake(MistakeKind::Value, &alert.span(), message);
    }
    let rules = file.text("rules", "write the name of a file of rules for alerts");
    let rules = rules.filter(|text| file.reader.is_path("rules", text));
    if let (Some(_), Some(text)) = (&own_rules, &rules) {
        let message = "`rules` names a file that says where alerts go, and so do `[[routes]]` here; keep one of both";
        file.reader.mistake(MistakeKind::Value, &text.span(), message);
    }
    let mut alerts: Vec<AlertSpec> = Vec::new();
    // Those too that lead nowhere: what is wrong with them is said once.
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut is_named = true;
    for section in file.tables("channels", "a channel") {
        let (reader, span) = (section.reader, section.span());
        let (name, alert) = read_channel(section);
        match name {
            Some(name) if !names.insert(name) => {
                let message = format!("two channels are named \"{name}\"; each has its own");
                reader.mistake(MistakeKind::Value, &span, message);
            }
            Some(_) => {}
            None => is_named = false,
        }
        alerts.extend(alert);
    }
    let own_rules = own_rules.unwrap_or_default();
    let own_rules = rules.is_none().then_some(own_rules);
    if let Some(rules) = own_rules.as_ref().filter(|_| is_named) {
        routes::check(file.reader, rules, &names);
    }
    Alerting { rules: rules.map(|text| PathBuf::from(text.get_ref())), own_rules, alerts }
}

/// Reads one of `[[channels]]`: its name, and where it leads, as far as they can be read.
fn read_channel(mut section: Section<'_>) -> (Option<&str>, Option<AlertSpec>) {
    let reader = section.reader;
    let name = section.required_name();
    let value = section.value("to");
    let place = reader.place(value.map_or_else(|| section.span(), Spanned::span).start);
    let to = value.and_then(|value| targets::read(&mut section, value));
    if section.lacks("to") {
        let message = format!("a channel needs `to`: {}", targets::WHAT);
        reader.mistake(MistakeKind::Missing, &section.span(), message);
    }
    section.finish(&[]);
    let name = name.map(Spanned::into_inner);
    let alert = name.zip(to).map(|(name, to)| AlertSpec {
        name: Some(name.to_owned()),
        on: TopicFilter::all(),
        at_least: Severity::Informational,
        to,
        group_by: None,
        wait: None,
        interval: None,
        cooldown: None,
        place,
    });
    (name, alert)
}

/// Reads `rules` and each `[[alert]]`.
fn read_alerts(file: &mut Section<'_>) -> (Option<PathBuf>, Vec<AlertSpec>) {
    let rules = file.text("rules", "write the name of a file of rules for alerts");
    let rules = rules.filter(|text| file.reader.is_path("rules", text));
    let sections = file.tables("alert", "an alert");
    let mut names: Vec<String> = Vec::new();
    let mut alerts = Vec::new();
    for section in sections {
        let reader = section.reader;
        let Some((name, alert)) = read_one(section, rules.as_ref()) else {
            continue;
        };
        if let Some(name) = name {
            if names.iter().any(|known| known == name.get_ref()) {
                let message =
                    format!("two alerts are named \"{}\"; each has its own", name.get_ref());
                reader.mistake(MistakeKind::Value, &name.span(), message);
            }
            names.push((*name.get_ref()).to_owned());
        }
        alerts.push(alert);
    }
    (rules.map(|text| PathBuf::from(text.get_ref())), alerts)
}

fn read_one<'a>(
    mut section: Section<'a>,
    rules: Option<&Text<'_>>,
) -> Option<(Option<Text<'a>>, AlertSpec)> {
    let reader = section.reader;
    let name = if let Some(rules) = rules {
        refuse_what_rules_say(&mut section, rules.get_ref());
        section.required_name()
    } else {
        section.text("name", "a name is a text").filter(|text| reader.is_name(text))
    };
    let on = read_filter(&mut section);
    let at_least = read_severity(&mut section);
    let group_by = read_group_by(&mut section);
    let wait = read_span(&mut section, "wait");
    let interval = read_span(&mut section, "interval");
    let cooldown = read_span(&mut section, "cooldown");
    let value = section.value("to");
    let place = reader.place(value.map_or_else(|| section.span(), Spanned::span).start);
    let to = value.and_then(|value| targets::read(&mut section, value));
    if section.lacks("to") {
        let message = format!("an alert needs `to`: {}", targets::WHAT);
        reader.mistake(MistakeKind::Missing, &section.span(), message);
    }
    if let Some(to) = &to
        && rules.is_none()
    {
        check_grouping(&mut section, to, group_by.as_ref());
    }
    section.finish(&[]);
    let spec = AlertSpec {
        name: name.as_ref().map(|name| (*name.get_ref()).to_owned()),
        on,
        at_least,
        to: to?,
        group_by,
        wait,
        interval,
        cooldown,
        place,
    };
    Some((name, spec))
}

/// What is said at two places may contradict itself.
fn refuse_what_rules_say(section: &mut Section<'_>, rules: &str) {
    for key in OF_RULES {
        if let Some(value) = section.value(key) {
            let message = format!(
                "`{key}` is said by the rules of {rules}: there the alerts that go to this name are chosen and grouped; leave it out here"
            );
            section.reader.mistake(MistakeKind::Value, &value.span(), message);
        }
    }
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

fn read_group_by(section: &mut Section<'_>) -> Option<GroupBy> {
    let what = "write \"each\" or a list of labels, such as [\"topic\", \"agent\"]";
    let value = section.value("group_by")?;
    if value.get_ref().as_str() == Some("each") {
        return Some(GroupBy::Each);
    }
    if value.get_ref().as_array().is_none() {
        section.expected("group_by", value, what);
        return None;
    }
    let mut labels: Vec<GroupLabel> = Vec::new();
    for text in section.texts("group_by", what)? {
        match text.get_ref().parse() {
            Ok(label) => labels.push(label),
            Err(error) => {
                let message = format!("group_by: {error}");
                section.reader.mistake(MistakeKind::Value, &text.span(), message);
            }
        }
    }
    Some(GroupBy::Keys(labels))
}

fn read_span(section: &mut Section<'_>, key: &'static str) -> Option<Duration> {
    let span = section.duration(key)?;
    if span > SPAN_MAX {
        let value = section.value(key)?;
        let message = format!("{key}: write at most 366 days, 8784h");
        section.reader.mistake(MistakeKind::Value, &value.span(), message);
        return None;
    }
    Some(span)
}

/// Spans of groups where every alert is told alone would be of no use.
fn check_grouping(section: &mut Section<'_>, to: &AlertTarget, group_by: Option<&GroupBy>) {
    let is_alone = match group_by {
        Some(group_by) => *group_by == GroupBy::Each,
        None => to.is_local(),
    };
    for key in ["wait", "interval"] {
        if let Some(value) = section.value(key).filter(|_| is_alone) {
            let message = format!(
                "`{key}` is for alerts that are told together, and these are told each alone; add `group_by`, such as [\"topic\", \"agent\"]"
            );
            section.reader.mistake(MistakeKind::Value, &value.span(), message);
        }
    }
}
