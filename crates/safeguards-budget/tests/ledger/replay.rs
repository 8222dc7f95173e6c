//! A snapshot, and entries, make the same book again: to the last byte, and by way of their JSON.

use proptest::{prelude::*, sample::Index};
use safeguards_budget::{
    Batch, Book, Bounds, Charge, Command, Denial, Entry, EntryId, HoldState, Limit, OpenAccount,
    Outcome, PlaceHold, ReplayError, Settle, Snapshot,
};
use safeguards_testkit::{
    audit::Auditor,
    sequences::{Act, Sequence, Turn, sequences},
};
use safeguards_types::{Timestamp, usd};

use crate::desk::Desk;

fn json(book: &Book) -> String {
    serde_json::to_string(&book.snapshot()).unwrap()
}

/// The book that another one's snapshot makes, by way of its JSON.
#[track_caller]
fn restored(book: &Book, bounds: Bounds) -> Book {
    let text = json(book);
    let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
    let copy = Book::restore(&snapshot, bounds).unwrap();
    assert_eq!(json(&copy), text, "a restored book is another");
    copy
}

/// The same entry, by way of its JSON.
#[track_caller]
fn read_again(entry: &Entry) -> Entry {
    let text = serde_json::to_string(entry).unwrap();
    let again = serde_json::from_str(&text).unwrap();
    assert_eq!(*entry, again, "{text}");
    again
}

fn commands(turn: &Turn) -> Vec<Command> {
    match &turn.act {
        Act::Submit { commands, .. } => {
            let commands = commands.iter().cloned();
            commands.map(|command| serde_json::from_value(command).unwrap()).collect()
        }
        _ => Vec::new(),
    }
}

fn take(book: &mut Book, turn: &Turn) -> Vec<(Command, Outcome)> {
    let commands = commands(turn);
    let outcomes = match &turn.act {
        Act::Submit { linked: true, .. } => book.submit(Batch::linked(commands.clone()), turn.at),
        Act::Submit { .. } => book.submit(Batch::independent(commands.clone()), turn.at),
        Act::Tick => {
            book.tick(turn.at);
            Vec::new()
        }
        _ => Vec::new(),
    };
    commands.into_iter().zip(outcomes).collect()
}

/// Follows a book turn by turn: one copy from the first entry on, one from a snapshot at `cut` on. The auditor
/// reads what they read.
fn follow(sequence: &Sequence, cut: usize) {
    let Sequence { bounds, turns, .. } = sequence;
    let mut book = Book::with_bounds(*bounds);
    let mut copies = vec![Book::with_bounds(*bounds)];
    let (mut auditor, mut from) = (Some(Auditor::new()), EntryId::FIRST);
    let mut accepted: Vec<(Command, Outcome)> = Vec::new();
    let mut now = Timestamp::UNIX_EPOCH;
    for (number, turn) in turns.iter().enumerate() {
        if number == cut {
            copies.push(restored(&book, *bounds));
        }
        accepted.extend(take(&mut book, turn).into_iter().filter(|(_, outcome)| outcome.is_ok()));
        now = now.max(turn.at);
        let page = book.entries(from, usize::MAX);
        if page.first_kept > from {
            // So little is kept that one turn's entries were forgotten within it: go on from a snapshot.
            copies = vec![restored(&book, *bounds)];
            auditor = None;
        } else {
            for entry in page.entries.iter().map(read_again) {
                copies.iter_mut().for_each(|copy| copy.replay(&entry).unwrap());
                auditor.iter_mut().for_each(|auditor| auditor.read(&entry));
            }
        }
        from = page.next;
        if number % 8 == 7 {
            let ours = book.snapshot();
            assert!(copies.iter().all(|copy| copy.snapshot() == ours), "turn {number}, {turn:?}");
        }
    }
    for copy in &copies {
        assert_eq!(json(&book), json(copy));
    }

    // A retry gets the first receipt, of a copy as of the first, or none has kept it.
    for (command, first) in accepted {
        let [ours, theirs] =
            [&book, &copies[0]].map(|book| book.clone().apply(command.clone(), now));
        assert_eq!(ours, theirs, "{command:?}");
        assert!(
            ours == first || matches!(ours, Err(Denial::OperationTooOld { .. })),
            "{command:?}"
        );
    }
    if let Some(mut auditor) = auditor {
        book.tick(now);
        let page = book.entries(from, usize::MAX);
        if page.first_kept <= from {
            auditor.read_all(&page.entries);
            audit(auditor, &book, now);
        }
    }
}

#[track_caller]
fn audit(auditor: Auditor, book: &Book, now: Timestamp) {
    let audited = auditor.finish().unwrap();
    assert_eq!(audited.compare(&book.accounts(&audited.accounts(), now)), []);
    let holds = audited.holds();
    assert_eq!(audited.compare_holds(&holds, &book.holds(&holds, now)), []);
}

proptest! {
    #[test]
    fn books_follow_their_entries_and_the_auditor_agrees(sequence in sequences(), cut: Index) {
        follow(&sequence, cut.index(sequence.turns.len()));
    }
}

/// A book with an account that holds and has spent, and its entries.
fn small() -> (Book, Vec<Entry>) {
    let mut desk = Desk::with([OpenAccount::new("reader").limit(Limit::lifetime(usd!(5)))]);
    desk.apply(Charge::new("reader", usd!(1))).unwrap();
    desk.apply(PlaceHold::new("reader", usd!(2), std::time::Duration::from_mins(1))).unwrap();
    let entries = desk.entries();
    (desk.book, entries)
}

#[test]
fn entries_are_followed_in_their_order_and_without_gaps() {
    let (book, entries) = small();
    let mut copy = Book::new();
    let mut check = |at: usize, expected: Result<(), ReplayError>| {
        let before = json(&copy);
        let followed = copy.replay(&entries[at]);
        assert_eq!(followed, expected);
        assert_eq!(followed.is_err(), json(&copy) == before, "a refused entry changes nothing");
    };
    let out_of_order = |given, expected| {
        let [given, expected] = [given, expected].map(EntryId::new);
        Err(ReplayError::OutOfOrder { given, expected })
    };
    check(1, out_of_order(2, 1));
    check(0, Ok(()));
    check(0, out_of_order(1, 2));
    check(2, out_of_order(3, 2));
    check(1, Ok(()));
    check(2, Ok(()));
    assert_eq!(json(&copy), json(&book));
}

#[test]
fn what_goes_with_no_book_is_refused() {
    let (book, entries) = small();
    let mut copy = Book::new();
    copy.replay(&entries[0]).unwrap();
    let before = json(&copy);
    for (is, becomes) in [("reader", "raeder"), ("USD", "UDS")] {
        let text = serde_json::to_string(&entries[1]).unwrap().replace(is, becomes);
        let entry: Entry = serde_json::from_str(&text).unwrap();
        let error = copy.replay(&entry).unwrap_err();
        assert!(!matches!(error, ReplayError::OutOfOrder { .. }), "{error}");
        assert_eq!(json(&copy), before);
    }

    let whole = json(&book);
    let accounts = whole.replacen("\"reader\"", "\"raeder\"", 1);
    let snapshot: Snapshot = serde_json::from_str(&accounts).unwrap();
    let error = Book::restore(&snapshot, Bounds::default()).unwrap_err();
    assert!(error.to_string().contains("reader"), "{error}");
}

#[test]
fn what_a_command_forgets_on_its_way_is_forgotten_for_that_command_already() {
    let mut bounds = Bounds::default();
    (bounds.operations_kept, bounds.operations_max) = (2, 2);
    let mut desk = Desk::new();
    desk.book = Book::with_bounds(bounds);
    let entries = |desk: &Desk| desk.book.entries(EntryId::FIRST, usize::MAX).entries;
    desk.apply(OpenAccount::new("a")).unwrap();
    let mut copy = Book::with_bounds(bounds);
    entries(&desk).iter().for_each(|entry| copy.replay(entry).unwrap());
    let mut follow = |desk: &Desk| {
        let known = copy.accounts(&[], desk.now).revision;
        let fresh = entries(desk).into_iter().filter(|entry| Some(entry.id) > known);
        fresh.for_each(|entry| copy.replay(&entry).unwrap());
        assert_eq!(json(&copy), json(&desk.book));
    };
    let released = desk.hold("a", usd!(1), 60);
    desk.release(released).unwrap();
    follow(&desk);
    desk.wait(1);
    // In one linked batch: entries that push the ending of the hold out, then a settlement of it.
    let commands = [
        desk.command(Charge::new("a", usd!(1))),
        desk.command(Charge::new("a", usd!(1))),
        desk.command(Settle::new(released, usd!(5))),
    ];
    let outcomes = desk.linked(commands);
    assert_eq!(outcomes[2].as_ref().unwrap_err().code(), "budget.hold_forgotten");
    follow(&desk);
    assert_eq!(desk.hold_state(released), HoldState::Released, "the forgetting was taken back too");
    desk.settle(released, usd!(5)).unwrap();
    follow(&desk);
    assert_eq!(desk.dollars("a"), "5 + 0");
}
