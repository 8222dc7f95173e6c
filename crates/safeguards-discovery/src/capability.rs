//! [`Capability`]: a skill that an agent has.

use std::fmt;

use safeguards_types::Amounts;
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{CapabilityName, InvalidField};

/// What else there is to say of a capability: names and JSON values.
pub type Metadata = serde_json::Map<String, Value>;

/// A skill that an agent has.
///
/// Two of an agent's capabilities may have the same name in different versions. Sizes are checked when it is
/// [registered](crate::Registry::register): see [`Bounds`](crate::Bounds).
///
/// ```
/// use safeguards_discovery::Capability;
/// use safeguards_types::usd;
///
/// let regression = Capability::new("data.analysis.regression")?
///     .version("1.4.0")?
///     .with("algorithms", ["linear", "logistic"])
///     .describe("fits and explains regression models")
///     .tag("statistics")
///     .cost(usd!(0.02));
/// assert_eq!(regression.to_string(), "data.analysis.regression 1.4.0");
/// # Ok::<(), safeguards_discovery::InvalidField>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Capability {
    /// Its name.
    pub name: CapabilityName,
    /// Its version, by semantic versioning; `None` where nothing is said of it. Who asks for a range of versions
    /// does not find what has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// What it does, for people and for search. Perhaps empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Words that it goes by, in the order given. Compared letter by letter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What else there is to say of it.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// About what a call costs. A hint to choose by, which binds nobody; a unit that is not named is unknown.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub cost: Amounts,
}

impl Capability {
    /// The capability of this name, and nothing else said of it.
    ///
    /// # Errors
    ///
    /// Where the name is none.
    pub fn new<N>(name: N) -> Result<Self, InvalidField>
    where
        N: TryInto<CapabilityName>,
        InvalidField: From<N::Error>,
    {
        Ok(Self {
            name: name.try_into()?,
            version: None,
            description: String::new(),
            tags: Vec::new(),
            metadata: Metadata::new(),
            cost: Amounts::none(),
        })
    }

    /// Sets its version: a [`Version`], or a text such as `1.4.0`.
    ///
    /// # Errors
    ///
    /// Where the text is no version.
    pub fn version(self, version: impl AsRef<str>) -> Result<Self, InvalidField> {
        let version = InvalidField::read_version("version", version.as_ref())?;
        Ok(Self { version: Some(version), ..self })
    }

    /// Sets an entry of its metadata.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Says what it does.
    #[must_use]
    pub fn describe(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }

    /// Adds a word that it goes by.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Says about what a call costs.
    #[must_use]
    pub fn cost(self, cost: impl Into<Amounts>) -> Self {
        Self { cost: cost.into(), ..self }
    }
}

impl fmt::Display for Capability {
    /// The name and, where there is one, the version.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(out, "{} {version}", self.name),
            None => write!(out, "{}", self.name),
        }
    }
}
