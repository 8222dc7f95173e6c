//! The two commands that the README begins with.

use std::{fs, path::PathBuf, process::Command};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn the_readme_begins_with_one_block_of_two_commands() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let block = readme.split("```").nth(1).unwrap();
    assert_eq!(block, "sh\nsh examples/digest/run.sh\ncargo xtask test\n");
}

#[test]
fn the_first_command_shows_a_run_that_succeeds_and_one_that_is_denied() {
    let ran = Command::new("sh").arg(root().join("examples/digest/run.sh")).output().unwrap();
    let stdout = String::from_utf8(ran.stdout).unwrap();
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{stdout}{stderr}");
    for part in [
        "succeeded after",
        "What the documents say about",
        "summarize was denied",
        "denied  summarize: budget.limit_exceeded",
        "helps: raise the limit of tight",
        "output of weigh",
        "Both runs ended as announced",
    ] {
        assert!(stdout.contains(part), "`{part}` is not in {stdout}{stderr}");
    }
}
