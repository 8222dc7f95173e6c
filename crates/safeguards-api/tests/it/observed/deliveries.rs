//! Alerts on their way out, and events that a subscriber missed.

use std::time::Duration;

use metrics::set_default_local_recorder;
use metrics_util::debugging::DebuggingRecorder;
use safeguards_notify::{
    Alert, Channel, ChannelOptions, Delivery, DeliveryError, EventBus, MemoryEventBus, NewEvent,
    Retry, Subscribe, topic,
};
use safeguards_testkit::PausedClock;
use safeguards_types::Severity;

use super::{
    capture::Opened,
    office::{check, counts, watch},
    page::{check_counted, check_told},
};

#[derive(Debug)]
struct Phone;

#[async_trait::async_trait]
impl Channel for Phone {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        tracing::info_span!("dialing").in_scope(|| ());
        if delivery.notification().severity() == Severity::High {
            return Err(DeliveryError::permanent("a secret number"));
        }
        if delivery.attempt() == 1 { Err(DeliveryError::retryable("busy")) } else { Ok(()) }
    }
}

#[tokio::test(start_paused = true)]
async fn deliveries_dead_letters_and_lost_events_are_told_and_counted() {
    let recorder = DebuggingRecorder::new();
    let _counting = set_default_local_recorder(&recorder);
    let (captured, _guard) = watch();
    let options = ChannelOptions::new().retry(Retry::attempts(3));
    let hub = safeguards_notify::Alerts::builder().clock(PausedClock::new());
    let hub = hub.channel_with("phone", Phone, options).build().unwrap();
    let running = hub.start().unwrap();
    hub.send(Alert::new(Severity::High, topic!("team.fire"), "a secret"));
    hub.send(Alert::new(Severity::Low, topic!("team.note"), "a secret"));
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(hub.dead_letters().await.unwrap().count(), 1);
    assert_eq!(running.stop().await.dead_letters.count(), 1);

    let told = |span: &Opened| {
        let names = ["safeguards.attempt", "safeguards.outcome", "error.type"];
        names.map(|name| span.fields.get(name).cloned().unwrap_or_default())
    };
    let told: Vec<_> = captured.spans("safeguards.delivery").iter().map(told).collect();
    assert_eq!(
        told,
        [
            ["1", "failed", "notify.delivery_refused"],
            ["1", "failed", "notify.delivery_failed"],
            ["2", "delivered", ""],
        ]
    );
    let dialing = captured.spans("dialing");
    assert_eq!(captured.way_to(dialing[0].parent), ["safeguards.delivery"]);
    let [letter] = captured.events("safeguards.dead_letter").try_into().unwrap();
    assert_eq!(letter.fields["error.type"], "notify.delivery_refused");
    check_told(&captured.0.lock());
    assert!(!format!("{:?}", captured.0.lock()).contains("secret"));

    let bus = MemoryEventBus::builder().build();
    let _slow = bus.subscribe(Subscribe::all().queue_max(1)).await.unwrap();
    for number in 0..4 {
        bus.publish(NewEvent::new(topic!("data.found"), number).from("a")).await.unwrap();
    }
    let counts = counts(&recorder.snapshotter());
    check(&counts, "safeguards.alerts{safeguards.severity=high}", "1");
    let deliveries = "safeguards.deliveries{safeguards.channel=phone,safeguards.outcome=";
    check(&counts, &format!("{deliveries}failed}}"), "2");
    check(&counts, &format!("{deliveries}delivered}}"), "1");
    let letters = "safeguards.dead_letters{safeguards.channel=phone,error.type=";
    check(&counts, &format!("{letters}notify.delivery_refused}}"), "1");
    check(&counts, "safeguards.events.lost{}", "3");
    check_counted(&counts);
}
