//! Runs whose output nobody reads, and every signal that ends them: neither holds up a deadline.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::Value;

use super::{agent, audit};
use crate::command::{code_in_time, file, signal};

const POOL: &str = "pool = { limits = [\"1.00 USD\"] }\n";
/// A pipe with a name.
fn pipe(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    let pipe = folder.path().join(name);
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    pipe
}

/// The end of a pipe to write to. Somebody has it open to read, and never does.
fn unread(pipe: &Path) -> (File, Stdio) {
    let held = OpenOptions::new().read(true).write(true).open(pipe).unwrap();
    let end = OpenOptions::new().write(true).open(pipe).unwrap();
    (held, end.into())
}

/// Starts the program. A hang-up ends it even where the tests themselves were begun with `nohup`.
fn start(args: &[&str], stdout: Stdio, stderr: Stdio) -> Child {
    let program = env!("CARGO_BIN_EXE_safeguards");
    let mut command = if cfg!(target_os = "linux") {
        let mut command = Command::new("env");
        command.args(["--default-signal=HUP", program]);
        command
    } else {
        Command::new(program)
    };
    command.args(args).stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn().unwrap()
}

#[test]
fn a_standard_error_that_nobody_reads_holds_up_no_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let (_held, stderr) = unread(&pipe(&folder, "err"));
    let talks = agent("worker", "yes log >&2 & sleep 66");
    let (_folder, path) = file("crew.toml", format!("deadline = \"1s\"\n{POOL}{talks}"));
    let mut child = start(&["run", &path, "look around"], Stdio::piped(), stderr);
    assert_eq!(code_in_time(&mut child), Some(4));
    let report = io::read_to_string(child.stdout.take().unwrap()).unwrap();
    assert!(report.contains("worker timed out"), "{report}");
}

#[test]
fn alerts_that_nobody_reads_hold_up_no_report() {
    // Standard error is full before the first alert.
    let script = "yes log | head -n 20000 >&2; echo '{\"output\":1,\"cost\":{\"USD\":\"0.99\"}}'";
    let alert = "[[alert]]\non = \"budget.**\"\nto = \"console\"\n";
    let (_folder, path) = file("crew.toml", format!("{POOL}{}{alert}", agent("worker", script)));
    for args in [&["run", &path, "look around"][..], &["run", &path, "look around", "--json"]] {
        let folder = tempfile::tempdir().unwrap();
        let (_held, stderr) = unread(&pipe(&folder, "err"));
        let mut child = start(args, Stdio::piped(), stderr);
        let mut stdout = child.stdout.take().unwrap();
        let reader = thread::spawn(move || io::read_to_string(&mut stdout).unwrap());
        assert_eq!(code_in_time(&mut child), Some(0));
        assert!(reader.join().unwrap().contains("0.99"));
    }
}

#[test]
fn a_report_that_nobody_reads_does_not_outlast_signals() {
    let folder = tempfile::tempdir().unwrap();
    let (_held, stdout) = unread(&pipe(&folder, "out"));
    // The signals come from outside of its process group: one for the run if it still goes on, one for its report.
    let script = "setsid sh -c \"for i in 1 2; do sleep 1; kill -TERM $PPID; done\" > /dev/null 2>&1 &
        yes log | head -n 20000 >&2; yes '{\"progress\":\"going on\"}' | head -n 20000; echo '{\"output\":1,\"cost\":{}}'";
    let (_folder, path) = file("crew.toml", format!("{POOL}{}", agent("worker", script)));
    let mut child = start(&["run", &path, "look around", "--json"], stdout, Stdio::null());
    assert_eq!(code_in_time(&mut child), Some(130));
}

#[test]
fn lines_that_were_dropped_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (mut held, stdout) = unread(&pipe(&folder, "out"));
    let said = pipe(&folder, "said");
    let lines = 20_000;
    let line = "x".repeat(1_000);
    let script = format!(
        "yes {line} | head -n {lines} >&2; echo all > {}; echo '{{\"output\":1,\"cost\":{{}}}}'",
        said.display()
    );
    let (_folder, path) = file("crew.toml", format!("{POOL}{}", agent("worker", &script)));
    let mut child = start(&["run", &path, "look around", "--json"], stdout, Stdio::null());
    assert_eq!(std::fs::read_to_string(said).unwrap(), "all\n");
    let reader = thread::spawn(move || {
        let mut seen = Vec::new();
        for line in BufReader::new(held.by_ref()).lines() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            seen.push(line);
            if seen.last().unwrap()["type"] == "report" {
                break;
            }
        }
        seen
    });
    assert_eq!(code_in_time(&mut child), Some(0));
    let seen = reader.join().unwrap();
    let of = |kind: &'static str| seen.iter().filter(move |line| line["type"] == kind);
    let dropped: u64 = of("dropped").map(|line| line["lines"].as_u64().unwrap()).sum();
    assert!(dropped > 0);
    assert_eq!(u64::try_from(of("logged").count()).unwrap() + dropped, lines);
    for kind in ["run_started", "held", "settled", "step_ended", "run_ended", "report"] {
        assert_eq!(of(kind).count(), 1, "{kind}");
    }
}

#[test]
fn every_signal_that_asks_for_the_end_settles_what_runs_and_prints_the_report() {
    for name in ["INT", "TERM", "HUP", "QUIT"] {
        let script = "echo '{\"progress\":\"on it\"}'; sleep 1000";
        let (_folder, path) = file("crew.toml", format!("{POOL}{}", agent("worker", script)));
        let mut child =
            start(&["run", &path, "look around", "--json"], Stdio::piped(), Stdio::null());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("on it")));
        signal(&child, name);
        let last = lines.last().unwrap_or_default();
        assert_eq!(code_in_time(&mut child), Some(130), "{name}");
        let report: Value = serde_json::from_str(&last).unwrap();
        audit(&report);
        assert_eq!(
            (&report["state"], &report["spent"]["USD"]),
            (&"cancelled".into(), &"0.1".into())
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_hang_up_that_is_ignored_stays_ignored() {
    let script = "echo '{\"progress\":\"on it\"}'; kill -HUP $PPID; sleep 0.3; echo '{\"output\":1,\"cost\":{}}'";
    let (_folder, path) = file("crew.toml", format!("{POOL}{}", agent("worker", script)));
    let ran = Command::new("nohup")
        .args([env!("CARGO_BIN_EXE_safeguards"), "run", &path, "look around", "--json"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
}
