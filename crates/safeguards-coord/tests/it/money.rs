//! What is held and what is settled: denials, estimates, drawn amounts, usage, and a ledger that fails.

use std::{sync::Arc, time::Duration};

use safeguards_budget::{EntryId, Ledger, LedgerExt, OpenAccount};
use safeguards_coord::{
    AgentError, Context, Cost, CostBasis, Descriptor, FanOut, Member, Pipeline, Reply, Runner,
    State, Task, Team, agent_fn,
};
use safeguards_pricing::{Price, Rate, Usage};
use safeguards_testkit::Fault;
use safeguards_types::{Amounts, requests, tokens, usd};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::stage::{Stage, member, states, worker};

#[tokio::test(start_paused = true)]
async fn a_denied_step_never_starts_and_stops_the_pipeline() {
    let stage = Stage::with_limit(usd!(1.5));
    let team = [worker("a", usd!(0.9)), worker("b", usd!(0.1)), worker("c", usd!(0.1))];
    let report = stage.run(team, &Pipeline::new()).await;
    let expected = ["a succeeded", "b denied budget.limit_exceeded", "c skipped run.skipped"];
    assert_eq!(states(&report), expected);
    assert_eq!(report.state, State::Denied);
    let message = "b: pool has 0.60 USD left of 1.50 USD (lifetime; 0.9 spent, 0 held), asked 1.00 USD; waiting does not help";
    assert_eq!(report.reason.unwrap().message, message);
    assert_eq!(stage.seen("b"), ["step_started", "denied", "step_ended"]);
    let events = stage.events.lock();
    let denied = events.iter().find(|event| event["type"] == "denied").unwrap();
    let denial = json!({
        "code": "budget.limit_exceeded", "account": "pool", "unit": "USD", "window": "lifetime",
        "limit": "1.5", "spent": "0.9", "held": "0", "protected": "0", "asked": "1", "available": "0.6",
        "retry_at": null, "never": true,
    });
    assert_eq!((&denied["denial"], &denied["step"]), (&denial, &json!("b")));
}

#[tokio::test(start_paused = true)]
async fn a_denied_sibling_stops_nobody() {
    let stage = Stage::with_limit(usd!(2.5));
    let slow = |name: &str| {
        member(name, |task: Task, _| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(Reply::new(task.input().clone()).cost(usd!(0.2)))
        })
    };
    let strategy = FanOut::over((1..=4).map(|input| json!(input))).at_once(3);
    let report = stage.run([slow("a"), slow("b")], &strategy).await;
    // Three would hold 1 USD at once, and 2.50 are there: the third and the fourth are denied.
    let mut ended = states(&report);
    ended.sort_by_key(|step| step.contains("denied"));
    assert!(ended[..2].iter().all(|step| step.ends_with("succeeded")), "{ended:?}");
    assert!(
        ended[2..].iter().all(|step| step.ends_with("denied budget.limit_exceeded")),
        "{ended:?}"
    );
    assert_eq!((report.state, report.steps.len()), (State::Denied, 4));
    assert_eq!(report.spent.to_string(), "0.40 USD, 2 requests");
}

/// An entry says which model was paid, so that a report can tell what each one cost.
#[tokio::test(start_paused = true)]
async fn an_entry_says_which_model_it_was() {
    let usage = |model: &str| Cost::Usage { model: model.to_owned(), usage: Usage::new(4_808, 10) };
    let long = "m".repeat(300);
    for (said, expected) in
        [(usage("gpt-4o"), Some("gpt-4o")), (usage(&long), None), (Cost::from(usd!(0.01)), None)]
    {
        let stage = Stage::new();
        let agent = member("a", move |_, _| {
            let reply = Reply::text("done").cost(said.clone());
            async { Ok(reply) }
        });
        stage.run([agent], &Pipeline::new()).await;
        let entries = stage.ledger.entries(EntryId::FIRST, 100).await.unwrap().entries;
        let settled = entries.iter().find(|entry| entry.name() == "settle").unwrap();
        let model = settled.metadata().and_then(|metadata| metadata.get("model")?.as_str());
        assert_eq!(model, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_follows_what_is_known() {
    struct Case {
        name: &'static str,
        drawn: Option<Amounts>,
        cost: Cost,
        spent: &'static str,
        basis: CostBasis,
        mismatch: bool,
        state: &'static str,
    }
    async fn check(case: Case) {
        let Case { name, drawn, cost, spent, basis, mismatch, state } = case;
        let stage = Stage::new();
        let agent = member("a", move |_, cx: Context| {
            if let Some(drawn) = drawn.clone() {
                cx.report_drawn(drawn);
            }
            let reply = Reply::text("done").cost(cost.clone());
            async { Ok(reply) }
        });
        let report = stage.run([agent], &Pipeline::new()).await;
        let step = &report.steps[0];
        let got = (step.spent.to_string(), step.basis, step.cost_mismatch.is_some());
        assert_eq!(got, (spent.to_owned(), basis, mismatch), "{name}");
        assert_eq!(states(&report), [state], "{name}");
        assert_eq!(step.output, Some(json!("done")), "{name}");
    }
    let case = |name| Case {
        name,
        drawn: None,
        cost: Cost::Unknown,
        spent: "1.00 USD, 1 requests",
        basis: CostBasis::Estimate,
        mismatch: false,
        state: "a succeeded",
    };
    let usage = |model: &str| Cost::Usage { model: model.to_owned(), usage: Usage::new(4_808, 10) };
    check(case("nothing known")).await;
    let (drawn, basis) = (Some(usd!(0.05).into()), CostBasis::Drawn);
    check(Case { drawn, basis, spent: "0.05 USD, 1 requests", ..case("drawn") }).await;
    let (drawn, basis, cost) = (Some(usd!(0.05).into()), CostBasis::Reported, usd!(0.01).into());
    let name = case("drawn more than reported");
    check(Case { drawn, basis, cost, mismatch: true, spent: "0.05 USD, 1 requests", ..name }).await;
    let (basis, cost) = (CostBasis::Reported, [usd!(3), requests!(7)].into());
    check(Case { basis, cost, spent: "3.00 USD, 7 requests", ..case("more than held") }).await;
    let (basis, cost) = (CostBasis::Reported, usage("gpt-4o"));
    check(Case { basis, cost, spent: "0.01212 USD, 1 requests, 4818 tokens", ..case("usage") })
        .await;
    let (cost, state) = (usage("nobody-1"), "a failed pricing.unknown_model");
    check(Case { cost, state, spent: "1.00 USD, 1 requests, 4818 tokens", ..case("no price") })
        .await;
    let cost = Cost::Known([usd!(2), "3 EUR".parse().unwrap()].into());
    let (basis, state) = (CostBasis::Partial, "a failed budget.unknown_unit");
    check(Case { cost, basis, state, spent: "2.00 USD, 1 requests", ..case("unknown unit") }).await;
}

#[tokio::test(start_paused = true)]
async fn a_cost_that_the_ledger_cannot_write_down_ends_the_hold_all_the_same() {
    async fn check(drawn: Option<Amounts>, cost: Cost, spent: &str, ended: &str, message: &str) {
        let stage = Stage::with_limit(usd!(1_000_000_000_000_000));
        let agent = member("a", move |_, cx: Context| {
            if let Some(drawn) = drawn.clone() {
                cx.report_drawn(drawn);
            }
            let reply = Reply::text("done").cost(cost.clone());
            async { Ok(reply) }
        });
        // The auditor behind `run` sees that nothing stays held, and that the pool spent what is reported.
        let report = stage.run([agent], &Pipeline::new()).await;
        assert_eq!(report.spent.to_string(), spent);
        assert_eq!(states(&report), [ended]);
        assert_eq!(report.steps[0].basis, CostBasis::Partial);
        assert_eq!(report.reason.unwrap().message, message);
    }
    let most = "1000000000000000.00 USD, 1 requests";
    let overflow = "a failed budget.amount_overflow";
    let cost = Cost::from(usd!(2_000_000_000_000_000));
    let message = "a, attempt 1: its cost of 2000000000000000.00 USD could not be written down: \
                   2000000000000000 USD is more than 1000000000000000 in one amount; 1000000000000000.00 USD is settled";
    check(None, cost, most, overflow, message).await;
    let drawn = Some(usd!(10_000_000_000_000_000).into());
    let message = "a, attempt 1: its cost of 10000000000000000.00 USD could not be written down: \
                   10000000000000000 USD is more than 1000000000000000 in one amount; 1000000000000000.00 USD is settled";
    check(drawn, Cost::Unknown, most, overflow, message).await;
    let unknown = "a failed budget.unknown_unit";
    let euros = |euros: &str| euros.parse::<safeguards_types::Amount>().unwrap();
    let message = "a, attempt 1: its cost of 3 EUR could not be written down: the unit EUR is not registered; a \
                   team file registers it with `units = [\"EUR\"]`; 2.00 USD is settled";
    check(None, [usd!(2), euros("3 EUR")].into(), "2.00 USD, 1 requests", unknown, message).await;
    // Whose cost is in other units alone pays the estimate.
    let message = message.replace("2.00", "1.00").replace("3 EUR", "2000000000000000 EUR");
    let cost = euros("2_000_000_000_000_000 EUR").into();
    check(
        None,
        cost,
        "1.00 USD, 1 requests",
        overflow,
        &message.replace(
            "the unit EUR is not registered",
            "2000000000000000 EUR is more than 1000000000000000 in one amount; the unit EUR is not registered",
        ),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_counter_that_is_full_ends_the_hold_all_the_same() {
    let stage = Stage::new();
    let open = OpenAccount::new("endless");
    stage.ledger.open_account(open, stage.ledger.operation()).await.unwrap();
    let team = || {
        let member = worker("a", usd!(1_000_000_000_000_000)).account("endless");
        Team::new("team", "endless", [member]).unwrap()
    };
    let mut ends = Vec::new();
    for _ in 0..12 {
        let (runner, strategy) = (stage.runner(), Pipeline::new());
        let report = runner.run(&team(), Task::new("work"), &strategy, stage.options()).await;
        let report = report.unwrap();
        let read = stage.ledger.account(&"endless".into()).await.unwrap().unwrap();
        assert!(read.held.is_zero(), "{}", read.held);
        ends.push((report.spent.to_string(), states(&report).remove(0)));
    }
    let full = |spent: &str| (spent.to_owned(), "a failed budget.amount_overflow".to_owned());
    let most = "1000000000000000.00 USD, 1 requests".to_owned();
    assert_eq!(ends[..10], vec![(most, "a succeeded".to_owned()); 10]);
    assert_eq!(ends[10..], [full("1 requests"), full("1 requests")]);
    // With room for what was held, that much is settled.
    let open = OpenAccount::new("nearly");
    stage.ledger.open_account(open, stage.ledger.operation()).await.unwrap();
    for _ in 0..9 {
        let op = stage.ledger.operation();
        let charge = safeguards_budget::Charge::new("nearly", usd!(1_000_000_000_000_000));
        stage.ledger.record(charge, op).await.unwrap();
    }
    let charge = safeguards_budget::Charge::new("nearly", usd!(999_999_999_999_990));
    stage.ledger.record(charge, stage.ledger.operation()).await.unwrap();
    let member = worker("a", usd!(11)).account("nearly");
    let team = Team::new("team", "nearly", [member]).unwrap();
    let report =
        stage.runner().run(&team, Task::new("work"), &Pipeline::new(), stage.options()).await;
    let report = report.unwrap();
    assert_eq!(report.spent.to_string(), "1.00 USD, 1 requests");
    let message =
        "its cost of 11.00 USD could not be written down: a counter or limit of nearly would pass";
    assert!(report.reason.unwrap().message.contains(message));
}

#[tokio::test(start_paused = true)]
async fn who_holds_nothing_reports_no_more_than_was_written_down() {
    let stage = Stage::with_limit(usd!(1_000_000_000_000_000));
    let agent = agent_fn(Descriptor::new("a").free(), |_, _| async {
        let costs = [usd!(2_000_000_000_000_000), "3 EUR".parse().unwrap()];
        Ok(Reply::text("done").cost(costs))
    });
    let report = stage.run([Member::new(agent, requests!(0))], &Pipeline::new()).await;
    assert_eq!(report.spent.to_string(), "1000000000000000.00 USD");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_a_model_without_a_price_is_what_was_settled() {
    let stage = Stage::new();
    let usage = Usage::new(4_808, 10);
    let agent =
        member("a", move |_, _| async move { Ok(Reply::text("done").usage("nobody-1", usage)) });
    let report = stage.run([agent], &Pipeline::new()).await;
    assert_eq!(report.spent.to_string(), "1.00 USD, 1 requests, 4818 tokens");
    let said = report.reason.unwrap().message;
    assert!(
        said.ends_with(
            "; 1.00 USD, 4818 tokens counts as spent: the estimate, and what is known besides"
        ),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_free_are_free_but_for_the_request() {
    let stage = Stage::new();
    let free = |estimate: Amounts| {
        let agent = agent_fn(Descriptor::new("a").free(), |_, _| async { Ok(Reply::text("done")) });
        Member::new(agent, estimate)
    };
    let report = stage.run([free(Amounts::none())], &Pipeline::new()).await;
    assert_eq!(
        (report.spent.to_string().as_str(), report.steps[0].basis),
        ("1 requests", CostBasis::Free)
    );
    stage.events.lock().clear();
    let report = stage.run([free(requests!(0).into())], &Pipeline::new()).await;
    assert_eq!(report.spent.to_string(), "nothing");
}

#[tokio::test(start_paused = true)]
async fn the_pool_counts_once_be_it_above_the_agent_or_beside_it() {
    let stage = Stage::new();
    let open = |account| async {
        stage.ledger.open_account(account, stage.ledger.operation()).await.unwrap();
    };
    open(OpenAccount::new("alone")).await;
    open(OpenAccount::new("user")).await;
    let team = [worker("a", usd!(0.1)).scope("user"), worker("b", usd!(0.2)).account("alone")];
    // The auditor behind `run` sees that the pool spent the sum, once.
    let report = stage.run(team, &Pipeline::new()).await;
    assert_eq!(report.spent.to_string(), "0.30 USD, 2 requests");
    for (account, spent) in [("user", "0.10 USD"), ("alone", "0.20 USD"), ("a", "0.10 USD")] {
        let read = stage.ledger.account(&account.into()).await.unwrap().unwrap();
        assert_eq!(read.spent.to_string(), format!("{spent}, 1 requests"), "{account}");
    }
}

#[tokio::test(start_paused = true)]
async fn entries_say_for_which_attempt_they_are() {
    let stage = Stage::new();
    let silent = member("a", |_, _| async { Ok(Reply::text("done")) });
    let report = stage.run([silent], &Pipeline::new()).await;
    let page = stage.ledger.entries(EntryId::FIRST, 100).await.unwrap();
    let [hold, settle] = &page.entries[page.entries.len() - 2..] else { panic!() };
    for entry in [hold, settle] {
        assert_eq!(
            (&entry.metadata().unwrap()["run"], &entry.metadata().unwrap()["step"]),
            (&json!(report.run), &json!("a"))
        );
        assert_eq!(entry.metadata().unwrap()["attempt"], 1);
    }
    assert_eq!(settle.metadata().unwrap()["unknown_cost"], true);
    assert!(!hold.metadata().unwrap().contains_key("unknown_cost"));
}

#[tokio::test(start_paused = true)]
async fn the_price_of_a_member_goes_before_the_table_whatever_its_model_is_called() {
    async fn check(usage: Usage, spent: Amounts, ended: &str) {
        let stage = Stage::new();
        let rate = |text| Rate::parse(text).unwrap();
        let price = Price::new(rate("1 USD per 1M tokens"), rate("2 USD per 1M tokens")).unwrap();
        let agent =
            member("a", move |_, _| async move { Ok(Reply::text("done").usage("gpt-4o", usage)) });
        let report = stage.run([agent.price(price)], &Pipeline::new()).await;
        assert_eq!(states(&report), [ended]);
        assert_eq!(report.steps[0].spent, spent, "{report:?}");
    }
    let usage = Usage::new(1_000_000, 500_000);
    check(usage, [usd!(2), requests!(1), tokens!(1_500_000)].into(), "a succeeded").await;
    // More cached than input tokens: nobody can price that, so nobody takes it for a success.
    let (usage, ended) = (Usage::new(10, 0).cached(11), "a failed pricing.usage_invalid");
    check(usage, [usd!(1), requests!(1), tokens!(10)].into(), ended).await;
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_fails_is_asked_again_and_nothing_is_paid_twice() {
    async fn check(failures: usize, expected: &str, spent: &str) {
        let stage = Stage::new();
        let ledger = stage.faulty();
        let fault = |left| if left % 2 == 0 { Fault::After } else { Fault::Before };
        ledger.script((1..=failures).rev().map(|left| Some(fault(left))));
        let runner = Runner::new(Arc::new(ledger), Arc::new(stage.clock.clone()));
        let team = Team::new("team", "pool", [worker("a", usd!(0.1))]).unwrap();
        let report = runner.run(&team, Task::new("work"), &Pipeline::new(), stage.options()).await;
        assert_eq!(states(&report.unwrap()), [expected], "{failures} failures");
        assert_eq!(stage.spent().await.to_string(), spent, "{failures} failures");
        assert!(stage.held().await.is_zero(), "{failures} failures");
    }
    check(1, "a succeeded", "0.10 USD, 1 requests").await;
    check(2, "a succeeded", "0.10 USD, 1 requests").await;
    // The hold is placed by the second try; the third fails too; it is released then.
    check(3, "a failed ledger.not_applied", "nothing").await;
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_cancelled_while_its_hold_is_placed_is_not_begun() {
    let stage = Stage::new();
    let cancellation = CancellationToken::new();
    let options = stage.options().cancellation(cancellation.clone());
    let ledger = stage.faulty();
    ledger.plan(move |_| {
        cancellation.cancel();
        None
    });
    let runner = Runner::new(Arc::new(ledger), Arc::new(stage.clock.clone()));
    let agent = member("a", |_, _| async { panic!("it began") });
    let team = Team::new("team", "pool", [agent]).unwrap();
    let report = runner.run(&team, Task::new("work"), &Pipeline::new(), options).await.unwrap();
    assert_eq!(states(&report), ["a cancelled run.cancelled"]);
    assert_eq!(stage.seen("a"), ["step_started", "held", "step_ended"]);
    assert_eq!(report.spent.to_string(), "nothing");
    assert!(stage.held().await.is_zero());
}

#[tokio::test(start_paused = true)]
async fn a_reason_tells_the_causes_that_its_error_leaves_to_the_chain() {
    let stage = Stage::new();
    let agent = member("a", |_, _| async {
        let error = AgentError::new("source is down").cost(Amounts::none());
        Err(error.caused_by(std::io::Error::other("no route")))
    });
    let report = stage.run([agent], &Pipeline::new()).await;
    assert_eq!(report.reason.unwrap().message, "a, attempt 1: source is down: no route");
}
