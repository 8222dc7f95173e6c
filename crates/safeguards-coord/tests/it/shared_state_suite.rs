//! Every case of the conformance suite of a store of shared state, against the one in memory; and that one beside the
//! naive one of the test kit, under random sequences.

use std::sync::Arc;

use proptest::prelude::*;
use safeguards_coord::{MemoryStateStore, StateStore};
use safeguards_testkit::{
    state::{PlainStateStore, StateEnv, StateSetup, state_sequences},
    state_store_conformance,
};

fn memory_store(setup: StateSetup) -> MemoryStateStore {
    MemoryStateStore::builder()
        .clock(setup.clock)
        .keys_max(setup.keys_max)
        .bytes_max(setup.bytes_max)
        .history_kept(setup.history_kept)
        .changes_kept(setup.changes_kept)
        .build()
}

mod memory {
    use super::*;

    async fn make(setup: StateSetup) -> StateEnv {
        StateEnv::new(Arc::new(memory_store(setup)))
    }

    state_store_conformance!(make);
}

/// The same behind a pointer to a store of any type, as callers hold it.
mod erased {
    use super::*;

    async fn make(setup: StateSetup) -> StateEnv {
        let store: Arc<dyn StateStore> = Arc::new(memory_store(setup));
        StateEnv::new(Arc::new(store))
    }

    state_store_conformance!(make);
}

proptest! {
    /// The one in memory, and the naive one, which shares no code with it. `PROPTEST_CASES` makes this long.
    #[test]
    fn two_stores_answer_alike(sequence in state_sequences()) {
        let setup = sequence.setup();
        let (one, other) = (memory_store(setup.clone()), PlainStateStore::new(setup.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let played = runtime.block_on(sequence.play(&setup.clock, &one, &other));
        prop_assert!(played.is_ok(), "{}", played.unwrap_err());
    }
}
