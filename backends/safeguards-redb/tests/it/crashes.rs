//! What is left when the disk fails, runs full or loses power: all that was answered, and nothing by half.

use std::sync::Arc;

use safeguards_budget::{
    Batch, Charge, Command, EntryId, Ledger, LedgerErrorKind, LedgerExt, Limit, OpenAccount,
    Outcome,
};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_testkit::audit::audit_ledger;
use safeguards_types::{OperationIds, SimClock, Timestamp, Unit, usd};

use crate::disk::Disk;

fn clock() -> SimClock {
    SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap())
}

fn open(disk: &Disk) -> RedbStore {
    let mut options = RedbOptions::default();
    options.clock = Arc::new(clock());
    options.snapshot_every = 10;
    options.cache_bytes = 1 << 20;
    options.open_on(disk.clone()).unwrap()
}

/// A linked batch that opens two accounts, and pairs of charges, each pair a linked batch.
fn batches(count: usize) -> Vec<Vec<Command>> {
    let ids = OperationIds::seeded(7);
    let mint = || ids.mint(Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
    let account = |name| OpenAccount::new(name).limit(Limit::lifetime(usd!(1000)));
    let opening = ["a", "b"].map(|name| Command::new(mint(), account(name)));
    let pair = |_| ["a", "b"].map(|name| Command::new(mint(), Charge::new(name, usd!(1)))).to_vec();
    std::iter::once(opening.to_vec()).chain((0..count).map(pair)).collect()
}

async fn send(store: &RedbStore, commands: &[Command]) -> Option<Vec<Outcome>> {
    store.submit(Batch::linked(commands.to_vec())).await.ok()
}

/// What was answered is answered again, what was not is there as a whole or not at all, and the books agree.
async fn check(disk: &Disk, batches: &[Vec<Command>], answered: &[Vec<Outcome>]) {
    let store = open(disk);
    let page = store.entries(EntryId::FIRST, 10_000).await.unwrap();
    assert!(page.entries.len() >= 2 * answered.len(), "an answer is lost");
    assert!(page.entries.len().is_multiple_of(2), "half a batch is there");
    assert!(audit_ledger(&store).await.unwrap().is_empty());
    for (commands, outcomes) in batches.iter().zip(answered) {
        assert_eq!(send(&store, commands).await.as_ref(), Some(outcomes));
    }
    // Sent again, all of it is there once.
    for commands in batches {
        assert!(send(&store, commands).await.unwrap().iter().all(Result::is_ok));
    }
    for name in ["a", "b"] {
        let account = store.account(&name.into()).await.unwrap().unwrap();
        let spent = account.spent.get(&Unit::USD).steps() / usd!(1).quantity().steps();
        assert_eq!(spent, batches.len() as i128 - 1);
    }
    drop(store);
    let store = open(disk);
    assert!(audit_ledger(&store).await.unwrap().is_empty());
}

/// Power is lost after each flush and between, with all, none, every other and the first of the writes since.
#[tokio::test]
async fn a_loss_of_power_loses_nothing_that_was_answered() {
    let batches = batches(24);
    let mut answered = Vec::new();
    let disk = Disk::default();
    let store = open(&disk);
    for commands in &batches {
        answered.push(send(&store, commands).await.unwrap());
        for keeps in [|_| true, |_| false, |at: usize| at.is_multiple_of(2), |at| at == 0] {
            check(&disk.after_power_loss(keeps), &batches, &answered).await;
        }
    }
}

/// Each flush fails once: who waited is told that the outcome is unknown, who comes later that nothing happened, and
/// what is on the disk is right.
#[tokio::test]
async fn after_a_failed_flush_nothing_is_done_until_it_is_opened_again() {
    let batches = batches(24);
    let (mut unknown, mut untouched) = (0, 0);
    for fails_at in 1..40 {
        let disk = Disk::default();
        let store = open(&disk);
        disk.fail_at(disk.flushes() + fails_at);
        let mut answered = Vec::new();
        for commands in &batches {
            match store.submit(Batch::linked(commands.clone())).await {
                Ok(outcomes) => answered.push(outcomes),
                Err(error) => {
                    unknown += u32::from(error.kind() == LedgerErrorKind::OutcomeUnknown);
                    let error = store.submit(Batch::linked(commands.clone())).await.unwrap_err();
                    assert_eq!(error.kind(), LedgerErrorKind::NotApplied);
                    assert!(
                        store.account(&"a".into()).await.is_err(),
                        "what is not flushed is shown"
                    );
                    assert!(store.entries(EntryId::FIRST, 1).await.is_err());
                    untouched += 1;
                    break;
                }
            }
        }
        drop(store);
        check(&disk.after_power_loss(|at| at.is_multiple_of(3)), &batches, &answered).await;
    }
    assert!(unknown > 10 && untouched > 10, "{unknown} unknown, {untouched} untouched");
}

/// A disk that takes no more writes is told as that, at work and when it is opened, and nothing that was answered is lost.
#[tokio::test]
async fn a_disk_that_is_read_only_is_told() {
    let batches = batches(24);
    let disk = Disk::default();
    let store = open(&disk);
    let mut answered = Vec::new();
    for commands in &batches[..12] {
        answered.push(send(&store, commands).await.unwrap());
    }
    disk.make_read_only();
    let error = store.submit(Batch::linked(batches[12].clone())).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap();
    let causes = std::iter::successors(Some(cause), |cause| cause.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    assert!(causes.iter().any(|cause| cause.contains("read-only")), "{causes:?}");
    assert!(store.submit(Batch::linked(batches[13].clone())).await.is_err(), "it is poisoned");
    drop(store);
    let error = RedbOptions::default().open_on(disk.clone()).unwrap_err();
    assert_eq!(error.code(), "store.io", "{error}");
    check(&disk.after_power_loss(|_| false), &batches, &answered).await;
}

/// A full disk is told as that, and the file is right as far as it goes.
#[tokio::test]
async fn a_full_disk_is_told() {
    let batches = batches(400);
    let disk = Disk::default();
    let store = open(&disk);
    disk.full_at(disk.len());
    let mut answered = Vec::new();
    let error = loop {
        match store.submit(Batch::linked(batches[answered.len()].clone())).await {
            Ok(outcomes) => answered.push(outcomes),
            Err(error) => break error,
        }
    };
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("no room is left on its disk"), "{cause}");
    drop(store);
    let left = disk.after_power_loss(|_| false);
    check(&left, &batches, &answered).await;
}
