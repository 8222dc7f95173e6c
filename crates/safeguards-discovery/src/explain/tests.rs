//! Explanations, by example and held against a matcher that knows only what the documentation says.

use std::sync::Arc;

use proptest::prelude::*;
use safeguards_types::Timestamp;
use serde_json::json;

use super::*;
use crate::{Block, Health, Lease, LeaseId, Test};

fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos).unwrap()
}

fn record(name: &str, capabilities: Vec<Capability>) -> AgentRecord {
    let lease = Lease::new(name.into(), LeaseId::new(1), None, Some(at(100)));
    let mut record = AgentRecord::new(lease, at(0));
    record.capabilities = capabilities.into_iter().map(Arc::new).collect();
    record.capabilities.sort_by_key(|one| (one.name.clone(), one.version.clone()));
    record
}

fn capability(name: &str, version: &str) -> Capability {
    Capability::new(name).unwrap().version(version).unwrap()
}

#[track_caller]
fn check(query: &Query, record: &AgentRecord, lines: &[&str]) {
    let told = Explanation::of(query, record, at(50)).to_string();
    let mismatches: Vec<&str> = told.lines().skip(1).collect();
    let lines: Vec<String> = lines.iter().map(|line| format!("- {line}")).collect();
    assert_eq!(mismatches, lines);
    let verdict = if lines.is_empty() { "is found" } else { "is not found:" };
    assert!(told.lines().next().is_some_and(|first| first.ends_with(verdict)), "{told}");
}

#[test]
fn each_mismatch_has_a_line() {
    let plots = capability("data.plots", "1.2.0").with("formats", ["json"]).with("size", 5);
    let mut agent = record("plotter", vec![plots, Capability::new("data.notes").unwrap()]);
    agent.description = "draws figures".to_owned();
    let new = |name: &str| Query::new(name).unwrap();

    check(&Query::all(), &agent, &[]);
    check(&new("data"), &agent, &[]);
    check(
        &new("data.plot"),
        &agent,
        &["it has no capability data.plot, nor one below it; it has data.plots, data.notes"],
    );
    check(
        &new("data.plots").version(">=2").unwrap().with("formats", "xml"),
        &agent,
        &[
            "data.plots 1.2.0 is outside >=2",
            "data.plots: formats is [\"json\"]; asked: contains xml",
        ],
    );
    check(
        &new("data.notes").version("*").unwrap(),
        &agent,
        &["data.notes has no version; asked: *"],
    );
    let sized = new("data.plots").when("size.of", Test::at_least(3)).unwrap();
    check(&sized, &agent, &["data.plots: size.of is not there; asked: >= 3"]);
    let other = new("data.plots").when("size", Test::not(Test::equals(5))).unwrap();
    check(&other, &agent, &["data.plots: size is 5; asked: != 5"]);
    check(&new("data.plots").tag("a"), &agent, &["data.plots has no tag `a`"]);
    check(&Query::search("drawing"), &agent, &[]);
    check(&Query::search("swims"), &agent, &["none of these words stands in its texts: swims"]);
    check(&Query::all().among(["other"]), &agent, &["the query is confined to other agents"]);
    check(
        &new("data").tag("a"),
        &record("idle", vec![]),
        &["it has no capability data, nor one below it; it has none"],
    );
    check(&Query::all().tag("a"), &record("idle", vec![]), &["it has no capability"]);

    agent.status = Status::new()
        .health(Health::Degraded)
        .block(Block::Suspended { reason: "over budget".to_owned() });
    check(
        &Query::all().healthy().tag("a"),
        &agent,
        &[
            "it may not be given work: degraded, suspended: over budget",
            "data.notes has no tag `a`",
        ],
    );
    let late = Explanation::of(&Query::all(), &agent, at(100));
    assert_eq!(late.mismatches, [Mismatch::LeaseExpired { expired_at: at(100) }]);
    let gone = Explanation::not_here("ghost".into()).to_string();
    assert_eq!(gone, "agent `ghost` is not found:\n- no agent of this name is here");
}

#[test]
fn the_nearest_capability_is_told_of() {
    let near = capability("b", "2.0.0").tag("x");
    let far = capability("a", "1.0.0");
    let query = Query::all().version("2").unwrap().tag("x").tag("y");
    check(&query, &record("agent", vec![far, near]), &["b has no tag `y`"]);
    let twins = vec![capability("b", "1.0.0"), capability("a", "1.0.0")];
    check(&Query::all().tag("x"), &record("agent", twins), &["a has no tag `x`"]);
}

#[test]
fn of_many_capabilities_ten_are_told() {
    let many = (0..30).map(|n| capability(&format!("c{n}"), "1.0.0")).collect();
    let explanation = Explanation::of(&Query::new("c7x").unwrap(), &record("a", many), at(0));
    let [Mismatch::NoSuchCapability { has, .. }] = explanation.mismatches.as_slice() else {
        panic!("{explanation}");
    };
    assert_eq!((has.len(), has[0].as_str()), (10, "c7"));
}

#[test]
fn large_values_are_cut() {
    let large = capability("a", "1.0.0").with("k", "x".repeat(60_000));
    let query = Query::all().with("k", "y");
    assert!(Explanation::of(&query, &record("a", vec![large]), at(0)).to_string().len() < 400);
}

/// What the documentation of [`Query`] says, word by word.
fn is_found(query: &Query, record: &AgentRecord, now: Timestamp) -> bool {
    let here = record.lease.expires_at.is_none_or(|end| now < end);
    let among = query.among.as_ref().is_none_or(|these| these.contains(&record.agent));
    let status = &record.status;
    let healthy = status.health == Health::Healthy && status.blocks.is_empty();
    let has_word = |texts: &[&str]| {
        let asked = query.text.as_ref().map(|text| Words::of(text));
        asked.is_none_or(|asked| texts.iter().any(|text| Words::of(text).meets(&asked)))
    };
    let own_word = has_word(&[record.agent.as_str(), &record.description]);
    let is_meant =
        |one: &Capability| {
            let name = one.name.as_str();
            let below = query.capability.as_ref().is_none_or(|asked| {
                name == asked.as_str() || name.starts_with(&format!("{asked}."))
            });
            let inside = query.version.as_ref().is_none_or(|range| {
                one.version.as_ref().is_some_and(|version| range.matches(version))
            });
            let holds = query.conditions.iter().all(|condition| condition.holds(&one.metadata));
            let tagged = query.tags.iter().all(|tag| one.tags.iter().any(|has| has == tag));
            let tags = one.tags.iter().map(String::as_str);
            let texts: Vec<&str> = [name, &one.description].into_iter().chain(tags).collect();
            below && inside && holds && tagged && (own_word || has_word(&texts))
        };
    let says_nothing = query.capability.is_none()
        && query.version.is_none()
        && query.conditions.is_empty()
        && query.tags.is_empty();
    let capable = record.capabilities.iter().any(|one| is_meant(one)) || (says_nothing && own_word);
    here && among && (healthy || !query.healthy_only) && capable
}

const NAMES: [&str; 5] = ["data", "data.plots", "data.plots.bars", "notes", "database"];
const WORDS: [&str; 4] = ["plots", "Reviews", "code", "x"];

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned)
}

fn capabilities() -> impl Strategy<Value = Vec<Capability>> {
    let one = (
        prop::sample::select(NAMES.to_vec()),
        prop::option::of(prop::sample::select(vec!["1.0.0", "1.2.0", "2.0.0-beta.1", "2.0.0"])),
        prop::collection::vec(word(), 0..2),
        word(),
        prop::option::of(0..3),
    );
    let one = one.prop_map(|(name, version, tags, words, size)| {
        let mut one = Capability::new(name).unwrap().describe(words);
        one.version = version.map(|version| version.parse().unwrap());
        one.tags = tags;
        one.metadata.extend(size.map(|size| ("size".to_owned(), json!(size))));
        one
    });
    prop::collection::vec(one, 0..4)
}

fn query() -> impl Strategy<Value = Query> {
    let parts = (
        prop::option::of(prop::sample::select(NAMES.to_vec())),
        prop::option::of(prop::sample::select(vec!["*", "1", ">=1.1", ">=2.0.0-alpha", "^2"])),
        prop::collection::vec(word(), 0..2),
        prop::option::of(word()),
        prop::option::of(0..3),
        any::<bool>(),
        prop::option::of(any::<bool>()),
    );
    parts.prop_map(|(name, version, tags, text, size, healthy, among)| {
        let mut query = Query::all();
        query.capability = name.map(|name| name.parse().unwrap());
        query.version = version.map(|range| range.parse().unwrap());
        query.tags = tags;
        query.text = text;
        query.healthy_only = healthy;
        query.among = among.map(|is_in| vec![if is_in { "agent" } else { "other" }.into()]);
        match size {
            Some(size) => query.when("size", Test::at_least(size)).unwrap(),
            None => query,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn who_has_no_mismatch_is_found_and_nobody_else(
        capabilities in capabilities(),
        description in prop::option::of(word()),
        query in query(),
        (degraded, blocked, now) in (prop::bool::weighted(0.2), prop::bool::weighted(0.2), 80_i64..110),
    ) {
        let mut agent = record("agent", capabilities);
        agent.description = description.unwrap_or_default();
        if degraded {
            agent.status.health = Health::Degraded;
        }
        if blocked {
            agent.status.blocks.push(Block::BreakerOpen { until: None });
        }
        let explanation = Explanation::of(&query, &agent, at(now));
        let expected = is_found(&query, &agent, at(now));
        prop_assert_eq!(explanation.is_found(), expected, "{}", explanation);
    }
}
