//! The blocking API: the same verbs without a runtime, refused where there is one.

use std::{error::Error, thread, time::Duration};

use safeguards_api::blocking::{BlockingError, Safeguards, WaitError};
use safeguards_budget::MemoryLedger;
use safeguards_coord::StateError;
use safeguards_notify::{StartError, Topic};
use safeguards_testkit::RecordingChannel;
use safeguards_types::{Priority, usd};

type Test = Result<(), Box<dyn Error>>;

#[test]
fn requests_of_both_versions_are_waited_for() -> Test {
    let sg = Safeguards::in_memory()?;
    let (v1, v2) = (sg.v1(), sg.v2());
    let pool = sg.wait(v2.pools().create("pool", usd!(5), Priority::P5))?;
    let reader = sg.wait(v2.agents().create("reader", usd!(4), Priority::P7).pool(&pool))?;
    sg.wait(v2.budget().charge(&reader, usd!(3), sg.operation()))?;
    assert_eq!(sg.wait(v1.budgets().get_budget(&reader.id))?, usd!(1));

    let denied = sg.wait(v2.budget().charge(&reader, usd!(2), sg.operation())).unwrap_err();
    let request = denied.request().ok_or("sent")?;
    assert_eq!(request.code(), "budget.limit_exceeded");
    assert_eq!(denied.to_string(), request.to_string());
    Ok(())
}

#[test]
fn alerts_are_delivered_on_a_thread_of_its_own() -> Test {
    let channel = RecordingChannel::new();
    let parts = Safeguards::builder(MemoryLedger::new()).channel("ops", channel.clone());
    let sg = Safeguards::new(parts.build()?)?;
    let running = sg.start()?;
    assert_eq!(sg.start().unwrap_err().request(), Some(&StartError::AlreadyRunning));
    let reader = sg.wait(sg.v2().agents().create("reader", usd!(1), Priority::P5))?;
    sg.wait(sg.v2().budget().charge(&reader, usd!(1), sg.operation()))?;
    let told = sg.block_on(channel.wait_for(1))?;
    let topic: &Topic = told[0].notification().latest().topic();
    assert_eq!(topic.as_str(), "budget.threshold");
    // What runs keeps its thread.
    drop(sg);
    assert!(running.stop()?.is_empty());
    Ok(())
}

#[test]
fn whoever_waits_is_woken_by_other_threads_and_by_time() -> Test {
    let sg = Safeguards::in_memory()?;
    let state = sg.inner().state().clone();
    let patience = Duration::from_millis(1);
    let waited = sg.wait(state.wait_for("a", "key", |_| true, patience)).unwrap_err();
    assert!(matches!(waited.request(), Some(StateError::TimedOut { .. })), "{waited}");
    let other = sg.clone();
    let writer = thread::spawn(move || other.wait(other.inner().state().set("b", "key", 7)));
    let value = sg.wait(state.wait_for("a", "key", |_| true, Duration::from_mins(1)))?;
    assert_eq!(*value, 7);
    writer.join().map_err(|_| "the writer panicked")??;
    Ok(())
}

#[test]
fn inside_a_runtime_it_is_refused_and_nothing_is_sent() -> Test {
    let sg = Safeguards::in_memory()?;
    let running = sg.start()?;
    let create = || sg.v2().agents().create("reader", usd!(1), Priority::P5);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let refused = sg.wait(create()).unwrap_err();
        assert!(matches!(refused, WaitError::Blocking(BlockingError::InsideRuntime)), "{refused}");
        assert!(refused.to_string().contains("await"), "{refused}");
        let refused = Safeguards::in_memory().unwrap_err();
        assert_eq!(refused.code(), "api.blocking_inside_runtime");
        assert!(sg.block_on(async {}).is_err() && sg.start().is_err());
        assert!(running.stop().is_err());
        // To drop the last one is no call.
        drop(Safeguards::clone(&sg));
    });
    assert!(sg.v2().agents().list().is_empty());
    sg.wait(create())?;
    Ok(())
}
