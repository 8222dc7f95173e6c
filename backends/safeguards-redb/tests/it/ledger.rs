//! The suite of every ledger, each case on a file of its own.

use std::{path::Path, sync::Arc};

use safeguards_budget::Ledger;
use safeguards_redb::{KeepEntries, RedbOptions, RedbStore};
use safeguards_testkit::{Setup, TestEnv, ledger_conformance};

async fn make(setup: Setup) -> TestEnv {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    let clock = setup.clock.clone();
    let open = move || open(&path, &setup);
    let ledger = open();
    TestEnv::new(ledger, clock)
        .reopens(move || {
            let ledger = open();
            async move { ledger }
        })
        .keeping(folder)
}

fn open(path: &Path, setup: &Setup) -> Arc<dyn Ledger> {
    let mut options = RedbOptions::default();
    options.clock = Arc::new(setup.clock.clone());
    options.bounds = setup.bounds;
    // The suite wants entries to be forgotten with their operations.
    options.keep_entries = KeepEntries::AsRemembered;
    let store: RedbStore = options.open(path).unwrap();
    Arc::new(store)
}

ledger_conformance!(make, durable);
