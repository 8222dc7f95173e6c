//! [`FaultyRunStore`]: a run store around another that fails when it is told to.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use safeguards_coord::{
    RunEntry, RunHead, RunId, RunQuery, RunStore, RunStoreError, RunStoreErrorKind, RunView,
};
use safeguards_types::{OperationId, Timestamp};

use crate::alerts::script::Script;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunStoreFault {
    /// It never arrives.
    Before,
    /// It is carried out, and its answer is lost.
    After,
    /// What is stored cannot be read.
    Corrupt,
    /// It never arrives, and there is no answer either.
    Hang,
    /// The store panics.
    Panic,
}

/// Which verb is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunStoreCall {
    /// [`RunStore::begin`].
    Begin,
    /// [`RunStore::append`], of an intent.
    Intent,
    /// [`RunStore::append`], of an outcome.
    Outcome,
    /// [`RunStore::append`], of the end.
    End,
    /// [`RunStore::take_over`].
    TakeOver,
    /// [`RunStore::run`].
    Run,
    /// [`RunStore::entries`].
    Entries,
    /// [`RunStore::runs`].
    Runs,
    /// [`RunStore::forget`].
    Forget,
}

/// A run store around another whose calls fail as told: by a script, else by a plan. What is not told to fail works.
/// Clones share everything, so a test keeps one and hands one away.
///
/// ```
/// use safeguards_coord::{MemoryRunStore, RunStore};
/// use safeguards_testkit::runs::{FaultyRunStore, RunHeads, RunStoreFault};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let runs = FaultyRunStore::new(MemoryRunStore::new());
/// runs.script([Some(RunStoreFault::After)]);
/// let head = RunHeads::new().head("r-1");
/// assert_eq!(runs.begin(head.clone()).await.unwrap_err().code(), "runs.unavailable");
/// // It was begun all the same; who tries again is told so.
/// runs.begin(head).await?;
/// assert!(runs.run(&"r-1".into()).await?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FaultyRunStore {
    inner: Arc<dyn RunStore>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    script: Script<RunStoreCall, RunStoreFault>,
    calls: AtomicUsize,
}

impl FaultyRunStore {
    /// Nothing fails until it is told to.
    pub fn new(inner: impl RunStore) -> Self {
        Self { inner: Arc::new(inner), shared: Arc::default() }
    }

    /// What goes wrong with the next calls, one after the other; `None` is nothing. They come after what was scripted
    /// before, and ahead of the plan.
    pub fn script(&self, faults: impl IntoIterator<Item = Option<RunStoreFault>>) {
        self.shared.script.extend(faults);
    }

    /// From now on `plan` says before each call what goes wrong with it.
    pub fn plan(
        &self,
        mut plan: impl FnMut(RunStoreCall) -> Option<RunStoreFault> + Send + 'static,
    ) {
        self.shared.script.plan(move |call| plan(*call));
    }

    /// From now on this goes wrong with every call.
    pub fn fail_always(&self, fault: RunStoreFault) {
        self.plan(move |_| Some(fault));
    }

    /// From now on nothing fails any more.
    pub fn mend(&self) {
        self.shared.script.mend();
    }

    /// How many calls were begun, those that failed included.
    pub fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::SeqCst)
    }

    async fn call<T>(
        &self,
        call: RunStoreCall,
        act: impl Future<Output = Result<T, RunStoreError>>,
    ) -> Result<T, RunStoreError> {
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        let failed = |kind, what: &str| Err(RunStoreError::new(kind, what));
        match self.shared.script.take(&call) {
            None => act.await,
            Some(RunStoreFault::Before) => {
                failed(RunStoreErrorKind::Unavailable, "the run store is away")
            }
            Some(RunStoreFault::After) => {
                act.await?;
                failed(RunStoreErrorKind::Unavailable, "the answer was lost")
            }
            Some(RunStoreFault::Corrupt) => {
                failed(RunStoreErrorKind::Corrupt, "the checksum is another")
            }
            Some(RunStoreFault::Hang) => pending().await,
            Some(RunStoreFault::Panic) => panic!("the run store panics, as it was told to"),
        }
    }
}

#[async_trait]
impl RunStore for FaultyRunStore {
    async fn begin(&self, head: RunHead) -> Result<(), RunStoreError> {
        self.call(RunStoreCall::Begin, self.inner.begin(head)).await
    }

    async fn append(&self, run: &RunId, leg: u32, entry: RunEntry) -> Result<(), RunStoreError> {
        let call = match &entry {
            RunEntry::Intent(_) => RunStoreCall::Intent,
            RunEntry::Ended(_) => RunStoreCall::End,
            RunEntry::Outcome(_) | RunEntry::TakenOver { .. } | _ => RunStoreCall::Outcome,
        };
        self.call(call, self.inner.append(run, leg, entry)).await
    }

    async fn take_over(
        &self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Result<u32, RunStoreError> {
        self.call(RunStoreCall::TakeOver, self.inner.take_over(run, leg, by, at)).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunView>, RunStoreError> {
        self.call(RunStoreCall::Run, self.inner.run(run)).await
    }

    async fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError> {
        self.call(RunStoreCall::Entries, self.inner.entries(run, from, limit)).await
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError> {
        self.call(RunStoreCall::Runs, self.inner.runs(query)).await
    }

    async fn forget(&self, run: &RunId) -> Result<bool, RunStoreError> {
        self.call(RunStoreCall::Forget, self.inner.forget(run)).await
    }

    fn is_durable(&self) -> bool {
        self.inner.is_durable()
    }
}
