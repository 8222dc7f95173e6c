//! [`MetadataPath`]: where in metadata a value stands.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::{InvalidField, InvalidKind, Metadata};

/// Where in metadata a value stands: the key, then the key within the object there, and so on. Lists are not
/// looked into.
///
/// As text, keys are joined by dots; a dot that belongs to a key, and a backslash, have a backslash before them.
///
/// ```
/// use safeguards_discovery::MetadataPath;
///
/// let path = MetadataPath::parse(r"limits.gpt-4\.1")?;
/// assert_eq!(path, MetadataPath::of(["limits", "gpt-4.1"]));
/// # Ok::<(), safeguards_discovery::InvalidField>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetadataPath(Vec<String>);

impl MetadataPath {
    /// These keys, one within the other.
    pub fn of<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self(keys.into_iter().map(Into::into).collect())
    }

    /// Reads a path.
    ///
    /// # Errors
    ///
    /// Where a key is empty, or a backslash stands before anything but a dot or a backslash.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        let invalid = |allowed: &str| InvalidField::new(InvalidKind::Path, "path", text, allowed);
        let mut keys = Vec::new();
        let mut key = String::new();
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            match char {
                '.' => keys.push(std::mem::take(&mut key)),
                '\\' => match chars.next() {
                    Some(escaped @ ('.' | '\\')) => key.push(escaped),
                    _ => {
                        return Err(invalid("a backslash stands before a dot or a backslash only"));
                    }
                },
                char => key.push(char),
            }
        }
        keys.push(key);
        if keys.iter().any(String::is_empty) {
            return Err(invalid("keys joined by single dots, such as limits.context_window"));
        }
        Ok(Self(keys))
    }

    /// Its keys, the outermost first.
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// What stands there.
    pub fn value<'a>(&self, metadata: &'a Metadata) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(metadata.get(first)?, |value, key| value.as_object()?.get(key))
    }
}

impl TryFrom<&str> for MetadataPath {
    type Error = InvalidField;

    fn try_from(text: &str) -> Result<Self, InvalidField> {
        Self::parse(text)
    }
}

impl FromStr for MetadataPath {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::parse(text)
    }
}

impl fmt::Display for MetadataPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, key) in self.0.iter().enumerate() {
            if place > 0 {
                out.write_str(".")?;
            }
            out.write_str(&key.replace('\\', r"\\").replace('.', r"\."))?;
        }
        Ok(())
    }
}

impl Serialize for MetadataPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MetadataPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}
