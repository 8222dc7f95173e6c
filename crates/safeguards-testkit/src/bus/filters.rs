//! Filters: who sees what.

use super::prelude::*;

/// A subscription sees the events whose topic its filter matches, and no other.
pub async fn a_subscription_sees_what_its_filter_matches(desk: &BusDesk) {
    let mut exact = desk.to("data.found").await;
    let mut one = desk.to("data.*").await;
    let mut rest = desk.to("data.**").await;
    let mut all = desk.to("**").await;
    for topic in ["data.found", "data", "data.found.late", "data.lost", "team.note"] {
        desk.publish(topic).await;
    }
    for topic in ["data.found", "data.last", "data.a.b", "end"] {
        desk.publish(topic).await;
    }
    saw(&mut exact, "1 6").await;
    saw(&mut one, "1 4 6 7").await;
    saw(&mut rest, "1 3 4 6 7 8").await;
    saw(&mut all, "1 2 3 4 5 6 7 8 9").await;
}

/// Subscriptions that begin and end later are seen at once by whoever publishes.
pub async fn subscriptions_may_begin_and_end_at_any_time(desk: &BusDesk) {
    desk.publish("a.b").await;
    let mut exact = desk.to("a.b").await;
    desk.publish("a.b").await;
    let mut pattern = desk.to("a.*").await;
    desk.publish("a.b").await;
    saw(&mut exact, "2 3").await;
    drop(exact);
    desk.publish("a.b").await;
    saw(&mut pattern, "3 4").await;
    drop(pattern);
    assert_eq!(desk.publish("a.b").await.subscribers, 0);
    let mut again = desk.to("a.b").await;
    desk.publish("a.b").await;
    saw(&mut again, "6").await;
}

/// Each subscription has events of its own: what one takes, another still sees.
pub async fn each_subscription_has_events_of_its_own(desk: &BusDesk) {
    let (mut one, mut two) = (desk.to("a").await, desk.to("a").await);
    desk.publish("a").await;
    saw(&mut one, "1").await;
    desk.publish("a").await;
    saw(&mut two, "1 2").await;
    saw(&mut one, "2").await;
}

/// Many topics and many subscriptions do not mix.
pub async fn many_topics_do_not_mix(desk: &BusDesk) {
    let mut subscriptions = Vec::new();
    for number in 0..50 {
        subscriptions.push(desk.to(&format!("job.{number}")).await);
    }
    for number in 0..50 {
        desk.publish(&format!("job.{number}")).await;
        desk.publish(&format!("other.{number}")).await;
    }
    for (seq, subscription) in (1..).step_by(2).zip(&mut subscriptions) {
        saw(subscription, &format!("{seq}")).await;
    }
    for (subscription, seq) in subscriptions.iter_mut().zip(101_u64..) {
        let number = seq.checked_sub(101).unwrap();
        desk.publish(&format!("job.{number}")).await;
        saw(subscription, &format!("{seq}")).await;
    }
}

/// A read whose future is dropped loses nothing.
pub async fn a_read_that_is_dropped_loses_nothing(desk: &BusDesk) {
    let mut all = desk.to("**").await;
    for polls in 0..8 {
        tokio::select! {
            biased;
            next = all.next() => panic!("nothing was published: {next:?}"),
            () = pass(polls) => {}
        }
    }
    desk.publish("a").await;
    saw(&mut all, "1").await;
}
