//! Fuzzing: each target of `fuzz/` for a bounded time, from seeds drawn by hand.

use std::{fs, path::Path, process::Command};

use crate::{
    failure::{Failure, Result},
    workspace::Workspace,
};

/// The targets, each with the options that it runs best with.
const TARGETS: [(&str, &[&str]); 2] =
    [("command", &["-dict=fuzz/lines.dict", "-max_len=4096"]), ("book", &["-max_len=2048"])];
/// How many seconds each target runs.
const SECONDS: u32 = 30;

/// Runs all targets. A toolchain or a tool that is missing is a failure, never a gate that passes.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let root = &workspace.root;
    need(root, &["rustc", "--version"], "rustup toolchain install nightly")?;
    need(root, &["cargo", "fuzz", "--version"], "cargo install cargo-fuzz --locked")?;
    let mut failed = Vec::new();
    for (target, options) in TARGETS {
        // No sanitizer: there is no unsafe code to find anything in, and without one it runs several times as often.
        let fuzz = nightly(root, &["cargo", "fuzz", "run", "--sanitizer", "none", target])
            .args(folders(root, target)?)
            .arg("--")
            .arg(format!("-max_total_time={SECONDS}"))
            .args(options)
            .status();
        match fuzz {
            Ok(status) if status.success() => println!("extra: fuzzed `{target}` for {SECONDS} s"),
            Ok(status) => failed.push(format!("fuzz target `{target}` failed ({status})")),
            Err(error) => failed.push(format!("could not fuzz `{target}`: {error}")),
        }
    }
    Failure::unless_empty(&failed)
}

/// A program of the nightly toolchain, whichever toolchain runs us.
fn nightly(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly"]).args(words).current_dir(root);
    // Under `cargo xtask` these name the toolchain that runs us.
    command.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
    command
}

fn need(root: &Path, words: &[&str], install: &str) -> Result<()> {
    let runs = nightly(root, words).output().is_ok_and(|output| output.status.success());
    let missing = || format!("fuzzing needs `{}`, nightly: {install}", words.join(" "));
    if runs { Ok(()) } else { Err(Failure::gate(missing())) }
}

/// Where what was found is kept, out of the tree; and the seeds, which are only read.
fn folders(root: &Path, target: &str) -> Result<[String; 2]> {
    let corpus = format!("fuzz/target/corpus/{target}");
    let path = root.join(&corpus);
    fs::create_dir_all(&path).map_err(|error| Failure::file(&path, error))?;
    Ok([corpus, format!("fuzz/seeds/{target}")])
}
