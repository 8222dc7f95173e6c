//! Team files and arguments that are wrong: one clear message each, and nothing runs.

use super::{agent, says};
use crate::command::{file, safeguards};

/// Replaces a part of a sound team file, and looks for parts of the message.
#[track_caller]
fn check(from: &str, to: &str, parts: &[&str]) {
    let sound = format!("pool = {{ limits = [\"1.00 USD\"] }}\n{}", agent("worker", &says("done")));
    assert!(sound.contains(from), "`{from}` is not in {sound}");
    let (_folder, path) = file("crew.toml", sound.replacen(from, to, 1));
    let ran = safeguards(&["run", &path, "look around"]);
    ran.refused(&["error ", "crew.toml:"]);
    ran.refused(parts);
}

#[test]
fn mistakes_in_a_team_file_name_their_place_and_what_is_allowed() {
    check(
        "estimate",
        "estimat",
        &["config.unknown_key", ":5:1:", "`estimat`", "did you mean `estimate`"],
    );
    check("estimate", "pool = \"nowhere\"\nestimate", &["config.agent", "worker", "nowhere"]);
    check("\"1.00 USD\"", "\"-1.00 USD\"", &["config.amount", ":1:", "negative"]);
    check(
        "\"0.10 USD\"",
        "\"0.1000000000001 USD\"",
        &["config.amount", ":5:", "12 decimal places"],
    );
    check("\"0.10 USD\"", "0.10", &["config.amount", "bare number", "\"0.10 USD\""]);
    check("\"0.10 USD\"", "\"0.10 dollars\"", &["config.unit", "dollars"]);
    check("\"0.10 USD\"", "\"2 USD\"", &["config.never", "worker"]);
    check("command", "priority = 11\ncommand", &["priority", "1 to 10"]);
    check(
        "command",
        "breaker = {}\ncommand",
        &["config.unsupported", "breaker", "not supported yet"],
    );
    check("pool = {", "pool = [", &["config.syntax", "crew.toml:1:"]);
    check(
        "[[agent]]",
        &format!("{}[[agent]]", agent("worker", "true")),
        &["config.agent", "there is an agent `worker` already"],
    );
}

#[test]
fn arguments_that_cannot_be_used_are_refused() {
    safeguards(&["run", "/none/such.toml", "task"]).refused(&["/none/such.toml", "cannot be read"]);
    safeguards(&["run"]).refused(&["<TEAM>"]);
    let (_folder, path) = file("crew.toml", agent("worker", &says("done")));
    let (_other, inputs) = file("inputs.txt", "one\n");
    safeguards(&["run", &path, "task", "--each", &inputs]).refused(&["fan_out"]);
    let (_folder, path) =
        file("crew.toml", format!("strategy = \"fan_out\"\n{}", agent("worker", &says("done"))));
    let (_other, inputs) = file("inputs.txt", "\n\n");
    safeguards(&["run", &path, "task", "--each", &inputs]).refused(&["no inputs"]);
}
