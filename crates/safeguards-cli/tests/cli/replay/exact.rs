//! Real traces to the last digit: against published figures, and against sums that are made here.

use std::io::Read;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::replay;
use crate::command::shared;

/// A row's tokens, in and out.
type Tokens = (u64, u64);

/// Reads the CSV by hand: commas and line ends, nothing else.
fn csv(name: &str) -> Vec<Tokens> {
    let text = std::fs::read_to_string(shared(name)).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let mut fields = line.split(',').skip(1).map(|field| field.parse().unwrap());
        (fields.next().unwrap(), fields.next().unwrap())
    });
    rows.collect()
}

/// Reads the packed JSON lines whole; null is 0.
fn json_lines(name: &str) -> Vec<Tokens> {
    let mut text = String::new();
    let packed = std::fs::File::open(shared(name)).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let rows = text.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        (row["prompt_tokens"].as_u64().unwrap_or(0), row["completion_tokens"].as_u64().unwrap())
    });
    rows.collect()
}

/// What a row costs at the price of `gpt-4o`: 2.50 and 10.00 USD per million tokens.
fn cost((input, output): Tokens) -> Decimal {
    Decimal::from(input) * Decimal::new(25, 7) + Decimal::from(output) * Decimal::new(1, 5)
}

fn usd(amounts: &Value) -> Decimal {
    amounts["USD"].as_str().unwrap().parse().unwrap()
}

/// The report agrees with the published cost and with the sum of the rows; and where the limit is half of it,
/// with a calculation of its own, row by row.
#[track_caller]
fn check(name: &str, rows: &[Tokens], published: &str, half: &str) {
    let published: Decimal = published.parse().unwrap();
    let sum: Decimal = rows.iter().copied().map(cost).sum();
    assert_eq!(sum, published);
    let report = replay(&shared(name), &[]);
    assert_eq!(report["rows"], json!(rows.len()));
    assert_eq!((usd(&report["cost"]), usd(&report["granted"])), (published, published));
    assert_eq!((&report["denied"], &report["first_denied_row"]), (&json!(0), &Value::Null));

    let limit: Decimal = half.parse().unwrap();
    let (mut granted, mut denied) = (Decimal::ZERO, Vec::new());
    for (row, tokens) in rows.iter().enumerate() {
        let cost = cost(*tokens);
        if granted + cost > limit {
            denied.push((row + 1, cost));
        } else {
            granted += cost;
        }
    }
    let report = replay(&shared(name), &["--limit", &format!("{half} USD")]);
    assert_eq!(usd(&report["granted"]), granted);
    assert!(granted <= limit && !denied.is_empty());
    assert_eq!(report["denied"], json!(denied.len()));
    assert_eq!(report["first_denied_row"], json!(denied[0].0));
    let denied_cost: Decimal = denied.iter().map(|(_, cost)| cost).sum();
    assert_eq!(usd(&report["denied_cost"]), denied_cost);
    assert_eq!(usd(&report["cost"]), published);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn azure_code() {
    let rows = csv("azure_llm_code.csv");
    check("azure_llm_code.csv", &rows, "47.60889500", "23.80");
    let report = replay(&shared("azure_llm_code.csv"), &[]);
    assert_eq!(report["peaks"][0]["by_requests"]["requests"], json!(67));
    assert_eq!(report["peaks"][1]["by_requests"]["requests"], json!(585));
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn azure_conversations() {
    let rows = csv("azure_llm_conv.csv");
    check("azure_llm_conv.csv", &rows, "96.79132500", "48.39");
    let report = replay(&shared("azure_llm_conv.csv"), &[]);
    assert_eq!(report["peaks"][0]["by_requests"]["requests"], json!(19));
    assert_eq!(report["peaks"][1]["by_requests"]["requests"], json!(502));
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn agent_traces() {
    let rows = json_lines("agent_traces.jsonl.gz");
    check("agent_traces.jsonl.gz", &rows, "8.98340750", "4.49");
    let report = replay(&shared("agent_traces.jsonl.gz"), &["--by", "framework"]);
    assert_eq!(report["rows_without_input"]["count"], json!(38));
    let calls = |name: &str| (&report["by"][name]["rows"], &report["by"][name]["tokens"]);
    assert_eq!(calls("magentic-one"), (&json!(477), &json!({"input": 716_404, "output": 203_411})));
    assert_eq!(
        calls("mini-swe-agent"),
        (&json!(242), &json!({"input": 1_866_699, "output": 25_284}))
    );
    assert_eq!(calls("tau-bench"), (&json!(339), &json!({"input": 60_364, "output": 8_779})));
}
