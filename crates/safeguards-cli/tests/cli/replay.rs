//! `safeguards replay`: what it reports, and what it says of traces that are wrong.

mod alerts;
mod bad_input;
mod exact;

use std::io::Write;

use serde_json::{Value, json};

use crate::command::{data, file, path_text, safeguards, safeguards_reading};

/// Replays a trace at the price of `gpt-4o` and gives the report.
#[track_caller]
pub(crate) fn replay(trace: &str, args: &[&str]) -> Value {
    let mut all = vec!["replay", trace, "--model", "gpt-4o", "--json"];
    all.extend(args);
    safeguards(&all).report()
}

#[track_caller]
fn check(report: &Value, pointer: &str, expected: &Value) {
    assert_eq!(report.pointer(pointer), Some(expected), "{pointer} of {report:#}");
}

#[test]
fn every_row_is_charged_its_exact_cost() {
    let report = replay(&data("small.csv"), &[]);
    for (pointer, expected) in [
        ("/type", json!("report")),
        ("/rows", json!(8)),
        ("/cost", json!({"USD": "0.0718"})),
        ("/granted", json!({"USD": "0.0718"})),
        ("/denied", json!(0)),
        ("/denied_cost", json!({"USD": "0"})),
        ("/first_denied_row", Value::Null),
        ("/tokens", json!({"input": 16_000, "output": 3_180})),
        ("/by_column", json!("agent")),
        ("/by/reader/cost", json!({"USD": "0.0106"})),
        ("/by/writer/cost", json!({"USD": "0.0612"})),
        ("/by/critic/rows", json!(1)),
        ("/first_at", json!("2026-01-05T09:00:00Z")),
        ("/last_at", json!("2026-01-05T09:05:00Z")),
        ("/rows_without_input", json!({"count": 1, "rows": [3]})),
        ("/steps_back", json!(1)),
        ("/peaks/1/by_requests/requests", json!(3)),
        (
            "/peaks/1/by_cost",
            json!({"at": "2026-01-05T09:03:00Z", "requests": 1, "cost": {"USD": "0.04"}}),
        ),
    ] {
        check(&report, pointer, &expected);
    }
}

#[test]
fn all_forms_of_a_trace_give_one_report() {
    let csv = std::fs::read_to_string(data("small.csv")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(csv.as_bytes()).unwrap();
    let unended = csv.trim_end().replace('\n', "\r\n");
    let expected = normal(replay(&data("small.csv"), &[]));
    assert_eq!(normal(replay(&data("small.jsonl"), &[])), expected);
    for bytes in [
        unended.into_bytes(),
        format!("\u{feff}{csv}").into_bytes(),
        format!("\u{feff}\n{}", std::fs::read_to_string(data("small.jsonl")).unwrap()).into_bytes(),
        gzip.finish().unwrap(),
    ] {
        let (_folder, path) = file("trace", bytes);
        assert_eq!(normal(replay(&path, &[])), expected);
    }
    let piped = safeguards_reading(&csv, &["replay", "-", "--model", "gpt-4o", "--json"]);
    assert_eq!(normal(piped.report()), expected);
}

/// A report without the name of its trace.
fn normal(mut report: Value) -> Value {
    report.as_object_mut().unwrap().remove("trace");
    report
}

#[test]
fn what_does_not_fit_is_denied_and_smaller_rows_still_fit() {
    let report = replay(&data("small.csv"), &["--limit", "0.035 USD"]);
    for (pointer, expected) in [
        ("/granted", json!({"USD": "0.0318"})),
        ("/denied", json!(1)),
        ("/denied_cost", json!({"USD": "0.04"})),
        ("/first_denied_row", json!(5)),
        ("/by/writer/denied", json!(1)),
        ("/denials/0/by", json!("writer")),
        ("/denials/0/code", json!("budget.limit_exceeded")),
        ("/denials/0/limit", json!("0.035 USD")),
        ("/thresholds/0/percent", json!("80")),
        ("/thresholds/0/crossed/0/row", json!(4)),
        ("/thresholds/1", Value::Null),
        ("/limits/0/available", json!({"USD": "0.0032"})),
    ] {
        assert_eq!(
            report.pointer(pointer).unwrap_or(&Value::Null),
            &expected,
            "{pointer} of {report:#}"
        );
    }
}

#[test]
fn limits_by_the_minute_follow_the_time_of_the_trace() {
    let limit = ["--limit", "2 requests per 60s"];
    let report = replay(&data("small.csv"), &limit);
    check(&report, "/denied", &json!(1));
    check(&report, "/first_denied_row", &json!(3));
    check(&report, "/thresholds/1/count", &json!(2));
    // In the order of the file rows 5 and 6 share a minute, since the clock does not go back.
    let one = ["--limit", "1 requests per 60s"];
    check(&replay(&data("small.csv"), &one), "/denied", &json!(3));
    let sorted = replay(&data("small.csv"), &[&one[..], &["--sort"]].concat());
    check(&sorted, "/denied", &json!(2));
    check(&sorted, "/steps_back", &json!(0));
}

#[test]
fn large_traces_are_sorted_though_their_rows_stand_anywhere() {
    use std::fmt::Write as _;
    // So many rows that the ledger lets go of entries before the end; every 8,192nd row comes last.
    for (rows, args) in [(70_000, &["--sort"][..]), (36_000, &["--sort", "--hold", "0.001 USD"])] {
        let mut trace = "time,prompt_tokens,completion_tokens\n".to_owned();
        for row in 1..=rows {
            let at = if row % 8_192 == 0 { 1_000_000 + row } else { row };
            writeln!(trace, "{at},0,100").unwrap();
        }
        let (_folder, path) = file("trace.csv", trace);
        let report = replay(&path, args);
        check(&report, "/rows", &json!(rows));
        check(&report, "/denied", &json!(0));
    }
}

#[test]
fn a_hold_is_settled_with_the_real_cost_and_the_report_says_by_how_much_it_passed() {
    let report = replay(&data("small.csv"), &["--limit", "0.035 USD", "--hold", "0.001 USD"]);
    for (pointer, expected) in [
        ("/granted", json!({"USD": "0.069"})),
        ("/denied", json!(3)),
        ("/first_denied_row", json!(6)),
        ("/overruns/0/over_by", json!({"USD": "0.034"})),
        ("/overruns/0/first_row", json!(5)),
        ("/overruns/0/count", json!(1)),
        ("/limits/0/over_by", json!({"USD": "0.034"})),
    ] {
        check(&report, pointer, &expected);
    }
}

#[test]
fn rows_are_told_apart_by_what_the_user_names() {
    let report = replay(&data("small.csv"), &["--by", "session"]);
    check(&report, "/by_column", &json!("session"));
    check(&report, "/by/a/cost", &json!({"USD": "0.0251"}));
    check(&report, "/by/b/cost", &json!({"USD": "0.0467"}));
    let report = replay(&data("small.csv"), &["--by", "COMPLETION_TOKENS"]);
    check(&report, "/by/0/rows", &json!(2));
    let report = replay(&data("small.csv"), &["--by", "none"]);
    check(&report, "/by", &json!({}));
    check(&report, "/by_column", &Value::Null);
}

#[test]
fn columns_of_json_lines_may_appear_later() {
    let (_folder, trace) = file("trace.jsonl", bad_input::LATE);
    let report = replay(&trace, &["--by", "next", "--map", "cached=kept"]);
    check(&report, "/by/b/rows", &json!(2));
    check(&report, "/by/(none)/rows", &json!(1));
    let notes = report["notes"].to_string();
    assert!(notes.contains("rows without `next` are counted as `(none)`"), "{notes}");
}

#[test]
fn a_choice_between_columns_is_noted() {
    let rows = "time,created_at,prompt_tokens,completion_tokens\n0,5,1,1\n";
    let (_folder, trace) = file("trace.csv", rows);
    let ran = safeguards(&["replay", &trace, "--model", "gpt-4o"]);
    let note = "note: `time` was read as the time, not `created_at`";
    assert!(ran.code == Some(0) && ran.stderr.contains(note), "{ran:?}");
}

#[test]
fn rows_without_input_are_listed_up_to_a_bound() {
    use std::fmt::Write as _;
    for (rows, cut) in [(1_000, Value::Null), (1_001, json!(true))] {
        let mut trace = "time,prompt_tokens,completion_tokens\n".to_owned();
        for row in 0..rows {
            writeln!(trace, "{row},,1").unwrap();
        }
        let (_folder, trace) = file("trace.csv", trace);
        let report = replay(&trace, &[]);
        let lacking = &report["rows_without_input"];
        assert_eq!((&lacking["count"], &lacking["cut"]), (&json!(rows), &cut));
        assert_eq!(lacking["rows"].as_array().unwrap().len(), 1_000);
    }
}

#[test]
fn people_are_not_told_to_try_again() {
    let limit = ["--limit", "2 requests per 60s"];
    let ran =
        safeguards(&[&["replay", &data("small.csv"), "--model", "gpt-4o"], &limit[..]].concat());
    assert!(
        ran.stdout.contains("asked 1 requests\n") && !ran.stdout.contains("try again"),
        "{ran:?}"
    );
    let message = &replay(&data("small.csv"), &limit)["first_denial"]["message"];
    assert!(message.as_str().unwrap().contains("try again from 2026-01-05T09:01:00Z"), "{message}");
}

#[test]
fn windows_add_up_to_the_whole() {
    let report = replay(&data("small.csv"), &["--every", "2m", "--limit", "0.035 USD"]);
    check(&report, "/windows/every_seconds", &json!(120));
    let windows = report["windows"]["windows"].as_array().unwrap();
    let rows: Vec<u64> = windows.iter().map(|window| window["rows"].as_u64().unwrap()).collect();
    assert_eq!(rows, [4, 2, 2]);
    check(&report, "/windows/windows/1/granted_by", &json!({"writer": {"USD": "0.0012"}}));
    check(&report, "/windows/windows/1/denied_cost", &json!({"USD": "0.04"}));
}

#[test]
fn columns_models_and_prices_may_be_the_users_own() {
    let trace = "When;,What,In,Out,Kept\n0,acme/m,1000,10,400\n90,other,10,0,\n";
    let prices = r#"
        [model."acme/m"]
        input = "2.00 EUR per 1M tokens"
        output = "4.00 EUR per 1M tokens"
        cached_input = "0.50 EUR per 1M tokens"
        [model.other]
        input = "1.00 EUR per token"
        output = "1.00 EUR per token"
    "#;
    let (_trace, trace) = file("trace.csv", trace);
    let (_prices, prices) = file("prices.toml", prices);
    let args = [
        "replay",
        &trace,
        "--prices",
        &prices,
        "--json",
        "--start",
        "2026-01-05T09:00:00Z",
        "--map",
        "time=When;,model=what,input=In,output=Out",
        "--map",
        "cached=Kept",
        "--limit",
        "5 EUR per day",
    ];
    let report = safeguards(&args).report();
    check(&report, "/cost", &json!({"EUR": "10.00144"}));
    check(&report, "/granted", &json!({"EUR": "0.00144"}));
    check(&report, "/last_at", &json!("2026-01-05T09:01:30Z"));
    check(&report, "/model", &Value::Null);
    let notes = report["notes"].to_string();
    assert!(notes.contains("relative"), "{notes}");
}

#[test]
fn text_shows_the_same_and_a_plot() {
    let ran =
        safeguards(&["replay", &data("small.csv"), "--model", "gpt-4o", "--limit", "0.035 USD"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in [
        "8 rows   2026-01-05 09:00:00 to 2026-01-05 09:05:00 UTC",
        "0.0718 USD at gpt-4o   16000 tokens in, 3180 out",
        "granted  7 rows   0.0318 USD",
        "denied   1 row   0.04 USD",
        "first row 5, 2026-01-05 09:03:00: trace has 0.006 USD left of 0.035 USD",
        "80 % reached 2026-01-05 09:01:10 (row 4)",
        "budget.limit_exceeded 0.035 USD",
        "USD spent so far, of 0.035 USD",
        "0.00 USD \u{2502}\u{2856}",
    ] {
        assert!(ran.stdout.contains(part), "`{part}` is not in\n{}", ran.stdout);
    }
    assert!(ran.stderr.contains("1 row earlier than the row before"), "{}", ran.stderr);
    assert!(ran.stderr.contains("1 row without input tokens, counted as 0: 3"), "{}", ran.stderr);
}

#[test]
fn the_plot_is_written_as_svg() {
    let folder = tempfile::tempdir().unwrap();
    for (name, limit) in [("sum.svg", "0.035 USD"), ("window.svg", "2 requests per 60s")] {
        let path = path_text(&folder.path().join(name));
        replay(&data("small.csv"), &["--limit", limit, "--svg", &path]);
        let svg = std::fs::read_to_string(path).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains("polyline") && svg.contains(&format!("limit {limit}")), "{svg}");
    }
}

#[test]
fn help_names_examples_and_exit_codes() {
    let help = safeguards(&["replay", "--help"]);
    assert_eq!(help.code, Some(0));
    for part in ["--limit", "Examples:", "Exit codes:", "safeguards replay azure_llm_code.csv"] {
        assert!(help.stdout.contains(part), "{part}");
    }
}
