//! What a registry refuses before it looks at anything else: each bound of [`Bounds`], with the field named.

use std::{fmt::Display, io};

use safeguards_types::{Amounts, Quantity, Unit};
use serde::Serialize;
use serde_json::Value;

use crate::{Block, Bounds, Capability, InvalidField, InvalidKind, Registration, Status};

impl Registration {
    /// Whether a registry takes it, as far as that can be told without the registry.
    ///
    /// # Errors
    ///
    /// The first field that cannot be used, such as `capabilities[2].metadata`: a name that is none, more than
    /// [`Bounds`] allow, or two capabilities of one name and version that differ.
    pub fn check(&self) -> Result<(), InvalidField> {
        let Self {
            agent,
            ttl,
            capabilities,
            description,
            priority: _,
            status,
            documents,
            replaces: _,
        } = self;
        check_name(InvalidKind::AgentName, "agent", agent.as_str(), Bounds::AGENT_NAME_BYTES)?;
        if let Some(ttl) = ttl
            && !(Bounds::TTL_MIN..=Bounds::TTL_MAX).contains(ttl)
        {
            let (min, max) = (Bounds::TTL_MIN, Bounds::TTL_MAX.as_secs());
            let allowed = format!("a lease holds from {min:?} to {max}s, or without an end");
            return Err(InvalidField::new(InvalidKind::Ttl, "ttl", format!("{ttl:?}"), allowed));
        }
        check_count(
            InvalidKind::Capabilities,
            "capabilities",
            capabilities.len(),
            Bounds::CAPABILITIES,
            "capabilities",
        )?;
        for (place, capability) in capabilities.iter().enumerate() {
            let outer = |error: InvalidField| error.within(format_args!("capabilities[{place}]"));
            capability.check().map_err(outer)?;
        }
        check_twice(capabilities)?;
        if let Some(description) = description {
            check_description(description)?;
        }
        if let Some(status) = status {
            status.check().map_err(|error| error.within("status"))?;
        }
        for (kind, document) in documents {
            let field = format!("documents.{kind}");
            check_name(InvalidKind::Document, &field, kind, Bounds::AGENT_NAME_BYTES)?;
            check_depth(InvalidKind::Document, &field, [document], 0, Bounds::DOCUMENT_DEPTH)?;
        }
        check_json(InvalidKind::Document, "documents", documents, Bounds::DOCUMENTS_BYTES)
    }
}

impl Capability {
    /// Whether a registry takes it.
    ///
    /// # Errors
    ///
    /// The first field that cannot be used, such as `tags[3]`.
    pub fn check(&self) -> Result<(), InvalidField> {
        // The name was read, so it is one.
        let Self { name: _, version, description, tags, metadata, cost } = self;
        if let Some(version) = version {
            check_bytes(
                InvalidKind::Version,
                "version",
                &version.to_string(),
                Bounds::VERSION_BYTES,
            )?;
        }
        check_description(description)?;
        check_tags(tags)?;
        let kind = InvalidKind::Metadata;
        // The object itself is 1 deep.
        check_depth(kind, "metadata", metadata.values(), 1, Bounds::METADATA_DEPTH)?;
        check_json(kind, "metadata", metadata, Bounds::METADATA_BYTES)?;
        check_amounts(InvalidKind::Cost, "cost", cost)
    }
}

impl Status {
    /// Whether a registry takes it.
    ///
    /// # Errors
    ///
    /// The first field that cannot be used, such as `blocks[1].reason`.
    pub fn check(&self) -> Result<(), InvalidField> {
        let Self { health: _, load: _, available, blocks } = self;
        let kind = InvalidKind::Status;
        check_amounts(kind, "available", available)?;
        check_count(kind, "blocks", blocks.len(), Bounds::BLOCKS, "blocks")?;
        for (place, block) in blocks.iter().enumerate() {
            match block {
                Block::Suspended { reason } => {
                    let field = format!("blocks[{place}].reason");
                    check_bytes(kind, &field, reason, Bounds::REASON_BYTES)?;
                }
                Block::BreakerOpen { until: _ } => {}
                Block::Exhausted { units } => {
                    let field = format!("blocks[{place}].units");
                    check_count(kind, &field, units.len(), Bounds::COST_UNITS, "units")?;
                    for unit in units {
                        check_name(kind, &field, unit, Bounds::UNIT_BYTES)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Two of one name and version say the same, or one of them is not meant.
fn check_twice(capabilities: &[Capability]) -> Result<(), InvalidField> {
    let mut sorted: Vec<&Capability> = capabilities.iter().collect();
    sorted.sort_by_key(|capability| (&capability.name, &capability.version));
    let same = |one: &Capability, other: &Capability| {
        one.name == other.name && one.version == other.version
    };
    let mut pairs = sorted.iter().zip(sorted.iter().skip(1));
    let Some((twice, _)) = pairs.find(|(one, other)| same(one, other) && one != other) else {
        return Ok(());
    };
    let allowed = "it stands there twice with other content; each name and version may stand once";
    Err(InvalidField::new(InvalidKind::Capabilities, "capabilities", twice, allowed))
}

/// Names of agents, units and documents: the rule that accounts and channels have too.
pub(crate) fn check_name(
    kind: InvalidKind,
    field: &str,
    name: &str,
    bytes_max: usize,
) -> Result<(), InvalidField> {
    if (1..=bytes_max).contains(&name.len()) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let allowed = format!("from 1 to {bytes_max} bytes, without control characters");
    Err(InvalidField::new(kind, field, name.escape_debug(), allowed))
}

pub(crate) fn check_tags(tags: &[String]) -> Result<(), InvalidField> {
    let kind = InvalidKind::Tag;
    check_count(kind, "tags", tags.len(), Bounds::TAGS, "tags")?;
    for (place, tag) in tags.iter().enumerate() {
        check_name(kind, &format!("tags[{place}]"), tag, Bounds::TAG_BYTES)?;
    }
    Ok(())
}

fn check_description(text: &str) -> Result<(), InvalidField> {
    check_bytes(InvalidKind::Description, "description", text, Bounds::DESCRIPTION_BYTES)
}

fn check_amounts(kind: InvalidKind, field: &str, amounts: &Amounts) -> Result<(), InvalidField> {
    check_count(kind, field, amounts.len(), Bounds::COST_UNITS, "units")?;
    for amount in amounts {
        check_unit(kind, field, amount.unit())?;
        if amount.quantity() > Quantity::MAX {
            let allowed = format!("at most {} of a unit", Quantity::MAX);
            return Err(InvalidField::new(kind, field, amount, allowed));
        }
    }
    Ok(())
}

pub(crate) fn check_unit(kind: InvalidKind, field: &str, unit: &Unit) -> Result<(), InvalidField> {
    check_name(kind, &format!("{field}.unit"), unit.as_str(), Bounds::UNIT_BYTES)
}

/// A text no longer than this. Only its length is told: it is the length that is wrong.
pub(crate) fn check_bytes(
    kind: InvalidKind,
    field: &str,
    text: &str,
    bytes_max: usize,
) -> Result<(), InvalidField> {
    check_count(kind, field, text.len(), bytes_max, "bytes")
}

/// No more than this of what is counted.
pub(crate) fn check_count(
    kind: InvalidKind,
    field: &str,
    given: usize,
    max: usize,
    what: impl Display,
) -> Result<(), InvalidField> {
    if given <= max {
        return Ok(());
    }
    Err(InvalidField::new(kind, field, format!("{given} {what}"), format!("at most {max} {what}")))
}

/// Lists and objects no deeper than this, where `values` stand in something that is `above` deep itself.
///
/// Without recursion: what is too deep must be told, not end the process.
pub(crate) fn check_depth<'v>(
    kind: InvalidKind,
    field: &str,
    values: impl IntoIterator<Item = &'v Value>,
    above: usize,
    depth_max: usize,
) -> Result<(), InvalidField> {
    let mut rest: Vec<(&Value, usize)> = values.into_iter().map(|value| (value, above)).collect();
    while let Some((value, above)) = rest.pop() {
        let depth = above.saturating_add(1);
        match value {
            Value::Array(list) => rest.extend(list.iter().map(|value| (value, depth))),
            Value::Object(map) => rest.extend(map.values().map(|value| (value, depth))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => continue,
        }
        if depth > depth_max {
            let given = format!("more than {depth_max} deep");
            let allowed = format!("lists and objects at most {depth_max} deep in each other");
            return Err(InvalidField::new(kind, field, given, allowed));
        }
    }
    Ok(())
}

/// No more JSON than this, written without spaces. Its depth was checked.
pub(crate) fn check_json(
    kind: InvalidKind,
    field: &str,
    value: &impl Serialize,
    bytes_max: usize,
) -> Result<(), InvalidField> {
    /// Counts what is written, and stops the writer when it is too much.
    struct Room(usize);

    impl io::Write for Room {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let rest = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            self.0 = rest;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    serde_json::to_writer(Room(bytes_max), value).map_err(|_| {
        let given = format!("more than {bytes_max} bytes");
        let allowed = format!("at most {bytes_max} bytes of JSON, written without spaces");
        InvalidField::new(kind, field, given, allowed)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use safeguards_types::{Amount, usd};
    use serde_json::json;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn registration() -> Registration {
        Registration::new("a", MINUTE)
    }

    fn capability() -> Capability {
        Capability::new("data.analysis").unwrap()
    }

    fn nested(depth: usize) -> Value {
        (1..depth).fold(json!([]), |inner, _| Value::Array(vec![inner]))
    }

    #[track_caller]
    fn check(registration: &Registration, expected: Result<(), (&str, &str)>) {
        let found = registration.check();
        let told = found.as_ref().map(|&()| ()).map_err(|e| (e.code(), e.field()));
        let expected = expected.map_err(|(code, field)| (format!("discovery.{code}"), field));
        assert_eq!(told, expected.as_ref().map(|&()| ()).map_err(|(c, f)| (c.as_str(), *f)));
    }

    #[track_caller]
    fn check_capability(capability: Capability, expected: Result<(), (&str, &str)>) {
        check(&registration().capability(capability), expected);
    }

    #[test]
    fn an_agent_has_a_name() {
        let bad = Err(("invalid_agent_name", "agent"));
        check(&Registration::new("", MINUTE), bad);
        check(&Registration::new("a\nb", MINUTE), bad);
        check(&Registration::new("x".repeat(256), MINUTE), Ok(()));
        check(&Registration::new("x".repeat(257), MINUTE), bad);
        check(&Registration::new("Ärztin 7/β", MINUTE), Ok(()));
    }

    #[test]
    fn a_lease_is_neither_too_short_nor_too_long() {
        let bad = Err(("invalid_ttl", "ttl"));
        check(&Registration::new("a", Duration::ZERO), bad);
        check(&Registration::new("a", Duration::from_micros(999)), bad);
        check(&Registration::new("a", Duration::from_millis(1)), Ok(()));
        check(&Registration::new("a", Bounds::TTL_MAX), Ok(()));
        check(&Registration::new("a", Bounds::TTL_MAX + Duration::from_nanos(1)), bad);
        check(&Registration::new("a", Duration::MAX), bad);
        check(&Registration::lasting("a"), Ok(()));
    }

    #[test]
    fn a_capability_is_no_larger_than_its_bounds() {
        let bad = |code, field| Err((code, field));
        let tags = |many: usize| (0..many).fold(capability(), |all, n| all.tag(n.to_string()));
        check_capability(tags(256), Ok(()));
        check_capability(tags(257), bad("invalid_tag", "capabilities[0].tags"));
        check_capability(
            capability().tag("a").tag(""),
            bad("invalid_tag", "capabilities[0].tags[1]"),
        );
        check_capability(
            capability().tag("x".repeat(257)),
            bad("invalid_tag", "capabilities[0].tags[0]"),
        );

        let description = "capabilities[0].description";
        check_capability(capability().describe("x".repeat(16_384)), Ok(()));
        check_capability(
            capability().describe("x".repeat(16_385)),
            bad("invalid_description", description),
        );

        let metadata = bad("invalid_metadata", "capabilities[0].metadata");
        check_capability(capability().with("deep", nested(15)), Ok(()));
        check_capability(capability().with("deep", nested(16)), metadata);
        // `{"k":"…"}` has 8 bytes around the text.
        check_capability(capability().with("k", "x".repeat(65_528)), Ok(()));
        check_capability(capability().with("k", "x".repeat(65_529)), metadata);

        let long = format!("1.0.0+{}", "x".repeat(1_018));
        check_capability(capability().version(&long).unwrap(), Ok(()));
        check_capability(
            capability().version(format!("{long}x")).unwrap(),
            bad("invalid_version", "capabilities[0].version"),
        );

        let units = |many: usize| -> Amounts {
            (0..many).map(|n| Amount::new(Quantity::ONE, Unit::new(n.to_string()))).collect()
        };
        check_capability(capability().cost(units(16)), Ok(()));
        check_capability(capability().cost(units(17)), bad("invalid_cost", "capabilities[0].cost"));
        let much = Amount::new(Quantity::told(Quantity::MAX.steps() + 1), Unit::USD);
        check_capability(capability().cost(much), bad("invalid_cost", "capabilities[0].cost"));
        check_capability(
            capability().cost(Amount::new(Quantity::ONE, Unit::new(""))),
            bad("invalid_cost", "capabilities[0].cost.unit"),
        );
    }

    /// Deeper than a stack: the check must come back. What is built for it is taken apart from the inside, since
    /// dropping it at once would itself recurse.
    #[test]
    fn depth_is_counted_without_recursion() {
        let deep = nested(100_000);
        let found = check_depth(InvalidKind::Metadata, "metadata", [&deep], 1, 16);
        assert_eq!(found.unwrap_err().code(), "discovery.invalid_metadata");
        let mut rest = deep;
        while let Some(inner) = rest.as_array_mut().and_then(Vec::pop) {
            rest = inner;
        }
    }

    #[test]
    fn one_name_and_version_says_one_thing() {
        let first = capability().version("1.0.0").unwrap();
        let other = first.clone().tag("other");
        let next = capability().version("1.0.1").unwrap();
        let all = |list: &[&Capability]| {
            list.iter().fold(registration(), |all, one| all.capability((*one).clone()))
        };
        check(&all(&[&first, &next, &capability(), &first]), Ok(()));
        check(&all(&[&first, &next, &other]), Err(("invalid_capabilities", "capabilities")));
        let many = (0..1_025).map(|n| Capability::new(format!("c{n}")).unwrap());
        let many = many.fold(registration(), Registration::capability);
        check(&many, Err(("invalid_capabilities", "capabilities")));
    }

    #[test]
    fn documents_are_bounded_together() {
        let large = json!("x".repeat(600_000));
        check(&registration().document("card", large.clone()), Ok(()));
        let two = registration().document("card", large.clone()).document("server", large);
        check(&two, Err(("invalid_document", "documents")));
        let deep = registration().document("card", nested(129));
        check(&deep, Err(("invalid_document", "documents.card")));
        check(&registration().document("card", nested(128)), Ok(()));
        check(&registration().document("", json!(1)), Err(("invalid_document", "documents.")));
    }

    #[test]
    fn a_status_is_bounded() {
        let with = |status: Status| registration().status(status);
        check(&with(Status::new().available(usd!(1))), Ok(()));
        let reason = |bytes| Block::Suspended { reason: "x".repeat(bytes) };
        check(&with(Status::new().block(reason(1_024))), Ok(()));
        check(
            &with(Status::new().block(Block::BreakerOpen { until: None }).block(reason(1_025))),
            Err(("invalid_status", "status.blocks[1].reason")),
        );
        let many = (0..65).fold(Status::new(), |all, _| all.block(reason(0)));
        check(&with(many), Err(("invalid_status", "status.blocks")));
    }
}
