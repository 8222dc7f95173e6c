//! [`RulesError`]: what is wrong with rules, where, and what is allowed.

use std::fmt;

/// What kind of mistake it is. Each has a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RuleMistakeKind {
    /// The text is no TOML.
    Syntax,
    /// A key that nothing knows.
    UnknownKey,
    /// A key that must be there is not.
    MissingKey,
    /// A value of the wrong type, or one that cannot be read.
    Value,
    /// Conditions where there may be none, or that cannot be asked.
    Condition,
    /// A channel that the hub does not have, or that is named twice.
    Channel,
    /// A span of time that is zero, too long, or of no use.
    Span,
    /// An escalation without channels, or no later than the one before.
    Escalation,
    /// An inhibition that mutes what sets it off.
    Inhibition,
    /// A silence that ends before it begins.
    Silence,
    /// A name that is empty, or taken.
    Name,
    /// A label that leads nowhere.
    Label,
    /// Too many routes, or too many below each other.
    Size,
}

impl RuleMistakeKind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "notify.rules_syntax",
            Self::UnknownKey => "notify.rules_unknown_key",
            Self::MissingKey => "notify.rules_missing_key",
            Self::Value => "notify.rules_value",
            Self::Condition => "notify.rules_condition",
            Self::Channel => "notify.rules_channel",
            Self::Span => "notify.rules_span",
            Self::Escalation => "notify.rules_escalation",
            Self::Inhibition => "notify.rules_inhibition",
            Self::Silence => "notify.rules_silence",
            Self::Name => "notify.rules_name",
            Self::Label => "notify.rules_label",
            Self::Size => "notify.rules_size",
        }
    }
}

/// One mistake: where, what, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleMistake {
    /// What kind it is.
    pub kind: RuleMistakeKind,
    /// In which line of the file, from 1; of what is wrong in itself, the line of the value. `None` where
    /// rules come from no file.
    pub line: Option<usize>,
    /// At which character of the line, from 1, where that is known.
    pub column: Option<usize>,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl RuleMistake {
    /// The stable code of its kind.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl fmt::Display for RuleMistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind: _, line, column, message } = self;
        match (line, column) {
            (Some(line), Some(column)) => write!(out, "line {line}, column {column}: {message}"),
            (Some(line), None) => write!(out, "line {line}: {message}"),
            (None, _) => out.write_str(message),
        }
    }
}

/// Rules that cannot be used. It has at least one mistake; the first hundred are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesError {
    first: RuleMistake,
    rest: Vec<RuleMistake>,
    left_out: usize,
}

impl RulesError {
    /// How many mistakes are kept.
    pub const MISTAKES_MAX: usize = 100;

    /// `Ok` where there are no mistakes. Keeps the first ones.
    pub(super) fn unless_empty(
        mistakes: impl IntoIterator<Item = RuleMistake>,
    ) -> Result<(), Self> {
        let mut mistakes = mistakes.into_iter();
        let Some(first) = mistakes.next() else {
            return Ok(());
        };
        let rest = mistakes.by_ref().take(Self::MISTAKES_MAX.saturating_sub(1)).collect();
        Err(Self { first, rest, left_out: mistakes.count() })
    }

    /// The first mistakes, in the order in which they stand: at most [`Self::MISTAKES_MAX`].
    pub fn mistakes(&self) -> impl Iterator<Item = &RuleMistake> {
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

impl fmt::Display for RulesError {
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

impl std::error::Error for RulesError {}

/// How long names are that are compared with others, at most.
const LONGEST: usize = 100;

/// How many names a message lists.
const LISTED_MAX: usize = 20;

/// What a message says to one who wrote `name`: the known name that is nearest, or all of them.
pub(super) fn suggest<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    let nearest = known
        .clone()
        // Comparing takes the product of both lengths.
        .filter(|known| known.len().max(name.len()) <= LONGEST)
        .map(|known| (strsim::osa_distance(known, name), known))
        .min()
        .filter(|(distance, known)| *distance <= 2 && *distance < known.chars().count());
    if let Some((_, nearest)) = nearest {
        return format!("did you mean `{nearest}`?");
    }
    let listed: Vec<_> = known.clone().take(LISTED_MAX).collect();
    let more = known.count().saturating_sub(listed.len());
    match (listed.as_slice(), more) {
        ([], _) => "there are none".to_owned(),
        ([only], 0) => format!("there is {only}"),
        ([names @ .., last], 0) => format!("there are {} and {last}", names.join(", ")),
        (names, more) => format!("there are {} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, known: &[&str], expected: &str) {
        assert_eq!(suggest(name, known.iter().copied()), expected);
    }

    #[test]
    fn the_nearest_name_or_all_names() {
        check("slak", &["ops", "slack"], "did you mean `slack`?");
        check("lsack", &["ops", "slack"], "did you mean `slack`?");
        check("x", &["a"], "there is a");
        check("mail", &["ops", "slack", "pager"], "there are ops, slack and pager");
        check("mail", &[], "there are none");
        let many: Vec<String> = (0..25).map(|n| format!("channel-{n:02}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let text = suggest("mail", many.iter().copied());
        assert!(text.starts_with("there are channel-00, channel-01, "), "{text}");
        assert!(text.ends_with(", channel-19 and 5 more"), "{text}");
    }

    #[test]
    fn an_error_keeps_the_first_hundred() {
        let mistake = |line| RuleMistake {
            kind: RuleMistakeKind::Name,
            line: Some(line),
            column: None,
            message: "wrong".to_owned(),
        };
        assert_eq!(RulesError::unless_empty([]), Ok(()));
        let error = RulesError::unless_empty((1..=150).map(mistake)).unwrap_err();
        assert_eq!((error.mistakes().count(), error.left_out()), (100, 50));
        assert_eq!(error.to_string(), "line 1: wrong (and 149 more mistakes)");
        assert_eq!(error.code(), "notify.rules_name");
        let error = RulesError::unless_empty((1..=2).map(mistake)).unwrap_err();
        assert_eq!(error.to_string(), "line 1: wrong (and 1 more mistake)");
    }
}
