//! [`NewEvent`]: an event that is about to be published.

use std::{sync::Arc, time::Duration};

use safeguards_types::{AgentId, Timestamp};
use serde_json::Value;

use super::{
    Event, EventId, Parts, PublishError,
    body::{self, BODY_BYTES_MAX, BODY_DEPTH_MAX, BodyFault},
};
use crate::Topic;

/// An event that is about to be published: what happened, under which topic, from and to whom, and why.
///
/// ```
/// use safeguards_notify::{NewEvent, topic};
/// use serde_json::json;
///
/// let note = NewEvent::new(topic!("data.found"), json!({"rows": 3})).from("reader").to("writer");
/// assert_eq!(note.topic(), &topic!("data.found"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "nothing is published before a bus is given it"]
pub struct NewEvent {
    topic: Topic,
    from: Option<AgentId>,
    to: Option<AgentId>,
    body: Value,
    cause: Option<EventId>,
    hops: u32,
    in_reply_to: Option<EventId>,
    reply_by: Option<Timestamp>,
}

/// How many bytes the name of an agent or a subscription may have.
const NAME_BYTES_MAX: usize = 256;

/// Whether a text may name an agent or a subscription: 1 to 256 bytes without control characters.
pub(super) fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

impl NewEvent {
    /// An event for everybody who asked for its topic. A body has at most 256 KiB of JSON, and at most 64
    /// lists and objects one inside the other; the bus refuses others.
    pub fn new(topic: Topic, body: impl Into<Value>) -> Self {
        Self {
            topic,
            from: None,
            to: None,
            body: body.into(),
            cause: None,
            hops: 0,
            in_reply_to: None,
            reply_by: None,
        }
    }

    /// The reply to a request: under the request's topic, from whom it was for, to whom it was from. It goes to
    /// who waits for it and to nobody else. The bus refuses a reply to what is no request.
    pub fn reply_to(request: &Event, body: impl Into<Value>) -> Self {
        Self {
            from: request.to().cloned(),
            to: request.from().cloned(),
            in_reply_to: Some(request.id()),
            reply_by: request.reply_by(),
            ..Self::new(request.topic().clone(), body).caused_by(request)
        }
    }

    /// Names the agent that publishes it.
    pub fn from(self, agent: impl Into<AgentId>) -> Self {
        Self { from: Some(agent.into()), ..self }
    }

    /// Makes it a message: it goes to the inboxes of this agent only.
    pub fn to(self, agent: impl Into<AgentId>) -> Self {
        Self { to: Some(agent.into()), ..self }
    }

    /// Says which event it follows from: it has one hop more. Past a number of hops a bus refuses it, so that
    /// agents which wake each other come to an end.
    pub fn caused_by(self, event: &Event) -> Self {
        Self { cause: Some(event.id()), hops: event.hops().saturating_add(1), ..self }
    }

    /// What it is to be published under.
    pub const fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The agent that publishes it.
    pub const fn sender(&self) -> Option<&AgentId> {
        self.from.as_ref()
    }

    /// The agent that it is for; `None` where it is for everybody.
    pub const fn receiver(&self) -> Option<&AgentId> {
        self.to.as_ref()
    }

    /// What happened.
    pub const fn body(&self) -> &Value {
        &self.body
    }

    /// The event that it follows from.
    pub const fn cause(&self) -> Option<EventId> {
        self.cause
    }

    /// How many events stand before it in its chain of causes.
    pub const fn hops(&self) -> u32 {
        self.hops
    }

    /// The request that it answers, and until when the answer was waited for: `None` where what it answers is
    /// no request.
    pub const fn in_reply_to(&self) -> Option<(EventId, Option<Timestamp>)> {
        match self.in_reply_to {
            Some(request) => Some((request, self.reply_by)),
            None => None,
        }
    }

    /// What a bus checks before anything else. Gives the bytes of the body as JSON.
    ///
    /// # Errors
    ///
    /// Where the body is too large or nests too deep, an agent has no name that one may have, or what it
    /// answers is no request.
    pub fn check(&self) -> Result<usize, PublishError> {
        for agent in [&self.from, &self.to].into_iter().flatten() {
            if !is_name(agent.as_str()) {
                return Err(PublishError::InvalidAgent { agent: agent.clone() });
            }
        }
        if let (Some(event), None) = (self.in_reply_to, self.reply_by) {
            return Err(PublishError::NotARequest { event });
        }
        body::measure(&self.body).map_err(|fault| {
            let topic = self.topic.clone();
            match fault {
                BodyFault::TooLarge => {
                    PublishError::BodyTooLarge { topic, bytes_max: BODY_BYTES_MAX }
                }
                BodyFault::TooDeep => {
                    PublishError::BodyTooDeep { topic, depth_max: BODY_DEPTH_MAX }
                }
            }
        })
    }

    /// The event that this becomes under an id and a number, at an instant. For buses: they give each event they
    /// publish the next number.
    pub fn publish_as(self, id: EventId, seq: u64, at: Timestamp) -> Event {
        let Self { topic, from, to, body, cause, hops, in_reply_to, reply_by: _ } = self;
        // That was the deadline of what a reply answers; the reply itself asks for nothing.
        let reply_by = None;
        let parts =
            Parts { id, seq, at, topic, from, to, cause, hops, in_reply_to, reply_by, body };
        Event(Arc::new(parts))
    }

    /// The same, as a request to be answered in this time.
    pub fn ask_as(self, id: EventId, seq: u64, at: Timestamp, within: Duration) -> Event {
        let mut event = self.publish_as(id, seq, at);
        // Nobody else holds it yet, so nothing is copied.
        Arc::make_mut(&mut event.0).reply_by = Some(at.saturating_add(within));
        event
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::OperationIds;
    use serde_json::json;

    use super::*;
    use crate::topic;

    fn published(event: NewEvent) -> Event {
        let at = Timestamp::UNIX_EPOCH;
        event.publish_as(OperationIds::seeded(1).mint(at).into(), 1, at)
    }

    #[track_caller]
    fn check(event: &NewEvent, expected: Result<usize, &str>) {
        let got = event.check().map_err(|error| error.to_string());
        assert_eq!(got, expected.map_err(str::to_owned));
    }

    #[test]
    fn what_cannot_be_published_is_named() {
        let event = || NewEvent::new(topic!("a.b"), json!({"a": 1}));
        check(&event(), Ok(7));
        check(&event().from("x".repeat(256)), Ok(7));
        check(
            &event().to("a\nb"),
            Err("`a\\nb` is no name of an agent: 1 to 256 bytes without control characters"),
        );
        let plain = published(event());
        check(
            &NewEvent::reply_to(&plain, "yes"),
            Err(&format!("event {} asks for no reply", plain.id())),
        );
        check(
            &NewEvent::new(topic!("a.b"), "x".repeat(300_000)),
            Err("the body of an event under `a.b` is larger than 262144 bytes of JSON"),
        );
        let deep = (0..65).fold(Value::Null, |inner, _| json!([inner]));
        check(
            &NewEvent::new(topic!("a.b"), deep),
            Err("the body of an event under `a.b` nests deeper than 64 levels"),
        );
    }

    #[test]
    fn a_reply_goes_back_the_way_the_request_came() {
        let request = NewEvent::new(topic!("a.b"), "?").from("reader").to("writer");
        let at = Timestamp::UNIX_EPOCH;
        let id = OperationIds::seeded(1).mint(at).into();
        let request = request.ask_as(id, 1, at, Duration::from_secs(1));
        let reply = NewEvent::reply_to(&request, "!");
        assert_eq!(reply.sender().map(AgentId::as_str), Some("writer"));
        assert_eq!(reply.receiver().map(AgentId::as_str), Some("reader"));
        assert_eq!(reply.in_reply_to(), Some((request.id(), request.reply_by())));
        let reply = published(reply);
        assert_eq!((reply.cause(), reply.hops()), (Some(request.id()), 1));
        assert_eq!((reply.in_reply_to(), reply.reply_by()), (Some(request.id()), None));
    }
}
