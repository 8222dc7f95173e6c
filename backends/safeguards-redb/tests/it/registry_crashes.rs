//! What is left of agents when the disk fails or loses power: all that was answered, and nothing by half.

use std::{sync::Arc, time::Duration};

use safeguards_discovery::{
    AgentRecord, Capability, CapabilityName, Changes, Found, Lease, MemoryRegistry, Query,
    Registration, Registry, RegistryErrorKind, Revision, Status,
};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_types::{Clock, SimClock, Timestamp};

use crate::disk::Disk;

const AGENTS: [&str; 4] = ["a", "b", "c", "d"];
const CHANGES_KEPT: usize = 12;
/// How long is waited for what is to come at once. Only where that never comes does anybody wait.
const PATIENCE: Duration = Duration::from_secs(20);

fn clock() -> SimClock {
    SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap())
}

fn open(disk: &Disk, clock: &SimClock) -> RedbStore {
    let mut options = RedbOptions::default();
    options.clock = Arc::new(clock.clone());
    options.cache_bytes = 1 << 20;
    options.agent_changes_kept = CHANGES_KEPT;
    options.open_on(disk.clone()).unwrap()
}

/// Something that is done, a while after what was done before.
#[derive(Clone, Debug)]
struct Act {
    wait_ms: u64,
    agent: &'static str,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Register(Registration),
    Renew(Option<Status>),
    Withdraw(CapabilityName),
    Delete,
}

/// Acts of every kind, the same each time.
fn acts(count: usize) -> Vec<Act> {
    let mut random = 1_u64;
    let mut next = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from((random >> 33) % below).unwrap()
    };
    let mut act = |number: usize| {
        let agent = AGENTS[next(4)];
        let name = ["data.read", "data.write"][next(2)];
        let what = match next(10) {
            0 => What::Delete,
            1 => What::Withdraw(CapabilityName::parse(name).unwrap()),
            2 => What::Renew(None),
            3 => What::Renew(Some(Status::new().load(u32::try_from(next(9)).unwrap()))),
            chosen => {
                let ttl = Duration::from_secs(1 + next(6) as u64);
                let registration = match chosen {
                    4 => Registration::lasting(agent),
                    _ => Registration::new(agent, ttl),
                };
                let capability = Capability::new(name).unwrap().describe(format!("as of {number}"));
                What::Register(registration.capability(capability).replacing())
            }
        };
        Act { wait_ms: 500 * next(3) as u64, agent, what }
    };
    (0..count).map(&mut act).collect()
}

/// What was answered, and whether the registry failed.
async fn play(registry: &dyn Registry, clock: &SimClock, act: &Act) -> Result<String, String> {
    let Act { wait_ms, agent, what } = act.clone();
    clock.advance(Duration::from_millis(wait_ms));
    let id = agent.into();
    let (told, code) = match what {
        What::Register(registration) => {
            let answer = registry.register(registration).await;
            (format!("{answer:?}"), answer.err().map(|error| error.code()))
        }
        What::Renew(status) => match registry.agent(&id).await {
            Err(error) => (format!("{error:?}"), Some(error.code())),
            Ok(None) => ("nobody".to_owned(), None),
            Ok(Some(record)) => {
                let lease: Lease = record.lease.clone();
                let answer = registry.renew(&lease, status).await;
                (format!("{answer:?}"), answer.err().map(|error| error.code()))
            }
        },
        What::Withdraw(name) => {
            let answer = registry.withdraw(&id, &name, None).await;
            (format!("{answer:?}"), answer.err().map(|error| error.code()))
        }
        What::Delete => {
            let answer = registry.delete(&id).await;
            (format!("{answer:?}"), answer.err().map(|error| error.code()))
        }
    };
    match code {
        Some("discovery.unavailable") => Err(told),
        Some(_) | None => Ok(told),
    }
}

/// All that can be seen.
#[derive(Debug, PartialEq)]
struct Seen {
    found: Found,
    records: Vec<Option<AgentRecord>>,
    changes: Vec<Result<Changes, String>>,
}

async fn see(registry: &dyn Registry) -> Seen {
    let found = registry.find(&Query::all()).await.unwrap();
    let mut records = Vec::new();
    for agent in AGENTS {
        records.push(registry.agent(&agent.into()).await.unwrap());
    }
    let mut changes = Vec::new();
    for back in 0..20 {
        let after = Revision::new(found.revision.number().saturating_sub(back));
        let told = registry.changes(after, usize::MAX).await;
        changes.push(told.map_err(|error| error.to_string()));
    }
    Seen { found, records, changes }
}

/// A registry in memory in which these acts were done, by a clock that then tells this time.
async fn twin(acts: &[Act], now: Timestamp) -> (MemoryRegistry, SimClock) {
    let clock = clock();
    let builder = MemoryRegistry::builder().clock(clock.clone()).changes_kept(CHANGES_KEPT);
    let registry = builder.build();
    for act in acts {
        let _: Result<_, _> = play(&registry, &clock, act).await;
    }
    clock.set(now);
    (registry, clock)
}

/// All that was answered is there, what was not is there as a whole or not at all, and all goes on from there.
async fn check(disk: &Disk, now: Timestamp, acts: &[Act], answered: usize) {
    let clock = SimClock::at(now);
    let store = open(disk, &clock);
    let seen = see(&store).await;
    let mut done = answered;
    let (mut other, mut others_clock) = twin(&acts[..done], now).await;
    if see(&other).await != seen {
        done += 1;
        (other, others_clock) = twin(&acts[..done.min(acts.len())], now).await;
        assert_eq!(see(&other).await, seen, "after {answered} answers");
    }
    for act in &acts[done.min(acts.len())..] {
        let answer = play(&store, &clock, act).await;
        assert_eq!(answer, play(&other, &others_clock, act).await);
    }
    assert_eq!(see(&store).await, see(&other).await);
}

/// Power is lost after each answer, with all, none, every other and the first of the writes since.
#[tokio::test]
async fn a_loss_of_power_loses_nothing_that_was_answered() {
    let (acts, disk, clock) = (acts(40), Disk::default(), clock());
    let store = open(&disk, &clock);
    for (number, act) in acts.iter().enumerate() {
        play(&store, &clock, act).await.unwrap();
        for keeps in [|_| true, |_| false, |at: usize| at.is_multiple_of(2), |at| at == 0] {
            check(&disk.after_power_loss(keeps), clock.now(), &acts, number + 1).await;
        }
    }
    let changes = store.find(&Query::all()).await.unwrap().revision.number();
    assert!(changes > 40, "{changes} changes");
}

/// Each flush fails once: who waits is told, nothing is shown that is not on the disk, and what is there is right.
#[tokio::test]
async fn after_a_failed_flush_nothing_is_done_until_it_is_opened_again() {
    let acts = acts(40);
    let mut failed = 0;
    for fails_at in 1..30 {
        let (disk, clock) = (Disk::default(), clock());
        let store = open(&disk, &clock);
        disk.fail_at(disk.flushes() + fails_at);
        let mut answered = 0;
        for act in &acts {
            if play(&store, &clock, act).await.is_ok() {
                answered += 1;
                continue;
            }
            let agent = "a".into();
            let looks = [
                store.find(&Query::all()).await.err().map(|error| error.code()),
                store.agent(&agent).await.err().map(|error| error.code()),
                store.changes(Revision::ZERO, 1).await.err().map(|error| error.code()),
                Registry::changed(&store, Revision::ZERO).await.err().map(|error| error.code()),
                Registry::sweep(&store).await.err().map(|error| error.code()),
                Registry::delete(&store, &agent).await.err().map(|error| error.code()),
            ];
            assert_eq!(looks, [Some("discovery.unavailable"); 6], "what is not flushed is shown");
            failed += 1;
            break;
        }
        // Closed by nobody, and closed.
        let killed = disk.after_power_loss(|at| at.is_multiple_of(3));
        check(&killed, clock.now(), &acts, answered).await;
        drop(store);
        let closed = disk.after_power_loss(|at| at.is_multiple_of(2));
        check(&closed, clock.now(), &acts, answered).await;
    }
    assert!(failed > 20, "{failed} failed");
}

/// Who waits for a change is woken when it is on the disk, and where the disk fails is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_is_told_also_where_the_disk_fails() {
    let (disk, clock) = (Disk::default(), clock());
    let store = open(&disk, &clock);
    let wait = |after: u64| {
        let store = store.clone();
        tokio::spawn(async move { Registry::changed(&store, Revision::new(after)).await })
    };
    let waiting = wait(0);
    store.register(Registration::lasting("a")).await.unwrap();
    tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap().unwrap();
    let latest = store.find(&Query::all()).await.unwrap().revision.number();
    let waiting = wait(latest);
    disk.fail_at(disk.flushes() + 1);
    let failed = Registry::delete(&store, &"a".into()).await.unwrap_err();
    assert_eq!(failed.code(), "discovery.unavailable");
    let told = tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap().unwrap_err();
    assert_eq!(told.code(), "discovery.unavailable");
    let error = store.agent(&"a".into()).await.unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Unavailable);
}
