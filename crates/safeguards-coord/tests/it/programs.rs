//! Real programs: every way to answer, to answer badly, and not to answer.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, time::Duration};

use safeguards_coord::{EnvPolicy, FanOut, Member, Pipeline, ProgramAgent};
use serde_json::{Value, json};

use crate::stage::{Stage, member_of, states};

/// A shell that runs `script`, with little patience when it is told to stop.
pub(crate) fn shell(script: &str) -> ProgramAgent {
    ProgramAgent::new("a", "/bin/sh").args(["-c", script]).grace(Duration::from_millis(300))
}

pub(crate) fn member(script: &str) -> Member {
    member_of(shell(script))
}

pub(crate) async fn check(program: ProgramAgent, ended: &str, spent: &str, message: &str) {
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

/// Expects a failure of this kind, and that the estimate counts as spent.
async fn check_bad(script: &str, code: &str, message: &str) {
    let estimate = "1.00 USD, 1 requests";
    check(shell(script), &format!("a failed agent.{code}"), estimate, message).await;
}

#[tokio::test]
async fn what_is_no_result_says_so_and_costs() {
    const NONE: &str = "no_result";
    let message = "a, attempt 1: exit code 0, but it wrote no result; the last line is";
    check_bad("true", NONE, message).await;
    let message = r#"its last line is no JSON object: "Done."; the last line is one JSON object"#;
    check_bad("echo Done.", NONE, message).await;
    check_bad("echo '[1]'", NONE, r#"no JSON object: "[1]""#).await;
    check_bad("echo '{\"progress\":\"half\"}'", NONE, "it wrote no result").await;
    check_bad(r"printf '\377\376\n'", NONE, "no JSON object").await;
    let long = "head -c 5000 /dev/zero | tr '\\0' x";
    check_bad(long, NONE, "xxx\"… (5000 bytes)").await;
    check_bad("exit 3", "exit", "exit code 3; 0 is allowed").await;
    check_bad("kill -9 $$", "signal", "ended by signal 9").await;
}

#[tokio::test]
async fn a_result_of_another_form_says_what_is_wrong_and_costs() {
    let check_line = async |line: &str, message: &str| {
        check_bad(&format!("echo '{line}'"), "bad_result", message).await;
    };
    check_line(r#"{"output":"#, "EOF while parsing").await;
    check_line("{}", "it has neither `output` nor `error`: \"{}\"").await;
    check_line(r#"{"output":1,"costs":{}}"#, "unknown field `costs`, expected one of `progress`")
        .await;
    check_line(r#"{"output":1,"error":"x"}"#, "both `output` and `error`").await;
    check_line(r#"{"output":1,"retry":true}"#, "`retry` goes with `error`").await;
}

#[tokio::test]
async fn a_cost_or_usage_that_is_none_says_what_is_wrong_and_costs() {
    let check_key = async |key: &str, message: &str| {
        check_bad(&format!("echo '{{\"output\":1,{key}}}'"), "bad_result", message).await;
    };
    check_key(r#""cost":{"USD":"-1"}"#, "`-1` is negative; quantities are 0 or more").await;
    check_key(r#""cost":{"USD":"0.0000000000001"}"#, "more than 12 decimal places").await;
    check_key(r#""cost":{"USD":0.1}"#, "floating point `0.1`, expected").await;
    check_key(r#""cost":{"USD":"1000000000000001"}"#, "the largest amount taken").await;
    check_key(r#""usage":{"input_tokens":1,"output_tokens":1}"#, "names no `model`").await;
    check_key(r#""usage":{"model":"m","tokens":1}"#, "unknown field `tokens`").await;
    let drawn = r#"echo '{"progress":1,"drawn":{"USD":"-1"}}'; echo '{"output":1}'"#;
    let message = "a line before its result is wrong: `-1` is negative";
    check_bad(drawn, "bad_result", message).await;
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
    // What nobody can price costs no less than the estimate.
    let spent = "1.00 USD, 1 requests, 2 tokens";
    check_cost(both, "bad_result", spent, "both `cost` and `usage`").await;
    let drawn = r#"echo '{"drawn":{"USD":"0.07"}}'; echo Done."#;
    let said = r#"exit code 0, but its last line is no JSON object: "Done.""#;
    check_cost(drawn, "no_result", "0.07 USD, 1 requests", said).await;
    check_cost(drawn, "no_result", "0.07 USD, 1 requests", "the 0.07 USD drawn counts as spent")
        .await;
}

#[tokio::test]
async fn what_any_line_says_of_its_cost_counts_whatever_else_is_wrong_with_it() {
    let check_lines = async |lines: &[&str], spent: &str, message: &str| {
        let echo = |line: &&str| format!("echo '{line}'");
        let script = lines.iter().map(echo).collect::<Vec<_>>().join("; ");
        let spent = format!("{spent}, 1 requests");
        check(shell(&script), "a failed agent.bad_result", &spent, message).await;
    };
    let first = r#"{"output":"a","cost":{"USD":"0.9"}}"#;
    let not_last = "its result is not its last line";
    check_lines(&[first, r#"{"output":"b"}"#], "0.90 USD", not_last).await;
    let less = r#"{"output":"b","cost":{"USD":"0.01"}}"#;
    check_lines(&[first, less], "0.90 USD", "it reports 0.90 USD, which counts as spent").await;
    let more = r#"{"error":"b","cost":{"USD":"0.95"}}"#;
    check(
        shell(&format!("echo '{first}'; echo '{more}'")),
        "a failed agent.failed",
        "0.95 USD, 1 requests",
        "it reports 0.95 USD",
    )
    .await;
    let drawn = "the 0.50 USD drawn counts as spent";
    check_lines(&[r#"{"output":"x","drawn":{"USD":"0.5"}}"#], "0.50 USD", drawn).await;
    let progress = r#"{"progress":"x","drawn":{"USD":"0.5"},"foo":1}"#;
    check_lines(&[progress, r#"{"output":1}"#], "0.50 USD", drawn).await;
    check_lines(&[r#"{"progress":"x","cost":{"USD":"0.5"}}"#], "0.50 USD", "it reports 0.50").await;
    check_lines(&[r#"{"output":1,"output":1,"cost":{"USD":"0.5"}}"#], "0.50 USD", "it reports")
        .await;
    check_lines(&[r#"{"cost":{"USD":"0.5"},"output":"#], "0.50 USD", "EOF").await;
}

#[tokio::test]
async fn usage_in_a_line_that_is_refused_is_priced() {
    let usage = r#"{"output":"x","usage":{"model":"gpt-4o","input_tokens":1000000,"output_tokens":100000},"foo":1}"#;
    let spent = "3.50 USD, 1 requests, 1100000 tokens";
    let code = "a failed agent.bad_result";
    check(shell(&format!("echo '{usage}'")), code, spent, "it reports 3.50 USD").await;
    let later = r#"{"output":"x","cost":{"USD":"1.5"}}"#;
    check(shell(&format!("echo '{usage}'; echo '{later}'")), code, spent, "unknown field `foo`")
        .await;
}

#[tokio::test]
async fn a_cost_that_cannot_be_read_costs_no_less_than_the_estimate() {
    let check_line = async |line: &str, spent: &str| {
        check(
            shell(&format!("echo '{line}'")),
            "a failed agent.bad_result",
            spent,
            "counts as spent",
        )
        .await;
    };
    let too_precise = r#"{"output":1,"cost":{"USD":"0.0000000000001","tokens":"7"}}"#;
    check_line(too_precise, "1.00 USD, 1 requests, 7 tokens").await;
    check_line(r#"{"output":1,"cost":{"USD":"0.5"},"cost":{"USD":"x"}}"#, "1.00 USD, 1 requests")
        .await;
    check_line(r#"{"output":1,"cost":{"USD":"3"},"cost":{"USD":"x"}}"#, "3.00 USD, 1 requests")
        .await;
    let half = r#"{"progress":1,"drawn":{"USD":"0.2"},"cost":"a lot"}"#;
    check_line(half, "1.00 USD, 1 requests").await;
    check_line(r#"{"output":1,"usage":{"model":"m"}}"#, "1.00 USD, 1 requests").await;
}

#[tokio::test]
async fn a_cost_in_output_beyond_the_cap_counts() {
    let script = r#"printf '{"cost":{"USD":"0.5"},"output":"'; yes"#;
    let message = "wrote more than 1000 bytes to stdout";
    let agent = shell(script).output_max(1000);
    check(agent, "a failed agent.output_too_large", "0.50 USD, 1 requests", message).await;
}

#[tokio::test]
async fn a_result_after_a_byte_order_mark_is_taken() {
    let script = r#"printf '\357\273\277{"output":1,"cost":{}}\n'"#;
    check(shell(script), "a succeeded", "1 requests", "").await;
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
        "a, attempt 1: there is no program `no-such-program-at-all`, or",
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
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    std::fs::write(&script, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    let message = "the interpreter that its first line names is not";
    check_start(ProgramAgent::new("a", script.to_str().unwrap()), "not_found", message).await;
    let agent = ProgramAgent::new("a", "./script").folder(folder.path());
    check_start(agent, "not_found", "`./script` is there, but").await;
    let agent = ProgramAgent::new("a", "script").env(EnvPolicy::empty().set("PATH", folder.path()));
    check_start(agent, "not_found", "or the interpreter that its first line names").await;
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
        "operation": report.op.step("a-1/1"),
        "held": {"USD": "1", "requests": "1"},
        "deadline": report.started_at.saturating_add(Duration::from_mins(10)),
    });
    let got = report.output.unwrap();
    let deadline = |value: &Value| value["deadline"].as_str().unwrap()[..17].to_owned();
    assert_eq!(deadline(&got[0]), deadline(&expected));
    for key in ["task", "input", "run", "step", "attempt", "operation", "held"] {
        assert_eq!(got[0][key], expected[key], "{key}");
    }
    assert_eq!(got[0].as_object().unwrap().len(), 8);
}

#[tokio::test]
async fn a_task_has_its_keys_in_the_order_of_the_reference() {
    let stage = Stage::new();
    let script = r#"read -r line; echo "$line" >&2; echo '{"output":1,"cost":{}}'"#;
    let report = stage.run([member(script)], &Pipeline::new()).await;
    let line = &report.steps[0].log[0];
    let keys = ["task", "input", "run", "step", "attempt", "operation", "held", "deadline"];
    let places = keys.map(|key| line.find(&format!("\"{key}\":")).unwrap());
    assert!(places.is_sorted(), "{line}");
    let value: Value = serde_json::from_str(line).unwrap();
    let (_, fraction) = value["deadline"].as_str().unwrap().split_once('.').unwrap_or_default();
    assert!(fraction.len() <= "123Z".len(), "{line}");
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
