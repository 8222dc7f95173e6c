//! The catalog: what comes in, what is there already, and two who write at once.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{FLEET, Fleet};
use crate::command::{path_text, safeguards, safeguards_reading};

#[test]
fn what_is_imported_is_told_and_kept() {
    let fleet = Fleet::empty();
    let file = fleet.file("in/fleet.jsonl", FLEET);
    fleet.file("in/notes.txt", "no agent");
    let folder = path_text(&fleet.folder.path().join("in"));
    let ran = fleet.agents(&["import", &folder]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let catalog = &fleet.catalog;
    assert_eq!(
        ran.stdout,
        format!(
            "read       1 file; 1 file of another kind passed over\n\
             added      3 agents: analyst, reader, translator\n\
             catalog    {catalog}\n"
        )
    );
    assert_eq!(fleet.lines(), FLEET);

    let again = fleet.agents(&["import", &file, "--json"]).report();
    assert_eq!(again["type"], "agents_imported");
    assert_eq!(again["unchanged"], json!(["analyst", "reader", "translator"]));
    assert_eq!((&again["added"], &again["mistakes"]), (&json!([]), &json!([])));
}

#[test]
fn more_to_say_is_added_and_other_content_takes_its_place_only_where_that_is_asked_for() {
    let fleet = Fleet::new();
    let more = r#"{"agent":"reader","capabilities":[{"name":"text.summary"}]}"#;
    let report = fleet.agents(&["import", &fleet.file("more.jsonl", more), "--json"]).report();
    assert_eq!(report["extended"], json!(["reader"]));
    assert_eq!(fleet.names(&["find", "text.summary"]), ["reader"]);
    assert_eq!(fleet.names(&["find", "data.retrieval"]), ["analyst", "reader"]);

    let before = fleet.lines();
    let other = fleet.file(
        "other.jsonl",
        r#"{"agent":"reader","description":"reads books"}
{"agent":"reader","capabilities":[{"name":"data.retrieval","version":"2.0.0"}]}
{"agent":"newcomer"}"#,
    );
    let ran = fleet.agents(&["import", &other, "--dry-run"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stdout.contains("added      1 agent: newcomer\n"), "{ran:?}");
    assert!(ran.stdout.contains(": nothing was written\n"), "{ran:?}");
    for part in ["error discovery.conflict: ", "other.jsonl:2: agent `reader`", "`--replace`"] {
        assert!(ran.stderr.contains(part), "`{part}`: {ran:?}");
    }
    assert_eq!(fleet.lines(), before);

    let ran = fleet.agents(&["import", &other, "--replace", "--dry-run"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(fleet.lines(), before);
    let ran = fleet.agents(&["import", &other, "--replace"]);
    assert!(ran.stdout.contains("\nreplaced   1 agent: reader\n"), "{ran:?}");
    // Of two lines of one import the second adds to the first.
    let record = fleet.agents(&["show", "reader", "--json"]).report();
    assert_eq!(record["description"], "reads books");
    assert_eq!(record["capabilities"], json!([{"name": "data.retrieval", "version": "2.0.0"}]));
    assert_eq!(record["status"], json!({"health": "healthy"}));
}

#[test]
fn one_agent_is_called_as_one_likes() {
    let fleet = Fleet::empty();
    let one = FLEET.lines().next().unwrap();
    let args = ["agents", "import", "-", "--agent", "ann", "--catalog", &fleet.catalog];
    let ran = safeguards_reading(one, &args);
    assert!(ran.stdout.contains("added      1 agent: ann\n"), "{ran:?}");
    safeguards_reading(FLEET, &args).refused(&[
        "error agents.usage: ",
        "`--agent ann`",
        "3 were read",
    ]);
    safeguards_reading("nonsense", &args).refused(&["error ", "standard input"]);
    safeguards_reading(one, &["agents", "import", "-", "-"]).refused(&["agents.usage", "twice"]);
    assert_eq!(fleet.names(&["list"]), ["ann"]);
}

#[test]
fn agents_are_read_straight_from_files_too() {
    let fleet = Fleet::empty();
    let file = fleet.file("in/fleet.jsonl", FLEET);
    let from = |args: &[&str]| safeguards(&[&["agents"], args, &["--from", &file]].concat());
    assert!(from(&["list"]).stdout.ends_with("\n3 agents\n"));
    assert_eq!(from(&["find", "data.analysis"]).code, Some(0));
    assert!(from(&["show", "translator"]).stdout.contains("forty"));
    let piped = safeguards_reading(FLEET, &["agents", "list", "--from", "-"]);
    assert!(piped.stdout.ends_with("\n3 agents\n"), "{piped:?}");
    // What cannot be read is told, and the rest is searched.
    let broken = fleet.file("in/broken.jsonl", "{\"agent\":\"x\"}\n{\"agent\":7}\n");
    let ran = safeguards(&["agents", "find", "data.analysis", "--from", &file, &broken]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stdout.contains("analyst") && ran.stderr.contains("broken.jsonl:2: "), "{ran:?}");
    safeguards(&["agents", "list", "--from", "x", "--catalog", "y"]).refused(&["--catalog"]);
    assert!(!fs::exists(&fleet.catalog).unwrap());
}

/// Each of many programs that import at once finds what the others wrote.
#[test]
fn imports_at_once_lose_nothing() {
    const IMPORTS: usize = 8;
    let fleet = Fleet::empty();
    let children: Vec<_> = (0..IMPORTS)
        .map(|number| {
            let line = |of: usize| format!("{{\"agent\":\"agent-{number}-{of}\"}}\n");
            let file =
                fleet.file(&format!("{number}.jsonl"), (0..50).map(line).collect::<String>());
            Command::new(env!("CARGO_BIN_EXE_safeguards"))
                .args(["agents", "import", &file, "--catalog", &fleet.catalog])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let names = fleet.names(&["list"]);
    assert_eq!(names.len(), IMPORTS * 50);
    assert!(names.is_sorted());
    // Nothing half-written is left.
    assert!(!fs::exists(format!("{}.new", fleet.catalog)).unwrap());
}

#[test]
#[cfg(unix)]
fn a_catalog_keeps_its_place_and_its_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let fleet = Fleet::new();
    fs::set_permissions(&fleet.catalog, fs::Permissions::from_mode(0o640)).unwrap();
    let link = fleet.folder.path().join("link.jsonl");
    symlink("agents.jsonl", &link).unwrap();
    // What a program left that was ended while it wrote.
    fleet.file("agents.jsonl.new", "half a li");
    let args = ["agents", "remove", "reader", "--catalog", &path_text(&link)];
    assert_eq!(safeguards(&args).code, Some(0));
    assert!(link.is_symlink());
    assert_eq!(fleet.names(&["list"]), ["analyst", "translator"]);
    assert_eq!(fs::metadata(&fleet.catalog).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn what_came_in_goes_out() {
    let fleet = Fleet::empty();
    let card = json!({"name": "Currency Agent", "x-unknown": [1, {"deep": null}], "version": "1.0", "skills": []});
    let line =
        |agent: &str| json!({"agent": agent, "documents": {"a2a-agent-card": card}}).to_string();
    let lines = format!("{}\n{}\n{{\"agent\":\"bare\"}}\n", line("a/b"), line("A-b"));
    let file = fleet.file("fleet.jsonl", lines);
    assert_eq!(fleet.agents(&["import", &file]).code, Some(0));
    let ran = fleet.agents(&["export", "A-b"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap(), card);
    assert!(ran.stdout.lines().count() > 5, "{ran:?}");
    let ran = fleet.agents(&["export", "a/b", "A-b", "a/b"]);
    let read = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    assert_eq!(ran.stdout.lines().map(read).collect::<Vec<_>>(), [card.clone(), card.clone()]);

    // A catalog that goes out is the catalog.
    let ran = fleet.agents(&["export", "--as", "catalog"]);
    assert_eq!(ran.stdout, fleet.lines());

    let folder = path_text(&fleet.folder.path().join("out/cards"));
    let ran = fleet.agents(&["export", "a/b", "A-b", "--to", &folder]);
    assert_eq!(ran.stdout, format!("written  2 files to {folder}\n"), "{ran:?}");
    for name in ["a-b.json", "A-b-2.json"] {
        let text = fs::read_to_string(format!("{folder}/{name}")).unwrap();
        assert_eq!(read(&text), card);
    }

    fleet
        .agents(&["export", "bare"])
        .refused(&["error agents.unexportable: agent `bare`: ", "--as catalog"]);
    let ran = fleet.agents(&["export", "nobody"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    fleet.agents(&["export", "a/b", "--to", &file]).refused(&["error agents.unwritable: ", &file]);
}
