//! A process that is killed at any point: all that it had answered is there, and nothing by half.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command as Process, Stdio},
    time::Duration,
};

use safeguards_budget::{Batch, Charge, Command, EntryId, Ledger, LedgerExt, Limit, OpenAccount};
use safeguards_coord::{Revision, StateKey, StateQuery, StateScope, StateStore, StateWrite};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_testkit::audit::audit_ledger;
use safeguards_types::{OperationId, Unit, usd};

use crate::moved::check_whole;

/// The child finds here which file it works on.
const FILE: &str = "SAFEGUARDS_KILLED_FILE";

/// How often the child is killed; the long run says how often instead.
const KILLS: &str = "SAFEGUARDS_KILLS";

/// After so many a new file is begun: all of a file is looked at after each.
const KILLS_PER_FILE: u32 = 50;

const ACCOUNTS: [&str; 2] = ["a", "b"];

fn open(path: &Path) -> RedbStore {
    let mut options = RedbOptions::default();
    options.snapshot_every = 50;
    options.open(path).unwrap()
}

/// Both accounts are charged, or neither is.
fn pair(op: OperationId) -> Batch {
    let charge = |name| Command::new(op.step(name), Charge::new(name, usd!(0.01)));
    Batch::linked(ACCOUNTS.map(charge))
}

/// Shared state that names an operation.
fn note(writer: usize, op: OperationId) -> StateWrite {
    StateWrite::new(format!("w/{writer}"), op.to_string()).unwrap()
}

/// One write, so that a line is there as a whole or cut off at the end of all.
fn say(line: &str) {
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// The child: many writers, and a line for each pair and each note that was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of the test that kills it"]
#[expect(clippy::disallowed_methods, reason = "a child is told by its environment")]
async fn child() {
    let store = open(Path::new(&env::var(FILE).unwrap()));
    for name in ACCOUNTS {
        let open = OpenAccount::new(name).limit(Limit::lifetime(usd!(1_000_000)));
        // It was opened by a child before, or is now.
        let _: Result<_, _> = store.open_account(open, store.operation()).await;
    }
    let mut writers = tokio::task::JoinSet::<()>::new();
    for writer in 0..16 {
        let store = store.clone();
        writers.spawn(async move {
            loop {
                let op = store.operation();
                let outcomes = store.submit(pair(op)).await.unwrap();
                let entry = outcomes[0].as_ref().unwrap().entry;
                say(&format!("answered {op} {entry}\n"));
                let write = note(writer, op);
                let key = write.key.clone();
                let revision = StateStore::write(&store, &"a".into(), write).await.unwrap();
                say(&format!("noted {op} {revision} {key}\n"));
            }
        });
    }
    writers.join_all().await;
}

/// What a child was answered.
enum Told {
    /// The first entry of the pair of an operation.
    Pair(OperationId, EntryId),
    /// The change of a key that was to name an operation.
    Note(OperationId, Revision, StateKey),
}

impl Told {
    fn of_line(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split(' ').collect();
        match *words {
            ["answered", op, entry] => {
                let entry = EntryId::new(entry.parse().ok()?);
                Some(Self::Pair(OperationId::parse(op).ok()?, entry))
            }
            ["noted", op, revision, key] => {
                let (revision, key) = (Revision::new(revision.parse().ok()?), key.parse().ok()?);
                Some(Self::Note(OperationId::parse(op).ok()?, revision, key))
            }
            _ => None,
        }
    }

    async fn check(&self, store: &RedbStore) {
        match self {
            Self::Pair(op, entry) => {
                let again = store.submit(pair(*op)).await.unwrap();
                assert_eq!(again[0].as_ref().map(|receipt| receipt.entry), Ok(*entry));
            }
            Self::Note(op, revision, key) => {
                let (agent, scope) = ("anybody".into(), StateScope::from(key));
                let after = Revision::new(revision.number() - 1);
                let told = store.changes(&agent, &scope, after, 1).await.unwrap();
                assert_eq!(told.changes[0].revision, *revision);
                let noted = &told.changes[0].kind.entry().unwrap().value;
                assert_eq!(**noted, op.to_string());
            }
        }
    }
}

/// Lets a child work, kills it, and gives what it was answered.
fn kill_one(path: &Path, after: Duration) -> Vec<Told> {
    let mut child = Process::new(env::current_exe().unwrap())
        .args(["--exact", "kills::child", "--ignored", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = |line: String| Told::of_line(&line);
    // What is killed is a child that works.
    let first = lines.by_ref().map(Result::unwrap).find_map(told).unwrap();
    let killer = std::thread::spawn(move || {
        std::thread::park_timeout(after);
        child.kill().unwrap();
        child.wait().unwrap()
    });
    let mut all = vec![first];
    all.extend(lines.map_while(Result::ok).filter_map(told));
    assert!(!killer.join().unwrap().success(), "it ended by itself");
    all
}

/// What happened to shared state after a revision has no gaps, and is what is there. Gives the latest revision.
async fn check_state(store: &RedbStore, after: Revision) -> Revision {
    let (agent, all) = ("anybody".into(), StateScope::all());
    let (mut next, mut latest) = (after, BTreeMap::new());
    loop {
        let page = store.changes(&agent, &all, next, usize::MAX).await.unwrap();
        if page.next == next {
            break;
        }
        for (number, change) in (next.number() + 1..).zip(page.changes) {
            assert_eq!(change.revision.number(), number, "a change is missing");
            latest.insert(change.key, change.revision);
        }
        next = page.next;
    }
    let page = store.list(&agent, &StateQuery::all()).await.unwrap();
    assert_eq!(page.revision, next);
    for entry in page.entries {
        assert!(latest.get(&entry.key).map_or(entry.revision <= after, |it| *it == entry.revision));
    }
    next
}

/// What many kills left.
#[derive(Debug, Default)]
struct Left {
    answered: usize,
    changes: u64,
    bytes: u64,
}

/// Killed again and again, each time on the file that the one before left; `first` is which kill of all is the first.
fn kill_often(first: u32, kills: u32) -> Left {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut answered, mut state_at) = (0, Revision::ZERO);
    for kill in first..first + kills {
        // From right after the first answer to long after it, and never twice the same.
        let told = kill_one(&path, Duration::from_micros(u64::from(kill) * 7_919 % 60_000));
        answered += told.len();
        runtime.block_on(async {
            let store = open(&path);
            for told in &told {
                told.check(&store).await;
            }
            state_at = check_state(&store, state_at).await;
            let page = store.entries(EntryId::FIRST, usize::MAX).await.unwrap();
            assert_eq!(page.first_kept, EntryId::FIRST);
            assert!(page.entries.len().is_multiple_of(2), "half a pair is there");
            let mut spent = Vec::new();
            for name in ACCOUNTS {
                spent.push(
                    store.account(&name.into()).await.unwrap().unwrap().spent.get(&Unit::USD),
                );
            }
            assert_eq!(spent[0], spent[1], "half a pair counts");
            assert!(audit_ledger(&store).await.unwrap().is_empty());
        });
    }
    check_whole(&path);
    Left { answered, changes: state_at.number(), bytes: fs::metadata(&path).unwrap().len() }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the long run says how often")]
fn what_was_answered_is_there_wherever_it_was_killed() {
    let kills: u32 = env::var(KILLS).map_or(25, |kills| kills.parse().unwrap());
    let mut all = Left::default();
    let firsts = (0..kills).step_by(usize::try_from(KILLS_PER_FILE).unwrap());
    for first in firsts {
        let left = kill_often(first, KILLS_PER_FILE.min(kills - first));
        all.answered += left.answered;
        all.changes += left.changes;
        all.bytes += left.bytes;
    }
    let Left { answered, changes, bytes } = all;
    println!(
        "{kills} kills, {answered} answers, all there; {changes} changes of shared state; {bytes} bytes"
    );
}
