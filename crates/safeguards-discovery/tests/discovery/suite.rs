//! Every case of the conformance suite of a registry, against the naive one of the test kit.

use std::sync::Arc;

use proptest::prelude::*;
use safeguards_discovery::Registry;
use safeguards_testkit::{
    registry::{PlainRegistry, RegistryEnv, RegistrySetup, registry_sequences},
    registry_conformance,
};

/// The one that shares no code with the one in memory: what the suite asks for can be had.
mod plain {
    use super::*;

    async fn make(setup: RegistrySetup) -> RegistryEnv {
        RegistryEnv::new(Arc::new(PlainRegistry::new(setup)))
    }

    registry_conformance!(make);
}

/// The same behind a pointer to a registry of any type, as callers hold it.
mod erased {
    use super::*;

    async fn make(setup: RegistrySetup) -> RegistryEnv {
        let registry: Arc<dyn Registry> = Arc::new(PlainRegistry::new(setup));
        RegistryEnv::new(Arc::new(registry))
    }

    registry_conformance!(make);
}

proptest! {
    /// Until there is another registry beside it, the naive one is held against itself: no two of it may differ.
    #[test]
    fn two_registries_answer_alike(sequence in registry_sequences()) {
        let setup = sequence.setup();
        let (one, other) = (PlainRegistry::new(setup.clone()), PlainRegistry::new(setup.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let played = runtime.block_on(sequence.play(&setup.clock, &one, &other));
        prop_assert!(played.is_ok(), "{}", played.unwrap_err());
    }
}
