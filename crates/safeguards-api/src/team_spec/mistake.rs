//! [`Mistake`]: what is wrong with a team file, where, and what is allowed.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

use safeguards_notify::RuleMistakeKind;

/// What kind of mistake it is. Each has a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MistakeKind {
    /// The text is no TOML.
    Syntax,
    /// A key that nothing knows.
    UnknownKey,
    /// A key or value that is known, but that this version cannot honor yet.
    Unsupported,
    /// A key that must be there is not.
    Missing,
    /// A value of the wrong type, or out of range.
    Value,
    /// No amount: a bare number, negative, too precise.
    Amount,
    /// A unit that nobody registered.
    Unit,
    /// No window: its length or its time zone.
    Window,
    /// A pool whose name is taken, or whose parent is none.
    Pool,
    /// An agent whose name is taken, that nothing can run, or whose pool is none.
    Agent,
    /// An estimate above a limit on its way up: it could never be held.
    Never,
    /// A unit that is limited on the way up, and that the estimate does not name.
    Unheld,
    /// A variable of the environment that is not set.
    Variable,
    /// A target for alerts that cannot be: its URL, address or secret is wrong.
    Target,
    /// A capability that cannot be, or a need of one: its name, its version, its metadata.
    Capability,
    /// A strategy that there is none of, or one that names agents that there are none of, or that wait for each other.
    Strategy,
    /// A team that is named twice, or whose agents or pool are none of it.
    Team,
    /// A variable of the environment that goes over nothing, or over what another one goes over too.
    Override,
    /// A file with a secret that cannot be read, or that anybody may write.
    Secret,
    /// A file that the configuration names, of prices or of rules, that cannot be read.
    Unreadable,
    /// A mistake in the file of prices.
    Prices,
    /// A file that alerts go to, and that cannot be opened.
    AlertFile,
    /// A mistake in the rules for alerts.
    Rule(RuleMistakeKind),
}

impl MistakeKind {
    /// All kinds but those of rules, which [`RuleMistakeKind`] has.
    pub const ALL: [Self; 22] = [
        Self::Syntax,
        Self::UnknownKey,
        Self::Unsupported,
        Self::Missing,
        Self::Value,
        Self::Amount,
        Self::Unit,
        Self::Window,
        Self::Pool,
        Self::Agent,
        Self::Never,
        Self::Unheld,
        Self::Variable,
        Self::Target,
        Self::Capability,
        Self::Strategy,
        Self::Team,
        Self::Override,
        Self::Secret,
        Self::Unreadable,
        Self::Prices,
        Self::AlertFile,
    ];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "config.syntax",
            Self::UnknownKey => "config.unknown_key",
            Self::Unsupported => "config.unsupported",
            Self::Missing => "config.missing",
            Self::Value => "config.value",
            Self::Amount => "config.amount",
            Self::Unit => "config.unit",
            Self::Window => "config.window",
            Self::Pool => "config.pool",
            Self::Agent => "config.agent",
            Self::Never => "config.never",
            Self::Unheld => "config.unheld",
            Self::Variable => "config.variable",
            Self::Target => "config.target",
            Self::Capability => "config.capability",
            Self::Strategy => "config.strategy",
            Self::Team => "config.team",
            Self::Override => "config.override",
            Self::Secret => "config.secret",
            Self::Unreadable => "config.unreadable",
            Self::Prices => "pricing.bad_file",
            Self::AlertFile => "notify.file_not_opened",
            Self::Rule(kind) => kind.code(),
        }
    }
}

/// What stands before the name of a variable, in place of a file.
const VARIABLE: &str = "variable ";
/// Words in whose line a secret may stand.
const SECRETIVE: [&str; 9] =
    ["://", "env", "key", "password", "secret", "slack", "token", "whsec_", "webhook"];

/// One mistake: `file:line:column: what; what is allowed`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// What kind it is.
    pub kind: MistakeKind,
    /// In which file, as it was named; or `variable NAME`, where a variable of the environment goes over the file.
    pub file: String,
    /// In which line, from 1.
    pub line: usize,
    /// At which character of it, from 1.
    pub column: usize,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl Mistake {
    /// The stable code of its kind.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Whether it stands in a variable of the environment, and in no file.
    pub(super) fn is_of_variable(&self) -> bool {
        self.file.starts_with(VARIABLE)
    }

    /// The line of the file's `text` that it is in. `None` where the mistake is in a variable, and where a secret may
    /// stand in the line: whoever mistypes `env:NAME` has perhaps written the secret itself. Mistakes of [other
    /// files](Self::file), which [`Config::check_ready`](super::Config::check_ready) tells too, are none of this text.
    pub fn excerpt<'t>(&self, text: &'t str) -> Option<&'t str> {
        if self.is_of_variable() {
            return None;
        }
        let before = text.lines().take(self.line).collect::<Vec<_>>();
        let line = before.last().copied().filter(|_| before.len() == self.line)?;
        // A value over many lines belongs to the key that stands above it.
        let from = before.iter().rposition(|line| begins_with_key(line)).unwrap_or_default();
        let mut of_key = before.iter().skip(from);
        (!of_key.any(|line| may_hold_secret(line)) && !ends_in_text(&before)).then_some(line)
    }
}

/// Whether a key stands before the line's first `=`.
fn begins_with_key(line: &str) -> bool {
    let Some((key, _)) = line.split_once('=') else {
        return false;
    };
    let is_of_key = |letter: char| letter.is_alphanumeric() || " \t_-.\"'".contains(letter);
    let is_closed = |quote| key.matches(quote).count().is_multiple_of(2);
    key.chars().all(is_of_key) && is_closed('"') && is_closed('\'')
}

/// Whether one of the words that go with secrets stands in the line, or the key that names a target.
fn may_hold_secret(line: &str) -> bool {
    let line = line.to_lowercase();
    let is_target = |before: &str| {
        let before = before.trim_end().trim_end_matches(['"', '\'']);
        let word =
            before.rsplit(|letter: char| !letter.is_alphanumeric() && !"_-".contains(letter));
        word.take(1).any(|word| word == "to")
    };
    line.split('=').any(is_target) || SECRETIVE.into_iter().any(|word| line.contains(word))
}

/// Whether a text over many lines is still open before the last of them: where it began is not known for sure.
fn ends_in_text(lines: &[&str]) -> bool {
    let above = lines.split_last().map(|(_, above)| above).unwrap_or_default();
    ["\"\"\"", "'''"].into_iter().any(|quotes| {
        let count: usize = above.iter().map(|line| line.matches(quotes).count()).sum();
        !count.is_multiple_of(2)
    })
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind: _, file, line, column, message } = self;
        write!(out, "{file}:{line}:{column}: {message}")
    }
}

/// The mistakes of a file so far: the first by their places, and how many more there are.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    /// By the byte where each stands, and by when it was noted.
    kept: BTreeMap<(usize, usize), (MistakeKind, String)>,
    noted: usize,
}

impl Mistakes {
    /// Whether a mistake that is noted here is among the first, and kept.
    pub(super) fn keeps(&self, at: usize) -> bool {
        let last = self.kept.last_key_value().map(|((last, _), _)| *last);
        self.kept.len() < TeamFileError::MISTAKES_MAX || last.is_some_and(|last| at < last)
    }

    /// Counts a mistake that is not kept.
    pub(super) fn count(&mut self) {
        self.noted = self.noted.saturating_add(1);
    }

    /// Notes a mistake at a byte of the text; once, be it read twice.
    pub(super) fn note(&mut self, kind: MistakeKind, at: usize, message: String) {
        let mut there = self.kept.range((at, 0)..=(at, usize::MAX));
        if there.any(|(_, (other, said))| *other == kind && *said == message) {
            return;
        }
        self.kept.insert((at, self.noted), (kind, message));
        self.noted = self.noted.saturating_add(1);
        if self.kept.len() > TeamFileError::MISTAKES_MAX {
            self.kept.pop_last();
        }
    }

    /// All of them as one error, each with its line and column of `text`; `None` where there is none.
    pub(super) fn of(&self, sources: &Sources, text: &str) -> Option<TeamFileError> {
        let mut place = Walk::new();
        let mut placed = self.kept.iter().map(|((at, _), (kind, message))| {
            place.go_on_to(*at, text);
            sources.mistake(*kind, place.place, message.clone())
        });
        let first = placed.next()?;
        let left_out = self.noted.saturating_sub(self.kept.len());
        Some(TeamFileError { first, rest: placed.collect(), left_out })
    }
}

/// Whose lines are whose: those of the file, and behind them the values of variables that go over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sources {
    file: Arc<str>,
    /// The first line of each variable, and its name, in order.
    variables: Arc<[(usize, Arc<str>)]>,
}

impl Sources {
    pub(super) fn new(file: &Path, variables: Vec<(usize, Arc<str>)>) -> Self {
        Self { file: file.display().to_string().into(), variables: variables.into() }
    }

    /// A mistake at this place of all lines, as whoever wrote them counts.
    pub(super) fn mistake(&self, kind: MistakeKind, place: Place, message: String) -> Mistake {
        let Place { line, column } = place;
        let own = self.variables.iter().rev().find(|(first, _)| *first <= line);
        let (file, line) = match own {
            Some((first, name)) => {
                (format!("{VARIABLE}{name}"), line.saturating_sub(*first).saturating_add(1))
            }
            None => (self.file.to_string(), line),
        };
        Mistake { kind, file, line, column, message }
    }
}

/// A line and a column of all lines that are read as one, from 1: see [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    /// Where every text begins.
    const BEGIN: Self = Self { line: 1, column: 1 };
}

impl Default for Place {
    fn default() -> Self {
        Self::BEGIN
    }
}

/// A text that is walked through once.
#[derive(Clone, Copy)]
struct Walk {
    at: usize,
    place: Place,
}

impl Walk {
    const fn new() -> Self {
        Self { at: 0, place: Place::BEGIN }
    }

    fn go_on_to(&mut self, at: usize, text: &str) {
        let passed = text.get(self.at..at).unwrap_or_default();
        let Place { line, column } = &mut self.place;
        let in_line = match passed.rsplit_once('\n') {
            Some((lines, in_line)) => {
                let ends = lines.matches('\n').count().saturating_add(1);
                (*line, *column) = (line.saturating_add(ends), 1);
                in_line
            }
            None => passed,
        };
        *column = column.saturating_add(in_line.chars().count());
        self.at = at;
    }
}

/// A file of configuration, such as a team file, that cannot be used. It has at least one mistake; the first hundred are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamFileError {
    first: Mistake,
    rest: Vec<Mistake>,
    left_out: usize,
}

impl TeamFileError {
    /// How many mistakes are kept.
    pub const MISTAKES_MAX: usize = 100;

    /// `Ok` where there are none.
    pub(super) fn unless_empty(mistakes: Vec<Mistake>) -> Result<(), Self> {
        let left_out = mistakes.len().saturating_sub(Self::MISTAKES_MAX);
        let mut mistakes = mistakes.into_iter().take(Self::MISTAKES_MAX);
        let Some(first) = mistakes.next() else {
            return Ok(());
        };
        Err(Self { first, rest: mistakes.collect(), left_out })
    }

    /// The first mistakes, in the order of the file: at most [`Self::MISTAKES_MAX`].
    pub fn mistakes(&self) -> impl Iterator<Item = &Mistake> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// How many mistakes there are after those that are kept.
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// The stable code of the first.
    pub const fn code(&self) -> &'static str {
        self.first.code()
    }
}

impl fmt::Display for TeamFileError {
    /// The first mistake, and how many more there are.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.first)?;
        match self.rest.len().saturating_add(self.left_out) {
            0 => Ok(()),
            1 => out.write_str(" (and 1 more mistake)"),
            more => write!(out, " (and {more} more mistakes)"),
        }
    }
}

impl std::error::Error for TeamFileError {}
