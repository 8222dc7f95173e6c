//! The suite of every run store, each case on a file of its own, and what only a file can get wrong.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use parking_lot::Mutex;
use proptest::prelude::*;
use redb::{Database, ReadableDatabase, ReadableTableMetadata};
use safeguards_coord::{
    MemoryRunStore, RunEntry, RunHead, RunId, RunQuery, RunStore, RunStoreBounds, RunStoreError,
    RunView,
};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_testkit::runs::{
    PlainRunStore, RunHeads, RunStoreEnv, RunStoreSetup, run_store_sequences,
};
use safeguards_types::{OperationId, OperationIds, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use crate::moved::check_whole;

fn open(path: &Path, bounds: RunStoreBounds) -> RedbStore {
    let mut options = RedbOptions::default();
    options.runs = bounds;
    options.open(path).unwrap()
}

mod suite {
    use safeguards_testkit::run_store_conformance;

    use super::*;

    async fn make(setup: RunStoreSetup) -> RunStoreEnv {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.redb");
        let open = move || -> Arc<dyn RunStore> { Arc::new(open(&path, setup.bounds)) };
        RunStoreEnv::new(open())
            .reopens(move || {
                let store = open();
                async move { store }
            })
            .keeping(folder)
    }

    run_store_conformance!(make, durable);
}

/// A file that is closed and opened again before every so manieth call.
#[derive(Debug)]
struct Reopened {
    folder: TempDir,
    bounds: RunStoreBounds,
    every: usize,
    now: Mutex<(usize, Option<RedbStore>)>,
}

impl Reopened {
    fn new(bounds: RunStoreBounds, every: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, bounds, every, now: Mutex::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("fleet.redb")
    }

    fn store(&self) -> RedbStore {
        let mut now = self.now.lock();
        now.0 += 1;
        if now.0.is_multiple_of(self.every) {
            now.1 = None;
        }
        now.1.get_or_insert_with(|| open(&self.path(), self.bounds)).clone()
    }
}

#[async_trait]
impl RunStore for Reopened {
    async fn begin(&self, head: RunHead) -> Result<(), RunStoreError> {
        self.store().begin(head).await
    }

    async fn append(&self, run: &RunId, leg: u32, entry: RunEntry) -> Result<(), RunStoreError> {
        self.store().append(run, leg, entry).await
    }

    async fn take_over(
        &self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Result<u32, RunStoreError> {
        self.store().take_over(run, leg, by, at).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunView>, RunStoreError> {
        self.store().run(run).await
    }

    async fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError> {
        RunStore::entries(&self.store(), run, from, limit).await
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError> {
        self.store().runs(query).await
    }

    async fn forget(&self, run: &RunId) -> Result<bool, RunStoreError> {
        self.store().forget(run).await
    }

    fn is_durable(&self) -> bool {
        true
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_file_answers_as_the_naive_store_does(sequence in run_store_sequences(), every in 5..60_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let one = Reopened::new(sequence.bounds, every);
        let other = PlainRunStore::new(sequence.setup());
        if let Err(difference) = runtime.block_on(sequence.play(&one, &other)) {
            return Err(TestCaseError::fail(difference));
        }
        let path = one.path();
        *one.now.lock() = (0, None);
        if path.exists() {
            check_whole(&path);
        }
    }
}

/// How many rows there are in each table of runs, while nobody has the file open.
fn rows(path: &Path) -> Vec<(String, u64)> {
    let db = Database::open(path).unwrap();
    let read = db.begin_read().unwrap();
    let tables = read.list_tables().unwrap();
    let of_runs = tables.filter_map(|table| {
        let name = redb::TableHandle::name(&table).to_owned();
        let name = name.strip_prefix("runs.")?.to_owned();
        Some((name, read.open_untyped_table(table).unwrap().len().unwrap()))
    });
    let mut rows: Vec<_> = of_runs.collect();
    rows.sort();
    rows
}

fn entry(value: serde_json::Value) -> RunEntry {
    serde_json::from_value(value).unwrap()
}

fn intent(step: &str) -> RunEntry {
    entry(json!({
        "type": "intent", "step": step, "attempt": 1, "agent": "a", "account": "a",
        "task": { "task": "work" }, "hold": {}, "at": "2026-01-05T09:00:01Z",
    }))
}

fn end() -> RunEntry {
    entry(json!({
        "type": "ended", "state": "succeeded", "spent": {}, "at": "2026-01-05T09:00:09Z",
    }))
}

#[tokio::test]
async fn a_long_run_goes_bit_by_bit_and_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    let store = open(&path, RunStoreBounds::default());
    let (long, other) = (RunId::new("long"), RunId::new("other"));
    // The long one has the last number, which is not given away while something is left of it.
    for run in ["other", "long"] {
        store.begin(RunHeads::new().head(run)).await.unwrap();
    }
    let steps: Vec<String> = (0..3_000).map(|step| format!("s{step}")).collect();
    for answer in join_all(steps.iter().map(|step| store.append(&long, 1, intent(step)))).await {
        answer.unwrap();
    }
    store.append(&long, 1, end()).await.unwrap();
    assert!(store.forget(&long).await.unwrap());
    assert!(store.run(&long).await.unwrap().is_none());
    drop(store);

    let left = |rows: &[(String, u64)], table: &str| {
        rows.iter().find(|(name, _)| name == table).unwrap().1
    };
    let found = rows(&path);
    assert!(left(&found, "entries") + left(&found, "keys") > 5_000, "{found:?}");
    assert_eq!(left(&found, "forgotten"), 1);

    // Of the same name, while some of the other one is there still.
    let store = open(&path, RunStoreBounds::default());
    store.begin(RunHeads::new().head("long")).await.unwrap();
    store.append(&long, 1, intent("new")).await.unwrap();
    assert_eq!(RunStore::entries(&store, &long, 0, 10).await.unwrap(), [intent("new")]);
    for step in 0..30 {
        store.append(&other, 1, intent(&format!("o{step}"))).await.unwrap();
    }
    assert_eq!(RunStore::entries(&store, &long, 0, 10).await.unwrap(), [intent("new")]);
    drop(store);
    let found = rows(&path);
    let table = |name: &str, rows| (name.to_owned(), rows);
    assert_eq!(
        found,
        [
            table("ended", 0),
            table("entries", 31),
            table("forgotten", 0),
            table("heads", 2),
            table("keys", 31),
            table("listed", 8),
            table("names", 2),
            table("standings", 2),
        ]
    );
}

#[tokio::test]
async fn where_fewer_are_kept_than_before_the_oldest_go_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    let mut bounds = RunStoreBounds::default();
    let store = open(&path, bounds);
    let ended = async |store: &RedbStore, names: &[String]| {
        for answer in join_all(names.iter().map(|run| store.begin(RunHeads::new().head(run)))).await
        {
            answer.unwrap();
        }
        for run in names {
            store.append(&RunId::new(run.as_str()), 1, end()).await.unwrap();
        }
    };
    let names: Vec<String> = (0..204).map(|run| format!("r{run:03}")).collect();
    ended(&store, &names[..200]).await;
    drop(store);
    bounds.ended_kept = 5;
    let store = open(&path, bounds);
    for (name, kept) in names[200..].iter().zip([137, 74, 11, 5]) {
        ended(&store, std::slice::from_ref(name)).await;
        let views = store.runs(&RunQuery::all()).await.unwrap();
        assert_eq!(views.len(), kept);
        assert_eq!(views[0].head.run.as_str(), name);
    }
    drop(store);
    check_whole(&path);
    let found = rows(&path);
    assert!(found.contains(&("entries".to_owned(), 5)), "{found:?}");
    assert!(found.contains(&("forgotten".to_owned(), 0)), "{found:?}");
}

/// One change of a run, by its number.
#[derive(Clone, Copy, Debug)]
enum Change {
    Begin,
    Append,
    End,
    TakeOver,
    Forget,
}

async fn change(store: &dyn RunStore, what: Change, run: &str, at: u64, leg: u32) -> String {
    let id = RunId::new(run);
    let answer = match what {
        Change::Begin => {
            let head = RunHeads::new()
                .team(format!("t{}", run.len() % 3))
                .begun_after(i64::from(run.as_bytes().last().is_some_and(|it| it % 2 == 0)));
            store.begin(head.head(run)).await
        }
        Change::Append => store.append(&id, leg, intent(&format!("s{}", at % 7))).await,
        Change::End => store.append(&id, leg, end()).await,
        Change::TakeOver => {
            let by = OperationIds::seeded(at).mint(Timestamp::UNIX_EPOCH);
            store.take_over(&id, leg, by, Timestamp::UNIX_EPOCH).await.map(|_| ())
        }
        Change::Forget => store.forget(&id).await.map(|_| ()),
    };
    answer.map_or_else(|error| error.code().to_owned(), |()| "ok".to_owned())
}

#[tokio::test]
async fn lists_and_counts_are_right_after_thousands_of_changes() {
    let mut bounds = RunStoreBounds::default();
    (bounds.ended_kept, bounds.unfinished_max, bounds.entries_max) = (20, 30, 12);
    let memory = MemoryRunStore::with_bounds(bounds);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    let mut random = 1_u64;
    let mut next = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (random >> 33) % below
    };
    for _ in 0..6 {
        let store = open(&path, bounds);
        let changes: Vec<_> = (0..1_000_u64)
            .map(|at| {
                let what = match next(16) {
                    0..5 => Change::Begin,
                    5..10 => Change::Append,
                    10..13 => Change::End,
                    13..15 => Change::TakeOver,
                    _ => Change::Forget,
                };
                let leg = if next(3) == 0 { 2 } else { 1 };
                (
                    what,
                    "r".repeat(1 + usize::try_from(next(3)).unwrap()) + &next(50).to_string(),
                    at,
                    leg,
                )
            })
            .collect();
        // They are handed over in this order, all before the first is answered: without turns for others in between.
        let of_file =
            changes.iter().map(|(what, run, at, leg)| change(&store, *what, run, *at, *leg));
        let of_file = tokio::task::unconstrained(join_all(of_file)).await;
        for ((what, run, at, leg), answer) in changes.iter().zip(of_file) {
            let expected = change(&memory, *what, run, *at, *leg).await;
            assert_eq!(answer, expected, "{what:?} of {run} in leg {leg}");
        }
        drop(store);

        let store = open(&path, bounds);
        let mut queries = vec![RunQuery::all(), RunQuery::all().unfinished()];
        for team in ["t0", "t1", "t2", "t", ""] {
            queries.push(RunQuery::all().team(team));
            queries.push(RunQuery::all().team(team).unfinished());
        }
        for query in queries {
            let views = memory.sync().runs(&query).unwrap();
            assert_eq!(store.runs(&query).await.unwrap(), views, "{query:?}");
            for view in views {
                let run = &view.head.run;
                let entries = RunStore::entries(&store, run, 0, 100).await.unwrap();
                assert_eq!(entries, memory.sync().entries(run, 0, 100).unwrap(), "{run}");
            }
        }
    }
    let (all, open) = (RunQuery::all(), RunQuery::all().unfinished());
    let all = memory.sync().runs(&all).unwrap().len();
    let unfinished = memory.sync().runs(&open).unwrap().len();
    assert!(unfinished > 10 && all - unfinished == 20, "{all} runs, {unfinished} unfinished");
    let found = rows(&path);
    let listed = found.iter().find(|(name, _)| name == "listed").unwrap().1;
    assert_eq!(listed, u64::try_from(2 * all + 2 * unfinished).unwrap());
}
