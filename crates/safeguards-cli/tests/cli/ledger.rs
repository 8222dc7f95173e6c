//! `safeguards ledger apply`: one answer for each line, and what it says of lines that are none.

mod bad_input;

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use crate::command::{file, safeguards, safeguards_reading, safeguards_writing};

/// An instant that many seconds after the first one, with an id minted then.
pub(crate) fn at(second: u64, keys: &str) -> String {
    let millis = 0x019b_8d2c_7a10 + second * 1_000;
    let (high, low) = (millis >> 16, millis & 0xffff);
    format!(
        r#"{{"at":"2026-01-05T09:0{}:{:02}Z","op":"{high:08x}-{low:04x}-7b6a-ba92-0e8f0c98431a",{keys}}}"#,
        second / 60,
        second % 60,
    )
}

/// Four lines that ask for something, one of which is denied, and a blank one.
pub(crate) fn script() -> String {
    [
        at(0, r#""do":"open_account","account":"reader","limits":[{"unit":"USD","window":"lifetime","amount":"1"}]"#),
        at(1, r#""do":"charge","account":"reader","amounts":{"USD":"0.42"}"#),
        " ".to_owned(),
        at(2, r#""do":"charge","account":"reader","amounts":{"USD":"0.60"}"#),
        r#"{"at":"2026-01-05T09:00:03Z","read":"account","account":"reader"}"#.to_owned(),
    ]
    .map(|line| format!("{line}\n"))
    .concat()
}

/// What they are answered with.
pub(crate) const ANSWERS: &str = r#"{"ok":{"entry":1,"available":{},"crossed":[],"overrun":[],"shadow":[],"late":false}}
{"ok":{"entry":2,"available":{"USD":"0.58"},"crossed":[],"overrun":[],"shadow":[],"late":false}}
{"denied":{"code":"budget.limit_exceeded","account":"reader","unit":"USD","window":"lifetime","limit":"1","spent":"0.42","held":"0","protected":"0","asked":"0.6","available":"0.58","retry_at":null,"never":true}}
{"account":{"parent":null,"state":"open","priority":5,"limits":[{"unit":"USD","window":"lifetime","amount":"1","mode":"hard","warn_at":[],"spent":"0.42","held":"0","available":"0.58","over_by":"0","window_started_at":null,"window_ends_at":null}],"lifetime":{"USD":{"spent":"0.42","held":"0"}}}}
"#;

#[test]
fn every_line_is_answered_wherever_it_comes_from() {
    let (_folder, plain) = file("lines.jsonl", script());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(script().as_bytes()).unwrap();
    let (_other, packed) = file("lines.jsonl.gz", gzip.finish().unwrap());
    let unended = script().trim_end().replace('\n', "\r\n");
    for ran in [
        safeguards(&["ledger", "apply", &plain]),
        safeguards(&["ledger", "apply", &packed, "--store", "memory"]),
        safeguards_reading(&script(), &["ledger", "apply"]),
        safeguards_reading(&unended, &["ledger", "apply", "-"]),
    ] {
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), ANSWERS, ""));
    }
    let ran = safeguards_reading("", &["ledger", "apply"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
}

#[test]
fn the_examples_that_people_copy_are_true() {
    let help = safeguards(&["ledger", "apply", "--help"]).stdout;
    let lines: Vec<&str> = help.lines().filter(|line| line.starts_with("  {")).collect();
    let ran = safeguards_reading(&lines.join("\n"), &["ledger", "apply"]);
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(0), 3), "{ran:?}");
    assert!(!ran.stdout.contains("denied"), "{ran:?}");

    let page = include_str!("../../../../docs/reference/ledger-lines.md");
    let between = |start: &str, end: &str| {
        let (_, rest) = page.split_once(start).unwrap();
        rest.split_once(end).unwrap().0
    };
    let ran = safeguards_reading(between("<<'END'\n", "END\n"), &["ledger", "apply"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), between("```json\n", "```")), "{ran:?}");
}

#[test]
fn the_commands_of_a_linked_batch_are_answered_one_by_one() {
    let linked = r#"{"at":"2026-01-05T09:00:00Z","linked":[
        {"op":"019b8d2c-7a10-7b6a-ba92-000000000001","do":"open_account","account":"a"},
        {"op":"019b8d2c-7a10-7b6a-ba92-000000000002","do":"open_account","account":"a"}]}"#;
    let ran = safeguards_reading(&linked.replace('\n', " "), &["ledger", "apply"]);
    let answers = "{\"denied\":{\"code\":\"budget.linked_failed\",\"index\":1}}\n\
        {\"denied\":{\"code\":\"budget.duplicate_account\",\"account\":\"a\"}}\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), answers), "{ran:?}");
}

#[test]
fn who_waits_for_an_answer_gets_it_before_asking_again() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_safeguards"))
        .args(["ledger", "apply"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut asks = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    for (line, expected) in
        script().lines().filter(|line| *line != " ").zip(ANSWERS.split_inclusive('\n'))
    {
        writeln!(asks, "{line}").unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, expected);
    }
    drop(asks);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn answers_that_cannot_be_written_are_a_failure_of_its_own() {
    let (_folder, plain) = file("lines.jsonl", script());
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ran = safeguards_writing(full.into(), Stdio::piped(), &["ledger", "apply", &plain]);
    assert_eq!(ran.code, Some(70), "{ran:?}");
    assert!(ran.stderr.contains("error cli.output: "), "{ran:?}");
}

#[test]
fn a_reader_that_stops_early_is_no_failure() {
    let (_folder, plain) = file("lines.jsonl", script().repeat(1_000));
    for lines in [0, 1] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_safeguards"))
            .args(["ledger", "apply", &plain])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        assert_eq!(stdout.lines().take(lines).map(Result::unwrap).count(), lines);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    }
}

#[test]
#[cfg(shared_data)]
fn a_script_beside_the_repository_is_answered_as_agreed() {
    use std::io::Read;

    use serde_json::Value;

    /// The answers, but for the bodies of entries, which are each implementation's own.
    fn agreed(text: &str) -> Vec<Value> {
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.filter(|answer: &Value| answer.get("entries").is_none()).collect()
    }

    let script = crate::command::shared("../fixtures/ledger/basic-01.script.jsonl.gz");
    let ran = safeguards(&["ledger", "apply", &script]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let outcomes = std::fs::File::open(script.replace(".script.", ".outcomes.")).unwrap();
    let mut expected = String::new();
    flate2::read::MultiGzDecoder::new(outcomes).read_to_string(&mut expected).unwrap();
    assert_eq!(agreed(&ran.stdout), agreed(&expected));
}
