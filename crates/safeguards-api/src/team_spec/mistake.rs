//! [`Mistake`]: what is wrong with a team file, where, and what is allowed.

use std::{collections::BTreeMap, fmt, path::Path};

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
}

impl MistakeKind {
    /// All kinds.
    pub const ALL: [Self; 16] = [
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
        }
    }
}

/// One mistake: `file:line:column: what; what is allowed`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// What kind it is.
    pub kind: MistakeKind,
    /// In which file, as it was named.
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
    /// Notes a mistake at a byte of the text.
    pub(super) fn note(&mut self, kind: MistakeKind, at: usize, message: String) {
        self.kept.insert((at, self.noted), (kind, message));
        self.noted = self.noted.saturating_add(1);
        if self.kept.len() > TeamFileError::MISTAKES_MAX {
            self.kept.pop_last();
        }
    }

    /// All of them as one error, each with its line and column of `text`; `None` where there is none.
    pub(super) fn in_file(&self, file: &Path, text: &str) -> Option<TeamFileError> {
        let mut place = Walk::new();
        let mut placed = self.kept.iter().map(|((at, _), (kind, message))| {
            place.go_on_to(*at, text);
            let Place { line, column } = place.place;
            let (file, message) = (file.display().to_string(), message.clone());
            Mistake { kind: *kind, file, line, column, message }
        });
        let first = placed.next()?;
        let left_out = self.noted.saturating_sub(self.kept.len());
        Some(TeamFileError { first, rest: placed.collect(), left_out })
    }
}

/// A line and a column of a file, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A text that is walked through once.
#[derive(Clone, Copy)]
struct Walk {
    at: usize,
    place: Place,
}

impl Walk {
    const fn new() -> Self {
        Self { at: 0, place: Place { line: 1, column: 1 } }
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

/// A team file that cannot be used. It has at least one mistake; the first hundred are in it.
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
