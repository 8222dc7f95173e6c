//! The driver: what is told while it runs, and that without it nothing is wrong, only later.

use std::{error::Error, time::Duration};

use safeguards_api::Safeguards;
use safeguards_budget::{LedgerExt, MemoryLedger, PlaceHold};
use safeguards_coord::{Revision, StateKey, StateWrite};
use safeguards_notify::StartError;
use safeguards_testkit::PausedClock;
use safeguards_types::{AgentId, Clock, Priority, usd};
use tokio::time::{sleep, timeout};

type Test = Result<(), Box<dyn Error>>;

const TTL: Duration = Duration::from_secs(30);

fn on_paused_time() -> Result<(Safeguards, PausedClock), Box<dyn Error>> {
    let clock = PausedClock::new();
    let ledger = MemoryLedger::with_clock(clock.clone());
    Ok((Safeguards::builder(ledger).clock(clock.clone()).build()?, clock))
}

/// Writes a key that lives for [`TTL`], and gives its revision.
async fn write_key(sg: &Safeguards) -> Result<(AgentId, StateKey, Revision), Box<dyn Error>> {
    let (agent, key) = (AgentId::from("a"), StateKey::parse("job")?);
    let write = StateWrite::new(&key, 1)?.ttl(TTL);
    let revision = sg.state().write(agent.clone(), write).await?;
    Ok((agent, key, revision))
}

#[tokio::test(start_paused = true)]
async fn keys_that_run_out_are_told_while_it_runs() -> Test {
    let (sg, clock) = on_paused_time()?;
    let running = sg.start()?;
    // So that the driver sleeps, for a minute, when the key comes.
    sleep(Duration::from_secs(1)).await;
    let written_at = clock.now();
    let (_, key, revision) = write_key(&sg).await?;
    // Nobody calls: the store wakes who waits there because it is swept.
    timeout(2 * TTL, sg.state().store().changed(&(&key).into(), revision)).await??;
    let span = clock.now().since(written_at);
    assert!((TTL..TTL + Duration::from_millis(200)).contains(&span), "{span:?}");

    // An end that is set later is seen as well.
    let (agent, key, revision) = write_key(&sg).await?;
    let terms = safeguards_coord::StateTerms::of(&key)?.ttl(TTL / 3);
    let revision = sg.state().amend(agent, terms).await?.max(revision);
    let amended_at = clock.now();
    timeout(2 * TTL, sg.state().store().changed(&(&key).into(), revision)).await??;
    assert!(clock.now().since(amended_at) < TTL / 2);
    let _ = running.stop().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_it_nothing_is_wrong_only_later() -> Test {
    let (sg, clock) = on_paused_time()?;
    sg.v2().agents().create("a", usd!(1), Priority::P5).await?;
    let ran_out_at = clock.now().saturating_add(TTL);
    let (agent, key, revision) = write_key(&sg).await?;
    let hold = PlaceHold::new("a", usd!(1), TTL);
    let _hold = sg.ledger().place_hold(hold, sg.operation()).await?;
    let store = sg.state().store();
    // Who only waits is not told,
    let scope = (&key).into();
    assert!(timeout(2 * TTL, store.changed(&scope, revision)).await.is_err(), "told by whom?");
    // but whoever asks hears the truth, as of the instant when it became true:
    assert_eq!(sg.state().get(agent.clone(), &key).await?.value(), None);
    let changes = store.changes(&agent, &scope, revision, 10).await?.changes;
    assert_eq!(changes.iter().map(|change| change.at).collect::<Vec<_>>(), [ran_out_at]);
    timeout(TTL, store.changed(&scope, revision)).await??;
    // the hold holds nothing any more.
    sg.v2().budget().charge("a", usd!(1), sg.operation()).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn it_runs_once_and_may_be_started_again() -> Test {
    let (sg, _) = on_paused_time()?;
    let running = sg.start()?;
    assert_eq!(sg.start().err(), Some(StartError::AlreadyRunning));
    assert_eq!(sg.clone().start().err(), Some(StartError::AlreadyRunning), "clones are the same");
    assert!(running.stop().await.is_empty());

    let running = sg.start()?;
    drop(running);
    // Its tasks end at their next turn.
    sleep(Duration::from_millis(1)).await;
    let running = sg.start()?;
    assert!(running.stop_within(Duration::ZERO).await.is_empty());
    Ok(())
}

#[test]
fn it_needs_a_runtime() {
    let sg = Safeguards::in_memory();
    assert_eq!(sg.start().err(), Some(StartError::NoRuntime));
}
