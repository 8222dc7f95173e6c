//! A process that is killed at any point: all that it had answered is there, and nothing by half.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command as Process, Stdio},
    time::Duration,
};

use safeguards_budget::{Batch, Charge, Command, EntryId, Ledger, LedgerExt, Limit, OpenAccount};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_testkit::audit::audit_ledger;
use safeguards_types::{OperationId, Unit, usd};

/// The child finds here which file it works on.
const FILE: &str = "SAFEGUARDS_KILLED_FILE";

/// How often the child is killed; the long run says how often instead.
const KILLS: &str = "SAFEGUARDS_KILLS";

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

/// The child: many writers, and a line for each pair that was answered.
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
    for _ in 0..16 {
        let store = store.clone();
        writers.spawn(async move {
            loop {
                let op = store.operation();
                let outcomes = store.submit(pair(op)).await.unwrap();
                let entry = outcomes[0].as_ref().unwrap().entry;
                // One write, so that a line is there as a whole or cut off at the end of all.
                std::io::stdout().write_all(format!("answered {op} {entry}\n").as_bytes()).unwrap();
            }
        });
    }
    writers.join_all().await;
}

/// Lets a child work, kills it, and gives what it was answered: the operation, and the first entry of its pair.
fn kill_one(path: &Path, after: Duration) -> Vec<(OperationId, EntryId)> {
    let mut child = Process::new(env::current_exe().unwrap())
        .args(["--exact", "kills::child", "--ignored", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let answered = |line: String| {
        let mut words = line.strip_prefix("answered ")?.split(' ');
        let op = OperationId::parse(words.next()?).ok()?;
        Some((op, EntryId::new(words.next()?.parse().ok()?)))
    };
    // What is killed is a child that works.
    let first = lines.by_ref().map(Result::unwrap).find_map(answered).unwrap();
    let killer = std::thread::spawn(move || {
        std::thread::park_timeout(after);
        child.kill().unwrap();
        child.wait().unwrap()
    });
    let mut all = vec![first];
    all.extend(lines.map_while(Result::ok).filter_map(answered));
    assert!(!killer.join().unwrap().success(), "it ended by itself");
    all
}

/// Killed again and again, each time on the file that the one before left.
#[test]
#[expect(clippy::disallowed_methods, reason = "the long run says how often")]
fn what_was_answered_is_there_wherever_it_was_killed() {
    let kills: u32 = env::var(KILLS).map_or(25, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut answered = 0;
    for kill in 0..kills {
        // From right after the first answer to long after it, and never twice the same.
        let told = kill_one(&path, Duration::from_micros(u64::from(kill) * 7_919 % 60_000));
        answered += told.len();
        runtime.block_on(async {
            let store = open(&path);
            for (op, entry) in &told {
                let again = store.submit(pair(*op)).await.unwrap();
                assert_eq!(again[0].as_ref().map(|receipt| receipt.entry), Ok(*entry));
            }
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
    let size = fs::metadata(&path).unwrap().len();
    println!("{kills} kills, {answered} answers, all there; {size} bytes");
}
