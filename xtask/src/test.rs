//! `test`: everything that one needs to trust the tree, and the sum of it.

use std::{env, fmt, path::Path};

use cargo_metadata::TargetKind;

use crate::{
    alone::{self, Program},
    cargo::Cargo,
    failure::{Failure, Result},
    workspace::Workspace,
};

/// Runs unit, integration and doc tests, then every example and each crate under a program of its own; of one crate
/// or of all.
pub(crate) fn run(workspace: &Workspace, name: Option<&str>) -> Result<()> {
    let package = name.map(|name| workspace.find(name)).transpose()?;
    let package = package.map(|package| package.name.as_str());
    // An empty value counts as unset, as in most tools that look at it.
    let in_ci = env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    if in_ci && !workspace.shared_data().is_dir() {
        return Err(Failure::gate(
            "../shared/data is missing, so the tests on real traces cannot run; where CI is set that is a \
             failure. Put the folder beside the repository, or unset CI to have them named as not run",
        ));
    }

    let scope = package.map_or_else(|| vec!["--workspace"], |package| vec!["--package", package]);
    let mut tally = Tally::default();
    let tests = Cargo::locked("test").args(scope).args(["--all-features", "--no-fail-fast"]);
    tally.add_suite(&tests, &workspace.root)?;
    for (owner, example) in workspace.targets(&TargetKind::Example) {
        if package.is_none_or(|package| package == owner) {
            let program = Cargo::locked("run").args([
                "--quiet",
                "--all-features",
                "--package",
                owner,
                "--example",
                example,
            ]);
            tally.add_example(example, &program, &workspace.root);
        }
    }
    for crate_of_ours in alone::published(workspace) {
        if package.is_none_or(|package| package == crate_of_ours.name.as_str()) {
            let program = Program::prepare(workspace, crate_of_ours)?;
            println!("{program}");
            tally.add_example(
                &format!("alone {}", program.name),
                &program.command(),
                &workspace.root,
            );
        }
    }
    tally.close()
}

/// What became of the tests, counted from the lines that they print.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// Tests that were not run, each with its reason if it has one.
    not_run: Vec<String>,
    /// What failed, and how to repeat it.
    complaints: Vec<String>,
    /// Whether a test program has begun and not yet told its result.
    running: bool,
}

impl Tally {
    /// Runs a `cargo test` and counts what it prints.
    pub(crate) fn add_suite(&mut self, suite: &Cargo, root: &Path) -> Result<()> {
        let failed_before = self.failed;
        let status = suite.stream(root, |line| self.read(line))?;
        self.end_program();
        let mut repeat = format!("repeat it with: {suite}");
        if !status.success() && self.failed == failed_before {
            self.failed += 1;
            repeat = format!(
                "cargo failed and no test did: the code does not compile, or cargo could not run it\n{repeat}"
            );
        }
        if self.failed > failed_before {
            self.complaints.push(repeat);
        }
        Ok(())
    }

    /// Runs an example; it passes if it exits with 0.
    fn add_example(&mut self, name: &str, program: &Cargo, root: &Path) {
        println!("example {name}");
        if program.run(root).is_ok() {
            self.passed += 1;
        } else {
            self.failed += 1;
            self.complaints.push(format!("example {name} failed\nrepeat it with: {program}"));
        }
    }

    /// Prints what was not run and what failed; the sum is the last line, read by programs too.
    pub(crate) fn close(&self) -> Result<()> {
        println!();
        for test in &self.not_run {
            println!("not run: {test}");
        }
        for complaint in &self.complaints {
            println!("{complaint}");
        }
        let ran = self.passed + self.failed > 0;
        if !ran {
            println!("no test ran at all; that is a failure, too");
        }
        println!("{self}");
        if ran && self.failed == 0 { Ok(()) } else { Err(Failure::Told) }
    }

    /// Takes one line of a test program's output.
    fn read(&mut self, line: &str) {
        if is_begin(line) {
            self.end_program();
            self.running = true;
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.running = false;
            self.passed += number_before(" passed", result);
            self.failed += number_before(" failed", result);
            self.skipped += number_before(" ignored", result);
        } else if let Some(test) = line.strip_prefix("test ")
            && let Some((name, reason)) = test.split_once(" ... ignored")
        {
            self.not_run.push(format!("{name}{reason}"));
        }
    }

    /// A program that began and told no result has crashed, or left early on its own.
    fn end_program(&mut self) {
        if self.running {
            self.running = false;
            self.failed += 1;
            self.complaints.push(
                "a test program ended without a result: it crashed, or something in it exited"
                    .to_owned(),
            );
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(out, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Whether the line is a test program's first: `running 3 tests`.
fn is_begin(line: &str) -> bool {
    line.strip_prefix("running ")
        .and_then(|rest| rest.strip_suffix(" tests").or_else(|| rest.strip_suffix(" test")))
        .is_some_and(|count| count.parse::<u64>().is_ok())
}

/// The number that stands before a word, as in `ok. 5 passed; 0 failed`.
fn number_before(word: &str, result: &str) -> u64 {
    result
        .split_once(word)
        .and_then(|(before, _)| before.rsplit(' ').next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(output: &str, expected: &str) {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.read(line));
        tally.end_program();
        assert_eq!(tally.to_string(), expected, "{output}");
    }

    const GOOD: &str = "running 2 tests\n\
        test a ... ok\n\
        test b ... ignored, needs ../shared/data\n\
        test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
    const BAD: &str = "running 1 test\n\
        test c ... FAILED\n\
        test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
    const CRASH: &str = "running 7 tests\ntest a ... ok\n";

    #[test]
    fn the_sum_is_taken_over_all_programs() {
        check("", "0 passed, 0 failed");
        check(GOOD, "1 passed, 0 failed, 1 skipped");
        check(&[GOOD, GOOD].concat(), "2 passed, 0 failed, 2 skipped");
        check(&[GOOD, BAD].concat(), "1 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn a_program_without_a_result_has_failed() {
        check(CRASH, "0 passed, 1 failed");
        check(&[CRASH, GOOD].concat(), "1 passed, 1 failed, 1 skipped");
        check(&[GOOD, CRASH].concat(), "1 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn what_is_not_run_is_named_with_its_reason() {
        let mut tally = Tally::default();
        GOOD.lines().for_each(|line| tally.read(line));
        assert_eq!(tally.not_run, ["b, needs ../shared/data"]);
    }

    #[test]
    fn only_a_tree_with_passing_tests_and_no_failure_is_good() {
        let close = |passed, failed| {
            let tally = Tally { passed, failed, ..Tally::default() };
            tally.close().is_ok()
        };
        assert!(close(1, 0));
        assert!(!close(1, 1));
        assert!(!close(0, 0));
    }
}
