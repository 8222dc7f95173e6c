//! [`CapabilityName`]: the dotted, hierarchical name of a skill.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{Bounds, InvalidField, InvalidKind};

/// The dotted name of a skill, such as `data.analysis.regression`: each part is a kind of what stands before it.
///
/// Parts of ASCII letters, digits, `_` and `-`, joined by single dots; at most
/// [256 bytes](Bounds::CAPABILITY_NAME_BYTES) and [16 parts](Bounds::CAPABILITY_NAME_PARTS); case counts. No part
/// stands twice in a name: nothing is a kind of itself.
///
/// ```
/// use safeguards_discovery::CapabilityName;
///
/// let regression = CapabilityName::parse("data.analysis.regression")?;
/// assert!(CapabilityName::parse("data.analysis")?.covers(&regression));
/// assert!(!regression.covers(&CapabilityName::parse("data.analysis")?));
///
/// let error = CapabilityName::parse("data.analysis.data").unwrap_err();
/// assert_eq!(error.code(), "discovery.invalid_capability_name");
/// # Ok::<(), safeguards_discovery::InvalidField>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CapabilityName(Arc<str>);

impl CapabilityName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// Where the text is no such name.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        match fault(text) {
            None => Ok(Self(text.into())),
            Some(allowed) => {
                Err(InvalidField::new(InvalidKind::CapabilityName, "capability", text, allowed))
            }
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its parts, the most general first.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }

    /// Whether who asks for this finds `other`: it is this very name, or one below it.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.strip_prefix(&*self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// This name and those above it, the most special first: `a.b.c`, `a.b`, `a`.
    pub fn and_above(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |name| {
            name.rsplit_once('.').map(|(above, _)| above)
        })
    }
}

/// What is wrong with a text that is to be a name.
fn fault(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(
            "it is empty; a name is made of parts joined by dots, such as data.analysis".into(),
        );
    }
    if text.len() > Bounds::CAPABILITY_NAME_BYTES {
        return Some(format!("at most {} bytes", Bounds::CAPABILITY_NAME_BYTES));
    }
    let mut seen: Vec<&str> = Vec::new();
    for part in text.split('.') {
        if part.is_empty() {
            return Some(
                "it has an empty part; parts are joined by single dots, such as data.analysis"
                    .into(),
            );
        }
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !part.bytes().all(is_fit) {
            return Some("parts are made of ASCII letters, digits, `_` and `-`".into());
        }
        if seen.contains(&part) {
            return Some(format!(
                "it is cyclic: `{part}` stands below itself; each part may stand once"
            ));
        }
        seen.push(part);
    }
    let parts_max = Bounds::CAPABILITY_NAME_PARTS;
    (seen.len() > parts_max).then(|| format!("at most {parts_max} parts"))
}

impl TryFrom<&str> for CapabilityName {
    type Error = InvalidField;

    fn try_from(text: &str) -> Result<Self, InvalidField> {
        Self::parse(text)
    }
}

impl TryFrom<String> for CapabilityName {
    type Error = InvalidField;

    fn try_from(text: String) -> Result<Self, InvalidField> {
        Self::parse(&text)
    }
}

impl TryFrom<&Self> for CapabilityName {
    type Error = InvalidField;

    fn try_from(name: &Self) -> Result<Self, InvalidField> {
        Ok(name.clone())
    }
}

impl FromStr for CapabilityName {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for CapabilityName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl fmt::Debug for CapabilityName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl fmt::Display for CapabilityName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_parts_joined_by_dots_none_of_them_twice() {
        #[track_caller]
        fn check(text: &str, fault: Option<&str>) {
            let found = CapabilityName::parse(text).err().map(|error| error.to_string());
            match (found, fault) {
                (None, None) => {}
                (Some(found), Some(fault)) => assert!(found.contains(fault), "{found}"),
                (found, fault) => panic!("`{text}`: {found:?}, expected {fault:?}"),
            }
        }
        check("data", None);
        check("data_retrieval", None);
        check("data.analysis.regression-2", None);
        check("Data.data", None);
        check("", Some("empty"));
        check("data..analysis", Some("empty part"));
        check(".data", Some("empty part"));
        check("data.", Some("empty part"));
        check("data analysis", Some("ASCII letters"));
        check("données", Some("ASCII letters"));
        check("data.analysis.data", Some("cyclic: `data`"));
        check("data.data", Some("cyclic"));
        check(&"x".repeat(256), None);
        check(&"x".repeat(257), Some("256 bytes"));
        let parts = |many: usize| (0..many).map(|n| n.to_string()).collect::<Vec<_>>().join(".");
        check(&parts(16), None);
        check(&parts(17), Some("16 parts"));
    }

    #[test]
    fn a_name_covers_itself_and_what_is_below() {
        #[track_caller]
        fn check(asked: &str, other: &str, expected: bool) {
            let name = |text| CapabilityName::parse(text).unwrap();
            assert_eq!(name(asked).covers(&name(other)), expected, "{asked} and {other}");
        }
        check("data.analysis", "data.analysis", true);
        check("data.analysis", "data.analysis.regression", true);
        check("data", "data.analysis.regression", true);
        check("data.analysis.regression", "data.analysis", false);
        check("data.analysis", "data.analysis-2", false);
        check("data", "database", false);
        check("analysis", "data.analysis", false);
    }

    #[test]
    fn above_a_name_stand_its_beginnings() {
        let name = CapabilityName::parse("a.b.c").unwrap();
        assert_eq!(name.and_above().collect::<Vec<_>>(), ["a.b.c", "a.b", "a"]);
    }
}
