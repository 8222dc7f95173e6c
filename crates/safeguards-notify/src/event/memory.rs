//! [`MemoryEventBus`]: the bus inside one process.

use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll, time::Duration};

use async_trait::async_trait;
use safeguards_types::{Clock, SystemClock};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{Sleep, sleep},
};

use super::{
    AskError, DeadEvents, Event, EventBus, EventBusError, EventId, NewEvent, PublishError,
    Published, Subscribe, SubscribeError, Subscription,
};
use crate::{Alerts, panics};

mod core;
mod index;
mod log;
mod queue;

use self::{
    core::{Attempt, Checked, Core},
    queue::Queue,
};

/// The bus inside one process. Clones are the same bus.
///
/// Publishing is one step under one lock, and waits only where a subscriber slows publishers down. When the last
/// clone is gone, subscriptions end as soon as they have taken what waits.
///
/// ```
/// use std::time::Duration;
/// use safeguards_notify::{EventBus, EventBusExt, MemoryEventBus, NewEvent, topic};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = MemoryEventBus::builder().hops_max(4).build();
/// let mut inbox = bus.inbox("writer").await?;
/// let answering = tokio::spawn({
///     let bus = bus.clone();
///     async move {
///         while let Ok(Some(request)) = inbox.next().await {
///             bus.reply(&request, "it is done").await.expect("somebody waits");
///         }
///     }
/// });
/// let request = NewEvent::new(topic!("draft.write"), "ten lines").from("reader").to("writer");
/// let reply = bus.ask(request, Duration::from_secs(5)).await?;
/// assert_eq!(reply.body(), "it is done");
/// # answering.abort();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryEventBus {
    core: Arc<Core>,
}

/// Makes a [`MemoryEventBus`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct MemoryEventBusBuilder {
    clock: Arc<dyn Clock>,
    alerts: Option<Alerts>,
    bounds: Bounds,
}

/// How much there may be.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    log: usize,
    log_bytes: usize,
    dead_letters: usize,
    dead_letters_bytes: usize,
    subscribers: usize,
    asks: usize,
    hops: u32,
    wait: Duration,
}

/// How long a reply may be waited for.
const ASK_MOST: Duration = Duration::from_hours(24);
/// How many bytes of dead letters are kept.
const DEAD_LETTERS_BYTES: usize = 16 * 1024 * 1024;

impl MemoryEventBus {
    /// A bus with the bounds that the builder has if they are not set, on the machine's clock.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts from a bus on the machine's clock that raises no alerts.
    pub fn builder() -> MemoryEventBusBuilder {
        MemoryEventBusBuilder {
            clock: Arc::new(SystemClock::new()),
            alerts: None,
            bounds: Bounds {
                log: 65_536,
                log_bytes: 64 * 1024 * 1024,
                dead_letters: 1_024,
                dead_letters_bytes: DEAD_LETTERS_BYTES,
                subscribers: 65_536,
                asks: 65_536,
                hops: 16,
                wait: Duration::from_secs(30),
            },
        }
    }

    /// The same bus without futures, for those who hold it by this type: it never waits.
    pub const fn sync(&self) -> SyncEventBus<'_> {
        SyncEventBus { core: &self.core }
    }

    /// Waits for room, queue by queue, and publishes; gives up after `wait_max`.
    async fn publish_when_room(
        &self,
        mut checked: Checked,
        mut full: Arc<Queue>,
        wait_max: Duration,
    ) -> Result<Published, PublishError> {
        let Some(mut end) = timer(wait_max) else {
            return Err(PublishError::NoTimer { subscriber: full.wanted.label() });
        };
        loop {
            let queue = full;
            let Some(place) = queue.join_line() else {
                // Only a queue that publishers wait for is ever full.
                return Err(checked.no_room(&queue, Duration::ZERO));
            };
            let Some(_turn) = before(&mut end, place.turn()).await else {
                return Err(checked.no_room(&queue, wait_max));
            };
            full = loop {
                match self.core.attempt(checked, Some(&queue)) {
                    Attempt::Done(result) => return result,
                    Attempt::Full(other, back) if !Arc::ptr_eq(&other, &queue) => {
                        checked = back;
                        break other;
                    }
                    Attempt::Full(_, back) => checked = back,
                }
                if before(&mut end, place.room()).await.is_none() {
                    return Err(checked.no_room(&queue, wait_max));
                }
            };
        }
    }
}

/// A timer; `None` where there is no runtime, or one that cannot wait.
fn timer(span: Duration) -> Option<Pin<Box<Sleep>>> {
    Handle::try_current().ok()?;
    // There is no way to ask for a timer but to use it.
    panics::catch(|| Box::pin(sleep(span))).ok()
}

/// What `work` gives, if it is done before the timer.
async fn before<F: Future>(end: &mut Pin<Box<Sleep>>, work: F) -> Option<F::Output> {
    let mut work = std::pin::pin!(work);
    poll_fn(|context| {
        if let Poll::Ready(output) = work.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        end.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// Takes note of who asks, until it is dropped.
struct Asking<'a> {
    core: &'a Core,
    request: EventId,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.core.forget_ask(self.request);
    }
}

#[async_trait]
impl EventBus for MemoryEventBus {
    async fn publish(&self, event: NewEvent) -> Result<Published, PublishError> {
        match self.core.attempt(Checked::new(event)?, None) {
            Attempt::Done(result) => result,
            Attempt::Full(queue, checked) => {
                self.publish_when_room(checked, queue, self.core.bounds.wait).await
            }
        }
    }

    async fn subscribe(&self, subscribe: Subscribe) -> Result<Subscription, SubscribeError> {
        self.core.subscribe(subscribe)
    }

    async fn ask(&self, request: NewEvent, within: Duration) -> Result<Event, AskError> {
        if within.is_zero() || within > ASK_MOST {
            return Err(AskError::InvalidDeadline { within, most: ASK_MOST });
        }
        let mut end = timer(within).ok_or(AskError::NoTimer)?;
        let topic = request.topic().clone();
        let (reply, mut replied) = oneshot::channel();
        let checked = Checked::request(request, within, reply)?;
        let published = match self.core.attempt(checked, None) {
            Attempt::Done(result) => result?,
            Attempt::Full(queue, checked) => {
                let wait_max = within.min(self.core.bounds.wait);
                self.publish_when_room(checked, queue, wait_max).await?
            }
        };
        let asking = Asking { core: &self.core, request: published.id };
        let reply = match before(&mut end, &mut replied).await {
            Some(reply) => reply.ok(),
            None if self.core.forget_ask(published.id) => None,
            // It came in time, and is being handed over.
            None => replied.await.ok(),
        };
        drop(asking);
        reply.ok_or(AskError::NoReply { request: published.id, topic, within })
    }

    async fn dead_letters(&self) -> Result<DeadEvents, EventBusError> {
        Ok(self.core.dead_letters())
    }
}

impl Default for MemoryEventBus {
    fn default() -> Self {
        Self::new()
    }
}

/// A [`MemoryEventBus`] without futures. It never waits.
///
/// ```
/// use safeguards_notify::{MemoryEventBus, NewEvent, Subscribe, WhenFull, topic};
///
/// let bus = MemoryEventBus::new();
/// let one = Subscribe::all().queue_max(1).when_full(WhenFull::Wait).named("index");
/// let index = bus.sync().subscribe(one)?;
/// let published = bus.sync().publish(NewEvent::new(topic!("data.found"), 1))?;
/// assert_eq!((published.seq, published.subscribers), (1, 1));
/// let error = bus.sync().publish(NewEvent::new(topic!("data.found"), 2)).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "nothing was published under `data.found`: the queue of 1 of subscription `index` was full"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SyncEventBus<'a> {
    core: &'a Arc<Core>,
}

impl SyncEventBus<'_> {
    /// Publishes an event, unless a subscriber that slows publishers down has no room.
    ///
    /// # Errors
    ///
    /// As [`EventBus::publish`], at once.
    pub fn publish(self, event: NewEvent) -> Result<Published, PublishError> {
        match self.core.attempt(Checked::new(event)?, None) {
            Attempt::Done(result) => result,
            Attempt::Full(queue, checked) => Err(checked.no_room(&queue, Duration::ZERO)),
        }
    }

    /// Begins a subscription.
    ///
    /// # Errors
    ///
    /// As [`EventBus::subscribe`].
    pub fn subscribe(self, subscribe: Subscribe) -> Result<Subscription, SubscribeError> {
        self.core.subscribe(subscribe)
    }

    /// The events that could not be delivered, oldest first.
    pub fn dead_letters(self) -> DeadEvents {
        self.core.dead_letters()
    }
}

impl MemoryEventBusBuilder {
    /// Takes the time of events, and of deadlines, from `clock`. Waiting goes by the runtime's own time.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Sends an alert to `alerts` where events caused each other for too long, under `event.too_many_hops`.
    pub fn alerts(self, alerts: Alerts) -> Self {
        Self { alerts: Some(alerts), ..self }
    }

    /// How many of the latest events can be replayed, 65,536 if not set.
    pub fn log_max(mut self, log_max: usize) -> Self {
        self.bounds.log = log_max;
        self
    }

    /// How many bytes the bodies in the log have together, as JSON, 64 MiB if not set. In memory they take several
    /// times as much.
    pub fn log_bytes_max(mut self, log_bytes_max: usize) -> Self {
        self.bounds.log_bytes = log_bytes_max;
        self
    }

    /// How many of the latest dead letters are kept, 1,024 if not set, and never more than 16 MiB of bodies. Those
    /// dropped are counted.
    pub fn dead_letters_max(mut self, dead_letters_max: usize) -> Self {
        self.bounds.dead_letters = dead_letters_max;
        self
    }

    /// How many subscriptions there may be, 65,536 if not set.
    pub fn subscribers_max(mut self, subscribers_max: usize) -> Self {
        self.bounds.subscribers = subscribers_max;
        self
    }

    /// How many requests may wait for a reply, 65,536 if not set.
    pub fn asks_max(mut self, asks_max: usize) -> Self {
        self.bounds.asks = asks_max;
        self
    }

    /// How many events may stand before one in its chain of causes, 16 if not set.
    pub fn hops_max(mut self, hops_max: u32) -> Self {
        self.bounds.hops = hops_max;
        self
    }

    /// How long a publisher waits for subscribers that slow it down, 30 seconds if not set.
    pub fn wait_max(mut self, wait_max: Duration) -> Self {
        self.bounds.wait = wait_max;
        self
    }

    /// Makes the bus.
    pub fn build(self) -> MemoryEventBus {
        let Self { clock, alerts, bounds } = self;
        MemoryEventBus { core: Arc::new(Core::new(bounds, clock, alerts)) }
    }
}
