//! Runs the program as a user does, and reads what it printed.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `safeguards` with these arguments.
pub(crate) fn safeguards(args: &[&str]) -> Ran {
    safeguards_reading("", args)
}

/// Runs `safeguards` with this on its standard input.
pub(crate) fn safeguards_reading(stdin: &str, args: &[&str]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_safeguards"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Dropped at once, so that the program sees the end; a program that did not read it has left.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    Ran::of(child.wait_with_output().unwrap())
}

/// Runs `safeguards` with its standard output and standard error bound to these.
pub(crate) fn safeguards_writing(stdout: Stdio, stderr: Stdio, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_safeguards"))
        .args(args)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .output()
        .unwrap();
    Ran::of(output)
}

/// Sends a signal to a program.
pub(crate) fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
}

/// The exit code of a program that must end by itself, soon; killed where it does not, it has none.
pub(crate) fn code_in_time(child: &mut Child) -> Option<i32> {
    /// Far longer than it should take, and shorter than the patience of a tester.
    const PATIENCE: Duration = Duration::from_secs(40);
    let (ended, still_runs) = mpsc::channel::<()>();
    let pid = child.id().to_string();
    let watch = thread::spawn(move || {
        if still_runs.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            Command::new("kill").args(["-KILL", &pid]).status().unwrap();
        }
    });
    let status = child.wait().unwrap();
    drop(ended);
    watch.join().unwrap();
    status.code()
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The one JSON object on standard output, of a run that went well.
    #[track_caller]
    pub(crate) fn report(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Nothing was printed as a result, and the message names all of this.
    #[track_caller]
    pub(crate) fn refused(&self, parts: &[&str]) {
        self.failed(2, parts);
    }

    /// It ended so, nothing was printed as a result, and the message names all of this.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, parts: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in {}", self.stderr);
        }
    }
}

/// A file of this crate's own test data.
pub(crate) fn data(name: &str) -> String {
    path_text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name))
}

/// A file of the shared data, which stands beside the repository.
pub(crate) fn shared(name: &str) -> String {
    path_text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name))
}

/// A new file with this content; its folder lives as long as the first of the two.
pub(crate) fn file(name: &str, content: impl AsRef<[u8]>) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let path = path_text(&path);
    (folder, path)
}

pub(crate) fn path_text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
