//! Every case of the conformance suite of a registry: the one in memory, the same behind a pointer as callers hold
//! it, and the naive one of the test kit. The first and the last share no code, and answer random sequences alike.

use std::sync::Arc;

use proptest::prelude::*;
use safeguards_discovery::{MemoryRegistry, Registry};
use safeguards_testkit::{
    registry::{PlainRegistry, RegistryEnv, RegistrySetup, registry_sequences},
    registry_conformance,
};

fn memory(setup: RegistrySetup) -> MemoryRegistry {
    let RegistrySetup { clock, changes_kept, agents_max, .. } = setup;
    let registry = MemoryRegistry::builder().clock(clock);
    registry.changes_kept(changes_kept).agents_max(agents_max).build()
}

mod in_memory {
    use super::*;

    async fn make(setup: RegistrySetup) -> RegistryEnv {
        RegistryEnv::new(Arc::new(memory(setup)))
    }

    registry_conformance!(make);
}

mod erased {
    use super::*;

    async fn make(setup: RegistrySetup) -> RegistryEnv {
        let registry: Arc<dyn Registry> = Arc::new(memory(setup));
        RegistryEnv::new(Arc::new(registry))
    }

    registry_conformance!(make);
}

mod plain {
    use super::*;

    async fn make(setup: RegistrySetup) -> RegistryEnv {
        RegistryEnv::new(Arc::new(PlainRegistry::new(setup)))
    }

    registry_conformance!(make);
}

proptest! {
    #[test]
    fn the_one_in_memory_answers_as_the_naive_one(sequence in registry_sequences()) {
        let setup = sequence.setup();
        let (one, other) = (memory(setup.clone()), PlainRegistry::new(setup.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let played = runtime.block_on(sequence.play(&setup.clock, &one, &other));
        prop_assert!(played.is_ok(), "{}", played.unwrap_err());
    }
}
