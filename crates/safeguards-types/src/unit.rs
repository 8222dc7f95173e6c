//! [`Unit`]: what an amount counts.

use std::{borrow::Cow, cmp::Ordering, fmt, hash, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an amount counts: a currency (`USD`), `tokens`, `requests`, or a name of the user's own.
///
/// Compared and ordered by its text, case included. Any text can be held; a ledger refuses a unit that
/// was not registered with it, so that a typo never means "unlimited".
#[derive(Clone)]
pub struct Unit(Name);

#[derive(Clone)]
enum Name {
    Fixed(&'static str),
    Given(Arc<str>),
}

impl Unit {
    /// United States dollars.
    pub const USD: Self = Self(Name::Fixed("USD"));
    /// Model tokens.
    pub const TOKENS: Self = Self(Name::Fixed("tokens"));
    /// Calls: one run of an agent, or one request to a model.
    pub const REQUESTS: Self = Self(Name::Fixed("requests"));

    /// A unit with this name.
    pub fn new(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        [Self::USD, Self::TOKENS, Self::REQUESTS]
            .into_iter()
            .find(|known| known.as_str() == name)
            .unwrap_or_else(|| Self(Name::Given(Arc::from(name))))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Name::Fixed(name) => name,
            Name::Given(name) => name,
        }
    }

    /// How many digits after the point people expect at least: two for dollars.
    pub(crate) fn places(&self) -> usize {
        if *self == Self::USD { 2 } else { 0 }
    }
}

impl From<&str> for Unit {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl PartialEq for Unit {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Unit {}

impl PartialOrd for Unit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Unit {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl hash::Hash for Unit {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer).map(Self::new)
    }
}
