//! The alerts of a store. All of them are in tables: what a hub has in memory is the hub's.
//!
//! - `tables`: what stands in which table, under which key.
//! - `writing`: what changes do.
//! - `reading`: what is on the disk.
//! - `checking`: what is to be true of it.

mod checking;
mod reading;
mod tables;
mod writing;

use async_trait::async_trait;
use redb::WriteTransaction;
use safeguards_notify::{
    AlertChange, AlertQuery, AlertRecord, AlertStore, AlertStoreError, DeadLetters, Unfinished,
};

pub(crate) use self::checking::check;
use self::{
    tables::Ordered,
    writing::{Prefixes, Writing},
};
use crate::{
    RedbStore,
    cells::Tables,
    error::{Doing, Fault, FaultKind},
};

const READING: &str = "read alerts";
const WRITING: &str = "write alerts";

/// All tables of alerts.
pub(crate) fn each_table<T: Tables>(all: &mut T) -> Result<(), T::Error> {
    for Ordered { rows, places } in [tables::HISTORY, tables::WAITING, tables::QUEUED, tables::DEAD]
    {
        all.table(rows)?;
        all.table(places)?;
    }
    all.table(tables::ESCALATIONS)?;
    all.table(tables::DROPPED)?;
    all.table(tables::READ_TO)?;
    all.table(tables::LATEST)
}

/// Says that whatever stands in the ledger up to this entry is no news: format 1 did not keep how far it was told.
pub(crate) fn begin_at(transaction: &WriteTransaction, entry: u64) -> Result<(), Fault> {
    let mut journals = transaction.open_table(tables::READ_TO).doing(WRITING)?;
    journals.insert("ledger", entry).doing(WRITING)?;
    Ok(())
}

#[async_trait]
impl AlertStore for RedbStore {
    async fn commit(&self, changes: &[AlertChange]) -> Result<(), AlertStoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let prefixes = Prefixes::of(changes).map_err(failed)?;
        let (changes, bounds) = (changes.to_vec(), self.inner.alerts);
        let written = self.inner.pen.write(move |turn| {
            Writing::open(turn.transaction()?, bounds)?.commit(&changes, &prefixes)
        });
        written.await.map_err(|error| failed(error.fault().clone()))
    }

    async fn unfinished(&self) -> Result<Unfinished, AlertStoreError> {
        self.inner.read(reading::unfinished).map_err(failed)
    }

    async fn history(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, AlertStoreError> {
        self.inner.read(|read| reading::history(read, query)).map_err(failed)
    }

    async fn dead_letters(&self) -> Result<DeadLetters, AlertStoreError> {
        self.inner.read(reading::dead_letters).map_err(failed)
    }
}

fn failed(fault: Fault) -> AlertStoreError {
    match fault.kind() {
        FaultKind::Corrupt => AlertStoreError::corrupt(fault),
        FaultKind::Io | FaultKind::Full | FaultKind::Closed => AlertStoreError::unavailable(fault),
    }
}
