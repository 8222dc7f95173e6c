//! The API from outside: both versions over one core, and the ledger's facts as alerts.

use std::{sync::Arc, time::Duration};

use safeguards_api::{BudgetError, CreateError, Safeguards};
use safeguards_budget::{Limit, MemoryLedger, Percent};
use safeguards_notify::{Alert, AlertQuery, AlertRecord};
use safeguards_types::{AgentId, Amount, Priority, Severity, SimClock, Timestamp, tokens, usd};

type Test = Result<(), Box<dyn std::error::Error>>;

const P3: Priority = Priority::P3;
const P5: Priority = Priority::P5;
const P7: Priority = Priority::P7;

/// What was alerted, in order: severity, topic, whom it is about.
async fn alerted(sg: &Safeguards) -> Vec<(Severity, String, String)> {
    let brief = |record: AlertRecord| {
        let alert = record.alert;
        let about = alert.agent().map_or("", AgentId::as_str);
        (alert.severity(), alert.topic().as_str().to_owned(), about.to_owned())
    };
    sg.alerts().history(&AlertQuery::all()).await.unwrap().into_iter().map(brief).collect()
}

#[tokio::test]
async fn v1_sets_what_remains_in_one_step_and_reads_the_accounts_own() -> Test {
    let sg = Safeguards::in_memory();
    let (agents, budgets) = (sg.v1().agents(), sg.v1().budgets());
    let pool = budgets.create_budget_pool("small", usd!(1), P5).await?;
    let agent = agents.create_agent("reader", usd!(100), P7).pool(&pool.id).await?;
    assert_eq!(agent.pool, Some(pool.id.clone()));

    // The account's own, though the pool above it has less.
    assert_eq!(budgets.get_budget(&agent.id).await?, usd!(100));
    sg.v2().budget().charge(&agent.id, usd!(0.40), sg.operation()).await?;
    budgets.update_budget(&agent.id, usd!(7)).await?;
    assert_eq!(budgets.get_budget(&agent.id).await?, usd!(7));
    assert_eq!(budgets.get_budget(&pool.id).await?, usd!(0.60));

    let error = budgets.update_budget(&agent.id, tokens!(7)).await.unwrap_err();
    assert_eq!(error.to_string(), "the budget of `reader` is in USD, not in tokens");
    let error = budgets.get_budget("nobody").await.unwrap_err();
    assert!(matches!(error, BudgetError::Unknown { .. }), "{error}");
    assert_eq!(error.code(), "api.unknown");
    Ok(())
}

#[tokio::test]
async fn made_again_it_is_the_same_and_on_other_terms_it_is_refused() -> Test {
    let sg = Safeguards::in_memory();
    let (v1, v2) = (sg.v1(), sg.v2());
    let made = v1.agents().create_agent("reader", usd!(4), P7).await?;
    sg.v2().budget().charge(&made.id, usd!(1), sg.operation()).await?;
    let again = v1.agents().create_agent("reader", usd!(4), P7).await?;
    assert_eq!(again, made);
    assert_eq!(v1.budgets().get_budget(&made.id).await?, usd!(3), "nothing was given back");

    let error = v2.agents().create("reader", usd!(5), P3).await.unwrap_err();
    assert!(matches!(error, CreateError::OtherTerms { .. }));
    assert_eq!(
        error.to_string(),
        "`reader` was asked for as agent, priority 3, in no pool, 5.00 USD, warns at 80 %, but there is one already: \
         agent, priority 7, in no pool, 4.00 USD, warns at 80 %"
    );
    let error = v2.pools().create("reader", usd!(4), P7).await.unwrap_err();
    assert!(
        error.to_string().ends_with("agent, priority 7, in no pool, 4.00 USD, warns at 80 %"),
        "{error}"
    );

    let error = v2.agents().create("lost", usd!(4), P7).pool("nowhere").await.unwrap_err();
    assert_eq!(error.code(), "budget.unknown_account");
    assert_eq!(v2.agents().list().len(), 1);
    assert_eq!(v1.agents().get_agent(&"reader".into()), Some(made));
    assert_eq!(v1.budgets().get_budget_pool(&"reader".into()), None);
    Ok(())
}

#[tokio::test]
async fn who_is_in_the_ledger_from_before_is_recognized() -> Test {
    let ledger = MemoryLedger::new();
    let before = Safeguards::builder(ledger.clone()).build()?;
    before.v1().agents().create_agent("reader", usd!(4), P7).await?;
    before.v1().budgets().update_budget("reader", usd!(1)).await?;

    let after = Safeguards::builder(ledger).build()?;
    let error = after.v1().agents().create_agent("reader", usd!(4), P3).await.unwrap_err();
    assert!(
        error.to_string().ends_with("an account, priority 7, in no pool, 1.00 USD, warns at 80 %"),
        "{error}"
    );
    after.v1().agents().create_agent("reader", usd!(4), P7).await?;
    assert_eq!(after.v1().budgets().get_budget("reader").await?, usd!(1));
    Ok(())
}

/// The guide's way to spend loses an update where two do it at once; `v2` does not.
#[tokio::test]
async fn get_then_update_races_and_charge_does_not() -> Test {
    let sg = Safeguards::in_memory();
    let (budgets, v2) = (sg.v1().budgets(), sg.v2());
    let agent = v2.agents().create("reader", usd!(10), P7).await?;
    let subtract = |budget: Amount, cost: Amount| {
        let left = budget.quantity().checked_sub(cost.quantity()).unwrap();
        Amount::new(left, budget.unit().clone())
    };
    let (first, second) = (budgets.get_budget(&agent).await?, budgets.get_budget(&agent).await?);
    budgets.update_budget(&agent, subtract(first, usd!(3))).await?;
    budgets.update_budget(&agent, subtract(second, usd!(4))).await?;
    assert_eq!(budgets.get_budget(&agent).await?, usd!(6), "7.00 USD were spent");

    budgets.update_budget(&agent, usd!(10)).await?;
    let job = v2.operation();
    let spend = |cost, step| v2.budget().charge(&agent, cost, job.step(step)).into_future();
    let (first, second) = (spend(usd!(3), "a"), spend(usd!(4), "b"));
    second.await?;
    first.await?;
    assert_eq!(budgets.get_budget(&agent).await?, usd!(3));
    Ok(())
}

#[tokio::test]
async fn a_hold_is_settled_released_or_recorded_past() -> Test {
    let v2 = Safeguards::in_memory().v2();
    let (budget, job) = (v2.budget(), v2.operation());
    let pool = v2.pools().create("team", usd!(1), P5).await?;
    let day = Limit::per_day(tokens!(1_000), "UTC")?;
    let agent = v2.agents().create("writer", usd!(2), P7).pool(&pool).limit(day).await?;

    let minute = Duration::from_mins(1);
    let hold =
        budget.hold(&agent, [usd!(0.50), tokens!(900)], job.step("hold")).ttl(minute).await?;
    let denied = budget.charge(&agent, tokens!(200), job.step("more")).await.unwrap_err();
    assert_eq!(denied.code(), "budget.limit_exceeded");
    budget.settle(hold, [usd!(0.20), tokens!(100)]).await?;
    let hold = budget.hold(&agent, usd!(0.80), job.step("again")).await?;
    budget.release(hold).await?;
    let receipt = budget.record(&agent, usd!(0.90), job.step("bill")).await?;
    assert_eq!(receipt.overrun.len(), 1, "{receipt:?}");
    let account = budget.account(&pool).await?.ok_or("no such pool")?;
    assert_eq!(account.spent.to_string(), "1.10 USD, 100 tokens");
    Ok(())
}

#[tokio::test]
async fn what_the_ledger_answers_becomes_alerts() -> Test {
    let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z")?);
    let sg = Safeguards::builder(MemoryLedger::with_clock(clock.clone())).clock(clock).build()?;
    let v2 = sg.v2();
    let (budget, job) = (v2.budget(), v2.operation());
    let half = Percent::parse("50")?;
    let full = Percent::parse("100")?;
    let day =
        Limit::per_day(tokens!(100), "UTC")?.warn_at(half).warn_at(Percent::EIGHTY).warn_at(full);
    let reader = v2.agents().create("reader", usd!(4), P7).limit(day).await?;

    budget.charge(&reader, usd!(3.90), job.step("read")).await?;
    budget.charge(&reader, usd!(3.90), job.step("read")).await?; // again: paid once, told once
    budget.charge(&reader, usd!(2), job.step("more")).await.unwrap_err();
    budget.charge(&reader, tokens!(60), job.step("half")).await?;
    budget.charge(&reader, tokens!(40), job.step("full")).await?; // past 80 % and 100 % at once
    budget.charge("nobody", usd!(1), job.step("typo")).await.unwrap_err(); // no limit said no
    budget.record(&reader, usd!(1), job.step("bill")).await?;

    let told = |severity, topic: &str| (severity, topic.to_owned(), "reader".to_owned());
    assert_eq!(
        alerted(&sg).await,
        [
            told(Severity::Medium, "budget.threshold"),
            told(Severity::High, "budget.denied"),
            told(Severity::Informational, "budget.threshold"),
            told(Severity::High, "budget.threshold"),
            told(Severity::High, "budget.overrun"),
        ]
    );
    let history: Vec<Arc<Alert>> = sg
        .alerts()
        .history(&AlertQuery::all())
        .await?
        .into_iter()
        .map(|record| record.alert)
        .collect();
    let denied = history[1].metadata();
    assert_eq!((&denied["asked"], &denied["available"]), (&"2".into(), &"0.1".into()));
    assert_eq!(denied["code"], "budget.limit_exceeded");
    assert_eq!(denied.get("retry_at"), None, "waiting does not help");
    assert_eq!(history[3].metadata()["percent"], "100");
    assert_eq!(history[4].metadata()["over_by"], "0.9");
    assert_eq!(
        history[1].message(),
        "reader was denied: reader has 0.10 USD left of 4.00 USD (lifetime; 3.9 spent, 0 held), asked 2.00 USD; \
         waiting does not help"
    );
    Ok(())
}
