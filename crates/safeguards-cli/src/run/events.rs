//! Facts of a run as they come from the runner: for the tests of what is shown.

use std::time::Duration;

use safeguards_api::TeamSpec;
use safeguards_budget::{Charge, MemoryLedger, OpenAccount, Receipt};
use safeguards_coord::{CostBasis, Reason, RunFact, RunId, State};
use safeguards_types::{AccountId, AgentId, OperationIds, Timestamp, requests, usd};

/// Two agents, of which each holds 0.10 USD, below a pool of 1 USD.
pub(super) fn team(strategy: &str) -> TeamSpec {
    let agent = |name: &str| {
        format!("[[agent]]\nname = \"{name}\"\ncommand = [\"true\"]\nestimate = \"0.10 USD\"\n")
    };
    let text = format!(
        "strategy = \"{strategy}\"\npool = {{ limits = [\"1.00 USD\"] }}\n{}{}",
        agent("first"),
        agent("second")
    );
    TeamSpec::parse(&text, "crew.toml").unwrap()
}

pub(super) fn run() -> RunId {
    RunId::of(OperationIds::seeded(7).mint(Timestamp::UNIX_EPOCH))
}

pub(super) fn run_started() -> RunFact {
    RunFact::RunStarted {
        team: "crew".to_owned(),
        pool: AccountId::from("crew"),
        strategy: "pipeline".to_owned(),
        agents: vec![AgentId::from("first"), AgentId::from("second")],
        deadline: Timestamp::parse("2026-01-05T09:00:00Z").unwrap(),
    }
}

pub(super) fn held() -> RunFact {
    RunFact::Held { amounts: [usd!(0.10), requests!(1)].into(), receipt: receipt() }
}

/// Half of it is drawn.
pub(super) fn progressed(text: &str) -> RunFact {
    RunFact::Progressed { text: text.to_owned(), drawn: usd!(0.05).into() }
}

pub(super) fn settled() -> RunFact {
    RunFact::Settled {
        amounts: [usd!(0.04), requests!(1)].into(),
        basis: CostBasis::Reported,
        cost_mismatch: None,
        receipt: receipt(),
    }
}

pub(super) fn ended(state: State) -> RunFact {
    let failed = || Reason::new("agent.failed", "the source\nis down");
    RunFact::StepEnded {
        state,
        reason: (!state.is_success()).then(failed),
        spent: [usd!(0.04), requests!(1)].into(),
        duration: Duration::from_millis(1_500),
        reused: false,
    }
}

pub(super) fn delegated(by: &str) -> RunFact {
    let deadline = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
    RunFact::StepStarted { deadline, delegated_by: Some(by.into()) }
}

pub(super) fn retrying() -> RunFact {
    RunFact::Retrying {
        reason: Reason::new("agent.failed", "the source\nis down"),
        spent: [usd!(0.04), requests!(1)].into(),
        wait: Duration::from_millis(1_500),
    }
}

pub(super) fn reused() -> RunFact {
    RunFact::StepEnded {
        state: State::Succeeded,
        reason: None,
        spent: [usd!(0.04), requests!(1)].into(),
        duration: Duration::from_millis(1_500),
        reused: true,
    }
}

/// Some receipt: what is shown does not depend on it.
fn receipt() -> Receipt {
    let ledger = MemoryLedger::new();
    let sync = ledger.sync();
    sync.open_account(OpenAccount::new("crew"), ledger.operation()).unwrap();
    sync.charge(Charge::new("crew", usd!(0.04)), ledger.operation()).unwrap()
}
