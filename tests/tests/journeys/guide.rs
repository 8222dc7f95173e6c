//! What the guide's Python does, through the facade.

use std::{error::Error, sync::Arc};

use safeguards::prelude::*;
use tokio::task::JoinSet;

type Test = Result<(), Box<dyn Error>>;

/// Eight tasks spend at once what only half of them can have: no more than the budget is granted, whoever wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_that_spend_at_once_cannot_overspend_their_pool() -> Test {
    let v2 = Safeguards::in_memory().v2();
    let pool = v2.pools().create("research", usd!(1.00), P5).await?;
    let mut spending = JoinSet::new();
    for number in 0..8 {
        let agent =
            v2.agents().create(format!("agent_{number}"), usd!(1.00), P5).pool(&pool).await?;
        let (budget, job) = (v2.budget(), v2.operation());
        spending.spawn(async move {
            let mut granted = 0;
            for turn in 0..50 {
                granted += u32::from(
                    budget.charge(&agent, usd!(0.005), job.step(&turn.to_string())).await.is_ok(),
                );
            }
            granted
        });
    }
    let granted: u32 = spending.join_all().await.into_iter().sum();
    assert_eq!(granted, 200); // 200 times 0.005 USD are the whole dollar
    Ok(())
}

#[tokio::test]
async fn a_program_s_handlers_are_told_what_the_ledger_answers() -> Test {
    let safeguards = Safeguards::in_memory();
    let v1 = safeguards.v1();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    safeguards.alerts().on("budget.**", move |alert: &Alert| {
        seen.lock().unwrap().push(alert.topic().to_string());
    })?;
    let pool = v1.budgets().create_budget_pool("high_priority_tasks", usd!(500), P8).await?;
    let agent = v1.agents().create_agent("research_agent", usd!(100), P7).pool(&pool.id).await?;
    let v2 = safeguards.v2();
    let agent = v2.agents().find(&agent.id).ok_or("the same agent, in the other version")?;
    v2.budget().charge(&agent, usd!(90), v2.operation()).await?;
    let denied = v2.budget().charge(&agent, usd!(20), v2.operation()).await;
    assert_eq!(denied.map_err(|error| error.code()), Err("budget.limit_exceeded"));
    assert_eq!(*told.lock().unwrap(), ["budget.threshold", "budget.denied"]);
    Ok(())
}
