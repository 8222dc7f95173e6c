//! Publishing: what an event becomes, and what is refused before anything is done.

use std::collections::BTreeSet;

use serde_json::Value;

use super::prelude::*;

/// Each published event has the next number, from 1 and without holes.
pub async fn events_are_numbered_from_1_without_holes(desk: &BusDesk) {
    let mut all = desk.to("**").await;
    let mut ids = BTreeSet::new();
    for seq in 1..=5 {
        let published = desk.publish(["a.b", "c"][seq % 2]).await;
        assert_eq!(published.seq, u64::try_from(seq).unwrap());
        ids.insert(published.id);
    }
    assert_eq!(ids.len(), 5, "each has an id of its own");
    saw(&mut all, "1 2 3 4 5").await;
}

/// What is refused has no number: the next event follows the one before.
pub async fn what_is_refused_takes_no_number(desk: &BusDesk) {
    let mut all = desk.to("**").await;
    desk.publish("a").await;
    let _ = desk.bus().publish(event("a").to("nobody")).await.unwrap_err();
    let _ = desk.bus().publish(event("a").from("")).await.unwrap_err();
    desk.publish("a").await;
    saw(&mut all, "1 2").await;
}

/// An event reads as it was published, under the id and number that the publisher was told.
pub async fn an_event_reads_as_it_was_published(desk: &BusDesk) {
    let mut all = desk.to("**").await;
    let body = json!({"rows": [1, 2.5, null, "x\n"], "of": {"table": true}});
    let note = NewEvent::new(topic("data.found"), body.clone()).from("reader");
    let published = desk.bus().publish(note).await.unwrap();
    let event = all.next().await.unwrap().unwrap();
    assert_eq!((event.id(), event.seq()), (published.id, published.seq));
    assert_eq!((event.topic(), event.body()), (&topic("data.found"), &body));
    assert_eq!(event.from().map(safeguards_types::AgentId::as_str), Some("reader"));
    assert_eq!(
        (event.to(), event.cause(), event.in_reply_to(), event.reply_by()),
        (None, None, None, None)
    );
    assert_eq!(event.hops(), 0);
}

/// An event has the time of the bus.
pub async fn an_event_has_the_time_of_the_bus(desk: &BusDesk) {
    let mut all = desk.to("**").await;
    desk.clock().advance(Duration::from_secs(7));
    desk.publish("a").await;
    assert_eq!(all.next().await.unwrap().unwrap().at().to_string(), "2026-01-05T09:00:07Z");
}

/// The publisher is told how many subscriptions see the event.
pub async fn the_publisher_is_told_how_many_see_it(desk: &BusDesk) {
    assert_eq!(desk.publish("a.b").await.subscribers, 0);
    let one = desk.to("a.*").await;
    let _two = desk.to("a.b").await;
    let _other = desk.to("b").await;
    assert_eq!(desk.publish("a.b").await.subscribers, 2);
    drop(one);
    assert_eq!(desk.publish("a.b").await.subscribers, 1);
}

/// A body has at most 256 KiB of JSON, and nests at most 64 levels; nothing of another is published.
pub async fn bodies_are_bounded(desk: &BusDesk) {
    let mut all = desk.to("**").await;
    let publish = async |body: Value| desk.bus().publish(NewEvent::new(topic("a"), body)).await;
    let nested = |depth| (0..depth).fold(Value::Null, |inner, _| json!([inner]));
    publish(json!("x".repeat(256 * 1024 - 2))).await.unwrap();
    let error = publish(json!("x".repeat(256 * 1024 - 1))).await.unwrap_err();
    assert_eq!(error.code(), "notify.body_too_large");
    assert!(error.to_string().contains("`a`") && error.to_string().contains("262144"), "{error}");
    publish(nested(64)).await.unwrap();
    let error = publish(nested(65)).await.unwrap_err();
    assert_eq!(error.code(), "notify.body_too_deep");
    desk.publish("a").await;
    saw(&mut all, "1 2 3").await;
    assert!(desk.dead().await.is_empty(), "what never could be published is no dead letter");
}

/// Agents have names of 1 to 256 bytes without control characters.
pub async fn names_of_agents_have_a_form(desk: &BusDesk) {
    let _inbox = desk.subscribe(Subscribe::inbox("x".repeat(256))).await;
    desk.bus().publish(event("a").from("ü").to("x".repeat(256))).await.unwrap();
    for name in [String::new(), "x".repeat(257), "a\nb".to_owned()] {
        for bad in [event("a").from(name.clone()), event("a").to(name.clone())] {
            let error = desk.bus().publish(bad).await.unwrap_err();
            assert_eq!(error.code(), "notify.invalid_agent");
        }
        let error = desk.bus().subscribe(Subscribe::inbox(name)).await.unwrap_err();
        assert_eq!(error.code(), "notify.invalid_agent");
    }
}

/// All subscriptions see the events of several publishers in one order.
pub async fn there_is_one_order_for_all(desk: &BusDesk) {
    let mut subscriptions = [desk.to("**").await, desk.to("**").await];
    let publishers: Vec<_> = (0..4)
        .map(|number| {
            let bus = desk.bus();
            tokio::spawn(async move {
                for turn in 0..25 {
                    let body = json!([number, turn]);
                    bus.publish(NewEvent::new(topic("a"), body)).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let mut seen = [const { Vec::new() }; 2];
    for (subscription, seen) in subscriptions.iter_mut().zip(&mut seen) {
        for seq in 1..=100 {
            let event = subscription.next().await.unwrap().unwrap();
            assert_eq!(event.seq(), seq);
            seen.push(event);
        }
    }
    assert_eq!(seen[0], seen[1]);
    for number in 0..4 {
        let turns = seen[0].iter().filter(|event| event.body()[0] == number);
        let turns: Vec<_> = turns.map(|event| event.body()[1].clone()).collect();
        assert_eq!(
            turns,
            (0..25).map(Value::from).collect::<Vec<_>>(),
            "each publisher's own order"
        );
    }
}
