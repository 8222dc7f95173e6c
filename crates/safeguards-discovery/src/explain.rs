//! [`Explanation`]: why an agent is, or is not, among those that a query finds.

mod told;

use safeguards_types::{AgentId, Timestamp};
use semver::{Version, VersionReq};
use serde::Serialize;
use serde_json::Value;

use crate::{AgentRecord, Capability, CapabilityName, Condition, Query, Status, Words};

/// Why an agent is, or is not, among those that a query finds.
///
/// ```
/// use safeguards_discovery::{
///     AgentRecord, Capability, Explanation, Lease, LeaseId, Query, Test,
/// };
/// use safeguards_types::Timestamp;
/// use std::sync::Arc;
///
/// let now = Timestamp::UNIX_EPOCH;
/// let lease = Lease::new("plotter".into(), LeaseId::new(1), None, None);
/// let mut plotter = AgentRecord::new(lease, now);
/// let plots = Capability::new("data.plots")?.version("1.2.0")?.with("formats", ["json"]);
/// plotter.capabilities.push(Arc::new(plots));
///
/// let query = Query::new("data.plots")?.version(">=2")?.with("formats", "xml");
/// let explanation = Explanation::of(&query, &plotter, now);
/// assert_eq!(
///     explanation.to_string(),
///     "agent `plotter` is not found:\n\
///      - data.plots 1.2.0 is outside >=2\n\
///      - data.plots: formats is [\"json\"]; asked: contains xml"
/// );
/// # Ok::<(), safeguards_discovery::InvalidField>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// Who.
    pub agent: AgentId,
    /// What keeps it from being found; none: it is found.
    pub mismatches: Vec<Mismatch>,
}

/// Something that keeps an agent from being found. Of its capabilities the one is told of that comes nearest.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mismatch {
    /// No agent of this name is here: it never came, it was deleted, or its lease ran out.
    NotHere,
    /// Its lease ran out.
    LeaseExpired {
        /// When.
        expired_at: Timestamp,
    },
    /// The query is confined to others.
    NotAmong,
    /// It may not be given work.
    NotHealthy {
        /// How it stands.
        status: Status,
    },
    /// It has no capability of this name, nor one below it.
    NoSuchCapability {
        /// What was asked for.
        asked: CapabilityName,
        /// What it has, the most alike first; at most ten.
        has: Vec<CapabilityName>,
    },
    /// It has no capability at all, and something was asked of one.
    NoCapability,
    /// The capability's version lies outside the range.
    Version {
        /// Which capability.
        capability: CapabilityName,
        /// What was asked for.
        asked: VersionReq,
        /// What it has.
        has: Option<Version>,
    },
    /// A condition does not hold of the capability's metadata.
    Condition {
        /// Which capability.
        capability: CapabilityName,
        /// What was asked for.
        asked: Condition,
        /// What stands there.
        has: Option<Value>,
    },
    /// The capability has not this tag.
    Tag {
        /// Which capability.
        capability: CapabilityName,
        /// What was asked for.
        asked: String,
    },
    /// None of the words was found.
    Text {
        /// What was searched for.
        asked: String,
    },
}

impl Explanation {
    /// Nobody of this name is here.
    pub fn not_here(agent: AgentId) -> Self {
        Self { agent, mismatches: vec![Mismatch::NotHere] }
    }

    /// Why the agent of this record is, or is not, among those that a registry finds at `now`.
    ///
    /// What is wrong with the agent itself stands first, then what is wrong with the capability that comes
    /// nearest: with the fewest mismatches, of several the first in the order of names and versions.
    pub fn of(query: &Query, record: &AgentRecord, now: Timestamp) -> Self {
        let mut explanation = Self::of_present(query, record);
        if let Some(expired_at) = record.lease.expires_at
            && !record.lease.is_live(now)
        {
            explanation.mismatches.insert(0, Mismatch::LeaseExpired { expired_at });
        }
        explanation
    }

    /// The same of an agent that is here, as a registry says.
    pub(crate) fn of_present(query: &Query, record: &AgentRecord) -> Self {
        // Named, so that what is new in a query is not forgotten here.
        let Query {
            capability,
            version,
            conditions,
            tags,
            text,
            healthy_only,
            among,
            order: _,
            limit: _,
            after: _,
        } = query;
        let mut mismatches = Vec::new();
        if among.as_ref().is_some_and(|among| !among.contains(&record.agent)) {
            mismatches.push(Mismatch::NotAmong);
        }
        if *healthy_only && !record.status.is_healthy() {
            mismatches.push(Mismatch::NotHealthy { status: record.status.clone() });
        }
        let asked = Asked {
            version: version.as_ref(),
            conditions,
            tags,
            // Words that stand in the agent itself need not stand in a capability.
            text: text.as_deref().and_then(|text| {
                let words = Words::of(text);
                let own = Words::of_agent(record.agent.as_str(), &record.description);
                (!words.meets(&own)).then_some((text, words))
            }),
        };
        let says_of_capability =
            capability.is_some() || version.is_some() || !conditions.is_empty() || !tags.is_empty();
        let covered =
            |one: &&Capability| capability.as_ref().is_none_or(|asked| asked.covers(&one.name));
        let capabilities = record.capabilities.iter().map(|one| &**one);
        let nearest =
            capabilities.filter(covered).map(|one| asked.mismatches(one)).min_by_key(Vec::len);
        match (nearest, capability) {
            (Some(nearest), _) => mismatches.extend(nearest),
            (None, Some(asked)) => mismatches.push(Mismatch::NoSuchCapability {
                asked: asked.clone(),
                has: most_alike(asked, record),
            }),
            (None, None) if says_of_capability => mismatches.push(Mismatch::NoCapability),
            (None, None) => mismatches.extend(asked.no_words()),
        }
        Self { agent: record.agent.clone(), mismatches }
    }

    /// Whether the agent is found.
    pub fn is_found(&self) -> bool {
        self.mismatches.is_empty()
    }
}

/// What a query says of one capability.
struct Asked<'q> {
    version: Option<&'q VersionReq>,
    conditions: &'q [Condition],
    tags: &'q [String],
    /// Words of which one must stand in it.
    text: Option<(&'q str, Words)>,
}

impl Asked<'_> {
    fn mismatches(&self, capability: &Capability) -> Vec<Mismatch> {
        let Self { version, conditions, tags, text } = self;
        let name = || capability.name.clone();
        let mut mismatches = Vec::new();
        if let Some(asked) = *version
            && !capability.version.as_ref().is_some_and(|version| asked.matches(version))
        {
            mismatches.push(Mismatch::Version {
                capability: name(),
                asked: asked.clone(),
                has: capability.version.clone(),
            });
        }
        let failing = conditions.iter().filter(|asked| !asked.holds(&capability.metadata));
        mismatches.extend(failing.map(|asked| Mismatch::Condition {
            capability: name(),
            asked: asked.clone(),
            has: asked.path.value(&capability.metadata).cloned(),
        }));
        let missing = tags.iter().filter(|tag| !capability.tags.contains(tag));
        mismatches
            .extend(missing.map(|tag| Mismatch::Tag { capability: name(), asked: tag.clone() }));
        if text.as_ref().is_some_and(|(_, words)| !words.meets(&Words::of_capability(capability))) {
            mismatches.extend(self.no_words());
        }
        mismatches
    }

    /// That none of the words was found, if there are any.
    fn no_words(&self) -> Option<Mismatch> {
        self.text.as_ref().map(|(asked, _)| Mismatch::Text { asked: (*asked).to_owned() })
    }
}

/// How many capabilities are told of.
const TOLD_MAX: usize = 10;

/// The names of what an agent has, those most like `asked` first.
fn most_alike(asked: &CapabilityName, record: &AgentRecord) -> Vec<CapabilityName> {
    let names = record.capabilities.iter().map(|capability| {
        let distance = strsim::osa_distance(asked.as_str(), capability.name.as_str());
        (distance, &capability.name)
    });
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().take(TOLD_MAX).map(|(_, name)| name.clone()).collect()
}

#[cfg(test)]
mod tests;
