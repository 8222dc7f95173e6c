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
    near::{near, nearest},
    reader::Reader,
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
        let mut plainly = Plainly::default();
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
            if each.path.iter().any(String::is_empty) {
                let message = "a part of its name is empty; write SAFEGUARDS__KEY, or SAFEGUARDS__LIST__NAME__KEY";
                reader.mistake(MistakeKind::Override, &span, message);
                continue;
            }
            let Some(value) = value_of(reader.source(&span), each.at, reader) else { continue };
            let is_told = reader.keeps(&span);
            let placing = Placing { plainly: &mut plainly, at: String::new(), is_told };
            if let Err(message) = placing.put(document, &each.path, value) {
                reader.mistake_with(MistakeKind::Override, &span, || message);
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

/// The value as TOML where it is written so: a list, a table, a text in quotes, a whole number (`1_000` too), true or
/// false. Else the text as it is.
fn value_of<'a>(text: &'a str, at: usize, reader: &Reader<'a>) -> Option<Spanned<DeValue<'a>>> {
    let span = at..at.saturating_add(text.len());
    let trimmed = text.trim_start();
    let is_number = is_number(text);
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

/// Whether TOML takes it for a whole number.
fn is_number(text: &str) -> bool {
    if !text.starts_with(|first: char| first.is_ascii_digit() || "+-".contains(first)) {
        return false;
    }
    // Leading zeros are a mistake, and as such told by TOML.
    let is_decimal = text.parse::<i64>().is_ok();
    let (value, errors) = DeValue::parse_recoverable(text);
    is_decimal || (errors.is_empty() && value.get_ref().as_integer().is_some())
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

/// How each table's keys are said by variables, and the names of each list of tables: found out once, since there may be
/// many variables. What is said alike is told apart by nothing; the first is meant.
#[derive(Debug, Default)]
struct Plainly {
    /// By where the table stands, and by how its keys are said.
    keys: BTreeMap<String, BTreeMap<String, String>>,
    /// By where the list stands, and by how names are said: which of its tables has it, and whether it alone.
    names: BTreeMap<String, BTreeMap<String, (usize, bool)>>,
}

impl Plainly {
    /// The key of the table `at` that is meant; `agent` and `agents` are the same.
    fn key(&mut self, at: &str, table: &DeTable<'_>, part: &str) -> Option<String> {
        let keys = self.keys.entry(at.to_owned()).or_insert_with(|| {
            let mut keys = BTreeMap::new();
            for key in table.keys() {
                keys.entry(plain(key.get_ref())).or_insert_with(|| key.get_ref().to_string());
            }
            keys
        });
        let other = match part {
            "agent" => "agents",
            "agents" => "agent",
            _ => part,
        };
        keys.get(part).or_else(|| keys.get(other)).cloned()
    }

    /// Notes a key that was not there.
    fn add(&mut self, at: &str, key: &str) {
        if let Some(keys) = self.keys.get_mut(at) {
            keys.insert(key.to_owned(), key.to_owned());
        }
    }

    /// Which table of the list `at` has this name, and whether it is the only one.
    fn named(&mut self, at: &str, list: &DeArray<'_>, name: &str) -> Option<(usize, bool)> {
        let names = self.names.entry(at.to_owned()).or_insert_with(|| {
            let mut names: BTreeMap<String, (usize, bool)> = BTreeMap::new();
            for (index, item) in list.iter().enumerate() {
                let Some(name) = name_of(item) else { continue };
                let known = names.entry(plain(name)).or_insert((index, true));
                known.1 = known.0 == index;
            }
            names
        });
        names.get(name).copied()
    }
}

/// A value that is being put where it belongs.
struct Placing<'p> {
    plainly: &'p mut Plainly,
    /// The keys and names on the way so far.
    at: String,
    /// Whether anybody will hear why it belongs nowhere.
    is_told: bool,
}

impl Placing<'_> {
    /// Goes on to what stands below `key`.
    fn below(&mut self, key: &str) {
        self.at.push('\0');
        self.at.push_str(key);
    }

    /// Puts a value at its path. Keys that nobody knows are told by whoever reads them.
    fn put<'a>(
        mut self,
        table: &mut DeTable<'a>,
        path: &[String],
        value: Spanned<DeValue<'a>>,
    ) -> Result<(), String> {
        let [part, below @ ..] = path else {
            return Ok(());
        };
        let key = self.plainly.key(&self.at, table, part);
        let span = value.span();
        if below.is_empty() {
            if let Some(there) = key.and_then(|key| table.get_mut(key.as_str())) {
                *there = value;
            } else {
                self.plainly.add(&self.at, part);
                table.insert(Spanned::new(span, Cow::Owned(part.clone())), value);
            }
            return Ok(());
        }
        let Some(key) = key else {
            if let Some((_, what)) = LISTS.iter().find(|(list, _)| list == part) {
                return Err(format!(
                    "the file has no `[[{part}]]`, so that there is no name of {what}"
                ));
            }
            self.plainly.add(&self.at, part);
            self.below(part);
            let mut made = DeTable::new();
            self.put(&mut made, below, value)?;
            let made = Spanned::new(span.clone(), DeValue::Table(made));
            table.insert(Spanned::new(span, Cow::Owned(part.clone())), made);
            return Ok(());
        };
        self.below(&key);
        match table.get_mut(key.as_str()).map(Spanned::get_mut) {
            Some(DeValue::Table(table)) => self.put(table, below, value),
            Some(DeValue::Array(list)) => self.put_into(list, &key, below, value),
            _ => Err(format!("`{key}` of the file has no keys below it")),
        }
    }

    /// Puts a value into the table of a list that has this name.
    fn put_into<'a>(
        mut self,
        list: &mut DeArray<'a>,
        key: &str,
        path: &[String],
        value: Spanned<DeValue<'a>>,
    ) -> Result<(), String> {
        let [name, below @ ..] = path else {
            return Ok(());
        };
        let place = match self.plainly.named(&self.at, list, name) {
            Some((place, true)) => place,
            Some((_, false)) => {
                return Err(format!(
                    "two of `{key}` are named alike but for what a variable cannot say"
                ));
            }
            None if self.is_told => return Err(nobody_named(list, key, name)),
            None => return Err(String::new()),
        };
        self.below(name);
        match list.get_mut(place).map(Spanned::get_mut) {
            Some(DeValue::Table(_)) if below.is_empty() => {
                Err(format!("a whole table of `{key}` cannot be set; name one of its keys"))
            }
            Some(DeValue::Table(table)) => self.put(table, below, value),
            _ => Err(format!("`{key}` is no list of tables")),
        }
    }
}

/// What is said of a name that no table of the list has.
fn nobody_named(list: &DeArray<'_>, key: &str, name: &str) -> String {
    let names: Vec<String> = list.iter().filter_map(name_of).map(plain).collect();
    let help = match near(name, names.iter().map(String::as_str)) {
        Some(known) => format!("did you mean `{}`?", known.to_uppercase()),
        None if names.is_empty() => "none of them has a name".to_owned(),
        None => {
            let names: Vec<&str> = list.iter().filter_map(name_of).collect();
            format!("there are {}", nearest(name, &names))
        }
    };
    format!("there is no `{name}` in `{key}`; {help}")
}

fn name_of<'v>(item: &'v Spanned<DeValue<'_>>) -> Option<&'v str> {
    item.get_ref().as_table()?.get("name")?.get_ref().as_str()
}

/// A name as a variable says it: small letters, and underscores for all but letters and digits.
fn plain(name: &str) -> String {
    let letter = |letter: char| if letter.is_alphanumeric() { letter } else { '_' };
    name.to_lowercase().chars().map(letter).collect()
}
