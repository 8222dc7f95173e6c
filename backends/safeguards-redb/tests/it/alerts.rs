//! The suite of every store of alerts, each case on a file of its own, and what only a file can get wrong.

use std::{path::Path, sync::Arc, time::Duration};

use proptest::{collection::vec, prelude::*, sample::select};
use safeguards_notify::{
    Alert, AlertChange, AlertId, AlertQuery, AlertRecord, AlertStore, DeadLetter, DeadReason,
    DeliveryId, Mark, MemoryAlertStore, MemoryAlertStoreBounds, Muted, Notification,
};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_testkit::{StoreEnv, StoreSetup};
use safeguards_types::{OperationIds, Timestamp};
use serde_json::json;

use crate::moved::check_whole;

fn open(path: &Path, bounds: MemoryAlertStoreBounds) -> RedbStore {
    let mut options = RedbOptions::default();
    options.alerts = bounds;
    options.open(path).unwrap()
}

mod suite {
    use safeguards_testkit::alert_store_conformance;

    use super::*;

    async fn make(setup: StoreSetup) -> StoreEnv {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.redb");
        let open = move || -> Arc<dyn AlertStore> { Arc::new(open(&path, setup.bounds)) };
        StoreEnv::new(open())
            .reopens(move || {
                let store = open();
                async move { store }
            })
            .keeping(folder)
    }

    alert_store_conformance!(make, durable);
}

const CHANNELS: [&str; 2] = ["ops", "mail"];

fn second(number: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(number))
}

fn id(number: u64) -> AlertId {
    OperationIds::seeded(number).mint(second(number)).into()
}

fn alert(number: u64) -> Alert {
    let alert = json!({
        "id": id(number), "at": second(number), "severity": "high", "topic": "team.note",
        "message": format!("alert {number}"), "metadata": { "cost": 0.1 },
    });
    serde_json::from_value(alert).unwrap()
}

fn named(channels: &[&str]) -> Vec<Arc<str>> {
    channels.iter().map(|channel| Arc::from(*channel)).collect()
}

fn delivery(number: u64, channel: &str) -> DeliveryId {
    DeliveryId::of(id(number), channel)
}

fn notification(number: u64, other: u64, channel: &str) -> Arc<Notification> {
    let made = Notification::new(delivery(number, channel), channel, alert(number));
    Arc::new(if number == other { made } else { made.with_alert(alert(other)) })
}

fn accepted(number: u64, channels: &[&str]) -> AlertChange {
    AlertChange::Accepted(AlertRecord::new(alert(number), named(channels)))
}

fn given_up(number: u64, other: u64, channel: &str) -> AlertChange {
    let letter = DeadLetter::new(
        notification(number, other, channel),
        DeadReason::NoChannel,
        second(number + 100),
    );
    AlertChange::GivenUp(letter)
}

fn change() -> impl Strategy<Value = AlertChange> {
    let of = || 0..6_u64;
    let channel = || select(CHANNELS.to_vec());
    let mark = || (0..3_u64).prop_map(|at| Mark::new(second(at), "ada"));
    let escalation = |(number, taken): (u64, usize)| {
        serde_json::from_value(json!({
            "id": delivery(number, "escalation"), "group": [], "since": second(number),
            "steps": [{ "after": "15m", "to": ["mail"] }], "taken": taken,
            "alerts": [alert(number)], "more": 7,
        }))
        .unwrap()
    };
    let lists: Vec<&[&str]> = vec![&[], &["ops"], &["ops", "mail"]];
    prop_oneof![
        6 => (of(), select(lists.clone())).prop_map(|(of, to)| accepted(of, to)),
        1 => (of(), select(lists)).prop_map(|(of, channels)| AlertChange::Muted {
            alert: id(of), channels: named(channels), by: Muted::Counted,
        }),
        5 => (of(), of(), channel())
            .prop_map(|(of, other, to)| AlertChange::Queued(notification(of, other, to))),
        3 => (of(), channel())
            .prop_map(|(of, to)| AlertChange::Delivered { id: delivery(of, to) }),
        4 => (of(), of(), channel()).prop_map(|(of, other, to)| given_up(of, other, to)),
        2 => (of(), channel())
            .prop_map(|(of, to)| AlertChange::Withdrawn { id: delivery(of, to) }),
        1 => (of(), mark())
            .prop_map(|(of, mark)| AlertChange::Acknowledged { alert: id(of), mark }),
        1 => (of(), mark()).prop_map(|(of, mark)| AlertChange::Resolved { alert: id(of), mark }),
        2 => (of(), 0..2_usize).prop_map(escalation).prop_map(AlertChange::Escalating),
        1 => (select(vec!["ledger", "other"]), 0..9_u64).prop_map(|(journal, entry)| {
            AlertChange::ReadTo { journal: journal.to_owned(), entry }
        }),
        1 => of().prop_map(|of| AlertChange::EscalationEnded { id: delivery(of, "escalation") }),
    ]
}

/// One commit, and what happens after it.
#[derive(Clone, Debug)]
struct Commit {
    changes: Vec<AlertChange>,
    comes_again: bool,
    is_opened_again: bool,
}

fn commit() -> impl Strategy<Value = Commit> {
    let parts = (vec(change(), 1..8), any::<bool>(), prop::bool::weighted(0.2));
    parts.prop_map(|(changes, comes_again, is_opened_again)| Commit {
        changes,
        comes_again,
        is_opened_again,
    })
}

async fn compare(store: &RedbStore, memory: &MemoryAlertStore) -> Result<(), TestCaseError> {
    let memory = memory.sync();
    prop_assert_eq!(store.unfinished().await.unwrap(), memory.unfinished());
    prop_assert_eq!(store.dead_letters().await.unwrap(), memory.dead_letters());
    let mut queries = vec![
        AlertQuery::all(),
        AlertQuery::all().limit(2),
        AlertQuery::all().unacknowledged().limit(1),
        AlertQuery::all().unresolved().since(second(2)).until(second(4)),
    ];
    queries.extend((0..6).map(|number| AlertQuery::all().id(id(number))));
    for query in queries {
        prop_assert_eq!(store.history(&query).await.unwrap(), memory.history(&query));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_file_answers_as_the_store_in_memory_does(
        history in 0..5_usize,
        dead_letters in 0..4_usize,
        commits in vec(commit(), 1..20),
    ) {
        let mut bounds = MemoryAlertStoreBounds::default();
        (bounds.history, bounds.dead_letters) = (history, dead_letters);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("fleet.redb");
            let mut store = Some(open(&path, bounds));
            let memory = MemoryAlertStore::with_bounds(bounds);
            let mut latest: Vec<AlertChange> = Vec::new();
            for Commit { changes, comes_again, is_opened_again } in commits {
                // What begins with all of the latest is a repeat of it, that is longer.
                memory.sync().commit(changes.strip_prefix(&latest[..]).unwrap_or(&changes));
                store.as_ref().unwrap().commit(&changes).await.unwrap();
                if is_opened_again {
                    drop(store.take());
                }
                let open = store.get_or_insert_with(|| open(&path, bounds));
                if comes_again {
                    open.commit(&changes).await.unwrap();
                }
                compare(open, &memory).await?;
                latest = changes;
            }
            drop(store);
            check_whole(&path);
            Ok::<(), TestCaseError>(())
        })?;
    }
}

#[tokio::test]
async fn a_commit_that_comes_again_drops_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    let bounds = StoreSetup::small().bounds;
    let changes: Vec<AlertChange> = (0..5)
        .flat_map(|number| [accepted(number, &["ops"]), given_up(number, number, "ops")])
        .collect();
    let mut longer = changes.clone();
    longer.push(given_up(5, 5, "ops"));
    for (again, dropped) in [(&changes, 2), (&changes, 2), (&longer, 3), (&longer, 3)] {
        // A store of its own each time: what it knows stands in the file.
        let store = open(&path, bounds);
        store.commit(again).await.unwrap();
        let dead = store.dead_letters().await.unwrap();
        assert_eq!((dead.dropped, dead.letters.len()), (dropped, 3));
    }
}

#[tokio::test]
async fn bounds_hold_over_thousands_and_what_is_unfinished_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    let mut bounds = MemoryAlertStoreBounds::default();
    (bounds.history, bounds.dead_letters) = (100, 50);
    let memory = MemoryAlertStore::with_bounds(bounds);
    for part in 0..4_u64 {
        let store = open(&path, bounds);
        for commit in 0..5_u64 {
            let first = part * 1_000 + commit * 200;
            let changes: Vec<AlertChange> = (first..first + 200)
                .flat_map(|number| match number % 10 {
                    0 => vec![accepted(number, &["ops", "mail"])],
                    1 => vec![
                        accepted(number, &["ops"]),
                        AlertChange::Queued(notification(number, number, "ops")),
                    ],
                    _ => vec![accepted(number, &["ops"]), given_up(number, number, "ops")],
                })
                .collect();
            memory.sync().commit(&changes);
            store.commit(&changes).await.unwrap();
        }
        compare(&store, &memory).await.unwrap();
    }
    let store = open(&path, bounds);
    compare(&store, &memory).await.unwrap();
    let unfinished = store.unfinished().await.unwrap();
    assert_eq!((unfinished.waiting.len(), unfinished.queued.len()), (400, 400));
    let dead = store.dead_letters().await.unwrap();
    assert_eq!((dead.letters.len(), dead.dropped), (50, 3_150));
    assert_eq!(store.history(&AlertQuery::all()).await.unwrap().len(), 100);
}
