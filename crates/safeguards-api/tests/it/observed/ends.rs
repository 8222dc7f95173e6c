//! How runs and attempts end: denied, timed out, cancelled, abandoned.

use std::{future::pending, sync::mpsc, time::Duration};

use metrics::set_default_local_recorder;
use metrics_util::debugging::DebuggingRecorder;
use parking_lot::Mutex;
use safeguards_coord::{
    BlockingPool, Descriptor, FanOut, Member, Pipeline, Reply, State, agent_fn, blocking_fn,
};
use safeguards_types::usd;

use super::{
    capture::{Captured, Fields},
    office::{Office, check, counts, watch},
    page::{check_counted, check_told},
};

#[tokio::test(start_paused = true)]
async fn every_way_to_end_is_told_and_counted() {
    let recorder = DebuggingRecorder::new();
    let _counting = set_default_local_recorder(&recorder);
    let office = Office::new().await;
    let (captured, _guard) = watch();

    // Denied: the pool has 3 USD.
    let never = || agent_fn("a", |_, _| async { Ok(Reply::text("never")) });
    let denied = office.run([Member::new(never(), usd!(4))], &Pipeline::new()).await;
    assert_eq!(denied.state, State::Denied);

    // Timed out: it heeds nothing, but can be cut off once its grace is over.
    let slow = agent_fn("a", |_, _| async { pending().await });
    let slow = Member::new(slow, usd!(0.5)).timeout(Duration::from_secs(5));
    assert_eq!(office.run([slow], &Pipeline::new()).await.state, State::TimedOut);

    // Cancelled by the caller, who drops the run.
    let slow = agent_fn("b", |_, _| async { pending().await });
    let everybody = FanOut::to_everybody();
    let run = office.run([Member::new(slow, usd!(0.5))], &everybody);
    assert!(tokio::time::timeout(Duration::from_secs(1), run).await.is_err());
    tokio::time::sleep(Duration::from_mins(1)).await;

    let [denial, timeout, cancelled] = [
        ["denied", "budget.limit_exceeded", "ERROR"],
        ["timed_out", "agent.timed_out", "ERROR"],
        ["cancelled", "agent.cancelled", "ERROR"],
    ];
    let dropped = ["cancelled", "run.cancelled", "ERROR"];
    assert_eq!(ended(&captured, "safeguards.run"), [denial, timeout, dropped]);
    assert_eq!(ended(&captured, "safeguards.attempt"), [denial, timeout, cancelled]);
    let [event] = captured.events("safeguards.denied").try_into().unwrap();
    assert_eq!(event.fields["safeguards.account"], "pool");
    let [event] = captured.events("safeguards.command_denied").try_into().unwrap();
    assert_eq!(event.fields["safeguards.denial.code"], "budget.limit_exceeded");
    assert_eq!(captured.way_to(event.span).last(), Some(&"safeguards.command"));

    let counts = counts(&recorder.snapshotter());
    for state in ["denied", "timed_out", "cancelled"] {
        check(&counts, &format!("safeguards.runs{{safeguards.state={state}}}"), "1");
        check(&counts, &format!("safeguards.steps{{safeguards.state={state}}}"), "1");
    }
    for operation in ["invoke_agent", "invoke_workflow"] {
        let labels = format!("gen_ai.operation.name={operation},safeguards.state=timed_out");
        check(&counts, &format!("gen_ai.invoke_agent.duration{{{labels}}}"), "7");
    }
    check(&counts, "safeguards.runs.active{}", "0");
    check(&counts, "safeguards.attempts.active{}", "0");
    check(&counts, "safeguards.denials{safeguards.denial.code=budget.limit_exceeded}", "1");
    check(&counts, "safeguards.spent{safeguards.unit=USD}", "1");
    check(&counts, "safeguards.spent{safeguards.unit=requests}", "2");
    let commands = "safeguards.commands{safeguards.command=place_hold,safeguards.outcome=";
    check(&counts, &format!("{commands}denied}}"), "1");
    check(&counts, &format!("{commands}granted}}"), "2");
    check_counted(&counts);
    check_told(&captured.0.lock());
}

#[tokio::test]
async fn who_is_abandoned_is_told_at_once_and_counted_until_it_ends() {
    let recorder = DebuggingRecorder::new();
    let _counting = set_default_local_recorder(&recorder);
    let office = Office::new().await;
    let (captured, _guard) = watch();
    let (release, waits) = mpsc::channel::<()>();
    let waits = Mutex::new(waits);
    let (pool, descriptor) =
        (BlockingPool::new(1), Descriptor::new("a").grace(Duration::from_millis(20)));
    let stuck = blocking_fn(descriptor, &pool, move |_, _| {
        // Heeds nothing.
        waits.lock().recv().ok();
        Ok(Reply::text("at last").cost(usd!(0.1)))
    });
    let stuck = Member::new(stuck, usd!(0.5)).timeout(Duration::from_millis(50));
    let report = office.run([stuck], &Pipeline::new()).await;
    assert_eq!(report.steps[0].state, State::Abandoned);

    let abandoned = ["abandoned", "agent.abandoned", "ERROR"];
    assert_eq!(ended(&captured, "safeguards.attempt"), [abandoned]);
    let spans = captured.spans("safeguards.attempt");
    assert!(!spans[0].is_closed, "its agent goes on");
    let active = |expected: &str| {
        let counts = counts(&recorder.snapshotter());
        check(&counts, "safeguards.abandoned.active{}", expected);
    };
    active("1");
    release.send(()).unwrap();
    while office.runner.abandoned() > 0 {
        tokio::task::yield_now().await;
    }
    // A snapshot begins anew at 0.
    active("-1");
    // What it cost after all is put right in its attempt's span.
    let commands = captured.spans("safeguards.command");
    let last = commands.last().unwrap();
    assert_eq!(last.fields["safeguards.command"], "refund");
    assert_eq!(captured.way_to(last.parent), ["safeguards.run", "safeguards.attempt"]);
    assert!(captured.spans("safeguards.attempt")[0].is_closed);
}

/// The state, the error and the status of each span of this name.
fn ended(captured: &Captured, name: &str) -> Vec<[String; 3]> {
    let of = |fields: &Fields| {
        let names = ["safeguards.state", "error.type", "otel.status_code"];
        names.map(|name| fields.get(name).cloned().unwrap_or_default())
    };
    captured.spans(name).iter().map(|span| of(&span.fields)).collect()
}
