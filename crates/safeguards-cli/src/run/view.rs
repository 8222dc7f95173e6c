//! [`View`]: what people and programs see of a run while it runs.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use safeguards_api::TeamSpec;
use safeguards_coord::RunEvent;

use super::{lines::Lines, live::Live};
use crate::{
    output::{print, say},
    text::harmless,
};

/// Where the progress of a run goes.
pub(crate) enum View {
    /// One JSON object a line, to stdout.
    Json,
    /// One line a change, to stderr.
    Lines(Mutex<Lines>),
    /// Drawn anew while it changes, on the terminal behind stderr.
    Live(Mutex<Live>),
}

impl View {
    /// JSON where it is asked for, else what fits stderr.
    pub(crate) fn of(json: bool, spec: &TeamSpec) -> Self {
        if json {
            Self::Json
        } else if io::stderr().is_terminal() {
            Self::Live(Mutex::new(Live::on_stderr(spec)))
        } else {
            Self::Lines(Mutex::new(Lines::of(spec)))
        }
    }

    /// Shows what happened.
    pub(crate) fn show(&self, event: &RunEvent) {
        match self {
            Self::Json => {
                if let Ok(line) = serde_json::to_string(event) {
                    // Where this cannot be written the report cannot be either, and that is said.
                    let _ = print(&format!("{line}\n"));
                }
            }
            Self::Lines(lines) => {
                // Written under the lock, so that lines stand in the order of what they say.
                let mut lines = lock(lines);
                if let Some(line) = lines.line(event) {
                    say(&line);
                }
            }
            Self::Live(live) => lock(live).show(event),
        }
    }

    /// Says a line on stderr, above what is drawn there.
    pub(crate) fn say(&self, text: &str) {
        match self {
            Self::Live(live) => lock(live).print(text),
            Self::Json | Self::Lines(_) => say(text),
        }
    }

    /// Ends the drawing; what it last showed stays.
    pub(crate) fn close(&self) {
        if let Self::Live(live) = self {
            lock(live).close();
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes to stderr, above what is drawn there, and made harmless: for alerts.
pub(crate) struct AboveLive(Arc<View>);

impl AboveLive {
    pub(crate) fn of(view: &Arc<View>) -> Self {
        Self(Arc::clone(view))
    }
}

impl Write for AboveLive {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let shown = harmless(&String::from_utf8_lossy(text));
        match &*self.0 {
            View::Live(live) => lock(live).above(shown.as_bytes())?,
            View::Json | View::Lines(_) => io::stderr().write_all(shown.as_bytes())?,
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
