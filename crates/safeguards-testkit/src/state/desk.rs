//! [`StateDesk`]: what a case works at: a store of shared state, and the words to ask it with.

use std::{cell::RefCell, collections::BTreeMap, panic::Location, sync::Arc, time::Duration};

use safeguards_coord::{
    Revision, StateChange, StateChangeKind, StateEntry, StateError, StateKey, StatePage,
    StateQuery, StateReading, StateScope, StateStore, StateTerms, StateWrite,
};
use safeguards_types::{AgentId, Clock, SimClock, Timestamp};
use serde_json::Value;

use super::{StateEnv, StateSetup, env::Open};

/// What a case works at: a store of shared state, and the words to ask it with.
#[derive(Debug)]
pub struct StateDesk {
    env: StateEnv,
    setup: StateSetup,
    /// None only while it is opened again.
    store: RefCell<Option<Arc<dyn StateStore>>>,
}

/// How long a case waits for what is to come, in real time. Only where that never comes does anybody wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// The agents that cases know.
const AGENTS: [&str; 4] = ["a", "b", "c", "nobody"];

impl StateDesk {
    /// A desk for this store, which was made as `setup` says.
    pub fn new(mut env: StateEnv, setup: StateSetup) -> Self {
        let store = RefCell::new(env.store.take());
        Self { env, setup, store }
    }

    /// The store.
    pub fn store(&self) -> Arc<dyn StateStore> {
        self.store.borrow().clone().expect("the store is open")
    }

    pub(super) const fn clock(&self) -> &SimClock {
        &self.setup.clock
    }

    pub(super) const fn setup(&self) -> &StateSetup {
        &self.setup
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// So many seconds go by.
    pub(super) fn wait(&self, seconds: u64) {
        self.clock().advance(Duration::from_secs(seconds));
    }

    /// So many seconds from now.
    pub(super) fn after(&self, seconds: u64) -> Timestamp {
        self.now().checked_add(Duration::from_secs(seconds)).unwrap()
    }

    pub(super) async fn write(&self, agent: &str, write: StateWrite) -> Revision {
        self.store().write(&agent.into(), write).await.unwrap()
    }

    pub(super) async fn set(&self, agent: &str, key: &str, value: impl Into<Value>) -> Revision {
        self.write(agent, write(key, value)).await
    }

    pub(super) async fn amend(&self, agent: &str, terms: StateTerms) -> Revision {
        self.store().amend(&agent.into(), terms).await.unwrap()
    }

    pub(super) async fn delete(&self, agent: &str, name: &str) -> Revision {
        self.store().delete(&agent.into(), &key(name), None).await.unwrap()
    }

    pub(super) async fn read(&self, agent: &str, name: &str) -> StateReading {
        self.store().read(&agent.into(), &key(name)).await.unwrap()
    }

    /// The entry of a key that is there.
    pub(super) async fn entry(&self, agent: &str, name: &str) -> Arc<StateEntry> {
        self.read(agent, name).await.entry.expect("the key is there")
    }

    /// What this agent reads, as text; `-` where nothing is there.
    pub(super) async fn shows(&self, agent: &str, name: &str, expected: &str) {
        let reading = self.read(agent, name).await;
        let shown = reading.value().map_or_else(|| "-".to_owned(), Value::to_string);
        assert_eq!(shown, expected, "{agent} reads {name}");
    }

    /// The write is refused with this code, and nothing has happened.
    pub(super) async fn refuses(&self, agent: &str, write: StateWrite, code: &str) -> StateError {
        let store = self.store();
        self.is_refused(store.write(&agent.into(), write), code).await
    }

    pub(super) async fn refuses_terms(
        &self,
        agent: &str,
        terms: StateTerms,
        code: &str,
    ) -> StateError {
        let store = self.store();
        self.is_refused(store.amend(&agent.into(), terms), code).await
    }

    pub(super) async fn refuses_deletion(
        &self,
        agent: &str,
        name: &str,
        if_revision: Option<Revision>,
        code: &str,
    ) -> StateError {
        let (store, agent, key) = (self.store(), agent.into(), key(name));
        self.is_refused(store.delete(&agent, &key, if_revision), code).await
    }

    pub(super) async fn refuses_reading(&self, agent: &str, name: &str) -> StateError {
        let (store, agent, key) = (self.store(), agent.into(), key(name));
        let error = store.read(&agent, &key).await.unwrap_err();
        assert_eq!(error.code(), "state.not_readable", "{error}");
        error
    }

    async fn is_refused(
        &self,
        act: impl Future<Output = Result<Revision, StateError>>,
        code: &str,
    ) -> StateError {
        let before = self.all().await;
        let error = act.await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(self.all().await, before, "nothing of what is refused has happened");
        error
    }

    pub(super) async fn page(&self, agent: &str, query: &StateQuery) -> StatePage {
        self.store().list(&agent.into(), query).await.unwrap()
    }

    /// The keys that an agent finds under a prefix, with spaces between, on one page.
    #[track_caller]
    pub(super) fn lists(
        &self,
        agent: &str,
        prefix: &str,
        expected: &str,
    ) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let page = self.page(agent, &StateQuery::prefix(prefix)).await;
            assert_eq!(names(&page), expected, "{caller}: {agent}, {prefix:?}");
        }
    }

    /// The values of the versions of a key, the present one first.
    pub(super) async fn versions(&self, agent: &str, name: &str) -> String {
        let versions = self.store().history(&agent.into(), &key(name), usize::MAX).await.unwrap();
        versions.iter().map(|one| one.value.to_string()).collect::<Vec<_>>().join(" ")
    }

    pub(super) async fn revision(&self) -> Revision {
        self.page("nobody", &StateQuery::all().limit(1)).await.revision
    }

    pub(super) async fn changes(
        &self,
        agent: &str,
        scope: &StateScope,
        after: u64,
    ) -> Vec<StateChange> {
        let store = self.store();
        let after = Revision::new(after);
        store.changes(&agent.into(), scope, after, usize::MAX).await.unwrap().changes
    }

    /// What an agent is told of these keys, a line each.
    pub(super) async fn told(&self, agent: &str, prefix: &str, after: u64) -> Vec<String> {
        let changes = self.changes(agent, &StateScope::prefix(prefix), after).await;
        changes.iter().map(line).collect()
    }

    /// Whether the store can be opened again.
    pub(super) fn reopens(&self) -> bool {
        self.env.reopen.is_some()
    }

    /// Drops the store and opens it again.
    pub(super) async fn reopen(&self) {
        self.store.replace(None);
        let open: &Open = self.env.reopen.as_ref().expect("the environment says how");
        let store = open().await;
        self.store.replace(Some(store));
    }

    /// All that each agent finds, and the latest revision.
    pub(super) async fn all(&self) -> (Vec<Vec<Arc<StateEntry>>>, Revision) {
        let mut all = Vec::new();
        for agent in AGENTS {
            let (mut entries, mut query) = (Vec::new(), StateQuery::all().limit(1_000));
            loop {
                let page = self.page(agent, &query).await;
                entries.extend(page.entries);
                let Some(next) = page.next else { break };
                query = query.after(next);
            }
            all.push(entries);
        }
        (all, self.revision().await)
    }

    /// What holds after every case: revisions have no gaps, and who reads all changes knows all that is there.
    pub(super) async fn audit(&self) {
        let (all, revision) = self.all().await;
        for (agent, entries) in AGENTS.into_iter().zip(all) {
            let (store, agent) = (self.store(), AgentId::from(agent));
            let (mut changes, mut next) = (Vec::new(), Revision::ZERO);
            while next < revision {
                let Ok(more) = store.changes(&agent, &StateScope::all(), next, 1_000).await else {
                    // Some are forgotten; there is a case about that.
                    return;
                };
                assert!(more.next > next, "{agent} gets on from {next}");
                next = more.next;
                changes.extend(more.changes);
            }
            let rising = changes.windows(2).all(|pair| pair[0].revision < pair[1].revision);
            assert!(rising, "revisions rise: {changes:?}");
            let here = entries.into_iter().map(|entry| (entry.key.clone(), entry));
            assert_eq!(mirror(&changes), here.collect(), "{agent} knows all from the changes");
        }
    }
}

/// What is there, as one knows it who has nothing but the changes.
pub(super) fn mirror(changes: &[StateChange]) -> BTreeMap<StateKey, Arc<StateEntry>> {
    let mut all = BTreeMap::new();
    for change in changes {
        let key = change.key.clone();
        match change.kind.entry() {
            Some(entry) => {
                assert_eq!(entry.revision, change.revision, "{change:?}");
                all.insert(key, Arc::clone(entry));
            }
            None => assert!(all.remove(&key).is_some(), "it was known: {change:?}"),
        }
    }
    all
}

/// A change, as `written k 1 by a`.
pub(super) fn line(change: &StateChange) -> String {
    let StateChange { key, by, .. } = change;
    let by = by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
    match &change.kind {
        StateChangeKind::Written { entry } => format!("written {key} {}{by}", entry.value),
        StateChangeKind::Amended { entry } => format!("amended {key} {}{by}", entry.value),
        StateChangeKind::Hidden => format!("hidden {key}{by}"),
        StateChangeKind::Deleted => format!("deleted {key}{by}"),
        StateChangeKind::Expired => format!("expired {key}{by}"),
        other => panic!("the suite does not know {other:?} yet"),
    }
}

/// The keys of a page, with spaces between.
pub(super) fn names(page: &StatePage) -> String {
    page.entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>().join(" ")
}

/// The numbers of changes.
pub(super) fn numbers(changes: &[StateChange]) -> Vec<u64> {
    changes.iter().map(|change| change.revision.number()).collect()
}

pub(super) fn key(text: &str) -> StateKey {
    StateKey::parse(text).unwrap()
}

pub(super) fn write(key: &str, value: impl Into<Value>) -> StateWrite {
    StateWrite::new(key, value).unwrap()
}

pub(super) fn terms(key: &str) -> StateTerms {
    StateTerms::of(key).unwrap()
}

/// Waits for what is to come at once, and panics where it does not come.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("what was waited for has come")
}
