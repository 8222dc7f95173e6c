//! What is paid for an attempt that was cut off, and for the one that does it again.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use safeguards_coord::{
    Context, Descriptor, Member, MemoryRunStore, Pipeline, Reply, Report, RunEntry, RunStore,
    State, Task, Team,
};
use safeguards_types::{Amount, Amounts, OperationId, usd};
use tokio::sync::Mutex;

use crate::stage::{Stage, member};

/// Runs a team until its agent hangs, and then is cut off; whoever resumes finds what it left.
struct CutOff {
    stage: Stage,
    store: MemoryRunStore,
    ops: Arc<Mutex<Vec<OperationId>>>,
}

impl CutOff {
    async fn after(descriptor: Descriptor, draws: impl IntoIterator<Item = Amount>) -> Self {
        let cut = Self { stage: Stage::new(), store: MemoryRunStore::new(), ops: Arc::default() };
        let runner = cut.stage.runner().store(Arc::new(cut.store.clone()));
        let team = Team::new("team", "pool", [cut.agent(descriptor, draws)]).unwrap();
        let options = cut.stage.options().id("r");
        let strategy = Pipeline::new();
        let run = runner.run(&team, Task::new("work"), &strategy, options);
        assert!(tokio::time::timeout(Duration::from_secs(1), run).await.is_err(), "it hangs");
        cut
    }

    /// Draws all this; hangs the first time that it is run.
    fn agent(&self, name: Descriptor, draws: impl IntoIterator<Item = Amount>) -> Member {
        let draws: Vec<Amount> = draws.into_iter().collect();
        let (calls, ops) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&self.ops));
        member(name, move |_, cx: Context| {
            let (draws, calls, ops) = (draws.clone(), Arc::clone(&calls), Arc::clone(&ops));
            async move {
                let is_first = calls.fetch_add(1, Ordering::SeqCst) == 0;
                for draw in draws {
                    cx.charge(draw).await?;
                }
                let hangs = is_first && ops.lock().await.is_empty();
                ops.lock().await.push(cx.op());
                if hangs {
                    pending::<()>().await;
                }
                Ok(Reply::new("done"))
            }
        })
    }

    async fn resume(
        &self,
        descriptor: Descriptor,
        draws: impl IntoIterator<Item = Amount>,
        reruns: bool,
    ) -> Report {
        let runner = self.stage.runner().store(Arc::new(self.store.clone()));
        let team = Team::new("team", "pool", [self.agent(descriptor, draws)]).unwrap();
        let options = self.stage.options();
        let options = if reruns { options.rerun_interrupted() } else { options };
        let report = runner.resume(&team, &"r".into(), &Pipeline::new(), options).await.unwrap();
        assert_eq!(self.stage.spent().await, report.spent);
        assert!(self.stage.held().await.is_zero(), "{}", self.stage.held().await);
        report
    }

    async fn states(&self) -> Vec<(u32, State, Amounts)> {
        let entries = self.store.entries(&"r".into(), 0, 100).await.unwrap();
        let of = |entry| match entry {
            RunEntry::Outcome(outcome) => Some((outcome.attempt, outcome.state, outcome.spent)),
            _ => None,
        };
        entries.into_iter().filter_map(of).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_idempotent_is_run_again_as_the_same_operation_and_paid_for_once() {
    let draws = || [usd!(0.9), usd!(0.3)];
    let cut = CutOff::after(Descriptor::new("a").idempotent(), draws()).await;
    assert_eq!(cut.stage.held().await.to_string(), "1.20 USD, 1 requests");
    let report = cut.resume(Descriptor::new("a").idempotent(), draws(), false).await;
    assert_eq!(report.steps[0].to_string(), "a: succeeded, spent 1.20 USD, 1 requests");
    let ops = cut.ops.lock().await;
    assert_eq!((ops.len(), ops[0]), (2, ops[1]));
}

#[tokio::test(start_paused = true)]
async fn who_is_run_again_may_draw_otherwise() {
    for draws in [vec![usd!(1.1), usd!(0.3)], vec![usd!(0.2)], vec![usd!(2), usd!(3)]] {
        let cut = CutOff::after(Descriptor::new("a").idempotent(), [usd!(0.9), usd!(0.3)]).await;
        let report = cut.resume(Descriptor::new("a").idempotent(), draws.clone(), false).await;
        let mut drawn = Amounts::none();
        for draw in draws {
            drawn.add_all(&draw.into());
        }
        assert_eq!(report.state, State::Succeeded, "{report:?}");
        assert_eq!(report.spent.get(usd!(0).unit()), drawn.get(usd!(0).unit()));
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_not_is_interrupted_with_what_it_drew() {
    for (draws, spent) in [
        (vec![], "1.00 USD, 1 requests"),
        (vec![usd!(0.2)], "1.00 USD, 1 requests"),
        (vec![usd!(0.9), usd!(0.3)], "1.20 USD, 1 requests"),
    ] {
        let cut = CutOff::after(Descriptor::new("a"), draws.clone()).await;
        let report = cut.resume(Descriptor::new("a"), draws, false).await;
        assert_eq!((report.state, report.spent.to_string()), (State::Interrupted, spent.into()));
        let reason = report.steps[0].reason.as_ref().unwrap().to_string();
        let expected = "run.interrupted: a, attempt 1: it was cut off, and does not say that it may be run again";
        assert!(reason.starts_with(expected), "{reason}");
        assert_eq!(cut.ops.lock().await.len(), 1, "it is not run again");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_run_again_though_it_does_not_say_that_it_may_be_is_paid_for_twice() {
    let cut = CutOff::after(Descriptor::new("a"), [usd!(0.9), usd!(0.3)]).await;
    let report = cut.resume(Descriptor::new("a"), [usd!(0.4)], true).await;
    assert_eq!(report.steps[0].to_string(), "a: succeeded, spent 1.60 USD, 2 requests");
    assert_eq!(report.steps[0].attempts, 2);
    let states = cut.states().await;
    let states: Vec<_> =
        states.iter().map(|(n, state, spent)| (*n, *state, spent.to_string())).collect();
    assert_eq!(
        states,
        [
            (1, State::Interrupted, "1.20 USD, 1 requests".to_owned()),
            (2, State::Succeeded, "0.40 USD, 1 requests".to_owned())
        ]
    );
    let ops = cut.ops.lock().await;
    assert_ne!(ops[0], ops[1]);
}
