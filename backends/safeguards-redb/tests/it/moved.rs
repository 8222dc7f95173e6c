//! Files that are checked, dumped and loaded: what is whole stays whole, and what is not is told.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use redb::{Database, ReadableTable, TableDefinition};
use safeguards_budget::{Charge, EntryId, Ledger, LedgerExt, Limit, OpenAccount, PlaceHold};
use safeguards_coord::{RunStore, StateStore, StateWrite};
use safeguards_discovery::{Capability, Registration, Registry};
use safeguards_notify::{Alert, Alerts, topic};
use safeguards_redb::{Checked, LoadError, RedbOptions, RedbStore};
use safeguards_testkit::runs::RunHeads;
use safeguards_types::{OperationIds, Severity, SimClock, Timestamp, tokens, usd};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub(crate) fn options() -> RedbOptions {
    let mut options = RedbOptions::default();
    let start = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
    options.clock = Arc::new(SimClock::at(start));
    options.snapshot_every = 7;
    options
}

pub(crate) fn check(path: &Path) -> Checked {
    options().check(path).unwrap()
}

pub(crate) fn dump(path: &Path) -> String {
    let mut lines = Vec::new();
    options().open(path).unwrap().dump(&mut lines).unwrap();
    String::from_utf8(lines).unwrap()
}

/// What is in this file fits together, and is the same when it was moved.
#[track_caller]
pub(crate) fn check_whole(path: &Path) {
    let checked = check(path);
    assert!(checked.flaws.is_empty(), "{:#?}", checked.flaws);
    let copy = path.with_extension("copy");
    let lines = dump(path);
    options().load(lines.as_bytes(), &copy).unwrap();
    assert_eq!(dump(&copy), lines);
    assert_eq!(check(&copy), checked);
    fs::remove_file(copy).unwrap();
}

/// A store with something of everything.
pub(crate) struct Filled {
    folder: TempDir,
}

impl Filled {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = options().open(folder.path().join("fleet.redb")).unwrap();
        let ids = OperationIds::seeded(7);
        let now = store.clock().now();
        let op = || ids.mint(now);
        store
            .open_account(OpenAccount::new("team").limit(Limit::lifetime(usd!(100))), op())
            .await
            .unwrap();
        for number in 0..10 {
            let name = format!("agent {number} \"of\" ten");
            let open =
                OpenAccount::new(name.as_str()).under("team").limit(Limit::lifetime(tokens!(50)));
            store.open_account(open, op()).await.unwrap();
            store.charge(Charge::new(name.as_str(), usd!(0.31)), op()).await.unwrap();
            let hold = PlaceHold::new(name.as_str(), usd!(1), Duration::from_mins(5));
            let hold = store.place_hold(hold, op()).await.unwrap();
            if number % 2 == 0 {
                store.settle(hold, usd!(0.5).into(), op()).await.unwrap();
            }
        }
        for number in 0..3 {
            let head = RunHeads::new().head(&format!("run-{number}"));
            store.begin(head).await.unwrap();
        }
        for number in 0..6 {
            let write = StateWrite::new(format!("notes/{}", number % 4), number).unwrap();
            let write = write.ttl(Duration::from_hours(number + 1));
            StateStore::write(&store, &"agent".into(), write).await.unwrap();
        }
        for name in ["reader", "writer"] {
            let capability = Capability::new("data.read").unwrap();
            let registration = Registration::new(name, Duration::from_hours(1));
            store.register(registration.capability(capability)).await.unwrap();
        }
        let alerts = Alerts::builder().store(store.clone()).build().unwrap();
        let running = alerts.start().unwrap();
        for number in 0..3 {
            let note = Alert::new(Severity::High, topic!("team.note"), format!("note {number}"));
            alerts.send(note);
        }
        alerts.note_read("ledger", 36);
        assert!(running.stop().await.is_empty());
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("fleet.redb")
    }

    /// Changes a table past the store.
    fn change<K: redb::Key + 'static, V: redb::Value + 'static>(
        &self,
        table: TableDefinition<'_, K, V>,
        change: impl FnOnce(&mut redb::Table<'_, K, V>),
    ) {
        let db = Database::open(self.path()).unwrap();
        let write = db.begin_write().unwrap();
        change(&mut write.open_table(table).unwrap());
        write.commit().unwrap();
    }

    #[track_caller]
    fn check_flaw(&self, expected: &str) {
        let flaws = check(&self.path()).flaws;
        assert!(flaws.iter().any(|flaw| flaw.contains(expected)), "{expected}: {flaws:#?}");
    }
}

#[tokio::test]
async fn a_store_is_whole_and_stays_so_when_it_is_moved() {
    let filled = Filled::new().await;
    let checked = check(&filled.path());
    assert_eq!((checked.accounts, checked.entries, checked.runs), (11, 36, 3), "{checked:?}");
    assert_eq!((checked.agents, checked.capabilities), (2, 2), "{checked:?}");
    assert_eq!((checked.keys, checked.key_changes), (4, 6), "{checked:?}");
    assert!(checked.operations > 20, "most stand in runs of operations: {checked:?}");
    check_whole(&filled.path());

    // What goes on in the copy is what would have gone on.
    let copy = filled.folder.path().join("copy.redb");
    options().load(dump(&filled.path()).as_bytes(), &copy).unwrap();
    for path in [filled.path(), copy] {
        let store = options().open(&path).unwrap();
        let account = store.account(&"team".into()).await.unwrap().unwrap();
        assert_eq!(account.spent.to_string(), "5.60 USD");
        let charge = Charge::new("team", usd!(1));
        let receipt = store.charge(charge, OperationIds::seeded(9).mint(store.clock().now())).await;
        assert_eq!(receipt.unwrap().entry, EntryId::new(37));
        drop(store);
        assert!(check(&path).flaws.is_empty());
    }
}

#[tokio::test]
async fn a_journal_that_was_changed_is_told_from_one_that_was_not() {
    const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ledger.blocks");
    let filled = Filled::new().await;
    filled.change(BLOCKS, |blocks| {
        blocks.remove(20).unwrap().expect("a block for each entry");
    });
    filled.check_flaw("block 21 is not the one that followed the block before it");
    filled.check_flaw("entry 21 stands where another one should");

    let filled = Filled::new().await;
    filled.change(BLOCKS, |blocks| {
        let mut block = blocks.get(20).unwrap().unwrap().value().to_vec();
        *block.last_mut().unwrap() ^= 1;
        blocks.insert(20, block.as_slice()).unwrap();
    });
    filled.check_flaw("block 20");
}

/// Someone gives an agent money back in the snapshot.
#[tokio::test]
async fn accounts_that_do_not_stand_as_their_entries_say_are_told() {
    const SNAPSHOT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ledger.snapshot");
    let give_back = |snapshot: &mut redb::Table<'_, u64, &[u8]>| {
        let text = String::from_utf8(snapshot.get(0).unwrap().unwrap().value().to_vec()).unwrap();
        assert!(text.contains("0.31"), "{text}");
        let text = text.replacen("0.31", "0.01", 1);
        snapshot.insert(0, text.as_bytes()).unwrap();
        text
    };
    let filled = Filled::new().await;
    filled.change(SNAPSHOT, |snapshot| drop(give_back(snapshot)));
    filled.check_flaw("the accounts are not as they were written");
    assert_eq!(options().open(filled.path()).unwrap_err().code(), "store.corrupt");

    // Someone who knows of the hash.
    let filled = Filled::new().await;
    filled.change(SNAPSHOT, |snapshot| {
        let sum = Sha256::digest(give_back(snapshot));
        snapshot.insert(1, sum.as_slice()).unwrap();
    });
    filled.check_flaw("does not stand as its entries say");
}

/// A letter or an amount of an old entry is changed, in the file itself: whoever reads it is told, and no dump is made of it.
#[tokio::test]
async fn entries_that_are_not_as_they_were_written_are_not_read() {
    const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ledger.blocks");
    let filled = Filled::new().await;
    let few = || {
        let mut options = options();
        let later = Timestamp::parse("2026-01-06T09:00:00Z").unwrap();
        options.clock = Arc::new(SimClock::at(later));
        options.bounds.operations_kept = 1;
        options.bounds.kept_for = Duration::from_millis(1);
        options
    };
    // So that the snapshot stands for the first entries, and they are read from the file alone.
    let store = few().open(filled.path()).unwrap();
    let op = OperationIds::seeded(8);
    for _ in 0..3 {
        let charge = Charge::new("team", usd!(0.01));
        store.charge(charge, op.mint(store.clock().now())).await.unwrap();
    }
    drop(store);
    filled.change(BLOCKS, |blocks| {
        let mut block = blocks.get(2).unwrap().unwrap().value().to_vec();
        let letter = block.windows(3).position(|letters| letters == b"ten").expect("a name");
        block[letter] = b'T';
        blocks.insert(2, block.as_slice()).unwrap();
    });
    let store = few().open(filled.path()).unwrap();
    assert!(store.account(&"team".into()).await.unwrap().is_some(), "it is not needed for this");
    let error = Ledger::entries(&store, EntryId::FIRST, 100).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap();
    let cause = std::error::Error::source(cause).unwrap().to_string();
    assert!(cause.contains("block 2 of the ledger is not as it was written"), "{cause}");
    let error = store.dump(&mut Vec::new()).unwrap_err();
    assert_eq!(error.code(), "store.corrupt");
}

#[tokio::test]
async fn indexes_that_name_what_is_not_there_or_leave_out_what_is_are_told() {
    let filled = Filled::new().await;
    filled.change(TableDefinition::<u64, &[u8]>::new("ledger.operations"), |runs| {
        let last = runs.last().unwrap().unwrap().0.value();
        runs.insert(last, [].as_slice()).unwrap();
    });
    filled.check_flaw("is not found by its id");

    let filled = Filled::new().await;
    filled.change(TableDefinition::<u64, &[u8]>::new("runs.heads"), |heads| {
        let first = heads.first().unwrap().unwrap().0.value();
        heads.remove(first).unwrap();
    });
    filled.check_flaw("run run-0: how it began, or how it stands, is missing");

    let filled = Filled::new().await;
    filled.change(TableDefinition::<u64, u64>::new("runs.ended"), |ended| {
        ended.insert(7, 1).unwrap();
    });
    filled.check_flaw("ended runs: 1 rows are there, and 0 belong to runs");
}

#[tokio::test]
async fn agents_that_cannot_be_made_again_are_told() {
    const PROFILES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("registry.profiles");
    const CHANGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("registry.changes");

    let filled = Filled::new().await;
    filled.change(PROFILES, |profiles| drop(profiles.remove(1).unwrap().unwrap()));
    filled.check_flaw("2 leases are there, and 1 agents");
    filled.check_flaw("the registry cannot be made again: lease 1 has");
    let error = options().open(filled.path()).unwrap_err();
    assert_eq!(error.code(), "store.corrupt");

    let filled = Filled::new().await;
    filled.change(CHANGES, |changes| drop(changes.remove(2).unwrap().unwrap()));
    filled.check_flaw("2 is not in its place");
}

#[tokio::test]
async fn keys_without_what_belongs_to_them_are_told() {
    const RECORDS: TableDefinition<'_, u64, (&str, &[u8], &[u8])> =
        TableDefinition::new("state.records");

    // Change 1 wrote an earlier version of the key that change 5 wrote.
    let filled = Filled::new().await;
    filled.change(RECORDS, |records| drop(records.remove(1).unwrap().unwrap()));
    filled.check_flaw("key notes/0: version 1 is missing, or of another size");
    filled.check_flaw("5 changes of keys of");

    let filled = Filled::new().await;
    filled.change(RECORDS, |records| drop(records.remove(6).unwrap().unwrap()));
    filled.check_flaw("key notes/1: change 6, which wrote it, is missing");

    let filled = Filled::new().await;
    filled.change(RECORDS, |records| {
        let (head, key) = {
            let row = records.get(4).unwrap().unwrap();
            (row.value().1.to_vec(), row.value().0.to_owned())
        };
        drop(records.insert(4, (key.as_str(), head.as_slice(), b"{".as_slice())).unwrap());
    });
    filled.check_flaw("change 4 of key notes/3 cannot be read");

    let filled = Filled::new().await;
    filled.change(TableDefinition::<(i64, &str), ()>::new("state.ends"), |ends| {
        ends.pop_last().unwrap().unwrap();
    });
    filled.check_flaw("key notes/1: its end is not listed");

    let filled = Filled::new().await;
    filled.change(TableDefinition::<(&str, u64), ()>::new("state.changes"), |changes| {
        changes.remove(("notes/2", 3)).unwrap().unwrap();
    });
    filled.check_flaw("change 3 of key notes/2 is not listed");

    let filled = Filled::new().await;
    filled.change(TableDefinition::<&str, (u64, u64)>::new("state.present"), |present| {
        present.insert("notes/0", (5, 2)).unwrap();
    });
    filled.check_flaw("key notes/0: 1 earlier versions are there, and 2 are counted");
}

#[tokio::test]
async fn a_dump_that_was_cut_off_or_changed_makes_no_file() {
    let filled = Filled::new().await;
    let lines = dump(&filled.path());
    let lines: Vec<&str> = lines.lines().collect();
    let copy = filled.folder.path().join("copy.redb");
    let load = |lines: &[&str]| {
        let error = options().load(lines.join("\n").as_bytes(), &copy).unwrap_err();
        assert!(!copy.exists(), "half a file");
        let left = fs::read_dir(filled.folder.path()).unwrap();
        let left: Vec<_> = left.map(|file| file.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().contains("loading")), "{left:?}");
        error
    };
    for end in [0, 1, lines.len() / 2, lines.len() - 1] {
        assert_eq!(load(&lines[..end]).code(), "store.dump_cut_off", "{end}");
    }
    // Each line but the first and the last is missed, by the count at the least.
    for missing in 1..lines.len() - 1 {
        let mut fewer = lines.clone();
        fewer.remove(missing);
        let code = load(&fewer).code();
        assert!(["store.dump_line", "store.dump_unsound"].contains(&code), "{missing}: {code}");
    }
    let with = |at: usize, line: &str| {
        let mut changed: Vec<&str> = lines.clone();
        changed[at] = line;
        load(&changed).to_string()
    };
    let says = |text: String, expected: &str| assert!(text.contains(expected), "{text}");
    says(with(0, r#"{"store":{"format":99}}"#), "the dump is of format 99");
    says(with(0, lines[1]), "line 1 of the dump: a dump begins with a line such as");
    says(with(3, "{}"), "line 4 of the dump: ");
    says(with(3, lines[2]), "line 4 of the dump: the entries do not follow one another");
    says(with(3, r#"{"row":{"table":"none","key":1,"value":1}}"#), "there is no table `none`");
    says(with(3, r#"{"row":{"table":"runs.names","key":1,"value":1}}"#), "the key is wrong");

    fs::write(&copy, "mine").unwrap();
    let error = options().load(lines.join("\n").as_bytes(), &copy).unwrap_err();
    assert!(matches!(error, LoadError::Exists { .. }), "{error}");
    assert_eq!(fs::read_to_string(&copy).unwrap(), "mine");
}

#[test]
fn what_is_not_there_is_not_made_by_a_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    let error = options().check(&path).unwrap_err();
    assert_eq!(error.code(), "store.io");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made");
    let _store = RedbStore::open(&path).unwrap();
    assert_eq!(options().check(&path).unwrap_err().code(), "store.in_use");
}

/// Two that load at once under one name do not take each other's file, nor one that was made meanwhile.
#[tokio::test]
async fn a_file_that_another_one_makes_is_left_alone() {
    let filled = Filled::new().await;
    let lines = dump(&filled.path());
    let path = filled.folder.path().join("copy.redb");
    let part = filled.folder.path().join("copy.redb.loading");

    let others = Database::create(&part).unwrap();
    let error = options().load(lines.as_bytes(), &path).unwrap_err();
    assert_eq!(error.code(), "store.in_use", "{error}");
    drop(others);
    assert!(part.exists(), "it is the other's");

    // The dump ends with the last line; before it, somebody makes a file of that name.
    let made = path.clone();
    let meanwhile = io::BufReader::new(Then {
        text: lines.as_bytes(),
        act: move || {
            fs::write(&made, "somebody's").unwrap();
        },
    });
    let error = options().load(meanwhile, &path).unwrap_err();
    assert_eq!(error.code(), "store.exists", "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "somebody's");
    assert!(!part.exists());
}

/// Gives a text, and does something at its end.
struct Then<'a, F> {
    text: &'a [u8],
    act: F,
}

impl<F: FnMut()> Read for Then<'_, F> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.text.read(out)?;
        if count == 0 {
            (self.act)();
        }
        Ok(count)
    }
}
