//! A storm of alerts over many groups, with a channel that is down, one that is slow, one that flaps and one that
//! is healthy, on simulated time.
//!
//! `SAFEGUARDS_ALERTS` says how many alerts are sent; `cargo xtask extra` may send millions.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    sync::Arc,
    time::Duration,
};

use safeguards_notify::{
    Alert, AlertId, AlertQuery, AlertRecord, Alerts, ChannelOptions, DeadLetter, DeadReason,
    GroupLabel, MemoryAlertStore, MemoryAlertStoreBounds, Muted, Notification, Retry, Rules, topic,
};
use safeguards_testkit::{Attempt, ChannelFault, FaultyChannel, PausedClock, RecordingChannel};
use safeguards_types::{Clock, OperationIds, Severity, Timestamp};
use tokio::time::{Instant, sleep};

const ALERTS: usize = 100_000;
const GROUPS: usize = 200;
/// In how many steps of time the alerts are sent, and how long one is.
const STEPS: usize = 100;
const STEP: Duration = Duration::from_secs(6);
const INTERVAL: Duration = Duration::from_mins(1);
const COOLDOWN: Duration = Duration::from_mins(2);
/// How many things each group says again and again.
const SAYINGS: usize = 10;

const CHANNELS: [&str; 4] = ["down", "slow", "flapping", "healthy"];

/// The alert of this number. Every third is about the first group and says something new; of the others, every
/// second says what its group said before.
fn alert(number: usize) -> Alert {
    let group = if number.is_multiple_of(3) { 0 } else { number.wrapping_mul(7_919) % GROUPS };
    let message = if group != 0 && number.is_multiple_of(2) {
        format!("again {}", number / 2 % SAYINGS)
    } else {
        format!("new {number}")
    };
    about(group, message)
}

fn about(group: usize, message: String) -> Alert {
    Alert::new(Severity::High, topic!("budget.denied"), message).about(format!("agent {group}"))
}

/// What came of a storm.
struct Aftermath {
    began: Timestamp,
    sent: usize,
    history: Vec<AlertRecord>,
    attempts: BTreeMap<&'static str, Vec<Attempt>>,
    arrived: BTreeMap<&'static str, Vec<Arc<Notification>>>,
    dead: Vec<DeadLetter>,
}

/// Sends so many alerts. Where their ids are `seeded`, all happens again in every detail.
async fn storm(count: usize, seeded: bool) -> Aftermath {
    let clock = PausedClock::new();
    let began = clock.now();
    let ids = OperationIds::seeded(7);
    let mut bounds = MemoryAlertStoreBounds::default();
    (bounds.history, bounds.dead_letters) = (usize::MAX, usize::MAX);
    let store = MemoryAlertStore::with_bounds(bounds);

    let mut rules = Rules::default();
    let root = rules.otherwise.group_by(vec![GroupLabel::Topic, GroupLabel::Agent]);
    rules.otherwise = root.interval(INTERVAL).cooldown(COOLDOWN);
    let mut builder = Alerts::builder().clock(clock.clone()).memory(store.clone()).rules(rules);
    let mut channels = BTreeMap::new();
    for name in CHANNELS {
        let seen = RecordingChannel::new();
        let channel = FaultyChannel::new(seen.clone());
        // Tried more often than is usual, since a lost answer is a failure too.
        let options = ChannelOptions::new().retry(Retry::attempts(12));
        builder = builder.channel_with(name, channel.clone(), options);
        channels.insert(name, (channel, seen));
    }
    channels["down"].0.fail_always(ChannelFault::Down);
    channels["slow"].0.fail_always(ChannelFault::Slow(Duration::from_secs(2)));
    let start = Instant::now();
    let mut attempts = 0_u32;
    channels["flapping"].0.plan(move |_| {
        attempts += 1;
        let is_down = start.elapsed().as_secs() / 17 % 3 == 2;
        let lost = attempts.is_multiple_of(7).then_some(ChannelFault::AnswerLost);
        if is_down { Some(ChannelFault::Down) } else { lost }
    });

    let alerts = builder.build().unwrap();
    let running = alerts.start().unwrap();
    let send = |mut alert: Alert| {
        if seeded {
            let mut json = serde_json::to_value(&alert).unwrap();
            json["id"] = serde_json::to_value(ids.mint(clock.now())).unwrap();
            alert = serde_json::from_value(json).unwrap();
        }
        alerts.send(alert);
    };
    let mut number = 0;
    for step in 0..STEPS {
        while number < count * (step + 1) / STEPS {
            send(alert(number));
            number += 1;
        }
        sleep(STEP).await;
    }
    // What repeated itself is told once more, so that the count of repeats is told as well.
    sleep(COOLDOWN).await;
    for group in 1..GROUPS {
        for saying in 0..SAYINGS {
            send(about(group, format!("again {saying}")));
            number += 1;
        }
    }
    // Within a day all that waits is delivered or given up on.
    sleep(Duration::from_hours(26)).await;
    let left = running.stop().await;
    assert_eq!((left.waiting.len(), alerts.status().gathering), (0, 0));

    Aftermath {
        began,
        sent: number,
        history: alerts.history(&AlertQuery::all().limit(usize::MAX)).await.unwrap(),
        attempts: channels.iter().map(|(name, (channel, _))| (*name, channel.attempts())).collect(),
        arrived: channels.iter().map(|(name, (_, seen))| (*name, seen.notifications())).collect(),
        dead: left.dead_letters.letters.into(),
    }
}

impl Aftermath {
    /// What arrived at a channel or became a dead letter of it, each once.
    fn made(&self, channel: &str) -> Vec<Arc<Notification>> {
        let dead = self.dead.iter().map(|letter| &letter.notification);
        let dead = dead.filter(|made| &**made.channel() == channel);
        let mut known = BTreeSet::new();
        let all = self.arrived[channel].iter().chain(dead);
        all.filter(|made| known.insert(made.id())).cloned().collect()
    }

    fn muted(&self, is_meant: impl Fn(&Muted) -> bool) -> u64 {
        let muted = self.history.iter().filter_map(|record| record.muted.as_ref());
        muted.filter(|muted| is_meant(muted)).count().try_into().unwrap()
    }

    /// Every alert is, for this channel, in exactly one notification in full, or counted, or a repeat; and every
    /// notification arrived or is a dead letter.
    fn nothing_is_lost(&self, channel: &str) {
        let made = self.made(channel);
        let in_full: Vec<AlertId> =
            made.iter().flat_map(|made| made.alerts()).filter_map(|alert| alert.id()).collect();
        let told: BTreeSet<AlertId> = in_full.iter().copied().collect();
        assert_eq!(told.len(), in_full.len(), "{channel}: an alert is told twice");
        let accepted = self.history.iter().filter(|record| record.muted.is_none());
        let accepted: BTreeSet<AlertId> = accepted.filter_map(|record| record.alert.id()).collect();
        assert!(told == accepted, "{channel}: {} of {}", told.len(), accepted.len());
        let more: u64 = made.iter().map(|made| made.more()).sum();
        let repeats: u64 = made.iter().map(|made| made.repeats()).sum();
        assert_eq!(more, self.muted(|muted| *muted == Muted::Counted), "{channel}");
        assert_eq!(
            repeats,
            self.muted(|muted| matches!(muted, Muted::Repeated { of } if told.contains(of))),
            "{channel}"
        );
        let all = in_full.len() as u64 + more + repeats;
        assert_eq!(all, self.sent as u64, "{channel}: in full, counted and repeats");
        assert!(more > 0 && repeats > 0, "{channel}: a storm has both");
    }

    /// One notification for each group and interval.
    fn one_for_each_interval(&self, channel: &str) {
        let mut by_group: BTreeMap<Vec<(String, String)>, Vec<Timestamp>> = BTreeMap::new();
        for made in self.made(channel) {
            by_group.entry(made.group().to_vec()).or_default().push(made.at());
        }
        assert_eq!(by_group.len(), GROUPS, "{channel}");
        for (group, mut times) in by_group {
            times.sort();
            let is_apart = |two: &[Timestamp]| two[1].since(two[0]) >= INTERVAL;
            assert!(times.windows(2).all(is_apart), "{channel}: {group:?}: {times:?}");
            let span = times[times.len() - 1].since(times[0]);
            let most = span.as_secs() / INTERVAL.as_secs() + 1;
            assert!(times.len() as u64 <= most, "{channel}: {group:?}: {times:?}");
        }
    }

    /// Whatever the others do, the healthy channel is given a notification at the instant at which it is made, once.
    fn the_healthy_one_waits_for_nobody(&self) {
        let attempts = &self.attempts["healthy"];
        for attempt in attempts {
            let made = attempt.delivery.notification();
            assert_eq!(attempt.after, made.at().since(self.began), "{made}");
            assert_eq!(attempt.delivery.attempt(), 1);
        }
        let ids: BTreeSet<_> = attempts.iter().map(|attempt| attempt.delivery.id()).collect();
        assert_eq!(ids.len(), attempts.len());
        assert!(self.dead.iter().all(|letter| &**letter.notification.channel() != "healthy"));
    }

    /// The dead letters of a channel, by the codes of their reasons.
    fn reasons(&self, channel: &str) -> BTreeMap<&'static str, usize> {
        let mut reasons = BTreeMap::new();
        let dead = self.dead.iter();
        for letter in dead.filter(|letter| &**letter.notification.channel() == channel) {
            *reasons.entry(letter.reason.code()).or_default() += 1;
        }
        reasons
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_with_channels_that_are_down_slow_flapping_and_healthy() {
    let count = env::var_os("SAFEGUARDS_ALERTS").map(|count| count.to_string_lossy().parse());
    let count = count.map_or(ALERTS, Result::unwrap);
    let after = storm(count, false).await;
    assert_eq!(after.history.len(), after.sent);
    for channel in CHANNELS {
        after.nothing_is_lost(channel);
        after.one_for_each_interval(channel);
    }
    after.the_healthy_one_waits_for_nobody();

    assert_eq!(after.arrived["down"].len(), 0);
    let why: Vec<_> = after.reasons("down").into_keys().collect();
    assert_eq!(why, ["notify.delivery_failed", "notify.expired", "notify.queue_full"]);
    let why: Vec<_> = after.reasons("slow").into_keys().collect();
    assert_eq!(why, ["notify.queue_full"]);
    // It never fails for long enough to be given up on.
    assert_eq!(after.reasons("flapping"), BTreeMap::new());
    assert!(after.arrived["flapping"].len() > after.made("flapping").len(), "answers were lost");
    let is_full = |letter: &&DeadLetter| matches!(letter.reason, DeadReason::QueueFull { .. });
    for letter in after.dead.iter().filter(is_full) {
        assert_eq!(letter.at, letter.notification.at(), "it is given up on when it is made");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_storm_comes_to_the_same_end() {
    let one = storm(4_000, true).await;
    let other = storm(4_000, true).await;
    for channel in CHANNELS {
        let brief = |storm: &Aftermath| -> Vec<_> {
            let attempts = storm.attempts[channel].iter();
            let attempts = attempts.map(|attempt| {
                (
                    attempt.after,
                    attempt.delivery.notification().to_string(),
                    attempt.delivery.attempt(),
                )
            });
            attempts.collect()
        };
        assert!(brief(&one) == brief(&other), "{channel}");
    }
    let texts = |storm: &Aftermath| storm.dead.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts(&one), texts(&other));
}
