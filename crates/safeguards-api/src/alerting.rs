//! [`AlertingLedger`]: turns what a ledger answers into alerts. Neither the ledger nor the alerts know of it.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_budget::{
    Accounts, Action, Batch, Crossing, Denial, EntryId, EntryPage, Guarantees, HoldId, HoldView,
    Ledger, LedgerError, Outcome, Overrun, Percent, Receipt, Retry, Shortfall,
};
use safeguards_notify::{Alert, Alerts, topic};
use safeguards_types::{AccountId, Severity, Timestamp};

/// How many entries are remembered whose alerts were sent.
const ALERTED_MAX: usize = 4_096;

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
    alerted: Mutex<BTreeSet<EntryId>>,
}

impl AlertingLedger {
    /// Tells `alerts` what `inner` answers.
    pub fn new(inner: Arc<dyn Ledger>, alerts: Alerts) -> Self {
        Self { inner, alerts, alerted: Mutex::default() }
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
        if !has_news || !self.is_first(receipt.entry) {
            return;
        }
        let highest = receipt.crossed.iter().filter(|crossing| {
            let is_higher = |other: &&Crossing| {
                (&other.account, &other.unit, &other.window)
                    == (&crossing.account, &crossing.unit, &crossing.window)
                    && other.percent > crossing.percent
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

    /// Whether the alerts of this entry have not been sent yet.
    fn is_first(&self, entry: EntryId) -> bool {
        let mut alerted = self.alerted.lock();
        let is_first = alerted.insert(entry);
        if alerted.len() > ALERTED_MAX {
            alerted.pop_first();
        }
        is_first
    }
}

fn threshold(crossing: &Crossing) -> Alert {
    let Crossing { account, unit, window, limit, spent, percent, .. } = crossing;
    let full = Percent::parse("100");
    let severity = if *percent < Percent::EIGHTY {
        Severity::Informational
    } else if full.is_ok_and(|full| *percent >= full) {
        Severity::High
    } else {
        Severity::Medium
    };
    Alert::new(severity, topic!("budget.threshold"), crossing.to_string())
        .about(account.as_str())
        .with("account", account.as_str())
        .with("unit", unit.as_str())
        .with("window", window.to_string())
        .with("limit", limit.to_string())
        .with("spent", spent.to_string())
        .with("percent", percent.to_string())
}

fn overrun(over: &Overrun) -> Alert {
    let Overrun { account, unit, window, limit, spent, held, over_by, .. } = over;
    Alert::new(Severity::High, topic!("budget.overrun"), over.to_string())
        .about(account.as_str())
        .with("account", account.as_str())
        .with("unit", unit.as_str())
        .with("window", window.to_string())
        .with("limit", limit.to_string())
        .with("spent", spent.to_string())
        .with("held", held.to_string())
        .with("over_by", over_by.to_string())
}

fn denied(spender: Option<&AccountId>, denial: &Denial, shortfall: &Shortfall) -> Alert {
    let Shortfall {
        account,
        unit,
        window,
        limit,
        spent,
        held,
        protected,
        asked,
        available,
        retry,
        ..
    } = shortfall;
    let message = match spender {
        Some(spender) => format!("{spender} was denied: {denial}"),
        None => format!("denied: {denial}"),
    };
    let mut alert = Alert::new(Severity::High, topic!("budget.denied"), message)
        .with("code", denial.code())
        .with("account", account.as_str())
        .with("unit", unit.as_str())
        .with("window", window.to_string())
        .with("limit", limit.to_string())
        .with("spent", spent.to_string())
        .with("held", held.to_string())
        .with("protected", protected.to_string())
        .with("asked", asked.to_string())
        .with("available", available.to_string());
    if let Some(spender) = spender {
        alert = alert.about(spender.as_str());
    }
    match retry {
        Retry::At(at) => alert.with("retry_at", at.to_string()),
        Retry::Never | _ => alert,
    }
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
