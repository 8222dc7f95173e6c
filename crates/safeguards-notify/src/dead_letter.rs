//! [`DeadLetter`]: a notification that did not reach its channel, and why.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

use safeguards_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{DeliveryId, Notification};

/// A notification that did not reach its channel, and why. It can be
/// [sent again](crate::Alerts::resend).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The notification; it knows its channel.
    pub notification: Arc<Notification>,
    /// Why it was given up on.
    pub reason: DeadReason,
    /// When it was given up on.
    pub at: Timestamp,
}

impl DeadLetter {
    /// A notification that was given up on.
    pub const fn new(notification: Arc<Notification>, reason: DeadReason, at: Timestamp) -> Self {
        Self { notification, reason, at }
    }

    /// The name of the way on which it was lost.
    pub fn id(&self) -> DeliveryId {
        self.notification.id()
    }
}

impl fmt::Display for DeadLetter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { notification, reason, at: _ } = self;
        write!(out, "{notification} (did not reach {}: {reason})", notification.channel())
    }
}

/// Why a notification was given up on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeadReason {
    /// The channel's queue was full when the notification was made.
    QueueFull {
        /// How many notifications the queue holds.
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
    /// The channel panicked. It is not attempted again: code that panics does so again.
    Panicked {
        /// The text of the panic.
        message: String,
    },
    /// It waited too long.
    Expired {
        /// How many attempts there were; 0 where the channel's turn never came.
        attempts: u32,
        /// How long a notification may wait for this channel.
        expires_after: Duration,
        /// What the channel said at the last attempt, of whatever notification.
        error: Option<String>,
    },
    /// A notification of an earlier process, for a channel that is no longer there.
    NoChannel,
}

impl DeadReason {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::QueueFull { .. } => "notify.queue_full",
            Self::Refused { .. } => "notify.delivery_refused",
            Self::Failed { .. } => "notify.delivery_failed",
            Self::Panicked { .. } => "notify.channel_panicked",
            Self::Expired { .. } => "notify.expired",
            Self::NoChannel => "notify.no_channel",
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
            Self::Expired { attempts, expires_after, error } => {
                write!(out, "waited for more than {expires_after:?}, {attempts} attempts")?;
                error.as_ref().map_or(Ok(()), |error| write!(out, ": {error}"))
            }
            Self::NoChannel => out.write_str("there is no channel of this name any longer"),
        }
    }
}

/// What was given up on, oldest first.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DeadLetters {
    /// The dead letters that are kept.
    pub letters: VecDeque<DeadLetter>,
    /// How many older ones are no longer kept.
    pub dropped: u64,
    /// The ids of the letters, so that it is not looked for each of them. Made anew where others changed the letters.
    ids: HashSet<DeliveryId>,
}

impl PartialEq for DeadLetters {
    fn eq(&self, other: &Self) -> bool {
        let Self { letters, dropped, ids: _ } = self;
        *letters == other.letters && *dropped == other.dropped
    }
}

impl Eq for DeadLetters {}

impl DeadLetters {
    /// Whether nothing was given up on.
    pub fn is_empty(&self) -> bool {
        self.letters.is_empty() && self.dropped == 0
    }

    /// How many there are, those no longer kept included.
    pub fn count(&self) -> u64 {
        u64::try_from(self.letters.len()).unwrap_or(u64::MAX).saturating_add(self.dropped)
    }

    /// Adds one, and drops the oldest beyond `max`. For stores. One that is there already is replaced.
    pub fn push(&mut self, letter: DeadLetter, max: usize) {
        if self.ids.len() != self.letters.len() {
            self.ids = self.letters.iter().map(DeadLetter::id).collect();
        }
        if !self.ids.insert(letter.id()) {
            self.letters.retain(|known| known.id() != letter.id());
        }
        self.letters.push_back(letter);
        while self.letters.len() > max {
            if let Some(oldest) = self.letters.pop_front() {
                self.ids.remove(&oldest.id());
            }
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Takes one out. For stores.
    pub fn take(&mut self, id: DeliveryId) -> Option<DeadLetter> {
        let index = self.letters.iter().position(|letter| letter.id() == id)?;
        self.ids.remove(&id);
        self.letters.remove(index)
    }
}
