//! [`StateError`]: why shared state was not read or written; [`InvalidState`] for what is given, and
//! [`StateStoreError`] for a store that fails.

use std::{convert::Infallible, error, fmt, time::Duration};

use safeguards_discovery::Revision;
use safeguards_types::AgentId;

use super::StateKey;

/// What kind of thing cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidStateKind {
    /// A key.
    Key,
    /// A value, too large or too deep.
    Value,
    /// A time to live.
    Ttl,
    /// Rules of a key.
    Rules,
    /// The name of an agent.
    Agent,
    /// How many to a page.
    Limit,
}

/// Something that was given cannot be used. It names the field, the value and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: `{value}`: {allowed}")]
pub struct InvalidState {
    kind: InvalidStateKind,
    field: String,
    value: String,
    allowed: String,
}

/// How much of a value is told.
const VALUE_CHARS: usize = 120;

impl InvalidState {
    /// `value`, given as `field`, cannot be used: `allowed` says what is.
    pub fn new(
        kind: InvalidStateKind,
        field: impl Into<String>,
        value: impl fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        let value = value.to_string();
        let mut told = String::new();
        for char in value.chars().take(VALUE_CHARS) {
            // Nothing of a value reaches a terminal but what can be seen.
            if char.is_control() { told.extend(char.escape_default()) } else { told.push(char) }
        }
        if value.chars().nth(VALUE_CHARS).is_some() {
            told.push('…');
        }
        Self { kind, field: field.into(), value: told, allowed: allowed.into() }
    }

    /// What kind of thing it is.
    pub const fn kind(&self) -> InvalidStateKind {
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
            InvalidStateKind::Key => "state.invalid_key",
            InvalidStateKind::Value => "state.invalid_value",
            InvalidStateKind::Ttl => "state.invalid_ttl",
            InvalidStateKind::Rules => "state.invalid_rules",
            InvalidStateKind::Agent => "state.invalid_agent",
            InvalidStateKind::Limit => "state.invalid_limit",
        }
    }
}

/// So that what is read already may stand where a text could fail to be one.
impl From<Infallible> for InvalidState {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// What an agent lacks the right to do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StateRight {
    /// To read it.
    Read,
    /// To write it.
    Write,
    /// To do what is the owner's: delete it, hand it over, set its rules and its end.
    Own,
}

impl StateRight {
    const fn as_verb(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Own => "delete, hand over or set the rules or the end of",
        }
    }
}

/// What there is no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StateRoom {
    /// Another key.
    Keys,
    /// So many bytes more, of values with their kept versions.
    Bytes,
}

impl StateRoom {
    const fn as_noun(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Bytes => "bytes of values",
        }
    }
}

/// Why shared state was not read, written or watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Something that was given cannot be used.
    #[error(transparent)]
    Invalid(#[from] InvalidState),
    /// There has been no such revision yet: it is another store's.
    #[error("revision {revision} has not been yet; the latest is {latest}")]
    Ahead {
        /// What was given.
        revision: Revision,
        /// The latest.
        latest: Revision,
    },
    /// The key's owner and rules do not allow it. Who may not read the key is not told whose it is.
    #[error("agent `{agent}` may not {} key `{key}`{}", .right.as_verb(), Whose(.owner.as_ref()))]
    NotAllowed {
        /// Who asked.
        agent: AgentId,
        /// For which key.
        key: StateKey,
        /// For what.
        right: StateRight,
        /// Whose key it is, where the agent may know.
        owner: Option<AgentId>,
    },
    /// There is no such key, or no more.
    #[error("there is no key `{key}`")]
    Absent {
        /// Which.
        key: StateKey,
    },
    /// The key has changed after the revision that was given. Read it again, and decide anew.
    #[error("key `{key}` has changed after revision {expected}: it is at {present}")]
    Conflict {
        /// Which.
        key: StateKey,
        /// After which revision it was not to have changed.
        expected: Revision,
        /// The revision to write on now: that of the key or, where it is absent, the latest.
        present: Revision,
    },
    /// There is no room.
    #[error("there is no room for key `{key}`: at most {max} {} are kept", .room.as_noun())]
    Full {
        /// Which key was to be written.
        key: StateKey,
        /// For what.
        room: StateRoom,
        /// How much there may be.
        max: usize,
    },
    /// Changes after this revision are kept no more. Read what is there, and go on from its revision.
    #[error(
        "changes after revision {after} are kept no more, only those after {oldest}; read what is there"
    )]
    Lagged {
        /// What was asked for.
        after: Revision,
        /// The oldest revision after which all changes are kept.
        oldest: Revision,
    },
    /// Others wrote the key each time between reading and writing it.
    #[error("key `{key}` was written by others at each of {attempts} attempts to compute it")]
    Contended {
        /// Which.
        key: StateKey,
        /// How often it was tried.
        attempts: u32,
    },
    /// What was waited for has not come.
    #[error("key `{key}` was not as wanted within {patience:?}")]
    TimedOut {
        /// Of which key.
        key: StateKey,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The value is not of the type that was asked for.
    #[error("the value of key `{key}` does not fit")]
    Unfit {
        /// Of which key.
        key: StateKey,
        /// Why not.
        source: serde_json::Error,
    },
    /// The store failed. What was to be changed may have been.
    #[error(transparent)]
    Store(#[from] StateStoreError),
}

struct Whose<'a>(Option<&'a AgentId>);

impl fmt::Display for Whose<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(owner) => write!(out, "; it is `{owner}`'s"),
            None => Ok(()),
        }
    }
}

impl From<Infallible> for StateError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl StateError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(error) => error.code(),
            Self::Ahead { .. } => "state.ahead",
            Self::NotAllowed { right: StateRight::Read, .. } => "state.not_readable",
            Self::NotAllowed { right: StateRight::Write, .. } => "state.not_writable",
            Self::NotAllowed { right: StateRight::Own, .. } => "state.not_owner",
            Self::Absent { .. } => "state.absent",
            Self::Conflict { .. } => "state.conflict",
            Self::Full { .. } => "state.full",
            Self::Lagged { .. } => "state.lagged",
            Self::Contended { .. } => "state.contended",
            Self::TimedOut { .. } => "state.timed_out",
            Self::Unfit { .. } => "state.unfit",
            Self::Store(error) => error.code(),
        }
    }

    /// Whether the very same request may succeed later. A conflict is none of these: what was decided must be decided
    /// anew.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::Full { .. } | Self::Contended { .. } | Self::TimedOut { .. } => true,
            Self::Invalid(_)
            | Self::Ahead { .. }
            | Self::NotAllowed { .. }
            | Self::Absent { .. }
            | Self::Conflict { .. }
            | Self::Lagged { .. }
            | Self::Unfit { .. } => false,
        }
    }
}

/// How a store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StateStoreErrorKind {
    /// It cannot be reached or written for now.
    Unavailable,
    /// What it holds cannot be read.
    Corrupt,
}

/// A store of shared state failed.
#[derive(Debug)]
pub struct StateStoreError {
    kind: StateStoreErrorKind,
    source: Box<dyn error::Error + Send + Sync>,
}

impl StateStoreError {
    /// It cannot be reached or written for now, because of `source`.
    pub fn unavailable(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { kind: StateStoreErrorKind::Unavailable, source: source.into() }
    }

    /// What it holds cannot be read, because of `source`.
    pub fn corrupt(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { kind: StateStoreErrorKind::Corrupt, source: source.into() }
    }

    /// What went wrong, roughly.
    pub const fn kind(&self) -> StateStoreErrorKind {
        self.kind
    }

    /// Whether trying again may help.
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, StateStoreErrorKind::Unavailable)
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self.kind {
            StateStoreErrorKind::Unavailable => "state.unavailable",
            StateStoreErrorKind::Corrupt => "state.corrupt",
        }
    }
}

impl fmt::Display for StateStoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.kind {
            StateStoreErrorKind::Unavailable => "the store of shared state is not available",
            StateStoreErrorKind::Corrupt => "the store of shared state holds what cannot be read",
        })
    }
}

impl error::Error for StateStoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}
