//! [`RecentTasks`]: who was paid for how many tasks lately, as the entries of a ledger tell.

use std::{collections::BTreeMap, time::Duration};

use safeguards_budget::{Entry, EntryId, Fact, Ledger, LedgerError};
use safeguards_types::{AccountId, Timestamp};

/// How far back a task is *recent* in metrics: ten minutes, for which a ledger in memory keeps its entries.
pub const RECENT: Duration = Duration::from_mins(10);

/// How many entries are read at once.
const PAGE: u64 = 1_000;
/// How many entries are read at most. Where there were more lately, nobody's count is known.
const ENTRIES_MAX: u64 = 100_000;

/// How many tasks were paid for in the time [`RECENT`], by who paid.
///
/// A task is a charge, a record, or a hold that was settled and ended by it: an attempt of a team's runner is one
/// task, however often it draws.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecentTasks(BTreeMap<AccountId, u64>);

impl RecentTasks {
    /// Reads the entries of the time up to `last`, the ledger's last entry. `None` where not all of them are kept,
    /// or there are too many.
    pub(crate) async fn read(
        ledger: &dyn Ledger,
        last: Option<EntryId>,
        now: Timestamp,
    ) -> Result<Option<Self>, LedgerError> {
        let mut recent = Self::default();
        let since = before(now, RECENT);
        let Some(last) = last else {
            return Ok(Some(recent));
        };
        let mut end = last.next();
        let bound = last.number().saturating_sub(ENTRIES_MAX);
        while end > EntryId::FIRST {
            let from = EntryId::new(end.number().saturating_sub(PAGE).max(1));
            let (entries, is_whole) = between(ledger, from, end).await?;
            for entry in &entries {
                recent.add(entry, since);
            }
            // The instants of commands never go back; those of expiries do.
            if entries.iter().any(|entry| entry.cause.is_some() && entry.at < since) {
                return Ok(Some(recent));
            }
            if !is_whole || from.number() <= bound {
                return Ok(None);
            }
            end = from;
        }
        Ok(Some(recent))
    }

    /// How many tasks this account paid for.
    pub(crate) fn of(&self, account: &AccountId) -> u64 {
        self.0.get(account).copied().unwrap_or(0)
    }

    fn add(&mut self, entry: &Entry, since: Timestamp) {
        let is_draw = matches!(&entry.fact, Fact::Settled(settled) if settled.keep_open);
        if let Some(spending) = entry.fact.spending().filter(|_| !is_draw && entry.at >= since) {
            let count = self.0.entry(spending.spender.clone()).or_default();
            *count = count.saturating_add(1);
        }
    }
}

/// The entries from `from` on and before `end`, and whether none of them is missing.
async fn between(
    ledger: &dyn Ledger,
    mut from: EntryId,
    end: EntryId,
) -> Result<(Vec<Entry>, bool), LedgerError> {
    let (mut entries, mut is_whole) = (Vec::new(), true);
    while from < end {
        let wanted = end.number().saturating_sub(from.number());
        let page = ledger.entries(from, usize::try_from(wanted).unwrap_or(usize::MAX)).await?;
        is_whole = is_whole && page.first_kept <= from;
        entries.extend(page.entries.into_iter().filter(|entry| entry.id < end));
        if page.next <= from {
            return Ok((entries, false));
        }
        from = page.next;
    }
    Ok((entries, is_whole))
}

/// The instant `span` earlier, or the first there is.
fn before(now: Timestamp, span: Duration) -> Timestamp {
    i64::try_from(span.as_nanos())
        .ok()
        .and_then(|nanos| now.as_nanos().checked_sub(nanos))
        .and_then(Timestamp::from_nanos)
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
