//! [`connect`]: makes the channels that a team file asks for, and the routes that lead to them.

#[cfg(feature = "email")]
mod mail;
#[cfg(unix)]
mod ready;
#[cfg(any(feature = "webhook", feature = "email"))]
mod secret_file;
#[cfg(feature = "webhook")]
mod webhooks;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use safeguards_notify::{
    AlertMatch, AlertsBuilder, Channel, ConsoleChannel, FileError, GroupBy, JsonLinesChannel,
    Route, Router, RuleMistake, Rules, RulesError,
};
use safeguards_types::Timestamp;

#[cfg(unix)]
pub(super) use self::ready::{faults, with_cause};
use super::{
    AlertSpec, AlertTarget, FileTarget, Mistake, MistakeKind, TeamFileError, TeamSpec,
    mistake::Place,
};
use crate::bounded_file;

/// How long a file of rules may be: 16 MiB.
const RULES_MAX: u64 = 16 * 1024 * 1024;

/// Why alerts cannot go where a team file wants them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlertsError {
    /// A variable that the file names is not set, or what a target says is wrong.
    #[error(transparent)]
    Team(#[from] TeamFileError),
    /// A file for alerts cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file of rules could not be read.
    #[error("{} could not be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of rules is wrong.
    #[error("{}: {error}", path.display())]
    Rules {
        /// The file.
        path: PathBuf,
        /// All that is wrong.
        error: RulesError,
    },
}

impl AlertsError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Team(error) => error.code(),
            Self::File(error) => error.code(),
            Self::Unreadable { .. } => "config.unreadable",
            Self::Rules { error, .. } => error.code(),
        }
    }

    /// Every mistake with its code, where there may be several: `file:line:column: what`.
    pub fn mistakes(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Team(error) => {
                error.mistakes().map(|mistake| (mistake.code(), mistake.to_string())).collect()
            }
            Self::Rules { path, error } => {
                let mut all: Vec<_> = error
                    .mistakes()
                    .map(|mistake| (mistake.code(), placed(path, mistake)))
                    .collect();
                if error.left_out() > 0 {
                    let more = format!("{}: and {} more", path.display(), error.left_out());
                    all.push((error.code(), more));
                }
                all
            }
            Self::File(error) => vec![(error.code(), error.to_string())],
            Self::Unreadable { .. } => vec![(self.code(), self.to_string())],
        }
    }
}

/// A mistake of rules in the form of a team file's.
fn placed(path: &Path, mistake: &RuleMistake) -> String {
    let (file, message) = (path.display(), &mistake.message);
    match (mistake.line, mistake.column) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}: {message}"),
        (Some(line), None) => format!("{file}:{line}: {message}"),
        (None, _) => format!("{file}: {message}"),
    }
}

/// What a team file adds to a hub.
#[derive(Debug)]
pub(crate) struct Connected {
    /// Where alerts go that go to this file's channels. What it does not take goes to none of them.
    pub(crate) routes: Vec<Route>,
    /// Silences and inhibitions of its rules, which hold for the whole hub.
    pub(crate) rules: Rules,
    /// Its file of rules by itself.
    pub(crate) file: Option<RulesFile>,
}

/// A file of rules that was checked by itself: its routes are numbered as they stand there.
#[derive(Debug)]
pub(crate) struct RulesFile {
    path: PathBuf,
    router: Router,
}

impl RulesFile {
    /// What is allowed and yet can hardly be meant: `file:line: what`.
    pub(crate) fn warnings(&self, now: Timestamp) -> impl Iterator<Item = String> {
        let file = self.path.display().to_string();
        self.router.warnings(now).into_iter().map(move |warning| match warning.line {
            Some(line) => format!("{file}:{line}: {}", warning.message),
            None => format!("{file}: {}", warning.message),
        })
    }
}

/// What a channel of a team file is made from.
struct Making<'m> {
    spec: &'m TeamSpec,
    console: &'m dyn Fn() -> ConsoleChannel,
    #[cfg_attr(
        not(any(feature = "webhook", feature = "email")),
        expect(dead_code, reason = "no target of this build has a secret")
    )]
    variables: &'m dyn Fn(&str) -> Option<String>,
}

/// Why a target cannot be.
enum TargetFault {
    Mistake(Mistake),
    File(FileError),
}

impl From<Mistake> for TargetFault {
    fn from(mistake: Mistake) -> Self {
        Self::Mistake(mistake)
    }
}

impl From<FileError> for TargetFault {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// What the channel of this alert is called in its file.
fn own_name(alert: &AlertSpec, index: usize) -> String {
    alert.name.clone().unwrap_or_else(|| format!("[[alert]] {}", index.saturating_add(1)))
}

/// Adds the channels that a team file asks for. They are named as its rules name them, or by their number in
/// it; those of a second file by the file's number too. Its path would be a name too long.
pub(crate) fn connect(
    spec: &TeamSpec,
    file_number: usize,
    mut hub: AlertsBuilder,
    console: &dyn Fn() -> ConsoleChannel,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<(AlertsBuilder, Connected), AlertsError> {
    let making = Making { spec, console, variables };
    let suffix =
        if file_number > 1 { format!(" of team file {file_number}") } else { String::new() };
    let mut names: Vec<(String, Arc<str>)> = Vec::new();
    let mut routes = Vec::new();
    let mut mistakes = Vec::new();
    for (index, alert) in spec.alerts.iter().enumerate() {
        let own = own_name(alert, index);
        let name: Arc<str> = format!("{own}{suffix}").into();
        match making.channel(alert) {
            Ok(channel) => hub = hub.channel(Arc::clone(&name), channel),
            Err(TargetFault::Mistake(mistake)) => mistakes.push(mistake),
            Err(TargetFault::File(error)) => return Err(error.into()),
        }
        routes.push(route_to(&name, alert));
        names.push((own, name));
    }
    TeamFileError::unless_empty(mistakes)?;
    let own: Vec<Arc<str>> = names.iter().map(|(own, _)| own.as_str().into()).collect();
    let Some((path, mut rules, by_itself)) = read_rules(spec, &own)? else {
        return Ok((hub, Connected { routes, rules: Rules::default(), file: None }));
    };
    let mut root = std::mem::take(&mut rules.otherwise);
    root.to.get_or_insert(own);
    rename(&mut root, &names);
    let file = Some(RulesFile { path, router: by_itself });
    Ok((hub, Connected { routes: vec![root.goes_on()], rules, file }))
}

/// The rules of a team file, and what they lead to where only these channels are there; `None` where it has none.
fn read_rules(
    spec: &TeamSpec,
    channels: &[Arc<str>],
) -> Result<Option<(PathBuf, Rules, Router)>, AlertsError> {
    let (path, rules) = match (&spec.rules, &spec.own_rules) {
        (None, None) => return Ok(None),
        (None, Some(rules)) => (spec.file.clone(), rules.clone()),
        (Some(rules), _) => {
            let path = spec.folder().join(rules);
            let rules = match bounded_file::read(&path, RULES_MAX) {
                Ok(text) => Rules::from_toml(&text),
                Err(source) => return Err(AlertsError::Unreadable { path, source }),
            }
            .map_err(|error| AlertsError::Rules { path: path.clone(), error })?;
            (path, rules)
        }
    };
    // Joined with others, its routes would have other numbers, and its mistakes no file.
    let router = Router::new(rules.clone(), channels)
        .map_err(|error| AlertsError::Rules { path: path.clone(), error })?;
    Ok(Some((path, rules, router)))
}

/// The route of an `[[alert]]` that has no rules above it.
fn route_to(name: &Arc<str>, alert: &AlertSpec) -> Route {
    let when = AlertMatch::all().topic(alert.on.clone()).at_least(alert.at_least);
    let mut route = Route::when(when).named(&**name).to([Arc::clone(name)]).goes_on();
    route.group_by.clone_from(&alert.group_by);
    if alert.to.is_local() {
        route.group_by.get_or_insert(GroupBy::Each);
    }
    (route.wait, route.interval, route.cooldown) = (alert.wait, alert.interval, alert.cooldown);
    route
}

/// Calls channels by the names that they have in the hub.
fn rename(route: &mut Route, names: &[(String, Arc<str>)]) {
    let escalations = route.escalate.iter_mut().flatten().map(|escalation| &mut escalation.to);
    for channel in route.to.iter_mut().chain(escalations).flatten() {
        if let Some((_, name)) = names.iter().find(|(own, _)| *own == **channel) {
            *channel = Arc::clone(name);
        }
    }
    for below in &mut route.routes {
        rename(below, names);
    }
}

impl Making<'_> {
    /// The channel of one `[[alert]]`.
    fn channel(&self, alert: &AlertSpec) -> Result<Arc<dyn Channel>, TargetFault> {
        Ok(match &alert.to {
            AlertTarget::Console => Arc::new((self.console)()),
            AlertTarget::File(target) => Arc::new(self.file(target)?),
            #[cfg(feature = "webhook")]
            AlertTarget::Webhook(target) => Arc::new(self.webhook(target, alert.place)?),
            #[cfg(feature = "webhook")]
            AlertTarget::Slack(target) => Arc::new(self.slack(target, alert.place)?),
            #[cfg(feature = "email")]
            AlertTarget::Email(target) => Arc::new(self.email(target, alert.place)?),
            // Reading the file refuses these.
            #[cfg(not(all(feature = "webhook", feature = "email")))]
            _ => {
                let what =
                    "this build reaches no such target; it needs the feature `webhook` or `email`";
                return Err(self
                    .mistake(MistakeKind::Unsupported, alert.place, what.to_owned())
                    .into());
            }
        })
    }

    fn file(&self, target: &FileTarget) -> Result<JsonLinesChannel, FileError> {
        let FileTarget { path, rotate_at, keep } = target;
        let mut builder = JsonLinesChannel::builder(self.spec.folder().join(path));
        if let Some(bytes) = rotate_at {
            builder = builder.rotate_at(*bytes);
        }
        if let Some(files) = keep {
            builder = builder.keep(*files);
        }
        builder.open()
    }

    fn mistake(&self, kind: MistakeKind, place: Place, message: String) -> Mistake {
        self.spec.sources.mistake(kind, place, message)
    }
}

#[cfg(any(feature = "webhook", feature = "email"))]
impl Making<'_> {
    /// The secret that stands there.
    fn secret(&self, secret: &super::Secret) -> Result<String, Mistake> {
        let wrong = |kind, message| Err(self.mistake(kind, secret.place, message));
        match &secret.source {
            super::SecretSource::Variable(name) => match (self.variables)(name) {
                Some(value) if !value.is_empty() => Ok(value),
                empty => {
                    let what = if empty.is_some() { "is empty" } else { "is not set" };
                    let message =
                        format!("the variable `{name}` {what}; it holds a secret for alerts");
                    wrong(MistakeKind::Variable, message)
                }
            },
            super::SecretSource::File(path) => {
                let path = self.spec.folder().join(path);
                secret_file::read(&path).or_else(|message| wrong(MistakeKind::Secret, message))
            }
        }
    }
}
