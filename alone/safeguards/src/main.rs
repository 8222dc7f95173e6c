//! The example of `safeguards`'s README, which needs that crate alone.

use safeguards::prelude::*;

#[tokio::main]
async fn main() -> Result<(), safeguards::Error> {
    let v2 = Safeguards::in_memory().v2();
    let (pools, agents, budget) = (v2.pools(), v2.agents(), v2.budget());

    let pool = pools.create("research", usd!(5.00), P5).await?;
    let reader = agents.create("reader", usd!(4.00), P7).pool(&pool).await?;
    let writer = agents.create("writer", usd!(4.00), P3).pool(&pool).await?;
    let job = v2.operation(); // names this piece of work; kept with it, retries are safe

    let receipt = budget.charge(&reader, usd!(3.90), job.step("read")).await?;
    assert_eq!(receipt.available, usd!(0.10).into());

    // The writer has 4.00 of its own, but the pool has only 1.10.
    match budget.charge(&writer, usd!(2.00), job.step("draft")).await {
        Err(CommandError::Denied(denial)) => println!("{denial}"),
        other => println!("{:?}", other?),
    }
    Ok(())
}
