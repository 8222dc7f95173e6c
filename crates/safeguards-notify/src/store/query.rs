//! [`AlertQuery`]: which alerts of the history; [`Unfinished`]: what a hub goes on with.

use std::{collections::BTreeMap, sync::Arc};

use safeguards_types::Timestamp;

use super::{AlertRecord, OpenEscalation};
use crate::{Alert, AlertId, AlertMatch, Notification};

/// Which alerts of the history. All conditions hold.
///
/// ```
/// use safeguards_notify::{AlertMatch, AlertQuery};
/// use safeguards_types::Severity;
///
/// let grave = AlertQuery::all().matching(AlertMatch::all().at_least(Severity::High)).limit(20);
/// let open = AlertQuery::all().unresolved();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a query does nothing until it is asked"]
#[non_exhaustive]
pub struct AlertQuery {
    /// What the alerts are like.
    pub when: AlertMatch,
    /// This alert alone.
    pub id: Option<AlertId>,
    /// Those with this key alone.
    pub key: Option<String>,
    /// Sent then or later.
    pub since: Option<Timestamp>,
    /// Sent before then.
    pub until: Option<Timestamp>,
    /// Only what nobody acknowledged.
    pub unacknowledged: bool,
    /// Only what nobody resolved.
    pub unresolved: bool,
    /// How many at most, the latest; 1,000 if not set.
    pub limit: usize,
}

impl AlertQuery {
    /// The latest 1,000 alerts.
    pub fn all() -> Self {
        Self {
            when: AlertMatch::all(),
            id: None,
            key: None,
            since: None,
            until: None,
            unacknowledged: false,
            unresolved: false,
            limit: 1_000,
        }
    }

    /// Those that are like this.
    pub fn matching(self, when: AlertMatch) -> Self {
        Self { when, ..self }
    }

    /// This one.
    pub fn id(self, id: AlertId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Those with this key.
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Those sent then or later.
    pub fn since(self, at: Timestamp) -> Self {
        Self { since: Some(at), ..self }
    }

    /// Those sent before then.
    pub fn until(self, at: Timestamp) -> Self {
        Self { until: Some(at), ..self }
    }

    /// Those that nobody acknowledged.
    pub fn unacknowledged(self) -> Self {
        Self { unacknowledged: true, ..self }
    }

    /// Those that nobody resolved.
    pub fn unresolved(self) -> Self {
        Self { unresolved: true, ..self }
    }

    /// At most so many, the latest.
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Whether the alert is meant, the limit aside. For stores.
    pub fn matches(&self, record: &AlertRecord) -> bool {
        let Self { when, id, key, since, until, unacknowledged, unresolved, limit: _ } = self;
        let alert = &record.alert;
        id.is_none_or(|id| alert.id() == Some(id))
            && key.as_deref().is_none_or(|key| alert.key() == Some(key))
            && since.is_none_or(|since| alert.at() >= Some(since))
            && until.is_none_or(|until| alert.at() < Some(until))
            && !(*unacknowledged && record.acknowledged.is_some())
            && !(*unresolved && record.resolved.is_some())
            && when.matches(alert)
    }
}

impl Default for AlertQuery {
    fn default() -> Self {
        Self::all()
    }
}

/// What changes have begun and none has ended: what a hub goes on with after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// Alerts that are in no notification yet, in the order in which they were sent, and the channels that
    /// they wait for.
    pub waiting: Vec<(Arc<Alert>, Vec<Arc<str>>)>,
    /// Notifications that are to be delivered, in the order in which they were made.
    pub queued: Vec<Arc<Notification>>,
    /// Escalations that are open.
    pub escalations: Vec<OpenEscalation>,
    /// How far each journal was read from which alerts are made, by its name.
    pub read_to: BTreeMap<String, u64>,
}

impl Unfinished {
    /// Whether there is nothing to go on with.
    pub fn is_empty(&self) -> bool {
        let Self { waiting, queued, escalations, read_to: _ } = self;
        waiting.is_empty() && queued.is_empty() && escalations.is_empty()
    }
}
