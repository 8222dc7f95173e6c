//! [`BusDesk`]: what a case works at: a bus, and the words to ask it with.

use std::{any::Any, fmt::Write as _, future::poll_fn, sync::Arc, task::Poll, time::Duration};

use safeguards_notify::{EventBus, NewEvent, Published, Subscribe, Subscription, Topic};
use safeguards_types::SimClock;
use serde_json::Value;

use super::{BusEnv, BusSetup};

/// What a case works at: a bus, and the words to ask it with.
#[derive(Debug)]
pub struct BusDesk {
    bus: Arc<dyn EventBus>,
    clock: SimClock,
    setup: BusSetup,
    /// Dropped last, when the case is over.
    _guards: Vec<Box<dyn Any>>,
}

/// How long a case waits for what is to come. Time passes at once where the clock can be set.
const PATIENCE: Duration = Duration::from_secs(20);

impl BusDesk {
    /// A desk for this bus, which was made as `setup` says.
    pub fn new(env: BusEnv, setup: BusSetup) -> Self {
        let BusEnv { bus, guards } = env;
        Self { bus, clock: setup.clock.clone(), setup, _guards: guards }
    }

    /// The bus.
    pub fn bus(&self) -> Arc<dyn EventBus> {
        Arc::clone(&self.bus)
    }

    pub(super) const fn clock(&self) -> &SimClock {
        &self.clock
    }

    pub(super) const fn setup(&self) -> &BusSetup {
        &self.setup
    }

    pub(super) async fn subscribe(&self, subscribe: Subscribe) -> Subscription {
        self.bus.subscribe(subscribe).await.unwrap()
    }

    /// A subscription to what this filter matches.
    pub(super) async fn to(&self, filter: &str) -> Subscription {
        self.subscribe(Subscribe::to(filter).unwrap()).await
    }

    /// Publishes an event for everybody.
    pub(super) async fn publish(&self, topic: &str) -> Published {
        self.bus.publish(event(topic)).await.unwrap()
    }

    /// The topics of the dead letters, and why they are.
    pub(super) async fn dead(&self) -> Vec<String> {
        let dead = self.bus.dead_letters().await.unwrap();
        let line = |letter: &safeguards_notify::DeadEvent| {
            format!("{} {}", letter.event.topic(), letter.reason.code())
        };
        dead.letters.iter().map(line).collect()
    }
}

pub(super) fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

/// An event for everybody, without a body.
pub(super) fn event(text: &str) -> NewEvent {
    NewEvent::new(topic(text), Value::Null)
}

/// Takes as much as `expected` names: numbers of events, and gaps such as `2-4`.
#[track_caller]
pub(super) fn saw(subscription: &mut Subscription, expected: &str) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let mut seen = String::new();
        for _ in expected.split(' ') {
            let space = if seen.is_empty() { "" } else { " " };
            let next = tokio::time::timeout(PATIENCE, subscription.next()).await;
            match next.unwrap_or_else(|_| panic!("{caller}: {seen:?}, and then waited in vain")) {
                Ok(Some(event)) => write!(seen, "{space}{}", event.seq()).unwrap(),
                Ok(None) => write!(seen, "{space}end").unwrap(),
                Err(gap) => write!(seen, "{space}{}-{}", gap.from, gap.to).unwrap(),
            }
        }
        assert_eq!(seen, expected, "at {caller}");
    }
}

/// Gives way so many times, and is over then.
pub(super) async fn pass(mut times: usize) {
    poll_fn(|context| {
        let Some(left) = times.checked_sub(1) else {
            return Poll::Ready(());
        };
        times = left;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
