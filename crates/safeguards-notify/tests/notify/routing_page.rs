//! The page on rules: each of its examples is read and routed by.

use std::sync::Arc;

use safeguards_notify::{Router, Rules};
use safeguards_types::Timestamp;

const PAGE: &str = include_str!("../../../../docs/reference/alert-rules.md");

/// The insides of the blocks of a language.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let open = format!("```{language}\n");
    let inside = |rest: &'p str| rest.split_once("\n```").expect("the block has an end").0;
    page.split(&open).skip(1).map(inside).collect()
}

#[test]
fn the_examples_of_the_page_are_rules() {
    let examples = blocks(PAGE, "toml");
    assert!(examples.len() >= 5, "the page shows {} examples", examples.len());
    let channels: [Arc<str>; 4] = ["ops", "slack", "mail", "pager"].map(Into::into);
    let now = Timestamp::parse("2026-11-22T00:00:00Z").unwrap();
    for example in examples {
        let rules = Rules::from_toml(example).unwrap_or_else(|error| panic!("{error}:\n{example}"));
        let router =
            Router::new(rules, &channels).unwrap_or_else(|error| panic!("{error}:\n{example}"));
        assert_eq!(router.warnings(now), [], "{example}");
    }
}

#[test]
fn the_page_names_every_key() {
    let text =
        "unknown = 1\n[[route]]\nunknown = 1\n[[silence]]\nunknown = 1\n[[inhibit]]\nunknown = 1\n";
    let error = Rules::from_toml(text).unwrap_err();
    let mut keys = 0;
    for mistake in error.mistakes() {
        let Some((_, listed)) = mistake.message.split_once("; there are ") else {
            continue;
        };
        for key in listed.replace(" and ", ", ").split(", ") {
            assert!(
                PAGE.contains(&format!("| `{key}`")) || PAGE.contains(&format!(", `{key}`")),
                "{key}"
            );
            keys += 1;
        }
    }
    assert!(keys >= 30, "{keys} keys looked for");
}
