//! `safeguards check`: every mistake with its line and a mark, and what is right summed up.

use serde_json::Value;

use crate::command::{file, safeguards};

const RIGHT: &str = r#"
[[pools]]
name = "company"
limits = ["1.00 USD"]

[[agents]]
name = "reader"
command = ["./read"]
estimate = "0.10 USD"
timeout = "1m"

[[teams]]
name = "research"
pool = "company"
agents = ["reader"]
"#;

#[test]
fn what_is_right_is_summed_up() {
    let (_folder, path) = file("safeguards.toml", RIGHT);
    let ran = safeguards(&["check", &path]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.stdout,
        format!(
            "config   {path}   1 team, 1 agent, 1 pool, 0 channels\nteam     research: pipeline of reader, in pool company\n"
        )
    );
}

#[test]
fn every_mistake_is_shown_in_its_line() {
    let text = RIGHT.replace("1.00 USD", "1.00").replace("[\"reader\"]", "[\"reeder\"]");
    let (_folder, path) = file("safeguards.toml", &text);
    let ran = safeguards(&["check", &path]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    for part in [
        ":4:11: ",
        "    4 | limits = [\"1.00\"]\n      |           ^\n",
        "error config.team: ",
        "did you mean `reader`?",
        "   15 | agents = [\"reeder\"]\n      |           ^\n",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let ran = safeguards(&["check", &path, "--json"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(told["mistakes"][0]["line"], 4);
    assert_eq!(told["mistakes"][0]["excerpt"], "limits = [\"1.00\"]");
}

#[test]
fn a_mistyped_secret_is_not_printed() {
    let text = "[[channels]]\nname = \"ops\"\nto = { slack = \"hunter2\" }\n";
    let (_folder, path) = file("safeguards.toml", text);
    for args in [&["check", &path][..], &["check", &path, "--json"][..]] {
        let ran = safeguards(args);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
    }
}

#[test]
fn a_team_is_named_where_there_are_several() {
    let two = format!(
        "{RIGHT}\n[[teams]]\nname = \"other\"\npool = \"company\"\nagents = [\"reader\"]\n"
    );
    let (_folder, path) = file("safeguards.toml", &two);
    let ran = safeguards(&["run", &path, "task"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.stderr.contains("config.team") && ran.stderr.contains("research, other"),
        "{ran:?}"
    );
    let ran = safeguards(&["run", &path, "--team", "reserch", "task"]);
    assert!(ran.stderr.contains("did you mean `research`?"), "{ran:?}");
    let ran = safeguards(&["run", &path, "--team", "research", "task"]);
    assert!(ran.stderr.contains("there is no program `./read`"), "the team was found: {ran:?}");
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let ran = safeguards(&["check", "/none/such.toml"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("config.unreadable"), "{ran:?}");
}

#[test]
fn what_the_file_names_is_looked_at_where_one_asks() {
    let (folder, path) = file("safeguards.toml", RIGHT);
    assert_eq!(safeguards(&["check", &path]).code, Some(0));
    let ran = safeguards(&["check", &path, "--ready"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    for part in
        ["error config.agent: ", ":8:12: ", "there is no program `./read`", "    8 | command"]
    {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let there = RIGHT.replace("./read", "true");
    let more = [
        ("", 0, ""),
        ("prices = \"none.toml\"", 2, "config.unreadable"),
        ("channels = [{ name = \"o\", to = { slack = \"file:none\" } }]", 2, "config.secret"),
        (
            "channels = [{ name = \"o\", to = { slack = \"env:NONE_OF_IT\" } }]",
            2,
            "config.variable",
        ),
        ("channels = [{ name = \"o\", to = { file = \"none/alerts\" } }]", 2, "none/alerts"),
    ];
    for (line, code, said) in more {
        std::fs::write(folder.path().join("safeguards.toml"), format!("{line}\n{there}")).unwrap();
        let ran = safeguards(&["check", &path]);
        assert_eq!(ran.code, Some(0), "without --ready nothing is opened: {ran:?}");
        let ran = safeguards(&["check", &path, "--ready"]);
        assert_eq!(ran.code, Some(code), "{line}: {ran:?}");
        assert!(ran.stderr.contains(said), "{said}: {ran:?}");
    }
}

/// All of it is told at once, each thing once, in the one form that mistakes have.
#[test]
fn everything_that_is_not_there_is_told_at_once() {
    let text = r#"
channels = [{ name = "ops", to = { slack = "env:NONE_OF_IT" } }]
pools = [{ name = "all", limits = ["1.00 USD"] }]
agents = [
  { name = "a", command = ["./a"], estimate = "0.10 USD" },
  { name = "b", command = ["./b"], estimate = "0.10 USD" },
]
teams = [
  { name = "one", pool = "all", agents = ["a"] },
  { name = "two", pool = "all", agents = ["b", "a"] },
]
"#;
    let (_folder, path) = file("safeguards.toml", text);
    let ran = safeguards(&["check", &path, "--ready", "--json"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&told["type"], told["agents"].as_u64()), (&"config".into(), Some(2)));
    let mistakes = told["mistakes"].as_array().unwrap().iter();
    let places: Vec<_> = mistakes
        .map(|mistake| (mistake["code"].as_str().unwrap(), mistake["line"].as_u64()))
        .collect();
    assert_eq!(
        places,
        [("config.variable", Some(2)), ("config.agent", Some(5)), ("config.agent", Some(6))]
    );
}

#[test]
fn programs_are_told_every_outcome_in_one_shape() {
    let keys = [
        "agents",
        "channels",
        "exit",
        "file",
        "left_out",
        "mistakes",
        "notes",
        "ok",
        "overridden",
        "pools",
        "secrets",
        "teams",
        "type",
    ];
    let check = |path: &str, more: &[&str], expected: Result<(), &str>| {
        let ran = safeguards(&[&["check", path, "--json"], more].concat());
        assert_eq!(ran.stderr, "", "{ran:?}");
        assert_eq!(ran.stdout.matches('\n').count(), 1, "{ran:?}");
        let told: Value = serde_json::from_str(&ran.stdout).unwrap();
        let mut said: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
        said.sort_unstable();
        assert_eq!(said, keys);
        assert_eq!(told["exit"], ran.code.unwrap(), "{ran:?}");
        assert_eq!((&told["type"], &told["file"]), (&"config".into(), &path.into()));
        assert_eq!(told["ok"], expected.is_ok(), "{ran:?}");
        assert_eq!(ran.code, Some(if expected.is_ok() { 0 } else { 2 }), "{ran:?}");
        match expected {
            Ok(()) => assert_eq!(told["mistakes"].as_array().unwrap().len(), 0),
            Err(code) => assert_eq!(told["mistakes"][0]["code"], code, "{ran:?}"),
        }
        told
    };
    let (_folder, right) = file("safeguards.toml", RIGHT);
    check(&right, &[], Ok(()));
    let told = check(&right, &["--ready"], Err("config.agent"));
    // It is read all the same.
    assert_eq!((&told["agents"], &told["teams"][0]["name"]), (&1.into(), &"research".into()));
    let (_folder, wrong) = file("safeguards.toml", RIGHT.replace("1.00 USD", "1.00"));
    check(&wrong, &[], Err("config.amount"));
    let told = check("/none/such.toml", &[], Err("config.unreadable"));
    assert_eq!(told["mistakes"][0].get("line"), None);

    // Where the arguments cannot be read, nobody knows that JSON was asked for.
    let ran = safeguards(&["check", &right, "--json", "--none-such"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
}

#[test]
fn all_that_is_not_ready_is_said_in_order_of_all_teams_routes_and_secrets() {
    let text = r#"
prices = "none.toml"
agents = [
    { name = "a", command = ["./a"], free = true },
    { name = "b", command = ["./b"], dir = "none", free = true },
    { name = "unused", command = ["./unused"], free = true, pool = "pool" },
]
pools = [{ name = "pool" }]
channels = [
    { name = "chat", to = { slack = "env:NONE_OF_IT" } },
    { name = "file", to = { file = "none/alerts.jsonl" } },
    { name = "hook", to = { webhook = "https://example.com", secret = "file:none" } },
]
rules = "rules.toml"

[[teams]]
name = "one"
pool = "pool"
agents = ["a"]

[[teams]]
name = "two"
pool = "pool"
agents = ["b", "a"]
"#;
    let (folder, path) = file("safeguards.toml", text);
    std::fs::write(
        folder.path().join("rules.toml"),
        "to = [\"chat\"]\n[[route]]\nto = [\"nobody\"]\n",
    )
    .unwrap();
    let ran = safeguards(&["check", &path, "--ready", "--json"]);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    let said: Vec<(String, u64)> = told["mistakes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mistake| {
            let code = mistake["code"].as_str().unwrap().to_owned();
            (code, mistake["line"].as_u64().unwrap())
        })
        .collect();
    let expected = [
        ("config.unreadable", 2),
        ("config.agent", 4),
        ("config.agent", 5),
        ("config.variable", 10),
        ("notify.file_not_opened", 11),
        ("config.secret", 12),
        ("notify.rules_channel", 2),
    ];
    assert_eq!(said, expected.map(|(code, line)| (code.to_owned(), line)), "{ran:?}");
    let last = &told["mistakes"][6];
    assert!(last["file"].as_str().unwrap().ends_with("rules.toml"), "{last}");
    // The line is one of another file.
    assert_eq!(last.get("excerpt"), None);
}
