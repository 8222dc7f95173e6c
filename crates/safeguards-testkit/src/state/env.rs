//! [`StateEnv`]: a fresh store, and what a case needs to know about it.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc};

use safeguards_coord::StateStore;
use safeguards_types::{SimClock, Timestamp};

/// Opens a store again. The future need not be sent to another thread.
pub(super) type Open = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Arc<dyn StateStore>>>>>;

/// What a case would like of the store that is made for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StateSetup {
    /// The clock that the store is to read. It stands at a Monday morning, 2026-01-05T09:00:00Z.
    pub clock: SimClock,
    /// How many keys the store is to take.
    pub keys_max: usize,
    /// How many bytes of values it is to take, with their kept versions.
    pub bytes_max: usize,
    /// How many earlier versions of a key it is to keep.
    pub history_kept: usize,
    /// How many changes it is to keep.
    pub changes_kept: usize,
}

impl StateSetup {
    /// More than a case reaches.
    pub fn large() -> Self {
        let monday_morning = Timestamp::from_nanos(1_767_603_600_000_000_000).unwrap_or_default();
        Self {
            clock: SimClock::at(monday_morning),
            keys_max: 100_000,
            bytes_max: 1 << 30,
            history_kept: 100,
            changes_kept: 65_536,
        }
    }

    /// Four keys, a thousand bytes, three earlier versions, eight changes.
    pub fn small() -> Self {
        let large = Self::large();
        Self { keys_max: 4, bytes_max: 1_000, history_kept: 3, changes_kept: 8, ..large }
    }
}

/// A fresh store without keys, and what must outlive it: what
/// [`state_store_conformance!`](crate::state_store_conformance) is run on.
///
/// ```
/// use std::sync::Arc;
/// use safeguards_testkit::state::{PlainStateStore, StateEnv, StateSetup};
///
/// async fn make(setup: StateSetup) -> StateEnv {
///     StateEnv::new(Arc::new(PlainStateStore::new(setup)))
/// }
/// ```
pub struct StateEnv {
    pub(super) store: Option<Arc<dyn StateStore>>,
    pub(super) reopen: Option<Open>,
    guards: Vec<Box<dyn Any>>,
}

impl StateEnv {
    /// This store.
    pub fn new(store: Arc<dyn StateStore>) -> Self {
        Self { store: Some(store), reopen: None, guards: Vec::new() }
    }

    /// How a durable store is opened again after the one before was dropped.
    #[must_use]
    pub fn reopens<F, Fut>(self, open: F) -> Self
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = Arc<dyn StateStore>> + 'static,
    {
        Self { reopen: Some(Box::new(move || Box::pin(open()))), ..self }
    }

    /// Keeps something until the case is over, such as the folder that the store lives in.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any) -> Self {
        self.guards.push(Box::new(guard));
        self
    }
}

impl fmt::Debug for StateEnv {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("StateEnv").field("store", &self.store).finish_non_exhaustive()
    }
}
