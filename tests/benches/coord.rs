//! What a step of a run costs beyond the work of its agent: agents that do nothing, in memory, with intents and
//! outcomes written down and everything told to an observer.
#![expect(clippy::float_arithmetic, reason = "times and ratios are no money")]

mod bench;

use std::{hint::black_box, sync::Arc, time::Duration};

use bench::{Reach::Most, Table, timed};
use safeguards_budget::{Limit, MemoryLedger, OpenAccount};
use safeguards_coord::{
    FanOut, Member, MemoryRunStore, Pipeline, Reply, RunEvent, RunOptions, Runner, Strategy, Task,
    Team, agent_fn,
};
use safeguards_types::{SystemClock, usd};
use serde_json::Value;
use tokio::runtime::Runtime;

const STEPS: u32 = 3;
/// How many inputs a fan-out has.
const INPUTS: u32 = 300;

fn main() {
    let mut table = Table::begin("coord", "one step of a run with empty agents, in memory");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let crew = Crew::open();
    let pipeline = Pipeline::new();
    let fan_out = FanOut::over((0..INPUTS).map(Value::from)).at_once(16);
    let bare = Kept { store: false, observer: false };
    let kept = Kept { store: true, observer: true };
    let task = "an empty tokio task";
    table.row("pipeline: hold, run, settle, report", task, &[], || {
        (|runs| crew.run(runs, &pipeline, bare, &runtime) / STEPS, |tasks| spawn(tasks, &runtime))
    });
    table.row("pipeline: the same, run record and events", task, &[Most(5_000.0)], || {
        (|runs| crew.run(runs, &pipeline, kept, &runtime) / STEPS, |tasks| spawn(tasks, &runtime))
    });
    table.row("fan-out of 300, 16 at once: the same", task, &[], || {
        (|runs| crew.run(runs, &fan_out, kept, &runtime) / INPUTS, |tasks| spawn(tasks, &runtime))
    });
    table.end();
}

fn spawn(tasks: usize, runtime: &Runtime) -> Duration {
    timed(|| {
        runtime.block_on(async {
            for _ in 0..tasks {
                tokio::spawn(async {}).await.unwrap();
            }
        });
    })
}

/// What is kept of a run.
#[derive(Clone, Copy)]
struct Kept {
    store: bool,
    observer: bool,
}

struct Crew {
    ledger: MemoryLedger,
    runner: Runner,
    team: Team,
}

impl Crew {
    fn open() -> Self {
        let ledger = MemoryLedger::new();
        let pool = OpenAccount::new("pool").limit(Limit::lifetime(usd!(1_000_000)));
        ledger.sync().open_account(pool, ledger.operation()).unwrap();
        let members = ["a", "b", "c"].map(|name| {
            ledger
                .sync()
                .open_account(OpenAccount::new(name).under("pool"), ledger.operation())
                .unwrap();
            let agent = agent_fn(name, |_, _| async { Ok(Reply::text("").cost(usd!(0.000001))) });
            Member::new(agent, usd!(0.00001))
        });
        let team = Team::new("crew", "pool", members).unwrap();
        let runner = Runner::new(Arc::new(ledger.clone()), Arc::new(SystemClock::new()));
        Self { ledger, runner, team }
    }

    fn run(&self, runs: usize, strategy: &dyn Strategy, kept: Kept, runtime: &Runtime) -> Duration {
        let mut runner = self.runner.clone();
        if kept.store {
            runner = runner.store(Arc::new(MemoryRunStore::new()));
        }
        timed(|| {
            runtime.block_on(async {
                for _ in 0..runs {
                    let mut options = RunOptions::new(self.ledger.operation());
                    if kept.observer {
                        options = options.observer(|event: &RunEvent| {
                            black_box(event);
                        });
                    }
                    let task = Task::new("nothing");
                    let report = runner.run(&self.team, task, strategy, options).await;
                    assert!(report.unwrap().state.is_success());
                }
            });
        })
    }
}
