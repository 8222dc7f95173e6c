//! [`Watch`]: what happens in a registry, one change after the other.

use std::{collections::VecDeque, sync::Arc};

use safeguards_discovery::{Change, ChangesError, Registry, Revision};

/// How many changes are read at once.
const PAGE: usize = 1_000;

/// Somebody who is told of each change, in order, and misses none.
///
/// Who is slower than the registry keeps changes is told so, by [`ChangesError::Forgotten`]: read what is there
/// with [`find`](crate::v2::Discovery::find), and watch from its revision.
#[derive(Debug)]
pub struct Watch {
    registry: Arc<dyn Registry>,
    /// Read up to here.
    read: Revision,
    waiting: VecDeque<Change>,
}

impl Watch {
    pub(crate) const fn new(registry: Arc<dyn Registry>, from: Revision) -> Self {
        Self { registry, read: from, waiting: VecDeque::new() }
    }

    /// The next change; waits until there is one. Leases that ran out are told when they are swept up, which
    /// [`Safeguards::start`](crate::Safeguards::start) sees to.
    ///
    /// Its future may be dropped: the change is told the next time.
    ///
    /// # Errors
    ///
    /// Where changes are kept no more, the revision is another registry's, or the registry fails. Asked again,
    /// it goes on from where it was.
    pub async fn next(&mut self) -> Result<Change, ChangesError> {
        loop {
            if let Some(change) = self.waiting.pop_front() {
                return Ok(change);
            }
            let read = self.registry.changes(self.read, PAGE).await?;
            if read.changes.is_empty() {
                self.registry.changed(self.read).await?;
            }
            (self.read, self.waiting) = (read.next, read.changes.into());
        }
    }

    /// The revision of the last change that was told: whoever watches from here goes on where this one is.
    pub fn revision(&self) -> Revision {
        let untold = self.waiting.front().map(|change| change.revision.number());
        untold.map_or(self.read, |number| Revision::new(number.saturating_sub(1)))
    }
}
