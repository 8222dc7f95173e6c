//! [`Alerting`]: what would have been told of the replay, by the rules for alerts, on the trace's own time.

use std::sync::Arc;

use safeguards_api::ledger_alerts::{self, Asked};
use safeguards_budget::Outcome;
use safeguards_notify::{
    Alert, Alerts, BuildError, ConsoleChannel, Notification, Rules, StartError,
};
use safeguards_types::{AccountId, AgentId, Severity, SimClock, Timestamp};

use crate::rules_file;

/// How many notifications are kept; all are counted.
const KEPT_MAX: usize = 100_000;
/// The channel where no rule names one.
const CHANNEL: &str = "report";

/// A hub on the trace's time. Nothing leaves the program: what channels would get is taken down.
pub(crate) struct Alerting {
    clock: SimClock,
    alerts: Alerts,
    /// When something is to be told again.
    due: Option<Timestamp>,
    told: Notified,
}

/// What channels would have got.
#[derive(Debug, Default)]
pub(crate) struct Notified {
    /// How many alerts there were.
    pub(crate) alerts: u64,
    /// How many notifications they made.
    pub(crate) count: u64,
    /// The first of them.
    pub(crate) notifications: Vec<Told>,
    /// Whether channels are told apart: the rules name some.
    pub(crate) has_channels: bool,
    /// What the rules say in vain.
    pub(crate) warnings: Vec<String>,
}

/// A notification.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) at: Timestamp,
    pub(crate) channel: Arc<str>,
    pub(crate) severity: Severity,
    pub(crate) topic: String,
    /// What its alerts have in common.
    pub(crate) group: Vec<(String, String)>,
    pub(crate) count: u64,
    pub(crate) repeats: u64,
    pub(crate) escalation: Option<u32>,
    pub(crate) first_at: Timestamp,
    pub(crate) last_at: Timestamp,
    /// The one line that a channel would show.
    pub(crate) text: String,
    /// The message of its latest alert, for people.
    pub(crate) message: String,
}

impl Alerting {
    /// Follows these rules, as if there were every channel that they name.
    pub(crate) fn new(rules: Rules) -> Result<Self, BuildError> {
        let clock = SimClock::at(Timestamp::UNIX_EPOCH);
        let mut channels = rules_file::channels(&rules);
        let has_channels = !channels.is_empty();
        if !has_channels {
            channels.push(CHANNEL.into());
        }
        let mut hub = Alerts::builder().clock(clock.clone()).rules(rules);
        for channel in channels {
            // Never asked: who pumps a hub takes the place of its channels.
            hub = hub.channel(channel, ConsoleChannel::new(std::io::sink()));
        }
        let alerts = hub.build()?;
        let warnings = alerts.warnings().iter().map(ToString::to_string).collect();
        Ok(Self {
            clock,
            alerts,
            due: None,
            told: Notified { has_channels, warnings, ..Notified::default() },
        })
    }

    /// Time has come so far. It never goes back.
    pub(crate) fn advance(&mut self, now: Timestamp) -> Result<(), StartError> {
        while let Some(due) = self.due.filter(|due| *due <= now) {
            self.clock.set(due);
            self.pump()?;
        }
        self.clock.set(now);
        Ok(())
    }

    /// Sends what the ledger's answer to a spender tells. `name` is what the trace calls the spender.
    pub(crate) fn tell(
        &mut self,
        account: &AccountId,
        name: Option<&str>,
        outcome: &Outcome,
    ) -> Result<(), StartError> {
        let alerts = ledger_alerts::of_outcome(&Asked::spending(account), outcome);
        if alerts.is_empty() {
            return Ok(());
        }
        for alert in alerts {
            let of_spender = alert.agent().map(AgentId::as_str) == Some(account.as_str());
            let alert = match name.filter(|_| of_spender) {
                Some(name) => alert.about(name),
                None => alert,
            };
            self.told.alerts += 1;
            self.alerts.send(alert);
        }
        self.pump()
    }

    /// Lets time go on until nothing is left to tell.
    pub(crate) fn finish(mut self) -> Result<Notified, StartError> {
        while let Some(due) = self.due {
            self.clock.set(due);
            self.pump()?;
        }
        Ok(self.told)
    }

    fn pump(&mut self) -> Result<(), StartError> {
        let Self { alerts, told, due, .. } = self;
        *due = alerts.pump(|notification| told.note(notification))?;
        Ok(())
    }
}

impl Notified {
    fn note(&mut self, notification: &Notification) {
        self.count += 1;
        if self.notifications.len() >= KEPT_MAX {
            return;
        }
        let (first, latest) = (notification.first(), notification.latest());
        let at = notification.at();
        self.notifications.push(Told {
            at,
            channel: Arc::clone(notification.channel()),
            severity: notification.severity(),
            topic: latest.topic().to_string(),
            group: notification.group().to_vec(),
            count: notification.count(),
            repeats: notification.repeats(),
            escalation: notification.escalation(),
            first_at: first.at().unwrap_or(at),
            last_at: latest.at().unwrap_or(at),
            text: notification.to_string(),
            message: for_people(latest).to_owned(),
        });
    }
}

/// The message without advice to wait: the program ends, and its accounts with it.
fn for_people(alert: &Alert) -> &str {
    let message = alert.message();
    let before_advice = message.rsplit_once("; ").map(|(before, _)| before);
    before_advice.filter(|_| alert.metadata().contains_key("retry_at")).unwrap_or(message)
}
