//! The progress bar of a long import, on a terminal alone.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use safeguards_types::{Clock, SystemClock, Timestamp};

/// Nobody wants a bar for less.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// Shows how many files were read, once that takes longer than a second.
pub(super) struct Bar {
    files: u64,
    done: u64,
    began_at: Timestamp,
    shown: Option<ProgressBar>,
}

impl Bar {
    pub(super) fn new(files: usize) -> Self {
        let files = u64::try_from(files).unwrap_or(u64::MAX);
        Self { files, done: 0, began_at: SystemClock::new().now(), shown: None }
    }

    /// Notes that a file was read; `agents` were found up to here.
    pub(super) fn file(&mut self, agents: usize) {
        self.done = self.done.saturating_add(1);
        match &self.shown {
            Some(bar) => {
                bar.set_position(self.done);
                bar.set_message(format!("{agents} agents"));
            }
            None if SystemClock::new().now().since(self.began_at) >= SHOWN_AFTER => {
                self.shown = Some(begin(self.files));
            }
            None => {}
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(self) {
        if let Some(bar) = self.shown {
            bar.finish_and_clear();
        }
    }
}

/// A bar on stderr, which draws nothing where that is no terminal.
fn begin(files: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(files), ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("[{bar:30}] {pos} of {len} files  {msg}") {
        Ok(style) => bar.with_style(style.progress_chars("##.")),
        Err(_) => bar,
    }
}
