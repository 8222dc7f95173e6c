//! [`Line`]: what stands in a line of a file of runs.

use safeguards_coord::{RunEntry, RunHead, RunId, RunStoreError, RunStoreErrorKind, SyncRunStore};
use serde::{Deserialize, Serialize};

/// A line of a file of runs, with what it names borrowed or owned.
///
/// In JSON an object with one key that says what it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line<H, R, E> {
    /// The first: that this is such a file, and of which form.
    Runs {
        /// The form of the lines after it.
        form: u32,
    },
    /// A run began.
    Begun(H),
    /// Something happened in a run, in this leg.
    Entry {
        /// Which run.
        run: R,
        /// Which leg.
        leg: u32,
        /// What.
        entry: E,
    },
    /// A run was forgotten.
    Forgotten(R),
}

/// A line that is to be written.
pub(super) type Written<'a> = Line<&'a RunHead, &'a RunId, &'a RunEntry>;

/// The first line of every file.
pub(super) const FIRST: &str = "{\"runs\":{\"form\":1}}\n";
/// The form of the lines that this version reads and writes.
const FORM: u32 = 1;

impl<H: Serialize, R: Serialize, E: Serialize> Line<H, R, E> {
    /// The line, with its end.
    pub(super) fn text(&self) -> Result<Vec<u8>, RunStoreError> {
        let mut text = serde_json::to_vec(self).map_err(|error| {
            let message = "it cannot be written as JSON";
            RunStoreError::new(RunStoreErrorKind::BoundExceeded, message).caused_by(error)
        })?;
        text.push(b'\n');
        Ok(text)
    }
}

/// Does again, in memory, what a line says; or says what is wrong with it.
pub(super) fn replay(line: &[u8], runs: &SyncRunStore) -> Result<(), String> {
    let line: Line<RunHead, RunId, RunEntry> =
        serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let done = match line {
        Line::Runs { form: FORM } => Ok(()),
        Line::Runs { form } => {
            return Err(format!("it is of form {form}; this version knows form {FORM}"));
        }
        Line::Begun(head) => runs.begin(head),
        Line::Entry { run, leg, entry: RunEntry::TakenOver { by, at, .. } } => {
            runs.take_over(&run, leg.saturating_sub(1), by, at).map(drop)
        }
        Line::Entry { run, leg, entry } => runs.append(&run, leg, entry),
        Line::Forgotten(run) => runs.forget(&run).map(drop),
    };
    done.map_err(|error| error.to_string())
}
