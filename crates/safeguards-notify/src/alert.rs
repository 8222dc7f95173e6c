//! [`Alert`]: a fact worth telling someone.

mod bounds;

use std::fmt;

use safeguards_types::{AgentId, OperationId, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::bounds::AlertError;
use crate::{Topic, text::OneLine};

/// A fact worth telling someone.
///
/// Who makes one says what happened; [`Alerts::send`](crate::Alerts::send) gives it an id and the time.
/// JSON is one object; keys that do not apply are left out. Text is always one line: control characters,
/// which the words of an agent may hold, are shown escaped.
///
/// ```
/// use safeguards_notify::{Alert, topic};
/// use safeguards_types::Severity;
///
/// let alert = Alert::new(Severity::Medium, topic!("budget.threshold"), "reader has spent 97.5 % of 4.00 USD")
///     .about("reader")
///     .with("percent", "97.5");
/// assert_eq!(alert.to_string(), "medium  budget.threshold: reader has spent 97.5 % of 4.00 USD");
/// assert_eq!(alert.metadata()["percent"], "97.5");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<AlertId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    severity: Severity,
    topic: Topic,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<AgentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    message: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    metadata: Map<String, Value>,
}

/// The name of an alert that was sent: a version 7 UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub(crate) OperationId);

impl From<OperationId> for AlertId {
    fn from(id: OperationId) -> Self {
        Self(id)
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Alert {
    /// An alert about no agent in particular, without metadata.
    pub fn new(severity: Severity, topic: Topic, message: impl Into<String>) -> Self {
        Self {
            id: None,
            at: None,
            severity,
            topic,
            agent: None,
            key: None,
            message: message.into(),
            metadata: Map::new(),
        }
    }

    /// Names the agent that it is about.
    #[must_use]
    pub fn about(self, agent: impl Into<AgentId>) -> Self {
        Self { agent: Some(agent.into()), ..self }
    }

    /// Says which alerts tell the same: those with one key. Where a route has a cooldown, one of them is
    /// brought out and the others are counted; resolving one of them resolves all.
    ///
    /// Without a key, alerts tell the same where topic, severity, agent and message are equal.
    #[must_use]
    pub fn keyed(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Adds one value of metadata, in place of what had that key.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Its name; `None` until it is sent.
    pub const fn id(&self) -> Option<AlertId> {
        self.id
    }

    /// When it was sent; `None` until then.
    pub const fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// How much it matters.
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// What it is published under.
    pub const fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The agent that it is about.
    pub const fn agent(&self) -> Option<&AgentId> {
        self.agent.as_ref()
    }

    /// Which alerts tell the same, where its sender said so.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// What happened, for people. May hold control characters; the alert's own text has them escaped.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What happened, for programs.
    pub const fn metadata(&self) -> &Map<String, Value> {
        &self.metadata
    }

    /// Fills in what sending adds. One that was sent before keeps its id and time.
    pub(crate) fn stamp(self, id: AlertId, at: Timestamp) -> Self {
        Self { id: self.id.or(Some(id)), at: self.at.or(Some(at)), ..self }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}  {}: {}", self.severity, self.topic, OneLine(&self.message))
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::OperationIds;

    use super::*;
    use crate::topic;

    fn alert() -> Alert {
        Alert::new(Severity::High, topic!("agent.note"), "ready")
    }

    #[test]
    fn text_is_one_line_whatever_an_agent_writes() {
        let alert =
            Alert::new(Severity::Low, topic!("agent.note"), "fine\nhigh  x: \u{1b}[2J\u{2028}ü");
        assert_eq!(alert.to_string(), "low  agent.note: fine\\nhigh  x: \\u{1b}[2J\\u{2028}ü");
    }

    #[test]
    fn json_is_one_object_there_and_back() {
        let at = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
        let id = AlertId(OperationIds::seeded(7).mint(at));
        let sent = alert().about("reader").with("left", "0.1").stamp(id, at);
        let text = serde_json::to_string(&sent).unwrap();
        assert_eq!(
            text,
            format!(
                r#"{{"id":"{id}","at":"2026-01-05T09:00:00Z","severity":"high","topic":"agent.note","agent":"reader","message":"ready","metadata":{{"left":"0.1"}}}}"#
            )
        );
        assert_eq!(serde_json::from_str::<Alert>(&text).unwrap(), sent);
        let text = serde_json::to_string(&alert()).unwrap();
        assert_eq!(text, r#"{"severity":"high","topic":"agent.note","message":"ready"}"#);
        assert_eq!(serde_json::from_str::<Alert>(&text).unwrap(), alert());
    }

    #[test]
    fn sent_again_it_keeps_its_id_and_time() {
        let ids = OperationIds::seeded(7);
        let now = Timestamp::UNIX_EPOCH;
        let first = alert().stamp(ids.mint(now).into(), now);
        let second = first.clone().stamp(ids.mint(now).into(), Timestamp::MAX);
        assert_eq!(first, second);
    }
}
