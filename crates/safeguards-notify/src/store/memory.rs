//! [`MemoryAlertStore`]: alerts in memory, forgotten when the program ends.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{
    AlertChange, AlertQuery, AlertRecord, AlertStore, AlertStoreError, OpenEscalation, Unfinished,
};
use crate::{Alert, AlertId, DeadLetters, DeliveryId, Notification};

/// Alerts in memory, forgotten when the program ends. Clones are the same store.
///
/// ```
/// use safeguards_notify::{Alert, AlertQuery, Alerts, MemoryAlertStore, topic};
/// use safeguards_types::Severity;
///
/// let store = MemoryAlertStore::new();
/// let alerts = Alerts::builder().memory(store.clone()).build()?;
/// alerts.send(Alert::new(Severity::Low, topic!("team.note"), "ready"));
/// assert_eq!(store.sync().history(&AlertQuery::all()).len(), 1);
/// # Ok::<(), safeguards_notify::BuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryAlertStore {
    bounds: MemoryAlertStoreBounds,
    kept: Arc<Mutex<Kept>>,
}

/// How many a [`MemoryAlertStore`] keeps at most. What is unfinished is kept besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryAlertStoreBounds {
    /// The latest alerts: 1,024 if not set.
    pub history: usize,
    /// The latest dead letters: 1,024 if not set. Those dropped are counted.
    pub dead_letters: usize,
}

impl Default for MemoryAlertStoreBounds {
    fn default() -> Self {
        Self { history: 1_024, dead_letters: 1_024 }
    }
}

#[derive(Debug, Default)]
struct Kept {
    history: VecDeque<AlertRecord>,
    /// Where in the history an alert stands, counted from the first that ever stood there.
    places: HashMap<AlertId, u64>,
    /// How many have left the history.
    left: u64,
    /// In the order in which they were sent.
    waiting: BTreeMap<u64, (Arc<Alert>, Vec<Arc<str>>)>,
    waiting_places: HashMap<AlertId, u64>,
    queued: BTreeMap<u64, Arc<Notification>>,
    queued_places: HashMap<DeliveryId, u64>,
    /// The next place of anything that is ordered.
    next: u64,
    escalations: BTreeMap<DeliveryId, OpenEscalation>,
    dead: DeadLetters,
    read_to: BTreeMap<String, u64>,
}

impl MemoryAlertStore {
    /// An empty store that keeps 1,024 alerts and as many dead letters.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that keeps so many.
    pub fn with_bounds(bounds: MemoryAlertStoreBounds) -> Self {
        Self { bounds, kept: Arc::default() }
    }

    /// The same store without futures.
    pub const fn sync(&self) -> SyncAlertStore<'_> {
        SyncAlertStore(self)
    }
}

/// A [`MemoryAlertStore`] without futures.
#[derive(Clone, Copy, Debug)]
pub struct SyncAlertStore<'a>(&'a MemoryAlertStore);

impl SyncAlertStore<'_> {
    /// As [`AlertStore::commit`].
    pub fn commit(&self, changes: &[AlertChange]) {
        let mut kept = self.0.kept.lock();
        for change in changes {
            kept.apply(change, self.0.bounds);
        }
    }

    /// As [`AlertStore::unfinished`].
    pub fn unfinished(&self) -> Unfinished {
        let kept = self.0.kept.lock();
        Unfinished {
            waiting: kept.waiting.values().cloned().collect(),
            queued: kept.queued.values().cloned().collect(),
            escalations: kept.escalations.values().cloned().collect(),
            read_to: kept.read_to.clone(),
        }
    }

    /// As [`AlertStore::history`].
    pub fn history(&self, query: &AlertQuery) -> Vec<AlertRecord> {
        let kept = self.0.kept.lock();
        let one = query.id.map(|id| kept.record(id).filter(|record| query.matches(record)));
        if let Some(one) = one {
            return one.cloned().into_iter().collect();
        }
        let meant = kept.history.iter().rev().filter(|record| query.matches(record));
        let mut latest: Vec<AlertRecord> = meant.take(query.limit).cloned().collect();
        latest.reverse();
        latest
    }

    /// As [`AlertStore::dead_letters`].
    pub fn dead_letters(&self) -> DeadLetters {
        self.0.kept.lock().dead.clone()
    }
}

#[async_trait]
impl AlertStore for MemoryAlertStore {
    async fn commit(&self, changes: &[AlertChange]) -> Result<(), AlertStoreError> {
        self.sync().commit(changes);
        Ok(())
    }

    async fn unfinished(&self) -> Result<Unfinished, AlertStoreError> {
        Ok(self.sync().unfinished())
    }

    async fn history(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, AlertStoreError> {
        Ok(self.sync().history(query))
    }

    async fn dead_letters(&self) -> Result<DeadLetters, AlertStoreError> {
        Ok(self.sync().dead_letters())
    }
}

impl Kept {
    fn apply(&mut self, change: &AlertChange, bounds: MemoryAlertStoreBounds) {
        match change {
            AlertChange::Accepted(record) => self.accept(record, bounds.history),
            AlertChange::Muted { alert, channels, by } => {
                for channel in channels {
                    self.waits_no_longer(*alert, channel);
                }
                if let Some(record) = self.record_mut(*alert) {
                    record.muted = Some(by.clone());
                }
            }
            AlertChange::Queued(notification) => self.queue(notification),
            AlertChange::Delivered { id } => self.unqueue(*id),
            AlertChange::GivenUp(letter) => {
                self.cover(&letter.notification);
                self.unqueue(letter.id());
                self.dead.push(letter.clone(), bounds.dead_letters);
            }
            AlertChange::Withdrawn { id } => drop(self.dead.take(*id)),
            AlertChange::Acknowledged { alert, mark } => {
                if let Some(record) = self.record_mut(*alert) {
                    record.acknowledged = Some(mark.clone());
                }
            }
            AlertChange::Resolved { alert, mark } => {
                if let Some(record) = self.record_mut(*alert) {
                    record.resolved = Some(mark.clone());
                }
            }
            AlertChange::Escalating(escalation) => {
                self.escalations.insert(escalation.id, escalation.clone());
            }
            AlertChange::EscalationEnded { id } => drop(self.escalations.remove(id)),
            AlertChange::ReadTo { journal, entry } => {
                self.read_to.insert(journal.clone(), *entry);
            }
        }
    }

    fn accept(&mut self, record: &AlertRecord, history_max: usize) {
        let Some(id) = record.alert.id() else {
            return;
        };
        if !record.to.is_empty() && !self.waiting_places.contains_key(&id) {
            let place = self.place();
            self.waiting_places.insert(id, place);
            self.waiting.insert(place, (Arc::clone(&record.alert), record.to.clone()));
        }
        if let Some(known) = self.record_mut(id) {
            *known = record.clone();
        } else {
            let kept = u64::try_from(self.history.len()).unwrap_or(u64::MAX);
            self.places.insert(id, self.left.saturating_add(kept));
            self.history.push_back(record.clone());
        }
        while self.history.len() > history_max {
            let left = self.history.pop_front();
            self.left = self.left.saturating_add(1);
            if let Some(id) = left.and_then(|record| record.alert.id()) {
                self.places.remove(&id);
            }
        }
    }

    fn queue(&mut self, notification: &Arc<Notification>) {
        self.cover(notification);
        if !self.queued_places.contains_key(&notification.id()) {
            let place = self.place();
            self.queued_places.insert(notification.id(), place);
            self.queued.insert(place, Arc::clone(notification));
        }
    }

    fn unqueue(&mut self, id: DeliveryId) {
        if let Some(place) = self.queued_places.remove(&id) {
            self.queued.remove(&place);
        }
    }

    /// The alerts of a notification wait for its channel no longer.
    fn cover(&mut self, notification: &Notification) {
        for id in notification.alerts().filter_map(|alert| alert.id()) {
            self.waits_no_longer(id, notification.channel());
        }
    }

    fn waits_no_longer(&mut self, id: AlertId, channel: &str) {
        let Some(place) = self.waiting_places.get(&id) else {
            return;
        };
        let Some((_, channels)) = self.waiting.get_mut(place) else {
            return;
        };
        channels.retain(|waited| **waited != *channel);
        if channels.is_empty() {
            self.waiting.remove(place);
            self.waiting_places.remove(&id);
        }
    }

    fn place(&mut self) -> u64 {
        let place = self.next;
        self.next = place.saturating_add(1);
        place
    }

    fn index(&self, id: AlertId) -> Option<usize> {
        usize::try_from(self.places.get(&id)?.checked_sub(self.left)?).ok()
    }

    fn record(&self, id: AlertId) -> Option<&AlertRecord> {
        self.history.get(self.index(id)?)
    }

    fn record_mut(&mut self, id: AlertId) -> Option<&mut AlertRecord> {
        let index = self.index(id)?;
        self.history.get_mut(index)
    }
}
