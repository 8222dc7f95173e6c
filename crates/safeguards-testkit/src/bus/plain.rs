//! [`PlainEventBus`]: answers as every bus must, found in the most naive way.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_notify::{
    AskError, Cursor, DeadEvent, DeadEventReason, DeadEvents, Event, EventBus, EventBusError,
    EventId, EventSource, Gap, NewEvent, PublishError, Published, Subscribe, SubscribeError,
    Subscription,
};
use safeguards_types::{Clock, OperationIds, Timestamp};
use tokio::{sync::Notify, time::timeout};

use super::BusSetup;

/// A bus that keeps everything in plain lists under one lock, looks through all of them at each step, and wakes
/// everybody at each change. It shares no code with the bus in memory, so that one is a model for the other.
#[derive(Debug)]
pub struct PlainEventBus {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    setup: BusSetup,
    ids: OperationIds,
    state: Mutex<State>,
    /// Tells all publishers and askers that something has changed.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Everything that was ever published: event n stands at n - 1.
    events: Vec<Event>,
    seats: Vec<Seat>,
    seats_made: usize,
    asked: Vec<(EventId, Option<Event>)>,
    dead: DeadEvents,
    is_over: bool,
}

/// One subscription.
#[derive(Debug)]
struct Seat {
    number: usize,
    wanted: Subscribe,
    /// Numbers of events that wait, or that were lost.
    waiting: Vec<(u64, Fate)>,
    /// How many may wait.
    room: usize,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waits,
    Lost,
}

/// Whether an event can be published now.
enum Verdict {
    Published(Event, usize),
    Refused(PublishError),
    /// What the one is called that has no room, and how many its queue holds.
    Full(String, usize),
}

impl Seat {
    fn waits(&self) -> usize {
        self.waiting.iter().filter(|(_, fate)| *fate == Fate::Waits).count()
    }

    fn add(&mut self, seq: u64) {
        if self.waits() >= self.room {
            let oldest = self.waiting.iter_mut().find(|(_, fate)| *fate == Fate::Waits);
            oldest.expect("a full queue is not empty").1 = Fate::Lost;
        }
        self.waiting.push((seq, Fate::Waits));
    }

    /// Takes what comes next: an event's number, or all that was lost before one.
    fn take(&mut self) -> Option<Result<u64, Gap>> {
        let lost = self.waiting.iter().take_while(|(_, fate)| *fate == Fate::Lost).count();
        if lost > 0 {
            let lost: Vec<_> = self.waiting.drain(..lost).collect();
            let (from, to) = (lost[0].0, lost[lost.len().saturating_sub(1)].0);
            return Some(Err(Gap { from, to }));
        }
        if self.waiting.is_empty() {
            return None;
        }
        if self.room > self.wanted.queue_bound() {
            self.room = self.room.saturating_sub(1);
        }
        Some(Ok(self.waiting.remove(0).0))
    }
}

impl PlainEventBus {
    /// A bus with this clock and these bounds.
    pub fn new(setup: BusSetup) -> Self {
        let shared = Shared {
            setup,
            ids: OperationIds::new(),
            state: Mutex::default(),
            changed: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    async fn publish_within(
        &self,
        event: &NewEvent,
        asks: Option<Duration>,
        wait_max: Duration,
    ) -> Result<(Event, usize), PublishError> {
        event.check()?;
        let mut full = (String::new(), 0);
        let published = timeout(wait_max, async {
            loop {
                let changed = self.shared.changed.notified();
                match self.shared.try_publish(event, asks) {
                    Verdict::Published(event, subscribers) => return Ok((event, subscribers)),
                    Verdict::Refused(error) => return Err(error),
                    Verdict::Full(label, queue_max) => full = (label, queue_max),
                }
                changed.await;
            }
        });
        match published.await {
            Ok(result) => result,
            Err(_) => Err(PublishError::SubscriberFull {
                topic: event.topic().clone(),
                subscriber: full.0,
                queue_max: full.1,
                waited: wait_max,
            }),
        }
    }
}

impl Shared {
    fn try_publish(&self, event: &NewEvent, asks: Option<Duration>) -> Verdict {
        let now = self.setup.clock.now();
        let mut state = self.state.lock();
        if let Some((reason, error)) = self.refusal(&state, event, asks.is_some(), now) {
            if let DeadEventReason::ReplyTooLate { request, .. } = &reason {
                state.asked.retain(|(asked, _)| asked != request);
            }
            let letter = DeadEvent::new(event.clone(), reason, now);
            state.dead.push(letter, self.setup.dead_letters_max);
            self.changed.notify_waiters();
            return Verdict::Refused(error);
        }
        let seq = u64::try_from(state.events.len()).unwrap_or(u64::MAX).saturating_add(1);
        let id = self.ids.mint(now).into();
        let event = match asks {
            Some(within) => event.clone().ask_as(id, seq, now, within),
            None => event.clone().publish_as(id, seq, now),
        };
        let sees = |seat: &&mut Seat| seat.wanted.sees(&event);
        for seat in state.seats.iter_mut().filter(sees) {
            if seat.wanted.is_waited_for() && seat.waits() >= seat.room {
                return Verdict::Full(seat.wanted.label(), seat.wanted.queue_bound());
            }
        }
        let mut subscribers = 0_usize;
        for seat in state.seats.iter_mut().filter(sees) {
            seat.add(seq);
            subscribers = subscribers.saturating_add(1);
        }
        if let Some(request) = event.in_reply_to() {
            for (asked, reply) in &mut state.asked {
                if *asked == request {
                    *reply = Some(event.clone());
                }
            }
        }
        if asks.is_some() {
            state.asked.push((id, None));
        }
        state.events.push(event.clone());
        self.tell_all(&mut state);
        Verdict::Published(event, subscribers)
    }

    fn refusal(
        &self,
        state: &State,
        event: &NewEvent,
        asks: bool,
        now: Timestamp,
    ) -> Option<(DeadEventReason, PublishError)> {
        let (topic, hops, hops_max) = (event.topic().clone(), event.hops(), self.setup.hops_max);
        if hops > hops_max {
            let reason = DeadEventReason::TooManyHops { hops, hops_max };
            return Some((reason, PublishError::TooManyHops { topic, hops, hops_max }));
        }
        if let Some((request, deadline)) = event.in_reply_to() {
            let deadline = deadline.unwrap_or(Timestamp::MAX);
            if now >= deadline {
                let late_by = now.since(deadline);
                let reason = DeadEventReason::ReplyTooLate { request, late_by };
                return Some((reason, PublishError::ReplyTooLate { request, late_by }));
            }
            if !state.asked.iter().any(|(asked, reply)| *asked == request && reply.is_none()) {
                let reason = DeadEventReason::NobodyWaits { request };
                return Some((reason, PublishError::NobodyWaits { request }));
            }
            return None;
        }
        let takes = |seat: &Seat| {
            seat.wanted.agent() == event.receiver() && seat.wanted.filter().matches(&topic)
        };
        if let Some(agent) = event.receiver()
            && !state.seats.iter().any(takes)
        {
            let agent = agent.clone();
            let reason = DeadEventReason::NoInbox { agent: agent.clone() };
            return Some((reason, PublishError::NoInbox { agent, topic }));
        }
        if asks && !state.seats.iter().any(takes) {
            return Some((DeadEventReason::NobodyListens, PublishError::NobodyListens { topic }));
        }
        None
    }

    fn tell_all(&self, state: &mut State) {
        self.changed.notify_waiters();
        for waker in state.seats.iter_mut().filter_map(|seat| seat.waker.take()) {
            waker.wake();
        }
    }
}

#[async_trait]
impl EventBus for PlainEventBus {
    async fn publish(&self, event: NewEvent) -> Result<Published, PublishError> {
        let wait_max = self.shared.setup.wait_max;
        let (event, subscribers) = self.publish_within(&event, None, wait_max).await?;
        Ok(Published::new(event.id(), event.seq(), subscribers))
    }

    async fn subscribe(&self, wanted: Subscribe) -> Result<Subscription, SubscribeError> {
        wanted.check()?;
        let mut state = self.shared.state.lock();
        let newest = u64::try_from(state.events.len()).unwrap_or(u64::MAX);
        let log_max = u64::try_from(self.shared.setup.log_max).unwrap_or(u64::MAX);
        let (next, gone) = (newest.saturating_add(1), newest.saturating_sub(log_max));
        let from = match wanted.cursor() {
            Cursor::Oldest => gone.saturating_add(1),
            Cursor::Seq(seq) if seq > next => {
                return Err(SubscribeError::CursorAhead { seq, next });
            }
            Cursor::Seq(seq) => seq.max(1),
            Cursor::Now | _ => next,
        };
        let lost = (from..=gone).map(|seq| (seq, Fate::Lost));
        let kept = state.events.iter().filter(|event| event.seq() >= from && event.seq() > gone);
        let kept = kept.filter(|event| wanted.sees(event)).map(|event| (event.seq(), Fate::Waits));
        let begun: Vec<_> = lost.chain(kept).collect();
        let first = begun.first().map_or(next, |(seq, _)| *seq);
        let number = state.seats_made;
        state.seats_made = number.saturating_add(1);
        let mut seat = Seat { number, wanted, waiting: begun, room: 0, waker: None };
        seat.room = seat.waits().saturating_add(seat.wanted.queue_bound());
        state.seats.push(seat);
        let source = PlainSource { shared: Arc::clone(&self.shared), number };
        Ok(Subscription::new(source, first))
    }

    async fn ask(&self, request: NewEvent, within: Duration) -> Result<Event, AskError> {
        let most = Duration::from_hours(24);
        if within.is_zero() || within > most {
            return Err(AskError::InvalidDeadline { within, most });
        }
        let wait_max = within.min(self.shared.setup.wait_max);
        let (event, _) = self.publish_within(&request, Some(within), wait_max).await?;
        let asking = Asking { shared: &self.shared, request: event.id() };
        let replied = timeout(within, async {
            loop {
                let changed = self.shared.changed.notified();
                match asking.answer() {
                    Answer::Is(reply) => return Some(reply),
                    Answer::Never => return None,
                    Answer::NotYet => changed.await,
                }
            }
        });
        replied.await.ok().flatten().ok_or_else(|| AskError::NoReply {
            request: event.id(),
            topic: event.topic().clone(),
            within,
        })
    }

    async fn dead_letters(&self) -> Result<DeadEvents, EventBusError> {
        Ok(self.shared.state.lock().dead.clone())
    }
}

impl Drop for PlainEventBus {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        state.is_over = true;
        self.shared.tell_all(&mut state);
    }
}

/// Who waits for a reply, until it is dropped.
struct Asking<'a> {
    shared: &'a Shared,
    request: EventId,
}

enum Answer {
    Is(Event),
    NotYet,
    Never,
}

impl Asking<'_> {
    fn answer(&self) -> Answer {
        let state = self.shared.state.lock();
        match state.asked.iter().find(|(asked, _)| *asked == self.request) {
            Some((_, None)) => Answer::NotYet,
            Some((_, Some(reply))) => Answer::Is(reply.clone()),
            None => Answer::Never,
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.shared.state.lock().asked.retain(|(asked, _)| *asked != self.request);
    }
}

#[derive(Debug)]
struct PlainSource {
    shared: Arc<Shared>,
    number: usize,
}

impl EventSource for PlainSource {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Event>, Gap>> {
        let mut state = self.shared.state.lock();
        let State { events, seats, is_over, .. } = &mut *state;
        let Some(seat) = seats.iter_mut().find(|seat| seat.number == self.number) else {
            return Poll::Ready(Ok(None));
        };
        let taken = seat.take();
        if taken.is_none() && !*is_over {
            seat.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        let event = |seq| events.iter().find(|event| event.seq() == seq).cloned();
        let next = taken.map_or(Ok(None), |taken| taken.map(event));
        self.shared.changed.notify_waiters();
        Poll::Ready(next)
    }
}

impl Drop for PlainSource {
    fn drop(&mut self) {
        self.shared.state.lock().seats.retain(|seat| seat.number != self.number);
        self.shared.changed.notify_waiters();
    }
}
