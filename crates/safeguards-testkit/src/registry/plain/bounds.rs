//! What a registry takes, read off [`Bounds`] line by line.

use std::fmt::Display;

use safeguards_discovery::{
    Block, Bounds, Capability, InvalidField, InvalidKind, Order, Query, Registration, Status, Test,
};
use serde_json::Value;

use super::matching;

type Checked = Result<(), InvalidField>;

fn must(
    holds: bool,
    kind: InvalidKind,
    field: &str,
    value: impl Display,
    allowed: &str,
) -> Checked {
    if holds { Ok(()) } else { Err(InvalidField::new(kind, field, value, allowed)) }
}

pub(super) fn registration(registration: &Registration) -> Checked {
    agent(registration.agent.as_str(), "agent")?;
    if let Some(ttl) = registration.ttl {
        let fits = (Bounds::TTL_MIN..=Bounds::TTL_MAX).contains(&ttl);
        must(fits, InvalidKind::Ttl, "ttl", format!("{ttl:?}"), "from 1 ms to 100 years")?;
    }
    if let Some(text) = &registration.description {
        description(text)?;
    }
    capabilities(registration.capabilities.len())?;
    for (place, one) in registration.capabilities.iter().enumerate() {
        capability(one).map_err(|error| error.within(format!("capabilities[{place}]")))?;
        let same = |other: &&Capability| other.name == one.name && other.version == one.version;
        let other = registration.capabilities.iter().find(same);
        let allowed = "each name and version once";
        must(other == Some(one), InvalidKind::Capabilities, "capabilities", one, allowed)?;
    }
    if let Some(said) = &registration.status {
        status(said)?;
    }
    documents(registration.documents.iter())
}

/// How many an agent has, those from before included.
pub(super) fn capabilities(many: usize) -> Checked {
    let allowed = "at most 1024";
    must(many <= Bounds::CAPABILITIES, InvalidKind::Capabilities, "capabilities", many, allowed)
}

/// What an agent's documents take, those from before included.
pub(super) fn documents<'a>(all: impl Iterator<Item = (&'a String, &'a Value)>) -> Checked {
    let sizes = all.map(|(kind, document)| kind.len().saturating_add(document.to_string().len()));
    let bytes = sizes.fold(0_usize, usize::saturating_add);
    let fits = bytes <= Bounds::DOCUMENTS_BYTES;
    must(fits, InvalidKind::Document, "documents", bytes, "at most 1048576 bytes")
}

pub(super) fn agent(name: &str, field: &str) -> Checked {
    let allowed = "1 to 256 bytes, no control characters";
    must(is_name(name), InvalidKind::AgentName, field, name, allowed)
}

/// The rule for all names.
fn is_name(text: &str) -> bool {
    (1..=256).contains(&text.len()) && !text.contains(char::is_control)
}

fn description(text: &str) -> Checked {
    let fits = text.len() <= Bounds::DESCRIPTION_BYTES;
    must(fits, InvalidKind::Description, "description", text, "at most 16384 bytes")
}

fn capability(capability: &Capability) -> Checked {
    description(&capability.description)?;
    tags(&capability.tags)?;
    let metadata = Value::Object(capability.metadata.clone());
    let fits = metadata.to_string().len() <= Bounds::METADATA_BYTES;
    must(fits, InvalidKind::Metadata, "metadata", "", "at most 65536 bytes")?;
    let fits = is_within(&metadata, Bounds::METADATA_DEPTH);
    must(fits, InvalidKind::Metadata, "metadata", "", "at most 16 deep")?;
    let units = capability.cost.len();
    must(units <= Bounds::COST_UNITS, InvalidKind::Cost, "cost", units, "at most 16 units")
}

fn tags(tags: &[String]) -> Checked {
    must(tags.len() <= Bounds::TAGS, InvalidKind::Tag, "tags", tags.len(), "at most 256")?;
    tags.iter().try_for_each(|tag| {
        must(is_name(tag), InvalidKind::Tag, "tags", tag, "1 to 256 bytes, no control characters")
    })
}

/// Whether lists and objects stand in each other no deeper than this.
fn is_within(value: &Value, depth: usize) -> bool {
    let inside: Vec<&Value> = match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(object) => object.values().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return true,
    };
    depth.checked_sub(1).is_some_and(|depth| inside.iter().all(|value| is_within(value, depth)))
}

pub(super) fn status(status: &Status) -> Checked {
    let units = status.available.len();
    let kind = InvalidKind::Status;
    must(units <= Bounds::COST_UNITS, kind, "status.available", units, "at most 16 units")?;
    let blocks = &status.blocks;
    must(blocks.len() <= Bounds::BLOCKS, kind, "status.blocks", blocks.len(), "at most 64")?;
    blocks.iter().try_for_each(|block| match block {
        Block::Suspended { reason } => must(
            reason.len() <= Bounds::REASON_BYTES,
            kind,
            "status.blocks",
            reason,
            "at most 1024 bytes",
        ),
        Block::Exhausted { units } => {
            let fits = units.len() <= Bounds::COST_UNITS && units.iter().all(|unit| is_name(unit));
            must(fits, kind, "status.blocks", units.join(", "), "at most 16 names of units")
        }
        Block::BreakerOpen { .. } | _ => Ok(()),
    })
}

pub(super) fn query(query: &Query) -> Checked {
    let mut asked = 0_usize;
    for (place, condition) in query.conditions.iter().enumerate() {
        let field = format!("conditions[{place}]");
        let keys = condition.path.keys();
        let fits = (1..=Bounds::METADATA_DEPTH).contains(&keys.len())
            && keys.iter().all(|key| !key.is_empty());
        must(fits, InvalidKind::Path, &field, &condition.path, "from 1 to 16 keys, none empty")?;
        let mut test = &condition.test;
        asked = asked.saturating_add(1);
        while let Test::Not(inner) = test {
            asked = asked.saturating_add(1);
            if asked > Bounds::CONDITIONS {
                break;
            }
            test = inner;
        }
        if let Test::Range { from, above, to, below } = test {
            let bounds: Vec<&Value> = [from, above, to, below].into_iter().flatten().collect();
            let fits = !bounds.is_empty()
                && bounds.iter().all(|bound| bound.is_number() || bound.is_string());
            let allowed = "a range has a bound, each a number or a text";
            must(fits, InvalidKind::Condition, &field, &condition.path, allowed)?;
        }
    }
    let fits = asked <= Bounds::CONDITIONS;
    must(fits, InvalidKind::Condition, "conditions", asked, "at most 256")?;
    tags(&query.tags)?;
    if let Some(text) = &query.text {
        let fits = text.len() <= Bounds::TEXT_BYTES && !matching::words(text).is_empty();
        must(fits, InvalidKind::Text, "text", text, "words, at most 4096 bytes")?;
    }
    let among = query.among.as_ref().map_or(0, Vec::len);
    must(among <= Bounds::AMONG, InvalidKind::Among, "among", among, "at most 65536 agents")?;
    let fits = query.order != Order::Relevance || query.text.is_some();
    must(fits, InvalidKind::Order, "order", "relevance", "only with a text")?;
    let limit = query.limit.unwrap_or(1);
    let fits = (1..=Bounds::PAGE).contains(&limit);
    must(fits, InvalidKind::Limit, "limit", limit, "from 1 to 10000")?;
    let order = query.order.name();
    let fits = query.after.as_ref().is_none_or(|cursor| cursor.order() == order);
    must(fits, InvalidKind::Cursor, "after", &order, "the `next` of a page of the same order")
}
