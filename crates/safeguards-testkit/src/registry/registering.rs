//! Agents come, say more, say the same again; what contradicts is refused as a whole.

use super::prelude::*;

/// All that an agent says of itself is known of it.
pub async fn what_an_agent_says_is_known(desk: &RegistryDesk) {
    let status = Status::new().health(Health::Degraded).load(3).available(usd!(2));
    let capability = cap("data.analysis 1.4.0")
        .with("formats", ["json", "csv"])
        .describe("weighs notes")
        .tag("statistics")
        .cost(usd!(0.02));
    let said = agent("reader")
        .capability(capability.clone())
        .describe("reads all day")
        .priority(Priority::P7)
        .status(status.clone())
        .document("card", json!({ "name": "reader", "extra": [1, null] }));
    let lease = desk.register(said).await;
    let record = desk.record("reader").await;
    assert_eq!(record.agent, AgentId::from("reader"));
    assert_eq!(record.description, "reads all day");
    assert_eq!(record.priority, Priority::P7);
    assert_eq!(record.status, status);
    assert_eq!(record.lease, lease);
    assert_eq!(record.since, desk.now());
    let known: Vec<_> = record.capabilities.iter().map(|one| (**one).clone()).collect();
    assert_eq!(known, [capability]);
    let documents: Vec<_> = record.documents.iter().collect();
    assert_eq!(documents.len(), 1);
    assert_eq!(
        (documents[0].0.as_str(), &**documents[0].1),
        ("card", &json!({ "name": "reader", "extra": [1, null] }))
    );
}

/// Who says nothing of it has the usual priority, is healthy, and can do nothing.
pub async fn what_is_not_said_is_as_usual(desk: &RegistryDesk) {
    desk.register(agent("reader")).await;
    let record = desk.record("reader").await;
    assert_eq!(record.description, "");
    assert_eq!(record.priority, Priority::default());
    assert_eq!(record.status, Status::new());
    assert_eq!((record.capabilities.len(), record.documents.len()), (0, 0));
}

/// An agent that is not here is none.
pub async fn who_never_came_is_not_here(desk: &RegistryDesk) {
    desk.register(agent("reader")).await;
    assert_eq!(desk.record_of(&"Reader".into()).await, None);
    assert_eq!(desk.record_of(&"reade".into()).await, None);
    assert_eq!(desk.record_of(&"".into()).await, None);
}

/// A capability that is new is added to those before.
pub async fn what_is_new_is_added(desk: &RegistryDesk) {
    desk.register(able("reader", "b")).await;
    desk.register(able("reader", "a")).await;
    assert_eq!(desk.can("reader").await, "a, b");
    desk.register(Registration::lasting("reader")).await;
    assert_eq!(desk.can("reader").await, "a, b", "who says nothing takes nothing back");
}

/// What is said again changes nothing but the lease's end.
pub async fn the_same_again_changes_nothing(desk: &RegistryDesk) {
    let said = agent("reader")
        .capability(cap("a 1.0.0").with("k", [1, 2]).tag("t"))
        .describe("reads")
        .priority(Priority::P3)
        .document("card", json!({ "a": 1 }));
    let first = desk.register(said.clone()).await;
    let (before, revision) = (desk.record("reader").await, desk.revision().await);
    desk.wait(10);
    let second = desk.register(said).await;
    let mut after = desk.record("reader").await;
    assert_eq!(desk.revision().await, revision);
    assert_eq!((second.id, second.expires_at), (first.id, Some(desk.after(60))));
    after.lease = before.lease.clone();
    assert_eq!(after, before);
}

/// `advertise` registers one capability more.
pub async fn advertising_adds_a_capability(desk: &RegistryDesk) {
    let (registry, reader) = (desk.registry(), AgentId::from("reader"));
    let ttl = Duration::from_secs(9);
    registry.advertise(&reader, cap("a"), ttl).await.unwrap();
    let lease = registry.advertise(&reader, cap("b"), ttl).await.unwrap();
    assert_eq!((lease.ttl, lease.expires_at), (Some(ttl), Some(desk.after(9))));
    assert_eq!(desk.can("reader").await, "a, b");
}

/// Other content under a name and version that is there is refused, and says which field differs.
pub async fn other_content_is_a_conflict(desk: &RegistryDesk) {
    let known = || cap("data 1.4.0").with("k", 1).describe("d").tag("t").cost(usd!(1));
    desk.register(agent("reader").capability(known())).await;
    let mut untagged = known();
    untagged.tags.clear();
    let others = [
        (known().with("k", 2), "metadata"),
        (known().with("more", 2), "metadata"),
        (known().describe("other"), "description"),
        (known().tag("more"), "tags"),
        (untagged, "tags"),
        (known().cost(usd!(2)), "cost"),
    ];
    for (other, field) in others {
        let said = agent("reader").capability(cap("new")).capability(other);
        let error = desk.refuses(said, "discovery.conflict").await;
        let RegisterError::Conflict(conflict) = &error else { panic!("{error:?}") };
        assert_eq!(conflict.agent, AgentId::from("reader"));
        assert_eq!(conflict.what, format!("{field} of data 1.4.0"), "{error}");
        assert_ne!(conflict.registered, conflict.given, "{error}");
    }
    assert_eq!(desk.can("reader").await, "data 1.4.0", "nothing of a refused one was added");
}

/// Another description, priority or document is refused; one that was not said before is taken.
pub async fn what_was_said_of_the_agent_stands(desk: &RegistryDesk) {
    desk.register(agent("reader")).await;
    let said = agent("reader").describe("reads").priority(Priority::P3).document("card", json!(1));
    desk.register(said).await;
    let record = desk.record("reader").await;
    assert_eq!((record.description.as_str(), record.priority), ("reads", Priority::P3));
    let more = || agent("reader").capability(cap("more"));
    let others = [
        (more().describe("writes"), "description"),
        (more().priority(Priority::P4), "priority"),
        (more().document("card", json!(2)), "card"),
    ];
    for (other, what) in others {
        let error = desk.refuses(other, "discovery.conflict").await;
        let RegisterError::Conflict(conflict) = &error else { panic!("{error:?}") };
        assert!(conflict.what.contains(what), "{what} in {error}");
    }
    desk.register(more().document("front matter", json!({ "b": [] }))).await;
    let record = desk.record("reader").await;
    assert_eq!((record.description.as_str(), record.priority), ("reads", Priority::P3));
    assert_eq!(record.documents.keys().collect::<Vec<_>>(), ["card", "front matter"]);
}

/// How an agent stands may be said anew with each registration; who says nothing leaves it.
pub async fn a_status_may_be_said_anew(desk: &RegistryDesk) {
    let busy = Status::new().load(7);
    desk.register(agent("reader").status(busy.clone())).await;
    desk.register(agent("reader")).await;
    assert_eq!(desk.record("reader").await.status, busy);
    let ill = Status::new().health(Health::Unhealthy).block(Block::BreakerOpen { until: None });
    desk.register(agent("reader").status(ill.clone())).await;
    assert_eq!(desk.record("reader").await.status, ill);
}

/// Versions of a capability stand side by side, none of them first, then by precedence; names stand before versions.
pub async fn versions_stand_side_by_side(desk: &RegistryDesk) {
    let given = ["b 1.10.0", "b 1.9.0", "b", "b.c", "a 2.0.0", "b 1.10.0-rc.1", "a-b", "B"];
    for text in given {
        desk.register(able("reader", text)).await;
    }
    let expected = "B, a 2.0.0, a-b, b, b 1.9.0, b 1.10.0-rc.1, b 1.10.0, b.c";
    assert_eq!(desk.can("reader").await, expected);
    let found = desk.find(&Query::new("b").unwrap()).await;
    let meant: Vec<_> = found.agents[0].capabilities.iter().map(ToString::to_string).collect();
    assert_eq!(meant.join(", "), "b, b 1.9.0, b 1.10.0-rc.1, b 1.10.0, b.c");
}

/// The same capability twice in one registration counts once; with other content it is refused.
pub async fn a_capability_said_twice_counts_once(desk: &RegistryDesk) {
    let twice = agent("reader").capability(cap("a 1.0.0")).capability(cap("a 1.0.0"));
    desk.register(twice).await;
    assert_eq!(desk.can("reader").await, "a 1.0.0");
    let torn = agent("other").capability(cap("a")).capability(cap("a").tag("t"));
    desk.refuses(torn, "discovery.invalid_capabilities").await;
    let torn = agent("reader").replacing().capability(cap("b")).capability(cap("b").with("k", 1));
    desk.refuses(torn, "discovery.invalid_capabilities").await;
}

/// What replaces takes the place of all that was said before, in one step and under the same lease.
pub async fn what_replaces_takes_the_place_of_all(desk: &RegistryDesk) {
    let said = agent("reader")
        .capability(cap("a"))
        .capability(cap("b 1.0.0"))
        .capability(cap("c").with("k", 1))
        .describe("reads")
        .priority(Priority::P9)
        .status(Status::new().load(3))
        .document("card", json!(1));
    let first = desk.register(said).await;
    let since = desk.now();
    desk.wait(5);
    let revision = desk.revision().await;
    let said = agent("reader").capability(cap("a")).capability(cap("c").with("k", 2));
    let second = desk.register(said.replacing()).await;
    assert_eq!((second.id, second.expires_at), (first.id, Some(desk.after(60))));
    let record = desk.record("reader").await;
    assert_eq!(desk.can("reader").await, "a, c");
    assert_eq!(record.capabilities[1].metadata["k"], json!(2));
    assert_eq!((record.description.as_str(), record.priority), ("", Priority::default()));
    assert_eq!((record.status, record.documents.len()), (Status::new(), 0));
    assert_eq!(record.since, since, "it came when it came");
    let told = desk.told(revision).await;
    let expected = [
        "withdrawn reader b 1.0.0",
        "withdrawn reader c",
        "advertised reader c",
        "described reader",
        "status reader healthy",
    ];
    assert_eq!(told, expected);
}

/// After another took its place, what was said before is no conflict any more.
pub async fn what_was_replaced_contradicts_nobody(desk: &RegistryDesk) {
    desk.register(able("reader", "a").describe("reads").priority(Priority::P9)).await;
    desk.register(Registration::lasting("reader").replacing()).await;
    let other = Registration::lasting("reader").capability(cap("a").tag("t")).describe("writes");
    desk.register(other.priority(Priority::P1)).await;
    assert_eq!(desk.record("reader").await.priority, Priority::P1);
}

/// Who replaces and says the same changes nothing.
pub async fn replacing_with_the_same_changes_nothing(desk: &RegistryDesk) {
    let said = able("reader", "a").describe("reads").priority(Priority::P9).document("d", json!(1));
    desk.register(said.clone()).await;
    let (before, revision) = (desk.record("reader").await, desk.revision().await);
    desk.register(said.replacing()).await;
    assert_eq!((desk.record("reader").await, desk.revision().await), (before, revision));
}

/// A first registration may replace, too.
pub async fn a_newcomer_may_replace(desk: &RegistryDesk) {
    desk.register(able("reader", "a").replacing()).await;
    assert_eq!(desk.told(Revision::ZERO).await, ["arrived reader", "advertised reader a"]);
}

/// One agent's capabilities are no other's.
pub async fn agents_do_not_mix(desk: &RegistryDesk) {
    desk.register(able("a", "x 1.0.0").document("d", json!(1))).await;
    desk.register(
        Registration::lasting("b").capability(cap("x 1.0.0").tag("t")).document("d", json!(2)),
    )
    .await;
    desk.withdraw("b", "x").await.unwrap();
    assert_eq!(desk.can("a").await, "x 1.0.0");
    assert_eq!(desk.can("b").await, "");
    assert_eq!(*desk.record("a").await.documents["d"], json!(1));
}

/// Documents are kept to the letter, whatever they hold.
pub async fn documents_are_kept_to_the_letter(desk: &RegistryDesk) {
    let document = json!({
        "": { "unknown": [null, true, -1, 1.5, u64::MAX, "ünï\u{0}code"] },
        "nested": [[[{}]], {"a": {"b": []}}],
    });
    desk.register(agent("reader").document("a card", document.clone())).await;
    assert_eq!(*desk.record("reader").await.documents["a card"], document);
}

/// No more agents come than there is room for; who is here may always say more, and who leaves makes room.
pub async fn a_registry_is_full_at_last(desk: &RegistryDesk) {
    let max = desk.setup().agents_max;
    for number in 0..max {
        desk.register(agent(&format!("agent {number}"))).await;
    }
    let error = desk.refuses(agent("one more"), "discovery.full").await;
    let RegisterError::Full { agent: who, max: told } = error else { panic!("{error:?}") };
    assert_eq!((who.as_str(), told), ("one more", max));
    desk.register(able("agent 0", "a")).await;
    desk.delete("agent 1").await.unwrap();
    desk.register(agent("one more")).await;
    desk.refuses(agent("agent 1"), "discovery.full").await;
    desk.wait(60);
    desk.register(agent("agent 1")).await;
}

/// What is invalid is said before what contradicts, and before that there is no room.
pub async fn what_is_invalid_is_said_first(desk: &RegistryDesk) {
    for number in 0..desk.setup().agents_max {
        desk.register(agent(&format!("agent {number}")).describe("here")).await;
    }
    let bad = |agent: &str| Registration::new(agent, Duration::ZERO).describe("other");
    desk.refuses(bad("one more"), "discovery.invalid_ttl").await;
    desk.refuses(bad("agent 0"), "discovery.invalid_ttl").await;
}
