//! The check of a report against the ledger's journal: what was reported as spent must be what entries say.

use std::collections::HashMap;

use safeguards_budget::{EntryId, SyncLedger};
use safeguards_types::{AccountId, Amount, Amounts, Quantity, Unit};

use super::tally::Tally;

const PAGE: usize = 4_096;

/// What the entries of a journal say was spent, read as they come.
#[derive(Debug)]
pub(crate) struct Audit {
    next: EntryId,
    /// What each spender has spent.
    by_spender: HashMap<AccountId, Sums>,
    /// What was counted at the pool.
    at_pool: Sums,
    pool: AccountId,
}

/// Where report and journal differ.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Disagreement {
    /// Entries were dropped before they were read.
    #[error("entries {from} to {first_kept} of the journal were not read in time")]
    Unread { from: EntryId, first_kept: EntryId },
    /// Another amount.
    #[error("`{account}` is reported to have spent {reported}, and {source_name} says {found}")]
    Amount { account: AccountId, reported: Amount, source_name: &'static str, found: Amount },
}

/// Amounts added up: the few units of a replay, in the order in which they came.
#[derive(Debug, Default)]
struct Sums(Vec<(Unit, Quantity)>);

impl Sums {
    fn add(&mut self, amounts: &Amounts) {
        for amount in amounts {
            match self.0.iter_mut().find(|(unit, _)| unit == amount.unit()) {
                // No sum is above what the ledger itself counts.
                Some((_, sum)) => *sum = sum.saturating_add(amount.quantity()),
                None => self.0.push((amount.unit().clone(), amount.quantity())),
            }
        }
    }

    fn get(&self, unit: &Unit) -> Quantity {
        let sum = self.0.iter().find(|(known, _)| known == unit);
        sum.map_or(Quantity::ZERO, |(_, sum)| *sum)
    }
}

impl Audit {
    /// Begins with the first entry.
    pub(crate) fn new(pool: AccountId) -> Self {
        Self { next: EntryId::FIRST, by_spender: HashMap::new(), at_pool: Sums::default(), pool }
    }

    /// Reads what is new in the journal. A ledger keeps a bounded number of entries, so this must be done
    /// often enough.
    pub(crate) fn read(&mut self, ledger: SyncLedger<'_>) -> Result<(), Box<Disagreement>> {
        loop {
            let page = ledger.entries(self.next, PAGE);
            if page.first_kept > self.next {
                let unread = Disagreement::Unread { from: self.next, first_kept: page.first_kept };
                return Err(Box::new(unread));
            }
            if page.entries.is_empty() {
                return Ok(());
            }
            for posting in page.entries.iter().filter_map(|entry| entry.fact.spending()) {
                if posting.set.contains(&self.pool) {
                    self.at_pool.add(&posting.amounts);
                }
                if let Some(spent) = self.by_spender.get_mut(&posting.spender) {
                    spent.add(&posting.amounts);
                } else {
                    let mut spent = Sums::default();
                    spent.add(&posting.amounts);
                    self.by_spender.insert(posting.spender.clone(), spent);
                }
            }
            self.next = page.next;
        }
    }

    /// Compares what is reported of each spender, and of all together, with what was read.
    pub(crate) fn compare<'a>(
        &self,
        ledger: SyncLedger<'_>,
        currency: &Unit,
        all: &Tally,
        spenders: impl Iterator<Item = (&'a AccountId, &'a Tally)>,
    ) -> Result<(), Box<Disagreement>> {
        let none = Sums::default();
        for (account, reported) in spenders {
            let found = self.by_spender.get(account).unwrap_or(&none);
            agree(account, currency, reported, ("the journal", found))?;
        }
        agree(&self.pool, currency, all, ("the journal", &self.at_pool))?;
        let read = ledger.accounts(std::slice::from_ref(&self.pool)).accounts;
        let pool = read.into_iter().next().flatten();
        let mut spent = none;
        spent.add(&pool.map(|pool| pool.spent).unwrap_or_default());
        agree(&self.pool, currency, all, ("the account", &spent))
    }
}

fn agree(
    account: &AccountId,
    currency: &Unit,
    reported: &Tally,
    (source_name, found): (&'static str, &Sums),
) -> Result<(), Box<Disagreement>> {
    for unit in [currency, &Unit::REQUESTS, &Unit::TOKENS] {
        let (reported, found) = (reported.quantity(unit), found.get(unit));
        if reported != found {
            return Err(Box::new(Disagreement::Amount {
                account: account.clone(),
                reported: Amount::new(reported, unit.clone()),
                source_name,
                found: Amount::new(found, unit.clone()),
            }));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use safeguards_budget::{Charge, MemoryLedger, OpenAccount};
    use safeguards_pricing::Usage;
    use safeguards_types::{requests, tokens, usd};

    use super::*;

    #[test]
    fn a_wrong_report_is_found() {
        let ledger = MemoryLedger::new();
        let sync = ledger.sync();
        sync.open_account(OpenAccount::new("trace"), ledger.operation()).unwrap();
        sync.open_account(OpenAccount::new("trace/a").under("trace"), ledger.operation()).unwrap();
        let charge = Charge::new("trace/a", [usd!(0.5), tokens!(3), requests!(1)]);
        sync.charge(charge, ledger.operation()).unwrap();

        let pool = AccountId::from("trace");
        let mut audit = Audit::new(pool.clone());
        audit.read(sync).unwrap();
        let spender = AccountId::from("trace/a");
        let right = Tally::of_row(&Usage::new(1, 2), usd!(0.5).quantity());
        let compare = |all: Tally, one: Tally| {
            audit.compare(sync, &Unit::USD, &all, std::iter::once((&spender, &one)))
        };
        assert_eq!(compare(right, right), Ok(()));
        let wrong = Tally::of_row(&Usage::new(1, 2), usd!(0.4).quantity());
        let error = compare(right, wrong).unwrap_err();
        let expected =
            "`trace/a` is reported to have spent 0.40 USD, and the journal says 0.50 USD";
        assert_eq!(error.to_string(), expected);
        assert!(compare(wrong, right).is_err());
        let silent = Tally { rows: 0, ..right };
        assert!(compare(right, silent).is_err());
    }
}
