//! Cards, servers and sub-agents: they come into a catalog, are found, and go out as they came.

use serde_json::{Value, json};

use super::Fleet;
#[cfg(shared_data)]
use crate::command::safeguards;

/// One agent as it is printed for people.
#[track_caller]
fn exported(fleet: &Fleet, args: &[&str]) -> Value {
    let ran = fleet.agents(&[&["export"], args].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn a_folder_is_read_and_what_describes_nobody_is_passed_over() {
    let fleet = Fleet::empty();
    fleet
        .file("all/card.json", json!({"name": "Pricing", "skills": [{"id": "quote"}]}).to_string());
    fleet.file("all/README.md", "# Agents\n");
    fleet.file("all/BADGE.md", "[![tests](x.svg)](y)\n");
    fleet.file(
        "all/package.json",
        r#"{"name": "x", "version": "1.0.0", "repository": {"url": "y"}}"#,
    );
    fleet.file(
        "all/reviewer.md",
        "---\nname: reviewer\ndescription: reviews code: all of it\n---\nYou are…\n",
    );
    let all = fleet.file("all/logo.png", b"\x89PNG");
    let folder = std::path::Path::new(&all).parent().unwrap().to_str().unwrap().to_owned();
    let report = fleet.agents(&["import", &folder, "--json"]).report();
    assert_eq!(report["added"], json!(["pricing", "reviewer"]));
    assert_eq!((&report["files"], &report["passed_over"]), (&json!(2), &json!(4)), "{report}");
    // One that means to describe somebody, and does not, is told.
    let broken = fleet.file("broken/reviewer.md", "---\nname: reviewer\n");
    let ran = fleet
        .agents(&["import", std::path::Path::new(&broken).parent().unwrap().to_str().unwrap()]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.starts_with("error cards.front_matter: "), "{}", ran.stderr);
    // Named, it must describe somebody.
    let readme = format!("{folder}/README.md");
    let ran = fleet.agents(&["import", &readme, &all]);
    assert_eq!(ran.code, Some(2));
    let told: Vec<&str> = ran.stderr.lines().collect();
    assert!(told[0].starts_with("error cards.unknown_form: "), "{told:?}");
    assert!(told[0].contains("README.md: `# Agents` describes no agent"), "{told:?}");
    assert!(told[1].contains("logo.png: "), "{told:?}");
}

#[test]
fn bad_cards_among_good_ones_stop_nobody() {
    let fleet = Fleet::empty();
    let card = |number: usize| match number % 2 {
        0 => json!({"name": format!("good {number:02}"), "skills": [{"id": "x"}]}),
        _ => json!({"name": format!("bad {number:02}"), "skills": [{"id": ["x"]}]}),
    };
    let cards = fleet.file("cards.json", (0..100).map(card).collect::<Value>().to_string());
    let ran = fleet.agents(&["import", &cards, "--json"]);
    assert_eq!(ran.code, Some(2));
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["added"].as_array().unwrap().len(), 50);
    let mistakes = report["mistakes"].as_array().unwrap();
    assert_eq!(mistakes.len(), 50);
    let first = &mistakes[0];
    assert_eq!((&first["code"], &first["index"]), (&json!("cards.invalid_field"), &json!(1)));
    assert_eq!((&first["field"], &first["value"]), (&json!("skills[0].id"), &json!("a list")));
}

#[test]
fn a_card_goes_out_with_what_has_changed_and_for_another_protocol() {
    let fleet = Fleet::empty();
    let card = json!({
        "name": "Pricing", "description": "quotes", "version": "1.0", "url": "https://example.com",
        "x": [1], "skills": [{"id": "quote", "description": "quotes prices"}],
    });
    let file = fleet.file("card.json", card.to_string());
    fleet.agents(&["import", &file, "--agent", "shop"]);
    assert_eq!(exported(&fleet, &["shop"]), card);
    let more = r#"{"agent":"shop","capabilities":[{"name":"ship","description":"ships"}]}"#;
    let more = fleet.file("more.jsonl", more);
    fleet.agents(&["import", &more]);
    let out = exported(&fleet, &["shop", "--protocol", "1.0"]);
    assert_eq!(
        out["skills"][1],
        json!({"id": "ship", "name": "ship", "description": "ships", "tags": []})
    );
    assert_eq!(out["supportedInterfaces"][0]["url"], "https://example.com");
    assert_eq!((&out["x"], &out["url"]), (&json!([1]), &Value::Null));
    fleet.agents(&["export", "shop", "--protocol", "2"]).refused(&["1.0 and 0.3"]);
}

#[test]
fn who_never_had_a_card_gets_one_where_a_url_is_given() {
    let fleet = Fleet::new();
    fleet.agents(&["export", "reader", "--as", "card"]).refused(&["came without a card", "url"]);
    fleet.agents(&["export", "reader"]).refused(&["--as card --url URL"]);
    let out = exported(&fleet, &["reader", "--as", "card", "--url", "https://x.example"]);
    assert_eq!(out["skills"][0]["id"], "data.retrieval");
}

#[cfg(shared_data)]
mod real {
    use super::*;

    fn shared(name: &str) -> String {
        format!("{}/../../../shared/data/{name}", env!("CARGO_MANIFEST_DIR"))
    }

    fn fleet() -> Fleet {
        let fleet = Fleet::empty();
        for (file, many) in [
            ("agent_cards.jsonl", 26),
            ("capabilities_subagents.jsonl", 162),
            ("capabilities_mcp_servers.jsonl.gz", 330),
        ] {
            let report = fleet.agents(&["import", &shared(file), "--json"]).report();
            assert_eq!(report["added"].as_array().unwrap().len(), many, "{report}");
            assert_eq!(report["mistakes"], json!([]));
            // Once more: nothing is new.
            let again = fleet.agents(&["import", &shared(file), "--json"]).report();
            assert_eq!(again["unchanged"].as_array().unwrap().len(), many);
        }
        fleet
    }

    #[test]
    fn all_of_them_come_are_found_and_go() {
        let fleet = fleet();
        let names = |args: &[&str]| fleet.names(&[&["find"], args].concat());
        let currency = names(&["--search", "currency conversion", "--limit", "2"]);
        assert_eq!(currency, ["currency-conversion-agent", "currency-conversion-agent-2"]);
        assert_eq!(names(&["mcp", "--limit", "1000"]).len(), 330);
        let writers = names(&["core-development", "--with", "tools=Write", "--limit", "1000"]);
        assert!(writers.contains(&"api-designer".to_owned()), "{writers:?}");

        let cards = std::fs::read_to_string(shared("agent_cards.jsonl")).unwrap();
        let cards: Vec<Value> = cards
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["card"].take())
            .collect();
        let out = safeguards(&["agents", "export", "--from", &shared("agent_cards.jsonl")]);
        assert_eq!(out.code, Some(0), "{}", out.stderr);
        let gone: Vec<Value> =
            out.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(gone.len(), cards.len());
        for card in cards {
            assert!(gone.contains(&card), "{card}");
        }
        // The same from the catalog, one by one.
        let flights = &names(&["--search", "book air tickets"])[0];
        let out = exported(&fleet, &[flights]);
        assert!(gone.contains(&out), "{out}");
    }
}
