//! [`read_all`]: a file of any form, one description or many; what cannot be used is told and stops nothing.

use std::{collections::HashSet, fmt, path::Path, str, time::Duration};

use safeguards_discovery::{Bounds, Registration};
use safeguards_types::AgentId;
use serde::Serialize;
use serde_json::Value;

use crate::{AgentCard, CardError, McpServer, SubAgent, error::cut, json, naming::Given};

/// A form in which agents are described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// The card of an A2A agent.
    AgentCard,
    /// The description of an MCP server.
    McpServer,
    /// What an MCP server answers to `tools/list`.
    McpTools,
    /// A sub-agent's front matter, in Markdown or as JSON.
    SubAgent,
}

/// How descriptions are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Importing {
    /// Which form they are of; `None`: each is told by what it says.
    pub form: Option<Form>,
    /// What the agent is called, where there is but one; `None`: as its description says.
    pub agent: Option<AgentId>,
    /// How long each lease holds; `None`: until the agent is deleted.
    pub ttl: Option<Duration>,
}

impl Importing {
    /// Of any form, named as they say, until they are deleted.
    pub fn new() -> Self {
        Self::default()
    }

    /// All of this form.
    #[must_use]
    pub fn form(self, form: Form) -> Self {
        Self { form: Some(form), ..self }
    }

    /// The one agent is called so. Where there are several, all but the first are told as mistakes.
    #[must_use]
    pub fn agent(self, agent: impl Into<AgentId>) -> Self {
        Self { agent: Some(agent.into()), ..self }
    }

    /// Each must renew its lease within this time.
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        Self { ttl: Some(ttl), ..self }
    }
}

/// Where in a file a description stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Place {
    /// The file, or whatever the text came from.
    pub file: String,
    /// The line, from 1, where each line is a description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The place in a list, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(out, ":{line}")?;
        }
        self.index.map_or(Ok(()), |index| write!(out, "[{index}]"))
    }
}

/// Something that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {error}")]
#[non_exhaustive]
pub struct CardMistake {
    /// Where.
    pub place: Place,
    /// Why.
    pub error: CardError,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Imported {
    /// Who was described, in order, and where. Each passes [`Registration::check`], and each agent is there once.
    pub registrations: Vec<(Place, Registration)>,
    /// What could not be used, in order.
    pub mistakes: Vec<CardMistake>,
}

/// A file is no larger than this.
const FILE_BYTES: usize = 256 << 20;

/// Reads all agents that a file describes: one, a JSON list of them, an object with `servers` or `cards`, or one on
/// each line. Around each there may be an object with `card` or `server` in it. Which form each is of is told by what
/// it says; `name`, for messages, also names a server of which only the tools are known.
///
/// Agents of one name with the same content are one; with other content, a number is added to the name, where it was
/// made from what people call the agent, and else it is a mistake.
pub fn read_all(name: &str, bytes: &[u8], importing: &Importing) -> Imported {
    let mut imported = Imported::default();
    let whole = Place { file: name.to_owned(), line: None, index: None };
    match descriptions(&whole, bytes, importing.form) {
        Ok(descriptions) => {
            let mut names = Names::default();
            for (place, description) in descriptions {
                imported.take(place, description, importing, &mut names);
            }
        }
        Err(error) => imported.mistakes.push(CardMistake { place: whole, error }),
    }
    imported
}

/// Who was there before in a file.
#[derive(Debug, Default)]
struct Names {
    given: Given,
    /// What was said, with the name under which it was.
    said: HashSet<String>,
}

/// One description, not yet looked into.
enum Description {
    Json(Value),
    Markdown(String),
}

type Described = Result<Description, CardError>;

fn descriptions(
    whole: &Place,
    bytes: &[u8],
    form: Option<Form>,
) -> Result<Vec<(Place, Described)>, CardError> {
    if bytes.len() > FILE_BYTES {
        return Err(CardError::TooLarge { bytes: bytes.len(), max: FILE_BYTES });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_markdown = bytes.starts_with(b"---");
    let is_json = bytes.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'{' | b'['));
    if is_markdown || (form == Some(Form::SubAgent) && !is_json) {
        let text = str::from_utf8(bytes)
            .map_err(|error| CardError::FrontMatter { message: error.to_string() })?;
        return Ok(vec![(whole.clone(), Ok(Description::Markdown(text.to_owned())))]);
    }
    if !is_json {
        let begin = String::from_utf8_lossy(bytes.get(..400).unwrap_or(bytes)).into_owned();
        return Err(CardError::UnknownForm { value: cut(begin.trim()) });
    }
    let lines = || bytes.split(|byte| *byte == b'\n').zip(1_u64..);
    let is_blank = |line: &[u8]| line.trim_ascii().is_empty();
    match json::read(bytes) {
        Ok(value) => Ok(listed(whole, value)),
        // Not one value: perhaps one on each line. The first line must be one then, or the whole is one with a slip.
        Err(error) => {
            let mut full = lines().filter(|(line, _)| !is_blank(line)).map(|(line, _)| line);
            let (first, has_more) = (full.next().unwrap_or_default(), full.next().is_some());
            let is_object = |line: &[u8]| {
                let line = line.trim_ascii();
                line.starts_with(b"{") && line.ends_with(b"}")
            };
            if !has_more || !is_object(first) {
                return Err(error);
            }
            let at = |(line, number)| {
                let place = Place { line: Some(number), ..whole.clone() };
                (place, json::read(line).map(Description::Json))
            };
            Ok(lines().filter(|(line, _)| !is_blank(line)).map(at).collect())
        }
    }
}

/// One description, or those of a list.
fn listed(whole: &Place, value: Value) -> Vec<(Place, Described)> {
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut fields) => {
            let several = ["servers", "cards", "agents"].into_iter().find(|field| {
                !fields.contains_key("name") && fields.get(*field).is_some_and(Value::is_array)
            });
            match several.and_then(|field| fields.remove(field)) {
                Some(Value::Array(list)) => list,
                _ => return vec![(whole.clone(), Ok(Description::Json(Value::Object(fields))))],
            }
        }
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            return vec![(whole.clone(), Ok(Description::Json(value)))];
        }
    };
    let at = |(value, index)| {
        (Place { index: Some(index), ..whole.clone() }, Ok(Description::Json(value)))
    };
    list.into_iter().zip(0..).map(at).collect()
}

impl Imported {
    fn take(
        &mut self,
        place: Place,
        description: Described,
        importing: &Importing,
        names: &mut Names,
    ) {
        let read = description.and_then(|one| registration(&place, one, importing));
        let mut registration = match read {
            Ok(registration) => registration,
            Err(error) => return self.mistakes.push(CardMistake { place, error }),
        };
        let said = registration.agent.to_string();
        let content = serde_json::to_string(&registration).unwrap_or_default();
        if !names.said.insert(content) {
            return;
        }
        let given = names.given.give(&said);
        if given != said && importing.agent.is_some() {
            let error = CardError::Duplicate { agent: said };
            return self.mistakes.push(CardMistake { place, error });
        }
        registration.agent = given.into();
        self.registrations.push((place, registration));
    }
}

fn registration(
    place: &Place,
    description: Description,
    importing: &Importing,
) -> Result<Registration, CardError> {
    let (agent, ttl) = (importing.agent.clone(), importing.ttl);
    let registration = match description {
        Description::Markdown(text) => SubAgent::parse(&text)?.to_registration(agent, ttl)?,
        Description::Json(value) => {
            let value = unwrapped(value);
            let form = importing.form.or_else(|| form(&value));
            match form {
                Some(Form::AgentCard) => AgentCard::from_value(value)?.to_registration(agent, ttl),
                Some(Form::McpServer) => {
                    McpServer::from_value(value)?.to_registration(agent, ttl)?
                }
                Some(Form::McpTools) => {
                    McpServer::of_tools(&stem(&place.file), value)?.to_registration(agent, ttl)?
                }
                Some(Form::SubAgent) => SubAgent::from_value(value)?.to_registration(agent, ttl)?,
                None => return Err(CardError::UnknownForm { value: cut(&value.to_string()) }),
            }
        }
    };
    registration.check().map_err(|error| {
        let max = Bounds::DOCUMENTS_BYTES;
        if error.field() == "documents" {
            return CardError::field("card", error.value(), format!("at most {max} bytes of JSON"));
        }
        CardError::field(error.field(), error.value(), error.to_string())
    })?;
    Ok(registration)
}

/// What stands in an envelope.
fn unwrapped(value: Value) -> Value {
    match value {
        Value::Object(mut fields) if !fields.contains_key("name") => {
            match ["card", "agentCard"].iter().find_map(|field| {
                fields.get(*field).is_some_and(Value::is_object).then(|| fields.remove(*field))
            }) {
                Some(Some(inner)) => inner,
                _ => Value::Object(fields),
            }
        }
        value @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_)) => value,
    }
}

/// Which form a description is of, by what it says.
fn form(value: &Value) -> Option<Form> {
    let has = |field: &str| value.get(field).is_some_and(|value| !value.is_null());
    let is_list_of_objects = |value: Option<&Value>| {
        value.and_then(Value::as_array).is_some_and(|list| list.iter().all(Value::is_object))
    };
    let tools = value.get("tools").or_else(|| value.get("result")?.get("tools"));
    if !has("name") && value.get("server").is_some_and(Value::is_object) {
        Some(Form::McpServer)
    } else if has("skills") {
        Some(Form::AgentCard)
    } else if has("packages") || has("remotes") || has("version_detail") {
        Some(Form::McpServer)
    } else if !has("name") && is_list_of_objects(tools) {
        Some(Form::McpTools)
    } else if has("name") && (has("tools") || has("model") || has("category")) {
        Some(Form::SubAgent)
    } else if has("repository") && value.get("name").and_then(Value::as_str).is_some_and(is_server)
    {
        Some(Form::McpServer)
    } else if has("name")
        && (has("supportedInterfaces")
            || has("supported_interfaces")
            || has("capabilities")
            || has("url"))
    {
        // A card without skills: reading it tells what is missing.
        Some(Form::AgentCard)
    } else {
        None
    }
}

/// Whether a name is that of a server: a domain the other way round, a slash and a name. Packages of other kinds have
/// repositories, too.
fn is_server(name: &str) -> bool {
    let parts = name.split_once('/');
    parts.is_some_and(|(domain, name)| {
        domain.contains('.') && !domain.starts_with('@') && !name.is_empty()
    })
}

/// A file's name without folder and extensions.
fn stem(file: &str) -> String {
    let name = Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or(file);
    let stem = name.split('.').next().unwrap_or(name);
    if stem.is_empty() { "server".to_owned() } else { stem.to_owned() }
}
