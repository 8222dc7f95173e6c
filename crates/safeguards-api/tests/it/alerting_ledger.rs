//! A ledger that alerts is a ledger like any other: the conformance suite around the one in memory.

use std::sync::Arc;

use safeguards_api::AlertingLedger;
use safeguards_budget::MemoryLedger;
use safeguards_notify::Alerts;
use safeguards_testkit::{Setup, TestEnv, ledger_conformance};

async fn make(Setup { clock, bounds, .. }: Setup) -> TestEnv {
    let memory = Arc::new(MemoryLedger::with_bounds(clock.clone(), bounds));
    TestEnv::new(Arc::new(AlertingLedger::new(memory, Alerts::new())), clock)
}

ledger_conformance!(make);
