//! [`Writing`]: what changes do to the tables, in one transaction.

use std::sync::Arc;

use redb::{AccessGuard, ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use safeguards_notify::{
    Alert, AlertChange, AlertId, AlertRecord, DeadLetter, MemoryAlertStoreBounds, Notification,
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::{
    WRITING,
    tables::{
        DEAD, DROPPED, ESCALATIONS, HASH, HISTORY, LATEST, Ordered, QUEUED, READ_TO, WAITING,
    },
};
use crate::{
    error::{Doing, Fault},
    rows,
};

/// An alert, and the channels that it waits for.
pub(super) type Waiting = (Arc<Alert>, Vec<Arc<str>>);

/// The hashes of the first of some changes, of the first two, and so on.
pub(super) struct Prefixes(Vec<[u8; HASH]>);

impl Prefixes {
    pub(super) fn of(changes: &[AlertChange]) -> Result<Self, Fault> {
        let mut hash = [0; HASH];
        let mut hashes = Vec::with_capacity(changes.len());
        for change in changes {
            let text = rows::write(change, WRITING)?;
            hash = Sha256::new().chain_update(hash).chain_update(text).finalize().into();
            hashes.push(hash);
        }
        Ok(Self(hashes))
    }

    /// The hash of the first so many.
    fn get(&self, count: usize) -> Option<&[u8; HASH]> {
        self.0.get(count.checked_sub(1)?)
    }
}

/// The tables of alerts, to write to.
pub(super) struct Writing<'db> {
    bounds: MemoryAlertStoreBounds,
    history: InOrder<'db>,
    waiting: InOrder<'db>,
    queued: InOrder<'db>,
    dead: InOrder<'db>,
    escalations: Table<'db, &'static str, &'static [u8]>,
    dropped: Table<'db, u64, u64>,
    read_to: Table<'db, &'static str, u64>,
    latest: Table<'db, u64, (u64, &'static [u8; HASH])>,
}

impl<'db> Writing<'db> {
    pub(super) fn open(
        transaction: &'db WriteTransaction,
        bounds: MemoryAlertStoreBounds,
    ) -> Result<Self, Fault> {
        Ok(Self {
            bounds,
            history: InOrder::open(transaction, &HISTORY)?,
            waiting: InOrder::open(transaction, &WAITING)?,
            queued: InOrder::open(transaction, &QUEUED)?,
            dead: InOrder::open(transaction, &DEAD)?,
            escalations: transaction.open_table(ESCALATIONS).doing(WRITING)?,
            dropped: transaction.open_table(DROPPED).doing(WRITING)?,
            read_to: transaction.open_table(READ_TO).doing(WRITING)?,
            latest: transaction.open_table(LATEST).doing(WRITING)?,
        })
    }

    /// Applies changes. Those that the latest commit had are passed over where they come again: they may have been
    /// dropped since, and would drop others, and be counted twice.
    pub(super) fn commit(
        &mut self,
        changes: &[AlertChange],
        prefixes: &Prefixes,
    ) -> Result<(), Fault> {
        let known = self.known(prefixes)?;
        for change in changes.iter().skip(known) {
            self.apply(change)?;
        }
        let count = changes.len();
        if let Some(hash) = prefixes.get(count) {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.latest.insert(0, (count, hash)).doing(WRITING)?;
        }
        Ok(())
    }

    /// How many of the first of these changes are all that the latest commit had.
    fn known(&self, prefixes: &Prefixes) -> Result<usize, Fault> {
        let latest = self.latest.get(0).doing(WRITING)?;
        let Some((count, hash)) = latest.as_ref().map(AccessGuard::value) else {
            return Ok(0);
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Ok(if prefixes.get(count) == Some(hash) { count } else { 0 })
    }

    fn apply(&mut self, change: &AlertChange) -> Result<(), Fault> {
        match change {
            AlertChange::Accepted(record) => self.accept(record),
            AlertChange::Muted { alert, channels, by } => {
                self.waits_no_longer(*alert, |waited| channels.iter().any(|it| **it == *waited))?;
                self.change_record(*alert, |record| record.muted = Some(by.clone()))
            }
            AlertChange::Queued(notification) => {
                self.cover(notification)?;
                self.queued.add(&notification.id().to_string(), notification)
            }
            AlertChange::Delivered { id } => self.queued.remove(&id.to_string()),
            AlertChange::GivenUp(letter) => self.give_up(letter),
            AlertChange::Withdrawn { id } => self.dead.remove(&id.to_string()),
            AlertChange::Acknowledged { alert, mark } => {
                self.change_record(*alert, |record| record.acknowledged = Some(mark.clone()))
            }
            AlertChange::Resolved { alert, mark } => {
                self.change_record(*alert, |record| record.resolved = Some(mark.clone()))
            }
            AlertChange::Escalating(escalation) => {
                let text = rows::write(escalation, WRITING)?;
                let name = escalation.id.to_string();
                self.escalations.insert(name.as_str(), text.as_slice()).doing(WRITING)?;
                Ok(())
            }
            AlertChange::EscalationEnded { id } => {
                self.escalations.remove(id.to_string().as_str()).doing(WRITING)?;
                Ok(())
            }
            AlertChange::ReadTo { journal, entry } => {
                self.read_to.insert(journal.as_str(), entry).doing(WRITING)?;
                Ok(())
            }
            // To pass over it would lose it without a word.
            _ => Err(Fault::corrupt(WRITING, "a change of a kind that is not known here")),
        }
    }

    fn accept(&mut self, record: &AlertRecord) -> Result<(), Fault> {
        let Some(id) = record.alert.id() else {
            return Ok(());
        };
        let name = id.to_string();
        if !record.to.is_empty() {
            self.waiting.add(&name, &(&record.alert, &record.to))?;
        }
        self.history.put(&name, record)?;
        self.history.drop_beyond(self.bounds.history)?;
        Ok(())
    }

    fn give_up(&mut self, letter: &DeadLetter) -> Result<(), Fault> {
        let name = letter.id().to_string();
        self.cover(&letter.notification)?;
        self.queued.remove(&name)?;
        // It stands last, wherever it stood.
        self.dead.remove(&name)?;
        self.dead.add(&name, letter)?;
        let dropped = self.dead.drop_beyond(self.bounds.dead_letters)?;
        if dropped > 0 {
            let before = self.dropped.get(0).doing(WRITING)?.map_or(0, |count| count.value());
            self.dropped.insert(0, before.saturating_add(dropped)).doing(WRITING)?;
        }
        Ok(())
    }

    /// The alerts of a notification wait for its channel no longer.
    fn cover(&mut self, notification: &Notification) -> Result<(), Fault> {
        for id in notification.alerts().filter_map(|alert| alert.id()) {
            self.waits_no_longer(id, |waited| *waited == **notification.channel())?;
        }
        Ok(())
    }

    /// An alert does not wait any more for the channels for which `is_told`.
    fn waits_no_longer(
        &mut self,
        id: AlertId,
        is_told: impl Fn(&str) -> bool,
    ) -> Result<(), Fault> {
        let name = id.to_string();
        let Some((alert, mut channels)) = self.waiting.read::<Waiting>(&name)? else {
            return Ok(());
        };
        let before = channels.len();
        channels.retain(|channel| !is_told(channel));
        match channels.len() {
            0 => self.waiting.remove(&name),
            now if now < before => self.waiting.put(&name, &(alert, channels)),
            _ => Ok(()),
        }
    }

    /// Changes what is known of an alert, where it is still known.
    fn change_record(
        &mut self,
        id: AlertId,
        change: impl FnOnce(&mut AlertRecord),
    ) -> Result<(), Fault> {
        let name = id.to_string();
        let Some(mut record) = self.history.read::<AlertRecord>(&name)? else {
            return Ok(());
        };
        change(&mut record);
        self.history.put(&name, &record)
    }
}

/// The tables of an [`Ordered`], to write to.
struct InOrder<'db> {
    rows: Table<'db, u64, (&'static str, &'static [u8])>,
    places: Table<'db, &'static str, u64>,
}

impl<'db> InOrder<'db> {
    fn open(transaction: &'db WriteTransaction, tables: &Ordered) -> Result<Self, Fault> {
        let rows = transaction.open_table(tables.rows).doing(WRITING)?;
        let places = transaction.open_table(tables.places).doing(WRITING)?;
        Ok(Self { rows, places })
    }

    fn place(&self, name: &str) -> Result<Option<u64>, Fault> {
        Ok(self.places.get(name).doing(WRITING)?.map(|place| place.value()))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Fault> {
        let Some(place) = self.place(name)? else {
            return Ok(None);
        };
        let row = self.rows.get(place).doing(WRITING)?;
        let row = row.ok_or_else(|| Fault::corrupt(WRITING, "a row of a place is missing"))?;
        let (_, text) = row.value();
        rows::read(text, WRITING).map(Some)
    }

    /// Writes a value behind all others, unless there is one of its name.
    fn add(&mut self, name: &str, value: &impl Serialize) -> Result<(), Fault> {
        if self.place(name)?.is_none() {
            self.put(name, value)?;
        }
        Ok(())
    }

    /// Writes a value in the place of the one of its name, or else behind all others.
    fn put(&mut self, name: &str, value: &impl Serialize) -> Result<(), Fault> {
        let text = rows::write(value, WRITING)?;
        let place = if let Some(place) = self.place(name)? {
            place
        } else {
            let last = self.rows.last().doing(WRITING)?.map(|(place, _)| place.value());
            let place = last.map_or(0, |last| last.saturating_add(1));
            self.places.insert(name, place).doing(WRITING)?;
            place
        };
        self.rows.insert(place, (name, text.as_slice())).doing(WRITING)?;
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), Fault> {
        let place = self.places.remove(name).doing(WRITING)?.map(|place| place.value());
        if let Some(place) = place {
            self.rows.remove(place).doing(WRITING)?;
        }
        Ok(())
    }

    /// Drops the oldest where there are more than `max`, and gives how many.
    fn drop_beyond(&mut self, max: usize) -> Result<u64, Fault> {
        let max = u64::try_from(max).unwrap_or(u64::MAX);
        let mut dropped = 0_u64;
        while self.rows.len().doing(WRITING)? > max {
            let Some((_, oldest)) = self.rows.pop_first().doing(WRITING)? else {
                break;
            };
            let (name, _) = oldest.value();
            self.places.remove(name).doing(WRITING)?;
            dropped = dropped.saturating_add(1);
        }
        Ok(dropped)
    }
}
