//! [`Clock`]: where "now" comes from. The only place that asks the operating system.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use crate::Timestamp;

/// Tells the time.
///
/// # Contract
///
/// - `now` is cheap and never blocks.
/// - It may step back, as machines' clocks do; who needs order keeps the latest instant seen.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// The clock of the machine.
    pub const fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the operating system")]
    fn now(&self) -> Timestamp {
        let since_epoch =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::UNIX_EPOCH.saturating_add(since_epoch)
    }
}

/// A clock that stands still until it is told to move: for replays and tests. Clones share their time.
///
/// ```
/// use std::time::Duration;
/// use safeguards_types::{Clock, SimClock, Timestamp};
///
/// let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z")?);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().to_string(), "2026-01-05T09:01:00Z");
/// # Ok::<(), safeguards_types::TimestampError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SimClock(Arc<AtomicI64>);

impl SimClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_nanos())))
    }

    /// Shows `now` from here on, be it earlier than before.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_nanos(), Ordering::SeqCst);
    }

    /// Moves on by `span`, at most to [`Timestamp::MAX`].
    pub fn advance(&self, span: Duration) {
        let span = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        let moved = |nanos: i64| Some(nanos.saturating_add(span));
        // `fetch_update` fails only where the closure gives `None`.
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
