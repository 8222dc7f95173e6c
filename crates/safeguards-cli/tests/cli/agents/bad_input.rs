//! Catalogs and files that are wrong: each mistake has its place, and nothing is written over what cannot be read.

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use serde_json::json;

use super::{FLEET, Fleet};
use crate::command::{safeguards, safeguards_writing};

/// Each verb that reads or writes a catalog.
const VERBS: [&[&str]; 5] = [
    &["list"],
    &["find", "data"],
    &["show", "reader"],
    &["remove", "reader"],
    &["export", "reader"],
];

#[test]
fn a_catalog_with_a_bad_line_is_left_as_it_is() {
    let lines = format!(
        "{FLEET}{{\n{{\"agent\":\"x\",\"capabilities\":[{{\"name\":\"a.b.a\"}}]}}\n{{\"agent\":\"reader\"}}\n\n{{\"agent\":\"\"}}\n[\"x\"]\n"
    );
    let fleet = Fleet::empty();
    fs::write(&fleet.catalog, &lines).unwrap();
    let good = fleet.file("good.jsonl", "{\"agent\":\"good\"}");
    for args in VERBS.into_iter().chain([&["import", &good][..]]) {
        let ran = fleet.agents(args);
        ran.refused(&[
            "agents.jsonl:4: no JSON object (EOF",
            "agents.jsonl:5: column ",
            "cyclic: `a` stands below itself",
            "agents.jsonl:6: agent `reader`: the agent has a line before",
            "error discovery.invalid_agent_name: ",
            "agents.jsonl:8: ",
            "agents.jsonl:9: no registration",
        ]);
        assert_eq!(ran.stderr.lines().count(), 5, "{}", ran.stderr);
    }
    assert_eq!(fleet.lines(), lines);
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_taken() {
    let fleet = Fleet::empty();
    let line = |number: usize| match number % 2 {
        0 => format!("{{\"agent\":\"good-{number:03}\"}}\n"),
        _ => format!("{{\"agent\":\"bad-{number:03}\",\"priority\":11}}\n"),
    };
    let file = fleet.file("half.jsonl", (0..100).map(line).collect::<String>());
    let ran = fleet.agents(&["import", &file, "/none/such.json"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stdout.contains("\nadded      50 agents: good-000, good-002, "), "{ran:?}");
    assert!(ran.stdout.contains("\nmistakes   51, told below\n"), "{ran:?}");
    let told: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(told.len(), 21, "{}", ran.stderr);
    assert!(told[0].contains("error agents.unreadable: /none/such.json: cannot be read"));
    assert!(told[1].contains("half.jsonl:2: ") && told[1].contains("11"), "{}", told[1]);
    assert_eq!(told[20], "… and 31 more mistakes");
    assert_eq!(fleet.names(&["list"]).len(), 50);

    let ran = fleet.agents(&["import", &file, "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), ""), "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let mistakes = report["mistakes"].as_array().unwrap();
    assert_eq!(mistakes.len(), 50);
    assert_eq!((&mistakes[49]["line"], &mistakes[49]["file"]), (&json!(100), &json!(file)));
}

#[test]
fn a_catalog_that_is_not_there_or_cannot_be_written_is_named() {
    let fleet = Fleet::empty();
    for args in VERBS {
        fleet.agents(args).refused(&["error agents.unreadable: ", &fleet.catalog, "`--from`"]);
    }
    assert_eq!(fleet.folder.path().read_dir().unwrap().count(), 0);
    safeguards(&["agents", "list", "--catalog", "/"]).refused(&["agents.unreadable", "/: "]);
    let file = fleet.file("fleet.jsonl", FLEET);
    safeguards(&["agents", "import", &file, "--catalog", "/none/such/agents.jsonl"]).refused(&[
        "error agents.unwritable: ",
        "/none/such/agents.jsonl",
        "No such file",
    ]);
    safeguards(&["agents", "import"]).refused(&["<PATH>"]);
    safeguards(&["agents", "import", &file, "--as", "vcard"]).refused(&["vcard", "subagent"]);
    let cut = fleet.file("cut.json.gz", b"\x1f\x8b\x08\x00");
    fleet.agents(&["import", &cut, "--json", "--dry-run"]).code.unwrap();
    let ran = fleet.agents(&["import", &cut]);
    assert!(ran.stderr.contains("cut.json.gz: cannot be read"), "{ran:?}");
}

#[test]
fn a_reader_that_stops_early_is_no_failure() {
    let fleet = Fleet::empty();
    let line = |number: usize| format!("{{\"agent\":\"agent-{number}\"}}\n");
    fs::write(&fleet.catalog, (0..5_000).map(line).collect::<String>()).unwrap();
    for args in [&["list"][..], &["list", "--json"], &["find", "--limit", "5000"]] {
        for lines in [0, 1] {
            let mut child = Command::new(env!("CARGO_BIN_EXE_safeguards"))
                .args([&["agents"], args, &["--catalog", &fleet.catalog]].concat())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let stdout = BufReader::new(child.stdout.take().unwrap());
            assert_eq!(stdout.lines().take(lines).map(Result::unwrap).count(), lines);
            let output = child.wait_with_output().unwrap();
            assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_answer_that_cannot_be_written_is_a_failure_of_its_own() {
    let fleet = Fleet::new();
    let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
    for verb in ["list", "find"] {
        let args = ["agents", verb, "--catalog", &fleet.catalog];
        let ran = safeguards_writing(full(), Stdio::piped(), &args);
        assert_eq!(ran.code, Some(70), "{ran:?}");
        assert!(ran.stderr.contains("error cli.output: "), "{ran:?}");
        assert_eq!(safeguards_writing(Stdio::piped(), full(), &args).code, Some(0));
    }
}
