//! Every case of the suite, against the ledger in memory.

use std::sync::Arc;

use safeguards_budget::MemoryLedger;
use safeguards_testkit::{Setup, TestEnv, ledger_conformance};

async fn make(setup: Setup) -> TestEnv {
    let ledger = MemoryLedger::with_bounds(setup.clock.clone(), setup.bounds);
    TestEnv::new(Arc::new(ledger), setup.clock)
}

ledger_conformance!(make);
