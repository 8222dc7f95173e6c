//! [`GroupBy`]: which alerts of a route are told together; [`GroupKey`]: one such group.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::{Alert, matching::at_path};

/// Which alerts of a route are told together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupBy {
    /// None: every alert is told alone. As text: `"each"`.
    Each,
    /// Those for which all of these are equal; without any, all alerts of the route. As text: a list.
    Keys(Vec<GroupLabel>),
}

/// What alerts of a group have in common.
///
/// As text: `topic`, `agent`, `severity`, `key`, and `metadata.PATH`.
///
/// ```
/// use safeguards_notify::GroupLabel;
///
/// assert_eq!("metadata.account.team".parse(), Ok(GroupLabel::metadata("account.team")));
/// assert!("colour".parse::<GroupLabel>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum GroupLabel {
    /// The topic.
    Topic,
    /// The agent that the alert is about.
    Agent,
    /// How much it matters.
    Severity,
    /// The key by which it tells the same as others.
    Key,
    /// The value at this path of its metadata.
    Metadata(Arc<str>),
}

/// A text that is no [`GroupLabel`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no label; there are topic, agent, severity, key and metadata.PATH")]
pub struct GroupLabelError {
    text: String,
}

impl GroupLabelError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        "notify.invalid_label"
    }
}

/// One group of a route: labels and their values, in the order of the route.
///
/// What an alert does not have is an empty text. Metadata other than text has the text of its JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupKey(Arc<[(GroupLabel, Box<str>)]>);

impl Default for GroupBy {
    /// By topic, agent and severity.
    fn default() -> Self {
        Self::Keys(vec![GroupLabel::Topic, GroupLabel::Agent, GroupLabel::Severity])
    }
}

impl GroupBy {
    /// The group of an alert; `None` where every alert is told alone.
    pub fn key_of(&self, alert: &Alert) -> Option<GroupKey> {
        match self {
            Self::Each => None,
            Self::Keys(labels) => Some(GroupKey::of(labels, alert)),
        }
    }
}

impl From<Vec<GroupLabel>> for GroupBy {
    fn from(labels: Vec<GroupLabel>) -> Self {
        Self::Keys(labels)
    }
}

impl GroupLabel {
    /// The value at this path of the metadata.
    pub fn metadata(path: impl Into<Arc<str>>) -> Self {
        Self::Metadata(path.into())
    }

    /// What an alert has of this; an empty text where it has none.
    pub fn value_of<'a>(&self, alert: &'a Alert) -> Cow<'a, str> {
        match self {
            Self::Topic => alert.topic().as_str().into(),
            Self::Agent => alert.agent().map_or("", |agent| agent.as_str()).into(),
            Self::Severity => alert.severity().as_str().into(),
            Self::Key => alert.key().unwrap_or("").into(),
            Self::Metadata(path) => {
                at_path(alert.metadata(), path).map_or(Cow::Borrowed(""), text_of)
            }
        }
    }
}

/// The text of a value of metadata.
pub(super) fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => "".into(),
        Value::String(text) => text.into(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string().into()
        }
    }
}

impl FromStr for GroupLabel {
    type Err = GroupLabelError;

    fn from_str(text: &str) -> Result<Self, GroupLabelError> {
        match text {
            "topic" => Ok(Self::Topic),
            "agent" => Ok(Self::Agent),
            "severity" => Ok(Self::Severity),
            "key" => Ok(Self::Key),
            _ => text
                .strip_prefix("metadata.")
                .filter(|path| is_path(path))
                .map(Self::metadata)
                .ok_or_else(|| GroupLabelError { text: text.to_owned() }),
        }
    }
}

/// Whether a text can lead to a value of metadata: none of its parts is empty.
pub(super) fn is_path(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty())
}

impl fmt::Display for GroupLabel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic => out.pad("topic"),
            Self::Agent => out.pad("agent"),
            Self::Severity => out.pad("severity"),
            Self::Key => out.pad("key"),
            Self::Metadata(path) => write!(out, "metadata.{path}"),
        }
    }
}

impl Serialize for GroupLabel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GroupLabel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Serialize for GroupBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Each => serializer.serialize_str("each"),
            Self::Keys(labels) => labels.serialize(serializer),
        }
    }
}

impl GroupKey {
    /// What `alert` has of each label.
    pub fn of(labels: &[GroupLabel], alert: &Alert) -> Self {
        let pair = |label: &GroupLabel| {
            (label.clone(), label.value_of(alert).into_owned().into_boxed_str())
        };
        Self(labels.iter().map(pair).collect())
    }

    /// The labels and their values, in the order of the route.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = (&GroupLabel, &str)> {
        self.0.iter().map(|(label, value)| (label, &**value))
    }

    /// The value of a label; `None` where alerts are not grouped by it.
    pub fn get(&self, label: &GroupLabel) -> Option<&str> {
        self.pairs().find(|(known, _)| *known == label).map(|(_, value)| value)
    }
}

impl fmt::Display for GroupKey {
    /// One line, such as `topic=budget.low agent=reader`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (label, value)) in self.pairs().enumerate() {
            let space = if index == 0 { "" } else { " " };
            let is_plain = !value.is_empty()
                && !value.chars().any(|c| c.is_whitespace() || c.is_control() || c == '"');
            if is_plain {
                write!(out, "{space}{label}={value}")?;
            } else {
                write!(out, "{space}{label}={value:?}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::Severity;
    use serde_json::json;

    use super::*;
    use crate::topic;

    #[track_caller]
    fn check(labels: &[&str], expected: &str) {
        let alert = Alert::new(Severity::High, topic!("budget.low"), "low")
            .about("the reader")
            .with("account", json!({ "team": "a", "size": 3 }))
            .with("none", Value::Null);
        let labels: Vec<GroupLabel> = labels.iter().map(|label| label.parse().unwrap()).collect();
        let key = GroupBy::Keys(labels.clone()).key_of(&alert).unwrap();
        assert_eq!(key.to_string(), expected);
        assert_eq!(key.pairs().len(), labels.len());
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<GroupKey>(&text).unwrap(), key);
        assert_eq!(GroupBy::Each.key_of(&alert), None);
    }

    #[test]
    fn a_group_is_labels_with_their_values() {
        check(&[], "");
        check(&["topic", "severity"], "topic=budget.low severity=high");
        check(&["agent", "key"], "agent=\"the reader\" key=\"\"");
        check(
            &["metadata.account.team", "metadata.account.size"],
            "metadata.account.team=a metadata.account.size=3",
        );
        check(&["metadata.none", "metadata.other"], "metadata.none=\"\" metadata.other=\"\"");
    }

    #[test]
    fn a_label_is_read_and_written_alike() {
        for text in ["topic", "agent", "severity", "key", "metadata.a", "metadata.a.b"] {
            assert_eq!(text.parse::<GroupLabel>().unwrap().to_string(), text);
        }
        for text in ["", "Topic", "metadata", "metadata.", "metadata.a..b", "colour"] {
            let error = text.parse::<GroupLabel>().unwrap_err();
            assert_eq!(error.code(), "notify.invalid_label");
            let expected = format!(
                "`{text}` is no label; there are topic, agent, severity, key and metadata.PATH"
            );
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_value_is_asked_for_by_its_label() {
        let alert = Alert::new(Severity::High, topic!("a"), "");
        let key = GroupKey::of(&[GroupLabel::Topic], &alert);
        assert_eq!(key.get(&GroupLabel::Topic), Some("a"));
        assert_eq!(key.get(&GroupLabel::Agent), None);
    }
}
