//! A snapshot, and entries, make the same book again: to the last byte, and by way of their JSON.

use proptest::{prelude::*, sample::Index};
use safeguards_budget::{
    Action, Batch, Book, Bounds, Charge, Command, Denial, Entry, EntryId, HoldState, Limit,
    OpenAccount, Outcome, Outline, PlaceHold, ReplayError, Settle, Snapshot, SnapshotError, Window,
    compact::{read_entries, write_entries},
};
use safeguards_testkit::{
    audit::Auditor,
    sequences::{Act, Sequence, Turn, sequences},
};
use safeguards_types::{Timestamp, Unit, usd};

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
    // The entries from elsewhere, and with them the next one, which is none of it.
    let outline = serde_json::to_string(&book.outline()).unwrap();
    let outline: Outline = serde_json::from_str(&outline).unwrap();
    assert_eq!(outline.revision(), book.revision());
    let kept = book.entries(EntryId::FIRST, usize::MAX).entries;
    let entries = kept.iter().chain(kept.last()).cloned().map(Ok::<_, SnapshotError>);
    let copy = Book::restore_outline(&outline, entries, bounds).unwrap();
    assert_eq!(json(&copy), text, "a book from its outline is another");
    if let [_, rest @ ..] = &*kept {
        let rest = rest.iter().cloned().map(Ok);
        let error = Book::restore_outline(&outline, rest, bounds).unwrap_err();
        let missing = outline.first_kept();
        assert!(matches!(error, SnapshotError::Missing { missing: m, .. } if m == missing));
    }
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

/// The same entries, by way of their compact form.
#[track_caller]
pub(crate) fn compact_again(entries: &[Entry]) -> Vec<Entry> {
    let block = write_entries(entries).unwrap();
    let again = read_entries(&block).unwrap();
    assert_eq!(entries, again);
    again
}

fn follow_all(book: &mut Book, entries: &[Entry]) {
    for entry in entries {
        book.replay(entry).unwrap();
    }
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
            for entry in compact_again(&page.entries).iter().map(read_again) {
                for copy in &mut copies {
                    copy.replay(&entry).unwrap();
                }
                if let Some(auditor) = &mut auditor {
                    auditor.read(&entry);
                }
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
fn a_hold_outlives_the_limit_that_it_counted_at() {
    let window = Window::every_seconds(60).unwrap();
    let limit = Limit::new(usd!(4), window.clone());
    let mut desk = Desk::with([OpenAccount::new("reader").limit(limit)]);
    let hold = desk.hold("reader", usd!(3), 30);
    desk.apply(Action::RemoveLimit { account: "reader".into(), unit: Unit::USD, window }).unwrap();
    let mut copy = restored(&desk.book, Bounds::default());
    let settle = desk.command(Settle::new(hold, usd!(2)));
    assert_eq!(copy.apply(settle.clone(), desk.now), desk.send(&settle));
    assert_eq!(json(&copy), json(&desk.book));
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
    follow_all(&mut copy, &entries(&desk));
    let mut follow = |desk: &Desk| {
        let known = copy.accounts(&[], desk.now).revision;
        let fresh = entries(desk).into_iter().filter(|entry| Some(entry.id) > known);
        follow_all(&mut copy, &fresh.collect::<Vec<_>>());
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

/// Entries of a pool with an agent that charged, holds, settled, was refunded and moved.
fn eventful() -> Vec<Entry> {
    let mut desk = Desk::with([
        OpenAccount::new("pool").limit(Limit::new(usd!(9), Window::day("UTC").unwrap())),
        OpenAccount::new("agent").under("pool"),
        OpenAccount::new("other"),
    ]);
    let charge = desk.command(Charge::new("agent", usd!(1)));
    desk.send(&charge).unwrap();
    let hold = desk.hold("agent", usd!(2), 60);
    desk.settle(hold, usd!(3)).unwrap();
    desk.apply(Action::Refund { of: charge.op, amounts: usd!(1).into() }).unwrap();
    let due = desk.hold("agent", usd!(2), 1);
    desk.wait(1);
    desk.book.tick(desk.now);
    assert_eq!(desk.hold_state(due), HoldState::Expired);
    let parent = Some("other".into());
    desk.apply(Action::SetParent { account: "agent".into(), parent, from: None }).unwrap();
    desk.entries()
}

#[test]
fn entries_that_were_tampered_with_are_refused_and_change_nothing() {
    #[track_caller]
    fn check(at: usize, edits: &[(&str, &str)]) {
        let entries = eventful();
        let mut copy = Book::new();
        follow_all(&mut copy, &entries[..at]);
        let before = json(&copy);
        let mut text = serde_json::to_string(&entries[at]).unwrap();
        for (is, becomes) in edits {
            assert!(text.contains(is), "{is} is not in {text}");
            text = text.replace(is, becomes);
        }
        // What cannot even be read is refused earlier.
        if let Ok(entry) = serde_json::from_str::<Entry>(&text) {
            assert!(copy.replay(&entry).is_err(), "{text}");
        }
        assert_eq!(json(&copy), before, "{text}");
        copy.replay(&entries[at]).unwrap();
    }
    let (pool, charge, hold, settle, refund, expiry, moved) = (0, 3, 4, 5, 6, 8, 9);
    check(pool, &[(r#""limits_set":[{"#, r#""limits_set":[],"nobody":[{"#)]);
    check(
        pool,
        &[(
            r#"[{"account":"pool","unit":"USD","window":{"day":"UTC"},"amount":"9""#,
            r#"[{"account":"pool","unit":"USD","window":{"day":"UTC"},"amount":"8""#,
        )],
    );
    check(charge, &[(r#""set":["agent","pool"]"#, r#""set":[]"#)]);
    check(charge, &[(r#""set":["agent","pool"]"#, r#""set":["pool"]"#)]);
    check(charge, &[(r#""set":["agent","pool"]"#, r#""set":["agent","pool","pool"]"#)]);
    check(charge, &[(r#""spender":"agent""#, r#""spender":"pool""#)]);
    check(charge, &[(r#""serial":0"#, r#""serial":7"#)]);
    check(hold, &[(r#""do":"place_hold""#, r#""do":"charge""#)]);
    check(settle, &[(r#""held_part":{"USD":"2"}"#, r#""held_part":{"USD":"200"}"#)]);
    check(settle, &[(r#""kept_open":false,"late":false"#, r#""kept_open":false,"late":true"#)]);
    check(refund, &[(r#""of_entry":4"#, r#""of_entry":1"#)]);
    check(refund, &[(r#"{"USD":"1"}"#, r#"{"USD":"500"}"#)]);
    check(expiry, &[(r#"{"USD":"2"}"#, r#"{"USD":"1"}"#)]);
    check(moved, &[(r#""parent":"other""#, r#""parent":"agent""#)]);
    check(moved, &[(r#""account":"agent""#, r#""account":"nobody""#)]);
}

#[test]
fn an_entry_that_was_followed_is_not_followed_again_under_another_number() {
    let entries = eventful();
    for again in [0, 3, 4, 5, 6, 8] {
        let mut copy = Book::new();
        follow_all(&mut copy, &entries);
        let mut twice = entries[again].clone();
        twice.id = EntryId::new(11);
        assert!(copy.replay(&twice).is_err(), "{twice:?}");
    }
}

#[test]
fn snapshots_of_no_tree_are_refused() {
    let mut book = Book::new();
    follow_all(&mut book, &eventful());
    let whole: serde_json::Value = serde_json::to_value(book.snapshot()).unwrap();
    let refused = |change: &dyn Fn(&mut Vec<serde_json::Value>)| {
        let mut whole = whole.clone();
        change(whole["accounts"].as_array_mut().unwrap());
        let snapshot: Snapshot = serde_json::from_value(whole).unwrap();
        Book::restore(&snapshot, Bounds::default()).unwrap_err().to_string()
    };
    let twice = refused(&|accounts| accounts.push(accounts[1].clone()));
    assert_eq!(twice, "the snapshot has two accounts `agent`");
    let cycle = refused(&|accounts| accounts[2]["parent"] = "agent".into());
    assert!(cycle.contains("stands below itself"), "{cycle}");
}
