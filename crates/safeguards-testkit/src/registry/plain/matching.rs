//! Who matches a query, read off the documentation of [`Query`] line by line.

use std::{cmp::Ordering, sync::Arc};

use safeguards_discovery::{
    AgentRecord, Capability, Condition, Match, Order, Query, Test, Version, VersionReq,
};
use serde_json::Value;

use super::{numbers, ranges};

/// The agent as it is found, or `None`.
pub(super) fn matched(query: &Query, record: &AgentRecord) -> Option<Match> {
    if let Some(among) = &query.among
        && !among.contains(&record.agent)
    {
        return None;
    }
    let is_well = record.status.health.as_str() == "healthy" && record.status.blocks.is_empty();
    if query.healthy_only && !is_well {
        return None;
    }
    let fits = |capability: &&Arc<Capability>| fits(query, capability);
    let mut meant: Vec<_> = record.capabilities.iter().filter(fits).cloned().collect();
    let says_something = query.capability.is_some()
        || query.version.is_some()
        || !query.conditions.is_empty()
        || !query.tags.is_empty();
    if says_something && meant.is_empty() {
        return None;
    }
    let Some(text) = &query.text else {
        return Some(Match::new(record, meant));
    };
    let wanted = words(text);
    let own = hits(&wanted, [record.agent.as_str(), &record.description]);
    let said = |capability: &Capability| {
        let texts = [capability.name.as_str(), &capability.description];
        hits(&wanted, texts.into_iter().chain(capability.tags.iter().map(String::as_str)))
    };
    let best = meant.iter().map(|capability| said(capability)).max().unwrap_or(0);
    if own == 0 {
        meant.retain(|capability| said(capability) > 0);
        if meant.is_empty() {
            return None;
        }
    }
    let mut found = Match::new(record, meant);
    found.relevance = Some(own.saturating_add(best).saturating_mul(1_000));
    Some(found)
}

/// Where in the order an agent stands: the smaller comes first.
pub(super) fn place(order: &Order, found: &Match) -> i128 {
    let unknown_last = i128::MAX;
    let priority = i128::from(found.priority.level());
    match order {
        Order::Best => {
            let names = ["healthy", "degraded", "unhealthy"];
            let health = names.iter().position(|name| *name == found.status.health.as_str());
            let health = health.and_then(|place| i128::try_from(place).ok()).unwrap_or_default();
            health.saturating_mul(16).saturating_sub(priority)
        }
        Order::LeastLoaded => found.status.load.map_or(unknown_last, i128::from),
        Order::Cheapest(unit) => {
            let costs = found.capabilities.iter().flat_map(|capability| capability.cost.iter());
            let costs = costs.filter(|cost| cost.unit() == unit);
            costs.map(|cost| cost.quantity().steps()).min().unwrap_or(unknown_last)
        }
        Order::MostBudget(unit) => {
            let left = found.status.available.iter().find(|amount| amount.unit() == unit);
            left.map_or(unknown_last, |left| left.quantity().steps().saturating_neg())
        }
        Order::Priority => priority.saturating_neg(),
        Order::Relevance => {
            found.relevance.map_or(unknown_last, |score| i128::from(score).saturating_neg())
        }
        Order::Name | _ => 0,
    }
}

/// Whether all holds of it that the query says of a capability.
fn fits(query: &Query, capability: &Capability) -> bool {
    query.capability.as_ref().is_none_or(|asked| {
        let (asked, has): (Vec<_>, Vec<_>) =
            (asked.parts().collect(), capability.name.parts().collect());
        has.starts_with(&asked)
    }) && query.version.as_ref().is_none_or(|range| in_range(range, capability.version.as_ref()))
        && query.conditions.iter().all(|condition| condition_holds(condition, capability))
        && query.tags.iter().all(|tag| capability.tags.contains(tag))
}

fn in_range(range: &VersionReq, version: Option<&Version>) -> bool {
    version.is_some_and(|version| ranges::contains(range, version))
}

fn condition_holds(condition: &Condition, capability: &Capability) -> bool {
    let mut keys = condition.path.keys().iter();
    let mut value = keys.next().and_then(|key| capability.metadata.get(key));
    for key in keys {
        value = match value {
            Some(Value::Object(inner)) => inner.get(key),
            _ => None,
        };
    }
    holds(&condition.test, value)
}

fn holds(test: &Test, value: Option<&Value>) -> bool {
    match (test, value) {
        (Test::Not(inner), value) => !holds(inner, value),
        (Test::Absent, value) => value.is_none(),
        (Test::Exists, value) => value.is_some(),
        (Test::Equals(asked), Some(value)) => is_same(asked, value),
        (Test::Contains(all), Some(value)) => all.iter().all(|asked| is_contained(asked, value)),
        (Test::AnyOf(any), Some(value)) => any.iter().any(|asked| is_contained(asked, value)),
        (Test::Range { from, above, to, below }, Some(value)) => {
            let all = [
                (from, [Ordering::Greater, Ordering::Equal].as_slice()),
                (above, &[Ordering::Greater]),
                (to, &[Ordering::Less, Ordering::Equal]),
                (below, &[Ordering::Less]),
            ];
            all.into_iter().all(|(bound, allowed)| {
                bound.as_ref().is_none_or(|bound| {
                    compared(value, bound).is_some_and(|order| allowed.contains(&order))
                })
            })
        }
        // A test that is not known here holds of nothing.
        _ => false,
    }
}

fn is_contained(asked: &Value, value: &Value) -> bool {
    is_same(asked, value)
        || matches!(value, Value::Array(list) if list.iter().any(|value| is_same(asked, value)))
}

fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => numbers::compared(one, other).is_eq(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && std::iter::zip(one, other).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.keys().eq(other.keys())
                && std::iter::zip(one.values(), other.values()).all(|(a, b)| is_same(a, b))
        }
        _ => one == other,
    }
}

fn compared(value: &Value, bound: &Value) -> Option<Ordering> {
    match (value, bound) {
        (Value::Number(value), Value::Number(bound)) => Some(numbers::compared(value, bound)),
        (Value::String(value), Value::String(bound)) => Some(value.cmp(bound)),
        _ => None,
    }
}

/// The words of a text: letters and digits that stand together, in small letters.
pub(super) fn words(text: &str) -> Vec<String> {
    let words = text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// How many of the wanted words stand in these texts.
fn hits<'a>(wanted: &[String], texts: impl IntoIterator<Item = &'a str>) -> u64 {
    let said: Vec<String> = texts.into_iter().flat_map(words).collect();
    let hits = wanted.iter().filter(|word| said.contains(word)).count();
    u64::try_from(hits).unwrap_or(u64::MAX)
}
