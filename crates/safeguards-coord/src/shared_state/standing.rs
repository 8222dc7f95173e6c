//! [`KeyStanding`]: decides what becomes of a key. Pure: a store looks up how the key stands, asks here, and carries
//! out what comes back.

use std::sync::Arc;

use safeguards_discovery::Revision;
use safeguards_types::{AgentId, Timestamp};

use super::{
    CheckedWrite, KeyRules, Lifetime, StateDeed, StateEntry, StateError, StateKey, StateReading,
    StateRecord, StateRight, StateTerms, StateWrite,
};

/// How a key stands: what a store looks up before anything is decided on it, in the same step in which it then stores
/// the [record](StateRecord).
///
/// For authors of stores; the rules of shared state are all here, but for how much a store keeps.
///
/// ```
/// use safeguards_coord::{KeyStanding, Revision, StateKey, StateWrite};
/// use safeguards_types::{AgentId, Timestamp};
///
/// let (a, b) = (AgentId::from("a"), AgentId::from("b"));
/// let now = Timestamp::UNIX_EPOCH;
/// let write = |agent| StateWrite::new("k", 1)?.checked(agent);
///
/// let absent = KeyStanding::absent(Revision::ZERO, Revision::ZERO);
/// let record = absent.write(write(&a)?, now).unwrap();
/// assert_eq!(record.revision, Revision::new(1));
///
/// let present = KeyStanding::present(record.after.unwrap(), Revision::new(1));
/// assert_eq!(present.write(write(&b)?, now).unwrap_err().code(), "state.not_writable");
/// # Ok::<(), safeguards_coord::InvalidState>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeyStanding {
    entry: Option<Arc<StateEntry>>,
    /// The key has not changed after this.
    changed: Revision,
    latest: Revision,
}

impl KeyStanding {
    /// This is there; `latest` is the store's latest revision.
    pub fn present(entry: Arc<StateEntry>, latest: Revision) -> Self {
        let changed = entry.revision;
        Self { entry: Some(entry), changed, latest }
    }

    /// Nothing is there. The key's latest change was at `changed`; if that is not known any more, this is a revision
    /// since which it has not changed, such as the oldest after which all changes are kept.
    pub const fn absent(changed: Revision, latest: Revision) -> Self {
        Self { entry: None, changed, latest }
    }

    /// What an agent reads.
    ///
    /// # Errors
    ///
    /// Where it may not.
    pub fn read(self, agent: &AgentId) -> Result<StateReading, StateError> {
        if let Some(entry) = &self.entry
            && !entry.may_read(agent)
        {
            return Err(refused(entry, agent, StateRight::Read));
        }
        Ok(StateReading::new(self.entry, self.latest))
    }

    /// What becomes of a write.
    ///
    /// # Errors
    ///
    /// Where the revision has not been yet, the agent may not, or the key has changed.
    pub fn write(self, checked: CheckedWrite, now: Timestamp) -> Result<StateRecord, StateError> {
        let CheckedWrite { agent, write, bytes } = checked;
        let StateWrite { key, value, if_revision, lifetime, rules } = write;
        self.is_reached(if_revision)?;
        if let Some(entry) = &self.entry {
            if !entry.may_write(&agent) {
                return Err(refused(entry, &agent, StateRight::Write));
            }
            let is_owners = rules.is_some() || lifetime != Lifetime::Keep;
            if is_owners && entry.owner != agent {
                return Err(refused(entry, &agent, StateRight::Own));
            }
        }
        self.is_unchanged(&key, if_revision)?;

        let revision = self.next();
        let before = self.entry;
        let (owner, old_rules, old_end) = match &before {
            Some(entry) => (entry.owner.clone(), Some(Arc::clone(&entry.rules)), entry.expires_at),
            None => (agent.clone(), None, None),
        };
        let rules = match (rules, old_rules) {
            (Some(rules), _) => Arc::new(rules),
            (None, Some(rules)) => rules,
            (None, None) => Arc::new(KeyRules::new()),
        };
        let after = StateEntry {
            key: key.clone(),
            value,
            bytes,
            revision,
            owner,
            writer: agent.clone(),
            written_at: now,
            expires_at: end(lifetime, old_end, now),
            rules,
        };
        let (deed, by, after) = (StateDeed::Written, Some(agent), Some(Arc::new(after)));
        Ok(StateRecord { revision, at: now, key, by, deed, before, after })
    }

    /// What becomes of other terms. They are [checked](StateTerms::check) before.
    ///
    /// # Errors
    ///
    /// Where the revision has not been yet, the key is absent or not the agent's, or it has changed.
    pub fn amend(
        self,
        agent: &AgentId,
        terms: StateTerms,
        now: Timestamp,
    ) -> Result<StateRecord, StateError> {
        let StateTerms { key, owner, rules, lifetime, if_revision } = terms;
        let (revision, before) = self.owned(agent, &key, if_revision)?;
        let after = StateEntry {
            revision,
            owner: owner.unwrap_or_else(|| before.owner.clone()),
            rules: rules.map_or_else(|| Arc::clone(&before.rules), Arc::new),
            expires_at: end(lifetime, before.expires_at, now),
            ..(*before).clone()
        };
        let (before, after) = (Some(before), Some(Arc::new(after)));
        let (deed, by) = (StateDeed::Amended, Some(agent.clone()));
        Ok(StateRecord { revision, at: now, key, by, deed, before, after })
    }

    /// What becomes of a deletion.
    ///
    /// # Errors
    ///
    /// As [`Self::amend`].
    pub fn delete(
        self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
        now: Timestamp,
    ) -> Result<StateRecord, StateError> {
        let (revision, before) = self.owned(agent, key, if_revision)?;
        let (deed, by, before) = (StateDeed::Deleted, Some(agent.clone()), Some(before));
        Ok(StateRecord { revision, at: now, key: key.clone(), by, deed, before, after: None })
    }

    /// The end of a key whose time ran out at `end`; `None` where it is absent.
    pub fn expire(self, end: Timestamp) -> Option<StateRecord> {
        let revision = self.next();
        let before = self.entry?;
        let (key, deed) = (before.key.clone(), StateDeed::Expired);
        let before = Some(before);
        Some(StateRecord { revision, at: end, key, by: None, deed, before, after: None })
    }

    /// The next revision, and what is there and this agent's.
    fn owned(
        self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<(Revision, Arc<StateEntry>), StateError> {
        self.is_reached(if_revision)?;
        match &self.entry {
            None => return Err(StateError::Absent { key: key.clone() }),
            Some(entry) if entry.owner != *agent => {
                return Err(refused(entry, agent, StateRight::Own));
            }
            Some(_) => {}
        }
        self.is_unchanged(key, if_revision)?;
        let revision = self.next();
        self.entry
            .map(|entry| (revision, entry))
            .ok_or_else(|| StateError::Absent { key: key.clone() })
    }

    fn next(&self) -> Revision {
        Revision::new(self.latest.number().saturating_add(1))
    }

    fn is_reached(&self, if_revision: Option<Revision>) -> Result<(), StateError> {
        let latest = self.latest;
        match if_revision {
            Some(revision) if revision > latest => Err(StateError::Ahead { revision, latest }),
            Some(_) | None => Ok(()),
        }
    }

    fn is_unchanged(
        &self,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<(), StateError> {
        match if_revision {
            Some(expected) if self.changed > expected => {
                let present = self.entry.as_ref().map_or(self.latest, |entry| entry.revision);
                Err(StateError::Conflict { key: key.clone(), expected, present })
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn end(lifetime: Lifetime, before: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    match lifetime {
        Lifetime::Keep => before,
        Lifetime::Lasting => None,
        Lifetime::For(ttl) => Some(now.saturating_add(ttl)),
    }
}

/// Who may not even read a key is not told whose it is.
fn refused(entry: &StateEntry, agent: &AgentId, right: StateRight) -> StateError {
    let owner = entry.may_read(agent).then(|| entry.owner.clone());
    StateError::NotAllowed { agent: agent.clone(), key: entry.key.clone(), right, owner }
}
