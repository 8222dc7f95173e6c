//! [`Running`]: the tasks that serve a hub's channels, and the way to stop them.

use std::{
    panic::catch_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    task::{JoinSet, coop::consume_budget},
    time::{sleep, timeout},
};

use crate::{
    Channel, DeadLetters, DeadReason, Delivery, DeliveryError,
    hub::{Hub, Lane},
    panics,
};

/// A hub that is delivering: one task for each channel.
///
/// A channel is given one alert at a time, in the order in which they were sent. An attempt that fails in
/// a way that may pass, or takes longer than ten seconds, is followed by another 200 ms later, three in
/// all; then the alert becomes a dead letter. Meanwhile the others of that channel wait, and no other does.
///
/// Dropped without [`stop`](Running::stop), the tasks end at once; what waits stays in the queues until the
/// next [`Alerts::start`](crate::Alerts::start), and what was under way is delivered again, under the same
/// id.
#[derive(Debug)]
#[must_use = "delivery ends when this is dropped; keep it, and call `stop`"]
pub struct Running {
    run: Arc<Run>,
    tasks: JoinSet<()>,
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

/// How often a delivery is tried.
const ATTEMPTS_MAX: u32 = 3;
/// How long one attempt may take.
const ATTEMPT_TIME: Duration = Duration::from_secs(10);
/// How long to wait between two attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// How long [`Running::stop`] goes on delivering.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How long tasks may take to notice that they were cut off. One that does not blocks its thread.
const CUT_OFF_TIME: Duration = Duration::from_secs(1);

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
        Ok(Self { run, tasks })
    }

    /// Delivers what waits, for five seconds at most, then ends. See [`Running::stop_within`].
    pub async fn stop(self) -> DeadLetters {
        self.stop_within(STOP_GRACE).await
    }

    /// Delivers what waits, for `grace` at most, then ends.
    ///
    /// What is still undelivered then becomes dead letters. Gives all the dead letters of the hub: every
    /// alert that is known not to have arrived. An alert sent afterwards waits for the next start.
    ///
    /// Where the future is dropped before its end, the tasks end at once and what waits stays in the
    /// queues.
    pub async fn stop_within(mut self, grace: Duration) -> DeadLetters {
        let Self { run, tasks } = &mut self;
        run.is_stopping.store(true, Ordering::SeqCst);
        for lane in &run.hub.lanes {
            lane.wake.notify_one();
        }
        let drained = timeout(grace, async { while tasks.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            // A task that blocks its thread cannot be waited for; what it does later is passed over.
            let _ = timeout(CUT_OFF_TIME, tasks.shutdown()).await;
        }
        let mut outbox = run.hub.outbox.lock();
        outbox.stop(run.hub.now());
        outbox.dead_letters()
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
        while let Some(delivery) = next_delivery(hub, index) {
            let id = delivery.id();
            let result = deliver(lane, delivery).await;
            hub.outbox.lock().finish(index, id, result, hub.now());
            // A channel that is always ready must not keep the thread, nor outrun a cut-off.
            consume_budget().await;
        }
        if is_last_round {
            return;
        }
        lane.wake.notified().await;
    }
}

fn next_delivery(hub: &Hub, index: usize) -> Option<Delivery> {
    hub.outbox.lock().next_delivery(index)
}

/// Tries until the alert has arrived, or is to be given up on.
async fn deliver(lane: &Lane, mut delivery: Delivery) -> Result<(), DeadReason> {
    loop {
        let error = match panics::catch_async(attempt(&*lane.channel, &delivery)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(message) => return Err(DeadReason::Panicked { message }),
        };
        let (attempts, text) = (delivery.attempt(), error.causes());
        if !error.is_retryable() {
            return Err(DeadReason::Refused { error: text });
        }
        if attempts >= ATTEMPTS_MAX {
            let error = text;
            return Err(DeadReason::Failed { attempts, error });
        }
        sleep(RETRY_PAUSE).await;
        let attempt = delivery.attempt().saturating_add(1);
        delivery = delivery.at_attempt(attempt);
    }
}

async fn attempt(channel: &dyn Channel, delivery: &Delivery) -> Result<(), DeliveryError> {
    let no_answer = |_| {
        let seconds = ATTEMPT_TIME.as_secs();
        let cause = format!("no answer within {seconds} s");
        Err(DeliveryError::retryable(cause))
    };
    timeout(ATTEMPT_TIME, channel.deliver(delivery)).await.unwrap_or_else(no_answer)
}
