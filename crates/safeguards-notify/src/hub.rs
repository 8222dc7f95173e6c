//! [`Alerts`]: the hub that takes alerts in and brings them to handlers and channels.

use std::sync::{Arc, atomic::AtomicBool};

use parking_lot::Mutex;
use safeguards_types::{Clock, SystemClock, Timestamp};
use tokio::sync::Notify;

use crate::{
    Alert, AlertId, Channel, DeadLetters, Handler, HandlerFault, HandlerId, Running, StartError,
    TopicError, TopicFilter,
    handler::Handlers,
    outbox::{Bounds, Outbox},
};

/// Takes alerts in, shows them to handlers, and queues them for channels. Clones are the same hub.
///
/// ```
/// use safeguards_notify::{Alert, Alerts, topic};
/// use safeguards_types::Severity;
///
/// let alerts = Alerts::new(); // no channels: handlers and a history
/// let id = alerts.on("team.*", |alert: &Alert| alert.severity() >= Severity::High)?;
/// let sent = alerts.send(Alert::new(Severity::Low, topic!("team.note"), "ready").about("reader"));
/// assert!(!sent.handled);
/// assert_eq!(alerts.history()[0].id(), Some(sent.id));
/// assert!(alerts.off(id));
/// # Ok::<(), safeguards_notify::TopicError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Alerts {
    hub: Arc<Hub>,
}

/// What became of an alert when it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The alert's name from here on.
    pub id: AlertId,
    /// Whether a handler dealt with it.
    pub handled: bool,
}

/// What clones of a hub share.
#[derive(Debug)]
pub(crate) struct Hub {
    clock: Arc<dyn Clock>,
    handlers: Handlers,
    pub(crate) outbox: Mutex<Outbox>,
    pub(crate) lanes: Vec<Lane>,
    /// Whether somebody holds the [`Running`] of this hub.
    pub(crate) is_running: AtomicBool,
}

/// One channel; its queue has the same index in the outbox.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) channel: Arc<dyn Channel>,
    /// Tells the lane's task that there is something to do.
    pub(crate) wake: Notify,
}

impl Hub {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Alerts {
    /// A hub without channels, on the machine's clock.
    pub fn new() -> Self {
        AlertsBuilder::new().assemble()
    }

    /// Starts from a hub without channels, on the machine's clock.
    pub fn builder() -> AlertsBuilder {
        AlertsBuilder::new()
    }

    /// Sends an alert: keeps it in the history, queues it for each channel, and shows it to the handlers
    /// whose filter it matches. Waits for no channel.
    ///
    /// Handlers run here and now, on the caller's thread, in the order in which they were added; all of
    /// them, whatever each of them returns. Where a channel's queue is full, the alert becomes a dead
    /// letter of that channel alone. An alert that was sent before keeps its id and time.
    pub fn send(&self, alert: Alert) -> Sent {
        let (id, alert) = self.hub.outbox.lock().accept(alert, self.hub.now());
        for lane in &self.hub.lanes {
            lane.wake.notify_one();
        }
        let handled = self.hub.handlers.show(&alert);
        Sent { id, handled }
    }

    /// Adds a handler for the topics that `filter` matches, behind those added before.
    ///
    /// # Errors
    ///
    /// Where `filter` is a text that is no [`TopicFilter`].
    pub fn on<F>(&self, filter: F, handler: impl Handler) -> Result<HandlerId, TopicError>
    where
        F: TryInto<TopicFilter>,
        TopicError: From<F::Error>,
    {
        Ok(self.hub.handlers.add(filter.try_into()?, handler))
    }

    /// Removes a handler. Gives `false` where it is not, or no longer, there.
    ///
    /// An alert that another thread sends at this moment may still be shown to it.
    pub fn off(&self, handler: HandlerId) -> bool {
        self.hub.handlers.remove(handler)
    }

    /// What handlers did wrong: one report for each handler, of the 256 latest.
    pub fn handler_faults(&self) -> Vec<HandlerFault> {
        self.hub.handlers.faults()
    }

    /// The latest alerts sent, oldest first.
    pub fn history(&self) -> Vec<Arc<Alert>> {
        self.hub.outbox.lock().history()
    }

    /// What was given up on, oldest first.
    pub fn dead_letters(&self) -> DeadLetters {
        self.hub.outbox.lock().dead_letters()
    }

    /// Begins to deliver, what waits already included: spawns one task for each channel.
    ///
    /// Until then, and after [`Running::stop`], alerts wait in the queues.
    ///
    /// # Errors
    ///
    /// Outside a Tokio runtime, or inside one without a timer; and where the hub is delivering already.
    pub fn start(&self) -> Result<Running, StartError> {
        Running::start(&self.hub)
    }
}

impl Default for Alerts {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes an [`Alerts`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct AlertsBuilder {
    clock: Arc<dyn Clock>,
    channels: Vec<(Arc<str>, Arc<dyn Channel>)>,
    bounds: Bounds,
}

/// Why there is no such hub.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two channels have one name.
    #[error("two channels are named `{name}`; each has a name of its own")]
    ChannelNameTaken {
        /// The name.
        name: Arc<str>,
    },
    /// A channel's name is empty, too long, or has control characters.
    #[error("{name:?} is no name of a channel: 1 to 256 bytes without control characters")]
    InvalidChannelName {
        /// The name.
        name: Arc<str>,
    },
    /// Queues that hold nothing would deliver nothing.
    #[error("queues of 0 alerts deliver nothing; a queue holds 1 or more")]
    QueueWithoutRoom,
}

impl BuildError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ChannelNameTaken { .. } => "notify.channel_name_taken",
            Self::InvalidChannelName { .. } => "notify.invalid_channel_name",
            Self::QueueWithoutRoom => "notify.queue_without_room",
        }
    }
}

const NAME_BYTES_MAX: usize = 256;

impl AlertsBuilder {
    fn new() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            channels: Vec::new(),
            bounds: Bounds { queue: 1024, history: 1024, dead_letters: 1024 },
        }
    }

    /// Adds a channel. Its name is what dead letters call it.
    pub fn channel(mut self, name: impl Into<Arc<str>>, channel: impl Channel) -> Self {
        self.channels.push((name.into(), Arc::new(channel)));
        self
    }

    /// Takes the time of alerts and dead letters from `clock`. Waiting goes by the runtime's own time.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// How many alerts wait for one channel at most, 1,024 if not set. The next becomes a dead letter.
    pub fn queue_max(mut self, queue_max: usize) -> Self {
        self.bounds.queue = queue_max;
        self
    }

    /// How many of the latest alerts the history keeps, 1,024 if not set.
    pub fn history_max(mut self, history_max: usize) -> Self {
        self.bounds.history = history_max;
        self
    }

    /// How many of the latest dead letters are kept, 1,024 if not set. Those dropped are counted.
    pub fn dead_letters_max(mut self, dead_letters_max: usize) -> Self {
        self.bounds.dead_letters = dead_letters_max;
        self
    }

    /// Makes the hub.
    ///
    /// # Errors
    ///
    /// Where two channels have one name, a name is not 1 to 256 bytes without control characters, or
    /// queues have no room.
    pub fn build(self) -> Result<Alerts, BuildError> {
        if self.bounds.queue == 0 {
            return Err(BuildError::QueueWithoutRoom);
        }
        for (index, (name, _)) in self.channels.iter().enumerate() {
            if !(1..=NAME_BYTES_MAX).contains(&name.len()) || name.chars().any(char::is_control) {
                let name = Arc::clone(name);
                return Err(BuildError::InvalidChannelName { name });
            }
            if self.channels.iter().take(index).any(|(earlier, _)| earlier == name) {
                let name = Arc::clone(name);
                return Err(BuildError::ChannelNameTaken { name });
            }
        }
        Ok(self.assemble())
    }

    fn assemble(self) -> Alerts {
        let Self { clock, channels, bounds } = self;
        let names = channels.iter().map(|(name, _)| Arc::clone(name));
        let outbox = Mutex::new(Outbox::new(bounds, names));
        let lane = |(_, channel)| Lane { channel, wake: Notify::new() };
        let hub = Hub {
            clock,
            handlers: Handlers::default(),
            outbox,
            lanes: channels.into_iter().map(lane).collect(),
            is_running: AtomicBool::new(false),
        };
        Alerts { hub: Arc::new(hub) }
    }
}
