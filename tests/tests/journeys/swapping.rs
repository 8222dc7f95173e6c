//! Each part is swapped, and the journey stays the same: on the parts in memory, on parts that fail now and then, and on
//! somebody's own.

mod journey;
mod own_parts;
mod own_state;

use std::{error::Error, sync::Arc};

use safeguards::prelude::*;
use safeguards_budget::MemoryLedger;
use safeguards_coord::{MemoryRunStore, MemoryStateStore, RunQuery, State};
use safeguards_discovery::MemoryRegistry;
use safeguards_notify::MemoryAlertStore;
use safeguards_testkit::{
    Fault, FaultyAlertStore, FaultyChannel, FaultyLedger, PausedClock, RecordingChannel,
    alerts::{ChannelFault, StoreFault},
    registry::{FaultyRegistry, RegistryCall, RegistryFault},
    runs::{FaultyRunStore, RunStoreFault},
    state::{FaultyStateStore, StateCall, StateFault, StateSetup},
};

use self::{
    journey::{expected, play},
    own_parts::{Metered, Pager},
    own_state::Diary,
};

type Test = Result<(), Box<dyn Error>>;

#[tokio::test(start_paused = true)]
async fn on_the_parts_in_memory() -> Test {
    let clock = PausedClock::new();
    let channel = RecordingChannel::new();
    let ledger = MemoryLedger::with_clock(clock);
    let sg = Safeguards::builder(ledger).channel("ops", channel.clone()).build()?;
    let (told, failed) = play(&sg, || channel.deliveries(), || ()).await?;
    assert_eq!((told, failed), (expected(), vec![]));
    Ok(())
}

/// Every other call: now it never arrives, now its answer is lost.
fn every_other<F: Copy>(before: F, after: F) -> impl FnMut() -> Option<F> {
    let mut calls = 0_usize;
    move || {
        calls += 1;
        match calls % 4 {
            1 => Some(before),
            3 => Some(after),
            _ => None,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn on_parts_that_fail_what_fails_is_told_and_nothing_is_lost_or_done_twice() -> Test {
    let clock = PausedClock::new();
    let recorded = RecordingChannel::new();
    let ledger = FaultyLedger::new(Arc::new(MemoryLedger::with_clock(clock.clone())));
    let runs = FaultyRunStore::new(MemoryRunStore::new());
    let state = FaultyStateStore::new(MemoryStateStore::builder().clock(clock.clone()).build());
    let registry = FaultyRegistry::new(MemoryRegistry::builder().clock(clock.clone()).build());
    let alerts = FaultyAlertStore::new(MemoryAlertStore::new());
    let channel = FaultyChannel::new(recorded.clone());

    let mut fault = every_other(Fault::Before, Fault::After);
    ledger.plan(move |_| fault());
    let mut fault = every_other(RunStoreFault::Before, RunStoreFault::After);
    runs.plan(move |_| fault());
    let mut fault = every_other(StateFault::Before, StateFault::After);
    state.plan(move |call| if call == StateCall::Sweep { None } else { fault() });
    let mut fault = every_other(RegistryFault::Before, RegistryFault::After);
    let is_asked = |call| matches!(call, RegistryCall::Register | RegistryCall::Find);
    registry.plan(move |call| if is_asked(call) { fault() } else { None });
    let mut fault = every_other(StoreFault::Before, StoreFault::After);
    alerts.plan(move |_| fault());
    let mut fault = every_other(ChannelFault::Down, ChannelFault::AnswerLost);
    channel.plan(move |_| fault());

    let sg = Safeguards::builder(ledger.clone())
        .clock(clock)
        .run_store(runs.clone())
        .state_store(state.clone())
        .registry(registry.clone())
        .alert_store(alerts.clone())
        .channel("ops", channel.clone())
        .build()?;
    let mend = || {
        runs.mend();
        state.mend();
        registry.mend();
        alerts.mend();
        ledger.mend();
    };
    let (told, failed) = play(&sg, || recorded.deliveries(), mend).await?;
    assert_eq!(told, expected());
    for code in [
        "ledger.not_applied",
        "ledger.outcome_unknown",
        "state.unavailable",
        "discovery.unavailable",
    ] {
        assert!(failed.iter().any(|known| known == code), "{code} was not told: {failed:?}");
    }
    // What the team and the alerts try again by themselves.
    assert!(channel.attempts().len() > told.delivered.len() && alerts.commits() > 1);
    assert!(runs.calls() > told.runs.1 + 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_down_is_told_and_nothing_is_half_done() -> Test {
    let clock = PausedClock::new();
    let memory = MemoryLedger::with_clock(clock.clone());
    let ledger = FaultyLedger::new(Arc::new(memory.clone()));
    let runs = FaultyRunStore::new(MemoryRunStore::new());
    let sg = Safeguards::builder(ledger.clone()).clock(clock).run_store(runs.clone()).build()?;
    let v2 = sg.v2();
    let agents = v2.agents();

    // Who could not be made is nowhere.
    ledger.fail_always(Fault::Before);
    let error = agents.create("writer", usd!(1), P5).await.unwrap_err();
    assert_eq!(error.code(), "ledger.not_applied");
    assert!(
        agents.list().is_empty()
            && memory.sync().snapshot() == MemoryLedger::new().sync().snapshot()
    );
    ledger.mend();
    agents.create("writer", usd!(1), P5).await?;

    let write = agent_fn("writer", |_: Task, _| async { Ok(Reply::text("done").cost(usd!(0.42))) });
    let team = Team::new("crew", "writer", [Member::new(write, usd!(0.50))])?;
    let job = v2.operation();
    let run = async || {
        let options = RunOptions::new(job);
        sg.runner().run(&team, Task::new("write"), &Pipeline::new(), options).await
    };
    let left = async || {
        let account = v2.budget().account("writer").await.unwrap().unwrap();
        let usage = account.limit(usd!(0).unit(), &Window::Lifetime).unwrap();
        (usage.spent.to_string(), usage.held.to_string())
    };

    // A run that cannot be written down does not begin, and spends nothing.
    runs.fail_always(RunStoreFault::Before);
    assert_eq!(run().await.unwrap_err().code(), "runs.unavailable");
    assert_eq!(left().await, ("0".to_owned(), "0".to_owned()));
    runs.mend();
    assert!(sg.run_store().runs(&RunQuery::all()).await?.is_empty());

    // A step whose estimate cannot be held does not begin; its run ends, and says why.
    ledger.fail_always(Fault::Before);
    let report = run().await?;
    assert_eq!((report.state, report.steps[0].state), (State::Failed, State::Failed));
    let reason = report.steps[0].reason.as_ref().ok_or("a reason")?.to_string();
    assert!(reason.contains("ledger"), "{reason}");
    ledger.mend();
    assert_eq!(left().await, ("0".to_owned(), "0".to_owned()));

    // It goes on when all is well, and is paid once.
    let options = RunOptions::new(job);
    let report = sg.runner().resume(&team, &report.run, &Pipeline::new(), options).await?;
    assert!(report.state.is_success(), "{report:?}");
    assert_eq!(left().await, ("0.42".to_owned(), "0".to_owned()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn on_somebody_s_own_ledger_channel_and_store() -> Test {
    let clock = PausedClock::new();
    let setup = StateSetup::large();
    let (ledger, state) =
        (Metered::new(MemoryLedger::with_clock(clock.clone())), Diary::new(setup));
    let pager = Pager::default();
    let sg = Safeguards::builder(ledger.clone())
        .clock(clock)
        .state_store(state.clone())
        .channel("pager", pager.clone())
        .build()?;
    let (told, failed) = play(&sg, || pager.deliveries(), || ()).await?;
    assert_eq!((told, failed), (expected(), vec![]));
    assert_eq!(ledger.denied(), 1);
    assert!(state.calls() > 2);
    Ok(())
}
