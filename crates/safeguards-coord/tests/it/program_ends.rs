//! Real programs that do not end by themselves, or not alone: deadlines, caps, children, last words.

use std::{path::Path, process::Command, time::Duration};

use safeguards_coord::{Agent, Pipeline, Reply, State, Task, Team};
use safeguards_types::{Amount, usd};
use serde_json::json;

use crate::{
    programs::{check, member, shell},
    stage::{self, Stage, member_of, states},
};

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
async fn closing_its_outputs_gives_a_program_no_second_grace() {
    let script = r#"
        trap 'sleep 2; echo "{\"output\":1,\"cost\":{\"USD\":\"0.5\"}}"; exec >&- 2>&-; sleep 30' TERM
        while :; do sleep 0.05; done"#;
    let agent = shell(script).grace(Duration::from_secs(3));
    let stage = Stage::new();
    let members = [member_of(agent).timeout(Duration::from_millis(300))];
    let report = stage.run(members, &Pipeline::new()).await;
    assert_eq!(states(&report), ["a timed_out agent.timed_out"]);
    assert_eq!(report.spent.to_string(), "0.50 USD, 1 requests", "what it said still counts");
    // The one grace ends after 3.3 s; a second, begun with its last words, after 5.3 s.
    assert!(report.steps[0].duration < Duration::from_millis(4_500), "{:?}", report.steps[0]);
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
async fn output_beyond_the_cap_kills_at_once_though_the_log_stays_open() {
    let script = "head -c 300 /dev/zero | tr '\\0' x; sleep 20";
    let stage = Stage::new();
    let members = [member_of(shell(script).output_max(100)).timeout(Duration::from_secs(4))];
    let report = stage.run(members, &Pipeline::new()).await;
    assert_eq!(states(&report), ["a failed agent.output_too_large"], "{:?}", report.reason);
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
