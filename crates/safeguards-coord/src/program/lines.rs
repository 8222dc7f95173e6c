//! Reads what a program writes, within bounds.

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{ChildStderr, ChildStdout},
};

use super::protocol::Transcript;
use crate::Context;

/// How much of one line of the log is kept.
const LOG_LINE_MAX: usize = 4 * 1024;

/// More was written than may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Reads stdout line by line into the transcript, at most `max` bytes in all.
pub(super) async fn read_output(
    stdout: Option<ChildStdout>,
    max: u64,
    transcript: &mut Transcript,
) -> Result<(), TooLarge> {
    let Some(stdout) = stdout else {
        return Ok(());
    };
    // One byte more than may be: whoever comes that far has written too much.
    let mut output = BufReader::new(stdout).take(max.saturating_add(1));
    let mut line = Vec::new();
    loop {
        line.clear();
        // An output that can no longer be read has ended.
        let read = output.read_until(b'\n', &mut line).await.unwrap_or(0);
        if output.limit() == 0 {
            // Its last words may say what it cost.
            transcript.read(line.trim_ascii());
            return Err(TooLarge);
        }
        if read == 0 {
            return Ok(());
        }
        transcript.read(line.trim_ascii());
    }
}

/// Reads stderr line by line into the step's log. What is longer than a line may be is cut.
pub(super) async fn read_log(stderr: Option<ChildStderr>, cx: &Context) {
    if let Some(stderr) = stderr {
        read_cut_lines(stderr, |line| cx.log(line)).await;
    }
}

async fn read_cut_lines(input: impl AsyncRead + Unpin, mut each: impl FnMut(String)) {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    loop {
        let chunk = match input.fill_buf().await {
            Ok(chunk) if !chunk.is_empty() => chunk,
            _ => break,
        };
        let (part, is_end) = match chunk.iter().position(|byte| *byte == b'\n') {
            Some(end) => (chunk.get(..end).unwrap_or_default(), true),
            None => (chunk, false),
        };
        let room = LOG_LINE_MAX.saturating_sub(line.len());
        line.extend_from_slice(part.get(..room).unwrap_or(part));
        let used = part.len().saturating_add(usize::from(is_end));
        input.consume(used);
        if is_end {
            each(String::from_utf8_lossy(line.trim_ascii_end()).into_owned());
            line.clear();
        }
    }
    if !line.is_empty() {
        each(String::from_utf8_lossy(line.trim_ascii_end()).into_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_is_read_by_lines_and_long_ones_are_cut() {
        let long = "x".repeat(3 * LOG_LINE_MAX);
        let text = format!("one\r\n\n{long}\nlast");
        let mut lines = Vec::new();
        read_cut_lines(text.as_bytes(), |line| lines.push(line)).await;
        assert_eq!(lines, ["one", "", &long[..LOG_LINE_MAX], "last"]);
    }
}
