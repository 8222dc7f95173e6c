//! [`Cargo`]: a cargo command that can say how it is repeated by hand.

use std::{
    env,
    ffi::OsString,
    fmt,
    io::{BufRead, BufReader, Write, stdout},
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

use crate::failure::{Failure, Result};

/// A cargo command. Its `Display` is the line that repeats it in a shell.
#[derive(Clone, Debug)]
pub(crate) struct Cargo {
    env: Vec<(&'static str, &'static str)>,
    args: Vec<String>,
}

impl Cargo {
    /// `cargo SUBCOMMAND`.
    pub(crate) fn new(subcommand: &str) -> Self {
        Self { env: Vec::new(), args: vec![subcommand.to_owned()] }
    }

    /// `cargo SUBCOMMAND --locked`: what checks must not change the lock file.
    pub(crate) fn locked(subcommand: &str) -> Self {
        Self::new(subcommand).args(["--locked"])
    }

    pub(crate) fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    /// Runs it with our own stdout and stderr; a failure names the line that repeats it.
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        let status = self.command(root).status().map_err(|e| self.unable(&e))?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::gate(format!("failed ({status}): {self}")))
        }
    }

    /// Whether it runs and ends well; nothing of it is shown.
    pub(crate) fn succeeds(&self, root: &Path) -> bool {
        self.command(root).output().is_ok_and(|output| output.status.success())
    }

    /// Runs it and gives what it prints to stdout; a failure shows its stderr.
    pub(crate) fn output(&self, root: &Path) -> Result<String> {
        let output = self.command(root).output().map_err(|e| self.unable(&e))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(Failure::gate(format!("failed ({}): {self}\n{errors}", output.status)))
    }

    /// Runs it, passes its stdout through, and shows each line of it to `read`.
    pub(crate) fn stream(&self, root: &Path, mut read: impl FnMut(&str)) -> Result<ExitStatus> {
        let mut child =
            self.command(root).stdout(Stdio::piped()).spawn().map_err(|e| self.unable(&e))?;
        if let Some(output) = child.stdout.take() {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            // Read as bytes: what a test prints need not be UTF-8.
            while output.read_until(b'\n', &mut line).map_err(|e| self.unable(&e))? > 0 {
                let mut ours = stdout().lock();
                ours.write_all(&line).and_then(|()| ours.flush()).map_err(|e| self.unable(&e))?;
                read(String::from_utf8_lossy(&line).trim_end());
                line.clear();
            }
        }
        child.wait().map_err(|e| self.unable(&e))
    }

    fn command(&self, root: &Path) -> Command {
        // Under `cargo xtask` this is the cargo that was called, whichever toolchain it belongs to.
        let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(program);
        command.args(&self.args).envs(self.env.iter().copied()).current_dir(root);
        command
    }

    fn unable(&self, error: &std::io::Error) -> Failure {
        Failure::gate(format!("could not run {self}: {error}"))
    }
}

impl fmt::Display for Cargo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(out, "{name}={} ", quoted(value))?;
        }
        out.write_str("cargo")?;
        self.args.iter().try_for_each(|arg| write!(out, " {}", quoted(arg)))
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        let doc =
            Cargo::locked("doc").args(["--features", "a b"]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(
            doc.to_string(),
            "RUSTDOCFLAGS='-D warnings' cargo doc --locked --features 'a b'"
        );
    }
}
