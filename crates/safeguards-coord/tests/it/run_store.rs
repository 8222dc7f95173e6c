//! The run store in memory: every case of the suite, the same answers as the naive one, and what is written down as JSON.

use std::sync::Arc;

use proptest::prelude::*;
use safeguards_coord::{MemoryRunStore, RunEntry, RunHead, RunStore};
use safeguards_testkit::runs::{
    PlainRunStore, RunHeads, RunStoreEnv, RunStoreSetup, run_store_sequences, sample_entries,
};

mod memory {
    use safeguards_testkit::run_store_conformance;

    use super::*;

    async fn make(setup: RunStoreSetup) -> RunStoreEnv {
        RunStoreEnv::new(Arc::new(MemoryRunStore::with_bounds(setup.bounds)))
    }

    run_store_conformance!(make);
}

/// The same, erased.
mod erased {
    use safeguards_testkit::run_store_conformance;

    use super::*;

    async fn make(setup: RunStoreSetup) -> RunStoreEnv {
        let store: Arc<dyn RunStore> = Arc::new(MemoryRunStore::with_bounds(setup.bounds));
        RunStoreEnv::new(Arc::new(store))
    }

    run_store_conformance!(make);
}

proptest! {
    #[test]
    fn two_run_stores_answer_alike(sequence in run_store_sequences()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let one = MemoryRunStore::with_bounds(sequence.bounds);
        let other = PlainRunStore::new(sequence.setup());
        if let Err(difference) = runtime.block_on(sequence.play(&one, &other)) {
            return Err(TestCaseError::fail(difference));
        }
    }
}

#[test]
fn entries_are_written_as_they_always_were() {
    for (entry, text) in sample_entries() {
        assert_eq!(serde_json::to_string(&entry).unwrap(), text);
        assert_eq!(serde_json::from_str::<RunEntry>(text).unwrap(), entry);
    }
}

#[test]
fn heads_are_written_as_they_always_were() {
    let head = RunHeads::new().head("r");
    let text = concat!(
        r#"{"run":"r","op":"OP","team":"team","pool":"pool","strategy":"pipeline","agents":["a","b"],"#,
        r#""task":{"task":"work"},"started_at":"2026-01-05T09:00:00Z","deadline":"2026-01-05T09:10:00Z"}"#,
    );
    let text = text.replace("OP", &head.op.to_string());
    assert_eq!(serde_json::to_string(&head).unwrap(), text);
    assert_eq!(serde_json::from_str::<RunHead>(&text).unwrap(), head);
    assert!(serde_json::from_str::<RunHead>(&text.replace("pool", "purse")).is_err());
}
