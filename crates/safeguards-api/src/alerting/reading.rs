//! [`Reading`]: how far a ledger's journal is known, so that what time did is told once.

use std::collections::{BTreeMap, BTreeSet};

use safeguards_budget::{EntryId, EntryPage};
use safeguards_notify::Alert;
use safeguards_types::OperationId;

use super::facts::{self, Asked};

/// How many entries are remembered that were seen ahead of others. Beyond, they are read again, and known to be
/// no news.
const AHEAD_MAX: usize = 65_536;

/// How far a journal is known. Answers name most entries; what they skip is read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The first entry that is not known; `None` before the beginning is known.
    next: Option<EntryId>,
    /// The last entry that an answer named.
    last: Option<EntryId>,
    /// Entries behind `next` that answers named.
    ahead: BTreeSet<EntryId>,
    /// Entries whose alerts are being sent, and by how many.
    sending: BTreeMap<EntryId, usize>,
    /// The last entry that was there at the beginning.
    begun_at: Option<EntryId>,
    /// Up to where it was noted that all is told; `None` where nobody takes a note.
    noted: Option<u64>,
}

/// After how many entries without an alert it is noted how far all is told.
const NOTE_EVERY: u64 = 4_096;

impl Reading {
    pub(super) const fn has_begun(&self) -> bool {
        self.next.is_some()
    }

    /// Begins behind `revision`, the last entry there is: what was before is no news.
    pub(super) fn begin(&mut self, revision: Option<EntryId>) {
        if self.next.is_none() {
            self.next = Some(revision.map_or(EntryId::FIRST, EntryId::next));
            self.begun_at = revision;
        }
    }

    /// The number of the last entry that was there at the beginning; 0 where none was, `None` before it is known.
    pub(super) fn begun_at(&self) -> Option<u64> {
        self.next.map(|_| self.begun_at.map_or(0, EntryId::number))
    }

    /// Whether this entry was there at the beginning, and has been told since or was before.
    pub(super) fn was_caught_up(&self, entry: EntryId) -> bool {
        self.noted.is_some() && Some(entry) <= self.begun_at
    }

    /// Alerts of this entry are about to be sent.
    pub(super) fn sends(&mut self, entry: EntryId) {
        let senders = self.sending.entry(entry).or_default();
        *senders = senders.saturating_add(1);
    }

    /// They were sent.
    pub(super) fn sent(&mut self, entry: EntryId) {
        if let Some(senders) = self.sending.get_mut(&entry) {
            *senders = senders.saturating_sub(1);
            if *senders == 0 {
                self.sending.remove(&entry);
            }
        }
    }

    /// From now on it is noted how far all is told; it was noted up to here.
    pub(super) fn take_notes(&mut self, noted: u64) {
        self.noted.get_or_insert(noted);
    }

    /// Up to where all is told, if that is to be noted: `is_news` where an alert was sent just now.
    pub(super) fn next_note(&mut self, is_news: bool) -> Option<u64> {
        let (next, noted) = (self.next?, self.noted?);
        let first_open = self.sending.keys().next().copied().unwrap_or(next).min(next);
        let told = first_open.number().saturating_sub(1);
        let new = told.saturating_sub(noted);
        let is_time = new >= NOTE_EVERY || (is_news && new > 0);
        is_time.then(|| {
            self.noted = Some(told);
            told
        })
    }

    /// An answer named this entry.
    pub(super) fn answered(&mut self, entry: EntryId) {
        let Some(next) = self.next else {
            return;
        };
        self.last = self.last.max(Some(entry));
        if entry == next {
            self.next = Some(next.next());
            self.catch_up();
        } else if entry > next && self.ahead.len() < AHEAD_MAX {
            self.ahead.insert(entry);
        }
    }

    /// Where to read on, if answers skipped entries.
    pub(super) fn gap(&self) -> Option<EntryId> {
        self.next.filter(|next| self.last.is_some_and(|last| last >= *next))
    }

    /// Whether so many entries came ahead that one should no longer wait for the others to be answered.
    pub(super) fn is_far_ahead(&self) -> bool {
        self.ahead.len() >= 1_024
    }

    /// Where to read on.
    pub(super) const fn next(&self) -> Option<EntryId> {
        self.next
    }

    /// Takes a page in; gives the alerts of its entries that nobody has taken before: of what time did, and of commands
    /// whose answers `is_lost` says will not tell them.
    pub(super) fn take(
        &mut self,
        page: &EntryPage,
        is_lost: impl Fn(OperationId, EntryId) -> bool,
    ) -> Vec<Alert> {
        let mut alerts = Vec::new();
        let Some(mut next) = self.next else {
            return alerts;
        };
        if page.first_kept > next {
            alerts.push(facts::missed(next.number(), page.first_kept.number()));
            next = page.first_kept;
        }
        // Those before were taken in while this page was on its way.
        let first = next;
        for entry in page.entries.iter().skip_while(|entry| entry.id < first) {
            match &entry.cause {
                None => alerts.extend(facts::of_entry(entry)),
                Some(cause) => {
                    let asked = Asked::of(&cause.command);
                    if facts::has_news(&asked, &cause.receipt)
                        && is_lost(cause.command.op, entry.id)
                    {
                        alerts.extend(facts::of_receipt(&asked, &cause.receipt));
                    }
                }
            }
            next = entry.id.next();
        }
        self.next = Some(next);
        self.catch_up();
        alerts
    }

    fn catch_up(&mut self) {
        while let (Some(next), Some(first)) = (self.next, self.ahead.first().copied()) {
            if first > next {
                return;
            }
            self.ahead.pop_first();
            if first == next {
                self.next = Some(next.next());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use safeguards_budget::{Command, Ledger, MemoryLedger, OpenAccount, PlaceHold};
    use safeguards_types::{SimClock, Timestamp, usd};

    use super::*;

    fn begun() -> Reading {
        let mut reading = Reading::default();
        reading.begin(Some(EntryId::new(10)));
        reading
    }

    #[track_caller]
    fn check(answered: &[u64], gap: Option<u64>, next: u64) {
        let mut reading = begun();
        for entry in answered {
            reading.answered(EntryId::new(*entry));
        }
        let found = (reading.gap().map(EntryId::number), reading.next().map(EntryId::number));
        assert_eq!(found, (gap, Some(next)), "{answered:?}");
    }

    #[test]
    fn what_answers_skip_is_a_gap_until_it_is_known() {
        check(&[], None, 11);
        check(&[11, 12, 13], None, 14);
        check(&[3, 11, 11], None, 12); // answered again
        check(&[12, 13], Some(11), 11);
        check(&[12, 13, 11], None, 14); // merely out of order
        check(&[11, 13, 15], Some(12), 12);
    }

    #[test]
    fn a_page_is_taken_in_once_and_what_is_no_longer_kept_is_said() {
        let mut reading = begun();
        let page = EntryPage::new(Vec::new(), EntryId::new(20), EntryId::new(20));
        let missed: Vec<String> =
            reading.take(&page, |_, _| false).iter().map(ToString::to_string).collect();
        assert_eq!(
            missed,
            [
                "low  budget.entries_missed: the ledger no longer keeps its entries 11 to 19: what ran out or was reached there is not told"
            ]
        );
        assert!(reading.take(&page, |_, _| true).is_empty());
        assert_eq!(reading.next(), Some(EntryId::new(20)));
    }

    /// What is noted is told whatever becomes of the process: entries whose alerts are on their way are not.
    #[test]
    fn it_is_noted_how_far_all_is_told() {
        let mut reading = begun();
        assert_eq!(reading.next_note(true), None, "nobody takes notes yet");
        reading.take_notes(10);
        reading.sends(EntryId::new(11));
        reading.sends(EntryId::new(11));
        reading.answered(EntryId::new(11));
        reading.answered(EntryId::new(12));
        assert_eq!(reading.next_note(true), None, "11 is being sent");
        reading.sent(EntryId::new(11));
        assert_eq!(reading.next_note(true), None, "somebody else sends it still");
        reading.sent(EntryId::new(11));
        assert_eq!((reading.next_note(true), reading.next_note(true)), (Some(12), None));
        reading.answered(EntryId::new(14));
        assert_eq!(reading.next_note(true), None, "13 is not known");
        (13..13 + NOTE_EVERY).for_each(|entry| reading.answered(EntryId::new(entry)));
        assert_eq!(reading.next_note(false), Some(12 + NOTE_EVERY), "now and then without news");
    }

    /// Two read the same page at once.
    #[tokio::test]
    async fn entries_of_a_page_that_were_taken_in_meanwhile_are_not_taken_again() {
        let clock = SimClock::at(Timestamp::UNIX_EPOCH);
        let ledger = MemoryLedger::with_clock(clock.clone());
        ledger.sync().open_account(OpenAccount::new("reader"), ledger.operation()).unwrap();
        for _ in 0..2 {
            let hold = PlaceHold::new("reader", usd!(1), Duration::from_secs(1));
            ledger.sync().apply(Command::new(ledger.operation(), hold)).unwrap();
        }
        clock.advance(Duration::from_secs(2));
        ledger.sync().tick();
        let page = ledger.entries(EntryId::FIRST, 100).await.unwrap();
        let mut reading = Reading::default();
        reading.begin(None);
        assert_eq!(reading.take(&page, |_, _| false).len(), 2);
        assert!(reading.take(&page, |_, _| false).is_empty());
    }

    #[test]
    fn what_came_far_ahead_is_bounded() {
        let mut reading = begun();
        (12..200_000).for_each(|entry| reading.answered(EntryId::new(entry)));
        assert_eq!(reading.ahead.len(), AHEAD_MAX);
        assert_eq!(reading.gap(), Some(EntryId::new(11)));
    }
}
