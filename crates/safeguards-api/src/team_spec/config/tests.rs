//! Tests of the configuration: several teams, variables that go over it, and its page.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::MistakeKind;

const FULL: &str = r#"units = ["credits"]
deadline = "5m"

[run]
estimate = "0.05 USD"

[limits]
accounts_max = 100
alerts_kept = 10

[[pools]]
name = "company"
limits = ["10.00 USD per day"]

[[pools]]
name = "deep-dive"
parent = "company"
limits = ["1.00 USD"]

[[agents]]
name = "reader"
command = ["./read"]
estimate = "0.10 USD"

[[agents]]
name = "writer"
command = ["./write"]

[[channels]]
name = "ops"
to = "console"

[[channels]]
name = "log"
to = { file = "alerts.jsonl" }

[alerts]
to = ["log"]

[[routes]]
name = "budgets"
topics = ["budget.**"]
to = ["ops"]

[[teams]]
name = "research"
pool = "deep-dive"
agents = ["writer", "reader"]
deadline = "1m"

[[teams]]
name = "company"
agents = ["reader2"]
strategy = "vote"
vote = { at_least = 1 }
run = { steps_max = 7 }

[[agents]]
name = "reader2"
command = ["./read"]
free = true
"#;

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, TeamFileError> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Config::parse_with(text, "safeguards.toml", variables.iter().map(owned))
}

#[track_caller]
fn mistakes(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let error = parse(text, variables).unwrap_err();
    error.mistakes().map(|mistake| format!("{} {mistake}", mistake.code())).collect()
}

/// One mistake, where `from` of the full file is `to`.
#[track_caller]
fn check(from: &str, to: &str, expected: &str) {
    assert!(FULL.contains(from), "{from}");
    let said = mistakes(&FULL.replacen(from, to, 1), &[]);
    assert!(said.iter().any(|said| said.contains(expected)), "{said:#?}");
}

/// One mistake of a variable.
#[track_caller]
fn check_variable(name: &str, value: &str, expected: &str) {
    assert_eq!(mistakes(FULL, &[(name, value)]), [expected]);
}

/// Deeper than any key there is: it would end the program where it is put into the tree, or taken from it.
#[test]
fn a_variable_of_many_parts_is_refused() {
    let name = format!("SAFEGUARDS__A{}", "__B".repeat(20_000));
    let found = mistakes(FULL, &[(&name, "1")]);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains("its name has 20001 parts; no key has more than 16"),
        "{}",
        found[0].len()
    );
}

#[test]
fn several_teams_share_pools_agents_and_channels() {
    let config = parse(FULL, &[]).unwrap();
    let names: Vec<&str> = config.pools.iter().map(|pool| pool.account.as_str()).collect();
    assert_eq!(names, ["company", "deep-dive"]);
    assert_eq!((config.agents.len(), config.channels.len()), (3, 2));
    assert_eq!(config.limits.ledger().accounts_max, 100);
    assert_eq!(config.limits.alerts().history, 10);

    let team = config.team("research").unwrap();
    let agents: Vec<&str> = team.agents.iter().map(|agent| agent.id.as_str()).collect();
    assert_eq!(agents, ["writer", "reader"], "as the team lists them");
    assert_eq!(team.agents[0].pool.as_str(), "deep-dive", "the team's own, where none is said");
    assert_eq!(team.agents[0].estimate.to_string(), "0.05 USD", "that of [run]");
    assert_eq!((team.account.as_str(), team.pools.len()), ("deep-dive", 2));
    assert_eq!(team.deadline.as_secs(), 60);

    let team = config.team("company").unwrap();
    assert_eq!((team.account.as_str(), team.pools.len()), ("company", 1));
    assert_eq!((team.deadline.as_secs(), team.run.steps_max), (300, Some(7)));
    assert_eq!(team.strategy.name(), "vote");

    let error = config.team("reserch").unwrap_err();
    assert_eq!(
        error.to_string(),
        "safeguards.toml has no team `reserch`; did you mean `research`?"
    );
    let error = config.only_team().unwrap_err();
    assert_eq!(
        error.to_string(),
        "safeguards.toml has 2 teams, and none was named; there are research, company"
    );
}

#[test]
fn a_team_file_is_a_configuration_of_one_team() {
    let text = "pool = { limits = [\"1.00 USD\"] }\n[[agents]]\nname = \"a\"\ncommand = [\"a\"]\nfree = true\n";
    let config = Config::parse(text, "one.toml").unwrap();
    assert_eq!(config.only_team().unwrap(), &TeamSpec::parse(text, "one.toml").unwrap());
    let config = Config::parse("units = [\"credits\"]", "none.toml").unwrap();
    assert!(config.teams.is_empty());
    let error = TeamSpec::parse(FULL, "safeguards.toml").unwrap_err();
    assert_eq!(error.code(), "config.team");
}

#[test]
fn every_mistake_says_where_what_and_what_is_allowed() {
    check(
        "\"writer\", \"reader\"]",
        "\"writr\"]",
        "config.team safeguards.toml:48:11: team research: there is no agent `writr`; did you mean `writer`?",
    );
    check("\"writer\", \"reader\"]", "\"reader\", \"reader\"]", "lists `reader` twice");
    check(
        "pool = \"deep-dive\"",
        "pool = \"deep\"",
        "there is no pool `deep`; there are company, deep-dive",
    );
    check(
        "name = \"research\"\npool = \"deep-dive\"",
        "name = \"x\"",
        "config.missing safeguards.toml:45:1: team x needs its `pool`",
    );
    check("name = \"research\"", "name = \"company\"", "there is a team `company` already");
    check("to = [\"ops\"]", "to = [\"opps\"]", "notify.rules_channel safeguards.toml:40:1");
    check(
        "topics = [\"budget.**\"]",
        "topic = [\"budget.**\"]",
        "notify.rules_unknown_key safeguards.toml:42:1",
    );
    check("name = \"log\"", "name = \"ops\"", "two channels are named \"ops\"");
    check("parent = \"company\"", "parent = \"deep-dive\"", "stands below itself");
    check(
        "[[teams]]\nname = \"company\"",
        "[[teams]]\nname = \"other\"\npool = \"company\"\n[[teams]]\nname = \"company\"",
        "team other needs `agents`",
    );
    check(
        "agents = [\"reader2\"]",
        "agents = [\"reader2\", \"reader\"]",
        "agent reader is in teams with the pools deep-dive and company",
    );
    check(
        "command = [\"./read\"]\nfree",
        "pool = \"nope\"\ncommand = [\"./read\"]\nfree",
        "there is no pool `nope`",
    );
    check(
        "units =",
        "strategy = \"vote\"\nunits =",
        "config.team safeguards.toml:1:12: `strategy` is for one team",
    );
    check("units =", "unitts =", "a configuration has no key `unitts`; did you mean `units`?");
    check("accounts_max = 100", "accounts_max = 0", "config.value safeguards.toml:8:16");
    check("estimate = \"0.10 USD\"", "estimate = \"2.00 USD\"", "config.never");
    check("[alerts]\n", "[[alert]]\nto = \"console\"\n[alerts]\n", "write all of it in one way");
    check("[alerts]\n", "[alerts]\nroute = []\n", "`route` of [alerts] stands at the top");
    let below = "command = [\"./write\"]\npool = \"company\"";
    check(
        "command = [\"./write\"]",
        below,
        "config.team safeguards.toml:48:8: team research: its agent writer stands below pool company",
    );
}

#[test]
fn variables_go_over_the_file() {
    let variables = [
        ("SAFEGUARDS__POOLS__DEEP_DIVE__LIMITS", "[\"2.00 USD\", \"9 credits\"]"),
        ("SAFEGUARDS__POOLS__DEEP_DIVE__WARN_AT", "[]"),
        ("SAFEGUARDS__AGENT__READER__PRIORITY", "9"),
        ("SAFEGUARDS__AGENTS__WRITER__ESTIMATE", "[\"0.20 USD\", \"1 credits\"]"),
        ("SAFEGUARDS__AGENTS__READER__ESTIMATE", "[\"0.20 USD\", \"1 credits\"]"),
        ("SAFEGUARDS__TEAMS__RESEARCH__DEADLINE", "90s"),
        ("SAFEGUARDS__TEAMS__COMPANY__VOTE__HEAR_ALL", "true"),
        ("SAFEGUARDS__ROUTES__BUDGETS__COOLDOWN", "1h"),
        ("SAFEGUARDS__CHANNELS__OPS__TO", "{ file = \"ops.jsonl\" }"),
        ("SAFEGUARDS__LIMITS__AGENTS_MAX", "5"),
        ("SAFEGUARDS__PRICES", "prices.toml"),
        ("SAFEGUARDS_HOME", "of others"),
        ("PATH", "/bin"),
    ];
    let config = parse(FULL, &variables).unwrap();
    assert_eq!(config.overridden.len(), 11);
    let limits: Vec<String> = config.pools[1].limits.iter().map(ToString::to_string).collect();
    assert_eq!(limits, ["2.00 USD", "9 credits"]);
    assert_eq!(config.agents[0].priority.level(), 9);
    let team = config.team("research").unwrap();
    assert_eq!(team.deadline.as_secs(), 90);
    assert_eq!(team.agents[0].estimate.to_string(), config.agents[0].estimate.to_string());
    let rules = team.own_rules.as_ref().unwrap();
    assert_eq!(rules.otherwise.routes[0].cooldown.map(|span| span.as_secs()), Some(3_600));
    assert_eq!(config.limits.agents_max, Some(5));
    assert_eq!(config.prices, Some("prices.toml".into()));

    // What is not in the file is added.
    let text = "[[agent]]\nname = \"a\"\ncommand = [\"a\"]\nfree = true\n";
    let added = [("SAFEGUARDS__RUN__STEPS_MAX", "3"), ("safeguards__pool__priority", "7")];
    let team = parse(text, &added).unwrap().teams.remove(0);
    assert_eq!((team.run.steps_max, team.pools[0].priority.level()), (Some(3), 7));
}

#[test]
fn a_mistake_in_a_variable_names_it() {
    check_variable(
        "SAFEGUARDS__POOLS__COMPANY__LIMITS",
        "[\"x\"]",
        "config.amount variable SAFEGUARDS__POOLS__COMPANY__LIMITS:1:2: \"x\": `x` is no amount; write a number and a unit, such as \"0.20 USD\" or \"500 tokens\"",
    );
    check_variable(
        "SAFEGUARDS__POOLS__COMPANI__LIMITS",
        "[]",
        "config.override variable SAFEGUARDS__POOLS__COMPANI__LIMITS:1:1: there is no `compani` in `pools`; did you mean `COMPANY`?",
    );
    check_variable(
        "SAFEGUARDS__POOLS__COMPANY__LIMTS",
        "[]",
        "config.unknown_key variable SAFEGUARDS__POOLS__COMPANY__LIMTS:1:1: pool company has no key `limts`; did you mean `limits`?",
    );
    check_variable(
        "SAFEGUARDS__UNITZ",
        "[]",
        "config.unknown_key variable SAFEGUARDS__UNITZ:1:1: a configuration has no key `unitz`; did you mean `units`?",
    );
    check_variable(
        "SAFEGUARDS__RUNN__STEPS_MAX",
        "1",
        "config.unknown_key variable SAFEGUARDS__RUNN__STEPS_MAX:1:1: a configuration has no key `runn`; did you mean `run`?",
    );
    check_variable(
        "SAFEGUARDS__POOLS__COMPANY",
        "{}",
        "config.override variable SAFEGUARDS__POOLS__COMPANY:1:1: a whole table of `pools` cannot be set; name one of its keys",
    );
    check_variable(
        "SAFEGUARDS__ALERT__X__TO",
        "console",
        "config.override variable SAFEGUARDS__ALERT__X__TO:1:1: the file has no `[[alert]]`, so that there is no name of an alert",
    );
    check_variable(
        "SAFEGUARDS__DEADLINE__X",
        "1",
        "config.override variable SAFEGUARDS__DEADLINE__X:1:1: `deadline` of the file has no keys below it",
    );
    let said = mistakes(FULL, &[("SAFEGUARDS__UNITS", "[\"a\"\n, 1]")]);
    assert_eq!(
        said,
        [
            "config.value variable SAFEGUARDS__UNITS:2:3: `1` in `units`: a unit is a text, such as \"credits\""
        ]
    );
    let said = mistakes(FULL, &[("SAFEGUARDS__UNITS", "[\"a\"")]);
    assert!(said[0].starts_with("config.syntax variable SAFEGUARDS__UNITS:1:"), "{said:?}");
    let said = mistakes(FULL, &[("SAFEGUARDS__DEADLINE", "1m"), ("safeguards__deadline", "2m")]);
    assert_eq!(
        said,
        [
            "config.override variable safeguards__deadline:1:1: SAFEGUARDS__DEADLINE goes over the same key; set one of both"
        ]
    );
    let said = mistakes(FULL, &[("SAFEGUARDS__ROUTES__BUDGETS__TO", "[\"nobody\"]")]);
    assert!(said[0].contains("nobody"), "{said:?}");
}

/// What follows from a mistake is not told besides.
#[test]
fn a_channel_that_leads_nowhere_is_told_once() {
    let to = "name = \"ops\"\nto = \"console\"";
    let said = mistakes(&FULL.replacen(to, "name = \"ops\"\nto = \"nowhere\"", 1), &[]);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].contains("`to`: write"), "{said:#?}");
    let said = mistakes(&FULL.replacen(to, "to = \"console\"", 1), &[]);
    assert_eq!(said.len(), 1, "{said:#?}");
    check(
        "command = [\"./write\"]",
        "command = []",
        "safeguards.toml:27:11: agent writer has no `command`",
    );
}

/// Of very many mistakes the first are told, and the others counted without a search for what was meant.
#[test]
fn very_many_mistakes_are_counted() {
    let many: Vec<String> = (0..60_000).map(|number| format!("key{number} = 1\n")).collect();
    let error = parse(&many.concat(), &[]).unwrap_err();
    assert_eq!(error.mistakes().count(), TeamFileError::MISTAKES_MAX);
    assert_eq!(error.left_out(), 60_000 - TeamFileError::MISTAKES_MAX);
    let variables: Vec<(String, String)> = (0..20_000)
        .map(|number| (format!("SAFEGUARDS__AGENTS__A{number}__RETRIES"), "1".to_owned()))
        .collect();
    let error = Config::parse_with(FULL, "safeguards.toml", variables).unwrap_err();
    assert_eq!(error.left_out(), 20_000 - TeamFileError::MISTAKES_MAX);
}

/// A variable says numbers as a file does.
#[test]
fn numbers_of_variables_are_read_as_in_a_file() {
    let read = |value| {
        let config = parse(FULL, &[("SAFEGUARDS__LIMITS__ACCOUNTS_MAX", value)]);
        config.map(|config| config.limits.accounts_max).map_err(|error| error.to_string())
    };
    for value in ["1_000", "1000", "+1000", "0x3e8"] {
        assert_eq!(read(value).unwrap(), Some(1_000), "{value}");
    }
    for value in ["1__0", "01", "1_", "many"] {
        let error = read(value).unwrap_err();
        assert!(error.contains("SAFEGUARDS__LIMITS__ACCOUNTS_MAX"), "{value}: {error}");
    }
}

/// An empty file is allowed, and perhaps not meant.
#[test]
fn what_runs_nothing_is_noted() {
    let notes = parse("", &[]).unwrap().notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("nothing can be run"), "{notes:?}");
    assert!(!parse(FULL, &[]).unwrap().notes().iter().any(|note| note.contains("nothing can")));
}

#[cfg(feature = "webhook")]
#[test]
fn secrets_are_shown_nowhere() {
    const SECRET: &str = "hunter2-hunter2";
    let channel = |to: &str| format!("[[channels]]\nname = \"ops\"\nto = {to}\n");
    for to in [
        format!("{{ slack = \"{SECRET}\" }}"),
        format!("\"{SECRET}\""),
        format!("[\"{SECRET}\"]"),
        format!("[\n\"{SECRET}==\",\n]"),
        format!("\"\"\"\nx = {SECRET}\n\"\"\" x"),
        format!("{{ webhook = [\"{SECRET}\"] }}"),
        format!("{{ webhook = \"https://x.org\", secret = [\"{SECRET}\"] }}"),
        format!("{{ webhook = \"https://x.org\", secret = \"{SECRET}\", x = 1 }}"),
        format!("{{ slack = \"{SECRET}\" x"),
    ] {
        let text = channel(&to);
        let error = Config::parse(&text, "c.toml").unwrap_err();
        assert!(!format!("{error:?} {error}").contains(SECRET), "{error:?}");
        for mistake in error.mistakes() {
            assert_eq!(mistake.excerpt(&text), None, "{mistake}");
        }
        let error = parse("", &[("SAFEGUARDS__CHANNELS", &to)]);
        assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
    }
    let text = format!(
        "{}[[agents]]\nname = \"a\"\ncommand = [\"a\"]\nfree = true\nenv = [\"KEY={SECRET}\"]\n",
        channel(&format!("{{ webhook = \"https://x.org/{SECRET}\" }}"))
    );
    let config = Config::parse(&text, "c.toml").unwrap();
    assert!(!format!("{config:?}").contains(SECRET), "{config:?}");
    let text = text.replace("[\"a\"]", &format!("[\"a\", \"--key={SECRET}\"]"));
    let config = Config::parse(&text, "c.toml").unwrap();
    assert_eq!(config.agents[0].command[1], format!("--key={SECRET}"));
    let shown = format!("{config:?}");
    assert!(!shown.contains(SECRET) && shown.contains("and 1 more"), "{shown}");
}

#[cfg(all(feature = "webhook", unix))]
#[test]
fn a_secret_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("safeguards.toml");
    std::fs::write(folder.path().join("url"), " https://hooks.slack.com/x\n").unwrap();
    let text = "[[channels]]\nname = \"ops\"\nto = { slack = \"file:url\" }\n";
    let config = Config::parse(text, &file).unwrap();
    config.build(|_| None).unwrap();
    let config = Config::parse(&text.replace("file:url", "file:none"), &file).unwrap();
    let error = config.build(|_| None).unwrap_err();
    assert_eq!(error.code(), "config.secret");
    assert!(error.to_string().contains("safeguards.toml:3:16: the secret in "), "{error}");
}

/// Under which headings of the page which tables stand, and a text with a key that none of them has.
const TABLES: [(&str, &str); 9] = [
    ("At the top", "@ = 1\nteams = []"),
    ("`[[pools]]`", "[[pools]]\n@ = 1"),
    ("`[[agents]]`", "[[agents]]\n@ = 1\nname = \"a\"\n[[teams]]\nname = \"t\"\nagents = [\"a\"]"),
    ("`[[channels]]`", "[[channels]]\n@ = 1"),
    ("`[[teams]]`", "[[teams]]\n@ = 1"),
    ("`[run]`", "[run]\n@ = 1"),
    ("`[limits]`", "[limits]\n@ = 1"),
    ("`[alerts]`", "[alerts]\n@ = 1"),
    ("`[[routes]]`", "[[routes]]\n@ = 1"),
];

#[test]
fn the_page_has_every_key_that_is_read_and_no_other() {
    let page = include_str!("../../../../../docs/reference/config.md");
    for (heading, text) in TABLES {
        let unknown = "qqqqqqqqqq";
        let error = Config::parse(&text.replace('@', unknown), "c.toml").unwrap_err();
        let said = error.mistakes().find(|mistake| mistake.message.contains(unknown)).unwrap();
        let (_, known) = said
            .message
            .split_once("known are ")
            .or_else(|| said.message.split_once("there are "))
            .unwrap_or_else(|| panic!("{}", said.message));
        let read: BTreeSet<&str> = known.split(", ").flat_map(|key| key.split(" and ")).collect();
        let section = page.split("\n## ").find(|section| section.starts_with(heading));
        let section = section.unwrap_or_else(|| panic!("the page has no part {heading}"));
        let told: BTreeSet<&str> = section
            .lines()
            .filter(|line| line.starts_with("| `"))
            .flat_map(|line| line.split('|').nth(1).unwrap_or_default().split(','))
            .map(|key| key.trim().trim_matches('`'))
            .collect();
        assert_eq!(told, read, "{heading}");
    }
}

#[test]
fn the_example_of_the_page_is_right() {
    let page = include_str!("../../../../../docs/reference/config.md");
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    if cfg!(feature = "webhook") {
        let config = Config::parse(example, "safeguards.toml").unwrap();
        assert_eq!(config.teams.len(), 2);
    }
}

#[test]
fn kinds_of_mistakes_have_codes() {
    assert_eq!(MistakeKind::Override.code(), "config.override");
}

proptest! {
    #[test]
    fn any_text_and_any_variable_is_read_or_refused(
        cut in 0..FULL.len(),
        garbage in "[ -~\n]{0,12}",
        path in "(POOLS|AGENTS|TEAMS|ROUTES|X|)(__(COMPANY|READER|Q|é|)){0,2}(__(LIMITS|TO|NAME|))?",
        value in "([\\[{\"']?[ -~\né]{0,12}[\\]}\"']?|true|-?[0-9]{0,25})",
    ) {
        let text = format!("{}{garbage}{}", &FULL[..cut], &FULL[cut..]);
        let variables = [(format!("SAFEGUARDS__{path}"), value)];
        for text in [&text, &FULL[..cut], FULL] {
            match Config::parse_with(text, "c.toml", variables.clone()) {
                Ok(config) => { let _ = config.notes(); }
                Err(error) => {
                    for mistake in error.mistakes() {
                        prop_assert!(mistake.line > 0 && mistake.column > 0);
                        let _ = mistake.excerpt(text);
                    }
                }
            }
        }
    }
}
