//! What is beyond its bound is refused by its code, with the field named, before anything else is looked at.

use super::prelude::*;

fn names_field(error: &StateError, field: &str) {
    let StateError::Invalid(invalid) = error else { panic!("{error:?}") };
    assert_eq!(invalid.field(), field, "{error}");
}

/// An agent's name is a line of bounded length.
pub async fn names_of_agents_have_a_form(desk: &StateDesk) {
    let longest = "x".repeat(StateBounds::AGENT_NAME_BYTES);
    desk.set(&longest, "k", 1).await;
    for bad in ["", "a\nb", &format!("{longest}x")] {
        names_field(&desk.refuses(bad, write("l", 1), "state.invalid_agent").await, "agent");
        let said = terms("k").owner(bad);
        names_field(&desk.refuses_terms(&longest, said, "state.invalid_agent").await, "owner");
    }
}

/// A value takes so many bytes as JSON.
pub async fn values_are_bounded(desk: &StateDesk) {
    let largest = "x".repeat(StateBounds::VALUE_BYTES - 2);
    desk.set("a", "k", largest.clone()).await;
    let error = desk.refuses("a", write("k", format!("{largest}x")), "state.invalid_value").await;
    names_field(&error, "value");
    assert!(error.to_string().contains("1048577 bytes"), "{error}");
    let escaped = "\n".repeat(StateBounds::VALUE_BYTES / 2);
    desk.refuses("a", write("k", escaped), "state.invalid_value").await;
}

/// Lists and objects of a value stand so deep in each other.
pub async fn depth_is_bounded(desk: &StateDesk) {
    let nested = |deep: usize| {
        (0..deep).fold(json!(1), |inner, level| {
            if level % 2 == 0 { json!([inner]) } else { json!({ "k": inner }) }
        })
    };
    let deepest = nested(StateBounds::VALUE_DEPTH);
    desk.set("a", "k", deepest.clone()).await;
    assert_eq!(desk.read("a", "k").await.value(), Some(&deepest));
    let error = desk.refuses("a", write("k", json!([deepest])), "state.invalid_value").await;
    names_field(&error, "value");
}

/// A time to live is neither too short nor too long.
pub async fn times_to_live_are_bounded(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    let nano = Duration::from_nanos(1);
    let short = StateBounds::TTL_MIN.checked_sub(nano).unwrap();
    let long = StateBounds::TTL_MAX.checked_add(nano).unwrap();
    for bad in [Duration::ZERO, short, long, Duration::MAX] {
        names_field(&desk.refuses("a", write("k", 1).ttl(bad), "state.invalid_ttl").await, "ttl");
        desk.refuses_terms("a", terms("k").ttl(bad), "state.invalid_ttl").await;
    }
}

/// Rules name so many agents, each by a name.
pub async fn rules_are_bounded(desk: &StateDesk) {
    let agents = |count: usize| (0..count).map(|number| format!("{number}"));
    let most = StateBounds::RULE_AGENTS;
    let rules = KeyRules::new().readers(agents(most)).writers(agents(most));
    desk.write("a", write("k", 1).rules(rules)).await;
    for (rules, field) in [
        (KeyRules::new().readers(agents(most + 1)), "rules.readers"),
        (KeyRules::new().writers(agents(most + 1)), "rules.writers"),
        (KeyRules::new().readers(["b", ""]), "rules.readers"),
        (KeyRules::new().writers(["\u{7}"]), "rules.writers"),
    ] {
        let said = write("k", 1).rules(rules.clone());
        names_field(&desk.refuses("a", said, "state.invalid_rules").await, field);
        let said = terms("k").rules(rules);
        names_field(&desk.refuses_terms("a", said, "state.invalid_rules").await, field);
    }
}

/// The size of a page is bounded.
pub async fn the_size_of_a_page_is_bounded(desk: &StateDesk) {
    for bad in [0, StateBounds::PAGE + 1, usize::MAX] {
        let query = StateQuery::all().limit(bad);
        let error = desk.store().list(&"a".into(), &query).await.unwrap_err();
        assert_eq!(error.code(), "state.invalid_limit", "{error}");
    }
    desk.page("a", &StateQuery::all().limit(StateBounds::PAGE)).await;
}

/// What cannot be used is said before all else.
pub async fn what_cannot_be_used_is_said_first(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    let ahead = Revision::new(9);
    let long = Duration::MAX;
    desk.refuses("b", write("k", 1).ttl(long).if_revision(ahead), "state.invalid_ttl").await;
    desk.refuses_terms("b", terms("l").ttl(long).if_revision(ahead), "state.invalid_ttl").await;
}
