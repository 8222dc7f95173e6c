//! `safeguards agents find`: each part of a question, and what is said where nobody is found.

use serde_json::json;

use super::{Fleet, names};
use crate::command::{safeguards, safeguards_reading};

#[track_caller]
fn found_by(fleet: &Fleet, args: &[&str], expected: &[&str]) {
    let ran = fleet.agents(&[&["find", "--json"], args].concat());
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(names(&answer["agents"]), expected, "{args:?}");
    assert_eq!(ran.code, Some(i32::from(expected.is_empty())), "{ran:?}");
    assert_eq!(
        (&answer["type"], &answer["total"]),
        (&json!("agents_found"), &json!(expected.len()))
    );
}

#[test]
fn each_part_of_a_question_is_asked() {
    let fleet = Fleet::new();
    let check = |args: &[&str], expected: &[&str]| found_by(&fleet, args, expected);
    check(&[], &["analyst", "translator", "reader"]);
    check(&["data"], &["analyst", "reader"]);
    check(&["data.analysis"], &["analyst"]);
    check(&["data.analysis.regression.linear"], &[]);
    check(&["data.retrieval", "--version", ">=2"], &["reader"]);
    check(&["data.retrieval", "--version", "<2"], &[]);
    check(&["--with", "formats=json,csv"], &["analyst"]);
    check(&["--with", r#"formats=["html"]"#], &["reader"]);
    check(&["--with", "formats=json,xml"], &[]);
    check(&["--with", "limits.context_window=200000"], &["analyst"]);
    check(&["--where", "limits.context_window >= 100000"], &["analyst"]);
    check(&["--where", "formats exists", "--where", "limits absent"], &["reader"]);
    check(&["--tag", "statistics"], &["analyst"]);
    check(&["--tag", "statistics", "--tag", "fast"], &[]);
    check(&["--search", "regression models"], &["analyst"]);
    check(&["data", "--healthy"], &["analyst"]);
    check(&["--order", "name"], &["analyst", "reader", "translator"]);
    check(&["data.retrieval", "--order", "cheapest"], &["reader", "analyst"]);
    check(&["--order", "least-loaded"], &["reader", "analyst", "translator"]);
}

#[test]
fn pages_follow_each_other_by_the_command_that_is_told() {
    let fleet = Fleet::new();
    let ran = fleet.agents(&["find", "--order", "name", "--limit", "2"]);
    assert!(ran.stdout.contains("\n2 of 3 agents\nnext: safeguards agents find "), "{ran:?}");
    let next = ran.stdout.lines().last().unwrap().strip_prefix("next: safeguards ").unwrap();
    // Nothing in it needs quotes.
    let args: Vec<&str> = next.split(' ').collect();
    let ran = safeguards(&args);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains(" translator ") && !ran.stdout.contains(" reader "), "{ran:?}");
    assert!(ran.stdout.ends_with("\n1 of 3 agents\n"), "{ran:?}");
}

#[test]
fn who_fits_best_has_the_longest_bar_on_every_page() {
    let fleet = Fleet::new();
    let ran = fleet.agents(&["find", "--search", "regression data"]);
    let fits: Vec<usize> = ran.stdout.lines().map(|line| line.matches('█').count()).collect();
    assert_eq!((fits[0], fits[1]), (0, 5), "{}", ran.stdout);
    assert!(fits[2] < 5, "{}", ran.stdout);
    let first = fleet.agents(&["find", "--search", "regression data", "--limit", "1"]);
    let after = first.stdout.rsplit_once("--after=").unwrap().1.trim();
    let second =
        fleet.agents(&["find", "--search", "regression data", "--limit", "1", "--after", after]);
    let bar = |text: &str| text.lines().nth(1).unwrap().replace(|c| !"█▌".contains(c), "");
    assert_eq!(
        bar(&second.stdout),
        ran.stdout.lines().nth(2).unwrap().replace(|c| !"█▌".contains(c), "")
    );
}

#[track_caller]
fn nobody_because(fleet: &Fleet, args: &[&str], expected: &str) {
    let ran = fleet.agents(&[&["find"], args].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert_eq!(ran.stderr, format!("nobody was found{expected}\n"));
}

#[test]
fn nobody_is_told_why() {
    let fleet = Fleet::new();
    nobody_because(&fleet, &["data.anaylsis"], "; did you mean `data.analysis`?");
    nobody_because(&fleet, &["regression"], "; did you mean `data.analysis.regression`?");
    nobody_because(&fleet, &["cooking"], "; nobody has `cooking`, nor anything like it");
    nobody_because(
        &fleet,
        &["data", "--tag", "x"],
        "; 2 agents have `data`, and what else is asked for holds of none: `--explain AGENT` says why",
    );
    nobody_because(&fleet, &["--tag", "x"], "");
    let ran = fleet.agents(&["find", "data.anaylsis", "--json"]);
    assert!(ran.stdout.contains(r#""did_you_mean":["data.analysis"]"#), "{ran:?}");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
}

#[test]
fn an_agent_that_is_not_found_is_explained() {
    let fleet = Fleet::new();
    let ask = ["find", "data.retrieval", "--version", ">=2", "--healthy", "--with", "formats=xml"];
    let ran = fleet.agents(&[&ask[..], &["--explain", "reader", "--explain", "nobody"]].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""), "{ran:?}");
    for part in ["reader", "degraded", "formats", "html", "xml", "nobody"] {
        assert!(ran.stdout.contains(part), "`{part}`: {}", ran.stdout);
    }
    let ran = fleet.agents(&["find", "data.retrieval", "--explain", "reader"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let answer = fleet.agents(&["find", "data", "--explain", "reader", "--json"]).report();
    let why = json!([{"found": true, "agent": "reader", "mismatches": []}]);
    assert_eq!((&answer["type"], &answer["explanations"]), (&json!("agents_explained"), &why));
}

#[track_caller]
fn refuses(fleet: &Fleet, args: &[&str], parts: &[&str]) {
    fleet.agents(&[&["find"], args].concat()).refused(parts);
}

#[test]
fn a_question_that_cannot_be_asked_is_refused() {
    let fleet = Fleet::new();
    refuses(&fleet, &["data..x"], &["discovery.invalid_capability_name", "empty part"]);
    refuses(&fleet, &["--version", "new"], &["discovery.invalid_range", "`new`", ">=1.2"]);
    refuses(&fleet, &["--with", "formats"], &["discovery.invalid_condition", "formats=json,xml"]);
    refuses(&fleet, &["--with", "=json"], &["discovery.invalid_path"]);
    refuses(&fleet, &["--where", "a ~= 3"], &["discovery.invalid_condition", "~="]);
    refuses(&fleet, &["--order", "cheepest"], &["discovery.invalid_order", "cheapest"]);
    refuses(&fleet, &["--order", "relevance"], &["discovery.invalid_order"]);
    refuses(&fleet, &["--limit", "0"], &["discovery.invalid_limit"]);
    refuses(&fleet, &["--limit", "many"], &["many"]);
    refuses(&fleet, &["--after", "x"], &["discovery.invalid_cursor"]);
    refuses(&fleet, &["--after", "name:0:x"], &["discovery.invalid_cursor"]);
    refuses(&fleet, &["--search", "!?"], &["discovery.invalid_text"]);
    // Before anything is read.
    safeguards_reading("", &["agents", "find", "a..b", "--catalog", "/none/such"])
        .refused(&["discovery.invalid_capability_name"]);
}
