//! [`AlertChange`]: one thing that changed; [`AlertRecord`]: what is known of an alert.

use std::{fmt, sync::Arc};

use safeguards_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Alert, AlertId, DeadLetter, DeliveryId, Escalation, Notification};

/// One thing that changed, as a store is told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AlertChange {
    /// An alert was sent: it begins a record of the history, and waits for its channels.
    Accepted(AlertRecord),
    /// An alert that waited for these channels does so no longer: it was muted meanwhile.
    Muted {
        /// The alert.
        alert: AlertId,
        /// The channels that it waited for.
        channels: Vec<Arc<str>>,
        /// What muted it.
        by: Muted,
    },
    /// A notification is to be delivered. Its alerts wait for its channel no longer; the notification does.
    Queued(Arc<Notification>),
    /// It arrived.
    Delivered {
        /// The notification.
        id: DeliveryId,
    },
    /// It was given up on, and is a dead letter from here on. It may be one that was never queued.
    GivenUp(DeadLetter),
    /// A dead letter was taken out. Where it is to be delivered, that is said by another change.
    Withdrawn {
        /// The notification.
        id: DeliveryId,
    },
    /// Somebody has seen to an alert.
    Acknowledged {
        /// The alert.
        alert: AlertId,
        /// Who and when.
        mark: Mark,
    },
    /// What an alert tells of is over.
    Resolved {
        /// The alert.
        alert: AlertId,
        /// Who and when.
        mark: Mark,
    },
    /// An escalation is open, in this state; it takes the place of the one of this name.
    Escalating(OpenEscalation),
    /// An escalation is over: all its alerts were acknowledged, or its last step was taken.
    EscalationEnded {
        /// Its name.
        id: DeliveryId,
    },
    /// A journal from which alerts are made was read up to here: what stands there is an alert by an earlier change, or
    /// none.
    ReadTo {
        /// The journal's name, such as `ledger`.
        journal: String,
        /// The number of its last entry that was read; 0 where none was.
        entry: u64,
    },
}

/// What is known of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AlertRecord {
    /// The alert.
    pub alert: Arc<Alert>,
    /// The channels that it was accepted for. Empty: it goes nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Arc<str>>,
    /// Why it goes nowhere, or why a channel gets it in a number alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted: Option<Muted>,
    /// Who has seen to it, if anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Mark>,
    /// Who said that it is over, if anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Mark>,
}

impl AlertRecord {
    /// An alert that was sent, and waits for these channels.
    pub fn new(alert: impl Into<Arc<Alert>>, to: impl Into<Vec<Arc<str>>>) -> Self {
        Self { alert: alert.into(), to: to.into(), muted: None, acknowledged: None, resolved: None }
    }

    /// Says why no channel gets it in full.
    #[must_use]
    pub fn muted(self, by: Muted) -> Self {
        Self { muted: Some(by), ..self }
    }
}

/// Why an alert is in the history alone, or in a notification's number alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "muted", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Muted {
    /// A silence was in force.
    Silenced {
        /// What the silence's comment says.
        comment: String,
    },
    /// A graver alert told of it.
    Inhibited {
        /// The graver alert.
        by: AlertId,
    },
    /// It told what an earlier one told, within the route's cooldown.
    Repeated {
        /// The earlier one.
        of: AlertId,
    },
    /// Its group had as many alerts in full as a notification holds. It is in the notification's number.
    Counted,
    /// Its route leads nowhere, on purpose.
    NoChannel,
}

/// Who said so, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
}

impl Mark {
    /// Says who said so, and when.
    pub fn new(at: Timestamp, by: impl Into<String>) -> Self {
        Self { at, by: by.into() }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} by {}", self.at, self.by.escape_debug())
    }
}

/// A group that nobody has acknowledged yet, and who is told next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OpenEscalation {
    /// Its name: that of the notification that began it.
    pub id: DeliveryId,
    /// The group's labels and their values.
    pub group: Vec<(String, String)>,
    /// When the first notification was made; steps are counted from here.
    pub since: Timestamp,
    /// The steps, in order.
    pub steps: Vec<Escalation>,
    /// How many steps were taken.
    pub taken: usize,
    /// The alerts that nobody has acknowledged yet, as far as they are kept in full.
    pub alerts: Vec<Arc<Alert>>,
    /// How many more there were.
    pub more: u64,
}

impl OpenEscalation {
    /// When the next step is due; `None` where all were taken.
    pub fn due(&self) -> Option<Timestamp> {
        self.steps.get(self.taken).map(|step| self.since.saturating_add(step.after))
    }
}
