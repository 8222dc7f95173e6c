//! Law 11: a denial names the limit that said no, with all numbers, and whether waiting helps.

use super::prelude::*;

/// A denial carries all the numbers, as of before the command.
pub async fn a_denial_carries_all_numbers(desk: &Desk) {
    let pool = open("pool").limit(lifetime(usd!(20))).protect(last("25", 8));
    desk.with([pool, open("a").under("pool")]).await;
    desk.done(charge("a", usd!(4))).await;
    let held = desk.hold("a", usd!(7), 3_600).await;
    let denial = exceeded("pool", usd!(20)).spent(usd!(4)).held(usd!(7)).asked(usd!(9.5));
    let expires_at = desk.view(held).await.expires_at;
    let expected = denial.beside_protected(usd!(5)).until(expires_at);
    desk.denied(charge("a", usd!(9.5)), expected).await;
}

/// `retry_at`: for a window its end.
pub async fn a_window_says_to_wait_for_its_end(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(5)))]).await;
    desk.done(charge("a", usd!(3))).await;
    // A hold that expires earlier does not count: a window says its end.
    desk.hold("a", usd!(2), 10).await;
    let numbers = exceeded("a", usd!(5)).over(seconds(60)).spent(usd!(3)).held(usd!(2));
    let until = at("2026-01-05T09:01:00Z");
    desk.denied(charge("a", usd!(1)), numbers.asked(usd!(1)).until(until)).await;
}

/// `never` if asked > limit − protected: no window helps.
pub async fn more_than_the_limit_never_fits(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(5))).protect(last("20", 9))]).await;
    let numbers = || exceeded("a", usd!(5)).over(seconds(60));
    desk.denied(charge("a", usd!(4.5)), numbers().protected(usd!(1)).asked(usd!(4.5)).never())
        .await;
    desk.done(charge("a", usd!(1))).await;
    let until = at("2026-01-05T09:01:00Z");
    let numbers = numbers().spent(usd!(1)).protected(usd!(1)).asked(usd!(4));
    desk.denied(charge("a", usd!(4)), numbers.until(until)).await;
}

/// For lifetime the first expiry of a hold counted there after which the command would fit.
pub async fn a_lifetime_says_when_enough_holds_have_expired(desk: &Desk) {
    let pool = open("pool").limit(lifetime(usd!(10)));
    desk.with([pool, open("a").under("pool"), open("b").under("pool"), open("z")]).await;
    // What is held elsewhere frees nothing here.
    desk.hold("z", usd!(9), 5).await;
    desk.hold("b", usd!(3), 30).await;
    desk.hold("a", usd!(3), 10).await;
    desk.hold("b", usd!(3), 20).await;
    let numbers = || exceeded("pool", usd!(10)).held(usd!(9));
    let asked = |amount: Amount, until| {
        (charge("a", amount.clone()), numbers().asked(amount).until(at(until)))
    };
    for (charge, denial) in [
        asked(usd!(4), "2026-01-05T09:00:10Z"),
        asked(usd!(5), "2026-01-05T09:00:20Z"),
        asked(usd!(7), "2026-01-05T09:00:20Z"),
        asked(usd!(8), "2026-01-05T09:00:30Z"),
        asked(usd!(10), "2026-01-05T09:00:30Z"),
    ] {
        desk.denied(charge, denial).await;
    }
}

/// For lifetime `never` if there is no such hold: one that is too small, or does not count there, is none.
pub async fn a_lifetime_that_holds_would_not_free_says_never(desk: &Desk) {
    desk.with([open("pool"), open("b").under("pool")]).await;
    desk.done(open("a").under("pool").limit(lifetime(usd!(10)))).await;
    desk.done(charge("a", usd!(8))).await;
    desk.hold("a", usd!(1), 10).await;
    desk.hold("b", usd!(9), 10).await;
    let numbers = exceeded("a", usd!(10)).spent(usd!(8)).held(usd!(1)).asked(usd!(3));
    desk.denied(charge("a", usd!(3)), numbers.never()).await;
}

/// What is protected must stay free, too, when a hold has expired.
pub async fn advice_to_wait_leaves_room_for_what_is_protected(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(10))).protect(last("20", 9))]).await;
    desk.hold("a", usd!(4), 10).await;
    desk.hold("a", usd!(4), 20).await;
    let numbers = exceeded("a", usd!(10)).held(usd!(8)).beside_protected(usd!(2)).asked(usd!(5));
    desk.denied(charge("a", usd!(5)), numbers.until(at("2026-01-05T09:00:20Z"))).await;
}

/// Over all that block: `never` wins; else the latest.
pub async fn the_advice_is_over_all_that_block(desk: &Desk) {
    desk.with([
        open("pool").limit(every(3_600, usd!(5))).limit(lifetime(usd!(6))),
        open("a").under("pool").limit(every(60, usd!(5))),
    ])
    .await;
    desk.done(charge("a", usd!(4))).await;
    let numbers = || exceeded("a", usd!(5)).over(seconds(60)).spent(usd!(4));
    // The minute and the hour block, and the hour ends later.
    let until = at("2026-01-05T10:00:00Z");
    desk.denied(charge("a", usd!(2)), numbers().asked(usd!(2)).until(until)).await;
    // The lifetime blocks besides, and nothing will free it.
    desk.denied(charge("a", usd!(3)), numbers().asked(usd!(3)).never()).await;
}

/// What blocks because it is protected counts as well.
pub async fn what_is_protected_above_counts_for_the_advice(desk: &Desk) {
    desk.with([
        open("pool").limit(every(3_600, usd!(10))).protect(last("50", 9)),
        open("a").under("pool").limit(every(60, usd!(5))),
    ])
    .await;
    desk.done(charge("a", usd!(4))).await;
    let numbers = exceeded("a", usd!(5)).over(seconds(60)).spent(usd!(4)).asked(usd!(2));
    desk.denied(charge("a", usd!(2)), numbers.until(at("2026-01-05T10:00:00Z"))).await;
}

/// Which reason: by account in the order of the set: spender to root, then scopes as named.
pub async fn the_account_first_in_the_set_is_named(desk: &Desk) {
    let full = |name: &str| open(name).limit(lifetime(usd!(1)));
    desk.with([
        full("org"),
        full("pool").under("org"),
        full("a").under("pool"),
        full("y"),
        full("x"),
    ])
    .await;
    let none = || charge("a", usd!(2)).scope("y").scope("x");
    let named = |account| exceeded(account, usd!(1)).asked(usd!(2)).never();
    for account in ["a", "pool", "org", "y", "x"] {
        desk.denied(none(), named(account)).await;
        desk.done(set_limit(account, lifetime(usd!(9)))).await;
    }
    desk.done(none()).await;
}

/// Which reason: then unit by text, then the shortest window.
pub async fn then_the_unit_by_text_then_the_shortest_window(desk: &Desk) {
    let long = || seconds(1_000_000_000);
    let a = open("a")
        .limit(lifetime(tokens!(1)))
        .limit(lifetime(usd!(1)))
        .limit(over(usd!(1), long()))
        .limit(over(requests!(1), long()));
    desk.with([a]).await;
    let all = || charge("a", [tokens!(2), requests!(2), usd!(2)]);
    let (first, second) = (exceeded("a", usd!(1)).over(long()), exceeded("a", usd!(1)));
    desk.denied(all(), first.asked(usd!(2)).never()).await;
    desk.done(remove_limit("a", long())).await;
    desk.denied(all(), second.asked(usd!(2)).never()).await;
    desk.done(remove_limit("a", Window::Lifetime)).await;
    let third = exceeded("a", requests!(1)).over(long()).asked(requests!(2));
    desk.denied(all(), third.never()).await;
}

/// The shortest window by nominal seconds; ties: every, day, week, month, then zone.
pub async fn windows_of_equal_length_are_named_in_a_fixed_order(desk: &Desk) {
    let windows = [
        seconds(86_400),
        day("Etc/UTC"),
        day("UTC"),
        seconds(604_800),
        week("UTC"),
        seconds(2_592_000),
        month("UTC"),
        Window::Lifetime,
    ];
    let a =
        windows.iter().rev().fold(open("a"), |a, window| a.limit(over(usd!(1), window.clone())));
    desk.with([a]).await;
    for window in windows {
        let denial = exceeded("a", usd!(1)).over(window.clone()).asked(usd!(2)).never();
        desk.denied(charge("a", usd!(2)), denial).await;
        desk.done(remove_limit("a", window)).await;
    }
    desk.done(charge("a", usd!(2))).await;
}

/// Which denials say it: every code is stable and begins with `budget.`, and the text names what is at fault.
pub async fn a_denial_has_a_stable_code_and_says_who(desk: &Desk) {
    desk.with([open("reader").limit(lifetime(usd!(1)))]).await;
    let denial = desk.ask(charge("reader", usd!(2))).await.unwrap_err();
    assert_eq!(denial.code(), "budget.limit_exceeded");
    assert!(denial.to_string().contains("reader"), "{denial}");
    let denial = desk.ask(charge("writer", usd!(2))).await.unwrap_err();
    assert_eq!(denial.code(), "budget.unknown_account");
    assert!(denial.to_string().contains("writer"), "{denial}");
}
