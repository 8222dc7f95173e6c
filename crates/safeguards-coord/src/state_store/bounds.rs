//! [`StateStoreBounds`]: how much a store of shared state takes and keeps.

use crate::{MemoryStateStore, StateBounds};

/// How much a store of shared state takes and keeps, as whoever makes one says. What is the same for all is in
/// [`StateBounds`].
///
/// ```
/// use safeguards_coord::{MemoryStateStore, StateStoreBounds};
///
/// let mut bounds = StateStoreBounds::default();
/// bounds.keys_max = 1_000;
/// let store = MemoryStateStore::builder().bounds(bounds).build();
/// # let _ = store;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateStoreBounds {
    /// How many keys are taken; 1,000,000 unless set.
    pub keys_max: usize,
    /// How many bytes of values are taken, as JSON without spaces, with their kept versions; 1 GiB unless set.
    pub bytes_max: usize,
    /// How many earlier versions of each key are kept; 8 unless set. More than [`StateBounds::HISTORY`] are taken for
    /// that.
    pub history_kept: usize,
    /// How many changes are kept, the latest; 65,536 unless set. Of changes that take more than
    /// [`Self::CHANGES_BYTES`] fewer are.
    pub changes_kept: usize,
}

impl StateStoreBounds {
    /// About how many bytes kept changes take at most: 64 MiB. One agent could else fill a store with what it writes.
    pub const CHANGES_BYTES: usize = 64 << 20;

    /// How many earlier versions of each key are kept: [`Self::history_kept`], but for what is too many.
    pub fn versions_kept(&self) -> usize {
        self.history_kept.min(StateBounds::HISTORY)
    }
}

impl Default for StateStoreBounds {
    fn default() -> Self {
        Self {
            keys_max: MemoryStateStore::KEYS_MAX,
            bytes_max: MemoryStateStore::BYTES_MAX,
            history_kept: MemoryStateStore::HISTORY_KEPT,
            changes_kept: MemoryStateStore::CHANGES_KEPT,
        }
    }
}
