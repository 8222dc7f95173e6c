//! The least that can be done: an append and a flush, a row of redb, entries followed in a book.

use std::{fs::File, io::Write, time::Duration};

use redb::{Database, TableDefinition};
use safeguards_budget::{Book, Bounds, Charge, Command, EntryId};
use safeguards_types::{Clock, OperationIds, SystemClock, usd};
use tempfile::TempDir;

use crate::{bench::now, ours::openings};

/// As many bytes as an entry has in the file, about.
const ENTRY: [u8; 128] = [7; 128];

/// A file that is appended to and flushed, once for as many entries as there are writers.
pub(crate) struct Appended {
    _folder: TempDir,
    file: File,
}

impl Appended {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("appended")).unwrap();
        Self { _folder: folder, file }
    }

    pub(crate) fn append(&self, writers: u32, count: u32) -> Duration {
        let begin = now();
        for _ in 0..count / writers {
            let entries = ENTRY.repeat(usize::try_from(writers).unwrap());
            (&self.file).write_all(&entries).unwrap();
            self.file.sync_data().unwrap();
        }
        now() - begin
    }
}

/// A transaction of redb for each entry: what one writes who has no ledger.
pub(crate) struct Rows {
    _folder: TempDir,
    database: Database,
}

impl Rows {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::create(folder.path().join("rows.redb")).unwrap();
        Self { _folder: folder, database }
    }

    pub(crate) fn write(&self, count: u32) -> Duration {
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
pub(crate) fn followed(count: u32) -> Duration {
    const AT_ONCE: u32 = 100_000;
    let (mut bounds, ids, clock) = (Bounds::default(), OperationIds::seeded(7), SystemClock::new());
    bounds.operations_max = usize::try_from(count + 10).unwrap();
    let (mut book, mut copy) = (Book::with_bounds(bounds), Book::with_bounds(bounds));
    let mut took = Duration::ZERO;
    let mut from = EntryId::FIRST;
    for open in openings() {
        book.apply(Command::new(ids.mint(clock.now()), open), clock.now()).unwrap();
    }
    for _ in 0..count / AT_ONCE {
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
