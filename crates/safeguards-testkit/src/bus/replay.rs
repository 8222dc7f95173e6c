//! Replay: subscriptions that begin before now.

use super::prelude::*;

/// A subscription to everything from here on.
async fn from(desk: &BusDesk, cursor: Cursor) -> Subscription {
    desk.subscribe(Subscribe::all().from(cursor)).await
}

/// Without a cursor a subscription sees what is published from then on.
pub async fn now_is_from_the_next_event_on(desk: &BusDesk) {
    desk.publish("a").await;
    let mut all = from(desk, Cursor::Now).await;
    desk.publish("a").await;
    saw(&mut all, "2").await;
}

/// From a number on a subscription sees that event and all after it, each once and in order.
pub async fn from_a_number_on_all_is_seen_once(desk: &BusDesk) {
    for _ in 0..5 {
        desk.publish("a").await;
    }
    let mut third = from(desk, Cursor::Seq(3)).await;
    desk.publish("a").await;
    saw(&mut third, "3 4 5 6").await;
    let mut next = from(desk, Cursor::Seq(7)).await;
    let mut first = from(desk, Cursor::Seq(0)).await;
    desk.publish("a").await;
    saw(&mut next, "7").await;
    saw(&mut first, "1 2 3 4 5 6 7").await;
}

/// A replay sees what the subscription's filter matches, and of messages what is for it.
pub async fn a_replay_sees_what_the_subscription_would_have(desk: &BusDesk) {
    let _inbox = desk.subscribe(Subscribe::inbox("writer")).await;
    desk.publish("a.b").await;
    desk.bus().send("reader", "writer", topic("a.b"), 1).await.unwrap();
    desk.publish("b").await;
    let old = |wanted: Subscribe| desk.subscribe(wanted.from(Cursor::Oldest));
    let mut public = old(Subscribe::to("a.*").unwrap()).await;
    let mut inbox = old(Subscribe::inbox("writer")).await;
    let mut others = old(Subscribe::inbox("reader")).await;
    let mut watcher = old(Subscribe::all().with_messages()).await;
    desk.publish("a.b").await;
    for agent in ["reader", "writer"] {
        desk.bus().send("x", agent, topic("b"), 1).await.unwrap();
    }
    saw(&mut public, "1 4").await;
    saw(&mut inbox, "2 6").await;
    saw(&mut others, "5").await;
    saw(&mut watcher, "1 2 3 4 5 6").await;
}

/// What is no longer there is a gap, before all else.
pub async fn what_is_gone_is_a_gap_first(desk: &BusDesk) {
    for _ in 0..12 {
        desk.publish("a").await;
    }
    let mut second = from(desk, Cursor::Seq(2)).await;
    let mut oldest = from(desk, Cursor::Oldest).await;
    saw(&mut second, "2-4 5 6 7 8 9 10 11 12").await;
    saw(&mut oldest, "5 6 7 8 9 10 11 12").await;
}

/// A replay that is longer than the queue is seen whole, and losses after it are gaps as ever.
pub async fn a_replay_may_be_longer_than_the_queue(desk: &BusDesk) {
    for _ in 0..5 {
        desk.publish("a").await;
    }
    let mut two = desk.subscribe(Subscribe::all().queue_max(2).from(Cursor::Oldest)).await;
    desk.publish("a").await;
    desk.publish("a").await;
    saw(&mut two, "1 2 3 4 5 6 7").await;
    for _ in 0..3 {
        desk.publish("a").await;
    }
    saw(&mut two, "8-8 9 10").await;
}

/// A cursor behind what was published is refused: it comes from another bus.
pub async fn a_cursor_from_elsewhere_is_refused(desk: &BusDesk) {
    desk.publish("a").await;
    let error = desk.bus().subscribe(Subscribe::all().from(Cursor::Seq(3))).await.unwrap_err();
    assert!(matches!(error, SubscribeError::CursorAhead { seq: 3, next: 2 }), "{error:?}");
}

/// A subscription tells where it stands, and another one can go on from there.
pub async fn another_subscription_goes_on_where_one_stood(desk: &BusDesk) {
    let mut first = desk.subscribe(Subscribe::all().queue_max(2)).await;
    assert_eq!(first.cursor(), Cursor::Seq(1));
    for _ in 0..2 {
        desk.publish("a").await;
    }
    saw(&mut first, "1").await;
    let mut second = from(desk, first.cursor()).await;
    for _ in 0..3 {
        desk.publish("a").await;
    }
    saw(&mut second, "2 3 4 5").await;
    saw(&mut first, "2-3").await;
    let mut third = from(desk, first.cursor()).await;
    saw(&mut third, "4 5").await;
}

/// A subscription that lost events can have them again, as long as the bus has them.
pub async fn what_was_lost_can_be_replayed(desk: &BusDesk) {
    let mut one = desk.subscribe(Subscribe::all().queue_max(1)).await;
    for _ in 0..4 {
        desk.publish("a").await;
    }
    let gap = one.next().await.unwrap_err();
    let mut again = from(desk, Cursor::Seq(gap.from)).await;
    saw(&mut again, "1 2 3 4").await;
}
