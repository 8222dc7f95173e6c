//! What makes rules unusable, all of it at once.

use std::{sync::Arc, time::Duration};

use foldhash::{HashMap, HashSet};

use super::{
    Escalation, GroupBy, GroupLabel, Inhibition, Route, RuleMistake, RuleMistakeKind, Rules,
    RulesError, Silence, group::is_path, mistake::suggest, source::Line, write,
};
use crate::AlertMatch;

/// How many routes may be below each other, without the root.
pub(super) const DEPTH_MAX: usize = 16;
/// How many routes there may be, without the root.
const ROUTES_MAX: usize = 100_000;
/// No span of rules is longer: 366 days.
const SPAN_MAX: Duration = Duration::from_hours(8_784);
const NAME_BYTES_MAX: usize = 256;

/// What messages call a route.
pub(super) fn title(route: &Route, number: usize) -> String {
    match (&route.name, number) {
        (_, 0) => "the root".to_owned(),
        (Some(name), _) => format!("route `{name}`"),
        (None, number) => format!("route {number}"),
    }
}

/// Looks for mistakes.
pub(super) fn check(rules: &Rules, channels: &[Arc<str>]) -> Result<(), RulesError> {
    let Rules { otherwise, silences, inhibitions } = rules;
    let known = channels.iter().map(|channel| &**channel).collect();
    let mut checker =
        Checker { channels, known, names: HashMap::default(), next: 0, mistakes: Vec::new() };
    checker.size(otherwise);
    checker.route(otherwise, &GroupBy::default(), 0);
    // People count from 1; the root, which is 0, is above the routes.
    for (number, silence) in (1..).zip(silences) {
        checker.silence(silence, number);
    }
    for (number, inhibition) in (1..).zip(inhibitions) {
        checker.inhibition(inhibition, number);
    }
    // Those of a file in its order; the others as they were found.
    checker.mistakes.sort_by_key(|mistake| mistake.line);
    RulesError::unless_empty(checker.mistakes)
}

struct Checker<'r> {
    channels: &'r [Arc<str>],
    known: HashSet<&'r str>,
    /// The titles of routes by their names.
    names: HashMap<&'r str, usize>,
    /// The number of the next route.
    next: usize,
    mistakes: Vec<RuleMistake>,
}

/// What is being checked, as messages say it.
struct Subject {
    title: String,
    line: Line,
}

impl<'r> Checker<'r> {
    fn mistake(&mut self, of: &Subject, kind: RuleMistakeKind, what: &str) {
        let message = format!("{}: {what}", of.title);
        self.mistakes.push(RuleMistake { kind, line: of.line.0, column: None, message });
    }

    fn size(&mut self, root: &Route) {
        let count = root.count().saturating_sub(1);
        if count > ROUTES_MAX {
            let what = format!("there are {count} routes; there may be {ROUTES_MAX}");
            self.mistake(&Subject::of_route(root, 0), RuleMistakeKind::Size, &what);
        }
    }

    /// Checks a route and those below it.
    fn route(&mut self, route: &'r Route, inherited: &GroupBy, depth: usize) {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        let subject = Subject::of_route(route, number);
        let Route { name, when, to, group_by, wait, interval, cooldown, escalate, .. } = route;
        if number == 0 && (!when.is_all() || route.goes_on) {
            let what = "it takes every alert, so it has no conditions and does not go on";
            self.mistake(&subject, RuleMistakeKind::Condition, what);
        }
        if let Some(name) = name {
            self.name(&subject, name, number);
        }
        self.conditions(&subject, "", when);
        self.to(&subject, "to", to.as_deref().unwrap_or_default());
        let together = group_by.as_ref().unwrap_or(inherited);
        if let Some(GroupBy::Keys(labels)) = group_by {
            self.labels(&subject, "group_by", labels);
        }
        self.span(&subject, "wait", *wait, true);
        self.span(&subject, "interval", *interval, false);
        self.span(&subject, "cooldown", *cooldown, true);
        if let (GroupBy::Each, Some(interval)) = (together, interval) {
            let interval = write::text(*interval);
            let what = format!(
                "`interval = {interval}` is of no use where every alert is told alone; group by labels, or leave it out"
            );
            self.mistake(&subject, RuleMistakeKind::Span, &what);
        }
        self.escalations(&subject, escalate.as_deref().unwrap_or_default());
        if depth == DEPTH_MAX && !route.routes.is_empty() {
            let what = format!("it is {DEPTH_MAX} routes deep, and deeper none may be");
            self.mistake(&subject, RuleMistakeKind::Size, &what);
            self.next = self.next.saturating_add(route.count()).saturating_sub(1);
            return;
        }
        for below in &route.routes {
            self.route(below, together, depth.saturating_add(1));
        }
    }

    fn name(&mut self, of: &Subject, name: &'r str, number: usize) {
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
            let what = format!("a name has 1 to {NAME_BYTES_MAX} bytes and no control characters");
            self.mistake(of, RuleMistakeKind::Name, &what);
        }
        if let Some(first) = self.names.insert(name, number) {
            let what = format!("route {first} has this name already; each has one of its own");
            self.mistake(of, RuleMistakeKind::Name, &what);
            self.names.insert(name, first);
        }
    }

    fn conditions(&mut self, of: &Subject, key: &str, when: &AlertMatch) {
        for (path, values) in &when.metadata {
            if !is_path(path) {
                let what =
                    format!("`{key}metadata` has the path `{path}`; none of its parts is empty");
                self.mistake(of, RuleMistakeKind::Condition, &what);
            }
            if values.is_empty() {
                let what = format!("`{key}metadata.{path}` has no values; name at least one");
                self.mistake(of, RuleMistakeKind::Condition, &what);
            }
        }
    }

    fn labels(&mut self, of: &Subject, key: &str, labels: &[GroupLabel]) {
        for label in labels {
            if let GroupLabel::Metadata(path) = label
                && !is_path(path)
            {
                let what = format!("`{key}` has the label `{label}`; no part of its path is empty");
                self.mistake(of, RuleMistakeKind::Label, &what);
            }
        }
    }

    /// Checks a list of channels.
    fn to(&mut self, of: &Subject, key: &str, names: &[Arc<str>]) {
        let mut seen = HashSet::default();
        for name in names {
            if !self.known.contains(&**name) {
                let help = suggest(name, self.channels.iter().map(|channel| &**channel));
                let what = format!("`{key}` names no channel: `{name}`; {help}");
                self.mistake(of, RuleMistakeKind::Channel, &what);
            } else if !seen.insert(&**name) {
                let what = format!("`{key}` names `{name}` twice; each once");
                self.mistake(of, RuleMistakeKind::Channel, &what);
            }
        }
    }

    fn span(&mut self, of: &Subject, key: &str, span: Option<Duration>, zero_is_none: bool) {
        let Some(span) = span else {
            return;
        };
        if span.is_zero() && !zero_is_none {
            let what = format!("`{key} = 0s`: write more than 0");
            self.mistake(of, RuleMistakeKind::Span, &what);
        }
        if span > SPAN_MAX {
            let what =
                format!("`{key} = {}`: write at most {}", write::text(span), write::text(SPAN_MAX));
            self.mistake(of, RuleMistakeKind::Span, &what);
        }
    }

    fn escalations(&mut self, of: &Subject, escalations: &[Escalation]) {
        let mut before = None;
        for escalation in escalations {
            let Escalation { after, to } = escalation;
            let text = write::text(*after);
            self.span(of, "escalate.after", Some(*after), false);
            if to.is_empty() {
                let what =
                    format!("the escalation after {text} has no channels; name at least one");
                self.mistake(of, RuleMistakeKind::Escalation, &what);
            }
            self.to(of, "escalate.to", to);
            if let Some(before) = before.filter(|before| before >= after) {
                let before = write::text(before);
                let what = format!(
                    "the escalation after {text} comes behind one after {before}; each is later than the one before"
                );
                self.mistake(of, RuleMistakeKind::Escalation, &what);
            }
            before = Some(*after);
        }
    }

    fn silence(&mut self, silence: &Silence, number: usize) {
        let Silence { when, from, until, comment: _, line } = silence;
        let subject = Subject { title: format!("silence {number}"), line: *line };
        self.conditions(&subject, "", when);
        if let Some(from) = from.filter(|from| from >= until) {
            let what = format!("`until = {until}` is no later than `from = {from}`");
            self.mistake(&subject, RuleMistakeKind::Silence, &what);
        }
    }

    fn inhibition(&mut self, inhibition: &Inhibition, number: usize) {
        let Inhibition { by, mutes, equal, lasts, line } = inhibition;
        let subject = Subject { title: format!("inhibition {number}"), line: *line };
        self.conditions(&subject, "by.", by);
        self.conditions(&subject, "mutes.", mutes);
        self.labels(&subject, "equal", equal);
        self.span(&subject, "lasts", Some(*lasts), false);
        // One that nothing sets off is warned of.
        if !by.is_contradictory() && mutes.covers(by) {
            let what = "`mutes` means all that `by` means, so nothing would be told; narrow `mutes`, by `at_most` say";
            self.mistake(&subject, RuleMistakeKind::Inhibition, what);
        }
    }
}

impl Subject {
    fn of_route(route: &Route, number: usize) -> Self {
        Self { title: title(route, number), line: route.line }
    }
}
