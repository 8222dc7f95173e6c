//! The journal in the file: a block of entries for each flush, chained by hashes, and the accounts as they stood now
//! and then.

use std::{slice, sync::mpsc, thread};

use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError,
    WriteTransaction,
};
use safeguards_budget::{Book, Bounds, Entry, EntryId, EntryPage, Outline, compact};
use safeguards_types::{OperationId, Timestamp};
use sha2::{Digest, Sha256};

use super::operations::{self, Gathered};
use crate::error::{Doing, Fault};

/// Blocks of entries, by the number of their first: the chain's hash, then the entries.
pub(super) const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ledger.blocks");

/// The latest snapshot, at 0.
pub(super) const SNAPSHOT: TableDefinition<'_, u64, &[u8]> =
    TableDefinition::new("ledger.snapshot");

const HASH: usize = 32;

/// How many blocks are read ahead of the book that follows them.
const READ_AHEAD: usize = 64;

const READING: &str = "read entries";
const WRITING: &str = "write entries";

/// The hash of a block and, through it, of all blocks before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain([u8; HASH]);

impl Chain {
    /// The hash of the block that follows.
    pub(super) fn then(&self, entries: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(self.0).chain_update(entries).finalize();
        Self(hash.into())
    }
}

/// The ledger as it stands in the file.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) book: Book,
    pub(super) chain: Chain,
    /// The entry that the snapshot follows; 0 where there is none.
    pub(super) snapshot_at: u64,
    /// The operations of the entries after it, which stand in no run.
    pub(super) gathered: Gathered,
}

/// Makes the book of the latest snapshot and of the entries after it.
pub(super) fn open(db: &Database, bounds: Bounds) -> Result<Opened, Fault> {
    let read = db.begin_read().doing(READING)?;
    let outline = outline(&read)?;
    let first = outline.as_ref().map_or(EntryId::FIRST, Outline::first_kept);
    let indexed = operations::written_to(&read)?;
    // One thread reads, the other follows: each takes about as long.
    let (tell, told) = mpsc::sync_channel(READ_AHEAD);
    thread::scope(|scope| {
        thread::Builder::new()
            .spawn_scoped(scope, {
                let read = &read;
                // Owned, so that the other side learns of the end.
                move || read_blocks(read, first, &tell)
            })
            .map_err(redb::Error::Io)
            .doing("start a thread")?;
        let mut chain = Chain::default();
        let blocks = told.into_iter().map(|block| {
            let (latest, entries) = block?;
            chain = latest;
            Ok(entries)
        });
        let mut entries = flattened(blocks)
            .filter(|entry| entry.as_ref().map_or(true, |entry| entry.id >= first));
        let mut book = match outline {
            Some(outline) => {
                let known = outline
                    .revision()
                    .map_or(0, |newest| newest.next().number().saturating_sub(first.number()));
                let known = entries.by_ref().take(usize::try_from(known).unwrap_or(usize::MAX));
                Book::restore_outline(&outline, known, bounds)?
            }
            None => Book::with_bounds(bounds),
        };
        let snapshot_at = book.revision().map_or(0, EntryId::number);
        let mut gathered = Gathered::default();
        for entry in entries {
            let entry = entry?;
            book.replay(&entry)?;
            if entry.id.number() > indexed {
                gathered.take(slice::from_ref(&entry));
            }
        }
        Ok(Opened { book, chain, snapshot_at, gathered })
    })
}

type Block = Result<(Chain, Vec<Entry>), Fault>;

/// The entries of blocks, one after another; a fault in its place.
fn flattened(
    blocks: impl Iterator<Item = Result<Vec<Entry>, Fault>>,
) -> impl Iterator<Item = Result<Entry, Fault>> {
    blocks.flat_map(|block| {
        let (entries, fault) = match block {
            Ok(entries) => (entries, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        entries.into_iter().map(Ok).chain(fault.map(Err))
    })
}

/// Reads the blocks from the one on that this entry stands in.
fn read_blocks(read: &ReadTransaction, entry: EntryId, tell: &mpsc::SyncSender<Block>) {
    let each = each_block(read, entry.number(), |_, block| {
        let (chain, entries) = parts(block)?;
        // Where nobody takes it, the other side has failed.
        Ok(tell.send(Ok((chain, read_entries(entries)?))).is_ok())
    });
    if let Err(fault) = each {
        let _: Result<(), _> = tell.send(Err(fault));
    }
}

/// Takes each block in turn, from the one on that this entry stands in, until `take` says that it is enough.
pub(super) fn each_block(
    read: &ReadTransaction,
    entry: u64,
    mut take: impl FnMut(u64, &[u8]) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    let blocks = match read.open_table(BLOCKS) {
        Ok(blocks) => blocks,
        Err(TableError::TableDoesNotExist(_)) => return Ok(()),
        Err(error) => return Err(error).doing(READING),
    };
    let holder = blocks.range(..=entry).doing(READING)?.next_back().transpose().doing(READING)?;
    let first = holder.map_or(entry, |(first, _)| first.value());
    for block in blocks.range(first..).doing(READING)? {
        let (first, block) = block.doing(READING)?;
        if !take(first.value(), block.value())? {
            break;
        }
    }
    Ok(())
}

/// Appends a block, and gives the chain's hash with it.
pub(super) fn append(
    transaction: &WriteTransaction,
    entries: &[Entry],
    chain: &Chain,
) -> Result<Chain, Fault> {
    let Some(first) = entries.first() else {
        return Ok(chain.clone());
    };
    let entries = write_entries(entries)?;
    let chain = chain.then(&entries);
    let block = [chain.0.as_slice(), &entries].concat();
    let mut blocks = transaction.open_table(BLOCKS).doing(WRITING)?;
    blocks.insert(first.id.number(), block.as_slice()).doing(WRITING)?;
    Ok(chain)
}

/// Blocks that are appended as they come from elsewhere, chained anew.
#[derive(Debug, Default)]
pub(crate) struct Appending {
    chain: Chain,
    /// The entry that comes next, once there is one.
    next: Option<u64>,
}

impl Appending {
    /// Appends a block whose first entry is to have this number; says what is wrong with it.
    pub(crate) fn append(
        &mut self,
        transaction: &WriteTransaction,
        first: u64,
        entries: &[Entry],
    ) -> Result<Result<(), &'static str>, Fault> {
        if entries.first().is_none_or(|entry| entry.id.number() != first) {
            return Ok(Err("the key is not the number of the first entry"));
        }
        for entry in entries {
            let number = entry.id.number();
            if self.next.is_some_and(|next| next != number) {
                return Ok(Err("the entries do not follow one another"));
            }
            self.next = Some(number.saturating_add(1));
        }
        self.chain = append(transaction, entries, &self.chain)?;
        Ok(Ok(()))
    }
}

/// Drops the oldest blocks, as long as their entries all stand before `first_kept` and are old. Gives the first entry
/// that is left, and when the youngest operation of those that went was minted.
pub(super) fn drop_old(
    transaction: &WriteTransaction,
    first_kept: EntryId,
    is_old: impl Fn(Timestamp) -> bool,
) -> Result<(EntryId, Option<Timestamp>), Fault> {
    let mut blocks = transaction.open_table(BLOCKS).doing(WRITING)?;
    let mut horizon = None;
    loop {
        let (first, entries) = match blocks.first().doing(WRITING)? {
            Some((first, block)) => (first.value(), read_entries(parts(block.value())?.1)?),
            None => return Ok((first_kept, horizon)),
        };
        let last = entries.last().filter(|last| last.id < first_kept && is_old(last.at));
        if last.is_none() {
            return Ok((EntryId::new(first), horizon));
        }
        let minted = entries.iter().filter_map(Entry::op).map(OperationId::minted_at).max();
        horizon = horizon.max(minted);
        blocks.remove(first).doing(WRITING)?;
    }
}

/// Writes down the accounts as they stand, in place of how they stood before.
pub(super) fn write_outline(
    transaction: &WriteTransaction,
    outline: &Outline,
) -> Result<(), Fault> {
    const DOING: &str = "write down the accounts";
    let text = serde_json::to_vec(outline).map_err(|error| Fault::corrupt(DOING, error))?;
    let mut table = transaction.open_table(SNAPSHOT).doing(DOING)?;
    table.insert(0, text.as_slice()).doing(DOING)?;
    Ok(())
}

fn outline(read: &ReadTransaction) -> Result<Option<Outline>, Fault> {
    const DOING: &str = "read the accounts";
    let table = match read.open_table(SNAPSHOT) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error).doing(DOING),
    };
    let text = table.get(0).doing(DOING)?;
    text.map(|text| serde_json::from_slice(text.value()))
        .transpose()
        .map_err(|error| Fault::corrupt(DOING, error))
}

/// Reads a page of entries, from the one asked for or the first that is there.
pub(super) fn entries(
    read: &ReadTransaction,
    from: EntryId,
    limit: usize,
) -> Result<EntryPage, Fault> {
    let first_kept = first_kept(read)?;
    let from = from.max(first_kept);
    let mut page: Vec<Entry> = Vec::new();
    each_block(read, from.number(), |_, block| {
        let entries = read_entries(parts(block)?.1)?;
        let wanted = entries.into_iter().filter(|entry| entry.id >= from);
        page.extend(wanted.take(limit.saturating_sub(page.len())));
        Ok(page.len() < limit)
    })?;
    let next = page.last().map_or(from, |entry| entry.id.next());
    Ok(EntryPage::new(page, next, first_kept))
}

/// The first entry that is there.
pub(super) fn first_kept(read: &ReadTransaction) -> Result<EntryId, Fault> {
    let mut found = EntryId::FIRST;
    each_block(read, 0, |first, _| {
        found = EntryId::new(first);
        Ok(false)
    })?;
    Ok(found)
}

/// The entry that this operation caused, if it is kept.
pub(super) fn entry_of(read: &ReadTransaction, op: OperationId) -> Result<Option<Entry>, Fault> {
    if let Some(id) = operations::find(read, op)? {
        let entry = entries(read, id, 1)?.entries.pop();
        return Ok(entry.filter(|entry| entry.op() == Some(op)));
    }
    let mut found = None;
    each_block(read, operations::written_to(read)?.saturating_add(1), |_, block| {
        let entries = read_entries(parts(block)?.1)?;
        found = entries.into_iter().find(|entry| entry.op() == Some(op));
        Ok(found.is_none())
    })?;
    Ok(found)
}

pub(super) fn parts(block: &[u8]) -> Result<(Chain, &[u8]), Fault> {
    let parts = block.split_first_chunk::<HASH>();
    let (hash, entries) = parts.ok_or_else(|| Fault::corrupt(READING, "a block is cut off"))?;
    Ok((Chain(*hash), entries))
}

fn write_entries(entries: &[Entry]) -> Result<Vec<u8>, Fault> {
    compact::write_entries(entries).map_err(|error| Fault::corrupt(WRITING, error))
}

pub(super) fn read_entries(entries: &[u8]) -> Result<Vec<Entry>, Fault> {
    compact::read_entries(entries).map_err(|error| Fault::corrupt(READING, error))
}
