//! [`RegistryEnv`]: a fresh registry, and what a case needs to know about it.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc};

use safeguards_discovery::Registry;
use safeguards_types::{SimClock, Timestamp};

/// Opens a registry again. The future need not be sent to another thread.
pub(super) type Open = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Arc<dyn Registry>>>>>;

/// What a case would like of the registry that is made for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegistrySetup {
    /// The clock that the registry is to read. It stands at a Monday morning, 2026-01-05T09:00:00Z.
    pub clock: SimClock,
    /// How many changes the registry is to keep.
    pub changes_kept: usize,
    /// How many agents it is to take.
    pub agents_max: usize,
}

impl RegistrySetup {
    /// More than a case reaches.
    pub fn large() -> Self {
        let monday_morning = Timestamp::from_nanos(1_767_603_600_000_000_000).unwrap_or_default();
        Self { clock: SimClock::at(monday_morning), changes_kept: 65_536, agents_max: 100_000 }
    }

    /// Eight changes, four agents.
    pub fn small() -> Self {
        Self { changes_kept: 8, agents_max: 4, ..Self::large() }
    }
}

/// A fresh registry without agents, and what must outlive it: what
/// [`registry_conformance!`](crate::registry_conformance) is run on.
///
/// ```
/// use std::sync::Arc;
/// use safeguards_testkit::registry::{PlainRegistry, RegistryEnv, RegistrySetup};
///
/// async fn make(setup: RegistrySetup) -> RegistryEnv {
///     RegistryEnv::new(Arc::new(PlainRegistry::new(setup)))
/// }
/// ```
pub struct RegistryEnv {
    pub(super) registry: Option<Arc<dyn Registry>>,
    pub(super) reopen: Option<Open>,
    guards: Vec<Box<dyn Any>>,
}

impl RegistryEnv {
    /// This registry.
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry: Some(registry), reopen: None, guards: Vec::new() }
    }

    /// How a durable registry is opened again after the one before was dropped.
    #[must_use]
    pub fn reopens<F, Fut>(self, open: F) -> Self
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = Arc<dyn Registry>> + 'static,
    {
        Self { reopen: Some(Box::new(move || Box::pin(open()))), ..self }
    }

    /// Keeps something until the case is over, such as the folder that the registry lives in.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any) -> Self {
        self.guards.push(Box::new(guard));
        self
    }
}

impl fmt::Debug for RegistryEnv {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RegistryEnv").field("registry", &self.registry).finish_non_exhaustive()
    }
}
