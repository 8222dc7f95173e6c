//! Operation ids of a replay: the same in every run, and never older than what the ledger has let go.

use std::time::Duration;

use safeguards_types::{OperationId, OperationIds, Timestamp};

/// A replay mints the same ids every time.
const SEED: u64 = 1;
/// How many ids one millisecond has at most: far fewer than the ledger remembers, see [`Ids`].
const PER_MILLISECOND_MAX: u32 = 65_536;
const MILLISECOND: Duration = Duration::from_millis(1);

/// Mints ids by the ledger's now.
///
/// A ledger forgets old ids by the time they were minted, and refuses what is as old as those it forgot.
/// Where the trace's time stands still for very many rows (the times step back, or are all alike), the ids'
/// time must go on all the same: a millisecond for every so many, well within the five minutes that an id may
/// be ahead of the clock.
#[derive(Debug)]
pub(crate) struct Ids {
    source: OperationIds,
    at: Timestamp,
    /// How many ids were minted at that time.
    count: u32,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self { source: OperationIds::seeded(SEED), at: Timestamp::UNIX_EPOCH, count: 0 }
    }

    /// Mints an id at `now`, or shortly after.
    pub(crate) fn mint(&mut self, now: Timestamp) -> OperationId {
        if now > self.at {
            (self.at, self.count) = (now, 0);
        }
        if self.count == PER_MILLISECOND_MAX {
            (self.at, self.count) = (self.at.saturating_add(MILLISECOND), 0);
        }
        self.count += 1;
        self.source.mint(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_on_where_time_stands_still() {
        let mut ids = Ids::new();
        let now = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
        let first = ids.mint(now);
        let last = (0..PER_MILLISECOND_MAX * 2).map(|_| ids.mint(now)).last().unwrap();
        assert_eq!(first.minted_at(), now);
        assert_eq!(last.minted_at(), now.saturating_add(MILLISECOND * 2));
        // Time that goes on takes over again.
        let later = now.saturating_add(Duration::from_secs(1));
        assert_eq!(ids.mint(later).minted_at(), later);
    }
}
