//! The registry in memory beside a scan of everything: metadata beyond what its index takes up, agents that come, go
//! and leave their numbers to others, all orders and pages of any size.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proptest::{collection::vec, option, prelude::*, sample::select};
use safeguards_discovery::{
    AgentRecord, Block, Capability, CapabilityName, Condition, Health, Lease, LeaseId,
    MemoryRegistry, MetadataPath, Order, Query, RegisterError, Registration, Status, Test, Version,
    VersionReq, Words,
};
use safeguards_types::{AgentId, Clock, Priority, SimClock, Timestamp, Unit, usd};
use serde_json::{Map, Value, json};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Act {
    /// An agent comes, or says all anew.
    Say(Registration),
    /// It says one thing more, perhaps other than before.
    SayMore(AgentId, Capability),
    /// It tells how it stands.
    Stand(AgentId, Status),
    Withdraw(AgentId, CapabilityName),
    Delete(AgentId),
    Wait(u64),
    /// Somebody asks, and reads on in pages of this size.
    Ask(Query, usize),
}

/// What a registry should know, without any index.
#[derive(Debug)]
struct Scan {
    clock: SimClock,
    here: BTreeMap<AgentId, AgentRecord>,
}

impl Scan {
    fn end_leases(&mut self) {
        let now = self.clock.now();
        self.here.retain(|_, record| record.lease.is_live(now));
    }

    /// Who is meant, in order, with what is meant of each.
    fn find(&self, query: &Query) -> Vec<(AgentId, Vec<Arc<Capability>>)> {
        let mut found: Vec<(i128, AgentId, Vec<Arc<Capability>>)> = self
            .here
            .values()
            .filter_map(|record| {
                let meant = meant(query, record)?;
                let key = query.order.key(record, meant.iter().map(|one| &**one), None);
                Some((key, record.agent.clone(), meant))
            })
            .collect();
        found.sort_by(|(one, a, _), (other, b, _)| (one, a).cmp(&(other, b)));
        found.into_iter().map(|(_, agent, meant)| (agent, meant)).collect()
    }
}

/// Which of an agent's capabilities are meant; `None` where the agent is not.
fn meant(query: &Query, record: &AgentRecord) -> Option<Vec<Arc<Capability>>> {
    if query.healthy_only && !record.status.is_healthy()
        || query.among.as_ref().is_some_and(|among| !among.contains(&record.agent))
    {
        return None;
    }
    let words = query.text.as_deref().map(Words::of);
    let own = words.as_ref().is_some_and(|words| {
        words.meets(&Words::of_agent(record.agent.as_str(), &record.description))
    });
    let is_meant = |one: &Arc<Capability>| {
        query.capability.as_ref().is_none_or(|name| name.covers(&one.name))
            && query.version.as_ref().is_none_or(|range| {
                one.version.as_ref().is_some_and(|version| range.matches(version))
            })
            && query.conditions.iter().all(|condition| condition.holds(&one.metadata))
            && query.tags.iter().all(|tag| one.tags.contains(tag))
            && words.as_ref().is_none_or(|words| own || words.meets(&Words::of_capability(one)))
    };
    let meant: Vec<_> = record.capabilities.iter().filter(|one| is_meant(one)).cloned().collect();
    let is_of_none = query.capability.is_none()
        && query.version.is_none()
        && query.conditions.is_empty()
        && query.tags.is_empty();
    (!meant.is_empty() || is_of_none && (words.is_none() || own)).then_some(meant)
}

/// Both, step by step.
#[derive(Debug)]
struct Beside {
    registry: MemoryRegistry,
    scan: Scan,
}

impl Beside {
    fn new() -> Self {
        let clock = SimClock::at(Timestamp::UNIX_EPOCH);
        let registry = MemoryRegistry::builder().clock(clock.clone()).build();
        Self { registry, scan: Scan { clock, here: BTreeMap::new() } }
    }

    fn act(&mut self, act: Act) {
        self.scan.end_leases();
        let registry = self.registry.sync();
        match act {
            Act::Say(said) => {
                let lease = registry.register(said.clone()).unwrap();
                let known = self.scan.here.get(&said.agent);
                let since = known.map_or_else(|| self.scan.clock.now(), |known| known.since);
                if let Some(known) = known {
                    assert_eq!(lease.id, known.lease.id);
                }
                self.scan.here.insert(said.agent.clone(), record(lease, since, said));
            }
            Act::SayMore(agent, capability) => {
                let more = Registration::lasting(&agent).capability(capability.clone());
                let answer = registry.register(more.clone());
                let Some(known) = self.scan.here.get_mut(&agent) else {
                    let record = record(answer.unwrap(), self.scan.clock.now(), more);
                    self.scan.here.insert(agent, record);
                    return;
                };
                let is_it = |one: &&Arc<Capability>| {
                    one.name == capability.name && one.version == capability.version
                };
                match known.capabilities.iter().find(is_it) {
                    Some(one) if **one != capability => {
                        assert!(matches!(answer, Err(RegisterError::Conflict(_))), "{answer:?}");
                        return;
                    }
                    Some(_) => {}
                    None => {
                        known.capabilities.push(Arc::new(capability));
                        sort(&mut known.capabilities);
                    }
                }
                known.lease = answer.unwrap();
            }
            Act::Stand(agent, status) => {
                let gone = Lease::new(agent.clone(), LeaseId::new(0), None, None);
                let known = self.scan.here.get_mut(&agent);
                let lease = known.as_ref().map_or(&gone, |known| &known.lease);
                let answer = registry.renew(lease, Some(status.clone()));
                assert_eq!(answer.is_ok(), known.is_some());
                if let (Some(known), Ok(lease)) = (known, answer) {
                    known.lease = lease;
                    known.status = status;
                }
            }
            Act::Withdraw(agent, name) => {
                let known = self.scan.here.get_mut(&agent);
                let before = known.as_ref().map_or(0, |known| known.capabilities.len());
                let after = known.map_or(0, |known| {
                    known.capabilities.retain(|one| one.name != name);
                    known.capabilities.len()
                });
                assert_eq!(registry.withdraw(&agent, &name, None).is_ok(), after < before);
            }
            Act::Delete(agent) => {
                let was_here = self.scan.here.remove(&agent).is_some();
                assert_eq!(registry.delete(&agent).is_ok(), was_here);
            }
            Act::Wait(millis) => self.scan.clock.advance(Duration::from_millis(millis)),
            Act::Ask(query, limit) => self.ask(&query, limit),
        }
    }

    fn ask(&self, query: &Query, limit: usize) {
        let expected = self.scan.find(query);
        let many = u64::try_from(expected.len()).unwrap();
        assert_eq!(self.registry.sync().count(query).unwrap(), many, "{query:?}");
        let mut found = Vec::new();
        let mut page = query.clone().limit(limit);
        loop {
            let answer = self.registry.sync().find(&page).unwrap();
            assert_eq!(answer.total, many, "{query:?}");
            assert!(answer.agents.len() <= limit, "{query:?}");
            found.extend(answer.agents.into_iter().map(|one| (one.agent, one.capabilities)));
            let Some(next) = answer.next else { break };
            page = page.after(next);
        }
        assert_eq!(found, expected, "{query:?}");
        let mut names = Vec::new();
        self.registry.sync().for_each(query, |agent| names.push(agent.clone())).unwrap();
        names.sort_unstable();
        let mut expected: Vec<_> = expected.into_iter().map(|(agent, _)| agent).collect();
        expected.sort_unstable();
        assert_eq!(names, expected, "{query:?}");
    }

    /// What the registry says of each agent, and after that of nobody.
    fn end(mut self) {
        self.scan.end_leases();
        for agent in AGENTS.map(AgentId::from) {
            assert_eq!(self.registry.sync().agent(&agent).as_ref(), self.scan.here.get(&agent));
        }
        let agents: Vec<AgentId> = self.scan.here.keys().cloned().collect();
        for agent in agents {
            self.act(Act::Delete(agent));
        }
        self.ask(&Query::all(), 1);
        self.ask(&Query::all().when("k", Test::not(Test::Exists)).unwrap(), 1);
    }
}

fn record(lease: Lease, since: Timestamp, said: Registration) -> AgentRecord {
    let mut record = AgentRecord::new(lease, since);
    record.description = said.description.unwrap_or_default();
    record.priority = said.priority.unwrap_or_default();
    record.status = said.status.unwrap_or_default();
    record.capabilities = said.capabilities.into_iter().map(Arc::new).collect();
    sort(&mut record.capabilities);
    record
}

fn sort(capabilities: &mut [Arc<Capability>]) {
    capabilities
        .sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
}

const AGENTS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "aa", "ab", "B", "é", "red"];
const NAMES: [&str; 6] = ["x", "x.y", "x.y.z", "x.w", "xy", "y"];
const VERSIONS: [&str; 5] = ["1.0.0", "1.2.0", "2.0.0-rc.1", "2.0.0", "0.3.1"];
const RANGES: [&str; 5] = ["*", "^1", ">=1.2, <3", ">=2.0.0-alpha", "<1"];
const WORDS: [&str; 4] = ["red", "green", "blue", "red green"];
/// More than is indexed of one capability.
const WIDE: u32 = 300;

fn agent() -> impl Strategy<Value = AgentId> {
    select(AGENTS.map(AgentId::from).to_vec())
}

fn name() -> impl Strategy<Value = CapabilityName> {
    select(NAMES.map(|name| CapabilityName::parse(name).unwrap()).to_vec())
}

/// Values that are no lists and no objects, those that are just too long among them.
fn plain() -> impl Strategy<Value = Value> {
    select(vec![
        json!(1),
        json!(1.0),
        json!(2),
        json!(1.5),
        json!(-3),
        json!(u64::MAX),
        json!("a"),
        json!("b"),
        json!("x".repeat(128)),
        json!("x".repeat(129)),
        json!("y".repeat(129)),
        json!(true),
        json!(null),
    ])
}

/// Lists in lists and objects in objects, deeper than is indexed, and now and then more than is.
fn value() -> impl Strategy<Value = Value> {
    let object = |values: BTreeMap<&str, Value>| {
        Value::Object(values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    };
    let key = || select(vec!["k", "l"]);
    let nested = plain().prop_recursive(7, 24, 3, move |inner| {
        prop_oneof![
            3 => prop::collection::btree_map(key(), inner.clone(), 0..3).prop_map(object),
            2 => vec(inner, 0..4).prop_map(Value::from),
        ]
    });
    let wide_list = Value::from((0..WIDE).collect::<Vec<_>>());
    let wide: Map<String, Value> =
        (0..WIDE).map(|number| (format!("n{number}"), json!(number))).collect();
    prop_oneof![
        10 => plain(),
        10 => nested,
        1 => Just(wide_list),
        1 => Just(Value::Object(wide)),
    ]
}

fn path() -> impl Strategy<Value = MetadataPath> {
    let key = select(vec!["k", "k", "l"]);
    prop_oneof![
        6 => Just(MetadataPath::of(["k"])),
        4 => vec(key, 1..7).prop_map(MetadataPath::of),
        1 => select(vec!["k.n0", "k.n299", "l.n150", "never"])
            .prop_map(|text| MetadataPath::parse(text).unwrap()),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let asked = || prop_oneof![6 => plain(), 2 => value(), 1 => Just(json!(299))];
    let bound = || {
        option::of(select(vec![
            json!(1),
            json!(1.5),
            json!(298),
            json!("a"),
            json!("x".repeat(128)),
        ]))
    };
    let range = (bound(), bound(), bound(), bound())
        .prop_filter("a range has a bound", |(from, above, to, below)| {
            [from, above, to, below].into_iter().any(Option::is_some)
        })
        .prop_map(|(from, above, to, below)| Test::Range { from, above, to, below });
    let test = prop_oneof![
        3 => vec(asked(), 0..3).prop_map(Test::Contains),
        3 => asked().prop_map(Test::Equals),
        2 => vec(asked(), 0..3).prop_map(Test::AnyOf),
        3 => range,
        1 => Just(Test::Exists),
        1 => Just(Test::Absent),
    ];
    (test, 0_usize..3).prop_map(|(test, nots)| (0..nots).fold(test, |test, _| Test::not(test)))
}

fn capability() -> impl Strategy<Value = Capability> {
    let version = option::of(select(VERSIONS.to_vec()));
    let metadata = vec((select(vec!["k", "l"]), value()), 0..3);
    let words = select(WORDS.to_vec());
    let rest = (option::of(words), vec(select(vec!["t", "u"]), 0..3), option::of(0_u32..3));
    (name(), version, metadata, rest).prop_map(|(name, version, metadata, (words, tags, cost))| {
        let mut one = Capability::new(name).unwrap();
        one.version = version.map(|version| Version::parse(version).unwrap());
        one = metadata.into_iter().fold(one, |one, (key, value)| one.with(key, value));
        one = tags.into_iter().fold(one, Capability::tag);
        words.unwrap_or_default().clone_into(&mut one.description);
        match cost {
            Some(0) => one.cost(usd!(0)),
            Some(1) => one.cost(usd!(1)),
            Some(_) => one.cost(usd!(2)),
            None => one,
        }
    })
}

fn status() -> impl Strategy<Value = Status> {
    let health =
        select(vec![Health::Healthy, Health::Healthy, Health::Degraded, Health::Unhealthy]);
    (health, option::of(0_u32..3), option::of(any::<bool>()), prop::bool::weighted(0.2)).prop_map(
        |(health, load, available, is_blocked)| {
            let mut status = Status::new().health(health);
            status.load = load;
            if let Some(much) = available {
                status = status.available(if much { usd!(9) } else { usd!(0) });
            }
            if is_blocked {
                status = status.block(Block::BreakerOpen { until: None });
            }
            status
        },
    )
}

fn registration() -> impl Strategy<Value = Registration> {
    let ttl = option::weighted(0.7, select(vec![1_u64, 1_000, 3_000]));
    let parts = (agent(), ttl, vec(capability(), 0..4), option::of(select(WORDS.to_vec())));
    (parts, option::of(1_i64..=10), option::of(status())).prop_map(
        |((agent, ttl, capabilities, words), priority, status)| {
            let mut said = Registration::lasting(agent).replacing();
            said.ttl = ttl.map(Duration::from_millis);
            for one in capabilities {
                let is_it =
                    |known: &Capability| known.name == one.name && known.version == one.version;
                if !said.capabilities.iter().any(is_it) {
                    said.capabilities.push(one);
                }
            }
            said.description = words.map(str::to_owned);
            said.priority = priority.map(|level| Priority::try_from(level).unwrap());
            said.status = status;
            said
        },
    )
}

fn query() -> impl Strategy<Value = Query> {
    let range = select(RANGES.map(|range| VersionReq::parse(range).unwrap()).to_vec());
    let condition = || (path(), test()).prop_map(|(path, test)| Condition::new(path, test));
    let order = select(vec![
        Order::Best,
        Order::Name,
        Order::LeastLoaded,
        Order::Priority,
        Order::Cheapest(Unit::USD),
        Order::MostBudget(Unit::USD),
    ]);
    let of_a_capability = (
        option::weighted(0.4, name()),
        option::weighted(0.2, range),
        prop_oneof![1 => Just(Vec::new()), 4 => vec(condition(), 1..2), 2 => vec(condition(), 2..4)],
        option::weighted(0.1, select(vec!["t", "u"])),
    );
    let of_agents = (
        option::weighted(0.2, select(WORDS.to_vec())),
        prop::bool::weighted(0.3),
        option::weighted(0.1, vec(agent(), 0..6)),
        order,
    );
    (of_a_capability, of_agents).prop_map(
        |((name, range, conditions, tag), (text, healthy_only, among, order))| {
            let mut query = Query::all().order(order);
            query.capability = name;
            query.version = range;
            query.conditions = conditions;
            query.tags = tag.into_iter().map(str::to_owned).collect();
            query.text = text.map(str::to_owned);
            query.healthy_only = healthy_only;
            query.among = among;
            query
        },
    )
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let come = registration().prop_map(Act::Say);
    let act = prop_oneof![
        20 => registration().prop_map(Act::Say),
        8 => (agent(), capability()).prop_map(|(agent, one)| Act::SayMore(agent, one)),
        6 => (agent(), status()).prop_map(|(agent, status)| Act::Stand(agent, status)),
        5 => (agent(), name()).prop_map(|(agent, name)| Act::Withdraw(agent, name)),
        4 => agent().prop_map(Act::Delete),
        5 => select(vec![1_u64, 999, 1_000, 3_000]).prop_map(Act::Wait),
        30 => (query(), 1_usize..5).prop_map(|(query, limit)| Act::Ask(query, limit)),
    ];
    (vec(come, 3..10), vec(act, 1..60)).prop_map(|(mut first, rest)| {
        first.extend(rest);
        first
    })
}

proptest! {
    #[test]
    fn what_is_found_is_what_a_scan_finds(acts in acts()) {
        let mut beside = Beside::new();
        for act in acts {
            beside.act(act);
        }
        beside.end();
    }
}
