//! What version 2 reads in pages, and what is counted of entries.

use std::error::Error;

use safeguards_api::Safeguards;
use safeguards_budget::{Charge, EntryId, LedgerExt, MemoryLedger, OpenAccount};
use safeguards_types::{Priority, usd};

type Test = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn pages_of_accounts_and_entries_have_a_thousand_at_most() -> Test {
    let sg = Safeguards::in_memory();
    let pool = sg.v2().pools().create("pool", usd!(1), Priority::P5).await?;
    for number in 0..1_100 {
        let open = OpenAccount::new(format!("agent-{number:04}")).under("pool");
        sg.ledger().open_account(open, sg.operation()).await?;
    }
    let budget = sg.v2().budget();
    let under = || budget.accounts().under(&pool);
    assert_eq!(under().await?.accounts.len(), 100);
    assert_eq!(under().limit(0).await?.accounts.len(), 1);
    let first = under().limit(5_000).await?;
    let next = first.next.ok_or("there are more")?;
    assert_eq!((first.accounts.len(), next.as_str()), (1_000, "agent-0999"));
    let last = under().limit(5_000).after(next).await?;
    // The pool itself comes last by its name.
    assert_eq!((last.accounts.len(), last.next), (101, None));

    assert_eq!(budget.entries().await?.entries.len(), 100);
    assert_eq!(budget.entries().limit(0).await?.entries.len(), 1);
    assert_eq!(budget.entries().limit(5_000).from(EntryId::new(2)).await?.entries.len(), 1_000);
    Ok(())
}

#[tokio::test]
async fn less_than_is_not_as_much_as() -> Test {
    let sg = Safeguards::in_memory();
    for (name, budget) in [("less", usd!(0.99)), ("same", usd!(1)), ("more", usd!(1.01))] {
        sg.v2().agents().create(name, budget, Priority::P5).await?;
    }
    let low = sg.v2().budget().accounts().less_than(usd!(1)).await?;
    let names: Vec<&str> = low.accounts.iter().map(|account| account.id.as_str()).collect();
    assert_eq!(names, ["less"]);
    Ok(())
}

/// Whoever shares money out by a count that is cut off shares it out wrongly.
#[tokio::test]
async fn of_more_than_a_hundred_thousand_entries_nobodys_recent_tasks_are_known() -> Test {
    let ledger = MemoryLedger::new();
    let sg = Safeguards::builder(ledger.clone()).build()?;
    let agent = sg.v2().agents().create("reader", usd!(1), Priority::P5).await?;
    let charge = |times: u32| {
        for _ in 0..times {
            let charge = Charge::new("reader", usd!(0.000001));
            ledger.sync().charge(charge, ledger.operation()).unwrap();
        }
    };
    let recent = async || sg.v2().metrics().agent(&agent).await.map(|agent| agent.recent_tasks);
    charge(99_000);
    assert_eq!(recent().await?, Some(99_000));
    charge(2_000);
    assert_eq!(recent().await?, None);
    Ok(())
}
