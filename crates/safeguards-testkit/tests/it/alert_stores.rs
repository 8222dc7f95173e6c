//! Every case for stores of alerts, against the one in memory, one that fails not, and one that replays a file.

mod memory {
    use std::sync::Arc;

    use safeguards_notify::MemoryAlertStore;
    use safeguards_testkit::{StoreEnv, StoreSetup, alert_store_conformance};

    async fn make(setup: StoreSetup) -> StoreEnv {
        StoreEnv::new(Arc::new(MemoryAlertStore::with_bounds(setup.bounds)))
    }

    alert_store_conformance!(make);
}

mod wrapped {
    use std::sync::Arc;

    use safeguards_notify::MemoryAlertStore;
    use safeguards_testkit::{FaultyAlertStore, StoreEnv, StoreSetup, alert_store_conformance};

    async fn make(_: StoreSetup) -> StoreEnv {
        // Twice, since an `Arc` of a store is a store.
        let inner = Arc::new(FaultyAlertStore::new(MemoryAlertStore::new()));
        StoreEnv::new(Arc::new(FaultyAlertStore::new(inner)))
    }

    alert_store_conformance!(make, fixed_bounds);
}

mod file {
    use std::sync::Arc;

    use safeguards_notify::AlertStore;
    use safeguards_testkit::{StoreEnv, StoreSetup, alert_store_conformance};

    use crate::replayed::ReplayedStore;

    async fn make(setup: StoreSetup) -> StoreEnv {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        let (again, torn) = (path.clone(), path.clone());
        let open =
            move || -> Arc<dyn AlertStore> { Arc::new(ReplayedStore::open(&again, setup.bounds)) };
        let reopen = open.clone();
        let tear = move || -> Arc<dyn AlertStore> {
            ReplayedStore::tear(&torn);
            Arc::new(ReplayedStore::open(&torn, setup.bounds))
        };
        StoreEnv::new(open())
            .reopens(move || std::future::ready(reopen()))
            .tears(move || std::future::ready(tear()))
            .keeping(folder)
    }

    alert_store_conformance!(make, durable, tears);
}
