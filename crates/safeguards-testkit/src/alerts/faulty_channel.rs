//! [`FaultyChannel`]: a channel around a channel that fails when it is told to.

use std::{future::pending, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_notify::{Channel, Delivery, DeliveryError};
use tokio::time::{Instant, sleep};

use super::script::Script;

/// What goes wrong with one attempt. Spans are of the runtime's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelFault {
    /// It never arrives, and trying again may help.
    Down,
    /// The same, and the other side asks to be left alone for so long.
    Busy(Duration),
    /// It arrives and the answer is lost: trying again brings it twice.
    AnswerLost,
    /// The other side never takes it.
    Refused,
    /// There is no end to it.
    Hang,
    /// It arrives, after so long.
    Slow(Duration),
    /// The channel's code panics.
    Panic,
}

/// One attempt at a [`FaultyChannel`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// What was to be delivered, and which attempt at it this was.
    pub delivery: Delivery,
    /// When it began, from when the channel was made.
    pub after: Duration,
    /// What went wrong with it, if anything.
    pub fault: Option<ChannelFault>,
}

/// A channel around a channel whose attempts fail as told: by a script, else by a plan. What is not told to fail
/// works. Clones share everything, so a test keeps one and hands one away.
///
/// ```
/// use std::time::Duration;
/// use safeguards_notify::{Alert, Alerts, topic};
/// use safeguards_testkit::{ChannelFault, FaultyChannel, PausedClock, RecordingChannel};
/// use safeguards_types::Severity;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let seen = RecordingChannel::new();
/// let channel = FaultyChannel::new(seen.clone());
/// let alerts =
///     Alerts::builder().channel("ops", channel.clone()).clock(PausedClock::new()).build()?;
/// let running = alerts.start()?;
///
/// channel.script([Some(ChannelFault::Down), Some(ChannelFault::Busy(Duration::from_mins(5)))]);
/// alerts.send(Alert::new(Severity::High, topic!("team.note"), "ready"));
/// seen.wait_for(1).await;
/// let attempts = channel.attempts();
/// assert_eq!(attempts.len(), 3);
/// assert!(attempts[2].after >= Duration::from_mins(5));
/// # drop(running);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FaultyChannel {
    inner: Arc<dyn Channel>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    script: Script<Delivery, ChannelFault>,
    attempts: Mutex<Vec<Attempt>>,
    made: Instant,
}

impl FaultyChannel {
    /// Nothing fails until it is told to.
    pub fn new(inner: impl Channel) -> Self {
        let shared =
            Shared { script: Script::default(), attempts: Mutex::default(), made: Instant::now() };
        Self { inner: Arc::new(inner), shared: Arc::new(shared) }
    }

    /// What goes wrong with the next attempts, one after the other; `None` is nothing. They come after what was
    /// scripted before, and ahead of the plan.
    pub fn script(&self, faults: impl IntoIterator<Item = Option<ChannelFault>>) {
        self.shared.script.extend(faults);
    }

    /// From now on `plan` says before each attempt what goes wrong with it.
    pub fn plan(&self, plan: impl FnMut(&Delivery) -> Option<ChannelFault> + Send + 'static) {
        self.shared.script.plan(plan);
    }

    /// From now on this goes wrong with every attempt.
    pub fn fail_always(&self, fault: ChannelFault) {
        self.plan(move |_| Some(fault));
    }

    /// From now on nothing fails any more.
    pub fn mend(&self) {
        self.shared.script.mend();
    }

    /// The attempts, in order.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.shared.attempts.lock().clone()
    }
}

#[async_trait]
impl Channel for FaultyChannel {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let fault = self.shared.script.take(delivery);
        let after = self.shared.made.elapsed();
        self.shared.attempts.lock().push(Attempt { delivery: delivery.clone(), after, fault });
        match fault {
            None => {}
            Some(ChannelFault::Down) => return Err(DeliveryError::retryable("the line is down")),
            Some(ChannelFault::Busy(span)) => {
                return Err(DeliveryError::retryable("the line is busy").after(span));
            }
            Some(ChannelFault::AnswerLost) => {
                self.inner.deliver(delivery).await?;
                return Err(DeliveryError::retryable("the answer was lost"));
            }
            Some(ChannelFault::Refused) => return Err(DeliveryError::permanent("not wanted here")),
            Some(ChannelFault::Hang) => pending().await,
            Some(ChannelFault::Slow(span)) => sleep(span).await,
            #[expect(clippy::panic, reason = "it was told to")]
            Some(ChannelFault::Panic) => panic!("a channel that panics, on purpose"),
        }
        self.inner.deliver(delivery).await
    }
}
