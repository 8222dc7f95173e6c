//! The example of `safeguards-api`'s README, which needs that crate alone.

use safeguards_api::{
    Safeguards,
    types::{Priority, usd},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sg = Safeguards::in_memory();
    let v2 = sg.v2();
    let pool = v2.pools().create("research", usd!(5), Priority::P5).await?;
    let reader = v2.agents().create("reader", usd!(4), Priority::P7).pool(&pool).await?;

    let job = v2.operation(); // names this piece of work; kept with it, retries are safe
    let receipt = v2.budget().charge(&reader, usd!(3.90), job.step("read")).await?;
    assert_eq!(receipt.available, usd!(0.10).into());

    // The same accounts, as the guide's `v1` shows them.
    println!("{} left", sg.v1().budgets().get_budget("reader").await?);
    Ok(())
}
