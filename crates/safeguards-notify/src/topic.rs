//! [`Topic`]: the dotted name that an alert is published under; [`TopicFilter`]: which topics are meant.

use std::{borrow::Cow, convert::Infallible, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};

/// The dotted name that an alert is published under, such as `budget.threshold`.
///
/// Parts of ASCII letters, digits, `_` and `-`, joined by dots; at most 256 bytes; case counts.
///
/// ```
/// use safeguards_notify::{Topic, topic};
///
/// // A literal is read at compile time: `topic!("budget..low")` does not compile.
/// assert_eq!(topic!("budget.low"), Topic::parse("budget.low")?);
/// assert!(Topic::parse("budget.*").is_err()); // that is a filter
/// # Ok::<(), safeguards_notify::TopicError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Topic(Cow<'static, str>);

/// Which topics are meant: a topic in which `*` stands for one part, and a last `**` for one or more.
///
/// ```
/// use safeguards_notify::{TopicFilter, topic};
///
/// let filter = TopicFilter::parse("budget.**")?;
/// assert!(filter.matches(&topic!("budget.low")));
/// assert!(filter.matches(&topic!("budget.low.critical")));
/// assert!(!filter.matches(&topic!("budget")));
/// # Ok::<(), safeguards_notify::TopicError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TopicFilter(Cow<'static, str>);

/// Why a text is no [`Topic`] or no [`TopicFilter`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {}: {fault}", form.name())]
pub struct TopicError {
    text: String,
    form: Form,
    fault: Fault,
}

/// What a text is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Topic,
    Filter,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("it has an empty part; parts are joined by single dots, such as budget.low")]
    EmptyPart,
    #[error("parts are made of ASCII letters, digits, `_` and `-`")]
    Character,
    #[error("`*` stands for one whole part, and `**` for the rest, at the end alone")]
    Wildcard,
    #[error("it has more than 256 bytes")]
    TooLong,
}

const BYTES_MAX: usize = 256;

/// The part that is being read.
#[derive(Clone, Copy)]
enum Part {
    Empty,
    Name,
    AnyOne,
    Rest,
}

/// Reads a text at run time or, for [`topic!`](crate::topic!), at compile time.
const fn check(text: &str, form: Form) -> Result<(), Fault> {
    if text.len() > BYTES_MAX {
        return Err(Fault::TooLong);
    }
    let mut part = Part::Empty;
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        part = match (*byte, part) {
            (b'.', Part::Empty) => return Err(Fault::EmptyPart),
            (b'.', Part::Name | Part::AnyOne) => Part::Empty,
            (b'*', Part::Empty) if matches!(form, Form::Filter) => Part::AnyOne,
            (b'*', Part::AnyOne) => Part::Rest,
            (b'*', _) if matches!(form, Form::Filter) => return Err(Fault::Wildcard),
            (_, Part::AnyOne | Part::Rest) => return Err(Fault::Wildcard),
            (b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-', _) => Part::Name,
            _ => return Err(Fault::Character),
        };
    }
    match part {
        Part::Empty => Err(Fault::EmptyPart),
        Part::Name | Part::AnyOne | Part::Rest => Ok(()),
    }
}

impl Form {
    const fn name(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Filter => "topic filter",
        }
    }

    fn read(self, text: Cow<'_, str>) -> Result<Cow<'static, str>, TopicError> {
        match check(&text, self) {
            Ok(()) => Ok(Cow::Owned(text.into_owned())),
            Err(fault) => Err(TopicError {
                // A text that is refused for its length is not repeated in full.
                text: text.chars().take(BYTES_MAX).collect(),
                form: self,
                fault,
            }),
        }
    }
}

impl TopicError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self.form {
            Form::Topic => "notify.invalid_topic",
            Form::Filter => "notify.invalid_filter",
        }
    }
}

/// So that what is a filter already may stand where a text could fail to be one.
impl From<Infallible> for TopicError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A [`Topic`], its text read at compile time: `topic!("budget.threshold")`.
///
/// ```compile_fail
/// let topic = safeguards_notify::topic!("budget.*");
/// ```
#[macro_export]
macro_rules! topic {
    ($text:literal) => {{
        const TOPIC: $crate::Topic = $crate::Topic::literal($text);
        TOPIC
    }};
}

impl Topic {
    /// Reads a topic.
    ///
    /// # Errors
    ///
    /// Where a part is empty or has other characters than ASCII letters, digits, `_` and `-`, or where the
    /// text is longer than 256 bytes.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        Form::Topic.read(Cow::Borrowed(text)).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a macro's literal. Called while compiling, so a bad literal stops the build.
    #[doc(hidden)]
    #[expect(
        clippy::panic,
        reason = "evaluated by the compiler, for a literal in the user's source"
    )]
    pub const fn literal(text: &'static str) -> Self {
        match check(text, Form::Topic) {
            Ok(()) => Self(Cow::Borrowed(text)),
            Err(Fault::EmptyPart) => panic!("a topic has no empty parts"),
            Err(Fault::Character | Fault::Wildcard) => {
                panic!("a topic is made of ASCII letters, digits, `_`, `-` and dots")
            }
            Err(Fault::TooLong) => panic!("a topic has at most 256 bytes"),
        }
    }
}

impl TopicFilter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// As for [`Topic::parse`], and where `*` or `**` is not a whole part, or `**` not the last one.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        Form::Filter.read(Cow::Borrowed(text)).map(Self)
    }

    /// The filter that every topic matches.
    pub const fn all() -> Self {
        Self(Cow::Borrowed("**"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `topic` is meant.
    pub fn matches(&self, topic: &Topic) -> bool {
        let mut parts = topic.as_str().split('.');
        for wanted in self.0.split('.') {
            match (wanted, parts.next()) {
                ("**", Some(_)) => return true,
                ("*", Some(_)) => {}
                (wanted, Some(part)) if wanted == part => {}
                _ => return false,
            }
        }
        parts.next().is_none()
    }
}

/// A topic is the filter that it alone matches.
impl From<Topic> for TopicFilter {
    fn from(topic: Topic) -> Self {
        Self(topic.0)
    }
}

macro_rules! text_form {
    ($name:ident, $form:expr) => {
        impl FromStr for $name {
            type Err = TopicError;

            fn from_str(text: &str) -> Result<Self, TopicError> {
                Self::parse(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = TopicError;

            fn try_from(text: &str) -> Result<Self, TopicError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = TopicError;

            fn try_from(text: String) -> Result<Self, TopicError> {
                $form.read(Cow::Owned(text)).map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), out)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                $form.read(text).map(Self).map_err(de::Error::custom)
            }
        }
    };
}

text_form!(Topic, Form::Topic);
text_form!(TopicFilter, Form::Filter);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_read(text: &str, topic: Result<(), Fault>, filter: Result<(), Fault>) {
        assert_eq!(check(text, Form::Topic), topic, "{text} as a topic");
        assert_eq!(check(text, Form::Filter), filter, "{text} as a filter");
    }

    #[test]
    fn what_is_a_topic_and_what_a_filter() {
        let (character, wildcard) = (Err(Fault::Character), Err(Fault::Wildcard));
        check_read("budget", Ok(()), Ok(()));
        check_read("budget.low-2.Max_7", Ok(()), Ok(()));
        for text in ["", ".", ".budget", "budget.", "budget..low"] {
            check_read(text, Err(Fault::EmptyPart), Err(Fault::EmptyPart));
        }
        for text in ["budget low", "budget/low", "büdget", "budget.>", "a\nb"] {
            check_read(text, character, character);
        }
        for text in ["*", "**", "budget.*", "*.low", "budget.**", "*.*.**"] {
            check_read(text, character, Ok(()));
        }
        for text in ["b*", "*b", "**.low", "***", "budget.**b", "budget.*-"] {
            check_read(text, character, wildcard);
        }
        check_read(&"a".repeat(256), Ok(()), Ok(()));
        check_read(&"a".repeat(257), Err(Fault::TooLong), Err(Fault::TooLong));
    }

    #[track_caller]
    fn check_match(filter: &str, topic: &str, expected: bool) {
        let (filter, topic) = (filter.parse::<TopicFilter>(), topic.parse());
        let (filter, topic) = (filter.unwrap(), topic.unwrap());
        assert_eq!(filter.matches(&topic), expected, "{filter} vs {topic}");
    }

    #[test]
    fn a_star_is_one_part_and_two_are_the_rest() {
        check_match("budget.low", "budget.low", true);
        check_match("budget.low", "budget.Low", false);
        check_match("budget.*", "budget.low", true);
        check_match("budget.*", "budget.low.critical", false);
        check_match("budget.*", "budgets.low", false);
        check_match("budget.*", "budget", false);
        check_match("*.low", "budget.low", true);
        check_match("*.low", "low", false);
        check_match("budget.**", "budget.low.critical", true);
        check_match("budget.**", "budget", false);
        check_match("**", "budget", true);
        check_match("*.**", "budget", false);
    }

    #[test]
    fn a_refusal_says_what_is_allowed() {
        let error = Topic::parse("budget..low").unwrap_err();
        assert_eq!(error.code(), "notify.invalid_topic");
        assert_eq!(
            error.to_string(),
            "`budget..low` is no topic: it has an empty part; parts are joined by single dots, such as budget.low"
        );
        let error = serde_json::from_str::<TopicFilter>("\"b*\"").unwrap_err();
        assert!(error.to_string().contains("`b*` is no topic filter"), "{error}");
    }

    /// What the documentation says, without regard to cost.
    fn model(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            ([], []) | (["**"], [_, ..]) => true,
            (["*", filter @ ..], [_, topic @ ..]) => model(filter, topic),
            ([wanted, filter @ ..], [part, topic @ ..]) => wanted == part && model(filter, topic),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matches_as_the_model_does(filter in "(a|b|\\*)(\\.(a|b|\\*)){0,3}(\\.\\*\\*)?", topic in "(a|b)(\\.(a|b)){0,4}") {
            let parts = |text: &'_ str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
            let (filter_parts, topic_parts) = (parts(&filter), parts(&topic));
            let filter_parts: Vec<_> = filter_parts.iter().map(String::as_str).collect();
            let topic_parts: Vec<_> = topic_parts.iter().map(String::as_str).collect();
            let got = TopicFilter::parse(&filter).unwrap().matches(&Topic::parse(&topic).unwrap());
            prop_assert_eq!(got, model(&filter_parts, &topic_parts));
        }
    }
}
