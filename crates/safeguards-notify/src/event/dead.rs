//! [`DeadEvent`]: an event that could not be delivered, and why.

use std::{collections::VecDeque, time::Duration};

use safeguards_types::{AgentId, Timestamp};

use super::{EventId, NewEvent, PublishError};
use crate::Topic;

/// An event that could not be delivered, and why. It was never published, so it has no number.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeadEvent {
    /// The event. Once its cause is mended it can be published again.
    pub event: NewEvent,
    /// Why it could not be delivered.
    pub reason: DeadEventReason,
    /// When.
    pub at: Timestamp,
}

impl DeadEvent {
    /// A dead letter. For buses.
    pub const fn new(event: NewEvent, reason: DeadEventReason, at: Timestamp) -> Self {
        Self { event, reason, at }
    }
}

/// Why an event could not be delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeadEventReason {
    /// Events that cause each other went on for too long.
    #[error("it has {hops} causes before it; there may be {hops_max}")]
    TooManyHops {
        /// How many events stand before it.
        hops: u32,
        /// How many may.
        hops_max: u32,
    },
    /// Nobody reads the messages to this agent under this topic.
    #[error("agent `{agent}` has no inbox that takes it")]
    NoInbox {
        /// The agent that it was for.
        agent: AgentId,
    },
    /// It was a request that nobody would have seen.
    #[error("it is a request, and nobody listens to its topic")]
    NobodyListens,
    /// It was a reply after the deadline.
    #[error("it is a reply that came {late_by:?} after its deadline")]
    ReplyTooLate {
        /// What it answers.
        request: EventId,
        /// By how much it was late.
        late_by: Duration,
    },
    /// It was a reply that nobody waited for.
    #[error("it is a reply that nobody waits for")]
    NobodyWaits {
        /// What it answers.
        request: EventId,
    },
}

impl DeadEventReason {
    /// The stable code: that of the error which the publisher was given.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooManyHops { .. } => "notify.too_many_hops",
            Self::NoInbox { .. } => "notify.no_inbox",
            Self::NobodyListens => "notify.nobody_listens",
            Self::ReplyTooLate { .. } => "notify.reply_too_late",
            Self::NobodyWaits { .. } => "notify.nobody_waits",
        }
    }

    /// What the publisher of such an event under `topic` is told.
    pub(super) fn told(&self, topic: Topic) -> PublishError {
        match self {
            Self::TooManyHops { hops, hops_max } => {
                PublishError::TooManyHops { topic, hops: *hops, hops_max: *hops_max }
            }
            Self::NoInbox { agent } => PublishError::NoInbox { agent: agent.clone(), topic },
            Self::NobodyListens => PublishError::NobodyListens { topic },
            Self::ReplyTooLate { request, late_by } => {
                PublishError::ReplyTooLate { request: *request, late_by: *late_by }
            }
            Self::NobodyWaits { request } => PublishError::NobodyWaits { request: *request },
        }
    }
}

/// The events that could not be delivered, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeadEvents {
    /// The dead letters that are kept.
    pub letters: VecDeque<DeadEvent>,
    /// How many older ones are no longer kept.
    pub dropped: u64,
}

impl DeadEvents {
    /// Whether every event could be delivered.
    pub fn is_empty(&self) -> bool {
        self.letters.is_empty() && self.dropped == 0
    }

    /// Adds one, and drops the oldest beyond `max`. For buses.
    pub fn push(&mut self, letter: DeadEvent, max: usize) {
        self.letters.push_back(letter);
        while self.letters.len() > max {
            self.letters.pop_front();
            self.dropped = self.dropped.saturating_add(1);
        }
    }
}
