//! [`TestEnv`]: a fresh ledger, and what a case needs to know about it.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use safeguards_budget::{Bounds, Ledger};
use safeguards_types::{SimClock, Timestamp};

/// What a case would like of the ledger that is made for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setup {
    /// The clock that the ledger is to read. It stands at a Monday morning, 2026-01-05T09:00:00Z.
    pub clock: SimClock,
    /// The bounds that the ledger is to have: the default ones, or [`Setup::small_bounds`].
    pub bounds: Bounds,
}

impl Setup {
    /// A clock of its own, and these bounds.
    pub fn new(bounds: Bounds) -> Self {
        let monday_morning = Timestamp::from_nanos(1_767_603_600_000_000_000).unwrap_or_default();
        Self { clock: SimClock::at(monday_morning), bounds }
    }

    /// Bounds that a few commands reach: three accounts, and four operations kept for a minute, eight at most.
    pub fn small_bounds() -> Bounds {
        let mut bounds = Bounds::default();
        bounds.accounts_max = 3;
        bounds.operations_kept = 4;
        bounds.kept_for = Duration::from_mins(1);
        bounds.operations_max = 8;
        bounds
    }
}

/// Opens a ledger again. The future need not be sent to another thread.
type Reopen = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Arc<dyn Ledger>>>>>;

/// A fresh ledger without accounts, and what a case needs to know about it.
///
/// ```
/// use std::sync::Arc;
/// use safeguards_budget::MemoryLedger;
/// use safeguards_testkit::{Setup, TestEnv};
///
/// async fn make(setup: Setup) -> TestEnv {
///     let ledger = MemoryLedger::with_bounds(setup.clock.clone(), setup.bounds);
///     TestEnv::new(Arc::new(ledger), setup.clock)
/// }
/// ```
pub struct TestEnv {
    /// None where a desk has taken it.
    pub(crate) ledger: Option<Arc<dyn Ledger>>,
    pub(crate) clock: Option<SimClock>,
    pub(crate) reopen: Option<Reopen>,
    /// What must outlive the ledger, such as the folder that it lives in.
    guards: Vec<Box<dyn Any>>,
}

impl TestEnv {
    /// A ledger that reads `clock`: that of the [`Setup`].
    pub fn new(ledger: Arc<dyn Ledger>, clock: SimClock) -> Self {
        Self { clock: Some(clock), ..Self::on_its_own_clock(ledger) }
    }

    /// A ledger whose clock cannot be set, such as that of a database. It agrees with the machine's clock to
    /// some seconds. Say `own_clock` to [`ledger_conformance!`](crate::ledger_conformance) besides.
    pub fn on_its_own_clock(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger: Some(ledger), clock: None, reopen: None, guards: Vec::new() }
    }

    /// How a durable ledger is opened again after the one before was dropped.
    #[must_use]
    pub fn reopens<F, Fut>(self, open: F) -> Self
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = Arc<dyn Ledger>> + 'static,
    {
        Self { reopen: Some(Box::new(move || Box::pin(open()))), ..self }
    }

    /// Keeps something until the case is over, such as the folder that the ledger lives in.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any) -> Self {
        self.guards.push(Box::new(guard));
        self
    }
}

impl fmt::Debug for TestEnv {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ledger, clock, reopen: _, guards: _ } = self;
        out.debug_struct("TestEnv")
            .field("ledger", ledger)
            .field("clock", clock)
            .finish_non_exhaustive()
    }
}
