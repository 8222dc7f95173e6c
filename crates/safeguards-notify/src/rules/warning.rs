//! [`RulesWarning`]: what is allowed and yet can hardly be meant.

use std::fmt;

use safeguards_types::Timestamp;
use serde_json::Value;

use super::{
    GroupLabel, Inhibition, Route, Rules, Silences, check::title, group::text_of,
    index::MatchIndex, source::Line,
};
use crate::{AlertMatch, matching::Clash};

/// What is allowed and yet can hardly be meant: something that matches nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RulesWarning {
    /// In which line of the file it stands, from 1; `None` where rules come from no file.
    pub line: Option<usize>,
    /// What it is, and why it matches nothing.
    pub message: String,
}

impl RulesWarning {
    fn new(line: Line, message: String) -> Self {
        Self { line: line.0, message }
    }
}

impl fmt::Display for RulesWarning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, message } = self;
        match line {
            Some(line) => write!(out, "line {line}: {message}"),
            None => out.write_str(message),
        }
    }
}

/// What can be said without the time.
pub(super) fn of_rules(rules: &Rules) -> Vec<RulesWarning> {
    let mut warnings = Warnings { next: 0, found: Vec::new() };
    warnings.route(&rules.otherwise, &mut Vec::new());
    for (number, inhibition) in (1_usize..).zip(&rules.inhibitions) {
        if let Some(why) = does_nothing(inhibition) {
            let message = format!("inhibition {number} can never mute an alert: {why}");
            warnings.found.push(RulesWarning::new(inhibition.line, message));
        }
    }
    warnings.found
}

/// What can be said of silences at this time.
pub(super) fn of_silences(silences: &Silences, now: Timestamp) -> Vec<RulesWarning> {
    let warn = |(number, silence): (usize, &super::Silence)| {
        let number = number.saturating_add(1);
        let message = if silence.until <= now {
            format!("silence {number} is over: it ended at {}", silence.until)
        } else if silence.when.is_contradictory() {
            format!("silence {number} can never mute an alert: {}", contradiction())
        } else {
            return None;
        };
        Some(RulesWarning::new(silence.line, message))
    };
    silences.iter().filter_map(warn).collect()
}

const fn contradiction() -> &'static str {
    "its `at_least` is above its `at_most`"
}

fn in_common(clash: &Clash, whose: &str) -> String {
    format!("by {clash}, no alert is meant both here and by {whose}")
}

struct Warnings {
    /// The number of the next route.
    next: usize,
    found: Vec<RulesWarning>,
}

impl Warnings {
    fn route<'r>(&mut self, route: &'r Route, above: &mut Vec<(&'r Route, usize)>) {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        above.push((route, number));
        // Those before that let nothing pass on, and where they are.
        let (mut index, mut takers) = (MatchIndex::default(), Vec::new());
        for below in &route.routes {
            let number = self.next;
            let taken = index
                .candidates(&below.when)
                .into_iter()
                .filter_map(|taker| takers.get(taker))
                .find(|(taker, _): &&(&Route, usize)| taker.when.covers(&below.when));
            if let Some(why) = unreachable(below, above, taken.copied()) {
                let message = format!("{} can never take an alert: {why}", title(below, number));
                self.found.push(RulesWarning::new(below.line, message));
            }
            if !below.goes_on {
                index.insert(takers.len(), &below.when);
                takers.push((below, number));
            }
            self.route(below, above);
        }
        above.pop();
    }
}

/// Why a route takes nothing.
fn unreachable(
    route: &Route,
    above: &[(&Route, usize)],
    taken: Option<(&Route, usize)>,
) -> Option<String> {
    if route.when.is_contradictory() {
        return Some(contradiction().to_owned());
    }
    if let Some((taker, number)) = taken {
        return Some(format!(
            "{} before it takes all that it means and does not go on",
            title(taker, number)
        ));
    }
    above.iter().rev().find_map(|(upper, number)| {
        let clash = upper.when.clash(&route.when)?;
        Some(in_common(&clash, &format!("{} above it", title(upper, *number))))
    })
}

/// Why an inhibition mutes nothing.
fn does_nothing(inhibition: &Inhibition) -> Option<String> {
    let Inhibition { by, mutes, equal, .. } = inhibition;
    for (key, when) in [("by", by), ("mutes", mutes)] {
        if when.is_contradictory() {
            return Some(format!("`at_least` of `{key}` is above its `at_most`"));
        }
    }
    equal.iter().find(|label| always_differ(label, by, mutes)).map(|label| {
        format!("what `by` means and what `mutes` means never have the same `{label}`")
    })
}

/// Whether no alert of one has the same of this label as an alert of the other.
fn always_differ(label: &GroupLabel, one: &AlertMatch, other: &AlertMatch) -> bool {
    // Only the conditions on the label itself count: two alerts are compared, not one.
    let only = |when: &AlertMatch| match label {
        GroupLabel::Topic => AlertMatch { topics: when.topics.clone(), ..AlertMatch::all() },
        GroupLabel::Agent => AlertMatch { agents: when.agents.clone(), ..AlertMatch::all() },
        GroupLabel::Severity => {
            AlertMatch { at_least: when.at_least, at_most: when.at_most, ..AlertMatch::all() }
        }
        // Labels are texts: `1` and `"1"` are the same there.
        GroupLabel::Metadata(path) => {
            let texts =
                |values: &Vec<Value>| values.iter().map(|value| text_of(value).into()).collect();
            let values = when.metadata.get(&**path).map(texts);
            let metadata = values.map(|values| (path.to_string(), values));
            AlertMatch { metadata: metadata.into_iter().collect(), ..AlertMatch::all() }
        }
        GroupLabel::Key => AlertMatch::all(),
    };
    only(one).clash(&only(other)).is_some()
}
