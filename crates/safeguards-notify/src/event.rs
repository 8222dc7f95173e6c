//! [`Event`]: something that happened, published on an [`EventBus`] for whoever asked for its like.

use std::{fmt, sync::Arc};

use safeguards_types::{AgentId, OperationId, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::Topic;

mod body;
mod bus;
mod dead;
mod draft;
mod error;
mod memory;
mod subscribe;
mod subscription;

#[cfg(feature = "mock")]
pub use bus::MockEventBus;
pub use bus::{EventBus, EventBusExt, Published};
pub use dead::{DeadEvent, DeadEventReason, DeadEvents};
pub use draft::NewEvent;
pub use error::{AskError, EventBusError, EventBusErrorKind, PublishError, SubscribeError};
pub use memory::{MemoryEventBus, MemoryEventBusBuilder, SyncEventBus};
pub use subscribe::{Cursor, Subscribe, WhenFull};
pub use subscription::{EventSource, Gap, Subscription};

/// Something that happened, as a bus published it. Clones share everything.
///
/// Who makes one says what happened, in a [`NewEvent`]; the bus gives it an id, a number and the time. JSON is
/// one object; keys that do not apply are left out.
///
/// ```
/// use safeguards_notify::{MemoryEventBus, NewEvent, Subscribe, topic};
/// use serde_json::json;
///
/// let bus = MemoryEventBus::new();
/// let mut found = bus.sync().subscribe(Subscribe::to("data.*")?)?;
/// bus.sync().publish(NewEvent::new(topic!("data.found"), json!({"rows": 3})).from("reader"))?;
/// let event = found.try_next()?.expect("it was just published");
/// assert_eq!(event.to_string(), "#1 data.found from reader");
/// assert_eq!(event.body()["rows"], 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Event(Arc<Parts>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Parts {
    id: EventId,
    seq: u64,
    at: Timestamp,
    topic: Topic,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<AgentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<AgentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<EventId>,
    #[serde(default, skip_serializing_if = "is_zero")]
    hops: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_by: Option<Timestamp>,
    body: Value,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it may skip by reference")]
const fn is_zero(hops: &u32) -> bool {
    *hops == 0
}

/// The name of an event: a version 7 UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(OperationId);

impl EventId {
    /// The event as the name of an operation: what is done because of it, done again under this id, is done once.
    pub const fn operation(self) -> OperationId {
        self.0
    }
}

impl From<OperationId> for EventId {
    fn from(id: OperationId) -> Self {
        Self(id)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Event {
    /// Its name.
    pub fn id(&self) -> EventId {
        self.0.id
    }

    /// Its number on its bus, from 1: each published event has the next one.
    pub fn seq(&self) -> u64 {
        self.0.seq
    }

    /// When it was published, by the clock of the bus. Clocks step back; [`Event::seq`] does not.
    pub fn at(&self) -> Timestamp {
        self.0.at
    }

    /// What it is published under.
    pub fn topic(&self) -> &Topic {
        &self.0.topic
    }

    /// The agent that published it, as that agent said.
    pub fn from(&self) -> Option<&AgentId> {
        self.0.from.as_ref()
    }

    /// The agent that it is for; `None` where it is for everybody.
    pub fn to(&self) -> Option<&AgentId> {
        self.0.to.as_ref()
    }

    /// What happened.
    pub fn body(&self) -> &Value {
        &self.0.body
    }

    /// What happened, read as a `T`.
    ///
    /// # Errors
    ///
    /// Where the body is no `T`.
    pub fn body_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(self.body())
    }

    /// The event that this one follows from.
    pub fn cause(&self) -> Option<EventId> {
        self.0.cause
    }

    /// How many events stand before it in its chain of causes.
    pub fn hops(&self) -> u32 {
        self.0.hops
    }

    /// The request that it answers.
    pub fn in_reply_to(&self) -> Option<EventId> {
        self.0.in_reply_to
    }

    /// Until when a reply is waited for; `None` where it asks for none.
    pub fn reply_by(&self) -> Option<Timestamp> {
        self.0.reply_by
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// One line, without the body. Agents' names are shown with control characters escaped.
impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "#{} {}", self.seq(), self.topic())?;
        if let Some(from) = self.from() {
            write!(out, " from {}", from.as_str().escape_debug())?;
        }
        if let Some(to) = self.to() {
            write!(out, " to {}", to.as_str().escape_debug())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use safeguards_types::OperationIds;
    use serde_json::json;

    use super::*;
    use crate::topic;

    #[test]
    fn json_is_one_object_there_and_back() {
        let at = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
        let id = EventId(OperationIds::seeded(7).mint(at));
        let first = NewEvent::new(topic!("data.found"), json!({"rows": 3})).publish_as(id, 1, at);
        let text = serde_json::to_string(&first).unwrap();
        assert_eq!(
            text,
            format!(
                r#"{{"id":"{id}","seq":1,"at":"2026-01-05T09:00:00Z","topic":"data.found","body":{{"rows":3}}}}"#
            )
        );
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), first);
        let asked = NewEvent::new(topic!("data.found"), "more?").caused_by(&first);
        let asked = asked.from("reader").to("writer");
        let asked = asked.ask_as(id, 2, at, Duration::from_secs(2));
        let text = serde_json::to_string(&asked).unwrap();
        assert!(text.contains(r#""from":"reader","to":"writer","cause":"#), "{text}");
        assert!(text.contains(r#""hops":1,"reply_by":"2026-01-05T09:00:02Z""#), "{text}");
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), asked);
    }

    #[test]
    fn text_is_one_line_whatever_an_agent_is_called() {
        let at = Timestamp::UNIX_EPOCH;
        let id = EventId(OperationIds::seeded(7).mint(at));
        let event = NewEvent::new(topic!("a.b"), Value::Null).from("a\nb").to("c");
        assert_eq!(event.publish_as(id, 7, at).to_string(), "#7 a.b from a\\nb to c");
    }

    #[test]
    fn a_body_is_read_as_what_it_is() {
        let (at, ids) = (Timestamp::UNIX_EPOCH, OperationIds::seeded(7));
        let event =
            NewEvent::new(topic!("a"), json!([1, 2])).publish_as(ids.mint(at).into(), 1, at);
        assert_eq!(event.body_as::<Vec<u8>>().unwrap(), [1, 2]);
        assert!(event.body_as::<String>().is_err());
    }
}
