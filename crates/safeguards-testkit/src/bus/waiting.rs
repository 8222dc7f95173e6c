//! Subscribers that slow publishers down: nothing is lost, and nobody waits for ever.

use super::prelude::*;

/// A subscription to a filter that holds one event and slows publishers down.
async fn slow(desk: &BusDesk, filter: &str) -> Subscription {
    let one = Subscribe::to(filter).unwrap().queue_max(1);
    desk.subscribe(one.when_full(WhenFull::Wait).named("slow")).await
}

/// Where its queue is full publishers wait until there is room, and nothing is lost.
pub async fn a_publisher_waits_until_there_is_room(desk: &BusDesk) {
    let mut slow = slow(desk, "a").await;
    desk.publish("a").await;
    let (bus, mut second) = (desk.bus(), None);
    {
        let mut publishing = bus.publish(event("a"));
        tokio::select! {
            biased;
            result = &mut publishing => panic!("the queue is full: {result:?}"),
            () = pass(50) => {}
        }
        saw(&mut slow, "1").await;
        second.replace(publishing.await.unwrap());
    }
    assert_eq!(second.unwrap().seq, 2);
    saw(&mut slow, "2").await;
}

/// Publishers of what it does not see do not wait for it.
pub async fn who_waits_holds_up_nobody_else(desk: &BusDesk) {
    let mut slow = slow(desk, "a").await;
    let mut all = desk.to("**").await;
    desk.publish("a").await;
    let bus = desk.bus();
    let mut publishing = bus.publish(event("a"));
    tokio::select! {
        biased;
        result = &mut publishing => panic!("the queue is full: {result:?}"),
        () = pass(50) => {}
    }
    for _ in 0..3 {
        desk.publish("b").await;
    }
    saw(&mut all, "1 2 3 4").await;
    saw(&mut slow, "1").await;
    publishing.await.unwrap();
    saw(&mut slow, "5").await;
    saw(&mut all, "5").await;
}

/// Nothing is half published: while one subscriber has no room, no other sees the event.
pub async fn nobody_sees_what_waits(desk: &BusDesk) {
    let mut slow = slow(desk, "a").await;
    let mut all = desk.to("**").await;
    desk.publish("a").await;
    let bus = desk.bus();
    let mut publishing = bus.publish(event("a").from("waits"));
    tokio::select! {
        biased;
        result = &mut publishing => panic!("the queue is full: {result:?}"),
        () = pass(50) => {}
    }
    let mut replay = desk.subscribe(Subscribe::all().from(Cursor::Oldest)).await;
    desk.publish("b").await;
    saw(&mut all, "1 2").await;
    saw(&mut replay, "1 2").await;
    saw(&mut slow, "1").await;
    publishing.await.unwrap();
    saw(&mut all, "3").await;
}

/// Waiting has an end: the publisher is told who had no room, and nothing was published.
pub async fn a_publisher_gives_up(desk: &BusDesk) {
    let mut slow = slow(desk, "a").await;
    let mut all = desk.to("**").await;
    desk.publish("a").await;
    let error = desk.bus().publish(event("a")).await.unwrap_err();
    let PublishError::SubscriberFull { queue_max: 1, waited, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*waited, desk.setup().wait_max);
    assert!(error.is_retryable());
    let text = error.to_string();
    for part in ["nothing was published", "`a`", "`slow`", "30s"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    saw(&mut slow, "1").await;
    assert_eq!(desk.publish("a").await.seq, 2);
    saw(&mut all, "1 2").await;
}

/// A subscriber that is dropped while publishers wait for it frees them.
pub async fn a_dropped_subscriber_frees_the_publisher(desk: &BusDesk) {
    let slow = slow(desk, "a").await;
    desk.publish("a").await;
    let publishers: Vec<_> = (0..3)
        .map(|_| {
            let bus = desk.bus();
            tokio::spawn(async move { bus.publish(event("a")).await })
        })
        .collect();
    pass(50).await;
    drop(slow);
    for publisher in publishers {
        assert_eq!(publisher.await.unwrap().unwrap().subscribers, 0);
    }
}

/// A publisher whose future is dropped has published nothing, or all of it, and is in nobody's way.
pub async fn a_publisher_that_is_dropped_publishes_nothing(desk: &BusDesk) {
    let mut slow = slow(desk, "a").await;
    let mut all = desk.to("**").await;
    desk.publish("a").await;
    let bus = desk.bus();
    for polls in 0..20 {
        tokio::select! {
            biased;
            result = bus.publish(event("a")) => panic!("the queue is full: {result:?}"),
            () = pass(polls) => {}
        }
    }
    saw(&mut slow, "1").await;
    assert_eq!(desk.publish("a").await.seq, 2);
    saw(&mut slow, "2").await;
    saw(&mut all, "1 2").await;
}

/// Several that slow publishers down are waited for together.
pub async fn all_must_have_room(desk: &BusDesk) {
    let (mut one, mut two) = (slow(desk, "a").await, slow(desk, "*").await);
    desk.publish("a").await;
    let bus = desk.bus();
    let mut publishing = bus.publish(event("a"));
    for slow in [&mut two, &mut one] {
        tokio::select! {
            biased;
            result = &mut publishing => panic!("one queue is full: {result:?}"),
            () = pass(50) => {}
        }
        saw(slow, "1").await;
    }
    publishing.await.unwrap();
    saw(&mut one, "2").await;
    saw(&mut two, "2").await;
}

/// Many publishers and a subscriber that takes one event at a time: each is seen once.
pub async fn many_publishers_are_all_served(desk: &BusDesk) {
    let mut slow = slow(desk, "a").await;
    let publishers: Vec<_> = (0..20)
        .map(|_| {
            let bus = desk.bus();
            tokio::spawn(async move {
                for _ in 0..5 {
                    bus.publish(event("a")).await.unwrap();
                }
            })
        })
        .collect();
    for seq in 1..=100 {
        assert_eq!(slow.next().await.unwrap().unwrap().seq(), seq);
    }
    for publisher in publishers {
        publisher.await.unwrap();
    }
}
