//! What cannot be used is refused, by the code of its kind and with the field named.

use super::prelude::*;

fn text(bytes: usize) -> String {
    "x".repeat(bytes)
}

/// The registration is refused, and the field is named.
async fn refuses(desk: &RegistryDesk, said: Registration, code: &str, field: &str) {
    let error = desk.refuses(said, code).await;
    let RegisterError::Invalid(invalid) = &error else { panic!("{error:?}") };
    assert!(invalid.field().contains(field), "{field} in {error}");
}

async fn refuses_capability(desk: &RegistryDesk, bad: Capability, code: &str, field: &str) {
    // The second of them: the first is fine, and not registered either.
    let said = agent("a").capability(cap("fine")).capability(bad);
    refuses(desk, said, code, &format!("capabilities[1].{field}")).await;
    assert_eq!(desk.record_of(&"a".into()).await, None);
}

/// Names of agents have from 1 to 256 bytes, and no control characters.
pub async fn names_of_agents_have_a_form(desk: &RegistryDesk) {
    let code = "discovery.invalid_agent_name";
    for bad in [String::new(), text(257), "é".repeat(129), "a\nb".to_owned(), "\u{7f}".to_owned()]
    {
        refuses(desk, agent(&bad), code, "agent").await;
    }
    for good in [text(256), "é".repeat(128), " ".to_owned(), "a:b/c d".to_owned()] {
        desk.register(agent(&good)).await;
        assert_eq!(desk.record(&good).await.agent.as_str(), good);
    }
}

/// A lease holds a millisecond at least, and a hundred years at most.
pub async fn leases_have_a_length(desk: &RegistryDesk) {
    let code = "discovery.invalid_ttl";
    for bad in [
        Duration::ZERO,
        Duration::from_nanos(999_999),
        Duration::MAX,
        Duration::from_secs(u64::MAX / 4),
    ] {
        refuses(desk, Registration::new("a", bad), code, "ttl").await;
    }
    desk.register(Registration::new("a", Duration::from_millis(1))).await;
    let year = Duration::from_hours(8_760);
    desk.register(Registration::new("a", year)).await;
}

/// Metadata is bounded in bytes of JSON, and in depth.
pub async fn metadata_is_bounded(desk: &RegistryDesk) {
    let code = "discovery.invalid_metadata";
    // `{"k":"…"}` around the text.
    let fits = Bounds::METADATA_BYTES.saturating_sub(8);
    refuses_capability(desk, cap("x").with("k", text(fits.saturating_add(1))), code, "metadata")
        .await;
    desk.register(agent("b").capability(cap("x").with("k", text(fits)))).await;
    // The metadata itself is 1 deep.
    let deep = |lists: usize| (0..lists).fold(json!(1), |value, _| json!([value]));
    refuses_capability(desk, cap("x").with("k", deep(16)), code, "metadata").await;
    desk.register(agent("c").capability(cap("x").with("k", deep(15)))).await;
    let objects = (0..16).fold(json!(1), |value, _| json!({ "k": value }));
    refuses_capability(desk, cap("x").with("k", objects), code, "metadata").await;
}

/// Descriptions of agents and capabilities are bounded.
pub async fn descriptions_are_bounded(desk: &RegistryDesk) {
    let code = "discovery.invalid_description";
    let (most, more) = (text(16_384), text(16_385));
    refuses(desk, agent("a").describe(more.as_str()), code, "description").await;
    refuses_capability(desk, cap("x").describe(more.as_str()), code, "description").await;
    desk.register(agent("b").capability(cap("x").describe(most.as_str())).describe(most)).await;
}

/// Tags are bounded, in number and in bytes; also those that are asked for.
pub async fn tags_are_bounded(desk: &RegistryDesk) {
    let code = "discovery.invalid_tag";
    let tagged = |many: usize| (0..many).fold(cap("x"), |cap, tag| cap.tag(format!("{tag}")));
    refuses_capability(desk, tagged(257), code, "tags").await;
    refuses_capability(desk, cap("x").tag(text(257)), code, "tags").await;
    refuses_capability(desk, cap("x").tag(""), code, "tags").await;
    desk.register(agent("b").capability(tagged(256).describe("d"))).await;
    desk.register(agent("c").capability(cap("x").tag(text(256)))).await;
    desk.refuses_query(&Query::all().tag(text(257)), code, "tags").await;
    let many = (0..257).fold(Query::all(), |query, tag| query.tag(format!("{tag}")));
    desk.refuses_query(&many, code, "tags").await;
}

/// A cost is told in a bounded number of units.
pub async fn costs_are_bounded(desk: &RegistryDesk) {
    let cost = |units: usize| {
        let unit = |number: usize| Unit::from(format!("unit {number}").as_str());
        (0..units).map(|number| Amount::new(Quantity::ONE, unit(number))).collect::<Amounts>()
    };
    refuses_capability(desk, cap("x").cost(cost(17)), "discovery.invalid_cost", "cost").await;
    desk.register(agent("b").capability(cap("x").cost(cost(16)))).await;
    let status = Status::new().available(cost(17));
    let code = "discovery.invalid_status";
    refuses(desk, agent("a").status(status.clone()), code, "status").await;
    let lease = desk.register(agent("c")).await;
    let error = desk.registry().renew(&lease, Some(status)).await.unwrap_err();
    assert_eq!(error.code(), code);
    assert_eq!(desk.record("c").await.status, Status::new());
}

/// What keeps an agent from working is told in a bounded number of words.
pub async fn blocks_are_bounded(desk: &RegistryDesk) {
    let code = "discovery.invalid_status";
    let suspended = |bytes| Block::Suspended { reason: text(bytes) };
    refuses(desk, agent("a").status(Status::new().block(suspended(100_000))), code, "status").await;
    let many = (0..1_000).fold(Status::new(), |status, _| status.block(suspended(1)));
    refuses(desk, agent("a").status(many), code, "status").await;
    let units = (0..1_000).map(|unit| format!("{unit}")).collect();
    let exhausted = Status::new().block(Block::Exhausted { units });
    refuses(desk, agent("a").status(exhausted), code, "status").await;
    desk.register(agent("a").status(Status::new().block(suspended(100)))).await;
}

/// An agent's documents are bounded together, those from before included.
pub async fn documents_are_bounded(desk: &RegistryDesk) {
    let code = "discovery.invalid_document";
    let half = || json!(text(Bounds::DOCUMENTS_BYTES / 2));
    let whole = json!(text(Bounds::DOCUMENTS_BYTES));
    refuses(desk, agent("a").document("d", whole), code, "documents").await;
    desk.register(agent("b").document("d", half())).await;
    refuses(desk, agent("b").document("e", half()), code, "documents").await;
    desk.register(agent("b").document("e", half()).replacing()).await;
    assert_eq!(desk.record("b").await.documents.keys().collect::<Vec<_>>(), ["e"]);
}

/// An agent has a bounded number of capabilities, those from before included.
pub async fn capabilities_are_bounded(desk: &RegistryDesk) {
    let code = "discovery.invalid_capabilities";
    let said = |who: &str, from: usize, to: usize| {
        (from..to).fold(agent(who), |said, place| said.capability(cap(&format!("x.c{place}"))))
    };
    refuses(desk, said("a", 0, 1_025), code, "capabilities").await;
    desk.register(said("b", 0, 1_024)).await;
    refuses(desk, said("b", 1_024, 1_025), code, "capabilities").await;
    // The same ones once more are no more than they were.
    desk.register(said("b", 0, 1_024)).await;
    desk.register(said("b", 1_024, 1_025).replacing()).await;
    assert_eq!(desk.can("b").await, "x.c1024");
}

/// A range has a bound, and bounds compare.
pub async fn ranges_have_bounds_that_compare(desk: &RegistryDesk) {
    let code = "discovery.invalid_condition";
    let unbounded = Test::Range { from: None, above: None, to: None, below: None };
    let bad = [
        unbounded.clone(),
        Test::not(unbounded),
        Test::at_least(Value::Null),
        Test::at_most(true),
        Test::at_least(json!([1])),
        Test::at_least(json!({})),
    ];
    for test in bad {
        let query = Query::all().when("k", test).unwrap();
        desk.refuses_query(&query, code, "conditions[0]").await;
    }
    let mixed =
        Test::Range { from: Some(json!(1)), above: None, to: Some(json!("z")), below: None };
    desk.finds(&Query::all().when("k", mixed).unwrap(), "").await;
}

/// Conditions are bounded, those within others counted too.
pub async fn conditions_are_bounded(desk: &RegistryDesk) {
    desk.register(able("a", "x")).await;
    let code = "discovery.invalid_condition";
    let many = |many: usize| {
        (0..many).fold(Query::all(), |query, _| query.when("k", Test::Absent).unwrap())
    };
    desk.finds(&many(256), "a").await;
    desk.refuses_query(&many(257), code, "conditions").await;
    let nested = (0..1_000).fold(Test::Absent, |test, _| Test::not(test));
    desk.refuses_query(&Query::all().when("k", nested).unwrap(), code, "conditions").await;
}

/// A path that was not read from a text must lead somewhere all the same.
pub async fn a_path_leads_somewhere(desk: &RegistryDesk) {
    desk.register(able("a", "x")).await;
    for keys in [vec![], vec![""], vec!["k", ""], vec!["k"; 17]] {
        let mut query = Query::all();
        query.conditions.push(Condition::new(MetadataPath::of(keys), Test::Exists));
        desk.refuses_query(&query, "discovery.invalid_path", "conditions[0]").await;
    }
}

/// Where words are searched for, there are some, and not too many.
pub async fn there_are_words_to_search_for(desk: &RegistryDesk) {
    let code = "discovery.invalid_text";
    for bad in ["", "   ", "?!.,-", "\n"] {
        desk.refuses_query(&Query::all().text(bad), code, "text").await;
    }
    desk.refuses_query(&Query::all().text(text(4_097)), code, "text").await;
    desk.finds(&Query::all().text(text(4_096)), "").await;
}

/// How well words fit orders only what words were searched for in.
pub async fn relevance_needs_words(desk: &RegistryDesk) {
    let query = Query::all().order(Order::Relevance);
    desk.refuses_query(&query, "discovery.invalid_order", "order").await;
}

/// A query is confined to a bounded number of agents.
pub async fn among_is_bounded(desk: &RegistryDesk) {
    desk.register(able("7", "x")).await;
    let among = |many: usize| Query::all().among((0..many).map(|number| number.to_string()));
    let code = "discovery.invalid_among";
    desk.refuses_query(&among(Bounds::AMONG.saturating_add(1)), code, "among").await;
    desk.finds(&among(Bounds::AMONG), "7").await;
}
