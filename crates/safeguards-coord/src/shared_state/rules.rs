//! [`KeyRules`]: who may read a key and who may write it, besides its owner.

use std::collections::BTreeSet;

use safeguards_types::AgentId;
use serde::{Deserialize, Serialize};

use super::{InvalidState, InvalidStateKind, StateBounds, key::check_name};

/// Who may do something besides the owner, who may always.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// Any agent.
    Everyone,
    /// These, and no other.
    Only(BTreeSet<AgentId>),
}

impl Access {
    /// Nobody but the owner.
    pub const fn nobody() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Whether this agent may, who is not the owner.
    pub fn includes(&self, agent: &AgentId) -> bool {
        match self {
            Self::Everyone => true,
            Self::Only(agents) => agents.contains(agent),
        }
    }

    fn check(&self, field: &str) -> Result<(), InvalidState> {
        let Self::Only(agents) = self else { return Ok(()) };
        let (count, max) = (agents.len(), StateBounds::RULE_AGENTS);
        if count > max {
            let (value, allowed) =
                (format!("{count} agents"), format!("name at most {max} agents"));
            return Err(InvalidState::new(InvalidStateKind::Rules, field, value, allowed));
        }
        agents.iter().try_for_each(|agent| {
            check_name(
                InvalidStateKind::Rules,
                field,
                agent.as_str(),
                StateBounds::AGENT_NAME_BYTES,
            )
        })
    }
}

/// Who may read a key and who may write it, besides its owner. Unless told otherwise, everyone reads and the owner
/// alone writes.
///
/// Who may write may read too. The rules themselves, the owner, the end of the key and its deletion are the owner's
/// alone, so that nobody who may only write can make the key its own.
///
/// ```
/// use safeguards_coord::KeyRules;
///
/// let board = KeyRules::new().writers(["reader", "writer"]); // everyone reads, these two write
/// let secret = KeyRules::private().readers(["auditor"]); // only the owner and the auditor see it
/// let scratch = KeyRules::public(); // everyone does both
/// # let _ = (board, secret, scratch);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KeyRules {
    /// Who may read.
    pub readers: Access,
    /// Who may write.
    pub writers: Access,
}

impl KeyRules {
    /// Everyone reads, the owner writes.
    pub const fn new() -> Self {
        Self { readers: Access::Everyone, writers: Access::nobody() }
    }

    /// The owner alone reads and writes.
    pub const fn private() -> Self {
        Self { readers: Access::nobody(), writers: Access::nobody() }
    }

    /// Everyone reads and writes.
    pub const fn public() -> Self {
        Self { readers: Access::Everyone, writers: Access::Everyone }
    }

    /// These agents may read, and no other.
    #[must_use]
    pub fn readers<A: Into<AgentId>>(self, agents: impl IntoIterator<Item = A>) -> Self {
        Self { readers: only(agents), ..self }
    }

    /// These agents may write, and no other.
    #[must_use]
    pub fn writers<A: Into<AgentId>>(self, agents: impl IntoIterator<Item = A>) -> Self {
        Self { writers: only(agents), ..self }
    }

    pub(super) fn check(&self) -> Result<(), InvalidState> {
        let Self { readers, writers } = self;
        readers.check("rules.readers")?;
        writers.check("rules.writers")
    }
}

fn only<A: Into<AgentId>>(agents: impl IntoIterator<Item = A>) -> Access {
    Access::Only(agents.into_iter().map(Into::into).collect())
}

impl Default for KeyRules {
    fn default() -> Self {
        Self::new()
    }
}
