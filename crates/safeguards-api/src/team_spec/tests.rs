//! Tests of the team file: what is read, and what each mistake says.

use std::{collections::BTreeSet, time::Duration};

use safeguards_notify::{GroupBy, GroupLabel};
use safeguards_types::{Amounts, Priority, requests, tokens, usd};

use super::*;

const SMALL: &str = r#"
pool = { limits = ["1.00 USD"] }

[[agent]]
name = "writer"
command = ["python3", "writer.py"]
estimate = "0.10 USD"
"#;

const FULL: &str = r#"
name = "research_team"
strategy = "pipeline"
deadline = "10m"
units = ["credits"]
prices = "prices.toml"

[pool]
limits = ["0.60 USD per day in Europe/Berlin", "60 requests per 60s"]
warn_at = ["50%", "80%"]
protect = [{ last = "10%", from = 5 }]

[[pools]]
name = "cheap"
parent = "shared"
limits = ["0.20 USD"]
warn_at = []

[[pools]]
name = "shared"
priority = 3

[[agent]]
name = "research"
command = ["python3", "agents/research.py"]
priority = 7
limits = ["2.00 USD", "10 credits"]
estimate = ["0.20 USD", "2 credits"]
timeout = "2m"
env = ["PATH", "MODE=fast=1"]
dir = "work"
pool = "cheap"
price = { input = "0.15 USD per 1M tokens", output = "0.60 USD per 1M tokens" }

[[agent]]
name = "summary"
command = ["./summarise"]
free = true

[[alert]]
on = "budget.**"
at_least = "medium"
to = "console"

[[alert]]
to = { file = "alerts.jsonl" }
"#;

#[test]
fn a_full_file_is_read_to_the_last_key() {
    let spec = TeamSpec::parse(FULL, "teams/full.toml").unwrap();
    assert_eq!(spec.name.as_str(), "research_team");
    assert_eq!(spec.folder(), Path::new("teams"));
    assert_eq!(spec.deadline, Duration::from_mins(10));
    assert_eq!(spec.units, [Unit::new("credits")]);
    assert_eq!(spec.prices.as_deref(), Some(Path::new("prices.toml")));

    let pools: Vec<_> = spec
        .pools
        .iter()
        .map(|pool| (pool.account.as_str(), pool.parent.as_ref().map(AccountId::as_str)))
        .collect();
    assert_eq!(
        pools,
        [("research_team", None), ("shared", Some("research_team")), ("cheap", Some("shared"))]
    );
    let warnings = |pool: usize| spec.pools[pool].limits[0].warnings().len();
    assert_eq!((warnings(0), warnings(2)), (2, 0));
    assert_eq!(spec.pools[0].protection[0].from, Priority::P5);

    let [research, summary] = spec.agents.as_slice() else { panic!("two agents") };
    assert_eq!(research.estimate.to_string(), "0.20 USD, 2 credits");
    assert_eq!(research.limits[0].warnings(), [safeguards_budget::Percent::EIGHTY]);
    assert_eq!(research.timeout, Some(Duration::from_mins(2)));
    assert_eq!(research.pool.as_str(), "cheap");
    assert_eq!(research.dir.as_deref(), Some("work"));
    assert!(research.price.is_some());
    assert_eq!(
        research.environment,
        [
            VariableSpec::Inherit("PATH".to_owned()),
            VariableSpec::Set { name: "MODE".to_owned(), value: "fast=1".to_owned() }
        ]
    );
    assert!(summary.is_free && summary.estimate.is_empty());
    assert_eq!(summary.pool.as_str(), "research_team");
    let file = FileTarget { path: "alerts.jsonl".into(), rotate_at: None, keep: None };
    assert_eq!(spec.alerts[1].to, AlertTarget::File(file));
}

#[test]
fn a_small_file_has_the_defaults() {
    let spec = TeamSpec::parse(SMALL, "report.toml").unwrap();
    assert_eq!(spec.name.as_str(), "report");
    assert_eq!(spec.folder(), Path::new("."));
    assert_eq!(spec.strategy, StrategySpec::Pipeline);
    assert_eq!(spec.deadline, TeamSpec::DEFAULT_DEADLINE);
    assert_eq!(spec.agents[0].estimate, Amounts::from(usd!(0.10)));
    assert_eq!(spec.agents[0].priority, Priority::P5);
    let notes = spec.notes();
    assert_eq!(notes, ["writer has no `timeout`; only the deadline of 10m ends it"]);
}

/// Changes one text of the small file, and expects one mistake.
#[track_caller]
fn check(from: &str, to: &str, code: &str, message: &str) {
    assert!(SMALL.contains(from), "`{from}` is in the file");
    let error = TeamSpec::parse(&SMALL.replace(from, to), "team.toml").unwrap_err();
    assert_eq!(error.to_string(), format!("team.toml:{message}"));
    assert_eq!(error.code(), code);
}

#[test]
fn every_mistake_says_where_what_and_what_is_allowed() {
    check(
        "name = \"writer\"",
        "name = \"writer\"\n  limts = []",
        "config.unknown_key",
        "6:3: agent writer has no key `limts`; did you mean `limits`?",
    );
    check(
        "estimate = \"0.10 USD\"",
        "estimate = 0.2",
        "config.amount",
        "7:12: `estimate = 0.2` is a bare number; write \"0.2 USD\": an amount has a unit, and no digit is lost",
    );
    check(
        "\"1.00 USD\"",
        "\"1 USD\", 5",
        "config.amount",
        "2:29: `5` in `limits` is a bare number; write \"5 USD\": an amount has a unit, and no digit is lost",
    );
    check(
        "0.10 USD",
        "-0.10 USD",
        "config.amount",
        "7:12: \"-0.10 USD\": `-0.10` is negative; quantities are 0 or more",
    );
    check(
        "0.10 USD",
        "0.1000000000001 USD",
        "config.amount",
        "7:12: \"0.1000000000001 USD\": `0.1000000000001` has more than 12 decimal places; nothing is rounded in silence",
    );
    check(
        "1.00 USD",
        "0.60 dollars",
        "config.unit",
        "2:20: \"0.60 dollars\": no unit `dollars`; known are USD, tokens, requests; `units = [\"dollars\"]` adds one",
    );
    check(
        "command = [\"python3\", \"writer.py\"]",
        "",
        "config.agent",
        "4:1: agent writer has no `command`, so nothing can run it; write a list such as [\"python3\", \"agent.py\"]",
    );
    check(
        "estimate =",
        "limits = [\"2.00 USD\"]\nestimate = \"3.00 USD\" #",
        "config.never",
        "8:12: agent writer holds 3.00 USD before a run but may spend 2.00 USD in all: it can never start (and 1 more mistake)",
    );
    check(
        "\"1.00 USD\"",
        "\"1.00 USD\", \"9_000 tokens\"",
        "config.unheld",
        "4:1: team limits tokens, but the estimate of agent writer names none; add what a run may take, such as \"8_000 tokens\", or \"0 tokens\"",
    );
}

#[test]
fn agents_are_read_as_strictly() {
    check(
        "[[agent]]",
        "[agent]",
        "config.value",
        "4:1: agent: write a list of tables: `[[agent]]` before each",
    );
    check(
        "estimate = \"0.10 USD\"",
        "",
        "config.missing",
        "4:1: agent writer needs an `estimate`: what is held before each run, such as \"0.10 USD\", here or in [run]; or `free = true`",
    );
    check("name = \"writer\"\n", "", "config.missing", "4:1: an agent needs a `name`");
    check(
        "name = \"writer\"",
        "name = \"writer\"\npool = \"nowhere\"",
        "config.agent",
        "6:8: agent writer: there is no pool `nowhere`; there are team",
    );
    check(
        "name = \"writer\"",
        "name = \"team\"",
        "config.agent",
        "5:8: there is a pool `team` already; each name once",
    );
    check(
        "name = \"writer\"",
        "name = \"writer\"\npriority = 11",
        "config.value",
        "6:12: `priority = 11`: a priority is 1 to 10; 10 matters most",
    );
    check(
        "name = \"writer\"",
        "name = \"writer\"\ntimeout = 60",
        "config.value",
        "6:11: `timeout = 60`: a span of time is a text, such as \"90s\" or \"10m\"",
    );
    check(
        "\"writer.py\"]",
        "\"writer.py\"]\nprice = { input = \"1 USD\", output = \"2 USD per 1M tokens\" }",
        "config.amount",
        "7:19: input: `1 USD` is no price; write an amount per tokens, such as \"0.15 USD per 1M tokens\", \
         \"0.15 USD per 1_000 tokens\" or \"0.00000015 USD per token\"",
    );
}

#[test]
fn the_rest_of_the_file_is_read_as_strictly() {
    check(
        "name = \"writer\"",
        "name = \"writer\"\nbreaker = {}",
        "config.unsupported",
        "6:1: agent writer: `breaker` is not supported yet; leave it out",
    );
    check(
        "pool =",
        "strategy = \"votes\"\npool =",
        "config.strategy",
        "2:12: there is no strategy \"votes\"; did you mean \"vote\"? known are fan_out, graph, hand_over, map_reduce, \
         pipeline, supervisor, vote",
    );
    check(
        "pool =",
        "store = \"env:STORE\"\npool =",
        "config.unsupported",
        "2:9: store \"env:STORE\" is not supported yet; write the name of a durable file, such as \"fleet.redb\", or of a file of runs alone, such as \"runs.jsonl\"",
    );
    check(
        "limits = [\"1.00 USD\"]",
        "limits = [\"1.00 USD per day in Berlin\"]",
        "config.window",
        "2:20: \"1.00 USD per day in Berlin\": there is no time zone `Berlin`; write an IANA name such as UTC or Europe/Berlin",
    );
    check(
        "limits = [\"1.00 USD\"]",
        "limits = [\"1.00 USD\"], protect = [{ last = \"95%\", from = 6 }]",
        "config.never",
        "7:12: agent writer holds 0.10 USD before a run but team may spend 1.00 USD in all, of which 0.95 USD are kept for higher priorities: it can never start",
    );
    check(
        "pool = {",
        "concurrency = 2\npool = {",
        "config.value",
        "2:15: `concurrency` is for agents that run side by side; strategy = \"pipeline\" runs one at a time",
    );
    check("pool =", "pool", "config.syntax", "2:6: key with no value, expected `=`");
}

/// What is wrong with an `[[alert]]` of these keys, from line 9 on.
fn alert_mistakes(keys: &str) -> Vec<String> {
    let error = TeamSpec::parse(&format!("{SMALL}[[alert]]\n{keys}\n"), "t.toml").unwrap_err();
    error.mistakes().map(ToString::to_string).collect()
}

#[track_caller]
fn check_alert(keys: &str, expected: &str) {
    assert_eq!(alert_mistakes(keys), [format!("t.toml:{expected}")], "{keys}");
}

#[test]
fn alerts_go_where_they_can() {
    let targets = "\"console\", or { file = \"alerts.jsonl\" }, or one of webhook, slack and email";
    check_alert("to = \"pager\"", &format!("9:6: `to`: write {targets}"));
    check_alert("", &format!("8:1: an alert needs `to`: {targets}"));
    check_alert("to = {}", &format!("9:6: an alert goes nowhere; write {targets}"));
    check_alert(
        "to = { fiel = \"a\", file = \"b\" }",
        "9:8: the target of an alert has no key `fiel`; did you mean `file`?",
    );
    check_alert(
        "to = { file = \"a\", email = {} }",
        "9:6: an alert goes to one target, and these are file and email; write an [[alert]] for each",
    );
    check_alert(
        "to = { file = \"a\", keep = 3 }",
        "9:27: `keep` is for a file that is rotated; add `rotate_at`, in bytes",
    );
    check_alert(
        "to = { file = \"a\", rotate_at = 0 }",
        "9:32: `rotate_at = 0`: write how many bytes, 1 or more",
    );
    check_alert(
        "at_least = \"loud\"\nto = \"console\"",
        "9:12: at_least: `loud` is no severity; there are informational, low, medium, high and critical",
    );
}

#[test]
fn how_alerts_are_told_is_said_with_them() {
    let spec = TeamSpec::parse(
        &format!(
            "{SMALL}[[alert]]\nto = {{ file = \"a\", rotate_at = 1_000, keep = 2 }}\n\
             group_by = [\"topic\", \"metadata.account\"]\nwait = \"10s\"\ninterval = \"5m\"\n\
             cooldown = \"1h\"\n"
        ),
        "t.toml",
    )
    .unwrap();
    let alert = &spec.alerts[0];
    let file = FileTarget { path: "a".into(), rotate_at: Some(1_000), keep: Some(2) };
    assert_eq!(alert.to, AlertTarget::File(file));
    let labels = [GroupLabel::Topic, GroupLabel::metadata("account")];
    assert_eq!(alert.group_by, Some(GroupBy::Keys(labels.into())));
    let spans = [alert.wait, alert.interval, alert.cooldown];
    assert_eq!(spans, [10, 300, 3_600].map(|seconds| Some(Duration::from_secs(seconds))));

    let console = |keys: &str| format!("to = \"console\"\n{keys}");
    check_alert(
        &console("group_by = \"all\""),
        "10:12: `group_by = \"all\"`: write \"each\" or a list of labels, such as [\"topic\", \"agent\"]",
    );
    check_alert(
        &console("group_by = [\"colour\"]"),
        "10:13: group_by: `colour` is no label; there are topic, agent, severity, key and metadata.PATH",
    );
    check_alert(
        &console("interval = \"5m\""),
        "10:12: `interval` is for alerts that are told together, and these are told each alone; add `group_by`, such as \
         [\"topic\", \"agent\"]",
    );
    check_alert(&console("cooldown = \"9000h\""), "10:12: cooldown: write at most 366 days, 8784h");
}

#[test]
fn a_file_of_rules_says_alone_what_goes_where() {
    let with_rules = |alert: &str| {
        let text = format!("rules = \"alerts.toml\"\n{SMALL}[[alert]]\n{alert}\n");
        TeamSpec::parse(&text, "t.toml")
    };
    let spec = with_rules("name = \"ops\"\nto = \"console\"").unwrap();
    assert_eq!(spec.rules, Some("alerts.toml".into()));
    assert_eq!(spec.alerts[0].name.as_deref(), Some("ops"));

    let mistake = |alert: &str| with_rules(alert).unwrap_err().to_string();
    assert_eq!(mistake("to = \"console\""), "t.toml:9:1: an alert needs a `name`");
    assert_eq!(
        mistake("name = \"ops\"\nto = \"console\"\non = \"budget.**\""),
        "t.toml:12:6: `on` is said by the rules of alerts.toml: there the alerts that go to this name are chosen and \
         grouped; leave it out here"
    );
    assert_eq!(
        mistake("name = \"ops\"\nto = \"console\"\n[[alert]]\nname = \"ops\"\nto = \"console\""),
        "t.toml:13:8: two alerts are named \"ops\"; each has its own"
    );
}

#[test]
fn an_alert_may_have_a_name_without_rules() {
    let named = "[[alert]]\nname = \"ops\"\nto = \"console\"\n";
    let spec = TeamSpec::parse(&format!("{SMALL}{named}"), "t.toml").unwrap();
    assert_eq!(spec.alerts[0].name.as_deref(), Some("ops"));
    let error = TeamSpec::parse(&format!("{SMALL}{named}{named}"), "t.toml").unwrap_err();
    assert!(
        error.to_string().ends_with("two alerts are named \"ops\"; each has its own"),
        "{error}"
    );
}

#[test]
fn a_topic_that_is_perhaps_mistyped_is_noted() {
    let note_of = |on: &str| {
        let alert = format!("[[alert]]\non = \"{on}\"\nto = \"console\"\n");
        let notes = TeamSpec::parse(&format!("{SMALL}{alert}"), "t.toml").unwrap().notes();
        notes.into_iter().find(|note| note.contains("[[alert]]"))
    };
    assert_eq!(
        note_of("bugdet.**").as_deref(),
        Some(
            "[[alert]] 1 is told of `bugdet.**`, and no topic of a run begins with `bugdet`; did you mean `budget`?"
        )
    );
    for fine in ["budget.**", "**", "*.denied", "release.done", "agents_of_mine.**"] {
        assert_eq!(note_of(fine), None, "{fine}");
    }
}

#[cfg(feature = "webhook")]
#[test]
fn webhooks_and_chats_take_their_secrets_from_the_environment() {
    let spec = TeamSpec::parse(
        &format!(
            "{SMALL}[[alert]]\nto = {{ webhook = \"https://ops.example.com/x\", secret = \"env:KEY\", \
             allow_private = [\"ops.example.com\"] }}\n[[alert]]\nto = {{ slack = \"env:SLACK_URL\" }}\n"
        ),
        "t.toml",
    )
    .unwrap();
    let AlertTarget::Webhook(webhook) = &spec.alerts[0].to else { panic!("{spec:?}") };
    assert_eq!(webhook.url, Setting::Plain("https://ops.example.com/x".to_owned()));
    assert_eq!(
        webhook.secret.as_ref().map(|secret| &secret.source),
        Some(&SecretSource::Variable("KEY".to_owned()))
    );
    assert_eq!(webhook.allow_private, ["ops.example.com"]);
    assert!(
        matches!(&spec.alerts[1].to, AlertTarget::Slack(slack) if slack.url.source == SecretSource::Variable("SLACK_URL".to_owned()))
    );

    let message =
        alert_mistakes("to = { slack = \"https://hooks.slack.com/T0/B0/token\" }").concat();
    assert_eq!(
        message,
        "t.toml:9:16: `slack`: it is a secret, so write \"env:NAME\" of the variable that holds it, or \"file:PATH\""
    );
    check_alert(
        "to = { webhook = \"env:\" }",
        "9:18: \"\" is no name of a variable; write \"env:NAME\"",
    );
}

#[cfg(not(feature = "webhook"))]
#[test]
fn a_build_without_webhooks_says_which_feature_it_lacks() {
    for kind in ["webhook", "slack"] {
        check_alert(
            &format!("to = {{ {kind} = \"env:URL\" }}"),
            &format!(
                "9:{}: this build reaches no `{kind}`; it needs the feature `webhook`",
                11 + kind.len()
            ),
        );
    }
}

#[cfg(feature = "email")]
#[test]
fn a_mail_has_a_server_a_sender_and_somebody_who_gets_it() {
    let email =
        |keys: &str| format!("to = {{ email = {{ server = \"m\", from = \"a@b.c\", {keys} }} }}");
    let spec = TeamSpec::parse(
        &format!(
            "{SMALL}[[alert]]\n{}\n",
            email("to = [\"d@e.f\"], user = \"u\", password = \"env:PW\", port = 465, tls = \"implicit\"")
        ),
        "t.toml",
    )
    .unwrap();
    let AlertTarget::Email(target) = &spec.alerts[0].to else { panic!("{spec:?}") };
    assert_eq!((target.port, target.tls), (Some(465), EmailTls::Implicit));
    assert_eq!(target.login.as_ref().map(|(user, _)| user.as_str()), Some("u"));

    check_alert(&email("port = 25"), "9:16: the target `email` needs `to`");
    check_alert(
        &email("to = [\"d@e.f\"], user = \"u\""),
        "9:16: `user` and `password` go together; write both, or neither",
    );
    check_alert(
        &email("to = [\"d@e.f\"], tls = \"ssl\""),
        "9:70: there is no `tls = \"ssl\"`; write \"starttls\", \"implicit\" or \"none\"",
    );
    assert!(
        !alert_mistakes(&email("to = [], user = \"u\", password = \"hunter2\""))
            .concat()
            .contains("hunter2")
    );
}

#[test]
fn all_mistakes_come_in_the_order_of_the_file() {
    let text = "pols = 1\nstrategy = 3\n[[agent]]\nname = \"a\"\nlimits = [\"1 USD\", \"x\"]\n";
    let error = TeamSpec::parse(text, "t.toml").unwrap_err();
    let places: Vec<_> =
        error.mistakes().map(|mistake| (mistake.line, mistake.column, mistake.code())).collect();
    assert_eq!(
        places,
        [
            (1, 1, "config.unknown_key"),
            (2, 12, "config.value"),
            (3, 1, "config.agent"),
            (3, 1, "config.missing"),
            (5, 20, "config.amount"),
        ]
    );
}

#[test]
fn of_many_mistakes_the_first_are_kept_and_the_others_counted() {
    let line = "limits = [\"ä\", \"x\"]\n";
    let agents = (0..2_000).map(|number| format!("[[agent]]\nname = \"a{number}\"\n{line}"));
    let text: String = agents.collect();
    let error = TeamSpec::parse(&text, "t.toml").unwrap_err();
    assert_eq!((error.mistakes().count(), error.left_out()), (100, 2_000 * 4 - 100));
    assert!(error.to_string().ends_with(" (and 7999 more mistakes)"), "{error}");
    let places: Vec<_> =
        error.mistakes().map(|mistake| (mistake.line, mistake.column)).take(8).collect();
    assert_eq!(places[..4], [(1, 1), (1, 1), (3, 11), (3, 16)]);
    assert_eq!(places[4..], [(4, 1), (4, 1), (6, 11), (6, 16)]);
}

#[test]
fn names_that_are_listed_in_a_message_are_not_all_listed() {
    let units: Vec<String> = (0..500).map(|number| format!("\"u{number}\"")).collect();
    let text = format!("units = [{}]\n{}", units.join(", "), SMALL.replace("0.10 USD", "1 credit"));
    let error = TeamSpec::parse(&text, "t.toml").unwrap_err().to_string();
    assert!(error.contains("known are USD, tokens, requests, u0, "), "{error}");
    assert!(error.contains(", u16 and 483 more; `units = [\"credit\"]` adds one"), "{error}");
}

#[test]
fn what_the_ledger_or_the_system_would_refuse_is_a_mistake_with_its_place() {
    let too_large =
        "2000000000000000.00 USD is more than 1000000000000000, the largest amount taken";
    check(
        "1.00 USD",
        "2_000_000_000_000_000 USD",
        "config.amount",
        &format!("2:20: \"2_000_000_000_000_000 USD\": {too_large}"),
    );
    check(
        "0.10 USD",
        "2_000_000_000_000_000 USD",
        "config.amount",
        &format!("7:12: \"2_000_000_000_000_000 USD\": {too_large}"),
    );
    let nul = |key: &str| format!("`{key}` has a NUL in it; nothing on this system is called so");
    check("writer.py", "a\\u0000b", "config.value", &format!("6:23: {}", nul("command")));
    let dir = "name = \"writer\"\ndir = \"a\\u0000\"";
    check("name = \"writer\"", dir, "config.value", &format!("6:7: {}", nul("dir")));
    check(
        "pool =",
        "prices = \"a\\u0000\"\npool =",
        "config.value",
        &format!("2:10: {}", nul("prices")),
    );
    check(
        "[[agent]]",
        "[[alert]]\nto = { file = \"a\\u0000\" }\n[[agent]]",
        "config.value",
        &format!("5:15: {}", nul("file")),
    );
}

#[test]
fn pools_that_stand_below_each_other_are_refused() {
    let ring = format!(
        "{SMALL}[[pools]]\nname = \"a\"\nparent = \"b\"\n[[pools]]\nname = \"b\"\nparent = \"a\"\n"
    );
    let error = TeamSpec::parse(&ring, "t.toml").unwrap_err();
    assert_eq!(error.mistakes().count(), 2);
    assert_eq!(
        error.to_string(),
        "t.toml:9:8: pool a stands below itself; `parent` must lead to the team's own pool (and 1 more mistake)"
    );
}

#[test]
fn what_is_not_asked_for_is_held_all_the_same() {
    // A run counts one request by itself, and zero is a statement.
    let text = SMALL
        .replace("\"1.00 USD\"", "\"1.00 USD\", \"9 requests per 60s\", \"5 tokens\"")
        .replace("\"0.10 USD\"", "[\"0.10 USD\", \"0 tokens\"]");
    let spec = TeamSpec::parse(&text, "t.toml").unwrap();
    assert!(!spec.agents[0].estimate.names(requests!(1).unit()));
    assert!(spec.agents[0].estimate.names(tokens!(1).unit()));
}

#[test]
fn every_kind_of_mistake_has_its_own_code() {
    let codes: BTreeSet<_> = MistakeKind::ALL.map(MistakeKind::code).into();
    assert_eq!(codes.len(), MistakeKind::ALL.len());
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(cut in 0..FULL.len(), garbage in "[ -~\n]{0,12}") {
        // A file cut off anywhere, and with anything in its middle: never a panic.
        let text = format!("{}{garbage}{}", &FULL[..cut], &FULL[cut..]);
        let _ = TeamSpec::parse(&text, "t.toml");
        let _ = TeamSpec::parse(&FULL[..cut], "t.toml");
    }
}

/// The small file with more in its agent, and more at its top.
fn with(top: &str, agent: &str) -> String {
    format!("{top}\n{SMALL}{agent}\n")
}

#[test]
fn what_agents_can_do_is_read_in_short_and_in_full() {
    let text = with(
        "strategy = \"fan_out\"\nby = { capability = \"data\", version = \">=1\", order = \"least-loaded\", tags = [\"t\"], where = [\"size >= 3\"], metadata = { formats = [\"json\"] } }",
        r#"
capabilities.data_retrieval = { formats = ["json", "xml"], size = 0x10, share = 0.5, since = 2026-03-02, deep = { on = true } }
capabilities."data.text" = {}

[[agent.capability]]
name = "data.analysis"
version = "1.4.0"
description = "fits models"
tags = ["statistics", "fast"]
cost = ["0.02 USD", "100 tokens"]
metadata = { algorithms = ["linear"] }

[[agent.capability]]
name = "data.analysis"
version = "2.0.0"
"#,
    );
    let spec = TeamSpec::parse(&text, "t.toml").unwrap();
    let capabilities = &spec.agents[0].capabilities;
    let names: Vec<String> = capabilities.iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        ["data.text", "data_retrieval", "data.analysis 1.4.0", "data.analysis 2.0.0"]
    );
    let metadata = serde_json::to_string(&capabilities[1].metadata).unwrap();
    assert_eq!(
        metadata,
        r#"{"deep":{"on":true},"formats":["json","xml"],"share":0.5,"since":"2026-03-02","size":16}"#
    );
    let full = &capabilities[2];
    assert_eq!(
        (full.description.as_str(), full.cost.to_string().as_str()),
        ("fits models", "0.02 USD, 100 tokens")
    );
    assert_eq!(full.tags, ["statistics", "fast"]);
    let by = serde_json::to_string(&spec.by).unwrap();
    assert_eq!(
        by,
        r#"{"capability":"data","version":">=1","conditions":[{"path":"size","test":{"range":{"from":3}}},{"path":"formats","test":{"contains":["json"]}}],"tags":["t"],"order":"least_loaded","limit":null}"#
    );
}

#[test]
fn a_capability_that_cannot_be_is_a_mistake_with_its_line() {
    #[track_caller]
    fn check(top: &str, agent: &str, code: &str, parts: &[&str]) {
        let error = TeamSpec::parse(&with(top, agent), "t.toml").unwrap_err();
        let message = error.to_string();
        assert_eq!(error.code(), code, "{message}");
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
    let capability = "config.capability";
    check("", "capabilities.\"data..x\" = {}", capability, &["t.toml:9:14", "data..x"]);
    check("", "capabilities.x = 3", "config.value", &["t.toml:9:18", "`x = 3`"]);
    check(
        "",
        "capabilities = [\"x\"]",
        "config.value",
        &["t.toml:9:16", "capabilities.data_retrieval"],
    );
    let full = |more: &str| format!("[[agent.capability]]\nname = \"x\"\n{more}");
    check("", &full("version = \"1.4\""), capability, &["t.toml:11:11", "1.4", "three numbers"]);
    check("", &full("cost = 0.1"), "config.amount", &["t.toml:11:8"]);
    check("", &full("metadata = 3"), "config.value", &["t.toml:11:12"]);
    check("", &full("speed = 3"), "config.unknown_key", &["capability x", "speed"]);
    check("", "[[agent.capability]]\nversion = \"1.0.0\"", "config.missing", &["name"]);
    let twice = format!("{}\n{}", full(""), full(""));
    check("", &twice, capability, &["twice", "agent writer"]);
    let deep = format!("capabilities.x = {{ a = {}1{} }}", "[".repeat(20), "]".repeat(20));
    check("", &deep, capability, &["metadata", "deep"]);
    let deeper = format!("capabilities.x = {{ a = {}1{} }}", "[".repeat(60), "]".repeat(60));
    check("", &deeper, "config.value", &["t.toml:9:18"]);

    let by = |by: &str| format!("strategy = \"fan_out\"\nby = {by}");
    check(&by("3"), "", "config.value", &["by"]);
    check(&by("{}"), "", "config.missing", &["t.toml:2:6", "capability"]);
    check(
        &by("{ capability = \"x\", version = \"new\" }"),
        "",
        capability,
        &["t.toml:2:36", "new"],
    );
    check(
        &by("{ capability = \"x\", order = \"least-loadd\" }"),
        "",
        capability,
        &["did you mean `least-loaded`"],
    );
    check(&by("{ capability = \"x\", order = \"relevance\" }"), "", capability, &["t.toml:2:6"]);
    check(&by("{ capability = \"x\", where = [\"size ~ 3\"] }"), "", capability, &["size ~ 3"]);
    check(&by("{ capability = \"x\", healthy = true }"), "", "config.unknown_key", &["healthy"]);
    check("by = { capability = \"x\" }", "", "config.value", &["t.toml:1:6", "fan_out"]);
}
