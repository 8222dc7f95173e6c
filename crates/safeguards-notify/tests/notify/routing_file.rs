//! What is wrong with a file of rules, with line and column.

use std::time::Duration;

use safeguards_notify::{
    AlertMatch, Escalation, GroupBy, GroupLabel, Inhibition, Route, Rules, Silence, TopicFilter,
};
use safeguards_types::{Severity, Timestamp};
use serde_json::json;

const FULL: &str = r#"
to = ["ops"]
group_by = ["topic", "agent", "severity"]
wait = "10s"
interval = "5m"

[[route]]
name = "budgets"
topics = ["budget.**"]
at_least = "high"
agents = ["reader", "writer"]
metadata = { "account" = "research", team = ["a", 2] }
to = ["slack"]
cooldown = "1h"
goes_on = true
escalate = [{ after = "15m", to = ["mail"] }, { after = "1h", to = ["pager"] }]

  [[route.route]]
  at_most = "CRITICAL"
  metadata.labels.team = "b"
  group_by = "each"
  wait = "0s"
  to = []

[[silence]]
topics = ["team.**"]
from = 2026-12-23T00:00:00Z
until = "2026-12-24T00:00:00Z"
comment = "maintenance"

[[inhibit]]
by = { topics = ["budget.suspended"], at_least = "critical" }
mutes = { topics = ["budget.**"], at_most = "high" }
equal = ["agent"]
lasts = "10m"
"#;

fn filter(text: &str) -> TopicFilter {
    text.parse().unwrap()
}

#[test]
fn every_key_is_read() {
    let minutes = Duration::from_mins;
    let below =
        Route::when(AlertMatch::all().at_most(Severity::Critical).metadata("labels.team", "b"))
            .group_by(GroupBy::Each)
            .wait(Duration::ZERO)
            .nowhere();
    let budgets = AlertMatch::all()
        .topic(filter("budget.**"))
        .at_least(Severity::High)
        .agent("reader")
        .agent("writer")
        .metadata("account", "research")
        .metadata("team", "a")
        .metadata("team", 2);
    let budgets = Route::when(budgets)
        .named("budgets")
        .to(["slack"])
        .cooldown(minutes(60))
        .goes_on()
        .escalate(Escalation::after(minutes(15), ["mail"]))
        .escalate(Escalation::after(minutes(60), ["pager"]))
        .route(below);
    let time = |text| Timestamp::parse(text).unwrap();
    let silence =
        Silence::until(AlertMatch::all().topic(filter("team.**")), time("2026-12-24T00:00:00Z"))
            .from(time("2026-12-23T00:00:00Z"))
            .comment("maintenance");
    let inhibition = Inhibition::new(
        AlertMatch::all().topic(filter("budget.suspended")).at_least(Severity::Critical),
        AlertMatch::all().topic(filter("budget.**")).at_most(Severity::High),
    )
    .equal([GroupLabel::Agent])
    .lasts(minutes(10));
    let mut rules =
        Rules::default().to(["ops"]).route(budgets).silence(silence).inhibit(inhibition);
    rules.otherwise = rules
        .otherwise
        .group_by(GroupBy::default())
        .wait(Duration::from_secs(10))
        .interval(minutes(5));
    assert_eq!(Rules::from_toml(FULL).unwrap(), rules);
    assert_eq!(Rules::from_toml("").unwrap(), Rules::default());
}

/// All mistakes of a file, in the words that people see.
#[track_caller]
fn check(text: &str, expected: &[(&str, &str)]) {
    let error = Rules::from_toml(text).unwrap_err();
    let found: Vec<_> =
        error.mistakes().map(|mistake| (mistake.code(), mistake.to_string())).collect();
    let expected: Vec<_> =
        expected.iter().map(|(code, text)| (*code, (*text).to_owned())).collect();
    assert_eq!(found, expected);
}

const VALUE: &str = "notify.rules_value";
const UNKNOWN: &str = "notify.rules_unknown_key";

#[test]
fn all_mistakes_are_told_each_with_its_place() {
    check(
        "to = [\"ops\"]\nintervall = \"5m\"\n\n[[route]]\nat_least = \"hihg\"\n  [[route.route]]\n  wait = 5\n[[silence]]\n",
        &[
            (
                UNKNOWN,
                "line 2, column 1: the root has no key `intervall`; did you mean `interval`?",
            ),
            (
                VALUE,
                "line 5, column 12: `at_least`: `hihg` is no severity; there are informational, low, medium, high and critical",
            ),
            (
                VALUE,
                "line 7, column 10: `wait = 5`: a span of time is a text, such as \"90s\" or \"10m\"",
            ),
            ("notify.rules_missing_key", "line 8, column 1: a silence needs `until`"),
        ],
    );
}

#[test]
fn a_text_that_is_no_toml() {
    let code = "notify.rules_syntax";
    check(
        "wait = soon\nname = \"é\"; x = 1\nunknown = 7",
        &[
            (code, "line 1, column 8: string values must be quoted, expected literal string"),
            (code, "line 2, column 11: unexpected key or value, expected newline, `#`"),
        ],
    );
}

#[test]
fn values_that_cannot_be_read() {
    check(
        "to = \"ops\"",
        &[(VALUE, "line 1, column 6: `to = \"ops\"`: write a list: `to = [\"ops\"]`")],
    );
    check("to = [7]", &[(VALUE, "line 1, column 7: `to = 7`: the name of a channel is a text")]);
    check(
        "route = { to = [] }",
        &[(
            VALUE,
            "line 1, column 9: `route = {\"to\":[]}`: write a list of tables: `[[route]]` before each",
        )],
    );
    check("route = [7]", &[(VALUE, "line 1, column 10: `route = 7`: write a table")]);
    check(
        "group_by = \"topic\"",
        &[(
            VALUE,
            "line 1, column 12: `group_by = \"topic\"`: write \"each\", or a list of labels, such as [\"topic\", \"agent\"]",
        )],
    );
    check(
        "group_by = [\"topic\", \"colour\"]",
        &[(
            VALUE,
            "line 1, column 22: `group_by`: `colour` is no label; there are topic, agent, severity, key and metadata.PATH",
        )],
    );
    check(
        "wait = \"soon\"",
        &[(
            VALUE,
            "line 1, column 8: `wait`: `soon` is no span of time; write a number above 0 and a unit, such as 1500ms, 90s, 10m or 2h",
        )],
    );
    check(
        "interval = \"-5s\"",
        &[(
            VALUE,
            "line 1, column 12: `interval`: `-5s` is no span of time; write a number above 0 and a unit, such as 1500ms, 90s, 10m or 2h",
        )],
    );
    check(
        "[[route]]\ngoes_on = 1",
        &[(VALUE, "line 2, column 11: `goes_on = 1`: write true or false")],
    );
    check(
        "[[route]]\ntopics = [\"a..b\"]",
        &[(
            VALUE,
            "line 2, column 11: `topics`: `a..b` is no topic filter: it has an empty part; parts are joined by single dots, such as budget.low",
        )],
    );
    check(
        "[[route]]\nagents = [1.5]",
        &[(VALUE, "line 2, column 11: `agents = 1.5`: the name of an agent is a text")],
    );
    check(
        "[[route]]\nmetadata = \"a\"",
        &[(VALUE, "line 2, column 12: `metadata = \"a\"`: write a table")],
    );
    check(
        "[[silence]]\nuntil = \"tomorrow\"",
        &[(
            VALUE,
            "line 2, column 9: `until`: `tomorrow` is no instant such as 2026-03-02T14:12:07Z: RFC 3339, ending in Z or +00:00",
        )],
    );
    check(
        "[[silence]]\nuntil = 7",
        &[(VALUE, "line 2, column 9: `until = 7`: write a time, such as \"2026-12-24T00:00:00Z\"")],
    );
}

#[test]
fn keys_that_are_missing_or_unknown() {
    let missing = "notify.rules_missing_key";
    check(
        "escalate = [{}]",
        &[
            (missing, "line 1, column 13: an escalation needs `after`"),
            (missing, "line 1, column 13: an escalation needs `to`"),
        ],
    );
    check(
        "[[inhibit]]\nby = { topic = [\"a\"] }",
        &[
            (missing, "line 1, column 1: an inhibition needs `mutes`"),
            (
                UNKNOWN,
                "line 2, column 8: a set of conditions has no key `topic`; did you mean `topics`?",
            ),
        ],
    );
    check(
        "[[route]]\nname = \"é\"\n\"é\" = 1\nthen = 2",
        &[
            (
                UNKNOWN,
                "line 3, column 1: a route has no key `é`; there are topics, at_least, at_most, agents, metadata, goes_on, name, to, group_by, wait, interval, cooldown, escalate and route",
            ),
            (
                UNKNOWN,
                "line 4, column 1: a route has no key `then`; there are topics, at_least, at_most, agents, metadata, goes_on, name, to, group_by, wait, interval, cooldown, escalate and route",
            ),
        ],
    );
}

#[test]
fn a_table_without_values_is_no_condition() {
    check(
        "[[route]]\nmetadata.account = {}\n[[silence]]\nuntil = 2026-12-24T00:00:00Z\nmetadata = { a.b = {} }",
        &[
            (
                "notify.rules_condition",
                "line 2, column 20: `metadata.account` is a table without values; name at least one",
            ),
            (
                "notify.rules_condition",
                "line 5, column 20: `metadata.a.b` is a table without values; name at least one",
            ),
        ],
    );
}

#[test]
fn a_line_that_is_no_toml_is_told_once() {
    for text in ["to = [\"ops\"", "[[route]\nto = []", "= 1 = 2", "to = \"ops", "a b c d e"] {
        let error = Rules::from_toml(text).unwrap_err();
        let lines: Vec<_> = error.mistakes().map(|mistake| mistake.line).collect();
        let mut once = lines.clone();
        once.dedup();
        assert_eq!(lines, once, "{text}");
    }
}

#[test]
fn what_is_refused_at_the_root_is_not_offered_there() {
    check(
        "at_least = \"high\"\ncolour = 1",
        &[
            (
                "notify.rules_condition",
                "line 1, column 1: `at_least` stands at the top, where every alert is taken; put it below `[[route]]`",
            ),
            (
                UNKNOWN,
                "line 2, column 1: the root has no key `colour`; there are name, to, group_by, wait, interval, cooldown, escalate, route, silence and inhibit",
            ),
        ],
    );
}

#[test]
fn the_root_has_no_conditions() {
    let what = |key| {
        format!(
            "line 1, column 1: `{key}` stands at the top, where every alert is taken; put it below `[[route]]`"
        )
    };
    for (key, value) in [("at_least", "\"high\""), ("agents", "7"), ("goes_on", "true")] {
        check(&format!("{key} = {value}"), &[("notify.rules_condition", &what(key))]);
    }
}

#[test]
fn a_hundred_mistakes_are_kept_and_the_rest_counted() {
    let text = "[[silence]]\n".repeat(130);
    let error = Rules::from_toml(&text).unwrap_err();
    assert_eq!((error.mistakes().count(), error.left_out()), (100, 30));
    assert_eq!(
        error.to_string(),
        "line 1, column 1: a silence needs `until` (and 129 more mistakes)"
    );
}

#[test]
fn mistakes_of_json_have_no_place() {
    let error = serde_json::from_value::<Rules>(json!({ "route": [{ "too": [] }] })).unwrap_err();
    assert_eq!(error.to_string(), "a route has no key `too`; did you mean `to`?");
    let error = serde_json::from_value::<AlertMatch>(json!(7)).unwrap_err();
    assert_eq!(error.to_string(), "`value = 7`: write a table");
}
