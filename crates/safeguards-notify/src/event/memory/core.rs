//! [`Core`]: what clones of a bus share. It decides and applies in one step, under one lock, and never waits.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use safeguards_types::{Clock, OperationIds, Severity, Timestamp};
use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::{
    Bounds,
    index::{Few, Index},
    log::{Dead, Log},
    queue::Queue,
};
use crate::{
    Alert, Alerts,
    event::{
        DeadEventReason, DeadEvents, Event, EventId, EventSource, Gap, NewEvent, PublishError,
        Published, Subscribe, SubscribeError, Subscription,
    },
    telemetry, topic,
};

/// What clones of a bus share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) bounds: Bounds,
    clock: Arc<dyn Clock>,
    alerts: Option<Alerts>,
    ids: OperationIds,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    index: Index,
    log: Log,
    dead: Dead,
    /// Who waits for replies, by the request.
    asks: HashMap<EventId, oneshot::Sender<Event>, RandomState>,
    next_number: u64,
}

/// An event that was checked, on its way to be published.
#[derive(Debug)]
pub(super) struct Checked {
    event: NewEvent,
    bytes: usize,
    ask: Option<Ask>,
}

/// Who asks.
#[derive(Debug)]
struct Ask {
    within: Duration,
    reply: oneshot::Sender<Event>,
}

/// How an attempt to publish ended.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It is published, or never will be.
    Done(Result<Published, PublishError>),
    /// This queue has no room; nothing happened.
    Full(Arc<Queue>, Checked),
}

/// Who sees an event. `Many` is shared with the index.
enum Seers {
    Many(Arc<[Arc<Queue>]>),
    Few(Few),
}

impl Seers {
    fn queues(&self) -> &[Arc<Queue>] {
        match self {
            Self::Many(queues) => queues,
            Self::Few(queues) => queues,
        }
    }
}

impl Checked {
    /// Checks an event that asks for no reply.
    pub(super) fn new(event: NewEvent) -> Result<Self, PublishError> {
        let bytes = event.check()?;
        Ok(Self { event, bytes, ask: None })
    }

    /// Checks a request.
    pub(super) fn request(
        event: NewEvent,
        within: Duration,
        reply: oneshot::Sender<Event>,
    ) -> Result<Self, PublishError> {
        Ok(Self { ask: Some(Ask { within, reply }), ..Self::new(event)? })
    }

    /// Why it was not published, where `queue` had no room for so long.
    pub(super) fn no_room(self, queue: &Queue, waited: Duration) -> PublishError {
        PublishError::SubscriberFull {
            topic: self.event.topic().clone(),
            subscriber: queue.wanted.label(),
            queue_max: queue.wanted.queue_bound(),
            waited,
        }
    }
}

impl Core {
    pub(super) fn new(bounds: Bounds, clock: Arc<dyn Clock>, alerts: Option<Alerts>) -> Self {
        let state = State {
            index: Index::default(),
            log: Log::new(bounds.log, bounds.log_bytes),
            dead: Dead::new(bounds.dead_letters, bounds.dead_letters_bytes),
            asks: HashMap::default(),
            next_number: 0,
        };
        Self { bounds, clock, alerts, ids: OperationIds::new(), state: Mutex::new(state) }
    }

    /// Publishes an event if all that must see it have room. `first_at` is the queue in whose line the publisher
    /// stands first.
    pub(super) fn attempt(&self, checked: Checked, first_at: Option<&Arc<Queue>>) -> Attempt {
        let mut state = self.state.lock();
        let now = self.clock.now();
        let seers = match self.seers(&mut state, &checked, now) {
            Ok(seers) => seers,
            Err(reason) => return self.bury(state, checked, reason, now),
        };
        let asks_max = self.bounds.asks;
        if checked.ask.is_some() && state.asks.len() >= asks_max {
            return Attempt::Done(Err(PublishError::TooManyAsks { asks_max }));
        }
        let is_first = |queue| first_at.is_some_and(|first| Arc::ptr_eq(first, queue));
        if let Some(full) = seers.queues().iter().find(|queue| !queue.has_room(is_first(queue))) {
            return Attempt::Full(Arc::clone(full), checked);
        }
        // From here on nothing fails.
        let Checked { event, bytes, ask } = checked;
        let (id, seq) = (EventId::from(self.ids.mint(now)), state.log.next_seq());
        let asker = event.in_reply_to().and_then(|(request, _)| state.asks.remove(&request));
        let event = match ask {
            Some(Ask { within, reply }) => {
                state.asks.insert(id, reply);
                event.ask_as(id, seq, now, within)
            }
            None => event.publish_as(id, seq, now),
        };
        let mut wakers: SmallVec<[Waker; 8]> = SmallVec::new();
        let mut lost: SmallVec<[Event; 8]> = SmallVec::new();
        for queue in seers.queues() {
            let (waker, oldest) = queue.add(event.clone());
            wakers.extend(waker);
            lost.extend(oldest);
        }
        let dropped = state.log.add(event.clone(), bytes);
        drop(state);
        if let Some(asker) = asker {
            // Who asked may have gone since: then the reply came in time, and nobody looks.
            let _ = asker.send(event);
        }
        // Wakers are not ours: they may do anything, and publish.
        wakers.into_iter().for_each(Waker::wake);
        telemetry::count_lost_events(lost.len());
        drop((lost, dropped));
        Attempt::Done(Ok(Published::new(id, seq, seers.queues().len())))
    }

    /// Who is to see an event, or why nobody may.
    fn seers(
        &self,
        state: &mut State,
        checked: &Checked,
        now: Timestamp,
    ) -> Result<Seers, DeadEventReason> {
        let event = &checked.event;
        let (hops, hops_max) = (event.hops(), self.bounds.hops);
        // A reply ends at who asked: it goes round in no circle, and its request was let through.
        if hops > hops_max && event.in_reply_to().is_none() {
            return Err(DeadEventReason::TooManyHops { hops, hops_max });
        }
        let topic = event.topic();
        if let Some((request, reply_by)) = event.in_reply_to() {
            // `NewEvent::check` has seen that there is a deadline.
            let deadline = reply_by.unwrap_or(Timestamp::MAX);
            if now >= deadline {
                let late_by = now.since(deadline);
                return Err(DeadEventReason::ReplyTooLate { request, late_by });
            }
            if !state.asks.contains_key(&request) {
                return Err(DeadEventReason::NobodyWaits { request });
            }
            return Ok(Seers::Few(state.index.watchers(topic)));
        }
        if let Some(agent) = event.receiver() {
            let mut seers = state.index.inboxes(agent, topic);
            if seers.is_empty() {
                return Err(DeadEventReason::NoInbox { agent: agent.clone() });
            }
            seers.extend(state.index.watchers(topic));
            return Ok(Seers::Few(seers));
        }
        let seers = state.index.of_topic(topic);
        if checked.ask.is_some() && seers.is_empty() {
            return Err(DeadEventReason::NobodyListens);
        }
        Ok(Seers::Many(seers))
    }

    /// Makes an event a dead letter, and tells who is to know.
    fn bury(
        &self,
        mut state: parking_lot::MutexGuard<'_, State>,
        checked: Checked,
        reason: DeadEventReason,
        now: Timestamp,
    ) -> Attempt {
        let Checked { event, bytes, ask } = checked;
        let error = reason.told(event.topic().clone());
        let mut alert = None;
        if let DeadEventReason::TooManyHops { hops, hops_max } = &reason
            && self.alerts.is_some()
        {
            alert = Some(too_many_hops(&event, *hops, *hops_max));
        }
        // Who waits for what comes too late need not wait any longer.
        let asker = if let DeadEventReason::ReplyTooLate { request, .. } = &reason {
            state.asks.remove(request)
        } else {
            None
        };
        let dropped = state.dead.add(event, bytes, reason, now);
        drop(state);
        drop((ask, asker, dropped));
        if let (Some(alerts), Some(alert)) = (&self.alerts, alert) {
            // Handlers run in here, and may publish: no lock is held.
            alerts.send(alert);
        }
        Attempt::Done(Err(error))
    }

    /// Begins a subscription.
    pub(super) fn subscribe(
        self: &Arc<Self>,
        wanted: Subscribe,
    ) -> Result<Subscription, SubscribeError> {
        wanted.check()?;
        let mut state = self.state.lock();
        let subscribers_max = self.bounds.subscribers;
        if state.index.len() >= subscribers_max {
            return Err(SubscribeError::TooManySubscribers { subscribers_max });
        }
        let (gap, replay) = state.log.replay(&wanted)?;
        let next_seq = state.log.next_seq();
        let first = replay.front().map_or(next_seq, Event::seq);
        let first = gap.map_or(first, |gap| gap.from);
        let number = state.next_number;
        state.next_number = number.saturating_add(1);
        let queue = Arc::new(Queue::new(number, wanted, gap, replay));
        state.index.add(Arc::clone(&queue));
        drop(state);
        Ok(Subscription::new(MemorySource { queue, core: Arc::downgrade(self) }, first))
    }

    pub(super) fn dead_letters(&self) -> DeadEvents {
        self.state.lock().dead.read()
    }

    /// Waits for the reply to this request no longer. Gives `false` where the reply is on its way already.
    pub(super) fn forget_ask(&self, request: EventId) -> bool {
        let asker = self.state.lock().asks.remove(&request);
        asker.is_some()
    }
}

/// What people are told where events caused each other for too long.
fn too_many_hops(event: &NewEvent, hops: u32, hops_max: u32) -> Alert {
    let topic = event.topic();
    let message = format!(
        "an event under {topic} has {hops} causes before it and may have {hops_max}: agents wake each other in a circle"
    );
    let alert = Alert::new(Severity::High, topic!("event.too_many_hops"), message)
        .keyed(format!("event.too_many_hops/{topic}"))
        .with("topic", topic.as_str())
        .with("hops", hops)
        .with("hops_max", hops_max);
    let alert = match event.cause() {
        Some(cause) => alert.with("cause", cause.to_string()),
        None => alert,
    };
    match event.sender() {
        Some(agent) => alert.about(agent),
        None => alert,
    }
}

impl Drop for Core {
    /// No more events come: subscriptions end when they have taken what waits.
    fn drop(&mut self) {
        let index = mem::take(&mut self.state.get_mut().index);
        let wakers: Vec<_> = index.queues().filter_map(|queue| queue.end()).collect();
        drop(index);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// What a [`Subscription`] of a [`MemoryEventBus`](super::MemoryEventBus) takes its events from.
#[derive(Debug)]
struct MemorySource {
    queue: Arc<Queue>,
    /// Not kept alive by who reads: when the last publisher is gone, subscriptions end.
    core: Weak<Core>,
}

impl EventSource for MemorySource {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Event>, Gap>> {
        self.queue.poll_next(context)
    }
}

impl Drop for MemorySource {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            core.state.lock().index.remove(&self.queue);
        }
        self.queue.abandon();
    }
}
