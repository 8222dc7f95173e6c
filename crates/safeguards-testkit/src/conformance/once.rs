//! Law 5: once. The same operation id with the same command gives the first receipt again.

use super::prelude::*;

/// The same operation id with the same command gives the first receipt again and changes nothing.
pub async fn the_same_command_again_gives_the_first_receipt(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let command = desk.command(charge("a", usd!(2)));
    let first = desk.sent(&command).await;
    desk.done(charge("a", usd!(1))).await;
    assert_eq!(desk.sent(&command).await, first);
    assert_eq!(first.available, usd!(3).into());
    desk.shows("a", "3 + 0 of 5 USD").await;
    assert_eq!(desk.entries().await.len(), 3);
}

/// Whatever has become of its accounts, a known command gets its receipt again.
pub async fn a_known_command_is_answered_before_all_else(desk: &Desk) {
    desk.with([open("a")]).await;
    let command = desk.command(charge("a", usd!(2)));
    let first = desk.sent(&command).await;
    desk.done(suspend("a")).await;
    assert_eq!(desk.sent(&command).await, first);
    desk.done(close("a")).await;
    assert_eq!(desk.sent(&command).await, first);
    desk.counts("a", "2 + 0 USD").await;
}

/// With another command it is `operation_conflict`.
pub async fn another_command_under_a_known_id_is_a_conflict(desk: &Desk) {
    desk.with([open("a"), open("b")]).await;
    let op = desk.done(charge("a", usd!(2)).scope("b")).await;
    let mut noted = safeguards_budget::Metadata::new();
    noted.insert("run".into(), "7".into());
    let others = [
        Command::new(op, charge("a", usd!(3)).scope("b")),
        Command::new(op, charge("a", usd!(2))),
        Command::new(op, charge("b", usd!(2)).scope("b")),
        Command::new(op, Action::Record(charge("a", usd!(2)).scope("b"))),
        Command::new(op, hold("a", usd!(2), 60).scope("b")),
        Command::new(op, charge("a", usd!(2)).scope("b")).with_metadata(noted),
        // Not even one that would be denied.
        Command::new(op, charge("nobody", Amounts::none())),
    ];
    for other in &others {
        desk.refused(other, Denial::OperationConflict).await;
    }
    desk.counts("a", "2 + 0 USD").await;
    desk.sent(&Command::new(op, charge("a", usd!(2)).scope("b"))).await;
}

/// The same command: equal after defaults, amounts by value, scopes in order.
pub async fn sameness_is_by_value_and_scopes_in_order(desk: &Desk) {
    desk.with([open("a"), open("b"), open("c")]).await;
    let op = desk.done(charge("a", [usd!(2), tokens!(5)]).scope("b").scope("c")).await;
    let same = charge("a", [tokens!(5), usd!(2.000)]).scope("b").scope("c");
    desk.sent(&Command::new(op, same)).await;
    let other = charge("a", [usd!(2), tokens!(5)]).scope("c").scope("b");
    desk.refused(&Command::new(op, other), Denial::OperationConflict).await;
    // Repeats and order of warnings do not count.
    let warned = lifetime(usd!(9)).warn_at(percent("50")).warn_at(percent("80"));
    let op = desk.done(set_limit("a", warned)).await;
    let same =
        lifetime(usd!(9)).warn_at(percent("80.0")).warn_at(percent("50")).warn_at(percent("80"));
    desk.sent(&Command::new(op, set_limit("a", same))).await;
    let op = desk.done(open("d")).await;
    desk.sent(&Command::new(op, open("d").priority(priority(5)))).await;
}

/// Denials are not remembered: the id may be used again, for the same command or another.
pub async fn denials_are_not_remembered(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(1)))]).await;
    let denied = desk.command(charge("a", usd!(2)));
    desk.refused(&denied, "limit_exceeded").await;
    desk.done(set_limit("a", lifetime(usd!(3)))).await;
    desk.sent(&denied).await;
    let denied = desk.command(charge("a", usd!(2)));
    desk.refused(&denied, "limit_exceeded").await;
    desk.sent(&Command::new(denied.op, charge("a", usd!(1)))).await;
    desk.shows("a", "3 + 0 of 3 USD").await;
}

/// Every command has an id, and every kind of command is safe to send again.
pub async fn every_kind_of_command_is_done_once(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(100))), open("top")]).await;
    let shared = lifetime(usd!(10));
    desk.with(["a", "b"].map(|name| open(name).under("pool").limit(shared.clone()))).await;
    let paid = desk.done(charge("a", usd!(4))).await;
    let [first, second] = [desk.hold("a", usd!(1), 60).await, desk.hold("a", usd!(1), 60).await];
    let actions: [Action; 20] = [
        register("gpu"),
        open("c").under("pool").into(),
        set_limit("a", lifetime(usd!(20))),
        set_remaining("b", usd!(8)),
        set_protection("pool", [last("1", 9)]),
        set_priority("a", 7),
        suspend("b"),
        resume("b"),
        charge("a", usd!(1)).into(),
        record("a", usd!(1)),
        hold("a", usd!(1), 60).into(),
        extend(first, 120),
        settle(first, usd!(1)).into(),
        release(second),
        refund(paid, usd!(1)),
        transfer("a", "b", usd!(1)),
        allocate("pool", [("c", usd!(2))]),
        divide("pool", [("c", "1")]).amount(quantity("3")).into(),
        reclaim("c", usd!(1)),
        set_parent("c", "top"),
    ];
    let ends = [remove_limit("c", Window::Lifetime), close("c")];
    for action in actions.into_iter().chain(ends) {
        let command = desk.command(action);
        let first = desk.sent(&command).await;
        let before = (desk.entries().await, desk.account("pool").await, desk.account("a").await);
        assert_eq!(desk.sent(&command).await, first, "{command:?}");
        let after = (desk.entries().await, desk.account("pool").await, desk.account("a").await);
        assert_eq!(after, before, "{command:?}");
    }
}

/// A hold that is placed again after it ended is not placed again.
pub async fn a_hold_that_ended_is_not_placed_again(desk: &Desk) {
    desk.with([open("a")]).await;
    let place = desk.command(hold("a", usd!(1), 60));
    let first = desk.sent(&place).await;
    let held = HoldId::placed_by(place.op);
    desk.done(release(held)).await;
    assert_eq!(desk.sent(&place).await, first);
    assert_eq!(desk.state(held).await, HoldState::Released);
    desk.counts("a", "0 + 0 USD").await;
}

/// A receipt is the first one however much later it is asked for, in another window as well.
pub async fn the_receipt_is_the_first_one_in_a_later_window_too(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(5)))]).await;
    let command = desk.command(charge("a", usd!(2)));
    let first = desk.sent(&command).await;
    desk.wait(90);
    assert_eq!(desk.sent(&command).await, first);
    desk.shows("a", "0 + 0 of 5 USD per 60s").await;
}

/// An id minted more than five minutes ahead of the clock is `operation_too_new`.
pub async fn an_id_from_the_future_is_too_new(desk: &Desk) {
    desk.with([open("a")]).await;
    let now = desk.now();
    let minted = |ahead: Duration| desk.op().step_at("ahead", now.saturating_add(ahead));
    let in_time = minted(Duration::from_mins(5));
    desk.sent(&Command::new(in_time, charge("a", usd!(1)))).await;
    let op = minted(Duration::from_millis(300_001));
    desk.refused(&Command::new(op, charge("a", usd!(1))), Denial::OperationTooNew { op }).await;
    desk.wait(1);
    desk.sent(&Command::new(op, charge("a", usd!(1)))).await;
}

/// An id that was minted long ago and never used is carried out, as long as nothing younger was forgotten.
pub async fn an_old_id_that_was_never_used_is_carried_out(desk: &Desk) {
    desk.with([open("a")]).await;
    let long_ago = desk.op().step_at("long ago", at("2001-01-01T00:00:00Z"));
    desk.sent(&Command::new(long_ago, charge("a", usd!(1)))).await;
}
