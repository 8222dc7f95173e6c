//! A fleet on one durable file: closed and opened again, it knows what was spent, and pays nothing twice.

use std::{error::Error, path::Path};

use safeguards::prelude::*;
use safeguards_budget::LedgerExt;
use safeguards_coord::{RunQuery, RunStore, State};
use safeguards_redb::RedbStore;
use safeguards_types::Unit;

type Test = Result<(), Box<dyn Error>>;

fn open(path: &Path) -> Result<Safeguards, Box<dyn Error>> {
    let store = RedbStore::open(path)?;
    let builder = Safeguards::builder(store.clone()).run_store(store.clone());
    Ok(builder.alert_store(store).build()?)
}

#[tokio::test]
async fn a_fleet_goes_on_where_it_stood() -> Test {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("fleet.redb");
    let sg = open(&path)?;
    let v2 = sg.v2();
    let pool = v2.pools().create("research", usd!(5.00), P5).await?;
    let reader = v2.agents().create("reader", usd!(4.00), P7).pool(&pool).await?;
    let job = v2.operation();
    let first = v2.budget().charge(&reader, usd!(3.90), job.step("read")).await?;
    drop((pool, reader, v2, sg));

    let sg = open(&path)?;
    let v2 = sg.v2();
    // Made again on the same terms they are the same.
    let pool = v2.pools().create("research", usd!(5.00), P5).await?;
    let reader = v2.agents().create("reader", usd!(4.00), P7).pool(&pool).await?;
    assert_eq!(v2.budget().charge(&reader, usd!(3.90), job.step("read")).await?, first);
    let denied = v2.budget().charge(&reader, usd!(0.20), job.step("more")).await.unwrap_err();
    assert_eq!(denied.code(), "budget.limit_exceeded");
    Ok(())
}

/// A run and what it cost are there together.
#[tokio::test]
async fn a_run_is_there_with_its_charges() -> Test {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("fleet.redb");
    {
        let sg = open(&path)?;
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
