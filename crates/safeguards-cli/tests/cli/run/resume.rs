//! Runs that are written down: cut off at several moments by `kill -9`, interrupted, denied, and resumed.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::audit;
use crate::command::{Ran, safeguards, signal};

/// A folder with a team of three: each writes down that it ran, says so, and waits for a file `go-NAME`. The first
/// may be run again.
struct Crew {
    folder: TempDir,
    store: &'static str,
}

/// A file of runs alone, and a durable one that has the ledger, too.
const STORES: [&str; 2] = ["runs.jsonl", "fleet.redb"];

impl Crew {
    fn new() -> Self {
        Self::keeping(STORES[0])
    }

    fn keeping(store: &'static str) -> Self {
        let agent = |name: &str, keys: &str| {
            let script = format!(
                "cat > /dev/null; echo {name} >> ran; echo '{{\"progress\":\"on it\"}}'\n\
                 while [ ! -e go-{name} ]; do sleep 0.02; done\n\
                 echo '{{\"output\":\"by {name}\",\"cost\":{{\"USD\":\"0.04\"}}}}'"
            );
            format!("{}{keys}\n", super::agent(name, &script))
        };
        let crew = Self { folder: tempfile::tempdir().unwrap(), store };
        let team = format!(
            "store = \"{store}\"\npool = {{ limits = [\"1.00 USD\"] }}\n{}{}{}",
            agent("a", "idempotent = true"),
            agent("b", ""),
            agent("c", "")
        );
        fs::write(crew.path("crew.toml"), team).unwrap();
        crew
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn go(&self, names: &str) {
        names.chars().for_each(|name| fs::write(self.path(&format!("go-{name}")), "").unwrap());
    }

    /// How often an agent ran.
    fn ran(&self, name: &str) -> usize {
        let ran = fs::read_to_string(self.path("ran")).unwrap_or_default();
        ran.lines().filter(|line| *line == name).count()
    }

    /// Starts a run; gives it once it has said that this happened to this step.
    fn start(&self, happened: &str, step: &str) -> (Child, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_safeguards"))
            .args(["run", &self.path("crew.toml"), "look around", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let mut facts = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let fact = facts.find(|fact| fact["type"] == happened && fact["step"] == step).unwrap();
        (child, fact["run"].as_str().unwrap().to_owned())
    }

    fn resume(&self, run: &str, args: &[&str]) -> (Ran, Value) {
        let team = self.path("crew.toml");
        let ran = safeguards(&[&["run", &team, "--resume", run, "--json"], args].concat());
        let report = ran.stdout.lines().last().unwrap_or_else(|| panic!("{ran:?}"));
        let report: Value = serde_json::from_str(report).unwrap();
        audit(&report);
        (ran, report)
    }

    fn store(&self) -> [String; 2] {
        ["--store".to_owned(), self.path(self.store)]
    }
}

fn kill(mut child: Child) {
    signal(&child, "KILL");
    child.wait().unwrap();
}

/// Cuts a run off when this has happened to this step, and resumes it.
fn cut_off(happened: &str, step: &str, free: &str) -> (Crew, String, Ran, Value) {
    cut_off_in(STORES[0], happened, step, free)
}

fn cut_off_in(
    store: &'static str,
    happened: &str,
    step: &str,
    free: &str,
) -> (Crew, String, Ran, Value) {
    let crew = Crew::keeping(store);
    crew.go(free);
    let (child, run) = crew.start(happened, step);
    kill(child);
    // Whoever was left alone ends too.
    crew.go("abc");
    let (ran, report) = crew.resume(&run, &[]);
    (crew, run, ran, report)
}

#[test]
fn an_agent_that_may_be_run_again_is_wherever_it_was_cut_off() {
    for happened in ["step_started", "held", "progressed"] {
        let (crew, _, ran, report) = cut_off(happened, "a", "");
        assert_eq!((ran.code, &report["leg"]), (Some(0), &json!(2)), "{happened}: {report:#}");
        assert_eq!(report["output"], "by c");
        assert_eq!((crew.ran("b"), crew.ran("c")), (1, 1), "{happened}");
        let spent: &str = report["spent"]["USD"].as_str().unwrap();
        assert_eq!(spent, "0.12", "{happened}: {report:#}");
        if happened == "progressed" {
            assert_eq!(crew.ran("a"), 2);
        }
    }
}

#[test]
fn what_is_done_is_not_done_again() {
    for (happened, step, free) in
        [("step_started", "b", "a"), ("held", "b", "a"), ("progressed", "c", "ab")]
    {
        let (crew, _, _, report) = cut_off(happened, step, free);
        assert_eq!(crew.ran("a"), 1, "{happened}");
        let first = &report["steps"][0];
        assert_eq!((&first["state"], &first["reused"]), (&json!("succeeded"), &json!(true)));
        if step == "c" {
            assert_eq!((crew.ran("b"), crew.ran("c")), (1, 1));
        }
    }
}

/// A durable file has the ledger, too: what was held when it was cut off is held no more, and what was spent is there once,
/// for whoever asks.
#[test]
fn a_durable_file_goes_on_with_its_ledger() {
    for (happened, step, free) in [
        ("step_started", "a", ""),
        ("held", "a", ""),
        ("progressed", "a", ""),
        ("held", "b", "a"),
        ("progressed", "c", "ab"),
    ] {
        let (crew, run, ran, report) = cut_off_in("fleet.redb", happened, step, free);
        // Only the first may be run again.
        assert_eq!(ran.code, Some(i32::from(step != "a")), "{happened} {step}: {report:#}");
        assert_eq!(report["leg"], 2);
        let [_, store] = &crew.store();
        let told = safeguards(&["report", "--store", store, "--json", "--unit", "USD"]).report();
        assert_eq!(told["totals"][0]["net"], report["spent"]["USD"], "{happened} {step}: {told:#}");
        let accounts = safeguards(&["budget", "show", "--store", store, "--json"]).report();
        for account in accounts["accounts"].as_array().unwrap() {
            assert!(
                account["held"].as_object().unwrap().values().all(|held| held == "0"),
                "{happened} {step}: {account:#}"
            );
        }
        let runs = safeguards(&["runs", "show", &run, "--store", store, "--json"]).report();
        assert_eq!(runs["state"], report["state"], "{happened} {step}");
        let checked = safeguards(&["store", "check", store, "--json"]).report();
        assert_eq!(checked["flaws"], json!([]), "{happened} {step}");
    }
}

#[test]
fn an_agent_that_must_not_be_run_again_ends_interrupted_and_counts_its_estimate() {
    let (crew, run, ran, report) = cut_off("progressed", "b", "a");
    assert_eq!(ran.code, Some(1), "{report:#}");
    let [a, b, c] = [0, 1, 2].map(|step| report["steps"][step]["state"].clone());
    assert_eq!([a, b, c], ["succeeded", "interrupted", "skipped"]);
    assert_eq!(report["steps"][1]["reason"]["code"], "run.interrupted");
    assert_eq!(report["spent"]["USD"], "0.14");
    assert_eq!((crew.ran("a"), crew.ran("b")), (1, 1));
    let command = report["resume"].as_str().unwrap();
    assert!(
        command.ends_with(&format!("crew.toml --resume {run} --rerun-interrupted")),
        "{command}"
    );

    let (ran, report) = crew.resume(&run, &["--rerun-interrupted"]);
    assert_eq!((ran.code, &report["output"]), (Some(0), &json!("by c")), "{report:#}");
    assert_eq!((crew.ran("a"), crew.ran("b"), crew.ran("c")), (1, 2, 1));
    assert_eq!(report["spent"]["USD"], "0.22");
    assert_eq!(report["resume"], json!(null));
}

#[test]
fn a_run_that_goes_on_holds_its_store_and_can_be_looked_at_and_interrupted() {
    let crew = Crew::new();
    let (child, run) = crew.start("progressed", "a");
    let [flag, store] = crew.store();
    let ran = safeguards(&["run", &crew.path("crew.toml"), "look around"]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(
        ran.stderr.contains("error runs.unavailable") && ran.stderr.contains("in use"),
        "{ran:?}"
    );
    let ran = safeguards(&["runs", "list", "--unfinished", &flag, &store]);
    assert!(ran.stdout.contains(&run) && ran.stdout.contains("unfinished"), "{ran:?}");

    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    crew.go("abc");
    let (ran, report) = crew.resume(&run, &[]);
    assert_eq!((ran.code, &report["output"]), (Some(0), &json!("by c")), "{report:#}");
    for part in ["run_resumed", "\"reused\":0"] {
        assert!(ran.stdout.contains(part), "`{part}` is not in {ran:?}");
    }
    let ran = safeguards(&["runs", "list", "--unfinished", &flag, &store]);
    assert_eq!(ran.stdout, "0 runs\n");
    let ran = safeguards(&["runs", "show", &run, &flag, &store]);
    for part in [": pipeline, succeeded, 3 steps", "a  succeeded, 2 attempts", "  output  by c"] {
        assert!(ran.stdout.contains(part), "`{part}` is not in {ran:?}");
    }
    let ran = safeguards(&["runs", "show", &run, "--json", &flag, &store]);
    let shown: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&shown["type"], &shown["state"]), (&json!("run"), &json!("succeeded")));
    assert_eq!((&shown["steps"][2]["output"], &shown["leg"]), (&json!("by c"), &json!(2)));
    safeguards(&["runs", "show", "r-none", &flag, &store])
        .failed(2, &["runs.unknown_run", "r-none"]);
}

#[test]
fn a_denied_run_says_how_to_go_on_and_does_once_there_is_room() {
    let crew = Crew::new();
    crew.go("abc");
    let team = crew.path("crew.toml");
    let text = fs::read_to_string(&team).unwrap();
    fs::write(&team, text.replace("1.00 USD", "0.13 USD")).unwrap();
    let ran = safeguards(&["run", &team, "look around"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let (_, command) = ran.stdout.trim_end().rsplit_once("to go on: ").unwrap();
    let run = command.rsplit_once(' ').unwrap().1;
    assert_eq!(command, format!("once there is room, safeguards run {team} --resume {run}"));
    fs::write(&team, &text).unwrap();
    let (ran, report) = crew.resume(run, &[]);
    assert_eq!(ran.code, Some(0), "{report:#}");
    assert_eq!((crew.ran("a"), crew.ran("b"), crew.ran("c")), (1, 1, 1));
}

#[test]
fn inputs_are_written_down_with_the_task() {
    let crew = Crew::new();
    let team = crew.path("crew.toml");
    let text = fs::read_to_string(&team).unwrap();
    fs::write(&team, format!("strategy = \"fan_out\"\nconcurrency = 1\n{text}")).unwrap();
    fs::write(crew.path("pages"), "one\ntwo\nthree\nfour\n").unwrap();
    crew.go("a");
    let mut child = Command::new(env!("CARGO_BIN_EXE_safeguards"))
        .args(["run", &team, "read", "--json", "--each", &crew.path("pages")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.into_iter().find(|line| line.contains("progressed") && line.contains("b-2"));
    let fact: Value = serde_json::from_str(&line.unwrap()).unwrap();
    kill(child);
    crew.go("abc");
    let (_, report) = crew.resume(fact["run"].as_str().unwrap(), &[]);
    let steps = report["steps"].as_array().unwrap().iter();
    let steps: Vec<_> = steps.map(|step| (step["step"].clone(), step["state"].clone())).collect();
    let expected =
        [("a-1", "succeeded"), ("b-2", "interrupted"), ("c-3", "succeeded"), ("a-4", "succeeded")];
    assert_eq!(steps, expected.map(|(step, state)| (json!(step), json!(state))));
    assert_eq!(crew.ran("a"), 2);
}

#[test]
fn what_cannot_go_on_is_refused_and_nothing_runs() {
    let crew = Crew::new();
    let team = crew.path("crew.toml");
    crew.go("ac");
    let (child, run) = crew.start("progressed", "b");
    kill(child);
    crew.go("b");
    let refused = |args: &[&str], code: i32, parts: &[&str]| {
        safeguards(&[&["run"], args].concat()).failed(code, parts);
    };
    refused(&["--resume", &run], 2, &["run.no_team", "safeguards run TEAM --resume"]);
    refused(
        &[&team, "--resume", "r-0"],
        2,
        &["runs.unknown_run", "r-0", "1 run there may go on", &run],
    );
    refused(
        &[&team, "look around", "--resume", &run],
        2,
        &["run.has_task", "leave the task out", "in the store"],
    );
    refused(&["look around", "--resume", &run], 2, &["config.unreadable", "TEAM --resume", &run]);
    let nowhere = crew.path("none.jsonl");
    refused(
        &[&team, "--resume", &run, "--store", &nowhere],
        5,
        &["runs.unavailable", "none.jsonl"],
    );
    assert!(!std::path::Path::new(&nowhere).exists(), "what goes on makes no store");
    let [flag, _] = crew.store();
    safeguards(&["runs", "list", &flag, &nowhere]).failed(5, &["runs.unavailable", "none.jsonl"]);
    refused(&[&team, "--resume", &run, "--store", &team], 2, &["runs.corrupt", "no store of runs"]);
    refused(&[&team, "--resume", &run, "--store", "/none/x"], 5, &["runs.unavailable", "/none/x"]);
    let text = fs::read_to_string(&team).unwrap();
    for (from, to, parts) in [
        ("name = \"c\"", "name = \"d\"", ["run.changed", "the agents"]),
        ("store =", "name = \"other\"\nstore =", ["run.changed", "the team"]),
        ("store =", "strategy = \"vote\"\nstore =", ["run.changed", "the strategy"]),
        ("store = \"runs.jsonl\"\n", "", ["run.no_store", "--store FILE"]),
    ] {
        fs::write(&team, text.replacen(from, to, 1)).unwrap();
        refused(&[&team, "--resume", &run], 2, &parts);
    }
    fs::write(&team, text).unwrap();
    // As if it had been cut off long ago.
    let store = crew.path("runs.jsonl");
    let lines = fs::read_to_string(&store).unwrap();
    let (before, after) = lines.split_once("\"deadline\":\"").unwrap();
    let (_, after) = after.split_once('"').unwrap();
    fs::write(&store, format!("{before}\"deadline\":\"2026-01-05T09:00:00Z\"{after}")).unwrap();
    refused(&[&team, "--resume", &run], 4, &["run.deadline_passed", "--within"]);
    assert_eq!((crew.ran("a"), crew.ran("b"), crew.ran("c")), (1, 1, 0));
    let (ran, report) = crew.resume(&run, &["--within", "1m", "--rerun-interrupted"]);
    assert_eq!(ran.code, Some(0), "{report:#}");
    assert_eq!((crew.ran("a"), crew.ran("b"), crew.ran("c")), (1, 2, 1));
}

#[test]
fn a_program_that_asks_for_it_is_tried_again() {
    let script = "cat > /dev/null; echo x >> ran; if [ $(wc -l < ran) -lt 3 ]; then \
                  echo '{\"error\":\"the source is down\",\"retry\":true,\"cost\":{\"USD\":\"0.01\"}}'; \
                  else echo '{\"output\":\"up\",\"cost\":{\"USD\":\"0.04\"}}'; fi";
    let team = format!(
        "pool = {{ limits = [\"1.00 USD\"] }}\n{}retry = {{ times = 2, pause = \"10ms\" }}\n",
        super::agent("worker", script)
    );
    let (ran, lines) = super::run(&team, &[]);
    let report = lines.last().unwrap();
    assert_eq!((ran.code, &report["output"]), (Some(0), &json!("up")), "{ran:?}");
    assert_eq!(report["steps"][0]["attempts"], 3);
    assert_eq!(report["spent"]["USD"], "0.06");
    let retrying: Vec<_> = lines.iter().filter(|line| line["type"] == "retrying").collect();
    assert_eq!(retrying.len(), 2);
    assert_eq!(retrying[0]["reason"]["code"], "agent.failed");
    assert_eq!(retrying[0]["spent"]["USD"], "0.01");
}
