//! [`Running`]: the tasks that serve a hub's channels, and the way to stop them.

use std::{
    panic::catch_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    DeadReason, Delivery, Undelivered,
    hub::{Hub, LaneEnd},
    lane::{Failure, Next},
    panics, telemetry,
};
use tokio::{
    runtime::Handle,
    task::{JoinSet, coop::consume_budget},
    time::{sleep, timeout},
};
use tracing::Instrument;

/// A hub that is delivering: one task for each channel, one for groups and
/// escalations, and one for the store.
///
/// A channel is given one notification at a time, in the order in which they were made, and treated as its
/// [`ChannelOptions`](crate::ChannelOptions) say; while it is slow or down, no other waits for it.
///
/// Dropped without [`stop`](Running::stop), the tasks end at once; what waits stays until the next
/// [`Alerts::start`](crate::Alerts::start), and what was under way is delivered again, under the same id.
#[derive(Debug)]
#[must_use = "delivery ends when this is dropped; keep it, and call `stop`"]
pub struct Running {
    run: Arc<Run>,
    tasks: JoinSet<()>,
    driver: JoinSet<()>,
}

/// Why delivery did not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no runtime to spawn tasks on.
    #[error("alerts are delivered inside a Tokio runtime; there is none on this thread")]
    NoRuntime,
    /// The runtime cannot wait.
    #[error(
        "alerts are delivered inside a Tokio runtime with a timer; build it with `enable_time`"
    )]
    NoTimer,
    /// The hub is delivering already, or the tasks of a [`Running`] that was dropped are just ending.
    #[error("these alerts are being delivered already; stop that first")]
    AlreadyRunning,
}

impl StartError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoRuntime => "notify.no_runtime",
            Self::NoTimer => "notify.no_timer",
            Self::AlreadyRunning => "notify.already_running",
        }
    }
}

/// How long [`Running::stop`] goes on delivering.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How long tasks may take to notice that they were cut off. One that does not blocks its thread.
const CUT_OFF_TIME: Duration = Duration::from_secs(1);

/// How long the driver sleeps at most: the machine's clock may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_mins(1);
/// How long it takes until a store that failed is written to again.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How long a channel is left alone at most because the other side asked for it.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// What the tasks of one start share. The hub may be started again when the last of them is gone.
#[derive(Debug)]
struct Run {
    hub: Arc<Hub>,
    is_stopping: AtomicBool,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.hub.is_running.store(false, Ordering::SeqCst);
    }
}

impl Running {
    pub(crate) fn start(hub: &Arc<Hub>) -> Result<Self, StartError> {
        let runtime = Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        // There is no way to ask for a timer but to use it.
        catch_unwind(|| drop(sleep(Duration::ZERO))).map_err(|_| StartError::NoTimer)?;
        if hub.is_running.swap(true, Ordering::SeqCst) {
            return Err(StartError::AlreadyRunning);
        }
        let run = Arc::new(Run { hub: Arc::clone(hub), is_stopping: AtomicBool::new(false) });
        let mut tasks = JoinSet::new();
        for index in 0..hub.lanes.len() {
            tasks.spawn_on(serve(Arc::clone(&run), index), &runtime);
        }
        let mut driver = JoinSet::new();
        driver.spawn_on(drive(Arc::clone(&run)), &runtime);
        driver.spawn_on(keep(Arc::clone(&run)), &runtime);
        Ok(Self { run, tasks, driver })
    }

    /// Delivers what waits, for five seconds at most, then ends. See [`Running::stop_within`].
    pub async fn stop(self) -> Undelivered {
        self.stop_within(STOP_GRACE).await
    }

    /// Delivers what waits and what gathers in groups, for `grace` at most, then ends. Gives what did not
    /// arrive. An alert sent afterwards waits for the next start.
    ///
    /// Where the future is dropped before its end, the tasks end at once and what waits stays.
    pub async fn stop_within(mut self, grace: Duration) -> Undelivered {
        let Self { run, tasks, driver } = &mut self;
        // Waited for, so that the hub can be started again at once.
        let _ = timeout(CUT_OFF_TIME, driver.shutdown()).await;
        let hub = &run.hub;
        // What another process left over is read at the latest here; where that fails it is told below.
        let _ = timeout(grace, hub.save()).await;
        hub.flush();
        run.is_stopping.store(true, Ordering::SeqCst);
        for lane in &hub.lanes {
            lane.wake.notify_one();
        }
        let drained = timeout(grace, async { while tasks.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            // A task that blocks its thread cannot be waited for; what it does later is passed over.
            let _ = timeout(CUT_OFF_TIME, tasks.shutdown()).await;
        }
        hub.undelivered().await
    }
}

/// Makes groups and escalations when they are due.
async fn drive(run: Arc<Run>) {
    let hub = &run.hub;
    loop {
        let due = hub.poll();
        let now = hub.now();
        let pause = due.map_or(SLEEP_MAX, |due| due.since(now).min(SLEEP_MAX));
        // Woken or not, it looks again.
        let _ = timeout(pause, hub.wake.notified()).await;
    }
}

/// Tells the store what changed. A task of its own: groups and escalations wait for no store.
async fn keep(run: Arc<Run>) {
    let hub = &run.hub;
    loop {
        match hub.save().await {
            Ok(()) => hub.saving.wake.notified().await,
            // Not woken: what comes meanwhile is no reason to ask again.
            Err(_) => sleep(STORE_PAUSE).await,
        }
    }
}

/// Serves one channel until the run stops.
async fn serve(run: Arc<Run>, index: usize) {
    let hub = &run.hub;
    let Some(lane) = hub.lanes.get(index) else {
        return;
    };
    loop {
        // Read before the queue: what was sent before the stop is then seen below.
        let is_last_round = run.is_stopping.load(Ordering::SeqCst);
        match hub.next(index) {
            Next::Deliver(delivery) => {
                let span = telemetry::delivery_span(&delivery);
                let result = attempt(lane, &delivery).instrument(span.clone()).await;
                telemetry::record_attempt(&span, &result);
                drop(span);
                telemetry::count_attempt(delivery.notification().channel(), &result);
                hub.finish(index, delivery.id(), result);
                // A channel that is always ready must not keep the thread, nor outrun a cut-off.
                consume_budget().await;
            }
            Next::At(due) => {
                let pause = due.since(hub.now()).min(SLEEP_MAX);
                let _ = timeout(pause, lane.wake.notified()).await;
            }
            Next::Nothing if is_last_round => return,
            Next::Nothing => lane.wake.notified().await,
        }
    }
}

/// Attempts once.
async fn attempt(lane: &LaneEnd, delivery: &Delivery) -> Result<(), Failure> {
    let limit = lane.options.timeout;
    let call = panics::catch_async(timeout(limit, lane.channel.deliver(delivery)));
    let error = match call.await {
        Ok(Ok(Ok(()))) => return Ok(()),
        Ok(Ok(Err(error))) => error,
        Ok(Err(_)) => {
            let error = format!("no answer within {limit:?}");
            return Err(Failure::Passing { error, retry_after: None });
        }
        Err(message) => return Err(Failure::Final(DeadReason::Panicked { message })),
    };
    // The words are the channel's own code too.
    let text = match panics::catch(|| error.causes()) {
        Ok(text) => text,
        Err(message) => return Err(Failure::Final(DeadReason::Panicked { message })),
    };
    Err(if error.is_retryable() {
        let retry_after = error.retry_after().map(|span| span.min(RETRY_AFTER_MAX));
        Failure::Passing { error: text, retry_after }
    } else {
        Failure::Final(DeadReason::Refused { error: text })
    })
}
