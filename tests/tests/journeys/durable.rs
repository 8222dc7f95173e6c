//! A fleet on one durable file: closed and opened again, it knows what was spent, and pays nothing twice.

use std::{error::Error, time::Duration};

use safeguards::prelude::*;
use safeguards_budget::{Action, Batch, Command, Ledger, LedgerExt, OpenAccount};
use safeguards_coord::{RunQuery, RunStore, State};
use safeguards_notify::{AlertMatch, AlertQuery, topic};
use safeguards_redb::RedbStore;
use safeguards_types::Unit;
use serde_json::json;

type Test = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn a_fleet_goes_on_where_it_stood() -> Test {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("fleet.redb");
    let sg = Safeguards::open(&path)?;
    let v2 = sg.v2();
    let pool = v2.pools().create("research", usd!(5.00), P5).await?;
    let reader = v2.agents().create("reader", usd!(4.00), P7).pool(&pool).await?;
    let job = v2.operation();
    let first = v2.budget().charge(&reader, usd!(3.90), job.step("read")).await?;
    drop((pool, reader, v2, sg));

    let sg = Safeguards::open(&path)?;
    let v2 = sg.v2();
    // Made again on the same terms they are the same.
    let pool = v2.pools().create("research", usd!(5.00), P5).await?;
    let reader = v2.agents().create("reader", usd!(4.00), P7).pool(&pool).await?;
    assert_eq!(v2.budget().charge(&reader, usd!(3.90), job.step("read")).await?, first);
    let denied = v2.budget().charge(&reader, usd!(0.20), job.step("more")).await.unwrap_err();
    assert_eq!(denied.code(), "budget.limit_exceeded");
    Ok(())
}

/// Agents and pools are those that they were, with what was changed since, whichever version asks.
#[tokio::test]
async fn who_was_made_is_there_again() -> Test {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("fleet.redb");
    {
        let sg = Safeguards::open(&path)?;
        let v2 = sg.v2();
        let (pools, agents) = (v2.pools(), v2.agents());
        let research = pools.create("research", usd!(5.00), P5).await?;
        pools.create("urgent", usd!(5.00), P5).await?;
        agents.create("reader", usd!(4.00), P7).pool(&research).await?;
        agents.create("writer", usd!(4.00), P3).pool(&research).await?;
        sg.ledger().open_account(OpenAccount::new("tools"), v2.operation()).await?;
        let gone = agents.create("gone", usd!(4.00), P3).await?;
        agents.delete(&gone, v2.operation()).await?;
        agents.update("reader", v2.operation()).priority(P9).pool("urgent").await?;
        v2.budget().set_limit("writer", Limit::lifetime(usd!(6.00)), v2.operation()).await?;
    }
    let sg = Safeguards::open(&path)?;
    let v2 = sg.v2();
    let agents = v2.agents().list();
    let agents: Vec<_> = agents.iter().map(|agent| (agent.id.as_str(), agent.priority)).collect();
    assert_eq!(agents, [("reader", P9), ("writer", P3)]);
    let pools = v2.pools().list();
    let pools: Vec<_> = pools.iter().map(|pool| pool.id.as_str()).collect();
    assert_eq!(pools, ["research", "urgent"]);
    let members = v2.pools().members("urgent").await?;
    assert_eq!(members.len(), 1);
    assert_eq!(sg.v1().budgets().get_budget("writer").await?, usd!(6.00));
    // An account that was opened for something else is neither.
    assert!(sg.ledger().account(&"tools".into()).await?.is_some());

    // Made again on the terms of the beginning, or with the budget that it has now, it is the same.
    drop((v2, sg));
    for budget in [usd!(6.00), usd!(4.00)] {
        let sg = Safeguards::open(&path)?;
        let again = sg.v2().agents().create("writer", budget, P3).pool("research").await?;
        assert_eq!(again.priority, P3);
        assert_eq!(sg.v1().budgets().get_budget("writer").await?, usd!(6.00));
    }
    let v2 = Safeguards::open(&path)?.v2();
    let other = v2.pools().create("urgent", usd!(4.00), P5).await.unwrap_err();
    assert_eq!(other.code(), "api.other_terms");
    let moved = v2.agents().create("reader", usd!(4.00), P7).pool("research").await.unwrap_err();
    assert_eq!(moved.code(), "api.other_terms");
    let gone = v2.agents().create("gone", usd!(4.00), P3).await.unwrap_err();
    assert_eq!(gone.code(), "api.name_gone");
    Ok(())
}

/// Who said what it can do is found again, until its lease runs out.
#[tokio::test]
async fn who_can_do_what_is_known_again() -> Test {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("fleet.redb");
    {
        let v2 = Safeguards::open(&path)?.v2();
        let reader = v2.agents().create("reader", usd!(4.00), P7).await?;
        let hour = Duration::from_hours(1);
        v2.discovery().advertise(&reader, Capability::new("read")?, hour).await?;
        v2.state().set(&reader, "found", json!({ "pages": 3 })).await?;
    }
    let v2 = Safeguards::open(&path)?.v2();
    let found = v2.discovery().find(Query::new("read")?).await?;
    assert_eq!(found.first().map(|found| found.agent.as_str()), Some("reader"));
    let reading = v2.state().get(&found.agents[0].agent, "found").await?;
    assert_eq!(reading.value(), Some(&json!({ "pages": 3 })));
    v2.agents().delete(&found.agents[0].agent, v2.operation()).await?;
    assert_eq!(v2.discovery().find(Query::new("read")?).await?.total, 0);
    Ok(())
}

/// A run and what it cost are there together.
#[tokio::test]
async fn a_run_is_there_with_its_charges() -> Test {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("fleet.redb");
    {
        let sg = Safeguards::open(&path)?;
        let v2 = sg.v2();
        let pool = v2.pools().create("research", usd!(5.00), P5).await?;
        v2.agents().create("reader", usd!(4.00), P7).pool(&pool).await?;
        let reader = agent_fn("reader", |_, _| async { Ok(Reply::new("read").cost(usd!(0.30))) });
        let team = v2.teams().create("desk", &pool, [Member::new(reader, usd!(1))])?;
        let report = team.execute_task(Task::new("read all"), &Pipeline::new()).await?;
        assert_eq!(report.state, State::Succeeded);
    }
    let store = RedbStore::open(&path)?;
    let runs = store.runs(&RunQuery::all()).await?;
    assert_eq!(runs.len(), 1);
    let spent = runs[0].end.as_ref().map(|end| end.spent.get(&Unit::USD));
    assert_eq!(spent, Some(usd!(0.30).quantity()));
    let pool = store.account(&"research".into()).await?.unwrap();
    assert_eq!(pool.spent.get(&Unit::USD), usd!(0.30).quantity());
    assert!(pool.held.is_zero());
    Ok(())
}

/// What a process did not get to tell is told by the next one, once, and so is what was done to the file past it.
#[tokio::test]
async fn alerts_that_a_process_did_not_get_to_send_are_sent_by_the_next() -> Test {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("fleet.redb");
    let told = async |sg: &Safeguards| -> Result<Vec<String>, Box<dyn Error>> {
        sg.ledger().tick().await?; // as `start` does
        let records = sg.alerts().history(&AlertQuery::all()).await?;
        Ok(records.iter().map(|record| record.alert.to_string()).collect())
    };

    // It ends at once, without ever having started to deliver.
    let sg = Safeguards::open(&path)?;
    let reader = sg.v2().agents().create("reader", usd!(1.00), P5).await?;
    sg.v2().budget().charge(&reader, usd!(0.85), sg.operation()).await?;
    drop((reader, sg));

    // It ends as it has just answered.
    let sg = Safeguards::open(&path)?;
    let running = sg.start()?;
    let first = told(&sg).await?;
    assert_eq!(first.len(), 1, "{first:?}");
    assert!(first[0].contains("budget.threshold") && first[0].contains("0.85"), "{first:?}");
    let writer = sg.v2().agents().create("writer", usd!(1.00), P5).await?;
    let near = sg.operation();
    sg.v2().budget().charge(&writer, usd!(0.96), near).await?;
    drop((running, sg));
    // The tasks that delivered end, and let go of the file.
    let store = loop {
        match RedbStore::open(&path) {
            Err(error) if error.code() == "store.in_use" => tokio::task::yield_now().await,
            opened => break opened?,
        }
    };
    let suspend = Action::Suspend { account: "reader".into(), reason: Some("too dear".into()) };
    store.apply(Command::new(store.operation(), suspend)).await?;
    drop(store);

    let sg = Safeguards::open(&path)?;
    let all = told(&sg).await?;
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(all[1].contains("0.96") && all[2].contains("too dear"), "{all:?}");
    let records = sg.alerts().history(&AlertQuery::all()).await?;
    assert!(records[2].alert.metadata().contains_key("happened_at"), "{records:?}");
    drop(sg);

    for _ in 0..2 {
        let sg = Safeguards::open(&path)?;
        assert_eq!(told(&sg).await?, all, "and not again");
        sg.v2().budget().charge(&writer, usd!(0.96), near).await?;
        assert_eq!(told(&sg).await?, all, "nor where it is sent again");
    }
    Ok(())
}

/// However much the next process has told of itself before it reads what stands behind it.
#[tokio::test]
async fn what_was_not_told_is_not_lost_among_what_is() -> Test {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("fleet.redb");
    let sg = Safeguards::open(&path)?;
    sg.v2().agents().create("reader", usd!(1.00), P5).await?;
    sg.v2().budget().charge("reader", usd!(0.85), sg.operation()).await?;
    drop(sg);

    let sg = Safeguards::open(&path)?;
    let command = |number| {
        let account = "reader".into();
        let suspend = number % 2 == 0;
        let action = if suspend {
            Action::Suspend { account, reason: None }
        } else {
            Action::Resume { account, reason: None }
        };
        Command::new(sg.operation(), action)
    };
    let batch = Batch::independent((0..9_000).map(command).collect::<Vec<_>>());
    sg.ledger().submit(batch).await?;
    sg.ledger().tick().await?;
    let thresholds = AlertMatch::all().topic(topic!("budget.threshold"));
    let records = sg.alerts().history(&AlertQuery::all().matching(thresholds)).await?;
    assert_eq!(records.len(), 1, "{records:?}");
    Ok(())
}
