//! [`Overrides`]: variables of the environment that go over a file of configuration.
//!
//! Which variable means which key is the rule of the library `config`: a prefix, two underscores between parts,
//! capitals or not. It keeps no places, though, and what is wrong shall be told with its place; so values are read
//! and put into the file's tree here, each with its place in its variable.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use config::{Environment, Source as _};
use toml::{
    Spanned,
    de::{DeArray, DeInteger, DeTable, DeValue},
};

use super::super::{
    mistake::MistakeKind,
    near::near,
    reader::{Reader, listed},
};

/// What each of these variables begins with; the library puts two underscores behind it.
const PREFIX: &str = "SAFEGUARDS";
/// What stands between the parts of a name.
const BETWEEN: &str = "__";
/// More parts than any key of a configuration has.
const PARTS_MAX: usize = 16;
/// Lists of tables that are told apart by their `name`, and what each of them is.
const LISTS: [(&str, &str); 7] = [
    ("agent", "an agent"),
    ("agents", "an agent"),
    ("alert", "an alert"),
    ("channels", "a channel"),
    ("pools", "a pool"),
    ("routes", "a route"),
    ("teams", "a team"),
];

/// A variable that goes over a key of the file.
#[derive(Clone, Debug)]
struct Override {
    /// Its whole name.
    name: Arc<str>,
    /// The parts of its name, in small letters.
    path: Vec<String>,
    /// Where its value begins in the whole text, and how long it is.
    at: usize,
    len: usize,
}

/// The variables that go over a file.
#[derive(Debug, Default)]
pub(super) struct Overrides(Vec<Override>);

impl Overrides {
    /// Those of these variables that go over a file, the general ones first. Puts their values behind the text of
    /// the file, each on a line of its own; gives these lines with the names.
    pub(super) fn behind(
        text: &mut String,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> (Self, Vec<(usize, Arc<str>)>) {
        let mut found: Vec<(Vec<String>, String, String)> = variables
            .into_iter()
            .filter_map(|(name, value)| Some((path_of(&name)?, name, value)))
            .collect();
        found.sort_by(|(a, name, _), (b, other, _)| (a.len(), name).cmp(&(b.len(), other)));
        let mut lines = Vec::new();
        let mut overrides = Vec::new();
        let mut line = lines_of(text);
        for (path, name, value) in found {
            text.push('\n');
            line = line.saturating_add(1);
            let name: Arc<str> = name.into();
            lines.push((line, Arc::clone(&name)));
            line = line.saturating_add(lines_of(&value)).saturating_sub(1);
            overrides.push(Override { name, path, at: text.len(), len: value.len() });
            text.push_str(&value);
        }
        (Self(overrides), lines)
    }

    /// Their names.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.iter().map(|each| each.name.to_string()).collect()
    }

    /// Puts the values where they belong. What belongs nowhere is a mistake of its variable.
    pub(super) fn over<'a>(&self, document: &mut DeTable<'a>, reader: &Reader<'a>) {
        let mut taken: BTreeMap<&[String], &str> = BTreeMap::new();
        for each in &self.0 {
            let span = each.at..each.at.saturating_add(each.len);
            if let Some(other) = taken.insert(&each.path, &each.name) {
                let message = format!("{other} goes over the same key; set one of both");
                reader.mistake(MistakeKind::Override, &span, message);
                continue;
            }
            if each.path.len() > PARTS_MAX {
                let parts = each.path.len();
                let message =
                    format!("its name has {parts} parts; no key has more than {PARTS_MAX}");
                reader.mistake(MistakeKind::Override, &span, message);
                continue;
            }
            let Some(value) = value_of(reader.source(&span), each.at, reader) else { continue };
            if let Err(message) = put(document, &each.path, value) {
                reader.mistake(MistakeKind::Override, &span, message);
            }
        }
    }
}

/// On how many lines this stands.
fn lines_of(text: &str) -> usize {
    text.matches('\n').count().saturating_add(1)
}

/// The parts of a variable's name behind the prefix; `None` for a variable of others.
fn path_of(name: &str) -> Option<Vec<String>> {
    let one = std::iter::once((name.to_owned(), String::new())).collect();
    let environment =
        Environment::with_prefix(PREFIX).separator(BETWEEN).source(Some(one)).collect().ok()?;
    let (path, _) = environment.into_iter().next()?;
    Some(path.split('.').map(str::to_owned).collect())
}

/// The value as TOML where it is written so: a list, a table, a text in quotes, a whole number, true or false.
/// Else the text as it is.
fn value_of<'a>(text: &'a str, at: usize, reader: &Reader<'a>) -> Option<Spanned<DeValue<'a>>> {
    let span = at..at.saturating_add(text.len());
    let trimmed = text.trim_start();
    let is_number = !text.is_empty() && text.parse::<i64>().is_ok();
    if !is_number
        && !matches!(text, "true" | "false")
        && !trimmed.starts_with(['[', '{', '"', '\''])
    {
        return Some(Spanned::new(span, DeValue::String(Cow::Borrowed(text))));
    }
    let (value, errors) = DeValue::parse_recoverable(text);
    for error in &errors {
        let place = error.span().map_or(0, |span| span.start).saturating_add(at);
        reader.mistake(MistakeKind::Syntax, &(place..place), error.message());
    }
    errors.is_empty().then(|| moved(value, at))
}

/// The same value, so many bytes further.
fn moved<'a>(value: Spanned<DeValue<'a>>, by: usize) -> Spanned<DeValue<'a>> {
    let span = value.span();
    let further =
        |span: std::ops::Range<usize>| span.start.saturating_add(by)..span.end.saturating_add(by);
    let value = match value.into_inner() {
        DeValue::Array(values) => {
            let mut array = DeArray::new();
            for value in values {
                array.push(moved(value, by));
            }
            DeValue::Array(array)
        }
        DeValue::Table(table) => {
            let entry = |(key, value): (Spanned<Cow<'a, str>>, _)| {
                (Spanned::new(further(key.span()), key.into_inner()), moved(value, by))
            };
            DeValue::Table(table.into_iter().map(entry).collect())
        }
        plain @ (DeValue::String(_)
        | DeValue::Integer(DeInteger { .. })
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)) => plain,
    };
    Spanned::new(further(span), value)
}

/// Puts a value at its path. Keys that nobody knows are told by whoever reads them.
fn put<'a>(
    table: &mut DeTable<'a>,
    path: &[String],
    value: Spanned<DeValue<'a>>,
) -> Result<(), String> {
    let [part, below @ ..] = path else {
        return Ok(());
    };
    if part.is_empty() {
        return Err(
            "a part of the name is empty; write SAFEGUARDS__KEY, or SAFEGUARDS__LIST__NAME__KEY"
                .to_owned(),
        );
    }
    let key = key_like(table, part);
    let span = value.span();
    if below.is_empty() {
        match key.and_then(|key| table.get_mut(key.as_str())) {
            Some(there) => *there = value,
            None => {
                table.insert(Spanned::new(span, Cow::Owned(part.clone())), value);
            }
        }
        return Ok(());
    }
    let Some(key) = key else {
        if let Some((_, what)) = LISTS.iter().find(|(list, _)| list == part) {
            return Err(format!(
                "the file has no `[[{part}]]`, so that there is no name of {what}"
            ));
        }
        let mut made = DeTable::new();
        put(&mut made, below, value)?;
        let made = Spanned::new(span.clone(), DeValue::Table(made));
        table.insert(Spanned::new(span, Cow::Owned(part.clone())), made);
        return Ok(());
    };
    match table.get_mut(key.as_str()).map(Spanned::get_mut) {
        Some(DeValue::Table(table)) => put(table, below, value),
        Some(DeValue::Array(list)) => put_into(list, &key, below, value),
        _ => Err(format!("`{key}` of the file has no keys below it")),
    }
}

/// Puts a value into the table of a list that has this name.
fn put_into<'a>(
    list: &mut DeArray<'a>,
    key: &str,
    path: &[String],
    value: Spanned<DeValue<'a>>,
) -> Result<(), String> {
    let [name, below @ ..] = path else {
        return Ok(());
    };
    let names: Vec<String> = list.iter().filter_map(name_of).map(str::to_owned).collect();
    let is_meant =
        |item: &Spanned<DeValue<'_>>| name_of(item).is_some_and(|own| plain(own) == *name);
    let mut meant = list.iter_mut().filter(|item| is_meant(item));
    let (Some(first), None) = (meant.next(), meant.next()) else {
        let plain: Vec<String> = names.iter().map(|name| plain(name)).collect();
        if plain.contains(name) {
            return Err(format!(
                "two of `{key}` are named alike but for what a variable cannot say"
            ));
        }
        let help = match near(name, plain.iter().map(String::as_str)) {
            Some(known) => format!("did you mean `{}`?", known.to_uppercase()),
            None if names.is_empty() => "none of them has a name".to_owned(),
            None => format!("there are {}", listed(names.iter().map(String::as_str))),
        };
        return Err(format!("there is no `{name}` in `{key}`; {help}"));
    };
    match first.get_mut() {
        DeValue::Table(_) if below.is_empty() => {
            Err(format!("a whole table of `{key}` cannot be set; name one of its keys"))
        }
        DeValue::Table(table) => put(table, below, value),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_) => Err(format!("`{key}` is no list of tables")),
    }
}

fn name_of<'v>(item: &'v Spanned<DeValue<'_>>) -> Option<&'v str> {
    item.get_ref().as_table()?.get("name")?.get_ref().as_str()
}

/// The key of the table that is meant, be it in capitals there, or with hyphens; `agent` and `agents` are the same.
fn key_like(table: &DeTable<'_>, part: &str) -> Option<String> {
    let find = |part: &str| {
        table.keys().map(|key| &**key.get_ref()).find(|key| plain(key) == part).map(str::to_owned)
    };
    find(part).or_else(|| match part {
        "agent" => find("agents"),
        "agents" => find("agent"),
        _ => None,
    })
}

/// A name as a variable says it: small letters, and underscores for all but letters and digits.
fn plain(name: &str) -> String {
    let letter = |letter: char| if letter.is_alphanumeric() { letter } else { '_' };
    name.to_lowercase().chars().map(letter).collect()
}
