//! [`Mistake`]: what is wrong with a team file, where, and what is allowed.

use std::{fmt, ops::Range, path::Path};

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
}

impl MistakeKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
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
    /// A mistake at `span` of `text`.
    pub(super) fn new(
        kind: MistakeKind,
        (file, text): (&Path, &str),
        span: &Range<usize>,
        message: String,
    ) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let in_line = before.get(line_start..).unwrap_or_default();
        Self {
            kind,
            file: file.display().to_string(),
            line: before.matches('\n').count().saturating_add(1),
            column: in_line.chars().count().saturating_add(1),
            message,
        }
    }

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

/// A team file that cannot be used. It has at least one mistake; all that were found are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamFileError {
    first: Mistake,
    rest: Vec<Mistake>,
}

impl TeamFileError {
    /// These mistakes in the order of the file; `None` where there is none.
    pub(super) fn of(mut mistakes: Vec<Mistake>) -> Option<Self> {
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        let mut mistakes = mistakes.into_iter();
        let first = mistakes.next()?;
        let rest = mistakes.collect();
        Some(Self { first, rest })
    }

    /// Each mistake, in the order of the file.
    pub fn mistakes(&self) -> impl Iterator<Item = &Mistake> {
        std::iter::once(&self.first).chain(&self.rest)
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
        match self.rest.len() {
            0 => Ok(()),
            1 => out.write_str(" (and 1 more mistake)"),
            more => write!(out, " (and {more} more mistakes)"),
        }
    }
}

impl std::error::Error for TeamFileError {}
