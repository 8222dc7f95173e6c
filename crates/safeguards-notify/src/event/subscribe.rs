//! [`Subscribe`]: which events somebody wants to see, from where on, and what happens where they come too fast.

use std::fmt;

use safeguards_types::AgentId;

use super::{Event, SubscribeError, draft::is_name};
use crate::{Topic, TopicError, TopicFilter};

/// Which events somebody wants to see, from where on, and what happens where they come too fast.
///
/// ```
/// use safeguards_notify::{Cursor, Subscribe, WhenFull, topic};
///
/// let all_about_data = Subscribe::to("data.**")?;
/// let one_topic = Subscribe::topic(topic!("data.found"));
/// let lose_nothing = one_topic.named("index").queue_max(64).when_full(WhenFull::Wait).from(Cursor::Oldest);
/// let messages = Subscribe::inbox("writer");
/// # Ok::<(), safeguards_notify::TopicError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until a bus is given it"]
pub struct Subscribe {
    filter: TopicFilter,
    name: Option<String>,
    inbox: Option<AgentId>,
    with_messages: bool,
    queue_max: usize,
    when_full: WhenFull,
    cursor: Cursor,
}

/// What happens where events come faster than they are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// The oldest event that waits is lost, and the subscriber told: it is given a [`Gap`](super::Gap).
    #[default]
    LoseOldest,
    /// Publishers wait until there is room: nothing is lost, and a subscriber that takes nothing holds them up
    /// until they give up.
    Wait,
}

/// From where on a subscription sees events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cursor {
    /// From the next one that is published.
    #[default]
    Now,
    /// From the one with this number. What the bus no longer has of it is a [`Gap`](super::Gap), before all else.
    Seq(u64),
    /// From the oldest one that the bus still has.
    Oldest,
}

impl Subscribe {
    /// How many events wait for a subscriber, if it does not say otherwise.
    pub const QUEUE_DEFAULT: usize = 1_024;
    /// How many events may wait for one subscriber at most.
    pub const QUEUE_MOST: usize = 1_048_576;

    /// To see the events for everybody whose topic `filter` matches.
    ///
    /// # Errors
    ///
    /// Where `filter` is a text that is no [`TopicFilter`].
    pub fn to<F>(filter: F) -> Result<Self, TopicError>
    where
        F: TryInto<TopicFilter>,
        TopicError: From<F::Error>,
    {
        Ok(Self::filtered(filter.try_into()?))
    }

    /// To see the events for everybody under this one topic.
    pub fn topic(topic: Topic) -> Self {
        Self::filtered(topic.into())
    }

    /// To see all events for everybody.
    pub fn all() -> Self {
        Self::filtered(TopicFilter::all())
    }

    /// To see the messages to this agent, and nothing else.
    pub fn inbox(agent: impl Into<AgentId>) -> Self {
        Self::all().inbox_of(agent)
    }

    fn filtered(filter: TopicFilter) -> Self {
        Self {
            filter,
            name: None,
            inbox: None,
            with_messages: false,
            queue_max: Self::QUEUE_DEFAULT,
            when_full: WhenFull::default(),
            cursor: Cursor::default(),
        }
    }

    /// To see the messages to this agent, and nothing else: those whose topic the filter matches. An agent may
    /// have several inboxes; each gets all that it takes.
    pub fn inbox_of(self, agent: impl Into<AgentId>) -> Self {
        Self { inbox: Some(agent.into()), ..self }
    }

    /// To see messages between agents and replies too, besides the events for everybody. For those who watch: it
    /// makes nobody's inbox, and of an inbox it changes nothing.
    pub fn with_messages(self) -> Self {
        Self { with_messages: true, ..self }
    }

    /// A name by which errors call it.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// How many events wait to be taken at most: 1 to 1,048,576; 1,024 if not set. A replay waits besides.
    pub fn queue_max(self, queue_max: usize) -> Self {
        Self { queue_max, ..self }
    }

    /// What happens where events come faster than they are taken; the oldest is lost if not set.
    pub fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }

    /// From where on to see events; from now on if not set.
    pub fn from(self, cursor: Cursor) -> Self {
        Self { cursor, ..self }
    }

    /// Which topics are meant.
    pub const fn filter(&self) -> &TopicFilter {
        &self.filter
    }

    /// Whose inbox it is; `None` where it is none.
    pub const fn agent(&self) -> Option<&AgentId> {
        self.inbox.as_ref()
    }

    /// Whether it watches messages.
    pub const fn sees_messages(&self) -> bool {
        self.with_messages && self.inbox.is_none()
    }

    /// How many events wait to be taken at most.
    pub const fn queue_bound(&self) -> usize {
        self.queue_max
    }

    /// Whether publishers wait for it.
    pub const fn is_waited_for(&self) -> bool {
        match self.when_full {
            WhenFull::Wait => true,
            WhenFull::LoseOldest => false,
        }
    }

    /// From where on it sees events.
    pub const fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// What errors call it.
    pub fn label(&self) -> String {
        match (&self.name, &self.inbox) {
            (Some(name), _) => format!("subscription `{name}`"),
            (None, Some(agent)) => format!("the inbox of `{agent}` for `{}`", self.filter),
            (None, None) => format!("the subscription to `{}`", self.filter),
        }
    }

    /// Whether it sees this event, wherever it begins: the rule that every bus keeps.
    pub fn sees(&self, event: &Event) -> bool {
        let is_for_it = match (event.in_reply_to(), event.to()) {
            // A reply goes to who asked; an agent's inbox does not see it, although it is to that agent.
            (Some(_), _) => self.sees_messages(),
            (None, Some(agent)) => self.inbox.as_ref() == Some(agent) || self.sees_messages(),
            (None, None) => self.inbox.is_none(),
        };
        is_for_it && self.filter.matches(event.topic())
    }

    /// What a bus checks before anything else.
    ///
    /// # Errors
    ///
    /// Where the queue is too small or too large, or a name is none that one may have.
    pub fn check(&self) -> Result<(), SubscribeError> {
        if !(1..=Self::QUEUE_MOST).contains(&self.queue_max) {
            let (queue_max, most) = (self.queue_max, Self::QUEUE_MOST);
            return Err(SubscribeError::InvalidQueueMax { queue_max, most });
        }
        if let Some(agent) = self.inbox.as_ref().filter(|agent| !is_name(agent.as_str())) {
            return Err(SubscribeError::InvalidAgent { agent: agent.clone() });
        }
        if let Some(name) = self.name.as_ref().filter(|name| !is_name(name)) {
            return Err(SubscribeError::InvalidName { name: name.chars().take(64).collect() });
        }
        Ok(())
    }
}

impl fmt::Display for Subscribe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.label())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use safeguards_types::{OperationIds, Timestamp};

    use super::*;
    use crate::{NewEvent, topic};

    fn published(event: NewEvent) -> Event {
        let at = Timestamp::UNIX_EPOCH;
        event.ask_as(OperationIds::seeded(1).mint(at).into(), 1, at, Duration::from_secs(1))
    }

    #[track_caller]
    fn check(subscribe: &Subscribe, sees: [bool; 3]) {
        let note = || NewEvent::new(topic!("data.found"), 1).from("reader");
        let request = published(note().to("writer"));
        let events =
            [published(note()), request.clone(), published(NewEvent::reply_to(&request, 2))];
        assert_eq!(events.each_ref().map(|event| subscribe.sees(event)), sees, "{subscribe}");
    }

    #[test]
    fn who_sees_events_for_everybody_messages_and_replies() {
        let to = |filter: &str| Subscribe::to(filter).unwrap();
        check(&Subscribe::all(), [true, false, false]);
        check(&Subscribe::all().with_messages(), [true, true, true]);
        check(&Subscribe::inbox("writer"), [false, true, false]);
        check(&Subscribe::inbox("reader"), [false, false, false]);
        check(&Subscribe::inbox("writer").with_messages(), [false, true, false]);
        check(&to("data.*").inbox_of("writer"), [false, true, false]);
        check(&to("team.*").inbox_of("writer"), [false, false, false]);
        check(&to("team.*").with_messages(), [false, false, false]);
    }

    #[test]
    fn what_is_no_subscription_is_named() {
        let refused = |subscribe: Subscribe| subscribe.check().unwrap_err().to_string();
        assert_eq!(
            refused(Subscribe::all().queue_max(0)),
            "a queue of 0 events is none; a queue holds 1 to 1048576"
        );
        assert!(Subscribe::all().queue_max(1_048_576).check().is_ok());
        assert!(refused(Subscribe::all().queue_max(1_048_577)).contains("1048577"));
        assert!(refused(Subscribe::inbox("")).contains("`` is no name of an agent"));
        assert!(refused(Subscribe::all().named("a\tb")).contains(r#""a\tb" is no name"#));
    }
}
