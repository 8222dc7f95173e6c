//! Every card, server and sub-agent of the shared data: read, registered, found, and written as it came.

use std::{collections::BTreeSet, fs, io::Read, path::PathBuf};

use flate2::read::GzDecoder;
use safeguards_cards::{
    AgentCard, Exporting, Imported, Importing, McpServer, Protocol, SubAgent, read_all,
};
use safeguards_discovery::{AgentRecord, MemoryRegistry, Query};
use serde_json::Value;

fn shared(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_none_or(|extension| extension != "gz") {
        return bytes;
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(&*bytes).read_to_end(&mut unpacked).unwrap();
    unpacked
}

/// Everything that a file says, and the objects on its lines.
fn read(name: &str, inner: Option<&str>) -> (Imported, Vec<Value>) {
    let bytes = shared(name);
    let imported = read_all(name, &bytes, &Importing::new());
    assert_eq!(imported.mistakes, []);
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let object = |line: &[u8]| {
        let value: Value = serde_json::from_slice(line).unwrap();
        inner.map_or_else(|| value.clone(), |inner| value[inner].clone())
    };
    (imported, lines.map(object).collect())
}

fn record(imported: &Imported, place: usize) -> AgentRecord {
    let registry = MemoryRegistry::new();
    let registration = imported.registrations[place].1.clone();
    let agent = registration.agent.clone();
    registry.sync().register(registration).unwrap();
    registry.sync().agent(&agent).unwrap()
}

#[test]
fn every_card_comes_and_goes_field_by_field() {
    let (imported, cards) = read("agent_cards.jsonl", Some("card"));
    assert_eq!((imported.registrations.len(), cards.len()), (26, 26));
    for (place, card) in cards.iter().enumerate() {
        let record = record(&imported, place);
        assert_eq!(record.capabilities.len(), card["skills"].as_array().unwrap().len());
        let out = AgentCard::of(&record, &Exporting::new()).unwrap();
        assert_eq!(out.into_value(), *card);
    }
}

/// What a card says of each field, once it is spelled as the current protocol does.
#[test]
fn every_card_is_a_card_of_the_current_protocol_too() {
    let (imported, cards) = read("agent_cards.jsonl", Some("card"));
    for (place, card) in cards.iter().enumerate() {
        let record = record(&imported, place);
        let options = Exporting::new().protocol(Protocol::LATEST);
        let (before, out) = (
            AgentCard::from_value(card.clone()).unwrap(),
            AgentCard::of(&record, &options).unwrap(),
        );
        assert_eq!(out.protocol(), Protocol::V1_0);
        assert_eq!(out.skills(), before.skills(), "{card}");
        let place = |card: &AgentCard| {
            let all = card.interfaces().unwrap().into_iter();
            all.map(|one| (one.url, one.binding)).collect::<BTreeSet<_>>()
        };
        assert_eq!(place(&out), place(&before));
        for field in ["name", "description", "version", "provider", "defaultInputModes", "iconUrl"]
        {
            assert_eq!(out.field(field), before.field(field), "{field} of {card}");
        }
        assert!(!out.fields().keys().any(|key| key.contains('_')), "{out:?}");
        // Back again, where it says where it is.
        if before.interfaces().unwrap().iter().any(|one| !one.url.is_empty()) {
            let back = out.in_protocol(Protocol::V0_3).unwrap();
            assert_eq!(place(&back), place(&before));
            assert_eq!(back.in_protocol(Protocol::V1_0).unwrap(), out);
        }
    }
}

#[test]
fn every_server_and_sub_agent_is_kept_whole() {
    let files = [
        ("capabilities_mcp_servers.jsonl.gz", McpServer::KIND, 330),
        ("capabilities_subagents.jsonl", SubAgent::KIND, 162),
    ];
    for (file, kind, many) in files {
        let (imported, objects) = read(file, None);
        assert_eq!((imported.registrations.len(), objects.len()), (many, many), "{file}");
        for ((_, registration), object) in imported.registrations.iter().zip(&objects) {
            assert_eq!(registration.documents[kind], *object);
            assert_eq!(
                registration.capabilities[0].description,
                object["description"].as_str().unwrap()
            );
        }
    }
}

/// All 518 in one registry: each is found by the capability that it has, and by its own words before most others.
#[test]
fn everybody_is_found_by_what_they_say_they_can_do() {
    let registry = MemoryRegistry::new();
    let mut everybody = Vec::new();
    for (file, inner) in [
        ("agent_cards.jsonl", Some("card")),
        ("capabilities_subagents.jsonl", None),
        ("capabilities_mcp_servers.jsonl.gz", None),
    ] {
        for (_, registration) in read(file, inner).0.registrations {
            registry.sync().register(registration.clone()).unwrap();
            everybody.push(registration);
        }
    }
    assert_eq!(everybody.len(), 518);
    let mut first_five = 0;
    for registration in &everybody {
        for capability in &registration.capabilities {
            let found = registry.sync().find(&Query::new(&capability.name).unwrap()).unwrap();
            assert!(found.names().any(|agent| *agent == registration.agent), "{capability}");
        }
        let words = registration.capabilities.first().map_or("", |one| &one.description);
        if words.chars().any(char::is_alphanumeric) {
            let found = registry.sync().find(&Query::search(words).limit(5)).unwrap();
            first_five += usize::from(found.names().any(|agent| *agent == registration.agent));
        } else {
            first_five += 1;
        }
    }
    assert!(first_five >= 500, "{first_five} of 518 are among the first five by their own words");
}
