//! Entries in the form that stores keep them in: frozen, small, and nothing else is taken for it.

use std::fmt::Write as _;

use proptest::prelude::*;
use safeguards_budget::{
    Book, Charge, Command, Entry, EntryId, Limit, OpenAccount, PlaceHold, Settle, Window,
    compact::{read_entries, write_entries},
};
use safeguards_types::{OperationIds, Timestamp, Unit, tokens, usd};
use serde_json::json;

use crate::replay::compact_again;

/// One entry of each kind that has a line of its own, and one that has none.
fn entries() -> Vec<Entry> {
    let (mut book, ids) = (Book::new(), OperationIds::seeded(7));
    let now = Timestamp::parse("2026-01-05T09:00:00.000000001Z").unwrap();
    let day = Limit::new(usd!(9), Window::day("Europe/Berlin").unwrap());
    let mut apply = |action: safeguards_budget::Action, seconds: u64| {
        let at = now.saturating_add(std::time::Duration::from_secs(seconds));
        let metadata = json!({ "model": "gpt-4o", "share": 0.1 });
        let metadata = metadata.as_object().filter(|_| seconds == 1).cloned().unwrap_or_default();
        let op = ids.mint(at);
        book.apply(Command::new(op, action).with_metadata(metadata), at).unwrap();
        op
    };
    apply(OpenAccount::new("pool").limit(day).into(), 0);
    apply(OpenAccount::new("a").under("pool").into(), 0);
    apply(Charge::new("a", usd!(0.42)).scope("pool").into(), 1);
    apply(safeguards_budget::Action::Record(Charge::new("a", tokens!(12))), 2);
    let minute = std::time::Duration::from_mins(1);
    let hold = |amount| PlaceHold::new("pool", amount, minute).into();
    let settled = apply(hold(usd!(1)), 3);
    let settle = Settle::new(safeguards_budget::HoldId::placed_by(settled), usd!(1.5));
    apply(settle.attribute_to("a").into(), 4);
    let released = safeguards_budget::HoldId::placed_by(apply(hold(usd!(1)), 5));
    apply(safeguards_budget::Action::Release { hold: released }, 6);
    apply(hold(usd!(1)), 7);
    apply(safeguards_budget::Action::RegisterUnit { unit: Unit::new("EUR") }, 8);
    book.tick(now.saturating_add(minute * 2));
    book.entries(EntryId::FIRST, usize::MAX).entries
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, byte) in (1..).zip(bytes) {
        let end = if at % 40 == 0 || at == bytes.len() { "\n" } else { "" };
        write!(text, "{byte:02x}{end}").unwrap();
    }
    text
}

/// What was written once is read for good: these bytes never change.
#[test]
fn the_form_is_frozen() {
    let entries = entries();
    compact_again(&entries);
    let frozen = include_str!("../golden/compact.hex");
    assert_eq!(hex(&write_entries(&entries).unwrap()), frozen);
}

#[test]
fn a_charge_is_small() {
    let charge = &entries()[3..4];
    let json = serde_json::to_string(&charge).unwrap().len();
    let alone = write_entries(charge).unwrap().len();
    assert!(alone * 3 < json, "{alone} of {json} bytes");
}

#[test]
fn entries_with_a_gap_are_not_written() {
    let mut entries = entries();
    entries.remove(3);
    let error = write_entries(&entries).unwrap_err();
    assert_eq!(error.code(), "budget.unwritten_entry");
    assert!(error.to_string().contains("entry 5 stands where 4 should"), "{error}");
}

#[test]
fn what_is_cut_off_is_refused() {
    let block = write_entries(&entries()).unwrap();
    for length in 0..block.len() {
        let error = read_entries(&block[..length]).unwrap_err();
        assert_eq!(error.code(), "budget.malformed_block", "{length}");
    }
    let longer = [&*block, &[0]].concat();
    assert!(read_entries(&longer).unwrap_err().to_string().contains("1 bytes follow"));
}

proptest! {
    /// Other bytes may be other entries, and are never more than an error.
    #[test]
    fn other_bytes_do_no_harm(at in any::<proptest::sample::Index>(), flip in 1..=255_u8) {
        let mut block = write_entries(&entries()).unwrap();
        let at = at.index(block.len());
        block[at] ^= flip;
        match read_entries(&block) {
            Ok(entries) => prop_assert!(entries.len() < 1_000),
            Err(error) => prop_assert!(error.code().starts_with("budget.malformed")),
        }
    }
}
