//! Standard output and standard error: neither panics, and a reader that stops early is no failure.

use std::io::{self, Write};

use crate::text::harmless;

/// Writes a result to standard output. Who closed the pipe does not want it, which is no failure of ours.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    forgive(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// A closed pipe is no failure.
pub(crate) fn forgive(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Says a line on standard error, made harmless. Where that takes nothing, nobody listens.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{}", harmless(line));
}
