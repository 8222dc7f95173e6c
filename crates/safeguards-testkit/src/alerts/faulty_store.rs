//! [`FaultyAlertStore`]: a store of alerts around another that fails when it is told to.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use safeguards_notify::{
    AlertChange, AlertQuery, AlertRecord, AlertStore, AlertStoreError, DeadLetters, Unfinished,
};

use super::script::Script;

/// What goes wrong with one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFault {
    /// It never arrives.
    Before,
    /// It is applied, and its answer is lost.
    After,
    /// It never arrives, and there is no answer either.
    Hang,
}

/// A store of alerts around another whose commits fail as told: by a script, else by a plan. What is not told
/// to fail works. Clones share everything, so a test keeps one and hands one away.
///
/// ```
/// use safeguards_notify::{Alert, Alerts, MemoryAlertStore, topic};
/// use safeguards_testkit::{FaultyAlertStore, StoreFault};
/// use safeguards_types::Severity;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = FaultyAlertStore::new(MemoryAlertStore::new());
/// let alerts = Alerts::builder().store(store.clone()).build()?;
/// store.script([Some(StoreFault::After)]);
/// let alert = || Alert::new(Severity::High, topic!("team.note"), "ready");
/// assert_eq!(alerts.send_saved(alert()).await.unwrap_err().code(), "notify.store_unavailable");
/// // The next commit says what the store may not know once more.
/// alerts.send_saved(alert()).await?;
/// assert_eq!(alerts.history(&Default::default()).await?.len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FaultyAlertStore {
    inner: Arc<dyn AlertStore>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    script: Script<[AlertChange], StoreFault>,
    reads_fail: AtomicBool,
    commits: AtomicUsize,
}

impl FaultyAlertStore {
    /// Nothing fails until it is told to.
    pub fn new(inner: impl AlertStore) -> Self {
        Self { inner: Arc::new(inner), shared: Arc::default() }
    }

    /// What goes wrong with the next commits, one after the other; `None` is nothing. They come after what was
    /// scripted before, and ahead of the plan.
    pub fn script(&self, faults: impl IntoIterator<Item = Option<StoreFault>>) {
        self.shared.script.extend(faults);
    }

    /// From now on `plan` says before each commit what goes wrong with it.
    pub fn plan(&self, plan: impl FnMut(&[AlertChange]) -> Option<StoreFault> + Send + 'static) {
        self.shared.script.plan(plan);
    }

    /// From now on this goes wrong with every commit.
    pub fn fail_always(&self, fault: StoreFault) {
        self.plan(move |_| Some(fault));
    }

    /// From now on every read fails, too.
    pub fn fail_reads(&self) {
        self.shared.reads_fail.store(true, Ordering::SeqCst);
    }

    /// From now on nothing fails any more.
    pub fn mend(&self) {
        self.shared.script.mend();
        self.shared.reads_fail.store(false, Ordering::SeqCst);
    }

    /// How many commits were begun, those that failed included.
    pub fn commits(&self) -> usize {
        self.shared.commits.load(Ordering::SeqCst)
    }

    fn read(&self) -> Result<&dyn AlertStore, AlertStoreError> {
        if self.shared.reads_fail.load(Ordering::SeqCst) {
            return Err(AlertStoreError::unavailable("the disk is away"));
        }
        Ok(&*self.inner)
    }
}

#[async_trait]
impl AlertStore for FaultyAlertStore {
    async fn commit(&self, changes: &[AlertChange]) -> Result<(), AlertStoreError> {
        self.shared.commits.fetch_add(1, Ordering::SeqCst);
        match self.shared.script.take(changes) {
            None => self.inner.commit(changes).await,
            Some(StoreFault::Before) => Err(AlertStoreError::unavailable("the disk is away")),
            Some(StoreFault::After) => {
                self.inner.commit(changes).await?;
                Err(AlertStoreError::unavailable("the answer was lost"))
            }
            Some(StoreFault::Hang) => pending().await,
        }
    }

    async fn unfinished(&self) -> Result<Unfinished, AlertStoreError> {
        self.read()?.unfinished().await
    }

    async fn history(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, AlertStoreError> {
        self.read()?.history(query).await
    }

    async fn dead_letters(&self) -> Result<DeadLetters, AlertStoreError> {
        self.read()?.dead_letters().await
    }
}
