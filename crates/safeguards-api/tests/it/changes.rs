//! Agents and pools after they are made: who may stand below whom, leaving, deleting, and what repeats are answered.

use std::{error::Error, sync::Arc, time::Duration};

use safeguards_api::{ChangeError, Config, CreateError, Safeguards};
use safeguards_budget::{LedgerExt, Limit, MemoryLedger, OpenAccount, Window};
use safeguards_discovery::Capability;
use safeguards_testkit::{Fault, FaultyLedger};
use safeguards_types::{AccountId, Priority, Unit, usd};

type Test = Result<(), Box<dyn Error>>;

/// Pools `day` and `night`, and an agent in the first.
async fn office() -> Result<Safeguards, Box<dyn Error>> {
    let sg = Safeguards::in_memory();
    for pool in ["day", "night"] {
        sg.v2().pools().create(pool, usd!(10), Priority::P5).await?;
    }
    sg.v2().agents().create("reader", usd!(1), Priority::P5).pool("day").await?;
    Ok(sg)
}

async fn pool_of(sg: &Safeguards, account: &str) -> Option<String> {
    let account = sg.ledger().account(&account.into()).await.unwrap().unwrap();
    account.parent.map(|pool| pool.to_string())
}

#[tokio::test]
async fn who_stands_elsewhere_does_not_leave_and_who_left_is_told_so_again() -> Test {
    let sg = office().await?;
    let (budget, job) = (sg.v2().budget(), sg.operation());
    let error = budget.leave("reader", "night", job.step("wrong")).await.unwrap_err();
    assert_eq!(error.to_string(), "`reader` is not in pool `night`; it is in pool `day`");
    let error = budget.leave("reader", "nowhere", job.step("nowhere")).await.unwrap_err();
    assert_eq!(error.code(), "api.not_member");
    assert_eq!(pool_of(&sg, "reader").await.as_deref(), Some("day"));

    budget.leave("reader", "day", job.step("leave")).await?;
    assert_eq!(pool_of(&sg, "reader").await, None);
    assert_eq!(sg.v2().agents().find(&"reader".into()).unwrap().pool, None);
    budget.leave("reader", "day", job.step("leave")).await?;
    let again = budget.leave("reader", "day", job.step("anew")).await.unwrap_err();
    assert_eq!(again.to_string(), "`reader` is not in pool `day`; it is in none");

    // Repeated when it stands somewhere else by then, it stays there.
    budget.join("reader", "night", job.step("join")).await?;
    budget.leave("reader", "day", job.step("leave")).await?;
    assert_eq!(pool_of(&sg, "reader").await.as_deref(), Some("night"));
    let known = sg.v2().agents().find(&"reader".into()).unwrap().pool;
    assert_eq!(known, Some(AccountId::from("night")), "what came later stands");
    Ok(())
}

#[tokio::test]
async fn what_is_deleted_is_answered_again_under_its_operation_only() -> Test {
    let sg = office().await?;
    let (agents, job) = (sg.v2().agents(), sg.operation());
    agents.delete("reader", job.step("gone")).await?;
    agents.delete("reader", job.step("gone")).await?;
    let anew = agents.delete("reader", job.step("anew")).await.unwrap_err();
    assert_eq!(anew.code(), "api.name_gone");

    let pools = sg.v2().pools();
    pools.delete("day", job.step("day")).await?;
    pools.delete("day", job.step("day")).await?;
    assert_eq!(pools.delete("day", job.step("anew")).await.unwrap_err().code(), "api.name_gone");
    Ok(())
}

#[tokio::test]
async fn an_answer_to_a_deletion_that_was_lost_is_made_up_for() -> Test {
    let line = FaultyLedger::new(Arc::new(MemoryLedger::new()));
    let sg = Safeguards::builder(line.clone()).build()?;
    let (agents, job) = (sg.v2().agents(), sg.operation());
    for agent in ["one", "other"] {
        agents.create(agent, usd!(1), Priority::P5).await?;
    }
    line.script([Some(Fault::After)]);
    let lost = agents.delete("one", job.step("one")).await.unwrap_err();
    assert_eq!(lost.code(), "ledger.outcome_unknown");
    assert!(agents.find(&"one".into()).is_some(), "nobody knows");
    // Under another operation: it is closed, and was known here.
    agents.delete("one", job.step("again")).await?;
    assert!(agents.find(&"one".into()).is_none());
    assert_eq!(agents.delete("one", job.step("third")).await.unwrap_err().code(), "api.name_gone");
    Ok(())
}

/// A pool shows nobody whose account was closed past it.
#[tokio::test]
async fn who_was_closed_elsewhere_is_no_member() -> Test {
    let sg = office().await?;
    sg.v2().agents().create("writer", usd!(1), Priority::P5).pool("day").await?;
    sg.ledger().close_account("reader".into(), sg.operation()).await?;
    let members = sg.v2().pools().members("day").await?;
    let names: Vec<&str> = members.iter().map(|agent| agent.id.as_str()).collect();
    assert_eq!(names, ["writer"]);
    assert_eq!(sg.v2().metrics().pool("day").await?.agents, 1);
    Ok(())
}

#[tokio::test]
async fn nobody_stands_below_an_agent() -> Test {
    let sg = office().await?;
    let (v2, job) = (sg.v2(), sg.operation());
    let refused = v2.agents().create("writer", usd!(1), Priority::P5).pool("reader").await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "api.not_a_pool");
    assert_eq!(
        refused.to_string(),
        "`reader` is an agent, and nobody stands below one; make a pool for both"
    );
    let refused = v2.pools().create("weekend", usd!(1), Priority::P5).under("reader").await;
    assert!(matches!(refused, Err(CreateError::NotAPool { .. })), "{refused:?}");
    v2.agents().create("writer", usd!(1), Priority::P5).await?;
    let moved = v2.agents().update("writer", job.step("move")).pool("reader").await;
    assert!(matches!(moved, Err(ChangeError::Unknown { what: "pool", .. })), "{moved:?}");
    let joined = v2.budget().join("writer", "reader", job.step("join")).await;
    assert!(matches!(joined, Err(ChangeError::Unknown { what: "pool", .. })), "{joined:?}");
    assert_eq!(pool_of(&sg, "writer").await, None);
    assert!(sg.ledger().account(&"weekend".into()).await?.is_none(), "nothing half done");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_was_deleted_registers_no_more() -> Test {
    let sg = office().await?;
    let (v2, job) = (sg.v2(), sg.operation());
    let discovery = v2.discovery();
    let advertise = async |agent: &str| {
        discovery.advertise(agent, Capability::new("read")?, Duration::from_mins(1)).await
    };
    advertise("reader").await?;
    v2.agents().delete("reader", job.step("gone")).await?;
    let again = advertise("reader").await.unwrap_err();
    assert_eq!(again.code(), "discovery.agent_deleted");
    assert_eq!(
        again.to_string(),
        "agent `reader` was deleted, and names are never used again; choose another"
    );
    assert!(sg.registry().agent(&"reader".into()).await?.is_none());
    let nothing = serde_json::Value::Null;
    let in_v1 = sg.v1().discovery().register_capability(&"reader".into(), "read", nothing).await;
    assert_eq!(in_v1.unwrap_err().code(), "discovery.agent_deleted");
    // Who has no account at all may register.
    advertise("guest").await?;
    Ok(())
}

#[tokio::test]
async fn what_is_left_without_a_budget_is_not_nothing() -> Test {
    let sg = office().await?;
    let (v2, job) = (sg.v2(), sg.operation());
    v2.budget().remove_limit("reader", Unit::USD, Window::Lifetime, job).await?;
    assert_eq!(v2.metrics().agent("reader").await?.remaining, None);
    assert_eq!(sg.v1().metrics().get_agent_metrics("reader").await?.remaining_budget, None);
    let error = sg.v1().budgets().get_budget("reader").await.unwrap_err();
    assert_eq!(error.code(), "budget.no_limit");
    let json = serde_json::to_value(v2.metrics().agent("reader").await?)?;
    assert!(json.get("remaining").is_none(), "{json}");
    Ok(())
}

#[tokio::test]
async fn who_is_bound_from_a_configuration_is_known_to_both_versions() -> Test {
    let text = r#"
    [[pools]]
    name = "research"
    limits = ["5.00 USD"]

    [[agents]]
    name = "reader"
    command = ["true"]
    estimate = "0.01 USD"
    limits = ["2.00 USD"]

    [[agents]]
    name = "clerk"
    command = ["true"]
    estimate = "0.01 USD"

    [[teams]]
    name = "digest"
    strategy = "pipeline"
    pool = "research"
    agents = ["reader", "clerk"]
    "#;
    let config = Config::parse(text, "safeguards.toml")?;
    let sg = config.build(|_| None)?;
    let team = config.only_team()?;
    team.bind(&sg).await?;
    team.bind(&sg).await?;
    let agents: Vec<String> =
        sg.v2().agents().list().iter().map(|agent| agent.id.to_string()).collect();
    assert_eq!(agents, ["reader"], "of whom there is a budget");
    assert_eq!(sg.v1().budgets().get_budget("reader").await?, usd!(2));
    let metrics = sg.v2().metrics().system().await?;
    assert_eq!(metrics.agents, 1);

    sg.v2().agents().delete("reader", sg.operation()).await?;
    let again = team.bind(&sg).await.unwrap_err();
    assert_eq!(again.code(), "api.name_gone");
    Ok(())
}

/// An account that somebody opened past us is taken for what was asked for only where it has such a budget.
#[tokio::test]
async fn an_account_without_the_budget_asked_for_is_another_one() -> Test {
    let sg = office().await?;
    let open = |name| OpenAccount::new(name).priority(Priority::P5);
    sg.ledger().open_account(open("plain"), sg.operation()).await?;
    let limited = open("limited").limit(Limit::lifetime(usd!(3)));
    sg.ledger().open_account(limited, sg.operation()).await?;
    let agents = sg.v2().agents();
    let refused = agents.create("plain", usd!(1), Priority::P5).await.unwrap_err();
    assert_eq!(refused.code(), "api.other_terms");
    agents.create("limited", usd!(1), Priority::P5).await?;
    Ok(())
}
