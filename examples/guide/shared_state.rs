//! The guide's section "Shared State": one agent writes what it found, another goes on with it; first as the guide does
//! it, then without the gaps that the guide's way has.

use std::time::Duration;

use safeguards::{
    coord::{KeyRules, Revision, StateQuery, StateScope, StateWrite},
    prelude::*,
};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sg = Safeguards::in_memory();
    as_the_guide_does(&sg).await?;
    without_gaps(&sg).await?;
    Ok(by_owners_and_rules(&sg).await?)
}

/// Write, read once, look whether it is complete.
async fn as_the_guide_does(sg: &Safeguards) -> Result<(), safeguards::Error> {
    let (agents, state) = (sg.v1().agents(), sg.v1().state());
    let research = agents.create_agent("research_agent", usd!(100), P7).await?;
    let analysis = agents.create_agent("analysis_agent", usd!(80), P5).await?;

    let found = json!({
        "status": "complete",
        "timestamp": "2023-07-26T15:30:00Z",
        "location": "/tmp/research_data.json",
    });
    state.update_state(&research.id, "research_data", found).await?;

    let data = state.get_state(&analysis.id, "research_data").await?;
    let complete = data.filter(|data| data["status"] == "complete");
    let location = complete.map(|data| data["location"].to_string());
    assert_eq!(location.as_deref(), Some(r#""/tmp/research_data.json""#));
    println!("analysis agent processing data from {}", location.unwrap_or_default());
    Ok(())
}

/// The guide reads once and misses what comes a moment later. Here one waits, with an end; and who builds on what it
/// read overwrites nothing that came in between.
async fn without_gaps(sg: &Safeguards) -> Result<(), safeguards::Error> {
    let (agents, state) = (sg.v2().agents(), sg.v2().state());
    let research = agents.create("research", usd!(10), P7).await?;
    let analysis = agents.create("analysis", usd!(8), P5).await?;

    let complete = |data: &Value| data["status"] == "complete";
    let waiting = state.wait_for(&analysis, "data", complete, Duration::from_secs(30));
    let working = async {
        state.set(&research, "data", json!({ "status": "begun" })).await?;
        state.set(&research, "data", json!({ "status": "complete", "rows": 1_234 })).await?;
        // Overwritten at once: it was there, and is not missed.
        state.set(&research, "data", json!({ "status": "archived" })).await
    };
    let (data, worked) = tokio::join!(waiting, working);
    worked?;
    assert_eq!(data?["rows"], 1_234);

    // Read, decide, write: a conflict if somebody wrote in between.
    let old = state.get(&analysis, "progress").await?; // a key that is absent has a revision too
    state.set_if(&analysis, "progress", 2, old.revision).await?;
    let late = state.set_if(&analysis, "progress", 3, old.revision).await.unwrap_err();
    assert_eq!(late.code(), "state.conflict");
    println!("{late}");

    // The same, again until nobody wrote in between.
    let one_more = |old: Option<&Value>| old.and_then(Value::as_u64).unwrap_or(0) + 1;
    assert_eq!(*state.compute(&analysis, "progress", one_more).await?, 3);
    Ok(())
}

/// A key has an owner and rules, may end by itself, and is watched without missing a change.
async fn by_owners_and_rules(sg: &Safeguards) -> Result<(), safeguards::Error> {
    let state = sg.v2().state();
    let denied = state.set("analysis", "data", "mine").await.unwrap_err();
    assert_eq!(denied.code(), "state.not_writable");
    println!("{denied}");

    // A board that both write, a note that one of them cannot see, and a claim that ends by itself.
    let board =
        StateWrite::new("team/board", json!([]))?.rules(KeyRules::new().writers(["analysis"]));
    state.write("research", board).await?;
    state.set("analysis", "team/board", json!(["outline"])).await?;
    let note = StateWrite::new("team/note", "secret")?.rules(KeyRules::private());
    state.write("research", note).await?;

    let seen = state.list("analysis", &StateQuery::prefix("team/")).await?;
    let keys: Vec<_> = seen.entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["team/board"], "nothing of the note, not even its name");

    let claim = StateWrite::new("team/lead", "research")?.ttl(Duration::from_millis(20));
    state.write("research", claim).await?;

    let mut watch = state.watch("analysis", StateScope::prefix("team/"), Revision::ZERO);
    let mut told = Vec::new();
    while told.len() < 4 {
        let change = watch.next().await?;
        told.push((change.key.to_string(), change.kind.entry().is_some()));
    }
    let expected = [
        ("team/board", true),
        ("team/board", true),
        ("team/lead", true),
        ("team/lead", false), // nobody renewed it
    ];
    assert_eq!(told, expected.map(|(key, is_there)| (key.to_owned(), is_there)));
    Ok(())
}
