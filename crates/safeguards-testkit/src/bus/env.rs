//! [`BusEnv`]: a fresh bus, and what a case needs to know about it.

use std::{any::Any, fmt, sync::Arc, time::Duration};

use safeguards_notify::EventBus;
use safeguards_types::{SimClock, Timestamp};

/// What a case would like of the bus that is made for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BusSetup {
    /// The clock that the bus is to read. It stands at a Monday morning, 2026-01-05T09:00:00Z.
    pub clock: SimClock,
    /// How many events the bus is to keep for replays.
    pub log_max: usize,
    /// How many dead letters it is to keep.
    pub dead_letters_max: usize,
    /// How many events may stand before one in its chain of causes.
    pub hops_max: u32,
    /// How long a publisher is to wait for a subscriber.
    pub wait_max: Duration,
}

impl BusSetup {
    /// The bounds that a bus has unless it is told others.
    pub fn large() -> Self {
        let monday_morning = Timestamp::from_nanos(1_767_603_600_000_000_000).unwrap_or_default();
        Self {
            clock: SimClock::at(monday_morning),
            log_max: 65_536,
            dead_letters_max: 1_024,
            hops_max: 16,
            wait_max: Duration::from_secs(30),
        }
    }

    /// Bounds that a few events reach: eight in the log, four dead letters, three hops.
    pub fn small() -> Self {
        Self { log_max: 8, dead_letters_max: 4, hops_max: 3, ..Self::large() }
    }
}

/// A fresh bus without events, and what must outlive it.
///
/// ```
/// use std::sync::Arc;
/// use safeguards_notify::MemoryEventBus;
/// use safeguards_testkit::bus::{BusEnv, BusSetup};
///
/// async fn make(setup: BusSetup) -> BusEnv {
///     let bus = MemoryEventBus::builder()
///         .clock(setup.clock)
///         .log_max(setup.log_max)
///         .dead_letters_max(setup.dead_letters_max)
///         .hops_max(setup.hops_max)
///         .wait_max(setup.wait_max)
///         .build();
///     BusEnv::new(Arc::new(bus))
/// }
/// ```
pub struct BusEnv {
    pub(super) bus: Arc<dyn EventBus>,
    /// What must outlive the bus, such as a server that was started for it.
    pub(super) guards: Vec<Box<dyn Any>>,
}

impl BusEnv {
    /// This bus.
    pub fn new(bus: Arc<dyn EventBus>) -> Self {
        Self { bus, guards: Vec::new() }
    }

    /// Keeps something until the case is over, such as a server that was started for it.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any) -> Self {
        self.guards.push(Box::new(guard));
        self
    }
}

impl fmt::Debug for BusEnv {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("BusEnv").field("bus", &self.bus).finish_non_exhaustive()
    }
}
