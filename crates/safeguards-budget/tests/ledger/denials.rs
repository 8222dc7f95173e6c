//! Denials: which of several reasons is given, with which numbers, and whether waiting helps.

use std::time::Duration;

use safeguards_budget::{
    Action, Charge, HoldId, Limit, Metadata, OpenAccount, Percent, PlaceHold, ProtectionStep,
    Retry, Settle, Window,
};
use safeguards_types::{
    Amount, Amounts, OperationIds, Priority, Quantity, Timestamp, Unit, tokens, usd,
};

use crate::desk::{Desk, MORNING, at, code, every, quantity, shortfall};

fn too_much() -> Amount {
    usd!(1_000_000_000_000_001)
}

fn unknown(quantity: Quantity) -> Amount {
    Amount::new(quantity, Unit::new("gpu"))
}

fn too_long() -> Metadata {
    Metadata::from_iter([("k".into(), "x".repeat(70_000).into())])
}

/// Each command has all faults from its line on; the first one is given.
#[test]
fn of_several_reasons_the_first_in_the_order_of_the_codes_is_given() {
    #[track_caller]
    fn check(action: impl Into<Action>, expected: &str) {
        let mut desk = Desk::with([OpenAccount::new("a").limit(Limit::lifetime(usd!(1)))]);
        let command = desk.command(action).with_metadata(too_long());
        assert_eq!(code(&desk.send(&command)), expected);
    }
    let charge = |amounts: &[Amount], scopes: usize| {
        let charge = Charge::new("a", amounts.iter().cloned().collect::<Amounts>());
        (0..scopes).fold(charge, |charge, _| charge.scope("a"))
    };
    let faulty = charge(&[unknown(Quantity::ZERO), too_much()], 65).scope("nobody");
    check(faulty, "budget.invalid_amount");
    let faulty = charge(&[unknown(Quantity::ONE), too_much()], 65).scope("nobody");
    check(faulty, "budget.amount_overflow");
    check(charge(&[unknown(Quantity::ONE), usd!(2)], 65).scope("nobody"), "budget.unknown_unit");
    check(charge(&[usd!(2)], 65).scope("nobody"), "budget.unknown_account");
    check(charge(&[usd!(2)], 65), "budget.bound_exceeded");
    check(charge(&[usd!(2)], 0), "budget.bound_exceeded");
    let place = PlaceHold::new("nobody", usd!(2), Duration::ZERO);
    check(place, "budget.unknown_account");
    check(PlaceHold::new("a", usd!(2), Duration::ZERO), "budget.bound_exceeded");
    let open = OpenAccount::new("a").under("nobody").limit(Limit::lifetime(too_much()));
    check(open.clone().limit(Limit::lifetime(unknown(Quantity::ONE))), "budget.amount_overflow");
    let mut open = open;
    open.limits = vec![Limit::lifetime(unknown(Quantity::ONE))];
    check(open.clone(), "budget.unknown_unit");
    open.limits.clear();
    check(open, "budget.duplicate_account");
    check(OpenAccount::new("").under("nobody"), "budget.unknown_account");
    let hold = HoldId::placed_by(OperationIds::seeded(9).mint(at(MORNING)));
    let settle = |amounts: Amounts| Action::from(Settle::new(hold, amounts));
    check(settle(too_much().into()), "budget.amount_overflow");
    check(settle(unknown(Quantity::ONE).into()), "budget.unknown_unit");
    check(settle(Amounts::none()), "budget.unknown_hold");
    check(Action::Release { hold }, "budget.unknown_hold");
    let limit = |account: &str, limit| Action::SetLimit { account: account.into(), limit };
    check(limit("nobody", Limit::lifetime(unknown(Quantity::ONE))), "budget.unknown_unit");
    check(limit("nobody", Limit::lifetime(usd!(1))), "budget.unknown_account");
    check(limit("a", Limit::lifetime(usd!(1))), "budget.bound_exceeded");
    check(Action::RegisterUnit { unit: "gpu".into() }, "budget.bound_exceeded");
}

#[test]
fn reasons_that_depend_on_the_state_come_in_order_too() {
    let mut desk = Desk::with([OpenAccount::new("a").limit(Limit::lifetime(usd!(1)))]);
    let hold = desk.hold("a", usd!(1), 60);
    let settle = desk.command(Settle::new(hold, usd!(1)));
    let settle = settle.with_metadata(too_long());
    assert_eq!(code(&desk.send(&settle)), "budget.bound_exceeded");
    desk.release(hold).unwrap();
    desk.settle(hold, Amounts::none()).unwrap();
    assert_eq!(code(&desk.send(&settle)), "budget.hold_ended");
    let most = usd!(1_000_000_000_000_000);
    for _ in 0..10 {
        desk.record("a", most.clone()).unwrap();
    }
    assert_eq!(code(&desk.charge("a", usd!(1))), "budget.amount_overflow");
    let remaining = Action::SetRemaining {
        account: "a".into(),
        unit: Unit::USD,
        window: Window::Lifetime,
        amount: Quantity::ONE,
    };
    let remaining = desk.command(remaining).with_metadata(too_long());
    assert_eq!(code(&desk.send(&remaining)), "budget.bound_exceeded");
}

#[test]
fn of_several_limits_the_first_by_set_then_unit_then_window_is_named() {
    #[track_caller]
    fn check(desk: &mut Desk, charge: Charge, account: &str, unit: &Unit, window: &str) {
        let denied = desk.apply(charge);
        let first = shortfall(&denied);
        assert_eq!(
            (first.account.as_str(), &first.unit, first.window.to_string().as_str()),
            (account, unit, window)
        );
    }
    let day = |zone| Limit::new(usd!(1), Window::day(zone).unwrap());
    let mut desk = Desk::with([
        OpenAccount::new("root").limit(Limit::lifetime(usd!(1))),
        OpenAccount::new("a").under("root").limit(Limit::lifetime(tokens!(1))),
        OpenAccount::new("user").limit(Limit::lifetime(usd!(1))),
        OpenAccount::new("b")
            .limit(Limit::lifetime(usd!(1)))
            .limit(Limit::new(usd!(1), Window::month("UTC").unwrap()))
            .limit(Limit::new(usd!(1), Window::week("UTC").unwrap()))
            .limit(day("UTC"))
            .limit(day("Europe/Berlin"))
            .limit(every(86_400, usd!(1)))
            .limit(Limit::lifetime(tokens!(1))),
    ]);
    let both = [usd!(2), tokens!(2)];
    check(&mut desk, Charge::new("a", both.clone()), "a", &Unit::TOKENS, "lifetime");
    check(&mut desk, Charge::new("a", usd!(2)).scope("user"), "root", &Unit::USD, "lifetime");
    let scoped = Charge::new("user", usd!(2)).scope("b").scope("a");
    check(&mut desk, scoped, "user", &Unit::USD, "lifetime");
    desk.set_limit("user", Limit::lifetime(usd!(10))).unwrap();
    let scoped = Charge::new("user", usd!(2)).scope("b").scope("a");
    check(&mut desk, scoped, "b", &Unit::USD, "per 86400s");
    // The shortest first; of equal ones every, day, week, month, then the zone.
    let windows: Vec<_> = desk
        .account("b")
        .limits
        .iter()
        .map(|usage| format!("{} {}", usage.limit.unit, usage.limit.window))
        .collect();
    assert_eq!(
        windows,
        [
            "USD per 86400s",
            "USD per day in Europe/Berlin",
            "USD per day in UTC",
            "USD per week in UTC",
            "USD per month in UTC",
            "USD lifetime",
            "tokens lifetime",
        ]
    );
}

#[test]
fn what_is_over_a_limit_is_said_before_what_is_protected() {
    let step = ProtectionStep::new(Percent::parse("50").unwrap(), Priority::P8);
    let mut desk = Desk::with([
        OpenAccount::new("root").limit(Limit::lifetime(usd!(1))),
        OpenAccount::new("a").under("root").limit(Limit::lifetime(usd!(4))).protect(step),
    ]);
    let denied = desk.charge("a", usd!(3));
    assert_eq!(code(&denied), "budget.limit_exceeded");
    assert_eq!(shortfall(&denied).account, "root".into());
}

#[test]
fn the_numbers_are_those_from_before_the_command() {
    let step = ProtectionStep::new(Percent::parse("33.333333333333").unwrap(), Priority::P8);
    let limit = every(60, usd!(5));
    let mut desk = Desk::with([OpenAccount::new("a").limit(limit).protect(step)]);
    desk.charge("a", usd!(1)).unwrap();
    desk.hold("a", usd!(1.5), 30);
    let denied = desk.charge("a", usd!(2.6));
    let short = shortfall(&denied).clone();
    assert_eq!(short.account, "a".into());
    assert_eq!((short.unit, short.window), (Unit::USD, Window::every_seconds(60).unwrap()));
    let numbers = [short.limit, short.spent, short.held, short.protected];
    assert_eq!(numbers, ["5", "1", "1.5", "1.666666666667"].map(quantity));
    assert_eq!([short.asked, short.available], ["2.6", "2.5"].map(quantity));
    assert_eq!(short.retry, Retry::At(at("2026-01-05T09:01:00Z")));
    let sentence = "a has 2.50 USD left of 5.00 USD (per 60s; 1 spent, 1.5 held, 1.666666666667 \
                    kept for higher priorities), asked 2.60 USD; try again from \
                    2026-01-05T09:01:00Z on";
    assert_eq!(denied.unwrap_err().to_string(), sentence);
}

#[test]
fn waiting_helps_where_a_window_ends_or_holds_expire() {
    #[track_caller]
    fn check(limits: &[Limit], holds: &[(Amount, u64)], asked: Amount, retry: Option<&str>) {
        let open = limits.iter().cloned().fold(OpenAccount::new("a"), OpenAccount::limit);
        let mut desk = Desk::with([open]);
        for (amount, seconds) in holds {
            desk.hold("a", amount.clone(), *seconds);
        }
        let denied = desk.charge("a", asked.clone());
        let expected = retry.map_or(Retry::Never, |text| Retry::At(at(text)));
        assert_eq!(shortfall(&denied).retry, expected, "{asked} of {limits:?}");
        // And it is so: not a nanosecond before, but then.
        if let Retry::At(instant) = expected {
            desk.now = Timestamp::from_nanos(instant.as_nanos() - 1).unwrap();
            assert_eq!(code(&desk.charge("a", asked.clone())), "budget.limit_exceeded");
            desk.now = instant;
            desk.charge("a", asked).unwrap();
        }
    }
    let lifetime = [Limit::lifetime(usd!(10))];
    let minute = [every(60, usd!(5))];
    let holds = [(usd!(2), 10), (usd!(2), 20), (usd!(1), 100)];
    check(&lifetime, &[], usd!(11), None);
    check(&lifetime, &holds, usd!(7), Some("2026-01-05T09:00:10Z"));
    check(&lifetime, &holds, usd!(8), Some("2026-01-05T09:00:20Z"));
    check(&lifetime, &holds, usd!(10), Some("2026-01-05T09:01:40Z"));
    let full = [(usd!(5), 100)];
    check(&minute, &full, usd!(1), Some("2026-01-05T09:01:00Z"));
    check(&minute, &full, usd!(6), None);
    // The latest over all that block, and never before all.
    let both = [minute, lifetime].concat();
    check(&both, &full, usd!(5), Some("2026-01-05T09:01:00Z"));
    let tight = [every(60, usd!(5)), Limit::lifetime(usd!(6))];
    check(&tight, &full, usd!(2), Some("2026-01-05T09:01:40Z"));
    check(&tight, &full, usd!(5.5), None);
}

#[test]
fn what_is_protected_may_come_free_or_never() {
    let step = ProtectionStep::new(Percent::parse("50").unwrap(), Priority::P8);
    let mut desk =
        Desk::with([OpenAccount::new("a").limit(Limit::lifetime(usd!(10))).protect(step)]);
    let hold = desk.hold("a", usd!(3), 60);
    let freed = desk.hold_view(hold).expires_at;
    let denied = desk.charge("a", usd!(3));
    assert_eq!((code(&denied), shortfall(&denied).retry), ("budget.protected", Retry::At(freed)));
    let denied = desk.charge("a", usd!(6));
    assert_eq!((code(&denied), shortfall(&denied).retry), ("budget.protected", Retry::Never));
}

#[test]
fn only_a_limit_has_numbers() {
    let mut desk = Desk::new();
    let denied = desk.charge("nobody", usd!(1)).unwrap_err();
    assert_eq!(denied.shortfall(), None);
}

#[test]
fn when_to_try_again_is_told_by_the_account_s_own_holds_however_many_there_are_elsewhere() {
    let mut desk = Desk::with([
        OpenAccount::new("pool"),
        OpenAccount::new("a").under("pool").limit(Limit::lifetime(usd!(10))),
        OpenAccount::new("b").under("pool").limit(Limit::lifetime(usd!(1_000))),
    ]);
    // One in many, first the later one, among others that end before, between and after.
    for seconds in 1..=100 {
        desk.hold("b", usd!(1), seconds);
    }
    let [late, early] = [80, 40].map(|seconds| desk.hold("a", usd!(5), seconds));
    let check = |desk: &mut Desk, asked, hold| {
        let outcome = desk.charge("a", asked);
        assert_eq!(shortfall(&outcome).retry, Retry::At(desk.hold_view(hold).expires_at));
    };
    check(&mut desk, usd!(5), early);
    check(&mut desk, usd!(6), late);
    // Holds that end out of order leave the others findable.
    desk.release(early).unwrap();
    let other = desk.hold("a", usd!(5), 20);
    check(&mut desk, usd!(5), other);
    // And at the account where most of them are.
    desk.charge("b", usd!(899)).unwrap();
    let outcome = desk.charge("b", usd!(3));
    assert_eq!(
        shortfall(&outcome).retry,
        Retry::At(desk.now.saturating_add(Duration::from_secs(2)))
    );
}
