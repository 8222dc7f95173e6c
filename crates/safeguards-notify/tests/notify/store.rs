//! What a hub goes on with after a restart, and what it does where its store fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use safeguards_notify::{
    AlertChange, AlertQuery, AlertRecord, AlertStore, AlertStoreError, Alerts, ChannelOptions,
    DeadLetters, Escalation, GroupBy, MemoryAlertStore, Rules, Unfinished,
};
use safeguards_testkit::{ChannelFault, FaultyAlertStore, PausedClock, StoreFault};
use tokio::time::sleep;

use crate::dispatch_hub::{Desk, NOTHING, Room, note};

const CHANNELS: [&str; 2] = ["ops", "mail"];

fn waiting(seconds: u64) -> Rules {
    let mut rules = Rules::default();
    rules.otherwise = rules.otherwise.wait(Duration::from_secs(seconds));
    rules
}

fn each() -> Rules {
    let mut rules = Rules::default();
    rules.otherwise = rules.otherwise.group_by(GroupBy::Each);
    rules
}

fn escalating() -> Rules {
    let mut rules = each().to(["ops"]);
    for (after, to) in [(600, "mail"), (1_200, "ops")] {
        let step = Escalation::after(Duration::from_secs(after), [to]);
        rules.otherwise = rules.otherwise.escalate(step);
    }
    rules
}

/// A memory that tells nobody that it is one: a store as any other.
#[derive(Clone, Debug, Default)]
struct Disk(MemoryAlertStore);

#[async_trait]
impl AlertStore for Disk {
    async fn commit(&self, changes: &[AlertChange]) -> Result<(), AlertStoreError> {
        self.0.commit(changes).await
    }
    async fn unfinished(&self) -> Result<Unfinished, AlertStoreError> {
        self.0.unfinished().await
    }
    async fn history(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, AlertStoreError> {
        self.0.history(query).await
    }
    async fn dead_letters(&self) -> Result<DeadLetters, AlertStoreError> {
        self.0.dead_letters().await
    }
}

fn nothing_is_left(kept: &Disk) {
    let left = kept.0.sync().unfinished();
    assert!(left.is_empty(), "{left:#?}");
}

#[tokio::test(start_paused = true)]
async fn alerts_that_waited_are_told_after_a_restart() {
    let kept = Disk::default();
    let desk = Desk::on_store(Room::new(&CHANNELS), waiting(60), kept.clone());
    for message in ["a", "b", "c"] {
        desk.note(message);
    }
    desk.wait(1).await;
    let room = desk.kill().await;
    assert_eq!(room.told("ops"), NOTHING);
    let desk = Desk::on_store(room, waiting(60), kept.clone());
    desk.note("d");
    desk.wait(100).await;
    for channel in CHANNELS {
        let mut words: Vec<String> =
            desk.told(channel).pop().unwrap().split(' ').map(str::to_owned).collect();
        words.sort();
        assert_eq!(words, ["61:", "a", "b", "c", "d"]);
    }
    nothing_is_left(&kept);
}

#[tokio::test(start_paused = true)]
async fn the_store_in_memory_hands_over_from_hub_to_hub() {
    let store = MemoryAlertStore::new();
    let desk = Desk::in_memory(Room::new(&CHANNELS), waiting(60), &store);
    desk.note("a");
    desk.wait(1).await;
    let desk = Desk::in_memory(desk.kill().await, waiting(60), &store);
    desk.wait(60).await;
    assert_eq!(
        (desk.told("ops"), desk.told("mail")),
        (vec!["61: a".to_owned()], vec!["61: a".to_owned()])
    );
    assert!(store.sync().unfinished().is_empty());
}

#[tokio::test(start_paused = true)]
async fn notifications_that_waited_are_delivered_after_a_restart_under_the_same_id() {
    let kept = Disk::default();
    let room = Room::new(&CHANNELS);
    room.faulty("ops").fail_always(ChannelFault::Hang);
    let desk = Desk::on_store(room, each(), kept.clone());
    desk.note("a");
    desk.note("b");
    desk.wait(1).await;
    let room = desk.kill().await;
    assert_eq!(room.told("mail"), ["0: a", "0: b"]);
    room.faulty("ops").mend();
    let desk = Desk::on_store(room, each(), kept.clone());
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["0: a", "0: b"]);
    assert_eq!(desk.told("mail"), NOTHING, "what arrived is not delivered again");
    let attempts = desk.room.faulty("ops").attempts();
    assert_eq!(attempts[0].delivery, attempts[1].delivery);
    nothing_is_left(&kept);
}

#[tokio::test(start_paused = true)]
async fn escalations_go_on_where_they_stood() {
    let kept = Disk::default();
    let desk = Desk::on_store(Room::new(&CHANNELS), escalating(), kept.clone());
    let a = desk.note("a");
    let b = desk.note("b");
    desk.wait(300).await;
    let room = desk.kill().await;
    // Rules that know of no escalation change nothing about those that are open.
    let desk = Desk::on_store(room, each(), kept.clone());
    desk.alerts.acknowledge(b, "ada").await.unwrap();
    desk.wait(301).await;
    assert_eq!(desk.told("ops"), ["0: a", "0: b"]);
    assert_eq!(desk.told("mail"), ["600: a !1"]);
    let room = desk.kill().await;
    let desk = Desk::on_store(room, escalating(), kept.clone());
    desk.wait(1_000).await;
    assert_eq!(desk.told("mail"), NOTHING, "a step is taken once");
    assert_eq!(desk.told("ops"), ["1200: a !2"]);
    assert_eq!(desk.record(a).await.acknowledged, None);
    nothing_is_left(&kept);
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_while_it_waited_is_not_escalated_by_the_next_process_either() {
    let kept = Disk::default();
    let mut rules = escalating();
    rules.otherwise = rules.otherwise.group_by(vec![]).wait(Duration::from_mins(1));
    let desk = Desk::on_store(Room::new(&CHANNELS), rules.clone(), kept.clone());
    let a = desk.note("a");
    desk.note("b");
    desk.alerts.acknowledge(a, "ada").await.unwrap();
    let room = desk.kill().await;
    let desk = Desk::on_store(room, rules, kept.clone());
    desk.wait(1_000).await;
    assert_eq!(desk.told("ops"), ["60: a b"]);
    assert_eq!(desk.told("mail"), ["660: b !1"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fell_due_meanwhile_is_taken_at_the_start() {
    let kept = Disk::default();
    let desk = Desk::on_store(Room::new(&CHANNELS), escalating(), kept.clone());
    desk.note("a");
    desk.wait(1).await;
    let room = desk.kill().await;
    sleep(Duration::from_secs(5_000)).await;
    let desk = Desk::on_store(room, escalating(), kept.clone());
    desk.wait(1).await;
    assert_eq!(desk.told("mail"), ["5001: a !1"]);
    assert_eq!(desk.told("ops"), ["0: a", "5001: a !2"]);
}

#[tokio::test(start_paused = true)]
async fn other_rules_lose_nothing_that_was_accepted() {
    let kept = Disk::default();
    let desk = Desk::on_store(Room::new(&CHANNELS), waiting(600), kept.clone());
    desk.note("a");
    desk.note("b");
    desk.wait(1).await;
    let room = desk.kill().await;
    // The rules know mail no longer; what was accepted for it goes there, each alone.
    let desk = Desk::on_store(room, waiting(10).to(["ops"]), kept.clone());
    desk.wait(20).await;
    assert_eq!(desk.told("ops"), ["11: a b"]);
    assert_eq!(desk.told("mail"), ["1: a", "1: b"]);
    nothing_is_left(&kept);
}

#[tokio::test(start_paused = true)]
async fn what_waited_for_a_channel_that_is_gone_is_a_dead_letter() {
    let kept = Disk::default();
    let room = Room::new(&CHANNELS);
    room.faulty("mail").fail_always(ChannelFault::Hang);
    let mut rules = waiting(600);
    let urgent = safeguards_notify::AlertMatch::all().agent("urgent");
    rules = rules.route(safeguards_notify::Route::when(urgent).group_by(GroupBy::Each));
    let desk = Desk::on_store(room, rules, kept.clone());
    desk.send(note("now").about("urgent"));
    desk.note("later");
    desk.wait(1).await;
    let room = desk.kill().await.without("mail");
    let desk = Desk::on_store(room, waiting(10), kept.clone());
    desk.wait(20).await;
    assert_eq!(desk.told("ops"), ["0: now", "11: later"]);
    assert_eq!(
        desk.dead().await,
        [
            "medium  team.note: now (did not reach mail: there is no channel of this name any longer)",
            "medium  team.note: later (did not reach mail: there is no channel of this name any longer)",
        ]
    );
    let letter = desk.alerts.dead_letters().await.unwrap().letters[0].id();
    assert_eq!(desk.alerts.resend(letter).await.unwrap_err().code(), "notify.no_channel");
    nothing_is_left(&kept);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_the_start_waits_for_it() {
    let kept = Disk::default();
    let room = Room::new(&CHANNELS);
    let builder = room.builder(&ChannelOptions::default()).rules(each()).store(kept.clone());
    let alerts = builder.build().unwrap();
    alerts.send_saved(note("a")).await.unwrap();
    assert_eq!(kept.0.sync().unfinished().queued.len(), 2);
    let running = alerts.start().unwrap();
    assert!(running.stop().await.is_empty());
    assert_eq!(room.told("ops"), ["0: a"]);
    nothing_is_left(&kept);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_a_while_delays_nobody_and_is_told_all() {
    let kept = Disk::default();
    for (fault, said) in [
        (StoreFault::Before, "the disk is away"),
        (StoreFault::After, "the answer was lost"),
        (StoreFault::Hang, "no answer within 10s"),
    ] {
        let store = FaultyAlertStore::new(kept.clone());
        let desk = Desk::on_store(Room::new(&CHANNELS), waiting(5), store.clone());
        desk.wait(1).await;
        store.fail_always(fault);
        let ids = ["a", "b"].map(|message| desk.note(message));
        desk.wait(30).await;
        assert_eq!(desk.told("ops"), ["6: a b"], "{fault:?}");
        let status = desk.alerts.status();
        assert!(status.unsaved > 0 && status.unsaved_dropped == 0, "{fault:?}: {status:?}");
        let said = format!("the store of alerts is not available: {said}");
        assert_eq!(status.store_error, Some(said));
        let sent = tokio::time::timeout(Duration::from_secs(1), desk.alerts.send_saved(note("c")));
        assert!(!matches!(sent.await, Ok(Ok(_))), "{fault:?}: it says so");
        let commits = store.commits();
        for _ in 0..100 {
            desk.note("hurry");
        }
        desk.wait(10).await;
        assert!(store.commits() - commits <= 11, "it is left alone between: {fault:?}");

        store.mend();
        desk.wait(30).await;
        let status = desk.alerts.status();
        assert_eq!((status.unsaved, status.store_error), (0, None), "{fault:?}");
        for id in ids {
            assert_eq!(kept.0.sync().history(&AlertQuery::all().id(id)).len(), 1, "{fault:?}");
        }
        desk.alerts.send_saved(note("d")).await.unwrap();
        desk.wait(100).await;
        nothing_is_left(&kept);
        desk.kill().await;
    }
}

/// Two alerts are told while the store is away; another process goes on, after it got these alerts besides. Gives
/// what both told, and whether they gave it one name.
async fn told_before_it_was_saved(besides: &[&str]) -> (Vec<String>, bool) {
    let store = FaultyAlertStore::new(Disk::default());
    let desk = Desk::on_store(Room::new(&["ops"]), waiting(5), store.clone());
    desk.note("a");
    desk.note("b");
    desk.wait(1).await;
    store.fail_always(StoreFault::Before);
    desk.wait(10).await;
    let room = desk.kill().await;
    store.mend();
    let desk = Desk::on_store(room, waiting(5), store);
    desk.wait(0).await;
    for message in besides {
        desk.note(message);
    }
    desk.wait(10).await;
    let attempts = desk.room.faulty("ops").attempts();
    (desk.told("ops"), attempts[0].delivery.id() == attempts[1].delivery.id())
}

#[tokio::test(start_paused = true)]
async fn what_is_told_again_after_a_crash_has_its_name_where_it_holds_the_same() {
    let told = ["5: a b".to_owned(), "16: a b".to_owned()];
    assert_eq!(told_before_it_was_saved(&[]).await, (told.to_vec(), true));
    // A channel that passes over what it knows must not pass over the third.
    let told = ["5: a b".to_owned(), "16: a b c".to_owned()];
    assert_eq!(told_before_it_was_saved(&["c"]).await, (told.to_vec(), false));
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_made_good_when_the_store_can_be_read() {
    let kept = Disk::default();
    let desk = Desk::on_store(Room::new(&CHANNELS), waiting(60), kept.clone());
    desk.note("a");
    desk.wait(1).await;
    let room = desk.kill().await;
    let store = FaultyAlertStore::new(kept.clone());
    store.fail_reads();
    let desk = Desk::on_store(room, each(), store.clone());
    desk.note("b");
    desk.wait(10).await;
    assert_eq!(desk.told("ops"), ["1: b"], "what is new waits for no store");
    assert_eq!(store.commits(), 0, "nothing is written before what was there is read");
    store.mend();
    desk.wait(5).await;
    assert_eq!(desk.told("ops").len(), 1);
    nothing_is_left(&kept);
}

#[tokio::test(start_paused = true)]
async fn stopping_has_an_end_where_the_store_gives_no_answer() {
    let store = FaultyAlertStore::new(Disk::default());
    let mut desk = Desk::on_store(Room::new(&CHANNELS), each(), store.clone());
    desk.wait(1).await;
    store.fail_always(StoreFault::Hang);
    desk.note("a");
    let left = tokio::time::timeout(Duration::from_mins(1), desk.stop()).await.unwrap();
    assert!(left.waiting.is_empty() && left.store_error.is_some());
    assert_eq!(desk.told("ops"), ["1: a"]);
}

#[tokio::test(start_paused = true)]
async fn each_change_reaches_the_store_whatever_commit_fails() {
    for at in 0..12 {
        for fault in [StoreFault::Before, StoreFault::After] {
            let kept = Disk::default();
            let store = FaultyAlertStore::new(kept.clone());
            store.script((0..at).map(|_| None).chain([Some(fault), Some(fault)]));
            let room = Room::new(&CHANNELS);
            room.faulty("mail").script([Some(ChannelFault::Refused)]);
            let desk = Desk::on_store(room, escalating(), store.clone());
            let a = desk.note("a");
            desk.wait(700).await;
            let _ = desk.alerts.acknowledge(a, "ada").await;
            desk.note("b");
            desk.wait(2_000).await;
            let history = kept.0.sync().history(&AlertQuery::all());
            let marks: Vec<bool> =
                history.iter().map(|record| record.acknowledged.is_some()).collect();
            assert_eq!(marks, [true, false], "{fault:?} at {at}");
            assert_eq!(kept.0.sync().dead_letters().letters.len(), 1, "{fault:?} at {at}");
            nothing_is_left(&kept);
        }
    }
}

/// A store that takes little at a time, as a slow one does, and may panic or hang.
#[derive(Clone, Debug, Default)]
struct Slow {
    disk: Disk,
    panics: Arc<AtomicBool>,
    hangs: Arc<AtomicBool>,
}

#[async_trait]
impl AlertStore for Slow {
    async fn commit(&self, changes: &[AlertChange]) -> Result<(), AlertStoreError> {
        assert!(!self.panics.load(Ordering::SeqCst), "a store that panics, on purpose");
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        sleep(Duration::from_millis(u64::try_from(changes.len()).unwrap())).await;
        self.disk.commit(changes).await
    }
    async fn unfinished(&self) -> Result<Unfinished, AlertStoreError> {
        self.disk.unfinished().await
    }
    async fn history(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, AlertStoreError> {
        self.disk.history(query).await
    }
    async fn dead_letters(&self) -> Result<DeadLetters, AlertStoreError> {
        self.disk.dead_letters().await
    }
}

fn hub_on(store: &Slow) -> Alerts {
    let rules = Rules::default().to::<&str>([]);
    let builder = Alerts::builder().clock(PausedClock::new()).rules(rules);
    builder.store(store.clone()).build().unwrap()
}

/// Twenty seconds of writing, and no commit may take longer than ten.
#[tokio::test(start_paused = true)]
async fn a_slow_store_is_told_in_commits_that_it_can_confirm() {
    let store = Slow::default();
    let alerts = hub_on(&store);
    for number in 0..20_000 {
        alerts.send(note(&format!("note {number}")));
    }
    let all = AlertQuery::all().limit(usize::MAX);
    alerts.history(&all).await.unwrap();
    assert_eq!(alerts.status().unsaved, 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_dropped_meanwhile_was_not_saved() {
    let store = Slow::default();
    let alerts = hub_on(&store);
    alerts.send(note("the first"));
    let writing = tokio::spawn({
        let alerts = alerts.clone();
        async move { alerts.send_saved(note("one")).await }
    });
    tokio::task::yield_now().await;
    let own = tokio::spawn({
        let alerts = alerts.clone();
        async move { alerts.send_saved(note("two")).await }
    });
    tokio::task::yield_now().await;
    for number in 0..70_000 {
        alerts.send(note(&format!("note {number}")));
    }
    writing.await.unwrap().unwrap_err();
    let error = own.await.unwrap().unwrap_err();
    assert_eq!(error.code(), "notify.store_unavailable");
    assert!(alerts.status().unsaved_dropped > 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_or_hangs_is_a_store_that_fails() {
    let store = Slow::default();
    let alerts = hub_on(&store);
    store.panics.store(true, Ordering::SeqCst);
    let error = alerts.send_saved(note("one")).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "the store panicked: a store that panics, on purpose");
    store.panics.store(false, Ordering::SeqCst);
    store.hangs.store(true, Ordering::SeqCst);
    let error = alerts.send_saved(note("two")).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "no answer within 10s");
    assert!(alerts.status().store_error.is_some());
    store.hangs.store(false, Ordering::SeqCst);
    alerts.send_saved(note("three")).await.unwrap();
    assert_eq!(store.disk.0.sync().history(&AlertQuery::all()).len(), 3);
    assert_eq!(alerts.status().store_error, None);
}
