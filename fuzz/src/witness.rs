//! [`Witness`]: reads a book's entries along, and says at the end whether all is as it must be.

use safeguards_budget::{Book, Bounds, Entry, EntryId};
use safeguards_types::Timestamp;

use crate::audit::{Auditor, Discrepancy};

/// An auditor, and a second book that follows the entries of the first as they come out of their JSON.
#[derive(Debug)]
pub struct Witness {
    from: EntryId,
    auditor: Auditor,
    copy: Book,
    bounds: Bounds,
}

impl Witness {
    /// A witness from the first entry on.
    pub fn new(bounds: Bounds) -> Self {
        let copy = Book::with_bounds(bounds);
        Self { from: EntryId::FIRST, auditor: Auditor::new(), copy, bounds }
    }

    /// Reads what is new. Gives whether nothing was forgotten before it could be read.
    ///
    /// # Panics
    ///
    /// Where an entry is not as its JSON says, or cannot be followed.
    pub fn read(&mut self, book: &Book) -> bool {
        let page = book.entries(self.from, usize::MAX);
        if page.first_kept > self.from {
            return false;
        }
        for entry in &page.entries {
            let text = serde_json::to_string(entry).expect("an entry has a JSON form");
            let again: Entry = serde_json::from_str(&text).expect("an entry is read from its JSON");
            assert_eq!(*entry, again, "{text}");
            self.copy.replay(&again).expect("a book follows another's entries");
            self.auditor.read(entry);
        }
        self.from = page.next;
        true
    }

    /// Ends what is due, and compares what the book shows with what its entries say, and the books with each
    /// other.
    ///
    /// # Panics
    ///
    /// Where anything differs.
    pub fn testify(mut self, mut book: Book, now: Timestamp) {
        book.tick(now);
        if !self.read(&book) {
            return;
        }
        let Self { auditor, copy, bounds, .. } = self;
        let audited = auditor.finish().unwrap_or_else(|found| panic!("{}", lines(&found)));
        let found = audited.compare(&book.accounts(&audited.accounts(), now));
        assert!(found.is_empty(), "{}", lines(&found));
        let holds = audited.holds();
        let found = audited.compare_holds(&holds, &book.holds(&holds, now));
        assert!(found.is_empty(), "{}", lines(&found));

        let snapshot = book.snapshot();
        let bytes = serde_json::to_string(&snapshot).expect("a snapshot has a JSON form");
        let followed = serde_json::to_string(&copy.snapshot()).expect("a snapshot has a JSON form");
        assert_eq!(bytes, followed, "the entries make another book");
        let read = serde_json::from_str(&bytes).expect("a snapshot is read from its JSON");
        let restored = Book::restore(&read, bounds).expect("a book is made of its snapshot");
        let restored =
            serde_json::to_string(&restored.snapshot()).expect("a snapshot has a JSON form");
        assert_eq!(bytes, restored, "the snapshot makes another book");
    }
}

fn lines(found: &[Discrepancy]) -> String {
    found.iter().map(|one| format!("{one}\n")).collect()
}
