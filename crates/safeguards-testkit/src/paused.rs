//! [`PausedClock`]: a clock that goes by the runtime's time, so that a paused runtime needs no sleeping.

use std::sync::Arc;

use safeguards_types::{Clock, Timestamp};
use tokio::time::Instant;

/// A clock that goes by the time of the Tokio runtime. Clones are the same clock.
///
/// In a test with `start_paused`, that time stands still while anything can run and jumps to the next deadline
/// when everything waits: hours of grouping, pauses and escalation pass in a blink, in the order in which they
/// would really pass, through the very code that sleeps in production.
///
/// ```
/// use std::time::Duration;
/// use safeguards_testkit::PausedClock;
/// use safeguards_types::{Clock, Timestamp};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let clock = PausedClock::new();
/// let before = clock.now();
/// tokio::time::sleep(Duration::from_hours(24)).await; // at once
/// assert_eq!(clock.now().since(before), Duration::from_hours(24));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PausedClock(Arc<Start>);

#[derive(Debug)]
struct Start {
    shown: Timestamp,
    at: Instant,
}

impl PausedClock {
    /// A clock that shows a Monday morning, 2026-01-05T09:00:00Z, now.
    pub fn new() -> Self {
        Self::showing(Timestamp::from_nanos(1_767_603_600_000_000_000).unwrap_or_default())
    }

    /// A clock that shows `now`, now.
    pub fn showing(now: Timestamp) -> Self {
        Self(Arc::new(Start { shown: now, at: Instant::now() }))
    }
}

impl Default for PausedClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        self.0.shown.saturating_add(self.0.at.elapsed())
    }
}
