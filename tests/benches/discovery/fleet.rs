//! [`Fleet`]: agents with five capabilities each, the same in every run.
#![allow(dead_code, reason = "each bench is a program of its own and uses a part of this")]

use std::time::Duration;

use fastrand::Rng;
use safeguards_discovery::{Capability, Health, MemoryRegistry, Query, Registration, Status};
use safeguards_types::{AgentId, Amount, Priority, Quantity, SimClock, Timestamp, Unit};
use serde_json::json;

/// How many capabilities each agent has.
pub(crate) const CAPABILITIES: usize = 5;
/// Names of capabilities: below each of fifty areas there are twenty.
pub(crate) const AREAS: u16 = 50;
pub(crate) const SKILLS: u16 = 20;
pub(crate) const REGIONS: [&str; 10] = ["eu", "us", "uk", "jp", "br", "in", "au", "ca", "za", "kr"];
pub(crate) const FORMATS: [&str; 8] =
    ["json", "csv", "xml", "yaml", "parquet", "text", "pdf", "html"];
/// What is asked for: an area, which about every tenth agent has something of, and a region, which three of ten
/// capabilities are in.
pub(crate) const AREA: u16 = 7;
pub(crate) const REGION: u8 = 0;
pub(crate) const FORMAT: u8 = 0;
pub(crate) const RANGE: &str = ">=1.2, <3";
/// How long each renewal holds.
pub(crate) const TTL: Duration = Duration::from_mins(1);

/// A capability, as few bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Skill {
    /// The area's number times [`SKILLS`], and the number below it.
    pub(crate) name: u16,
    pub(crate) version: [u8; 2],
    pub(crate) region: u8,
    /// A bit for each format.
    pub(crate) formats: u8,
    pub(crate) window: u32,
    pub(crate) words: [u16; 8],
    pub(crate) cost: u8,
}

/// An agent, as few bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agent {
    pub(crate) number: u32,
    pub(crate) skills: [Skill; CAPABILITIES],
    pub(crate) priority: u8,
    pub(crate) health: u8,
    pub(crate) load: u8,
}

/// Agents, one after the other, without end.
#[derive(Debug)]
pub(crate) struct Fleet {
    rng: Rng,
    next: u32,
}

impl Fleet {
    pub(crate) fn new() -> Self {
        Self { rng: Rng::with_seed(11), next: 0 }
    }

    fn agent(&mut self) -> Agent {
        let rng = &mut self.rng;
        let mut skills = [(); CAPABILITIES].map(|()| Skill::draw(rng));
        // An agent has no two of one name and version.
        while skills
            .iter()
            .enumerate()
            .any(|(at, one)| skills[..at].iter().any(|other| other.name == one.name))
        {
            skills = [(); CAPABILITIES].map(|()| Skill::draw(rng));
        }
        skills.sort_unstable();
        let health = match rng.u8(..20) {
            0 => 2,
            1 | 2 => 1,
            _ => 0,
        };
        let (priority, load) = (rng.u8(1..=10), rng.u8(..20));
        let number = self.next;
        self.next += 1;
        Agent { number, skills, priority, health, load }
    }
}

impl Iterator for Fleet {
    type Item = Agent;

    fn next(&mut self) -> Option<Agent> {
        Some(self.agent())
    }
}

impl Skill {
    fn draw(rng: &mut Rng) -> Self {
        let formats = (1 << rng.u8(..8)) | (1 << rng.u8(..8)) | (1 << rng.u8(..8));
        let region =
            if rng.u8(..10) < 3 { REGION } else { rng.u8(1..u8::try_from(REGIONS.len()).unwrap()) };
        Self {
            name: rng.u16(..AREAS * SKILLS),
            version: [rng.u8(..4), rng.u8(..10)],
            region,
            formats,
            window: 1_000 << rng.u8(..10),
            words: [(); 8].map(|()| rng.u16(..2_000)),
            cost: rng.u8(..),
        }
    }

    pub(crate) const fn area(&self) -> u16 {
        self.name / SKILLS
    }

    pub(crate) fn name(&self) -> String {
        format!("area{}.skill{}", self.area(), self.name % SKILLS)
    }

    pub(crate) fn capability(&self) -> Capability {
        let formats: Vec<_> = FORMATS
            .iter()
            .enumerate()
            .filter(|(bit, _)| self.formats & (1 << bit) != 0)
            .map(|(_, format)| *format)
            .collect();
        let [major, minor] = self.version;
        let description = self.words.map(word_of);
        let cost = Quantity::from_steps(i128::from(self.cost) * 1_000_000_000).unwrap();
        Capability::new(self.name().as_str())
            .unwrap()
            .version(format!("{major}.{minor}.0"))
            .unwrap()
            .with("region", REGIONS[usize::from(self.region)])
            .with("formats", formats)
            .with("context_window", self.window)
            .with("limits", json!({ "parallel": self.cost % 8 }))
            .describe(description.join(" "))
            .tag(REGIONS[usize::from(self.region)])
            .cost(Amount::new(cost, Unit::USD))
    }
}

impl Agent {
    pub(crate) fn id(&self) -> AgentId {
        AgentId::from(format!("agent-{:07}", self.number))
    }

    pub(crate) fn status(&self) -> Status {
        let health = [Health::Healthy, Health::Degraded, Health::Unhealthy];
        Status::new().health(health[usize::from(self.health)]).load(self.load.into())
    }

    pub(crate) fn registration(&self) -> Registration {
        let bare = Registration::new(self.id(), TTL)
            .describe(format!("worker {}", self.number))
            .priority(Priority::try_from(i64::from(self.priority)).unwrap())
            .status(self.status());
        self.skills.iter().fold(bare, |all, skill| all.capability(skill.capability()))
    }
}

/// A word that stands for a number: no two numbers have the same.
pub(crate) fn word_of(number: u16) -> String {
    const SYLLABLES: [&str; 16] = [
        "ba", "ko", "li", "mu", "ne", "po", "ra", "si", "ta", "vu", "we", "xi", "yo", "zu", "do",
        "fe",
    ];
    (0..4).map(|digit| SYLLABLES[usize::from((number >> (4 * digit)) & 15)]).collect()
}

/// A registry with so many agents, whose clock stands still.
pub(crate) fn registry(agents: usize) -> (MemoryRegistry, SimClock) {
    let clock = clock();
    let registry = MemoryRegistry::builder().clock(clock.clone()).build();
    for agent in Fleet::new().take(agents) {
        registry.sync().register(agent.registration()).unwrap();
    }
    (registry, clock)
}

pub(crate) fn clock() -> SimClock {
    SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap())
}

/// A capability and one value: what is asked most.
pub(crate) fn pair() -> Query {
    Query::new(format!("area{AREA}").as_str()).unwrap().with("region", REGIONS[usize::from(REGION)])
}

/// The same, of a format, in a range of versions, from agents that may be given work.
pub(crate) fn full() -> Query {
    let format = FORMATS[usize::from(FORMAT)];
    pair().with("formats", [format]).version(RANGE).unwrap().healthy()
}
