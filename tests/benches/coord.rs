//! What a step of a run costs beyond the work of its agent: agents that do nothing, in memory.
#![expect(clippy::float_arithmetic, reason = "times and ratios are no money")]

mod bench;

use std::{sync::Arc, time::Duration};

use bench::{Reach::Most, Table, timed};
use safeguards_budget::{Limit, MemoryLedger, OpenAccount};
use safeguards_coord::{Member, Pipeline, Reply, RunOptions, Runner, Task, Team, agent_fn};
use safeguards_types::{SystemClock, usd};
use tokio::runtime::Runtime;

const STEPS: u32 = 3;

fn main() {
    let mut table =
        Table::begin("coord", "one step of a pipeline of three empty agents, in memory");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let crew = Crew::open();
    let work = "step: hold, run, settle, events, report";
    table.row(work, "an empty tokio task", &[Most(5_000.0)], || {
        (|runs| crew.run(runs, &runtime) / STEPS, |tasks| spawn(tasks, &runtime))
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

    fn run(&self, runs: usize, runtime: &Runtime) -> Duration {
        timed(|| {
            runtime.block_on(async {
                for _ in 0..runs {
                    let options = RunOptions::new(self.ledger.operation());
                    let (task, pipeline) = (Task::new("nothing"), Pipeline::new());
                    let report = self.runner.run(&self.team, task, &pipeline, options).await;
                    assert!(report.unwrap().state.is_success());
                }
            });
        })
    }
}
