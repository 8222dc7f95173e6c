//! [`Channel`]: the way out of the process; [`Delivery`]: one notification on its way there.

use std::{error, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use safeguards_types::OperationId;
use serde::{Deserialize, Serialize};

use crate::{AlertId, Notification};

/// A way out of the process: a terminal, a file, mail, a chat.
///
/// # Contract
///
/// - `Ok` means that the notification is where it should be, as far as can be known: all of its alerts, or
///   their number.
/// - One delivery may be tried several times, also after one that did arrive (an answer can be lost): the
///   same delivery has the same [`id`](Delivery::id), so that a repeat can be made harmless.
/// - A failure that may pass is [`retryable`](DeliveryError::retryable); any other is
///   [`permanent`](DeliveryError::permanent).
/// - It does not block the thread; work that blocks goes to a thread for such work.
/// - Its future may be dropped at any point, where an attempt takes too long or the hub stops.
/// - One hub gives it one delivery at a time; several hubs may share it.
/// - No secret is in an error's text or in `Debug`: both are kept and shown.
///
/// ```
/// use async_trait::async_trait;
/// use safeguards_notify::{Channel, Delivery, DeliveryError};
///
/// #[derive(Debug)]
/// struct Pager;
///
/// #[async_trait]
/// impl Channel for Pager {
///     async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
///         let text = delivery.notification().to_string(); // one line, be it one alert or a thousand
///         let sent = page(&delivery.id().to_string(), &text).await;
///         sent.map_err(DeliveryError::retryable)
///     }
/// }
/// # async fn page(_: &str, _: &str) -> Result<(), std::io::Error> { Ok(()) }
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Channel: fmt::Debug + Send + Sync + 'static {
    /// Brings one notification to its place.
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError>;
}

#[async_trait]
impl<C: Channel + ?Sized> Channel for Arc<C> {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        (**self).deliver(delivery).await
    }
}

/// One notification on its way to one channel: an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    notification: Arc<Notification>,
    attempt: u32,
}

/// The name of a notification's way to its channel: the same at each attempt, also after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(OperationId);

impl DeliveryId {
    /// The name of this alert's way to the channel of this name, where the alert comes alone.
    pub fn of(alert: AlertId, channel: &str) -> Self {
        Self(alert.0.step(channel))
    }

    /// The name of the way of several alerts together: of the first, and then of these. What holds another alert
    /// has another name, or a channel that passes over what it knows would pass over that alert, where after a
    /// crash some of them are told again together with a new one.
    pub(crate) fn of_group(first: AlertId, others: &str, channel: &str) -> Self {
        let first = Self::of(first, channel);
        if others.is_empty() { first } else { Self(first.0.step(others)) }
    }

    /// The way of a step of this escalation to a channel.
    pub(crate) fn step(self, channel: &str, number: u32) -> Self {
        Self(self.0.step(channel).step(&number.to_string()))
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Delivery {
    /// The first attempt to deliver `notification`. Hubs make deliveries; this is for tests of a channel.
    pub fn new(notification: impl Into<Arc<Notification>>) -> Self {
        Self { notification: notification.into(), attempt: 1 }
    }

    /// Its name, the same at each attempt.
    pub fn id(&self) -> DeliveryId {
        self.notification.id()
    }

    /// What is delivered.
    pub const fn notification(&self) -> &Arc<Notification> {
        &self.notification
    }

    /// Which attempt this is, from 1.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The same, as another attempt.
    #[must_use]
    pub fn at_attempt(self, attempt: u32) -> Self {
        Self { attempt, ..self }
    }
}

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryErrorKind {
    /// It may: the way is closed for now.
    Retryable,
    /// It does not: this notification can never go this way.
    Permanent,
}

/// A channel could not deliver.
#[derive(Debug)]
pub struct DeliveryError {
    kind: DeliveryErrorKind,
    retry_after: Option<Duration>,
    source: Box<dyn error::Error + Send + Sync>,
}

impl DeliveryError {
    /// It failed because of `source`, and trying again may help.
    pub fn retryable(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { kind: DeliveryErrorKind::Retryable, retry_after: None, source: source.into() }
    }

    /// Says how long the other side asked to be left alone. The next attempt comes no sooner.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self { retry_after: Some(span), ..self }
    }

    /// How long the other side asked to be left alone, where it did.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// It failed because of `source`, and trying again does not help.
    pub fn permanent(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { kind: DeliveryErrorKind::Permanent, retry_after: None, source: source.into() }
    }

    /// Whether trying again may help.
    pub const fn kind(&self) -> DeliveryErrorKind {
        self.kind
    }

    /// Whether trying again may help, as a claim.
    pub const fn is_retryable(&self) -> bool {
        match self.kind {
            DeliveryErrorKind::Retryable => true,
            DeliveryErrorKind::Permanent => false,
        }
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self.kind {
            DeliveryErrorKind::Retryable => "notify.delivery_failed",
            DeliveryErrorKind::Permanent => "notify.delivery_refused",
        }
    }

    /// What went wrong, causes included, in one text.
    pub(crate) fn causes(&self) -> String {
        let first: &dyn error::Error = &*self.source;
        std::iter::successors(Some(first), |error| error.source())
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ")
    }
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.kind {
            DeliveryErrorKind::Retryable => "the channel failed to deliver; trying again may help",
            DeliveryErrorKind::Permanent => "the channel cannot deliver this notification",
        })
    }
}

impl error::Error for DeliveryError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use safeguards_types::{OperationIds, Timestamp};

    use super::*;

    #[test]
    fn a_delivery_is_named_by_alert_and_channel() {
        let ids = OperationIds::seeded(1);
        let [one, other] = [(); 2].map(|()| AlertId::from(ids.mint(Timestamp::UNIX_EPOCH)));
        assert_eq!(DeliveryId::of(one, "ops"), DeliveryId::of(one, "ops"));
        assert_ne!(DeliveryId::of(one, "ops"), DeliveryId::of(one, "mail"));
        assert_ne!(DeliveryId::of(one, "ops"), DeliveryId::of(other, "ops"));
    }

    #[test]
    fn an_error_keeps_its_advice_and_its_causes() {
        let inner = DeliveryError::permanent(io::Error::other("no such mailbox"));
        assert!(!inner.is_retryable());
        let outer = DeliveryError::retryable(inner);
        assert!(outer.is_retryable());
        assert_eq!(outer.causes(), "the channel cannot deliver this notification: no such mailbox");
    }
}
