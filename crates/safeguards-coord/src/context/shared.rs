//! What an agent shares with others: [`Context::state`], [`Context::publish`], [`Context::send`], [`Context::ask`],
//! [`Context::inbox`].

use std::{error, sync::Arc, time::Duration};

use safeguards_notify::{
    AskError, Event, EventBus, EventBusExt, NewEvent, PublishError, Published, SubscribeError,
    Subscription, Topic, TopicError,
};
use safeguards_types::AgentId;
use serde_json::Value;

use super::Context;
use crate::{AgentError, SharedState, StateError};

/// What the runner gives to its agents to share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commons {
    pub(crate) state: Option<SharedState>,
    pub(crate) events: Option<Arc<dyn EventBus>>,
}

/// An agent uses what its runner was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the runner was given no {what}; `Runner::{method}` gives it one")]
pub struct NotGiven {
    what: &'static str,
    method: &'static str,
}

impl NotGiven {
    const STATE: Self = Self { what: "shared state", method: "state" };
    const EVENTS: Self = Self { what: "event bus", method: "events" };

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        "run.not_given"
    }
}

/// Why a message was not sent, or an inbox not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The runner has no event bus.
    #[error(transparent)]
    NotGiven(#[from] NotGiven),
    /// The topic is none.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// The event was not published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The request was not answered.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The inbox was not opened.
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
}

impl MessageError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotGiven(error) => error.code(),
            Self::Topic(error) => error.code(),
            Self::Publish(error) => error.code(),
            Self::Ask(error) => error.code(),
            Self::Subscribe(error) => error.code(),
        }
    }
}

impl AgentError {
    fn because(message: &str, error: impl error::Error + Send + Sync + 'static) -> Self {
        Self::new(message).caused_by(error)
    }
}

impl From<NotGiven> for AgentError {
    /// An agent that fails for want of what its runner was not given.
    fn from(error: NotGiven) -> Self {
        Self::because("it cannot share", error)
    }
}

impl From<StateError> for AgentError {
    /// An agent that fails because shared state refuses.
    fn from(error: StateError) -> Self {
        Self::because("shared state refuses", error)
    }
}

impl From<MessageError> for AgentError {
    /// An agent that fails because a message does not come through.
    fn from(error: MessageError) -> Self {
        Self::because("a message does not come through", error)
    }
}

impl Context {
    /// Whose attempt this is.
    pub fn agent(&self) -> &AgentId {
        &self.shared.agent
    }

    /// What agents of all runs of this runner know together.
    ///
    /// ```
    /// use safeguards_coord::{Context, Reply, Task, agent_fn};
    /// use serde_json::json;
    ///
    /// let reader = agent_fn("reader", |_task: Task, cx: Context| async move {
    ///     cx.state()?.set(cx.agent(), "notes", json!({ "status": "complete" })).await?;
    ///     Ok(Reply::text("noted"))
    /// });
    /// # let _ = reader;
    /// ```
    ///
    /// # Errors
    ///
    /// Where the runner has none.
    pub fn state(&self) -> Result<&SharedState, NotGiven> {
        self.shared.commons.state.as_ref().ok_or(NotGiven::STATE)
    }

    /// The bus that events and messages go over, for what is not said here in one line.
    ///
    /// # Errors
    ///
    /// Where the runner has none.
    pub fn events(&self) -> Result<&Arc<dyn EventBus>, NotGiven> {
        self.shared.commons.events.as_ref().ok_or(NotGiven::EVENTS)
    }

    /// Publishes an event of this agent.
    ///
    /// # Errors
    ///
    /// Where the runner has no bus, the topic is none, or the bus does not take it.
    pub async fn publish(
        &self,
        topic: &str,
        body: impl Into<Value> + Send,
    ) -> Result<Published, MessageError> {
        let event = NewEvent::new(Topic::parse(topic)?, body).from(self.agent());
        Ok(self.events()?.publish(event).await?)
    }

    /// Sends a message to another agent: an event for its inboxes.
    ///
    /// # Errors
    ///
    /// As [`Self::publish`]; where the agent has no inbox, the message is a dead letter.
    pub async fn send(
        &self,
        to: impl Into<AgentId> + Send,
        topic: &str,
        body: impl Into<Value> + Send,
    ) -> Result<Published, MessageError> {
        let topic = Topic::parse(topic)?;
        Ok(self.events()?.send(self.agent(), to, topic, body).await?)
    }

    /// Asks another agent, and waits for its reply: so long, and no longer than this attempt has.
    ///
    /// # Errors
    ///
    /// As [`Self::send`]; and where nobody replies in time.
    pub async fn ask(
        &self,
        to: impl Into<AgentId> + Send,
        topic: &str,
        body: impl Into<Value> + Send,
        within: Duration,
    ) -> Result<Event, MessageError> {
        let request = NewEvent::new(Topic::parse(topic)?, body).from(self.agent()).to(to);
        let left = self.deadline().since(self.shared.clock.now());
        Ok(self.events()?.ask(request, within.min(left)).await?)
    }

    /// Begins to take the messages to this agent.
    ///
    /// # Errors
    ///
    /// Where the runner has no bus, or the bus takes no more subscribers.
    pub async fn inbox(&self) -> Result<Subscription, MessageError> {
        Ok(self.events()?.inbox(self.agent()).await?)
    }
}
