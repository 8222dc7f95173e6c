//! The example of `safeguards-coord`'s README, which needs that crate alone.

use std::sync::Arc;

use safeguards_coord::{
    Member, Pipeline, Reply, RunOptions, Runner, Task, Team, agent_fn,
    budget::{Limit, MemoryLedger, OpenAccount},
    types::{SystemClock, usd},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ledger = MemoryLedger::new();
    let accounts = ledger.sync();
    let pool = OpenAccount::new("pool").limit(Limit::lifetime(usd!(1)));
    accounts.open_account(pool, ledger.operation())?;
    for name in ["reader", "writer"] {
        accounts.open_account(OpenAccount::new(name).under("pool"), ledger.operation())?;
    }

    let reader = agent_fn("reader", |task: Task, _cx| async move {
        Ok(Reply::text(format!("read about {}", task.text())).cost(usd!(0.30)))
    });
    let writer = agent_fn("writer", |_task, _cx| async { Ok(Reply::text("never written")) });
    let members = [Member::new(reader, usd!(0.40)), Member::new(writer, usd!(0.80))];
    let team = Team::new("research", "pool", members)?;

    let runner = Runner::new(Arc::new(ledger.clone()), Arc::new(SystemClock::new()));
    let options = RunOptions::new(ledger.operation());
    let report = runner.run(&team, Task::new("bees"), &Pipeline::new(), options).await?;

    // The writer asks for 0.80 USD, and 0.70 are left: it never starts.
    for step in &report.steps {
        println!("{step}");
    }
    assert_eq!(report.steps.len(), 2);
    assert!(!report.state.is_success());
    Ok(())
}
