//! [`AlertingLedger`]: turns what a ledger answers into alerts. Neither the ledger nor the alerts know of it.

pub mod facts;
mod reading;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_budget::{
    Accounts, Batch, EntryId, EntryPage, Guarantees, HoldId, HoldView, Ledger, LedgerError, Outcome,
};
use safeguards_notify::Alerts;
use safeguards_types::{AccountId, Clock, Timestamp};

use self::{facts::Asked, reading::Reading};
use crate::due::Due;

/// How many entries are remembered one by one whose alerts were sent.
const TOLD_MAX: usize = 4_096;
/// How many entries are read at once.
const PAGE: usize = 1_000;
/// How many pages are read before somebody else's turn comes.
const PAGES_MAX: usize = 64;

/// A ledger that tells what it answers: the same answers as the ledger within, and alerts besides.
///
/// | topic | when | severity |
/// | --- | --- | --- |
/// | `budget.threshold` | spending reached a share of a limit, or a soft limit itself | informational below 80 %, medium below 100 %, then high |
/// | `budget.overrun` | recorded or settled spending is above a limit | high |
/// | `budget.denied` | a limit said no, or what is left is kept for higher priorities | high |
/// | `budget.shadow_denied` | a limit on trial would have said no | low |
/// | `budget.suspended` | an account was suspended | critical |
/// | `budget.resumed` | a suspension was taken back | informational |
/// | `budget.hold_expired` | a hold ran out unsettled: its agent died, or forgot it | medium |
/// | `budget.entries_missed` | entries were dropped before they were read, so that a hold that ran out is not told | low |
///
/// Metadata holds numbers as decimal texts. Those of a limit have `account`, `unit`, `window`, `limit`, `spent`,
/// and where they apply `percent`, `held`, `over_by`, `protected`, `asked`, `available`, `retry_at`, `code`.
/// A suspension has `account`, `reason`, and of the command's own metadata `by` and, as `command`, all of it. A
/// hold has `account`, `hold`, `amounts` by unit, and `expired_at`. Entries missed are `first` and `last`.
///
/// The [key](safeguards_notify::Alert::key) says what is told of which limit (topic, share or code, unit, window,
/// account), of which account, or of which hold: repeats of it are what a cooldown keeps back. An alert is about
/// the agent that asked, and where nobody did, about the account. Of several
/// thresholds of one limit that are reached at once, the highest is told. An operation that is repeated gets its
/// first receipt again, and its alerts are not sent again.
///
/// Alerts of an answer are sent before it is given, and wait for nobody. Holds that ran out are read from the
/// ledger's entries: at each [`tick`](Ledger::tick), and where answers skip entries. Each is told once, however
/// many handles of this value tick; another process with an `AlertingLedger` of its own tells it too.
#[derive(Debug)]
pub struct AlertingLedger {
    inner: Arc<dyn Ledger>,
    alerts: Alerts,
    told: Mutex<Told>,
    reading: Mutex<Reading>,
    /// How many batches are at the ledger now: the entries of their answers are not known yet.
    in_flight: AtomicUsize,
    due: Due,
}

/// What of a command is kept while the ledger has it.
struct Kept {
    asked: Asked,
    /// For how long it sets aside.
    ttl: Option<Duration>,
}

/// One batch at the ledger. Dropped with its future, it counts no longer.
struct InFlight<'l>(&'l AtomicUsize);

impl<'l> InFlight<'l> {
    fn one_of(count: &'l AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl AlertingLedger {
    /// Tells `alerts` what `inner` answers from now on.
    pub fn new(inner: Arc<dyn Ledger>, alerts: Alerts) -> Self {
        Self {
            inner,
            alerts,
            told: Mutex::default(),
            reading: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            due: Due::default(),
        }
    }

    /// Finds the end of the journal before anything is added to it.
    async fn begin(&self) {
        if self.reading.lock().has_begun() {
            return;
        }
        // Where the ledger does not answer, the next one finds it.
        if let Ok(read) = self.inner.accounts(&[]).await {
            self.reading.lock().begin(read.revision);
        }
    }

    fn tell(&self, kept: &Kept, outcome: &Outcome) {
        if let Ok(receipt) = outcome {
            self.reading.lock().answered(receipt.entry);
            if let Some(ttl) = kept.ttl {
                self.due.note(facts::expires_at(receipt, ttl));
            }
            if !facts::has_news(&kept.asked, receipt) || !self.told.lock().is_first(receipt.entry) {
                return;
            }
        }
        for alert in facts::of_outcome(&kept.asked, outcome) {
            self.alerts.send(alert);
        }
    }

    /// Reads what answers skipped. Where other batches are on their way, their answers may fill the gap: the
    /// last of them looks.
    async fn read_gap(&self) {
        let has_gap = {
            let reading = self.reading.lock();
            let waits = self.in_flight.load(Ordering::SeqCst) > 0 && !reading.is_far_ahead();
            reading.gap().is_some() && !waits
        };
        if has_gap {
            self.read_on().await;
        }
    }

    /// Reads entries to their end, and tells of those that no answer told. What cannot be read now is read the
    /// next time.
    async fn read_on(&self) {
        for _ in 0..PAGES_MAX {
            let Some(from) = self.reading.lock().next() else {
                return;
            };
            let Ok(page) = self.inner.entries(from, PAGE).await else {
                return;
            };
            let alerts = self.reading.lock().take(&page);
            for alert in alerts {
                self.alerts.send(alert);
            }
            if page.entries.len() < PAGE {
                return;
            }
        }
    }
}

/// Ticks the ledger whenever a hold is due, and never ends.
pub(crate) async fn tick_when_due(ledger: Arc<AlertingLedger>, clock: Arc<dyn Clock>) {
    ledger.due.look(&*clock, || ledger.tick()).await;
}

/// The entries whose alerts were sent, in bounded room: the latest one by one, and all up to some entry.
#[derive(Debug, Default)]
struct Told {
    entries: BTreeSet<EntryId>,
    all_up_to: Option<EntryId>,
}

impl Told {
    /// Whether this entry has not been told yet. From now on it has.
    fn is_first(&mut self, entry: EntryId) -> bool {
        // An answer that comes later than thousands of others is one that is repeated.
        if Some(entry) <= self.all_up_to || !self.entries.insert(entry) {
            return false;
        }
        if self.entries.len() > TOLD_MAX {
            self.all_up_to = self.entries.pop_first();
        }
        true
    }
}

#[async_trait]
impl Ledger for AlertingLedger {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        self.begin().await;
        let keep = |command| Kept { asked: Asked::of(command), ttl: facts::expiry(command) };
        let kept: Vec<Kept> = batch.commands.iter().map(keep).collect();
        let in_flight = InFlight::one_of(&self.in_flight);
        let outcomes = self.inner.submit(batch).await?;
        for (outcome, kept) in outcomes.iter().zip(&kept) {
            self.tell(kept, outcome);
        }
        drop(in_flight);
        self.read_gap().await;
        Ok(outcomes)
    }

    async fn accounts(&self, ids: &[AccountId]) -> Result<Accounts, LedgerError> {
        self.inner.accounts(ids).await
    }

    async fn subtree(&self, of: &AccountId) -> Result<Accounts, LedgerError> {
        self.inner.subtree(of).await
    }

    async fn holds(&self, ids: &[HoldId]) -> Result<Vec<Option<HoldView>>, LedgerError> {
        self.inner.holds(ids).await
    }

    async fn entries(&self, from: EntryId, limit: usize) -> Result<EntryPage, LedgerError> {
        self.inner.entries(from, limit).await
    }

    async fn tick(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.begin().await;
        let due = self.inner.tick().await?;
        self.read_on().await;
        Ok(due)
    }

    fn guarantees(&self) -> Guarantees {
        self.inner.guarantees()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_told_once_however_many_came_since() {
        let mut told = Told::default();
        let mut first = |number| told.is_first(EntryId::new(number));
        assert!((1..=10_000).all(|number| first(2 * number)));
        assert!((1..=10_000).all(|number| !first(2 * number)), "told again");
        // Answers come in a little out of order.
        assert!(first(19_999) && !first(19_999));
    }
}
