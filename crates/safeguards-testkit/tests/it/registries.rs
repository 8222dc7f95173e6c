//! Every case of the suite of a registry, against the naive one; and that each case stands in its lists.

use std::sync::Arc;

use safeguards_discovery::Registry;
use safeguards_testkit::{
    registry::{PlainRegistry, RegistryEnv, RegistrySetup},
    registry_conformance,
};

mod plain {
    use super::*;

    async fn make(setup: RegistrySetup) -> RegistryEnv {
        RegistryEnv::new(Arc::new(PlainRegistry::new(setup)))
    }

    registry_conformance!(make);
}
