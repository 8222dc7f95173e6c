//! Law 1: no overshoot. And what limits of each mode do about it.

use super::prelude::*;

/// A charge is granted only if spent + amount ≤ limit: the last step fits, and one more does not.
pub async fn the_last_step_fits_and_one_more_does_not(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let over = usd!(5.000000000001);
    desk.denied(charge("a", over.clone()), exceeded("a", usd!(5)).asked(over).never()).await;
    desk.done(charge("a", usd!(5))).await;
    let step = usd!(0.000000000001);
    let denial = exceeded("a", usd!(5)).spent(usd!(5)).asked(step.clone()).never();
    desk.denied(charge("a", step), denial).await;
    desk.shows("a", "5 + 0 of 5 USD").await;
}

/// A hold is granted only if spent + held + amount ≤ limit: what is held counts as if it were spent.
pub async fn what_is_held_counts_as_if_spent(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.done(charge("a", usd!(1))).await;
    let held = desk.hold("a", usd!(3), 60).await;
    let expires_at = desk.view(held).await.expires_at;
    let denial = exceeded("a", usd!(5)).spent(usd!(1)).held(usd!(3)).asked(usd!(1.5));
    desk.denied(charge("a", usd!(1.5)), denial.clone().until(expires_at)).await;
    desk.denied(hold("a", usd!(1.5), 60), denial.until(expires_at)).await;
    desk.done(hold("a", usd!(1), 60)).await;
    desk.shows("a", "1 + 4 of 5 USD").await;
}

/// "At every account of its set": a limit far above denies as the spender's own does.
pub async fn every_account_above_is_asked(desk: &Desk) {
    desk.with([
        open("org").limit(lifetime(usd!(5))),
        open("pool").under("org").limit(lifetime(usd!(100))),
        open("a").under("pool"),
    ])
    .await;
    desk.denied(charge("a", usd!(6)), exceeded("org", usd!(5)).asked(usd!(6)).never()).await;
    desk.done(charge("a", usd!(5))).await;
    desk.shows("pool", "5 + 0 of 100 USD").await;
    desk.shows("org", "5 + 0 of 5 USD").await;
}

/// "At every account of its set": a scope and what stands above it are in the set.
pub async fn every_scope_is_asked_and_what_is_above_it(desk: &Desk) {
    desk.with([
        open("users").limit(lifetime(usd!(5))),
        open("ada").under("users").limit(lifetime(usd!(3))),
        open("a"),
    ])
    .await;
    let denial = exceeded("ada", usd!(3)).asked(usd!(4)).never();
    desk.denied(charge("a", usd!(4)).scope("ada"), denial).await;
    desk.done(record("users", usd!(4))).await;
    let denial = exceeded("users", usd!(5)).spent(usd!(4)).asked(usd!(2)).never();
    desk.denied(charge("a", usd!(2)).scope("ada"), denial).await;
    desk.done(charge("a", usd!(1)).scope("ada")).await;
}

/// "For every unit": all must fit.
pub async fn every_unit_is_asked(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5))).limit(lifetime(tokens!(10)))]).await;
    let denial = exceeded("a", tokens!(10)).asked(tokens!(11)).never();
    desk.denied(charge("a", [usd!(1), tokens!(11)]), denial).await;
    desk.done(charge("a", [usd!(1), tokens!(10)])).await;
    desk.shows("a", "1 + 0 of 5 USD, 10 + 0 of 10 tokens").await;
}

/// "For every hard limit": several windows over one unit each deny.
pub async fn every_window_is_asked(desk: &Desk) {
    let a = open("a").limit(lifetime(usd!(10))).limit(every(1_000_000_000, usd!(3)));
    desk.with([a]).await;
    let denial = exceeded("a", usd!(3)).over(seconds(1_000_000_000)).asked(usd!(4)).never();
    desk.denied(charge("a", usd!(4)), denial).await;
    desk.done(charge("a", usd!(3))).await;
    desk.shows("a", "3 + 0 of 3 USD per 1000000000s, 3 + 0 of 10 USD").await;
}

/// A limit of 0 lets nothing pass.
pub async fn a_limit_of_nothing_lets_nothing_pass(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(0)))]).await;
    let denial = exceeded("a", usd!(0)).asked(usd!(0.000000000001)).never();
    desk.denied(charge("a", usd!(0.000000000001)), denial).await;
    desk.done(charge("a", tokens!(1))).await;
}

/// Only grants are judged: a lowered limit leaves an account over it, and then nothing new is granted there.
pub async fn a_lowered_limit_grants_nothing_new(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.done(charge("a", usd!(2))).await;
    let held = desk.hold("a", usd!(2), 60).await;
    desk.done(set_limit("a", lifetime(usd!(3)))).await;
    let denial = exceeded("a", usd!(3)).spent(usd!(2)).held(usd!(2)).asked(usd!(0.5));
    // Where the hold has expired, half a dollar fits.
    let expires_at = desk.view(held).await.expires_at;
    desk.denied(charge("a", usd!(0.5)), denial.until(expires_at)).await;
    desk.done(settle(held, usd!(2))).await;
    desk.shows("a", "4 + 0 of 3 USD").await;
}

/// A record can leave an account over its limit, and then nothing new is granted there.
pub async fn after_an_overrun_nothing_new_is_granted(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.done(record("a", usd!(7))).await;
    let denial = exceeded("a", usd!(5)).spent(usd!(7)).asked(usd!(0.1)).never();
    desk.denied(charge("a", usd!(0.1)), denial).await;
    let usage = &desk.account("a").await.limits[0];
    assert_eq!((usage.available, usage.over_by), (Quantity::ZERO, quantity("2")));
}

/// Soft and shadow limits never deny and never lower `available`.
pub async fn only_hard_limits_deny(desk: &Desk) {
    let soft = lifetime(usd!(1)).soft();
    let shadow = every(1_000_000_000, usd!(1)).shadow();
    desk.with([
        open("pool").limit(lifetime(usd!(1)).shadow()),
        open("a").under("pool").limit(soft).limit(shadow).limit(lifetime(tokens!(9))),
    ])
    .await;
    let receipt = desk.receipt(charge("a", [usd!(2), tokens!(1)])).await;
    assert_eq!(receipt.available, tokens!(8).into());
    let receipt = desk.receipt(hold("a", [usd!(2), tokens!(1)], 60)).await;
    assert_eq!(receipt.available, tokens!(7).into());
}

/// No interleaving overshoots: of many charges at once exactly those are granted that fit.
pub async fn many_at_once_overshoot_nothing(desk: &Desk) {
    let pool = open("pool").limit(lifetime(usd!(20)));
    let agents = ["a", "b", "c", "d"].map(|agent| open(agent).under("pool"));
    desk.with([pool].into_iter().chain(agents)).await;
    let tasks: Vec<_> = (0..40)
        .map(|number| {
            let agent = ["a", "b", "c", "d"][number % 4];
            let (ledger, op) = (desk.ledger(), desk.op());
            tokio::spawn(async move {
                let amount = usd!(0.8);
                if number % 3 == 0 {
                    let place = hold(agent, amount, 3_600);
                    return ledger.apply(Command::new(op, place)).await.is_ok();
                }
                ledger.charge(charge(agent, amount), op).await.is_ok()
            })
        })
        .collect();
    let mut granted = 0;
    for task in tasks {
        granted += u32::from(task.await.unwrap());
    }
    assert_eq!(granted, 25);
    let account = desk.account("pool").await;
    let used = account.spent.get(&Unit::USD).checked_add(account.held.get(&Unit::USD));
    assert_eq!(used, Some(quantity("20")));
}
