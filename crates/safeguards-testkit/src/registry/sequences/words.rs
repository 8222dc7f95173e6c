//! What the commands of random sequences are made of: few words, so that they meet.

use std::time::Duration;

use proptest::{collection::vec, option, prelude::*, sample::select};
use safeguards_discovery::{
    Block, Bounds, Capability, CapabilityName, Condition, Health, MetadataPath, Order, Query,
    Registration, Status, Test, Version, VersionReq,
};
use safeguards_types::{AgentId, Amount, Amounts, Priority, Quantity, Unit};
use serde_json::{Value, json};

const AGENTS: [&str; 8] = ["a", "b", "c", "d", "B", "ab", "é", ""];
const NAMES: [&str; 8] = ["x", "x.y", "x.y.z", "x.w", "xy", "y", "y.x", "X"];
const VERSIONS: [&str; 7] = ["1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1", "2.0.0", "0.3.1", "1.2.0+b"];
const RANGES: [&str; 9] =
    ["*", "^1", ">=1.2, <2", "~1.2", "=2.0.0-rc.1", ">=2.0.0-alpha", "<1", "0.3", ">1.0.0"];
const WORDS: [&str; 6] = ["red", "Green", "blue", "black white", "red, blue", "grey"];
const TAGS: [&str; 3] = ["t", "u", "red"];
const KEYS: [&str; 3] = ["k", "l", "in.k"];

pub(super) fn agent() -> BoxedStrategy<AgentId> {
    // The last is no name.
    let usual = AGENTS.iter().take(7).map(|name| AgentId::from(*name)).collect::<Vec<_>>();
    prop_oneof![30 => select(usual), 1 => select(AGENTS.to_vec()).prop_map(AgentId::from)].boxed()
}

pub(super) fn name() -> BoxedStrategy<CapabilityName> {
    select(NAMES.iter().filter_map(|name| CapabilityName::parse(name).ok()).collect::<Vec<_>>())
        .boxed()
}

pub(super) fn version() -> BoxedStrategy<Version> {
    select(VERSIONS.iter().filter_map(|text| Version::parse(text).ok()).collect::<Vec<_>>()).boxed()
}

/// Values that are alike in every way that matters.
fn value() -> BoxedStrategy<Value> {
    let values = vec![
        json!(1),
        json!(1.0),
        json!(2),
        json!(1.5),
        json!(-0.0),
        json!(0),
        json!("1"),
        json!("a"),
        json!("b"),
        json!(true),
        json!(null),
        json!([]),
        json!(["a"]),
        json!(["a", "b"]),
        json!([1, "a"]),
        json!([1.0, 2]),
        json!([["a"], "b"]),
        json!([null]),
        json!({}),
        json!({"k": 1}),
        json!({"k": ["a", 1.0], "l": null}),
        json!(9_007_199_254_740_992_u64),
        json!(9_007_199_254_740_993_u64),
        json!(u64::MAX),
        json!(1e300),
    ];
    select(values).boxed()
}

fn amounts() -> BoxedStrategy<Amounts> {
    let quantity = select(vec![0, 1, 2, 1_000_000_000_000, 1_000_000_000_001]);
    let quantity = quantity.prop_map(|steps| Quantity::from_steps(steps).unwrap_or_default());
    let unit = select(vec![Unit::USD, Unit::TOKENS]);
    let amount = (quantity, unit).prop_map(|(quantity, unit)| Amount::new(quantity, unit));
    prop_oneof![2 => Just(Amounts::none()), 3 => vec(amount, 1..3).prop_map(Amounts::from_iter)]
        .boxed()
}

pub(super) fn status() -> BoxedStrategy<Status> {
    let health = prop_oneof![
        4 => Just(Health::Healthy),
        1 => Just(Health::Degraded),
        1 => Just(Health::Unhealthy),
    ];
    let block = prop_oneof![
        Just(Block::BreakerOpen { until: None }),
        Just(Block::Suspended { reason: "audit".to_owned() }),
        Just(Block::Exhausted { units: vec!["USD".to_owned()] }),
    ];
    let load = option::of(prop_oneof![0_u32..3, Just(u32::MAX)]);
    let parts = (
        health,
        load,
        amounts(),
        prop_oneof![4 => vec(block.clone(), 0..1), 1 => vec(block, 1..3)],
    );
    parts
        .prop_map(|(health, load, available, blocks)| {
            let mut status = Status::new().health(health).available(available);
            status.load = load;
            status.blocks = blocks;
            status
        })
        .boxed()
}

fn capability() -> BoxedStrategy<Capability> {
    let metadata = vec((select(vec!["k", "l", "in"]), value()), 0..3);
    let rich =
        (metadata, vec(select(TAGS.to_vec()), 0..3), option::of(select(WORDS.to_vec())), amounts());
    let named = (name(), option::of(version())).prop_filter_map("a name", |(name, version)| {
        let mut capability = Capability::new(name).ok()?;
        capability.version = version;
        Some(capability)
    });
    let rich = (named.clone(), rich).prop_map(|(capability, (metadata, tags, words, cost))| {
        let capability =
            metadata.into_iter().fold(capability, |one, (key, value)| one.with(key, value));
        let capability = tags.into_iter().fold(capability, Capability::tag);
        capability.describe(words.unwrap_or_default()).cost(cost)
    });
    let oversized =
        named.clone().prop_map(|one| one.tag("x".repeat(Bounds::TAG_BYTES.saturating_add(1))));
    prop_oneof![50 => named, 50 => rich, 1 => oversized].boxed()
}

pub(super) fn registration() -> BoxedStrategy<Registration> {
    let ttl = prop_oneof![
        8 => Just(None),
        12 => select(vec![1_000_u64, 5_000, 60_000, 3_600_000]).prop_map(Some),
        1 => select(vec![0_u64, 1, u64::MAX]).prop_map(Some),
    ];
    let priority = prop_oneof![
        3 => Just(None),
        1 => select(vec![Priority::P1, Priority::P5, Priority::P9]).prop_map(Some),
    ];
    let words = prop_oneof![3 => Just(None), 1 => select(WORDS.to_vec()).prop_map(Some)];
    let status = prop_oneof![1 => Just(None), 1 => status().prop_map(Some)];
    let document = option::weighted(0.2, (select(vec!["card", "readme"]), value()));
    let parts = (agent(), ttl, vec(capability(), 0..4), words, priority, status, document);
    (parts, prop::bool::weighted(0.4))
        .prop_map(|((agent, ttl, capabilities, words, priority, status, document), replaces)| {
            let mut said = Registration::lasting(agent);
            said.ttl = ttl.map(Duration::from_millis);
            said.capabilities = capabilities;
            said.description = words.map(str::to_owned);
            said.priority = priority;
            said.status = status;
            said.documents =
                document.into_iter().map(|(kind, value)| (kind.to_owned(), value)).collect();
            said.replaces = replaces;
            said
        })
        .boxed()
}

fn condition() -> BoxedStrategy<Condition> {
    let bound = || {
        option::of(
            prop_oneof![9 => select(vec![json!(1), json!(1.5), json!(0), json!("a")]), 1 => value()],
        )
    };
    let values =
        || prop_oneof![3 => value().prop_map(|value| vec![value]), 1 => vec(value(), 0..3)];
    let test = prop_oneof![
        4 => values().prop_map(Test::Contains),
        3 => value().prop_map(Test::Equals),
        3 => values().prop_map(Test::AnyOf),
        3 => (bound(), bound(), bound(), bound())
            .prop_map(|(from, above, to, below)| Test::Range { from, above, to, below }),
        2 => Just(Test::Exists),
        2 => Just(Test::Absent),
    ];
    let test = (test, prop_oneof![5 => Just(0), 2 => Just(1), 1 => Just(2)])
        .prop_map(|(test, nots)| (0..nots).fold(test, |test, _| Test::not(test)));
    let path =
        select(KEYS.iter().filter_map(|key| MetadataPath::parse(key).ok()).collect::<Vec<_>>());
    let path = prop_oneof![40 => path, 1 => Just(MetadataPath::of(Vec::<String>::new()))];
    (path, test).prop_map(|(path, test)| Condition::new(path, test)).boxed()
}

fn order() -> BoxedStrategy<Order> {
    let unit = || select(vec![Unit::USD, Unit::TOKENS]);
    prop_oneof![
        2 => Just(Order::Best),
        2 => Just(Order::Name),
        2 => Just(Order::LeastLoaded),
        2 => Just(Order::Priority),
        1 => Just(Order::Relevance),
        2 => unit().prop_map(Order::Cheapest),
        2 => unit().prop_map(Order::MostBudget),
    ]
    .boxed()
}

pub(super) fn query() -> BoxedStrategy<Query> {
    let range =
        select(RANGES.iter().filter_map(|text| VersionReq::parse(text).ok()).collect::<Vec<_>>());
    let text = prop_oneof![9 => select(WORDS.to_vec()), 1 => select(vec!["", "b", "x y"])];
    let about = (
        option::weighted(0.5, name()),
        option::weighted(0.1, range),
        prop_oneof![3 => Just(Vec::new()), 2 => vec(condition(), 1..3)],
        prop_oneof![9 => Just(Vec::new()), 1 => vec(select(TAGS.to_vec()), 1..3)],
        option::weighted(0.2, text),
    );
    let whom = (
        prop::bool::weighted(0.3),
        option::weighted(0.1, vec(agent(), 0..6)),
        order(),
        prop_oneof![2 => Just(None), 20 => (1_usize..6).prop_map(Some), 1 => Just(Some(0))],
    );
    (about, whom)
        .prop_map(|((name, range, conditions, tags, text), (healthy, among, order, limit))| {
            let mut query = Query::all().order(order);
            query.capability = name;
            query.version = range;
            query.conditions = conditions;
            query.tags = tags.into_iter().map(str::to_owned).collect();
            query.text = text.map(str::to_owned);
            query.healthy_only = healthy;
            query.among = among;
            query.limit = limit;
            query
        })
        .boxed()
}
