//! [`Escalations`]: groups that nobody has acknowledged yet.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use safeguards_types::Timestamp;

use super::{
    Decided,
    groups::{IN_FULL_MAX, Slot},
    latest::earlier,
};
use crate::{Alert, AlertChange, AlertId, DeliveryId, OpenEscalation};

/// Leaves out the alerts that somebody has seen to. Where others are only counted, nobody has seen to those: then the
/// last of the alerts stays, to stand for them.
pub(super) fn leave_out(
    alerts: &mut Vec<Arc<Alert>>,
    more: u64,
    is_seen_to: impl Fn(&Alert) -> bool,
) {
    let last = alerts.last().cloned();
    alerts.retain(|alert| !is_seen_to(alert));
    if alerts.is_empty() && more > 0 {
        alerts.extend(last);
    }
}

#[derive(Debug, Default)]
pub(super) struct Escalations {
    open: BTreeMap<DeliveryId, Open>,
    /// The one escalation that a group has.
    of_group: HashMap<Arc<Slot>, DeliveryId>,
    of_alert: HashMap<AlertId, Vec<DeliveryId>>,
    due: BTreeSet<(Timestamp, DeliveryId)>,
}

#[derive(Debug)]
struct Open {
    escalation: OpenEscalation,
    group: Option<Arc<Slot>>,
}

impl Escalations {
    /// Opens an escalation. A group that has one already gets no second: its new alerts join the first.
    pub(super) fn open(
        &mut self,
        group: Option<&Arc<Slot>>,
        escalation: OpenEscalation,
        out: &mut Decided,
    ) {
        let known = group.and_then(|group| self.of_group.get(group)).copied();
        let Some(open) = known.and_then(|id| self.open.get_mut(&id)) else {
            out.changes.push(AlertChange::Escalating(escalation.clone()));
            self.insert(group.cloned(), escalation);
            return;
        };
        let joined = &mut open.escalation;
        for alert in escalation.alerts {
            if joined.alerts.len() < IN_FULL_MAX {
                if let Some(id) = alert.id() {
                    self.of_alert.entry(id).or_default().push(joined.id);
                }
                joined.alerts.push(alert);
            } else {
                joined.more = joined.more.saturating_add(1);
            }
        }
        joined.more = joined.more.saturating_add(escalation.more);
        out.changes.push(AlertChange::Escalating(joined.clone()));
    }

    pub(super) fn insert(&mut self, group: Option<Arc<Slot>>, escalation: OpenEscalation) {
        let id = escalation.id;
        // Where the same alert was sent again, its steps are counted anew; the store is told of the new state.
        self.end(id, &mut Decided::default());
        if let Some(due) = escalation.due() {
            self.due.insert((due, id));
        }
        for alert in escalation.alerts.iter().filter_map(|alert| alert.id()) {
            self.of_alert.entry(alert).or_default().push(id);
        }
        if let Some(group) = &group {
            self.of_group.insert(Arc::clone(group), id);
        }
        self.open.insert(id, Open { escalation, group });
    }

    /// Takes the next step that is due: the escalation as it stands, and the step's number, from 1. After its
    /// last step an escalation is over.
    pub(super) fn take_due(
        &mut self,
        now: Timestamp,
        out: &mut Decided,
    ) -> Option<(OpenEscalation, usize)> {
        let (due, id) = *self.due.first()?;
        if due > now {
            return None;
        }
        self.due.pop_first();
        let open = &mut self.open.get_mut(&id)?.escalation;
        open.taken = open.taken.saturating_add(1);
        let taken = open.clone();
        match taken.due() {
            Some(due) => {
                self.due.insert((due, id));
                out.changes.push(AlertChange::Escalating(taken.clone()));
            }
            None => self.end(id, out),
        }
        let step = taken.taken;
        Some((taken, step))
    }

    /// The clock was set back by so much. The store is told, so that it holds after a restart too.
    pub(super) fn set_back(&mut self, by: Duration, out: &mut Decided) {
        self.due.clear();
        for (id, Open { escalation, .. }) in &mut self.open {
            escalation.since = earlier(escalation.since, by);
            if let Some(due) = escalation.due() {
                self.due.insert((due, *id));
            }
            out.changes.push(AlertChange::Escalating(escalation.clone()));
        }
    }

    /// Nobody else needs to be told of this alert.
    pub(super) fn remove_alert(&mut self, alert: AlertId, out: &mut Decided) {
        for id in self.of_alert.remove(&alert).unwrap_or_default() {
            let Some(open) = self.open.get_mut(&id) else {
                continue;
            };
            let more = open.escalation.more;
            leave_out(&mut open.escalation.alerts, more, |open| open.id() == Some(alert));
            if open.escalation.alerts.is_empty() {
                self.end(id, out);
            } else {
                out.changes.push(AlertChange::Escalating(open.escalation.clone()));
            }
        }
    }

    fn end(&mut self, id: DeliveryId, out: &mut Decided) {
        let Some(Open { escalation, group }) = self.open.remove(&id) else {
            return;
        };
        if let Some(due) = escalation.due() {
            self.due.remove(&(due, id));
        }
        if let Some(group) = group {
            self.of_group.remove(&group);
        }
        for alert in escalation.alerts.iter().filter_map(|alert| alert.id()) {
            if let Some(ids) = self.of_alert.get_mut(&alert) {
                ids.retain(|known| *known != id);
                if ids.is_empty() {
                    self.of_alert.remove(&alert);
                }
            }
        }
        out.changes.push(AlertChange::EscalationEnded { id });
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }
}
