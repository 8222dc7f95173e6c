//! Rules from TOML and from JSON, which have the same keys.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc, time::Duration};

use safeguards_types::{AgentId, Severity, Timestamp, duration_text};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use toml::{Spanned, de::DeTable};

use super::{
    Escalation, GroupBy, GroupLabel, Inhibition, Route, RuleMistakeKind, Rules, RulesError,
    Silence,
    source::{Fields, Is, Line, Node, Read, Reader},
};
use crate::{AlertMatch, TopicFilter};

impl Rules {
    /// Reads rules from TOML. The page `docs/reference/alert-rules.md` lists every key.
    ///
    /// What can be told only with the channels at hand, [`Router::new`](super::Router::new) tells.
    ///
    /// # Errors
    ///
    /// With all mistakes, each with its line and column: where the text is no TOML, a key is unknown or
    /// missing, or a value cannot be read.
    pub fn from_toml(text: &str) -> Result<Self, RulesError> {
        let reader = Reader::of_text(text);
        let (node, faults) = Node::of_toml(text);
        let is_toml = faults.is_empty();
        let mut told = None;
        for (at, message) in faults {
            // What comes behind the first of a line is mostly its echo.
            let line = reader.line(at).0;
            if told != Some(line) {
                reader.mistake(RuleMistakeKind::Syntax, at, message);
            }
            told = Some(line);
        }
        // What was made of broken text would only bring up mistakes that nobody made.
        let rules = is_toml.then(|| Self::read(&node, "", &reader)).flatten();
        reader.verdict()?;
        Ok(rules.unwrap_or_default())
    }

    /// Reads rules that are a part of a larger document: `table` has their keys, with their places in `text`.
    ///
    /// # Errors
    ///
    /// As [`Self::from_toml`], but that no syntax can be wrong any more.
    pub fn from_toml_table(table: Spanned<DeTable<'_>>, text: &str) -> Result<Self, RulesError> {
        let reader = Reader::of_text(text);
        let rules = Self::read(&Node::of_toml_table(table), "", &reader);
        reader.verdict()?;
        Ok(rules.unwrap_or_default())
    }
}

/// Reads the text of a key by `FromStr`.
fn parsed<T>(node: &Node, key: &str, reader: &Reader<'_>, what: &str) -> Option<T>
where
    T: FromStr<Err: fmt::Display>,
{
    let Is::Text(text) = &node.is else {
        reader.expected(key, node, what);
        return None;
    };
    match text.parse() {
        Ok(read) => Some(read),
        Err(error) => {
            reader.mistake(RuleMistakeKind::Value, node.at, format!("`{key}`: {error}"));
            None
        }
    }
}

impl Read for TopicFilter {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        parsed(node, key, reader, "a topic filter is a text, such as \"budget.**\"")
    }
}

impl Read for Severity {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        parsed(node, key, reader, "a severity is a text, such as \"high\"")
    }
}

impl Read for Timestamp {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        parsed(node, key, reader, "write a time, such as \"2026-12-24T00:00:00Z\"")
    }
}

impl Read for GroupLabel {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        parsed(node, key, reader, "a label is a text, such as \"topic\"")
    }
}

impl Read for String {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        parsed(node, key, reader, "write a text")
    }
}

impl Read for Arc<str> {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        let name: Option<String> = parsed(node, key, reader, "the name of a channel is a text");
        name.map(Into::into)
    }
}

impl Read for AgentId {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        let name: Option<String> = parsed(node, key, reader, "the name of an agent is a text");
        name.map(Into::into)
    }
}

impl Read for Duration {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        let text: String =
            parsed(node, key, reader, "a span of time is a text, such as \"90s\" or \"10m\"")?;
        // Where no time at all is allowed is asked later, once it is known what it is for.
        if text.trim() == "0s" {
            return Some(Self::ZERO);
        }
        duration_text::parse(&text)
            .map_err(|error| {
                reader.mistake(RuleMistakeKind::Value, node.at, format!("`{key}`: {error}"));
            })
            .ok()
    }
}

impl Read for bool {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        let Is::Plain(Value::Bool(truth)) = &node.is else {
            reader.expected(key, node, "write true or false");
            return None;
        };
        Some(*truth)
    }
}

impl<T: Read> Read for Vec<T> {
    /// What can be read of a list; the reader is told the rest.
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        let Is::List(nodes) = &node.is else {
            let what = match node.is {
                Is::Table(_) => format!("write a list of tables: `[[{key}]]` before each"),
                Is::Text(_) | Is::List(_) | Is::Plain(_) => {
                    format!("write a list: `{key} = [{}]`", node.to_json())
                }
            };
            reader.expected(key, node, &what);
            return None;
        };
        Some(nodes.iter().filter_map(|node| T::read(node, key, reader)).collect())
    }
}

impl Read for GroupBy {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        match &node.is {
            Is::Text(text) if text == "each" => Some(Self::Each),
            Is::Text(_) | Is::Table(_) | Is::Plain(_) => {
                let what = "write \"each\", or a list of labels, such as [\"topic\", \"agent\"]";
                reader.expected(key, node, what);
                None
            }
            Is::List(_) => Vec::read(node, key, reader).map(Self::Keys),
        }
    }
}

/// Paths and their values: one value or a list. A table stands for the paths that begin with its key, so that
/// `account.team = "a"`, which is a table to TOML, is a path.
type Metadata = BTreeMap<String, Vec<Value>>;

impl Read for Metadata {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        let fields = Fields::of(node, "metadata", key, reader);
        fields.is_some().then(|| {
            let mut all = Self::new();
            add_values(node, "", &mut all, reader);
            all
        })
    }
}

fn add_values(node: &Node, path: &str, all: &mut Metadata, reader: &Reader<'_>) {
    match &node.is {
        // It would be no condition at all, where one was surely meant.
        Is::Table(entries) if entries.is_empty() && !path.is_empty() => {
            let message = format!("`metadata.{path}` is a table without values; name at least one");
            reader.mistake(RuleMistakeKind::Condition, node.at, message);
        }
        Is::Table(entries) => {
            for (key, node) in entries {
                let dot = if path.is_empty() { "" } else { "." };
                add_values(node, &format!("{path}{dot}{}", key.name), all, reader);
            }
        }
        Is::List(nodes) => {
            all.entry(path.to_owned()).or_default().extend(nodes.iter().map(Node::to_json));
        }
        Is::Text(_) | Is::Plain(_) => {
            all.entry(path.to_owned()).or_default().push(node.to_json());
        }
    }
}

impl AlertMatch {
    const KEYS: [&str; 5] = ["topics", "at_least", "at_most", "agents", "metadata"];

    /// Takes the conditions out of a table that has other keys too.
    fn take(fields: &mut Fields<'_>) -> Self {
        Self {
            topics: fields.get("topics").unwrap_or_default(),
            at_least: fields.get("at_least"),
            at_most: fields.get("at_most"),
            agents: fields.get("agents").unwrap_or_default(),
            metadata: fields.get("metadata").unwrap_or_default(),
        }
    }
}

impl Read for AlertMatch {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "a set of conditions", key, reader)?;
        let when = Self::take(&mut fields);
        fields.finish();
        Some(when)
    }
}

impl Route {
    /// Takes all but the conditions, which the root does not have.
    fn take(fields: &mut Fields<'_>) -> Self {
        Self {
            name: fields.get("name"),
            when: AlertMatch::all(),
            to: fields.get("to"),
            group_by: fields.get("group_by"),
            wait: fields.get("wait"),
            interval: fields.get("interval"),
            cooldown: fields.get("cooldown"),
            escalate: fields.get("escalate"),
            goes_on: false,
            routes: fields.get("route").unwrap_or_default(),
            line: fields.reader.line(fields.at),
        }
    }
}

impl Read for Route {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "a route", key, reader)?;
        let when = AlertMatch::take(&mut fields);
        let goes_on = fields.get("goes_on").unwrap_or_default();
        let route = Self { when, goes_on, ..Self::take(&mut fields) };
        fields.finish();
        Some(route)
    }
}

impl Read for Escalation {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "an escalation", key, reader)?;
        let (after, to) = (fields.need("after"), fields.need("to"));
        fields.finish();
        Some(Self { after: after?, to: to? })
    }
}

impl Read for Silence {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "a silence", key, reader)?;
        let when = AlertMatch::take(&mut fields);
        let (from, until) = (fields.get("from"), fields.need("until"));
        let comment = fields.get("comment").unwrap_or_default();
        let line = reader.line(fields.at);
        fields.finish();
        Some(Self { when, from, until: until?, comment, line })
    }
}

impl Read for Inhibition {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "an inhibition", key, reader)?;
        let (by, mutes) = (fields.need("by"), fields.need("mutes"));
        let equal = fields.get("equal").unwrap_or_default();
        let lasts = fields.get("lasts").unwrap_or(Self::LASTS);
        let line = reader.line(fields.at);
        fields.finish();
        Some(Self { by: by?, mutes: mutes?, equal, lasts, line })
    }
}

impl Read for Rules {
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "the root", key, reader)?;
        let rules = Self {
            otherwise: Route { line: Line::default(), ..Route::take(&mut fields) },
            silences: fields.get("silence").unwrap_or_default(),
            inhibitions: fields.get("inhibit").unwrap_or_default(),
        };
        for name in AlertMatch::KEYS.into_iter().chain(["goes_on"]) {
            if let Some((key, _)) = fields.find(name) {
                let message = format!(
                    "`{name}` stands at the top, where every alert is taken; put it below `[[route]]`"
                );
                reader.mistake(RuleMistakeKind::Condition, key.at, message);
                // It is told already; what it says does not matter.
                fields.ignore(name);
            }
        }
        fields.finish();
        Some(rules)
    }
}

macro_rules! from_json {
    ($($name:ident)*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let node = Node::of_json(Value::deserialize(deserializer)?);
                let reader = Reader::of_json();
                let read = Self::read(&node, "value", &reader);
                reader.verdict().map_err(de::Error::custom)?;
                read.ok_or_else(|| de::Error::custom("the value cannot be read"))
            }
        }
    )*};
}

from_json!(AlertMatch Escalation GroupBy Inhibition Route Rules Silence);
