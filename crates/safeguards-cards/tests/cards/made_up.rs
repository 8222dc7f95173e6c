//! Cards as they might come: unknown fields, wrong fields, changed agents, other protocols, noise.

use proptest::prelude::*;
use safeguards_cards::{AgentCard, CardError, Exporting, Form, Importing, Protocol, read_all};
use safeguards_discovery::{AgentRecord, Capability, MemoryRegistry, Registration};
use serde_json::{Value, json};

fn registered(registration: Registration) -> (MemoryRegistry, AgentRecord) {
    let registry = MemoryRegistry::new();
    let agent = registration.agent.clone();
    registry.sync().register(registration).unwrap();
    let record = registry.sync().agent(&agent).unwrap();
    (registry, record)
}

fn card() -> Value {
    json!({
        "name": "Trip Planner", "description": "plans trips", "version": "1.4", "url": "https://example.com/a2a",
        "preferredTransport": "GRPC", "protocolVersion": "0.3.0",
        "capabilities": {"streaming": true, "pushNotifications": false, "x": [1, {"y": null}]},
        "defaultInputModes": ["text/plain"], "defaultOutputModes": ["application/json"],
        "additionalInterfaces": [{"url": "https://example.com/rest", "transport": "HTTP+JSON"}],
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}, "own": {"type": "zzz"}},
        "security": [{"key": ["read"]}],
        "supportsAuthenticatedExtendedCard": true,
        "signatures": [{"protected": "e30", "signature": "x"}],
        "x-own": 1.5,
        "skills": [
            {"id": "flights.search", "name": "Search flights", "description": "finds flights", "tags": ["air", "air"],
             "examples": ["to Oslo"], "x-skill": true},
            {"id": "flights.search", "name": "Again", "description": "", "tags": [], "outputModes": ["image/png"]},
            {"id": "日本", "name": "日本", "description": "日本へ", "tags": []},
        ],
    })
}

#[test]
fn skills_become_capabilities() {
    let registration = AgentCard::from_value(card()).unwrap().to_registration(None, None);
    registration.check().unwrap();
    assert_eq!(registration.agent.as_str(), "trip-planner");
    let told: Vec<String> = registration.capabilities.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["flights.search 1.4.0", "flights.search-2 1.4.0", "skill 1.4.0"]);
    let first = &registration.capabilities[0];
    assert_eq!(first.tags, ["air"]);
    assert_eq!(first.metadata["skill"], json!({"id": "flights.search", "name": "Search flights"}));
    assert_eq!(first.metadata["output_modes"], json!(["application/json"]));
    assert_eq!(registration.capabilities[1].metadata["output_modes"], json!(["image/png"]));
    assert_eq!(first.metadata["protocols"], json!(["GRPC", "HTTP+JSON"]));
    assert_eq!(first.metadata["streaming"], json!(true));
}

#[test]
fn what_changed_in_the_registry_changes_on_the_card() {
    let given = AgentCard::from_value(card()).unwrap();
    let (registry, record) = registered(given.to_registration(None, None));
    assert_eq!(AgentCard::of(&record, &Exporting::new()).unwrap(), given);

    let sync = registry.sync();
    let gone = &record.capabilities.iter().find(|one| one.name.as_str() == "skill").unwrap().name;
    sync.withdraw(&record.agent, gone, None).unwrap();
    let more = Capability::new("hotels.book").unwrap().describe("books hotels").tag("bed");
    sync.register(Registration::lasting(&record.agent).capability(more)).unwrap();
    let record = sync.agent(&record.agent).unwrap();
    let mut expected = card();
    let skills = expected["skills"].as_array_mut().unwrap();
    skills.remove(2);
    skills.push(json!({"id": "hotels.book", "name": "hotels.book", "description": "books hotels", "tags": ["bed"]}));
    // They were of the card as it was.
    expected.as_object_mut().unwrap().remove("signatures");
    assert_eq!(AgentCard::of(&record, &Exporting::new()).unwrap().into_value(), expected);
}

#[test]
fn a_card_goes_from_protocol_to_protocol_with_all_that_nobody_knows() {
    let old = AgentCard::from_value(card()).unwrap();
    let new = old.in_protocol(Protocol::V1_0).unwrap();
    let fields = new.fields();
    assert_eq!(
        fields["supportedInterfaces"],
        json!([
            {"url": "https://example.com/a2a", "protocolBinding": "GRPC", "protocolVersion": "0.3.0"},
            {"url": "https://example.com/rest", "protocolBinding": "HTTP+JSON", "protocolVersion": "0.3.0"},
        ])
    );
    assert_eq!(fields["capabilities"]["extendedAgentCard"], json!(true));
    assert_eq!(fields["capabilities"]["x"], json!([1, {"y": null}]));
    assert_eq!(fields["x-own"], json!(1.5));
    assert_eq!(fields["skills"][0]["x-skill"], json!(true));
    assert_eq!(fields["securityRequirements"], json!([{"schemes": {"key": {"list": ["read"]}}}]));
    assert_eq!(
        fields["securitySchemes"],
        json!({
            "key": {"apiKeySecurityScheme": {"location": "header", "name": "X-Key"}}, "own": {"type": "zzz"}
        })
    );
    for left in ["url", "preferredTransport", "protocolVersion", "security", "signatures"] {
        assert!(!fields.contains_key(left), "{left}");
    }
    let mut expected = card();
    expected.as_object_mut().unwrap().remove("signatures");
    expected["additionalInterfaces"][0]["protocolVersion"] = json!("0.3.0");
    assert_eq!(new.in_protocol(Protocol::V0_3).unwrap().into_value(), expected);
}

#[test]
fn what_has_no_place_in_the_other_protocol_stays_where_it_is() {
    #[track_caller]
    fn check(extra: &Value, to: Protocol, kept: &[(&str, Value)]) {
        let mut card = json!({"name": "a", "skills": []});
        card.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let out = AgentCard::from_value(card).unwrap().in_protocol(to).unwrap().into_value();
        for (pointer, value) in kept {
            assert_eq!(out.pointer(pointer), Some(value), "{pointer} of {out}");
        }
    }
    let two = json!([{"url": "u1", "protocolBinding": "GRPC"}, {"url": "u2", "protocolBinding": "JSONRPC"}]);
    check(
        &json!({"supportedInterfaces": two, "additionalInterfaces": null}),
        Protocol::V0_3,
        &[("/url", json!("u1")), ("/additionalInterfaces/0/url", json!("u2"))],
    );
    let needs = json!([{"schemes": {"o": ["read"]}}]);
    check(
        &json!({"url": "u", "securityRequirements": needs}),
        Protocol::V0_3,
        &[("/securityRequirements", needs)],
    );
    let beside = json!({"k": {"apiKeySecurityScheme": {"name": "x"}, "x-own": 1}});
    check(
        &json!({"url": "u", "securitySchemes": beside}),
        Protocol::V0_3,
        &[("/securitySchemes", beside)],
    );
    let extended =
        &json!({"supportsAuthenticatedExtendedCard": true, "capabilities": null, "url": "u"});
    check(extended, Protocol::V1_0, &[("/capabilities/extendedAgentCard", json!(true))]);
    check(
        &json!({"supportsAuthenticatedExtendedCard": false, "capabilities": {"extendedAgentCard": true}}),
        Protocol::V1_0,
        &[
            ("/supportsAuthenticatedExtendedCard", json!(false)),
            ("/capabilities/extendedAgentCard", json!(true)),
        ],
    );
    check(
        &json!({"protocolVersion": "0.2.5", "preferredTransport": "GRPC"}),
        Protocol::V1_0,
        &[("/protocolVersion", json!("0.2.5")), ("/preferredTransport", json!("GRPC"))],
    );
    let same = json!([{"url": "u", "transport": "JSONRPC", "tenant": "t7"}]);
    check(
        &json!({"url": "u", "additionalInterfaces": same}),
        Protocol::V1_0,
        &[("/supportedInterfaces/1/tenant", json!("t7"))],
    );
    check(
        &json!({"url": null, "protocolVersion": null, "preferredTransport": null}),
        Protocol::V1_0,
        &[("/supportedInterfaces", json!([]))],
    );
    check(
        &json!({"defaultInputModes": null, "default_input_modes": ["text/x"]}),
        Protocol::V1_0,
        &[("/defaultInputModes", json!(["text/x"]))],
    );
}

/// Names are made unique by number; that takes no longer for many of one name than for many names.
#[test]
fn many_of_one_name_are_read() {
    let skills: Vec<Value> = (0..1_024).map(|_| json!({"id": "a"})).collect();
    let card = AgentCard::from_value(json!({"name": "a", "skills": skills})).unwrap();
    let registration = card.to_registration(None, None);
    registration.check().unwrap();
    assert_eq!(registration.capabilities[1_023].name.as_str(), "a-1024");
    let skills: Vec<Value> = (0..1_025).map(|_| json!({"id": "a"})).collect();
    let error = AgentCard::from_value(json!({"name": "a", "skills": skills})).unwrap_err();
    assert!(error.to_string().contains("at most 1024 skills"), "{error}");

    let line = |version: u32| {
        json!({"name": "a", "version": version.to_string(), "skills": []}).to_string()
    };
    let lines: Vec<String> = (0..20_000).map(line).collect();
    let imported = read_all("many.jsonl", lines.join("\n").as_bytes(), &Importing::new());
    assert_eq!((imported.registrations.len(), imported.mistakes), (20_000, vec![]));
    assert_eq!(imported.registrations[19_999].1.agent.as_str(), "a-20000");
}

#[test]
fn an_agent_without_a_card_gets_one() {
    let skill = Capability::new("data.analysis")
        .unwrap()
        .version("2.1.0")
        .unwrap()
        .describe("weighs notes");
    let (_, record) =
        registered(Registration::lasting("analysis").capability(skill).describe("an analyst"));
    let error = AgentCard::of(&record, &Exporting::new()).unwrap_err();
    assert_eq!(error.code(), "cards.invalid_field");
    assert!(error.to_string().contains("`analysis` came without a card"), "{error}");
    let made = AgentCard::of(&record, &Exporting::new().url("https://example.com/a2a")).unwrap();
    assert_eq!((made.name(), made.version()), ("analysis", Some("2.1.0")));
    assert_eq!(made.interfaces().unwrap()[0].url, "https://example.com/a2a");
    let again = made.to_registration(None, None);
    assert_eq!(again.capabilities[0].to_string(), "data.analysis 2.1.0");
    assert_eq!(again.capabilities[0].description, "weighs notes");
    // As 0.3 spells it.
    let old = Exporting::new().url("https://example.com/a2a").protocol(Protocol::V0_3);
    let old = AgentCard::of(&record, &old).unwrap();
    assert_eq!(old.fields()["url"], json!("https://example.com/a2a"));
}

#[track_caller]
fn check_refused(text: &str, code: &str, part: &str) {
    let imported = read_all("x.json", text.as_bytes(), &Importing::new());
    assert_eq!(imported.registrations, [], "{text:.80}");
    let [mistake] = imported.mistakes.as_slice() else { panic!("{:?}", imported.mistakes) };
    assert_eq!(mistake.error.code(), code, "{mistake}");
    assert!(mistake.to_string().contains(part), "{mistake}");
    assert!(mistake.to_string().starts_with("x.json"), "{mistake}");
    assert!(mistake.to_string().len() < 1_000, "{mistake}");
}

#[test]
fn what_is_no_card_is_told_why() {
    check_refused("", "cards.unknown_form", "describes no agent");
    check_refused("<html>", "cards.unknown_form", "<html>");
    check_refused("\u{1b}[31m", "cards.unknown_form", "\\u{1b}");
    check_refused("{", "cards.not_json", "EOF");
    check_refused("[1]", "cards.unknown_form", "`1`");
    check_refused("{}", "cards.unknown_form", "`{}`");
    check_refused(
        r#"{"name": "a", "name": "b", "skills": []}"#,
        "cards.not_json",
        "`name` stands there twice",
    );
    check_refused(r#"{"skills": []}"#, "cards.invalid_field", "name: `nothing`");
    check_refused(r#"{"name": "  ", "skills": []}"#, "cards.invalid_field", "not empty");
    check_refused(r#"{"name": "a", "url": "x"}"#, "cards.invalid_field", "skills: `nothing`");
    check_refused(r#"{"name": "a", "skills": {}}"#, "cards.invalid_field", "skills: `an object`");
    check_refused(
        r#"{"name": "a", "skills": [{"id": 7}]}"#,
        "cards.invalid_field",
        "skills[0].id: `a number`",
    );
    check_refused(
        r#"{"name": "a", "skills": [{}]}"#,
        "cards.invalid_field",
        "skills[0].id: `nothing`",
    );
    check_refused(
        r#"{"name": "a", "skills": [{"id": "x", "tags": "y"}]}"#,
        "cards.invalid_field",
        "skills[0].tags",
    );
    check_refused(
        r#"{"name": "a", "skills": [], "additionalInterfaces": [1]}"#,
        "cards.invalid_field",
        "additionalInterfaces[0]",
    );
    check_refused(&"[".repeat(100_000), "cards.not_json", "recursion");
    let big = json!({"name": "a", "skills": [{"id": "x", "description": "y".repeat(20_000)}]});
    check_refused(&big.to_string(), "cards.invalid_field", "16384");
}

#[test]
fn bad_cards_among_good_ones_stop_nobody() {
    let lines: Vec<String> = (0..100)
        .map(|number| match number % 2 {
            0 => json!({"name": format!("agent {number}"), "skills": [{"id": "x"}]}).to_string(),
            _ => r#"{"name": 7, "skills": []}"#.to_owned(),
        })
        .collect();
    let imported = read_all("many.jsonl", lines.join("\n").as_bytes(), &Importing::new());
    assert_eq!((imported.registrations.len(), imported.mistakes.len()), (50, 50));
    assert_eq!(imported.mistakes[0].place.to_string(), "many.jsonl:2");
    let imported =
        read_all("many.json", format!("[{}]", lines.join(",")).as_bytes(), &Importing::new());
    assert_eq!((imported.registrations.len(), imported.mistakes.len()), (50, 50));
    assert_eq!(imported.mistakes[0].place.to_string(), "many.json[1]");
}

#[test]
fn names_that_come_twice_get_a_number_and_the_same_agent_is_one() {
    let one = json!({"name": "A", "skills": []});
    let other = json!({"name": "a", "skills": [], "version": "2"});
    let list = json!([one, other, one, other]).to_string();
    let imported = read_all("a.json", list.as_bytes(), &Importing::new());
    let names: Vec<&str> =
        imported.registrations.iter().map(|(_, one)| one.agent.as_str()).collect();
    assert_eq!(names, ["a", "a-2"]);
    let imported = read_all("a.json", list.as_bytes(), &Importing::new().agent("me"));
    assert_eq!(imported.registrations.len(), 1);
    assert!(matches!(&imported.mistakes[0].error, CardError::Duplicate { agent } if agent == "me"));
}

#[test]
fn servers_of_other_forms_are_known() {
    #[track_caller]
    fn check(value: &Value, agent: &str, capabilities: &[&str]) {
        let imported =
            read_all("tools-of/iotdb.json", value.to_string().as_bytes(), &Importing::new());
        assert_eq!(imported.mistakes, []);
        let (_, registration) = &imported.registrations[0];
        assert_eq!(registration.agent.as_str(), agent);
        let told: Vec<String> = registration.capabilities.iter().map(ToString::to_string).collect();
        assert_eq!(told, capabilities);
    }
    let server = json!({
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-10-17/server.schema.json",
        "name": "io.github.apache/iotdb.mcp", "description": "asks IoTDB", "version": "1.0.2",
        "packages": [{"registryType": "pypi", "identifier": "iotdb-mcp",
            "environmentVariables": [{"name": "IOTDB_PASSWORD", "isSecret": true, "default": "root"}]}],
        "remotes": [{"type": "sse", "url": "https://example.com"}],
    });
    check(&server, "io.github.apache/iotdb.mcp", &["mcp.iotdb-mcp 1.0.2"]);
    check(
        &json!({"server": server, "_meta": {}}),
        "io.github.apache/iotdb.mcp",
        &["mcp.iotdb-mcp 1.0.2"],
    );
    let wrapped = json!({"server": server, "_meta": {"x": 1}}).to_string();
    let kept = read_all("one.json", wrapped.as_bytes(), &Importing::new());
    let kept = &kept.registrations[0].1.documents["mcp-server"];
    assert_eq!(kept.to_string(), serde_json::from_str::<Value>(&wrapped).unwrap().to_string());
    let all = read_all(
        "all.json",
        json!({"servers": [{"server": server}]}).to_string().as_bytes(),
        &Importing::new(),
    );
    let metadata = &all.registrations[0].1.capabilities[0].metadata;
    assert_eq!(metadata["env"], json!(["IOTDB_PASSWORD"]));
    assert!(!Value::Object(metadata.clone()).to_string().contains("root"));
    let tools = json!({"tools": [
        {"name": "select_query", "description": "runs SELECT", "inputSchema": {"type": "object"}},
        {"name": "select.query", "inputSchema": {}},
    ]});
    let expected = ["mcp.iotdb.select_query", "mcp.iotdb.select-query"];
    check(&tools, "iotdb", &expected);
    let deep = (0..40).fold(json!({}), |inner, _| json!({"properties": inner}));
    check(&json!({"tools": [{"name": "deep", "inputSchema": deep}]}), "iotdb", &["mcp.iotdb.deep"]);
    check(&json!({"jsonrpc": "2.0", "id": 1, "result": tools}), "iotdb", &expected);
}

#[test]
fn a_form_may_be_said() {
    let bytes = json!({"name": "a", "tools": ["Read"]}).to_string();
    let read = |form| read_all("a", bytes.as_bytes(), &Importing::new().form(form));
    assert_eq!(read(Form::SubAgent).registrations.len(), 1);
    assert_eq!(read(Form::McpServer).registrations[0].1.capabilities[0].to_string(), "mcp.a");
    assert_eq!(read(Form::AgentCard).mistakes.len(), 1);
}

/// Any JSON, not deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("a number", |number| number.is_finite()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Puts a field that nobody knows into one of the objects of a card: which, is chosen by a number.
fn put(value: &mut Value, place: &mut usize, key: &str, field: &Value) -> bool {
    match value {
        Value::Object(object) => {
            if *place == 0 {
                object.insert(key.to_owned(), field.clone());
                return true;
            }
            *place -= 1;
            object.values_mut().any(|inner| put(inner, place, key, field))
        }
        Value::Array(list) => list.iter_mut().any(|inner| put(inner, place, key, field)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

proptest! {
    #[test]
    fn fields_that_nobody_knows_come_back(
        fields in prop::collection::vec((0_usize..10, "x_[a-z]{1,6}|x[A-Z][a-z]{1,6}", any_json()), 0..6),
    ) {
        let mut given = card();
        // They go where a card changes.
        given.as_object_mut().unwrap().remove("signatures");
        for (place, key, field) in &fields {
            put(&mut given, &mut place.clone(), key, field);
        }
        let card = AgentCard::from_value(given.clone()).unwrap();
        let (_, record) = registered(card.to_registration(None, None));
        prop_assert_eq!(AgentCard::of(&record, &Exporting::new()).unwrap().into_value(), given);
        // Each is there in the other protocol, too, and comes back from there.
        let other = card.in_protocol(Protocol::V1_0).unwrap();
        let text = Value::Object(other.fields().clone()).to_string();
        for (_, key, _) in &fields {
            prop_assert!(text.contains(&format!("\"{key}\"")), "{key}");
        }
    }

    #[test]
    fn noise_is_told_and_panics_nowhere(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        cut in 0_usize..900,
        flip in any::<u8>(),
    ) {
        read_all("noise", &bytes, &Importing::new());
        let mut card = card().to_string().into_bytes();
        let place = cut % card.len();
        card[place] = flip;
        read_all("flipped", &card, &Importing::new());
        card.truncate(place);
        prop_assert_eq!(read_all("torn", &card, &Importing::new()).registrations, []);
        for form in [Form::AgentCard, Form::McpServer, Form::McpTools, Form::SubAgent] {
            read_all("noise", &bytes, &Importing::new().form(form));
        }
    }

    #[test]
    fn any_json_is_a_card_or_told(value in any_json(), skills in any_json()) {
        let card = json!({"name": "a", "skills": skills, "capabilities": value, "additionalInterfaces": value, "url": value});
        for value in [card, value] {
            let imported = read_all("any", value.to_string().as_bytes(), &Importing::new());
            prop_assert!(imported.registrations.len() + imported.mistakes.len() >= usize::from(value != json!([])));
            for (_, registration) in imported.registrations {
                prop_assert!(registration.check().is_ok());
            }
        }
    }
}
