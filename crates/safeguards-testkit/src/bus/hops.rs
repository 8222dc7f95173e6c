//! Hops: events that cause each other come to an end.

use super::prelude::*;

/// An event tells its cause, and has one hop more.
pub async fn an_event_tells_its_cause(desk: &BusDesk) {
    let mut all = desk.to("**").await;
    desk.publish("a").await;
    let first = all.next().await.unwrap().unwrap();
    desk.bus().publish(event("b").caused_by(&first)).await.unwrap();
    let second = all.next().await.unwrap().unwrap();
    assert_eq!((second.cause(), second.hops()), (Some(first.id()), 1));
}

/// Past the bound an event is refused, and a dead letter: two agents cannot wake each other for ever.
pub async fn two_agents_cannot_wake_each_other_for_ever(desk: &BusDesk) {
    let mut all = desk.to("**").await;
    desk.publish("ping").await;
    let hops_max = desk.setup().hops_max;
    for hops in 0..hops_max {
        let last = all.next().await.unwrap().unwrap();
        assert_eq!(last.hops(), hops);
        desk.bus().publish(event("ping").caused_by(&last)).await.unwrap();
    }
    let last = all.next().await.unwrap().unwrap();
    let error = desk.bus().publish(event("pong").caused_by(&last)).await.unwrap_err();
    assert_eq!(error.code(), "notify.too_many_hops");
    assert!(error.to_string().contains("`pong`"), "{error}");
    assert!(error.to_string().contains(&hops_max.to_string()), "{error}");
    assert_eq!(desk.dead().await, ["pong notify.too_many_hops"]);
}

/// Replies count: agents that answer each other with requests come to an end, too.
pub async fn replies_have_hops(desk: &BusDesk) {
    let mut inbox = desk.bus().inbox("writer").await.unwrap();
    let bus = desk.bus();
    let answering = tokio::spawn(async move {
        let request = inbox.next().await.unwrap().unwrap();
        bus.reply(&request, 1).await.unwrap();
    });
    let request = event("a").to("writer");
    let reply = desk.bus().ask(request, Duration::from_secs(5)).await.unwrap();
    assert_eq!((reply.hops(), reply.cause()), (1, reply.in_reply_to()));
    answering.await.unwrap();
}
