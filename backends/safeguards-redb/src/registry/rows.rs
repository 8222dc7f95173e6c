//! What is written of a registry, and how the one in memory is made of it again.

use std::{sync::Arc, time::Duration};

use redb::{Key, ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction};
use safeguards_discovery::{
    Change, Edit, EditKind, LeaseId, MemoryRegistry, MemoryRegistryBuilder, RestoreError, Standing,
    Unwritten,
};
use safeguards_types::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    READING, WRITING,
    tables::{CAPABILITIES, CHANGES, LEASES, PROFILES, Place, STANDING, STATUSES},
};
use crate::{
    error::{Doing, Fault},
    rows,
};

/// How many changes that are kept no more go in one turn at most. Where far fewer are kept than before, they go bit by bit.
const FORGOTTEN_AT_ONCE: usize = 1_024;

/// Until when a lease holds.
#[derive(Debug, Serialize, Deserialize)]
struct Term {
    ttl: Option<Duration>,
    expires_at: Option<Timestamp>,
}

/// Whether the tables are there: all are made at once.
pub(super) fn are_there(read: &ReadTransaction) -> Result<bool, Fault> {
    Ok(rows::table(read, STANDING, READING)?.is_some())
}

/// Makes the tables, with nobody in them.
pub(super) fn begin(transaction: &WriteTransaction) -> Result<(), Fault> {
    Writing::open(transaction)?.standing(Standing::default())
}

/// Writes what is new.
pub(super) fn write(transaction: &WriteTransaction, unwritten: &Unwritten) -> Result<(), Fault> {
    let Unwritten { edits, changes, standing, .. } = unwritten;
    let mut writing = Writing::open(transaction)?;
    edits.iter().try_for_each(|edit| writing.edit(edit))?;
    changes
        .iter()
        .try_for_each(|change| put(&mut writing.changes, change.revision.number(), change))?;
    writing.forget(standing.forgotten.number(), changes.len())?;
    writing.standing(*standing)
}

/// The tables, to write to.
struct Writing<'db> {
    profiles: Table<'db, u64, &'static [u8]>,
    leases: Table<'db, u64, &'static [u8]>,
    statuses: Table<'db, u64, &'static [u8]>,
    capabilities: Table<'db, Place<'static>, &'static [u8]>,
    changes: Table<'db, u64, &'static [u8]>,
    standings: Table<'db, u64, &'static [u8]>,
}

impl<'db> Writing<'db> {
    /// Makes the tables that are not there.
    fn open(transaction: &'db WriteTransaction) -> Result<Self, Fault> {
        Ok(Self {
            profiles: transaction.open_table(PROFILES).doing(WRITING)?,
            leases: transaction.open_table(LEASES).doing(WRITING)?,
            statuses: transaction.open_table(STATUSES).doing(WRITING)?,
            capabilities: transaction.open_table(CAPABILITIES).doing(WRITING)?,
            changes: transaction.open_table(CHANGES).doing(WRITING)?,
            standings: transaction.open_table(STANDING).doing(WRITING)?,
        })
    }

    fn edit(&mut self, edit: &Edit) -> Result<(), Fault> {
        let lease = edit.lease.number();
        match &edit.kind {
            EditKind::Profile(profile) => put(&mut self.profiles, lease, profile),
            EditKind::Lease { ttl, expires_at } => {
                put(&mut self.leases, lease, &Term { ttl: *ttl, expires_at: *expires_at })
            }
            EditKind::Status(status) => put(&mut self.statuses, lease, status),
            EditKind::Capability(capability) => {
                let version =
                    capability.version.as_ref().map_or_else(String::new, ToString::to_string);
                let place = (lease, capability.name.as_str(), version.as_str());
                put(&mut self.capabilities, place, capability)
            }
            EditKind::NoCapability { name, version } => {
                let version = version.as_ref().map_or_else(String::new, ToString::to_string);
                let place = (lease, name.as_str(), version.as_str());
                self.capabilities.remove(place).doing(WRITING)?;
                Ok(())
            }
            EditKind::Gone => {
                for table in [&mut self.profiles, &mut self.leases, &mut self.statuses] {
                    table.remove(lease).doing(WRITING)?;
                }
                let all = (lease, "", "")..(lease.saturating_add(1), "", "");
                self.capabilities.retain_in(all, |_, _| false).doing(WRITING)
            }
            // To pass over it would lose it without a word.
            _ => Err(Fault::corrupt(WRITING, "an edit of a kind that is not known here")),
        }
    }

    /// Drops changes up to this one: those that are to go beside `added` new ones, and some more.
    fn forget(&mut self, forgotten: u64, added: usize) -> Result<(), Fault> {
        for _ in 0..added.saturating_add(FORGOTTEN_AT_ONCE) {
            let first = self.changes.first().doing(WRITING)?.map(|(revision, _)| revision.value());
            match first {
                Some(first) if first <= forgotten => {
                    self.changes.remove(first).doing(WRITING)?;
                }
                Some(_) | None => break,
            }
        }
        Ok(())
    }

    fn standing(&mut self, standing: Standing) -> Result<(), Fault> {
        put(&mut self.standings, 0, &standing)
    }
}

fn put<K: Key + 'static>(
    table: &mut Table<'_, K, &'static [u8]>,
    key: K::SelfType<'_>,
    value: &impl Serialize,
) -> Result<(), Fault> {
    let text = rows::write(value, WRITING)?;
    table.insert(key, text.as_slice()).doing(WRITING)?;
    Ok(())
}

/// What the registry in memory cannot be made of.
impl From<RestoreError> for Fault {
    fn from(error: RestoreError) -> Self {
        Self::corrupt(READING, error)
    }
}

/// Makes the registry that was written.
pub(super) fn restore(
    read: &ReadTransaction,
    builder: MemoryRegistryBuilder,
) -> Result<MemoryRegistry, Fault> {
    let standing: Standing = {
        let standings = read.open_table(STANDING).doing(READING)?;
        let row = standings.get(0).doing(READING)?;
        row.map_or_else(|| Ok(Standing::default()), |row| rows::read(row.value(), READING))?
    };
    let profiles = each(read, PROFILES, |lease, profile| edit(lease, EditKind::Profile(profile)))?;
    let leases = each(read, LEASES, |lease, Term { ttl, expires_at }| {
        edit(lease, EditKind::Lease { ttl, expires_at })
    })?;
    let statuses = each(read, STATUSES, |lease, status| edit(lease, EditKind::Status(status)))?;
    let capabilities = each(read, CAPABILITIES, |(lease, ..): Place<'_>, capability| {
        edit(lease, EditKind::Capability(Arc::new(capability)))
    })?;
    // Perhaps not all that are kept no more are gone.
    let forgotten = standing.forgotten;
    let changes = each(read, CHANGES, |_, change: Change| change)?
        .filter(|change| change.as_ref().map_or(true, |change| change.revision > forgotten));
    let edits = profiles.chain(leases).chain(statuses).chain(capabilities);
    builder.restore(standing, edits, changes)
}

const fn edit(lease: u64, kind: EditKind) -> Edit {
    Edit::new(LeaseId::new(lease), kind)
}

/// The rows of a table, each as it is read.
fn each<K: Key + 'static, T: DeserializeOwned, R>(
    read: &ReadTransaction,
    table: TableDefinition<'_, K, &'static [u8]>,
    mut take: impl FnMut(K::SelfType<'_>, T) -> R,
) -> Result<impl Iterator<Item = Result<R, Fault>>, Fault> {
    let table = read.open_table(table).doing(READING)?;
    let rows = table.range::<K::SelfType<'static>>(..).doing(READING)?;
    Ok(rows.map(move |row| {
        let (key, text) = row.doing(READING)?;
        Ok(take(key.value(), rows::read(text.value(), READING)?))
    }))
}
