//! Every way in which a run ends, with its exit code and with what it cost.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
    thread,
};

use serde_json::{Value, json};

use super::{agent, audit, report, run, says};
use crate::command::{file, safeguards, safeguards_reading};

const POOL: &str = "pool = { limits = [\"1.00 USD\"] }\n";

#[test]
fn a_pipeline_hands_outputs_on_and_succeeds() {
    let echo = r#"input=$(sed 's/.*"input":"\([a-z]*\)".*/\1/'); echo "{\"output\":\"$input two\",\"cost\":{\"USD\":\"0.05\"}}""#;
    let report =
        report(&format!("{POOL}{}{}", agent("first", &says("one")), agent("second", echo)), &[]);
    audit(&report);
    assert_eq!((&report["state"], &report["exit"]), (&json!("succeeded"), &json!(0)));
    assert_eq!(report["output"], "one two");
    assert_eq!(report["spent"], json!({"USD": "0.09", "requests": "2"}));
    let pool = &report["accounts"][0];
    assert_eq!((&pool["tasks"], &pool["denials"]), (&json!(2), &json!(0)));
    assert_eq!(pool["left"], json!([{"unit": "USD", "amount": "0.91", "by": "crew"}]));
}

#[test]
fn usage_is_priced_exactly() {
    let script = r#"cat > /dev/null; echo '{"output":1,"usage":{"model":"gpt-4o","input_tokens":4808,"output_tokens":10}}'"#;
    let report = report(&format!("{POOL}{}", agent("reader", script)), &[]);
    assert_eq!(report["spent"], json!({"USD": "0.01212", "requests": "1", "tokens": "4818"}));
}

#[test]
fn a_budget_that_runs_out_stops_the_run_and_keeps_what_was_done() {
    let pool = "pool = { limits = [\"0.13 USD\"] }\n";
    let team = format!(
        "{pool}{}{}{}",
        agent("a", &says("done")),
        agent("b", &says("never")),
        agent("c", &says("never"))
    );
    let (ran, lines) = run(&team, &[]);
    let report = lines.last().unwrap();
    audit(report);
    assert_eq!((ran.code, &report["state"]), (Some(3), &json!("denied")));
    let states: Vec<_> =
        report["steps"].as_array().unwrap().iter().map(|step| &step["state"]).collect();
    assert_eq!(states, ["succeeded", "denied", "skipped"]);
    assert_eq!(report["steps"][0]["output"], "done");
    assert_eq!(report["spent"], json!({"USD": "0.04", "requests": "1"}));
    let denied = lines.iter().find(|line| line["type"] == "denied").unwrap();
    assert_eq!(denied["step"], "b");
    for (key, value) in [
        ("code", json!("budget.limit_exceeded")),
        ("account", json!("crew")),
        ("limit", json!("0.13")),
        ("spent", json!("0.04")),
        ("asked", json!("0.1")),
        ("available", json!("0.09")),
        ("never", json!(true)),
    ] {
        assert_eq!(denied["denial"][key], value, "{key}");
    }
    assert_eq!(report["alerts"][0]["topic"], "budget.denied");
}

/// What goes wrong with an agent: the code of its reason, and what counts as spent.
#[track_caller]
fn check(script: &str, code: &str, said: &str, spent: &str) {
    let report =
        report(&format!("{POOL}{}{}", agent("worker", script), agent("next", &says("never"))), &[]);
    audit(&report);
    assert_eq!((&report["state"], &report["exit"]), (&json!("failed"), &json!(1)), "{report:#}");
    let step = &report["steps"][0];
    assert_eq!(step["reason"]["code"], code, "{step:#}");
    let message = step["reason"]["message"].as_str().unwrap();
    assert!(message.contains("worker") && message.contains(said), "{message}");
    assert_eq!(step["spent"]["USD"], spent, "{step:#}");
    assert_eq!(report["steps"][1]["state"], "skipped");
}

#[test]
fn whatever_an_agent_does_wrong_has_a_reason_and_a_cost() {
    check("echo Done.", "agent.no_result", "Done.", "0.1");
    check("true", "agent.no_result", "", "0.1");
    check(r#"echo '{"drawn":{"USD":"0.07"},"progress":"half"}'"#, "agent.no_result", "", "0.07");
    check(r#"echo '{"output":1,"cost":{"USD":"-1"}}'"#, "agent.bad_result", "negative", "0.1");
    check(
        r#"echo '{"output":1,"cost":{"USD":"0.0000000000001"}}'"#,
        "agent.bad_result",
        "12 decimal places",
        "0.1",
    );
    check(r#"echo '{"output":1,"cost":{"USD":0.5}}'"#, "agent.bad_result", "decimal string", "0.1");
    check(r#"echo '{"output":1,"cots":{}}'"#, "agent.bad_result", "cots", "0.1");
    check(
        r#"echo '{"output":1,"usage":{"model":"none-such","input_tokens":1,"output_tokens":1}}'"#,
        "pricing.unknown_model",
        "none-such",
        "0.1",
    );
    check(
        r#"echo '{"error":"the source is down","cost":{"USD":"0.003"}}'"#,
        "agent.failed",
        "the source is down",
        "0.003",
    );
    check(r#"echo '{"output":1,"cost":{"USD":"0.02"}}'; exit 7"#, "agent.exit", "7", "0.02");
    check("kill -KILL $$", "agent.signal", "", "0.1");
}

#[test]
fn a_program_that_is_gone_when_its_turn_comes_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    std::fs::write(&program, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = program.display();
    let remover = agent("remover", &format!("rm {program}; {}", says("gone")));
    let missing = format!(
        "[[agent]]\nname = \"worker\"\ncommand = [\"{program}\"]\nestimate = \"0.10 USD\"\n"
    );
    let report = report(&format!("{POOL}{remover}{missing}"), &[]);
    audit(&report);
    assert_eq!(report["steps"][1]["reason"]["code"], "agent.not_found");
    assert_eq!(report["spent"]["USD"], "0.04");
}

#[test]
fn a_program_that_runs_for_ever_is_ended_with_its_children() {
    // The child writes into a pipe as long as it lives: its end is the end of what can be read.
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let script = format!("trap '' TERM; sleep 1000 > {} & while :; do wait; done", pipe.display());
    let reader = thread::spawn(move || io::read_to_string(File::open(pipe).unwrap()).unwrap());
    let timeout = "timeout = \"300ms\"\n";
    let report = report(&format!("{POOL}{}{timeout}", agent("worker", &script)), &[]);
    audit(&report);
    assert_eq!((&report["state"], &report["exit"]), (&json!("timed_out"), &json!(4)));
    assert_eq!(report["spent"]["USD"], "0.1");
    assert_eq!(reader.join().unwrap(), "");
}

#[test]
fn a_second_signal_kills_what_runs_and_leaves_no_report() {
    // It says that it was told to stop, and stays; its child writes into a pipe as long as it lives.
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let script = format!(
        "trap 'echo {{\\\"progress\\\":\\\"told\\\"}}' TERM\n\
         (trap '' TERM; exec sleep 1000) > {} &\n\
         echo '{{\"progress\":\"on it\"}}'; while :; do wait; done",
        pipe.display()
    );
    let reader = thread::spawn(move || io::read_to_string(File::open(pipe).unwrap()).unwrap());
    let (_folder, path) = file("crew.toml", format!("{POOL}{}", agent("worker", &script)));
    let mut child = Command::new(env!("CARGO_BIN_EXE_safeguards"))
        .args(["run", &path, "look around", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let pid = child.id().to_string();
    for (said, signal) in [("on it", "-INT"), ("told", "-TERM")] {
        assert!(lines.any(|line| line.contains(said)), "{said}");
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
    assert!(lines.all(|line| !line.contains("\"report\"")));
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    let errors: Vec<_> = stderr.lines().filter(|line| line.starts_with("error ")).collect();
    assert!(matches!(errors[..], [line] if line.contains("cli.killed")), "{stderr}");
    assert_eq!(reader.join().unwrap(), "");
}

#[test]
fn a_fan_out_gives_each_line_to_an_agent_in_turn() {
    let (_folder, inputs) = file("pages.txt", "one\n\ntwo\nthree\n");
    let echo = r#"input=$(sed 's/.*"input":"\([a-z]*\)".*/\1/'); echo "{\"output\":\"$input\",\"cost\":{\"USD\":\"0.01\"}}""#;
    let team = format!("strategy = \"fan_out\"\n{POOL}{}{}", agent("a", echo), agent("b", echo));
    let report = report(&team, &["--each", &inputs]);
    audit(&report);
    assert_eq!(report["output"], json!(["one", "two", "three"]));
    let steps: Vec<_> =
        report["steps"].as_array().unwrap().iter().map(|step| &step["step"]).collect();
    assert_eq!(steps, ["a-1", "b-2", "a-3"]);
}

#[test]
fn a_task_of_one_dash_is_read_from_standard_input() {
    let echo = r#"input=$(sed 's/.*"task":"\([a-z ]*\)".*/\1/'); echo "{\"output\":\"$input\",\"cost\":{}}""#;
    let (_folder, path) = file("crew.toml", format!("{POOL}{}", agent("worker", echo)));
    let ran = safeguards_reading("look around\n", &["run", &path, "-", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(report["output"], "look around");
}

#[test]
fn what_programs_write_cannot_steer_a_terminal_or_forge_lines() {
    let script = r#"printf '\033[2Jgone\n' >&2; printf '%s\n' '{"progress":"half\nworker  succeeded"}' '{"error":"\u001b[31mred","cost":{}}'"#;
    let (_folder, path) = file("crew.toml", format!("{POOL}{}", agent("worker", script)));
    let ran = safeguards(&["run", &path, "look around"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(!ran.stderr.contains('\u{1b}') && !ran.stdout.contains('\u{1b}'), "{ran:?}");
    for part in [r"log: \u{1b}[2Jgone", r"worker  half\nworker  succeeded", r"\u{1b}[31mred"] {
        assert!(ran.stderr.contains(part), "`{part}` is not in {}", ran.stderr);
    }
    let (ran, lines) = run(&format!("{POOL}{}", agent("worker", script)), &[]);
    assert!(lines.iter().any(|line| line["text"] == "half\nworker  succeeded"), "{ran:?}");
    assert_eq!(ran.stderr, "");
}

#[test]
fn people_get_a_table_and_the_output() {
    let (_folder, path) =
        file("crew.toml", format!("{POOL}{}", agent("worker", &says("all is well"))));
    let ran = safeguards(&["run", &path, "look around"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in [
        "account",
        "this run",
        "denials",
        "crew",
        "  worker",
        "0.04 USD",
        "0.96 (crew)",
        "\noutput\nall is well\n",
    ] {
        assert!(ran.stdout.contains(part), "`{part}` is not in {}", ran.stdout);
    }
    for part in [
        "worker  started, 0.10 USD held",
        "worker  succeeded, spent 0.04 USD",
        "so far 0.04 of 1.00 USD",
    ] {
        assert!(ran.stderr.contains(part), "`{part}` is not in {}", ran.stderr);
    }
}
