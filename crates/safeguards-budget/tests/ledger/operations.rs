//! Operation ids: once, retried, reused, too old, too new.

use std::time::Duration;

use safeguards_budget::{
    Action, Batch, Book, Bounds, Charge, Command, EntryId, HoldId, Limit, Metadata, OpenAccount,
    PlaceHold,
};
use safeguards_types::{OperationIds, Timestamp, tokens, usd};

use crate::desk::{Desk, code};

fn ten_dollars() -> Desk {
    Desk::with([OpenAccount::new("a").limit(Limit::lifetime(usd!(10)))])
}

#[test]
fn a_repeated_command_gets_its_first_receipt_and_changes_nothing() {
    let mut desk = ten_dollars();
    let charge = desk.command(Charge::new("a", usd!(6)));
    let first = desk.send(&charge).unwrap();
    desk.charge("a", usd!(4)).unwrap();
    desk.wait(3_600);
    // Neither what was spent since nor the time matters to the answer.
    assert_eq!(desk.send(&charge), Ok(first.clone()));
    assert_eq!(desk.book.submit(Batch::linked([charge.clone()]), desk.now), [Ok(first.clone())]);
    assert_eq!(desk.dollars("a"), "10 + 0");
    assert_eq!(desk.entries().len(), 3);
    // Equal by value: in another order of writing it is the same command.
    let written = Command::new(charge.op, Charge::new("a", usd!(6.0)));
    assert_eq!(desk.send(&written), Ok(first));
}

#[test]
fn a_repeated_command_ends_no_due_hold_and_moves_no_time() {
    let mut desk = ten_dollars();
    let charge = desk.command(Charge::new("a", usd!(1)));
    desk.send(&charge).unwrap();
    desk.hold("a", usd!(1), 1);
    let entries = desk.entries();
    desk.wait(60);
    desk.send(&charge).unwrap();
    assert_eq!(desk.entries(), entries);
}

#[test]
fn another_command_under_a_known_id_is_a_conflict_before_all_else() {
    let mut desk = ten_dollars();
    let charge = desk.command(Charge::new("a", usd!(6)));
    desk.send(&charge).unwrap();
    let more = Command::new(charge.op, Charge::new("a", usd!(7)));
    let elsewhere = Command::new(charge.op, Charge::new("nobody", usd!(6)));
    let scoped = Command::new(charge.op, Charge::new("a", usd!(6)).scope("a"));
    let recorded = Command::new(charge.op, Action::Record(Charge::new("a", usd!(6))));
    let noted = charge.clone().with_metadata(Metadata::from_iter([("step".into(), 1.into())]));
    for other in [more, elsewhere, scoped, recorded, noted] {
        assert_eq!(code(&desk.send(&other)), "budget.operation_conflict", "{other:?}");
    }
    assert_eq!(desk.dollars("a"), "6 + 0");
}

#[test]
fn a_denial_is_not_remembered() {
    let mut desk = ten_dollars();
    let charge = desk.command(Charge::new("a", usd!(11)));
    assert_eq!(code(&desk.send(&charge)), "budget.limit_exceeded");
    desk.set_limit("a", Limit::lifetime(usd!(11))).unwrap();
    desk.send(&charge).unwrap();
    let denied = desk.command(Charge::new("a", usd!(1)));
    assert_eq!(code(&desk.send(&denied)), "budget.limit_exceeded");
    desk.send(&Command::new(denied.op, OpenAccount::new("b"))).unwrap();
}

#[test]
fn an_id_may_be_minted_five_minutes_ahead_and_not_more() {
    let mut desk = ten_dollars();
    let ids = OperationIds::seeded(2);
    let mut charge = |ahead| {
        let op = ids.mint(desk.now.saturating_add(Duration::from_millis(ahead)));
        code(&desk.book.apply(Command::new(op, Charge::new("a", usd!(1))), desk.now))
    };
    assert_eq!(charge(300_000), "ok");
    assert_eq!(charge(300_001), "budget.operation_too_new");
}

#[test]
fn what_is_forgotten_is_refused_and_never_carried_out_again() {
    let mut desk = Desk::with([OpenAccount::new("a")]);
    let minted_before = desk.op();
    desk.wait(1);
    let first = desk.command(Charge::new("a", tokens!(1)));
    desk.send(&first).unwrap();
    let settled = desk.hold("a", tokens!(1), 60);
    desk.settle(settled, tokens!(1)).unwrap();
    let open = desk.hold("a", tokens!(1), 3_600);
    desk.wait(1);
    let kept = Bounds::default().operations_kept;
    let charges: Vec<_> = (0..kept).map(|_| desk.command(Charge::new("a", tokens!(1)))).collect();
    for charge in &charges {
        desk.send(charge).unwrap();
    }
    // Within ten minutes all are known, however many there are.
    desk.wait(597);
    desk.send(&first).unwrap();
    assert_eq!(desk.book.entries(EntryId::FIRST, 1).first_kept, EntryId::FIRST);
    desk.wait(3);
    // What need not be kept goes when an entry is written, never by time or by a read alone.
    desk.charge("a", tokens!(1)).unwrap();
    let spent = desk.account("a").spent;

    assert_eq!(code(&desk.send(&first)), "budget.operation_too_old");
    let late = Command::new(minted_before, Charge::new("a", tokens!(1)));
    assert_eq!(code(&desk.send(&late)), "budget.operation_too_old");
    assert_eq!(code(&desk.release(settled)), "budget.hold_forgotten");
    assert_eq!(desk.book.holds(&[settled], desk.now), [None]);
    assert_eq!(code(&desk.send(&charges[0])), "budget.operation_too_old");
    desk.send(&charges[1]).unwrap();
    assert_eq!(desk.account("a").spent, spent, "none of them is paid again");

    // A reader from the first entry is told that some are gone. An open hold is never forgotten.
    let page = desk.book.entries(EntryId::FIRST, 1);
    assert_eq!((page.first_kept, page.entries[0].id), (EntryId::new(7), EntryId::new(7)));
    desk.release(open).unwrap();
}

#[test]
fn entries_that_time_wrote_push_out_no_operation_id() {
    let mut desk = Desk::with([OpenAccount::new("a")]);
    desk.wait(1);
    let kept = Bounds::default().operations_kept;
    let hold = PlaceHold::new("a", tokens!(1), Duration::from_secs(1));
    let holds: Vec<_> = (0..kept).map(|_| desk.command(hold.clone())).collect();
    for hold in &holds {
        desk.send(hold).unwrap();
    }
    desk.wait(3_600);
    desk.book.tick(desk.now);
    assert_eq!(code(&desk.send(&holds[0])), "ok");
    assert_eq!(desk.hold_view(HoldId::placed_by(holds[0].op)).account, "a".into());
}

#[test]
fn pages_follow_each_other_without_gaps() {
    let mut desk = Desk::with([OpenAccount::new("a")]);
    for _ in 0..9 {
        desk.charge("a", tokens!(1)).unwrap();
    }
    let (mut from, mut read) = (EntryId::FIRST, Vec::new());
    loop {
        let page = desk.book.entries(from, 3);
        if page.entries.is_empty() {
            break;
        }
        assert_eq!(page.next.number(), from.number() + u64::try_from(page.entries.len()).unwrap());
        read.extend(page.entries);
        from = page.next;
    }
    assert_eq!(read, desk.entries());
    assert_eq!(read.len(), 10);
    // Asked again from where it stopped, it goes on with what came since.
    desk.charge("a", tokens!(1)).unwrap();
    assert_eq!(desk.book.entries(from, 3).entries.len(), 1);
    assert_eq!(desk.book.entries(EntryId::FIRST, 0).entries, []);
    assert_eq!(desk.book.entries(EntryId::new(u64::MAX), 3).entries, []);
}

#[test]
fn metadata_is_kept_in_the_entry_as_it_was_given() {
    let mut desk = Desk::with([OpenAccount::new("a")]);
    let metadata = Metadata::from_iter([("run".into(), "7".into()), ("step".into(), 3.into())]);
    let charge = desk.command(Charge::new("a", tokens!(1))).with_metadata(metadata.clone());
    desk.send(&charge).unwrap();
    let entry = desk.entries().pop().unwrap();
    assert_eq!((entry.op(), entry.metadata()), (Some(charge.op), Some(&metadata)));
}

#[test]
fn time_is_the_later_of_the_clock_and_the_latest_entry() {
    let mut desk = Desk::with([OpenAccount::new("a")]);
    desk.wait(60);
    let later = desk.charge("a", tokens!(1)).unwrap().at;
    desk.now = Timestamp::UNIX_EPOCH;
    // Ids are judged by the ledger's time too: one minted by the clock that stepped back is only old.
    assert_eq!(desk.charge("a", tokens!(1)).unwrap().at, later);
}

#[test]
fn an_old_operation_that_is_still_known_is_no_forgotten_hold() {
    let mut bounds = Bounds::default();
    (bounds.operations_kept, bounds.operations_max) = (3, 3);
    let mut desk = Desk::new();
    desk.book = Book::with_bounds(bounds);
    let (early, charge) =
        (desk.command(OpenAccount::new("a")), desk.command(Charge::new("a", tokens!(1))));
    desk.wait(1);
    // The account is opened under a younger id, so that the horizon passes the charge's.
    desk.apply(OpenAccount::new("a")).unwrap();
    desk.send(&charge).unwrap();
    for _ in 0..2 {
        desk.charge("a", tokens!(1)).unwrap();
    }
    desk.wait(1);
    assert_eq!(code(&desk.send(&early)), "budget.operation_too_old");
    assert_eq!(code(&desk.release(HoldId::placed_by(charge.op))), "budget.unknown_hold");
    assert_eq!(code(&desk.release(HoldId::placed_by(early.op))), "budget.hold_forgotten");
}
