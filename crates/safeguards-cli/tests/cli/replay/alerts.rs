//! What a replay would have told: grouped alerts on the trace's own time.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::replay;
use crate::command::{file, safeguards};

/// A call each second for three minutes, 0.01 USD each, of two agents in turn.
fn trace() -> String {
    let mut text = "time,prompt_tokens,completion_tokens,agent\n".to_owned();
    for second in 0..180 {
        let agent = if second % 2 == 0 { "code" } else { "chat" };
        let at = format!("2026-01-05T09:{:02}:{:02}Z", second / 60, second % 60);
        writeln!(text, "{at},4000,0,{agent}").unwrap();
    }
    text
}

/// What was told, without what the report says elsewhere.
fn told(report: &Value) -> Vec<(String, String, String, u64)> {
    let notifications = report["alerts"]["notifications"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let brief = |line: &Value| {
        let agent = text(&line["group"]["agent"]);
        (text(&line["at"]), text(&line["topic"]), agent, line["count"].as_u64().unwrap())
    };
    notifications.iter().map(brief).collect()
}

#[test]
fn denials_are_told_in_groups_one_a_minute_for_each_agent() {
    let (_folder, path) = file("trace.csv", trace());
    let report = replay(&path, &["--limit", "0.50 USD"]);
    assert_eq!((&report["denied"], &report["alerts"]["count"]), (&json!(130), &json!(132)));
    let line = |at: &str, topic: &str, agent: &str, count| {
        (format!("2026-01-05T09:{at}Z"), topic.to_owned(), agent.to_owned(), count)
    };
    assert_eq!(
        told(&report),
        [
            line("00:39", "budget.threshold", "trace", 1), // 80 %
            line("00:49", "budget.threshold", "trace", 1), // 100 %, which is graver
            line("00:50", "budget.denied", "code", 1),
            line("00:51", "budget.denied", "chat", 1),
            line("01:50", "budget.denied", "code", 29), // up to 01:48: the next comes just now
            line("01:51", "budget.denied", "chat", 29),
            line("02:50", "budget.denied", "code", 30),
            line("02:51", "budget.denied", "chat", 30),
            line("03:50", "budget.denied", "code", 5),
            line("03:51", "budget.denied", "chat", 5),
        ]
    );
    let first = &report["alerts"]["notifications"][4];
    assert_eq!(first["first_at"], "2026-01-05T09:00:52Z");
    assert_eq!(first["last_at"], "2026-01-05T09:01:48Z");
    assert!(
        first["text"].as_str().unwrap().starts_with(
            "high  budget.denied: 29 alerts (agent code), the latest: trace/code was denied: "
        ),
        "{first}"
    );
}

#[test]
fn people_read_a_line_for_each_notification() {
    let (_folder, path) = file("trace.csv", trace());
    let ran = safeguards(&["replay", &path, "--model", "gpt-4o", "--limit", "0.50 USD"]);
    let section: Vec<&str> =
        ran.stdout.lines().skip_while(|line| !line.starts_with("alerts ")).take(6).collect();
    assert_eq!(
        section,
        [
            "alerts   132 alerts in 10 notifications",
            "         2026-01-05 09:00:39  medium  budget.threshold: trace has spent 80.0 % of 0.50 USD (0.40 USD; lifetime)",
            "         2026-01-05 09:00:49  high  budget.threshold: trace has spent 100.0 % of 0.50 USD (0.50 USD; lifetime)",
            "         2026-01-05 09:00:50  high  budget.denied: trace/code was denied: trace has 0.00 USD left of 0.50 USD \
             (lifetime; 0.5 spent, 0 held), asked 0.01 USD; waiting does not help",
            "         2026-01-05 09:00:51  high  budget.denied: trace/chat was denied: trace has 0.00 USD left of 0.50 USD \
             (lifetime; 0.5 spent, 0 held), asked 0.01 USD; waiting does not help",
            "         2026-01-05 09:01:50  high  budget.denied: 29 alerts (agent code), 2026-01-05 09:00:52 to 09:01:48",
        ],
        "{ran:?}"
    );
}

#[test]
fn without_a_denial_or_a_threshold_nothing_is_told() {
    let (_folder, path) = file("trace.csv", trace());
    let report = replay(&path, &["--limit", "5 USD"]);
    assert_eq!(report["alerts"], json!({ "count": 0, "notified": 0, "notifications": [] }));
    let ran = safeguards(&["replay", &path, "--model", "gpt-4o", "--limit", "5 USD"]);
    assert!(!ran.stdout.contains("\nalerts"), "{}", ran.stdout);
}

#[test]
fn rules_of_ones_own_say_who_would_have_been_told() {
    let (_folder, path) = file("trace.csv", trace());
    let rules = "to = []\n[[route]]\ntopics = [\"budget.denied\"]\nto = [\"slack\"]\ngroup_by = []\n\
        wait = \"10s\"\ninterval = \"1h\"\nescalate = [{ after = \"15m\", to = [\"mail\"] }]\n\
        [[route]]\ntopics = [\"team.**\"]\nat_least = \"high\"\nat_most = \"low\"\n";
    let (_other, rules) = file("alerts.toml", rules);
    let report = replay(&path, &["--limit", "0.50 USD", "--alert-rules", &rules]);
    let lines = report["alerts"]["notifications"].as_array().unwrap();
    let brief: Vec<_> = lines
        .iter()
        .map(|line| {
            (line["at"].as_str().unwrap(), line["channel"].as_str().unwrap(), &line["count"])
        })
        .collect();
    assert_eq!(
        brief,
        [
            ("2026-01-05T09:01:00Z", "slack", &json!(10)),
            ("2026-01-05T09:16:00Z", "mail", &json!(10)), // nobody acknowledges in a replay
            ("2026-01-05T10:01:00Z", "slack", &json!(120)),
            ("2026-01-05T10:16:00Z", "mail", &json!(120)),
        ],
        "{report:#}"
    );
    assert_eq!(lines[1]["escalation"], 1);
    let notes = report["notes"].to_string();
    assert!(notes.contains("rules for alerts: "), "{notes}");
}

#[test]
fn wrong_rules_are_refused_before_the_trace_is_read() {
    let (_folder, rules) =
        file("alerts.toml", "to = [\"ops\"]\nwiat = \"5s\"\ninterval = \"0s\"\n");
    let args = ["replay", "/none-such.csv", "--model", "gpt-4o", "--alert-rules", &rules];
    safeguards(&args).refused(&["alerts.toml:2:1: ", "did you mean `wait`"]);
    let args =
        ["replay", "/none-such.csv", "--model", "gpt-4o", "--alert-rules", "/none-such.toml"];
    safeguards(&args).refused(&["config.unreadable", "/none-such.toml"]);
}

/// A real trace with half the money that it cost, told as a hub would have told it while it ran.
#[cfg(shared_data)]
#[test]
fn a_real_trace_is_told_in_groups_of_a_minute() {
    let trace = crate::command::shared("azure_llm_code.csv");
    let report = replay(&trace, &["--limit", "23.80 USD"]);
    let alerts = &report["alerts"];
    // Each row that was denied, 80 % and 100 %.
    let thresholds: u64 = report["thresholds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["count"].as_u64().unwrap())
        .sum();
    let denied = report["denied"].as_u64().unwrap();
    assert_eq!(alerts["count"].as_u64().unwrap(), denied + thresholds);
    let told = told(&report);
    assert_eq!(told.iter().map(|(.., count)| count).sum::<u64>(), denied + thresholds);
    assert_eq!(alerts["notified"].as_u64().unwrap(), told.len() as u64);

    let mut last = std::collections::BTreeMap::new();
    for (at, topic, agent, _) in told.iter().filter(|(_, topic, ..)| topic == "budget.denied") {
        let at: jiff::Timestamp = at.parse().unwrap();
        if let Some(before) = last.insert(agent, at) {
            assert!(at.duration_since(before).as_secs() >= 60, "{topic} of {agent} at {at}");
        }
    }
    assert!(told.len() < 80, "{}", told.len());
}

/// The page shows what the program prints.
#[cfg(shared_data)]
#[test]
fn the_page_on_replays_shows_what_is_printed() {
    let page = include_str!("../../../../../docs/guides/replay.md");
    let shown: Vec<&str> = page
        .lines()
        .skip_while(|line| !line.starts_with("alerts "))
        .take_while(|line| !line.starts_with("```"))
        .collect();
    let trace = crate::command::shared("azure_llm_code.csv");
    let ran = safeguards(&["replay", &trace, "--model", "gpt-4o", "--limit", "23.80 USD"]);
    let printed: Vec<&str> = ran
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("alerts "))
        .take(shown.len())
        .collect();
    assert_eq!(printed, shown);
    assert!(shown.len() > 3);
}
