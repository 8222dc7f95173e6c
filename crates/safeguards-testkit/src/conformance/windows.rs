//! Law 9, windows: where they begin and end, and what they count.

use super::prelude::*;

/// The window of the first limit of an account, from and to.
async fn window(desk: &Desk, account: &str) -> (Option<Timestamp>, Option<Timestamp>) {
    let usage = desk.account(account).await.limits.remove(0);
    (usage.window_started_at, usage.window_ends_at)
}

/// Sets the clock, and says in which window of `a` that is.
async fn check(desk: &Desk, now: &str, started_at: &str, ends_at: &str) {
    desk.set_clock(now);
    assert_eq!(window(desk, "a").await, (Some(at(started_at)), Some(at(ends_at))), "at {now}");
}

/// Every *n* seconds, from the Unix epoch; half-open, the boundary instant belongs to the new window.
pub async fn windows_of_seconds_are_counted_from_the_epoch(desk: &Desk) {
    desk.set_clock("2026-01-05T08:00:00Z");
    // 11 s divide no minute, so the windows are not those of the wall clock.
    desk.with([open("a").limit(every(11, usd!(1)))]).await;
    check(desk, "2026-01-05T09:00:00Z", "2026-01-05T08:59:56Z", "2026-01-05T09:00:07Z").await;
    check(desk, "2026-01-05T09:00:06.999999999Z", "2026-01-05T08:59:56Z", "2026-01-05T09:00:07Z")
        .await;
    check(desk, "2026-01-05T09:00:07Z", "2026-01-05T09:00:07Z", "2026-01-05T09:00:18Z").await;
}

/// The boundary instant belongs to the new window: there a full limit is empty again.
pub async fn at_its_boundary_a_window_begins_anew(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(5)))]).await;
    desk.done(charge("a", usd!(5))).await;
    desk.clock().advance(Duration::from_nanos(59_999_999_999));
    let denial = exceeded("a", usd!(5)).over(seconds(60)).spent(usd!(5)).asked(usd!(5));
    desk.denied(charge("a", usd!(5)), denial.until(at("2026-01-05T09:01:00Z"))).await;
    desk.clock().advance(Duration::from_nanos(1));
    desk.done(charge("a", usd!(5))).await;
    desk.shows("a", "5 + 0 of 5 USD per 60s").await;
}

/// Windows in which nothing happened are passed over, and reading alone shows the new one.
pub async fn idle_windows_are_passed_over(desk: &Desk) {
    desk.with([open("a").limit(every(60, usd!(5)))]).await;
    desk.done(charge("a", usd!(5))).await;
    check(desk, "2026-01-05T09:10:30Z", "2026-01-05T09:10:00Z", "2026-01-05T09:11:00Z").await;
    desk.shows("a", "0 + 0 of 5 USD per 60s").await;
    desk.counts("a", "5 + 0 USD").await;
}

/// A day begins at the first instant of the local date.
pub async fn a_day_is_that_of_its_zone(desk: &Desk) {
    desk.set_clock("2026-01-04T00:00:00Z");
    desk.with([open("a").limit(over(usd!(1), day("Europe/Berlin")))]).await;
    check(desk, "2026-01-04T23:00:00Z", "2026-01-04T23:00:00Z", "2026-01-05T23:00:00Z").await;
    check(desk, "2026-01-05T22:59:59Z", "2026-01-04T23:00:00Z", "2026-01-05T23:00:00Z").await;
}

/// Where clocks go forward or back a day has 23 or 25 hours.
pub async fn days_follow_the_clocks_of_their_zone(desk: &Desk) {
    desk.with([open("a").limit(over(usd!(1), day("Europe/Berlin")))]).await;
    check(desk, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z").await;
    check(desk, "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z").await;
}

/// "At the first instant of the local date": where midnight was skipped that is later, and where it came
/// twice the earlier one.
pub async fn a_day_without_midnight_begins_when_it_begins(desk: &Desk) {
    desk.set_clock("2018-11-01T00:00:00Z");
    desk.with([open("a").limit(over(usd!(1), day("America/Sao_Paulo")))]).await;
    check(desk, "2018-11-04T02:59:59Z", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z").await;
    check(desk, "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z").await;
    desk.done(open("b").limit(over(usd!(1), day("America/Havana")))).await;
    desk.set_clock("2025-11-02T05:30:00Z");
    let twice = (Some(at("2025-11-02T04:00:00Z")), Some(at("2025-11-03T05:00:00Z")));
    assert_eq!(window(desk, "b").await, twice);
}

/// The day of an instant is the last date whose first instant is not after it: a date that did not exist is
/// no day.
pub async fn a_date_that_did_not_exist_is_no_day(desk: &Desk) {
    desk.set_clock("2011-12-20T00:00:00Z");
    desk.with([open("a").limit(over(usd!(1), day("Pacific/Apia")))]).await;
    check(desk, "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z").await;
    check(desk, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z").await;
}

/// A week begins with its Monday.
pub async fn a_week_begins_with_its_monday(desk: &Desk) {
    desk.set_clock("2026-01-04T00:00:00Z");
    desk.with([open("a").limit(over(usd!(1), week("UTC")))]).await;
    check(desk, "2026-01-05T00:00:00Z", "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z").await;
    check(desk, "2026-01-11T23:59:59Z", "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z").await;
}

/// A month begins with its first day.
pub async fn a_month_begins_with_its_first_day(desk: &Desk) {
    desk.with([open("a").limit(over(usd!(1), month("Europe/Berlin")))]).await;
    check(desk, "2026-02-28T22:59:59Z", "2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z").await;
    check(desk, "2026-03-01T00:00:00Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z").await;
}

/// `window_started_at` of a new limit is the later of the window's start and its creation.
pub async fn a_new_limit_says_since_when_it_counts(desk: &Desk) {
    desk.set_clock("2026-01-05T09:00:20Z");
    desk.with([open("a").limit(every(60, usd!(5)))]).await;
    let since = |text| (Some(at(text)), Some(at("2026-01-05T09:01:00Z")));
    assert_eq!(window(desk, "a").await, since("2026-01-05T09:00:20Z"));
    desk.set_clock("2026-01-05T09:00:30Z");
    desk.done(set_limit("a", every(60, usd!(6)))).await;
    assert_eq!(window(desk, "a").await, since("2026-01-05T09:00:20Z"), "it was only changed");
    desk.done(remove_limit("a", seconds(60))).await;
    desk.done(set_limit("a", every(60, usd!(6)))).await;
    assert_eq!(window(desk, "a").await, since("2026-01-05T09:00:30Z"));
    check(desk, "2026-01-05T09:01:00Z", "2026-01-05T09:01:00Z", "2026-01-05T09:02:00Z").await;
}

/// A lifetime has neither beginning nor end.
pub async fn a_lifetime_has_no_boundaries(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    assert_eq!(window(desk, "a").await, (None, None));
}

/// Shared by all: a limit far above begins anew as the spender's own does.
pub async fn a_window_above_begins_anew_too(desk: &Desk) {
    desk.with([open("pool").limit(every(60, usd!(5))), open("a").under("pool")]).await;
    desk.done(charge("a", usd!(5))).await;
    desk.wait(60);
    desk.done(charge("a", usd!(4))).await;
    desk.shows("pool", "4 + 0 of 5 USD per 60s").await;
}

/// An entry tells the windows that it counted in, so that an auditor need not compute any.
pub async fn an_entry_tells_its_windows(desk: &Desk) {
    desk.set_clock("2026-01-05T09:00:20Z");
    let pool = open("pool").limit(every(60, usd!(5))).limit(lifetime(usd!(9)));
    desk.with([pool, open("a").under("pool").limit(every(60, tokens!(5)))]).await;
    desk.set_clock("2026-01-05T09:01:30Z");
    desk.done(charge("a", usd!(1))).await;
    let Fact::Spent(posting) = desk.last_entry().await.fact else { panic!("nothing was spent") };
    let [counted] = posting.windows.as_slice() else { panic!("{:?}", posting.windows) };
    assert_eq!((counted.account.as_str(), counted.unit.as_str()), ("pool", "USD"));
    assert_eq!((&counted.window, counted.part), (&seconds(60), Part::Whole));
    assert_eq!(counted.started_at, at("2026-01-05T09:01:00Z"));
    assert_eq!(counted.ends_at, at("2026-01-05T09:02:00Z"));
}
