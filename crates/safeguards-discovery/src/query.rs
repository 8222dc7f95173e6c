//! [`Query`]: what is needed, of whom, and in which order they are wanted.

mod check;
mod condition;
mod order;
mod path;
mod shown;
mod text;
pub(crate) mod value;

use safeguards_types::AgentId;
use semver::VersionReq;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::shown::Shown;
pub use self::{
    condition::{Condition, Test},
    order::Order,
    path::MetadataPath,
};
use crate::{Capability, CapabilityName, Cursor, InvalidField};

/// What is needed. All that it says must hold, and what it says of a capability (name, version, conditions, tags)
/// must hold of one and the same. Where it says nothing of a capability, an agent without any is found too.
///
/// Capabilities of which all this holds are *meant*. With words to search for, those are meant in which a word
/// stands, or all of an agent in whose own name or description one does.
///
/// ```
/// use safeguards_discovery::{Order, Query, Test};
/// use safeguards_types::Unit;
///
/// let query = Query::new("data.analysis")?
///     .version(">=1.2, <3")?
///     .with("algorithms", ["regression"]) // all of these, perhaps among others
///     .when("context_window", Test::at_least(100_000))?
///     .healthy()
///     .order(Order::Cheapest(Unit::USD))
///     .limit(10);
/// # Ok::<(), safeguards_discovery::InvalidField>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Query {
    /// The capability, or one above it; `None`: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capability: Option<CapabilityName>,
    /// Which of its versions; `None`: any, also none at all. A pre-release is found only where the range names
    /// one of the same version, as Cargo has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionReq>,
    /// What must hold of its metadata.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Tags that it has, all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Words, of which at least one stands in the capability's or the agent's name or description, or in a tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether only agents are wanted that [may be given work](crate::Status::is_healthy).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub healthy_only: bool,
    /// Only these; `None`: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub among: Option<Vec<AgentId>>,
    /// In which order; equals stand by name.
    pub order: Order,
    /// How many to a page: from 1 to [`Bounds::PAGE`](crate::Bounds::PAGE).
    pub limit: Option<usize>,
    /// Where the page begins: the `next` of the one before. `None`: the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Cursor>,
}

impl Query {
    /// How many are on a page unless another number is set.
    pub const LIMIT: usize = 100;

    /// Whoever has this capability, or one below it.
    ///
    /// # Errors
    ///
    /// Where the name is none.
    pub fn new<N>(capability: N) -> Result<Self, InvalidField>
    where
        N: TryInto<CapabilityName>,
        InvalidField: From<N::Error>,
    {
        Ok(Self { capability: Some(capability.try_into()?), ..Self::all() })
    }

    /// Everybody.
    pub fn all() -> Self {
        Self::default()
    }

    /// Whoever's words fit these, the best first.
    pub fn search(text: impl Into<String>) -> Self {
        Self { order: Order::Relevance, ..Self::all().text(text) }
    }

    /// Only versions in this range, such as `>=1.2, <3` or `^1.4`.
    ///
    /// # Errors
    ///
    /// Where the text is no range.
    pub fn version(self, range: impl AsRef<str>) -> Result<Self, InvalidField> {
        let range = InvalidField::read_range("version", range.as_ref())?;
        Ok(Self { version: Some(range), ..self })
    }

    /// Only where these values are all contained at `key`: in the list there, or the one value there. Dots in
    /// `key` are part of it.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, values: impl Into<Value>) -> Self {
        let test = Test::contains(values);
        self.conditions.push(Condition::new(MetadataPath::of([key.into()]), test));
        self
    }

    /// Only where `test` holds of what stands at `path`, such as `limits.context_window`.
    ///
    /// # Errors
    ///
    /// Where the path is none.
    pub fn when<P>(mut self, path: P, test: Test) -> Result<Self, InvalidField>
    where
        P: TryInto<MetadataPath>,
        InvalidField: From<P::Error>,
    {
        self.conditions.push(Condition::new(path.try_into()?, test));
        Ok(self)
    }

    /// Only what has this tag.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Only where at least one of these words is found.
    #[must_use]
    pub fn text(self, words: impl Into<String>) -> Self {
        Self { text: Some(words.into()), ..self }
    }

    /// Only agents that may be given work.
    #[must_use]
    pub fn healthy(self) -> Self {
        Self { healthy_only: true, ..self }
    }

    /// Only these agents.
    #[must_use]
    pub fn among<A: Into<AgentId>>(self, agents: impl IntoIterator<Item = A>) -> Self {
        Self { among: Some(agents.into_iter().map(Into::into).collect()), ..self }
    }

    /// In this order.
    #[must_use]
    pub fn order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// At most so many on a page.
    #[must_use]
    pub fn limit(self, agents: usize) -> Self {
        Self { limit: Some(agents), ..self }
    }

    /// The page that begins here.
    #[must_use]
    pub fn after(self, cursor: Cursor) -> Self {
        Self { after: Some(cursor), ..self }
    }

    /// Whether it says anything of a capability: who has none cannot be meant then.
    pub(crate) const fn says_of_a_capability(&self) -> bool {
        self.capability.is_some()
            || self.version.is_some()
            || !self.conditions.is_empty()
            || !self.tags.is_empty()
    }

    /// Whether all that it says of a capability holds of this one. Words are not looked at.
    pub(crate) fn means(&self, capability: &Capability) -> bool {
        let Capability { name, version, description: _, tags, metadata, cost: _ } = capability;
        self.capability.as_ref().is_none_or(|asked| asked.covers(name))
            && self
                .version
                .as_ref()
                .is_none_or(|range| version.as_ref().is_some_and(|version| range.matches(version)))
            && self.tags.iter().all(|tag| tags.contains(tag))
            && self.conditions.iter().all(|condition| condition.holds(metadata))
    }
}
