//! Plans by which an account's money is shared out among its children.

use safeguards_budget::{
    Account, Accounts, Action, Allocation, AllocationError, Charge, Command, CommandError,
    LedgerExt, Limit, MemoryLedger, OpenAccount, Weight, Workload,
};
use safeguards_types::{Amount, OperationId, Priority, Quantity, Unit, tokens, usd};

use crate::desk::quantity;

/// A pool of 500 dollars with three children.
async fn pool() -> MemoryLedger {
    let ledger = MemoryLedger::new();
    let child = |name, priority| OpenAccount::new(name).under("pool").priority(priority);
    for open in [
        OpenAccount::new("pool").limit(Limit::lifetime(usd!(500))),
        child("analyst", Priority::P5),
        child("reader", Priority::P7),
        child("writer", Priority::P3),
        OpenAccount::new("writer/helper").under("writer"),
    ] {
        ledger.open_account(open, ledger.operation()).await.unwrap();
    }
    ledger
}

async fn account(ledger: &MemoryLedger, id: &str) -> Account {
    ledger.account(&id.into()).await.unwrap().unwrap()
}

/// Applies a plan below `pool` under a fresh name; gives the shares, or what is wrong.
async fn apply(ledger: &MemoryLedger, plan: &Allocation) -> String {
    apply_as(ledger, plan, ledger.operation()).await
}

async fn apply_as(ledger: &MemoryLedger, plan: &Allocation, op: OperationId) -> String {
    match plan.apply(ledger, &"pool".into(), op).await {
        Ok(shares) => shares.to_string(),
        Err(AllocationError::Command(CommandError::Denied(denial))) => {
            format!("{}: {denial}", denial.code())
        }
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn priorities_divide_among_open_children() {
    let ledger = pool().await;
    let plan = Allocation::by_priority(usd!(500));
    // Fifteenths: what is left over goes to the largest remainders.
    let shares = "analyst 166.666666666667 USD, reader 233.333333333333 USD, writer 100.00 USD";
    assert_eq!(apply(&ledger, &plan).await, shares);
    assert_eq!(
        account(&ledger, "reader").await.available(&Unit::USD),
        Some(quantity("233.333333333333"))
    );
    assert!(account(&ledger, "writer/helper").await.limits.is_empty());

    // A suspended child counts, a closed one does not.
    for action in [
        Action::Suspend { account: "reader".into(), reason: None },
        Action::CloseAccount { account: "analyst".into() },
    ] {
        ledger.apply(Command::new(ledger.operation(), action)).await.unwrap();
    }
    assert_eq!(apply(&ledger, &plan).await, "reader 350.00 USD, writer 150.00 USD");
}

#[tokio::test]
async fn what_is_free_is_divided_by_workload_and_what_was_spent_stays() {
    let ledger = pool().await;
    ledger.charge(Charge::new("reader", usd!(100)), ledger.operation()).await.unwrap();
    let load = |recent_tasks, pending_tasks| Workload { recent_tasks, pending_tasks };
    let loads = [("analyst", load(10, 0)), ("reader", load(1, 1)), ("writer", load(0, 0))];
    let plan = Allocation::of_available(Unit::USD, loads).at_least(usd!(10));
    // Of 400: 10 to who has nothing to do, 390 by 30 to 10.
    let shares = "analyst 292.50 USD, reader 97.50 USD, writer 10.00 USD";
    assert_eq!(apply(&ledger, &plan).await, shares);
    assert_eq!(account(&ledger, "reader").await.limits[0].limit.amount, quantity("197.5"));

    // Nobody has anything to do: equal parts.
    let idle = ["analyst", "reader", "writer"].map(|name| (name, Workload::default()));
    let shares = apply(&ledger, &Allocation::of_available(Unit::USD, idle)).await;
    assert!(shares.starts_with("analyst 133.333333333334 USD, reader 133.3333"), "{shares}");
}

#[tokio::test]
async fn minimums_that_need_more_change_nothing() {
    let ledger = pool().await;
    ledger.charge(Charge::new("pool", usd!(478.60)), ledger.operation()).await.unwrap();
    let plan = Allocation::of_available(Unit::USD, [("analyst", 1), ("reader", 1), ("writer", 1)]);
    let denied = apply(&ledger, &plan.at_least(usd!(10))).await;
    let expected = "budget.insufficient_for_minimums: the minimums together need 30.00 USD, 21.40 USD to divide at pool";
    assert_eq!(denied, expected);
    assert!(account(&ledger, "reader").await.limits.is_empty());
}

#[tokio::test]
async fn a_plan_sent_again_is_carried_out_once() {
    let ledger = pool().await;
    let (plan, op) = (Allocation::by_priority(usd!(150)), ledger.operation());
    let first = apply_as(&ledger, &plan, op).await;
    let revision = ledger.sync().accounts(&[]).revision;
    assert_eq!(apply_as(&ledger, &plan, op).await, first);
    assert_eq!(ledger.sync().accounts(&[]).revision, revision);

    let action = Action::SetPriority { account: "reader".into(), priority: Priority::P10 };
    ledger.apply(Command::new(ledger.operation(), action)).await.unwrap();
    let denied = apply_as(&ledger, &plan, op).await;
    assert!(denied.starts_with("budget.operation_conflict"), "{denied}");
}

#[tokio::test]
async fn plans_that_make_no_command_are_refused() {
    let ledger = pool().await;
    let mixed = Allocation::by_priority(usd!(500)).at_least(tokens!(10));
    assert_eq!(
        apply(&ledger, &mixed).await,
        "a minimum in tokens does not go with an allocation of USD"
    );

    let refused =
        Allocation::by_priority(usd!(1)).apply(&ledger, &"reader".into(), ledger.operation()).await;
    let message = "there is no account `reader` with open children to allocate to";
    assert_eq!(refused.unwrap_err().to_string(), message);

    let nobody: [(&str, u64); 0] = [];
    let error = Allocation::by_weights(usd!(1), nobody)
        .divide(&"pool".into(), &Accounts::new(None, Vec::new()))
        .unwrap_err();
    assert!(matches!(error, AllocationError::NoChildren { .. }), "{error}");
}

#[tokio::test]
async fn the_ledger_judges_the_rest() {
    let ledger = pool().await;
    let plan = |total: Amount| Allocation::by_weights(total, [("reader", 7), ("writer", 3)]);
    let denied = apply(&ledger, &plan(usd!(500.01))).await;
    assert!(denied.starts_with("budget.limit_exceeded: pool has 500.00 USD left"), "{denied}");

    let weights = [("reader", u64::MAX), ("writer", 1)];
    let denied = apply(&ledger, &Allocation::by_weights(usd!(1), weights)).await;
    assert!(denied.starts_with("budget.amount_overflow"), "{denied}");

    let weights = [("reader", 1), ("stranger", 1)];
    let denied = apply(&ledger, &Allocation::by_weights(usd!(1), weights)).await;
    assert!(denied.starts_with("budget.unknown_account"), "{denied}");
}

#[test]
fn weights_are_whole_numbers_decimals_priorities_and_workloads() {
    #[track_caller]
    fn check(weight: impl Into<Weight>, expected: &str) {
        assert_eq!(weight.into().quantity(), quantity(expected));
    }
    check(7, "7");
    check(quantity("0.3"), "0.3");
    check(Priority::P10, "10");
    check(Workload { recent_tasks: 10, pending_tasks: 2 }, "44");
    check(Workload { recent_tasks: u64::MAX, pending_tasks: u64::MAX }, "10000000000000000");
    assert_eq!(Weight::from(u64::MAX).quantity(), Quantity::MAX);
}
