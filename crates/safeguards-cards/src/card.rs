//! [`AgentCard`]: the card of an A2A agent, kept whole, and what is known of it in any spelling.

mod export;
mod protocol;
mod spelling;

use std::{collections::BTreeSet, time::Duration};

use safeguards_discovery::{Bounds, Capability, CapabilityName, Registration};
use safeguards_types::AgentId;
use serde::Serialize;
use serde_json::{Map, Value};

use self::spelling::get;
pub use self::{export::Exporting, protocol::Protocol};
use crate::{
    CardError,
    json::{self, kind, text, texts},
    naming,
};

/// The card of an [A2A](https://a2a-protocol.org) agent. All of it is kept, also what nobody knows; the methods
/// read what is known, whichever way it is spelled (`defaultInputModes`, `default_input_modes`) and whichever
/// version of the protocol it is of, 0.2 to 1.0.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct AgentCard(Map<String, Value>);

/// A skill on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skill {
    /// Its id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Words that it goes by.
    pub tags: Vec<String>,
    /// What one may ask.
    pub examples: Vec<String>,
    /// Media types that it takes; the card's, where it says nothing of its own.
    pub input_modes: Vec<String>,
    /// Media types that it gives; likewise.
    pub output_modes: Vec<String>,
}

/// Where an agent is spoken to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interface {
    /// Where.
    pub url: String,
    /// How: `JSONRPC`, `GRPC`, `HTTP+JSON` or another.
    pub binding: String,
    /// By which version of the protocol, where that is said.
    pub version: Option<String>,
}

impl AgentCard {
    /// Under this kind a registration keeps the card among its documents.
    pub const KIND: &'static str = "a2a-agent-card";

    /// Reads a card from JSON.
    ///
    /// # Errors
    ///
    /// Where it is no JSON, has a key twice, or is no card: `name` is a text, `skills` a list of objects with `id`
    /// or `name`, and what else is known of has the form that it must have.
    pub fn parse(text: &str) -> Result<Self, CardError> {
        Self::from_value(json::read(text.as_bytes())?)
    }

    /// Takes a value for a card.
    ///
    /// # Errors
    ///
    /// Where it is none.
    pub fn from_value(value: Value) -> Result<Self, CardError> {
        let Value::Object(fields) = value else {
            return Err(CardError::field("card", kind(Some(&value)), "an object"));
        };
        let card = Self(fields);
        text(&card.0, "name")?;
        for field in ["description", "version"] {
            json::text_if_any(&card.0, field)?;
        }
        if let Some(capabilities) = card.field("capabilities")
            && !(capabilities.is_object() || capabilities.is_null())
        {
            return Err(CardError::field("capabilities", kind(Some(capabilities)), "an object"));
        }
        let skills = card.skills()?.len();
        if skills > Bounds::CAPABILITIES {
            let allowed = format!("at most {} skills", Bounds::CAPABILITIES);
            return Err(CardError::field("skills", format!("{skills} skills"), allowed));
        }
        card.interfaces()?;
        Ok(card)
    }

    /// All that it says.
    pub const fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// All that it says, as JSON.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// The agent's name, for people.
    pub fn name(&self) -> &str {
        self.0.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// What the agent is. Perhaps empty.
    pub fn description(&self) -> &str {
        self.0.get("description").and_then(Value::as_str).unwrap_or_default()
    }

    /// The agent's version, as the card has it.
    pub fn version(&self) -> Option<&str> {
        self.0.get("version").and_then(Value::as_str)
    }

    /// What stands at a field by its name in camel case, whichever way it is spelled.
    pub fn field(&self, name: &str) -> Option<&Value> {
        get(&self.0, name)
    }

    /// What the agent can do.
    ///
    /// # Errors
    ///
    /// Never for a card that was read; where a skill is none.
    pub fn skills(&self) -> Result<Vec<Skill>, CardError> {
        let list = match self.0.get("skills") {
            Some(Value::Array(list)) => list,
            value => return Err(CardError::field("skills", kind(value), "a list of skills")),
        };
        let inputs = strings(&self.0, "defaultInputModes")?;
        let outputs = strings(&self.0, "defaultOutputModes")?;
        let skill = |(place, value): (usize, &Value)| {
            let field = format!("skills[{place}]");
            let Value::Object(skill) = value else {
                return Err(CardError::field(field, kind(Some(value)), "an object"));
            };
            read_skill(skill, (&inputs, &outputs)).map_err(|error| within(&field, error))
        };
        list.iter().enumerate().map(skill).collect()
    }

    /// Where the agent is spoken to, the preferred first; none, where the card does not say.
    ///
    /// # Errors
    ///
    /// Never for a card that was read; where an interface is none.
    pub fn interfaces(&self) -> Result<Vec<Interface>, CardError> {
        protocol::interfaces(&self.0)
    }

    /// The agent as a registration: [lasting](Registration::lasting), or for as long as `ttl` says. Its name is
    /// `agent`, or made from the card's: `Currency Agent` is `currency-agent`. Each skill is a capability:
    ///
    /// | of the capability | from |
    /// | --- | --- |
    /// | name | the skill's id (dots stand for levels; what may not stand in a name is a hyphen; one that is there already gets a number) |
    /// | version | the card's, where it is one: `1.2` is taken for `1.2.0` |
    /// | description, tags | the skill's |
    /// | metadata | `skill`: its `id` and `name`; `examples`, `input_modes`, `output_modes`; `streaming` and `push_notifications` where the card says them; `protocols` that it speaks |
    ///
    /// The card itself is kept among the [documents](Registration::documents).
    pub fn to_registration(&self, agent: Option<AgentId>, ttl: Option<Duration>) -> Registration {
        let agent = agent.unwrap_or_else(|| naming::agent(self.name()).into());
        let mut registration = Registration::lasting(agent);
        registration.ttl = ttl;
        registration.capabilities = self.capabilities();
        registration
            .describe(self.description())
            .document(Self::KIND, Value::Object(self.0.clone()))
    }

    /// What each skill is as a capability, in their order.
    fn capabilities(&self) -> Vec<Capability> {
        let version = self.version().and_then(naming::version);
        let declared = self.field("capabilities").and_then(Value::as_object);
        let declared = |name| declared.and_then(|declared| get(declared, name)).cloned();
        let bindings: BTreeSet<String> = self
            .interfaces()
            .unwrap_or_default()
            .into_iter()
            .map(|interface| interface.binding)
            .collect();
        let mut names = naming::Given::default();
        let capability = |skill: Skill| {
            let name = naming::capability(&[], &skill.id, "skill");
            let name = names.give_capability(name);
            let mut capability = new(&name);
            capability.version.clone_from(&version);
            capability.description = skill.description;
            capability.tags = distinct(skill.tags);
            let mut put = |key: &str, value: Value| capability.metadata.insert(key.into(), value);
            put("skill", serde_json::json!({ "id": skill.id, "name": skill.name }));
            let lists = [
                ("examples", skill.examples),
                ("input_modes", skill.input_modes),
                ("output_modes", skill.output_modes),
                ("protocols", bindings.iter().cloned().collect()),
            ];
            for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
                put(key, list.into());
            }
            for (key, field) in
                [("streaming", "streaming"), ("push_notifications", "pushNotifications")]
            {
                if let Some(value @ Value::Bool(_)) = declared(field) {
                    put(key, value);
                }
            }
            capability
        };
        self.skills().unwrap_or_default().into_iter().map(capability).collect()
    }
}

fn read_skill(
    skill: &Map<String, Value>,
    (inputs, outputs): (&[String], &[String]),
) -> Result<Skill, CardError> {
    let id = json::text_if_any(skill, "id")?.filter(|id| !id.trim().is_empty());
    let name = json::text_if_any(skill, "name")?.filter(|name| !name.trim().is_empty());
    let Some(either) = id.or(name) else {
        return Err(CardError::field("id", kind(skill.get("id")), "a text that is not empty"));
    };
    let or = |own: Vec<String>, default: &[String]| {
        if own.is_empty() { default.to_vec() } else { own }
    };
    Ok(Skill {
        id: id.unwrap_or(either).to_owned(),
        name: name.unwrap_or(either).to_owned(),
        description: json::text_if_any(skill, "description")?.unwrap_or_default().to_owned(),
        tags: texts(skill, "tags")?,
        examples: texts(skill, "examples")?,
        input_modes: or(strings(skill, "inputModes")?, inputs),
        output_modes: or(strings(skill, "outputModes")?, outputs),
    })
}

/// A list of texts, whichever way the field is spelled.
fn strings(object: &Map<String, Value>, name: &str) -> Result<Vec<String>, CardError> {
    texts(object, spelling::spelled(object, name))
}

/// Each once: some cards repeat a tag.
fn distinct(tags: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let fits = |tag: &String| !tag.trim().is_empty() && seen.insert(tag.clone());
    tags.into_iter().filter(fits).collect()
}

fn within(outer: &str, error: CardError) -> CardError {
    match error {
        CardError::Field { field, value, allowed } => {
            CardError::Field { field: format!("{outer}.{field}"), value, allowed }
        }
        other @ (CardError::NotJson { .. }
        | CardError::UnknownForm { .. }
        | CardError::TooLarge { .. }
        | CardError::FrontMatter { .. }
        | CardError::Duplicate { .. }) => other,
    }
}

#[expect(clippy::expect_used, reason = "a name that was read is a name")]
fn new(name: &CapabilityName) -> Capability {
    Capability::new(name).expect("the name was read before")
}
