//! Queues that lose their oldest event when they are full, and say so.

use super::prelude::*;

/// Where a queue is full its oldest event is lost, and a gap in its place says which.
pub async fn the_oldest_is_lost_and_a_gap_says_so(desk: &BusDesk) {
    let mut two = desk.subscribe(Subscribe::all().queue_max(2)).await;
    for _ in 0..3 {
        desk.publish("a").await;
    }
    saw(&mut two, "1-1 2 3").await;
}

/// Losses that nothing stands between are one gap.
pub async fn losses_side_by_side_are_one_gap(desk: &BusDesk) {
    let mut two = desk.subscribe(Subscribe::all().queue_max(2)).await;
    for _ in 0..10 {
        desk.publish("a").await;
    }
    saw(&mut two, "1-8 9 10").await;
}

/// A gap stands in its place: after what was taken before, and before what comes after it.
pub async fn a_gap_stands_in_its_place(desk: &BusDesk) {
    let mut two = desk.subscribe(Subscribe::all().queue_max(2)).await;
    desk.publish("a").await;
    desk.publish("a").await;
    saw(&mut two, "1").await;
    for _ in 0..3 {
        desk.publish("a").await;
    }
    saw(&mut two, "2-3 4 5").await;
    for _ in 0..3 {
        desk.publish("a").await;
    }
    saw(&mut two, "6-6 7 8").await;
}

/// The ends of a gap are events of the subscription: what its filter passes over is not lost.
pub async fn a_gap_begins_and_ends_with_an_event_that_was_lost(desk: &BusDesk) {
    let mut one = desk.subscribe(Subscribe::to("a").unwrap().queue_max(1)).await;
    for topic in ["b", "a", "b", "a", "b", "a", "b", "b"] {
        desk.publish(topic).await;
    }
    saw(&mut one, "2-4 6").await;
    desk.publish("b").await;
    desk.publish("a").await;
    saw(&mut one, "10").await;
}

/// A queue holds as many events as it was told, and loses none before it is full.
pub async fn a_queue_holds_as_many_as_it_was_told(desk: &BusDesk) {
    let mut all = desk.subscribe(Subscribe::all()).await;
    for _ in 0..1_025 {
        desk.publish("a").await;
    }
    saw(&mut all, "1-1 2 3").await;
}

/// A slow subscriber loses its own events, and no other's.
pub async fn a_slow_subscriber_harms_no_other(desk: &BusDesk) {
    let mut slow = desk.subscribe(Subscribe::all().queue_max(1)).await;
    let mut quick = desk.to("**").await;
    for _ in 0..5 {
        desk.publish("a").await;
    }
    saw(&mut quick, "1 2 3 4 5").await;
    saw(&mut slow, "1-4 5").await;
}

/// A queue holds 1 to 1,048,576 events; a subscription of another is refused.
pub async fn the_bound_of_a_queue_is_bounded(desk: &BusDesk) {
    for queue_max in [0, 1_048_577] {
        let error = desk.bus().subscribe(Subscribe::all().queue_max(queue_max)).await.unwrap_err();
        assert!(
            matches!(error, SubscribeError::InvalidQueueMax { queue_max: named, .. } if named == queue_max)
        );
    }
    let _most = desk.subscribe(Subscribe::all().queue_max(1_048_576)).await;
}
