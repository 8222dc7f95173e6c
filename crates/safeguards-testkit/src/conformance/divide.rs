//! Divide: allocation by weight in one step, exact to the last digit.

use super::prelude::*;

/// A pool of this limit with children of these names.
async fn pool(desk: &Desk, limit: &str, children: &[&str]) {
    desk.done(open("pool").limit(lifetime(dollars(limit)))).await;
    desk.with(children.iter().map(|name| open(name).under("pool"))).await;
}

/// What each child's lifetime limit is now.
async fn limits(desk: &Desk, children: &[&str]) -> Vec<String> {
    let mut limits = Vec::new();
    for name in children {
        let account = desk.account(name).await;
        limits.push(account.limit(&Unit::USD, &Window::Lifetime).unwrap().limit.amount.to_string());
    }
    limits
}

/// Each child gets its part by weight, and the shares add up to what is divided.
pub async fn each_gets_its_part_by_weight(desk: &Desk) {
    pool(desk, "10", &["a", "b", "c"]).await;
    desk.done(divide("pool", [("a", "1"), ("b", "1.5"), ("c", "0")])).await;
    assert_eq!(limits(desk, &["a", "b", "c"]).await, ["4", "6", "0"]);
}

/// Down to 10⁻¹²; what is left over one step each to the largest remainders, ties by account id.
pub async fn what_is_left_over_goes_to_the_largest_remainders(desk: &Desk) {
    pool(desk, "1", &["a", "b", "c"]).await;
    desk.done(divide("pool", [("c", "1"), ("b", "1"), ("a", "1")])).await;
    let thirds = ["0.333333333334", "0.333333333333", "0.333333333333"];
    assert_eq!(limits(desk, &["a", "b", "c"]).await, thirds);
    // Sevenths: 0.142857142857 and 1/7 of a step, 0.857142857142 and 6/7 of one.
    desk.done(divide("pool", [("a", "1"), ("b", "6")])).await;
    desk.shows("c", "0 + 0 of 0.333333333333 USD").await;
    desk.done(allocate("pool", [("c", usd!(0))])).await;
    desk.done(divide("pool", [("a", "1"), ("b", "6")])).await;
    assert_eq!(limits(desk, &["a", "b"]).await, ["0.142857142857", "0.857142857143"]);
}

/// All weights zero: equal parts.
pub async fn all_weights_zero_means_equal_parts(desk: &Desk) {
    pool(desk, "9", &["a", "b", "c"]).await;
    desk.done(divide("pool", [("a", "0"), ("b", "0"), ("c", "0")])).await;
    assert_eq!(limits(desk, &["a", "b", "c"]).await, ["3", "3", "3"]);
}

/// Who would get less than `at_least` gets `at_least`, and the rest is cut anew among the others, until
/// nobody is below.
pub async fn minimums_come_first_until_nobody_is_below(desk: &Desk) {
    pool(desk, "20", &["a", "b", "c", "d"]).await;
    let plan = || divide("pool", [("a", "10"), ("b", "4.4"), ("c", "4"), ("d", "1")]);
    desk.done(plan().amount(quantity("19.4"))).await;
    assert_eq!(limits(desk, &["a", "b", "c", "d"]).await, ["10", "4.4", "4", "1"]);
    // `d` and `c` are below 4.2 at first. `b` is so only when what they need is taken from the rest.
    desk.done(plan().amount(quantity("19.4")).at_least(quantity("4.2"))).await;
    assert_eq!(limits(desk, &["a", "b", "c", "d"]).await, ["6.8", "4.2", "4.2", "4.2"]);
}

/// A weight of 0 gets the minimum, and only that.
pub async fn a_weight_of_nothing_gets_the_minimum(desk: &Desk) {
    pool(desk, "10", &["a", "b"]).await;
    desk.done(divide("pool", [("a", "0"), ("b", "3")]).at_least(quantity("2"))).await;
    assert_eq!(limits(desk, &["a", "b"]).await, ["2", "8"]);
}

/// `at_least` times the children above the amount: `insufficient_for_minimums`, with the numbers.
pub async fn minimums_that_exceed_what_there_is_are_refused(desk: &Desk) {
    pool(desk, "10", &["a", "b", "c"]).await;
    let plan = divide("pool", [("a", "1"), ("b", "1"), ("c", "1")]).amount(quantity("9"));
    let denial = Denial::InsufficientForMinimums {
        account: "pool".into(),
        unit: Unit::USD,
        asked: quantity("12"),
        available: quantity("9"),
    };
    desk.denied(plan.clone().at_least(quantity("4")), denial).await;
    desk.done(plan.at_least(quantity("3"))).await;
    assert_eq!(limits(desk, &["a", "b", "c"]).await, ["3", "3", "3"]);
}

/// Each child's lifetime hard limit becomes its spent + held + share, so what it has left is its share.
pub async fn what_each_has_left_is_its_share(desk: &Desk) {
    pool(desk, "20", &["a", "b"]).await;
    desk.done(charge("a", usd!(3))).await;
    desk.hold("a", usd!(1), 60).await;
    desk.done(charge("b", usd!(2))).await;
    desk.done(divide("pool", [("a", "1"), ("b", "1")])).await;
    desk.shows("a", "3 + 1 of 11 USD").await;
    desk.shows("b", "2 + 0 of 9 USD").await;
    for account in ["a", "b"] {
        assert_eq!(desk.account(account).await.available(&Unit::USD), Some(quantity("7")));
    }
}

/// Free is limit − the parent's own direct spent and held − the limits of its other open children − what the
/// named children have spent and hold. More than free: `limit_exceeded` at the parent.
pub async fn no_more_is_divided_than_is_free(desk: &Desk) {
    pool(desk, "30", &["a", "b"]).await;
    desk.done(open("other").under("pool").limit(lifetime(usd!(5)))).await;
    desk.done(charge("other", usd!(4))).await;
    desk.done(charge("pool", usd!(2))).await;
    desk.done(charge("a", usd!(3))).await;
    desk.hold("b", usd!(1), 3_600).await;
    // 30 − 2 − 5 − (3 + 1) = 19.
    let numbers = exceeded("pool", usd!(30)).spent(usd!(9)).held(usd!(1)).available(usd!(19));
    let plan = divide("pool", [("a", "1"), ("b", "1")]);
    desk.denied(plan.clone().amount(quantity("19.1")), numbers.asked(usd!(19.1)).never()).await;
    desk.done(plan).await;
    desk.shows("a", "3 + 0 of 12.5 USD").await;
    desk.shows("b", "0 + 1 of 10.5 USD").await;
}

/// Where nothing is free, nothing is divided: each child keeps what it has used.
pub async fn where_nothing_is_free_nothing_is_left(desk: &Desk) {
    pool(desk, "5", &["a", "b"]).await;
    desk.done(record("a", usd!(7))).await;
    desk.done(divide("pool", [("a", "1"), ("b", "1")])).await;
    desk.shows("a", "7 + 0 of 7 USD").await;
    desk.shows("b", "0 + 0 of 0 USD").await;
    let numbers = exceeded("pool", usd!(5)).spent(usd!(7)).asked(usd!(1));
    desk.denied(divide("pool", [("a", "1")]).amount(quantity("1")), numbers.never()).await;
}

/// A parent without such a limit needs an `amount`, else `no_limit`.
pub async fn without_a_limit_the_amount_must_be_said(desk: &Desk) {
    let soft = open("pool").limit(lifetime(usd!(5)).soft());
    desk.with([soft, open("a").under("pool"), open("b").under("pool")]).await;
    let plan = divide("pool", [("a", "3"), ("b", "1")]);
    desk.denied(plan.clone(), no_limit("pool")).await;
    desk.done(plan.amount(quantity("100"))).await;
    assert_eq!(limits(desk, &["a", "b"]).await, ["75", "25"]);
}

/// Not a child: `not_child`.
pub async fn only_children_get_a_part(desk: &Desk) {
    pool(desk, "5", &["a"]).await;
    desk.with([open("sub").under("a"), open("z")]).await;
    for other in ["sub", "z"] {
        let denial = Denial::NotChild { account: other.into() };
        desk.denied(divide("pool", [("a", "1"), (other, "1")]), denial).await;
    }
}

/// Weights as large and as small as they may be are cut exactly.
pub async fn the_largest_and_smallest_weights_are_cut_exactly(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool"), open("b").under("pool")]).await;
    let plan = divide("pool", [("a", "1000000000000000"), ("b", "0.000000000001")]);
    desk.done(plan.amount(quantity("1000000000000000"))).await;
    // To the lighter falls nearly one step, and to the heavier a trace more than all but one.
    let cut = ["999999999999999.999999999999", "0.000000000001"];
    assert_eq!(limits(desk, &["a", "b"]).await, cut);
    let plan = divide("pool", [("a", "0.000000000002"), ("b", "0.000000000001")]);
    desk.done(plan.amount(quantity("0.000000000004"))).await;
    // 8/3 and 4/3 of a step: the larger remainder gets the one left over.
    assert_eq!(limits(desk, &["a", "b"]).await, ["0.000000000003", "0.000000000001"]);
}
