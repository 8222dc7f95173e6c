//! The progress bar of a long replay, on a terminal alone.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use safeguards_types::{Clock, SystemClock, Timestamp};

use super::source::Progress;

/// Nobody wants a bar for less.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
/// How many rows are read between two looks at the clock.
const ROWS_PER_LOOK: u64 = 4_096;

/// Shows how far a trace was read, once that takes longer than a second.
pub(crate) struct Bar {
    source: Progress,
    rows: u64,
    began_at: Timestamp,
    shown: Option<ProgressBar>,
}

impl Bar {
    pub(crate) fn new(progress: Progress) -> Self {
        Self { source: progress, rows: 0, began_at: SystemClock::new().now(), shown: None }
    }

    /// Notes that a row was read.
    pub(crate) fn row(&mut self) {
        self.rows += 1;
        if !self.rows.is_multiple_of(ROWS_PER_LOOK) {
            return;
        }
        match &self.shown {
            Some(bar) => {
                bar.set_position(self.source.read());
                bar.set_message(format!("{} rows", self.rows));
            }
            None if SystemClock::new().now().since(self.began_at) >= SHOWN_AFTER => {
                self.shown = Some(begin(self.source.total));
            }
            None => {}
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.shown {
            bar.finish_and_clear();
        }
    }
}

/// A bar on stderr, which draws nothing where that is no terminal.
fn begin(total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let template = match total {
        Some(_) => "[{bar:30}] {bytes} of {total_bytes}  {msg}",
        None => "{spinner} {bytes}  {msg}",
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("##.")),
        Err(_) => bar,
    }
}
