//! Standard output and standard error: neither panics, and a reader that stops early is no failure.

use std::{
    io::{self, Write},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::text::harmless;

/// How long the program waits for somebody to read what it says on stderr.
const SAID_WITHIN: Duration = Duration::from_secs(1);

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

/// Writes to standard error, made harmless. Where that takes nothing, nobody listens.
pub(crate) fn write_to_stderr(text: &str) {
    let _ = io::stderr().write_all(harmless(text).as_bytes());
}

/// Says a line on standard error. A pipe that nobody reads holds up the end of the program for a moment only.
pub(crate) fn say(line: &str) {
    let text = format!("{line}\n");
    for_a_moment(move || write_to_stderr(&text));
}

/// Writes to standard output what is no result, with the same patience.
pub(crate) fn say_on_stdout(text: String) {
    for_a_moment(move || {
        // That there is no result is said on standard error too.
        let _ = print(&text);
    });
}

/// Waits for somebody who writes, for a moment.
fn for_a_moment(write: impl FnOnce() + Send + 'static) {
    let (done, said) = mpsc::channel();
    let writer = thread::Builder::new().spawn(move || {
        write();
        // Perhaps nobody waits any more.
        let _ = done.send(());
    });
    if writer.is_ok() {
        let _ = said.recv_timeout(SAID_WITHIN);
    }
}
