//! One durable file for Safeguards: kill it anywhere, lose nothing that was answered.
//!
//! A [`RedbStore`] is opened at a path, and is a [`Ledger`](budget::Ledger), a registry of agents, a store of shared state, a
//! store of runs and a store of alerts. What it answers is on the disk.
//!
//! ```
//! use safeguards_redb::{RedbStore, budget::{LedgerExt, OpenAccount}};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let folder = tempfile::tempdir()?;
//! let store = RedbStore::open(folder.path().join("fleet.redb"))?;
//! store.open_account(OpenAccount::new("reader"), store.operation()).await?;
//!
//! // One process at a time opens a file, and this one does already.
//! let error = RedbStore::open(folder.path().join("fleet.redb")).unwrap_err();
//! assert_eq!(error.code(), "store.in_use");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`RedbOptions`] say how a file is opened: with which clock, how much the ledger and the stores take, how long entries are
//!   kept.
//! - [`OpenError`] is why it was not, with the [`Owner`] where somebody else has it.
//! - [`RedbOptions::check`] says what in a file does not fit together; [`RedbStore::dump`] and [`RedbOptions::load`] move one as
//!   JSON lines.
//! - [`RedbOptions::compact`] gives back room that nothing is in.
//! - [`Fault`] is what went wrong with a file that is open: it stands behind the errors of the seams.
//!
//! What is promised, what is not, and how to back up: the guide on durability.

mod alerts;
mod cells;
mod check;
mod compaction;
mod dump;
mod error;
mod format;
mod ledger;
mod load;
mod naming;
mod owner;
mod registry;
mod rows;
mod runs;
mod state;
mod store;
mod writer;

/// What the ledger is asked and answers.
pub use safeguards_budget as budget;
/// Amounts, names, time.
pub use safeguards_types as types;

pub use self::{
    check::Checked,
    compaction::Compacted,
    dump::DumpError,
    error::{Fault, FaultKind, OpenError},
    format::MAGIC,
    ledger::KeepEntries,
    load::LoadError,
    owner::Owner,
    store::{RedbOptions, RedbStore},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
