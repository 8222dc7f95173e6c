//! `safeguards agents`: a catalog of agents, who is in it, and who can do what.

mod bad_input;
mod cards;
mod catalog;
mod find;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{Ran, path_text, safeguards};

/// Lines of a catalog.
pub(crate) const FLEET: &str = r#"{"agent":"analyst","capabilities":[{"name":"data.analysis.regression","version":"1.4.0","description":"fits and explains regression models","tags":["statistics"],"metadata":{"formats":["json","csv"],"limits":{"context_window":200000}},"cost":{"USD":"0.02"}},{"name":"data.retrieval"}],"description":"weighs research notes","priority":7}
{"agent":"reader","capabilities":[{"name":"data.retrieval","version":"2.0.0","description":"reads pages","metadata":{"formats":["html"]},"cost":{"USD":"0.01"}}],"status":{"health":"degraded","load":3}}
{"agent":"translator","ttl":"60s","capabilities":[{"name":"text.translation"}],"description":"translates between forty languages"}
"#;

/// A folder with a catalog in it.
pub(crate) struct Fleet {
    pub(crate) folder: TempDir,
    pub(crate) catalog: String,
}

impl Fleet {
    /// Those of [`FLEET`].
    pub(crate) fn new() -> Self {
        let fleet = Self::empty();
        std::fs::write(&fleet.catalog, FLEET).unwrap();
        fleet
    }

    /// A folder in which there is no catalog yet.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = path_text(&folder.path().join("agents.jsonl"));
        Self { folder, catalog }
    }

    /// Runs `safeguards agents` on this catalog.
    pub(crate) fn agents(&self, args: &[&str]) -> Ran {
        let (verb, rest) = args.split_first().unwrap();
        safeguards(&[&["agents", verb, "--catalog", &self.catalog], rest].concat())
    }

    /// A file in the folder.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path_text(&path)
    }

    /// The lines of the catalog.
    pub(crate) fn lines(&self) -> String {
        std::fs::read_to_string(&self.catalog).unwrap()
    }

    /// The agents that an answer of one JSON object names.
    #[track_caller]
    pub(crate) fn names(&self, args: &[&str]) -> Vec<String> {
        let answer = self.agents(&[args, &["--json"]].concat()).report();
        names(&answer["agents"])
    }
}

pub(crate) fn names(agents: &Value) -> Vec<String> {
    let name = |agent: &Value| agent["agent"].as_str().unwrap().to_owned();
    agents.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn agents_are_listed_by_name() {
    let fleet = Fleet::new();
    let ran = fleet.agents(&["list"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().map(str::trim_end).collect();
    assert_eq!(
        lines,
        [
            " agent       capability                   version  cost      state              what it is",
            " analyst     data.analysis.regression +1  1.4.0    0.02 USD  healthy            weighs research notes",
            " reader      data.retrieval               2.0.0    0.01 USD  degraded, 3 tasks  reads pages",
            " translator  text.translation             -        -         healthy            translates between forty languages",
            "3 agents",
        ]
    );
    assert_eq!(fleet.names(&["list"]), ["analyst", "reader", "translator"]);
    // Reading leaves nothing behind.
    assert_eq!(fleet.lines(), FLEET);
    assert_eq!(fleet.folder.path().read_dir().unwrap().count(), 1);
}

#[test]
fn an_agent_is_shown_with_all_that_is_known() {
    let fleet = Fleet::new();
    let ran = fleet.agents(&["show", "analyst"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    for line in [
        "agent     analyst",
        "what      weighs research notes",
        "priority  7",
        "state     healthy",
        "lease     none: here until it is removed",
        " data.analysis.regression  1.4.0    0.02 USD  statistics  fits and explains regression models",
        "data.analysis.regression 1.4.0",
        r#"  formats: ["json","csv"]"#,
        r#"    "context_window": 200000"#,
    ] {
        assert!(
            ran.stdout.lines().any(|found| found.trim_end() == line),
            "`{line}`: {}",
            ran.stdout
        );
    }
    let ran = fleet.agents(&["show", "translator"]);
    assert!(ran.stdout.contains("\nlease     1m from each renewal\n"), "{}", ran.stdout);

    let record = fleet.agents(&["show", "reader", "--json"]).report();
    assert_eq!(record["type"], "agent");
    assert_eq!(record["status"], json!({"health": "degraded", "load": 3}));
    assert_eq!(record["capabilities"][0]["metadata"], json!({"formats": ["html"]}));
}

#[test]
fn nobody_of_a_name_is_said_with_who_was_perhaps_meant() {
    let fleet = Fleet::new();
    for args in [&["show", "analist"][..], &["remove", "reader", "analist"]] {
        let ran = fleet.agents(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
        assert_eq!(
            ran.stderr,
            "error agents.unknown_agent: no agent `analist` is here; did you mean `analyst`?\n"
        );
    }
    // Nobody was removed.
    assert_eq!(fleet.lines(), FLEET);
}

#[test]
fn agents_are_removed() {
    let fleet = Fleet::new();
    let ran = fleet.agents(&["remove", "reader", "analyst", "reader"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "removed  2 agents: analyst, reader\n"));
    assert_eq!(fleet.lines(), FLEET.lines().last().unwrap().to_owned() + "\n");
    let removed = fleet.agents(&["remove", "translator", "--json"]).report();
    assert_eq!(removed["removed"], json!(["translator"]));
    assert_eq!(fleet.lines(), "");
    assert_eq!(fleet.agents(&["list"]).stdout, "0 agents\n");
}

#[test]
fn what_is_said_does_not_steer_a_terminal() {
    let fleet = Fleet::empty();
    let line = r#"{"agent":"a","description":"\u001b[2Jx","capabilities":[{"name":"b","description":"\u202ey","tags":["\u202et"],"metadata":{"\u001bk":"\u001b[1mv"},"cost":{}}],"status":{"blocks":[{"kind":"suspended","reason":"\u001bz"}]}}"#;
    std::fs::write(&fleet.catalog, line).unwrap();
    for args in [&["list"][..], &["show", "a"], &["find", "b"], &["find", "--explain", "a", "c"]] {
        let ran = fleet.agents(args);
        assert!(!ran.stdout.is_empty(), "{ran:?}");
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        }
    }
}

#[test]
fn each_verb_says_how_it_is_used() {
    for verb in ["import", "list", "find", "show", "export", "remove"] {
        let help = safeguards(&["agents", verb, "--help"]);
        assert_eq!(help.code, Some(0));
        for part in ["Examples:\n  safeguards agents", "Exit codes:", "Usage: safeguards agents"] {
            assert!(help.stdout.contains(part), "`{part}`: {}", help.stdout);
        }
    }
    safeguards(&["agents"]).refused(&["Commands:", "import", "find"]);
    safeguards(&["agents", "fnd"]).refused(&["fnd", "find"]);
}
