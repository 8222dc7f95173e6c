//! The registry in memory under eight threads: nothing is lost, nobody is seen by half, and the changes tell all.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use safeguards_discovery::{
    Capability, Change, ChangeKind, MemoryRegistry, Query, Registration, Revision, Status,
};
use safeguards_types::{AgentId, SimClock, Timestamp};

const THREADS: usize = 8;
const ROUNDS: usize = 200;
/// Fewer than there are threads, so that they meet.
const SHARED: usize = 5;

fn capability(name: &str) -> Capability {
    Capability::new(name).unwrap()
}

/// Who is here and what each can do, from the changes alone.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told(BTreeMap<AgentId, BTreeSet<String>>);

impl Told {
    fn hear(&mut self, change: Change) {
        let Self(here) = self;
        match change.kind {
            ChangeKind::Arrived { .. } => {
                assert!(here.insert(change.agent, BTreeSet::new()).is_none(), "it was here");
            }
            ChangeKind::Advertised { capability } => {
                let it = here.get_mut(&change.agent).expect("it is here");
                assert!(it.insert(capability.to_string()), "it had this");
            }
            ChangeKind::Withdrawn { name, version } => {
                let it = here.get_mut(&change.agent).expect("it is here");
                let mut gone = capability(name.as_str());
                gone.version = version;
                assert!(it.remove(&gone.to_string()), "it had not this");
            }
            ChangeKind::Deleted | ChangeKind::Expired => {
                assert!(here.remove(&change.agent).is_some(), "it was not here");
            }
            ChangeKind::Described | ChangeKind::StatusChanged { .. } => {
                assert!(here.contains_key(&change.agent), "it is here");
            }
            other => panic!("what is {other:?}?"),
        }
    }

    fn of(registry: &MemoryRegistry) -> Self {
        let found = registry.sync().find(&Query::all().limit(10_000)).unwrap();
        let told = |capabilities: Vec<_>| capabilities.iter().map(ToString::to_string).collect();
        let found = found.agents.into_iter().map(|one| (one.agent, told(one.capabilities)));
        Self(found.collect())
    }
}

#[test]
fn changes_tell_what_eight_threads_did() {
    let clock = SimClock::at(Timestamp::UNIX_EPOCH);
    let registry = MemoryRegistry::builder().clock(clock.clone()).changes_kept(1_000_000).build();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let work = |number: usize| {
            let (registry, clock) = (&registry, &clock);
            move || {
                for round in 0..ROUNDS {
                    let registry = registry.sync();
                    let shared = AgentId::from(format!("shared-{}", round % SHARED));
                    let own = AgentId::from(format!("own-{number}-{}", round % 50));
                    let pair = [capability("pair.left"), capability("pair.right")];
                    let said = pair.into_iter().fold(
                        Registration::new(&shared, Duration::from_millis(40)).replacing(),
                        Registration::capability,
                    );
                    let lease = registry.register(said).unwrap();
                    registry
                        .register(Registration::lasting(&own).capability(capability("own")))
                        .unwrap();
                    match (round + number) % 5 {
                        // Any of these may be gone meanwhile.
                        0 => _ = registry.delete(&shared),
                        1 => _ = registry.renew(&lease, Some(Status::new().load(1))),
                        2 => _ = registry.register(Registration::lasting(&shared).replacing()),
                        3 => registry.withdraw(&own, &capability("own").name, None).unwrap(),
                        _ => clock.advance(Duration::from_millis(1)),
                    }
                }
            }
        };
        let workers: Vec<_> = (0..THREADS).map(|number| scope.spawn(work(number))).collect();
        scope.spawn(|| {
            // Whoever has one of a pair has the other.
            while !is_done.load(Ordering::SeqCst) {
                for asked in ["pair", "pair.left"] {
                    let found = registry.sync().find(&Query::new(asked).unwrap()).unwrap();
                    for one in found.agents {
                        let pair = if asked == "pair" { 2 } else { 1 };
                        assert_eq!(one.capabilities.len(), pair, "{one:?}");
                    }
                }
            }
        });
        let ends: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_done.store(true, Ordering::SeqCst);
        assert!(ends.iter().all(Result::is_ok), "{ends:?}");
    });

    let mut told = Told::default();
    let mut revision = Revision::ZERO;
    let mut latest_at = Timestamp::UNIX_EPOCH;
    loop {
        let page = registry.sync().changes(revision, 10_000).unwrap();
        if page.changes.is_empty() {
            break;
        }
        for change in page.changes {
            assert_eq!(change.revision.number(), revision.number() + 1, "no gaps");
            assert!(latest_at <= change.at, "time never goes back: {change:?}");
            (revision, latest_at) = (change.revision, change.at);
            told.hear(change);
        }
    }
    let found = Told::of(&registry);
    assert_eq!(told, found);
    let own = found.0.keys().filter(|agent| agent.as_str().starts_with("own-")).count();
    assert_eq!(own, THREADS * 50, "nobody who came under a name of its own is lost");
}

/// One change wakes everybody who waits.
#[tokio::test]
async fn all_who_wait_are_woken() {
    use safeguards_discovery::Registry as _;

    let registry = MemoryRegistry::new();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let registry = registry.clone();
            tokio::spawn(async move { registry.changed(Revision::ZERO).await })
        })
        .collect();
    tokio::task::yield_now().await;
    registry.register(Registration::lasting("a")).await.unwrap();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
}
