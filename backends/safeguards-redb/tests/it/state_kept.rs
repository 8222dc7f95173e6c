//! What stands in the file of shared state: what is there, what is kept, and nothing besides.

use std::{path::Path, time::Duration};

use futures_util::future::join_all;
use redb::{Database, ReadableDatabase, ReadableTableMetadata, TableDefinition};
use safeguards_coord::{
    KeyRules, MemoryStateStore, Revision, StateBounds, StateError, StateKey, StateQuery,
    StateScope, StateStore, StateStoreBounds, StateTerms, StateWrite,
};
use safeguards_redb::RedbStore;
use safeguards_types::{AgentId, SimClock, Timestamp};
use serde_json::Value;

use crate::{moved::check_whole, state::open};

fn clock() -> SimClock {
    SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap())
}

fn key(text: &str) -> StateKey {
    StateKey::parse(text).unwrap()
}

fn write(key: &str, value: impl Into<Value>) -> StateWrite {
    StateWrite::new(key, value).unwrap()
}

fn agent() -> AgentId {
    "a".into()
}

async fn set(store: &RedbStore, key: &str, value: impl Into<Value>) -> Revision {
    StateStore::write(store, &agent(), write(key, value)).await.unwrap()
}

/// The tables of shared state by their names, each with how many rows and how many bytes it has, while nobody has the
/// file open.
fn tables(path: &Path) -> Vec<(String, u64, u64)> {
    let db = Database::open(path).unwrap();
    let read = db.begin_read().unwrap();
    let of_state = read.list_tables().unwrap().filter_map(|table| {
        let name = redb::TableHandle::name(&table).to_owned();
        let name = name.strip_prefix("state.")?.to_owned();
        let table = read.open_untyped_table(table).unwrap();
        Some((name, table.len().unwrap(), table.stats().unwrap().stored_bytes()))
    });
    let mut all: Vec<_> = of_state.collect();
    all.sort();
    all
}

/// How many rows changes, ends, present, records, standing and versions have.
fn rows(path: &Path) -> Vec<u64> {
    check_whole(path);
    let tables = tables(path);
    let names: Vec<_> = tables.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["changes", "ends", "present", "records", "standing", "versions"]);
    tables.iter().map(|(_, rows, _)| *rows).collect()
}

#[tokio::test]
async fn a_value_is_written_once_and_goes_with_its_last_use() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let path = folder.path().join("fleet.redb");
    let mut bounds = StateStoreBounds::default();
    (bounds.history_kept, bounds.changes_kept) = (2, 6);
    let large = || Value::from("x".repeat(1_000_000));
    let store = open(&path, &clock, bounds);
    for _ in 0..4 {
        set(&store, "k", large()).await;
    }
    drop(store);
    // Four changes, of which three are what is there and its two versions: four rows with a value, and no copies.
    assert_eq!(rows(&path), [4, 0, 1, 4, 1, 2]);
    let bytes: u64 = tables(&path).iter().map(|(.., bytes)| bytes).sum();
    assert!((4_000_000..4_010_000).contains(&bytes), "{bytes}");

    // What is kept no more as a change stays as what is there, and as its versions.
    let store = open(&path, &clock, bounds);
    for number in 0..20 {
        set(&store, "other", number).await;
    }
    drop(store);
    assert_eq!(rows(&path), [6, 0, 2, 6 + 3, 1, 4]);
    let store = open(&path, &clock, bounds);
    let versions = StateStore::history(&store, &agent(), &key("k"), 9).await.unwrap();
    let revisions: Vec<_> = versions.iter().map(|one| one.revision.number()).collect();
    assert_eq!(revisions, [4, 3, 2]);
    assert!(versions.iter().all(|one| *one.value == large()));

    // Other terms leave the value, which has another row then; the old one made nothing that is there.
    let terms = StateTerms::of("k").unwrap().rules(KeyRules::public());
    store.amend(&agent(), terms).await.unwrap();
    drop(store);
    assert_eq!(rows(&path), [6, 0, 2, 6 + 2, 1, 4]);
    let store = open(&path, &clock, bounds);
    store.delete(&agent(), &key("k"), None).await.unwrap();
    store.delete(&agent(), &key("other"), None).await.unwrap();
    let brief = write("brief", large()).ttl(Duration::from_secs(1));
    StateStore::write(&store, &agent(), brief).await.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(store.sweep().await.unwrap(), None);
    drop(store);
    assert_eq!(rows(&path), [6, 0, 0, 6, 1, 0], "only changes are left");
    bounds.changes_kept = 0;
    let store = open(&path, &clock, bounds);
    set(&store, "last", 1).await;
    store.delete(&agent(), &key("last"), None).await.unwrap();
    drop(store);
    assert_eq!(rows(&path), [0, 0, 0, 0, 1, 0], "and nothing where none are kept");
}

#[tokio::test]
async fn where_less_is_kept_than_before_it_goes_bit_by_bit() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let path = folder.path().join("fleet.redb");
    let mut bounds = StateStoreBounds::default();
    bounds.history_kept = StateBounds::HISTORY;
    let store = open(&path, &clock, bounds);
    let names: Vec<String> = (0..3_000).map(|number| format!("{number:04}")).collect();
    let sets = names.iter().map(|name| set(&store, name, 0));
    let sets = sets.chain((0..100).map(|number| set(&store, "k", number)));
    tokio::task::unconstrained(join_all(sets)).await;
    drop(store);
    (bounds.history_kept, bounds.changes_kept) = (3, 10);
    let store = open(&path, &clock, bounds);
    let after = async |after: u64| {
        let after = Revision::new(after);
        store.changes(&agent(), &StateScope::all(), after, usize::MAX).await
    };
    // The first write drops 1,024 of them, and what follows the rest.
    for oldest in [1_024, 2_048, 3_072, 3_094, 3_095] {
        set(&store, "k", "new").await;
        assert!(after(oldest).await.is_ok());
        let error = after(oldest - 1).await.unwrap_err();
        assert!(
            matches!(error, StateError::Lagged { oldest: told, .. } if told.number() == oldest)
        );
    }
    assert_eq!(StateStore::history(&store, &agent(), &key("k"), 99).await.unwrap().len(), 4);
    assert_eq!(
        store.list(&agent(), &StateQuery::all().limit(1_000)).await.unwrap().entries.len(),
        1_000
    );
    drop(store);
    assert_eq!(rows(&path), [10, 0, 3_001, 3_000 + 10, 1, 3]);
}

/// Thousands of keys end at one instant, in several turns: each once, in order, and before whatever is done then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_keys_that_end_at_once_end_before_all_else() {
    const KEYS: u64 = 2_000;
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let store = open(&folder.path().join("fleet.redb"), &clock, StateStoreBounds::default());
    let memory = MemoryStateStore::builder().clock(clock.clone()).build();
    let agent = agent();
    let writes = (0..KEYS).map(|number| {
        write(&format!("{:04}", number * 7 % KEYS), number)
            .ttl(Duration::from_secs(60 + number % 3))
    });
    for said in writes.clone() {
        memory.sync().write(&agent, said).unwrap();
    }
    // They are handed over in this order, all before the first is answered.
    let written = writes.map(|said| StateStore::write(&store, &agent, said));
    for (number, answer) in (1..).zip(tokio::task::unconstrained(join_all(written)).await) {
        assert_eq!(answer.unwrap(), Revision::new(number));
    }
    clock.advance(Duration::from_secs(100));
    let readers = (0..4).map(|_| {
        let (store, agent) = (store.clone(), agent.clone());
        tokio::spawn(async move { store.list(&agent, &StateQuery::all()).await.unwrap() })
    });
    let readers: Vec<_> = readers.collect();
    let after = set(&store, "0000", "again").await;
    assert_eq!(after, Revision::new(2 * KEYS + 1));
    for reader in readers {
        let page = reader.await.unwrap();
        assert!(page.entries.len() <= 1, "{page:?}");
        assert!(page.revision.number() >= 2 * KEYS);
    }
    memory.sync().write(&agent, write("0000", "again")).unwrap();
    let of_file = store.changes(&agent, &StateScope::all(), Revision::ZERO, usize::MAX).await;
    let of_memory = memory.sync().changes(&agent, &StateScope::all(), Revision::ZERO, usize::MAX);
    assert_eq!(of_file.unwrap(), of_memory.unwrap());
}

/// A file that was written before there was shared state in files has no tables of it.
#[tokio::test]
async fn a_file_without_shared_state_is_opened_and_has_some_then() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let path = folder.path().join("fleet.redb");
    drop(open(&path, &clock, StateStoreBounds::default()));
    let format = || {
        let db = Database::open(&path).unwrap();
        let read = db.begin_read().unwrap();
        let meta = read.open_table(TableDefinition::<&str, u64>::new("safeguards")).unwrap();
        meta.get("format").unwrap().unwrap().value()
    };
    let before = format();
    let db = Database::open(&path).unwrap();
    let change = db.begin_write().unwrap();
    for table in change.list_tables().unwrap().collect::<Vec<_>>() {
        if redb::TableHandle::name(&table).starts_with("state.") {
            assert!(change.delete_table(table).unwrap());
        }
    }
    change.commit().unwrap();
    drop(db);
    assert!(tables(&path).is_empty());

    let store = open(&path, &clock, StateStoreBounds::default());
    let page = store.list(&agent(), &StateQuery::all()).await.unwrap();
    assert_eq!((page.entries.len(), page.revision), (0, Revision::ZERO));
    assert_eq!(set(&store, "k", 1).await, Revision::new(1));
    drop(store);
    let store = open(&path, &clock, StateStoreBounds::default());
    let reading = StateStore::read(&store, &agent(), &key("k")).await.unwrap();
    assert_eq!(reading.value(), Some(&1.into()));
    drop(store);
    assert_eq!(format(), before);
}

/// What is not what was written is told, and nothing is made of it.
#[tokio::test]
async fn a_row_that_is_missing_is_told() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let path = folder.path().join("fleet.redb");
    let store = open(&path, &clock, StateStoreBounds::default());
    set(&store, "k", 1).await;
    set(&store, "l", 1).await;
    drop(store);
    let db = Database::open(&path).unwrap();
    let change = db.begin_write().unwrap();
    let records = TableDefinition::<u64, (&str, &[u8], &[u8])>::new("state.records");
    assert!(change.open_table(records).unwrap().remove(1).unwrap().is_some());
    change.commit().unwrap();
    drop(db);

    let store = open(&path, &clock, StateStoreBounds::default());
    let error = StateStore::read(&store, &agent(), &key("k")).await.unwrap_err();
    assert_eq!(error.code(), "state.corrupt", "{error:?}");
    let error = store.changes(&agent(), &StateScope::from(&key("k")), Revision::ZERO, 9).await;
    assert_eq!(error.unwrap_err().code(), "state.corrupt");
    assert!(StateStore::read(&store, &agent(), &key("l")).await.is_ok(), "the rest is there");
}

/// Where nobody waits for the answer of a change, it is seen all the same by whoever looks then, and wakes who waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_counts_also_where_its_writer_is_gone() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let store = open(&folder.path().join("fleet.redb"), &clock, StateStoreBounds::default());
    for number in 0..50_u64 {
        let after = Revision::new(number);
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { store.changed(&StateScope::prefix("k"), after).await }
        });
        tokio::task::yield_now().await;
        // Handed over, and left alone.
        let writer = agent();
        let written = StateStore::write(&store, &writer, write("k", number));
        let _: Result<_, _> = tokio::time::timeout(Duration::ZERO, written).await;
        // Whoever looks from here on sees it, on the disk or not a moment ago.
        let reading = StateStore::read(&store, &writer, &key("k")).await.unwrap();
        assert_eq!(reading.value(), Some(&number.into()));
        let woken = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        woken.expect("it is woken").unwrap().unwrap();
        let changes = store.changes(&agent(), &StateScope::all(), after, 9).await.unwrap();
        assert_eq!(changes.next, Revision::new(number + 1));
    }
}
