//! Arguments, traces and price files that are wrong: one message that says where and what is allowed, exit 2.

use crate::command::{data, file, safeguards};

const HEADER: &str = "time,agent,prompt_tokens,completion_tokens";
const ROW: &str = "2026-01-05T09:00:00Z,reader,10,1";

/// A trace of this content is refused with all of these parts in the message, its name among them.
#[track_caller]
fn check_trace(content: impl AsRef<[u8]>, parts: &[&str]) {
    let (_folder, path) = file("trace", content);
    let ran = safeguards(&["replay", &path, "--model", "gpt-4o", "--json"]);
    ran.refused(&[&[path.as_str()], parts].concat());
}

#[test]
fn broken_rows_are_named_by_line() {
    for (row, parts) in [
        (
            "2026-01-05T09:00:00Z,reader,ten,1",
            &[":3:", "`prompt_tokens` is `ten`", "whole number"][..],
        ),
        ("2026-01-05T09:00:00Z,reader,-10,1", &[":3:", "`-10`", "from 0"]),
        ("2026-01-05T09:00:00Z,reader,1.5,1", &[":3:", "`1.5`"]),
        ("2026-01-05T09:00:00Z,reader,+1,1", &[":3:", "`+1`"]),
        ("2026-01-05T09:00:00Z,reader,99999999999999999999,1", &[":3:", "from 0 to"]),
        ("2026-01-05T09:00:00Z,reader,10,", &[":3:", "no `completion_tokens`"]),
        ("2026-01-05T09:00:00Z,reader,10", &[":3:", "3 fields, and the header 4"]),
        ("2026-01-05T09:00:00Z,reader,10,1,1", &[":3:", "5 fields, and the header 4"]),
        ("yesterday,reader,10,1", &[":3:", "`time`", "`yesterday` is no time"]),
        ("12.5,reader,10,1", &[":3:", "all rows alike"]),
        ("2026-13-05T09:00:00Z,reader,10,1", &[":3:", "is no time"]),
        (",reader,10,1", &[":3:", "no `time`"]),
    ] {
        check_trace(format!("{HEADER}\n{ROW}\n{row}\n{ROW}\n"), parts);
        check_trace(format!("{HEADER}\r\n{ROW}\r\n{row}"), parts);
        check_trace(format!("{HEADER}\n{ROW}\n{row}"), parts);
    }
    check_trace(b"time,agent,prompt_tokens,completion_tokens\n0,\xff,1,1\n", &[":2:", "UTF-8"]);
    let long = "x".repeat(201);
    check_trace(format!("{HEADER}\n0,{long},1,1\n"), &[":2:", "`agent`", "1 to 200 bytes"]);
}

#[test]
fn broken_json_is_named_by_line() {
    let row = r#"{"ts":0,"input_tokens":10,"output_tokens":1}"#;
    for (line, parts) in [
        (r#"{"ts":0,"input_tokens":10"#, &[":2:", "no JSON object"][..]),
        (r#"{"ts":0,"input_tokens":10,"output_tokens":1} x"#, &[":2:", "trailing"]),
        ("[0,10,1]", &[":2:", "no JSON object"]),
        (r#"{"ts":0,"input_tokens":10}"#, &[":2:", "no `output_tokens`"]),
        (r#"{"ts":0,"output_tokens":10}"#, &[":2:", "no `input_tokens`"]),
        (r#"{"ts":0,"input_tokens":10,"output_tokens":null}"#, &[":2:", "no `output_tokens`"]),
        (r#"{"ts":0,"input_tokens":-1,"output_tokens":1}"#, &[":2:", "`-1`"]),
        (r#"{"ts":0,"input_tokens":1.5,"output_tokens":1}"#, &[":2:", "`1.5`"]),
        (r#"{"ts":0,"input_tokens":{"n":1},"output_tokens":1}"#, &[":2:", "`{…}`"]),
        (r#"{"ts":null,"input_tokens":1,"output_tokens":1}"#, &[":2:", "no `ts`"]),
    ] {
        check_trace(format!("{row}\n{line}\n{row}\n"), parts);
    }
    check_trace("[]", &[":1:", "no JSON object"]);
}

#[test]
fn a_quote_that_nothing_closes_does_not_swallow_the_file() {
    let rest = format!("{ROW}\n").repeat(520_000);
    for end in ["\n", "\r\n"] {
        let stray = "2026-01-05T09:00:00Z,\"reader,10,1";
        let trace = format!("{HEADER}{end}{ROW}{end}{stray}{end}{rest}");
        check_trace(&trace, &[":3:", "longer than 16777216 bytes", "quote"]);
        check_trace(
            format!("\"{HEADER}{end}{rest}"),
            &[":1:", "longer than 16777216 bytes", "quote"],
        );
    }
    let json = r#"{"ts":0,"input_tokens":10,"output_tokens":1}"#;
    let long = "x".repeat(16 * 1024 * 1024);
    check_trace(format!("{json}\n{{\"ts\":\"{long}\"}}\n"), &[":2:", "longer than 16777216 bytes"]);
}

#[test]
fn a_quote_that_nothing_closes_is_named_by_the_line_where_its_row_begins() {
    for end in ["\n", "\r\n"] {
        let stray = format!(
            "{HEADER}{end}{ROW}{end}2026-01-05T09:00:00Z,\"reader,10,1{end}{ROW}{end}{ROW}"
        );
        check_trace(&stray, &[":3:", "2 fields, and the header 4"]);
        check_trace(format!("{stray}{end}"), &[":3:", "2 fields, and the header 4"]);
        check_trace(format!("{stray}\",1{end}{ROW}{end}"), &[":3:"]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn no_row_fills_the_memory() {
    let script = r#"ulimit -v 800000; { printf '%s\n' 'time,prompt_tokens,completion_tokens'; tr '\0' "$1" < /dev/zero; } | "$0" replay - --model gpt-4o"#;
    for letter in ["x", ","] {
        let ran = std::process::Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_safeguards"), letter])
            .output()
            .unwrap();
        let stderr = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("standard input:2: the row is longer"), "{stderr}");
    }
}

#[test]
fn columns_that_no_row_has_are_answered_with_those_seen() {
    let (_folder, path) = file("trace.jsonl", LATE);
    let replay = |args: &[&str]| {
        safeguards(&[&["replay", &path, "--model", "gpt-4o", "--json"][..], args].concat())
    };
    let known = "the columns are `ts`, `input_tokens`, `output_tokens`, `next`, `kept`";
    replay(&["--by", "nobody"]).refused(&[&path, "no column `nobody`", known]);
    replay(&["--sort", "--by", "nobody"]).refused(&[&path, "no column `nobody`", known]);
    replay(&["--map", "cached=nothing"]).refused(&["no column `nothing`", known]);
    replay(&["--map", "input=In"]).refused(&["no column `In`", "`input_tokens`"]);
}

/// Rows with columns that the first does not have.
pub(super) const LATE: &str = r#"{"ts":0,"input_tokens":10,"output_tokens":1}
{"ts":1,"input_tokens":10,"output_tokens":1,"next":"b","kept":4}
{"ts":2,"input_tokens":10,"output_tokens":1,"next":"b"}
"#;

#[test]
fn traces_without_rows_are_no_traces() {
    check_trace("", &["is empty"]);
    check_trace("\n\n", &["is empty"]);
    check_trace(HEADER, &["has a header and no rows"]);
    check_trace(format!("{HEADER}\r\n"), &["has a header and no rows"]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, format!("{HEADER}\n{ROW}\n").as_bytes()).unwrap();
    let packed = gzip.finish().unwrap();
    check_trace(&packed[..packed.len() - 9], &["cannot be read"]);
    safeguards(&["replay", "no/such/file", "--model", "gpt-4o"])
        .refused(&["no/such/file", "cannot be read"]);
}

#[test]
fn columns_that_are_not_there_are_answered_with_those_that_are() {
    let trace = data("small.csv");
    let known = "`time`, `agent`, `session`, `prompt_tokens`, `completion_tokens`";
    for args in [
        &["--model", "gpt-4o", "--map", "input=Tokens"][..],
        &["--model", "gpt-4o", "--by", "customer"],
        &[], // no model in the trace, and none given
    ] {
        safeguards(&[&["replay", &trace], args].concat()).refused(&[&trace, known]);
    }
    check_trace("when,prompt_tokens,completion_tokens\n0,1,1\n", &["--map time=COLUMN", "`when`"]);
}

#[test]
fn models_have_one_price() {
    let trace = data("small.csv");
    let replay = |args: &[&str]| safeguards(&[&["replay", &trace][..], args].concat());
    replay(&["--model", "gpt-40"]).refused(&["pricing.unknown_model", "`gpt-40`", "gpt-4o"]);
    let rate = |model: &str| {
        format!(
            "[model.\"{model}\"]\ninput = \"1 USD per 1M tokens\"\noutput = \"1 USD per 1M tokens\"\n"
        )
    };
    let (_folder, prices) = file("prices.toml", rate("one/m") + &rate("two/m"));
    let own = ["--prices", prices.as_str(), "--model"];
    replay(&[&own[..], &["m"]].concat()).refused(&["`m`", "`one/m`", "`two/m`"]);
    assert_eq!(replay(&[&own[..], &["two/m"]].concat()).code, Some(0));
    let (_folder, broken) = file("prices.toml", "[model.m]\ninput = \"cheap\"\n");
    replay(&["--prices", &broken, "--model", "m"]).refused(&[&broken]);
    replay(&["--prices", "no/such/file", "--model", "m"]).refused(&["no/such/file"]);
    replay(&[&own[..], &["gpt-40"]].concat()).refused(&["`gpt-40`", &prices, "built-in"]);
    check_model_column("time,model,input_tokens,output_tokens\n0,gpt-4o,1,1\n1,unheard-of,1,1\n");
}

#[track_caller]
fn check_model_column(content: &str) {
    let (_folder, path) = file("trace.csv", content);
    safeguards(&["replay", &path]).refused(&[&format!("{path}:3:"), "`unheard-of`"]);
}

#[test]
fn arguments_are_told_what_is_allowed() {
    let trace = data("small.csv");
    for (args, parts) in [
        (&["--limit", "23.80"][..], &["23.80", "a number and a unit"][..]),
        (&["--limit", "-1 USD"], &["negative"]),
        (&["--limit", "1 dollars"], &["`dollars`", "USD, tokens and requests"]),
        (
            &["--limit", "1 USD", "--limit", "2 USD"],
            &["1.00 USD", "2.00 USD", "same unit and window"],
        ),
        (&["--limit", "1 USD per day in Europe/Berlim"], &["Europe/Berlim"]),
        (&["--hold", "0 USD"], &["more than 0"]),
        (&["--hold", "1 credits"], &["`credits`"]),
        (&["--warn-at", "101"], &["`101`", "0 to 100"]),
        (&["--every", "0s"], &["`0s`"]),
        (&["--every", "1s", "--map", "time=prompt_tokens"], &[":4:", "no `prompt_tokens`"]),
        (&["--start", "2026-01-05T09:00:00Z"], &[":2:", "--start"]),
        (&["--svg", "no/such/folder/plot.svg"], &["no/such/folder/plot.svg"]),
        (&["--map", "cost=a"], &["a role of time"]),
        (&["--by", "agent", "--bogus"], &["--bogus"]),
        (&["--limit", "10000000000000000 USD"], &["--limit", "1000000000000000, the largest"]),
        (&["--hold", "2000000000000000 USD"], &["`--hold`", "1000000000000000 USD are allowed"]),
        (
            &["--hold", "0.01 USD", "--limit", "9000 tokens per day"],
            &["`--limit` \"9000 tokens per day", "on tokens", "add `--hold \"… tokens\"`"],
        ),
        (&["--map", "input=a", "--map", "output=a"], &["`a`", "input and to output"]),
    ] {
        let all = [&["replay", &trace, "--model", "gpt-4o"], args].concat();
        safeguards(&all).refused(parts);
    }
}

#[test]
fn sums_and_windows_that_are_too_many_are_refused() {
    let rows = "0,reader,100000000000000,1\n".repeat(101);
    check_trace(format!("{HEADER}\n{rows}"), &[":101:", "the largest amount kept"]);
    let (_folder, path) = file("trace.csv", format!("{HEADER}\n0,a,1,1\n10000,a,1,1\n"));
    safeguards(&["replay", &path, "--model", "gpt-4o", "--every", "1s"]).refused(&[
        ":3:",
        "10000 windows",
        "--every",
    ]);
}

#[test]
fn rows_at_the_end_of_time_cannot_be_held() {
    let row = "2262-04-11T23:47:10Z,reader,10,1";
    let (_folder, path) = file("trace.csv", format!("{HEADER}\n{row}\n"));
    let replay = ["replay", &path, "--model", "gpt-4o"];
    safeguards(&[&replay[..], &["--hold", "0.01 USD"]].concat()).refused(&[":2:", "too close to"]);
    assert_eq!(safeguards(&replay).code, Some(0));
}

#[test]
fn price_files_that_are_too_large_are_refused() {
    let (_folder, prices) = file("prices.toml", format!("# {}", "x".repeat(16 * 1024 * 1024)));
    let args = ["replay", &data("small.csv"), "--model", "gpt-4o", "--prices", &prices];
    safeguards(&args).refused(&["prices.toml", "16777216 bytes"]);
}
