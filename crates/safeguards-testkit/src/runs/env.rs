//! [`RunStoreEnv`]: a fresh run store, and what a case needs to know about it.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc};

use safeguards_coord::{RunStore, RunStoreBounds};

/// Opens a store again. The future need not be sent to another thread.
pub(super) type Open = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Arc<dyn RunStore>>>>>;

/// What a case would like of the store that is made for it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RunStoreSetup {
    /// The bounds that the store is to have.
    pub bounds: RunStoreBounds,
}

impl RunStoreSetup {
    /// With these bounds.
    pub const fn new(bounds: RunStoreBounds) -> Self {
        Self { bounds }
    }

    /// The usual bounds, which no case reaches.
    pub fn large() -> Self {
        Self::new(RunStoreBounds::default())
    }

    /// Three runs that have ended, four that have not, six entries, 1,000 bytes in one.
    pub fn small() -> Self {
        let mut bounds = RunStoreBounds::default();
        bounds.ended_kept = 3;
        bounds.unfinished_max = 4;
        bounds.entries_max = 6;
        bounds.entry_bytes_max = 1_000;
        Self::new(bounds)
    }
}

/// A fresh store without runs, and what must outlive it: what
/// [`run_store_conformance!`](crate::run_store_conformance) is run on.
///
/// ```
/// use std::sync::Arc;
/// use safeguards_coord::MemoryRunStore;
/// use safeguards_testkit::runs::{RunStoreEnv, RunStoreSetup};
///
/// async fn make(setup: RunStoreSetup) -> RunStoreEnv {
///     RunStoreEnv::new(Arc::new(MemoryRunStore::with_bounds(setup.bounds)))
/// }
/// ```
pub struct RunStoreEnv {
    pub(super) store: Option<Arc<dyn RunStore>>,
    pub(super) reopen: Option<Open>,
    guards: Vec<Box<dyn Any>>,
}

impl RunStoreEnv {
    /// This store.
    pub fn new(store: Arc<dyn RunStore>) -> Self {
        Self { store: Some(store), reopen: None, guards: Vec::new() }
    }

    /// How a durable store is opened again after the one before was dropped.
    #[must_use]
    pub fn reopens<F, Fut>(self, open: F) -> Self
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = Arc<dyn RunStore>> + 'static,
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

impl fmt::Debug for RunStoreEnv {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RunStoreEnv").field("store", &self.store).finish_non_exhaustive()
    }
}
