//! [`RedbOptions::compact`]: a file as small as what it holds.

use std::{fs, path::Path, sync::Arc};

use redb::Database;
use serde::Serialize;

use crate::{
    OpenError, RedbOptions,
    error::{Doing, Fault},
    owner::Claim,
    store::{not_claimed, not_opened, opening, unusable},
};

/// How large a file was, and is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Compacted {
    /// Its bytes before.
    pub before: u64,
    /// Its bytes now.
    pub after: u64,
}

impl RedbOptions {
    /// Drops the entries of the ledger that need not be kept by [`keep_entries`](Self::keep_entries), and gives back the room
    /// that nothing is in. A file gives none back by itself: room of what was dropped is used again.
    ///
    /// It takes about as long as to write all of the file once or twice, and a process that is killed meanwhile leaves the
    /// file whole.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and where there is no such file.
    ///
    /// ```
    /// use safeguards_redb::{RedbOptions, RedbStore};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("fleet.redb");
    /// drop(RedbStore::open(&path)?);
    /// let compacted = RedbOptions::default().compact(&path)?;
    /// assert!(compacted.after <= compacted.before);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compact(self, path: impl AsRef<Path>) -> Result<Compacted, OpenError> {
        let path = path.as_ref();
        let size = || {
            let found = fs::metadata(path).map_err(|error| unusable(path, error.into()));
            found.map(|found| found.len())
        };
        let failed = |fault: Fault| OpenError::Unusable { path: path.to_owned(), fault };
        // Opening would make one.
        let before = size()?;
        let (cache_bytes, clock) = (self.cache_bytes, Arc::clone(&self.clock));
        let store = self.open(path)?;
        store.inner.ledger.drop_old(clock.now()).map_err(failed)?;
        drop(store);
        let claim = Claim::take(path, clock.now()).map_err(|error| not_claimed(path, error))?;
        opening(path, || {
            let mut builder = Database::builder();
            builder.set_cache_size(cache_bytes);
            let mut db = builder.create(path).map_err(|error| not_opened(path, error))?;
            while db.compact().doing("give room back").map_err(failed)? {}
            Ok(())
        })?;
        drop(claim);
        Ok(Compacted { before, after: size()? })
    }
}
