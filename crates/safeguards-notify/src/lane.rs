//! [`Lane`]: what waits for one channel, and when it may be attempted. Pure: it takes `now`.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::Arc,
    time::Duration,
};

use safeguards_types::Timestamp;

use crate::{ChannelOptions, DeadLetter, DeadReason, Delivery, DeliveryId, Notification, Rate};

/// What waits for one channel, in order, and when it may be attempted.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) channel: Arc<str>,
    pub(crate) options: ChannelOptions,
    // The first is under way, or is next: it stays until its fate is known, so that a lost task loses nothing.
    waiting: VecDeque<Waiting>,
    /// No attempt before this: a pause, or what the other side asked for.
    not_before: Timestamp,
    circuit: Circuit,
    /// When the next attempt is due at the steady rate; it may be ahead of now by the burst.
    rate_due: Timestamp,
    delivered: u64,
    given_up: u64,
    last_error: Option<String>,
}

#[derive(Debug)]
struct Waiting {
    notification: Arc<Notification>,
    since: Timestamp,
    /// How many attempts have failed.
    failed: u32,
}

/// The circuit breaker: closed while failures in a row are few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Circuit {
    Closed { failures: u32 },
    Open { until: Timestamp },
    HalfOpen,
}

/// What to do for a channel now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Attempt this, and say how it ended.
    Deliver(Delivery),
    /// Come back then.
    At(Timestamp),
    /// Nothing waits.
    Nothing,
}

/// How an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Another attempt may help, no sooner than the span.
    Passing { error: String, retry_after: Option<Duration> },
    /// No other attempt helps.
    Final(DeadReason),
}

/// What ended: it arrived, or was given up on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Arrived(DeliveryId),
    GivenUp(DeadLetter),
}

/// Whether a channel is attempted or left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerState {
    /// It is attempted.
    Closed,
    /// It is left alone until then, after failures in a row.
    Open {
        /// When it is attempted again.
        until: Timestamp,
    },
    /// One attempt decides.
    HalfOpen,
}

/// How a channel fares.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelStatus {
    /// The channel.
    pub channel: Arc<str>,
    /// How many notifications wait, the one under way included.
    pub waiting: usize,
    /// How many arrived since the hub was made.
    pub delivered: u64,
    /// How many became dead letters since the hub was made.
    pub given_up: u64,
    /// Whether it is attempted.
    pub breaker: BreakerState,
    /// What the last attempt that failed said; `None` where none failed, or the last one arrived.
    pub last_error: Option<String>,
}

impl Lane {
    pub(crate) fn new(channel: Arc<str>, options: ChannelOptions) -> Self {
        Self {
            channel,
            options,
            waiting: VecDeque::new(),
            not_before: Timestamp::default(),
            circuit: Circuit::Closed { failures: 0 },
            rate_due: Timestamp::default(),
            delivered: 0,
            given_up: 0,
            last_error: None,
        }
    }

    /// Takes a notification in, behind the others; gives it back as a dead letter where the queue is full.
    pub(crate) fn push(
        &mut self,
        notification: Arc<Notification>,
        now: Timestamp,
    ) -> Result<(), DeadLetter> {
        let queue_max = self.options.queue_max;
        if self.waiting.len() >= queue_max {
            self.given_up = self.given_up.saturating_add(1);
            return Err(DeadLetter::new(notification, DeadReason::QueueFull { queue_max }, now));
        }
        self.waiting.push_back(Waiting { notification, since: now, failed: 0 });
        Ok(())
    }

    /// What to do now; what has waited too long is given up on first. An attempt that is handed out is the
    /// same until [`Lane::finish`] ends it.
    pub(crate) fn next(&mut self, now: Timestamp, given_up: &mut Vec<DeadLetter>) -> Next {
        while let Some(letter) = self.take_expired(now) {
            given_up.push(letter);
        }
        let Some(front) = self.waiting.front() else {
            return Next::Nothing;
        };
        let expires = front.since.saturating_add(self.options.expires_after);
        let due = self.not_before.max(self.rate_start());
        let due = match self.circuit {
            Circuit::Open { until } => due.max(until),
            Circuit::Closed { .. } | Circuit::HalfOpen => due,
        };
        if due > now {
            return Next::At(due.min(expires));
        }
        if matches!(self.circuit, Circuit::Open { .. }) {
            self.circuit = Circuit::HalfOpen;
        }
        let attempt = front.failed.saturating_add(1);
        Next::Deliver(Delivery::new(Arc::clone(&front.notification)).at_attempt(attempt))
    }

    fn take_expired(&mut self, now: Timestamp) -> Option<DeadLetter> {
        let expires_after = self.options.expires_after;
        let is_over = |front: &Waiting| now >= front.since.saturating_add(expires_after);
        let front = self.waiting.pop_front_if(|front| is_over(front))?;
        self.given_up = self.given_up.saturating_add(1);
        let error = self.last_error.clone();
        let reason = DeadReason::Expired { attempts: front.failed, expires_after, error };
        Some(DeadLetter::new(front.notification, reason, now))
    }

    /// The soonest instant at which the rate allows an attempt (the generic cell rate algorithm: what is due
    /// may be ahead of now by the burst).
    fn rate_start(&self) -> Timestamp {
        let Some(Rate { every, burst }) = &self.options.rate else {
            return Timestamp::default();
        };
        let ahead = every.saturating_mul(burst.get().saturating_sub(1));
        let nanos = i64::try_from(ahead.as_nanos()).unwrap_or(i64::MAX);
        let start = self.rate_due.as_nanos().saturating_sub(nanos);
        Timestamp::from_nanos(start).unwrap_or_default()
    }

    /// Ends an attempt that [`Lane::next`] handed out. One that is no longer under way is passed over.
    pub(crate) fn finish(
        &mut self,
        id: DeliveryId,
        result: Result<(), Failure>,
        now: Timestamp,
    ) -> Option<Ended> {
        let front = self.waiting.front_mut().filter(|front| front.notification.id() == id)?;
        if let Some(Rate { every, .. }) = &self.options.rate {
            self.rate_due = self.rate_due.max(now).saturating_add(*every);
        }
        let reason = match result {
            Ok(()) => {
                self.circuit = Circuit::Closed { failures: 0 };
                self.last_error = None;
                None
            }
            Err(Failure::Final(reason)) => {
                // It answered, or it is broken in a way that waiting does not mend.
                self.circuit = Circuit::Closed { failures: 0 };
                self.last_error = Some(reason.to_string());
                Some(reason)
            }
            Err(Failure::Passing { error, retry_after }) => {
                front.failed = front.failed.saturating_add(1);
                let attempts = front.failed;
                let pause = self.options.retry.pause(attempts, salt(id, attempts));
                self.not_before = now.saturating_add(pause.max(retry_after.unwrap_or_default()));
                self.last_error = Some(error.clone());
                self.note_failure(now);
                if attempts < self.options.retry.attempts_max {
                    return None;
                }
                Some(DeadReason::Failed { attempts, error })
            }
        };
        let ended = self.waiting.pop_front()?;
        Some(match reason {
            None => {
                self.delivered = self.delivered.saturating_add(1);
                Ended::Arrived(id)
            }
            Some(reason) => {
                self.given_up = self.given_up.saturating_add(1);
                Ended::GivenUp(DeadLetter::new(ended.notification, reason, now))
            }
        })
    }

    fn note_failure(&mut self, now: Timestamp) {
        let breaker = &self.options.breaker;
        let failures = match self.circuit {
            Circuit::Closed { failures } => failures.saturating_add(1),
            Circuit::HalfOpen | Circuit::Open { .. } => breaker.after.get(),
        };
        self.circuit = if failures >= breaker.after.get() {
            Circuit::Open { until: now.saturating_add(breaker.reset_in) }
        } else {
            Circuit::Closed { failures }
        };
    }

    /// What waits, in order.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Arc<Notification>> {
        self.waiting.iter().map(|waiting| &waiting.notification)
    }

    pub(crate) fn status(&self, now: Timestamp) -> ChannelStatus {
        let breaker = match self.circuit {
            Circuit::Closed { .. } => BreakerState::Closed,
            Circuit::Open { until } if until > now => BreakerState::Open { until },
            Circuit::Open { .. } | Circuit::HalfOpen => BreakerState::HalfOpen,
        };
        ChannelStatus {
            channel: Arc::clone(&self.channel),
            waiting: self.waiting.len(),
            delivered: self.delivered,
            given_up: self.given_up,
            breaker,
            last_error: self.last_error.clone(),
        }
    }
}

/// Spreads pauses without randomness: another delivery and another attempt have another salt.
fn salt(id: DeliveryId, attempt: u32) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((id, attempt))
}
