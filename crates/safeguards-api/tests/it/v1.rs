//! Version 1 by its verbs: agents that change, move and are deleted, pools with members, metrics.

use std::{sync::Arc, time::Duration};

use safeguards_api::{ChangeError, RECENT, Safeguards};
use safeguards_budget::{LedgerExt, MemoryLedger, OpenAccount};
use safeguards_coord::{Member, Pipeline, Reply, RunOptions, Task, Team, agent_fn};
use safeguards_discovery::Query;
use safeguards_types::{
    AccountId, AgentId, Amount, Amounts, Priority, SimClock, Timestamp, tokens, usd,
};
use serde_json::json;
use tokio::sync::Barrier;

type Test = Result<(), Box<dyn std::error::Error>>;

const P3: Priority = Priority::P3;
const P5: Priority = Priority::P5;
const P7: Priority = Priority::P7;
const P8: Priority = Priority::P8;

/// Everything in memory on a clock that stands still.
fn paused() -> Result<(Safeguards, SimClock), Box<dyn std::error::Error>> {
    let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z")?);
    let ledger = MemoryLedger::with_clock(clock.clone());
    Ok((Safeguards::builder(ledger).clock(clock.clone()).build()?, clock))
}

#[tokio::test]
async fn an_agent_is_changed_as_a_whole_or_not_at_all() -> Test {
    let sg = Safeguards::in_memory();
    let (agents, budgets) = (sg.v1().agents(), sg.v1().budgets());
    let pool = budgets.create_budget_pool("team", usd!(5), P5).await?;
    let reader = agents.create_agent("reader", usd!(4), P7).await?;

    let changed = agents.update_agent(&reader.id).priority(P3).pool(&pool.id).await?;
    assert_eq!((changed.priority, changed.pool.as_ref()), (P3, Some(&pool.id)));
    assert_eq!(agents.get_agent(&reader.id), Some(changed.clone()));
    assert_eq!(budgets.get_agent_priority(&reader.id).await?, P3);

    let error = agents.update_agent(&reader.id).priority(P8).pool("nowhere").await.unwrap_err();
    assert_eq!(error.code(), "budget.unknown_account");
    assert_eq!(budgets.get_agent_priority(&reader.id).await?, P3, "nothing happened");
    assert_eq!(agents.get_agent(&reader.id), Some(changed.clone()));

    assert_eq!(agents.update_agent(&reader.id).await?, changed, "nothing was asked for");
    let alone = agents.update_agent(&reader.id).no_pool().await?;
    assert_eq!((alone.priority, alone.pool), (P3, None));

    let error = agents.update_agent("nobody").priority(P3).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no agent `nobody`; make it first");
    let error = agents.update_agent("team").priority(P3).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no agent `team`; make it first", "it is a pool");
    Ok(())
}

#[tokio::test]
async fn a_deleted_agent_is_gone_and_so_is_its_name() -> Test {
    let ledger = MemoryLedger::new();
    let sg = Safeguards::builder(ledger.clone()).build()?;
    let (v1, agents) = (sg.v1(), sg.v1().agents());
    let reader = agents.create_agent("reader", usd!(4), P7).await?;
    v1.discovery().register_capability(&reader.id, "reading", json!(null)).await?;

    // Money that is held, and accounts below, keep it.
    let hold = sg.v2().budget().hold(&reader.id, usd!(1), sg.operation()).await?;
    let error = agents.delete_agent(&reader.id).await.unwrap_err();
    assert_eq!(error.code(), "budget.not_empty");
    assert!(error.denial().is_some());
    sg.v2().budget().release(hold).await?;
    ledger.open_account(OpenAccount::new("part").under("reader"), sg.operation()).await?;
    assert_eq!(agents.delete_agent(&reader.id).await.unwrap_err().code(), "budget.not_empty");
    ledger.close_account("part".into(), sg.operation()).await?;
    assert_eq!(v1.discovery().find_agents_by_capability("reading", json!(null)).await?.len(), 1);

    agents.delete_agent(&reader.id).await?;
    assert_eq!(agents.get_agent(&reader.id), None);
    assert!(agents.list_agents().is_empty());
    assert!(sg.registry().agent(&reader.id).await?.is_none(), "its lease has ended");
    assert!(sg.registry().find(&Query::all()).await?.next.is_none());

    // Its name is refused here, and by whoever comes to the same ledger later.
    let later = Safeguards::builder(ledger).build()?;
    for sg in [&sg, &later] {
        let again = sg.v1().agents().create_agent("reader", usd!(4), P7).await.unwrap_err();
        assert_eq!(again.code(), "api.name_gone");
        assert_eq!(
            again.to_string(),
            "`reader` was deleted, and names are never used again; choose another"
        );
        let error = sg.v1().budgets().get_budget("reader").await.unwrap_err();
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            ("api.name_gone", "`reader` was deleted")
        );
        let error = sg.v1().agents().delete_agent("reader").await.unwrap_err();
        assert!(matches!(error, ChangeError::NameGone { .. }), "{error}");
    }
    let error = agents.delete_agent("nobody").await.unwrap_err();
    assert_eq!(error.code(), "api.unknown");
    Ok(())
}

#[track_caller]
fn check_unknown(error: &ChangeError, expected: &str) {
    assert_eq!((error.code(), error.to_string().as_str()), ("api.unknown", expected));
}

#[tokio::test]
async fn agents_join_and_leave_pools_and_are_its_members() -> Test {
    let sg = Safeguards::in_memory();
    let (agents, budgets) = (sg.v1().agents(), sg.v1().budgets());
    let high = budgets.create_budget_pool("high", usd!(5), P8).await?.id;
    let general = budgets.create_budget_pool("general", usd!(9), P5).await?.id;
    for name in ["writer", "reader"] {
        agents.create_agent(name, usd!(4), P7).await?;
        budgets.join_budget_pool(name, &high).await?;
    }
    sg.v2().pools().create("inner", usd!(1), P5).under(&high).await?;
    agents.create_agent("deep", usd!(1), P5).pool("inner").await?;
    budgets.join_budget_pool("reader", &high).await?; // again: as it is
    assert_eq!(budgets.get_pool_agents(&high).await?, ["reader".into(), "writer".into()]);

    budgets.record_cost("reader", usd!(1)).await?;
    budgets.join_budget_pool("reader", &general).await?;
    assert_eq!(budgets.get_pool_agents(&high).await?, ["writer".into()]);
    assert_eq!(budgets.get_budget(&high).await?, usd!(4), "what was spent stays where it was");
    assert_eq!(budgets.get_budget(&general).await?, usd!(9));
    // Moved past the API, it is where the ledger has it.
    let general_now = Some(AccountId::from(&AgentId::from("general")));
    sg.ledger().set_parent("writer".into(), general_now, sg.operation()).await?;
    assert_eq!(budgets.get_pool_agents(&general).await?, ["reader".into(), "writer".into()]);

    let error = budgets.leave_budget_pool("reader", &high).await.unwrap_err();
    assert_eq!(error.code(), "api.not_member");
    assert_eq!(error.to_string(), "`reader` is not in pool `high`; it is in pool `general`");
    budgets.leave_budget_pool("reader", &general).await?;
    assert_eq!(agents.get_agent(&"reader".into()).and_then(|agent| agent.pool), None);
    let error = budgets.leave_budget_pool("reader", &general).await.unwrap_err();
    assert_eq!(error.to_string(), "`reader` is not in pool `general`; it is in none");

    let joined =
        async |agent: &str, pool: &str| budgets.join_budget_pool(agent, pool).await.unwrap_err();
    check_unknown(&joined("reader", "nowhere").await, "there is no pool `nowhere`; make it first");
    check_unknown(&joined("reader", "writer").await, "there is no pool `writer`; make it first");
    check_unknown(&joined("nobody", "high").await, "there is no agent `nobody`; make it first");
    assert_eq!(budgets.get_pool_agents("reader").await.unwrap_err().code(), "api.unknown");
    Ok(())
}

/// The race that the docs of `v1` name: two who get, subtract and update at once, one of whose updates is lost. And
/// what loses nothing.
#[tokio::test]
async fn get_subtract_update_by_two_at_once_loses_an_update() -> Test {
    let v1 = Safeguards::in_memory().v1();
    let budgets = v1.budgets();
    v1.agents().create_agent("reader", usd!(10), P7).await?;

    // Both have read before either writes: the barrier makes sure of it.
    let both_have_read = Arc::new(Barrier::new(2));
    let spend = |cost: Amount| {
        let (budgets, both_have_read) = (budgets.clone(), Arc::clone(&both_have_read));
        async move {
            let budget = budgets.get_budget("reader").await.unwrap();
            both_have_read.wait().await;
            let left = budget.checked_sub(&cost).unwrap();
            budgets.update_budget("reader", left.clone()).await.unwrap();
            left
        }
    };
    let (first, second) = tokio::join!(spend(usd!(3)), spend(usd!(4)));
    assert_eq!((first, second), (usd!(7), usd!(6)));
    let left = budgets.get_budget("reader").await?;
    assert!(
        left == usd!(7) || left == usd!(6),
        "7.00 USD were spent, and {left} of 10.00 are left"
    );

    budgets.update_budget("reader", usd!(10)).await?;
    let record = |cost: Amount| {
        let (budgets, both_are_here) = (budgets.clone(), Arc::clone(&both_have_read));
        async move {
            both_are_here.wait().await;
            budgets.record_cost("reader", cost).await.unwrap();
        }
    };
    tokio::join!(record(usd!(3)), record(usd!(4)));
    assert_eq!(budgets.get_budget("reader").await?, usd!(3));
    Ok(())
}

#[tokio::test]
async fn metrics_tell_what_is_known_and_leave_out_the_rest() -> Test {
    let (sg, clock) = paused()?;
    let (v1, v2) = (sg.v1(), sg.v2());
    let (budgets, metrics) = (v1.budgets(), v1.metrics());
    let pool = budgets.create_budget_pool("team", usd!(9), P5).await?.id;
    for name in ["reader", "writer"] {
        v1.agents().create_agent(name, usd!(4), P7).pool(&pool).await?;
    }
    v1.agents().create_agent("alone", usd!(2), P7).await?;
    budgets.record_cost("reader", usd!(1)).await?; // a task
    clock.advance(Duration::from_mins(9));
    clock.advance(Duration::from_secs(59));
    budgets.record_cost("writer", tokens!(500)).await?; // another
    let hold = v2.budget().hold("writer", usd!(0.50), sg.operation()).await?;
    sg.ledger().draw(&hold, None, usd!(0.10).into(), sg.operation()).await?; // none
    v2.budget().settle(hold, usd!(0.20)).await?; // a third
    let _hold = v2.budget().hold("writer", usd!(0.25), sg.operation()).await?; // none yet

    let writer = metrics.get_agent_metrics("writer").await?;
    assert_eq!((writer.recent_task_count, writer.pending_task_count), (Some(2), None));
    assert_eq!(writer.remaining_budget, Some(usd!(3.45)));
    assert_eq!(writer.spent, Amounts::from([usd!(0.30), tokens!(500)]));
    assert_eq!(writer.held, usd!(0.25).into());
    let team = metrics.get_pool_metrics(&pool).await?;
    assert_eq!((team.recent_task_count, team.agent_count), (Some(3), 2));
    assert_eq!(team.remaining_budget, Some(usd!(7.45)));
    let system = metrics.get_system_metrics().await?;
    assert_eq!((system.agent_count, system.pool_count), (3, 1));
    assert_eq!(system.remaining_budget, usd!(9.45).into(), "the pool and who stands alone");
    assert_eq!(system.spent, Amounts::from([usd!(1.30), tokens!(500)]));
    assert_eq!(system.held, usd!(0.25).into());
    assert_eq!(system.recent_task_count, Some(3));

    assert_eq!(RECENT, Duration::from_mins(10));
    // At the very end of the time it still counts, a second later no more.
    clock.advance(Duration::from_secs(1));
    assert_eq!(metrics.get_agent_metrics("reader").await?.recent_task_count, Some(1));
    clock.advance(Duration::from_secs(1));
    assert_eq!(metrics.get_agent_metrics("reader").await?.recent_task_count, Some(0));
    assert_eq!(metrics.get_pool_metrics(&pool).await?.recent_task_count, Some(2));

    assert_eq!(metrics.get_agent_metrics("team").await.unwrap_err().code(), "api.unknown");
    assert_eq!(metrics.get_pool_metrics("reader").await.unwrap_err().code(), "api.unknown");
    Ok(())
}

#[tokio::test]
async fn tasks_of_a_team_that_runs_are_pending() -> Test {
    let sg = Safeguards::in_memory();
    let v1 = sg.v1();
    v1.agents().create_agent("reader", usd!(4), P7).await?;
    v1.agents().create_agent("writer", usd!(4), P7).await?;
    let metrics = v1.metrics();
    let reader = agent_fn("reader", move |_task, _cx| {
        let metrics = metrics.clone();
        async move {
            let pending = async |agent: &str| {
                metrics.get_agent_metrics(agent).await.unwrap().pending_task_count
            };
            assert_eq!(pending("reader").await, Some(1));
            assert_eq!(pending("writer").await, Some(0), "in the team, with nothing to do yet");
            assert_eq!(metrics.get_system_metrics().await.unwrap().pending_task_count, Some(1));
            Ok(Reply::text("read").cost(usd!(0.10)))
        }
    });
    let writer = agent_fn("writer", |_, _| async { Ok(Reply::text("done").cost(usd!(0.10))) });
    let members = [Member::new(reader, usd!(1)), Member::new(writer, usd!(1))];
    v1.budgets().create_budget_pool("team", usd!(9), P5).await?;
    let team = Team::new("team", "team", members)?;
    let options = RunOptions::new(sg.operation());
    let report = sg.runner().run(&team, Task::new("read"), &Pipeline::new(), options).await?;
    assert!(report.state.is_success(), "{report:?}");
    let after = v1.metrics().get_agent_metrics("reader").await?;
    assert_eq!((after.recent_task_count, after.pending_task_count), (Some(1), None));
    Ok(())
}
