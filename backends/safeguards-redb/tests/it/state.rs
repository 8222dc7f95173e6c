//! The suite of every store of shared state, each case on a file of its own, and what only a file can get wrong.

use std::{path::Path, sync::Arc};

use safeguards_coord::{StateStore, StateStoreBounds};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_testkit::state::{StateEnv, StateSetup};
use safeguards_types::SimClock;

fn bounds_of(setup: &StateSetup) -> StateStoreBounds {
    let mut bounds = StateStoreBounds::default();
    (bounds.keys_max, bounds.bytes_max) = (setup.keys_max, setup.bytes_max);
    (bounds.history_kept, bounds.changes_kept) = (setup.history_kept, setup.changes_kept);
    bounds
}

fn open(path: &Path, clock: &SimClock, bounds: StateStoreBounds) -> RedbStore {
    let mut options = RedbOptions::default();
    options.clock = Arc::new(clock.clone());
    options.state = bounds;
    options.open(path).unwrap()
}

mod suite {
    use safeguards_testkit::state_store_conformance;

    use super::*;

    async fn make(setup: StateSetup) -> StateEnv {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.redb");
        let open = move || -> Arc<dyn StateStore> {
            Arc::new(open(&path, &setup.clock, bounds_of(&setup)))
        };
        StateEnv::new(open())
            .reopens(move || {
                let store = open();
                async move { store }
            })
            .keeping(folder)
    }

    state_store_conformance!(make, durable);
}
