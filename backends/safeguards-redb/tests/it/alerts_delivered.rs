//! A hub that was killed, and opened again on the store, goes on with what was not delivered.

use std::{fs, path::Path};

use safeguards_notify::{
    Alert, AlertQuery, AlertStore, Alerts, AlertsBuilder, Channel, GroupBy, Rules, topic,
};
use safeguards_redb::RedbStore;
use safeguards_testkit::{ChannelFault, FaultyChannel, RecordingChannel};
use safeguards_types::Severity;

fn hub(store: &RedbStore, channel: impl Channel) -> AlertsBuilder {
    let mut rules = Rules::default();
    rules.otherwise = rules.otherwise.group_by(GroupBy::Each);
    Alerts::builder().rules(rules).channel("ops", channel).store(store.clone())
}

fn note(message: &str) -> Alert {
    Alert::new(Severity::Medium, topic!("team.note"), message)
}

/// Runs a future on a runtime of its own, which is gone afterwards with all that still runs on it.
fn on_a_machine<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// How many notifications are queued and how many alerts wait, by the file.
async fn unfinished(store: &RedbStore) -> (usize, usize) {
    let unfinished = store.unfinished().await.unwrap();
    (unfinished.queued.len(), unfinished.waiting.len())
}

/// Delivers one, hangs with the next, and is gone then.
fn cut_off(path: &Path, image: &Path) {
    on_a_machine(async {
        let store = RedbStore::open(path).unwrap();
        let seen = RecordingChannel::new();
        let channel = FaultyChannel::new(seen.clone());
        channel.plan(|delivery| {
            let is_first = delivery.notification().first().message() == "one";
            (!is_first).then_some(ChannelFault::Hang)
        });
        let alerts = hub(&store, channel.clone()).build().unwrap();
        let _running = alerts.start().unwrap();
        alerts.send_saved(note("one")).await.unwrap();
        seen.wait_for(1).await;
        for message in ["two", "three"] {
            alerts.send_saved(note(message)).await.unwrap();
        }
        // Until the file knows that the first arrived, and nothing more is to be written.
        while unfinished(&store).await != (2, 0) || alerts.status().unsaved > 0 {
            tokio::task::yield_now().await;
        }
        // As it is for a process that is killed now: nobody closes the file.
        fs::copy(path, image).unwrap();
    });
}

#[test]
fn a_hub_that_was_killed_goes_on_with_what_was_not_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    cut_off(&path("closed.redb"), &path("killed.redb"));
    for file in ["closed.redb", "killed.redb"] {
        on_a_machine(async {
            let store = RedbStore::open(path(file)).unwrap();
            assert_eq!(unfinished(&store).await, (2, 0), "{file}");
            let seen = RecordingChannel::new();
            let alerts = hub(&store, seen.clone()).build().unwrap();
            let running = alerts.start().unwrap();
            seen.wait_for(2).await;
            alerts.send_saved(note("four")).await.unwrap();
            seen.wait_for(3).await;
            let undelivered = running.stop().await;
            assert!(undelivered.is_empty(), "{file}: {undelivered:?}");
            let came = seen.notifications();
            let came: Vec<&str> = came.iter().map(|came| came.first().message()).collect();
            assert_eq!(came, ["two", "three", "four"], "{file}");
            assert!(store.unfinished().await.unwrap().is_empty(), "{file}");
            let history = store.history(&AlertQuery::all()).await.unwrap();
            let history: Vec<&str> = history.iter().map(|record| record.alert.message()).collect();
            assert_eq!(history, ["one", "two", "three", "four"], "{file}");
        });
    }
}
