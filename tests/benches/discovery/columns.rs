//! Floors, and what people do instead: sets by hand, a scan of compact columns, a scan of JSON.

use std::cmp::Reverse;

use roaring::RoaringBitmap;
use serde_json::{Value, json};

use super::fleet::{AREA, Agent, CAPABILITIES, FORMAT, FORMATS, Fleet, REGION, REGIONS};

/// What the queries ask, in columns: capability by capability, each agent's together.
#[derive(Debug)]
pub(crate) struct Columns {
    names: Vec<u16>,
    regions: Vec<u8>,
    formats: Vec<u8>,
    versions: Vec<[u8; 2]>,
    health: Vec<u8>,
    priorities: Vec<u8>,
}

/// The sets that the queries meet, made by hand for just these queries.
#[derive(Debug)]
pub(crate) struct Sets {
    area: RoaringBitmap,
    region: RoaringBitmap,
    format: RoaringBitmap,
    versions: RoaringBitmap,
    healthy: RoaringBitmap,
}

impl Columns {
    pub(crate) fn open(agents: usize) -> Self {
        let mut columns = Self {
            names: Vec::new(),
            regions: Vec::new(),
            formats: Vec::new(),
            versions: Vec::new(),
            health: Vec::new(),
            priorities: Vec::new(),
        };
        for Agent { skills, health, priority, .. } in Fleet::new().take(agents) {
            for skill in skills {
                columns.names.push(skill.area());
                columns.regions.push(skill.region);
                columns.formats.push(skill.formats);
                columns.versions.push(skill.version);
            }
            columns.health.push(health);
            columns.priorities.push(priority);
        }
        columns
    }

    /// Everybody who has the pair.
    pub(crate) fn pair(&self) -> Vec<u32> {
        self.agents(Self::has_pair)
    }

    /// Everybody who has all.
    pub(crate) fn full(&self) -> Vec<u32> {
        self.agents(Self::has_all)
    }

    /// The best ten of these.
    pub(crate) fn first(&self) -> Vec<u32> {
        let mut all = self.full();
        // Names rise with numbers.
        all.sort_by_key(|agent| {
            let at = usize::try_from(*agent).unwrap();
            (self.health[at], Reverse(self.priorities[at]), *agent)
        });
        all.truncate(10);
        all
    }

    fn agents(&self, is_meant: impl Fn(&Self, usize) -> bool) -> Vec<u32> {
        let entries = (0..self.names.len()).filter(|entry| is_meant(self, *entry));
        let agents = entries.map(|entry| u32::try_from(entry / CAPABILITIES).unwrap());
        let mut agents: Vec<u32> = agents.collect();
        agents.dedup();
        agents
    }

    fn has_pair(&self, entry: usize) -> bool {
        self.names[entry] == AREA && self.regions[entry] == REGION
    }

    fn has_all(&self, entry: usize) -> bool {
        self.has_pair(entry)
            && self.formats[entry] & (1 << FORMAT) != 0
            && is_within(self.versions[entry])
            && self.health[entry / CAPABILITIES] == 0
    }

    pub(crate) fn sets(&self) -> Sets {
        let set = |is_meant: &dyn Fn(usize) -> bool| {
            let entries = (0..self.names.len()).filter(|entry| is_meant(*entry));
            entries.map(|entry| u32::try_from(entry).unwrap()).collect()
        };
        Sets {
            area: set(&|entry| self.names[entry] == AREA),
            region: set(&|entry| self.regions[entry] == REGION),
            format: set(&|entry| self.formats[entry] & (1 << FORMAT) != 0),
            versions: set(&|entry| is_within(self.versions[entry])),
            healthy: set(&|entry| self.health[entry / CAPABILITIES] == 0),
        }
    }
}

/// `>=1.2, <3`.
fn is_within([major, minor]: [u8; 2]) -> bool {
    (1..3).contains(&major) && (major, minor) >= (1, 2)
}

impl Sets {
    pub(crate) fn pair(&self) -> Vec<u32> {
        agents(&(&self.area & &self.region))
    }

    pub(crate) fn full(&self) -> Vec<u32> {
        let left = (&self.area & &self.region) & &self.format;
        agents(&((left & &self.versions) & &self.healthy))
    }
}

fn agents(entries: &RoaringBitmap) -> Vec<u32> {
    let each = u32::try_from(CAPABILITIES).unwrap();
    let mut agents: Vec<u32> = entries.iter().map(|entry| entry / each).collect();
    agents.dedup();
    agents
}

/// Agents as people keep them where there is no registry: JSON, looked through.
#[derive(Debug)]
pub(crate) struct Documents(Vec<Value>);

impl Documents {
    pub(crate) fn open(agents: usize) -> Self {
        let document = |agent: Agent| {
            let capabilities = agent.skills.iter().map(|skill| {
                let capability = skill.capability();
                json!({ "name": capability.name, "metadata": capability.metadata })
            });
            json!({ "name": agent.id(), "capabilities": capabilities.collect::<Vec<_>>() })
        };
        Self(Fleet::new().take(agents).map(document).collect())
    }

    pub(crate) fn pair(&self) -> Vec<&str> {
        let area = format!("area{AREA}");
        let region = REGIONS[usize::from(REGION)];
        let is_meant = |capability: &Value| {
            let name = capability["name"].as_str().unwrap_or_default();
            let below = name.strip_prefix(&area);
            below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
                && capability["metadata"]["region"] == region
        };
        let has = |agent: &&Value| {
            agent["capabilities"].as_array().is_some_and(|all| all.iter().any(is_meant))
        };
        self.0.iter().filter(has).filter_map(|agent| agent["name"].as_str()).collect()
    }
}

const _: () = assert!(FORMATS.len() == 8, "a bit for each in a byte");
