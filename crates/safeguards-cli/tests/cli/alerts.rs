//! `safeguards alerts check`: what it says of rules, and where an alert would go by them.

use safeguards_api::TeamSpec;
use serde_json::{Value, json};

use crate::command::{file, safeguards};

const RULES: &str = r#"
to = ["log"]

[[route]]
name = "budgets"
topics = ["budget.**"]
at_least = "high"
to = ["slack", "log"]
interval = "5m"
cooldown = "1h"
escalate = [{ after = "15m", to = ["mail"] }]

[[silence]]
topics = ["budget.denied"]
from = "2026-01-01T00:00:00Z"
until = "2026-02-01T00:00:00Z"
comment = "maintenance"

[[inhibit]]
by = { topics = ["budget.suspended"] }
mutes = { topics = ["budget.**"], at_most = "high" }
equal = ["agent"]
"#;

const DENIED: &str =
    r#"{"severity":"high","topic":"budget.denied","agent":"reader","message":"no money"}"#;
const SPRING: &str = "2026-03-01T00:00:00Z";

#[test]
fn rules_that_are_right_are_summed_up() {
    let (_folder, path) = file("alerts.toml", RULES);
    let ran = safeguards(&["alerts", "check", &path, "--at", "2026-01-05T00:00:00Z"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.stdout,
        format!("rules    {path}   1 route, 1 silence, 1 inhibition\nchannels log, mail, slack\n")
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn one_sees_where_an_alert_would_go() {
    let (_folder, path) = file("alerts.toml", RULES);
    let ran = safeguards(&["alerts", "check", &path, "--alert", DENIED, "--at", SPRING]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().skip(2).collect();
    assert_eq!(
        lines[0],
        format!("warning  {path}:13: silence 1 is over: it ended at 2026-02-01T00:00:00Z")
    );
    assert_eq!(
        lines[1..],
        [
            "alert    high  budget.denied: no money",
            "to       slack, log, by route `budgets`",
            "         with those of topic budget.denied, agent reader, severity high; the first at once, more every 5m; the same again after 1h",
            "         not acknowledged after 15m: to mail",
            "muted    while an alert is recent that sets off inhibition 0",
        ]
    );
    let muted = ["alerts", "check", &path, "--alert", DENIED, "--at", "2026-01-05T00:00:00Z"];
    let ran = safeguards(&muted);
    assert!(
        ran.stdout.contains(
            "\nmuted    until 2026-02-01T00:00:00Z by silence 0: maintenance; it would go:\n"
        ),
        "{}",
        ran.stdout
    );
    let note = r#"{"severity":"low","topic":"team.note","message":"ready"}"#;
    let ran = safeguards(&["alerts", "check", &path, "--alert", note]);
    assert!(ran.stdout.contains("\nto       log, by the root\n"), "{}", ran.stdout);
}

#[test]
fn json_is_one_object_with_mistakes_too() {
    let (_folder, path) = file("alerts.toml", RULES);
    let ran = safeguards(&["alerts", "check", &path, "--json", "--alert", DENIED, "--at", SPRING]);
    let checked = ran.report();
    assert_eq!(checked["type"], "alert_rules");
    assert_eq!(checked["channels"], json!(["log", "mail", "slack"]));
    assert_eq!(checked["mistakes"], json!([]));
    assert_eq!(checked["warnings"][0]["line"], 13);
    let stop = &checked["alert"]["stops"][0];
    assert_eq!((&stop["name"], &stop["to"]), (&json!("budgets"), &json!(["slack", "log"])));
    assert_eq!(stop["escalate"], json!([{ "after": "15m", "to": ["mail"] }]));
    assert_eq!(checked["alert"]["may_be_muted_by"], json!([0]));

    let (_folder, path) = file("alerts.toml", "wiat = \"5s\"\n");
    let ran = safeguards(&["alerts", "check", &path, "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), ""), "{ran:?}");
    let checked: Value = serde_json::from_str(&ran.stdout).unwrap();
    let mistake = &checked["mistakes"][0];
    assert_eq!((&mistake["line"], &mistake["column"]), (&json!(1), &json!(1)));
    assert_eq!(mistake["code"], "notify.rules_unknown_key");
}

#[test]
fn every_mistake_has_its_place() {
    let (_folder, path) = file("alerts.toml", "wiat = \"5s\"\n[[route]]\nat_least = \"loud\"\n");
    let ran = safeguards(&["alerts", "check", &path]);
    ran.refused(&["alerts.toml:1:1: ", "did you mean `wait`", "alerts.toml:3:12: ", "`loud`"]);
    assert_eq!(ran.stderr.lines().count(), 2, "{}", ran.stderr);

    let (_folder, path) = file("alerts.toml", RULES);
    let ran = safeguards(&["alerts", "check", &path, "--channel", "log", "--channel", "mial"]);
    ran.refused(&["alerts.toml:4: ", "`slack`", "`mail`; did you mean `mial`?"]);
}

#[test]
fn what_is_no_alert_or_no_file_is_said() {
    let (_folder, path) = file("alerts.toml", RULES);
    let with = |alert: &str| safeguards(&["alerts", "check", &path, "--alert", alert]);
    with("{}").refused(&["alerts.usage", "`--alert` is no alert: missing field"]);
    with(r#"{"severity":"loud","topic":"a","message":""}"#).refused(&["alerts.usage", "loud"]);
    with(r#"{"severity":"low","topic":"a..b","message":""}"#).refused(&["alerts.usage", "a..b"]);
    with(r#"{"severity":"low","topic":"a","message":"","agnet":"b"}"#).refused(&[
        "alerts.usage",
        "no key `agnet`",
        "`agent`",
    ]);
    let ran = with(r#"{"severity":"HIGH","topic":"budget.denied","message":"no"}"#);
    assert!(ran.stdout.contains("\nalert    high  budget.denied: no\n"), "{ran:?}");
    let ran = safeguards(&["alerts", "check", &path, "--json", "--alert", "{}"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), ""), "{ran:?}");
    let checked: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(checked["mistakes"][0]["code"], "alerts.usage", "{checked}");
    safeguards(&["alerts", "check", "/none-such.toml"])
        .refused(&["config.unreadable", "none-such"]);
    let help = safeguards(&["alerts", "check", "--help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("Exit codes:"), "{}", help.stdout);
}

#[test]
fn rules_that_name_no_channel_lead_to_every_channel() {
    let (_folder, path) = file("alerts.toml", "");
    let ran = safeguards(&["alerts", "check", &path, "--alert", DENIED]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("\nto       every channel, by the root\n"), "{}", ran.stdout);
    let (_folder, path) = file("alerts.toml", "to = []\n");
    let ran = safeguards(&["alerts", "check", &path, "--alert", DENIED]);
    assert!(ran.stdout.contains("\nto       nowhere, by the root\n"), "{}", ran.stdout);
}

/// Each TOML block of the guide is a file of rules or the alerts of a team, as its first line says.
#[test]
fn the_guide_shows_files_that_are_right() {
    let guide = include_str!("../../../../docs/guides/alerts.md");
    let team = "pool = { limits = [\"1.00 USD\"] }\n[[agent]]\nname = \"a\"\ncommand = [\"true\"]\nestimate = \"0.1 USD\"\n";
    let (mut rules, mut teams) = (0, 0);
    for block in guide.split("```toml\n").skip(1) {
        let block = block.split("```").next().unwrap();
        if block.starts_with("# alerts.toml\n") {
            let (_folder, path) = file("alerts.toml", block);
            let ran = safeguards(&["alerts", "check", &path, "--at", "2026-11-22T00:00:00Z"]);
            assert_eq!((ran.code, ran.stdout.contains("warning")), (Some(0), false), "{ran:?}");
            rules += 1;
        } else {
            assert!(block.starts_with("# team.toml\n"), "{block}");
            // Keys of the top stand before the first table.
            let (top, tables) = block.split_at(block.find("[[").unwrap());
            TeamSpec::parse(&format!("{top}{team}{tables}"), "team.toml").unwrap();
            teams += 1;
        }
    }
    assert_eq!((rules, teams), (2, 4));
}
