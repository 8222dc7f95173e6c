//! Lines and arguments that are wrong: exit 2, the line's number, and nothing of it or after it is applied.

use super::{ANSWERS, script};
use crate::command::{file, safeguards, safeguards_reading};

/// A wrong line after four sound ones: these are answered, and the message names the sixth and all of this.
#[track_caller]
fn check(line: &[u8], parts: &[&str]) {
    let text = [script().as_bytes(), line, b"\n", script().as_bytes()].concat();
    let (_folder, path) = file("lines.jsonl", text);
    let ran = safeguards(&["ledger", "apply", &path]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ANSWERS), "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    for part in [&["error ledger.bad_line: ", &format!("{path}:6: ")], parts].concat() {
        assert!(ran.stderr.contains(part), "`{part}` is not in {}", ran.stderr);
    }
}

#[test]
fn a_line_that_is_no_command_is_named_and_ends_the_work() {
    check(b"{", &["broken JSON", "column 1"]);
    check(b"\xff", &["UTF-8"]);
    check(b"[]", &["the line is []"]);
    check(br#"{"at":"2026-01-05T09:00:09Z"}"#, &["`op` is missing"]);
    check(br#"{"at":"now","read":"account","account":"reader"}"#, &["`at` is \"now\""]);
    check(
        br#"{"at":"2026-01-05T09:00:09Z","read":"account","account":"reader","x":"\u001b[2J"}"#,
        &["no key `x`", "allowed are at, read, account"],
    );
    check(
        br#"{"at":"2026-01-05T09:00:09Z","read":"account","account":"a","account":"b"}"#,
        &["`account` is given twice"],
    );
    // Of several linked commands none is applied.
    check(
        br#"{"at":"2026-01-05T09:00:09Z","linked":[{"op":"019b8d2c-9d38-7b6a-ba92-0e8f0c98431a","do":"close_account","account":"reader"},{"op":"019b8d2c-9d38-7b6a-ba92-0e8f0c98431b","do":"spend"}]}"#,
        &["`linked[1].do` is \"spend\"", "charge"],
    );
}

#[test]
fn what_cannot_be_read_is_refused() {
    safeguards(&["ledger", "apply", "/none/such.jsonl"]).refused(&[
        "error ledger.unreadable: ",
        "/none/such.jsonl",
        "No such file",
    ]);
    safeguards(&["ledger", "apply", "/"]).refused(&["/: cannot be read"]);
    safeguards(&["ledger", "apply", "-", "--store", "sqlite"]).refused(&["sqlite", "memory"]);
    safeguards(&["ledger", "aply"]).refused(&["aply"]);
    safeguards(&["ledger"]).refused(&["apply"]);
    safeguards_reading("nonsense", &["ledger", "apply"]).refused(&["standard input:1: "]);
    let (_folder, cut) = file("cut.gz", b"\x1f\x8b\x08\x00");
    safeguards(&["ledger", "apply", &cut]).refused(&["cut.gz: cannot be read"]);
}
