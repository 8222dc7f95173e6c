//! Bad input: each with its code, and the words that name the thing, the value and what is allowed.

use std::time::Duration;

use safeguards_budget::{
    Action, Charge, Command, Limit, Metadata, OpenAccount, Percent, PlaceHold, ProtectionStep,
    Settle, Window,
};
use safeguards_types::{Amount, Amounts, Priority, Quantity, Timestamp, Unit, tokens, usd};

use crate::desk::{Desk, at, code, every};

/// Asks it of a ledger that has one account `a`: denied with this sentence, and nothing is changed.
#[track_caller]
fn check(action: impl Into<Action>, denied: &str, sentence: &str) {
    check_in(&mut Desk::with([OpenAccount::new("a")]), action, denied, sentence);
}

#[track_caller]
fn check_in(desk: &mut Desk, action: impl Into<Action>, denied: &str, sentence: &str) {
    let entries = desk.entries();
    let denial = desk.apply(action).unwrap_err();
    assert_eq!((denial.code(), denial.to_string().as_str()), (denied, sentence));
    assert_eq!(desk.entries(), entries);
}

fn a_second() -> Duration {
    Duration::from_secs(1)
}

fn set_limit(account: &str, limit: Limit) -> Action {
    Action::SetLimit { account: account.into(), limit }
}

#[test]
fn amounts_are_more_than_nothing_and_at_most_ten_to_the_fifteenth() {
    let (invalid, overflow) = ("budget.invalid_amount", "budget.amount_overflow");
    let none = "nothing was given; at least one amount, share or weight is needed";
    let zero = "an amount of 0 tokens is none; more than 0 is needed";
    let some_zero = Amounts::from([usd!(1), tokens!(0)]);
    for (amounts, sentence) in [(Amounts::none(), none), (some_zero, zero)] {
        let charge = Charge::new("a", amounts.clone());
        check(charge.clone(), invalid, sentence);
        check(Action::Record(charge), invalid, sentence);
        check(PlaceHold::new("a", amounts, a_second()), invalid, sentence);
    }
    let sentence = "1000000000000000.000000000001 USD is more than 1000000000000000 in one amount";
    let most = usd!(1_000_000_000_000_000);
    let more = usd!(1_000_000_000_000_000.000000000001);
    let (quantity, unit) = more.clone().into_parts();
    check(Charge::new("a", more.clone()), overflow, sentence);
    check(PlaceHold::new("a", more.clone(), a_second()), overflow, sentence);
    check(set_limit("a", Limit::lifetime(more.clone())), overflow, sentence);
    check(OpenAccount::new("b").limit(Limit::lifetime(more.clone())), overflow, sentence);
    let (account, window) = ("a".into(), Window::Lifetime);
    let remaining = Action::SetRemaining { account, unit, window, amount: quantity };
    check(remaining, overflow, sentence);
    let mut desk = Desk::with([OpenAccount::new("a").limit(Limit::lifetime(most.clone()))]);
    let hold = desk.hold("a", usd!(1), 60);
    let settle = Settle::new(hold, more);
    check_in(&mut desk, settle, overflow, sentence);
    desk.release(hold).unwrap();
    desk.charge("a", most).unwrap();
}

#[test]
fn counters_and_limits_end_at_ten_to_the_sixteenth() {
    let overflow = "budget.amount_overflow";
    let sentence = "a counter or limit of pool would pass 10000000000000000 USD";
    let most = usd!(1_000_000_000_000_000);
    let mut desk = Desk::with([OpenAccount::new("pool"), OpenAccount::new("a").under("pool")]);
    let hold = desk.hold("a", usd!(1), 60);
    for _ in 0..10 {
        desk.record("pool", most.clone()).unwrap();
        let other = PlaceHold::new("pool", tokens!(1_000_000_000_000_000), a_second());
        desk.place(other).unwrap();
    }
    let step = usd!(0.000000000001);
    check_in(&mut desk, Charge::new("a", step.clone()), overflow, sentence);
    check_in(&mut desk, Action::Record(Charge::new("a", step.clone())), overflow, sentence);
    // A settlement is the truth, but what cannot be counted cannot be written down.
    let settle = Settle::new(hold, step);
    check_in(&mut desk, settle, overflow, sentence);
    let tokens = "a counter or limit of pool would pass 10000000000000000 tokens";
    check_in(&mut desk, PlaceHold::new("a", tokens!(1), a_second()), overflow, tokens);
    let remaining = Action::SetRemaining {
        account: "pool".into(),
        unit: Unit::USD,
        window: Window::Lifetime,
        amount: Quantity::STEP,
    };
    check_in(&mut desk, remaining, overflow, sentence);
    desk.release(hold).unwrap();
}

#[test]
fn what_is_named_must_be_there_and_what_is_made_must_be_new() {
    let (account, unit) = ("budget.unknown_account", "budget.unknown_unit");
    let nobody = "there is no account `nobody`";
    check(Charge::new("nobody", usd!(1)), account, nobody);
    check(Charge::new("a", usd!(1)).scope("nobody"), account, nobody);
    check(PlaceHold::new("nobody", usd!(1), a_second()), account, nobody);
    check(OpenAccount::new("b").under("nobody"), account, nobody);
    check(set_limit("nobody", Limit::lifetime(usd!(1))), account, nobody);
    check(OpenAccount::new("b").under("b"), account, "there is no account `b`");
    check(Charge::new("", usd!(1)), account, "there is no account ``");
    let typo = "there is no unit `usd`; register it first";
    let dollars = Amount::new(Quantity::ONE, Unit::new("usd"));
    check(Charge::new("a", dollars.clone()), unit, typo);
    check(PlaceHold::new("a", dollars.clone(), a_second()), unit, typo);
    check(set_limit("a", Limit::lifetime(dollars.clone())), unit, typo);
    check(OpenAccount::new("b").limit(Limit::lifetime(dollars)), unit, typo);
    let again = "there is, or was, an account `a`; names are never used again";
    check(OpenAccount::new("a"), "budget.duplicate_account", again);
}

#[test]
fn names_have_1_to_256_bytes_and_no_control_characters() {
    #[track_caller]
    fn check_name(name: &str, given: Option<&str>) {
        let unit = Action::RegisterUnit { unit: name.into() };
        for action in [OpenAccount::new(name).into(), unit] {
            match given {
                None => drop(Desk::new().apply(action).unwrap()),
                Some(given) => {
                    let allowed = "1 to 256 bytes without control characters allowed";
                    let sentence = format!("name: {given} given, {allowed}");
                    check_in(&mut Desk::new(), action, "budget.bound_exceeded", &sentence);
                }
            }
        }
    }
    check_name("user/ada@example.org", None);
    check_name("übung 🦀", None);
    check_name(&"a".repeat(256), None);
    check_name("", Some("0 bytes"));
    check_name(&"a".repeat(257), Some("257 bytes"));
    check_name(&"ü".repeat(129), Some("258 bytes"));
    check_name("a\nb", Some("\\u{a}"));
    check_name("\u{7f}", Some("\\u{7f}"));
    check_name("\u{9f}", Some("\\u{9f}"));
}

#[test]
fn limits_steps_and_percents_are_bounded() {
    let bound = "budget.bound_exceeded";
    let windows = |count: u64| (1..=count).map(|seconds| every(seconds, usd!(1)));
    let open = OpenAccount::new("b");
    let with_limits = |count| windows(count).fold(open.clone(), OpenAccount::limit);
    check(with_limits(65), bound, "limits: 65 given, up to 64 limits of one account allowed");
    let mut desk = Desk::with([with_limits(64)]);
    let sentence = "limits: 65 given, up to 64 limits of one account allowed";
    check_in(&mut desk, set_limit("b", every(65, usd!(1))), bound, sentence);
    let remaining = Action::SetRemaining {
        account: "b".into(),
        unit: Unit::USD,
        window: Window::Lifetime,
        amount: Quantity::ONE,
    };
    check_in(&mut desk, remaining, bound, sentence);
    desk.set_limit("b", every(64, usd!(2))).unwrap();

    let twice = open.clone().limit(every(60, usd!(1))).limit(every(60, usd!(2)));
    let sentence =
        "limits: a second limit of USD over per 60s given, one for each unit and window allowed";
    check(twice, bound, sentence);

    let step = ProtectionStep::new(Percent::EIGHTY, Priority::P5);
    let with_steps = |count| (0..count).fold(open.clone(), |open, _| open.protect(step));
    check(with_steps(17), bound, "steps: 17 given, up to 16 steps of protection allowed");
    Desk::with([with_steps(16)]);

    let percents = |count: u32| {
        (1..=count).fold(Limit::lifetime(usd!(1)), |limit, percent| {
            limit.warn_at(Percent::parse(&percent.to_string()).unwrap())
        })
    };
    let sentence = "percents: 17 given, up to 16 percents of one limit allowed";
    check(set_limit("a", percents(17)), bound, sentence);
    check(open.clone().limit(percents(17)), bound, sentence);
    Desk::with([open.limit(percents(16))]);
}

#[test]
fn a_charge_names_at_most_64_scopes() {
    let mut desk = Desk::with([OpenAccount::new("a"), OpenAccount::new("b")]);
    let scoped = |count| (0..count).fold(Charge::new("a", usd!(1)), |charge, _| charge.scope("b"));
    desk.apply(scoped(64)).unwrap();
    let sentence = "scopes: 65 given, up to 64 scopes of one charge allowed";
    check_in(&mut desk, scoped(65), "budget.bound_exceeded", sentence);
}

#[test]
fn the_tree_is_at_most_64_deep() {
    let mut desk = Desk::with([OpenAccount::new("1")]);
    for depth in 2..=64 {
        let parent = (depth - 1).to_string();
        desk.apply(OpenAccount::new(depth.to_string()).under(parent)).unwrap();
    }
    let deeper = OpenAccount::new("65").under("64");
    let sentence = "account `65` would stand deeper than 64 levels";
    check_in(&mut desk, deeper, "budget.depth_exceeded", sentence);
    desk.charge("64", usd!(1)).unwrap();
    assert_eq!(desk.dollars("1"), "1 + 0");
}

#[test]
fn a_hold_lasts_whole_seconds_up_to_a_billion_and_no_longer_than_time() {
    let bound = "budget.bound_exceeded";
    let place = |ttl| PlaceHold::new("a", usd!(1), ttl);
    for (ttl, given) in [
        (Duration::ZERO, "0ns"),
        (Duration::from_millis(1_500), "1.5s"),
        (Duration::from_secs(1_000_000_001), "1000000001s"),
    ] {
        let sentence = format!("ttl: {given} given, whole seconds from 1 to 1000000000 allowed");
        check(place(ttl), bound, &sentence);
    }
    let mut desk = Desk::with([OpenAccount::new("a")]);
    let longest = desk.place(place(Duration::from_secs(1_000_000_000))).unwrap();
    desk.release(longest).unwrap();
    desk.now = at("2262-04-11T23:47:16Z");
    let sentence = "instant: 1 s after 2262-04-11T23:47:16Z given, up to \
                    2262-04-11T23:47:16.854775807Z allowed";
    check_in(&mut desk, place(a_second()), bound, sentence);
    desk.now = Timestamp::MAX;
    desk.charge("a", usd!(1)).unwrap();
}

#[test]
fn metadata_is_at_most_64_kib() {
    let mut desk = Desk::with([OpenAccount::new("a")]);
    let mut with_bytes = |bytes: usize| {
        let text = "x".repeat(bytes - r#"{"k":""}"#.len());
        let metadata = Metadata::from_iter([("k".into(), text.into())]);
        let command = desk.command(Charge::new("a", usd!(1))).with_metadata(metadata);
        desk.send(&command).map_err(|denial| denial.to_string())
    };
    with_bytes(65_536).unwrap();
    let sentence = "metadata: 65537 given, up to 65536 bytes allowed";
    assert_eq!(with_bytes(65_537), Err(sentence.to_owned()));
}

#[test]
fn a_linked_batch_has_at_most_10_000_commands() {
    let mut desk = Desk::with([OpenAccount::new("a")]);
    let known = desk.command(Charge::new("a", tokens!(1)));
    desk.send(&known).unwrap();
    let mut commands: Vec<Command> =
        (0..10_000).map(|_| desk.command(Charge::new("a", tokens!(1)))).collect();
    let outcomes = desk.linked(commands.clone());
    assert!(outcomes.iter().all(Result::is_ok));
    // It is looked at before all else, and so before what is known.
    commands.insert(0, known);
    let outcomes = desk.linked(commands);
    let sentence = "commands: 10001 given, 1 to 10000 in a linked batch allowed";
    assert_eq!(outcomes[0].as_ref().unwrap_err().to_string(), sentence);
    assert_eq!(outcomes.len(), 10_001);
    assert!(outcomes.iter().skip(1).all(|outcome| code(outcome) == "budget.linked_failed"));
}
