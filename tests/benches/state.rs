//! What shared state costs, beside the map under a lock that people write by hand. Each row is described in
//! `docs/reference/benches.md`.
#![expect(clippy::float_arithmetic, reason = "times and ratios are no money")]

mod bench;

use std::{
    collections::HashMap,
    future::Future,
    hint::black_box,
    pin::pin,
    sync::{Arc, RwLock},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bench::{Reach::Times, Table, part_of, timed, timed_by};
use safeguards_coord::{
    KeyRules, MemoryStateStore, Revision, SharedState, StateKey, StateQuery, StateScope,
    StateStore, StateWrite,
};
use safeguards_types::{AgentId, SimClock, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;

/// How many keys there are.
const KEYS: usize = 1_000;
/// How many others wait, each for a key of its own.
const WAITING: usize = 10_000;

fn main() {
    let mut table = Table::begin("state", "values of three fields, 1,000 keys, in memory");
    reading(&mut table);
    writing(&mut table);
    watching(&mut table);
    table.end();
}

fn reading(table: &mut Table) {
    table.row("read", "a locked map, cloned", &[Times(3.0)], || {
        let (ours, theirs) = (Ours::open(), Theirs::open());
        (
            move |count| {
                let round = ours.round(count);
                timed(|| ours.read(&round))
            },
            move |count| {
                let round = theirs.round(count);
                timed(|| theirs.read(&round))
            },
        )
    });
    table.row("read, 2 threads", "a locked map, cloned", &[Times(3.0)], || {
        let (ours, theirs) = (Ours::open(), Theirs::open());
        (
            move |count| {
                let round = ours.round(count * 2);
                timed_by(2, |thread| ours.read(part_of(&round, thread, 2)))
            },
            move |count| {
                let round = theirs.round(count * 2);
                timed_by(2, |thread| theirs.read(part_of(&round, thread, 2)))
            },
        )
    });
    table.row("get at `SharedState`, key as text", "a locked map, cloned", &[Times(3.0)], || {
        let (ours, theirs) = (Ours::open(), Theirs::open());
        let state = SharedState::new(Arc::new(ours.store.clone()), Arc::new(clock()));
        (
            move |count| {
                let round = ours.round(count);
                timed(|| {
                    for key in round {
                        black_box(at_once(state.get(&ours.agent, key.as_str())).unwrap());
                    }
                })
            },
            move |count| {
                let round = theirs.round(count);
                timed(|| theirs.read(&round))
            },
        )
    });
}

fn writing(table: &mut Table) {
    table.row("write with revision", "a locked map", &[Times(5.0)], || {
        let (mut ours, theirs) = (Ours::open(), Theirs::open());
        (
            move |count| {
                let round = ours.round(count);
                ours.write(&round)
            },
            move |count| {
                let round = theirs.round(count);
                timed(|| {
                    for key in round {
                        let value = theirs.value.clone();
                        theirs.map.write().unwrap().insert(key.clone(), value);
                    }
                })
            },
        )
    });
    let work = "compare-and-set: read, add one, write with revision";
    table.row(work, "read and written at once", &[], || {
        let store = MemoryStateStore::builder().clock(clock()).build();
        let (agent, key) = (AgentId::from("a"), StateKey::parse("n").unwrap());
        store.sync().write(&agent, StateWrite::new(&key, 0).unwrap()).unwrap();
        let map = RwLock::new(HashMap::from([("n".to_owned(), json!(0))]));
        (
            move |count| {
                timed(|| {
                    for _ in 0..count {
                        let old = store.sync().read(&agent, &key).unwrap();
                        let value = old.value().and_then(Value::as_u64).unwrap() + 1;
                        let write = StateWrite::new(&key, value).unwrap();
                        let write = write.if_revision(old.revision);
                        black_box(store.sync().write(&agent, write).unwrap());
                    }
                })
            },
            move |count| {
                timed(|| {
                    for _ in 0..count {
                        let old = map.read().unwrap()["n"].clone();
                        let value = old.as_u64().unwrap() + 1;
                        map.write().unwrap().insert("n".to_owned(), json!(value));
                    }
                })
            },
        )
    });
    table.row("write, 10,000 wait for others", "nobody waits", &[Times(1.5)], || {
        let (mut ours, mut alone) = (Ours::open(), Ours::open());
        let store = Box::leak(Box::new(ours.store.clone()));
        let latest = store.sync().list(&ours.agent, &StateQuery::all()).unwrap().revision;
        let mut context = Context::from_waker(Waker::noop());
        let scopes = (0..WAITING).map(|number| StateScope::prefix(format!("other/{number}")));
        let scopes: &'static Vec<_> = Box::leak(Box::new(scopes.collect::<Vec<_>>()));
        let mut waiting: Vec<_> =
            scopes.iter().map(|scope| Box::pin(store.changed(scope, latest))).collect();
        for one in &mut waiting {
            assert!(one.as_mut().poll(&mut context).is_pending());
        }
        (
            move |count| {
                let round = ours.round(count);
                let took = ours.write(&round);
                assert_eq!(waiting.len(), WAITING);
                took
            },
            move |count| {
                let round = alone.round(count);
                alone.write(&round)
            },
        )
    });
}

fn watching(table: &mut Table) {
    table.row("change, told to a task that waits", "a watch channel", &[], || {
        let ours = Ours::open();
        let key = ours.keys[0].clone();
        let mut context = Context::from_waker(Waker::noop());
        let (sender, mut receiver) = watch::channel(ours.value.clone());
        let value = ours.value.clone();
        (
            move |count| {
                let sync = ours.store.sync();
                let scope = StateScope::from(&key);
                let mut after = sync.read(&ours.agent, &key).unwrap().as_of;
                timed(|| {
                    for _ in 0..count {
                        let mut waiting = pin!(ours.store.changed(&scope, after));
                        assert!(waiting.as_mut().poll(&mut context).is_pending());
                        let write = StateWrite::new(&key, ours.value.clone()).unwrap();
                        sync.write(&ours.agent, write).unwrap();
                        assert!(matches!(waiting.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
                        let changes = sync.changes(&ours.agent, &scope, after, 100).unwrap();
                        after = changes.next;
                        assert_eq!(black_box(changes).changes.len(), 1);
                    }
                })
            },
            move |count| {
                let mut context = Context::from_waker(Waker::noop());
                timed(|| {
                    for _ in 0..count {
                        {
                            let mut waiting = pin!(receiver.changed());
                            assert!(waiting.as_mut().poll(&mut context).is_pending());
                            sender.send(value.clone()).unwrap();
                            assert!(waiting.as_mut().poll(&mut context).is_ready());
                        }
                        black_box(receiver.borrow_and_update().clone());
                    }
                })
            },
        )
    });
}

fn clock() -> SimClock {
    SimClock::at(Timestamp::UNIX_EPOCH)
}

fn value() -> Value {
    json!({ "status": "complete", "location": "/tmp/research_data.json", "rows": 1_234 })
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

fn name(number: usize) -> String {
    format!("jobs/{number}/status")
}

/// So many keys, drawn at random, the same for all sides.
fn drawn<K: Clone>(keys: &[K], count: usize) -> Vec<K> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..count).map(|_| keys[random.usize(..keys.len())].clone()).collect()
}

struct Ours {
    store: MemoryStateStore,
    agent: AgentId,
    keys: Vec<StateKey>,
    value: Value,
    /// The revision of each key that was written.
    revisions: HashMap<StateKey, Revision>,
}

impl Ours {
    fn open() -> Self {
        let store = MemoryStateStore::builder().clock(clock()).build();
        let keys: Vec<_> = (0..KEYS).map(|one| StateKey::parse(&name(one)).unwrap()).collect();
        let agent = AgentId::from("a");
        let mut revisions = HashMap::new();
        for key in &keys {
            let write = StateWrite::new(key, value()).unwrap().rules(KeyRules::new());
            revisions.insert(key.clone(), store.sync().write(&agent, write).unwrap());
        }
        Self { store, agent, keys, value: value(), revisions }
    }

    fn round(&self, count: usize) -> Vec<StateKey> {
        drawn(&self.keys, count)
    }

    fn read(&self, round: &[StateKey]) {
        for key in round {
            black_box(self.store.sync().read(&self.agent, key).unwrap());
        }
    }

    /// Writes each on the revision that it has; a key that is drawn twice has the one from before it was.
    fn write(&mut self, round: &[StateKey]) -> Duration {
        let latest = self.store.sync().read(&self.agent, &round[0]).unwrap().as_of.number();
        let mut conditions = Vec::with_capacity(round.len());
        for (number, key) in (1..).zip(round) {
            conditions.push((key, self.revisions[key]));
            self.revisions.insert(key.clone(), Revision::new(latest + number));
        }
        timed(|| {
            for (key, revision) in conditions {
                let write = StateWrite::new(key, self.value.clone()).unwrap();
                let write = write.if_revision(revision);
                black_box(self.store.sync().write(&self.agent, write).unwrap());
            }
        })
    }
}

struct Theirs {
    map: RwLock<HashMap<String, Value>>,
    keys: Vec<String>,
    value: Value,
}

impl Theirs {
    fn open() -> Self {
        let keys: Vec<_> = (0..KEYS).map(name).collect();
        let map = keys.iter().map(|key| (key.clone(), value())).collect();
        Self { map: RwLock::new(map), keys, value: value() }
    }

    fn round(&self, count: usize) -> Vec<String> {
        drawn(&self.keys, count)
    }

    fn read(&self, round: &[String]) {
        for key in round {
            black_box(self.map.read().unwrap().get(key).cloned().unwrap());
        }
    }
}
