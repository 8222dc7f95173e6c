//! Every case of the conformance suite of a registry, against the one in memory; and that one beside the naive one of
//! the test kit, under random sequences.

use std::sync::Arc;

use proptest::prelude::*;
use safeguards_discovery::{MemoryRegistry, Registry};
use safeguards_testkit::{
    registry::{PlainRegistry, RegistryEnv, RegistrySetup, registry_sequences},
    registry_conformance,
};

fn memory_registry(setup: RegistrySetup) -> MemoryRegistry {
    MemoryRegistry::builder()
        .clock(setup.clock)
        .changes_kept(setup.changes_kept)
        .agents_max(setup.agents_max)
        .build()
}

mod memory {
    use super::*;

    async fn make(setup: RegistrySetup) -> RegistryEnv {
        RegistryEnv::new(Arc::new(memory_registry(setup)))
    }

    registry_conformance!(make);
}

/// The same behind a pointer to a registry of any type, as callers hold it.
mod erased {
    use super::*;

    async fn make(setup: RegistrySetup) -> RegistryEnv {
        let registry: Arc<dyn Registry> = Arc::new(memory_registry(setup));
        RegistryEnv::new(Arc::new(registry))
    }

    registry_conformance!(make);
}

proptest! {
    /// The one in memory, and the naive one, which shares no code with it. `PROPTEST_CASES` makes this long.
    #[test]
    fn two_registries_answer_alike(sequence in registry_sequences()) {
        let setup = sequence.setup();
        let (one, other) = (memory_registry(setup.clone()), PlainRegistry::new(setup.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let played = runtime.block_on(sequence.play(&setup.clock, &one, &other));
        prop_assert!(played.is_ok(), "{}", played.unwrap_err());
    }
}
