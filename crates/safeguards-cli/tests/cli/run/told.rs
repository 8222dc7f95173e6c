//! What people are told of a run that did not go well: why it ended, what helps, which alerts got lost.

use std::{
    fmt::Write as _,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use serde_json::json;

use super::{agent, report, says};
use crate::command::{code_in_time, file, safeguards};

const POOL: &str = "pool = { limits = [\"1.00 USD\"] }\n";

/// Runs a team file for people; gives the exit code, and what it printed as a result.
#[track_caller]
fn told(team: &str, args: &[&str]) -> (i32, String) {
    let (_folder, path) = file("crew.toml", team);
    let ran = safeguards(&[&["run", &path, "look around"], args].concat());
    (ran.code.unwrap(), ran.stdout)
}

#[track_caller]
fn check((code, text): (i32, String), expected: i32, parts: &[&str]) {
    assert_eq!(code, expected, "{text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in {text}");
    }
}

#[test]
fn a_fan_out_says_how_many_did_not_succeed() {
    let bad = "echo '{\"error\":\"down\",\"cost\":{}}'";
    let agents =
        [("a", "sleep 66"), ("b", &says("fine")), ("c", bad), ("d", bad), ("e", &says("fine"))];
    let agents =
        agents.map(|(name, script)| agent(name, script) + "timeout = \"500ms\"\n").concat();
    let told = told(&format!("strategy = \"fan_out\"\n{POOL}{agents}"), &[]);
    let parts = [
        ": 3 of 5 steps did not succeed; first: a timed out\n",
        "\ntimed out a: ",
        "\nfailed  c: ",
    ];
    check(told, 4, &parts);
}

#[test]
fn a_fan_out_names_who_ended_it_and_nobody_who_was_cancelled_for_it() {
    let bad = "echo '{\"error\":\"down\",\"cost\":{}}'";
    let agents = [("a", "sleep 66"), ("b", bad), ("c", bad)];
    let agents = agents.map(|(name, script)| agent(name, script)).concat();
    let team =
        |policy| format!("strategy = \"fan_out\"\n{POOL}{agents}[fan_out]\npolicy = {policy}\n");
    let (code, text) = told(&team("\"fail_fast\""), &[]);
    assert!(!text.contains("first: a was cancelled"), "{text}");
    check((code, text), 1, &[" steps did not succeed; first: "]);
    let quorum = ": agent.failed: a quorum of 2 of 3 steps can no longer be reached: ";
    check(told(&team("{ quorum = 2 }"), &[]), 1, &[quorum, "c failed", "b failed"]);
}

#[test]
fn labels_never_touch_names() {
    let team = format!("{POOL}{}{}", agent("one", "sleep 66"), agent("two", &says("never")));
    check(
        told(&format!("deadline = \"300ms\"\n{team}"), &[]),
        4,
        &["\ntimed out one: ", "\nskipped two: "],
    );
}

/// A program that is there and may be executed, and cannot be started: what its first line names is not there.
fn not_startable() -> (tempfile::TempDir, String) {
    let (folder, program) = file("program", "#!/none/such\n");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    (folder, program)
}

#[test]
fn every_input_gets_its_step_however_many_there_are() {
    let (_at, program) = not_startable();
    let missing = format!(
        "[[agent]]\nname = \"worker\"\ncommand = [\"{program}\"]\nestimate = \"0.10 USD\"\n"
    );
    let team = format!("strategy = \"fan_out\"\n{POOL}{missing}");
    let (_folder, inputs) = file("pages.txt", "page\n".repeat(10_001));
    let report = report(&team, &["--each", &inputs]);
    assert_eq!(report["steps"].as_array().unwrap().len(), 10_001);
    assert_eq!(report["reason"]["code"], "agent.not_found");
}

#[test]
fn more_inputs_than_a_run_takes_are_refused_before_it_begins() {
    let (_folder, inputs) = file("pages.txt", "page\n".repeat(1_000_001));
    let (_other, path) =
        file("crew.toml", format!("strategy = \"fan_out\"\n{POOL}{}", agent("a", "true")));
    safeguards(&["run", &path, "task", "--each", &inputs]).refused(&[
        "config.inputs",
        "pages.txt",
        "1000001 inputs",
        "1000000",
    ]);
}

#[test]
fn advice_after_a_denial_is_true() {
    let slow = "sleep 1; echo '{\"output\":1,\"cost\":{}}'";
    let team = format!(
        "strategy = \"fan_out\"\npool = {{ limits = [\"0.15 USD\"] }}\n{}{}",
        agent("a", slow),
        agent("b", slow)
    );
    let (code, text) = told(&team, &[]);
    assert!(!text.contains("helps: run it again"), "{text}");
    check(
        (code, text),
        3,
        &[
            "helps: raise the limit of crew, lower the estimate, or let fewer run at once (`concurrency`)",
        ],
    );
}

#[test]
fn alerts_that_got_lost_are_listed() {
    let lost = "[[alert]]\non = \"budget.**\"\nto = { file = \"/dev/full\" }\n";
    let team = format!(
        "pool = {{ limits = [\"0.05 USD\"], warn_at = [\"50%\"] }}\n{}{lost}",
        agent("a", &says("fine")).replace("0.10", "0.05")
    );
    check(
        told(&team, &[]),
        0,
        &[
            "warning 1 alert did not reach a channel\n",
            "        [[alert]] 1: 1 alert: it still waited when the run ended; the channel said: ",
            "No space left",
        ],
    );
    let report = report(&team, &[]);
    let letter = &report["undelivered"][0];
    assert_eq!(letter["alert"]["topic"], "budget.threshold", "{report:#}");
    assert_eq!(letter["reason"]["code"], "notify.stopped");
    assert!(letter["channel"].as_str().is_some_and(|name| !name.is_empty()));
    assert_eq!(
        super::report(&format!("{POOL}{}", agent("a", &says("fine"))), &[])["undelivered"],
        json!([])
    );
}

#[test]
fn a_channel_that_takes_nothing_is_one_line_however_much_it_lost() {
    let slow = says("fine").replace("0.04", "0.10");
    let team = format!(
        "strategy = \"fan_out\"\nconcurrency = 1\npool = {{ limits = [\"0.10 USD\"] }}\n{}\
         [[alert]]\nname = \"ops\"\non = \"budget.denied\"\nto = {{ file = \"/dev/full\" }}\n",
        agent("worker", &slow)
    );
    let (_folder, inputs) = file("pages.txt", "page\n".repeat(4));
    let (_, text) = told(&team, &["--each", &inputs]);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("        ops: ")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(lines[0].starts_with("        ops: 3 alerts: it still waited"), "{text}");
}

#[test]
fn the_report_of_a_large_team_is_soon_made() {
    let (_at, program) = not_startable();
    let mut team = format!("strategy = \"fan_out\"\n{POOL}");
    for number in 0..3_000 {
        let agent =
            format!("name = \"a{number}\"\ncommand = [\"{program}\"]\nestimate = \"0.01 USD\"");
        writeln!(team, "[[agent]]\n{agent}").unwrap();
    }
    let (_folder, path) = file("crew.toml", team);
    let mut child = Command::new(env!("CARGO_BIN_EXE_safeguards"))
        .args(["run", &path, "look around"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(code_in_time(&mut child), Some(1));
}

#[test]
fn of_many_mistakes_the_first_are_shown_on_a_line_each() {
    let mut team = format!("{POOL}\"bad\\n\\u001b[2J\" = 1\n");
    team.push_str(&agent("worker", "true"));
    for number in 0..30 {
        writeln!(team, "wrong{number} = 1").unwrap();
    }
    let (_folder, path) = file("crew.toml", team);
    let ran = safeguards(&["run", &path, "task"]);
    ran.refused(&["… and 11 more mistakes", r"bad\n\u{1b}[2J"]);
    assert_eq!(ran.stderr.lines().count(), 21, "{}", ran.stderr);
    assert!(!ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
}

#[test]
fn files_that_are_too_large_are_refused() {
    let (_folder, path) = file("crew.toml", format!("# {}", "x".repeat(1024 * 1024)));
    safeguards(&["run", &path, "task"]).refused(&[
        "config.unreadable",
        "crew.toml",
        "1048576 bytes",
    ]);
}
