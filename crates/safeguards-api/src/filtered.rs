//! [`FilteredChannel`]: a channel that takes only alerts of some topics and severities.

use async_trait::async_trait;
use safeguards_notify::{Channel, Delivery, DeliveryError, TopicFilter};
use safeguards_types::Severity;

/// A channel that passes on alerts of some topics, from a severity on. What it does not pass on counts as
/// delivered.
///
/// ```
/// use safeguards_api::{FilteredChannel, Safeguards};
/// use safeguards_budget::MemoryLedger;
/// use safeguards_notify::{ConsoleChannel, TopicFilter};
/// use safeguards_types::Severity;
///
/// let budgets = TopicFilter::parse("budget.**")?;
/// let ops = FilteredChannel::new(ConsoleChannel::stderr(), budgets, Severity::Medium);
/// let sg = Safeguards::builder(MemoryLedger::new()).channel("ops", ops).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FilteredChannel<C> {
    inner: C,
    on: TopicFilter,
    at_least: Severity,
}

impl<C: Channel> FilteredChannel<C> {
    /// Passes on to `inner` what `on` matches and is `at_least` as severe.
    pub const fn new(inner: C, on: TopicFilter, at_least: Severity) -> Self {
        Self { inner, on, at_least }
    }
}

#[async_trait]
impl<C: Channel> Channel for FilteredChannel<C> {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let alert = delivery.notification().first();
        if alert.severity() < self.at_least || !self.on.matches(alert.topic()) {
            return Ok(());
        }
        self.inner.deliver(delivery).await
    }
}
