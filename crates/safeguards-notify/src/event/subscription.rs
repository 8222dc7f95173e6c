//! [`Subscription`]: where somebody takes the events that they asked for; [`Gap`]: what they missed.

use std::{
    fmt,
    future::poll_fn,
    task::{Context, Poll, Waker},
};

use super::{Cursor, Event};

/// Events of a subscription that were lost: the first and the last one's number.
///
/// Every event of the subscription from the first to the last is lost, and none of them was given or will be.
/// Other numbers between them are events that it would not have seen. What a replay no longer finds is a gap
/// too; whether the subscription would have seen any of that is no longer known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the events {from} to {to} of this subscription were lost: it took them too late")]
#[expect(
    clippy::exhaustive_structs,
    reason = "two ends are all there is to it, and patterns name both"
)]
pub struct Gap {
    /// The number of the first event lost.
    pub from: u64,
    /// The number of the last event lost.
    pub to: u64,
}

impl Gap {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        "notify.gap"
    }
}

/// Gives the events of one subscription, for the author of a bus. Users hold it in a [`Subscription`].
///
/// # Contract
///
/// - Events come in the order of their numbers, each once, and only those that the subscription
///   [sees](super::Subscribe::sees).
/// - What was lost is a [`Gap`] in its place, before the event that comes after it. Gaps that nothing stands
///   between are one.
/// - `Ok(None)` is the end: the bus is gone, and everything was given. It is so from then on.
/// - Where there is nothing yet, the waker is kept and woken when there is. A poll that is never repeated loses
///   nothing.
/// - Dropped, it unsubscribes, and frees publishers who wait for it.
pub trait EventSource: fmt::Debug + Send + 'static {
    /// The next event, if there is one.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Event>, Gap>>;
}

/// Where somebody takes the events that they asked for. Dropping it unsubscribes.
///
/// ```
/// use safeguards_notify::{Gap, MemoryEventBus, NewEvent, Subscribe, topic};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = MemoryEventBus::new();
/// let mut last_two = bus.sync().subscribe(Subscribe::all().queue_max(2))?;
/// for number in 1..=5 {
///     bus.sync().publish(NewEvent::new(topic!("count"), number))?;
/// }
/// drop(bus); // so that the loop below has an end
/// let mut seen = Vec::new();
/// loop {
///     match last_two.next().await {
///         Ok(Some(event)) => seen.push(event.seq()),
///         Ok(None) => break,
///         Err(Gap { from, to }) => println!("{from} to {to} came too fast"), // and on it goes
///     }
/// }
/// assert_eq!(seen, [4, 5]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it unsubscribes when it is dropped"]
pub struct Subscription {
    source: Box<dyn EventSource>,
    next_seq: u64,
}

impl Subscription {
    /// What `source` gives. `next_seq` is the number of the first event that it could give. For buses.
    pub fn new(source: impl EventSource, next_seq: u64) -> Self {
        Self { source: Box::new(source), next_seq }
    }

    /// Waits for the next event. `None` is the end: the bus is gone, and everything was given.
    ///
    /// The future may be dropped at any point: nothing is lost by it.
    ///
    /// # Errors
    ///
    /// A [`Gap`], where events were lost before the next one. The call after it goes on.
    pub async fn next(&mut self) -> Result<Option<Event>, Gap> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The next event if there is one by now.
    ///
    /// # Errors
    ///
    /// A [`Gap`], where events were lost before the next one. The call after it goes on.
    pub fn try_next(&mut self) -> Result<Option<Event>, Gap> {
        match self.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(next) => next,
            Poll::Pending => Ok(None),
        }
    }

    /// [`Subscription::next`] for those who write futures by hand.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Event>, Gap>> {
        let next = self.source.poll_next(context);
        match &next {
            Poll::Ready(Ok(Some(event))) => self.next_seq = event.seq().saturating_add(1),
            Poll::Ready(Err(gap)) => self.next_seq = gap.to.saturating_add(1),
            Poll::Ready(Ok(None)) | Poll::Pending => {}
        }
        next
    }

    /// Where it stands: a subscription from here on sees what this one has not seen yet.
    pub const fn cursor(&self) -> Cursor {
        Cursor::Seq(self.next_seq)
    }
}
