//! What the router refuses, and what it warns of, in the words that people see.

use std::{sync::Arc, time::Duration};

use safeguards_notify::{
    AlertMatch, Escalation, GroupLabel, Inhibition, Route, Router, Rules, Silence, TopicFilter,
};
use safeguards_types::{Severity, Timestamp};

fn channels() -> Vec<Arc<str>> {
    ["ops", "slack", "pager"].map(Into::into).to_vec()
}

#[track_caller]
fn check_rules(rules: Rules, expected: &[(&str, &str)]) {
    let error = Router::new(rules, &channels()).unwrap_err();
    let found: Vec<_> =
        error.mistakes().map(|mistake| (mistake.code(), mistake.to_string())).collect();
    let expected: Vec<_> =
        expected.iter().map(|(code, text)| (*code, (*text).to_owned())).collect();
    assert_eq!(found, expected);
}

/// What is refused of a file that is well formed.
#[track_caller]
fn check(text: &str, expected: &[(&str, &str)]) {
    check_rules(Rules::from_toml(text).unwrap(), expected);
}

/// What is warned of.
#[track_caller]
fn check_warnings(text: &str, expected: &[&str]) {
    let router = Router::new(Rules::from_toml(text).unwrap(), &channels()).unwrap();
    let now = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    let found: Vec<_> = router.warnings(now).iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
}

#[test]
fn channels_are_those_of_the_hub_each_once() {
    let code = "notify.rules_channel";
    check(
        "to = [\"slak\"]\n[[route]]\nname = \"a\"\nto = [\"ops\", \"mail\"]\n[[route]]\nescalate = [{ after = \"1m\", to = [\"ops\", \"ops\"] }]",
        &[
            (code, "the root: `to` names no channel: `slak`; did you mean `slack`?"),
            (
                code,
                "line 2: route `a`: `to` names no channel: `mail`; there are ops, slack and pager",
            ),
            (code, "line 5: route 2: `escalate.to` names `ops` twice; each once"),
        ],
    );
}

#[test]
fn spans_are_more_than_nothing_and_of_use() {
    let code = "notify.rules_span";
    check("interval = \"0s\"", &[(code, "the root: `interval = 0s`: write more than 0")]);
    check("cooldown = \"9000h\"", &[(code, "the root: `cooldown = 9000h`: write at most 8784h")]);
    check(
        "[[inhibit]]\nby.agents = [\"a\"]\nmutes.agents = [\"b\"]\nlasts = \"0s\"",
        &[(code, "line 1: inhibition 1: `lasts = 0s`: write more than 0")],
    );
    check(
        "interval = \"5m\"\n[[route]]\ngroup_by = \"each\"\n[[route.route]]\ninterval = \"1m\"",
        &[(
            code,
            "line 4: route 2: `interval = 1m` is of no use where every alert is told alone; group by labels, or leave it out",
        )],
    );
}

#[test]
fn escalations_have_channels_and_an_order() {
    let code = "notify.rules_escalation";
    check(
        "escalate = [{ after = \"5m\", to = [] }, { after = \"300s\", to = [\"ops\"] }]",
        &[
            (code, "the root: the escalation after 5m has no channels; name at least one"),
            (
                code,
                "the root: the escalation after 5m comes behind one after 5m; each is later than the one before",
            ),
        ],
    );
    check(
        "escalate = [{ after = \"0s\", to = [\"ops\"] }]",
        &[("notify.rules_span", "the root: `escalate.after = 0s`: write more than 0")],
    );
}

#[test]
fn an_inhibition_leaves_what_sets_it_off() {
    check(
        "[[inhibit]]\nby.topics = [\"a.b\"]\nmutes.topics = [\"a.**\"]",
        &[(
            "notify.rules_inhibition",
            "line 1: inhibition 1: `mutes` means all that `by` means, so nothing would be told; narrow `mutes`, by `at_most` say",
        )],
    );
}

#[test]
fn a_silence_ends_after_it_begins() {
    check(
        "[[silence]]\nfrom = 2026-12-24T00:00:00Z\nuntil = 2026-12-24T00:00:00Z",
        &[(
            "notify.rules_silence",
            "line 1: silence 1: `until = 2026-12-24T00:00:00Z` is no later than `from = 2026-12-24T00:00:00Z`",
        )],
    );
}

#[test]
fn a_name_is_there_once() {
    let code = "notify.rules_name";
    check(
        "[[route]]\nname = \"a\"\n[[route]]\nname = \"\"\n[[route.route]]\nname = \"a\"",
        &[
            (code, "line 3: route ``: a name has 1 to 256 bytes and no control characters"),
            (code, "line 5: route `a`: route 1 has this name already; each has one of its own"),
        ],
    );
}

#[test]
fn paths_lead_somewhere_and_the_root_takes_all() {
    let code = "notify.rules_condition";
    check(
        "[[route]]\nmetadata = { \"a..b\" = 1, c = [] }",
        &[
            (code, "line 1: route 1: `metadata` has the path `a..b`; none of its parts is empty"),
            (code, "line 1: route 1: `metadata.c` has no values; name at least one"),
        ],
    );
    let mut rules = Rules::default();
    rules.otherwise.when = AlertMatch::all().agent("a");
    check_rules(
        rules,
        &[(code, "the root: it takes every alert, so it has no conditions and does not go on")],
    );
    let route = Route::default().group_by(vec![GroupLabel::metadata("a.")]);
    check_rules(
        Rules::default().route(route),
        &[(
            "notify.rules_label",
            "route 1: `group_by` has the label `metadata.a.`; no part of its path is empty",
        )],
    );
}

#[test]
fn trees_are_bounded() {
    let code = "notify.rules_size";
    let deep = |depth: usize| {
        let tree = (1..depth).fold(Route::default(), |below, _| Route::default().route(below));
        Rules::default().route(tree)
    };
    assert!(Router::new(deep(16), &channels()).is_ok());
    check_rules(deep(17), &[(code, "route 16: it is 16 routes deep, and deeper none may be")]);
    let wide = |count: usize| {
        let mut rules = Rules::default();
        let route = |number| Route::when(AlertMatch::all().agent(format!("a{number}")));
        rules.otherwise.routes = (0..count).map(route).collect();
        rules
    };
    assert_eq!(Router::new(wide(100_000), &channels()).unwrap().route_count(), 100_001);
    check_rules(wide(100_001), &[(code, "the root: there are 100001 routes; there may be 100000")]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let minute = Duration::from_mins(1);
    let rules = Rules::default().to(["opps"]).route(
        Route::default().interval(Duration::ZERO).escalate(Escalation::after(minute, ["op"])),
    );
    check_rules(
        rules,
        &[
            (
                "notify.rules_channel",
                "the root: `to` names no channel: `opps`; did you mean `ops`?",
            ),
            ("notify.rules_span", "route 1: `interval = 0s`: write more than 0"),
            (
                "notify.rules_channel",
                "route 1: `escalate.to` names no channel: `op`; did you mean `ops`?",
            ),
        ],
    );
    let error = Router::new(Rules::default().to(["a"]), &[]).unwrap_err();
    assert_eq!(error.to_string(), "the root: `to` names no channel: `a`; there are none");
}

#[test]
fn a_route_that_takes_nothing_is_warned_of() {
    check_warnings(
        "[[route]]\nname = \"a\"\nat_least = \"high\"\nat_most = \"low\"",
        &["line 1: route `a` can never take an alert: its `at_least` is above its `at_most`"],
    );
    check_warnings(
        "[[route]]\ntopics = [\"a.**\"]\n[[route]]\nname = \"b\"\ntopics = [\"a.b\", \"a.c.*\"]\nagents = [\"x\"]",
        &[
            "line 3: route `b` can never take an alert: route 1 before it takes all that it means and does not go on",
        ],
    );
    check_warnings(
        "[[route]]\ntopics = [\"a.**\"]\ngoes_on = true\n[[route]]\ntopics = [\"a.b\"]",
        &[],
    );
    check_warnings("[[route]]\ntopics = [\"a.**\"]\n[[route]]\ntopics = [\"a.b\", \"b\"]", &[]);
    check_warnings(
        "[[route]]\nname = \"a\"\nagents = [\"x\"]\n[[route.route]]\nat_least = \"low\"\n[[route.route.route]]\nagents = [\"y\"]\n",
        &[
            "line 6: route 3 can never take an alert: by `agents`, no alert is meant both here and by route `a` above it",
        ],
    );
    check_warnings(
        "[[route]]\nat_least = \"high\"\n[[route.route]]\nat_most = \"medium\"",
        &[
            "line 3: route 2 can never take an alert: by `at_least` and `at_most`, no alert is meant both here and by route 1 above it",
        ],
    );
    check_warnings(
        "[[route]]\ntopics = [\"a.*\"]\n[[route.route]]\ntopics = [\"a\"]\n[[route.route]]\ntopics = [\"*.b\"]",
        &[
            "line 3: route 2 can never take an alert: by `topics`, no alert is meant both here and by route 1 above it",
        ],
    );
    check_warnings(
        "[[route]]\nmetadata.team = \"a\"\n[[route.route]]\nmetadata.team = \"b\"",
        &[
            "line 3: route 2 can never take an alert: by `metadata.team`, no alert is meant both here and by route 1 above it",
        ],
    );
}

#[test]
fn a_silence_that_mutes_nothing_is_warned_of() {
    check_warnings(
        "[[silence]]\nuntil = 2026-06-01T00:00:00Z\n[[silence]]\nuntil = 2026-06-01T00:00:01Z\n[[silence]]\nuntil = 2027-01-01T00:00:00Z\nat_least = \"high\"\nat_most = \"low\"",
        &[
            "line 1: silence 1 is over: it ended at 2026-06-01T00:00:00Z",
            "line 5: silence 3 can never mute an alert: its `at_least` is above its `at_most`",
        ],
    );
}

#[test]
fn an_inhibition_that_mutes_nothing_is_warned_of() {
    check_warnings(
        "[[inhibit]]\nby = { at_least = \"high\", at_most = \"low\" }\nmutes.at_most = \"high\"",
        &[
            "line 1: inhibition 1 can never mute an alert: `at_least` of `by` is above its `at_most`",
        ],
    );
    check_warnings(
        "[[inhibit]]\nby.topics = [\"a.*\"]\nmutes.topics = [\"b.*\"]\nequal = [\"agent\", \"topic\"]",
        &[
            "line 1: inhibition 1 can never mute an alert: what `by` means and what `mutes` means never have the same `topic`",
        ],
    );
    // As labels, `1` and `"1"` are the same.
    check_warnings(
        "[[inhibit]]\nby = { metadata.n = 1, agents = [\"a\"] }\nmutes.metadata.n = [\"1\"]\nequal = [\"metadata.n\"]",
        &[],
    );
    check_warnings(
        "[[inhibit]]\nby.metadata.n = 1\nmutes.metadata.n = 2\nequal = [\"metadata.n\"]",
        &[
            "line 1: inhibition 1 can never mute an alert: what `by` means and what `mutes` means never have the same `metadata.n`",
        ],
    );
}

#[test]
fn rules_made_in_rust_are_warned_of_without_a_line() {
    let filter = |text: &str| text.parse::<TopicFilter>().unwrap();
    let rules = Rules::default()
        .route(Route::when(AlertMatch::all()))
        .route(Route::when(AlertMatch::all().topic(filter("a"))))
        .silence(Silence::until(AlertMatch::all(), Timestamp::UNIX_EPOCH))
        .inhibit(
            Inhibition::new(
                AlertMatch::all().at_least(Severity::Critical),
                AlertMatch::all().at_most(Severity::High),
            )
            .equal([GroupLabel::Severity]),
        );
    let router = Router::new(rules, &channels()).unwrap();
    let found: Vec<_> =
        router.warnings(Timestamp::UNIX_EPOCH).iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "route 2 can never take an alert: route 1 before it takes all that it means and does not go on",
            "inhibition 1 can never mute an alert: what `by` means and what `mutes` means never have the same `severity`",
            "silence 1 is over: it ended at 1970-01-01T00:00:00Z",
        ]
    );
}
