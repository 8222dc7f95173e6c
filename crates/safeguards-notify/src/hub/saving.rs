//! [`Saving`]: what the store is still to be told; and the verbs that ask the store before they decide.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Hub, in_time};
use crate::{
    AlertChange, AlertId, AlertQuery, AlertRecord, AlertStore, AlertStoreError, DeliveryId, Mark,
    MemoryAlertStore, Unfinished,
};

/// How many changes wait for a store that does not answer. Beyond, the oldest are dropped and counted.
const UNSAVED_MAX: usize = 65_536;
/// How many changes one commit has: so few that a slow store can confirm them in its time.
const COMMIT_MAX: usize = 1_000;

/// What the store is still to be told.
#[derive(Debug)]
pub(crate) struct Saving {
    store: Arc<dyn AlertStore>,
    /// The same store where it is in memory: told at once, so that nothing waits.
    memory: Option<MemoryAlertStore>,
    unsaved: Mutex<Unsaved>,
    /// One commit at a time, in order.
    writing: tokio::sync::Mutex<Writing>,
    /// One at a time asks the store about an alert or a dead letter, and decides.
    marking: tokio::sync::Mutex<()>,
    /// Tells who writes to the store that there is something to write.
    pub(crate) wake: Notify,
}

#[derive(Debug, Default)]
struct Unsaved {
    changes: VecDeque<AlertChange>,
    /// How many more a commit was begun with.
    begun: usize,
    dropped: u64,
    error: Option<String>,
}

#[derive(Debug, Default)]
struct Writing {
    /// What a commit was begun with: kept until one succeeds, so that a future that is dropped loses nothing.
    begun: Vec<AlertChange>,
    is_restored: bool,
}

/// What another hub left over.
#[derive(Debug)]
pub(crate) struct LeftOver {
    pub(crate) unfinished: Unfinished,
    /// The alerts that wait and that somebody has seen to already.
    seen_to: HashSet<AlertId>,
}

impl LeftOver {
    /// Which records tell who has seen to what waits.
    fn query(unfinished: &Unfinished) -> Option<AlertQuery> {
        let first = unfinished.waiting.iter().filter_map(|(alert, _)| alert.at()).min()?;
        Some(AlertQuery::all().since(first).limit(usize::MAX))
    }

    fn new(unfinished: Unfinished, records: Vec<AlertRecord>) -> Self {
        let is_seen_to =
            |record: &AlertRecord| record.acknowledged.is_some() || record.resolved.is_some();
        let seen_to = records.into_iter().filter(is_seen_to);
        Self { unfinished, seen_to: seen_to.filter_map(|record| record.alert.id()).collect() }
    }
}

/// Why an alert could not be acknowledged or resolved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarkError {
    /// The history has no such alert, or no longer.
    #[error("there is no alert {alert} in the history; it keeps the latest alone")]
    Unknown {
        /// The alert.
        alert: AlertId,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] AlertStoreError),
}

impl MarkError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "notify.unknown_alert",
            Self::Store(error) => error.code(),
        }
    }
}

/// Why a dead letter could not be sent again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResendError {
    /// There is no such dead letter, or no longer.
    #[error("there is no dead letter {letter}; it was sent again already, or is no longer kept")]
    Unknown {
        /// The dead letter.
        letter: DeliveryId,
    },
    /// Its channel is not there.
    #[error("there is no channel `{channel}` here, so the dead letter stays where it is")]
    NoChannel {
        /// The channel.
        channel: Arc<str>,
    },
    /// Its channel's queue is full.
    #[error("the queue of channel `{channel}` is full, so the dead letter stays where it is")]
    QueueFull {
        /// The channel.
        channel: Arc<str>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] AlertStoreError),
}

impl ResendError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "notify.unknown_dead_letter",
            Self::NoChannel { .. } => "notify.no_channel",
            Self::QueueFull { .. } => "notify.queue_full",
            Self::Store(error) => error.code(),
        }
    }
}

impl Saving {
    pub(crate) fn in_memory(store: MemoryAlertStore) -> Self {
        Self { memory: Some(store.clone()), ..Self::new(Arc::new(store)) }
    }

    pub(crate) fn new(store: Arc<dyn AlertStore>) -> Self {
        Self {
            store,
            memory: None,
            unsaved: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            marking: tokio::sync::Mutex::default(),
            wake: Notify::new(),
        }
    }

    pub(crate) fn store(&self) -> &dyn AlertStore {
        &*self.store
    }

    /// What a store in memory has left over from another hub.
    pub(crate) fn left_over(&self) -> Option<LeftOver> {
        let memory = self.memory.as_ref()?.sync();
        let unfinished = memory.unfinished();
        let seen_to = LeftOver::query(&unfinished).map(|query| memory.history(&query));
        Some(LeftOver::new(unfinished, seen_to.unwrap_or_default()))
    }

    /// Notes changes. Gives whether somebody is to [save](Hub::save) them.
    pub(crate) fn note(&self, changes: Vec<AlertChange>) -> bool {
        if changes.is_empty() {
            return false;
        }
        if let Some(memory) = &self.memory {
            memory.sync().commit(&changes);
            return false;
        }
        let mut unsaved = self.unsaved.lock();
        unsaved.changes.extend(changes);
        let over = unsaved.changes.len().saturating_sub(UNSAVED_MAX);
        unsaved.changes.drain(..over);
        unsaved.dropped = unsaved.dropped.saturating_add(u64::try_from(over).unwrap_or(u64::MAX));
        true
    }

    /// How many changes wait, how many were dropped, and what the store said last.
    pub(crate) fn status(&self) -> (usize, u64, Option<String>) {
        let unsaved = self.unsaved.lock();
        let count = unsaved.changes.len().saturating_add(unsaved.begun);
        (count, unsaved.dropped, unsaved.error.clone())
    }
}

impl Hub {
    /// Tells the store what it does not know yet. The first time, what was unfinished is taken in before.
    pub(crate) async fn save(&self) -> Result<(), AlertStoreError> {
        if self.saving.memory.is_some() {
            return Ok(());
        }
        let result = self.write().await;
        let error = result.as_ref().err().map(with_cause);
        self.saving.unsaved.lock().error = error;
        result
    }

    /// Writes what waits now. What comes meanwhile is for the next call, so that this one has an end.
    async fn write(&self) -> Result<(), AlertStoreError> {
        let (mut left, dropped) = {
            let unsaved = self.saving.unsaved.lock();
            (unsaved.changes.len().saturating_add(unsaved.begun), unsaved.dropped)
        };
        let mut writing = self.saving.writing.lock().await;
        if !writing.is_restored {
            // Before anything is written, so that it holds nothing of this hub's own.
            let unfinished = in_time(self.saving.store.unfinished()).await?;
            let records = match LeftOver::query(&unfinished) {
                Some(query) => in_time(self.saving.store.history(&query)).await?,
                None => Vec::new(),
            };
            self.restore(LeftOver::new(unfinished, records));
            writing.is_restored = true;
        }
        // What restoring changed is written too.
        left = left.max(self.saving.unsaved.lock().changes.len());
        while left > 0 {
            if writing.begun.is_empty() {
                let mut unsaved = self.saving.unsaved.lock();
                let count = unsaved.changes.len().min(COMMIT_MAX);
                writing.begun = unsaved.changes.drain(..count).collect();
                unsaved.begun = count;
            }
            if writing.begun.is_empty() {
                break;
            }
            in_time(self.saving.store.commit(&writing.begun)).await?;
            left = left.saturating_sub(writing.begun.len());
            writing.begun.clear();
            self.saving.unsaved.lock().begun = 0;
        }
        let lost = self.saving.unsaved.lock().dropped.saturating_sub(dropped);
        if lost > 0 {
            let cause = format!("it did not keep up: {lost} changes were dropped meanwhile");
            return Err(AlertStoreError::unavailable(cause));
        }
        Ok(())
    }

    /// Goes on with what another hub left over.
    pub(crate) fn restore(&self, left_over: LeftOver) {
        let LeftOver { unfinished, seen_to } = left_over;
        let Unfinished { waiting, queued, escalations, read_to: _ } = unfinished;
        let now = self.now();
        self.decide(now, |state, out| {
            for notification in queued {
                state.outbox.restore(notification, now, &mut out.changes);
            }
            for escalation in escalations {
                state.dispatcher.restore_escalation(escalation);
            }
            for (alert, channels) in waiting {
                state.dispatcher.restore(&alert, &channels, now, out);
                // As it was before: it is told, and not escalated.
                if let Some(id) = alert.id().filter(|id| seen_to.contains(id)) {
                    state.dispatcher.see_to(id, out);
                }
            }
        });
        for end in &self.lanes {
            end.wake.notify_one();
        }
    }

    async fn record(&self, alert: AlertId) -> Result<AlertRecord, MarkError> {
        self.save().await?;
        let found = in_time(self.saving.store.history(&AlertQuery::all().id(alert))).await?;
        found.into_iter().next().ok_or(MarkError::Unknown { alert })
    }

    pub(super) async fn acknowledge(
        &self,
        alert: AlertId,
        by: String,
    ) -> Result<AlertRecord, MarkError> {
        let _marking = self.saving.marking.lock().await;
        let mut record = self.record(alert).await?;
        if record.acknowledged.is_none() {
            let mark = Mark::new(self.now(), by);
            record.acknowledged = Some(mark.clone());
            self.decide(mark.at, |state, out| state.dispatcher.acknowledge(alert, mark, out));
            self.save().await?;
        }
        Ok(record)
    }

    pub(super) async fn resolve(
        &self,
        alert: AlertId,
        by: String,
    ) -> Result<AlertRecord, MarkError> {
        let _marking = self.saving.marking.lock().await;
        let mut record = self.record(alert).await?;
        let mut over = vec![record.clone()];
        if let Some(key) = record.alert.key() {
            let query = AlertQuery::all().key(key).unresolved().limit(usize::MAX);
            over.extend(in_time(self.saving.store.history(&query)).await?);
        }
        let mark = Mark::new(self.now(), by);
        record.resolved.get_or_insert_with(|| mark.clone());
        self.decide(mark.at, |state, out| {
            for other in over.iter().filter(|other| other.resolved.is_none()) {
                state.dispatcher.resolve(&other.alert, mark.clone(), out);
            }
        });
        self.save().await?;
        Ok(record)
    }

    pub(super) async fn resend(&self, letter: DeliveryId) -> Result<(), ResendError> {
        let _marking = self.saving.marking.lock().await;
        self.save().await?;
        let letters = in_time(self.saving.store.dead_letters()).await?.letters;
        let dead = letters.into_iter().find(|dead| dead.id() == letter);
        let notification = dead.ok_or(ResendError::Unknown { letter })?.notification;
        let channel = Arc::clone(notification.channel());
        let now = self.now();
        let queued = self.decide(now, |state, out| {
            if !state.outbox.knows(&channel) {
                return Err(ResendError::NoChannel { channel });
            }
            if state.outbox.holds(&notification) {
                // Somebody else was quicker.
                return Err(ResendError::Unknown { letter });
            }
            let mut changes = vec![AlertChange::Withdrawn { id: letter }];
            let lane = state.outbox.queue(notification, now, &mut changes);
            let lane = lane.ok_or(ResendError::QueueFull { channel })?;
            out.changes.append(&mut changes);
            Ok(lane)
        });
        self.wake_lane(queued?);
        Ok(self.save().await?)
    }
}

/// What went wrong, and why.
fn with_cause(error: &AlertStoreError) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    format!("{error}: {cause}")
}
