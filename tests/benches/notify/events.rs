//! Events: published and taken, beside the channels of Tokio.

use std::{hint::black_box, sync::Arc, time::Duration};

use safeguards_notify::{
    EventBus, EventBusExt, MemoryEventBus, NewEvent, Subscribe, Subscription, Topic, WhenFull,
    topic,
};
use safeguards_types::{SimClock, Timestamp};
use serde_json::{Value, json};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{broadcast, mpsc, oneshot},
};

use crate::bench::{
    Reach::{self, Times},
    Table, timed,
};

/// Half as many deliveries a second are twice the time.
const HALF_AS_FAST: &[Reach] = &[Times(2.0)];
const NO_GROWTH: &[Reach] = &[Times(1.5)];
const NOTHING: &[Reach] = &[];

/// How many events are published before they are taken: what each queue holds.
const BURST: usize = 512;
const ROOM: usize = 1_024;

/// The rows about events.
pub(crate) fn rows(table: &mut Table) {
    let lone = || publish(Vec::new(), &bus());
    table.row("publish to nobody", "broadcast", NOTHING, || (lone(), broadcast_to(0)));
    for subscribers in [1, 8] {
        let work = format!("publish to {subscribers}, and taken");
        let reach = if subscribers == 8 { HALF_AS_FAST } else { NOTHING };
        table
            .row(&work, "an mpsc for each", reach, || (ours(subscribers, 0), mpsc_to(subscribers)));
        table.row(&work, "broadcast, which loses", NOTHING, || {
            (ours(subscribers, 0), broadcast_to(subscribers))
        });
    }
    let work = "publish to 8 that are waited for, in tasks";
    table.row(work, "an mpsc for each", HALF_AS_FAST, || (ours_in_tasks(8), mpsc_in_tasks(8)));
    let work = "publish to 8, 10,000 others";
    table.row(work, "ours, no others", NO_GROWTH, || (ours(8, 10_000), ours(8, 0)));
    table.row("ask, and replied to", "mpsc and oneshot", NOTHING, || (ask(), ask_by_hand()));
}

/// A bus whose log is full: each event makes an old one go, as it is for most of a bus's life.
fn bus() -> MemoryEventBus {
    let bus = MemoryEventBus::builder().clock(SimClock::at(Timestamp::UNIX_EPOCH)).build();
    for number in 0..65_536 {
        bus.sync().publish(NewEvent::new(topic!("data.found"), body(number))).unwrap();
    }
    bus
}

fn body(number: usize) -> Value {
    json!({ "rows": number })
}

/// What an event is where there is no bus.
#[derive(Debug)]
struct Note {
    _topic: Topic,
    _body: Value,
}

impl Note {
    fn new(number: usize) -> Arc<Self> {
        Arc::new(Self { _topic: topic!("data.found"), _body: body(number) })
    }
}

/// Works in bursts, so that no queue overflows.
fn in_bursts(count: usize, mut burst: impl FnMut(usize)) {
    let mut left = count;
    while left > 0 {
        let now = left.min(BURST);
        burst(now);
        left -= now;
    }
}

fn ours(subscribers: usize, others: usize) -> impl FnMut(usize) -> Duration {
    let bus = bus();
    let subscribe = |topic: &str| {
        let wanted = Subscribe::to(topic).unwrap().queue_max(ROOM);
        bus.sync().subscribe(wanted).unwrap()
    };
    let others: Vec<_> = (0..others).map(|number| subscribe(&format!("job.{number}"))).collect();
    let subscriptions = (0..subscribers).map(|_| subscribe("data.found")).collect();
    let mut publish = publish(subscriptions, &bus);
    move |count| {
        black_box(&others);
        publish(count)
    }
}

fn publish(
    mut subscriptions: Vec<Subscription>,
    bus: &MemoryEventBus,
) -> impl FnMut(usize) -> Duration + use<> {
    let bus = bus.clone();
    move |count| {
        timed(|| {
            in_bursts(count, |burst| {
                for number in 0..burst {
                    let event = NewEvent::new(topic!("data.found"), body(number));
                    bus.sync().publish(event).unwrap();
                }
                for subscription in &mut subscriptions {
                    for _ in 0..burst {
                        black_box(subscription.try_next().unwrap().unwrap());
                    }
                }
            });
        })
    }
}

fn mpsc_to(subscribers: usize) -> impl FnMut(usize) -> Duration {
    let (senders, mut receivers): (Vec<_>, Vec<_>) =
        (0..subscribers).map(|_| mpsc::channel(ROOM)).unzip();
    move |count| {
        timed(|| {
            in_bursts(count, |burst| {
                for number in 0..burst {
                    let note = Note::new(number);
                    for sender in &senders {
                        sender.try_send(Arc::clone(&note)).unwrap();
                    }
                }
                for receiver in &mut receivers {
                    for _ in 0..burst {
                        black_box(receiver.try_recv().unwrap());
                    }
                }
            });
        })
    }
}

fn broadcast_to(subscribers: usize) -> impl FnMut(usize) -> Duration {
    let (sender, _) = broadcast::channel(ROOM);
    let mut receivers: Vec<_> = (0..subscribers).map(|_| sender.subscribe()).collect();
    move |count| {
        timed(|| {
            in_bursts(count, |burst| {
                for number in 0..burst {
                    // Where nobody listens it gives the note back.
                    let _ = black_box(sender.send(Note::new(number)));
                }
                for receiver in &mut receivers {
                    for _ in 0..burst {
                        black_box(receiver.try_recv().unwrap());
                    }
                }
            });
        })
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn ours_in_tasks(subscribers: usize) -> impl FnMut(usize) -> Duration {
    let (bus, runtime) = (bus(), runtime());
    move |count| {
        let wanted = || Subscribe::to("data.found").unwrap().queue_max(ROOM);
        let subscribe = || bus.sync().subscribe(wanted().when_full(WhenFull::Wait)).unwrap();
        let subscriptions: Vec<_> = (0..subscribers).map(|_| subscribe()).collect();
        timed(|| {
            runtime.block_on(async {
                let readers: Vec<_> = subscriptions
                    .into_iter()
                    .map(|mut subscription| {
                        tokio::spawn(async move {
                            for _ in 0..count {
                                black_box(subscription.next().await.unwrap().unwrap());
                            }
                        })
                    })
                    .collect();
                for number in 0..count {
                    let event = NewEvent::new(topic!("data.found"), body(number));
                    bus.publish(event).await.unwrap();
                }
                for reader in readers {
                    reader.await.unwrap();
                }
            });
        })
    }
}

fn mpsc_in_tasks(subscribers: usize) -> impl FnMut(usize) -> Duration {
    let runtime = runtime();
    move |count| {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..subscribers).map(|_| mpsc::channel(ROOM)).unzip();
        timed(|| {
            runtime.block_on(async {
                let readers: Vec<_> = receivers
                    .into_iter()
                    .map(|mut receiver| {
                        tokio::spawn(async move {
                            for _ in 0..count {
                                black_box(receiver.recv().await.unwrap());
                            }
                        })
                    })
                    .collect();
                for number in 0..count {
                    let note = Note::new(number);
                    for sender in &senders {
                        sender.send(Arc::clone(&note)).await.unwrap();
                    }
                }
                for reader in readers {
                    reader.await.unwrap();
                }
            });
        })
    }
}

const SOON: Duration = Duration::from_mins(1);

fn ask() -> impl FnMut(usize) -> Duration {
    let (bus, runtime) = (bus(), runtime());
    let mut inbox = bus.sync().subscribe(Subscribe::inbox("writer")).unwrap();
    let replying = bus.clone();
    runtime.spawn(async move {
        while let Ok(Some(request)) = inbox.next().await {
            replying.reply(&request, 1).await.unwrap();
        }
    });
    move |count| {
        timed(|| {
            runtime.block_on(async {
                for number in 0..count {
                    let request = NewEvent::new(topic!("data.found"), body(number)).to("writer");
                    black_box(bus.ask(request, SOON).await.unwrap());
                }
            });
        })
    }
}

fn ask_by_hand() -> impl FnMut(usize) -> Duration {
    let runtime = runtime();
    let (sender, mut requests) = mpsc::channel::<(Arc<Note>, oneshot::Sender<Arc<Note>>)>(ROOM);
    runtime.spawn(async move {
        while let Some((_, reply)) = requests.recv().await {
            reply.send(Note::new(1)).unwrap();
        }
    });
    move |count| {
        timed(|| {
            runtime.block_on(async {
                for number in 0..count {
                    let (reply, replied) = oneshot::channel();
                    sender.send((Note::new(number), reply)).await.unwrap();
                    black_box(tokio::time::timeout(SOON, replied).await.unwrap().unwrap());
                }
            });
        })
    }
}
