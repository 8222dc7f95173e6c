//! [`Safeguards`]: the same for programs without a runtime. Requests are waited for, not awaited.
//!
//! Nothing is there twice: requests are those of [`v1`] and [`v2`], and
//! [`wait`](Safeguards::wait) sends them.
//!
//! ```
//! use safeguards_api::blocking::Safeguards;
//! use safeguards_types::{Priority, usd};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let sg = Safeguards::in_memory()?;
//!     let v2 = sg.v2();
//!     let running = sg.start()?; // delivers alerts, on a thread of its own
//!
//!     let pool = sg.wait(v2.pools().create("research", usd!(5), Priority::P5))?;
//!     let reader = sg.wait(v2.agents().create("reader", usd!(4), Priority::P7).pool(&pool))?;
//!     let receipt = sg.wait(v2.budget().charge(&reader, usd!(3.90), v2.operation()))?;
//!     assert_eq!(receipt.available, usd!(0.10).into());
//!
//!     assert!(running.stop()?.is_empty());
//!     Ok(())
//! }
//! ```

mod thread;

use std::{future::IntoFuture, io, sync::Arc, time::Duration};

use safeguards_budget::Ledger;
use safeguards_notify::{StartError, Undelivered};
use safeguards_types::OperationId;

use self::thread::Thread;
use crate::{Builder, latest, v1, v2};

/// A [`Safeguards`](crate::Safeguards) with a runtime of its own, on a thread of its own. Clones are the same one.
///
/// Futures run on the thread that waits for them; the thread of the runtime does what [`start`](Self::start) began,
/// and keeps the time. It ends when the last clone and the last [`Running`] are gone.
///
/// Where a Tokio runtime is already, there is nothing to wait for: await the asynchronous API there. Each call is
/// refused inside of one, be it from a thread of `spawn_blocking`: `Handle::block_on` does there what is done here.
#[derive(Clone, Debug)]
pub struct Safeguards {
    inner: crate::Safeguards,
    thread: Arc<Thread>,
}

impl Safeguards {
    /// Everything in memory, on the machine's clock: forgotten when the program ends.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn in_memory() -> Result<Self, BlockingError> {
        Self::new(crate::Safeguards::in_memory())
    }

    /// Starts from where accounts are kept, as [`Safeguards::builder`](crate::Safeguards::builder) does; give what it
    /// builds to [`new`](Self::new).
    ///
    /// ```
    /// use safeguards_api::blocking::Safeguards;
    /// use safeguards_budget::MemoryLedger;
    ///
    /// let sg = Safeguards::new(Safeguards::builder(MemoryLedger::new()).build()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(ledger: impl Ledger) -> Builder {
        crate::Safeguards::builder(ledger)
    }

    /// The same parts, for callers without a runtime.
    ///
    /// # Errors
    ///
    /// Where the thread or its runtime cannot be started, or inside a runtime.
    pub fn new(inner: crate::Safeguards) -> Result<Self, BlockingError> {
        Ok(Self { inner, thread: Arc::new(Thread::start()?) })
    }

    /// The guide's surface. [`wait`](Self::wait) for its requests.
    pub fn v1(&self) -> v1::Api {
        self.inner.v1()
    }

    /// What one should use. [`wait`](Self::wait) for its requests.
    pub fn v2(&self) -> v2::Api {
        self.inner.v2()
    }

    /// The newest version. Moves with releases.
    pub fn latest(&self) -> latest::Api {
        self.inner.latest()
    }

    /// Mints the caller's name for a piece of work.
    pub fn operation(&self) -> OperationId {
        self.inner.operation()
    }

    /// The asynchronous one, for all its other parts: runner, alerts, shared state.
    pub const fn inner(&self) -> &crate::Safeguards {
        &self.inner
    }

    /// Sends a request, or runs any other future, and waits for what comes of it.
    ///
    /// # Errors
    ///
    /// What the request fails with; or, inside a Tokio runtime, [`WaitError::Blocking`]: nothing was sent then.
    pub fn wait<T, E>(
        &self,
        request: impl IntoFuture<Output = Result<T, E>>,
    ) -> Result<T, WaitError<E>> {
        self.block_on(request)?.map_err(WaitError::Request)
    }

    /// As [`wait`](Self::wait), for a future that does not fail.
    ///
    /// # Errors
    ///
    /// Inside a Tokio runtime. The future did not run then.
    pub fn block_on<T>(&self, future: impl IntoFuture<Output = T>) -> Result<T, BlockingError> {
        self.thread.block_on(future.into_future())
    }

    /// Begins to deliver and to sweep, as [`Safeguards::start`](crate::Safeguards::start) does, on the thread of the
    /// runtime.
    ///
    /// # Errors
    ///
    /// Where it runs already; or inside a Tokio runtime.
    pub fn start(&self) -> Result<Running, WaitError<StartError>> {
        let running = self.wait(async { self.inner.start() })?;
        Ok(Running { running, thread: Arc::clone(&self.thread) })
    }
}

/// What [`Safeguards::start`] began, and the way to stop it. Dropped, all of it ends at once.
#[derive(Debug)]
#[must_use = "delivery ends when this is dropped; keep it, and call `stop`"]
pub struct Running {
    running: crate::Running,
    thread: Arc<Thread>,
}

impl Running {
    /// Delivers what waits, for five seconds at most, then ends. Gives what did not arrive.
    ///
    /// # Errors
    ///
    /// Inside a Tokio runtime. All of it ended at once then.
    pub fn stop(self) -> Result<Undelivered, BlockingError> {
        self.thread.block_on(self.running.stop())
    }

    /// As [`stop`](Self::stop), for `grace` at most.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn stop_within(self, grace: Duration) -> Result<Undelivered, BlockingError> {
        self.thread.block_on(self.running.stop_within(grace))
    }
}

/// Nobody could wait.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockingError {
    /// The thread belongs to a Tokio runtime, whose other work would stand still.
    #[error(
        "the blocking API was called inside a Tokio runtime, whose work would stand still meanwhile; await \
         `safeguards_api::Safeguards` there, or call from a thread outside of it"
    )]
    InsideRuntime,
    /// The thread or its runtime could not be started.
    #[error("the thread of the blocking API could not be started")]
    NoThread(#[source] io::Error),
}

impl BlockingError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InsideRuntime => "api.blocking_inside_runtime",
            Self::NoThread(_) => "api.no_thread",
        }
    }
}

/// A request failed, or nobody could wait for it.
#[derive(Debug, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a request was sent or not; there is no third")]
pub enum WaitError<E> {
    /// Nobody could wait: nothing was sent.
    #[error(transparent)]
    Blocking(#[from] BlockingError),
    /// What the request failed with.
    #[error(transparent)]
    Request(E),
}

impl<E> WaitError<E> {
    /// What the request failed with, if it was sent.
    pub const fn request(&self) -> Option<&E> {
        match self {
            Self::Blocking(_) => None,
            Self::Request(error) => Some(error),
        }
    }
}
