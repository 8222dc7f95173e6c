//! Every case of the suite, against a ledger whose futures wait and can be dropped on the way.

use std::sync::Arc;

use safeguards_budget::MemoryLedger;
use safeguards_testkit::{Fault, FaultyLedger, Setup, TestEnv, ledger_conformance};

async fn make(setup: Setup) -> TestEnv {
    let memory = MemoryLedger::with_bounds(setup.clock.clone(), setup.bounds);
    let ledger = FaultyLedger::new(Arc::new(memory));
    ledger.fail_always(Fault::Slow { yields: 5 });
    TestEnv::new(Arc::new(ledger), setup.clock)
}

ledger_conformance!(make);
