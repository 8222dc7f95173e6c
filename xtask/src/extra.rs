//! `extra`: what takes too long for every change.

use crate::{cargo::Cargo, failure::Result, test::Tally, workspace::Workspace};

/// Runs the tests with many more random cases, then once more as they would run in production: optimized,
/// without debug assertions.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let all = ["--workspace", "--all-features", "--no-fail-fast"];
    let suites = [
        Cargo::locked("test").args(all).env("PROPTEST_CASES", "4096"),
        Cargo::locked("test").args(all).args(["--release"]),
    ];
    let mut tally = Tally::default();
    for suite in &suites {
        eprintln!("extra: {suite}");
        tally.add_suite(suite, &workspace.root)?;
    }
    tally.close()
}
