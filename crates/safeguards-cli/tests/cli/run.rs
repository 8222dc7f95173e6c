//! `safeguards run`: how runs end, what is kept of them, and what it says of team files that are wrong.

mod alerts;
mod asked;
mod bad_input;
mod ends;
mod resume;
mod strategies;
mod told;
mod unread;

use serde_json::Value;

use crate::command::{Ran, file, safeguards};

/// An agent that is a line of shell; the estimate is 0.10 USD.
pub(crate) fn agent(name: &str, script: &str) -> String {
    format!(
        "[[agent]]\nname = \"{name}\"\ncommand = [\"sh\", \"-c\", '''{script}''']\nestimate = \"0.10 USD\"\n"
    )
}

/// Gives its input with a word before it, for 0.04 USD.
pub(crate) fn says(word: &str) -> String {
    format!(r#"cat > /dev/null; echo '{{"output":"{word}","cost":{{"USD":"0.04"}}}}'"#)
}

/// Runs a team file with `--json`; gives what the program left and the objects that it printed.
#[track_caller]
pub(crate) fn run(team: &str, args: &[&str]) -> (Ran, Vec<Value>) {
    let (_folder, path) = file("crew.toml", team);
    let mut all = vec!["run", &path, "look around", "--json"];
    all.extend(args);
    let ran = safeguards(&all);
    let lines = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (ran, lines)
}

/// Runs a team file and gives its report, which says the same exit code as the program.
#[track_caller]
pub(crate) fn report(team: &str, args: &[&str]) -> Value {
    let (ran, lines) = run(team, args);
    let report = lines.last().unwrap_or_else(|| panic!("{ran:?}")).clone();
    assert_eq!(report["type"], "report");
    assert_eq!(report["exit"], ran.code.unwrap());
    report
}

/// What the accounts of a report hold and spent must agree with its steps.
#[track_caller]
pub(crate) fn audit(report: &Value) {
    for account in report["accounts"].as_array().unwrap() {
        assert_eq!(account["held"], serde_json::json!({}), "{account}");
        assert_eq!(account["spent"], account["this_run"], "{account}");
    }
    assert_eq!(report["accounts"][0]["spent"], report["spent"]);
}
