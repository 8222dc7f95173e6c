//! Ours: a store in a folder of its own, with three accounts below each other.
#![allow(dead_code, reason = "the bench of memory uses a part of this")]

use std::{fs, path::PathBuf, time::Duration};

use safeguards_budget::{Action, Batch, Charge, Command, Ledger, LedgerExt, Limit, OpenAccount};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_types::usd;
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::bench::now;

/// How many charges are handed over at once where only their entries are wanted.
const AT_ONCE: u32 = 1_000;

/// A store, and the runtime that its writers run in.
pub(crate) struct Ours {
    folder: TempDir,
    runtime: Runtime,
    store: Option<RedbStore>,
}

/// The accounts that are charged, parents first.
pub(crate) fn openings() -> [OpenAccount; 3] {
    let account = |name: &str| OpenAccount::new(name).limit(Limit::lifetime(usd!(1_000_000)));
    [account("org"), account("team").under("org"), account("agent").under("team")]
}

/// When the accounts are written down besides the entries, so that opening need not follow them all.
#[derive(Clone, Copy)]
pub(crate) enum Snapshots {
    /// As they come.
    Default,
    /// Not after the first entries.
    Never,
}

fn options(snapshots: Snapshots) -> RedbOptions {
    let mut options = RedbOptions::default();
    if matches!(snapshots, Snapshots::Never) {
        options.snapshot_every = u64::MAX;
    }
    options
}

impl Ours {
    pub(crate) fn open() -> Self {
        Self::open_with(Snapshots::Default)
    }

    fn open_with(snapshots: Snapshots) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let store = options(snapshots).open(folder.path().join("fleet.redb")).unwrap();
        runtime.block_on(async {
            for open in openings() {
                store.open_account(open, store.operation()).await.unwrap();
            }
        });
        Self { folder, runtime, store: Some(store) }
    }

    /// So many charges by so many writers, each waiting for its answer: how long all took, and how long each waited.
    pub(crate) fn charge(&self, writers: u32, count: u32) -> (Duration, Vec<Duration>) {
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

    /// How long an answer takes at most for so many of a hundred of these writers, in nanoseconds.
    pub(crate) fn waits(&self, writers: u32, percent: usize) -> f64 {
        let mut waits = self.charge(writers, writers * 100).1;
        waits.sort_unstable();
        waits[(waits.len() - 1) * percent / 100].as_secs_f64() * 1e9
    }

    /// The bytes of the file.
    pub(crate) fn size(&self) -> u64 {
        fs::metadata(self.path()).unwrap().len()
    }

    /// A file with so many charges, whose process was killed, as it were.
    pub(crate) fn killed(count: u32, snapshots: Snapshots) -> Self {
        let mut ours = Self::open_with(snapshots);
        let store = ours.store.take().unwrap();
        ours.runtime.block_on(async {
            for _ in 0..count / AT_ONCE {
                let charge = || Action::from(Charge::new("agent", usd!(0.01)));
                let commands: Vec<_> =
                    (0..AT_ONCE).map(|_| Command::new(store.operation(), charge())).collect();
                store.submit(Batch::independent(commands)).await.unwrap();
            }
        });
        // To close it writes the accounts down.
        let copy = ours.folder.path().join("copy.redb");
        fs::copy(ours.path(), &copy).unwrap();
        drop(store);
        fs::rename(copy, ours.path()).unwrap();
        ours
    }

    /// Opens a copy: what is opened is closed again, which writes the accounts down.
    pub(crate) fn open_copy(&self) -> (Duration, RedbStore) {
        let copy = self.folder.path().join("again.redb");
        fs::copy(self.path(), &copy).unwrap();
        let begin = now();
        let store = options(Snapshots::Default).open(&copy).unwrap();
        (now() - begin, store)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("fleet.redb")
    }
}
