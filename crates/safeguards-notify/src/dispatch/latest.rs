//! [`Latest`]: the latest time that was seen, and whether the clock was set back since.

use std::time::Duration;

use safeguards_types::Timestamp;

/// The latest time that was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Latest(Timestamp);

impl Latest {
    /// Takes in what the clock says. Where that is earlier by more than `tolerated`, the clock was set back: gives
    /// by how much, and counts from there. Where it is earlier by less, time stands still.
    pub(crate) fn note(&mut self, now: Timestamp, tolerated: Duration) -> Option<Duration> {
        let back = self.0.since(now);
        if back > tolerated {
            self.0 = now;
            return Some(back);
        }
        self.0 = self.0.max(now);
        None
    }

    pub(crate) const fn get(self) -> Timestamp {
        self.0
    }
}

/// So much earlier, and never before the first time that there is.
pub(crate) fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
    Timestamp::from_nanos(at.as_nanos().saturating_sub(by)).unwrap_or_default()
}
