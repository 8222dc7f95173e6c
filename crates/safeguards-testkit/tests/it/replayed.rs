//! [`ReplayedStore`]: a store of alerts that keeps all changes in a file and reads them from the start each time.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_notify::{
    Alert, AlertChange, AlertId, AlertQuery, AlertRecord, AlertStore, AlertStoreError, DeadLetter,
    DeadLetters, DeliveryId, MemoryAlertStoreBounds, Notification, OpenEscalation, Unfinished,
};

/// A commit is a line: what has no end was never committed.
#[derive(Debug)]
pub(crate) struct ReplayedStore {
    path: PathBuf,
    bounds: MemoryAlertStoreBounds,
    file: Mutex<File>,
}

impl ReplayedStore {
    pub(crate) fn open(path: &Path, bounds: MemoryAlertStoreBounds) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        fs::write(path, &text[..whole]).unwrap();
        let file = OpenOptions::new().append(true).open(path).unwrap();
        Self { path: path.to_owned(), bounds, file: Mutex::new(file) }
    }

    /// Tears the end off the last commit.
    pub(crate) fn tear(path: &Path) {
        let text = fs::read_to_string(path).unwrap();
        let last = text.trim_end().rfind('\n').map_or(0, |end| end + 1);
        fs::write(path, &text[..usize::midpoint(last, text.len())]).unwrap();
    }

    fn replay(&self) -> Result<Replay, AlertStoreError> {
        let _whole = self.file.lock();
        let mut replay = Replay::default();
        for line in fs::read_to_string(&self.path).map_err(AlertStoreError::unavailable)?.lines() {
            let changes: Vec<AlertChange> =
                serde_json::from_str(line).map_err(AlertStoreError::corrupt)?;
            for change in changes {
                replay.apply(change, self.bounds);
            }
        }
        Ok(replay)
    }
}

#[async_trait]
impl AlertStore for ReplayedStore {
    async fn commit(&self, changes: &[AlertChange]) -> Result<(), AlertStoreError> {
        let line = serde_json::to_string(changes).map_err(AlertStoreError::corrupt)?;
        let written = self.file.lock().write_all(format!("{line}\n").as_bytes());
        written.map_err(AlertStoreError::unavailable)
    }

    async fn unfinished(&self) -> Result<Unfinished, AlertStoreError> {
        let replay = self.replay()?;
        let mut unfinished = Unfinished::default();
        unfinished.waiting = replay.waiting;
        unfinished.queued = replay.queued;
        unfinished.escalations = replay.escalations.into_values().collect();
        unfinished.read_to = replay.read_to;
        Ok(unfinished)
    }

    async fn history(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, AlertStoreError> {
        let mut found = self.replay()?.history;
        found.retain(|record| query.matches(record));
        let over = found.len().saturating_sub(query.limit);
        Ok(found.split_off(over))
    }

    async fn dead_letters(&self) -> Result<DeadLetters, AlertStoreError> {
        let replay = self.replay()?;
        let mut dead = DeadLetters::default();
        dead.letters = VecDeque::from(replay.dead);
        dead.dropped = replay.dropped;
        Ok(dead)
    }
}

/// Lists, searched from end to end.
#[derive(Default)]
struct Replay {
    history: Vec<AlertRecord>,
    waiting: Vec<(Arc<Alert>, Vec<Arc<str>>)>,
    queued: Vec<Arc<Notification>>,
    escalations: BTreeMap<DeliveryId, OpenEscalation>,
    dead: Vec<DeadLetter>,
    dropped: u64,
    read_to: BTreeMap<String, u64>,
}

impl Replay {
    fn apply(&mut self, change: AlertChange, bounds: MemoryAlertStoreBounds) {
        match change {
            AlertChange::Accepted(record) => {
                let id = record.alert.id();
                if !record.to.is_empty() && !self.waiting.iter().any(|(alert, _)| alert.id() == id)
                {
                    self.waiting.push((Arc::clone(&record.alert), record.to.clone()));
                }
                match self.history.iter().position(|known| known.alert.id() == id) {
                    Some(place) => self.history[place] = record,
                    None => self.history.push(record),
                }
                if self.history.len() > bounds.history {
                    self.history.remove(0);
                }
            }
            AlertChange::Muted { alert, channels, by } => {
                self.waits_no_more(alert, &channels);
                self.on_record(alert, |record| record.muted = Some(by));
            }
            AlertChange::Queued(notification) => {
                self.hand_over(&notification);
                if !self.queued.iter().any(|known| known.id() == notification.id()) {
                    self.queued.push(notification);
                }
            }
            AlertChange::Delivered { id } => self.queued.retain(|known| known.id() != id),
            AlertChange::GivenUp(letter) => {
                self.hand_over(&letter.notification);
                self.queued.retain(|known| known.id() != letter.id());
                self.dead.retain(|known| known.id() != letter.id());
                self.dead.push(letter);
                if self.dead.len() > bounds.dead_letters {
                    self.dead.remove(0);
                    self.dropped += 1;
                }
            }
            AlertChange::Withdrawn { id } => self.dead.retain(|known| known.id() != id),
            AlertChange::Acknowledged { alert, mark } => {
                self.on_record(alert, |record| record.acknowledged = Some(mark));
            }
            AlertChange::Resolved { alert, mark } => {
                self.on_record(alert, |record| record.resolved = Some(mark));
            }
            AlertChange::Escalating(open) => drop(self.escalations.insert(open.id, open)),
            AlertChange::EscalationEnded { id } => drop(self.escalations.remove(&id)),
            AlertChange::ReadTo { journal, entry } => {
                self.read_to.insert(journal, entry);
            }
            other => panic!("a change that this store does not know: {other:?}"),
        }
    }

    fn hand_over(&mut self, notification: &Notification) {
        for alert in notification.alerts() {
            self.waits_no_more(alert.id().unwrap(), &[Arc::clone(notification.channel())]);
        }
    }

    fn waits_no_more(&mut self, id: AlertId, channels: &[Arc<str>]) {
        for (alert, waits_for) in &mut self.waiting {
            if alert.id() == Some(id) {
                waits_for.retain(|channel| !channels.contains(channel));
            }
        }
        self.waiting.retain(|(_, waits_for)| !waits_for.is_empty());
    }

    fn on_record(&mut self, id: AlertId, change: impl FnOnce(&mut AlertRecord)) {
        if let Some(record) = self.history.iter_mut().find(|known| known.alert.id() == Some(id)) {
            change(record);
        }
    }
}
