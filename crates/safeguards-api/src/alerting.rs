//! [`AlertingLedger`]: turns what a ledger answers into alerts. Neither the ledger nor the alerts know of it.

pub mod facts;
mod reading;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_budget::{
    Accounts, Batch, Command, EntryId, EntryPage, Guarantees, HoldId, HoldView, Ledger,
    LedgerError, Outcome,
};
use safeguards_notify::{Alert, Alerts};
use safeguards_types::{AccountId, Clock, OperationId, Timestamp};

use self::{facts::Asked, reading::Reading};
use crate::{answers::Answers, due::Due};

/// What the store of alerts calls the ledger's journal.
const JOURNAL: &str = "ledger";
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
/// | `budget.entries_missed` | entries were dropped before they were read, so that what ran out or was reached there is not told | low |
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
/// ledger's entries: at each [`tick`](Ledger::tick), and where answers skip entries. So is what was done for a caller
/// who stopped waiting, or whose answer was lost on its way. Each is told once, however many handles of this value tick;
/// of a hold that ran out another process with an `AlertingLedger` of its own tells too.
///
/// Where the ledger is durable, the store of alerts is told how far it was told, and the first [`tick`](Ledger::tick) reads
/// what stands behind that: what a process that ended just then did not get to send, and what was done to the ledger past
/// this value. Such alerts have `happened_at`. What the ledger does not write down is not made up for: denials, and what a
/// limit on trial would have denied.
#[derive(Debug)]
pub struct AlertingLedger {
    inner: Arc<dyn Ledger>,
    alerts: Alerts,
    answers: Answers,
    reading: Mutex<Reading>,
    due: Due,
    tells_all: bool,
    /// Whether there is nothing left to read of what was there at the beginning. One at a time reads it.
    has_caught_up: tokio::sync::Mutex<bool>,
}

/// What of a command is kept while the ledger has it.
struct Kept {
    op: OperationId,
    asked: Asked,
    /// For how long it sets aside.
    ttl: Option<Duration>,
}

impl AlertingLedger {
    /// Tells `alerts` what `inner` answers from now on.
    pub fn new(inner: Arc<dyn Ledger>, alerts: Alerts) -> Self {
        Self {
            inner,
            alerts,
            answers: Answers::default(),
            reading: Mutex::default(),
            due: Due::default(),
            tells_all: false,
            has_caught_up: tokio::sync::Mutex::default(),
        }
    }

    /// Tells all that the ledger has where the store of alerts does not say how far it was told: the two were begun
    /// together, in one file say. Otherwise what was there before is no news then.
    #[must_use]
    pub fn telling_all(self) -> Self {
        Self { tells_all: true, ..self }
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
        let Ok(receipt) = outcome else {
            self.send_all(facts::of_outcome(&kept.asked, outcome));
            return;
        };
        if let Some(ttl) = kept.ttl {
            self.due.note(facts::expires_at(receipt, ttl));
        }
        let has_news = facts::has_news(&kept.asked, receipt);
        if has_news {
            let is_told = {
                let mut reading = self.reading.lock();
                reading.sends(receipt.entry);
                reading.was_caught_up(receipt.entry)
            };
            if !is_told && self.answers.is_first(kept.op, receipt.entry) {
                self.send_all(facts::of_outcome(&kept.asked, outcome));
            }
        }
        let to_note = {
            let mut reading = self.reading.lock();
            reading.answered(receipt.entry);
            if has_news {
                reading.sent(receipt.entry);
            }
            reading.next_note(has_news)
        };
        self.note(to_note);
    }

    fn send_all(&self, alerts: Vec<Alert>) {
        for alert in alerts {
            self.alerts.send(alert);
        }
    }

    fn note(&self, told: Option<u64>) {
        if let Some(entry) = told {
            self.alerts.note_read(JOURNAL, entry);
        }
    }

    /// Reads what was there at the beginning and was not told, as far as the store of alerts knows. What cannot be read now
    /// is read the next time.
    async fn catch_up(&self) {
        let mut has_caught_up = self.has_caught_up.lock().await;
        if *has_caught_up || !self.inner.guarantees().durable {
            return;
        }
        let Some(end) = self.reading.lock().begun_at() else { return };
        let Ok(told) = self.alerts.read_to(JOURNAL).await else { return };
        let first_known = if self.tells_all { 0 } else { end };
        // Where more was told than there is, that was of another ledger.
        let noted = told;
        let mut told = told.filter(|told| *told <= end).unwrap_or(first_known);
        if noted != Some(told) {
            self.alerts.note_read(JOURNAL, told);
        }
        for _ in 0..PAGES_MAX {
            if told >= end {
                *has_caught_up = true;
                self.reading.lock().take_notes(told);
                return;
            }
            let next = told.saturating_add(1);
            let Ok(page) = self.inner.entries(EntryId::new(next), PAGE).await else { return };
            let first_kept = page.first_kept.number();
            if first_kept > next {
                self.alerts.send(facts::missed(next, first_kept));
            }
            // What was sent again meanwhile, and so was told, is told once more rather than perhaps never.
            for entry in page.entries.iter().take_while(|entry| entry.id.number() <= end) {
                self.send_all(facts::of_past(entry));
            }
            told = page.entries.last().map_or(end, |last| last.id.number()).min(end);
            self.alerts.note_read(JOURNAL, told);
        }
    }

    /// Reads what answers skipped. Where other batches are on their way, their answers may fill the gap: the
    /// last of them looks.
    async fn read_gap(&self) {
        let has_gap = {
            let reading = self.reading.lock();
            reading.gap().is_some() && (reading.is_far_ahead() || !self.answers.is_waiting())
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
            let is_lost = |op, entry| self.answers.is_first_of_ours(op, entry);
            let alerts = {
                let mut reading = self.reading.lock();
                reading.sends(from);
                reading.take(&page, is_lost)
            };
            let is_news = !alerts.is_empty();
            self.send_all(alerts);
            let to_note = {
                let mut reading = self.reading.lock();
                reading.sent(from);
                reading.next_note(is_news)
            };
            self.note(to_note);
            if page.entries.len() < PAGE {
                return;
            }
        }
    }
}

/// Ticks the ledger whenever a hold is due, and never ends.
pub(crate) async fn tick_when_due(ledger: Arc<AlertingLedger>, clock: Arc<dyn Clock>) {
    let tick = || async { ledger.tick().await.map_err(|error| error.code()) };
    ledger.due.look("ledger", &*clock, tick).await;
}

#[async_trait]
impl Ledger for AlertingLedger {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        self.begin().await;
        let keep = |command: &Command| Kept {
            op: command.op,
            asked: Asked::of(command),
            ttl: facts::expiry(command),
        };
        let kept: Vec<Kept> = batch.commands.iter().map(keep).collect();
        let asking = self.answers.ask(&batch.commands);
        let outcomes = self.inner.submit(batch).await?;
        for (outcome, kept) in outcomes.iter().zip(&kept) {
            self.tell(kept, outcome);
        }
        asking.answered();
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
        self.catch_up().await;
        let due = self.inner.tick().await?;
        self.read_on().await;
        Ok(due)
    }

    fn guarantees(&self) -> Guarantees {
        self.inner.guarantees()
    }
}
