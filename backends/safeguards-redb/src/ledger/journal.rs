//! The journal in the file: a block of entries for each flush, chained by hashes.

use std::{slice, sync::mpsc, thread};

use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};
use safeguards_budget::{Book, Bounds, Entry, EntryId, EntryPage, Outline, compact};
use safeguards_types::{OperationId, Timestamp};
use sha2::{Digest, Sha256};

use super::{
    operations::{self, Gathered},
    snapshot,
};
use crate::{
    error::{Doing, Fault, guarded},
    rows,
};

/// Blocks of entries, by the number of their first: the chain's hash, then the entries.
pub(super) const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ledger.blocks");

/// At 0 the chain's hash before the first block, where blocks were dropped before it.
const BEFORE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ledger.before");

pub(super) const HASH: usize = 32;

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
    let outline = snapshot::read(&read)?;
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
        // Where all blocks were dropped, the next one follows the last of them.
        let mut chain = chain_before(&read, u64::MAX)?.unwrap_or_default();
        let blocks = told.into_iter().map(|block| {
            let Block { chain: latest, entries, .. } = block?;
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

/// A block whose hash was found to be right.
#[derive(Debug)]
pub(super) struct Block {
    /// The number of its first entry.
    pub(super) first: u64,
    chain: Chain,
    pub(super) entries: Vec<Entry>,
}

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
fn read_blocks(
    read: &ReadTransaction,
    entry: EntryId,
    tell: &mpsc::SyncSender<Result<Block, Fault>>,
) {
    // Where nobody takes it, the other side has failed.
    let each = guarded(READING, || {
        each_block(read, entry.number(), |block| Ok(tell.send(Ok(block)).is_ok()))
    });
    if let Err(fault) = each.flatten() {
        let _: Result<(), _> = tell.send(Err(fault));
    }
}

type Blocks = ReadOnlyTable<u64, &'static [u8]>;

fn blocks(read: &ReadTransaction) -> Result<Option<Blocks>, Fault> {
    rows::table(read, BLOCKS, READING)
}

/// Takes each block in turn, from the one on that this entry stands in, until `take` says that it is enough. One that is
/// not as it was written is a fault.
pub(super) fn each_block(
    read: &ReadTransaction,
    entry: u64,
    mut take: impl FnMut(Block) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    let Some(blocks) = blocks(read)? else {
        return Ok(());
    };
    let holder = blocks.range(..=entry).doing(READING)?.next_back().transpose().doing(READING)?;
    let first = holder.map_or(entry, |(first, _)| first.value());
    let before = blocks.range(..first).doing(READING)?.next_back().transpose().doing(READING)?;
    let mut before = match before {
        Some((_, block)) => Some(parts(block.value())?.0),
        None => chain_before(read, first)?,
    };
    for block in blocks.range(first..).doing(READING)? {
        let (first, block) = block.doing(READING)?;
        let (first, (chain, text)) = (first.value(), parts(block.value())?);
        let damaged =
            |what: &str| Fault::corrupt(READING, format!("block {first} of the ledger {what}"));
        if before.is_some_and(|before| before.then(text) != chain) {
            return Err(damaged(
                "is not as it was written, or not what followed the one before it",
            ));
        }
        let entries = read_entries(text)?;
        if entries.first().is_none_or(|entry| entry.id.number() != first) {
            return Err(damaged("does not begin with the entry of its number"));
        }
        before = Some(chain.clone());
        if !take(Block { first, chain, entries })? {
            break;
        }
    }
    Ok(())
}

/// Takes each block as it stands, whatever is in it.
pub(super) fn each_raw_block(
    read: &ReadTransaction,
    mut take: impl FnMut(u64, &[u8]),
) -> Result<(), Fault> {
    let Some(blocks) = blocks(read)? else {
        return Ok(());
    };
    for block in blocks.iter().doing(READING)? {
        let (first, block) = block.doing(READING)?;
        take(first.value(), block.value());
    }
    Ok(())
}

/// The hash that the block of this first entry follows, where no block stands before it. `None` where blocks were
/// dropped and their hash was not kept, as earlier formats did.
pub(super) fn chain_before(read: &ReadTransaction, first: u64) -> Result<Option<Chain>, Fault> {
    if first == EntryId::FIRST.number() {
        return Ok(Some(Chain::default()));
    }
    let Some(table) = rows::table(read, BEFORE, READING)? else {
        return Ok(None);
    };
    let hash = table.get(0).doing(READING)?;
    hash.map(|hash| Ok(parts(hash.value())?.0)).transpose()
}

fn write_before(transaction: &WriteTransaction, chain: &Chain) -> Result<(), Fault> {
    let mut table = transaction.open_table(BEFORE).doing(WRITING)?;
    table.insert(0, chain.0.as_slice()).doing(WRITING)?;
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
            if self.next.is_none() && number != EntryId::FIRST.number() {
                write_before(transaction, &self.chain)?;
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
    let (mut before, mut horizon) = (None, None);
    let first_left = loop {
        let (first, chain, entries) = match blocks.first().doing(WRITING)? {
            Some((first, block)) => {
                let (chain, entries) = parts(block.value())?;
                (first.value(), chain, read_entries(entries)?)
            }
            None => break first_kept,
        };
        let last = entries.last().filter(|last| last.id < first_kept && is_old(last.at));
        if last.is_none() {
            break EntryId::new(first);
        }
        let minted = entries.iter().filter_map(Entry::op).map(OperationId::minted_at).max();
        horizon = horizon.max(minted);
        before = Some(chain);
        blocks.remove(first).doing(WRITING)?;
    };
    if let Some(before) = before {
        write_before(transaction, &before)?;
    }
    Ok((first_left, horizon))
}

/// The last entry that is to be there; 0 where none is.
pub(crate) fn last_entry(transaction: &WriteTransaction) -> Result<u64, Fault> {
    let blocks = transaction.open_table(BLOCKS).doing(READING)?;
    let last = blocks.last().doing(READING)?;
    let entries = last.map(|(_, block)| read_entries(parts(block.value())?.1)).transpose()?;
    Ok(entries.and_then(|entries| Some(entries.last()?.id.number())).unwrap_or(0))
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
    each_block(read, from.number(), |block| {
        let wanted = block.entries.into_iter().filter(|entry| entry.id >= from);
        page.extend(wanted.take(limit.saturating_sub(page.len())));
        Ok(page.len() < limit)
    })?;
    let next = page.last().map_or(from, |entry| entry.id.next());
    Ok(EntryPage::new(page, next, first_kept))
}

/// The first entry that is there.
pub(super) fn first_kept(read: &ReadTransaction) -> Result<EntryId, Fault> {
    let Some(blocks) = blocks(read)? else {
        return Ok(EntryId::FIRST);
    };
    let first = blocks.first().doing(READING)?;
    Ok(first.map_or(EntryId::FIRST, |(first, _)| EntryId::new(first.value())))
}

/// The entry that this operation caused, if it is kept.
pub(super) fn entry_of(read: &ReadTransaction, op: OperationId) -> Result<Option<Entry>, Fault> {
    if let Some(id) = operations::find(read, op)? {
        let entry = entries(read, id, 1)?.entries.pop();
        return Ok(entry.filter(|entry| entry.op() == Some(op)));
    }
    let mut found = None;
    each_block(read, operations::written_to(read)?.saturating_add(1), |block| {
        found = block.entries.into_iter().find(|entry| entry.op() == Some(op));
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
