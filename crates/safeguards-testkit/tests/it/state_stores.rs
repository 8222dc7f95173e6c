//! The naive store of shared state passes every case, also behind one whose futures wait; each case stands in its lists;
//! and what is wrong with a store is found.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use safeguards_coord::{
    KeyRules, Lifetime, Revision, StateChangeKind, StateChanges, StateEntry, StateError, StateKey,
    StatePage, StateQuery, StateReading, StateScope, StateStore, StateTerms, StateWrite,
};
use safeguards_testkit::{
    state::{
        FaultyStateStore, PlainStateStore, StateCall, StateEnv, StateFault, StateSetup,
        state_sequences,
    },
    state_store_conformance,
};
use safeguards_types::{AgentId, Timestamp};
use tokio::task::yield_now;

mod plain {
    use super::*;

    async fn make(setup: StateSetup) -> StateEnv {
        StateEnv::new(Arc::new(PlainStateStore::new(setup)))
    }

    state_store_conformance!(make);
}

/// One whose futures wait, and which is as durable as a test: it is opened again by another handle.
mod slow {
    use super::*;

    async fn make(setup: StateSetup) -> StateEnv {
        let plain = PlainStateStore::new(setup);
        let again = plain.clone();
        StateEnv::new(Arc::new(Twisted { plain, twist: Twist::Slow })).reopens(move || {
            let plain = again.clone();
            async move { Arc::new(Twisted { plain, twist: Twist::Slow }) as Arc<dyn StateStore> }
        })
    }

    state_store_conformance!(make, durable);
}

/// One with bounds of its own: what needs others is ignored.
mod own {
    use super::*;

    async fn make(setup: StateSetup) -> StateEnv {
        let mut own = StateSetup::large();
        own.clock = setup.clock;
        StateEnv::new(Arc::new(PlainStateStore::new(own)))
    }

    state_store_conformance!(make, fixed_bounds);
}

/// What is odd about a store.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Twist {
    /// Others go first, before a call arrives and before its answer does.
    Slow,
    /// It writes whatever the revision is.
    NoCondition,
    /// It deletes whatever the revision is.
    NoDeleteCondition,
    /// Whoever asks is taken for the owner, if there is one to be read.
    OwnersEyes,
    /// Rules are not written down.
    NoRules,
    /// Times to live are not written down.
    NoEnds,
    /// A new owner is not written down.
    NoHandOver,
    /// Keys end, and the changes do not say so.
    SilentEnd,
    /// Changes of one key are those of all.
    NoScope,
    /// A prefix is not looked at.
    NoPrefix,
    /// A page may begin anywhere.
    NoCursor,
    /// One earlier version is left out.
    ShortHistory,
    /// A revision is one too low.
    OldRevision,
    /// Who may read no more is not told.
    NoHidden,
}

#[derive(Debug)]
struct Twisted {
    plain: PlainStateStore,
    twist: Twist,
}

impl Twisted {
    async fn give_way(&self) {
        if self.twist == Twist::Slow {
            for _ in 0..5 {
                yield_now().await;
            }
        }
    }
}

#[async_trait]
impl StateStore for Twisted {
    async fn read(&self, agent: &AgentId, key: &StateKey) -> Result<StateReading, StateError> {
        self.give_way().await;
        let mut reading = self.plain.read(agent, key).await;
        if self.twist == Twist::OwnersEyes && reading.is_err() {
            for agent in ["a", "b", "c"] {
                if reading.is_err() {
                    reading = self.plain.read(&agent.into(), key).await;
                }
            }
        }
        self.give_way().await;
        let mut reading = reading?;
        if self.twist == Twist::OldRevision {
            reading.revision = Revision::new(reading.revision.number().saturating_sub(1));
        }
        Ok(reading)
    }

    async fn write(&self, agent: &AgentId, mut write: StateWrite) -> Result<Revision, StateError> {
        self.give_way().await;
        if self.twist == Twist::NoCondition {
            write.if_revision = None;
        }
        if self.twist == Twist::NoRules {
            write.rules = None;
        }
        if self.twist == Twist::NoEnds {
            write.lifetime = Lifetime::Keep;
        }
        let written = self.plain.write(agent, write).await;
        self.give_way().await;
        written
    }

    async fn amend(&self, agent: &AgentId, mut terms: StateTerms) -> Result<Revision, StateError> {
        self.give_way().await;
        if self.twist == Twist::NoHandOver {
            terms.owner = None;
        }
        let amended = self.plain.amend(agent, terms).await;
        self.give_way().await;
        amended
    }

    async fn delete(
        &self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<Revision, StateError> {
        self.give_way().await;
        let if_revision = if_revision.filter(|_| self.twist != Twist::NoDeleteCondition);
        let deleted = self.plain.delete(agent, key, if_revision).await;
        self.give_way().await;
        deleted
    }

    async fn list(&self, agent: &AgentId, query: &StateQuery) -> Result<StatePage, StateError> {
        self.give_way().await;
        let mut query = query.clone();
        if self.twist == Twist::NoPrefix {
            query.prefix.clear();
        }
        if self.twist == Twist::NoCursor {
            query.after = None;
        }
        let page = self.plain.list(agent, &query).await;
        self.give_way().await;
        page
    }

    async fn history(
        &self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Result<Vec<Arc<StateEntry>>, StateError> {
        self.give_way().await;
        let mut versions = self.plain.history(agent, key, limit).await?;
        if self.twist == Twist::ShortHistory && versions.len() > 1 {
            versions.pop();
        }
        Ok(versions)
    }

    async fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        self.give_way().await;
        let all = StateScope::all();
        let scope = if self.twist == Twist::NoScope { &all } else { scope };
        let mut changes = self.plain.changes(agent, scope, after, limit).await?;
        changes.changes.retain(|change| {
            let is_silent =
                self.twist == Twist::SilentEnd && change.kind == StateChangeKind::Expired;
            let is_hidden = self.twist == Twist::NoHidden && change.kind == StateChangeKind::Hidden;
            !is_silent && !is_hidden
        });
        Ok(changes)
    }

    async fn changed(&self, scope: &StateScope, after: Revision) -> Result<(), StateError> {
        self.give_way().await;
        let changed = self.plain.changed(scope, after).await;
        self.give_way().await;
        changed
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, StateError> {
        self.give_way().await;
        self.plain.sweep().await
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn whatever_is_odd_about_a_store_of_state_is_found() {
    #[track_caller]
    fn check(twist: Twist, is_found: bool) {
        let mut runner = TestRunner::deterministic();
        let sequences = state_sequences();
        let differs = (0..200).any(|_| {
            let sequence = sequences.new_tree(&mut runner).unwrap().current();
            let setup = sequence.setup();
            let one = PlainStateStore::new(setup.clone());
            let other = Twisted { plain: PlainStateStore::new(setup.clone()), twist };
            block_on(sequence.play(&setup.clock, &one, &other)).is_err()
        });
        assert_eq!(differs, is_found, "{twist:?}");
    }
    check(Twist::Slow, false);
    check(Twist::NoCondition, true);
    check(Twist::NoDeleteCondition, true);
    check(Twist::OwnersEyes, true);
    check(Twist::NoRules, true);
    check(Twist::NoEnds, true);
    check(Twist::NoHandOver, true);
    check(Twist::SilentEnd, true);
    check(Twist::NoScope, true);
    check(Twist::NoPrefix, true);
    check(Twist::NoCursor, true);
    check(Twist::ShortHistory, true);
    check(Twist::OldRevision, true);
    check(Twist::NoHidden, true);
}

#[test]
fn sequences_of_state_meet_every_code() {
    let mut runner = TestRunner::deterministic();
    let sequences = state_sequences();
    let mut seen = BTreeMap::<&str, u64>::new();
    for _ in 0..300 {
        let sequence = sequences.new_tree(&mut runner).unwrap().current();
        let setup = sequence.setup();
        let plain = PlainStateStore::new(setup.clone());
        let other = PlainStateStore::new(setup.clone());
        let tally = block_on(sequence.play(&setup.clock, &plain, &other)).unwrap();
        for (code, times) in tally.codes {
            *seen.entry(code).or_default() += times;
        }
    }
    let codes = [
        "absent",
        "ahead",
        "conflict",
        "full",
        "invalid_agent",
        "invalid_limit",
        "invalid_rules",
        "invalid_ttl",
        "invalid_value",
        "lagged",
        "not_owner",
        "not_readable",
        "not_writable",
    ];
    for code in codes {
        assert!(seen.contains_key(&*format!("state.{code}")), "{code}: {seen:#?}");
    }
    let all: u64 = seen.values().sum();
    assert!(seen["ok"] > all / 2, "{seen:#?}");
}

#[test]
fn a_faulty_store_of_state_fails_as_it_is_told() {
    block_on(async {
        let store = FaultyStateStore::new(PlainStateStore::new(StateSetup::large()));
        let (a, key) = (AgentId::from("a"), StateKey::parse("k").unwrap());
        let write = || StateWrite::new(&key, 1).unwrap();
        store.script([Some(StateFault::Before), None, Some(StateFault::After)]);
        assert_eq!(store.write(&a, write()).await.unwrap_err().code(), "state.unavailable");
        assert!(store.read(&a, &key).await.unwrap().is_absent(), "it never arrived");
        store.write(&a, write()).await.unwrap_err();
        assert!(!store.read(&a, &key).await.unwrap().is_absent(), "its answer was lost");
        store.plan(|call| (call == StateCall::List).then_some(StateFault::Corrupt));
        let error = store.list(&a, &StateQuery::all()).await.unwrap_err();
        assert_eq!(error.code(), "state.corrupt");
        store.amend(&a, StateTerms::of(&key).unwrap().rules(KeyRules::public())).await.unwrap();
        store.fail_always(StateFault::Before);
        let codes = [
            store.delete(&a, &key, None).await.unwrap_err().code(),
            store.history(&a, &key, 1).await.unwrap_err().code(),
            store.changes(&a, &StateScope::all(), Revision::ZERO, 1).await.unwrap_err().code(),
            store.changed(&StateScope::all(), Revision::ZERO).await.unwrap_err().code(),
            store.sweep().await.unwrap_err().code(),
        ];
        assert_eq!(codes, ["state.unavailable"; 5]);
        store.plan(|_| Some(StateFault::Hang));
        tokio::select! {
            biased;
            result = store.sweep() => panic!("there is no answer: {result:?}"),
            () = yield_now() => {}
        }
        store.mend();
        assert_eq!(store.list(&a, &StateQuery::all()).await.unwrap().entries.len(), 1);
        assert_eq!(store.calls(), 13);
    });
}

/// The folder of the suite.
fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/state")
}

/// `topic::case` of each public async function that takes nothing but a desk.
fn written() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.is_file());
    let cases = files.flat_map(|path| {
        let topic = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let functions = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        let cases = functions.filter_map(|line| line.strip_suffix("(desk: &StateDesk) {"));
        cases.map(|case| format!("{topic}::{case}")).collect::<Vec<_>>()
    });
    cases.collect()
}

/// `topic::case` of each line of the list, in their order.
fn listed() -> Vec<String> {
    let text = fs::read_to_string(folder().join("suite.rs")).unwrap();
    let mut topic = "";
    let mut cases = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some((_, opened)) = line.split_once("$make $options ")
            && let Some(name) = opened.strip_suffix(" {")
        {
            topic = name;
        } else if let Some((need, case)) = line.split_once(' ')
            && ["any", "bounds", "durable"].contains(&need)
            && let Some(case) = case.strip_suffix(',')
        {
            cases.push(format!("{topic}::{case}"));
        }
    }
    cases
}

#[test]
fn every_case_of_shared_state_stands_in_the_list_once_and_among_the_laws() {
    let listed = listed();
    assert!(listed.len() > 90, "{} cases are listed", listed.len());
    let once: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(once.len(), listed.len(), "one is listed twice");
    assert_eq!(written(), once, "src/state/suite.rs lists what there is");
    let laws = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/laws.md");
    let laws = fs::read_to_string(laws).unwrap();
    let (_, laws) = laws.split_once("## Shared state").unwrap();
    let missing: Vec<_> = once.iter().filter(|case| !laws.contains(&format!("`{case}`"))).collect();
    assert!(missing.is_empty(), "docs/reference/laws.md has no rule with {missing:#?}");
}
