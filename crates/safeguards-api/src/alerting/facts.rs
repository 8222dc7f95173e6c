//! What a ledger tells as alerts: the answer to a command ([`of_outcome`]), and what time did ([`of_entry`]).

use safeguards_budget::{
    Action, Command, Crossing, Denial, Entry, Fact, Metadata, Outcome, Overrun, Percent, Receipt,
    Retry, ShadowDenial, Shortfall, Window,
};
use safeguards_notify::{Alert, topic};
use safeguards_types::{AccountId, Quantity, Severity, Timestamp, Unit};

/// What of a command its alerts need: kept while the ledger has the command itself.
#[derive(Clone, Debug)]
pub struct Asked(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// Who spends, or sets aside.
    Spending(AccountId),
    /// An account is suspended, or resumed.
    Stopping(Box<Stop>),
    /// Nothing that is told.
    Else,
}

/// The suspension of an account, or its end.
#[derive(Clone, Debug)]
struct Stop {
    is_end: bool,
    account: AccountId,
    reason: Option<String>,
    metadata: Metadata,
}

impl Asked {
    /// Keeps what the alerts of `command` need.
    pub fn of(command: &Command) -> Self {
        let stop = |is_end, account: &AccountId, reason: &Option<String>| {
            Kind::Stopping(Box::new(Stop {
                is_end,
                account: account.clone(),
                reason: reason.clone(),
                metadata: command.metadata.clone(),
            }))
        };
        Self(match &command.action {
            Action::Charge(charge) | Action::Record(charge) => {
                Kind::Spending(charge.account.clone())
            }
            Action::PlaceHold(place) => Kind::Spending(place.charge.account.clone()),
            Action::Suspend { account, reason } => stop(false, account, reason),
            Action::Resume { account, reason } => stop(true, account, reason),
            // A settlement names its hold; everything else spends nothing.
            Action::Settle { .. } | _ => Kind::Else,
        })
    }

    /// A charge or a hold of this account.
    pub fn spending(account: impl Into<AccountId>) -> Self {
        Self(Kind::Spending(account.into()))
    }
}

/// The alerts that an answer makes; most make none. See [`AlertingLedger`](crate::AlertingLedger) for which
/// there are.
///
/// ```
/// use safeguards_api::ledger_alerts::{self, Asked};
/// use safeguards_budget::{Charge, Command, Limit, MemoryLedger, OpenAccount, Percent};
/// use safeguards_types::usd;
///
/// let ledger = MemoryLedger::new();
/// let limit = Limit::lifetime(usd!(4)).warn_at(Percent::EIGHTY);
/// ledger.sync().open_account(OpenAccount::new("reader").limit(limit), ledger.operation())?;
///
/// let command = Command::new(ledger.operation(), Charge::new("reader", usd!(3.90)));
/// let asked = Asked::of(&command);
/// let outcome = ledger.sync().apply(command);
/// let alerts = ledger_alerts::of_outcome(&asked, &outcome);
/// assert_eq!(alerts[0].topic().as_str(), "budget.threshold");
/// # Ok::<(), safeguards_budget::Denial>(())
/// ```
pub fn of_outcome(asked: &Asked, outcome: &Outcome) -> Vec<Alert> {
    match outcome {
        Ok(receipt) => of_receipt(asked, receipt),
        Err(denial) => {
            let shortfall = denial.shortfall();
            shortfall.map(|shortfall| denied(asked, denial, shortfall)).into_iter().collect()
        }
    }
}

/// Whether a receipt tells anything. Asked of every receipt, so it makes nothing.
pub(super) fn has_news(asked: &Asked, receipt: &Receipt) -> bool {
    !receipt.crossed.is_empty()
        || !receipt.overrun.is_empty()
        || !receipt.shadow.is_empty()
        || matches!(asked.0, Kind::Stopping(_))
}

pub(super) fn of_receipt(asked: &Asked, receipt: &Receipt) -> Vec<Alert> {
    let highest = receipt.crossed.iter().filter(|crossing| {
        let is_higher = |other: &&Crossing| {
            (&other.account, &other.unit, &other.window)
                == (&crossing.account, &crossing.unit, &crossing.window)
                && (other.share(), other.percent.is_none())
                    > (crossing.share(), crossing.percent.is_none())
        };
        !receipt.crossed.iter().any(|other| is_higher(&other))
    });
    let mut alerts: Vec<Alert> = highest.map(threshold).collect();
    alerts.extend(receipt.overrun.iter().map(overrun));
    alerts.extend(receipt.shadow.iter().map(|shadow| shadow_denied(asked, shadow)));
    if let Kind::Stopping(stop) = &asked.0 {
        alerts.push(stopped(stop));
    }
    alerts
}

/// The alert that an entry makes for which no command is to blame: a hold ran out. `None` for all others,
/// which their answers tell.
pub fn of_entry(entry: &Entry) -> Option<Alert> {
    let Fact::Freed { hold, posting } = &entry.fact else {
        return None;
    };
    if entry.cause.is_some() {
        return None;
    }
    let account = &posting.spender;
    let message = format!(
        "a hold of {} ran out at {account} with nothing settled: what it set aside is free again, and what was spent under it, if anything, is not written down",
        posting.amounts
    );
    let amounts = posting.amounts.iter();
    let amounts =
        amounts.map(|amount| (amount.unit().to_string(), amount.quantity().to_string().into()));
    let alert = Alert::new(Severity::Medium, topic!("budget.hold_expired"), message)
        .about(account.as_str())
        .keyed(format!("budget.hold_expired {hold}"))
        .with("account", account.as_str())
        .with("hold", hold.to_string())
        .with("amounts", serde_json::Value::Object(amounts.collect()))
        .with("expired_at", entry.at.to_string());
    Some(alert)
}

/// The alerts of an entry that nobody told when it was written, and when that was.
pub(super) fn of_past(entry: &Entry) -> Vec<Alert> {
    let alerts = match &entry.cause {
        None => of_entry(entry).into_iter().collect(),
        Some(cause) => of_receipt(&Asked::of(&cause.command), &cause.receipt),
    };
    let happened_at = entry.at.to_string();
    alerts.into_iter().map(|alert| alert.with("happened_at", happened_at.as_str())).collect()
}

/// Entries from `first` up to the one before `end` were dropped by the ledger before they were read.
pub(super) fn missed(first: u64, end: u64) -> Alert {
    let last = end.saturating_sub(1);
    let message = format!(
        "the ledger no longer keeps its entries {first} to {last}: what ran out or was reached there is not told"
    );
    Alert::new(Severity::Low, topic!("budget.entries_missed"), message)
        .keyed("budget.entries_missed")
        .with("first", first)
        .with("last", last)
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
        // The share stands in the key: 100 % is no repeat of 80 %.
        .keyed(key(format_args!("budget.threshold {share}%"), (account, unit, window)))
        .with("percent", share.to_string());
    with_numbers(alert, (account, unit, window), [("limit", limit), ("spent", spent)])
}

fn overrun(over: &Overrun) -> Alert {
    let Overrun { account, unit, window, limit, spent, held, over_by, .. } = over;
    let alert = Alert::new(Severity::High, topic!("budget.overrun"), over.to_string())
        .about(account.as_str())
        .keyed(key(format_args!("budget.overrun"), (account, unit, window)));
    let numbers = [("limit", limit), ("spent", spent), ("held", held), ("over_by", over_by)];
    with_numbers(alert, (account, unit, window), numbers)
}

fn denied(asked: &Asked, denial: &Denial, shortfall: &Shortfall) -> Alert {
    let Shortfall { account, unit, window, limit, spent, held, .. } = shortfall;
    let Shortfall { protected, asked: wanted, available, retry, .. } = shortfall;
    let message = match asked.spender() {
        Some(spender) => format!("{spender} was denied: {denial}"),
        None => format!("denied: {denial}"),
    };
    let mut alert = Alert::new(Severity::High, topic!("budget.denied"), message)
        .keyed(key(format_args!("budget.denied {}", denial.code()), (account, unit, window)))
        .with("code", denial.code());
    if let Some(spender) = asked.spender() {
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
        ("asked", wanted),
        ("available", available),
    ];
    with_numbers(alert, (account, unit, window), numbers)
}

fn shadow_denied(asked: &Asked, shadow: &ShadowDenial) -> Alert {
    let ShadowDenial {
        account, unit, window, limit, spent, held, asked: wanted, available, ..
    } = shadow;
    let who = asked.spender().unwrap_or(account);
    let message = format!(
        "{who} would have been denied by a limit on trial: {account} has {available} {unit} left of {limit} {unit} ({window}; {spent} spent, {held} held), asked {wanted} {unit}"
    );
    let alert = Alert::new(Severity::Low, topic!("budget.shadow_denied"), message)
        .about(who.as_str())
        .keyed(key(format_args!("budget.shadow_denied"), (account, unit, window)));
    let numbers = [
        ("limit", limit),
        ("spent", spent),
        ("held", held),
        ("asked", wanted),
        ("available", available),
    ];
    with_numbers(alert, (account, unit, window), numbers)
}

fn stopped(stop: &Stop) -> Alert {
    let Stop { is_end, account, reason, metadata } = stop;
    let by = metadata.get("by").and_then(serde_json::Value::as_str);
    let (severity, topic, what) = if *is_end {
        (Severity::Informational, topic!("budget.resumed"), "may spend again")
    } else {
        let what = "is suspended: neither it nor an account below it may spend";
        (Severity::Critical, topic!("budget.suspended"), what)
    };
    let mut message = format!("{account} {what}");
    if let Some(by) = by {
        message = format!("{message}, by {by}");
    }
    if let Some(reason) = reason {
        message = format!("{message}: {reason}");
    }
    let key = format!("{topic} {account}");
    let mut alert = Alert::new(severity, topic, message)
        .about(account.as_str())
        .keyed(key)
        .with("account", account.as_str());
    if let Some(by) = by {
        alert = alert.with("by", by);
    }
    if let Some(reason) = reason {
        alert = alert.with("reason", reason.as_str());
    }
    if !metadata.is_empty() {
        alert = alert.with("command", metadata.clone());
    }
    alert
}

impl Asked {
    const fn spender(&self) -> Option<&AccountId> {
        match &self.0 {
            Kind::Spending(account) => Some(account),
            Kind::Stopping(_) | Kind::Else => None,
        }
    }
}

/// What makes an alert the same as one before: what it tells, and of which limit. The account stands last,
/// since only its name may have blanks.
fn key(
    what: std::fmt::Arguments<'_>,
    (account, unit, window): (&AccountId, &Unit, &Window),
) -> String {
    format!("{what} {unit} ({window}) {account}")
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

/// When the hold ends that was placed by this command, if it was granted and nobody ends it before.
pub(super) fn expiry(command: &Command) -> Option<std::time::Duration> {
    match &command.action {
        Action::PlaceHold(place) => Some(place.ttl),
        Action::ExtendHold { .. } | _ => None,
    }
}

/// The instant at which a hold that was placed now runs out.
pub(super) fn expires_at(receipt: &Receipt, ttl: std::time::Duration) -> Timestamp {
    receipt.at.saturating_add(ttl)
}
