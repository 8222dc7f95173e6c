//! [`RunStoreBounds`]: how much a run store takes and keeps.

use std::io;

use serde::Serialize;
use serde_json::Value;

use super::{RunEntry, RunHead, RunStoreError};

/// How much a run store takes and keeps.
///
/// ```
/// use safeguards_coord::{MemoryRunStore, RunStoreBounds};
///
/// let mut bounds = RunStoreBounds::default();
/// bounds.ended_kept = 100;
/// let store = MemoryRunStore::with_bounds(bounds);
/// # let _ = store;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunStoreBounds {
    /// How many runs that have ended are kept, the latest to end; 1,000 unless set.
    pub ended_kept: usize,
    /// How many runs may be there that have not ended; 10,000 unless set.
    pub unfinished_max: usize,
    /// How many entries a run may have; 1,000,000 unless set.
    pub entries_max: u64,
    /// How many bytes, as compact JSON, a head or an entry may have; 4 MiB unless set.
    pub entry_bytes_max: usize,
}

impl RunStoreBounds {
    /// How many runs or entries there are at most in one answer.
    pub const PAGE: usize = 1_000;

    /// Whether a head is not too large.
    ///
    /// # Errors
    ///
    /// Where it is.
    pub fn check_head(&self, head: &RunHead) -> Result<(), RunStoreError> {
        let small = head.agents.len() < SMALL;
        self.check(
            head,
            || format!("bytes of the head of run {}", head.run),
            || small && is_small(head.task.text(), head.task.input()),
        )
    }

    /// Whether an entry is not too large.
    ///
    /// # Errors
    ///
    /// Where it is.
    pub fn check_entry(&self, entry: &RunEntry) -> Result<(), RunStoreError> {
        let what = || format!("bytes of {}", entry.key());
        self.check(entry, what, || match entry {
            RunEntry::Intent(intent) => is_small(intent.task.text(), intent.task.input()),
            RunEntry::Outcome(outcome) => {
                let texts = outcome.log.iter().chain(&outcome.notes);
                let texts = texts.chain(outcome.reason.iter().map(|reason| &reason.message));
                texts.map(String::len).sum::<usize>() < SMALL
                    && outcome.denial.is_none()
                    && outcome.output.as_ref().is_none_or(|output| is_small("", output))
            }
            RunEntry::TakenOver { .. } => true,
            RunEntry::Ended(_) => false,
        })
    }

    /// Counts the bytes of what may be too large.
    fn check(
        &self,
        value: &impl Serialize,
        what: impl FnOnce() -> String,
        is_small: impl FnOnce() -> bool,
    ) -> Result<(), RunStoreError> {
        let max = self.entry_bytes_max;
        // No letter takes more than six bytes as JSON, and what stands around is short.
        if max >= SMALL.saturating_mul(64) && is_small() {
            return Ok(());
        }
        let mut counted = Counted { left: max };
        match serde_json::to_writer(&mut counted, value) {
            Ok(()) => Ok(()),
            Err(_) => Err(RunStoreError::bound(what(), format!("more than {max}"), max)),
        }
    }
}

/// How many letters are few.
const SMALL: usize = 1_024;

/// Whether it is plain that neither is large: most are.
fn is_small(text: &str, value: &Value) -> bool {
    let is_short = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.len() < SMALL,
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
    };
    is_short && text.len() < SMALL
}

/// Takes so many bytes, and keeps none.
struct Counted {
    left: usize,
}

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len());
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Default for RunStoreBounds {
    fn default() -> Self {
        Self {
            ended_kept: 1_000,
            unfinished_max: 10_000,
            entries_max: 1_000_000,
            entry_bytes_max: 4 << 20,
        }
    }
}
