//! [`Writing`]: what is decided about runs, and written, in one transaction.

use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use safeguards_coord::{EntryKey, RunEntry, RunHead, RunId, RunStoreBounds, RunStoreError};
use safeguards_types::{OperationId, Timestamp};

use super::{
    Answer, WRITING,
    tables::{
        ENDED, ENTRIES, FORGOTTEN, HEADS, KEYS, LISTED, List, Listed, NAMES, Place, STANDINGS,
        Standing, place,
    },
};
use crate::{
    error::{Doing, Fault},
    rows,
};

/// How many of the oldest runs go at most where another one ends.
const FORGOTTEN_AT_ONCE: usize = 64;

/// The tables of runs, to decide from and to write to.
pub(super) struct Writing<'db> {
    bounds: RunStoreBounds,
    names: Table<'db, &'static str, u64>,
    heads: Table<'db, u64, &'static [u8]>,
    standings: Table<'db, u64, (u32, u64, Option<u64>)>,
    pub(super) entries: Table<'db, (u64, u64), &'static [u8]>,
    pub(super) keys: Table<'db, Place<'static>, u64>,
    listed: Table<'db, Listed<'static>, u64>,
    ended: Table<'db, u64, u64>,
    pub(super) forgotten: Table<'db, u64, ()>,
}

/// What is to be appended, and in which leg.
pub(super) struct Appended {
    pub(super) leg: u32,
    pub(super) key: EntryKey,
    pub(super) entry: RunEntry,
    pub(super) text: Vec<u8>,
}

/// A run that is there.
#[derive(Clone, Copy)]
struct Found {
    number: u64,
    standing: Standing,
}

impl<'db> Writing<'db> {
    pub(super) fn open(
        transaction: &'db WriteTransaction,
        bounds: RunStoreBounds,
    ) -> Result<Self, Fault> {
        Ok(Self {
            bounds,
            names: transaction.open_table(NAMES).doing(WRITING)?,
            heads: transaction.open_table(HEADS).doing(WRITING)?,
            standings: transaction.open_table(STANDINGS).doing(WRITING)?,
            entries: transaction.open_table(ENTRIES).doing(WRITING)?,
            keys: transaction.open_table(KEYS).doing(WRITING)?,
            listed: transaction.open_table(LISTED).doing(WRITING)?,
            ended: transaction.open_table(ENDED).doing(WRITING)?,
            forgotten: transaction.open_table(FORGOTTEN).doing(WRITING)?,
        })
    }

    /// As [`begin`](safeguards_coord::RunStore::begin) of a head that is not too large.
    pub(super) fn begin(&mut self, head: &RunHead, text: &[u8]) -> Answer<()> {
        if let Some(Found { number, standing }) = self.find(&head.run)? {
            return Ok(match standing.leg {
                _ if self.head(number)? != *head => Err(RunStoreError::exists(&head.run)),
                1 => Ok(()),
                now => Err(RunStoreError::taken_over(&head.run, 1, now)),
            });
        }
        if let Err(refused) = self.check_room()? {
            return Ok(Err(refused));
        }
        let number = self.next_number()?;
        self.names.insert(head.run.as_str(), number).doing(WRITING)?;
        self.heads.insert(number, text).doing(WRITING)?;
        self.stands(number, Standing { leg: 1, entries: 0, ended_as: None })?;
        self.list(&List::LASTING, head, number)?;
        self.list(&List::UNTIL_ITS_END, head, number)?;
        Ok(Ok(()))
    }

    /// As [`append`](safeguards_coord::RunStore::append) of an entry that may be appended and is not too large.
    pub(super) fn append(&mut self, run: &RunId, appended: &Appended) -> Answer<()> {
        let Appended { leg, key, entry, text } = appended;
        let Some(Found { number, standing }) = self.find(run)? else {
            return Ok(Err(RunStoreError::unknown(run)));
        };
        if standing.leg != *leg {
            return Ok(Err(RunStoreError::taken_over(run, *leg, standing.leg)));
        }
        let Some(place) = place(number, *leg, key) else {
            return Err(Fault::corrupt(WRITING, format!("there is no place for {key}")));
        };
        let known = self.keys.get(place).doing(WRITING)?.map(|known| known.value());
        if let Some(known) = known {
            let is_same = self.entry(number, known)? == *entry;
            return Ok(if is_same { Ok(()) } else { Err(RunStoreError::conflict(run, key)) });
        }
        if standing.ended_as.is_some() {
            return Ok(Err(RunStoreError::ended(run)));
        }
        let ends = matches!(entry, RunEntry::Ended(_));
        let max = self.bounds.entries_max;
        // There is room for its end always, or it would never have one.
        if !ends && standing.entries >= max {
            let asked = standing.entries.saturating_add(1);
            return Ok(Err(RunStoreError::bound(format!("entries of run {run}"), asked, max)));
        }
        let standing = self.push(number, standing, place, text)?;
        if ends {
            self.note_end(number, standing)?;
        } else {
            self.stands(number, standing)?;
        }
        self.sweep()?;
        Ok(Ok(()))
    }

    /// As [`take_over`](safeguards_coord::RunStore::take_over).
    pub(super) fn take_over(
        &mut self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Answer<u32> {
        let Some(Found { number, standing }) = self.find(run)? else {
            return Ok(Err(RunStoreError::unknown(run)));
        };
        let next = leg.saturating_add(1);
        let entry = RunEntry::TakenOver { leg: next, by, at };
        if standing.leg == next
            && let Some(last) = standing.last()
            && self.entry(number, last)? == entry
        {
            return Ok(Ok(next));
        }
        if standing.leg != leg {
            return Ok(Err(RunStoreError::taken_over(run, leg, standing.leg)));
        }
        if let Some(ended_as) = standing.ended_as {
            if let Err(refused) = self.check_room()? {
                return Ok(Err(refused));
            }
            let head = self.head(number)?;
            self.list(&List::UNTIL_ITS_END, &head, number)?;
            self.ended.remove(ended_as).doing(WRITING)?;
        }
        let key = entry.key();
        let Some(place) = place(number, next, &key) else {
            return Err(Fault::corrupt(WRITING, format!("there is no place for {key}")));
        };
        let text = rows::write(&entry, WRITING)?;
        let standing = Standing { leg: next, ended_as: None, ..standing };
        let standing = self.push(number, standing, place, &text)?;
        self.stands(number, standing)?;
        Ok(Ok(next))
    }

    /// As [`forget`](safeguards_coord::RunStore::forget).
    pub(super) fn forget(&mut self, run: &RunId) -> Answer<bool> {
        let Some(Found { number, standing }) = self.find(run)? else {
            return Ok(Ok(false));
        };
        let Some(ended_as) = standing.ended_as else {
            return Ok(Err(RunStoreError::unfinished(run)));
        };
        self.ended.remove(ended_as).doing(WRITING)?;
        self.remove(number)?;
        self.sweep()?;
        Ok(Ok(true))
    }

    fn find(&self, run: &RunId) -> Result<Option<Found>, Fault> {
        let number = self.names.get(run.as_str()).doing(WRITING)?;
        let Some(number) = number.map(|number| number.value()) else {
            return Ok(None);
        };
        let row = self.standings.get(number).doing(WRITING)?;
        let row = row.ok_or_else(|| missing("how a run stands"))?;
        Ok(Some(Found { number, standing: Standing::of_row(row.value()) }))
    }

    fn head(&self, number: u64) -> Result<RunHead, Fault> {
        let text = self.heads.get(number).doing(WRITING)?;
        rows::read(text.ok_or_else(|| missing("the head of a run"))?.value(), WRITING)
    }

    fn entry(&self, run: u64, number: u64) -> Result<RunEntry, Fault> {
        let text = self.entries.get((run, number)).doing(WRITING)?;
        rows::read(text.ok_or_else(|| missing("an entry of a run"))?.value(), WRITING)
    }

    /// Whether there is room for another run that has not ended.
    fn check_room(&self) -> Answer<()> {
        let (all, ended) = (self.names.len().doing(WRITING)?, self.ended.len().doing(WRITING)?);
        let asked = all.saturating_sub(ended).saturating_add(1);
        let max = self.bounds.unfinished_max;
        if asked > u64::try_from(max).unwrap_or(u64::MAX) {
            return Ok(Err(RunStoreError::bound("unfinished runs", asked, max)));
        }
        Ok(Ok(()))
    }

    /// A number that no run has, nor what is left of one.
    fn next_number(&self) -> Result<u64, Fault> {
        let known = self.heads.last().doing(WRITING)?.map(|(number, _)| number.value());
        let left = self.forgotten.last().doing(WRITING)?.map(|(number, _)| number.value());
        Ok(known.max(left).map_or(0, |last| last.saturating_add(1)))
    }

    fn stands(&mut self, number: u64, standing: Standing) -> Result<(), Fault> {
        self.standings.insert(number, standing.row()).doing(WRITING)?;
        Ok(())
    }

    fn list(&mut self, lists: &[List], head: &RunHead, number: u64) -> Result<(), Fault> {
        for list in lists {
            self.listed.insert(list.row(head), number).doing(WRITING)?;
        }
        Ok(())
    }

    fn unlist(&mut self, lists: &[List], head: &RunHead) -> Result<(), Fault> {
        for list in lists {
            self.listed.remove(list.row(head)).doing(WRITING)?;
        }
        Ok(())
    }

    /// Writes the next entry of a run, and gives how it then stands.
    fn push(
        &mut self,
        run: u64,
        standing: Standing,
        place: Place<'_>,
        text: &[u8],
    ) -> Result<Standing, Fault> {
        let number = standing.entries;
        self.entries.insert((run, number), text).doing(WRITING)?;
        self.keys.insert(place, number).doing(WRITING)?;
        Ok(Standing { entries: number.saturating_add(1), ..standing })
    }

    /// Notes that a run ended, and forgets the oldest that have where there are more than are kept. Where far fewer are
    /// kept than before, they go bit by bit too.
    fn note_end(&mut self, number: u64, standing: Standing) -> Result<(), Fault> {
        let last = self.ended.last().doing(WRITING)?.map(|(last, _)| last.value());
        let ended_as = last.map_or(0, |last| last.saturating_add(1));
        self.ended.insert(ended_as, number).doing(WRITING)?;
        self.stands(number, Standing { ended_as: Some(ended_as), ..standing })?;
        let head = self.head(number)?;
        self.unlist(&List::UNTIL_ITS_END, &head)?;
        let kept = u64::try_from(self.bounds.ended_kept).unwrap_or(u64::MAX);
        for _ in 0..FORGOTTEN_AT_ONCE {
            if self.ended.len().doing(WRITING)? <= kept {
                break;
            }
            let oldest = self.ended.pop_first().doing(WRITING)?.map(|(_, oldest)| oldest.value());
            let Some(oldest) = oldest else {
                break;
            };
            self.remove(oldest)?;
        }
        Ok(())
    }

    /// Takes a run that has ended out of all but its entries.
    fn remove(&mut self, number: u64) -> Result<(), Fault> {
        let head = self.head(number)?;
        self.unlist(&List::LASTING, &head)?;
        self.names.remove(head.run.as_str()).doing(WRITING)?;
        self.heads.remove(number).doing(WRITING)?;
        self.standings.remove(number).doing(WRITING)?;
        self.forgotten.insert(number, ()).doing(WRITING)?;
        Ok(())
    }
}

fn missing(what: &str) -> Fault {
    Fault::corrupt(WRITING, format!("{what} is missing"))
}
