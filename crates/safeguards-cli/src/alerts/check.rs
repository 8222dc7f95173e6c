//! `safeguards alerts check`: whether a file of rules is right, and where an alert would go by it.

use std::{
    fmt::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args as Arguments;
use jiff::SignedDuration;
use safeguards_notify::{Alert, GroupBy, Router, Rules, RulesError, RulesWarning, Settings};
use safeguards_types::{Clock, Severity, SystemClock, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Failure;
use crate::{
    output::print,
    rules_file::{self, Fault},
    text::{counted, one_line},
};

/// Check a file of rules, and see where an alert would go by it.
///
/// Every mistake is said with its line and column; nothing is sent.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
Examples:
  safeguards alerts check alerts.toml
  safeguards alerts check alerts.toml --channel ops --channel slack     (these and no others are there)
  safeguards alerts check alerts.toml --alert '{\"severity\":\"high\",\"topic\":\"budget.denied\",\"agent\":\"reader\",\"message\":\"no money\"}'

Exit codes:
    0  the rules can be used; warnings do not change that
    2  wrong usage, or a mistake in the rules
   70  the result cannot be written to standard output")]
pub(crate) struct Args {
    /// The rules (TOML)
    rules: PathBuf,
    /// A channel that there is, repeatable; without any, all that the rules name are taken to be there
    #[arg(long = "channel", value_name = "NAME")]
    channels: Vec<String>,
    /// Say where this alert would go: a JSON object with `severity`, `topic`, `message`, perhaps `agent`, `key`, `metadata`
    #[arg(long, value_name = "JSON")]
    alert: Option<String>,
    /// When the alert comes, which matters to silences [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// Print one JSON object, mistakes included
    #[arg(long)]
    json: bool,
}

/// Every channel there is, where none is named.
const EVERY: &str = "*";

/// What is printed.
#[derive(Debug, Serialize)]
struct Checked {
    r#type: &'static str,
    file: String,
    /// Those below the root.
    routes: usize,
    silences: usize,
    inhibitions: usize,
    channels: Vec<Arc<str>>,
    mistakes: Vec<Said>,
    warnings: Vec<Said>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<Routed>,
}

/// A mistake or a warning.
#[derive(Debug, Serialize)]
struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    line: Option<usize>,
    column: Option<usize>,
    message: String,
}

/// Where an alert would go.
#[derive(Debug, Serialize)]
struct Routed {
    text: String,
    /// What the silence says that mutes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    silenced: Option<Silenced>,
    stops: Vec<Stop>,
    /// The inhibitions, from 0, that may mute it while an alert of theirs is recent.
    may_be_muted_by: Vec<usize>,
    /// The inhibitions, from 0, that it sets off.
    sets_off: Vec<usize>,
}

#[derive(Debug, Serialize)]
struct Silenced {
    silence: usize,
    comment: String,
    until: Timestamp,
}

/// A route that takes it.
#[derive(Debug, Serialize)]
struct Stop {
    /// Its number: 0 is the root.
    route: usize,
    name: Option<String>,
    /// The channels that get it here, `*` for all where none is named; those that have it from a route before do not get it again.
    to: Vec<Arc<str>>,
    /// What alerts have in common that are told together; `null` where each is told alone.
    group: Option<Vec<(String, String)>>,
    wait: String,
    interval: String,
    cooldown: Option<String>,
    escalate: Vec<Step>,
}

#[derive(Debug, Serialize)]
struct Step {
    after: String,
    to: Vec<Arc<str>>,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<(), Failure> {
    examine(args).or_else(|failure| if args.json { tell(args, failure) } else { Err(failure) })
}

fn examine(args: &Args) -> Result<(), Failure> {
    let path = &args.rules;
    let alert = args.alert.as_deref().map(read_alert).transpose()?;
    let rules = rules_file::read(path).map_err(|fault| match fault {
        Fault::Unread(source) => Failure::Unreadable { path: path.clone(), source },
        Fault::Wrong(error) => Failure::Rules { path: path.clone(), error },
    })?;
    let channels = if args.channels.is_empty() {
        rules_file::channels(&rules)
    } else {
        args.channels.iter().map(|name| name.as_str().into()).collect()
    };
    let checked = check(args, rules, channels, alert.as_ref())
        .map_err(|error| Failure::Rules { path: path.clone(), error })?;
    if args.json {
        return print_json(&checked);
    }
    print(&checked.to_string()).map_err(|source| Failure::Output { source })
}

/// The keys of an alert.
const KEYS: [&str; 8] = ["severity", "topic", "message", "agent", "key", "metadata", "id", "at"];

/// Reads an alert that somebody wrote by hand: more kindly than one that a program wrote as to the severity,
/// and more strictly as to keys.
fn read_alert(text: &str) -> Result<Alert, Failure> {
    let wrong = |error: &dyn fmt::Display| Failure::NoAlert(error.to_string());
    let mut object: Map<String, Value> = serde_json::from_str(text).map_err(|e| wrong(&e))?;
    if let Some(key) = object.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let known = KEYS.map(|key| format!("`{key}`")).join(", ");
        return Err(Failure::NoAlert(format!("there is no key `{key}`; there are {known}")));
    }
    if let Some(Value::String(severity)) = object.get_mut("severity") {
        let read: Severity = severity.parse().map_err(|e| wrong(&e))?;
        read.as_str().clone_into(severity);
    }
    let alert: Alert = serde_json::from_value(Value::Object(object)).map_err(|e| wrong(&e))?;
    alert.check()?;
    Ok(alert)
}

/// Mistakes are the result where JSON is asked for.
fn tell(args: &Args, failure: Failure) -> Result<(), Failure> {
    let mut checked = Checked::of(&args.rules);
    checked.mistakes = match &failure {
        Failure::Rules { error, .. } => error
            .mistakes()
            .map(|mistake| Said {
                code: Some(mistake.code()),
                line: mistake.line,
                column: mistake.column,
                message: mistake.message.clone(),
            })
            .collect(),
        Failure::NoAlert(_) | Failure::TooLarge(_) | Failure::Unreadable { .. } => {
            let cause = std::error::Error::source(&failure).map(|cause| format!(": {cause}"));
            let message = format!("{failure}{}", cause.unwrap_or_default());
            vec![Said { code: Some(failure.code()), line: None, column: None, message }]
        }
        Failure::Told(_) | Failure::Output { .. } | Failure::Json(_) => return Err(failure),
    };
    print_json(&checked)?;
    Err(Failure::Told(Box::new(failure)))
}

fn print_json(checked: &Checked) -> Result<(), Failure> {
    let json = serde_json::to_string(checked).map_err(Failure::Json)?;
    print(&format!("{json}\n")).map_err(|source| Failure::Output { source })
}

fn check(
    args: &Args,
    rules: Rules,
    channels: Vec<Arc<str>>,
    alert: Option<&Alert>,
) -> Result<Checked, RulesError> {
    let now = args.at.unwrap_or_else(|| SystemClock::new().now());
    let (silences, inhibitions) = (rules.silences.len(), rules.inhibitions.len());
    // Where no channel is named, that of whatever there is stands for all.
    let all = [EVERY.into()];
    let router = Router::new(rules, if channels.is_empty() { &all } else { &channels })?;
    let warning = |RulesWarning { line, message, .. }: &RulesWarning| Said {
        code: None,
        line: *line,
        column: None,
        message: message.clone(),
    };
    Ok(Checked {
        routes: router.route_count().saturating_sub(1),
        silences,
        inhibitions,
        channels,
        warnings: router.warnings(now).iter().map(warning).collect(),
        alert: alert.map(|alert| Routed::of(&router, alert, now)),
        ..Checked::of(&args.rules)
    })
}

impl Checked {
    fn of(path: &Path) -> Self {
        Self {
            r#type: "alert_rules",
            file: path.display().to_string(),
            routes: 0,
            silences: 0,
            inhibitions: 0,
            channels: Vec::new(),
            mistakes: Vec::new(),
            warnings: Vec::new(),
            alert: None,
        }
    }
}

impl Routed {
    fn of(router: &Router, alert: &Alert, now: Timestamp) -> Self {
        let found = router.route(alert, now);
        let silenced = found.silenced_by.and_then(|number| {
            let silence = router.silences().get(number)?;
            let (comment, until) = (silence.comment.clone(), silence.until);
            Some(Silenced { silence: number, comment, until })
        });
        let mut taken: Vec<Arc<str>> = Vec::new();
        let mut stops = Vec::new();
        for stop in found.stops {
            let settings = router.settings(stop.route);
            let is_free = |channel: &&Arc<str>| !taken.contains(channel);
            let to: Vec<Arc<str>> = settings.to.iter().filter(is_free).cloned().collect();
            taken.extend(to.iter().cloned());
            stops.push(Stop::of(stop.route, settings, to, alert));
        }
        Self {
            text: alert.to_string(),
            silenced,
            stops,
            may_be_muted_by: router.may_mute(alert).collect(),
            sets_off: router.set_off_by(alert).collect(),
        }
    }
}

impl Stop {
    fn of(route: usize, settings: &Settings, to: Vec<Arc<str>>, alert: &Alert) -> Self {
        let group = match &settings.group_by {
            GroupBy::Keys(labels) => {
                let pairs = labels
                    .iter()
                    .map(|label| (label.to_string(), label.value_of(alert).into_owned()));
                Some(pairs.collect())
            }
            GroupBy::Each | _ => None,
        };
        let step = |step: &safeguards_notify::Escalation| Step {
            after: span(step.after),
            to: step.to.clone(),
        };
        Self {
            route,
            name: settings.name.clone(),
            to,
            group,
            wait: span(settings.wait),
            interval: span(settings.interval),
            cooldown: settings.cooldown.map(span),
            escalate: settings.escalate.iter().map(step).collect(),
        }
    }
}

fn span(span: Duration) -> String {
    format!("{:#}", SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX))
}

impl fmt::Display for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count =
            |number: usize, thing| counted(u64::try_from(number).unwrap_or(u64::MAX), thing);
        writeln!(
            out,
            "rules    {}   {}, {}, {}",
            self.file,
            count(self.routes, "route"),
            count(self.silences, "silence"),
            count(self.inhibitions, "inhibition")
        )?;
        if self.channels.is_empty() {
            writeln!(out, "channels none is named: alerts go to every channel there is")?;
        } else {
            writeln!(out, "channels {}", one_line(&self.channels.join(", ")))?;
        }
        for Said { line, message, .. } in &self.warnings {
            let line = line.map(|line| format!("{line}: ")).unwrap_or_default();
            writeln!(out, "warning  {}:{line}{}", self.file, one_line(message))?;
        }
        self.alert.as_ref().map_or(Ok(()), |alert| alert.fmt(out))
    }
}

impl fmt::Display for Routed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "alert    {}", self.text)?;
        if let Some(Silenced { silence, comment, until }) = &self.silenced {
            writeln!(
                out,
                "muted    until {until} by silence {silence}: {}; it would go:",
                one_line(comment)
            )?;
        }
        for stop in &self.stops {
            stop.fmt(out)?;
        }
        for number in &self.may_be_muted_by {
            writeln!(out, "muted    while an alert is recent that sets off inhibition {number}")?;
        }
        for number in &self.sets_off {
            writeln!(out, "mutes    what inhibition {number} says")?;
        }
        Ok(())
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = match self.to.as_slice() {
            [] => "nowhere".to_owned(),
            [all] if **all == *EVERY => "every channel".to_owned(),
            some => one_line(&some.join(", ")),
        };
        let by = match (&self.name, self.route) {
            (Some(name), _) => format!("route `{}`", one_line(name)),
            (None, 0) => "the root".to_owned(),
            (None, number) => format!("route {number}"),
        };
        writeln!(out, "to       {to}, by {by}")?;
        if self.to.is_empty() {
            return Ok(());
        }
        let mut how = String::new();
        match &self.group {
            None => how.push_str("each alone"),
            Some(labels) if labels.is_empty() => how.push_str("all together"),
            Some(labels) => {
                let pair = |(label, value): &(String, String)| {
                    format!("{label} {}", if value.is_empty() { "-" } else { value })
                };
                let labels: Vec<String> = labels.iter().map(pair).collect();
                write!(how, "with those of {}", one_line(&labels.join(", ")))?;
            }
        }
        if self.group.is_some() {
            let first = if self.wait == "0s" {
                "at once".to_owned()
            } else {
                format!("after {}", self.wait)
            };
            write!(how, "; the first {first}, more every {}", self.interval)?;
        }
        if let Some(cooldown) = &self.cooldown {
            write!(how, "; the same again after {cooldown}")?;
        }
        writeln!(out, "         {how}")?;
        for Step { after, to } in &self.escalate {
            let to = one_line(&to.join(", "));
            writeln!(out, "         not acknowledged after {after}: to {to}")?;
        }
        Ok(())
    }
}
