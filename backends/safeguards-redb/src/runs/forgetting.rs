//! How the entries of a run go that was forgotten: bit by bit, so that nobody waits long behind a long run.

use redb::ReadableTable;

use super::{WRITING, writing::Writing};
use crate::error::{Doing, Fault};

/// How many rows of the forgotten go with anything that is appended or forgotten. That is more than an append adds, so
/// that what is to go becomes less.
const ROWS: usize = 256;

impl Writing<'_> {
    /// Takes out some of what is left of runs that were forgotten.
    pub(super) fn sweep(&mut self) -> Result<(), Fault> {
        let mut left = ROWS;
        while left > 0 {
            let run = self.forgotten.first().doing(WRITING)?.map(|(run, _)| run.value());
            let Some(run) = run else {
                return Ok(());
            };
            let of_run = (run, 0, 0, 0, "")..(run.saturating_add(1), 0, 0, 0, "");
            let keys = self.keys.extract_from_if(of_run, |_, _| true).doing(WRITING)?;
            left = left.saturating_sub(count(keys.take(left))?);
            let of_run = (run, 0)..(run.saturating_add(1), 0);
            let entries = self.entries.extract_from_if(of_run, |_, _| true).doing(WRITING)?;
            left = left.saturating_sub(count(entries.take(left))?);
            if left > 0 {
                self.forgotten.remove(run).doing(WRITING)?;
            }
        }
        Ok(())
    }
}

/// How many there are; they are gone then.
fn count<T>(mut rows: impl Iterator<Item = Result<T, redb::StorageError>>) -> Result<usize, Fault> {
    rows.try_fold(0_usize, |count, row| row.map(|_| count.saturating_add(1))).doing(WRITING)
}
