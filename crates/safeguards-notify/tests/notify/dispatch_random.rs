//! Whatever is sent, silenced, acknowledged, and restarted: no alert is lost, and none is told that should not be.
//!
//! `SAFEGUARDS_CASES=10000` runs so many random lives of a hub.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    time::Duration,
};

use proptest::{collection::vec, prelude::*};
use safeguards_notify::{
    Alert, AlertId, AlertMatch, AlertQuery, AlertRecord, DeadLetters, Escalation, GroupBy,
    GroupLabel, Inhibition, MemoryAlertStore, MemoryAlertStoreBounds, Muted, Notification, Route,
    Router, Rules, Silence, SilenceId, route, topic,
};
use safeguards_testkit::ChannelFault;
use safeguards_types::{Clock, Severity, Timestamp};

use crate::dispatch_hub::{Desk, Room};

const CHANNELS: [&str; 3] = ["log", "chat", "mail"];
const AGENTS: [&str; 3] = ["ada", "bob", "cyd"];
const COOLDOWN: Duration = Duration::from_mins(5);
const LASTS: Duration = Duration::from_mins(2);

/// One thing that happens to a hub.
#[derive(Clone, Debug)]
enum Turn {
    Send {
        agent: usize,
        severity: Severity,
        word: u32,
        keyed: bool,
    },
    Wait {
        seconds: u64,
    },
    Acknowledge {
        latest: usize,
    },
    Resolve {
        latest: usize,
    },
    Silence {
        agent: usize,
        seconds: u64,
    },
    Unsilence,
    Fault {
        channel: usize,
        fault: Option<ChannelFault>,
    },
    Resend {
        letter: usize,
    },
    /// The process is killed, and another goes on, perhaps by other rules.
    Restart {
        rules: usize,
    },
}

fn turn() -> impl Strategy<Value = Turn> {
    let severity = prop::sample::select(vec![Severity::Low, Severity::High, Severity::Critical]);
    let fault = prop::sample::select(vec![
        None,
        Some(ChannelFault::Down),
        Some(ChannelFault::Refused),
        Some(ChannelFault::Hang),
        Some(ChannelFault::AnswerLost),
        Some(ChannelFault::Slow(Duration::from_secs(3))),
    ]);
    prop_oneof![
        12 => (0..3_usize, severity, 0..3_u32, any::<bool>())
            .prop_map(|(agent, severity, word, keyed)| Turn::Send { agent, severity, word, keyed }),
        6 => prop_oneof![Just(0), 1..70_u64, 200..2_000_u64].prop_map(|seconds| Turn::Wait { seconds }),
        1 => (0..6_usize).prop_map(|latest| Turn::Acknowledge { latest }),
        1 => (0..6_usize).prop_map(|latest| Turn::Resolve { latest }),
        1 => (0..3_usize, 1..500_u64).prop_map(|(agent, seconds)| Turn::Silence { agent, seconds }),
        1 => Just(Turn::Unsilence),
        2 => (0..3_usize, fault).prop_map(|(channel, fault)| Turn::Fault { channel, fault }),
        1 => (0..3_usize).prop_map(|letter| Turn::Resend { letter }),
        1 => (0..RULES).prop_map(|rules| Turn::Restart { rules }),
    ]
}

const RULES: usize = 5;

fn grave() -> AlertMatch {
    AlertMatch::all().at_least(Severity::Critical)
}

fn rules(number: usize) -> Rules {
    let root = |change: fn(Route) -> Route| {
        let mut rules = Rules::default();
        rules.otherwise = change(rules.otherwise);
        rules
    };
    let of_agent = |agent: &str| AlertMatch::all().agent(agent);
    match number {
        0 => Rules::default(),
        1 => root(|root| root.group_by(GroupBy::Each).cooldown(COOLDOWN)).to(["log", "chat"]),
        2 => root(|root| {
            let late = Escalation::after(Duration::from_mins(10), ["mail", "chat"]);
            let root = root.group_by(vec![GroupLabel::Agent]).wait(Duration::from_secs(20));
            root.escalate(late).escalate(Escalation::after(Duration::from_mins(20), ["log"]))
        })
        .to(["log"]),
        3 => root(|root| root.wait(Duration::from_secs(5)).cooldown(COOLDOWN))
            .to(["log"])
            .route(Route::when(of_agent("ada")).to(["chat"]).goes_on())
            .route(Route::when(grave()).to(["mail", "chat"]).group_by(vec![]).goes_on())
            .route(Route::when(of_agent("bob")).nowhere()),
        _ => {
            let less = AlertMatch::all().at_most(Severity::High);
            let inhibition = Inhibition::new(grave(), less).equal([GroupLabel::Agent]);
            root(|root| root.wait(Duration::from_secs(30))).inhibit(inhibition.lasts(LASTS))
        }
    }
}

/// What the test knows by itself.
struct Model {
    rules: usize,
    sent: Vec<AlertId>,
    /// The channels that each is for, by its route, and whether it is muted from the beginning.
    meant: BTreeMap<AlertId, BTreeSet<String>>,
    silences: Vec<(SilenceId, usize, Timestamp)>,
    /// The critical alerts since the hub was made that nobody resolved.
    grave: Vec<(AlertId, String, Timestamp)>,
    /// Since when no escalation may tell of it.
    seen_to: BTreeMap<AlertId, Timestamp>,
}

/// A life of a hub, and what it left.
struct Life {
    desk: Option<Desk>,
    store: MemoryAlertStore,
    model: Model,
}

fn made(rules_number: usize, room: Room, store: &MemoryAlertStore) -> Desk {
    Desk::in_memory(room, rules(rules_number), store)
}

impl Life {
    fn new(rules: usize) -> Self {
        let mut bounds = MemoryAlertStoreBounds::default();
        (bounds.history, bounds.dead_letters) = (usize::MAX, usize::MAX);
        let store = MemoryAlertStore::with_bounds(bounds);
        let desk = made(rules, Room::new(&CHANNELS), &store);
        let model = Model {
            rules,
            sent: Vec::new(),
            meant: BTreeMap::new(),
            silences: Vec::new(),
            grave: Vec::new(),
            seen_to: BTreeMap::new(),
        };
        Self { desk: Some(desk), store, model }
    }

    fn desk(&self) -> &Desk {
        self.desk.as_ref().unwrap()
    }

    fn now(&self) -> Timestamp {
        self.desk().room.clock.now()
    }

    fn record(&self, id: AlertId) -> AlertRecord {
        self.store.sync().history(&AlertQuery::all().id(id)).remove(0)
    }

    fn dead(&self) -> DeadLetters {
        self.store.sync().dead_letters()
    }

    async fn take(&mut self, turn: &Turn) {
        match turn {
            Turn::Send { agent, severity, word, keyed } => {
                let alert = Alert::new(*severity, topic!("team.note"), format!("word {word}"));
                let alert = alert.about(AGENTS[*agent]);
                self.send(&if *keyed { alert.keyed(format!("key {word}")) } else { alert });
            }
            Turn::Wait { seconds } => self.desk().wait(*seconds).await,
            Turn::Acknowledge { latest } => {
                if let Some(id) = self.latest(*latest) {
                    self.desk().alerts.acknowledge(id, "ada").await.unwrap();
                    let now = self.now();
                    self.model.seen_to.entry(id).or_insert(now);
                }
            }
            Turn::Resolve { latest } => {
                if let Some(id) = self.latest(*latest) {
                    self.desk().alerts.resolve(id, "ada").await.unwrap();
                    let now = self.now();
                    for record in self.store.sync().history(&AlertQuery::all().limit(usize::MAX)) {
                        let id = record.alert.id().unwrap();
                        if record.resolved.is_some() {
                            self.model.grave.retain(|(source, ..)| *source != id);
                            self.model.seen_to.entry(id).or_insert(now);
                        }
                    }
                }
            }
            Turn::Silence { agent, seconds } => {
                let until = self.now().saturating_add(Duration::from_secs(*seconds));
                let silence = Silence::until(AlertMatch::all().agent(AGENTS[*agent]), until);
                let id = self.desk().alerts.silence(silence);
                self.model.silences.push((id, *agent, until));
            }
            Turn::Unsilence => {
                if let Some((id, _, until)) = self.model.silences.pop() {
                    let is_there = until > self.now();
                    assert_eq!(self.desk().alerts.unsilence(id), is_there);
                }
            }
            Turn::Fault { channel, fault } => {
                let faulty = self.desk().room.faulty(CHANNELS[*channel]);
                match fault {
                    Some(fault) => faulty.fail_always(*fault),
                    None => faulty.mend(),
                }
            }
            Turn::Resend { letter } => {
                if let Some(letter) = self.dead().letters.get(*letter) {
                    self.desk().alerts.resend(letter.id()).await.unwrap();
                }
            }
            Turn::Restart { rules } => {
                let room = self.desk.take().unwrap().kill().await;
                self.model.rules = *rules;
                self.model.silences.clear();
                self.model.grave.clear();
                self.desk = Some(made(*rules, room, &self.store));
            }
        }
    }

    fn latest(&self, number: usize) -> Option<AlertId> {
        self.model.sent.iter().rev().nth(number).copied()
    }

    /// Sends, and compares what is made of it at once with what should be.
    fn send(&mut self, alert: &Alert) {
        let now = self.now();
        let id = self.desk().send(alert.clone());
        let record = self.record(id);
        let agent = alert.agent().unwrap().as_str().to_owned();

        let rules = rules(self.model.rules);
        let names = CHANNELS.map(Into::into);
        let router = Router::new(rules.clone(), &names).unwrap();
        let stops = route(&rules, alert, now).stops;
        let meant: BTreeSet<String> = stops
            .iter()
            .flat_map(|stop| &router.settings(stop.route).to)
            .map(ToString::to_string)
            .collect();
        let to: BTreeSet<String> = record.to.iter().map(ToString::to_string).collect();
        assert_eq!(to.len(), record.to.len(), "no channel twice");

        let is_silenced = self
            .model
            .silences
            .iter()
            .any(|(_, whom, until)| AGENTS[*whom] == agent && *until > now);
        let is_grave = alert.severity() == Severity::Critical;
        let muting = self.model.rules == 4
            && !is_grave
            && self
                .model
                .grave
                .iter()
                .any(|(_, whom, at)| *whom == agent && at.saturating_add(LASTS) > now);
        if is_grave {
            self.model.grave.push((id, agent, now));
        }
        match &record.muted {
            Some(Muted::Silenced { .. }) => assert!(is_silenced && to.is_empty()),
            Some(Muted::Inhibited { .. }) => assert!(!is_silenced && muting && to.is_empty()),
            Some(Muted::NoChannel) => assert!(meant.is_empty() && !is_silenced && !muting),
            Some(Muted::Repeated { of }) => {
                assert!(!is_silenced && !muting && to.is_subset(&meant) && to != meant);
                let earlier = self.record(*of);
                assert!(earlier.muted.is_none() || !earlier.to.is_empty(), "{earlier:?} was told");
                assert!(earlier.alert.at().unwrap().saturating_add(COOLDOWN) > now);
                assert_eq!(earlier.resolved, None, "what is resolved is news");
                assert_eq!(earlier.alert.key(), alert.key());
                assert_eq!(earlier.alert.message(), alert.message());
            }
            Some(Muted::Counted) => panic!("no group is that large here"),
            None => {
                assert!(!is_silenced && !muting, "{record:?}");
                assert_eq!(to, meant);
            }
            Some(other) => panic!("{other:?}"),
        }
        self.model.sent.push(id);
        self.model.meant.insert(id, to);
    }

    /// Every alert is, for each channel that it was accepted for, in exactly one place.
    fn check(&self, arrived: &BTreeMap<&str, Vec<Notification>>, is_over: bool) {
        let unfinished = self.store.sync().unfinished();
        if is_over {
            assert!(unfinished.is_empty(), "{unfinished:#?}");
        }
        let dead = self.dead();
        for record in self.store.sync().history(&AlertQuery::all().limit(usize::MAX)) {
            let id = record.alert.id().unwrap();
            for channel in &self.model.meant[&id] {
                let holds = |made: &Notification| {
                    **made.channel() == **channel
                        && made.escalation().is_none()
                        && made.alerts().any(|alert| alert.id() == Some(id))
                };
                let waits = unfinished.waiting.iter().filter(|(alert, channels)| {
                    alert.id() == Some(id) && channels.iter().any(|name| **name == **channel)
                });
                let queued = unfinished.queued.iter().map(|made| &**made);
                let letters = dead.letters.iter().map(|letter| &*letter.notification);
                let made = queued.chain(letters).chain(&arrived[&**channel]);
                let made: BTreeSet<_> =
                    made.filter(|made| holds(made)).map(Notification::id).collect();
                let places = waits.count() + made.len();
                let was_muted =
                    matches!(record.muted, Some(Muted::Silenced { .. } | Muted::Inhibited { .. }));
                assert!(
                    places == 1 || places == 0 && was_muted,
                    "{channel}: {places} places of {record:#?}\n{arrived:#?}"
                );
            }
        }
        for made in arrived.values().flatten().filter(|made| made.escalation().is_some()) {
            for alert in made.alerts() {
                let seen_to = self.model.seen_to.get(&alert.id().unwrap());
                assert!(
                    seen_to.is_none_or(|seen_to| *seen_to >= made.at()),
                    "{alert:?} was seen to, and told at {}",
                    made.at()
                );
            }
        }
    }
}

async fn live(first: usize, turns: Vec<Turn>) {
    let mut life = Life::new(first);
    let mut arrived: BTreeMap<&str, Vec<Notification>> = BTreeMap::new();
    let mut look = |life: &Life, is_over| {
        for channel in CHANNELS {
            arrived.entry(channel).or_default().extend(life.desk().room.take(channel));
        }
        life.check(&arrived, is_over);
    };
    for turn in &turns {
        life.take(turn).await;
        look(&life, false);
    }
    for channel in CHANNELS {
        life.desk().room.faulty(channel).mend();
    }
    life.desk().wait(100_000).await;
    look(&life, true);
}

fn config() -> ProptestConfig {
    let cases = env::var_os("SAFEGUARDS_CASES").map(|cases| cases.to_string_lossy().parse());
    ProptestConfig::with_cases(cases.map_or(64, Result::unwrap))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_alert_is_lost_whatever_happens(first in 0..RULES, turns in vec(turn(), 1..60)) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(live(first, turns));
    }
}
