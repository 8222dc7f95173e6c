//! Windows: what begins again, and in which window what is counted.

use safeguards_budget::{Limit, OpenAccount, Retry, Window};
use safeguards_types::{Timestamp, usd};

use crate::desk::{Desk, at, code, every, quantity, shortfall};

/// An account of five dollars a minute.
fn minutely() -> Desk {
    Desk::with([OpenAccount::new("a").limit(every(60, usd!(5)))])
}

#[test]
fn a_window_begins_again_at_its_boundary() {
    let mut desk = minutely();
    desk.wait(30);
    desk.charge("a", usd!(5)).unwrap();
    desk.wait(29);
    let denied = desk.charge("a", usd!(1));
    assert_eq!(shortfall(&denied).retry, Retry::At(at("2026-01-05T09:01:00Z")));
    desk.wait(1);
    assert_eq!(desk.limit("a").spent, quantity("0"), "a read shows it as begun again");
    assert_eq!(desk.charge("a", usd!(5)).unwrap().available, usd!(0).into());
    assert_eq!(desk.dollars("a"), "10 + 0");
}

#[test]
fn a_read_tells_since_when_and_until_when_it_counts() {
    #[track_caller]
    fn check(desk: &Desk, started_at: &str, ends_at: &str) {
        let usage = desk.limit("a");
        assert_eq!(usage.window_started_at, Some(at(started_at)));
        assert_eq!(usage.window_ends_at, Some(at(ends_at)));
    }
    let mut desk = Desk::with([OpenAccount::new("a")]);
    desk.wait(20);
    desk.set_limit("a", every(60, usd!(5))).unwrap();
    check(&desk, "2026-01-05T09:00:20Z", "2026-01-05T09:01:00Z");
    desk.wait(100);
    check(&desk, "2026-01-05T09:02:00Z", "2026-01-05T09:03:00Z");
    desk.charge("a", usd!(1)).unwrap();
    check(&desk, "2026-01-05T09:02:00Z", "2026-01-05T09:03:00Z");
    let lifetime = Desk::with([OpenAccount::new("a").limit(Limit::lifetime(usd!(1)))]).limit("a");
    assert_eq!((lifetime.window_started_at, lifetime.window_ends_at), (None, None));
}

#[test]
fn a_new_window_counts_from_now_and_a_changed_one_goes_on() {
    let mut desk = Desk::with([OpenAccount::new("a")]);
    desk.charge("a", usd!(9)).unwrap();
    desk.set_limit("a", every(60, usd!(5))).unwrap();
    desk.charge("a", usd!(3)).unwrap();
    desk.set_limit("a", every(60, usd!(6))).unwrap();
    assert_eq!(desk.limit("a").spent, quantity("3"));
    assert_eq!(code(&desk.charge("a", usd!(4))), "budget.limit_exceeded");
    desk.charge("a", usd!(3)).unwrap();
}

#[test]
fn each_limit_holds_and_the_day_is_that_of_its_zone() {
    let day = Limit::per_day(usd!(8), "Europe/Berlin").unwrap();
    let mut desk = Desk::with([OpenAccount::new("a").limit(day).limit(every(60, usd!(5)))]);
    desk.charge("a", usd!(5)).unwrap();
    desk.wait(60);
    let denied = desk.charge("a", usd!(4));
    assert_eq!(shortfall(&denied).window, Window::day("Europe/Berlin").unwrap());
    assert_eq!(shortfall(&denied).retry, Retry::At(at("2026-01-05T23:00:00Z")));
    desk.now = at("2026-01-05T22:59:59.999999999Z");
    assert_eq!(code(&desk.charge("a", usd!(4))), "budget.limit_exceeded");
    desk.now = at("2026-01-05T23:00:00Z");
    desk.charge("a", usd!(4)).unwrap();
}

#[test]
fn held_counts_in_the_window_of_its_placement_alone() {
    let mut desk = minutely();
    desk.set_limit("a", Limit::lifetime(usd!(100))).unwrap();
    desk.hold("a", usd!(5), 300);
    assert_eq!(code(&desk.charge("a", usd!(1))), "budget.limit_exceeded");
    desk.wait(60);
    assert_eq!(desk.limit("a").held, quantity("0"));
    desk.charge("a", usd!(5)).unwrap();
    assert_eq!(desk.dollars("a"), "5 + 5");
}

#[test]
fn a_hold_that_expires_unnoticed_frees_nothing_in_a_later_window() {
    let mut desk = minutely();
    desk.hold("a", usd!(2), 70);
    desk.wait(60);
    desk.hold("a", usd!(3), 300);
    desk.wait(10);
    assert_eq!(desk.limit("a").held, quantity("3"));
    assert_eq!(desk.dollars("a"), "0 + 3");
}

#[test]
fn a_limit_that_came_after_a_hold_does_not_count_it() {
    let mut desk = Desk::with([OpenAccount::new("a")]);
    let hold = desk.hold("a", usd!(3), 60);
    desk.set_limit("a", every(60, usd!(5))).unwrap();
    desk.charge("a", usd!(5)).unwrap();
    desk.settle(hold, usd!(3)).unwrap();
    assert_eq!(desk.limit("a").spent, quantity("5"));
    assert_eq!(desk.dollars("a"), "8 + 0");
    // A lifetime counts everything, whenever its limit was set.
    desk.wait(60);
    desk.hold("a", usd!(2), 60);
    desk.set_limit("a", Limit::lifetime(usd!(10))).unwrap();
    assert_eq!(code(&desk.charge("a", usd!(0.01))), "budget.limit_exceeded");
}

#[test]
fn a_settlement_counts_where_its_hold_was_placed_and_its_excess_now() {
    #[track_caller]
    fn check(wait: u64, ttl: u64, spent: &str) {
        let mut desk = minutely();
        let hold = desk.hold("a", usd!(4), ttl);
        desk.wait(wait);
        // Others have spent and hold something by then, so that a new window has begun.
        desk.charge("a", usd!(0.5)).unwrap();
        desk.hold("a", usd!(0.25), 600);
        desk.settle(hold, usd!(6)).unwrap();
        assert_eq!(desk.limit("a").spent, quantity(spent), "{wait} s, {ttl} s");
        assert_eq!(desk.limit("a").held, quantity("0.25"));
        assert_eq!(desk.dollars("a"), "6.5 + 0.25");
    }
    check(30, 300, "6.5"); // the same window
    check(60, 300, "2.5"); // only the excess belongs to this one
    check(60, 60, "6.5"); // late: all of it does
}

#[test]
fn a_clock_that_steps_back_reopens_no_window() {
    let mut desk = minutely();
    desk.charge("a", usd!(5)).unwrap();
    desk.wait(60);
    desk.charge("a", usd!(2)).unwrap();
    desk.now = at("2026-01-05T09:00:30Z");
    assert_eq!(desk.limit("a").spent, quantity("2"));
    assert_eq!(desk.charge("a", usd!(1)).unwrap().at, at("2026-01-05T09:01:00Z"));
    assert_eq!(code(&desk.charge("a", usd!(3))), "budget.limit_exceeded");
}

#[test]
fn a_denial_or_a_read_ahead_of_time_moves_nothing() {
    let mut desk = minutely();
    desk.charge("a", usd!(4)).unwrap();
    let here = desk.now;
    desk.wait(3_600);
    assert_eq!(code(&desk.charge("a", usd!(6))), "budget.limit_exceeded");
    assert_eq!(desk.limit("a").spent, quantity("0"));
    desk.now = here;
    assert_eq!(desk.limit("a").spent, quantity("4"));
    assert_eq!(code(&desk.charge("a", usd!(2))), "budget.limit_exceeded");
}

#[test]
fn at_the_end_of_time_limits_hold_as_ever() {
    let mut desk = Desk::new();
    desk.now = Timestamp::MAX;
    desk.apply(OpenAccount::new("a").limit(every(60, usd!(5)))).unwrap();
    desk.charge("a", usd!(5)).unwrap();
    assert_eq!(code(&desk.charge("a", usd!(5))), "budget.limit_exceeded");
    assert_eq!(desk.limit("a").spent, quantity("5"));
}
