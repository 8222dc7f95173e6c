//! Words that are searched for, tags, and whom a query is confined to.

use super::prelude::*;

fn searched(text: &str) -> Query {
    Query::all().text(text).order(Order::Name)
}

/// A word is found in each place where words stand: names and descriptions of agents and capabilities, and tags.
pub async fn a_word_is_found_in_each_place(desk: &RegistryDesk) {
    desk.register(agent("falcon")).await;
    desk.register(agent("b").describe("looks for a falcon in the sky")).await;
    desk.register(able("c", "bird.falcon")).await;
    let capability = cap("bird").describe("(Falcon!) and others");
    desk.register(Registration::lasting("d").capability(capability)).await;
    desk.register(Registration::lasting("e").capability(cap("bird").tag("falcon"))).await;
    // Metadata is not searched, and a part of a word is none.
    let capability = cap("bird").with("falcon", "falcon").describe("falconry");
    desk.register(Registration::lasting("f").capability(capability).document("d", json!("falcon")))
        .await;
    desk.finds(&searched("falcon"), "b c d e falcon").await;
    desk.finds(&searched("FALCON"), "b c d e falcon").await;
}

/// At least one of the words stands there.
pub async fn one_of_the_words_is_enough(desk: &RegistryDesk) {
    desk.register(agent("a").describe("red green")).await;
    desk.register(agent("b").describe("green blue")).await;
    desk.register(agent("c").describe("black")).await;
    desk.finds(&searched("red blue"), "a b").await;
    desk.finds(&searched("blue, green; white?"), "a b").await;
    desk.finds(&searched("white"), "").await;
}

/// Those capabilities are meant in which a word stands; all, where one stands in the agent's own name or description.
pub async fn words_tell_which_capabilities_are_meant(desk: &RegistryDesk) {
    let said = || Registration::lasting("x").capability(cap("red")).capability(cap("blue"));
    desk.register(said().describe("paint")).await;
    let meant = async |text: &str| {
        let found = desk.find(&searched(text)).await;
        let texts = found.agents[0].capabilities.iter().map(ToString::to_string);
        texts.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(meant("red").await, "red");
    assert_eq!(meant("blue red").await, "blue red");
    assert_eq!(meant("paint").await, "blue red");
    assert_eq!(meant("red paint").await, "blue red");
}

/// A word and what else is asked must hold of one and the same capability, or the word of the agent itself.
pub async fn words_hold_with_what_else_is_asked(desk: &RegistryDesk) {
    let parted = Registration::lasting("parted")
        .capability(cap("a").describe("other"))
        .capability(cap("b").describe("green"));
    desk.register(parted).await;
    let whole = Registration::lasting("whole").capability(cap("a").describe("green"));
    desk.register(whole).await;
    desk.register(able("own", "a").describe("green")).await;
    desk.register(able("lacks", "b").describe("green")).await;
    let query = searched("green");
    desk.finds(&query, "lacks own parted whole").await;
    let mut asked = query;
    asked.capability = Some(name("a"));
    desk.finds(&asked, "own whole").await;
    desk.finds(&asked.with("k", 1), "").await;
}

/// Who is found by words has a relevance, and it alone.
pub async fn who_is_found_by_words_has_a_relevance(desk: &RegistryDesk) {
    desk.register(agent("a").describe("red")).await;
    let found = desk.find(&searched("red")).await;
    assert!(found.agents[0].relevance.is_some_and(|relevance| relevance > 0), "{found:?}");
    assert_eq!(desk.find(&Query::all()).await.agents[0].relevance, None);
}

/// Who has more of the words fits better.
pub async fn who_has_more_of_the_words_comes_first(desk: &RegistryDesk) {
    desk.register(agent("a").describe("red")).await;
    desk.register(agent("b").describe("red green")).await;
    desk.register(agent("c").describe("red green blue")).await;
    desk.register(agent("d").describe("black white")).await;
    desk.finds(&Query::search("blue green red"), "c b a").await;
}

/// What was said anew is searched, and what was said before is not.
pub async fn words_that_are_gone_are_not_found(desk: &RegistryDesk) {
    desk.register(able("x", "a").describe("red")).await;
    desk.register(Registration::lasting("x").describe("blue").replacing()).await;
    desk.finds(&searched("red"), "").await;
    desk.finds(&searched("blue"), "x").await;
    desk.register(able("x", "green")).await;
    desk.finds(&searched("green"), "x").await;
    desk.withdraw("x", "green").await.unwrap();
    desk.finds(&searched("green"), "").await;
}

/// A capability has all tags that are asked for, letter by letter.
pub async fn all_tags_are_there(desk: &RegistryDesk) {
    let tagged = |who: &str, tags: &[&str]| {
        let capability = tags.iter().fold(cap("a"), |capability, tag| capability.tag(*tag));
        Registration::lasting(who).capability(capability)
    };
    desk.register(tagged("a", &["x", "y"])).await;
    desk.register(tagged("b", &["y", "x", "y"])).await;
    desk.register(tagged("c", &["x y"])).await;
    desk.register(tagged("d", &["X"])).await;
    desk.register(agent("e")).await;
    let query = || Query::all().order(Order::Name);
    desk.finds(&query().tag("x"), "a b").await;
    desk.finds(&query().tag("x").tag("y"), "a b").await;
    desk.finds(&query().tag("x y"), "c").await;
    desk.finds(&query().tag("X"), "d").await;
    desk.finds(&query().tag("z"), "").await;
    let record = desk.record("b").await;
    assert_eq!(record.capabilities[0].tags, ["y", "x", "y"], "in the order given");
}

/// Only who may be given work, where that is asked: healthy, and not kept from working.
pub async fn only_the_healthy_where_that_is_asked(desk: &RegistryDesk) {
    let suspended = Block::Suspended { reason: "audit".to_owned() };
    let statuses = [
        ("well", Status::new()),
        ("busy", Status::new().load(u32::MAX).available(usd!(0))),
        ("degraded", Status::new().health(Health::Degraded)),
        ("unhealthy", Status::new().health(Health::Unhealthy)),
        ("suspended", Status::new().block(suspended)),
        ("broken", Status::new().block(Block::BreakerOpen { until: None })),
        ("exhausted", Status::new().block(Block::Exhausted { units: vec!["USD".to_owned()] })),
    ];
    for (who, status) in statuses {
        desk.register(able(who, "a").status(status)).await;
    }
    let query = Query::new("a").unwrap().order(Order::Name);
    let all = "broken busy degraded exhausted suspended unhealthy well";
    desk.finds(&query, all).await;
    desk.finds(&query.healthy(), "busy well").await;
}

/// Who recovers, or falls ill, is found or not from then on.
pub async fn health_counts_as_it_is_now(desk: &RegistryDesk) {
    let lease = desk.register(able("a", "x")).await;
    let query = Query::new("x").unwrap().healthy();
    desk.stands(&lease, Status::new().health(Health::Unhealthy)).await;
    desk.finds(&query, "").await;
    desk.stands(&lease, Status::new()).await;
    desk.finds(&query, "a").await;
    desk.stands(&lease, Status::new().block(Block::BreakerOpen { until: None })).await;
    desk.finds(&query, "").await;
}

/// A query may be confined to some, each of them found once.
pub async fn a_query_may_be_confined(desk: &RegistryDesk) {
    for who in ["a", "b", "c"] {
        desk.register(able(who, "x")).await;
    }
    let query = Query::new("x").unwrap().order(Order::Name);
    desk.finds(&query.clone().among(["c", "a", "c", "nobody"]), "a c").await;
    desk.finds(&query.clone().among(["nobody"]), "").await;
    desk.finds(&query.clone().among(Vec::<AgentId>::new()), "").await;
    desk.delete("a").await.unwrap();
    desk.finds(&query.among(["a", "b"]), "b").await;
}
