//! Shared state as callers hold it: computing, waiting, watching, on simulated time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use safeguards_coord::{
    KeyRules, MemoryStateStore, Revision, SharedState, StateChangeKind, StateError, StateQuery,
    StateScope, StateStore, StateWrite,
};
use safeguards_testkit::{
    PausedClock,
    state::{FaultyStateStore, StateCall, StateFault},
};
use serde_json::{Value, json};
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

const SECOND: Duration = Duration::from_secs(1);

/// State on the runtime's time.
fn state() -> SharedState {
    let clock = PausedClock::new();
    let store = MemoryStateStore::builder().clock(clock.clone()).changes_kept(16).build();
    SharedState::new(Arc::new(store), Arc::new(clock))
}

fn over(store: impl StateStore) -> SharedState {
    SharedState::new(Arc::new(store), Arc::new(PausedClock::new()))
}

fn one_more(old: Option<&Value>) -> u64 {
    old.and_then(Value::as_u64).unwrap_or(0) + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn computing_at_once_loses_nothing() {
    let state = SharedState::in_memory();
    let write = StateWrite::new("n", 0).unwrap().rules(KeyRules::public());
    state.write("a", write).await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let state = state.clone();
            tokio::spawn(async move {
                for _ in 0..200 {
                    state.compute(format!("{task}"), "n", one_more).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(state.get("a", "n").await.unwrap().parse::<u64>().unwrap(), Some(1_600));
}

#[tokio::test(start_paused = true)]
async fn computing_keeps_the_end_and_sees_an_absent_key() {
    let state = state();
    assert_eq!(*state.compute("a", "n", one_more).await.unwrap(), 1);
    state.write("a", StateWrite::new("n", 5).unwrap().ttl(SECOND)).await.unwrap();
    assert_eq!(*state.compute("a", "n", one_more).await.unwrap(), 6);
    sleep(SECOND).await;
    assert!(state.get("a", "n").await.unwrap().is_absent());
}

#[tokio::test(start_paused = true)]
async fn computing_ends_where_others_write_each_time() {
    let store = MemoryStateStore::new();
    let key = "n".parse().unwrap();
    let (busy, calls) = (store.clone(), AtomicU64::new(0));
    let computed = over(store.clone())
        .compute("a", "n", |old| {
            calls.fetch_add(1, Ordering::SeqCst);
            let write = StateWrite::new(&key, calls.load(Ordering::SeqCst)).unwrap();
            busy.sync().write(&"a".into(), write).unwrap();
            one_more(old)
        })
        .await;
    let error = computed.unwrap_err();
    assert_eq!(error.code(), "state.contended");
    assert!(error.to_string().contains("256 attempts"), "{error}");
    assert_eq!(calls.load(Ordering::SeqCst), u64::from(SharedState::COMPUTE_ATTEMPTS));
    assert_eq!(store.sync().read(&"a".into(), &key).unwrap().value(), Some(&json!(256)));
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_not_waited_for() {
    let state = state();
    state.set("a", "k", json!({ "status": "complete" })).await.unwrap();
    let complete = |data: &Value| data["status"] == "complete";
    let data = state.wait_for("b", "k", complete, Duration::ZERO).await.unwrap();
    assert_eq!(*data, json!({ "status": "complete" }));
}

#[tokio::test(start_paused = true)]
async fn what_comes_is_waited_for_and_what_was_soon_overwritten_is_seen() {
    let state = state();
    let waiting = tokio::spawn({
        let state = state.clone();
        async move { state.wait_for("b", "k", |value| *value == 2, 60 * SECOND).await }
    });
    for value in [1, 2, 3] {
        sleep(SECOND).await;
        state.set("a", "other", value).await.unwrap();
        state.set("a", "k", value).await.unwrap();
        if value == 2 {
            // At once, so that nobody could have read it.
            state.delete("a", "k").await.unwrap();
        }
    }
    assert_eq!(*waiting.await.unwrap().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn waiting_has_an_end() {
    let state = state();
    let begin = Instant::now();
    state.write("a", StateWrite::new("k", 1).unwrap().ttl(SECOND)).await.unwrap();
    let error = state.wait_for("b", "k", |value| *value == 2, 5 * SECOND).await.unwrap_err();
    assert_eq!((error.code(), begin.elapsed()), ("state.timed_out", 5 * SECOND));
    assert_eq!(error.to_string(), "key `k` was not as wanted within 5s");
    let error = state.wait_for("b", "", |_| true, SECOND).await.unwrap_err();
    assert_eq!(error.code(), "state.invalid_key");
}

#[tokio::test(start_paused = true)]
async fn who_may_not_read_is_told_so_also_while_it_waits() {
    let state = state();
    let private = StateWrite::new("k", 1).unwrap().rules(KeyRules::private());
    state.write("a", private).await.unwrap();
    let error = state.wait_for("b", "k", |_| true, SECOND).await.unwrap_err();
    assert_eq!(error.code(), "state.not_readable");

    state.set_rules("a", "k", KeyRules::new()).await.unwrap();
    let waiting = tokio::spawn({
        let state = state.clone();
        async move { state.wait_for("b", "k", |value| *value == 2, 60 * SECOND).await }
    });
    sleep(SECOND).await;
    state.set_rules("a", "k", KeyRules::private()).await.unwrap();
    state.set("a", "k", 2).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap_err().code(), "state.not_readable");
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_not_lost_where_changes_are_forgotten() {
    let state = state();
    let waiting = tokio::spawn({
        let state = state.clone();
        async move { state.wait_for("b", "k", |value| *value == 7, 60 * SECOND).await }
    });
    yield_now().await;
    state.set("a", "k", 7).await.unwrap();
    for _ in 0..100 {
        state.set("a", "other", 0).await.unwrap();
    }
    assert_eq!(*waiting.await.unwrap().unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_watch_sees_ends_when_they_come() {
    let state = state();
    let mut watch = state.watch("b", StateScope::prefix("j/"), Revision::ZERO);
    let begin = Instant::now();
    state.write("a", StateWrite::new("j/1", 1).unwrap().ttl(60 * SECOND)).await.unwrap();
    state.write("a", StateWrite::new("x", 1).unwrap().ttl(20 * SECOND)).await.unwrap();
    assert!(watch.next().await.unwrap().kind.entry().is_some());
    let change = watch.next().await.unwrap();
    assert_eq!((change.kind, change.key.as_str()), (StateChangeKind::Expired, "j/1"));
    assert!((60 * SECOND..61 * SECOND).contains(&begin.elapsed()), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_falls_behind_is_told_and_goes_on() {
    let state = state();
    let mut watch = state.watch("b", StateScope::all(), Revision::ZERO);
    for number in 1..=20 {
        state.set("a", "k", number).await.unwrap();
    }
    let error = watch.next().await.unwrap_err();
    assert!(matches!(error, StateError::Lagged { oldest, .. } if oldest == Revision::new(4)));
    assert_eq!(watch.next().await.unwrap().revision, Revision::new(5));

    let page = state.list("b", &StateQuery::all()).await.unwrap();
    let mut again = state.watch("b", StateScope::all(), page.revision);
    state.set("a", "k", 21).await.unwrap();
    assert_eq!(again.next().await.unwrap().revision, Revision::new(21));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_dropped_while_it_waits_loses_nothing() {
    let state = state();
    let mut watch = state.watch("b", StateScope::all(), Revision::ZERO);
    for number in 1..=5 {
        tokio::select! {
            biased;
            change = watch.next() => panic!("nothing has happened: {change:?}"),
            () = yield_now() => {}
        }
        state.set("a", "k", number).await.unwrap();
        assert_eq!(watch.next().await.unwrap().revision, Revision::new(number));
    }
}

#[tokio::test(start_paused = true)]
async fn owners_hand_over_and_list_and_look_back() {
    let state = state();
    state.set("a", "k/1", 1).await.unwrap();
    state.set("a", "k/1", 2).await.unwrap();
    state.hand_over("a", "k/1", "b").await.unwrap();
    assert_eq!(state.set("a", "k/1", 3).await.unwrap_err().code(), "state.not_writable");
    let versions = state.history("c", "k/1").await.unwrap();
    let values: Vec<_> = versions.iter().map(|one| one.value.to_string()).collect();
    assert_eq!(values, ["2", "1"]);
    let reading = state.get("b", "k/1").await.unwrap();
    let error = state.delete_if("b", "k/1", Revision::new(1)).await.unwrap_err();
    assert_eq!(error.code(), "state.conflict");
    state.delete_if("b", "k/1", reading.revision).await.unwrap();
    assert_eq!(state.delete("b", "k/1").await.unwrap_err().code(), "state.absent");
}

#[tokio::test(start_paused = true)]
async fn values_are_read_as_types() {
    let state = state();
    let write = StateWrite::of("k", &(1, "two".to_owned())).unwrap();
    state.write("a", write).await.unwrap();
    let reading = state.get("a", "k").await.unwrap();
    assert_eq!(reading.parse::<(u8, String)>().unwrap(), Some((1, "two".to_owned())));
    let error = reading.parse::<u64>().unwrap_err();
    assert_eq!((error.code(), error.to_string().contains("`k`")), ("state.unfit", true));
    assert_eq!(state.get("a", "l").await.unwrap().parse::<u64>().unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_told_and_one_that_hangs_is_not_waited_for_longer_than_asked() {
    let store = FaultyStateStore::new(MemoryStateStore::new());
    let state = over(store.clone());
    store.fail_always(StateFault::Before);
    let error = state.get("a", "k").await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("state.unavailable", true));
    let error = state.watch("a", StateScope::all(), Revision::ZERO).next().await.unwrap_err();
    assert_eq!(error.code(), "state.unavailable");
    for call in [StateCall::Read, StateCall::Changes, StateCall::Changed, StateCall::Sweep] {
        store.plan(move |one| (one == call).then_some(StateFault::Hang));
        let error = state.wait_for("a", "k", |_| true, SECOND).await.unwrap_err();
        assert_eq!(error.code(), "state.timed_out", "{call:?}");
    }
    store.mend();
    // Its answer is lost: the same again on the same revision is not made twice.
    let old = state.get("a", "k").await.unwrap().revision;
    store.script([Some(StateFault::After)]);
    state.set_if("a", "k", 1, old).await.unwrap_err();
    assert_eq!(state.set_if("a", "k", 1, old).await.unwrap_err().code(), "state.conflict");
    assert_eq!(state.history("a", "k").await.unwrap().len(), 1);
}
