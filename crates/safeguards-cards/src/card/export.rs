//! From a registry's record to a card: what came from a card goes out as it came, with what has changed since.

use safeguards_discovery::{AgentRecord, Capability};
use serde_json::{Map, Value, json};

use super::{AgentCard, Protocol};
use crate::CardError;

/// What a card must say and a registry does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exporting {
    /// Where an agent is spoken to that never had a card.
    pub url: Option<String>,
    /// For which version of the protocol the card is; `None`: as it came, and the current one for an agent that never
    /// had a card.
    pub protocol: Option<Protocol>,
}

impl Exporting {
    /// As they came.
    pub fn new() -> Self {
        Self::default()
    }

    /// Agents that never had a card are spoken to here.
    #[must_use]
    pub fn url(self, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// For this version of the protocol.
    #[must_use]
    pub fn protocol(self, protocol: Protocol) -> Self {
        Self { protocol: Some(protocol), ..self }
    }
}

impl AgentCard {
    /// The card of an agent: the one that it came with, where nothing has changed to the last field; with another
    /// description, with skills for what it can do besides and without what it can do no more, where that has
    /// changed; else one made of what the registry knows. Signatures of a card that has changed are left out.
    ///
    /// # Errors
    ///
    /// Where the agent never had a card and no `url` is given, or its document is none.
    pub fn of(record: &AgentRecord, exporting: &Exporting) -> Result<Self, CardError> {
        let card = match record.documents.get(Self::KIND) {
            Some(document) => Self::from_value((**document).clone())?.updated(record),
            None => Self::made(record, exporting)?,
        };
        match exporting.protocol {
            Some(protocol) => card.in_protocol(protocol),
            None => Ok(card),
        }
    }

    fn made(record: &AgentRecord, exporting: &Exporting) -> Result<Self, CardError> {
        let agent = record.agent.as_str();
        let Some(url) = &exporting.url else {
            let allowed = format!("agent `{agent}` came without a card: say where it is spoken to");
            return Err(CardError::field("url", "nothing", allowed));
        };
        let newest = record.capabilities.iter().filter_map(|one| one.version.as_ref()).max();
        let version = newest.map_or_else(|| "0.0.0".to_owned(), ToString::to_string);
        let skills: Vec<Value> = record.capabilities.iter().map(|one| skill(one)).collect();
        let card = json!({
            "name": agent,
            "description": record.description,
            "version": version,
            "supportedInterfaces": [{
                "url": url,
                "protocolBinding": "JSONRPC",
                "protocolVersion": Protocol::LATEST.as_str(),
            }],
            "capabilities": {},
            "defaultInputModes": ["text/plain"],
            "defaultOutputModes": ["text/plain"],
            "skills": skills,
        });
        Self::from_value(card)
    }

    /// The card with what has changed in the registry since it was read.
    fn updated(mut self, record: &AgentRecord) -> Self {
        let before = self.0.clone();
        if self.description() != record.description {
            self.0.insert("description".into(), record.description.as_str().into());
        }
        let skills = match self.0.remove("skills") {
            Some(Value::Array(skills)) => skills,
            other => other.into_iter().collect(),
        };
        self.0.insert("skills".into(), Value::Array(skills.clone()));
        let came = self.capabilities();
        let now = |came: &Capability| {
            record
                .capabilities
                .iter()
                .find(|now| now.name == came.name && now.version == came.version)
        };
        let stay = came.iter().zip(skills).filter_map(|(came, skill)| {
            Some(match (now(came)?, skill) {
                (now, Value::Object(skill)) => Value::Object(revised(skill, came, now)),
                (_, other) => other,
            })
        });
        let mut skills: Vec<Value> = stay.collect();
        let is_new = |now: &&std::sync::Arc<Capability>| {
            !came.iter().any(|came| now.name == came.name && now.version == came.version)
        };
        skills.extend(record.capabilities.iter().filter(is_new).map(|one| skill(one)));
        self.0.insert("skills".into(), Value::Array(skills));
        if self.0 != before {
            self.0.remove("signatures");
        }
        self
    }
}

/// A skill as it came, with what is said otherwise now.
fn revised(
    mut skill: Map<String, Value>,
    came: &Capability,
    now: &Capability,
) -> Map<String, Value> {
    if came.description != now.description {
        skill.insert("description".into(), now.description.as_str().into());
    }
    if came.tags != now.tags {
        skill.insert("tags".into(), now.tags.clone().into());
    }
    skill
}

/// A capability that came from no card.
fn skill(capability: &Capability) -> Value {
    let name = capability.name.as_str();
    let mut skill = json!({
        "id": name,
        "name": name,
        "description": capability.description,
        "tags": capability.tags,
    });
    for (key, field) in
        [("examples", "examples"), ("input_modes", "inputModes"), ("output_modes", "outputModes")]
    {
        let is_list_of_texts =
            |value: &&Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        if let Some(list) = capability.metadata.get(key).filter(is_list_of_texts)
            && let Some(skill) = skill.as_object_mut()
        {
            skill.insert(field.to_owned(), list.clone());
        }
    }
    skill
}
