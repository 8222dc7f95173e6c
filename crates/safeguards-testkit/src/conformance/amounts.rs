//! Amounts: which may be nothing, and which are too large.

use super::prelude::*;

fn invalid(value: &str) -> Denial {
    Denial::InvalidAmount { unit: Some(Unit::USD), value: Some(value.to_owned()) }
}

fn none_given() -> Denial {
    Denial::InvalidAmount { unit: None, value: None }
}

fn too_large(value: &str) -> Denial {
    Denial::AmountOverflow { account: None, unit: Unit::USD, value: Some(value.to_owned()) }
}

/// The largest amount in one command: 10¹⁵.
const MOST: &str = "1000000000000000";
/// One step more.
const MORE: &str = "1000000000000000.000000000001";
/// The largest counter or limit: 10¹⁶.
const COUNTER_MOST: &str = "10000000000000000";

/// Charges, holds and refunds are > 0, and so is what is recorded, transferred, reclaimed and divided.
pub async fn nothing_cannot_be_spent(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(9)))]).await;
    desk.with(["a", "b"].map(|name| open(name).under("pool").limit(lifetime(usd!(2))))).await;
    let paid = desk.done(charge("a", usd!(1))).await;
    let zero = || usd!(0);
    let actions: [Action; 7] = [
        charge("a", zero()).into(),
        record("a", zero()),
        hold("a", zero(), 60).into(),
        refund(paid, zero()),
        transfer("a", "b", zero()),
        reclaim("a", zero()),
        divide("pool", [("a", "1")]).amount(Quantity::ZERO).into(),
    ];
    for action in actions {
        desk.denied(action, invalid("0")).await;
    }
    desk.denied(charge("a", [tokens!(1), zero()]), invalid("0")).await;
}

/// `{}` only for settle; `shares` and `weights` `{}` are `invalid_amount`.
pub async fn no_amount_at_all_is_given_to_settlements_alone(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(9))), open("a").under("pool")]).await;
    let paid = desk.done(charge("a", usd!(1))).await;
    let actions: [Action; 6] = [
        charge("a", Amounts::none()).into(),
        record("a", Amounts::none()),
        hold("a", Amounts::none(), 60).into(),
        refund(paid, Amounts::none()),
        allocate("pool", []),
        divide("pool", []).into(),
    ];
    for action in actions {
        desk.denied(action, none_given()).await;
    }
}

/// Zero is allowed for settle, limits, `set_remaining`, shares, weights and `at_least`.
pub async fn nothing_is_allowed_where_it_means_something(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(9))), open("a").under("pool")]).await;
    let held = desk.hold("a", usd!(1), 60).await;
    let actions: [Action; 5] = [
        settle(held, usd!(0)).into(),
        set_limit("a", lifetime(usd!(0))),
        set_remaining("a", usd!(0)),
        allocate("pool", [("a", usd!(0))]),
        divide("pool", [("a", "0")]).amount(quantity("1")).at_least(Quantity::ZERO).into(),
    ];
    for action in actions {
        desk.done(action).await;
    }
}

/// More than 10¹⁵ in one amount: `amount_overflow`, for settle and record too.
pub async fn an_amount_has_a_largest(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool"), open("b").under("pool")]).await;
    let paid = desk.done(charge("a", dollars(MOST))).await;
    let held = desk.hold("a", dollars(MOST), 60).await;
    desk.done(settle(held, dollars(MOST)).keep_open()).await;
    let more = || dollars(MORE);
    let actions: [Action; 11] = [
        charge("a", more()).into(),
        record("a", more()),
        hold("a", more(), 60).into(),
        settle(held, more()).into(),
        refund(paid, more()),
        set_limit("a", lifetime(more())),
        set_remaining("a", more()),
        transfer("a", "b", more()),
        allocate("pool", [("a", more())]),
        divide("pool", [("a", "1")]).amount(more().quantity()).into(),
        reclaim("a", more()),
    ];
    for action in actions {
        desk.denied(action, too_large(MORE)).await;
    }
    desk.denied(open("c").limit(lifetime(more())), too_large(MORE)).await;
    desk.counts("pool", "2000000000000000 + 0 USD").await;
}

/// A weight has the form and range of an amount and is refused as one; so is `at_least`.
pub async fn weights_and_minimums_have_the_range_of_amounts(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(9))), open("a").under("pool")]).await;
    desk.denied(divide("pool", [("a", MORE)]), too_large(MORE)).await;
    let plan = divide("pool", [("a", "1")]).at_least(quantity(MORE));
    desk.denied(plan, too_large(MORE)).await;
    desk.done(divide("pool", [("a", MOST)])).await;
}

/// Any limit, lifetime or window `spent`, or `held` above 10¹⁶ afterwards: `amount_overflow`, for settle and
/// record too.
pub async fn a_counter_has_a_largest(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool"), open("b").under("pool")]).await;
    for account in ["a", "b"].into_iter().cycle().take(10) {
        desk.done(record(account, dollars(MOST))).await;
    }
    assert_eq!(desk.account("pool").await.spent.get(&Unit::USD), quantity(COUNTER_MOST));
    let step = usd!(0.000000000001);
    desk.denied(charge("a", step.clone()), overflow_at("pool")).await;
    desk.denied(record("a", step.clone()), overflow_at("pool")).await;
    let held = desk.hold("a", usd!(1), 60).await;
    desk.denied(settle(held, step), overflow_at("pool")).await;
    desk.done(settle(held, Amounts::none())).await;
}

/// What is held is a counter, too.
pub async fn what_is_held_has_a_largest(desk: &Desk) {
    desk.with([open("a")]).await;
    for _ in 0..10 {
        desk.hold("a", dollars(MOST), 60).await;
    }
    desk.denied(hold("a", usd!(1), 60), overflow_at("a")).await;
    desk.done(charge("a", usd!(1))).await;
}

/// A limit above 10¹⁶ afterwards: `amount_overflow`, however it would come to be.
pub async fn a_limit_has_a_largest(desk: &Desk) {
    desk.with([
        open("pool"),
        open("a").under("pool"),
        open("b").under("pool").limit(lifetime(dollars(MOST))),
    ])
    .await;
    for _ in 0..9 {
        desk.done(record("a", dollars(MOST))).await;
    }
    desk.done(set_remaining("a", dollars(MOST))).await;
    desk.shows("a", "9000000000000000 + 0 of 10000000000000000 USD").await;
    desk.done(record("a", usd!(1))).await;
    desk.denied(set_remaining("a", dollars(MOST)), overflow_at("a")).await;
    desk.denied(transfer("b", "a", usd!(1)), overflow_at("a")).await;
    desk.denied(reclaim("a", usd!(1)), overflow_at("a")).await;
    let plan = divide("pool", [("a", "1")]).amount(quantity(MOST));
    desk.denied(plan, overflow_at("a")).await;
}

/// What is too precise or too large for a number at all is refused, never rounded: a command as text.
pub async fn a_text_that_is_no_amount_is_denied(desk: &Desk) {
    desk.with([open("a")]).await;
    let command = |amount: &str| {
        let text = format!(
            r#"{{"op":"{}","do":"charge","account":"a","amounts":{{"USD":"{amount}"}}}}"#,
            desk.op()
        );
        serde_json::from_str::<Command>(&text).unwrap()
    };
    for text in ["", "1.", ".5", "-1", "+1", "1e3", "1_000", "1,5", "0x1", "0.0000000000001", "NaN"]
    {
        desk.refused(&command(text), invalid(text)).await;
    }
    for text in ["0", "0.000"] {
        desk.refused(&command(text), "invalid_amount").await;
    }
    let huge = "99999999999999999999999999999999999999999999";
    for text in [MORE, "10000000000000001", huge] {
        desk.refused(&command(text), too_large(text)).await;
    }
    desk.sent(&command("0.000000000001")).await;
    desk.counts("a", "0.000000000001 + 0 USD").await;
}
