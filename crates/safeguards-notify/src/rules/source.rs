//! [`Node`]: a value of a rule file, and where it stands; [`Reader`]: keeps what is wrong, with its place.

use std::{cell::RefCell, ops::Range};

use serde_json::{Number, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::mistake::{RuleMistake, RuleMistakeKind, RulesError, suggest};

/// The line of its file in which something stands, for messages.
///
/// All are equal: where it was written is no part of what it says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Line(pub(super) Option<usize>);

impl PartialEq for Line {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Line {}

/// A value of a rule file, and where it begins. That of JSON begins nowhere.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) is: Is,
}

#[derive(Debug)]
pub(super) enum Is {
    Text(String),
    List(Vec<Node>),
    Table(Vec<(Key, Node)>),
    /// A number, a truth, or nothing.
    Plain(Value),
}

/// A key of a table, and where it stands.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) at: usize,
    pub(super) name: String,
}

impl Node {
    /// What a text of TOML says, with all places where it is no TOML.
    pub(super) fn of_toml(text: &str) -> (Self, Vec<(usize, String)>) {
        let (table, errors) = DeTable::parse_recoverable(text);
        let place =
            |error: &toml::de::Error| error.span().map_or(0, |span: Range<usize>| span.start);
        let errors =
            errors.iter().map(|error| (place(error), error.message().to_owned())).collect();
        (Self::of_toml_table(table), errors)
    }

    pub(super) fn of_toml_table(table: Spanned<DeTable<'_>>) -> Self {
        Self { at: table.span().start, is: Is::of_table(table.into_inner()) }
    }

    fn of_toml_value(value: Spanned<DeValue<'_>>) -> Self {
        let at = value.span().start;
        let is = match value.into_inner() {
            DeValue::String(text) => Is::Text(text.into_owned()),
            // A date is written with or without quotes.
            DeValue::Datetime(instant) => Is::Text(instant.to_string()),
            DeValue::Boolean(truth) => Is::Plain(Value::Bool(truth)),
            DeValue::Integer(number) => {
                let read = i128::from_str_radix(number.as_str(), number.radix()).ok();
                Is::Plain(read.and_then(Number::from_i128).map_or(Value::Null, Value::Number))
            }
            DeValue::Float(number) => {
                let read = number.as_str().parse().ok().and_then(Number::from_f64);
                Is::Plain(read.map_or(Value::Null, Value::Number))
            }
            DeValue::Array(values) => {
                Is::List(values.into_iter().map(Self::of_toml_value).collect())
            }
            DeValue::Table(table) => Is::of_table(table),
        };
        Self { at, is }
    }

    /// What a value of JSON says.
    pub(super) fn of_json(value: Value) -> Self {
        let is = match value {
            Value::String(text) => Is::Text(text),
            Value::Array(values) => Is::List(values.into_iter().map(Self::of_json).collect()),
            Value::Object(map) => Is::Table(
                map.into_iter()
                    .map(|(name, value)| (Key { at: 0, name }, Self::of_json(value)))
                    .collect(),
            ),
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Is::Plain(plain),
        };
        Self { at: 0, is }
    }

    /// The value without its places.
    pub(super) fn to_json(&self) -> Value {
        match &self.is {
            Is::Text(text) => Value::String(text.clone()),
            Is::List(nodes) => nodes.iter().map(Self::to_json).collect(),
            Is::Table(entries) => {
                entries.iter().map(|(key, node)| (key.name.clone(), node.to_json())).collect()
            }
            Is::Plain(value) => value.clone(),
        }
    }
}

impl Is {
    fn of_table(table: DeTable<'_>) -> Self {
        let entry = |(key, value): (Spanned<std::borrow::Cow<'_, str>>, _)| {
            let at = key.span().start;
            (Key { at, name: key.into_inner().into_owned() }, Node::of_toml_value(value))
        };
        Self::Table(table.into_iter().map(entry).collect())
    }
}

/// Reads one text, and keeps what is wrong with it.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    /// `None` for JSON, whose places nobody knows.
    text: Option<&'t str>,
    /// Where each line begins.
    lines: Vec<usize>,
    mistakes: RefCell<Vec<(usize, RuleMistakeKind, String)>>,
}

impl<'t> Reader<'t> {
    pub(super) fn of_text(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at.saturating_add(1));
        let lines = std::iter::once(0).chain(ends).collect();
        Self { text: Some(text), lines, mistakes: RefCell::default() }
    }

    pub(super) fn of_json() -> Self {
        Self { text: None, lines: Vec::new(), mistakes: RefCell::default() }
    }

    pub(super) fn mistake(&self, kind: RuleMistakeKind, at: usize, message: impl Into<String>) {
        self.mistakes.borrow_mut().push((at, kind, message.into()));
    }

    /// Notes that a value is of the wrong type.
    pub(super) fn expected(&self, key: &str, node: &Node, what: &str) {
        let message = format!("`{key} = {}`: {what}", node.to_json());
        self.mistake(RuleMistakeKind::Value, node.at, message);
    }

    pub(super) fn line(&self, at: usize) -> Line {
        Line(self.text.map(|_| self.lines.partition_point(|begin| *begin <= at)))
    }

    /// At which character of its line a place is.
    fn column(&self, at: usize) -> Option<usize> {
        let text = self.text?;
        let line = self.lines.partition_point(|begin| *begin <= at).checked_sub(1)?;
        let before = text.get(*self.lines.get(line)?..at)?;
        Some(before.chars().count().saturating_add(1))
    }

    /// All mistakes, in the order of the text; `Ok` if there is none.
    pub(super) fn verdict(self) -> Result<(), RulesError> {
        let mut mistakes = self.mistakes.take();
        mistakes.sort_by_key(|(at, ..)| *at);
        RulesError::unless_empty(mistakes.into_iter().map(|(at, kind, message)| RuleMistake {
            kind,
            line: self.line(at).0,
            column: self.column(at),
            message,
        }))
    }
}

/// One table, whose keys are asked for one by one. [`Fields::finish`] notes those that nobody asked for.
#[derive(Debug)]
pub(super) struct Fields<'n> {
    pub(super) reader: &'n Reader<'n>,
    pub(super) at: usize,
    /// Whose table it is, as messages say it.
    owner: &'static str,
    entries: &'n [(Key, Node)],
    asked: Vec<&'static str>,
    /// Keys that may not be there and are told already.
    ignored: Vec<&'static str>,
}

/// What can be read from a value of a rule file.
pub(super) trait Read: Sized {
    /// Reads the value of a key. `None` where something is wrong with it, which the reader is then told.
    fn read(node: &Node, key: &str, reader: &Reader<'_>) -> Option<Self>;
}

impl<'n> Fields<'n> {
    /// The fields of a value that must be a table; the reader is told where it is none.
    pub(super) fn of(
        node: &'n Node,
        owner: &'static str,
        key: &str,
        reader: &'n Reader<'n>,
    ) -> Option<Self> {
        match &node.is {
            Is::Table(entries) => Some(Self {
                reader,
                at: node.at,
                owner,
                entries,
                asked: Vec::new(),
                ignored: Vec::new(),
            }),
            Is::Text(_) | Is::List(_) | Is::Plain(_) => {
                reader.expected(key, node, "write a table");
                None
            }
        }
    }

    /// The value of a key, and where the key stands.
    pub(super) fn find(&self, name: &str) -> Option<&'n (Key, Node)> {
        self.entries.iter().find(|(key, _)| key.name == name)
    }

    /// The value of a key, read; `None` where it is not there, or is wrong.
    pub(super) fn get<T: Read>(&mut self, name: &'static str) -> Option<T> {
        self.asked.push(name);
        let (_, node) = self.find(name)?;
        T::read(node, name, self.reader)
    }

    /// The value of a key that must be there.
    pub(super) fn need<T: Read>(&mut self, name: &'static str) -> Option<T> {
        if self.find(name).is_none() {
            let message = format!("{} needs `{name}`", self.owner);
            self.reader.mistake(RuleMistakeKind::MissingKey, self.at, message);
        }
        self.get(name)
    }

    /// Lets a key be, whatever it says.
    pub(super) fn ignore(&mut self, name: &'static str) {
        self.ignored.push(name);
    }

    /// Ends the reading: notes keys that nobody asked for.
    pub(super) fn finish(self) {
        let Self { reader, at: _, owner, entries, asked, ignored } = self;
        let is_known = |key: &Key| asked.iter().chain(&ignored).any(|name| *name == key.name);
        for (key, _) in entries.iter().filter(|(key, _)| !is_known(key)) {
            let help = suggest(&key.name, asked.iter().copied());
            let message = format!("{owner} has no key `{}`; {help}", key.name);
            reader.mistake(RuleMistakeKind::UnknownKey, key.at, message);
        }
    }
}
