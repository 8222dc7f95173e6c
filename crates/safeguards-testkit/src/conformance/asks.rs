//! One short function for each thing that a case asks.

use std::time::Duration;

use safeguards_budget::{
    Action, Charge, Divide, HoldId, Limit, OpenAccount, Percent, PlaceHold, ProtectionStep, Settle,
    Window,
};
use safeguards_types::{
    AccountId, Amount, Amounts, OperationId, Priority, Quantity, Timestamp, Unit,
};

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

pub(crate) fn dollars(text: &str) -> Amount {
    Amount::new(quantity(text), Unit::USD)
}

pub(crate) fn priority(level: i64) -> Priority {
    Priority::try_from(level).unwrap()
}

pub(crate) fn percent(text: &str) -> Percent {
    Percent::parse(text).unwrap()
}

/// The last `last` percent are for spenders of priority `from` and up.
pub(crate) fn last(last: &str, from: i64) -> ProtectionStep {
    ProtectionStep::new(percent(last), priority(from))
}

pub(crate) fn lifetime(amount: Amount) -> Limit {
    Limit::lifetime(amount)
}

pub(crate) fn seconds(seconds: u64) -> Window {
    Window::every_seconds(seconds).unwrap()
}

pub(crate) fn every(length: u64, amount: Amount) -> Limit {
    Limit::new(amount, seconds(length))
}

pub(crate) fn over(amount: Amount, window: Window) -> Limit {
    Limit::new(amount, window)
}

pub(crate) fn day(zone: &str) -> Window {
    Window::day(zone).unwrap()
}

pub(crate) fn week(zone: &str) -> Window {
    Window::week(zone).unwrap()
}

pub(crate) fn month(zone: &str) -> Window {
    Window::month(zone).unwrap()
}

pub(crate) fn open(account: &str) -> OpenAccount {
    OpenAccount::new(account)
}

pub(crate) fn close(account: &str) -> Action {
    Action::CloseAccount { account: account.into() }
}

pub(crate) fn charge(account: &str, amounts: impl Into<Amounts>) -> Charge {
    Charge::new(account, amounts)
}

pub(crate) fn record(account: &str, amounts: impl Into<Amounts>) -> Action {
    Action::Record(charge(account, amounts))
}

pub(crate) fn hold(account: &str, amounts: impl Into<Amounts>, ttl_s: u64) -> PlaceHold {
    PlaceHold::new(account, amounts, Duration::from_secs(ttl_s))
}

pub(crate) fn extend(hold: HoldId, ttl_s: u64) -> Action {
    Action::ExtendHold { hold, ttl: Duration::from_secs(ttl_s) }
}

pub(crate) fn settle(hold: HoldId, amounts: impl Into<Amounts>) -> Settle {
    Settle::new(hold, amounts)
}

pub(crate) fn release(hold: HoldId) -> Action {
    Action::Release { hold }
}

pub(crate) fn refund(of: OperationId, amounts: impl Into<Amounts>) -> Action {
    Action::Refund { of, amounts: amounts.into() }
}

pub(crate) fn register(unit: &str) -> Action {
    Action::RegisterUnit { unit: unit.into() }
}

pub(crate) fn set_limit(account: &str, limit: Limit) -> Action {
    Action::SetLimit { account: account.into(), limit }
}

/// Sets what remains of a lifetime limit.
pub(crate) fn set_remaining(account: &str, remaining: Amount) -> Action {
    set_remaining_over(account, Window::Lifetime, remaining)
}

pub(crate) fn set_remaining_over(account: &str, window: Window, remaining: Amount) -> Action {
    let (amount, unit) = remaining.into_parts();
    Action::SetRemaining { account: account.into(), unit, window, amount }
}

/// Removes a limit on dollars.
pub(crate) fn remove_limit(account: &str, window: Window) -> Action {
    Action::RemoveLimit { account: account.into(), unit: Unit::USD, window }
}

pub(crate) fn set_protection(account: &str, steps: impl Into<Vec<ProtectionStep>>) -> Action {
    Action::SetProtection { account: account.into(), steps: steps.into() }
}

pub(crate) fn set_parent(account: &str, parent: &str) -> Action {
    Action::SetParent { account: account.into(), parent: Some(parent.into()), from: None }
}

/// Takes an account out of this parent, to be a root.
pub(crate) fn leave_parent(account: &str, parent: &str) -> Action {
    Action::SetParent { account: account.into(), parent: None, from: Some(parent.into()) }
}

pub(crate) fn make_root(account: &str) -> Action {
    Action::SetParent { account: account.into(), parent: None, from: None }
}

pub(crate) fn set_priority(account: &str, level: i64) -> Action {
    Action::SetPriority { account: account.into(), priority: priority(level) }
}

pub(crate) fn suspend(account: &str) -> Action {
    Action::Suspend { account: account.into(), reason: None }
}

pub(crate) fn resume(account: &str) -> Action {
    Action::Resume { account: account.into(), reason: None }
}

pub(crate) fn transfer(from: &str, to: &str, amount: Amount) -> Action {
    let (amount, unit) = amount.into_parts();
    Action::Transfer { from: from.into(), to: to.into(), unit, amount }
}

/// Allocates dollars.
pub(crate) fn allocate<const N: usize>(parent: &str, shares: [(&str, Amount); N]) -> Action {
    let shares = shares.map(|(account, share)| (AccountId::from(account), share.quantity()));
    Action::Allocate { parent: parent.into(), unit: Unit::USD, shares: shares.into() }
}

/// Divides all dollars that are free.
pub(crate) fn divide<const N: usize>(parent: &str, weights: [(&str, &str); N]) -> Divide {
    let weights = weights.map(|(account, weight)| (account, quantity(weight)));
    Divide::new(parent, Unit::USD, weights)
}

pub(crate) fn reclaim(account: &str, amount: Amount) -> Action {
    let (amount, unit) = amount.into_parts();
    Action::Reclaim { account: account.into(), unit, amount }
}
