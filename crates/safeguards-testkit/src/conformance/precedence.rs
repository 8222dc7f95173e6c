//! Of several reasons the first in the order of the denials is given.

use super::prelude::*;

/// A unit that was never registered.
fn gpu(text: &str) -> Amount {
    Amount::new(quantity(text), "gpu".into())
}

/// Metadata that no ledger takes: what it stands with is otherwise as it should be, or later in the order.
fn too_much(desk: &Desk, action: impl Into<Action>) -> Command {
    let mut metadata = safeguards_budget::Metadata::new();
    metadata.insert("k".into(), "x".repeat(desk.bounds().metadata_bytes_max).into());
    desk.command(action).with_metadata(metadata)
}

/// `operation_conflict` comes before all that is wrong with the command itself.
pub async fn operation_conflict_first(desk: &Desk) {
    let op = desk.done(open("a")).await;
    let wrong = Command::new(op, charge("nobody", gpu("0")));
    desk.refused(&wrong, Denial::OperationConflict).await;
}

/// `operation_too_new` before `invalid_amount`.
pub async fn operation_too_new_before_invalid_amount(desk: &Desk) {
    let ahead = desk.now().saturating_add(Duration::from_hours(1));
    let op = desk.op().step_at("ahead", ahead);
    let wrong = Command::new(op, charge("nobody", usd!(0)));
    desk.refused(&wrong, Denial::OperationTooNew { op }).await;
}

/// `operation_too_old` before `invalid_amount`.
pub async fn operation_too_old_before_invalid_amount(desk: &Desk) {
    desk.with([open("a")]).await;
    let op = desk.op();
    desk.wait(120);
    for _ in 0..6 {
        desk.done(charge("a", usd!(1))).await;
    }
    let wrong = Command::new(op, charge("nobody", usd!(0)));
    desk.refused(&wrong, Denial::OperationTooOld { op }).await;
}

/// `invalid_amount` before `amount_overflow` of an amount given.
pub async fn invalid_amount_before_amount_overflow(desk: &Desk) {
    let amounts = [dollars("2000000000000000"), tokens!(0)];
    desk.denied(charge("nobody", amounts), "invalid_amount").await;
}

/// `amount_overflow` of an amount given before `unknown_unit`.
pub async fn amount_overflow_given_before_unknown_unit(desk: &Desk) {
    desk.denied(charge("nobody", [gpu("1"), dollars("2000000000000000")]), "amount_overflow").await;
}

/// `unknown_unit` before `duplicate_account` and `unknown_account`.
pub async fn unknown_unit_before_the_accounts(desk: &Desk) {
    desk.with([open("a")]).await;
    desk.denied(open("a").limit(lifetime(gpu("1"))), "unknown_unit").await;
    desk.denied(charge("nobody", gpu("1")), "unknown_unit").await;
}

/// `duplicate_account` before `unknown_account`.
pub async fn duplicate_account_before_unknown_account(desk: &Desk) {
    desk.with([open("a")]).await;
    desk.denied(open("a").under("nobody"), "duplicate_account").await;
}

/// `unknown_account` before `closed_account`, wherever they stand in the command.
pub async fn unknown_account_before_closed_account(desk: &Desk) {
    desk.with([open("a"), open("x")]).await;
    desk.done(close("x")).await;
    desk.denied(charge("x", usd!(1)).scope("nobody"), unknown_account("nobody")).await;
    desk.denied(transfer("x", "nobody", usd!(1)), unknown_account("nobody")).await;
}

/// `unknown_account` before `unknown_hold`.
pub async fn unknown_account_before_unknown_hold(desk: &Desk) {
    let hold = HoldId::placed_by(desk.op());
    desk.denied(settle(hold, usd!(1)).attribute_to("nobody"), unknown_account("nobody")).await;
}

/// `closed_account` before `not_child` and `not_siblings`.
pub async fn closed_account_before_where_accounts_stand(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool"), open("x"), open("z")]).await;
    desk.done(close("x")).await;
    desk.denied(allocate("pool", [("a", usd!(1)), ("x", usd!(1)), ("z", usd!(1))]), closed("x"))
        .await;
    desk.denied(transfer("a", "x", usd!(1)), closed("x")).await;
}

/// `unknown_unit` before `unknown_hold`, `hold_ended` and `unknown_entry`.
pub async fn unknown_unit_before_holds_and_entries(desk: &Desk) {
    let op = desk.op();
    desk.denied(settle(HoldId::placed_by(op), gpu("1")), "unknown_unit").await;
    desk.denied(refund(op, gpu("1")), "unknown_unit").await;
}

/// `hold_ended` before `not_descendant`.
pub async fn hold_ended_before_not_descendant(desk: &Desk) {
    desk.with([open("a"), open("z")]).await;
    let hold = desk.hold("a", usd!(1), 60).await;
    desk.done(settle(hold, usd!(1))).await;
    desk.denied(settle(hold, usd!(1)).attribute_to("z"), Denial::HoldEnded { hold }).await;
}

/// `refund_exceeds_charge` before `bound_exceeded`.
pub async fn refund_exceeds_charge_before_bound_exceeded(desk: &Desk) {
    desk.with([open("a")]).await;
    let paid = desk.done(charge("a", usd!(1))).await;
    desk.refused(&too_much(desk, refund(paid, usd!(2))), "refund_exceeds_charge").await;
}

/// `not_descendant` before `bound_exceeded`.
pub async fn not_descendant_before_bound_exceeded(desk: &Desk) {
    desk.with([open("a"), open("z")]).await;
    let hold = desk.hold("a", usd!(1), 60).await;
    let settle = settle(hold, usd!(1)).attribute_to("z");
    desk.refused(&too_much(desk, settle), "not_descendant").await;
}

/// `not_child` and `not_siblings` before `no_limit`.
pub async fn where_accounts_stand_before_no_limit(desk: &Desk) {
    desk.with([open("pool"), open("z")]).await;
    desk.denied(divide("pool", [("z", "1")]), "not_child").await;
    desk.denied(transfer("pool", "z", usd!(1)), "not_siblings").await;
}

/// `cycle` before `depth_exceeded`, which comes before `bound_exceeded`.
pub async fn cycle_before_depth_before_bounds(desk: &Desk) {
    let most = desk.bounds().depth_max;
    desk.done(open("d1")).await;
    for depth in 2..=most {
        desk.done(open(&format!("d{depth}")).under(format!("d{}", depth - 1))).await;
    }
    let deepest = format!("d{most}");
    desk.denied(set_parent("d1", &deepest), "cycle").await;
    let nameless = open("").under(deepest.as_str());
    desk.denied(nameless, "depth_exceeded").await;
}

/// `too_many_accounts` before `bound_exceeded`.
pub async fn too_many_accounts_before_bound_exceeded(desk: &Desk) {
    desk.with([open("a"), open("b"), open("c")]).await;
    desk.denied(open(""), "too_many_accounts").await;
}

/// `bound_exceeded` before `not_empty`, `no_limit` and `suspended`.
pub async fn bound_exceeded_before_states(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool")]).await;
    desk.refused(&too_much(desk, close("pool")), beyond("metadata")).await;
    desk.refused(&too_much(desk, remove_limit("a", Window::Lifetime)), beyond("metadata")).await;
    desk.done(suspend("a")).await;
    desk.refused(&too_much(desk, charge("a", usd!(1))), beyond("metadata")).await;
}

/// `suspended` before `amount_overflow` of a counter, which comes before `limit_exceeded`.
pub async fn suspended_before_overflow_before_limit_exceeded(desk: &Desk) {
    desk.with([open("org").limit(lifetime(usd!(1))), open("a").under("org")]).await;
    for _ in 0..10 {
        desk.done(record("a", dollars("1000000000000000"))).await;
    }
    desk.done(suspend("org")).await;
    desk.denied(charge("a", usd!(1)), suspended("org")).await;
    desk.done(resume("org")).await;
    desk.denied(charge("a", usd!(1)), overflow_at("a")).await;
}

/// `suspended` comes before `limit_exceeded` even where it stands further up.
pub async fn the_code_decides_before_the_account(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool").limit(lifetime(usd!(1)))]).await;
    desk.done(suspend("pool")).await;
    desk.denied(charge("a", usd!(2)), suspended("pool")).await;
}

/// `limit_exceeded` before `protected`, even where that stands nearer to the spender.
pub async fn limit_exceeded_before_protected(desk: &Desk) {
    desk.with([
        open("pool").limit(lifetime(usd!(5))),
        open("a").under("pool").limit(lifetime(usd!(10))).protect(last("50", 9)),
    ])
    .await;
    desk.denied(charge("a", usd!(6)), exceeded("pool", usd!(5)).asked(usd!(6)).never()).await;
}

/// `limit_exceeded` before `insufficient_for_minimums`.
pub async fn limit_exceeded_before_insufficient_for_minimums(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(5))), open("a").under("pool")]).await;
    let plan = divide("pool", [("a", "1")]).amount(quantity("6")).at_least(quantity("7"));
    desk.denied(plan, exceeded("pool", usd!(5)).asked(usd!(6)).never()).await;
}

/// `amount_overflow` of a new limit is looked for only where the minimums fit.
pub async fn minimums_before_the_overflow_of_a_new_limit(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool")]).await;
    for _ in 0..10 {
        desk.done(record("a", dollars("1000000000000000"))).await;
    }
    let plan = || divide("pool", [("a", "1")]).amount(quantity("6"));
    desk.denied(plan().at_least(quantity("7")), "insufficient_for_minimums").await;
    desk.denied(plan(), overflow_at("a")).await;
}
