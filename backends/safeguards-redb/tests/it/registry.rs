//! The suite of every registry, each case on a file of its own, and what only a file can get wrong.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use proptest::prelude::*;
use safeguards_discovery::{
    AgentRecord, Capability, CapabilityName, Changes, ChangesError, FindError, Found, Lease,
    MemoryRegistry, Query, RegisterError, Registration, Registry, RegistryError, RenewError,
    Revision, Status, WithdrawError,
};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_testkit::registry::{PlainRegistry, RegistryEnv, RegistrySetup, registry_sequences};
use safeguards_types::{AgentId, Timestamp};
use semver::Version;
use tempfile::TempDir;

use crate::moved::check_whole;

fn open(path: &Path, setup: &RegistrySetup) -> RedbStore {
    let mut options = RedbOptions::default();
    options.clock = Arc::new(setup.clock.clone());
    (options.agents_max, options.agent_changes_kept) = (setup.agents_max, setup.changes_kept);
    options.open(path).unwrap()
}

mod suite {
    use safeguards_testkit::registry_conformance;

    use super::*;

    async fn make(setup: RegistrySetup) -> RegistryEnv {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.redb");
        let open = move || -> Arc<dyn Registry> { Arc::new(open(&path, &setup)) };
        RegistryEnv::new(open())
            .reopens(move || {
                let registry = open();
                async move { registry }
            })
            .keeping(folder)
    }

    registry_conformance!(make, durable);
}

/// A file that is closed and opened again before every so manieth call.
#[derive(Debug)]
struct Reopened {
    folder: TempDir,
    setup: RegistrySetup,
    every: usize,
    now: Mutex<(usize, Option<RedbStore>)>,
}

impl Reopened {
    fn new(setup: RegistrySetup, every: usize) -> Self {
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
        now.1.get_or_insert_with(|| open(&self.path(), &self.setup)).clone()
    }
}

#[async_trait]
impl Registry for Reopened {
    async fn register(&self, registration: Registration) -> Result<Lease, RegisterError> {
        self.store().register(registration).await
    }

    async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError> {
        self.store().renew(lease, status).await
    }

    async fn withdraw(
        &self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError> {
        self.store().withdraw(agent, capability, version).await
    }

    async fn delete(&self, agent: &AgentId) -> Result<(), WithdrawError> {
        Registry::delete(&self.store(), agent).await
    }

    async fn find(&self, query: &Query) -> Result<Found, FindError> {
        self.store().find(query).await
    }

    async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError> {
        self.store().agent(agent).await
    }

    async fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError> {
        Registry::changes(&self.store(), after, limit).await
    }

    async fn changed(&self, after: Revision) -> Result<(), ChangesError> {
        Registry::changed(&self.store(), after).await
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError> {
        Registry::sweep(&self.store()).await
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_file_answers_as_the_registry_in_memory_does(
        sequence in registry_sequences(),
        every in 5..60_usize,
    ) {
        let setup = sequence.setup();
        let memory = MemoryRegistry::builder()
            .clock(setup.clock.clone())
            .changes_kept(setup.changes_kept)
            .agents_max(setup.agents_max);
        let (one, other) = (Reopened::new(setup.clone(), every), memory.build());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let played = runtime.block_on(sequence.play(&setup.clock, &one, &other));
        prop_assert!(played.is_ok(), "{}", played.unwrap_err());
        one.close_and_check();
    }

    #[test]
    fn a_file_answers_as_the_naive_registry_does(
        sequence in registry_sequences(),
        every in 5..60_usize,
    ) {
        let setup = sequence.setup();
        let (one, other) = (Reopened::new(setup.clone(), every), PlainRegistry::new(setup.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let played = runtime.block_on(sequence.play(&setup.clock, &one, &other));
        prop_assert!(played.is_ok(), "{}", played.unwrap_err());
    }
}

/// Who is there is found by the same words in the same order after it was closed, and leases run out meanwhile.
#[tokio::test]
async fn who_was_there_is_there_again() {
    let setup = RegistrySetup::large();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    let store = open(&path, &setup);
    let register = async |name: &str, text: &str, minutes: u64| {
        let capability = Capability::new("data.analysis").unwrap().describe(text);
        let registration = Registration::new(name, Duration::from_mins(minutes));
        store.register(registration.describe(text).capability(capability)).await.unwrap()
    };
    register("one", "converts amounts between currencies", 1).await;
    let lease = register("two", "converts units", 2).await;
    register("three", "reads tables of amounts", 60).await;
    let query = Query::search("convert an amount");
    let before = store.find(&query).await.unwrap();
    assert!(before.total >= 2, "{before:?}");
    drop(store);

    let store = open(&path, &setup);
    assert_eq!(store.find(&query).await.unwrap(), before);
    setup.clock.advance(Duration::from_secs(90));
    store.renew(&lease, None).await.unwrap();
    drop(store);
    setup.clock.advance(Duration::from_mins(1));
    let store = open(&path, &setup);
    let found = store.find(&Query::new("data").unwrap()).await.unwrap();
    let names: Vec<_> = found.agents.iter().map(|found| found.agent.as_str()).collect();
    assert_eq!(names, ["three", "two"]);
    // A lease that was given is never given to somebody else.
    let again = store.register(Registration::new("one", Duration::from_mins(1))).await.unwrap();
    assert!(again.id > lease.id);
}

/// A file from before agents were in it.
#[tokio::test]
async fn a_file_without_agents_is_opened_and_has_some_then() {
    let setup = RegistrySetup::large();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    drop(open(&path, &setup));
    {
        let db = redb::Database::open(&path).unwrap();
        let write = db.begin_write().unwrap();
        let tables: Vec<_> = write.list_tables().unwrap().collect();
        for table in tables {
            if redb::TableHandle::name(&table).starts_with("registry.") {
                write.delete_table(table).unwrap();
            }
        }
        write.commit().unwrap();
    }
    assert!(crate::moved::check(&path).flaws.is_empty());
    let store = open(&path, &setup);
    store.register(Registration::lasting("one")).await.unwrap();
    drop(store);
    assert!(open(&path, &setup).agent(&"one".into()).await.unwrap().is_some());
}
