//! Real programs: every way to answer, to answer badly, not to answer, and not to end.

use std::{path::Path, process::Command, time::Duration};

use safeguards_coord::{
    Agent, EnvPolicy, FanOut, Member, Pipeline, ProgramAgent, Reply, State, Task, Team,
};
use safeguards_types::{Amount, usd};
use serde_json::{Value, json};

use crate::stage::{self, Stage, member_of, states};

/// A shell that runs `script`, with little patience when it is told to stop.
fn shell(script: &str) -> ProgramAgent {
    ProgramAgent::new("a", "/bin/sh").args(["-c", script]).grace(Duration::from_millis(300))
}

fn member(script: &str) -> Member {
    member_of(shell(script))
}

async fn check(program: ProgramAgent, ended: &str, spent: &str, message: &str) {
    let stage = Stage::new();
    let report = stage.run([member_of(program)], &Pipeline::new()).await;
    assert_eq!(states(&report), [ended], "{:?}", report.reason);
    assert_eq!(report.spent.to_string(), spent, "{:?}", report.reason);
    let said = report.reason.map(|reason| reason.message).unwrap_or_default();
    assert!(said.contains(message), "{said}");
    assert_eq!(said.is_empty(), message.is_empty(), "{said}");
}

#[tokio::test]
async fn a_result_is_the_last_line_with_cost_or_usage() {
    const OK: &str = "a succeeded";
    let estimate = "1.00 USD, 1 requests";
    check(shell(r#"echo '{"output":1,"cost":{"USD":"0.1840"}}'"#), OK, "0.184 USD, 1 requests", "")
        .await;
    check(shell(r#"echo '{"output":null,"cost":{}}'"#), OK, "1 requests", "").await;
    check(shell(r#"printf '{"output":"no line end"}'"#), OK, estimate, "").await;
    check(shell("echo; echo thinking; echo '{\"output\":1}'; echo"), OK, estimate, "").await;
    let usage =
        r#"echo '{"output":1,"usage":{"model":"gpt-4o","input_tokens":4808,"output_tokens":10}}'"#;
    check(shell(usage), OK, "0.01212 USD, 1 requests, 4818 tokens", "").await;
    let drawn = r#"echo '{"progress":"1 of 2","drawn":{"USD":"0.07"}}'; echo '{"output":1}'"#;
    check(shell(drawn), OK, "0.07 USD, 1 requests", "").await;
}

#[tokio::test]
async fn what_is_no_result_says_so_and_costs() {
    let estimate = "1.00 USD, 1 requests";
    let check_bad = async |script: &str, code: &str, message: &str| {
        check(shell(script), &format!("a failed agent.{code}"), estimate, message).await;
    };
    check_bad(
        "true",
        "no_result",
        "a, attempt 1: exit code 0, but it wrote no result; the last line is",
    )
    .await;
    check_bad(
        "echo Done.",
        "no_result",
        r#"its last line is no JSON object: "Done."; the last line is one JSON object"#,
    )
    .await;
    check_bad("echo '[1]'", "no_result", r#"no JSON object: "[1]""#).await;
    check_bad("echo '{\"output\":'", "bad_result", "EOF while parsing").await;
    check_bad("echo '{}'", "bad_result", "it has neither `output` nor `error`: \"{}\"").await;
    check_bad(
        r#"echo '{"output":1,"costs":{}}'"#,
        "bad_result",
        "unknown field `costs`, expected one of `progress`",
    )
    .await;
    check_bad(r#"echo '{"output":1,"error":"x"}'"#, "bad_result", "both `output` and `error`")
        .await;
    check_bad(r#"echo '{"output":1,"retry":true}'"#, "bad_result", "`retry` goes with `error`")
        .await;
    check_bad(
        r#"echo '{"output":1,"cost":{"USD":"-1"}}'"#,
        "bad_result",
        "`-1` is negative; quantities are 0 or more",
    )
    .await;
    check_bad(
        r#"echo '{"output":1,"cost":{"USD":"0.0000000000001"}}'"#,
        "bad_result",
        "more than 12 decimal places",
    )
    .await;
    check_bad(
        r#"echo '{"output":1,"cost":{"USD":0.1}}'"#,
        "bad_result",
        "floating point `0.1`, expected",
    )
    .await;
    check_bad(
        r#"echo '{"output":1,"cost":{"USD":"1000000000000001"}}'"#,
        "bad_result",
        "the largest amount taken",
    )
    .await;
    check_bad(
        r#"echo '{"output":1,"usage":{"input_tokens":1,"output_tokens":1}}'"#,
        "bad_result",
        "names no `model`",
    )
    .await;
    check_bad(
        r#"echo '{"output":1,"usage":{"model":"m","tokens":1}}'"#,
        "bad_result",
        "unknown field `tokens`",
    )
    .await;
    check_bad(
        r#"echo '{"progress":1,"drawn":{"USD":"-1"}}'; echo '{"output":1}'"#,
        "bad_result",
        "a line before its result is wrong: `-1` is negative",
    )
    .await;
    check_bad("echo '{\"progress\":\"half\"}'", "no_result", "it wrote no result").await;
    check_bad(r"printf '\377\376\n'", "no_result", "no JSON object").await;
    check_bad("exit 3", "exit", "exit code 3; 0 is allowed").await;
    check_bad("kill -9 $$", "signal", "ended by signal 9").await;
    let long = "head -c 5000 /dev/zero | tr '\\0' x";
    check_bad(long, "no_result", "xxx\"… (5000 bytes)").await;
}

#[tokio::test]
async fn what_was_reported_counts_however_it_ends() {
    let check_cost = async |script: &str, code: &str, spent: &str, message: &str| {
        check(shell(script), &format!("a failed agent.{code}"), spent, message).await;
    };
    let error = r#"echo '{"error":"source is down","retry":true,"cost":{"USD":"0.0031"}}'"#;
    let said = "a, attempt 1: source is down; it reports 0.0031 USD, which counts as spent";
    check_cost(error, "failed", "0.0031 USD, 1 requests", said).await;
    check_cost(&format!("{error}; exit 1"), "failed", "0.0031 USD, 1 requests", said).await;
    let result = r#"echo '{"output":1,"cost":{"USD":"0.25"}}'"#;
    let spent = "0.25 USD, 1 requests";
    check_cost(&format!("{result}; exit 3"), "exit", spent, "exit code 3, after the line").await;
    check_cost(&format!("{result}; kill -9 $$"), "signal", spent, "signal 9, after the line").await;
    check_cost(
        &format!("{result}; echo Done."),
        "bad_result",
        spent,
        "its result is not its last line",
    )
    .await;
    check_cost(
        &format!("{result}; {result}"),
        "bad_result",
        spent,
        "its result is not its last line",
    )
    .await;
    check_cost(
        r#"echo '{"output":1,"cost":{"USD":"0.25"},"x":1}'"#,
        "bad_result",
        spent,
        "unknown field `x`",
    )
    .await;
    let both = r#"echo '{"output":1,"cost":{"USD":"0.25"},"usage":{"model":"m","input_tokens":1,"output_tokens":1}}'"#;
    check_cost(both, "bad_result", spent, "both `cost` and `usage`").await;
    let drawn = r#"echo '{"drawn":{"USD":"0.07"}}'; echo Done."#;
    let said = r#"exit code 0, but its last line is no JSON object: "Done.""#;
    check_cost(drawn, "no_result", "0.07 USD, 1 requests", said).await;
    check_cost(drawn, "no_result", "0.07 USD, 1 requests", "the 0.07 USD drawn counts as spent")
        .await;
}

#[tokio::test]
async fn what_cannot_be_started_costs_nothing() {
    let check_start = async |agent: ProgramAgent, code: &str, message: &str| {
        check(agent, &format!("a failed agent.{code}"), "nothing", message).await;
    };
    let agent = ProgramAgent::new("a", "no-such-program-at-all");
    check_start(
        agent,
        "not_found",
        "a, attempt 1: there is no program `no-such-program-at-all`; write a path",
    )
    .await;
    check_start(
        shell("true").folder("/no/such/folder"),
        "not_started",
        "its folder /no/such/folder does not exist",
    )
    .await;
    let text = tempfile::NamedTempFile::new().unwrap();
    let agent = ProgramAgent::new("a", text.path().to_str().unwrap());
    check_start(agent, "not_started", "no program that may be executed").await;
}

#[tokio::test]
async fn a_program_gets_its_task_as_one_line_of_json() {
    let stage = Stage::new();
    let script = r#"read -r line; printf '{"output":%s,"cost":{}}' "$line""#;
    let strategy = FanOut::over([json!({"page": 7})]);
    let report = stage.run([member(script)], &strategy).await;
    let expected = json!({
        "task": "work",
        "input": {"page": 7},
        "run": report.run,
        "step": "a-1",
        "attempt": 1,
        "held": {"USD": "1", "requests": "1"},
        "deadline": report.started_at.saturating_add(Duration::from_mins(10)),
    });
    let got = report.output.unwrap();
    let deadline = |value: &Value| value["deadline"].as_str().unwrap()[..17].to_owned();
    assert_eq!(deadline(&got[0]), deadline(&expected));
    for key in ["task", "input", "run", "step", "attempt", "held"] {
        assert_eq!(got[0][key], expected[key], "{key}");
    }
    assert_eq!(got[0].as_object().unwrap().len(), 7);
}

#[tokio::test]
async fn a_program_that_does_not_read_its_task_is_none_the_worse() {
    let stage = Stage::new();
    let strategy = FanOut::over([json!("x".repeat(1_000_000))]);
    let script = r#"exec <&-; sleep 0.1; echo '{"output":"deaf","cost":{}}'"#;
    let report = stage.run([member(script)], &strategy).await;
    assert_eq!(report.output, Some(json!(["deaf"])));
}

#[tokio::test]
async fn the_log_is_kept_and_streamed() {
    let stage = Stage::new();
    let script = "i=0; while [ $i -lt 60 ]; do echo line $i >&2; i=$((i+1)); done; echo thinking; echo '{\"output\":1}'";
    let report = stage.run([member(script)], &Pipeline::new()).await;
    let log = &report.steps[0].log;
    assert_eq!(log.len(), 50);
    assert!(log.contains(&"line 59".to_owned()), "{log:?}");
    let events = stage.events.lock();
    let lines: Vec<_> = events.iter().filter_map(|event| event["line"].as_str()).collect();
    assert_eq!(lines.len(), 61);
    assert!(lines.contains(&"line 0") && lines.contains(&"\"thinking\""), "{lines:?}");
}

#[tokio::test]
async fn only_the_environment_that_was_named_is_passed_on() {
    let stage = Stage::new();
    let script = r#"printf '{"output":"%s|%s|%s"}' "${CARGO_MANIFEST_DIR-none}" "${CARGO_PKG_NAME-none}" "$MODE""#;
    let env = EnvPolicy::default().pass(["CARGO_PKG_NAME"]).set("MODE", "careful");
    let folder = tempfile::tempdir().unwrap();
    let agent = shell(script).env(env).folder(folder.path());
    let report = stage.run([member_of(agent)], &Pipeline::new()).await;
    assert_eq!(report.output, Some(json!("none|safeguards-coord|careful")));
    let report = Stage::new()
        .run(
            [member_of(shell(r#"printf '{"output":"%s"}' "$PWD""#).folder(folder.path()))],
            &Pipeline::new(),
        )
        .await;
    let real = folder.path().canonicalize().unwrap();
    assert_eq!(report.output, Some(json!(real)));
}

/// Whether the process whose number stands in `file` is gone, or about to be: killed and not yet reaped.
fn is_gone(file: &Path) -> bool {
    let pid = std::fs::read_to_string(file).unwrap();
    let ps = Command::new("ps").args(["-o", "stat=", "-p", pid.trim()]).output().unwrap();
    let stat = String::from_utf8(ps.stdout).unwrap();
    stat.trim().is_empty() || stat.trim().starts_with('Z')
}

async fn until_begun(file: &Path) {
    while !std::fs::read_to_string(file).is_ok_and(|pid| pid.ends_with('\n')) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn until_gone(file: &Path) {
    let gone = async {
        while !is_gone(file) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("it is still running");
}

async fn check_deadline(script: &str, spent: Amount, child: &Path) {
    let stage = Stage::new();
    let members = [member(script).timeout(Duration::from_secs(1))];
    let report = stage.run(members, &Pipeline::new()).await;
    assert_eq!(states(&report), ["a timed_out agent.timed_out"], "{script}");
    assert_eq!(report.spent.get(spent.unit()), spent.quantity(), "{script}");
    assert!(report.steps[0].duration < Duration::from_secs(20), "{script}");
    until_gone(child).await;
}

#[tokio::test]
async fn at_the_deadline_the_program_and_its_children_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    let sleep = format!("sleep 100 & echo $! > {}", child.display());
    check_deadline(&format!("{sleep}; wait"), usd!(1), &child).await;
    let drawn = r#"echo '{"drawn":{"USD":"0.2"}}'"#;
    let deaf = format!("trap '' TERM; {sleep}; {drawn}; while :; do sleep 1; done");
    check_deadline(&deaf, usd!(0.2), &child).await;
    let last_words =
        r#"trap 'echo "{\"error\":\"stopped\",\"cost\":{\"USD\":\"0.3\"}}"; exit 1' TERM"#;
    check_deadline(&format!("{last_words}; {sleep}; wait"), usd!(0.3), &child).await;
}

#[tokio::test]
async fn children_that_outlive_their_program_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    let stage = Stage::new();
    let script =
        format!("sleep 100 & echo $! > {}; echo '{{\"output\":1,\"cost\":{{}}}}'", child.display());
    let report = stage.run([member(&script)], &Pipeline::new()).await;
    assert_eq!(report.state, State::Succeeded);
    // Had it lived on, it would have kept the output open, and that would stand in the log.
    assert_eq!(report.steps[0].log, [""; 0]);
    until_gone(&child).await;
}

#[tokio::test]
async fn a_child_that_leaves_the_group_escapes_but_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    let stage = Stage::new();
    let script = format!(
        "setsid sh -c 'echo $$ > {0}; exec sleep 20' & while [ ! -s {0} ]; do sleep 0.05; done; echo '{{\"output\":1,\"cost\":{{}}}}'",
        child.display()
    );
    let report = stage.run([member(&script)], &Pipeline::new()).await;
    assert_eq!(report.state, State::Succeeded, "{:?}", report.reason);
    assert!(report.steps[0].duration < Duration::from_secs(15));
    assert!(report.steps[0].log[0].contains("left the process group"), "{:?}", report.steps[0].log);
    assert!(!is_gone(&child), "this machine's setsid does not leave the group");
    let pid = std::fs::read_to_string(&child).unwrap();
    Command::new("kill").arg(pid.trim()).status().unwrap();
}

#[tokio::test]
async fn output_beyond_the_cap_kills_the_program_and_keeps_the_cost() {
    let agent = || shell("echo '{\"drawn\":{\"USD\":\"0.04\"}}'; yes").output_max(100_000);
    let message = "wrote more than 100000 bytes to stdout";
    check(agent(), "a failed agent.output_too_large", "0.04 USD, 1 requests", message).await;
    let endless = shell("yes | tr -d '\\n'").output_max(100_000);
    check(endless, "a failed agent.output_too_large", "1.00 USD, 1 requests", message).await;
    // To the byte: 13 are written.
    check(shell("echo '{\"output\":1}'").output_max(13), "a succeeded", "1.00 USD, 1 requests", "")
        .await;
    let message = "more than 12 bytes";
    check(
        shell("echo '{\"output\":1}'").output_max(12),
        "a failed agent.output_too_large",
        "1.00 USD, 1 requests",
        message,
    )
    .await;
}

#[tokio::test]
async fn dropping_the_run_stops_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    let stage = Stage::new();
    let team =
        Team::new("team", "pool", [member(&format!("echo $$ > {}; sleep 100", child.display()))])
            .unwrap();
    let (runner, strategy) = (stage.runner(), Pipeline::new());
    let run = runner.run(&team, Task::new("work"), &strategy, stage.options());
    tokio::select! {
        _ = run => panic!("it ended"),
        () = until_begun(&child) => {}
    }
    until_gone(&child).await;
}

#[tokio::test]
async fn a_program_whose_future_is_dropped_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    let script = format!("trap '' TERM; sleep 100 & echo $! > {}; wait", child.display());
    let stage = Stage::new();
    let pid_file = child.clone();
    let impatient = stage::member("a", move |task, cx| {
        let (program, pid_file) = (shell(&script), pid_file.clone());
        async move {
            tokio::select! {
                reply = program.run(task, cx) => reply,
                () = until_begun(&pid_file) => Ok(Reply::text("no more patience").cost(usd!(0.1))),
            }
        }
    });
    let report = stage.run([impatient], &Pipeline::new()).await;
    assert_eq!(report.output, Some(json!("no more patience")));
    until_gone(&child).await;
}

#[tokio::test]
async fn an_agent_says_how_long_it_takes_to_stop() {
    let agent = shell("true");
    assert!(agent.descriptor().grace > Duration::from_millis(300));
}
