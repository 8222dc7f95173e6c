//! `capabilities` and `[[agent.capability]]`: what an agent can do; `by`: what is needed of whom a step is given to.

use std::ops::Range;

use safeguards_discovery::{
    Capability, Condition, InvalidField, Metadata, Order, Query, Registration,
};
use safeguards_types::Amounts;
use serde_json::{Number, Value as Json};
use toml::{Spanned, de::DeValue};

use super::{
    mistake::MistakeKind,
    reader::{Text, Value},
    section::Section,
    strategies::Kind,
};

/// How deep metadata of a file is read; what is deeper is refused all the same.
const DEPTH_MAX: usize = 32;

/// Reads what an agent can do: in short, and in full.
pub(super) fn read(agent: &mut Section<'_>) -> Vec<Capability> {
    let mut read = read_short(agent);
    let owner = format!("a capability of {}", agent.owner());
    for section in agent.tables("capability", &owner) {
        let span = section.span();
        read.extend(read_full(section).map(|capability| (span, capability)));
    }
    let mut capabilities: Vec<Capability> = Vec::new();
    for (span, capability) in read {
        let same = |other: &Capability| {
            other.name == capability.name && other.version == capability.version
        };
        if capabilities.iter().any(same) {
            let message = format!("{} has {capability} twice; keep one", agent.owner());
            agent.reader.mistake(MistakeKind::Capability, &span, message);
            continue;
        }
        let registration = Registration::lasting("agent").capability(capability.clone());
        if let Err(error) = registration.check() {
            invalid(agent, &span, &error);
            continue;
        }
        capabilities.push(capability);
    }
    capabilities
}

/// `capabilities.data_retrieval = { formats = ["json"] }`: names, and what else there is to say.
fn read_short(agent: &mut Section<'_>) -> Vec<(Range<usize>, Capability)> {
    let what = "write a table of names and their metadata, such as \
                `capabilities.data_retrieval = { formats = [\"json\"] }`";
    let Some(value) = agent.value("capabilities") else {
        return Vec::new();
    };
    let Some(table) = value.get_ref().as_table() else {
        agent.expected("capabilities", value, what);
        return Vec::new();
    };
    let mut read = Vec::new();
    for (key, value) in table {
        let (name, span) = (Spanned::new(key.span(), &**key.get_ref()), key.span());
        let Some(mut capability) = new(agent, &name) else {
            continue;
        };
        let Some(metadata) = metadata(value) else {
            agent.expected(name.get_ref(), value, what);
            continue;
        };
        capability.metadata = metadata;
        read.push((span, capability));
    }
    read
}

fn read_full(mut section: Section<'_>) -> Option<Capability> {
    let name = section.required_name();
    if let Some(name) = &name {
        section.rename(format!("capability {}", name.get_ref()));
    }
    let mut capability = name.as_ref().and_then(|name| new(&section, name));
    let version = section.text("version", "a version is a text, such as \"1.4.0\"");
    if let Some(text) = version {
        capability = capability.and_then(|capability| {
            let read = capability.version(text.get_ref());
            read.map_err(|error| invalid(&section, &text.span(), &error)).ok()
        });
    }
    let described = section.text("description", "a description is a text");
    let tags = section.texts("tags", "a tag is a text").unwrap_or_default();
    let cost = section.amounts("cost").map(Spanned::into_inner);
    let metadata = read_metadata(&mut section);
    section.finish(&[]);
    let mut capability = capability?;
    (capability.metadata, capability.cost) = (metadata, cost.unwrap_or_else(Amounts::none));
    let described = described.map_or("", Spanned::into_inner);
    let capability = capability.describe(described);
    Some(tags.into_iter().fold(capability, |capability, tag| capability.tag(*tag.get_ref())))
}

/// `by = { capability = "data.analysis", version = ">=1", order = "least-loaded" }`.
pub(super) fn read_by(file: &mut Section<'_>, kind: Kind) -> Option<Query> {
    let mut section = file.table("by", "`by`")?;
    if !kind.spreads() {
        let message = "`by` is for strategy = \"fan_out\" or \"map_reduce\", which give out inputs";
        section.reader.mistake(MistakeKind::Value, &section.span(), message);
    }
    let span = section.span();
    let mut query = Query::all();
    let name = section.text("capability", "a capability is a text, such as \"data.analysis\"");
    if let Some(name) = &name {
        query.capability = new(&section, name).map(|capability| capability.name);
    } else if section.lacks("capability") {
        let message = "`by` needs a `capability`: what is to be done, such as \"data.analysis\"";
        section.reader.mistake(MistakeKind::Missing, &span, message);
    }
    if let Some(text) = section.text("version", "a range is a text, such as \">=1.2, <3\"") {
        match Query::all().version(text.get_ref()) {
            Ok(read) => query.version = read.version,
            Err(error) => invalid(&section, &text.span(), &error),
        }
    }
    if let Some(text) = section.text("order", "an order is a text, such as \"least-loaded\"") {
        match text.get_ref().parse::<Order>() {
            Ok(order) => query.order = order,
            Err(error) => invalid(&section, &text.span(), &error),
        }
    }
    let tags = section.texts("tags", "a tag is a text").unwrap_or_default();
    query.tags = tags.iter().map(|tag| (*tag.get_ref()).to_owned()).collect();
    for text in section.texts("where", WHERE).unwrap_or_default() {
        match Condition::parse(text.get_ref()) {
            Ok(condition) => query.conditions.push(condition),
            Err(error) => invalid(&section, &text.span(), &error),
        }
    }
    let all = read_metadata(&mut section);
    query = all.into_iter().fold(query, |query, (key, values)| query.with(key, values));
    if let Err(error) = query.check() {
        invalid(&section, &span, &error);
    }
    section.finish(&[]);
    Some(query)
}

const WHERE: &str = "a condition is a text, such as \"limits.context_window >= 100000\"";

fn new(section: &Section<'_>, name: &Text<'_>) -> Option<Capability> {
    let read = Capability::new(*name.get_ref());
    read.map_err(|error| invalid(section, &name.span(), &error)).ok()
}

fn invalid(section: &Section<'_>, span: &Range<usize>, error: &InvalidField) {
    let message = format!("{}: {error}", section.owner());
    section.reader.mistake(MistakeKind::Capability, span, message);
}

fn read_metadata(section: &mut Section<'_>) -> Metadata {
    let Some(value) = section.value("metadata") else {
        return Metadata::new();
    };
    metadata(value).unwrap_or_else(|| {
        section.expected("metadata", value, "write a table, such as { formats = [\"json\"] }");
        Metadata::new()
    })
}

/// A table as metadata; `None` where it is none, or far too deep.
fn metadata(value: Value<'_>) -> Option<Metadata> {
    let Json::Object(metadata) = json(value.get_ref(), DEPTH_MAX)? else {
        return None;
    };
    Some(metadata)
}

/// A value as JSON has it. Dates and times are texts there, and so are numbers that it does not know.
fn json(value: &DeValue<'_>, depth: usize) -> Option<Json> {
    let depth = depth.checked_sub(1)?;
    Some(match value {
        DeValue::String(text) => Json::from(&**text),
        DeValue::Boolean(flag) => Json::from(*flag),
        DeValue::Integer(number) => {
            let text = number.as_str();
            let signed = i64::from_str_radix(text, number.radix()).map(Json::from);
            signed.unwrap_or_else(|_| Json::from(text))
        }
        DeValue::Float(number) => {
            let read = number.as_str().parse().ok().and_then(Number::from_f64);
            read.map_or_else(|| Json::from(number.as_str()), Json::Number)
        }
        DeValue::Datetime(instant) => Json::from(instant.to_string()),
        DeValue::Array(values) => {
            let values = values.iter().map(|value| json(value.get_ref(), depth));
            Json::Array(values.collect::<Option<_>>()?)
        }
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| {
                Some((key.get_ref().to_string(), json(value.get_ref(), depth)?))
            });
            Json::Object(entries.collect::<Option<_>>()?)
        }
    })
}
