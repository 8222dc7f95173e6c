//! Batches: linked ones take effect as a whole or not at all.

use std::time::Duration;

use safeguards_budget::{
    Action, Batch, Charge, Command, Denial, HoldState, Limit, OpenAccount, Outcome, PlaceHold,
    Settle,
};
use safeguards_types::{Unit, usd};

use crate::desk::{Desk, code, every};

fn ten_dollars() -> Desk {
    Desk::with([OpenAccount::new("a").limit(Limit::lifetime(usd!(10)))])
}

fn codes(outcomes: &[Outcome]) -> Vec<&'static str> {
    outcomes.iter().map(code).collect()
}

const FAILED: &str = "budget.linked_failed";

#[test]
fn later_commands_see_the_effects_of_earlier_ones() {
    for linked in [true, false] {
        let mut desk = Desk::new();
        let commands = [
            desk.command(OpenAccount::new("a").limit(Limit::lifetime(usd!(10)))),
            desk.command(OpenAccount::new("b").under("a")),
            desk.command(Charge::new("b", usd!(6))),
        ];
        let batch = if linked { Batch::linked(commands) } else { Batch::independent(commands) };
        let outcomes = desk.book.submit(batch.clone(), desk.now);
        assert_eq!(codes(&outcomes), ["ok"; 3]);
        let entries: Vec<_> =
            outcomes.iter().map(|outcome| outcome.as_ref().unwrap().entry.number()).collect();
        assert_eq!(entries, [1, 2, 3]);
        assert_eq!(desk.dollars("a"), "6 + 0");
    }
}

#[test]
fn independent_commands_stand_each_for_itself() {
    let mut desk = ten_dollars();
    let commands = [6, 6, 4].map(|dollars: u64| {
        let amount = safeguards_types::Quantity::from_units(dollars).unwrap();
        desk.command(Charge::new("a", safeguards_types::Amount::new(amount, Unit::USD)))
    });
    let outcomes = desk.book.submit(Batch::independent(commands), desk.now);
    assert_eq!(codes(&outcomes), ["ok", "budget.limit_exceeded", "ok"]);
}

#[test]
fn one_denial_fails_all_and_names_the_one() {
    let mut desk = ten_dollars();
    let commands = [
        desk.command(Charge::new("a", usd!(6))),
        desk.command(Charge::new("a", usd!(5))),
        desk.command(Charge::new("nobody", usd!(1))),
    ];
    let outcomes = desk.linked(commands.clone());
    assert_eq!(codes(&outcomes), [FAILED, "budget.limit_exceeded", FAILED]);
    assert_eq!(outcomes[0], Err(Denial::LinkedFailed { index: 1 }));
    assert_eq!(desk.dollars("a"), "0 + 0");
    // Nothing of it is remembered: the first may be sent alone, under its id.
    desk.send(&commands[0]).unwrap();
}

/// Everything that a command can change, changed and taken back.
#[test]
fn a_batch_that_fails_takes_everything_back() {
    let mut desk = Desk::with([
        OpenAccount::new("a").limit(every(60, usd!(9))).limit(Limit::lifetime(usd!(50))),
        OpenAccount::new("b").under("a"),
    ]);
    desk.charge("b", usd!(1)).unwrap();
    let [settled, released, due] = [600, 600, 5].map(|ttl| desk.hold("b", usd!(2), ttl));
    desk.wait(90); // the window rolls, and one hold is due
    let names = ["a".into(), "b".into(), "c".into()];
    let read = |desk: &Desk| {
        let accounts = desk.book.accounts(&names, desk.now);
        (accounts, desk.book.holds(&[settled, released, due], desk.now), desk.entries())
    };
    let before = read(&desk);
    let place = desk.command(PlaceHold::new("c", usd!(1), Duration::from_mins(1)));
    let hold = safeguards_budget::HoldId::placed_by(place.op);
    let commands = vec![
        desk.command(Action::RegisterUnit { unit: "gpu".into() }),
        desk.command(OpenAccount::new("c").under("b").limit(every(60, usd!(3)))),
        desk.command(Action::SetLimit { account: "b".into(), limit: Limit::lifetime(usd!(40)) }),
        desk.command(Charge::new("c", usd!(1))),
        place.clone(),
        desk.command(Settle::new(settled, usd!(3))),
        desk.command(Action::Release { hold: released }),
        desk.command(Settle::new(due, usd!(1))),
        desk.command(Action::Record(Charge::new("c", usd!(1)))),
    ];
    let failing = desk.command(Charge::new("nobody", usd!(1)));
    let last = commands.len();
    let outcomes = desk.linked([commands.clone(), vec![failing]].concat());
    assert_eq!(code(&outcomes[last]), "budget.unknown_account");
    assert_eq!(outcomes[0], Err(Denial::LinkedFailed { index: last }));
    assert_eq!(read(&desk), before);
    assert_eq!(desk.hold_state(due), HoldState::Expired, "due, though its entry was taken back");
    assert_eq!(desk.book.holds(&[hold], desk.now), [None]);
    let gpu = "1 gpu".parse::<safeguards_types::Amount>().unwrap();
    assert_eq!(code(&desk.charge("b", gpu)), "budget.unknown_unit");
    // Time is taken back too: a batch that failed ahead of time opened no window.
    let earlier = desk.now;
    desk.wait(3_600);
    let failing =
        [desk.command(Charge::new("a", usd!(1))), desk.command(Charge::new("x", usd!(1)))];
    desk.linked(failing);
    desk.now = earlier;
    // And all of it may be sent again.
    let outcomes = desk.linked(commands);
    assert_eq!(codes(&outcomes), ["ok"; 9]);
    assert_eq!(outcomes[0].as_ref().unwrap().at, earlier);
    assert!(outcomes[7].as_ref().unwrap().late);
}

#[test]
fn a_known_batch_is_answered_again_as_a_whole() {
    let mut desk = ten_dollars();
    let commands = [6, 4].map(|_| desk.command(Charge::new("a", usd!(2))));
    let first = desk.linked(commands.clone());
    assert_eq!(desk.linked(commands.clone()), first);
    let backwards: Vec<_> = commands.iter().rev().cloned().collect();
    assert_eq!(desk.linked(backwards), first.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(desk.dollars("a"), "4 + 0");
}

#[test]
fn a_batch_with_some_known_ids_is_a_conflict_at_the_first() {
    let conflict = "budget.operation_conflict";
    let mut desk = ten_dollars();
    let known = desk.command(Charge::new("a", usd!(1)));
    desk.send(&known).unwrap();
    let fresh = desk.command(Charge::new("a", usd!(1)));
    let other = Command::new(known.op, Charge::new("a", usd!(2)));
    let outcomes = desk.linked([fresh.clone(), known.clone(), known.clone()]);
    assert_eq!(codes(&outcomes), [FAILED, conflict, FAILED]);
    assert_eq!(codes(&desk.linked([known.clone(), other])), [conflict, FAILED]);
    assert_eq!(desk.dollars("a"), "1 + 0");
}

#[test]
fn an_empty_batch_has_no_outcomes() {
    let mut desk = ten_dollars();
    assert_eq!(desk.linked([]), []);
    assert_eq!(desk.book.submit(Batch::default(), desk.now), []);
}
