//! Agents that come, are found, do work and go, through the facade.

use std::{error::Error, time::Duration};

use safeguards::{discovery::MemoryRegistry, prelude::*};

type Test = Result<(), Box<dyn Error>>;

/// Two programs on one registry: what one advertises the other finds; money is looked up where one looks from.
#[tokio::test]
async fn a_registry_may_be_shared_and_ledgers_need_not() -> Test {
    let registry = std::sync::Arc::new(MemoryRegistry::new());
    let program = || {
        let ledger = safeguards::budget::MemoryLedger::new();
        Safeguards::builder(ledger).registry(std::sync::Arc::clone(&registry)).build()
    };
    let (one, other) = (program()?, program()?);
    let agent = one.v2().agents().create("a", usd!(1), P5).await?;
    let skill = Capability::new("data.analysis")?;
    let lease = one.v2().discovery().advertise(&agent, skill, Duration::from_mins(1)).await?;
    one.v2().budget().charge(&agent, usd!(1), one.operation()).await?;
    let healthy = || Query::new("data").map(Query::healthy);
    assert_eq!(one.v2().discovery().find(healthy()?).await?.total, 0, "it has nothing left");
    assert_eq!(other.v2().discovery().find(healthy()?).await?.total, 1, "nothing is known of it");
    one.v2().discovery().delete(&agent).await?;
    let gone = other.v2().discovery().renew(&lease, None).await;
    assert_eq!(gone.map_err(|error| error.code()), Err("discovery.gone"));
    Ok(())
}
