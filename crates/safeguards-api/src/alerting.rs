//! [`AlertingLedger`]: turns what a ledger answers into alerts. Neither the ledger nor the alerts know of it.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_budget::{
    Accounts, Action, Batch, Crossing, Denial, EntryId, EntryPage, Guarantees, HoldId, HoldView,
    Ledger, LedgerError, Outcome, Overrun, Percent, Receipt, Retry, Shortfall, Window,
};
use safeguards_notify::{Alert, Alerts, topic};
use safeguards_types::{AccountId, Quantity, Severity, Timestamp, Unit};

/// How many entries are remembered one by one whose alerts were sent.
const TOLD_MAX: usize = 4_096;

/// A ledger that tells what it answers: the same answers as the ledger within, and alerts besides.
///
/// | topic | when | severity |
/// | --- | --- | --- |
/// | `budget.threshold` | spending reached a share of a limit | informational below 80 %, medium below 100 %, then high |
/// | `budget.overrun` | recorded or settled spending is above a limit | high |
/// | `budget.denied` | a limit said no, or what is left is kept for higher priorities | high |
///
/// Metadata holds the numbers as decimal texts: `account`, `unit`, `window`, `limit`, `spent`, and where they
/// apply `percent`, `held`, `over_by`, `protected`, `asked`, `available`, `retry_at`, `operation`. Of several
/// thresholds of one limit that are reached at once, the highest is told. An operation that is repeated gets
/// its first receipt again, and its alerts are not sent again.
///
/// Alerts are sent before the answer is given, and wait for nobody.
#[derive(Debug)]
pub struct AlertingLedger {
    inner: Arc<dyn Ledger>,
    alerts: Alerts,
    told: Mutex<Told>,
}

impl AlertingLedger {
    /// Tells `alerts` what `inner` answers.
    pub fn new(inner: Arc<dyn Ledger>, alerts: Alerts) -> Self {
        Self { inner, alerts, told: Mutex::default() }
    }

    fn tell(&self, spender: Option<&AccountId>, outcome: &Outcome) {
        match outcome {
            Ok(receipt) => self.tell_receipt(receipt),
            Err(denial) => {
                if let Some(shortfall) = denial.shortfall() {
                    self.alerts.send(denied(spender, denial, shortfall));
                }
            }
        }
    }

    fn tell_receipt(&self, receipt: &Receipt) {
        let has_news = !receipt.crossed.is_empty() || !receipt.overrun.is_empty();
        if !has_news || !self.told.lock().is_first(receipt.entry) {
            return;
        }
        let highest = receipt.crossed.iter().filter(|crossing| {
            let is_higher = |other: &&Crossing| {
                (&other.account, &other.unit, &other.window)
                    == (&crossing.account, &crossing.unit, &crossing.window)
                    && (other.share(), other.percent.is_none())
                        > (crossing.share(), crossing.percent.is_none())
            };
            !receipt.crossed.iter().any(|other| is_higher(&other))
        });
        for crossing in highest {
            self.alerts.send(threshold(crossing));
        }
        for over in &receipt.overrun {
            self.alerts.send(overrun(over));
        }
    }
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

fn threshold(crossing: &Crossing) -> Alert {
    let Crossing { account, unit, window, limit, spent, .. } = crossing;
    let share = crossing.share();
    let severity = if share < Percent::EIGHTY {
        Severity::Informational
    } else if share < Percent::HUNDRED {
        Severity::Medium
    } else {
        Severity::High
    };
    let alert = Alert::new(severity, topic!("budget.threshold"), crossing.to_string())
        .about(account.as_str())
        .with("percent", share.to_string());
    with_numbers(alert, (account, unit, window), [("limit", limit), ("spent", spent)])
}

fn overrun(over: &Overrun) -> Alert {
    let Overrun { account, unit, window, limit, spent, held, over_by, .. } = over;
    let alert = Alert::new(Severity::High, topic!("budget.overrun"), over.to_string())
        .about(account.as_str());
    let numbers = [("limit", limit), ("spent", spent), ("held", held), ("over_by", over_by)];
    with_numbers(alert, (account, unit, window), numbers)
}

fn denied(spender: Option<&AccountId>, denial: &Denial, shortfall: &Shortfall) -> Alert {
    let Shortfall { account, unit, window, limit, spent, held, .. } = shortfall;
    let Shortfall { protected, asked, available, retry, .. } = shortfall;
    let message = match spender {
        Some(spender) => format!("{spender} was denied: {denial}"),
        None => format!("denied: {denial}"),
    };
    let mut alert =
        Alert::new(Severity::High, topic!("budget.denied"), message).with("code", denial.code());
    if let Some(spender) = spender {
        alert = alert.about(spender.as_str());
    }
    if let Retry::At(at) = retry {
        alert = alert.with("retry_at", at.to_string());
    }
    let numbers = [
        ("limit", limit),
        ("spent", spent),
        ("held", held),
        ("protected", protected),
        ("asked", asked),
        ("available", available),
    ];
    with_numbers(alert, (account, unit, window), numbers)
}

/// Says in an alert which limit it is about, and its numbers.
fn with_numbers<const N: usize>(
    alert: Alert,
    (account, unit, window): (&AccountId, &Unit, &Window),
    numbers: [(&str, &Quantity); N],
) -> Alert {
    let alert = alert
        .with("account", account.as_str())
        .with("unit", unit.as_str())
        .with("window", window.to_string());
    numbers.into_iter().fold(alert, |alert, (key, number)| alert.with(key, number.to_string()))
}

/// Who spends by a command; `None` where it does not say.
fn spender(action: &Action) -> Option<AccountId> {
    match action {
        Action::Charge(charge) | Action::Record(charge) => Some(charge.account.clone()),
        Action::PlaceHold(place) => Some(place.charge.account.clone()),
        // A settlement names its hold; everything else spends nothing.
        Action::Settle { .. } | _ => None,
    }
}

#[async_trait]
impl Ledger for AlertingLedger {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        let spenders: Vec<Option<AccountId>> =
            batch.commands.iter().map(|command| spender(&command.action)).collect();
        let outcomes = self.inner.submit(batch).await?;
        for (outcome, spender) in outcomes.iter().zip(&spenders) {
            self.tell(spender.as_ref(), outcome);
        }
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
        self.inner.tick().await
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
