//! The guide's dynamic agent discovery, then what it leaves out: leases, and work for whoever is best.
//!
//! `cargo run -p discovery-example --example discovery`

use std::{collections::BTreeMap, time::Duration};

use safeguards::{
    budget::MemoryLedger,
    discovery::{Block, ChangeKind, Health, Order, Status},
    prelude::*,
    types::{SimClock, Timestamp},
};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    as_the_guide_does().await?;
    with_leases().await?;
    Ok(work_for_whoever_is_best().await?)
}

/// "Dynamic Agent Discovery" of the guide, under Rust names.
async fn as_the_guide_does() -> Result<(), safeguards::Error> {
    let v1 = Safeguards::in_memory().v1();
    let (agents, discovery) = (v1.agents(), v1.discovery());
    let research = agents.create_agent("research_agent", usd!(100), P7).await?;
    let analysis = agents.create_agent("analysis_agent", usd!(100), P7).await?;

    // Register agent capabilities.
    let retrieval = json!({ "formats": ["json", "xml"], "sources": ["web", "database"] });
    discovery.register_capability(&research.id, "data_retrieval", retrieval).await?;
    let skill = json!({ "algorithms": ["regression", "classification"], "formats": ["json"] });
    discovery.register_capability(&analysis.id, "data_analysis", skill).await?;

    // Find agents with specific capabilities.
    let required = json!({ "algorithms": ["regression"] });
    let found = discovery.find_agents_by_capability("data_analysis", required).await?;
    assert_eq!(found, [analysis.id]);
    if let Some(agent) = found.first() {
        println!("Using agent {agent} for regression analysis");
    }
    let required = json!({ "algorithms": ["clustering"] });
    assert!(discovery.find_agents_by_capability("data_analysis", required).await?.is_empty());
    Ok(())
}

/// Whoever renews no lease is gone; how an agent stands, and why it is not found, can be asked.
async fn with_leases() -> Result<(), safeguards::Error> {
    // On a clock of our own, so that nobody has to wait. Elsewhere `sg.start()` sees to it that watchers are told.
    let clock = SimClock::at(Timestamp::parse("2026-03-02T12:00:00Z")?);
    let ledger = MemoryLedger::with_clock(clock.clone());
    let sg = Safeguards::builder(ledger).clock(clock.clone()).build()?;
    let discovery = sg.v2().discovery();
    let skill = || Capability::new("data.analysis.regression")?.version("1.4.0");

    let lasting = Duration::from_mins(1);
    let lease = discovery.advertise("steady", skill()?, lasting).await?;
    discovery.advertise("fleeting", skill()?, Duration::from_secs(20)).await?;
    let need = || Query::new("data.analysis")?.version(">=1.2, <3");
    let found = discovery.find(need()?).await?;
    assert_eq!(found.total, 2);

    // Nobody renews the lease of `fleeting`: it ends, and whoever watches is told.
    let mut watch = discovery.watch(found.revision);
    clock.advance(Duration::from_secs(20));
    let change = watch.next().await?;
    assert_eq!((change.agent.as_str(), &change.kind), ("fleeting", &ChangeKind::Expired));
    println!("{} is gone", change.agent);

    // The other one renews it, and says that it is not well.
    let tired = Status::new().health(Health::Degraded).block(Block::BreakerOpen { until: None });
    discovery.renew(&lease, Some(tired)).await?;
    assert!(discovery.find(need()?.healthy()).await?.first().is_none());
    let why = discovery.explain(&need()?.healthy(), "steady").await?;
    println!("{why}");
    assert!(why.to_string().contains("degraded"));
    Ok(())
}

/// A fan-out whose inputs go to whoever of the team can do them and has least to do.
async fn work_for_whoever_is_best() -> Result<(), safeguards::Error> {
    let sg = Safeguards::in_memory();
    let v2 = sg.v2();
    let pool = v2.pools().create("research", usd!(10), P5).await?;
    let mut members = Vec::new();
    for (name, budget, capability) in [
        ("north", usd!(2), "data.analysis.regression"),
        ("south", usd!(2), "data.analysis.classification"),
        ("broke", usd!(0.05), "data.analysis.regression"),
        ("writer", usd!(2), "writing"),
    ] {
        let agent = v2.agents().create(name, budget, P5).pool(&pool).await?;
        let skill = Capability::new(capability)?;
        v2.discovery().advertise(&agent, skill, Duration::from_mins(1)).await?;
        let work = agent_fn(name, move |task: Task, _cx| async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok(Reply::text(format!("{name} has read {}", task.input())).cost(usd!(0.01)))
        });
        members.push(Member::new(work, usd!(0.02)));
    }
    let team = Team::new("analysts", "research", members)?;
    // What `broke` had it has spent: it can do the work, and may not be given any.
    v2.budget().charge("broke", usd!(0.05), v2.operation()).await?;

    let need = Query::new("data.analysis")?.order(Order::LeastLoaded);
    let pages = FanOut::over((1..=20).map(|page| json!(page))).at_once(4).by(need);
    let options = RunOptions::new(sg.operation());
    let report = sg.runner().run(&team, Task::new("read"), &pages, options).await?;
    assert!(report.state.is_success(), "{:?}", report.reason);

    let mut done: BTreeMap<&str, u32> = BTreeMap::new();
    for agent in report.steps.iter().filter_map(|step| step.agent.as_ref()) {
        *done.entry(agent.as_str()).or_default() += 1;
    }
    println!("{done:?}");
    assert_eq!(done.keys().copied().collect::<Vec<_>>(), ["north", "south"]);
    assert!(done.values().all(|pages| *pages >= 5), "{done:?}");

    // Nobody can: the step is denied, and says why not of each.
    let nobody = FanOut::to_everybody().by(Query::new("translation")?);
    let options = RunOptions::new(sg.operation());
    let report = sg.runner().run(&team, Task::new("translate"), &nobody, options).await?;
    let reason = report.reason.expect("it was denied");
    assert_eq!(reason.code, "run.nobody_capable");
    println!("{}", reason.message);
    Ok(())
}
