//! What is to be true of the ledger in the file: [`check`].

use std::collections::BTreeSet;

use redb::{Database, ReadTransaction, ReadableDatabase};
use safeguards_budget::{Action, Book, Bounds, Entry, EntryId};
use safeguards_types::{AccountId, Timestamp};

use super::{
    journal::{self, Chain},
    operations,
};
use crate::{
    check::{Checked, Flaws, with_causes},
    error::{Doing, Fault},
};

/// Follows the whole journal beside what is opened of the latest snapshot.
pub(crate) fn check(
    db: &Database,
    bounds: Bounds,
    checked: &mut Checked,
    flaws: &mut Flaws,
) -> Result<(), Fault> {
    let read = db.begin_read().doing("check the journal")?;
    let mut following = Following {
        read: &read,
        flaws,
        checked,
        indexed: operations::written_to(&read)?,
        before: None,
        next: None,
        whole: None,
        bounds,
        opened: BTreeSet::new(),
        latest: Timestamp::UNIX_EPOCH,
    };
    journal::each_raw_block(&read, |first, block| following.take(first, block))?;
    let Following { whole, opened, latest, .. } = following;
    let opened: Vec<AccountId> = opened.into_iter().collect();
    let book = match journal::open(db, bounds) {
        Ok(found) => found.book,
        Err(fault) => {
            flaws.add(|| format!("the ledger does not open: {}", with_causes(&fault)));
            return Ok(());
        }
    };
    let stand = book.accounts(&opened, latest).accounts;
    for (id, account) in opened.iter().zip(&stand) {
        flaws.expect(account.is_some(), || format!("account {id} was opened and is not there"));
    }
    checked.accounts = u64::try_from(stand.iter().flatten().count()).unwrap_or(u64::MAX);
    // Where the first entries are not kept any more, there is nothing to begin from but the snapshot.
    if let Some(whole) = whole {
        let should = whole.accounts(&opened, latest).accounts;
        for ((id, account), should) in opened.iter().zip(&stand).zip(&should) {
            flaws.expect(account == should, || {
                format!("account {id} does not stand as its entries say")
            });
        }
    }
    Ok(())
}

/// The journal as far as it was followed.
struct Following<'c> {
    read: &'c ReadTransaction,
    flaws: &'c mut Flaws,
    checked: &'c mut Checked,
    /// Up to which entry operations stand in runs.
    indexed: u64,
    before: Option<Chain>,
    next: Option<u64>,
    /// The book of all entries, while they are all there.
    whole: Option<Book>,
    bounds: Bounds,
    opened: BTreeSet<AccountId>,
    latest: Timestamp,
}

impl Following<'_> {
    fn take(&mut self, first: u64, block: &[u8]) {
        self.checked.blocks = self.checked.blocks.saturating_add(1);
        if self.checked.blocks == 1 {
            match journal::chain_before(self.read, first) {
                Ok(before) => self.before = before,
                Err(fault) => self.flaws.add(|| with_causes(&fault)),
            }
            let is_first = first == EntryId::FIRST.number();
            self.whole = is_first.then(|| Book::with_bounds(self.bounds));
        }
        let read = journal::parts(block)
            .and_then(|(chain, text)| Ok((chain, text, journal::read_entries(text)?)));
        let (chain, text, entries) = match read {
            Ok(read) => read,
            Err(fault) => {
                self.flaws.add(|| format!("block {first} cannot be read: {}", with_causes(&fault)));
                (self.before, self.next, self.whole) = (None, None, None);
                return;
            }
        };
        let fits = self.before.take().is_none_or(|before| before.then(text) == chain);
        self.flaws.expect(fits, || {
            format!("block {first} is not the one that followed the block before it")
        });
        self.before = Some(chain);
        let named = entries.first().map(|entry| entry.id.number());
        self.flaws.expect(named == Some(first), || {
            format!("block {first} does not begin with the entry of its number")
        });
        for entry in &entries {
            self.take_entry(entry);
        }
    }

    fn take_entry(&mut self, entry: &Entry) {
        let number = entry.id.number();
        self.checked.entries = self.checked.entries.saturating_add(1);
        let expected = self.next.replace(number.saturating_add(1));
        self.flaws.expect(expected.is_none_or(|expected| expected == number), || {
            format!("entry {number} stands where another one should")
        });
        self.latest = self.latest.max(entry.at);
        if let Some(Action::OpenAccount(open)) =
            entry.cause.as_ref().map(|cause| &cause.command.action)
        {
            self.opened.insert(open.account.clone());
        }
        if let Some(book) = &mut self.whole
            && let Err(error) = book.replay(entry)
        {
            self.flaws.add(|| format!("entry {number} cannot follow those before it: {error}"));
            self.whole = None;
        }
        let Some(op) = entry.op().filter(|_| number <= self.indexed) else {
            return;
        };
        self.checked.operations = self.checked.operations.saturating_add(1);
        let found = operations::find(self.read, op);
        self.flaws.expect(matches!(&found, Ok(Some(id)) if *id == entry.id), || {
            format!("operation {op} of entry {number} is not found by its id")
        });
    }
}
