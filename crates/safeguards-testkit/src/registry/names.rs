//! Capabilities are found by their names, from above, and in a range of versions.

use super::prelude::*;

fn asked(capability: &str) -> Query {
    Query::new(capability).unwrap().order(Order::Name)
}

/// Who asks for a capability finds it and those below, not those above or beside.
pub async fn a_name_finds_what_is_below_it(desk: &RegistryDesk) {
    for name in [
        "data",
        "data.analysis",
        "data.analysis.regression",
        "data.analysis-2",
        "database",
        "analysis",
        "x.data.analysis",
        "Data.analysis",
    ] {
        desk.register(able(name, name)).await;
    }
    desk.finds(&asked("data"), "data data.analysis data.analysis-2 data.analysis.regression").await;
    desk.finds(&asked("data.analysis"), "data.analysis data.analysis.regression").await;
    desk.finds(&asked("data.analysis.regression"), "data.analysis.regression").await;
    desk.finds(&asked("data.analysis.regression.linear"), "").await;
    desk.finds(&asked("analysis"), "analysis").await;
    desk.finds(&asked("dat"), "").await;
    desk.finds(&asked("x"), "x.data.analysis").await;
}

/// The longest name has all those above it.
pub async fn the_deepest_name_is_found_from_all_above(desk: &RegistryDesk) {
    let parts: Vec<String> = (0..16).map(|part| format!("p{part}")).collect();
    desk.register(able("deep", &parts.join("."))).await;
    for many in 1..=16 {
        desk.finds(&asked(&parts[..many].join(".")), "deep").await;
    }
    desk.finds(&asked("p0.p2"), "").await;
}

/// An agent is found once, however many of its capabilities are meant; these are told, and no others.
pub async fn what_is_meant_is_told(desk: &RegistryDesk) {
    for text in ["data.b", "data.a 2.0.0", "data.a", "data", "other", "data.a 1.0.0"] {
        desk.register(able("reader", text)).await;
    }
    let found = desk.find(&asked("data")).await;
    assert_eq!((names(&found).as_str(), found.total), ("reader", 1));
    let told = |found: &Found| {
        let texts = found.agents[0].capabilities.iter().map(ToString::to_string);
        texts.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(told(&found), "data, data.a, data.a 1.0.0, data.a 2.0.0, data.b");
    assert_eq!(
        told(&desk.find(&asked("data.a").version(">=1").unwrap()).await),
        "data.a 1.0.0, data.a 2.0.0"
    );
    let all = desk.find(&Query::all()).await;
    assert_eq!(told(&all), "data, data.a, data.a 1.0.0, data.a 2.0.0, data.b, other");
}

/// A match tells of the agent what its record does.
pub async fn a_match_tells_what_the_record_does(desk: &RegistryDesk) {
    let status = Status::new().health(Health::Degraded).load(2);
    let said = agent("reader").capability(cap("a").with("k", [1])).describe("reads");
    desk.register(said.priority(Priority::P8).status(status)).await;
    let (found, record) = (desk.find(&asked("a")).await, desk.record("reader").await);
    let found = found.first().unwrap();
    assert_eq!(found.agent, record.agent);
    assert_eq!(found.description, record.description);
    assert_eq!(found.priority, record.priority);
    assert_eq!(found.capabilities, record.capabilities);
    assert_eq!((found.health, &found.status), (record.status.health, &record.status));
    assert_eq!(found.expires_at, record.lease.expires_at);
    assert_eq!(found.relevance, None, "no words were searched for");
}

/// Whoever is here is found where nothing is asked of a capability, also who has none.
pub async fn who_can_do_nothing_is_found_where_nothing_is_asked(desk: &RegistryDesk) {
    desk.register(agent("idle").describe("waits")).await;
    desk.register(able("able", "a").describe("waits")).await;
    desk.finds(&Query::all().order(Order::Name), "able idle").await;
    desk.finds(&Query::all().healthy().order(Order::Name), "able idle").await;
    desk.finds(&Query::all().text("waits").order(Order::Name), "able idle").await;
    desk.finds(&Query::all().version("*").unwrap(), "").await;
    desk.finds(&Query::all().when("k", Test::Absent).unwrap(), "able").await;
}

/// Only versions in the range are found; who has none has none in any range.
pub async fn a_range_of_versions_is_kept(desk: &RegistryDesk) {
    desk.register(able("none", "a")).await;
    for version in ["0.2.9", "1.0.0", "1.2.3", "1.10.0", "2.0.0"] {
        desk.register(able(version, &format!("a {version}"))).await;
    }
    let rows = [
        ("*", "0.2.9 1.0.0 1.10.0 1.2.3 2.0.0"),
        ("^1.2", "1.10.0 1.2.3"),
        ("~1.2", "1.2.3"),
        (">=1.2, <2", "1.10.0 1.2.3"),
        (">1.2.3", "1.10.0 2.0.0"),
        ("=1.2.3", "1.2.3"),
        ("1.*", "1.0.0 1.10.0 1.2.3"),
        ("<1", "0.2.9"),
        ("^0.2.3", "0.2.9"),
        (">=3", ""),
        (">2, <1", ""),
    ];
    for (range, expected) in rows {
        desk.finds(&asked("a").version(range).unwrap(), expected).await;
    }
    desk.finds(&asked("a"), "0.2.9 1.0.0 1.10.0 1.2.3 2.0.0 none").await;
}

/// A pre-release is found only where the range names one of the same version.
pub async fn a_pre_release_is_found_where_it_is_named(desk: &RegistryDesk) {
    for version in ["1.0.0-alpha", "1.0.0-rc.1", "1.0.0", "1.0.1-rc.1"] {
        desk.register(able(version, &format!("a {version}"))).await;
    }
    let rows = [
        ("*", "1.0.0"),
        (">=0.9", "1.0.0"),
        ("^1", "1.0.0"),
        (">=1.0.0-beta", "1.0.0 1.0.0-rc.1"),
        ("^1.0.0-alpha", "1.0.0 1.0.0-alpha 1.0.0-rc.1"),
        ("=1.0.0-alpha", "1.0.0-alpha"),
        ("<1.0.1-z", "1.0.0 1.0.1-rc.1"),
    ];
    for (range, expected) in rows {
        desk.finds(&asked("a").version(range).unwrap(), expected).await;
    }
}

/// What a version was built from makes it another version, and counts for no range.
pub async fn builds_are_versions_of_their_own(desk: &RegistryDesk) {
    desk.register(able("reader", "a 1.0.0+one")).await;
    desk.register(able("reader", "a 1.0.0+two")).await;
    assert_eq!(desk.can("reader").await, "a 1.0.0+one, a 1.0.0+two");
    desk.finds(&asked("a").version("=1.0.0").unwrap(), "reader").await;
    desk.withdraw("reader", "a 1.0.0+one").await.unwrap();
    assert_eq!(desk.can("reader").await, "a 1.0.0+two");
}

/// What is asked of a capability must hold of one and the same.
pub async fn all_must_hold_of_one_capability(desk: &RegistryDesk) {
    let parted = Registration::lasting("parted")
        .capability(cap("a 1.0.0").with("k", 1).tag("x"))
        .capability(cap("a 2.0.0").with("k", 2).tag("y"))
        .capability(cap("b 1.0.0").with("k", 2).tag("y"));
    desk.register(parted).await;
    let whole = cap("a 1.0.0").with("k", 2).tag("y");
    desk.register(Registration::lasting("whole").capability(whole)).await;
    let one = || asked("a").version("^1").unwrap();
    desk.finds(&one(), "parted whole").await;
    desk.finds(&one().with("k", 2), "whole").await;
    desk.finds(&one().tag("y"), "whole").await;
    desk.finds(&asked("a").with("k", 2).tag("y"), "parted whole").await;
    desk.finds(&asked("a").with("k", 1).tag("y"), "").await;
    desk.finds(&asked("a").with("k", 1).with("k", 2), "").await;
    desk.finds(&asked("b").with("k", 2).version("^2").unwrap(), "").await;
}
