//! What a charge costs that is on the disk when it is answered, beside an append and a flush by hand. Each row is
//! described in `docs/reference/benches.md`.
#![expect(clippy::float_arithmetic, reason = "times and ratios are no money")]

mod bench;

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    time::Duration,
};

use bench::{
    Reach::{Most, Times},
    Table, now,
};
use redb::{Database, TableDefinition};
use safeguards_budget::{Book, Bounds, Charge, Command, EntryId, LedgerExt, Limit, OpenAccount};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_types::{Clock, OperationIds, SystemClock, usd};
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinSet};

/// As many bytes as an entry has in the file, about.
const ENTRY: [u8; 128] = [7; 128];
/// How many entries an opening reads.
const MANY: u32 = 1_000_000;

fn main() {
    let mut table =
        Table::begin("durable", "charges three levels deep, each on the disk when it is answered");
    for (writers, each, reach) in [
        (1_u32, 400_u32, &[Times(1.67)][..]),
        (8, 1_600, &[]),
        (64, 12_800, &[Most(16_667.0)]),
        (1_024, 102_400, &[Times(4.0)]),
    ] {
        let work = format!("charge, {writers} waiting writers");
        table.long(&work, "append and flush", each, reach, || {
            let (ours, theirs) = (Ours::open(), Appended::open());
            (move || ours.charge(writers, each).0, move || theirs.append(writers, each))
        });
    }
    table.long("charge, 1 waiting writer", "a row of redb", 400, &[], || {
        let (ours, theirs) = (Ours::open(), Rows::open());
        (move || ours.charge(1, 400).0, move || theirs.write(400))
    });
    for writers in [1_u32, 64, 1_024] {
        for percent in [50_usize, 99] {
            let reach: &[_] = if (writers, percent) == (64, 99) { &[Most(10e6)] } else { &[] };
            table.time(&format!("wait of {percent} % of {writers} writers"), reach, || {
                let mut waits = Ours::open().charge(writers, writers * 100).1;
                waits.sort_unstable();
                waits[(waits.len() - 1) * percent / 100].as_secs_f64() * 1e9
            });
        }
    }
    table.bytes("of the file for a charge, 64 writers", &[], || {
        let ours = Ours::open();
        let before = ours.size();
        ours.charge(64, 64_000);
        f64::from(u32::try_from(ours.size() - before).unwrap()) / 64_000.0
    });
    table.long(
        "open, for each of 1,000,000 entries",
        "followed in a book",
        MANY,
        &[Most(2_000.0)],
        || {
            let ours = Ours::with_entries();
            (move || ours.open_again(), followed)
        },
    );
    table.end();
}

/// A store in a folder of its own, with three accounts below each other.
struct Ours {
    folder: TempDir,
    runtime: Runtime,
    store: Option<RedbStore>,
}

fn options() -> RedbOptions {
    let mut options = RedbOptions::default();
    options.snapshot_every = u64::MAX;
    options
}

fn openings() -> [OpenAccount; 3] {
    let account = |name: &str| OpenAccount::new(name).limit(Limit::lifetime(usd!(1_000_000)));
    [account("org"), account("team").under("org"), account("agent").under("team")]
}

impl Ours {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let store = options().open(path(&folder)).unwrap();
        runtime.block_on(async {
            for open in openings() {
                store.open_account(open, store.operation()).await.unwrap();
            }
        });
        Self { folder, runtime, store: Some(store) }
    }

    /// So many charges by so many writers, each waiting for its answer: how long all took, and how long each waited.
    fn charge(&self, writers: u32, count: u32) -> (Duration, Vec<Duration>) {
        let store = self.store.as_ref().unwrap();
        self.runtime.block_on(async {
            let begin = now();
            let mut tasks = JoinSet::new();
            for _ in 0..writers {
                let store = store.clone();
                tasks.spawn(async move {
                    let mut waits = Vec::new();
                    for _ in 0..count / writers {
                        let begin = now();
                        let charge = Charge::new("agent", usd!(0.01));
                        store.charge(charge, store.operation()).await.unwrap();
                        waits.push(now() - begin);
                    }
                    waits
                });
            }
            let waits = tasks.join_all().await.into_iter().flatten().collect();
            (now() - begin, waits)
        })
    }

    fn size(&self) -> u64 {
        fs::metadata(path(&self.folder)).unwrap().len()
    }

    /// Closed, with so many entries and no snapshot after the first: killed, as it were.
    fn with_entries() -> Self {
        let mut ours = Self::open();
        ours.charge(1_024, MANY);
        let copy = ours.folder.path().join("copy.redb");
        fs::copy(path(&ours.folder), &copy).unwrap();
        ours.store = None;
        fs::rename(copy, path(&ours.folder)).unwrap();
        ours
    }

    fn open_again(&self) -> Duration {
        // What is opened is closed again, which writes the accounts down: each turn has a copy.
        let copy = self.folder.path().join("again.redb");
        fs::copy(path(&self.folder), &copy).unwrap();
        let begin = now();
        let store = options().open(&copy).unwrap();
        let took = now() - begin;
        drop(store);
        took
    }
}

fn path(folder: &TempDir) -> impl AsRef<Path> + use<> {
    folder.path().join("fleet.redb")
}

/// A file that is appended to and flushed, once for as many entries as there are writers.
struct Appended {
    _folder: TempDir,
    file: File,
}

impl Appended {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("appended")).unwrap();
        Self { _folder: folder, file }
    }

    fn append(&self, writers: u32, count: u32) -> Duration {
        let begin = now();
        for _ in 0..count / writers {
            let entries = ENTRY.repeat(usize::try_from(writers).unwrap());
            (&self.file).write_all(&entries).unwrap();
            self.file.sync_data().unwrap();
        }
        now() - begin
    }
}

/// A transaction of redb for each charge: what one writes who has no ledger.
struct Rows {
    _folder: TempDir,
    database: Database,
}

impl Rows {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::create(folder.path().join("rows.redb")).unwrap();
        Self { _folder: folder, database }
    }

    fn write(&self, count: u32) -> Duration {
        const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
        let begin = now();
        for row in 0..u64::from(count) {
            let write = self.database.begin_write().unwrap();
            write.open_table(ROWS).unwrap().insert(row, ENTRY.as_slice()).unwrap();
            write.commit().unwrap();
        }
        now() - begin
    }
}

/// As many entries as an opening reads, followed in a book: no less can be done.
fn followed() -> Duration {
    const AT_ONCE: u32 = 100_000;
    let (mut bounds, ids, clock) = (Bounds::default(), OperationIds::seeded(7), SystemClock::new());
    bounds.operations_max = usize::try_from(MANY + 10).unwrap();
    let (mut book, mut copy) = (Book::with_bounds(bounds), Book::with_bounds(bounds));
    let mut took = Duration::ZERO;
    let mut from = EntryId::FIRST;
    for open in openings() {
        book.apply(Command::new(ids.mint(clock.now()), open), clock.now()).unwrap();
    }
    for _ in 0..MANY / AT_ONCE {
        for _ in 0..AT_ONCE {
            let charge = Charge::new("agent", usd!(0.01));
            book.apply(Command::new(ids.mint(clock.now()), charge), clock.now()).unwrap();
        }
        let page = book.entries(from, usize::MAX);
        from = page.next;
        let begin = now();
        for entry in &page.entries {
            copy.replay(entry).unwrap();
        }
        took += now() - begin;
    }
    took
}
