//! The bus in memory: what it does besides what every bus does.

use std::{thread, time::Duration};

use safeguards_notify::{
    Alert, AlertQuery, Alerts, AskError, Cursor, EventBus, EventBusExt, Gap, MemoryEventBus,
    NewEvent, PublishError, Subscribe, SubscribeError, Topic, WhenFull, topic,
};
use safeguards_types::{Severity, SimClock, Timestamp};
use serde_json::Value;

fn note(number: u64) -> NewEvent {
    NewEvent::new(topic!("data.found"), number)
}

#[tokio::test(start_paused = true)]
async fn when_the_last_publisher_is_gone_subscriptions_end() {
    let bus = MemoryEventBus::new();
    let mut all = bus.subscribe(Subscribe::all()).await.unwrap();
    let other = bus.clone();
    bus.sync().publish(note(1)).unwrap();
    drop(bus);
    let waiting = tokio::spawn(async move {
        assert_eq!(all.next().await.unwrap().unwrap().seq(), 1);
        assert_eq!(all.next().await.unwrap().unwrap().seq(), 2);
        (all.next().await, all.next().await)
    });
    tokio::task::yield_now().await;
    other.sync().publish(note(2)).unwrap();
    tokio::task::yield_now().await;
    drop(other);
    assert_eq!(waiting.await.unwrap(), (Ok(None), Ok(None)));
}

#[tokio::test]
async fn events_in_a_circle_raise_one_alert_each_time_they_are_stopped() {
    let alerts = Alerts::new();
    let clock = SimClock::at(Timestamp::UNIX_EPOCH);
    let bus = MemoryEventBus::builder().clock(clock).alerts(alerts.clone()).hops_max(1).build();
    // A handler may publish in its turn: no lock is held.
    let inner = bus.clone();
    let told = move |_: &Alert| inner.sync().publish(note(0)).map(|_| true);
    alerts.on("event.*", told).unwrap();
    let mut all = bus.sync().subscribe(Subscribe::all()).unwrap();
    bus.sync().publish(note(1)).unwrap();
    let first = all.try_next().unwrap().unwrap();
    bus.sync().publish(note(2).caused_by(&first)).unwrap();
    let second = all.try_next().unwrap().unwrap();
    let error = bus.sync().publish(note(3).caused_by(&second).from("reader")).unwrap_err();
    assert_eq!(error.code(), "notify.too_many_hops");
    let history = alerts.history(&AlertQuery::all()).await.unwrap();
    assert_eq!(history.len(), 1);
    let alert = &history[0].alert;
    assert_eq!((alert.severity(), alert.topic()), (Severity::High, &topic!("event.too_many_hops")));
    assert_eq!(
        alert.message(),
        "an event under data.found has 2 causes before it and may have 1: agents wake each other in a circle"
    );
    assert_eq!(alert.metadata()["cause"], second.id().to_string());
    assert_eq!(alert.key(), Some("event.too_many_hops/data.found"));
    assert!(alerts.handler_faults().is_empty());
    assert_eq!(all.try_next().unwrap().unwrap().body(), 0, "what the handler published");
}

#[test]
fn the_log_is_bounded_by_bytes_too() {
    let bus = MemoryEventBus::builder().log_bytes_max(1_000).build();
    for _ in 0..3 {
        bus.sync().publish(NewEvent::new(topic!("a"), "x".repeat(398))).unwrap();
    }
    let mut old = bus.sync().subscribe(Subscribe::all().from(Cursor::Seq(1))).unwrap();
    assert_eq!(old.try_next(), Err(Gap { from: 1, to: 1 }));
    assert_eq!(old.try_next().unwrap().unwrap().seq(), 2);
    // One that is larger than the log is published, and not kept.
    bus.sync().publish(NewEvent::new(topic!("a"), "x".repeat(2_000))).unwrap();
    let mut old = bus.sync().subscribe(Subscribe::all().from(Cursor::Seq(1))).unwrap();
    assert_eq!(old.try_next(), Err(Gap { from: 1, to: 4 }));
}

#[test]
fn without_a_log_everything_before_now_is_a_gap() {
    let bus = MemoryEventBus::builder().log_max(0).dead_letters_max(0).build();
    bus.sync().publish(note(1)).unwrap();
    let mut old = bus.sync().subscribe(Subscribe::all().from(Cursor::Seq(1))).unwrap();
    let mut new = bus.sync().subscribe(Subscribe::all().from(Cursor::Oldest)).unwrap();
    bus.sync().publish(note(2)).unwrap();
    assert_eq!(old.try_next(), Err(Gap { from: 1, to: 1 }));
    assert_eq!(old.try_next().unwrap().unwrap().seq(), 2);
    assert_eq!(new.try_next().unwrap().unwrap().seq(), 2);
    bus.sync().publish(note(3).to("nobody")).unwrap_err();
    let dead = bus.sync().dead_letters();
    assert_eq!((dead.letters.len(), dead.dropped, dead.is_empty()), (0, 1, false));
}

#[test]
fn subscriptions_and_requests_are_bounded() {
    let bus = MemoryEventBus::builder().subscribers_max(2).asks_max(1).build();
    let _inbox = bus.sync().subscribe(Subscribe::inbox("writer")).unwrap();
    let second = bus.sync().subscribe(Subscribe::all()).unwrap();
    let error = bus.sync().subscribe(Subscribe::all()).unwrap_err();
    assert!(matches!(error, SubscribeError::TooManySubscribers { subscribers_max: 2 }));
    drop(second);
    drop(bus.sync().subscribe(Subscribe::all()).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let ask = || bus.ask(note(1).to("writer"), Duration::from_secs(5));
        tokio::select! {
            biased;
            reply = ask() => panic!("{reply:?}"),
            error = ask() => {
                let error = error.unwrap_err();
                assert_eq!(error.code(), "notify.too_many_asks");
            }
        }
        // The first one gave up, so there is room again.
        tokio::select! {
            biased;
            reply = ask() => panic!("{reply:?}"),
            () = tokio::task::yield_now() => {}
        }
    });
}

#[test]
fn without_a_runtime_nobody_is_waited_for() {
    let bus = MemoryEventBus::new();
    let one = Subscribe::all().queue_max(1).when_full(WhenFull::Wait).named("index");
    let _index = bus.sync().subscribe(one).unwrap();
    // What need not wait needs no runtime.
    pollster(bus.publish(note(1))).unwrap();
    let error = pollster(bus.publish(note(2))).unwrap_err();
    assert!(matches!(&error, PublishError::NoTimer { subscriber } if subscriber.contains("index")));
    let error = pollster(bus.ask(note(2), Duration::from_secs(1))).unwrap_err();
    assert!(matches!(error, AskError::NoTimer));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(bus.publish(note(2))).unwrap_err();
    assert_eq!(error.code(), "notify.no_timer");
}

/// Runs what does not wait, without a runtime.
fn pollster<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn topics_that_are_used_once_do_not_fill_the_memory() {
    let bus = MemoryEventBus::builder().log_max(0).build();
    let mut all = bus.sync().subscribe(Subscribe::to("job.*").unwrap().queue_max(10)).unwrap();
    for number in 0..10_000 {
        let topic = Topic::parse(&format!("job.{number}")).unwrap();
        assert_eq!(bus.sync().publish(NewEvent::new(topic, Value::Null)).unwrap().subscribers, 1);
    }
    assert_eq!(all.try_next(), Err(Gap { from: 1, to: 9_990 }));
}

#[tokio::test(start_paused = true)]
async fn publishers_are_served_in_the_order_in_which_they_came() {
    let bus = MemoryEventBus::new();
    let one = Subscribe::all().queue_max(1).when_full(WhenFull::Wait);
    let mut slow = bus.sync().subscribe(one).unwrap();
    bus.sync().publish(note(0)).unwrap();
    let mut publishers = Vec::new();
    for number in 1..=10 {
        let bus = bus.clone();
        publishers.push(tokio::spawn(async move { bus.publish(note(number)).await }));
        tokio::task::yield_now().await;
    }
    for number in 0..=10_u64 {
        assert_eq!(slow.next().await.unwrap().unwrap().body(), number);
        if number < 10 {
            // There is room now; yet it is the room of those who wait.
            let error = bus.sync().publish(note(99)).unwrap_err();
            assert_eq!(error.code(), "notify.subscriber_full");
        }
    }
    for publisher in publishers {
        publisher.await.unwrap().unwrap();
    }
    bus.sync().publish(note(11)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_room_and_no_longer_than_its_deadline() {
    let bus = MemoryEventBus::new();
    let one = Subscribe::inbox("writer").queue_max(1).when_full(WhenFull::Wait);
    let mut inbox = bus.sync().subscribe(one).unwrap();
    bus.send("reader", "writer", topic!("a"), 1).await.unwrap();
    let ask = || bus.ask(note(1).to("writer"), Duration::from_secs(2));
    let error = ask().await.unwrap_err();
    let AskError::NotPublished(PublishError::SubscriberFull { waited, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(waited, Duration::from_secs(2));
    let answering = async {
        inbox.next().await.unwrap();
        let request = inbox.next().await.unwrap().unwrap();
        bus.reply(&request, 7).await.unwrap();
    };
    let (reply, ()) = tokio::join!(ask(), answering);
    assert_eq!(reply.unwrap().body(), 7);
}

/// Several threads publish, read slowly, come and go for a while: each reader sees its events in order, or a gap in
/// their place; who is waited for loses nothing; and nobody is left waiting.
#[test]
fn threads_lose_nothing_in_silence() {
    const EACH: u64 = 2_000;
    const PUBLISHERS: u64 = 3;
    let bus = MemoryEventBus::builder().wait_max(Duration::from_mins(5)).build();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(3).enable_all().build().unwrap();
    let subscribe = |wanted: Subscribe| bus.sync().subscribe(wanted).unwrap();
    let patient = || subscribe(Subscribe::all().queue_max(8).when_full(WhenFull::Wait));
    let hasty = || subscribe(Subscribe::to("data.*").unwrap().queue_max(8));
    let (patients, hasties) = ([patient(), patient()], [hasty(), hasty()]);
    let mut tasks = Vec::new();
    for mut reader in patients {
        tasks.push(runtime.spawn(async move {
            for seq in 1..=EACH * PUBLISHERS {
                assert_eq!(reader.next().await.unwrap().unwrap().seq(), seq);
            }
            assert_eq!(reader.next().await, Ok(None));
        }));
    }
    for mut reader in hasties {
        tasks.push(runtime.spawn(async move {
            let mut next = 1;
            loop {
                let (from, to) = match reader.next().await {
                    Ok(Some(event)) => (event.seq(), event.seq()),
                    Ok(None) => break,
                    Err(gap) => (gap.from, gap.to),
                };
                assert_eq!(from, next, "what comes next, or the gap in its place");
                next = to + 1;
                if next % 64 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            assert_eq!(next, EACH * PUBLISHERS + 1);
        }));
    }
    // Those who come and go, and hold publishers up meanwhile.
    let coming = bus.clone();
    let coming = thread::spawn(move || {
        for _ in 0..200 {
            let one = Subscribe::to("data.**").unwrap().queue_max(1).when_full(WhenFull::Wait);
            drop(coming.sync().subscribe(one).unwrap());
            thread::yield_now();
        }
    });
    for _ in 0..PUBLISHERS {
        let bus = bus.clone();
        tasks.push(runtime.spawn(async move {
            for number in 0..EACH {
                bus.publish(note(number)).await.unwrap();
            }
        }));
    }
    coming.join().unwrap();
    drop(bus);
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_request_that_may_just_be_sent_may_be_replied_to() {
    let bus = MemoryEventBus::builder().hops_max(0).build();
    let mut inbox = bus.inbox("writer").await.unwrap();
    let request = NewEvent::new(topic!("draft.write"), "ten lines").from("reader").to("writer");
    let answering = async {
        let request = inbox.next().await.unwrap().unwrap();
        bus.reply(&request, "it is done").await.unwrap();
    };
    let (reply, ()) = tokio::join!(bus.ask(request, Duration::from_secs(5)), answering);
    assert_eq!(reply.unwrap().body(), "it is done");
}
