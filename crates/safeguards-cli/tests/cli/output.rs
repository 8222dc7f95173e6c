//! Where both verbs print: a full disk, a pipe that nobody reads, a standard error that takes nothing.

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use crate::{
    command::{data, file, safeguards_writing},
    run::{agent, says},
};

/// A device that takes no byte.
fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

/// Calls of every verb, with and without `--json`, that end well.
fn check_all(check: impl Fn(&[&str])) {
    let (_folder, team) = file("crew.toml", agent("worker", &says("all is well")));
    let trace = data("small.csv");
    let replay = ["replay", &trace, "--model", "gpt-4o"];
    for args in [&["run", &team, "look around"][..], &replay] {
        check(args);
        check(&[args, &["--json"]].concat());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_report_that_cannot_be_written_is_a_failure_of_its_own() {
    check_all(|args| {
        let ran = safeguards_writing(full(), Stdio::piped(), args);
        assert_eq!(ran.code, Some(70), "{ran:?}");
        assert!(ran.stderr.contains("error cli.output: "), "{ran:?}");
    });
    let ran = safeguards_writing(full(), Stdio::piped(), &["replay", "--help"]);
    assert_eq!(ran.code, Some(70), "{ran:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn messages_that_cannot_be_written_change_nothing() {
    check_all(|args| {
        let ran = safeguards_writing(Stdio::piped(), full(), args);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(!ran.stdout.is_empty());
    });
    for args in [&["run", "/none/such.toml", "task"][..], &["replay", "/none/such.csv"], &["bogus"]]
    {
        assert_eq!(safeguards_writing(Stdio::piped(), full(), args).code, Some(2), "{args:?}");
    }
}

#[test]
fn a_reader_that_stops_early_is_no_failure() {
    check_all(|args| {
        for lines in [0, 1] {
            let mut child = Command::new(env!("CARGO_BIN_EXE_safeguards"))
                .args(args)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let stdout = BufReader::new(child.stdout.take().unwrap());
            assert_eq!(stdout.lines().take(lines).map(Result::unwrap).count(), lines);
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(0), "{stderr}");
            assert!(!stderr.contains("panicked") && !stderr.contains("error"), "{stderr}");
        }
    });
}
