//! [`Queue`]: what waits for one subscription, and who waits for room in it.

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::event::{Event, Gap, Subscribe};

/// Which subscription of a bus: they are counted from 0.
pub(super) type SubscriptionNumber = u64;

/// What waits for one subscription.
///
/// Events are added by who holds the lock of the bus, and by nobody else: room that was seen under that lock is
/// still there when the event comes. They are taken under the lock of the queue alone.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) number: SubscriptionNumber,
    pub(super) wanted: Subscribe,
    waiting: Mutex<Waiting>,
    /// Where publishers wait; `None` where nobody waits for this subscription.
    line: Option<Box<Line>>,
}

#[derive(Debug)]
struct Waiting {
    events: VecDeque<Event>,
    /// What was lost before the first of them.
    gap: Option<Gap>,
    /// How many there may be. A replay may be larger than the bound; as it is taken, this goes down to it.
    room: usize,
    /// Nobody takes events any more, or no more come.
    is_closed: bool,
    reader: Option<Waker>,
}

/// Publishers that wait for room, one behind the other.
#[derive(Debug)]
struct Line {
    /// How many stand in it, the first included. While anybody does, others find no room.
    len: AtomicUsize,
    /// Whose turn it is: in the order in which they came.
    turn: Semaphore,
    /// Tells the first that there may be room.
    room: Notify,
}

impl Queue {
    /// The queue of a subscription that begins with this gap and these events.
    pub(super) fn new(
        number: SubscriptionNumber,
        wanted: Subscribe,
        gap: Option<Gap>,
        events: VecDeque<Event>,
    ) -> Self {
        let line = wanted.is_waited_for().then(|| {
            Box::new(Line {
                len: AtomicUsize::new(0),
                turn: Semaphore::new(1),
                room: Notify::new(),
            })
        });
        let room = wanted.queue_bound().saturating_add(events.len());
        let waiting = Waiting { events, gap, room, is_closed: false, reader: None };
        Self { number, wanted, waiting: Mutex::new(waiting), line }
    }

    /// Whether an event can be added without losing one that must not be lost. `is_first` says that who asks
    /// stands first in this queue's line.
    pub(super) fn has_room(&self, is_first: bool) -> bool {
        let Some(line) = &self.line else {
            return true;
        };
        let waiting = self.waiting.lock();
        // Who comes later does not take the room of those who wait.
        let is_free = is_first || line.len.load(Ordering::SeqCst) == 0;
        waiting.is_closed || (is_free && waiting.events.len() < waiting.room)
    }

    /// Adds an event; the oldest is lost where there is no room. Gives whom to wake, and what was lost.
    pub(super) fn add(&self, event: Event) -> (Option<Waker>, Option<Event>) {
        let mut waiting = self.waiting.lock();
        if waiting.is_closed {
            return (None, Some(event));
        }
        let mut lost = None;
        if waiting.events.len() >= waiting.room
            && let Some(oldest) = waiting.events.pop_front()
        {
            let to = oldest.seq();
            let from = waiting.gap.map_or(to, |gap| gap.from);
            waiting.gap = Some(Gap { from, to });
            lost = Some(oldest);
        }
        waiting.events.push_back(event);
        (waiting.reader.take(), lost)
    }

    /// Takes the next event.
    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Result<Option<Event>, Gap>> {
        let mut waiting = self.waiting.lock();
        if let Some(gap) = waiting.gap.take() {
            return Poll::Ready(Err(gap));
        }
        if let Some(event) = waiting.events.pop_front() {
            let bound = self.wanted.queue_bound();
            if waiting.room > bound {
                waiting.room = waiting.room.saturating_sub(1).max(bound);
            }
            drop(waiting);
            self.tell_first();
            return Poll::Ready(Ok(Some(event)));
        }
        if waiting.is_closed {
            return Poll::Ready(Ok(None));
        }
        let is_known = waiting.reader.as_ref().is_some_and(|old| old.will_wake(context.waker()));
        if !is_known {
            let old = waiting.reader.replace(context.waker().clone());
            // A waker is not ours: what dropping it does must not be done under a lock.
            drop(waiting);
            drop(old);
        }
        Poll::Pending
    }

    /// Ends it from the side of the bus: what waits can still be taken.
    pub(super) fn end(&self) -> Option<Waker> {
        let mut waiting = self.waiting.lock();
        waiting.is_closed = true;
        waiting.reader.take()
    }

    /// Ends it from the side of the subscriber: nothing waits any more, and no publisher either.
    pub(super) fn abandon(&self) {
        let mut waiting = self.waiting.lock();
        waiting.is_closed = true;
        let events = mem::take(&mut waiting.events);
        let reader = waiting.reader.take();
        drop(waiting);
        drop((events, reader));
        self.tell_first();
    }

    /// Tells the first in line that there may be room.
    fn tell_first(&self) {
        if let Some(line) = self.line.as_ref().filter(|line| line.len.load(Ordering::SeqCst) > 0) {
            line.room.notify_one();
        }
    }

    /// Joins the line at its end. `None` where nobody waits for this subscription.
    pub(super) fn join_line(self: &Arc<Self>) -> Option<Place> {
        let line = self.line.as_ref()?;
        line.len.fetch_add(1, Ordering::SeqCst);
        Some(Place(Arc::clone(self)))
    }
}

/// A place in the line of a queue; dropped, it is left.
#[derive(Debug)]
pub(super) struct Place(Arc<Queue>);

impl Place {
    /// Waits until those before have left.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.0.line.as_ref()?.turn.acquire().await.ok()
    }

    /// Waits until there may be room. For the first in line.
    pub(super) async fn room(&self) {
        if let Some(line) = &self.0.line {
            line.room.notified().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(line) = &self.0.line {
            line.len.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
