//! Bounds: what is longer or more than a ledger takes is refused, and the denial names the bound.

use super::prelude::*;

/// `name`: accounts, where made, 1–256 bytes without control characters.
pub async fn names_of_accounts_have_a_form(desk: &Desk) {
    let longest = "é".repeat(128);
    desk.done(open(&longest)).await;
    for name in ["", &format!("{longest}x"), "a\u{0}", "a\nb", "\u{1f}", "\u{7f}", "a\u{9f}"] {
        desk.denied(open(name), beyond("name")).await;
    }
    for name in [" ", "a b", "\u{a0}", "org/team.one", "日本"] {
        desk.done(open(name)).await;
    }
}

/// `name`: units, where made, likewise.
pub async fn names_of_units_have_a_form(desk: &Desk) {
    let longest = "u".repeat(256);
    desk.done(register(&longest)).await;
    for name in ["", &format!("{longest}u"), "a\u{85}b", "\t"] {
        desk.denied(register(name), beyond("name")).await;
    }
}

/// A wrong name elsewhere is a name that nobody has.
pub async fn a_wrong_name_elsewhere_is_unknown(desk: &Desk) {
    desk.denied(charge("", usd!(1)), unknown_account("")).await;
    let unit = Unit::from("\n");
    desk.with([open("a")]).await;
    let denial = Denial::UnknownUnit { unit: unit.clone() };
    desk.denied(charge("a", Amount::new(quantity("1"), unit)), denial).await;
}

/// 64 `scopes` as named.
pub async fn scopes_are_bounded_as_named(desk: &Desk) {
    desk.with([open("a"), open("tag")]).await;
    let most = desk.bounds().scopes_max;
    let with_scopes =
        |count: usize| (0..count).fold(charge("a", usd!(1)), |all, _| all.scope("tag"));
    desk.done(with_scopes(most)).await;
    desk.denied(with_scopes(most + 1), beyond("scopes")).await;
    desk.denied(Action::Record(with_scopes(most + 1)), beyond("scopes")).await;
    desk.counts("tag", "1 + 0 USD").await;
}

/// An account with so many limits, each over another number of seconds.
fn limited(name: &str, count: usize) -> safeguards_budget::OpenAccount {
    let lengths = (1..).take(count);
    lengths.fold(open(name), |open, length| open.limit(every(length, usd!(1))))
}

/// 64 `limits` per account: one that there is may be changed, and a new one is too many.
pub async fn limits_are_bounded(desk: &Desk) {
    let most = desk.bounds().limits_max;
    desk.denied(limited("a", most + 1), beyond("limits")).await;
    desk.with([limited("a", most)]).await;
    desk.done(set_limit("a", every(1, usd!(2)))).await;
    desk.denied(set_limit("a", lifetime(usd!(2))), beyond("limits")).await;
    desk.denied(set_remaining("a", usd!(2)), beyond("limits")).await;
    desk.done(remove_limit("a", seconds(1))).await;
    desk.done(set_limit("a", lifetime(usd!(2)))).await;
}

/// 64 `limits` per account: a share that would make one more is refused as well.
pub async fn limits_that_come_with_a_share_are_bounded(desk: &Desk) {
    let most = desk.bounds().limits_max;
    desk.with([open("pool"), limited("a", most).under("pool")]).await;
    desk.denied(allocate("pool", [("a", usd!(2))]), beyond("limits")).await;
    let plan = divide("pool", [("a", "1")]).amount(quantity("2"));
    desk.denied(plan, beyond("limits")).await;
    desk.done(remove_limit("a", seconds(1))).await;
    desk.done(allocate("pool", [("a", usd!(2))])).await;
}

/// 64 `limits` and 16 `steps` per account.
pub async fn steps_are_bounded(desk: &Desk) {
    let most = desk.bounds().steps_max;
    let steps = vec![last("1", 9); most + 1];
    let a = steps.into_iter().fold(open("a"), safeguards_budget::OpenAccount::protect);
    desk.denied(a, beyond("steps")).await;
    desk.with([open("a")]).await;
    desk.denied(set_protection("a", vec![last("1", 9); most + 1]), beyond("steps")).await;
    desk.done(set_protection("a", vec![last("1", 9); most])).await;
}

/// 16 percents per `warn_at`.
pub async fn percents_are_bounded(desk: &Desk) {
    let most = desk.bounds().percents_max;
    let warned = |count: usize| {
        let percents = (1..=count).map(|number| percent(&number.to_string()));
        percents.fold(lifetime(usd!(1)), safeguards_budget::Limit::warn_at)
    };
    desk.denied(open("a").limit(warned(most + 1)), beyond("percents")).await;
    desk.with([open("a").limit(warned(most))]).await;
    desk.denied(set_limit("a", warned(most + 1)), beyond("percents")).await;
}

/// 64 KiB of `metadata` as compact UTF-8 JSON, with every command.
pub async fn metadata_is_bounded(desk: &Desk) {
    desk.with([open("a")]).await;
    let most = desk.bounds().metadata_bytes_max;
    let noted = |bytes: usize| {
        let mut metadata = safeguards_budget::Metadata::new();
        // What stands around the text in compact JSON: {"k":""}.
        metadata.insert("k".into(), "x".repeat(bytes - 8).into());
        metadata
    };
    let largest = desk.command(charge("a", usd!(1))).with_metadata(noted(most));
    desk.sent(&largest).await;
    for action in [charge("a", usd!(1)).into(), register("USD"), open("b").into(), suspend("a")] {
        let command = desk.command(action).with_metadata(noted(most + 1));
        desk.refused(&command, beyond("metadata")).await;
    }
    assert_eq!(desk.last_entry().await.op(), Some(largest.op));
}

/// 1,024 bytes of `reason`.
pub async fn reasons_are_bounded(desk: &Desk) {
    desk.with([open("a")]).await;
    let most = desk.bounds().reason_bytes_max;
    let reason = |bytes| Some("r".repeat(bytes));
    let account = || AccountId::from("a");
    let too_long = Action::Suspend { account: account(), reason: reason(most + 1) };
    desk.denied(too_long, beyond("reason")).await;
    desk.done(Action::Suspend { account: account(), reason: reason(most) }).await;
    let too_long = Action::Resume { account: account(), reason: reason(most + 1) };
    desk.denied(too_long, beyond("reason")).await;
    desk.done(Action::Resume { account: account(), reason: reason(most) }).await;
}

/// Depth 64; a root has depth 1.
pub async fn depth_is_bounded(desk: &Desk) {
    let most = desk.bounds().depth_max;
    let chain = chain(desk, "a", most).await;
    let deepest = chain.last().unwrap();
    let denial = Denial::DepthExceeded { account: "deeper".into(), max: most };
    desk.denied(open("deeper").under(deepest.as_str()), denial).await;
    let limit = usd!(1);
    desk.done(set_limit(&chain[0], lifetime(limit.clone()))).await;
    let denial = exceeded(&chain[0], limit).asked(usd!(2)).never();
    desk.denied(charge(deepest, usd!(2)), denial).await;
}

/// Depth is checked for the whole subtree that moves.
pub async fn depth_is_bounded_for_all_that_moves(desk: &Desk) {
    let most = desk.bounds().depth_max;
    let upper = chain(desk, "u", most - 2).await;
    let lower = chain(desk, "l", 3).await;
    let deepest = upper.last().unwrap();
    desk.denied(set_parent(&lower[0], deepest), "depth_exceeded").await;
    desk.done(set_parent(&lower[0], &upper[upper.len() - 2])).await;
    desk.done(charge(&lower[2], usd!(1))).await;
    desk.counts(&upper[0], "1 + 0 USD").await;
    desk.counts(deepest, "").await;
}

/// Opens a chain of accounts, each below the one before.
async fn chain(desk: &Desk, name: &str, length: usize) -> Vec<String> {
    let names: Vec<_> = (1..=length).map(|depth| format!("{name}{depth}")).collect();
    desk.done(open(&names[0])).await;
    for pair in names.windows(2) {
        desk.done(open(&pair[1]).under(pair[0].as_str())).await;
    }
    names
}

/// `ttl`: a hold lasts 1 s to 10⁹ s.
pub async fn times_to_live_are_bounded(desk: &Desk) {
    desk.with([open("a")]).await;
    let held = desk.hold("a", usd!(1), 1_000_000_000).await;
    for ttl_s in [0, 1_000_000_001] {
        desk.denied(hold("a", usd!(1), ttl_s), beyond("ttl")).await;
        desk.denied(extend(held, ttl_s), beyond("ttl")).await;
    }
    desk.done(extend(held, 1_000_000_000)).await;
}

/// `instant`: to 2262-04-11T23:47:16.854775807Z (an `expires_at` beyond it).
pub async fn instants_are_bounded(desk: &Desk) {
    desk.set_clock("2262-04-11T23:47:00Z");
    desk.with([open("a")]).await;
    let held = desk.hold("a", usd!(1), 16).await;
    desk.denied(hold("a", usd!(1), 17), beyond("instant")).await;
    desk.denied(extend(held, 17), beyond("instant")).await;
    assert_eq!(desk.state(held).await, HoldState::Open);
}
