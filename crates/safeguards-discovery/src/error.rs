//! What can go wrong: [`InvalidField`] for what is given, one error for each family of operations, and
//! [`RegistryError`] for a registry that fails.

use std::{convert::Infallible, error, fmt};

use safeguards_types::AgentId;
use semver::{Version, VersionReq};

use crate::{CapabilityName, LeaseId, Revision};

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidKind {
    /// The name of an agent.
    AgentName,
    /// The name of a capability.
    CapabilityName,
    /// A version.
    Version,
    /// A range of versions.
    VersionRange,
    /// Metadata, too deep or too large.
    Metadata,
    /// A path into metadata.
    Path,
    /// A condition: an operator that does not exist, or what cannot be compared.
    Condition,
    /// A tag.
    Tag,
    /// A description.
    Description,
    /// A cost hint.
    Cost,
    /// A document.
    Document,
    /// How long a lease holds.
    Ttl,
    /// How many capabilities an agent has, or one of them twice.
    Capabilities,
    /// The words to search for.
    Text,
    /// The agents that a query is confined to.
    Among,
    /// An order.
    Order,
    /// How many to a page.
    Limit,
    /// Where a page begins.
    Cursor,
    /// A status.
    Status,
}

/// Something that was given cannot be used. It names the field, the value and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: `{value}`: {allowed}")]
pub struct InvalidField {
    kind: InvalidKind,
    field: String,
    value: String,
    allowed: String,
}

/// How much of a value is told.
const VALUE_CHARS: usize = 120;

/// A text in which nothing is done to a terminal: control characters, and those that turn the direction of writing or
/// are not seen, stand there as they are written in programs.
pub(crate) fn harmless(text: &str) -> String {
    let is_shown = |char: char| {
        !char.is_control()
            && !matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let mut told = String::with_capacity(text.len());
    for char in text.chars() {
        if is_shown(char) {
            told.push(char);
        } else {
            told.extend(char.escape_default());
        }
    }
    told
}

impl InvalidField {
    /// `value`, given as `field`, cannot be used: `allowed` says what is wrong and what is allowed.
    pub fn new(
        kind: InvalidKind,
        field: impl Into<String>,
        value: impl fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        let value = value.to_string();
        let cut: String = value.chars().take(VALUE_CHARS).collect();
        let end = if cut.len() < value.len() { "…" } else { "" };
        let value = format!("{}{end}", harmless(&cut));
        Self { kind, field: field.into(), value, allowed: harmless(&allowed.into()) }
    }

    /// The same of a field within another: `capabilities[2].version`.
    #[must_use]
    pub fn within(self, outer: impl fmt::Display) -> Self {
        Self { field: format!("{outer}.{}", self.field), ..self }
    }

    /// Reads a version.
    pub(crate) fn read_version(field: &str, text: &str) -> Result<Version, Self> {
        Version::parse(text).map_err(|error| {
            let allowed =
                format!("a version is three numbers, such as 1.4.0 or 2.0.0-beta.1: {error}");
            Self::new(InvalidKind::Version, field, text, allowed)
        })
    }

    /// Reads a range of versions.
    pub(crate) fn read_range(field: &str, text: &str) -> Result<VersionReq, Self> {
        VersionReq::parse(text).map_err(|error| {
            let allowed =
                format!("a range is such as `>=1.2, <3`, `^1.4`, `~1.4.2` or `*`: {error}");
            Self::new(InvalidKind::VersionRange, field, text, allowed)
        })
    }

    /// What kind of thing is wrong.
    pub const fn kind(&self) -> InvalidKind {
        self.kind
    }

    /// Which field.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What was given, perhaps cut.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self.kind {
            InvalidKind::AgentName => "discovery.invalid_agent_name",
            InvalidKind::CapabilityName => "discovery.invalid_capability_name",
            InvalidKind::Version => "discovery.invalid_version",
            InvalidKind::VersionRange => "discovery.invalid_range",
            InvalidKind::Metadata => "discovery.invalid_metadata",
            InvalidKind::Path => "discovery.invalid_path",
            InvalidKind::Condition => "discovery.invalid_condition",
            InvalidKind::Tag => "discovery.invalid_tag",
            InvalidKind::Description => "discovery.invalid_description",
            InvalidKind::Cost => "discovery.invalid_cost",
            InvalidKind::Document => "discovery.invalid_document",
            InvalidKind::Ttl => "discovery.invalid_ttl",
            InvalidKind::Capabilities => "discovery.invalid_capabilities",
            InvalidKind::Text => "discovery.invalid_text",
            InvalidKind::Among => "discovery.invalid_among",
            InvalidKind::Order => "discovery.invalid_order",
            InvalidKind::Limit => "discovery.invalid_limit",
            InvalidKind::Cursor => "discovery.invalid_cursor",
            InvalidKind::Status => "discovery.invalid_status",
        }
    }
}

/// So that what is read already may stand where a text could fail to be one.
impl From<Infallible> for InvalidField {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// What was said of an agent before, and is now said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "agent `{agent}` is registered already, with another {what}: `{registered}`, now `{given}`; withdraw it \
     first, or let the registration replace what was said"
)]
#[non_exhaustive]
pub struct Conflict {
    /// Who.
    pub agent: AgentId,
    /// What differs, such as `metadata of data.analysis 1.4.0` or `priority`.
    pub what: String,
    /// What was said before, perhaps cut.
    pub registered: String,
    /// What is said now, perhaps cut.
    pub given: String,
}

impl Conflict {
    /// Of `agent`, `what` is registered as one thing and given as another.
    pub fn new(
        agent: AgentId,
        what: impl Into<String>,
        registered: impl fmt::Display,
        given: impl fmt::Display,
    ) -> Self {
        let cut = |text: String| -> String { text.chars().take(VALUE_CHARS).collect() };
        let (registered, given) = (cut(registered.to_string()), cut(given.to_string()));
        Self { agent, what: what.into(), registered, given }
    }
}

/// Why a registration was refused, as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Something in it cannot be used.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// It says otherwise what was said before.
    #[error(transparent)]
    Conflict(Box<Conflict>),
    /// There is no room for another agent.
    #[error("there is no room for agent `{agent}`: at most {max} agents are kept")]
    Full {
        /// Who.
        agent: AgentId,
        /// How many there may be.
        max: usize,
    },
    /// There was an agent of this name, which was deleted for good, with its account. No registry says so by itself: it
    /// comes from what joins a registry with a ledger.
    #[error("agent `{agent}` was deleted, and names are never used again; choose another")]
    Deleted {
        /// Who.
        agent: AgentId,
    },
    /// The registry failed. The registration may have been made.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Why a lease was not renewed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenewError {
    /// The agent is gone, and its lease with it: it ran out, or the agent was deleted. It must register again.
    #[error("agent `{agent}` is gone: lease {lease} has run out or was ended; register again")]
    Gone {
        /// Who.
        agent: AgentId,
        /// Which lease.
        lease: LeaseId,
    },
    /// The status cannot be used.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The registry failed. The lease may have been renewed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Why nothing was withdrawn or deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WithdrawError {
    /// No such agent is here.
    #[error("no agent `{agent}` is here")]
    UnknownAgent {
        /// Who.
        agent: AgentId,
    },
    /// The agent has no such capability.
    #[error("agent `{agent}` has no capability `{}`", Versioned(.capability, .version.as_ref()))]
    UnknownCapability {
        /// Who.
        agent: AgentId,
        /// What was to be withdrawn.
        capability: CapabilityName,
        /// In which version; `None`: any.
        version: Option<Version>,
    },
    /// The registry failed. It may have been withdrawn.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// A name and, where there is one, a version.
struct Versioned<'a>(&'a CapabilityName, Option<&'a Version>);

impl fmt::Display for Versioned<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(version) => write!(out, "{} {version}", self.0),
            None => write!(out, "{}", self.0),
        }
    }
}

/// Why nothing was searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// Something in the query cannot be used.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Why changes were not told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangesError {
    /// Changes after this revision are kept no more. Read what is there now, and go on from that revision.
    #[error(
        "changes after revision {after} are kept no more, only those after {oldest}; read what is there, and go on"
    )]
    Forgotten {
        /// What was asked for.
        after: Revision,
        /// The oldest revision after which all changes are kept.
        oldest: Revision,
    },
    /// There was no such revision yet: it is another registry's.
    #[error("revision {after} has not been yet; the latest is {latest}")]
    Ahead {
        /// What was asked for.
        after: Revision,
        /// The latest.
        latest: Revision,
    },
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<Conflict> for RegisterError {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(Box::new(conflict))
    }
}

impl RegisterError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Deleted { .. } => "discovery.agent_deleted",
            Self::Invalid(error) => error.code(),
            Self::Conflict(_) => "discovery.conflict",
            Self::Full { .. } => "discovery.full",
            Self::Registry(error) => error.code(),
        }
    }
}

impl RenewError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Gone { .. } => "discovery.gone",
            Self::Invalid(error) => error.code(),
            Self::Registry(error) => error.code(),
        }
    }
}

impl WithdrawError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownAgent { .. } => "discovery.unknown_agent",
            Self::UnknownCapability { .. } => "discovery.unknown_capability",
            Self::Registry(error) => error.code(),
        }
    }
}

impl FindError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(error) => error.code(),
            Self::Registry(error) => error.code(),
        }
    }
}

impl ChangesError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Forgotten { .. } => "discovery.forgotten",
            Self::Ahead { .. } => "discovery.ahead",
            Self::Registry(error) => error.code(),
        }
    }
}

/// What went wrong in a registry, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryErrorKind {
    /// It cannot be reached or written for now.
    Unavailable,
    /// What it holds cannot be read.
    Corrupt,
}

/// A registry, or a [`StatusSource`](crate::StatusSource), failed.
#[derive(Debug)]
pub struct RegistryError {
    kind: RegistryErrorKind,
    source: Box<dyn error::Error + Send + Sync>,
}

impl RegistryError {
    /// It cannot be reached or written for now, because of `source`.
    pub fn unavailable(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { kind: RegistryErrorKind::Unavailable, source: source.into() }
    }

    /// What it holds cannot be read, because of `source`.
    pub fn corrupt(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { kind: RegistryErrorKind::Corrupt, source: source.into() }
    }

    /// What went wrong, roughly.
    pub const fn kind(&self) -> RegistryErrorKind {
        self.kind
    }

    /// Whether trying again may help.
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, RegistryErrorKind::Unavailable)
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self.kind {
            RegistryErrorKind::Unavailable => "discovery.unavailable",
            RegistryErrorKind::Corrupt => "discovery.corrupt",
        }
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.kind {
            RegistryErrorKind::Unavailable => "the registry is not available",
            RegistryErrorKind::Corrupt => "the registry holds what cannot be read",
        })
    }
}

impl error::Error for RegistryError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}
