//! [`EventBus`]: publish, subscribe, ask; the seam that backends implement.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use safeguards_types::AgentId;
use serde_json::Value;

use super::{
    AskError, DeadEvents, Event, EventBusError, EventId, NewEvent, PublishError, Subscribe,
    SubscribeError, Subscription,
};
use crate::Topic;

/// Brings events from those who publish them to those who asked for their like.
///
/// # Contract
///
/// - Each published event has the next number, from 1 and without holes. Every subscription sees its events in
///   the order of their numbers: what [`Subscribe::sees`] says, from its cursor on, each once or in a
///   [`Gap`](super::Gap).
/// - An event is published as a whole or not at all: whoever is to see it can, or nobody has and the publisher
///   is told. Its own checks ([`NewEvent::check`], [`Subscribe::check`]) come before all else.
/// - A queue holds as many events as its subscription said. Where it is full, either its oldest event is lost, or
///   publishers wait, and give up after a time that the bus states. Who waits holds up nobody else.
/// - An event with more hops than the bus allows, a message to an agent without an inbox for it, a request that
///   nobody would see, and a reply that nobody waits for are refused, and kept as dead letters: a stated number,
///   and a count of those dropped.
/// - A reply goes to who asked, and to who watches messages; no inbox sees it. The first one counts. At its
///   deadline, by the clock of the bus, it is late.
/// - Any future may be dropped at any point: nothing is done by half. Who asks and is dropped waits no longer.
///
/// ```
/// use std::sync::Arc;
/// use safeguards_notify::{EventBus, EventBusExt, MemoryEventBus, topic};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus: Arc<dyn EventBus> = Arc::new(MemoryEventBus::new());
/// let mut inbox = bus.inbox("writer").await?;
/// bus.send("reader", "writer", topic!("data.found"), "three rows").await?;
/// while let Some(event) = inbox.next().await? {
///     println!("{event}: {}", event.body());
///     # break;
/// }
/// # Ok(())
/// # }
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EventBus: fmt::Debug + Send + Sync + 'static {
    /// Publishes an event. Waits where a subscriber that slows publishers down has no room.
    async fn publish(&self, event: NewEvent) -> Result<Published, PublishError>;

    /// Begins a subscription.
    async fn subscribe(&self, subscribe: Subscribe) -> Result<Subscription, SubscribeError>;

    /// Publishes a request and waits for its reply, both within this time.
    ///
    /// It belongs to the seam because only a bus can take note of who asks in the step that publishes.
    async fn ask(&self, request: NewEvent, within: Duration) -> Result<Event, AskError>;

    /// The events that could not be delivered, oldest first.
    async fn dead_letters(&self) -> Result<DeadEvents, EventBusError>;
}

#[async_trait]
impl<B: EventBus + ?Sized> EventBus for Arc<B> {
    async fn publish(&self, event: NewEvent) -> Result<Published, PublishError> {
        (**self).publish(event).await
    }

    async fn subscribe(&self, subscribe: Subscribe) -> Result<Subscription, SubscribeError> {
        (**self).subscribe(subscribe).await
    }

    async fn ask(&self, request: NewEvent, within: Duration) -> Result<Event, AskError> {
        (**self).ask(request, within).await
    }

    async fn dead_letters(&self) -> Result<DeadEvents, EventBusError> {
        (**self).dead_letters().await
    }
}

/// What became of an event when it was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// The event's name from here on.
    pub id: EventId,
    /// Its number on the bus.
    pub seq: u64,
    /// How many subscriptions see it; who waits for a reply is none of them.
    pub subscribers: usize,
}

impl Published {
    /// What a bus answers.
    pub const fn new(id: EventId, seq: u64, subscribers: usize) -> Self {
        Self { id, seq, subscribers }
    }
}

/// What callers write: one verb, one line.
#[async_trait]
pub trait EventBusExt: EventBus {
    /// Sends a message: an event for the inboxes of one agent.
    ///
    /// # Errors
    ///
    /// As [`EventBus::publish`]; where the agent has no inbox, the message is a dead letter.
    async fn send<F, T, B>(
        &self,
        from: F,
        to: T,
        topic: Topic,
        body: B,
    ) -> Result<Published, PublishError>
    where
        F: Into<AgentId> + Send,
        T: Into<AgentId> + Send,
        B: Into<Value> + Send,
    {
        let (from, to) = (from.into(), to.into());
        self.publish(NewEvent::new(topic, body).from(from).to(to)).await
    }

    /// Answers a request.
    ///
    /// # Errors
    ///
    /// Where what is answered asks for no reply, the reply is late, or nobody waits for it.
    async fn reply<B>(&self, request: &Event, body: B) -> Result<Published, PublishError>
    where
        B: Into<Value> + Send,
    {
        let body = body.into();
        self.publish(NewEvent::reply_to(request, body)).await
    }

    /// Begins to take the messages to an agent.
    ///
    /// # Errors
    ///
    /// As [`EventBus::subscribe`].
    async fn inbox<A>(&self, agent: A) -> Result<Subscription, SubscribeError>
    where
        A: Into<AgentId> + Send,
    {
        let agent = agent.into();
        self.subscribe(Subscribe::inbox(agent)).await
    }
}

impl<B: EventBus + ?Sized> EventBusExt for B {}
