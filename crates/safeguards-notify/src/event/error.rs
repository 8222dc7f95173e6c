//! [`PublishError`], [`SubscribeError`], [`AskError`]: why a bus did not do what it was asked to.

use std::{error, fmt, time::Duration};

use safeguards_types::AgentId;

use super::EventId;
use crate::Topic;

/// Why an event was not published. Nobody saw it, and it has no number.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The body has too many bytes.
    #[error("the body of an event under `{topic}` is larger than {bytes_max} bytes of JSON")]
    BodyTooLarge {
        /// The topic.
        topic: Topic,
        /// How many it may have.
        bytes_max: usize,
    },
    /// The body has too many lists and objects one inside the other.
    #[error("the body of an event under `{topic}` nests deeper than {depth_max} levels")]
    BodyTooDeep {
        /// The topic.
        topic: Topic,
        /// How many there may be.
        depth_max: usize,
    },
    /// An agent is named as none can be.
    #[error("`{}` is no name of an agent: 1 to 256 bytes without control characters", brief(agent))]
    InvalidAgent {
        /// The name.
        agent: AgentId,
    },
    /// What is answered asked for nothing.
    #[error("event {event} asks for no reply")]
    NotARequest {
        /// What is answered.
        event: EventId,
    },
    /// Events that cause each other went on for too long. The event is a dead letter.
    #[error("an event under `{topic}` has {hops} causes before it; there may be {hops_max}")]
    TooManyHops {
        /// The topic.
        topic: Topic,
        /// How many events stand before it.
        hops: u32,
        /// How many may.
        hops_max: u32,
    },
    /// Nobody reads the messages to this agent under this topic. The event is a dead letter.
    #[error("agent `{agent}` has no inbox that takes `{topic}`")]
    NoInbox {
        /// The agent that it was for.
        agent: AgentId,
        /// The topic.
        topic: Topic,
    },
    /// Nobody would have seen a request. It is a dead letter.
    #[error("nobody listens to `{topic}`, so nobody can answer")]
    NobodyListens {
        /// The topic.
        topic: Topic,
    },
    /// Too many wait for replies already.
    #[error("there are {asks_max} requests without a reply yet, as many as there may be")]
    TooManyAsks {
        /// How many there may be.
        asks_max: usize,
    },
    /// A subscriber that slows publishers down had no room, for all the time that a publisher waits.
    #[error(
        "nothing was published under `{topic}`: the queue of {queue_max} of {subscriber} was full{}",
        after(*waited)
    )]
    SubscriberFull {
        /// The topic.
        topic: Topic,
        /// Whose queue it is.
        subscriber: String,
        /// How many events the queue holds.
        queue_max: usize,
        /// How long the publisher waited; zero for one that does not wait.
        waited: Duration,
    },
    /// A subscriber has no room, and there is no runtime to wait in.
    #[error("publishers wait for {subscriber} inside a Tokio runtime with a timer; there is none")]
    NoTimer {
        /// Whose queue is full.
        subscriber: String,
    },
    /// The reply came after its deadline. It is a dead letter.
    #[error("the reply to event {request} came {late_by:?} after its deadline")]
    ReplyTooLate {
        /// What it answers.
        request: EventId,
        /// By how much it was late.
        late_by: Duration,
    },
    /// Nobody waits for the reply: another one came first, or who asked is gone. It is a dead letter.
    #[error("nobody waits for a reply to event {request}: it was answered, or who asked is gone")]
    NobodyWaits {
        /// What it answers.
        request: EventId,
    },
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] EventBusError),
}

/// The beginning of a name, on one line.
fn brief(agent: &AgentId) -> String {
    let brief: String = agent.as_str().chars().take(64).collect();
    brief.escape_debug().to_string()
}

fn after(waited: Duration) -> String {
    if waited.is_zero() { String::new() } else { format!(" for {waited:?}") }
}

impl PublishError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BodyTooLarge { .. } => "notify.body_too_large",
            Self::BodyTooDeep { .. } => "notify.body_too_deep",
            Self::InvalidAgent { .. } => "notify.invalid_agent",
            Self::NotARequest { .. } => "notify.not_a_request",
            Self::TooManyHops { .. } => "notify.too_many_hops",
            Self::NoInbox { .. } => "notify.no_inbox",
            Self::NobodyListens { .. } => "notify.nobody_listens",
            Self::TooManyAsks { .. } => "notify.too_many_asks",
            Self::SubscriberFull { .. } => "notify.subscriber_full",
            Self::NoTimer { .. } => "notify.no_timer",
            Self::ReplyTooLate { .. } => "notify.reply_too_late",
            Self::NobodyWaits { .. } => "notify.nobody_waits",
            Self::Bus(error) => error.code(),
        }
    }

    /// Whether publishing the same again may help.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::NoInbox { .. }
            | Self::NobodyListens { .. }
            | Self::TooManyAsks { .. }
            | Self::SubscriberFull { .. } => true,
            Self::BodyTooLarge { .. }
            | Self::BodyTooDeep { .. }
            | Self::InvalidAgent { .. }
            | Self::NotARequest { .. }
            | Self::TooManyHops { .. }
            | Self::NoTimer { .. }
            | Self::ReplyTooLate { .. }
            | Self::NobodyWaits { .. } => false,
            Self::Bus(error) => error.is_retryable(),
        }
    }
}

/// Why there is no such subscription.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// A queue holds nothing, or more than one may.
    #[error("a queue of {queue_max} events is none; a queue holds 1 to {most}")]
    InvalidQueueMax {
        /// What was asked for.
        queue_max: usize,
        /// The most that there may be.
        most: usize,
    },
    /// An agent is named as none can be.
    #[error("`{}` is no name of an agent: 1 to 256 bytes without control characters", brief(agent))]
    InvalidAgent {
        /// The name.
        agent: AgentId,
    },
    /// A subscription is named as none can be.
    #[error("{name:?} is no name of a subscription: 1 to 256 bytes without control characters")]
    InvalidName {
        /// The beginning of the name.
        name: String,
    },
    /// The cursor points behind what was published: it comes from another bus, or from before a restart.
    #[error("the cursor stands at event {seq}, and the next of this bus is {next}")]
    CursorAhead {
        /// Where the cursor stands.
        seq: u64,
        /// The number that the next event will have.
        next: u64,
    },
    /// There are as many subscriptions as there may be.
    #[error("there are {subscribers_max} subscriptions, as many as there may be")]
    TooManySubscribers {
        /// How many there may be.
        subscribers_max: usize,
    },
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] EventBusError),
}

impl SubscribeError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidQueueMax { .. } => "notify.invalid_queue_max",
            Self::InvalidAgent { .. } => "notify.invalid_agent",
            Self::InvalidName { .. } => "notify.invalid_subscription_name",
            Self::CursorAhead { .. } => "notify.cursor_ahead",
            Self::TooManySubscribers { .. } => "notify.too_many_subscribers",
            Self::Bus(error) => error.code(),
        }
    }
}

/// Why a request has no reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The request was not published.
    #[error(transparent)]
    NotPublished(#[from] PublishError),
    /// It was published, and nobody answered in time.
    #[error("nobody answered request {request} under `{topic}` within {within:?}")]
    NoReply {
        /// The request.
        request: EventId,
        /// Its topic.
        topic: Topic,
        /// How long a reply was waited for.
        within: Duration,
    },
    /// Nobody can be waited for so long.
    #[error("a reply is waited for longer than nothing and at most {most:?}; not {within:?}")]
    InvalidDeadline {
        /// What was asked for.
        within: Duration,
        /// The longest that there may be.
        most: Duration,
    },
    /// A deadline needs a timer.
    #[error("replies are waited for inside a Tokio runtime with a timer; there is none")]
    NoTimer,
}

impl AskError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotPublished(error) => error.code(),
            Self::NoReply { .. } => "notify.no_reply",
            Self::InvalidDeadline { .. } => "notify.invalid_deadline",
            Self::NoTimer => "notify.no_timer",
        }
    }
}

/// What is known where a bus failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventBusErrorKind {
    /// Nothing happened; trying again may help.
    NotDone,
    /// It may have happened: trying again may publish twice.
    OutcomeUnknown,
}

/// A bus failed: one that lives elsewhere cannot be reached, say. [`MemoryEventBus`](super::MemoryEventBus)
/// never does.
#[derive(Debug)]
pub struct EventBusError {
    kind: EventBusErrorKind,
    source: Box<dyn error::Error + Send + Sync>,
}

impl EventBusError {
    /// Nothing happened, because of `source`.
    pub fn not_done(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { kind: EventBusErrorKind::NotDone, source: source.into() }
    }

    /// It may have happened; `source` hid the outcome.
    pub fn outcome_unknown(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { kind: EventBusErrorKind::OutcomeUnknown, source: source.into() }
    }

    /// What is known.
    pub const fn kind(&self) -> EventBusErrorKind {
        self.kind
    }

    /// Whether trying again is safe, and may help.
    pub const fn is_retryable(&self) -> bool {
        match self.kind {
            EventBusErrorKind::NotDone => true,
            EventBusErrorKind::OutcomeUnknown => false,
        }
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self.kind {
            EventBusErrorKind::NotDone => "notify.bus_failed",
            EventBusErrorKind::OutcomeUnknown => "notify.bus_outcome_unknown",
        }
    }
}

impl fmt::Display for EventBusError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.kind {
            EventBusErrorKind::NotDone => "the event bus failed, and nothing happened",
            EventBusErrorKind::OutcomeUnknown => {
                "the event bus failed; whether it did what it was asked to is not known"
            }
        })
    }
}

impl error::Error for EventBusError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}
