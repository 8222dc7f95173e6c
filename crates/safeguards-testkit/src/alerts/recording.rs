//! [`RecordingChannel`]: a channel that keeps what it is given.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_notify::{Channel, Delivery, DeliveryError, Notification};
use tokio::{sync::Notify, time::timeout};

/// How long [`RecordingChannel::wait_for`] waits at most, by the runtime's time.
const WAIT_MAX: Duration = Duration::from_hours(24);

/// A channel that keeps what it is given, and fails never. Clones share everything, so a test keeps one and
/// hands one away. See [`FaultyChannel`](crate::FaultyChannel) for one that fails.
///
/// ```
/// use safeguards_notify::{Alert, Alerts, topic};
/// use safeguards_testkit::{PausedClock, RecordingChannel};
/// use safeguards_types::Severity;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let seen = RecordingChannel::new();
/// let alerts =
///     Alerts::builder().channel("ops", seen.clone()).clock(PausedClock::new()).build()?;
/// let running = alerts.start()?;
/// for number in 1..=3 {
///     alerts.send(Alert::new(Severity::High, topic!("budget.denied"), format!("no money: {number}")));
/// }
/// // The first comes at once; the others come together a minute later, which passes in a blink.
/// seen.wait_for(2).await;
/// assert_eq!(
///     seen.texts(),
///     [
///         "high  budget.denied: no money: 1",
///         "high  budget.denied: 2 alerts, the latest: no money: 3",
///     ]
/// );
/// assert!(running.stop().await.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct RecordingChannel(Arc<Recorded>);

#[derive(Debug, Default)]
struct Recorded {
    deliveries: Mutex<Vec<Delivery>>,
    came: Notify,
}

impl RecordingChannel {
    /// A channel that was given nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What came, in order.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.0.deliveries.lock().clone()
    }

    /// What came, without the attempts.
    pub fn notifications(&self) -> Vec<Arc<Notification>> {
        self.0
            .deliveries
            .lock()
            .iter()
            .map(|delivery| Arc::clone(delivery.notification()))
            .collect()
    }

    /// What came, as lines of text.
    pub fn texts(&self) -> Vec<String> {
        self.notifications().iter().map(ToString::to_string).collect()
    }

    /// What came since this was asked the last time.
    pub fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut *self.0.deliveries.lock())
    }

    /// Waits until this many came that were not [taken](Self::take); gives all of them.
    ///
    /// # Panics
    ///
    /// Where they do not come within a day of the runtime's time, which is a blink where that is paused.
    pub async fn wait_for(&self, count: usize) -> Vec<Delivery> {
        let enough = async {
            loop {
                let came = self.0.came.notified();
                let deliveries = self.deliveries();
                if deliveries.len() >= count {
                    return deliveries;
                }
                came.await;
            }
        };
        let waited = timeout(WAIT_MAX, enough).await;
        #[expect(clippy::panic, reason = "it is asked by a test, which this ends")]
        waited.unwrap_or_else(|_| panic!("{count} were to come; these came: {:#?}", self.texts()))
    }
}

#[async_trait]
impl Channel for RecordingChannel {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        self.0.deliveries.lock().push(delivery.clone());
        self.0.came.notify_waiters();
        Ok(())
    }
}
