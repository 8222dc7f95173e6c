//! [`SubAgent`]: a sub-agent of a coding assistant, described by front matter.

use std::time::Duration;

use safeguards_discovery::{Capability, Registration};
use safeguards_types::AgentId;
use serde_json::{Map, Value};

use crate::{
    CardError,
    error::cut,
    json::{kind, text, text_if_any, texts},
    naming,
};

/// A sub-agent, as coding assistants keep them: a Markdown file whose front matter says `name`, `description`,
/// `tools` (a list, or names with commas between) and `model`. All of it is kept, also what nobody knows; not the
/// prompt below it.
#[derive(Clone, Debug, PartialEq)]
pub struct SubAgent(Map<String, Value>);

impl SubAgent {
    /// Under this kind a registration keeps the front matter among its documents.
    pub const KIND: &'static str = "sub-agent";
    /// Front matter is no larger than this.
    const FRONT_MATTER_BYTES: usize = 65_536;

    /// Reads the front matter of a Markdown file: YAML between two lines of `---`.
    ///
    /// # Errors
    ///
    /// Where there is none, it is no YAML, or it describes no sub-agent.
    pub fn parse(text: &str) -> Result<Self, CardError> {
        let no = |message: String| CardError::FrontMatter { message };
        let text = text.trim_start_matches('\u{feff}');
        let mut lines = text.split_inclusive('\n');
        let first = lines.next().unwrap_or_default();
        if first.trim_end() != "---" {
            return Err(no(format!(
                "`{}`: a file begins with a line `---`",
                cut(first.trim_end())
            )));
        }
        let mut matter = String::new();
        let mut is_closed = false;
        for line in lines {
            if line.trim_end() == "---" {
                is_closed = true;
                break;
            }
            matter.push_str(line);
            if matter.len() > Self::FRONT_MATTER_BYTES {
                let (bytes, max) = (matter.len(), Self::FRONT_MATTER_BYTES);
                return Err(CardError::TooLarge { bytes, max });
            }
        }
        if !is_closed {
            return Err(no("no line `---` ends it".to_owned()));
        }
        let value: Value = match serde_saphyr::from_str(&matter) {
            Ok(value) => value,
            // Descriptions with a colon in them are common, and no YAML: such lines are read as they stand.
            Err(error) => plain_lines(&matter).ok_or_else(|| no(cut(&error.to_string())))?,
        };
        Self::from_value(value)
    }

    /// Takes a value for front matter.
    ///
    /// # Errors
    ///
    /// Where it is none: `name` is a text, and what else is known of has the form that it must have.
    pub fn from_value(value: Value) -> Result<Self, CardError> {
        let Value::Object(fields) = value else {
            return Err(CardError::field("front matter", kind(Some(&value)), "an object"));
        };
        let agent = Self(fields);
        text(&agent.0, "name")?;
        for field in ["description", "model", "category"] {
            text_if_any(&agent.0, field)?;
        }
        agent.tools()?;
        Ok(agent)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The tools that it may use; none, where it does not say.
    ///
    /// # Errors
    ///
    /// Never for what was read.
    pub fn tools(&self) -> Result<Vec<String>, CardError> {
        match self.0.get("tools") {
            Some(Value::String(tools)) => {
                let tools = tools.split(',').map(str::trim).filter(|tool| !tool.is_empty());
                Ok(tools.map(ToOwned::to_owned).collect())
            }
            _ => texts(&self.0, "tools"),
        }
    }

    /// The agent as a registration: [lasting](Registration::lasting), or for as long as `ttl` says. Its capability is
    /// its category, or `subagent`, and its name: `core-development.api-designer`; a number before the category is
    /// left out. Its `tools`, `model` and `category` are in the metadata.
    ///
    /// The front matter itself is kept among the [documents](Registration::documents).
    ///
    /// # Errors
    ///
    /// Never for what was read.
    pub fn to_registration(
        &self,
        agent: Option<AgentId>,
        ttl: Option<Duration>,
    ) -> Result<Registration, CardError> {
        let category = text_if_any(&self.0, "category")?.unwrap_or_default();
        let numbered = |char: char| char.is_ascii_digit() || char == '-';
        let above = match category.trim_start_matches(numbered) {
            "" => "subagent".to_owned(),
            category => category.replace('.', "-"),
        };
        let name = naming::capability(&[&above], &self.name().replace('.', "-"), "subagent");
        let mut capability = Capability::new(&name)
            .map_err(|error| CardError::field("name", &name, error.to_string()))?;
        let description = text_if_any(&self.0, "description")?.unwrap_or_default();
        description.clone_into(&mut capability.description);
        let tools = self.tools()?;
        if !tools.is_empty() {
            capability.metadata.insert("tools".into(), tools.into());
        }
        for field in ["model", "category"] {
            if let Some(text) = text_if_any(&self.0, field)? {
                capability.metadata.insert(field.into(), text.into());
            }
        }
        let agent = agent.unwrap_or_else(|| naming::agent(self.name()).into());
        let mut registration = Registration::lasting(agent);
        registration.ttl = ttl;
        registration.capabilities = vec![capability];
        Ok(registration.describe(description).document(Self::KIND, Value::Object(self.0.clone())))
    }
}

/// Front matter of plain lines `key: text`, as many write it without asking whether it is YAML. `None` where a line is
/// none, or begins as only YAML does.
fn plain_lines(matter: &str) -> Option<Value> {
    let mut fields = Map::new();
    for line in matter.lines().filter(|line| !line.trim().is_empty()) {
        let (key, text) = line.split_once(':')?;
        let text = text.trim();
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let is_key = !key.is_empty() && key.bytes().all(is_fit);
        let is_text = !text.starts_with(['[', '{', '&', '*', '!', '|', '>', '\'', '"', '%', '@']);
        if !is_key || !is_text || fields.insert(key.to_owned(), text.into()).is_some() {
            return None;
        }
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_yaml_or_plain_lines() {
        let read = |text: &str| SubAgent::parse(text).map(|agent| agent.0);
        let agent = read("---\nname: a\ntools: [Read, Write]\nx: {y: 1}\n---\nYou are…").unwrap();
        assert_eq!(
            Value::Object(agent),
            serde_json::json!({
                "name": "a", "tools": ["Read", "Write"], "x": {"y": 1}
            })
        );
        let agent = read("---\r\nname: a\r\ndescription: Use it so: now\r\n---\r\n").unwrap();
        assert_eq!(agent["description"], "Use it so: now");
        let agent = SubAgent::parse("---\nname: a\ntools: Read, Write ,\n---\n").unwrap();
        assert_eq!(agent.tools().unwrap(), ["Read", "Write"]);
    }

    #[test]
    fn what_is_no_front_matter_is_told() {
        #[track_caller]
        fn check(text: &str, code: &str, part: &str) {
            let error = SubAgent::parse(text).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(part), "{error}");
        }
        check("", "cards.front_matter", "---");
        check("# Title\n", "cards.front_matter", "# Title");
        check("---\nname: a\n", "cards.front_matter", "ends it");
        check("---\nname: a\nx: [\n- y\n---\n", "cards.front_matter", "");
        check("---\n- a\n---\n", "cards.invalid_field", "a list");
        check("---\ndescription: b\n---\n", "cards.invalid_field", "name: `nothing`");
        check("---\nname: a\ntools: 7\n---\n", "cards.invalid_field", "tools");
        let bomb = (1..20).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
            let before = vec![format!("*a{}", n - 1); 10].join(", ");
            format!("{text}a{n}: &a{n} [{before}]\n")
        });
        check(&format!("---\nname: a\n{bomb}---\n"), "cards.front_matter", "");
        check(&format!("---\nname: {}\n---\n", "x".repeat(70_000)), "cards.too_large", "65536");
    }
}
