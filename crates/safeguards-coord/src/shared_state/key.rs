//! [`StateKey`]: the name of a value; [`StateScope`]: which keys are meant.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{InvalidState, InvalidStateKind, StateBounds};

/// The name of a value that agents share, such as `research_data` or `jobs/17/status`.
///
/// Any text of 1 to [`StateBounds::KEY_BYTES`] bytes without control characters. Keys have no parts: what belongs
/// together begins alike, and is listed and watched by that. Cheap to clone.
///
/// ```
/// use safeguards_coord::StateKey;
///
/// let key = StateKey::parse("jobs/17/status")?;
/// assert!(key.as_str().starts_with("jobs/"));
/// assert_eq!(StateKey::parse("").unwrap_err().code(), "state.invalid_key");
/// # Ok::<(), safeguards_coord::InvalidState>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StateKey(Arc<str>);

impl StateKey {
    /// Reads a key.
    ///
    /// # Errors
    ///
    /// Where the text is empty, too long, or has control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidState> {
        check_name(InvalidStateKind::Key, "key", text, StateBounds::KEY_BYTES)?;
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names of any kind: not empty, not too long, and without what would break a line of a log.
pub(super) fn check_name(
    kind: InvalidStateKind,
    field: &str,
    name: &str,
    bytes_max: usize,
) -> Result<(), InvalidState> {
    // Of most names no byte is a control character's, nor the first of one.
    let is_plain = name.bytes().all(|byte| matches!(byte, 0x20..0x7f));
    let is_good =
        (1..=bytes_max).contains(&name.len()) && (is_plain || !name.chars().any(char::is_control));
    if is_good {
        return Ok(());
    }
    let allowed = format!("write 1 to {bytes_max} bytes without control characters");
    Err(InvalidState::new(kind, field, name, allowed))
}

impl fmt::Display for StateKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl Borrow<str> for StateKey {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for StateKey {
    type Err = InvalidState;

    fn from_str(text: &str) -> Result<Self, InvalidState> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for StateKey {
    type Error = InvalidState;

    fn try_from(text: &str) -> Result<Self, InvalidState> {
        Self::parse(text)
    }
}

impl TryFrom<&String> for StateKey {
    type Error = InvalidState;

    fn try_from(text: &String) -> Result<Self, InvalidState> {
        Self::parse(text)
    }
}

impl TryFrom<String> for StateKey {
    type Error = InvalidState;

    fn try_from(text: String) -> Result<Self, InvalidState> {
        Self::parse(&text)
    }
}

impl From<&Self> for StateKey {
    fn from(key: &Self) -> Self {
        key.clone()
    }
}

impl<'de> Deserialize<'de> for StateKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Which keys are meant: one, or all that begin alike.
///
/// ```
/// use safeguards_coord::{StateKey, StateScope};
///
/// let key = StateKey::parse("jobs/17")?;
/// assert!(StateScope::prefix("jobs/").contains(&key) && StateScope::all().contains(&key));
/// assert!(!StateScope::key("jobs/1")?.contains(&key));
/// # Ok::<(), safeguards_coord::InvalidState>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StateScope {
    /// This key.
    Key(StateKey),
    /// All keys that begin with this text.
    Prefix(Arc<str>),
}

impl StateScope {
    /// This key.
    ///
    /// # Errors
    ///
    /// Where the text is no key.
    pub fn key<K>(key: K) -> Result<Self, InvalidState>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        Ok(Self::Key(key.try_into()?))
    }

    /// All keys that begin with this text.
    pub fn prefix(prefix: impl Into<Arc<str>>) -> Self {
        Self::Prefix(prefix.into())
    }

    /// All keys.
    pub fn all() -> Self {
        Self::prefix("")
    }

    /// Whether this key is meant.
    pub fn contains(&self, key: &StateKey) -> bool {
        match self {
            Self::Key(one) => one == key,
            Self::Prefix(prefix) => key.as_str().starts_with(&**prefix),
        }
    }
}

impl From<&StateKey> for StateScope {
    fn from(key: &StateKey) -> Self {
        Self::Key(key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_line_of_bounded_length() {
        #[track_caller]
        fn check(text: &str, is_key: bool) {
            assert_eq!(StateKey::parse(text).is_ok(), is_key, "{text:?}");
        }
        check("a", true);
        check("research data: ü / 7", true);
        check(&"x".repeat(512), true);
        check(&"x".repeat(513), false);
        check("", false);
        check("a\nb", false);
        check("a\u{7f}", false);
        check("é\u{85}", false);
    }

    #[test]
    fn a_key_that_is_none_is_not_read() {
        assert!(serde_json::from_str::<StateKey>(r#""a/b""#).is_ok());
        let error = serde_json::from_str::<StateKey>(r#""""#).unwrap_err();
        assert!(error.to_string().contains("key: ``: write 1 to 512 bytes"), "{error}");
    }
}
