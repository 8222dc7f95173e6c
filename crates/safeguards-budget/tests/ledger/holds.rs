//! Holds: set aside, settled, released, expired, late, forgotten.

use std::time::Duration;

use safeguards_budget::{
    Charge, EntryId, Fact, HoldId, HoldState, Limit, OpenAccount, PlaceHold, Retry, Settle, Settled,
};
use safeguards_types::{Amounts, tokens, usd};

use crate::desk::{Desk, code, shortfall};

/// A pool of ten dollars, with an agent.
fn pool() -> Desk {
    Desk::with([
        OpenAccount::new("pool").limit(Limit::lifetime(usd!(10))),
        OpenAccount::new("agent").under("pool"),
    ])
}

/// How the hold was settled that the newest entry is about.
#[track_caller]
fn last_settled(desk: &Desk) -> Settled {
    match desk.entries().pop().unwrap().fact {
        Fact::Settled(settled) => *settled,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_held_is_not_available_and_what_is_over_returns() {
    let mut desk = pool();
    let hold = desk.hold("agent", usd!(6), 60);
    assert_eq!(desk.dollars("pool"), "0 + 6");
    assert_eq!(code(&desk.charge("agent", usd!(4.01))), "budget.limit_exceeded");
    let receipt = desk.settle(hold, usd!(2)).unwrap();
    assert_eq!(receipt.available, usd!(8).into());
    assert!(!receipt.late);
    assert_eq!(["agent", "pool"].map(|id| desk.dollars(id)), ["2 + 0"; 2]);
    let Settled { posting, held_part, excess, freed, late, .. } = last_settled(&desk);
    assert_eq!((posting.amounts, held_part), (usd!(2).into(), usd!(2).into()));
    assert_eq!((excess, freed, late), (Amounts::none(), usd!(4).into(), false));
}

#[test]
fn a_settlement_beyond_hold_and_limit_is_the_truth_all_the_same() {
    let mut desk = pool();
    let hold = desk.hold("agent", usd!(6), 60);
    desk.charge("agent", usd!(4)).unwrap();
    let receipt = desk.settle(hold, [usd!(7), tokens!(3)]).unwrap();
    let overrun: Vec<_> = receipt.overrun.iter().map(ToString::to_string).collect();
    assert_eq!(overrun, ["pool is 1.00 USD over 10.00 USD (lifetime; 11 spent, 0 held)"]);
    assert_eq!(desk.dollars("pool"), "11 + 0");
    let Settled { held_part, excess, .. } = last_settled(&desk);
    assert_eq!((held_part, excess), (usd!(6).into(), [usd!(1), tokens!(3)].into()));
}

#[test]
fn nothing_spent_is_a_settlement_too() {
    for nothing in [Amounts::none(), usd!(0).into(), tokens!(0).into()] {
        let mut desk = pool();
        let hold = desk.hold("agent", usd!(6), 60);
        let receipt = desk.settle(hold, nothing).unwrap();
        assert_eq!(receipt.available.get(usd!(0).unit()), usd!(10).quantity());
        assert_eq!(desk.hold_state(hold), HoldState::Settled);
    }
}

#[test]
fn a_release_gives_everything_back() {
    let mut desk = pool();
    let hold = desk.hold("agent", usd!(6), 60);
    let receipt = desk.release(hold).unwrap();
    assert_eq!(receipt.available, usd!(10).into());
    assert_eq!(desk.dollars("agent"), "0 + 0");
    let view = desk.hold_view(hold);
    assert_eq!((view.state, view.left), (HoldState::Released, usd!(0).into()));
    let Fact::Freed { posting, .. } = desk.entries().pop().unwrap().fact else { panic!() };
    assert_eq!(posting.amounts, usd!(6).into());
}

#[test]
fn a_hold_ends_once() {
    #[track_caller]
    fn check(end: &[&str], expected: &[&str]) {
        let mut desk = pool();
        let hold = desk.hold("agent", usd!(6), 60);
        let codes: Vec<_> = end
            .iter()
            .map(|step| match *step {
                "settle" => code(&desk.settle(hold, usd!(1))),
                "release" => code(&desk.release(hold)),
                _ => {
                    desk.wait(60);
                    "-"
                }
            })
            .collect();
        assert_eq!(codes, expected, "{end:?}");
        assert!(desk.account("pool").held.is_zero());
    }
    let ended = "budget.hold_ended";
    check(&["settle", "settle", "release"], &["ok", ended, ended]);
    check(&["release", "release"], &["ok", ended]);
    check(&["release", "settle", "settle"], &["ok", "ok", ended]);
    check(&["wait", "release", "settle", "settle"], &["-", ended, "ok", ended]);
    check(&["settle", "wait", "settle"], &["ok", "-", ended]);
}

#[test]
fn an_expired_hold_counts_no_more_swept_or_not() {
    let mut desk = pool();
    let hold = desk.hold("agent", usd!(6), 60);
    let due = desk.hold_view(hold).expires_at;
    desk.wait(59);
    assert_eq!(desk.hold_state(hold), HoldState::Open);
    assert_eq!(code(&desk.charge("agent", usd!(5))), "budget.limit_exceeded");
    desk.wait(1);
    // A read writes nothing, and shows the hold as ended from the instant on.
    let entries = desk.entries().len();
    let view = desk.hold_view(hold);
    assert_eq!((view.state, view.left), (HoldState::Expired, usd!(0).into()));
    assert_eq!(desk.dollars("pool"), "0 + 0");
    assert_eq!(desk.limit("pool").available, usd!(10).quantity());
    assert_eq!(desk.entries().len(), entries);
    // The next decision ends it, by an entry of its own, at the instant when it was due.
    desk.wait(5);
    let receipt = desk.charge("agent", usd!(10)).unwrap();
    assert_eq!(receipt.entry, EntryId::new(5));
    let expiry = &desk.entries()[3];
    assert_eq!((expiry.id, expiry.at, expiry.op()), (EntryId::new(4), due, None));
    let Fact::Freed { hold: expired, posting } = &expiry.fact else { panic!("{expiry:?}") };
    assert_eq!((*expired, &posting.amounts), (hold, &usd!(6).into()));
}

#[test]
fn due_holds_are_ended_where_the_command_counts_and_even_if_it_is_denied() {
    let mut desk = pool();
    desk.apply(OpenAccount::new("other")).unwrap();
    desk.apply(OpenAccount::new("user")).unwrap();
    let elsewhere = desk.hold("other", usd!(1), 3);
    let late = desk.hold("agent", usd!(1), 2);
    let early = desk.hold("agent", usd!(1), 1);
    let scope = PlaceHold::new("user", usd!(1), Duration::from_secs(2)).scope("pool");
    let scoped = desk.place(scope).unwrap();
    desk.wait(10);
    assert_eq!(code(&desk.charge("agent", usd!(11))), "budget.limit_exceeded");
    let expired: Vec<_> = desk
        .entries()
        .iter()
        .filter_map(|entry| match entry.fact {
            Fact::Freed { hold, .. } if entry.cause.is_none() => Some(hold),
            _ => None,
        })
        .collect();
    assert_eq!(expired, [early, late, scoped], "by expiry, then by age");
    desk.book.tick(desk.now);
    assert_eq!(desk.entries().len(), 4 + 4 + 4);
    assert_eq!(desk.hold_state(elsewhere), HoldState::Expired);
}

#[test]
fn a_tick_ends_what_is_due_and_tells_when_the_next_is() {
    let mut desk = pool();
    assert_eq!(desk.book.tick(desk.now), None);
    let first = desk.hold("agent", usd!(1), 10);
    let second = desk.hold("agent", usd!(1), 20);
    let [at_first, at_second] = [first, second].map(|hold| desk.hold_view(hold).expires_at);
    assert_eq!(desk.book.tick(desk.now), Some(at_first));
    assert_eq!(desk.book.tick(at_first), Some(at_second));
    assert_eq!(desk.book.tick(at_second), None);
    assert_eq!(desk.entries().len(), 6);
}

#[test]
fn a_late_settlement_is_recorded_in_full_and_marked() {
    let mut desk = pool();
    let hold = desk.hold("agent", usd!(6), 60);
    desk.wait(60);
    desk.charge("agent", usd!(9)).unwrap();
    let receipt = desk.settle(hold, usd!(2)).unwrap();
    assert!(receipt.late);
    assert_eq!(receipt.overrun.len(), 1);
    assert_eq!(desk.dollars("pool"), "11 + 0");
    assert_eq!(desk.hold_state(hold), HoldState::Settled);
    let Settled { held_part, excess, freed, late, .. } = last_settled(&desk);
    assert_eq!((held_part, excess), (Amounts::none(), usd!(2).into()));
    assert_eq!((freed, late), (Amounts::none(), true));
}

#[test]
fn a_hold_counts_at_its_frozen_set() {
    let mut desk = pool();
    desk.apply(OpenAccount::new("user").limit(Limit::lifetime(usd!(5)))).unwrap();
    let place = PlaceHold::new("agent", usd!(4), Duration::from_mins(1)).scope("user");
    let hold = desk.place(place).unwrap();
    assert_eq!(*desk.hold_view(hold).set, ["agent".into(), "pool".into(), "user".into()]);
    assert_eq!(desk.dollars("user"), "0 + 4");
    let denied = desk.apply(Charge::new("agent", usd!(2)).scope("user"));
    let free_at = desk.hold_view(hold).expires_at;
    assert_eq!(shortfall(&denied).retry, Retry::At(free_at));
    desk.settle(hold, usd!(3)).unwrap();
    assert_eq!(["agent", "pool", "user"].map(|id| desk.dollars(id)), ["3 + 0"; 3]);
}

#[test]
fn a_clock_that_steps_back_revives_no_hold() {
    let mut desk = pool();
    let hold = desk.hold("agent", usd!(6), 60);
    let placed_at = desk.now;
    desk.wait(60);
    desk.book.tick(desk.now);
    desk.now = placed_at;
    assert_eq!(desk.hold_state(hold), HoldState::Expired);
    assert_eq!(code(&desk.release(hold)), "budget.hold_ended");
    // The expiry is the latest instant there was, so it is now.
    assert_eq!(desk.charge("agent", usd!(1)).unwrap().at, desk.hold_view(hold).expires_at);
}

#[test]
fn a_hold_that_was_never_placed_is_unknown() {
    let mut desk = pool();
    let refused = desk.command(PlaceHold::new("agent", usd!(11), Duration::from_secs(1)));
    desk.send(&refused).unwrap_err();
    let hold = HoldId::placed_by(refused.op);
    assert_eq!(code(&desk.settle(hold, usd!(1))), "budget.unknown_hold");
    assert_eq!(code(&desk.release(hold)), "budget.unknown_hold");
    assert_eq!(desk.book.holds(&[hold], desk.now), [None]);
    // What a charge did is no hold either.
    let charge = desk.command(Charge::new("agent", usd!(1)));
    desk.send(&charge).unwrap();
    let settle = Settle::new(HoldId::placed_by(charge.op), usd!(1));
    assert_eq!(code(&desk.apply(settle)), "budget.unknown_hold");
}

#[test]
fn a_settlement_for_an_account_that_was_a_scope_is_that_accounts_own() {
    let mut desk = pool();
    desk.apply(OpenAccount::new("helper").under("agent")).unwrap();
    let hold = desk.place(PlaceHold::new("agent", usd!(3), Duration::from_mins(1)).scope("helper"));
    let settle = Settle::new(hold.unwrap(), usd!(2)).attribute_to("helper");
    desk.apply(settle).unwrap();
    let Settled { posting, in_front, .. } = last_settled(&desk);
    assert_eq!((posting.spender, in_front), ("helper".into(), 0), "the hold counted there already");
    assert_eq!(["helper", "agent", "pool"].map(|id| desk.dollars(id)), ["2 + 0"; 3]);
    assert_eq!(desk.account("helper").spent_directly, usd!(2).into());
    assert!(desk.account("agent").spent_directly.is_zero());
    assert!(desk.account("agent").held_directly.is_zero());
}
