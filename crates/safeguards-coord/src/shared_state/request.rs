//! What is asked of shared state: [`StateWrite`], [`StateTerms`], [`StateQuery`].

use std::{sync::Arc, time::Duration};

use safeguards_discovery::Revision;
use safeguards_types::AgentId;
use serde::Serialize;
use serde_json::Value;

use super::{
    InvalidState, InvalidStateKind, KeyRules, StateBounds, StateKey,
    key::check_name,
    measure::{Measured, measure},
};

/// How long a key stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifetime {
    /// As long as before; a new key without end.
    #[default]
    Keep,
    /// Until it is deleted.
    Lasting,
    /// So long from now, then it expires: [`StateBounds::TTL_MIN`] to [`StateBounds::TTL_MAX`].
    For(Duration),
}

impl Lifetime {
    fn check(self) -> Result<(), InvalidState> {
        let (min, max) = (StateBounds::TTL_MIN, StateBounds::TTL_MAX);
        match self {
            Self::For(ttl) if !(min..=max).contains(&ttl) => {
                let allowed =
                    format!("a key lives from {min:?} to {}s, or without end", max.as_secs());
                let (kind, value) = (InvalidStateKind::Ttl, format!("{ttl:?}"));
                Err(InvalidState::new(kind, "ttl", value, allowed))
            }
            Self::Keep | Self::Lasting | Self::For(_) => Ok(()),
        }
    }
}

/// A value to be written. The first writer of an absent key becomes its owner.
///
/// ```
/// use std::time::Duration;
/// use safeguards_coord::{KeyRules, StateWrite};
///
/// let write = StateWrite::new("leader", "a")?
///     .rules(KeyRules::new().writers(["b"]))
///     .ttl(Duration::from_secs(30));
/// # let _ = write;
/// # Ok::<(), safeguards_coord::InvalidState>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a write does nothing until it is given to a store"]
#[non_exhaustive]
pub struct StateWrite {
    /// Which key.
    pub key: StateKey,
    /// The value.
    pub value: Arc<Value>,
    /// Only if the key has not changed after this revision.
    pub if_revision: Option<Revision>,
    /// How long the key stays. Only the owner may say.
    pub lifetime: Lifetime,
    /// Who may read and write it from now on; as before if not said. Only the owner may say.
    pub rules: Option<KeyRules>,
}

impl StateWrite {
    /// Writes this value, whatever is there.
    ///
    /// # Errors
    ///
    /// Where the text is no key.
    pub fn new<K>(key: K, value: impl Into<Value>) -> Result<Self, InvalidState>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        Ok(Self::at(key.try_into()?, value))
    }

    /// Writes this value at a key that is one.
    pub(super) fn at(key: StateKey, value: impl Into<Value>) -> Self {
        let value = Arc::new(value.into());
        Self { key, value, if_revision: None, lifetime: Lifetime::Keep, rules: None }
    }

    /// Writes a value of your own type, as JSON.
    ///
    /// # Errors
    ///
    /// Where the text is no key, or the value is nothing that JSON has.
    pub fn of<K>(key: K, value: &impl Serialize) -> Result<Self, InvalidState>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        let value = serde_json::to_value(value).map_err(|error| {
            let allowed = "give a value that can be written as JSON";
            InvalidState::new(InvalidStateKind::Value, "value", error, allowed)
        })?;
        Self::new(key, value)
    }

    /// Writes only if the key has not changed after this revision: that of a reading, or of a write's answer.
    pub fn if_revision(self, revision: Revision) -> Self {
        Self { if_revision: Some(revision), ..self }
    }

    /// Lets the key expire so long after this write. Only the owner may.
    pub fn ttl(self, ttl: Duration) -> Self {
        Self { lifetime: Lifetime::For(ttl), ..self }
    }

    /// Lets the key stay until it is deleted, also if it was to expire. Only the owner may.
    pub fn lasting(self) -> Self {
        Self { lifetime: Lifetime::Lasting, ..self }
    }

    /// Sets who may read and write the key from now on. Only the owner may.
    pub fn rules(self, rules: KeyRules) -> Self {
        Self { rules: Some(rules), ..self }
    }

    /// Whether a store takes it from this agent, as far as that can be told without the store.
    ///
    /// # Errors
    ///
    /// The first thing that cannot be used: the agent's name, the time to live, the rules, the value.
    pub fn checked(self, agent: &AgentId) -> Result<CheckedWrite, InvalidState> {
        check_agent("agent", agent)?;
        self.lifetime.check()?;
        if let Some(rules) = &self.rules {
            rules.check()?;
        }
        let bytes = check_value(&self.value)?;
        Ok(CheckedWrite { agent: agent.clone(), write: self, bytes })
    }
}

/// A write that was [checked](StateWrite::checked): what a store decides on.
#[derive(Clone, Debug)]
pub struct CheckedWrite {
    pub(super) agent: AgentId,
    pub(super) write: StateWrite,
    pub(super) bytes: usize,
}

impl CheckedWrite {
    /// Which key.
    pub const fn key(&self) -> &StateKey {
        &self.write.key
    }

    /// How many bytes the value takes as JSON without spaces.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Other terms for a key: whose it is, who may read and write it, how long it stays. Only the owner may set them, and
/// the value is as it was.
///
/// ```
/// use safeguards_coord::{KeyRules, StateTerms};
///
/// let terms = StateTerms::of("report")?.owner("editor").rules(KeyRules::private());
/// # let _ = terms;
/// # Ok::<(), safeguards_coord::InvalidState>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "terms do nothing until they are given to a store"]
#[non_exhaustive]
pub struct StateTerms {
    /// Which key.
    pub key: StateKey,
    /// Whose it is from now on.
    pub owner: Option<AgentId>,
    /// Who may read and write it from now on.
    pub rules: Option<KeyRules>,
    /// How long it stays.
    pub lifetime: Lifetime,
    /// Only if the key has not changed after this revision.
    pub if_revision: Option<Revision>,
}

impl StateTerms {
    /// Terms for this key, that are as before unless told otherwise.
    ///
    /// # Errors
    ///
    /// Where the text is no key.
    pub fn of<K>(key: K) -> Result<Self, InvalidState>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        let key = key.try_into()?;
        Ok(Self { key, owner: None, rules: None, lifetime: Lifetime::Keep, if_revision: None })
    }

    /// Hands the key over to this agent. Who had it has no more rights than the rules give.
    pub fn owner(self, agent: impl Into<AgentId>) -> Self {
        Self { owner: Some(agent.into()), ..self }
    }

    /// Sets who may read and write the key.
    pub fn rules(self, rules: KeyRules) -> Self {
        Self { rules: Some(rules), ..self }
    }

    /// Lets the key expire so long from now.
    pub fn ttl(self, ttl: Duration) -> Self {
        Self { lifetime: Lifetime::For(ttl), ..self }
    }

    /// Lets the key stay until it is deleted.
    pub fn lasting(self) -> Self {
        Self { lifetime: Lifetime::Lasting, ..self }
    }

    /// Only if the key has not changed after this revision.
    pub fn if_revision(self, revision: Revision) -> Self {
        Self { if_revision: Some(revision), ..self }
    }

    /// Whether a store takes them, as far as that can be told without the store.
    ///
    /// # Errors
    ///
    /// The first thing that cannot be used: the new owner's name, the time to live, the rules.
    pub fn check(&self) -> Result<(), InvalidState> {
        if let Some(owner) = &self.owner {
            check_agent("owner", owner)?;
        }
        self.lifetime.check()?;
        self.rules.as_ref().map_or(Ok(()), KeyRules::check)
    }
}

/// Which keys to list, and how many at a time.
///
/// ```
/// use safeguards_coord::StateQuery;
///
/// let query = StateQuery::prefix("jobs/").limit(20);
/// # let _ = query;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a query does nothing until it is given to a store"]
#[non_exhaustive]
pub struct StateQuery {
    /// Keys that begin with this text; all if it is empty.
    pub prefix: String,
    /// Keys after this one: the `next` of the page before.
    pub after: Option<StateKey>,
    /// How many, 1 to [`StateBounds::PAGE`]; [`Self::LIMIT`] if not said.
    pub limit: Option<usize>,
}

impl StateQuery {
    /// How many keys are on a page unless said otherwise.
    pub const LIMIT: usize = 100;

    /// All keys.
    pub fn all() -> Self {
        Self::default()
    }

    /// All keys that begin with this text.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }

    /// The keys after this one: the `next` of the page before.
    pub fn after(self, key: StateKey) -> Self {
        Self { after: Some(key), ..self }
    }

    /// So many on a page.
    pub fn limit(self, limit: usize) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// How many to a page.
    ///
    /// # Errors
    ///
    /// Where it is 0, or more than may be.
    pub fn checked_limit(&self) -> Result<usize, InvalidState> {
        let limit = self.limit.unwrap_or(Self::LIMIT);
        if (1..=StateBounds::PAGE).contains(&limit) {
            return Ok(limit);
        }
        let allowed = format!("ask for 1 to {} keys", StateBounds::PAGE);
        Err(InvalidState::new(InvalidStateKind::Limit, "limit", limit, allowed))
    }
}

fn check_agent(field: &str, agent: &AgentId) -> Result<(), InvalidState> {
    check_name(InvalidStateKind::Agent, field, agent.as_str(), StateBounds::AGENT_NAME_BYTES)
}

/// How many bytes the value takes.
fn check_value(value: &Value) -> Result<usize, InvalidState> {
    let (bytes_max, depth_max) = (StateBounds::VALUE_BYTES, StateBounds::VALUE_DEPTH);
    let (told, allowed) = match measure(value, depth_max) {
        Measured::Bytes(bytes) if bytes <= bytes_max => return Ok(bytes),
        Measured::Bytes(bytes) => {
            (format!("{bytes} bytes"), format!("a value takes at most {bytes_max} bytes as JSON"))
        }
        Measured::TooDeep => (
            format!("deeper than {depth_max}"),
            format!("lists and objects stand at most {depth_max} deep in each other"),
        ),
    };
    Err(InvalidState::new(InvalidStateKind::Value, "value", told, allowed))
}
