//! [`StoreEnv`]: a fresh store of alerts; [`StoreDesk`]: what a case does and reads there.

use std::{any::Any, cell::RefCell, fmt, future::Future, pin::Pin, sync::Arc};

use safeguards_notify::{
    AlertChange, AlertQuery, AlertRecord, AlertStore, AlertStoreError, DeadLetters,
    MemoryAlertStoreBounds, Unfinished,
};

/// Opens a store again. The future need not be sent to another thread.
type Open = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Arc<dyn AlertStore>>>>>;

/// What a case would like of the store that is made for it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StoreSetup {
    /// How many alerts and dead letters it is to keep: many, or three of each.
    pub bounds: MemoryAlertStoreBounds,
}

impl StoreSetup {
    /// Many of each.
    pub fn large() -> Self {
        Self { bounds: MemoryAlertStoreBounds::default() }
    }

    /// Three of each.
    pub fn small() -> Self {
        let mut bounds = MemoryAlertStoreBounds::default();
        bounds.history = 3;
        bounds.dead_letters = 3;
        Self { bounds }
    }
}

/// A fresh, empty store of alerts, and what a case needs to know about it: what
/// [`alert_store_conformance!`](crate::alert_store_conformance) is run on.
pub struct StoreEnv {
    store: Option<Arc<dyn AlertStore>>,
    reopen: Option<Open>,
    tear: Option<Open>,
    guards: Vec<Box<dyn Any>>,
}

impl StoreEnv {
    /// An empty store.
    pub fn new(store: Arc<dyn AlertStore>) -> Self {
        Self { store: Some(store), reopen: None, tear: None, guards: Vec::new() }
    }

    /// How a durable store is opened again after the one before was dropped.
    #[must_use]
    pub fn reopens<F, Fut>(self, open: F) -> Self
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = Arc<dyn AlertStore>> + 'static,
    {
        Self { reopen: Some(Box::new(move || Box::pin(open()))), ..self }
    }

    /// How a durable store is opened again where the process ended in the midst of the last commit: tears off
    /// some of what that wrote, and opens.
    #[must_use]
    pub fn tears<F, Fut>(self, open: F) -> Self
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = Arc<dyn AlertStore>> + 'static,
    {
        Self { tear: Some(Box::new(move || Box::pin(open()))), ..self }
    }

    /// Keeps something until the case is over, such as the folder that the store lives in.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any) -> Self {
        self.guards.push(Box::new(guard));
        self
    }
}

impl fmt::Debug for StoreEnv {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("StoreEnv").field("store", &self.store).finish_non_exhaustive()
    }
}

/// A fresh store, and one line for each thing that a case does and reads there.
#[derive(Debug)]
pub struct StoreDesk {
    env: StoreEnv,
    /// None only while it is opened again.
    store: RefCell<Option<Arc<dyn AlertStore>>>,
}

#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a case is an assertion: it panics where the store does not do its part"
)]
impl StoreDesk {
    /// A desk at this store.
    pub fn new(mut env: StoreEnv) -> Self {
        let store = RefCell::new(env.store.take());
        Self { env, store }
    }

    /// The store.
    pub fn store(&self) -> Arc<dyn AlertStore> {
        self.store.borrow().clone().expect("the store is open")
    }

    /// Commits, which must succeed.
    pub async fn commit(&self, changes: &[AlertChange]) {
        given(self.store().commit(changes).await);
    }

    /// What is unfinished, escalations in the order of their names.
    pub async fn unfinished(&self) -> Unfinished {
        let mut unfinished = given(self.store().unfinished().await);
        unfinished.escalations.sort_by_key(|escalation| escalation.id);
        unfinished
    }

    /// What `query` means.
    pub async fn history(&self, query: &AlertQuery) -> Vec<AlertRecord> {
        given(self.store().history(query).await)
    }

    /// The dead letters.
    pub async fn dead_letters(&self) -> DeadLetters {
        given(self.store().dead_letters().await)
    }

    /// All that can be read.
    pub async fn all(&self) -> (Unfinished, Vec<AlertRecord>, DeadLetters) {
        let history = self.history(&AlertQuery::all().limit(usize::MAX)).await;
        (self.unfinished().await, history, self.dead_letters().await)
    }

    /// Whether the store can be opened again.
    pub const fn reopens(&self) -> bool {
        self.env.reopen.is_some()
    }

    /// Drops the store and opens it again.
    pub async fn reopen(&self) {
        self.open_by(self.env.reopen.as_ref()).await;
    }

    /// Drops the store and opens it as if the process had ended in the midst of the last commit.
    pub async fn tear(&self) {
        self.open_by(self.env.tear.as_ref()).await;
    }

    async fn open_by(&self, open: Option<&Open>) {
        self.store.replace(None);
        let open = open.expect("the environment says how");
        let store = open().await;
        self.store.replace(Some(store));
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "a store that fails ends the case")]
fn given<T>(result: Result<T, AlertStoreError>) -> T {
    result.unwrap_or_else(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        panic!("{error}: {}", source.unwrap_or_default())
    })
}
