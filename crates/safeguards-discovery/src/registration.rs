//! [`Registration`]: what an agent says of itself when it comes.

use std::{collections::BTreeMap, time::Duration};

use safeguards_types::{AgentId, Priority};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Capability, Status};

/// What an agent says of itself when it comes, or comes again: what it can do, and for how long that holds.
///
/// What was said before stands: a capability that is new is added, one that is there already with the same
/// content stays, and the lease is renewed. Other content under a name and version that is there is refused as a
/// whole, unless the registration [replaces](Self::replacing) what was said before. So is another description, another
/// priority, and other content of a document: what was never said of these may be said later. A status, and how long a
/// lease holds, may be said anew at any time.
///
/// ```
/// use std::time::Duration;
/// use safeguards_discovery::{Capability, Registration};
/// use safeguards_types::Priority;
///
/// let registration = Registration::new("analysis", Duration::from_secs(60))
///     .capability(Capability::new("data.analysis")?.with("formats", ["json"]))
///     .describe("weighs research notes")
///     .priority(Priority::P7);
/// # Ok::<(), safeguards_discovery::InvalidField>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Registration {
    /// Who.
    pub agent: AgentId,
    /// How long each renewal holds: from one millisecond up. `None`: until it is deleted; for what cannot renew a
    /// lease, such as an agent known from its card alone.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::ttl_text")]
    pub ttl: Option<Duration>,
    /// What it can do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
    /// What it is, for people and for search; `None`: what was said before stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How much its work matters; `None`: what was said before stands, and at first [`Priority::default`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// How it stands; `None`: what was said before stands, and at first [`Status::new`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What described it elsewhere, by the kind of the description, such as its agent card. A registry keeps
    /// these and does not look into them. Those of a kind that is there already must be the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documents: BTreeMap<String, Value>,
    /// Whether it takes the place of all that was said before: what it does not name is gone, and where it says nothing
    /// of its description, priority or status these are as at first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaces: bool,
}

impl Registration {
    /// `agent` is here, and gone unless it renews its lease within `ttl`.
    pub fn new(agent: impl Into<AgentId>, ttl: Duration) -> Self {
        Self { ttl: Some(ttl), ..Self::lasting(agent) }
    }

    /// `agent` is here until it is deleted.
    pub fn lasting(agent: impl Into<AgentId>) -> Self {
        Self {
            agent: agent.into(),
            ttl: None,
            capabilities: Vec::new(),
            description: None,
            priority: None,
            status: None,
            documents: BTreeMap::new(),
            replaces: false,
        }
    }

    /// Adds something that it can do.
    #[must_use]
    pub fn capability(mut self, capability: Capability) -> Self {
        self.capabilities.push(capability);
        self
    }

    /// Says what it is.
    #[must_use]
    pub fn describe(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }

    /// Sets how much its work matters.
    #[must_use]
    pub fn priority(self, priority: Priority) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// Says how it stands.
    #[must_use]
    pub fn status(self, status: Status) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Keeps what described it elsewhere.
    #[must_use]
    pub fn document(mut self, kind: impl Into<String>, document: Value) -> Self {
        self.documents.insert(kind.into(), document);
        self
    }

    /// Lets it take the place of all that was said before, in one step. The lease stays the same one.
    #[must_use]
    pub fn replacing(self) -> Self {
        Self { replaces: true, ..self }
    }
}
