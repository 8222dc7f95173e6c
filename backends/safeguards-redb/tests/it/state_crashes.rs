//! What is left of shared state when the disk fails, runs full or loses power: all that was answered, and nothing by half.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use redb::{Database, ReadableDatabase, ReadableTableMetadata, TableDefinition};
use safeguards_budget::{LedgerExt, OpenAccount};
use safeguards_coord::{
    KeyRules, MemoryStateStore, Revision, StateChanges, StateEntry, StateError, StateKey,
    StatePage, StateQuery, StateScope, StateStore, StateStoreBounds, StateTerms, StateWrite,
};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_types::{Clock, SimClock, Timestamp};

use crate::disk::Disk;

const AGENTS: [&str; 2] = ["a", "b"];
const KEYS: [&str; 4] = ["k/1", "k/2", "k/3", "l"];
/// How long is waited for what is to come at once. Only where that never comes does anybody wait.
const PATIENCE: Duration = Duration::from_secs(20);

fn clock() -> SimClock {
    SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap())
}

fn bounds() -> StateStoreBounds {
    let mut bounds = StateStoreBounds::default();
    (bounds.history_kept, bounds.changes_kept) = (2, 12);
    bounds
}

fn open(disk: &Disk, clock: &SimClock) -> RedbStore {
    let mut options = RedbOptions::default();
    options.clock = Arc::new(clock.clone());
    options.cache_bytes = 1 << 20;
    options.state = bounds();
    options.open_on(disk.clone()).unwrap()
}

fn key(text: &str) -> StateKey {
    StateKey::parse(text).unwrap()
}

/// Something that an agent does, a while after what was done before.
#[derive(Clone, Debug)]
struct Act {
    wait_ms: u64,
    agent: &'static str,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Write(StateWrite),
    Amend(StateTerms),
    Delete(StateKey),
}

/// Acts of every kind, the same each time.
fn acts(count: usize) -> Vec<Act> {
    let mut random = 1_u64;
    let mut next = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from((random >> 33) % below).unwrap()
    };
    let mut act = |number: usize| {
        let name = KEYS[next(4)];
        let ttl = Duration::from_secs(1 + next(5) as u64);
        let what = match next(10) {
            0 => What::Delete(key(name)),
            1 => What::Amend(StateTerms::of(name).unwrap().ttl(ttl)),
            2 => What::Amend(StateTerms::of(name).unwrap().rules(KeyRules::private())),
            chosen => {
                let text = format!("{number}{}", "x".repeat(next(600)));
                let write = StateWrite::new(name, text).unwrap();
                What::Write(match chosen {
                    3 | 4 => write.ttl(ttl),
                    5 | 6 => write.rules(KeyRules::public()),
                    _ => write,
                })
            }
        };
        Act { wait_ms: 500 * next(3) as u64, agent: AGENTS[next(2)], what }
    };
    (0..count).map(&mut act).collect()
}

async fn play(store: &dyn StateStore, clock: &SimClock, act: &Act) -> Result<Revision, StateError> {
    let Act { wait_ms, agent, what } = act.clone();
    clock.advance(Duration::from_millis(wait_ms));
    let agent = agent.into();
    match what {
        What::Write(write) => store.write(&agent, write).await,
        What::Amend(terms) => store.amend(&agent, terms).await,
        What::Delete(key) => store.delete(&agent, &key, None).await,
    }
}

/// What was answered, so that it can be compared.
fn told(answer: &Result<Revision, StateError>) -> String {
    answer.as_ref().map_or_else(ToString::to_string, ToString::to_string)
}

fn is_failure(answer: &Result<Revision, StateError>) -> bool {
    matches!(answer, Err(StateError::Store(_)))
}

type Versions = Vec<Arc<StateEntry>>;

/// All that can be seen.
#[derive(Debug, PartialEq)]
struct Seen {
    pages: Vec<StatePage>,
    versions: Vec<Result<Versions, String>>,
    changes: Vec<Result<StateChanges, String>>,
}

async fn see(store: &dyn StateStore) -> Seen {
    let (mut pages, mut versions, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    for agent in AGENTS {
        let agent = agent.into();
        pages.push(store.list(&agent, &StateQuery::all()).await.unwrap());
        for name in KEYS {
            let told = store.history(&agent, &key(name), usize::MAX).await;
            versions.push(told.map_err(|error| error.to_string()));
        }
        let latest = pages[0].revision.number();
        for back in 0..14 {
            let after = Revision::new(latest.saturating_sub(back));
            let told = store.changes(&agent, &StateScope::all(), after, usize::MAX).await;
            changes.push(told.map_err(|error| error.to_string()));
        }
    }
    Seen { pages, versions, changes }
}

/// A store in memory in which these acts were done, by a clock that then tells this time.
async fn twin(acts: &[Act], now: Timestamp) -> (MemoryStateStore, SimClock) {
    let clock = clock();
    let store = MemoryStateStore::builder().clock(clock.clone()).bounds(bounds()).build();
    for act in acts {
        let _: Result<_, _> = play(&store, &clock, act).await;
    }
    clock.set(now);
    (store, clock)
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
        assert_eq!(told(&answer), told(&play(&other, &others_clock, act).await));
    }
    assert_eq!(see(&store).await, see(&other).await);
}

/// Power is lost after each answer, with all, none, every other and the first of the writes since.
#[tokio::test]
async fn a_loss_of_power_loses_nothing_that_was_answered() {
    let (acts, disk, clock) = (acts(40), Disk::default(), clock());
    let store = open(&disk, &clock);
    let mut changes = 0;
    for (number, act) in acts.iter().enumerate() {
        let answer = play(&store, &clock, act).await;
        assert!(!is_failure(&answer), "{answer:?}");
        changes += usize::from(answer.is_ok());
        for keeps in [|_| true, |_| false, |at: usize| at.is_multiple_of(2), |at| at == 0] {
            check(&disk.after_power_loss(keeps), clock.now(), &acts, number + 1).await;
        }
    }
    assert!(changes > 20, "{changes} changes");
}

/// Each flush fails once: who waits is told, nothing is shown that is not on the disk, and what is there is right.
#[tokio::test]
async fn after_a_failed_flush_nothing_is_done_until_it_is_opened_again() {
    let acts = acts(40);
    let mut failed = 0;
    for fails_at in 1..36 {
        let (disk, clock) = (Disk::default(), clock());
        let store = open(&disk, &clock);
        disk.fail_at(disk.flushes() + fails_at);
        let mut answered = 0;
        for act in &acts {
            let answer = play(&store, &clock, act).await;
            if !is_failure(&answer) {
                answered += 1;
                continue;
            }
            let error = answer.unwrap_err();
            assert_eq!((error.code(), error.is_retryable()), ("state.unavailable", true));
            let (agent, all) = ("a".into(), StateScope::all());
            let page = store.list(&agent, &StateQuery::all()).await;
            let looks = [
                store.read(&agent, &key("l")).await.err(),
                page.err(),
                StateStore::history(&store, &agent, &key("l"), 1).await.err(),
                store.changes(&agent, &all, Revision::ZERO, 1).await.err(),
                store.changed(&all, Revision::ZERO).await.err(),
                store.sweep().await.err(),
                play(&store, &clock, act).await.err(),
            ];
            let codes = looks.map(|error| error.map(|error| error.code()));
            assert_eq!(codes, [Some("state.unavailable"); 7], "what is not flushed is shown");
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
    assert!(failed > 25, "{failed} failed");
}

/// Where many keys end at once, others may write in between: they end in several turns, and power may be lost between.
#[tokio::test]
async fn many_keys_end_in_several_turns() {
    let (disk, clock) = (Disk::default(), clock());
    let store = open(&disk, &clock);
    let agent = "a".into();
    let names: Vec<String> = (0..1_100).map(|number| format!("{number:04}")).collect();
    let writes = names.iter().map(|name| {
        let write = StateWrite::new(name.as_str(), 1).unwrap().ttl(Duration::from_secs(1));
        StateStore::write(&store, &agent, write)
    });
    assert!(join_all(writes).await.iter().all(Result::is_ok));
    clock.advance(Duration::from_secs(1));
    let before = disk.flushes();
    // The third turn is lost.
    disk.fail_at(before + 3);
    store.sweep().await.unwrap_err();
    assert_eq!(disk.flushes(), before + 3);
    let left = disk.after_power_loss(|_| false);
    let db = Database::builder().create_with_backend(left.clone()).unwrap();
    let read = db.begin_read().unwrap();
    let present = read.open_table(TableDefinition::<&str, (u64, u64)>::new("state.present"));
    assert_eq!(present.unwrap().len().unwrap(), 1_100 - 2 * 512);
    drop((read, db));
    let store = open(&left, &clock);
    let page = store.list(&agent, &StateQuery::all()).await.unwrap();
    assert_eq!((page.entries.len(), page.revision), (0, Revision::new(2_200)));
}

/// Who waits for a change is not left waiting where none can come any more, whoever it was that could not write.
#[tokio::test]
async fn who_waits_is_told_where_the_disk_fails() {
    for by_ledger in [false, true] {
        let (disk, clock) = (Disk::default(), clock());
        let store = open(&disk, &clock);
        let waiting: Vec<_> = [StateScope::key("never").unwrap(), StateScope::prefix("nev")]
            .into_iter()
            .map(|scope| {
                let store = store.clone();
                tokio::spawn(async move { store.changed(&scope, Revision::ZERO).await })
            })
            .collect();
        tokio::task::yield_now().await;
        disk.fail_at(disk.flushes() + 1);
        if by_ledger {
            store.open_account(OpenAccount::new("a"), store.operation()).await.unwrap_err();
        } else {
            let write = StateWrite::new("k", 1).unwrap();
            StateStore::write(&store, &"a".into(), write).await.unwrap_err();
        }
        for waiting in waiting {
            let told = tokio::time::timeout(PATIENCE, waiting).await.expect("it is told");
            assert_eq!(told.unwrap().unwrap_err().code(), "state.unavailable", "{by_ledger}");
        }
    }
}

/// A full disk is told as that, and the file is right as far as it goes.
#[tokio::test]
async fn a_full_disk_is_told() {
    let (disk, clock) = (Disk::default(), clock());
    let store = open(&disk, &clock);
    disk.full_at(disk.len());
    let large = |number: usize| Act {
        wait_ms: 0,
        agent: "a",
        what: What::Write(
            StateWrite::new(KEYS[number % 4], format!("{number}{}", "x".repeat(100_000))).unwrap(),
        ),
    };
    let acts: Vec<_> = (0..400).map(large).collect();
    let mut answered = 0;
    let error = loop {
        match play(&store, &clock, &acts[answered]).await {
            Ok(_) => answered += 1,
            Err(error) => break error,
        }
    };
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("no room is left on its disk"), "{cause}");
    drop(store);
    let left = disk.after_power_loss(|_| false);
    check(&left, clock.now(), &acts[..=answered], answered).await;
}
