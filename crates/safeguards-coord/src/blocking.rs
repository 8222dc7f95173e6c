//! Agents that block a thread: [`blocking_fn`], on a [`BlockingPool`] of so many.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tracing::Span;

use crate::{
    Agent, AgentError, AgentErrorKind, Context, Descriptor, Reply, Task, panics::panic_text,
};

/// Threads for agents that block, so many and no more. A thread whose agent was abandoned keeps its place until it
/// ends. Cheap to clone; clones are the same pool.
///
/// ```
/// use safeguards_coord::BlockingPool;
///
/// let pool = BlockingPool::new(4);
/// assert_eq!(pool.busy(), 0);
/// ```
#[derive(Clone)]
pub struct BlockingPool {
    places: Arc<Semaphore>,
    busy: Arc<AtomicUsize>,
}

impl BlockingPool {
    /// A pool of at most `threads` threads; 0 is read as 1. They are begun when they are needed.
    pub fn new(threads: usize) -> Self {
        let threads = threads.clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(threads)), busy: Arc::default() }
    }

    /// How many threads are at work, those whose agents were abandoned among them.
    pub fn busy(&self) -> usize {
        self.busy.load(Ordering::Acquire)
    }
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("BlockingPool");
        out.field("busy", &self.busy()).finish_non_exhaustive()
    }
}

/// A thread at work. Dropped, it no longer is.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn new(busy: &Arc<AtomicUsize>) -> Self {
        busy.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(busy))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Makes an agent of a closure that blocks: it runs on a thread of `pool`, waits for one where all are at work, and
/// is abandoned where it does not heed [`Context::is_cancelled`].
///
/// ```
/// use safeguards_coord::{Agent, BlockingPool, Context, Reply, Task, blocking_fn};
/// use safeguards_types::usd;
///
/// let pool = BlockingPool::new(4);
/// let hasher = blocking_fn("hasher", &pool, |task: Task, cx: Context| {
///     let mut sum = 0_u64;
///     for letter in task.text().bytes() {
///         if cx.is_cancelled() {
///             break;
///         }
///         sum = sum.wrapping_mul(31).wrapping_add(letter.into());
///     }
///     Ok(Reply::new(sum).cost(usd!(0.001)))
/// });
/// assert!(hasher.descriptor().blocks);
/// ```
pub fn blocking_fn<F>(
    descriptor: impl Into<Descriptor>,
    pool: &BlockingPool,
    run: F,
) -> Arc<dyn Agent>
where
    F: Fn(Task, Context) -> Result<Reply, AgentError> + Send + Sync + 'static,
{
    let descriptor = Descriptor { blocks: true, ..descriptor.into() };
    Arc::new(BlockingFn { descriptor, pool: pool.clone(), run: Arc::new(run) })
}

struct BlockingFn<F> {
    descriptor: Descriptor,
    pool: BlockingPool,
    run: Arc<F>,
}

impl<F> fmt::Debug for BlockingFn<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("BlockingFn");
        out.field("descriptor", &self.descriptor).finish_non_exhaustive()
    }
}

#[async_trait]
impl<F> Agent for BlockingFn<F>
where
    F: Fn(Task, Context) -> Result<Reply, AgentError> + Send + Sync + 'static,
{
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    async fn run(&self, task: Task, cx: Context) -> Result<Reply, AgentError> {
        let waits = Arc::clone(&self.pool.places).acquire_owned();
        let place = tokio::select! {
            biased;
            place = waits => place.map_err(|closed| {
                AgentError::of(AgentErrorKind::NotStarted, "the pool has no threads").caused_by(closed)
            })?,
            // What never had a thread costs nothing.
            () = cx.cancelled() => {
                let message = "no thread of the pool was free in time";
                return Err(AgentError::of(AgentErrorKind::NotStarted, message));
            }
        };
        let (run, busy) = (Arc::clone(&self.run), Busy::new(&self.pool.busy));
        let span = Span::current();
        let worked = tokio::task::spawn_blocking(move || {
            let _kept_until_the_end = (place, busy);
            span.in_scope(|| run(task, cx))
        });
        worked.await.unwrap_or_else(|error| {
            let message = match error.try_into_panic() {
                Ok(panic) => format!("panicked: {}", panic_text(&*panic)),
                Err(error) => error.to_string(),
            };
            Err(AgentError::of(AgentErrorKind::Panicked, message))
        })
    }
}
