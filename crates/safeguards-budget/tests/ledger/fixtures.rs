//! Scripts that stand beside the repository, with the answers on which two readings of the specification agree.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use safeguards_budget::{Book, Entry, EntryId, Line};
use serde_json::Value;

use crate::replay::compact_again;

/// What is compared of an entry; its body is each implementation's own.
const OF_ENTRY: [&str; 4] = ["entry", "at", "op", "do"];

#[test]
fn every_script_is_answered_as_agreed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/ledger");
    let mut scripts: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".script.jsonl.gz"))
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty(), "no scripts in {}", folder.display());
    let differing: Vec<String> = scripts.iter().flat_map(|script| differences(script)).collect();
    assert!(differing.is_empty(), "{} answers differ:\n{}", differing.len(), differing.join("\n"));
}

/// Where the answers to a script are other than agreed.
fn differences(script: &Path) -> Vec<String> {
    let name = script.file_name().unwrap().to_string_lossy().into_owned();
    let agreed = script.with_file_name(name.replace(".script.", ".outcomes."));
    let agreed = unpack(&agreed);
    let mut agreed = agreed.lines();
    let mut book = Book::new();
    let mut differing = Vec::new();
    for (at, text) in unpack(script).lines().enumerate() {
        if text.trim().is_empty() {
            continue;
        }
        let line = Line::parse(text).unwrap_or_else(|error| panic!("{name}:{}: {error}", at + 1));
        check_printed(&line);
        for answer in line.answer(&mut book) {
            let got = serde_json::to_value(&answer).unwrap();
            let expected: Value = serde_json::from_str(agreed.next().unwrap()).unwrap();
            if !same(&got, &expected) {
                let place = format!("{name}:{}", at + 1);
                differing.push(format!("{place}: {text}\n  expected {expected}\n  got      {got}"));
            }
        }
    }
    assert_eq!(agreed.next(), None, "{name}: answers are missing");
    check_entries(&book);
    differing
}

fn unpack(path: &Path) -> String {
    let mut text = String::new();
    MultiGzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// A line is read as it was printed, but for amounts that are none.
#[track_caller]
fn check_printed(line: &Line) {
    let printed = serde_json::to_string(line).unwrap();
    let again = Line::parse(&printed).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), printed);
}

/// Entries are read as they were printed and make the same book again: a journal can be kept in this form.
#[track_caller]
fn check_entries(book: &Book) {
    let entries = book.entries(EntryId::FIRST, usize::MAX).entries;
    assert!(!entries.is_empty());
    compact_again(&entries);
    let mut copy = Book::new();
    for entry in &entries {
        let printed = serde_json::to_string(entry).unwrap();
        let read: Entry = serde_json::from_str(&printed).unwrap();
        assert_eq!(&read, entry, "{printed}");
        copy.replay(&read).unwrap_or_else(|error| panic!("{error}: {printed}"));
    }
    assert_eq!(copy.snapshot(), book.snapshot());
}

/// Whether two answers are the same: amounts as decimals, entries by what is agreed of them.
fn same(got: &Value, expected: &Value) -> bool {
    match (got, expected) {
        (Value::String(got), Value::String(expected)) => {
            got == expected || decimal(got).is_some_and(|got| Some(got) == decimal(expected))
        }
        (Value::Array(got), Value::Array(expected)) => {
            got.len() == expected.len()
                && got.iter().zip(expected).all(|(got, expected)| same(got, expected))
        }
        (Value::Object(got), Value::Object(expected)) => {
            let is_entry = OF_ENTRY.iter().all(|key| expected.contains_key(*key));
            (is_entry || got.len() == expected.len())
                && expected
                    .iter()
                    .filter(|(key, _)| !is_entry || OF_ENTRY.contains(&key.as_str()))
                    .all(|(key, expected)| got.get(key).is_some_and(|got| same(got, expected)))
        }
        (got, expected) => got == expected,
    }
}

/// The digits of a decimal number without the zeros that say nothing.
fn decimal(text: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    (!whole.is_empty() && are_digits(whole) && are_digits(fraction))
        .then(|| (whole.trim_start_matches('0'), fraction.trim_end_matches('0')))
}
