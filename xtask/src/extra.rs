//! `extra`: what takes too long for every change.

mod fuzz;

use crate::{
    cargo::Cargo,
    failure::{Failure, Result},
    test::Tally,
    workspace::Workspace,
};

/// Runs the tests with many more random cases, then once more as they would run in production: optimized,
/// without debug assertions. Then random sequences against the naive model, millions of commands from many
/// threads, storms of alerts, a hundred thousand simulated teams, thousands of
/// processes that are killed as they write, a model checker on the lock, and the fuzz targets, each
/// for a while.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let all = ["--workspace", "--all-features", "--no-fail-fast"];
    let ledger = ["--package", "safeguards-budget", "--test", "ledger"];
    let notify = ["--package", "safeguards-notify", "--all-features", "--test", "notify"];
    let coord = ["--package", "safeguards-coord", "--all-features", "--test", "it"];
    let redb = ["--package", "safeguards-redb", "--test", "it"];
    let suites = [
        Cargo::locked("test").args(all).env("PROPTEST_CASES", "4096"),
        Cargo::locked("test").args(all).args(["--release"]),
        Cargo::locked("test")
            .args(ledger)
            .args(["--release", "properties"])
            .env("SAFEGUARDS_CASES", "100000"),
        Cargo::locked("test")
            .args(ledger)
            .args(["--release", "threads", "--", "--show-output"])
            .env("SAFEGUARDS_COMMANDS", "4000000"),
        Cargo::locked("test")
            .args(notify)
            .args(["--release", "storm", "--", "--show-output"])
            .env("SAFEGUARDS_ALERTS", "300000")
            .env("SAFEGUARDS_SERVER_ALERTS", "100000"),
        Cargo::locked("test")
            .args(coord)
            .args(["--release", "simulation", "--", "--show-output"])
            .env("SAFEGUARDS_SIMULATIONS", "100000"),
        Cargo::locked("test")
            .args(redb)
            .args(["--release", "kills", "--", "--show-output"])
            .env("SAFEGUARDS_KILLS", "2000"),
        Cargo::locked("test")
            .args(redb)
            .args(["--release", "flips", "--", "--show-output"])
            .env("SAFEGUARDS_FLIPS", "20000"),
        // Built apart, since every crate is built anew where such a flag is set.
        Cargo::locked("test")
            .args(ledger)
            .args(["--target-dir", "target/shuttle", "interleavings", "--", "--show-output"])
            .env("RUSTFLAGS", "--cfg shuttle"),
    ];
    let mut tally = Tally::default();
    for suite in &suites {
        eprintln!("extra: {suite}");
        tally.add_suite(suite, &workspace.root)?;
    }
    let fuzzed = fuzz::run(workspace);
    let told = fuzzed.map_err(Failure::report);
    tally.close().and_then(|()| told.map_err(|_| Failure::Told))
}
