//! [`Notification`]: one or more alerts of a group, as one channel gets them.

use std::{fmt, sync::Arc};

use safeguards_types::{Severity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Alert, DeliveryId, text::OneLine};

/// One or more alerts of one group, as one channel gets them.
///
/// The hub makes notifications: of an alert that goes alone, of what a group gathered in its interval, and
/// again where nobody acknowledged. There is always at least one alert in it.
///
/// ```
/// use safeguards_notify::{Alert, AlertId, DeliveryId, Notification, topic};
/// use safeguards_types::{OperationIds, Severity, Timestamp};
///
/// let id = AlertId::from(OperationIds::seeded(1).mint(Timestamp::UNIX_EPOCH));
/// let denied = |task| Alert::new(Severity::High, topic!("budget.denied"), format!("no money for {task}")).about("reader");
/// let one = Notification::new(DeliveryId::of(id, "ops"), "ops", denied("a"));
/// assert_eq!(one.to_string(), "high  budget.denied: no money for a");
///
/// let many = one.with_alert(denied("b")).with_more(310).in_group("agent", "reader");
/// assert_eq!(
///     many.to_string(),
///     "high  budget.denied: 312 alerts (agent reader), the latest: no money for b"
/// );
///
/// let nobodys = Notification::new(many.id(), "ops", denied("a")).with_more(1).in_group("agent", "");
/// assert_eq!(nobodys.to_string(), "high  budget.denied: 2 alerts, the latest: no money for a");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    id: DeliveryId,
    channel: Arc<str>,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    group: Vec<(String, String)>,
    first: Arc<Alert>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Arc<Alert>>,
    #[serde(default, skip_serializing_if = "is_zero")]
    more: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    repeats: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    escalation: Option<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Notification {
    /// A notification of one alert, made when that was sent. Hubs make notifications; this is for tests of a
    /// channel.
    pub fn new(id: DeliveryId, channel: impl Into<Arc<str>>, alert: impl Into<Arc<Alert>>) -> Self {
        let first: Arc<Alert> = alert.into();
        Self {
            id,
            channel: channel.into(),
            at: first.at().unwrap_or_default(),
            group: Vec::new(),
            first,
            others: Vec::new(),
            more: 0,
            repeats: 0,
            escalation: None,
        }
    }

    /// Adds an alert, behind those that it has.
    #[must_use]
    pub fn with_alert(mut self, alert: impl Into<Arc<Alert>>) -> Self {
        self.others.push(alert.into());
        self
    }

    /// Says how many alerts of the group there were besides those that stand here in full.
    #[must_use]
    pub fn with_more(self, more: u64) -> Self {
        Self { more, ..self }
    }

    /// Says how many repeats of what stands here were kept back since the last notification.
    #[must_use]
    pub fn with_repeats(self, repeats: u64) -> Self {
        Self { repeats, ..self }
    }

    /// Adds a label that its alerts have in common.
    #[must_use]
    pub fn in_group(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.group.push((label.into(), value.into()));
        self
    }

    /// Says that nobody acknowledged, and which step of the escalation this is, from 1.
    #[must_use]
    pub fn escalated(self, step: u32) -> Self {
        Self { escalation: Some(step), ..self }
    }

    /// Says when it was made.
    #[must_use]
    pub fn made_at(self, at: Timestamp) -> Self {
        Self { at, ..self }
    }

    /// Its name: the same at each attempt, also after a restart.
    pub const fn id(&self) -> DeliveryId {
        self.id
    }

    /// The channel that it is for.
    pub const fn channel(&self) -> &Arc<str> {
        &self.channel
    }

    /// When it was made.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// What its alerts have in common: labels of the route's grouping and their values, in the rule's order.
    pub fn group(&self) -> &[(String, String)] {
        &self.group
    }

    /// The alerts that stand here in full, in the order in which they were sent; one or more.
    pub fn alerts(&self) -> impl ExactSizeIterator<Item = &Arc<Alert>> + DoubleEndedIterator {
        Alerts { first: Some(&self.first), others: self.others.iter() }
    }

    /// The alert that was sent first.
    pub const fn first(&self) -> &Arc<Alert> {
        &self.first
    }

    /// The last of the alerts that stand here in full.
    pub fn latest(&self) -> &Arc<Alert> {
        self.others.last().unwrap_or(&self.first)
    }

    /// How many alerts it stands for: those in full, and those that are only counted.
    pub fn count(&self) -> u64 {
        let in_full = u64::try_from(self.others.len()).unwrap_or(u64::MAX).saturating_add(1);
        in_full.saturating_add(self.more)
    }

    /// How many alerts of the group are only counted, since a notification has a bounded size. Each of them
    /// stands in the history.
    pub const fn more(&self) -> u64 {
        self.more
    }

    /// How many repeats were kept back by the route's cooldown since the last notification of the group.
    pub const fn repeats(&self) -> u64 {
        self.repeats
    }

    /// Which step of an escalation it is, from 1; `None` where it is the first word.
    pub const fn escalation(&self) -> Option<u32> {
        self.escalation
    }

    /// The highest severity of the alerts that stand here in full.
    pub fn severity(&self) -> Severity {
        self.alerts().map(|alert| alert.severity()).max().unwrap_or(Severity::Informational)
    }
}

/// The first and the others.
struct Alerts<'a> {
    first: Option<&'a Arc<Alert>>,
    others: std::slice::Iter<'a, Arc<Alert>>,
}

impl<'a> Iterator for Alerts<'a> {
    type Item = &'a Arc<Alert>;

    fn next(&mut self) -> Option<Self::Item> {
        self.first.take().or_else(|| self.others.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.others.len().saturating_add(usize::from(self.first.is_some()));
        (left, Some(left))
    }
}

impl DoubleEndedIterator for Alerts<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.others.next_back().or_else(|| self.first.take())
    }
}

impl ExactSizeIterator for Alerts<'_> {}

/// One line: the alert's own where there is one, else how many and the latest.
impl fmt::Display for Notification {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let latest = self.latest();
        if self.count() == 1 {
            write!(out, "{latest}")?;
        } else {
            write!(out, "{}  {}: {} alerts", self.severity(), latest.topic(), self.count())?;
            if !self.group.is_empty() {
                let labels = self.group.iter().filter(|(label, value)| {
                    // These two stand at the head of the line. What none of the alerts has says nothing.
                    label != "topic" && label != "severity" && !value.is_empty()
                });
                let mut before = " (";
                for (label, value) in labels {
                    write!(out, "{before}{label} {}", value.escape_debug())?;
                    before = ", ";
                }
                if before != " (" {
                    out.write_str(")")?;
                }
            }
            write!(out, ", the latest: {}", OneLine(latest.message()))?;
        }
        if self.repeats > 0 {
            write!(out, " ({} repeats kept back)", self.repeats)?;
        }
        if let Some(step) = self.escalation {
            write!(out, " (not acknowledged, step {step})")?;
        }
        Ok(())
    }
}
