//! Units: registered before they are counted.

use super::prelude::*;

fn unknown_unit() -> Denial {
    Denial::UnknownUnit { unit: "gpu".into() }
}

fn gpu(text: &str) -> Amount {
    Amount::new(quantity(text), "gpu".into())
}

/// `USD`, `tokens` and `requests` are registered from the start.
pub async fn three_units_are_there_from_the_start(desk: &Desk) {
    desk.with([open("a")]).await;
    desk.done(charge("a", [usd!(1), tokens!(2), requests!(3)])).await;
    desk.counts("a", "1 + 0 USD, 3 + 0 requests, 2 + 0 tokens").await;
}

/// A charge in an unregistered unit is denied, so that a typo never means "unlimited"; so is all else.
pub async fn an_unregistered_unit_is_denied_everywhere(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool"), open("b").under("pool")]).await;
    let paid = desk.done(charge("a", usd!(1))).await;
    let held = desk.hold("a", usd!(1), 60).await;
    let (unit, account) = (Unit::from("gpu"), AccountId::from("a"));
    let actions: [Action; 13] = [
        charge("a", gpu("1")).into(),
        charge("a", [usd!(1), gpu("1")]).into(),
        record("a", gpu("1")),
        hold("a", gpu("1"), 60).into(),
        settle(held, gpu("1")).into(),
        refund(paid, gpu("1")),
        open("c").limit(lifetime(gpu("1"))).into(),
        set_limit("a", lifetime(gpu("1"))),
        set_remaining("a", gpu("1")),
        Action::RemoveLimit { account, unit: unit.clone(), window: Window::Lifetime },
        transfer("a", "b", gpu("1")),
        reclaim("a", gpu("1")),
        safeguards_budget::Divide::new("pool", unit, [("a", quantity("1"))]).into(),
    ];
    for action in actions {
        desk.denied(action, unknown_unit()).await;
    }
    desk.counts("a", "1 + 1 USD").await;
}

/// A registered unit without a limit is counted and uncapped; registering again is accepted.
pub async fn a_registered_unit_is_counted_and_uncapped(desk: &Desk) {
    desk.with([open("a")]).await;
    desk.done(register("gpu")).await;
    desk.done(register("gpu")).await;
    desk.done(register("USD")).await;
    let receipt = desk.receipt(charge("a", gpu("1000000"))).await;
    assert_eq!(receipt.available, Amounts::none());
    desk.counts("a", "1000000 + 0 gpu").await;
    desk.done(set_limit("a", lifetime(gpu("1000001")))).await;
    desk.denied(charge("a", gpu("2")), "limit_exceeded").await;
    assert_eq!(desk.entries().await.len(), 6);
}

/// Units are told apart by their text, case included.
pub async fn units_are_told_apart_by_their_text(desk: &Desk) {
    desk.with([open("a")]).await;
    desk.done(register("GPU")).await;
    desk.denied(charge("a", gpu("1")), unknown_unit()).await;
    desk.done(register("gpu")).await;
    desk.done(charge("a", [gpu("1"), Amount::new(quantity("2"), "GPU".into())])).await;
    desk.counts("a", "2 + 0 GPU, 1 + 0 gpu").await;
}
