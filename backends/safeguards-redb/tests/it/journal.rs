//! Entries that are kept longer than they are remembered, and how a file is opened again.

use std::{path::PathBuf, sync::Arc, time::Duration};

use redb::{Database, ReadableTable, TableDefinition};
use safeguards_budget::{
    Batch, Bounds, Charge, Command, Denial, EntryId, Ledger, LedgerExt, Limit, OpenAccount, Outcome,
};
use safeguards_redb::{KeepEntries, RedbOptions, RedbStore};
use safeguards_types::{Clock, OperationIds, SimClock, Timestamp, Unit, usd};
use tempfile::TempDir;

use crate::moved::check_whole;

/// A store that remembers two operations, and how it is opened again.
struct Desk {
    folder: TempDir,
    clock: SimClock,
    ids: OperationIds,
    keep: KeepEntries,
    snapshot_every: u64,
}

impl Desk {
    fn new(keep: KeepEntries, snapshot_every: u64) -> Self {
        let start = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (clock, ids) = (SimClock::at(start), OperationIds::seeded(7));
        Self { folder, clock, ids, keep, snapshot_every }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("fleet.redb")
    }

    fn open(&self) -> RedbStore {
        self.options().open(self.path()).unwrap()
    }

    fn options(&self) -> RedbOptions {
        let mut options = RedbOptions::default();
        let mut bounds = Bounds::default();
        (bounds.operations_kept, bounds.operations_max) = (2, 2);
        options.bounds = bounds;
        options.clock = Arc::new(self.clock.clone());
        options.keep_entries = self.keep;
        options.snapshot_every = self.snapshot_every;
        options
    }

    /// A command that is minted now, a second after the one before.
    fn command(&self, action: impl Into<safeguards_budget::Action>) -> Command {
        self.clock.advance(Duration::from_secs(1));
        Command::new(self.ids.mint(self.clock.now()), action)
    }
}

async fn send(store: &RedbStore, command: &Command) -> Outcome {
    let batch = Batch::independent([command.clone()]);
    store.submit(batch).await.unwrap().remove(0)
}

/// Opens `a` and charges it so many times.
async fn work(desk: &Desk, store: &RedbStore, charges: usize) -> Vec<(Command, Outcome)> {
    let mut done = Vec::new();
    let open = desk.command(OpenAccount::new("a").limit(Limit::lifetime(usd!(1000))));
    let charge = |_| desk.command(Charge::new("a", usd!(1)));
    for command in std::iter::once(open).chain((0..charges).map(charge)) {
        let outcome = send(store, &command).await;
        assert!(outcome.is_ok());
        done.push((command, outcome));
    }
    done
}

async fn check_all_are_known(store: &RedbStore, done: &[(Command, Outcome)]) {
    for (command, first) in done {
        assert_eq!(send(store, command).await, *first);
        let other = Command::new(command.op, Charge::new("a", usd!(2)));
        assert_eq!(send(store, &other).await, Err(Denial::OperationConflict));
    }
    let page = store.entries(EntryId::FIRST, 1_000).await.unwrap();
    assert_eq!(page.first_kept, EntryId::FIRST);
    let ops: Vec<_> = page.entries.iter().map(|entry| entry.op().unwrap()).collect();
    assert_eq!(ops, done.iter().map(|(command, _)| command.op).collect::<Vec<_>>());
    let account = store.account(&"a".into()).await.unwrap().unwrap();
    assert_eq!(
        account.spent.get(&Unit::USD),
        usd!(1).quantity().checked_mul(done.len() as u64 - 1).unwrap()
    );
}

/// Ids are remembered as long as their entries, whatever the book has room for: in runs, joined runs, and in none yet.
#[tokio::test]
async fn what_is_kept_is_known_whatever_the_book_has_forgotten() {
    for snapshot_every in [1, 3, 7, 1_000] {
        let desk = Desk::new(KeepEntries::Always, snapshot_every);
        let store = desk.open();
        let mut done = work(&desk, &store, 20).await;
        check_all_are_known(&store, &done).await;
        drop(store);
        let store = desk.open();
        check_all_are_known(&store, &done).await;
        let next = desk.command(Charge::new("a", usd!(1)));
        done.push((next.clone(), send(&store, &next).await));
        check_all_are_known(&store, &done).await;
        drop(store);
        check_whole(&desk.path());
    }
}

/// An id that is older than all that the book remembers, and was never used, is not too old: the file knows.
#[tokio::test]
async fn an_old_id_that_was_never_used_is_carried_out_once() {
    let desk = Desk::new(KeepEntries::Always, 3);
    let store = desk.open();
    let late = desk.command(Charge::new("a", usd!(5)));
    work(&desk, &store, 9).await;
    let first = send(&store, &late).await;
    assert_eq!(first.as_ref().unwrap().entry, EntryId::new(11));
    for _ in 0..4 {
        send(&store, &desk.command(Charge::new("a", usd!(1)))).await.unwrap();
    }
    assert_eq!(send(&store, &late).await, first);
    // In one batch, some known, some not, some twice.
    let other = Command::new(late.op.step("other"), Charge::new("a", usd!(1)));
    let commands = [late.clone(), other.clone(), late.clone(), other];
    let outcomes = store.submit(Batch::independent(commands)).await.unwrap();
    assert_eq!((&outcomes[0], &outcomes[1]), (&outcomes[2], &outcomes[3]));
    assert_eq!(outcomes[1].as_ref().unwrap().entry, EntryId::new(16));
}

/// What is dropped from the file is known no more, and says so.
#[tokio::test]
async fn what_is_old_is_dropped_and_its_ids_are_too_old() {
    let desk = Desk::new(KeepEntries::For(Duration::from_secs(10)), 3);
    let store = desk.open();
    let done = work(&desk, &store, 30).await;
    let page = store.entries(EntryId::FIRST, 1_000).await.unwrap();
    let first = page.first_kept.number();
    assert!((15..=22).contains(&first), "{first}");
    assert_eq!(page.entries[0].id, page.first_kept);
    for (command, outcome) in &done {
        let again = send(&store, command).await;
        if outcome.as_ref().unwrap().entry < page.first_kept {
            assert_eq!(again, Err(Denial::OperationTooOld { op: command.op }));
        } else {
            assert_eq!(again, *outcome);
        }
    }
    drop(store);
    let store = desk.open();
    assert_eq!(send(&store, &done[0].0).await, Err(Denial::OperationTooOld { op: done[0].0.op }));
    assert_eq!(send(&store, &done[30].0).await, done[30].1);
    drop(store);
    check_whole(&desk.path());
}

/// Many writers at once, dropped futures among them: what was answered is there afterwards, in the order of its entries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_at_once_were_answered_is_there() {
    let desk = Desk::new(KeepEntries::Always, 50);
    let store = desk.open();
    work(&desk, &store, 0).await;
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..64 {
        let store = store.clone();
        let commands: Vec<_> = (0..10).map(|_| desk.command(Charge::new("a", usd!(1)))).collect();
        writers.spawn(async move {
            let mut answered = Vec::new();
            for (index, command) in commands.into_iter().enumerate() {
                let sent = send(&store, &command);
                if (number + index) % 5 == 0 {
                    // Asked for and left alone: it may be there or not.
                    let _ = tokio::time::timeout(Duration::ZERO, sent).await;
                } else {
                    answered.push((command.clone(), sent.await));
                }
            }
            answered
        });
    }
    let answered: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    drop(store);
    let store = desk.open();
    for (command, outcome) in &answered {
        assert!(outcome.is_ok());
        assert_eq!(send(&store, command).await, *outcome);
    }
    let page = store.entries(EntryId::FIRST, 10_000).await.unwrap();
    let account = store.account(&"a".into()).await.unwrap().unwrap();
    assert_eq!(
        account.spent.get(&Unit::USD).steps() / usd!(1).quantity().steps(),
        page.entries.len() as i128 - 1
    );
    assert!(safeguards_testkit::audit::audit_ledger(&store).await.unwrap().is_empty());
}

/// Old entries go, and their room with them; what accounts have spent stays, and what is kept is known as before.
#[tokio::test]
async fn a_file_is_compacted() {
    let mut desk = Desk::new(KeepEntries::Always, 50);
    let store = desk.open();
    let done = work(&desk, &store, 400).await;
    let error = desk.options().compact(desk.path()).unwrap_err();
    assert_eq!(error.code(), "store.in_use");
    drop(store);
    let none = desk.options().compact(desk.folder.path().join("none.redb")).unwrap_err();
    assert_eq!(none.code(), "store.io");

    let first = desk.options().compact(desk.path()).unwrap();
    assert!(first.after <= first.before, "{first:?}");
    assert_eq!(first.after, std::fs::metadata(desk.path()).unwrap().len());
    check_all_are_known(&desk.open(), &done).await;

    desk.keep = KeepEntries::For(Duration::from_secs(100));
    desk.clock.advance(Duration::from_secs(50));
    let second = desk.options().compact(desk.path()).unwrap();
    assert!(second.after < first.after, "{second:?} after {first:?}");
    check_whole(&desk.path());
    let store = desk.open();
    let page = store.entries(EntryId::FIRST, 1_000).await.unwrap();
    assert_eq!(page.first_kept, page.entries[0].id);
    // Those of the last 50 s of 400, and the rest of their block.
    assert!((340..=352).contains(&page.first_kept.number()), "{:?}", page.first_kept);
    assert_eq!(send(&store, &done[400].0).await, done[400].1);
    let too_old = Denial::OperationTooOld { op: done[9].0.op };
    assert_eq!(send(&store, &done[9].0).await, Err(too_old));
    let account = store.account(&"a".into()).await.unwrap().unwrap();
    assert_eq!(account.spent.get(&Unit::USD), usd!(400).quantity());
}

/// The first block that is kept follows one that is not there any more, and is verified all the same.
#[tokio::test]
async fn the_first_block_that_is_kept_is_verified() {
    const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ledger.blocks");
    let desk = Desk::new(KeepEntries::AsRemembered, 3);
    let store = desk.open();
    work(&desk, &store, 30).await;
    drop(store);
    check_whole(&desk.path());
    let db = Database::open(desk.path()).unwrap();
    let write = db.begin_write().unwrap();
    let mut blocks = write.open_table(BLOCKS).unwrap();
    let (first, mut block) = {
        let (first, block) = blocks.first().unwrap().unwrap();
        (first.value(), block.value().to_vec())
    };
    assert!(first > 20, "{first}");
    *block.last_mut().unwrap() ^= 1;
    blocks.insert(first, block.as_slice()).unwrap();
    drop(blocks);
    write.commit().unwrap();
    drop(db);
    assert_eq!(desk.options().open(desk.path()).unwrap_err().code(), "store.corrupt");
    assert!(!desk.options().check(desk.path()).unwrap().flaws.is_empty());
}

/// A ledger that remembers nothing keeps nothing but how its accounts stand, and goes on from there.
#[tokio::test]
async fn a_ledger_that_keeps_no_entry_goes_on() {
    let desk = Desk::new(KeepEntries::AsRemembered, 1);
    let open = || {
        let mut options = desk.options();
        (options.bounds.operations_kept, options.bounds.operations_max) = (0, 0);
        options.bounds.kept_for = Duration::ZERO;
        options.open(desk.path()).unwrap()
    };
    let store = open();
    work(&desk, &store, 5).await;
    drop(store);
    for spent in 6..10 {
        let store = open();
        send(&store, &desk.command(Charge::new("a", usd!(1)))).await.unwrap();
        let account = store.account(&"a".into()).await.unwrap().unwrap();
        assert_eq!(account.spent.to_string(), format!("{spent}.00 USD"));
        drop(store);
        check_whole(&desk.path());
    }
}
