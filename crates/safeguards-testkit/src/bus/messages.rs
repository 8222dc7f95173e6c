//! Messages: events for the inboxes of one agent.

use super::prelude::*;

/// A message goes to the inboxes of its agent, and to nobody else.
pub async fn a_message_goes_to_its_agent_alone(desk: &BusDesk) {
    let mut inbox = desk.bus().inbox("writer").await.unwrap();
    let mut other = desk.bus().inbox("reader").await.unwrap();
    let mut public = desk.to("**").await;
    let sent = desk.bus().send("reader", "writer", topic("data.found"), "rows").await.unwrap();
    assert_eq!((sent.seq, sent.subscribers), (1, 1));
    desk.publish("data.found").await;
    desk.bus().send("writer", "reader", topic("data.thanks"), "").await.unwrap();
    let message = inbox.next().await.unwrap().unwrap();
    assert_eq!(message.to_string(), "#1 data.found from reader to writer");
    assert_eq!(message.body(), "rows");
    saw(&mut public, "2").await;
    saw(&mut other, "3").await;
    desk.bus().send("reader", "writer", topic("data.found"), "").await.unwrap();
    saw(&mut inbox, "4").await;
}

/// Who asked to watch messages sees them besides.
pub async fn who_watches_sees_messages_too(desk: &BusDesk) {
    let watch = |filter: &str| Subscribe::to(filter).unwrap().with_messages();
    let mut watcher = desk.subscribe(watch("data.**")).await;
    let mut inbox = desk.bus().inbox("writer").await.unwrap();
    desk.bus().send("reader", "writer", topic("data.found"), 1).await.unwrap();
    desk.bus().send("reader", "writer", topic("team.note"), 1).await.unwrap();
    desk.publish("data.found").await;
    saw(&mut watcher, "1 3").await;
    saw(&mut inbox, "1 2").await;
}

/// An agent may have several inboxes, each with the topics that it takes.
pub async fn an_agent_may_have_several_inboxes(desk: &BusDesk) {
    let mut all = desk.bus().inbox("writer").await.unwrap();
    let mut some = desk.subscribe(Subscribe::to("data.*").unwrap().inbox_of("writer")).await;
    desk.bus().send("reader", "writer", topic("team.note"), 1).await.unwrap();
    let both = desk.bus().send("reader", "writer", topic("data.found"), 1).await.unwrap();
    assert_eq!(both.subscribers, 2);
    saw(&mut all, "1 2").await;
    saw(&mut some, "2").await;
}

/// A message to an agent without an inbox is a dead letter, and the publisher is told who has none.
pub async fn without_an_inbox_the_publisher_is_told(desk: &BusDesk) {
    let _watcher = desk.subscribe(Subscribe::all().with_messages()).await;
    let _other = desk.subscribe(Subscribe::to("data.*").unwrap().inbox_of("writer")).await;
    let error = desk.bus().send("reader", "writer", topic("team.note"), 1).await.unwrap_err();
    assert_eq!(error.code(), "notify.no_inbox");
    assert_eq!(error.to_string(), "agent `writer` has no inbox that takes `team.note`");
    assert_eq!(desk.dead().await, ["team.note notify.no_inbox"]);
    // Once there is an inbox, the letter can be sent again.
    let mut inbox = desk.bus().inbox("writer").await.unwrap();
    let dead = desk.bus().dead_letters().await.unwrap();
    desk.bus().publish(dead.letters[0].event.clone()).await.unwrap();
    saw(&mut inbox, "1").await;
}

/// An inbox ends when it is dropped.
pub async fn a_dropped_inbox_is_none(desk: &BusDesk) {
    drop(desk.bus().inbox("writer").await.unwrap());
    let error = desk.bus().send("reader", "writer", topic("a"), 1).await.unwrap_err();
    assert_eq!(error.code(), "notify.no_inbox");
}

/// An inbox has a queue as any subscription has: it loses its oldest, or slows down who writes.
pub async fn an_inbox_has_a_queue(desk: &BusDesk) {
    let mut inbox = desk.subscribe(Subscribe::inbox("writer").queue_max(1)).await;
    for _ in 0..3 {
        desk.bus().send("reader", "writer", topic("a"), 1).await.unwrap();
    }
    saw(&mut inbox, "1-2 3").await;
}
