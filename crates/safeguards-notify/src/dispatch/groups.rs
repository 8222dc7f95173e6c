//! [`Groups`]: alerts that gather until their notification is due.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use safeguards_types::Timestamp;

use super::latest::earlier;
use crate::{Alert, AlertId, Escalation, GroupKey};

/// How many alerts of a group stand in a notification in full.
pub(crate) const IN_FULL_MAX: usize = 1_000;
/// How many groups there are at most. Beyond, an alert goes alone.
const GROUPS_MAX: usize = 65_536;

/// What a route makes of one alert.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// Where it gathers; `None` where each alert goes alone.
    pub(super) slot: Option<Arc<Slot>>,
    pub(super) to: Vec<Arc<str>>,
    pub(super) wait: Duration,
    pub(super) interval: Duration,
    pub(super) cooldown: Option<Duration>,
    pub(super) escalate: Vec<Escalation>,
}

impl Batch {
    /// One alert to these channels, at once.
    pub(super) const fn alone(to: Vec<Arc<str>>) -> Self {
        Self {
            slot: None,
            to,
            wait: Duration::ZERO,
            interval: Duration::ZERO,
            cooldown: None,
            escalate: Vec::new(),
        }
    }

    /// What its alerts have in common.
    pub(super) fn labels(&self) -> Vec<(String, String)> {
        let pairs = self.slot.iter().flat_map(|slot| slot.group.pairs());
        pairs.map(|(label, value)| (label.to_string(), value.to_owned())).collect()
    }
}

/// Where alerts gather: a group of one route, for these channels. (An alert that an earlier route brings to
/// some channel already gathers apart, so that no channel gets it twice.)
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot {
    pub(super) route: usize,
    pub(super) group: GroupKey,
    pub(super) to: Vec<Arc<str>>,
}

/// What a group gathered.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) batch: Batch,
    pub(super) alerts: Vec<Arc<Alert>>,
    pub(super) more: u64,
    pub(super) repeats: u64,
    /// Those that somebody has seen to already: they are told, and not escalated.
    pub(super) seen_to: HashSet<AlertId>,
}

impl Gathered {
    /// One alert that goes alone.
    pub(super) fn alone(batch: Batch, alert: Arc<Alert>, repeats: u64) -> Self {
        Self { batch, alerts: vec![alert], more: 0, repeats, seen_to: HashSet::new() }
    }
}

#[derive(Debug, Default)]
pub(super) struct Groups {
    open: HashMap<Arc<Slot>, Group>,
    /// When each group is to be looked at: what it gathered is due, or it is forgotten.
    due: BTreeSet<(Timestamp, Arc<Slot>)>,
    /// In which groups an alert gathers.
    of_alert: HashMap<AlertId, Vec<Arc<Slot>>>,
    gathering: usize,
}

#[derive(Debug)]
struct Group {
    batch: Batch,
    alerts: Vec<Arc<Alert>>,
    more: u64,
    repeats: u64,
    seen_to: HashSet<AlertId>,
}

impl Groups {
    /// Adds an alert to its group. Gives `false` where it is only counted.
    pub(super) fn add(
        &mut self,
        batch: &Batch,
        alert: &Arc<Alert>,
        repeats: u64,
        now: Timestamp,
    ) -> bool {
        let Some(slot) = &batch.slot else {
            return false;
        };
        let is_full = self.open.len() >= GROUPS_MAX;
        let group = self.open.entry(Arc::clone(slot)).or_insert_with(|| {
            // Too many groups: this one is made at once, and gathers nothing.
            let wait = if is_full { Duration::ZERO } else { batch.wait };
            let due = now.saturating_add(wait);
            self.due.insert((due, Arc::clone(slot)));
            let (alerts, seen_to) = (Vec::new(), HashSet::new());
            Group { batch: batch.clone(), alerts, more: 0, repeats: 0, seen_to }
        });
        group.repeats = group.repeats.saturating_add(repeats);
        if group.alerts.len() < IN_FULL_MAX {
            group.alerts.push(Arc::clone(alert));
            if let Some(id) = alert.id() {
                self.of_alert.entry(id).or_default().push(Arc::clone(slot));
            }
            self.gathering = self.gathering.saturating_add(1);
            return true;
        }
        group.more = group.more.saturating_add(1);
        false
    }

    /// The clock was set back by so much.
    pub(super) fn set_back(&mut self, by: Duration) {
        let due = std::mem::take(&mut self.due);
        self.due = due.into_iter().map(|(due, slot)| (earlier(due, by), slot)).collect();
    }

    /// Somebody has seen to an alert that may still gather.
    pub(super) fn see_to(&mut self, alert: AlertId) {
        for slot in self.of_alert.get(&alert).into_iter().flatten() {
            if let Some(group) = self.open.get_mut(slot) {
                group.seen_to.insert(alert);
            }
        }
    }

    /// What the next group gathered whose time has come.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<Gathered> {
        loop {
            if self.next_due()? > now {
                return None;
            }
            let (_, slot) = self.due.pop_first()?;
            if let Some(gathered) = self.take(&slot, now) {
                return Some(gathered);
            }
        }
    }

    /// What every group gathered.
    pub(super) fn take_all(&mut self, now: Timestamp) -> Vec<Gathered> {
        let slots: Vec<(Timestamp, Arc<Slot>)> = self.due.iter().cloned().collect();
        let mut all = Vec::new();
        for (due, slot) in slots {
            if self.open.get(&slot).is_some_and(|group| !group.alerts.is_empty()) {
                // First out with the old time: the next one may fall on the same instant.
                let key = (due, slot);
                self.due.remove(&key);
                all.extend(self.take(&key.1, now));
            }
        }
        all
    }

    /// Takes what a group gathered; the next is due an interval later. A group that gathered nothing is over.
    fn take(&mut self, slot: &Arc<Slot>, now: Timestamp) -> Option<Gathered> {
        let is_crowded = self.open.len() > GROUPS_MAX;
        let group = self.open.get_mut(slot)?;
        if group.alerts.is_empty() {
            self.open.remove(slot);
            return None;
        }
        let gathered = Gathered {
            batch: group.batch.clone(),
            alerts: std::mem::take(&mut group.alerts),
            more: std::mem::take(&mut group.more),
            repeats: std::mem::take(&mut group.repeats),
            seen_to: std::mem::take(&mut group.seen_to),
        };
        self.gathering = self.gathering.saturating_sub(gathered.alerts.len());
        for id in gathered.alerts.iter().filter_map(|alert| alert.id()) {
            if let Some(slots) = self.of_alert.get_mut(&id) {
                slots.retain(|known| known != slot);
                if slots.is_empty() {
                    self.of_alert.remove(&id);
                }
            }
        }
        if is_crowded {
            self.open.remove(slot);
        } else {
            let due = now.saturating_add(group.batch.interval);
            self.due.insert((due, Arc::clone(slot)));
        }
        Some(gathered)
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    pub(super) const fn gathering(&self) -> usize {
        self.gathering
    }
}
