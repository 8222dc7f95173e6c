//! What a receipt says: what is left, which thresholds were reached, what a limit on trial would have denied.

use super::prelude::*;

/// `available`: the least over the charge set, after the command, for each unit of the command.
pub async fn available_is_the_least_over_the_set(desk: &Desk) {
    desk.with([
        open("pool").limit(lifetime(usd!(5))).limit(lifetime(tokens!(50))),
        open("a").under("pool").limit(lifetime(usd!(9))),
        open("tag").limit(every(1_000_000_000, usd!(4))),
    ])
    .await;
    let receipt = desk.receipt(charge("a", usd!(1))).await;
    assert_eq!(receipt.available, usd!(4).into());
    let receipt = desk.receipt(charge("a", [usd!(1), tokens!(8)]).scope("tag")).await;
    assert_eq!(receipt.available, [usd!(3), tokens!(42)].into());
    let receipt = desk.receipt(charge("a", usd!(2)).scope("tag")).await;
    assert_eq!(receipt.available, usd!(1).into());
}

/// A unit without a hard limit on the way is left out; protection is not subtracted.
pub async fn units_without_a_hard_limit_are_left_out(desk: &Desk) {
    let a = open("a").limit(lifetime(usd!(10))).limit(lifetime(tokens!(10)).soft());
    desk.with([a.protect(last("50", 9))]).await;
    let receipt = desk.receipt(charge("a", [usd!(4), tokens!(1), requests!(1)])).await;
    assert_eq!(receipt.available, usd!(6).into());
}

/// Available is never below 0.
pub async fn available_is_never_below_nothing(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let receipt = desk.receipt(record("a", usd!(9))).await;
    assert_eq!(receipt.available, usd!(0).into());
}

/// Settle: units held or named; release, extend, refund: units of the hold or the refund.
pub async fn which_units_a_receipt_names(desk: &Desk) {
    let a = open("a").limit(lifetime(usd!(10))).limit(lifetime(tokens!(10)));
    desk.with([a.limit(lifetime(requests!(10)))]).await;
    let both = || [usd!(1), tokens!(1)];
    let [first, second] = [desk.hold("a", both(), 60).await, desk.hold("a", both(), 60).await];
    let receipt = desk.receipt(extend(first, 120)).await;
    assert_eq!(receipt.available, [usd!(8), tokens!(8)].into());
    let command = desk.command(settle(first, requests!(2)));
    let receipt = desk.sent(&command).await;
    assert_eq!(receipt.available, [usd!(9), tokens!(9), requests!(8)].into());
    let receipt = desk.receipt(refund(command.op, requests!(1))).await;
    assert_eq!(receipt.available, requests!(9).into());
    let receipt = desk.receipt(release(second)).await;
    assert_eq!(receipt.available, [usd!(10), tokens!(10)].into());
}

/// All other commands: `{}`.
pub async fn commands_that_spend_nothing_say_nothing_of_what_is_left(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(10)))]).await;
    let limited = |name| open(name).under("pool").limit(lifetime(usd!(1)));
    for action in [
        limited("a").into(),
        limited("b").into(),
        set_limit("a", lifetime(usd!(2))),
        set_remaining("a", usd!(3)),
        transfer("a", "b", usd!(1)),
        allocate("pool", [("a", usd!(2))]),
        divide("pool", [("a", "1")]).into(),
        suspend("a"),
        remove_limit("b", Window::Lifetime),
    ] {
        let receipt = desk.receipt(action).await;
        assert_eq!(receipt.available, Amounts::none());
        assert!(
            receipt.crossed.is_empty() && receipt.overrun.is_empty() && receipt.shadow.is_empty()
        );
        assert!(!receipt.late);
    }
}

/// Crossing a soft limit is reported when `spent` reaches or passes it through this command, and once.
pub async fn a_soft_limit_is_crossed_when_spending_reaches_it(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)).soft())]).await;
    assert_eq!(crossed(&desk.receipt(charge("a", usd!(4.9))).await), [""; 0]);
    assert_eq!(crossed(&desk.receipt(charge("a", usd!(0.1))).await), ["a: 5 of 5 USD"]);
    assert_eq!(crossed(&desk.receipt(charge("a", usd!(1))).await), [""; 0]);
    let paid = desk.done(record("a", usd!(1))).await;
    desk.done(refund(paid, usd!(1))).await;
    desk.done(set_limit("a", lifetime(usd!(7)).soft())).await;
    assert_eq!(crossed(&desk.receipt(record("a", usd!(2))).await), ["a: 8 of 7 USD"]);
}

/// A hold crosses nothing, its settlement does: it is `spent` that counts.
pub async fn what_is_held_crosses_nothing_until_it_is_settled(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)).soft())]).await;
    let receipt = desk.receipt(hold("a", usd!(9), 60)).await;
    assert_eq!(crossed(&receipt), [""; 0]);
    let held = desk.hold("a", usd!(9), 60).await;
    assert_eq!(crossed(&desk.receipt(settle(held, usd!(6))).await), ["a: 6 of 5 USD"]);
}

/// Each percent of `warn_at` that was reached or passed, of hard and soft limits; a shadow limit reports
/// nothing. Of one limit its percents, lowest first, then the limit itself.
pub async fn warnings_come_lowest_first_and_the_limit_last(desk: &Desk) {
    let warned = |limit: safeguards_budget::Limit| {
        limit.warn_at(percent("80")).warn_at(percent("50")).warn_at(percent("100"))
    };
    let a = open("a").limit(warned(lifetime(usd!(10)))).limit(warned(lifetime(tokens!(10)).soft()));
    desk.with([a.limit(warned(every(1_000_000_000, usd!(10)).shadow()))]).await;
    let receipt = desk.receipt(charge("a", [usd!(4.9), tokens!(5)])).await;
    assert_eq!(crossed(&receipt), ["a: 5 of 10 tokens (50 %)"]);
    let receipt = desk.receipt(charge("a", [usd!(5.1), tokens!(6)])).await;
    let expected = [
        "a: 10 of 10 USD (50 %)",
        "a: 10 of 10 USD (80 %)",
        "a: 10 of 10 USD (100 %)",
        "a: 11 of 10 tokens (80 %)",
        "a: 11 of 10 tokens (100 %)",
        "a: 11 of 10 tokens",
    ];
    assert_eq!(crossed(&receipt), expected);
}

/// Of the amount, rounded up to 10⁻¹².
pub async fn a_warning_is_rounded_up(desk: &Desk) {
    let limit = lifetime(usd!(0.000000000010)).warn_at(percent("15"));
    desk.with([open("a").limit(limit)]).await;
    let step = || charge("a", usd!(0.000000000001));
    assert_eq!(crossed(&desk.receipt(step()).await), [""; 0]);
    let reached = "a: 0.000000000002 of 0.00000000001 USD (15 %)";
    assert_eq!(crossed(&desk.receipt(step()).await), [reached]);
}

/// In the next window a threshold is reached anew.
pub async fn a_threshold_is_reached_anew_in_the_next_window(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(5)).soft())]).await;
    let reached = ["a: 5 of 5 USD per 60s"];
    assert_eq!(crossed(&desk.receipt(charge("a", usd!(5))).await), reached);
    desk.wait(60);
    assert_eq!(crossed(&desk.receipt(charge("a", usd!(5))).await), reached);
}

/// `shadow`: shadow limits that would have denied this charge or hold, with the numbers of before it.
pub async fn a_limit_on_trial_says_what_it_would_have_denied(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)).shadow())]).await;
    assert_eq!(shadow(&desk.receipt(charge("a", usd!(4))).await), [""; 0]);
    let would_deny = "a: 4 + 0 of 5 USD, 1 left, 2 asked";
    assert_eq!(shadow(&desk.receipt(hold("a", usd!(2), 60)).await), [would_deny]);
    assert_eq!(
        shadow(&desk.receipt(charge("a", usd!(3))).await),
        ["a: 4 + 2 of 5 USD, 0 left, 3 asked"]
    );
    // What is not judged is not judged on trial either.
    assert_eq!(shadow(&desk.receipt(record("a", usd!(3))).await), [""; 0]);
}

/// All three lists are in the order of the set, then unit by text, then the shortest window.
pub async fn the_lists_are_in_the_order_of_the_set(desk: &Desk) {
    let limits = |account: safeguards_budget::OpenAccount, mode| {
        account
            .limit(lifetime(tokens!(1)).mode(mode))
            .limit(lifetime(usd!(1)).mode(mode))
            .limit(every(1_000_000_000, usd!(1)).mode(mode))
    };
    let tree = |mode, names: [&str; 3]| {
        let [pool, account, tag] = names.map(|name| limits(open(name), mode));
        [pool, account.under(names[0]), tag]
    };
    desk.with(tree(LimitMode::Soft, ["sp", "sa", "st"])).await;
    desk.with(tree(LimitMode::Shadow, ["tp", "ta", "tt"])).await;
    desk.with(tree(LimitMode::Hard, ["hp", "ha", "ht"])).await;
    let both = || [tokens!(2), usd!(2)];
    let heads = |lines: Vec<String>| {
        let heads = lines.iter().map(|line| {
            let (account, rest) = line.split_once(':').unwrap_or_default();
            let unit = if rest.contains("USD per") {
                "w"
            } else if rest.contains("USD") {
                "U"
            } else {
                "t"
            };
            format!("{account}{unit}")
        });
        heads.collect::<Vec<_>>().join(" ")
    };
    let receipt = desk.receipt(charge("sa", both()).scope("st")).await;
    assert_eq!(heads(crossed(&receipt)), "saw saU sat spw spU spt stw stU stt");
    let receipt = desk.receipt(charge("ta", both()).scope("tt")).await;
    assert_eq!(heads(shadow(&receipt)), "taw taU tat tpw tpU tpt ttw ttU ttt");
    let receipt = desk.receipt(Action::Record(charge("ha", both()).scope("ht"))).await;
    assert_eq!(heads(overrun(&receipt)), "haw haU hat hpw hpU hpt htw htU htt");
}
