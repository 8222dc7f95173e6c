//! [`DeadLetter`]: an alert that did not reach a channel, and why.

use std::{collections::VecDeque, fmt, sync::Arc};

use safeguards_types::Timestamp;

use crate::Alert;

/// An alert that did not reach a channel, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The alert.
    pub alert: Arc<Alert>,
    /// The name of the channel that it did not reach.
    pub channel: Arc<str>,
    /// Why it was given up on.
    pub reason: DeadReason,
    /// When it was given up on.
    pub at: Timestamp,
}

impl fmt::Display for DeadLetter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { alert, channel, reason, at: _ } = self;
        write!(out, "{alert} (did not reach {channel}: {reason})")
    }
}

/// Why an alert was given up on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeadReason {
    /// The channel's queue was full when the alert was sent.
    QueueFull {
        /// How many alerts the queue holds.
        queue_max: usize,
    },
    /// The channel said that it can never deliver it.
    Refused {
        /// What the channel said.
        error: String,
    },
    /// The channel failed at each attempt.
    Failed {
        /// How many attempts there were.
        attempts: u32,
        /// What the channel said at the last one.
        error: String,
    },
    /// The channel panicked.
    Panicked {
        /// The text of the panic.
        message: String,
    },
    /// Delivery was stopped before the alert's turn was over. Where it was being delivered, it may have
    /// arrived.
    Stopped,
}

impl DeadReason {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::QueueFull { .. } => "notify.queue_full",
            Self::Refused { .. } => "notify.delivery_refused",
            Self::Failed { .. } => "notify.delivery_failed",
            Self::Panicked { .. } => "notify.channel_panicked",
            Self::Stopped => "notify.stopped",
        }
    }
}

impl fmt::Display for DeadReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull { queue_max } => write!(out, "its queue of {queue_max} was full"),
            Self::Refused { error } => write!(out, "refused: {error}"),
            Self::Failed { attempts, error } => {
                write!(out, "failed at each of {attempts} attempts: {error}")
            }
            Self::Panicked { message } => write!(out, "the channel panicked: {message}"),
            Self::Stopped => out.write_str("delivery was stopped before"),
        }
    }
}

/// The alerts that were given up on, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetters {
    /// The dead letters that are kept.
    pub letters: VecDeque<DeadLetter>,
    /// How many older ones are no longer kept.
    pub dropped: u64,
}

impl DeadLetters {
    /// Whether every alert that was tried arrived.
    pub fn is_empty(&self) -> bool {
        self.letters.is_empty() && self.dropped == 0
    }

    /// Adds one, and drops the oldest beyond `max`.
    pub(crate) fn push(&mut self, letter: DeadLetter, max: usize) {
        self.letters.push_back(letter);
        while self.letters.len() > max {
            self.letters.pop_front();
            self.dropped = self.dropped.saturating_add(1);
        }
    }
}
