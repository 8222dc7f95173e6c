//! The suite of every store of shared state, each case on a file of its own, and what only a file can get wrong.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use proptest::prelude::*;
use safeguards_coord::{
    MemoryStateStore, Revision, StateChanges, StateEntry, StateError, StateKey, StatePage,
    StateQuery, StateReading, StateScope, StateStore, StateStoreBounds, StateTerms, StateWrite,
};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_testkit::state::{PlainStateStore, StateEnv, StateSetup, state_sequences};
use safeguards_types::{AgentId, SimClock, Timestamp};
use tempfile::TempDir;

use crate::moved::check_whole;

pub(crate) fn bounds_of(setup: &StateSetup) -> StateStoreBounds {
    let mut bounds = StateStoreBounds::default();
    (bounds.keys_max, bounds.bytes_max) = (setup.keys_max, setup.bytes_max);
    (bounds.history_kept, bounds.changes_kept) = (setup.history_kept, setup.changes_kept);
    bounds
}

pub(crate) fn open(path: &Path, clock: &SimClock, bounds: StateStoreBounds) -> RedbStore {
    let mut options = RedbOptions::default();
    options.clock = Arc::new(clock.clone());
    options.state = bounds;
    options.open(path).unwrap()
}

mod suite {
    use safeguards_testkit::state_store_conformance;

    use super::*;

    async fn make(setup: StateSetup) -> StateEnv {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.redb");
        let open = move || -> Arc<dyn StateStore> {
            Arc::new(open(&path, &setup.clock, bounds_of(&setup)))
        };
        StateEnv::new(open())
            .reopens(move || {
                let store = open();
                async move { store }
            })
            .keeping(folder)
    }

    state_store_conformance!(make, durable);
}

/// A file that is closed and opened again before every so manieth call.
#[derive(Debug)]
struct Reopened {
    folder: TempDir,
    setup: StateSetup,
    every: usize,
    now: Mutex<(usize, Option<RedbStore>)>,
}

impl Reopened {
    fn new(setup: StateSetup, every: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, setup, every, now: Mutex::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("fleet.redb")
    }

    fn close_and_check(self) {
        self.now.lock().1 = None;
        check_whole(&self.path());
    }

    fn store(&self) -> RedbStore {
        let mut now = self.now.lock();
        now.0 += 1;
        if now.0.is_multiple_of(self.every) {
            now.1 = None;
        }
        let open = || open(&self.path(), &self.setup.clock, bounds_of(&self.setup));
        now.1.get_or_insert_with(open).clone()
    }
}

#[async_trait]
impl StateStore for Reopened {
    async fn read(&self, agent: &AgentId, key: &StateKey) -> Result<StateReading, StateError> {
        self.store().read(agent, key).await
    }

    async fn write(&self, agent: &AgentId, write: StateWrite) -> Result<Revision, StateError> {
        self.store().write(agent, write).await
    }

    async fn amend(&self, agent: &AgentId, terms: StateTerms) -> Result<Revision, StateError> {
        self.store().amend(agent, terms).await
    }

    async fn delete(
        &self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<Revision, StateError> {
        self.store().delete(agent, key, if_revision).await
    }

    async fn list(&self, agent: &AgentId, query: &StateQuery) -> Result<StatePage, StateError> {
        self.store().list(agent, query).await
    }

    async fn history(
        &self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Result<Vec<Arc<StateEntry>>, StateError> {
        self.store().history(agent, key, limit).await
    }

    async fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        self.store().changes(agent, scope, after, limit).await
    }

    async fn changed(&self, scope: &StateScope, after: Revision) -> Result<(), StateError> {
        self.store().changed(scope, after).await
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, StateError> {
        self.store().sweep().await
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_file_answers_as_the_store_in_memory_does(sequence in state_sequences(), every in 5..60_usize) {
        let setup = sequence.setup();
        let memory = MemoryStateStore::builder().clock(setup.clock.clone()).bounds(bounds_of(&setup));
        let (one, other) = (Reopened::new(setup.clone(), every), memory.build());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let played = runtime.block_on(sequence.play(&setup.clock, &one, &other));
        prop_assert!(played.is_ok(), "{}", played.unwrap_err());
        one.close_and_check();
    }

    #[test]
    fn a_file_answers_as_the_naive_store_does(sequence in state_sequences(), every in 5..60_usize) {
        let setup = sequence.setup();
        let (one, other) = (Reopened::new(setup.clone(), every), PlainStateStore::new(setup.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let played = runtime.block_on(sequence.play(&setup.clock, &one, &other));
        prop_assert!(played.is_ok(), "{}", played.unwrap_err());
        one.close_and_check();
    }
}
