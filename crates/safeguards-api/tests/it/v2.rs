//! Version 2 by its verbs: holds around work, sharing out, leave, reads, teams and runs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use safeguards_api::{Safeguards, v2::WithHoldError};
use safeguards_budget::{
    Allocation, Change, EntryId, HoldState, LedgerExt, Limit, MemoryLedger, Weight, Window,
};
use safeguards_coord::{AgentError, Member, Pipeline, Reply, RunQuery, State, Task, agent_fn};
use safeguards_testkit::{Fault, FaultyLedger};
use safeguards_types::{Amounts, Priority, SimClock, Timestamp, Unit, tokens, usd};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;
type Test = Fallible<()>;

/// Everything in memory on a clock that stands still.
fn paused() -> Fallible<(Safeguards, SimClock)> {
    let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z")?);
    let ledger = MemoryLedger::with_clock(clock.clone());
    Ok((Safeguards::builder(ledger).clock(clock.clone()).build()?, clock))
}

/// What is left of an account's own dollars, and what is held of them.
async fn left(sg: &Safeguards, account: &str) -> Fallible<(String, String)> {
    let account = sg.v2().budget().account(account).await?.ok_or("no such account")?;
    let left = account.available(&Unit::USD).ok_or("no limit in dollars")?;
    Ok((left.to_string(), account.held.get(&Unit::USD).to_string()))
}

fn pair(left: &str, held: &str) -> (String, String) {
    (left.to_owned(), held.to_owned())
}

#[tokio::test]
async fn work_under_a_hold_is_paid_by_what_it_really_cost() -> Test {
    let (sg, clock) = paused()?;
    let (budget, job) = (sg.v2().budget(), sg.operation());
    sg.v2().agents().create("writer", usd!(1), Priority::P3).await?;

    let inner = sg.clone();
    let work = async move {
        let held = left(&inner, "writer").await.unwrap();
        (held, usd!(0.25))
    };
    let (held, receipt) = budget.with_hold("writer", usd!(0.60), job.step("long"), work).await?;
    assert_eq!(held, pair("0.4", "0.6"), "while it worked");
    assert_eq!(receipt.available, usd!(0.75).into());
    assert_eq!(left(&sg, "writer").await?, pair("0.75", "0"));

    // What is denied is not begun.
    let never = async { unreachable!("the hold was denied") as ((), Amounts) };
    let denied = budget.with_hold("writer", usd!(0.80), job.step("more"), never).await;
    let denied = denied.unwrap_err();
    assert_eq!(denied.code(), "budget.limit_exceeded");
    assert!(denied.denial().is_some());

    // What is given up half way frees itself when its time is over, and not before.
    let endless = async {
        std::future::pending::<()>().await;
        ((), usd!(0))
    };
    let given_up = budget.with_hold("writer", usd!(0.50), job.step("endless"), endless);
    let given_up = given_up.ttl(Duration::from_mins(1));
    tokio::select! {
        biased;
        _ = given_up => return Err("it never ends".into()),
        () = async { for _ in 0..5 { tokio::task::yield_now().await } } => {}
    }
    assert_eq!(left(&sg, "writer").await?, pair("0.25", "0.5"));
    clock.advance(Duration::from_secs(61));
    assert_eq!(left(&sg, "writer").await?, pair("0.75", "0"));
    Ok(())
}

#[tokio::test]
async fn work_whose_settlement_nobody_knows_of_gives_all_back() -> Test {
    let ledger = FaultyLedger::new(Arc::new(MemoryLedger::new()));
    let sg = Safeguards::builder(ledger.clone()).build()?;
    let budget = sg.v2().budget();
    sg.v2().agents().create("writer", usd!(1), Priority::P3).await?;
    let work = async move {
        ledger.script([Some(Fault::After)]);
        ("a page", usd!(0.25))
    };
    let lost = budget.with_hold("writer", usd!(0.60), sg.operation(), work).await.unwrap_err();
    let WithHoldError::Settle { value, spent, source } = lost else {
        return Err("the hold was placed".into());
    };
    assert_eq!((value, &spent), ("a page", &usd!(0.25).into()));
    assert_eq!(source.code(), "ledger.outcome_unknown");
    let hold = source.into_hold();
    budget.settle(hold, spent).await?;
    assert_eq!(left(&sg, "writer").await?, pair("0.75", "0"), "paid once");
    Ok(())
}

#[tokio::test]
async fn money_goes_from_one_to_the_other_and_none_is_lost() -> Test {
    let (sg, _) = paused()?;
    let (v2, budget, job) = (sg.v2(), sg.v2().budget(), sg.operation());
    let pool = v2.pools().create("research", usd!(10), Priority::P5).await?;
    for (name, priority) in [("reader", Priority::P7), ("writer", Priority::P3)] {
        v2.agents().create(name, usd!(5), priority).pool(&pool).await?;
    }
    let both = async || -> Fallible<(String, String)> {
        Ok((left(&sg, "reader").await?.0, left(&sg, "writer").await?.0))
    };
    budget.charge("reader", usd!(2), job.step("read")).await?;
    budget.refund(job.step("read"), usd!(0.50), job.step("back")).await?;
    let twice = budget.refund(job.step("read"), usd!(1.51), job.step("back again")).await;
    assert_eq!(twice.unwrap_err().code(), "budget.refund_exceeds_charge");
    assert_eq!(both().await?, pair("3.5", "5"));

    budget.transfer("writer", "reader", usd!(1.25), job.step("give")).await?;
    budget.transfer("writer", "reader", usd!(1.25), job.step("give")).await?;
    assert_eq!(both().await?, pair("4.75", "3.75"), "asked twice, done once");

    let shares =
        budget.allocate(&pool, Allocation::by_priority(usd!(8.50)), job.step("share")).await?;
    assert_eq!(shares.to_string(), "reader 5.95 USD, writer 2.55 USD");
    let weights = [("reader", Weight::from(1)), ("writer", Weight::from(1))];
    let none = Allocation::by_weights(usd!(10), weights).at_least(tokens!(1));
    let refused = budget.allocate(&pool, none, job.step("mixed")).await.unwrap_err();
    assert_eq!(refused.code(), "allocation.mixed_units");
    let nobody =
        budget.allocate("reader", Allocation::by_priority(usd!(1)), job.step("none")).await;
    assert_eq!(nobody.unwrap_err().code(), "allocation.no_children");

    let exact = [("reader", usd!(4).quantity()), ("writer", usd!(2).quantity())];
    budget.allocate_exactly(&pool, Unit::USD, exact, job.step("exact")).await?;
    assert_eq!(both().await?, pair("2.5", "2"), "limits are in all, and 1.50 was spent");
    budget.reclaim("reader", usd!(5), job.step("fire")).await?;
    assert_eq!(both().await?, pair("7.5", "1"), "4 were free above, and 1 came from the lower");
    Ok(())
}

#[tokio::test]
async fn limits_are_set_and_an_account_stopped() -> Test {
    let (sg, clock) = paused()?;
    let (v2, budget, job) = (sg.v2(), sg.v2().budget(), sg.operation());
    v2.agents().create("reader", usd!(5), Priority::P7).await?;
    let hour = Window::every_seconds(3_600)?;
    let limit = Limit::new(usd!(1), hour.clone());
    budget.set_limit("reader", limit, job.step("hourly")).await?;
    let over = budget.charge("reader", usd!(1.01), job.step("much")).await.unwrap_err();
    let denial = over.denial().ok_or("a denial")?;
    assert!(denial.to_string().contains("1.01 USD"), "{denial}");
    budget.charge("reader", usd!(1), job.step("read")).await?;
    clock.advance(Duration::from_hours(1));
    budget.charge("reader", usd!(1), job.step("next hour")).await?;
    budget.remove_limit("reader", Unit::USD, hour, job.step("unlimited")).await?;
    budget.charge("reader", usd!(1.50), job.step("more")).await?;
    budget.set_remaining("reader", usd!(9), job.step("top up")).await?;
    assert_eq!(left(&sg, "reader").await?.0, "9");

    budget.suspend("reader", "it loops", job.step("stop")).await?;
    let stopped = budget.charge("reader", usd!(1), job.step("on")).await.unwrap_err();
    assert_eq!(stopped.code(), "budget.suspended");
    budget.resume("reader", job.step("go on")).reason("mended").await?;
    budget.charge("reader", usd!(1), job.step("on again")).await?;

    let rate = budget.burn_rate("reader", &Unit::USD, Duration::from_mins(30)).await?;
    assert_eq!(rate.amount(), usd!(3.50).quantity(), "what was spent this hour");
    let no_time = budget.burn_rate("reader", &Unit::USD, Duration::ZERO).await.unwrap_err();
    assert_eq!(no_time.code(), "burn_rate.no_time");
    let nobody = budget.burn_rate("nobody", &Unit::USD, Duration::from_mins(1)).await.unwrap_err();
    assert_eq!(nobody.code(), "burn_rate.unknown_account");
    Ok(())
}

#[tokio::test]
async fn a_change_needs_leave_of_somebody_else_and_is_done_once() -> Test {
    let (sg, clock) = paused()?;
    let v2 = sg.v2();
    v2.agents().create("reader", usd!(5), Priority::P7).await?;
    let approvals = v2.approvals();
    let current = Limit::lifetime(usd!(5));
    let until = Timestamp::parse("2026-01-05T10:00:00Z")?;
    let ask = |amount: safeguards_types::Amount| {
        let change = Change::raise("reader", &current, amount.quantity());
        approvals.request(change, "ada", "one more book", until)
    };
    let mut leave = ask(usd!(8));
    assert_eq!(approvals.apply(&mut leave).await.unwrap_err().code(), "approval.wrong_state");
    let own = approvals.approve(&mut leave, "ada").await.unwrap_err();
    assert_eq!(own.code(), "approval.own_request");
    approvals.approve(&mut leave, "grace").await?;
    approvals.apply(&mut leave).await?;
    assert_eq!(left(&sg, "reader").await?.0, "8");
    assert_eq!(approvals.apply(&mut leave).await.unwrap_err().code(), "approval.wrong_state");

    let lower = approvals.approve(&mut ask(usd!(7)), "grace").await.unwrap_err();
    assert_eq!(lower.code(), "approval.not_a_raise");
    let mut refused = ask(usd!(9));
    approvals.reject(&mut refused, "grace", "not this week")?;
    assert_eq!(
        approvals.approve(&mut refused, "grace").await.unwrap_err().code(),
        "approval.wrong_state"
    );
    let mut late = ask(usd!(9));
    clock.advance(Duration::from_hours(2));
    assert_eq!(
        approvals.approve(&mut late, "grace").await.unwrap_err().code(),
        "approval.wrong_state"
    );
    assert_eq!(left(&sg, "reader").await?.0, "8");
    Ok(())
}

#[tokio::test]
async fn agents_come_go_and_move_and_are_found_a_page_at_a_time() -> Test {
    let (sg, _) = paused()?;
    let (v2, budget, job) = (sg.v2(), sg.v2().budget(), sg.operation());
    let pool = v2.pools().create("research", usd!(10), Priority::P5).await?;
    for name in ["a", "b", "c"] {
        v2.agents().create(name, usd!(5), Priority::P7).pool(&pool).await?;
    }
    let page = budget.accounts().under(&pool).limit(2).await?;
    let names = |page: &safeguards_api::v2::AccountPage| {
        page.accounts.iter().map(|account| account.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&page), ["a", "b"]);
    let next = page.next.ok_or("there are more")?;
    let page = budget.accounts().under(&pool).limit(2).after(next).await?;
    assert_eq!(names(&page), ["c", "research"]);
    assert_eq!(page.next, None);

    let moved = budget.leave("b", &pool, job.step("leave")).await?;
    assert_eq!(moved.pool, None);
    let again = budget.leave("b", &pool, job.step("leave again")).await.unwrap_err();
    assert_eq!(again.code(), "api.not_member");
    budget.join("b", &pool, job.step("join")).await?;
    v2.agents().delete("a", job.step("delete")).await?;
    let members = v2.pools().members(&pool).await?;
    assert_eq!(members.iter().map(|agent| agent.id.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    let full = v2.pools().delete(&pool, job.step("delete pool")).await.unwrap_err();
    assert_eq!(full.code(), "budget.not_empty");

    let entries = budget.entries().limit(3).await?;
    assert_eq!(entries.entries.len(), 3);
    let rest = budget.entries().from(entries.next).await?;
    assert_eq!(rest.entries.first().map(|entry| entry.id), Some(entries.next));
    assert_eq!(entries.first_kept, EntryId::FIRST);
    Ok(())
}

#[tokio::test]
async fn a_team_s_run_is_paid_seen_and_gone_on_with() -> Test {
    let sg = Safeguards::in_memory();
    let v2 = sg.v2();
    let pool = v2.pools().create("research", usd!(10), Priority::P5).await?;
    let fails = Arc::new(AtomicBool::new(true));
    let fault = Arc::clone(&fails);
    let search = agent_fn("search", |task: Task, _cx| async move {
        Ok(Reply::text(format!("notes on {}", task.text())).cost(usd!(0.31)))
    });
    let write = agent_fn("write", move |_, _| {
        let fails = fault.load(Ordering::Relaxed);
        async move {
            let failed = AgentError::new("out of ink").cost(usd!(0.02));
            if fails { Err(failed) } else { Ok(Reply::text("a page").cost(usd!(0.40))) }
        }
    });
    for name in ["search", "write"] {
        v2.agents().create(name, usd!(5), Priority::P5).await?;
    }
    let members = [Member::new(search, usd!(0.50)), Member::new(write, usd!(0.50))];
    let team = v2.teams().create("press", &pool, members)?;
    let report = team.execute_task(Task::new("bees"), &Pipeline::new()).await?;
    assert_eq!(report.state, State::Failed);
    let runs = v2.runs();
    let listed = runs.list(&RunQuery::all().team("press")).await?;
    assert_eq!(listed.len(), 1);
    let seen = runs.view(&report.run).await?.ok_or("it was written down")?;
    assert_eq!((&seen.head.run, seen.state()), (&report.run, Some(State::Failed)));

    fails.store(false, Ordering::Relaxed);
    let report = runs.resume(&team, &report.run, &Pipeline::new()).await?;
    assert_eq!((report.state, report.leg), (State::Succeeded, 2));
    assert_eq!(left(&sg, "research").await?.0, "9.27", "0.31 once, 0.02 and 0.40");
    let entries = runs.entries(&report.run, 0, 1_000).await?;
    assert!(!runs.entries(&report.run, 1, 1).await?.is_empty());
    assert_eq!(runs.entries(&report.run, 1, 1).await?, entries[1..2]);

    let teams = v2.teams();
    assert_eq!(teams.list(), Vec::<String>::new(), "made, and not served");
    teams.serve(&team);
    assert_eq!(teams.list(), ["press"]);
    assert!(teams.find("press").is_some() && teams.dismiss("press"));
    assert!(!teams.dismiss("press"));
    Ok(())
}

#[tokio::test]
async fn a_hold_is_drawn_from_made_longer_and_seen() -> Test {
    let (sg, clock) = paused()?;
    let (v2, budget, job) = (sg.v2(), sg.v2().budget(), sg.operation());
    v2.agents().create("reader", usd!(5), Priority::P7).await?;
    let hold = budget.hold("reader", usd!(2), job.step("hold")).ttl(Duration::from_mins(1)).await?;
    budget.draw(&hold, usd!(0.50), job.step("draw")).await?;
    budget.extend(&hold, Duration::from_mins(5), job.step("extend")).await?;
    clock.advance(Duration::from_mins(2));
    let seen = budget.hold_view(hold.id()).await?.ok_or("it is there")?;
    assert_eq!((seen.state, seen.left.clone()), (HoldState::Open, usd!(1.50).into()));
    assert_eq!(left(&sg, "reader").await?, pair("3", "1.5"));
    let id = hold.id();
    budget.settle(hold, usd!(0)).await?;
    assert_eq!(left(&sg, "reader").await?, pair("4.5", "0"), "what was drawn stays spent");
    let seen = budget.hold_view(id).await?.ok_or("it is known")?;
    assert_eq!(seen.state, HoldState::Settled);
    Ok(())
}

/// A name that is gone stays gone: also for who knew it before another program deleted it, and for who is told only then
/// that it was made.
#[tokio::test]
async fn a_name_that_was_deleted_elsewhere_does_not_come_back() {
    let ledger = Arc::new(MemoryLedger::new());
    let [one, other] =
        [(); 2].map(|()| Safeguards::builder(Arc::clone(&ledger)).build().unwrap().v2());
    for v2 in [&one, &other] {
        v2.agents().create("a", usd!(1), Priority::default()).await.unwrap();
    }
    other.agents().delete("a", other.operation()).await.unwrap();
    let again = one.agents().create("a", usd!(1), Priority::default()).await;
    assert_eq!(again.unwrap_err().code(), "api.name_gone");
    assert!(one.agents().list().is_empty());

    let slow = FaultyLedger::new(Arc::new(MemoryLedger::new()));
    let v2 = Safeguards::builder(slow.clone()).build().unwrap().v2();
    slow.script([Some(Fault::Slow { yields: 20 })]);
    let agents = v2.agents();
    let late = agents.create("b", usd!(1), Priority::default());
    let meanwhile = async {
        // Until the account is there, of which the first has not been told.
        while slow.account(&"b".into()).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        agents.create("b", usd!(1), Priority::default()).await.unwrap();
        agents.delete("b", v2.operation()).await.unwrap();
    };
    let (late, ()) = tokio::join!(late, meanwhile);
    assert_eq!(late.unwrap_err().code(), "api.name_gone");
    assert!(agents.list().is_empty());
}
