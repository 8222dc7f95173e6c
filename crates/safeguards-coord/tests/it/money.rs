//! What is held and what is settled: denials, estimates, drawn amounts, usage, and a ledger that fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use safeguards_budget::{EntryId, Ledger, LedgerExt, OpenAccount};
use safeguards_coord::{
    AgentError, Context, Cost, CostBasis, Descriptor, FanOut, Member, Pipeline, Reply, Runner,
    State, Task, Team, agent_fn,
};
use safeguards_pricing::{Price, Rate, Usage};
use safeguards_types::{Amounts, requests, tokens, usd};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::stage::{Flaw, Flawed, Stage, member, states, worker};

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
    let state = "a failed budget.unknown_unit";
    check(Case { cost, state, spent: "2.00 USD, 1 requests", ..case("unknown unit") }).await;
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
            (&entry.metadata["run"], &entry.metadata["step"]),
            (&json!(report.run), &json!("a"))
        );
        assert_eq!(entry.metadata["attempt"], 1);
    }
    assert_eq!(settle.metadata["unknown_cost"], true);
    assert!(!hold.metadata.contains_key("unknown_cost"));
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
        let left = AtomicUsize::new(failures);
        let next = move || {
            let one_less = |left: usize| left.checked_sub(1);
            match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
                Ok(left) if left % 2 == 0 => Flaw::AnswerLost,
                Ok(_) => Flaw::NotApplied,
                Err(_) => Flaw::None,
            }
        };
        let ledger = Flawed { inner: stage.ledger.clone(), next };
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
    let next = move || {
        cancellation.cancel();
        Flaw::None
    };
    let ledger = Flawed { inner: stage.ledger.clone(), next };
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
