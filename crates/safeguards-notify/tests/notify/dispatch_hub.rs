//! [`Desk`]: a running hub on the runtime's paused time, whose channels are written down in short.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, time::Duration};

use safeguards_notify::{
    Alert, AlertId, AlertQuery, AlertRecord, AlertStore, Alerts, AlertsBuilder, ChannelOptions,
    MemoryAlertStore, Muted, Notification, Rules, Running, Undelivered, topic,
};
use safeguards_testkit::{FaultyChannel, PausedClock, RecordingChannel};
use safeguards_types::{Clock, Severity, Timestamp};
use tokio::time::sleep;

/// A hub on the runtime's paused time. Its channels outlive it, so that another can go on where it stood.
pub(crate) struct Desk {
    pub(crate) alerts: Alerts,
    running: Option<Running>,
    pub(crate) room: Room,
}

/// What outlives a hub: the time, and what arrived.
#[derive(Clone)]
pub(crate) struct Room {
    pub(crate) clock: PausedClock,
    began: Timestamp,
    channels: BTreeMap<&'static str, (FaultyChannel, RecordingChannel)>,
}

impl Room {
    pub(crate) fn new(channels: &[&'static str]) -> Self {
        let clock = PausedClock::new();
        let made = channels.iter().map(|name| {
            let seen = RecordingChannel::new();
            (*name, (FaultyChannel::new(seen.clone()), seen))
        });
        Self { began: clock.now(), channels: made.collect(), clock }
    }

    /// A builder of a hub with these of the channels.
    pub(crate) fn builder(&self, options: &ChannelOptions) -> AlertsBuilder {
        self.channels.iter().fold(
            Alerts::builder().clock(self.clock.clone()),
            |builder, (name, (channel, _))| {
                builder.channel_with(*name, channel.clone(), options.clone())
            },
        )
    }

    pub(crate) fn without(mut self, channel: &str) -> Self {
        self.channels.remove(channel);
        self
    }

    /// Whole seconds since the beginning.
    pub(crate) fn second(&self, at: Timestamp) -> u64 {
        at.since(self.began).as_secs()
    }

    pub(crate) fn after(&self, seconds: u64) -> Timestamp {
        self.began.saturating_add(Duration::from_secs(seconds))
    }

    pub(crate) fn faulty(&self, channel: &str) -> &FaultyChannel {
        &self.channels[channel].0
    }

    /// What arrived since this was asked last.
    pub(crate) fn take(&self, channel: &str) -> Vec<Notification> {
        let came = self.channels[channel].1.take();
        came.iter().map(|delivery| Notification::clone(delivery.notification())).collect()
    }

    /// The same, in short: when it was made, its messages, how many more there were, how
    /// many repeats (`x`) and which step of an escalation (`!`).
    pub(crate) fn told(&self, channel: &str) -> Vec<String> {
        let brief = |notification: &Arc<Notification>| {
            let mut text = format!("{}:", self.second(notification.at()));
            for alert in notification.alerts() {
                text.push(' ');
                text.push_str(alert.message());
            }
            if notification.more() > 0 {
                write!(text, " +{}", notification.more()).unwrap();
            }
            if notification.repeats() > 0 {
                write!(text, " x{}", notification.repeats()).unwrap();
            }
            if let Some(step) = notification.escalation() {
                write!(text, " !{step}").unwrap();
            }
            text
        };
        let came = self.channels[channel].1.take();
        came.iter().map(|delivery| brief(delivery.notification())).collect()
    }
}

impl Desk {
    /// A hub with these channels, started.
    pub(crate) fn new(rules: Rules, channels: &[&'static str]) -> Self {
        Self::with(rules, channels, &ChannelOptions::new())
    }

    pub(crate) fn with(rules: Rules, channels: &[&'static str], options: &ChannelOptions) -> Self {
        let room = Room::new(channels);
        let builder = room.builder(options).rules(rules);
        Self::started(room, builder)
    }

    /// A hub that goes on with what this store holds.
    pub(crate) fn on_store(room: Room, rules: Rules, store: impl AlertStore) -> Self {
        let builder = room.builder(&ChannelOptions::new()).rules(rules).store(store);
        Self::started(room, builder)
    }

    /// The same, for the store in memory.
    pub(crate) fn in_memory(room: Room, rules: Rules, store: &MemoryAlertStore) -> Self {
        let builder = room.builder(&ChannelOptions::new()).rules(rules).memory(store.clone());
        Self::started(room, builder)
    }

    pub(crate) fn started(room: Room, builder: AlertsBuilder) -> Self {
        let alerts = builder.build().unwrap();
        let running = Some(alerts.start().unwrap());
        Self { alerts, running, room }
    }

    /// Lets so many seconds pass, and a thousandth more, so that what is due then is done.
    pub(crate) async fn wait(&self, seconds: u64) {
        sleep(Duration::from_millis(seconds * 1_000 + 1)).await;
    }

    pub(crate) fn send(&self, alert: Alert) -> AlertId {
        self.alerts.send(alert).id
    }

    pub(crate) fn note(&self, message: &str) -> AlertId {
        self.send(note(message))
    }

    pub(crate) fn told(&self, channel: &str) -> Vec<String> {
        self.room.told(channel)
    }

    pub(crate) async fn record(&self, id: AlertId) -> AlertRecord {
        self.alerts.history(&AlertQuery::all().id(id)).await.unwrap().remove(0)
    }

    pub(crate) async fn muted(&self, id: AlertId) -> Option<Muted> {
        self.record(id).await.muted
    }

    /// The dead letters, as texts.
    pub(crate) async fn dead(&self) -> Vec<String> {
        let dead = self.alerts.dead_letters().await.unwrap();
        dead.letters.iter().map(ToString::to_string).collect()
    }

    pub(crate) async fn stop(&mut self) -> Undelivered {
        self.running.take().unwrap().stop().await
    }

    /// Ends as a process does that is killed.
    pub(crate) async fn kill(mut self) -> Room {
        drop(self.running.take());
        // What was cut off ends when the runtime comes round to it.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        self.room
    }
}

pub(crate) fn note(message: &str) -> Alert {
    Alert::new(Severity::Medium, topic!("team.note"), message)
}

pub(crate) const NOTHING: [&str; 0] = [];
