//! [`PlainStateStore`]: answers as every store of shared state must, found in the most naive way.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_coord::{
    Access, InvalidState, InvalidStateKind, KeyRules, Lifetime, Revision, StateBounds, StateChange,
    StateChangeKind, StateChanges, StateEntry, StateError, StateKey, StatePage, StateQuery,
    StateReading, StateRight, StateRoom, StateScope, StateStore, StateTerms, StateWrite,
};
use safeguards_types::{AgentId, Clock, Timestamp};
use serde_json::Value;
use tokio::sync::Notify;

use super::StateSetup;

/// A store that keeps a list of all that ever happened, and one of the versions of each key, and looks through all of
/// them at each step. It shares no code with the
/// store in memory, so that one is a model for the other. Clones are the same one.
#[derive(Clone, Debug)]
pub struct PlainStateStore {
    state: Arc<Mutex<State>>,
    /// Tells all who wait that something has changed.
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    setup: StateSetup,
    /// Everything that ever happened: change n stands at n - 1.
    log: Vec<Happened>,
    /// The versions of each key that is there, the present one first.
    here: BTreeMap<StateKey, Vec<StateEntry>>,
}

#[derive(Clone, Debug)]
struct Happened {
    at: Timestamp,
    key: StateKey,
    by: Option<AgentId>,
    what: What,
    before: Option<StateEntry>,
    after: Option<StateEntry>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Write,
    Amend,
    Delete,
    Expire,
}

impl PlainStateStore {
    /// A store with this clock and these bounds.
    pub fn new(setup: StateSetup) -> Self {
        let state = State { setup, log: Vec::new(), here: BTreeMap::new() };
        Self { state: Arc::new(Mutex::new(state)), changed: Arc::default() }
    }

    /// Does this at the instant that it is, after the keys have ended whose time ran out until then.
    fn at_once<T>(&self, act: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut state = self.state.lock();
        let before = state.log.len();
        let now = state.expire();
        let answer = act(&mut state, now);
        if state.log.len() != before {
            self.changed.notify_waiters();
        }
        answer
    }
}

fn number(count: usize) -> Revision {
    Revision::new(u64::try_from(count).unwrap())
}

fn reads(entry: &StateEntry, agent: &AgentId) -> bool {
    let in_list = |access: &Access| match access {
        Access::Only(agents) => agents.iter().any(|one| one == agent),
        Access::Everyone | _ => true,
    };
    in_list(&entry.rules.readers) || writes(entry, agent)
}

fn writes(entry: &StateEntry, agent: &AgentId) -> bool {
    entry.owner == *agent
        || match &entry.rules.writers {
            Access::Only(agents) => agents.iter().any(|one| one == agent),
            Access::Everyone | _ => true,
        }
}

fn no(entry: &StateEntry, agent: &AgentId, right: StateRight) -> StateError {
    let owner = if reads(entry, agent) { Some(entry.owner.clone()) } else { None };
    StateError::NotAllowed { agent: agent.clone(), key: entry.key.clone(), right, owner }
}

fn meant(scope: &StateScope, key: &StateKey) -> bool {
    match scope {
        StateScope::Key(one) => one.as_str() == key.as_str(),
        StateScope::Prefix(prefix) => key.as_str().starts_with(&**prefix),
        other => panic!("the plain store does not know {other:?} yet"),
    }
}

impl State {
    /// Ends what ran out, in the order in which it did, and tells what time it is.
    fn expire(&mut self) -> Timestamp {
        let latest = self.log.last().map(|one| one.at).unwrap_or_default();
        let now = self.setup.clock.now().max(latest);
        let mut over: Vec<(Timestamp, StateEntry)> = self
            .present()
            .into_iter()
            .filter_map(|entry| Some((entry.expires_at.filter(|end| *end <= now)?, entry)))
            .collect();
        over.sort_by(|(end, a), (other, b)| end.cmp(other).then_with(|| a.key.cmp(&b.key)));
        for (at, entry) in over {
            let (key, what) = (entry.key.clone(), What::Expire);
            self.push(Happened { at, key, by: None, what, before: Some(entry), after: None });
        }
        now
    }

    fn push(&mut self, happened: Happened) {
        match &happened.after {
            None => drop(self.here.remove(&happened.key)),
            Some(after) => {
                let versions = self.here.entry(happened.key.clone()).or_default();
                if happened.what == What::Amend {
                    versions.remove(0);
                }
                versions.insert(0, after.clone());
                versions.truncate(self.setup.history_kept + 1);
            }
        }
        self.log.push(happened);
    }

    /// All that is there, by key.
    fn present(&self) -> Vec<StateEntry> {
        self.here.values().filter_map(|versions| versions.first().cloned()).collect()
    }

    fn entry(&self, key: &StateKey) -> Option<StateEntry> {
        self.here.get(key)?.first().cloned()
    }

    /// The versions of a key that is there, the present one first.
    fn versions(&self, key: &StateKey) -> Vec<StateEntry> {
        self.here.get(key).cloned().unwrap_or_default()
    }

    fn oldest(&self) -> usize {
        self.log.len().saturating_sub(self.setup.changes_kept)
    }

    fn reached(&self, revision: Revision) -> Result<(), StateError> {
        let latest = number(self.log.len());
        if revision > latest { Err(StateError::Ahead { revision, latest }) } else { Ok(()) }
    }

    /// That the key has not changed after this revision, as far as that is known.
    fn unchanged(&self, key: &StateKey, since: Option<Revision>) -> Result<(), StateError> {
        let Some(expected) = since else { return Ok(()) };
        let last = self.log.iter().rposition(|one| one.key == *key).map_or(0, |place| place + 1);
        let (changed, present) = match self.entry(key) {
            Some(_) => (last, last),
            None => (last.max(self.oldest()), self.log.len()),
        };
        if number(changed) > expected {
            let present = number(present);
            return Err(StateError::Conflict { key: key.clone(), expected, present });
        }
        Ok(())
    }

    fn read(&self, agent: &AgentId, key: &StateKey) -> Result<StateReading, StateError> {
        let entry = self.entry(key);
        if let Some(entry) = &entry
            && !reads(entry, agent)
        {
            return Err(no(entry, agent, StateRight::Read));
        }
        Ok(StateReading::new(entry.map(Arc::new), number(self.log.len())))
    }

    fn write(
        &mut self,
        agent: &AgentId,
        said: &StateWrite,
        now: Timestamp,
    ) -> Result<Revision, StateError> {
        check_name(InvalidStateKind::Agent, "agent", agent.as_str())?;
        check_lifetime(said.lifetime)?;
        said.rules.as_ref().map_or(Ok(()), check_rules)?;
        let text = said.value.to_string();
        if depth(&said.value) > StateBounds::VALUE_DEPTH || text.len() > StateBounds::VALUE_BYTES {
            let told = format!("{} bytes", text.len());
            return Err(bad(InvalidStateKind::Value, "value", &told).into());
        }
        self.reached(said.if_revision.unwrap_or_default())?;
        let before = self.entry(&said.key);
        if let Some(entry) = &before {
            if !writes(entry, agent) {
                return Err(no(entry, agent, StateRight::Write));
            }
            let wants_more = said.rules.is_some() || said.lifetime != Lifetime::Keep;
            if wants_more && entry.owner != *agent {
                return Err(no(entry, agent, StateRight::Own));
            }
        }
        self.unchanged(&said.key, said.if_revision)?;
        let full = |room, max| StateError::Full { key: said.key.clone(), room, max };
        if before.is_none() && self.present().len() >= self.setup.keys_max {
            return Err(full(StateRoom::Keys, self.setup.keys_max));
        }

        let revision = number(self.log.len() + 1);
        let value = (Arc::clone(&said.value), text.len());
        let mut after = StateEntry::new(said.key.clone(), value, revision, agent.clone(), now);
        if let Some(entry) = &before {
            after.owner = entry.owner.clone();
            after.rules = Arc::clone(&entry.rules);
            after.expires_at = entry.expires_at;
        }
        if let Some(rules) = &said.rules {
            after.rules = Arc::new(rules.clone());
        }
        after.expires_at = end(said.lifetime, after.expires_at, now);
        let (key, by) = (said.key.clone(), Some(agent.clone()));
        let what = What::Write;
        let happened = Happened { at: now, key, by, what, before, after: Some(after) };
        let old = self.here.clone();
        self.push(happened);
        let bytes: usize = self.here.values().flatten().map(|entry| entry.bytes).sum();
        if bytes > self.setup.bytes_max {
            (self.here, _) = (old, self.log.pop());
            return Err(full(StateRoom::Bytes, self.setup.bytes_max));
        }
        Ok(revision)
    }

    /// What is there and this agent's.
    fn owned(
        &self,
        agent: &AgentId,
        key: &StateKey,
        since: Option<Revision>,
    ) -> Result<StateEntry, StateError> {
        self.reached(since.unwrap_or_default())?;
        let entry = self.entry(key).ok_or_else(|| StateError::Absent { key: key.clone() })?;
        if entry.owner != *agent {
            return Err(no(&entry, agent, StateRight::Own));
        }
        self.unchanged(key, since)?;
        Ok(entry)
    }

    fn amend(
        &mut self,
        agent: &AgentId,
        said: &StateTerms,
        now: Timestamp,
    ) -> Result<Revision, StateError> {
        if let Some(owner) = &said.owner {
            check_name(InvalidStateKind::Agent, "owner", owner.as_str())?;
        }
        check_lifetime(said.lifetime)?;
        said.rules.as_ref().map_or(Ok(()), check_rules)?;
        let before = self.owned(agent, &said.key, said.if_revision)?;
        let mut after = before.clone();
        after.revision = number(self.log.len() + 1);
        after.owner = said.owner.clone().unwrap_or(after.owner);
        after.rules = said.rules.clone().map_or(after.rules, Arc::new);
        after.expires_at = end(said.lifetime, after.expires_at, now);
        let (key, by, what) = (said.key.clone(), Some(agent.clone()), What::Amend);
        let (before, after) = (Some(before), Some(after));
        self.push(Happened { at: now, key, by, what, before, after });
        Ok(number(self.log.len()))
    }

    fn delete(
        &mut self,
        agent: &AgentId,
        key: &StateKey,
        since: Option<Revision>,
        now: Timestamp,
    ) -> Result<Revision, StateError> {
        let before = Some(self.owned(agent, key, since)?);
        let (key, by, what) = (key.clone(), Some(agent.clone()), What::Delete);
        self.push(Happened { at: now, key, by, what, before, after: None });
        Ok(number(self.log.len()))
    }

    fn list(&self, agent: &AgentId, query: &StateQuery) -> Result<StatePage, StateError> {
        let limit = query.limit.unwrap_or(100);
        if limit == 0 || limit > StateBounds::PAGE {
            return Err(bad(InvalidStateKind::Limit, "limit", &limit.to_string()).into());
        }
        let mut entries: Vec<StateEntry> = self.present();
        entries.retain(|entry| {
            let key = entry.key.as_str();
            key.starts_with(&query.prefix)
                && query.after.as_ref().is_none_or(|after| key > after.as_str())
                && reads(entry, agent)
        });
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| has_more).map(|entry| entry.key.clone());
        let entries = entries.into_iter().map(Arc::new).collect();
        Ok(StatePage::new(entries, next, number(self.log.len())))
    }

    fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        self.reached(after)?;
        let oldest = number(self.oldest());
        if after < oldest {
            return Err(StateError::Lagged { after, oldest });
        }
        let (mut changes, mut next) = (Vec::new(), after);
        for (place, one) in self.log.iter().enumerate() {
            if changes.len() >= limit.min(StateBounds::CHANGES) {
                return Ok(StateChanges::new(changes, next));
            }
            let revision = number(place + 1);
            if revision <= after {
                continue;
            }
            next = revision;
            if meant(scope, &one.key)
                && let Some(kind) = shown(one, agent)
            {
                let when = (revision, one.at);
                changes.push(StateChange::new(when, one.key.clone(), one.by.clone(), kind));
            }
        }
        Ok(StateChanges::new(changes, next))
    }
}

fn shown(one: &Happened, agent: &AgentId) -> Option<StateChangeKind> {
    let could = one.before.as_ref().is_some_and(|entry| reads(entry, agent));
    if let Some(entry) = &one.after
        && reads(entry, agent)
    {
        let entry = Arc::new(entry.clone());
        return Some(if one.what == What::Amend {
            StateChangeKind::Amended { entry }
        } else {
            StateChangeKind::Written { entry }
        });
    }
    could.then_some(match one.what {
        What::Delete => StateChangeKind::Deleted,
        What::Expire => StateChangeKind::Expired,
        What::Write | What::Amend => StateChangeKind::Hidden,
    })
}

fn end(lifetime: Lifetime, before: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    match lifetime {
        Lifetime::Keep => before,
        Lifetime::For(ttl) => now.checked_add(ttl),
        Lifetime::Lasting | _ => None,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn bad(kind: InvalidStateKind, field: &str, value: &str) -> InvalidState {
    InvalidState::new(kind, field, value, "see `StateBounds`")
}

fn check_name(kind: InvalidStateKind, field: &str, name: &str) -> Result<(), InvalidState> {
    let is_bad = name.is_empty()
        || name.len() > StateBounds::AGENT_NAME_BYTES
        || name.chars().any(char::is_control);
    if is_bad { Err(bad(kind, field, name)) } else { Ok(()) }
}

fn check_lifetime(lifetime: Lifetime) -> Result<(), InvalidState> {
    let century = Duration::from_hours(100 * 8_766);
    match lifetime {
        Lifetime::For(ttl) if ttl < Duration::from_millis(1) || ttl > century => {
            Err(bad(InvalidStateKind::Ttl, "ttl", &format!("{ttl:?}")))
        }
        Lifetime::Keep | Lifetime::Lasting | Lifetime::For(_) | _ => Ok(()),
    }
}

fn check_rules(rules: &KeyRules) -> Result<(), InvalidState> {
    for (field, access) in [("rules.readers", &rules.readers), ("rules.writers", &rules.writers)] {
        if let Access::Only(agents) = access {
            if agents.len() > StateBounds::RULE_AGENTS {
                return Err(bad(InvalidStateKind::Rules, field, "too many"));
            }
            for agent in agents {
                check_name(InvalidStateKind::Rules, field, agent.as_str())?;
            }
        }
    }
    Ok(())
}

#[async_trait]
impl StateStore for PlainStateStore {
    async fn read(&self, agent: &AgentId, key: &StateKey) -> Result<StateReading, StateError> {
        self.at_once(|state, _| state.read(agent, key))
    }

    async fn write(&self, agent: &AgentId, write: StateWrite) -> Result<Revision, StateError> {
        self.at_once(|state, now| state.write(agent, &write, now))
    }

    async fn amend(&self, agent: &AgentId, terms: StateTerms) -> Result<Revision, StateError> {
        self.at_once(|state, now| state.amend(agent, &terms, now))
    }

    async fn delete(
        &self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<Revision, StateError> {
        self.at_once(|state, now| state.delete(agent, key, if_revision, now))
    }

    async fn list(&self, agent: &AgentId, query: &StateQuery) -> Result<StatePage, StateError> {
        self.at_once(|state, _| state.list(agent, query))
    }

    async fn history(
        &self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Result<Vec<Arc<StateEntry>>, StateError> {
        self.at_once(|state, _| {
            state.read(agent, key)?;
            let versions = state.versions(key).into_iter().filter(|one| reads(one, agent));
            Ok(versions.take(limit).map(Arc::new).collect())
        })
    }

    async fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        self.at_once(|state, _| state.changes(agent, scope, after, limit))
    }

    async fn changed(&self, scope: &StateScope, after: Revision) -> Result<(), StateError> {
        loop {
            let changed = self.changed.notified();
            let is_past = self.at_once(|state, _| {
                state.reached(after)?;
                let mut later = state.log.iter().enumerate().rev();
                let happened = later
                    .by_ref()
                    .take_while(|(place, _)| number(place + 1) > after)
                    .any(|(_, one)| meant(scope, &one.key));
                Ok::<_, StateError>(happened || after < number(state.oldest()))
            })?;
            if is_past {
                return Ok(());
            }
            changed.await;
        }
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, StateError> {
        Ok(self.at_once(|state, _| {
            state.present().into_iter().filter_map(|entry| entry.expires_at).min()
        }))
    }
}
